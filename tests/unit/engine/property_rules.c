/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Invariants 2, 3 and 4 under rules: whatever is refused, answered, rewritten, held and timed out,
 * each request has exactly one answer, each packet exactly one completion, each PDU its place.
 */

#include <criterion/criterion.h>

#include "tests/sim/property.h"

#define ACTION(name) (1u << AG_SIM_##name)

/* Invariant 2. */
Test(answers, exactly_one)
{
	static const struct ag_sim_property property = {
		.name = "exactly_one",
		.salt = AG_SALT_ANSWERS,
		.eatt = true,
		.per_mille = 120,
		.actions = ACTION(ACCEPT) | ACTION(REJECT) | ACTION(REJECT_ERROR) | ACTION(ANSWER) |
			   ACTION(LOG),
	};
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.verdicts[AG_V_REJECT], totals.cases);
	cr_assert_gt(totals.verdicts[AG_V_ANSWER], 0);
}

Test(answers, exactly_one_in_time)
{
	static const struct ag_sim_property property = {
		.name = "exactly_one_in_time",
		.salt = AG_SALT_ANSWERS_IN_TIME,
		.eatt = true,
		.per_mille = 80,
		.actions = ACTION(TIMEOUT) | ACTION(REJECT) | ACTION(DELAY),
	};
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.verdicts[AG_V_TIMEOUT], 0);
	cr_assert_gt(totals.verdicts[AG_V_LATE], 0);
}

static void flow(struct ag_random *random, struct ag_sim_case *what)
{
	static const uint16_t lengths[] = { 0, 27, 64 };

	what->flow = ag_random_percent(random, 25);
	what->usb = ag_random_percent(random, 25);
	what->acl_max[AG_SIDE_HOST] = lengths[ag_random_below(random, 3)];
	what->acl_max[AG_SIDE_CONTROLLER] = lengths[ag_random_below(random, 3)];
}

/* Invariant 3. */
Test(credits, balance)
{
	static const struct ag_sim_property property = { .name = "balance",
							 .salt = AG_SALT_CREDITS,
							 .eatt = true,
							 .per_mille = 150,
							 .actions = AG_SIM_SAFE_ACTIONS,
							 .prepare = flow };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.completions, totals.cases * 5u);
}

static void calm(struct ag_random *random, struct ag_sim_case *what)
{
	flow(random, what);
	what->calm = true;
}

Test(credits, balance_on_lasting_links)
{
	static const struct ag_sim_property property = { .name = "balance_on_lasting_links",
							 .salt = AG_SALT_LASTING_LINKS,
							 .eatt = true,
							 .per_mille = 100,
							 .actions = AG_SIM_SAFE_ACTIONS,
							 .prepare = calm };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
}

/* Invariant 4. */
Test(order, is_kept)
{
	static const struct ag_sim_property property = {
		.name = "is_kept",
		.salt = AG_SALT_ORDER,
		.eatt = true,
		.per_mille = 100,
		.actions = ACTION(DELAY) | ACTION(DELAY_ENCRYPTED) | ACTION(DUPLICATE) |
			   ACTION(REWRITE_VALUE) | ACTION(REWRITE_ERROR) | ACTION(REJECT),
	};
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.pdus, totals.cases * 10u);
}

/* Everything at once, requests that are dropped and links that a rule ends included. */
Test(rules, all_actions)
{
	static const struct ag_sim_property property = { .name = "all_actions",
							 .salt = AG_SALT_ALL_ACTIONS,
							 .eatt = true,
							 .per_mille = 50,
							 .actions = AG_SIM_ALL_ACTIONS,
							 .prepare = flow };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.verdicts[AG_V_DISCONNECT], 0);
	cr_assert_gt(totals.verdicts[AG_V_DROP], 0);
}
