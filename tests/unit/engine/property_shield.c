/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whatever a peer says, what reaches the host behind the shipped shield is sound, and what is sound
 * reaches it. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/property.h"
#include "tests/sim/shield.h"

enum { LONGEST = 2000 };

static void one(uint64_t seed, struct ag_sim_shield_count *count)
{
	struct ag_random random = { .state = seed };
	static uint8_t program[LONGEST];
	const char *fault;

	ag_random_fill(&random, program, sizeof(program));
	fault = ag_sim_shield(program, ag_random_range(&random, 40, LONGEST), count);
	cr_assert_null(fault, "AG_SEED=0x%llx: %s", (unsigned long long)seed, fault);
}

/* The shipped shield, as rules that the second opinion takes for none. */
static struct ag_sim_rules shield;

static void behind_shield(struct ag_random *random, struct ag_sim_case *what)
{
	what->fits = true;
	what->flow = ag_random_percent(random, 25);
	what->rules = &shield;
}

Test(shield, strict_models_do_not_notice_it)
{
	static const struct ag_sim_property property = { .name = "strict_models_do_not_notice_it",
							 .salt = AG_SALT_SHIELDED_MODELS,
							 .per_mille = 40,
							 .eatt = true,
							 .prepare = behind_shield };
	static char text[16 * 1024];
	struct ag_source source = { .name = "10-shield.rules", .text = text };
	FILE *file = fopen("rules.d/10-shield.rules", "re");
	struct ag_sim_totals totals;

	cr_assert(file);
	source.len = fread(text, 1, sizeof(text), file);
	fclose(file);
	cr_assert_lt(source.len, sizeof(text));
	cr_assert_eq(ag_ruleset_compile(&source, 1, &shield.set, NULL), 0);
	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_geq(totals.judged, totals.cases * 10u);
	cr_assert_eq(totals.verdicts[AG_V_REJECT] + totals.verdicts[AG_V_ANSWER], 0);
	ag_ruleset_free(shield.set);
}

Test(shield, only_what_is_sound_and_all_of_it)
{
	const char *only = getenv("AG_SEED");
	struct ag_sim_shield_count count = { 0 };
	unsigned int cases = ag_sim_cases(100);

	if (only) {
		if (strtoull(only, NULL, 0) >> 32 == AG_SALT_SHIELD)
			one(strtoull(only, NULL, 0), &count);
		return;
	}
	for (unsigned int i = 0; i < cases; i++)
		one((uint64_t)AG_SALT_SHIELD << 32 | i, &count);
	cr_expect_gt(count.faulty, cases * 20u);
	cr_expect_gt(count.sound, cases * 20u);
	cr_expect_gt(count.replaced, cases * 2u);
}
