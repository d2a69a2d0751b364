/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"

enum { RULE_SETS = 97, MANY_FAILURES = 3 };

/* Sets of rules are made once and shared by the cases, or compiling would be all that is tested. */
struct shared {
	bool made;
	struct ag_sim_rules rules;
	char text[4096];
};

unsigned int ag_sim_cases(unsigned int per_mille)
{
	const char *cases = getenv("AG_CASES");
	unsigned long total = cases ? strtoul(cases, NULL, 10) : 100000;

	return (unsigned int)((total * per_mille + 999) / 1000);
}

static const struct ag_sim_rules *rules_of(struct shared *shared, uint32_t index,
					   const struct ag_sim_property *property)
{
	struct ag_random random = { .state = (uint64_t)property->salt << 32 | index };
	struct shared *at = &shared[index];

	if (!at->made && ag_sim_rules_new(&random, property->actions, &at->rules, at->text) != 0) {
		fprintf(stderr, "%s: these rules are refused:\n%s", property->name, at->text);
		abort();
	}
	at->made = true;
	return &at->rules;
}

static void random_pool(struct ag_random *random, struct ag_sim_case *what)
{
	static const unsigned int le[] = { 1, 1, 2, 8, 0, 0 };
	static const unsigned int acl[] = { 4, 1, 2, 8, 1, 4 };
	uint32_t choice = ag_random_below(random, ag_array_size(le));

	what->le_count = le[choice];
	what->acl_count = acl[choice];
}

static void add_up(struct ag_sim_totals *totals, const struct ag_sim_case_result *result)
{
	totals->cases++;
	totals->judged += result->judged;
	totals->passed += result->passed;
	totals->pdus += result->pdus;
	totals->completions += result->completions;
	totals->malformed += result->malformed;
	for (size_t i = 0; i < ag_array_size(totals->verdicts); i++)
		totals->verdicts[i] += result->verdicts[i];
}

static bool run_seed(const struct ag_sim_property *property, struct shared *shared, uint64_t seed,
		     struct ag_sim_totals *totals)
{
	struct ag_random random = { .state = seed ^ UINT64_C(0xa5a5a5a5a5a5a5a5) };
	struct ag_sim_case what = { .seed = seed };
	struct ag_sim_case_result result;
	uint32_t index = ag_random_below(&random, RULE_SETS);
	uint32_t reload = ag_random_below(&random, RULE_SETS);

	random_pool(&random, &what);
	what.steps = ag_random_range(&random, 40, 300);
	what.passes = seed & 1;
	what.eatt = property->eatt && ag_random_percent(&random, 60);
	if (property->actions != 0)
		what.rules = rules_of(shared, index, property);
	if (property->actions != 0 && ag_random_percent(&random, 15))
		what.reload = rules_of(shared, reload, property);
	if (property->prepare)
		property->prepare(&random, &what);
	ag_sim_run(&what, &result);
	add_up(totals, &result);
	if (result.report.fault == AG_SIM_FINE)
		return true;
	fprintf(stderr,
		"%s: AG_SEED=0x%llx: %s: %s\n"
		"buffers: LE %u, BR/EDR %u, longest packets %u and %u%s%s%s\n%s%s%s",
		property->name, (unsigned long long)seed, ag_sim_fault_name(result.report.fault),
		result.report.text, what.le_count, what.acl_count, what.acl_max[0], what.acl_max[1],
		what.flow ? ", host flow" : "", what.dry_run ? ", dry run" : "",
		what.passes ? ", some passes" : "", what.rules ? shared[index].text : "",
		what.reload ? "reloaded with:\n" : "", what.reload ? shared[reload].text : "");
	return false;
}

unsigned int ag_sim_property(const struct ag_sim_property *property, struct ag_sim_totals *totals)
{
	struct shared *shared = calloc(RULE_SETS, sizeof(*shared));
	unsigned int cases = ag_sim_cases(property->per_mille);
	const char *only = getenv("AG_SEED");
	uint64_t seed = only ? strtoull(only, NULL, 0) : (uint64_t)property->salt << 32;
	unsigned int failed = 0;

	if (!shared)
		abort();
	*totals = (struct ag_sim_totals){ 0 };
	if (only)
		cases = seed >> 32 == property->salt;
	for (unsigned int i = 0; i < cases && failed < MANY_FAILURES; i++)
		failed += !run_seed(property, shared, seed + i, totals);
	for (size_t i = 0; i < RULE_SETS; i++)
		ag_sim_rules_clear(&shared[i].rules);
	free(shared);
	return failed;
}
