/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The models themselves: content over a wire, and not with any of the mistakes of mutation.h. */

#include <criterion/criterion.h>

#include "proxy/base/cleanup.h"
#include "tests/sim/world.h"

static const unsigned int pools[][2] = { { 1, 1 }, { 2, 4 }, { 8, 8 }, { 0, 1 }, { 0, 4 } };

static struct ag_sim_case over_wire(uint64_t seed)
{
	const unsigned int *pool = pools[seed % ag_array_size(pools)];

	return (struct ag_sim_case){ .seed = seed,
				     .wire = true,
				     .unchanged = true,
				     .flow = seed % 7 == 3,
				     .eatt = seed % 2 == 1,
				     .le_count = pool[0],
				     .acl_count = pool[1] };
}

Test(sim, content_over_a_wire)
{
	uint64_t pdus = 0, completions = 0;

	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct ag_sim_case what = over_wire(seed);
		struct ag_sim_case_result result;

		ag_sim_run(&what, &result);
		cr_assert_eq(result.report.fault, AG_SIM_FINE, "seed %lu: %s: %s",
			     (unsigned long)seed, ag_sim_fault_name(result.report.fault),
			     result.report.text);
		pdus += result.pdus;
		completions += result.completions;
	}
	cr_assert_gt(pdus, 2000u * 10u);
	cr_assert_gt(completions, 2000u * 5u);
}

#define FAULT(name) (1u << AG_SIM_##name)

/* What each mistake may be found by, whichever the models come to first. */
static const unsigned int found_by[] = {
	[AG_SIM_NO_MUTATION] = FAULT(FINE),
	[AG_SIM_LOSE_COMPLETION] = FAULT(LOST_COMPLETION),
	[AG_SIM_ADD_COMPLETION] = FAULT(SURPLUS_COMPLETION) | FAULT(OVERFLOW),
	[AG_SIM_SWAP_PDUS] = FAULT(UNEXPECTED) | FAULT(LOST_PDU),
	[AG_SIM_ANSWER_TWICE] = FAULT(HOST_OVERFLOW) | FAULT(UNEXPECTED) | FAULT(SECOND_ANSWER),
	[AG_SIM_ANSWER_OTHER] = FAULT(UNEXPECTED) | FAULT(WRONG_ANSWER),
	[AG_SIM_FORWARD_REJECTED] = FAULT(HOST_OVERFLOW) | FAULT(UNEXPECTED) |
				    FAULT(SECOND_ANSWER) | FAULT(FRAMING),
	[AG_SIM_LOSE_TO_HOST] = FAULT(LOST_PDU) | FAULT(UNEXPECTED) | FAULT(LOST_COMPLETION),
	[AG_SIM_LOSE_TO_CONTROLLER] = FAULT(LOST_COMPLETION) | FAULT(UNEXPECTED) | FAULT(LOST_PDU),
	[AG_SIM_ADD_TO_CONTROLLER] = FAULT(OVERFLOW) | FAULT(UNEXPECTED) |
				     FAULT(SURPLUS_COMPLETION),
	[AG_SIM_CHANGE_OCTET] = FAULT(UNEXPECTED),
	[AG_SIM_ADD_COMMAND] = FAULT(COMMAND_CREDIT),
	[AG_SIM_ASK_TWICE] = FAULT(UNEXPECTED) | FAULT(OVERFLOW) | FAULT(SECOND_REQUEST),
	[AG_SIM_BREAK_FRAGMENT] = FAULT(FRAMING),
};
_Static_assert(ag_array_size(found_by) == AG_SIM_MUTATION_COUNT, "a row each");

static void catches(enum ag_sim_mutation mutation, bool wire)
{
	unsigned int caught = 0;

	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct ag_sim_case what = over_wire(seed);
		struct ag_sim_case_result result;

		what.wire = wire;
		what.unchanged = false;
		what.calm = true;
		what.mutation = mutation;
		what.mutate_after = (unsigned int)(seed % 3);
		ag_sim_run(&what, &result);
		if (!result.mutated)
			continue;
		caught++;
		cr_assert(found_by[mutation] >> result.report.fault & 1, "%s, seed %lu: %s: %s",
			  ag_sim_mutation_name(mutation), (unsigned long)seed,
			  ag_sim_fault_name(result.report.fault), result.report.text);
	}
	cr_assert_geq(caught, 20, "%s: only %u cases", ag_sim_mutation_name(mutation), caught);
}

Test(sim, every_mistake_is_noticed)
{
	for (int i = AG_SIM_NO_MUTATION + 1; i < AG_SIM_MUTATION_COUNT; i++)
		catches((enum ag_sim_mutation)i, true);
}

Test(sim, every_mistake_behind_the_engine_is_noticed)
{
	for (int i = AG_SIM_NO_MUTATION + 1; i < AG_SIM_MUTATION_COUNT; i++)
		catches((enum ag_sim_mutation)i, false);
}

/* The engine gets rules that the second opinion does not know of. */
Test(sim, another_verdict_is_noticed)
{
	unsigned int caught = 0;

	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct ag_random random = { .state = seed };
		struct ag_sim_case what = over_wire(seed);
		struct ag_sim_case_result result;
		struct ag_sim_rules rules;
		char text[4096];

		cr_assert_eq(ag_sim_rules_new(&random, 1u << AG_SIM_REJECT, &rules, text), 0);
		rules.count = 0;
		what.wire = false;
		what.unchanged = false;
		what.rules = &rules;
		ag_sim_run(&what, &result);
		cr_assert_eq(result.report.fault == AG_SIM_VERDICT,
			     result.verdicts[AG_V_REJECT] > 0, "seed %lu: %s", (unsigned long)seed,
			     result.report.text);
		caught += result.report.fault == AG_SIM_VERDICT;
		ag_sim_rules_clear(&rules);
	}
	cr_assert_gt(caught, 20);
}

Test(sim, a_case_repeats_to_the_octet)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct ag_sim_case what = over_wire(seed);
		struct ag_sim_case_result first, second;

		ag_sim_run(&what, &first);
		ag_sim_run(&what, &second);
		cr_assert_eq(first.pdus, second.pdus);
		cr_assert_eq(first.completions, second.completions);
	}
}
