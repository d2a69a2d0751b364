/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_PARSER_H
#define AG_RULES_PARSER_H

/* Tokens into a syntax tree, by recursive descent. */

#include "rules/ast.h"

/** How deep parentheses and braces may nest: beyond what a person writes, and a bound on the stack
 *  of everything that walks the tree. */
enum { AG_DEPTH_MAX = 64 };

/** Words that the grammar uses and no `let` can be called. */
bool ag_is_keyword(const char *text, size_t len);

/**
 * Parse a whole file. After an error it goes on at the next `rule` or `let`.
 *
 * @arena: takes the tree; on failure arena->failed is set and the tree is incomplete
 */
void ag_parse_file(const struct ag_source *source, size_t index, struct ag_arena *arena,
		   struct ag_report *report, struct ag_ast_file *file);

/** Parse one expression that is the whole text; NULL after an error. */
struct ag_ast_expr *ag_parse_expression(const struct ag_source *source, struct ag_arena *arena,
					struct ag_report *report);

#endif
