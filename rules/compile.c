/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/check.h"
#include "rules/dispatch.h"
#include "rules/hide.h"
#include "rules/lower.h"
#include "rules/parser.h"
#include "rules/require.h"

/** One compilation. */
struct compiler {
	const struct ag_source *sources;
	size_t n_sources;
	struct ag_ast_file *files; /* as many, in `syntax` */
	struct ag_arena syntax;    /* what is thrown away at the end */
	struct ag_report report;
	struct ag_ruleset *set;
};

static bool failed(const struct compiler *compiler)
{
	return compiler->syntax.failed || compiler->set->arena.failed || compiler->report.failed;
}

/* ---- Names used twice ---- */

/** A name with its place in the order of the sources. */
struct named {
	const struct ag_token *token;
	size_t order;
};

static int compare_names(const void *left, const void *right)
{
	const struct named *a = left;
	const struct named *b = right;
	size_t len = a->token->len < b->token->len ? a->token->len : b->token->len;

	for (size_t i = 0; i < len; i++) {
		int c = a->token->text[i] == '-' ? '_' : a->token->text[i];
		int d = b->token->text[i] == '-' ? '_' : b->token->text[i];

		if (c != d)
			return c < d ? -1 : 1;
	}
	if (a->token->len != b->token->len)
		return a->token->len < b->token->len ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static void report_twice(struct compiler *compiler, const struct ag_token *first,
			 const struct ag_token *second)
{
	struct ag_text message = { 0 };
	struct ag_text hint = { 0 };

	ag_text_quote(&message, second->text, second->len);
	ag_text_puts(&message, " is used twice");
	ag_text_printf(&hint, "first in %s, line %u", compiler->sources[first->span.source].name,
		       first->span.line);
	ag_report_add(&compiler->report, AG_ERROR, second->span, &message, &hint);
}

/** Report the later ones of equal names, of which `-` and `_` are the same letter. */
static void find_twice(struct compiler *compiler, struct named *names, size_t count)
{
	const struct ag_token *first = NULL;

	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++) {
		const struct ag_token *token = names[i].token;

		if (first && ag_name_same(first->text, first->len, token->text, token->len))
			report_twice(compiler, first, token);
		else
			first = token;
	}
}

static void check_rule_names(struct compiler *compiler)
{
	struct named *names;
	size_t count = 0;

	names = ag_arena_alloc(&compiler->syntax, compiler->set->count, sizeof(*names));
	for (size_t i = 0; names && i < compiler->n_sources; i++) {
		for (struct ag_ast_rule *rule = compiler->files[i].rules; rule; rule = rule->next) {
			names[count] = (struct named){ &rule->name, count };
			count++;
		}
	}
	find_twice(compiler, names, count);
}

static void check_let_names(struct compiler *compiler, const struct ag_ast_file *file)
{
	struct named *names;
	size_t count = 0;

	for (const struct ag_ast_let *let = file->lets; let; let = let->next)
		count++;
	names = ag_arena_alloc(&compiler->syntax, count, sizeof(*names));
	count = 0;
	for (const struct ag_ast_let *let = file->lets; names && let; let = let->next) {
		names[count] = (struct named){ &let->name, count };
		count++;
	}
	find_twice(compiler, names, names ? count : 0);
}

/* ---- Rules ---- */

static void lower_rule(struct compiler *compiler, struct ag_resolver *resolver,
		       const struct ag_ast_rule *from, size_t index)
{
	struct ag_ruleset *set = compiler->set;
	struct ag_rule *rule = &set->rules[index];
	struct ag_rule_body *body = &set->bodies[index];
	const char *file = compiler->sources[from->name.span.source].name;

	rule->name = ag_arena_copy(&set->arena, from->name.text, from->name.len);
	rule->file = ag_arena_copy(&set->arena, file, strlen(file));
	rule->line = from->name.span.line;
	rule->index = index;
	body->name_span = from->name.span;
	if (from->when)
		body->when = ag_lower_expr(resolver, from->when, &set->n_samplers);
	if (ag_lower_actions(resolver, from->actions, rule, body))
		ag_check_hide(&compiler->report, rule, body);
}

static void lower_file(struct compiler *compiler, struct ag_ast_file *file, size_t *index)
{
	struct ag_resolver resolver = {
		.arena = &compiler->set->arena,
		.report = &compiler->report,
		.lets = file->lets,
	};

	check_let_names(compiler, file);
	for (struct ag_ast_rule *rule = file->rules; rule && !failed(compiler); rule = rule->next)
		lower_rule(compiler, &resolver, rule, (*index)++);
	for (struct ag_ast_let *let = file->lets; let && !failed(compiler); let = let->next) {
		if (!let->used)
			ag_check_unused_let(&resolver, let);
	}
}

