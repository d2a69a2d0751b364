/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_HIDE_H
#define AG_RULES_HIDE_H

/*
 * Rules that are asked for attributes. A `hide` is decided for an attribute of a database, before
 * anybody asks for it: no PDU is known then, and of what rules ask for only the link's fields and
 * those of the attribute are. The public half is in rules.h.
 */

#include "rules/set.h"

/** Whether a rule decides for attributes: a `hide`, or an `accept` that asks for nothing else. */
bool ag_rule_decides_attributes(const struct ag_ruleset *set, size_t rule);

/** Whether a rule is a `hide`: it never decides for a PDU. */
bool ag_rule_hides(const struct ag_rule *rule);

/** Report what a rule with `hide` cannot ask for; nothing of others. */
void ag_check_hide(struct ag_report *report, const struct ag_rule *rule,
		   const struct ag_rule_body *body);

/**
 * List the rules that are asked for attributes.
 *
 * @set:    rules and bodies are in place
 * @return: 0 or -ENOMEM
 */
int ag_hide_build(struct ag_ruleset *set);

#endif
