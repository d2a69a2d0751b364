/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whatever a peer says, what reaches the host behind the shipped shield is sound, and what is sound
 * reaches it. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/sim/property.h"
#include "tests/sim/shield.h"

enum { SALT = 0x71, LONGEST = 2000 };

static void one(uint64_t seed, struct ag_sim_shield_count *count)
{
	struct ag_random random = { .state = seed };
	static uint8_t program[LONGEST];
	const char *fault;

	ag_random_fill(&random, program, sizeof(program));
	fault = ag_sim_shield(program, ag_random_range(&random, 40, LONGEST), count);
	cr_assert_null(fault, "AG_SEED=0x%llx: %s", (unsigned long long)seed, fault);
}

Test(shield, only_what_is_sound_and_all_of_it)
{
	const char *only = getenv("AG_SEED");
	struct ag_sim_shield_count count = { 0 };
	unsigned int cases = ag_sim_cases(100);

	if (only) {
		if (strtoull(only, NULL, 0) >> 32 == SALT)
			one(strtoull(only, NULL, 0), &count);
		return;
	}
	for (unsigned int i = 0; i < cases; i++)
		one((uint64_t)SALT << 32 | i, &count);
	cr_expect_gt(count.faulty, cases * 20u);
	cr_expect_gt(count.sound, cases * 20u);
	cr_expect_gt(count.replaced, cases * 2u);
}
