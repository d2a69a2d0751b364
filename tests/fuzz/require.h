/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_FUZZ_REQUIRE_H
#define AG_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>

/** The oracle of a fuzz target: what is not so is a finding. */
static inline void require(bool truth)
{
	if (!truth)
		abort();
}

#endif