static void parse_all(struct compiler *compiler)
{
	struct ag_ruleset *set = compiler->set;

	compiler->files = ag_arena_alloc(&compiler->syntax, compiler->n_sources,
					 sizeof(*compiler->files));
	for (size_t i = 0; compiler->files && i < compiler->n_sources; i++) {
		ag_parse_file(&compiler->sources[i], i, &compiler->syntax, &compiler->report,
			      &compiler->files[i]);
		for (struct ag_ast_rule *rule = compiler->files[i].rules; rule; rule = rule->next)
			set->count++;
	}
}

static void lower_all(struct compiler *compiler)
{
	struct ag_ruleset *set = compiler->set;
	size_t index = 0;

	set->rules = ag_arena_alloc(&set->arena, set->count, sizeof(*set->rules));
	set->bodies = ag_arena_alloc(&set->arena, set->count, sizeof(*set->bodies));
	if (failed(compiler))
		return;
	check_rule_names(compiler);
	for (size_t i = 0; i < compiler->n_sources; i++)
		lower_file(compiler, &compiler->files[i], &index);
}

/* ---- A compilation ---- */

static int compiler_begin(struct compiler *compiler, const struct ag_source *sources,
			  size_t n_sources, struct ag_diags *diags)
{
	*compiler = (struct compiler){
		.sources = sources,
		.n_sources = n_sources,
		.report = { .diags = diags, .first = diags ? diags->count : 0 },
		.set = calloc(1, sizeof(*compiler->set)),
	};
	return compiler->set ? 0 : -ENOMEM;
}

/** Prepare for matching. */
static int prepare(struct ag_ruleset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!ag_rule_hides(&set->rules[i]))
			set->asked |= ag_fields_tested(set->bodies[i].when);
	}
	return ag_dispatch_build(set) || ag_hide_build(set) ? -ENOMEM : 0;
}

/** Warn, prepare for matching, hand over; or throw everything away. */
static int compiler_end(struct compiler *compiler, bool warn, struct ag_ruleset **out)
{
	struct ag_ruleset *set = compiler->set;
	int result = 0;

	if (failed(compiler))
		result = -ENOMEM;
	else if (compiler->report.errors)
		result = AG_RULES_INVALID;
	else
		result = prepare(set);
	if (result == 0 && warn)
		ag_check_set(set, &compiler->report);
	if (compiler->report.failed)
		result = -ENOMEM;
	ag_report_sort(&compiler->report);
	ag_arena_clear(&compiler->syntax);
	if (result)
		ag_ruleset_free(set);
	else
		*out = set;
	return result;
}

int ag_ruleset_compile(const struct ag_source *sources, size_t n_sources, struct ag_ruleset **out,
		       struct ag_diags *diags)
{
	struct compiler compiler;

	if (compiler_begin(&compiler, sources, n_sources, diags))
		return -ENOMEM;
	parse_all(&compiler);
	if (!failed(&compiler))
		lower_all(&compiler);
	return compiler_end(&compiler, true, out);
}

static void lower_filter(struct compiler *compiler, const struct ag_ast_expr *expr)
{
	struct ag_ruleset *set = compiler->set;
	struct ag_resolver resolver = { .arena = &set->arena, .report = &compiler->report };

	set->count = 1;
	set->rules = ag_arena_alloc(&set->arena, 1, sizeof(*set->rules));
	set->bodies = ag_arena_alloc(&set->arena, 1, sizeof(*set->bodies));
	if (!set->rules || !set->bodies)
		return;
	set->rules[0] = (struct ag_rule){ .name = "filter", .file = "", .line = 1 };
	set->bodies[0].when = ag_lower_expr(&resolver, expr, &set->n_samplers);
}

int ag_expression_compile(const struct ag_source *source, struct ag_ruleset **out,
			  struct ag_diags *diags)
{
	struct ag_ast_expr *expr;
	struct compiler compiler;

	if (compiler_begin(&compiler, source, 1, diags))
		return -ENOMEM;
	expr = ag_parse_expression(source, &compiler.syntax, &compiler.report);
	if (expr && !failed(&compiler))
		lower_filter(&compiler, expr);
	return compiler_end(&compiler, false, out);
}

void ag_ruleset_free(struct ag_ruleset *set)
{
	if (!set)
		return;
	ag_arena_clear(&set->arena);
	free(set);
}

size_t ag_ruleset_count(const struct ag_ruleset *set)
{
	return set ? set->count : 0;
}

bool ag_rules_ask(const struct ag_ruleset *set, enum ag_field field)
{
	return set && set->asked >> field & 1;
}

const struct ag_rule *ag_ruleset_rule(const struct ag_ruleset *set, size_t index)
{
	return &set->rules[index];
}
