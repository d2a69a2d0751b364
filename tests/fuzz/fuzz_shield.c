/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A peer that says anything to a host behind the shipped shield: tests/sim/shield.h says what must
 * come of it.
 *
 * aims at: proxy/engine/malformed.c proxy/wire/att*.c
 */

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/shield.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *fault = ag_sim_shield(data, size, NULL);

	if (!fault)
		return 0;
	fprintf(stderr, "%s\n", fault);
	abort();
}
