/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and PDUs that the input chooses from what fits together, where fuzz_rules takes any text.
 * The oracle: what is accepted is printed in a form that is accepted again and printed the same;
 * the tables by which rules are skipped change nothing, nor does the first fragment; what is said
 * to be never reached is not.
 *
 * aims at: rules/[a-ce-z]*.c rules/di*.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "rules/field.h"
#include "rules/rules.h"
#include "tests/fuzz/rules.h"
#include "tests/sim/conditions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES_MAX = 6, TEXT = 16384, PDUS = 24 };

static const char *const actions[] = {
	"accept",
	"log",
	"hide",
	"reject",
	"drop",
	"reject insufficient_authentication",
	"disconnect",
	"answer hex\"01\"",
	"answer 64",
	"log \"here\"",
	"delay 10ms jitter 2ms",
	"delay 1s until encrypted",
	"delay 1s unless encrypted",
	"timeout 3s",
	"duplicate",
	"rewrite att.error = 1",
	"rewrite att.value = hex\"0102\"",
	"rewrite att.opcode = write_request",
	"log duplicate accept",
};

/* Behind a condition a sampler is asked only where that holds, table or not. */
static const char *const samplers[] = { "", "", "", " and every 2", " and first 3" };

struct fuzz {
	bool hides;
	char text[TEXT];
	char plain[TEXT]; /* the same, in a form that no table takes */
	struct ag_ruleset *set;
	struct ag_ruleset *unskipped;
	bool unreachable[RULES_MAX];
};

static int compile(const char *text, struct ag_ruleset **set, struct ag_diags *diags)
{
	struct ag_source source = { "fuzz", text, strlen(text) };

	return ag_ruleset_compile(&source, 1, set, diags);
}

static void make_rules(struct fuzz *fuzz)
{
	unsigned int count = 1 + ag_roll(RULES_MAX);
	size_t len = 0, plain_len = 0;

	for (unsigned int i = 0; i < count; i++) {
		const char *action = actions[ag_roll(ag_array_size(actions))];
		const char *sampler = samplers[ag_roll(ag_array_size(samplers))];
		char condition[2048];

		ag_random_condition(condition, sizeof(condition), ag_roll(4));
		fuzz->hides |= strcmp(action, "hide") == 0;
		len += (size_t)snprintf(fuzz->text + len, TEXT - len, "rule r%u when %s%s %s\n", i,
					condition, sampler, action);
		plain_len += (size_t)snprintf(fuzz->plain + plain_len, TEXT - plain_len,
					      "rule r%u when %s%s or chance 0%% %s\n", i, condition,
					      sampler, action);
	}
}

static void find_unreachable(struct fuzz *fuzz, const struct ag_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct ag_diag *diag = &diags->list[i];
		struct ag_source source = { "fuzz", fuzz->text, strlen(fuzz->text) };
		char *shown = ag_diag_format(diag, &source);

		require(shown && diag->line >= 1 && diag->line <= RULES_MAX && diag->column >= 1);
		if (strstr(diag->message, "never reached"))
			fuzz->unreachable[diag->line - 1] = true;
		free(shown);
	}
}

static void match(const struct fuzz *fuzz, struct ag_match_state *state,
		  struct ag_match_state *other)
{
	struct ag_subject subject = ag_random_subject();
	struct ag_subject first = ag_first_fragment(&subject), link = subject;
	size_t position = 0, same = 0;
	const struct ag_rule *rule;
	bool decided = false;

	do {
		rule = ag_rules_next(fuzz->set, &subject, state, &position);
		if (fuzz->unskipped) {
			const struct ag_rule *twin = ag_rules_next(fuzz->unskipped, &subject, other,
								   &same);

			require(rule ? twin && twin->index == rule->index : !twin);
		}
		require(!rule || ag_rules_may_match(fuzz->set, &first));
		require(!rule || decided || !fuzz->unreachable[rule->index]);
		decided = decided ||
			  (rule && ag_is_verdict(rule->actions[rule->n_actions - 1].kind));
	} while (rule);
	link.present &= ag_fields_of_link();
	require_hideable(fuzz->set, &subject, &link);
}

static void play(struct fuzz *fuzz)
{
	struct ag_match_state *state = NULL, *other = NULL;

	require(ag_match_state_new(fuzz->set, 1, &state) == 0);
	if (fuzz->unskipped)
		require(ag_match_state_new(fuzz->unskipped, 1, &other) == 0);
	for (unsigned int i = 0; i < PDUS; i++)
		match(fuzz, state, other);
	ag_match_state_free(state);
	ag_match_state_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;
	struct ag_diags diags = AG_DIAGS_INIT;

	fuzz = (struct fuzz){ .hides = false };
	ag_roll_from(data, size);
	make_rules(&fuzz);
	if (compile(fuzz.text, &fuzz.set, &diags) == 0) {
		/* a sampler can be in no rule that hides */
		require(compile(fuzz.plain, &fuzz.unskipped, NULL) == 0 || fuzz.hides);
		require_printed_alike(fuzz.set);
		find_unreachable(&fuzz, &diags);
		play(&fuzz);
	} else {
		require(diags.errors > 0);
	}
	ag_diags_clear(&diags);
	ag_ruleset_free(fuzz.set);
	ag_ruleset_free(fuzz.unskipped);
	return 0;
}
