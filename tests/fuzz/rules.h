/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_FUZZ_RULES_H
#define AG_FUZZ_RULES_H

/* What holds of all rules, wherever they come from. */

#include <string.h>

#include "rules/rules.h"
#include "tests/fuzz/require.h"

/** They are printed in a form that is accepted again and printed the same. */
static inline void require_printed_alike(const struct ag_ruleset *set)
{
	char *text = ag_ruleset_format(set), *again;
	struct ag_source source = { "again", text, text ? strlen(text) : 0 };
	struct ag_ruleset *same = NULL;

	require(text && ag_ruleset_compile(&source, 1, &same, NULL) == 0);
	again = ag_ruleset_format(same);
	require(again && strcmp(text, again) == 0);
	ag_ruleset_free(same);
	free(again);
	free(text);
}

/** Only what can be hidden is. @link: what of the attribute's fields is its link's */
static inline void require_hideable(const struct ag_ruleset *set,
				    const struct ag_subject *attribute,
				    const struct ag_subject *link)
{
	const struct ag_rule *rule;
	uint64_t digest[2];

	if (ag_rules_hide(set, attribute, &rule))
		require(rule && ag_rules_any_hides(set) && ag_rules_hide_digest(set, link, digest));
}

#endif
