/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_AST_H
#define AG_RULES_AST_H

/* What was written, before anything of it is looked up. All of it lives in an arena; lists are
 * chained by `next` in the order of the text. */

#include "rules/lexer.h"

enum ag_ast_value_kind {
	AG_AST_SCALAR, /* low */
	AG_AST_RANGE,  /* low .. high */
	AG_AST_PREFIX, /* low .. of bytes */
	AG_AST_SET,    /* members */
};

struct ag_ast_value {
	enum ag_ast_value_kind kind;
	struct ag_span span;
	struct ag_token low;
	struct ag_token high;
	struct ag_ast_value *members;
	struct ag_ast_value *next;
};

enum ag_compare { AG_CMP_EQ, AG_CMP_NE, AG_CMP_LT, AG_CMP_LE, AG_CMP_GT, AG_CMP_GE, AG_CMP_IN };

enum ag_sampler { AG_SAMPLE_EVERY, AG_SAMPLE_FIRST, AG_SAMPLE_CHANCE };

enum ag_ast_expr_kind {
	AG_EXPR_AND, /* children */
	AG_EXPR_OR,  /* children */
	AG_EXPR_NOT, /* one child */
	AG_EXPR_FLAG,
	AG_EXPR_COMPARE,
	AG_EXPR_SAMPLER,
};

struct ag_ast_expr {
	enum ag_ast_expr_kind kind;
	struct ag_span span;
	struct ag_ast_expr *children;
	struct ag_ast_expr *next;
	struct ag_token field;      /* FLAG, COMPARE */
	enum ag_compare compare;    /* COMPARE */
	struct ag_ast_value *value; /* COMPARE */
	enum ag_sampler sampler;    /* SAMPLER */
	struct ag_token count;      /* SAMPLER */
};

struct ag_ast_action {
	enum ag_action_kind kind;
	struct ag_span span; /* of the keyword */
	bool has_value;
	struct ag_token field;      /* REWRITE */
	struct ag_ast_value *value; /* REWRITE, ANSWER; REJECT, DISCONNECT, TIMEOUT or NULL */
	struct ag_token time;       /* DELAY, TIMEOUT */
	bool has_jitter;
	struct ag_token jitter;
	enum ag_delay_until until;
	struct ag_token text; /* LOG, if has_value */
	struct ag_ast_action *next;
};

struct ag_ast_rule {
	struct ag_token name;
	struct ag_ast_expr *when; /* or NULL */
	struct ag_ast_action *actions;
	struct ag_ast_rule *next;
};

struct ag_ast_let {
	struct ag_token name;
	struct ag_ast_value *value;
	struct ag_ast_let *next;
	bool open; /* while it is resolved: finds circles */
	bool used;
	bool endless;          /* it leads into a circle or too deep; that is reported */
	size_t endless_before; /* while it is open: what the resolver had counted */
};

struct ag_ast_file {
	struct ag_ast_rule *rules;
	struct ag_ast_let *lets;
};

#endif
