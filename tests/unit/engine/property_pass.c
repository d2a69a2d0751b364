/* SPDX-License-Identifier: GPL-2.0-or-later */

/* PDUs that pass without a decision: whoever asks later is told the same, and in every other way
 * too it is as if each had been decided on. */

#include <criterion/criterion.h>

#include "tests/sim/property.h"

static void beside_a_twin(struct ag_random *random, struct ag_sim_case *what)
{
	what->twin = true;
	what->flow = ag_random_percent(random, 25);
	what->usb = ag_random_percent(random, 25);
	what->acl_max[AG_SIDE_HOST] = ag_random_percent(random, 30) ? 27 : 0;
}

Test(pass, changes_nothing)
{
	static const struct ag_sim_property property = { .name = "changes_nothing",
							 .salt = AG_SALT_PASSING,
							 .eatt = true,
							 .per_mille = 40,
							 .actions = AG_SIM_ALL_ACTIONS,
							 .prepare = beside_a_twin };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.passed, totals.cases * 10u);
	cr_assert_gt(totals.judged, totals.passed);
}

Test(pass, changes_nothing_without_rules)
{
	static const struct ag_sim_property property = { .name = "changes_nothing_without_rules",
							 .salt = AG_SALT_PASSING_WITHOUT_RULES,
							 .eatt = true,
							 .per_mille = 20,
							 .prepare = beside_a_twin };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.passed, totals.cases * 10u);
}
