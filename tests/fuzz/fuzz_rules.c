/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule file. The oracle: findings have a place in the text and can be shown; a text that is
 * accepted is printed in a form that is accepted again and printed the same; matching what it says
 * agrees with what the first fragment tells.
 *
 * aims at: rules/[a-ce-z]*.c rules/di*.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"
#include "tests/fuzz/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show_findings(const struct ag_diags *diags, const struct ag_source *source)
{
	for (size_t i = 0; i < diags->count; i++) {
		char *text = ag_diag_format(&diags->list[i], source);

		require(text && diags->list[i].line >= 1 && diags->list[i].column >= 1);
		free(text);
	}
}

/** Subjects whose known fields come from the text's own octets. */
static void match(const struct ag_ruleset *set, const uint8_t *data, size_t size)
{
	struct ag_match_state *state = NULL;

	require(ag_match_state_new(set, size, &state) == 0);
	for (size_t i = 0; i + 4 <= size && i < 64; i += 4) {
		struct ag_subject subject = { 0 }, attribute;
		size_t position = 0;
		bool may;

		ag_subject_set(&subject, AG_F_FROM, data[i] & 1);
		ag_subject_set(&subject, AG_F_ROLE, data[i] >> 1 & 1);
		ag_subject_set(&subject, AG_F_LINK, AG_LINK_LE);
		ag_subject_set(&subject, AG_F_BEARER, AG_BEARER_ATT);
		ag_subject_set(&subject, AG_F_ATT_OPCODE, data[i + 1]);
		may = ag_rules_may_match(set, &subject);
		ag_subject_set(&subject, AG_F_ENCRYPTED, data[i] >> 2 & 1);
		ag_subject_set(&subject, AG_F_MTU, data[i + 2]);
		while (ag_rules_next(set, &subject, state, &position))
			require(may);
		attribute = subject;
		ag_subject_set(&attribute, AG_F_ATT_HANDLE, data[i + 3]);
		require_hideable(set, &attribute, &subject);
	}
	ag_match_state_free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ag_source source = { "fuzz", (const char *)data, size };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;
	int result = ag_ruleset_compile(&source, 1, &set, &diags);

	require(result == 0 || (result == AG_RULES_INVALID && diags.errors > 0));
	show_findings(&diags, &source);
	if (result == 0) {
		require_printed_alike(set);
		match(set, data, size);
	}
	ag_ruleset_free(set);
	set = NULL;
	if (ag_expression_compile(&source, &set, NULL) == 0)
		free(ag_ruleset_format(set));
	ag_ruleset_free(set);
	ag_diags_clear(&diags);
	return 0;
}
