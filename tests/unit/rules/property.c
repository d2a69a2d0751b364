/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random conditions over random PDUs. The tables by which rules are skipped must not change what
 * matches, and what is said to be never reached must never be reached.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/field.h"
#include "rules/hide.h"
#include "rules/match.h"
#include "tests/sim/conditions.h"

static struct ag_ruleset *compile(const char *text, struct ag_diags *diags)
{
	struct ag_source source = { "random", text, strlen(text) };
	struct ag_ruleset *set = NULL;

	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, diags), 0), "%s", text);
	return set;
}

static bool matches(const struct ag_ruleset *set, const struct ag_subject *subject,
		    struct ag_match_state *samplers)
{
	size_t position = 0;

	return ag_rules_next(set, subject, samplers, &position) != NULL;
}

/* A condition with `or chance 0%' is never skipped by table, and holds for the same PDUs. */
Test(rules, skipping_by_table_changes_nothing)
{
	size_t hits = 0;

	for (unsigned int run = 0; run < 3000; run++) {
		struct ag_match_state *samplers = NULL;
		struct ag_ruleset *set, *whole;
		char condition[2048], text[2200];

		ag_random_condition(condition, sizeof(condition), 3);
		snprintf(text, sizeof(text), "rule a when %s log", condition);
		set = compile(text, NULL);
		snprintf(text, sizeof(text), "rule a when %s or chance 0%% log", condition);
		whole = compile(text, NULL);
		cr_assert(eq(int, ag_match_state_new(whole, run, &samplers), 0));
		for (unsigned int i = 0; i < 40; i++) {
			struct ag_subject subject = ag_random_subject();
			struct ag_subject first = ag_first_fragment(&subject);
			bool expected = matches(whole, &subject, samplers);

			cr_assert(eq(int, matches(set, &subject, NULL), expected), "%s", condition);
			cr_assert(not(expected && !ag_rules_may_match(set, &first)), "%s",
				  condition);
			hits += expected;
		}
		ag_match_state_free(samplers);
		ag_ruleset_free(set);
		ag_ruleset_free(whole);
	}
	cr_expect(ge(sz, hits, 10000));
}

/** The rule whose name a warning at this line stands under, if it says that it is never reached. */
static void find_unreachable(const struct ag_diags *diags, bool unreachable[8], size_t *count)
{
	for (size_t i = 0; i < diags->count; i++) {
		if (!strstr(diags->list[i].message, "never reached"))
			continue;
		unreachable[diags->list[i].line - 1] = true;
		(*count)++;
	}
}

/** Until a verdict; each line has one rule. */
static void run_rules(const struct ag_ruleset *set, const struct ag_subject *subject,
		      const bool unreachable[8], const char *text)
{
	const struct ag_rule *rule;
	size_t position = 0;

	while ((rule = ag_rules_next(set, subject, NULL, &position))) {
		cr_assert(not(unreachable[rule->index]), "%s is reached:\n%s", rule->name, text);
		if (ag_is_verdict(rule->actions[rule->n_actions - 1].kind))
			return;
	}
}

Test(rules, what_is_called_unreachable_is_never_reached)
{
	size_t count = 0;

	for (unsigned int run = 0; run < 3000; run++) {
		struct ag_diags diags = AG_DIAGS_INIT;
		bool unreachable[8] = { false };
		struct ag_ruleset *set;
		char text[8192];
		size_t len = 0;

		for (int i = 0; i < 6; i++) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "rule r%d when ",
						i);
			len += ag_random_condition(text + len, sizeof(text) - len, 2);
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %s\n",
						ag_roll(4) ? "accept" : "log");
		}
		set = compile(text, &diags);
		find_unreachable(&diags, unreachable, &count);
		for (unsigned int i = 0; i < 60; i++) {
			struct ag_subject subject = ag_random_subject();

			run_rules(set, &subject, unreachable, text);
		}
		ag_diags_clear(&diags);
		ag_ruleset_free(set);
	}
	cr_expect(ge(sz, count, 500));
}

/* A rule of one comparison chain that can never hold is not matched by anything. */
Test(rules, what_can_never_hold_does_not)
{
	size_t count = 0;

	for (unsigned int run = 0; run < 4000; run++) {
		struct ag_diags diags = AG_DIAGS_INIT;
		struct ag_ruleset *set;
		char text[1024];

		snprintf(text, sizeof(text), "rule a when %s and %s and %s log", ag_random_test(),
			 ag_random_test(), ag_random_test());
		set = compile(text, &diags);
		count += diags.count > 0;
		for (unsigned int i = 0; i < 60; i++) {
			struct ag_subject subject = ag_random_subject();

			cr_assert(not(diags.count && matches(set, &subject, NULL)), "%s", text);
		}
		ag_diags_clear(&diags);
		ag_ruleset_free(set);
	}
	cr_expect(ge(sz, count, 500));
}
