/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_LOWER_H
#define AG_RULES_LOWER_H

/* A syntax tree into what is run: conditions into nodes, actions into struct ag_action. */

#include "rules/value.h"

/** The field of a written name. @return: false after an error, which was reported */
bool ag_lower_field(struct ag_resolver *resolver, const struct ag_token *token,
		    enum ag_field *field);

/**
 * @n_samplers: counted up by the samplers of the condition
 * @return: NULL after an error, which was reported, or when out of memory (arena->failed)
 */
struct ag_node *ag_lower_expr(struct ag_resolver *resolver, const struct ag_ast_expr *expr,
			      size_t *n_samplers);

/**
 * The actions of a rule into rule->actions and body->notes.
 *
 * @return: false after an error, which was reported, or when out of memory (arena->failed)
 */
bool ag_lower_actions(struct ag_resolver *resolver, const struct ag_ast_action *actions,
		      struct ag_rule *rule, struct ag_rule_body *body);

#endif
