/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/parser.h"

#include <string.h>

#include "rules/field.h"

struct parser {
	struct ag_lexer lexer;
	struct ag_token token; /* the one looked at */
	struct ag_span before; /* of the one taken last */
	struct ag_arena *arena;
	struct ag_report *report;
	unsigned int depth;
	bool failed; /* a syntax error was reported for the rule or let being read */
};

static const char *const keywords[] = {
	"rule",  "let",    "when",       "and",     "or",     "not",     "in",        "every",
	"first", "chance", "until",      "unless",  "jitter", "accept",  "reject",    "answer",
	"drop",  "hide",   "disconnect", "rewrite", "delay",  "timeout", "duplicate", "log",
};

bool ag_is_keyword(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (ag_name_is(text, len, keywords[i]))
			return true;
	}
	return false;
}

static void advance(struct parser *parser)
{
	parser->before = parser->token.span;
	parser->token = ag_lexer_next(&parser->lexer);
	if (parser->token.kind == AG_TOK_BAD)
		parser->failed = true;
}

static bool at_word(const struct parser *parser, const char *word)
{
	return parser->token.kind == AG_TOK_NAME &&
	       ag_name_is(parser->token.text, parser->token.len, word);
}

static bool take_word(struct parser *parser, const char *word)
{
	if (!at_word(parser, word))
		return false;
	advance(parser);
	return true;
}

/** One syntax error a rule: what follows it is guesswork. */
static void expected(struct parser *parser, const char *what, const char *hint)
{
	struct ag_text message = { 0 };
	struct ag_text advice = { 0 };

	struct ag_span span = parser->token.span;
	bool end = parser->token.kind == AG_TOK_END;

	if (parser->failed)
		return;
	parser->failed = true;
	if (end && parser->before.line) { /* the end is nothing one could underline */
		span = parser->before;
		ag_text_printf(&message, "expected %s after this, found the end", what);
	} else {
		ag_text_printf(&message, "expected %s, found ", what);
		ag_text_quote(&message, parser->token.text, parser->token.len);
	}
	if (hint)
		ag_text_puts(&advice, hint);
	ag_report_add(parser->report, AG_ERROR, span, &message, &advice);
}

static bool enter(struct parser *parser)
{
	if (parser->depth == AG_DEPTH_MAX) {
		if (!parser->failed)
			ag_report_error(parser->report, parser->token.span,
					"nested more than %d deep", AG_DEPTH_MAX);
		parser->failed = true;
		return false;
	}
	parser->depth++;
	return true;
}

static struct ag_span join(struct ag_span first, const struct ag_token *last)
{
	if (first.line == last->span.line)
		first.width = last->span.column + last->span.width - first.column;
	return first;
}

/* ---- Values ---- */

static bool is_scalar(const struct ag_token *token)
{
	return token->kind == AG_TOK_NUMBER || token->kind == AG_TOK_DURATION ||
	       token->kind == AG_TOK_UUID || token->kind == AG_TOK_BDADDR ||
	       token->kind == AG_TOK_BYTES || token->kind == AG_TOK_STRING ||
	       (token->kind == AG_TOK_NAME && !ag_is_keyword(token->text, token->len));
}

static bool take_scalar(struct parser *parser, struct ag_token *out)
{
	if (!is_scalar(&parser->token)) {
		expected(parser, "a value", NULL);
		return false;
	}
	*out = parser->token;
	advance(parser);
	return true;
}

static struct ag_ast_value *parse_value(struct parser *parser);

static bool parse_members(struct parser *parser, struct ag_ast_value *set)
{
	struct ag_ast_value **tail = &set->members;

	advance(parser);
	for (;;) {
		*tail = parse_value(parser);
		if (!*tail)
			return false;
		tail = &(*tail)->next;
		if (parser->token.kind != AG_TOK_COMMA)
			break;
		advance(parser);
	}
	if (parser->token.kind != AG_TOK_RBRACE) {
		expected(parser, "`,' or `}'", NULL);
		return false;
	}
	set->span = join(set->span, &parser->token);
	advance(parser);
	return true;
}

static struct ag_ast_value *parse_set(struct parser *parser, struct ag_ast_value *value)
{
	bool fine;

	value->kind = AG_AST_SET;
	if (!enter(parser))
		return NULL;
	fine = parse_members(parser, value);
	parser->depth--;
	return fine ? value : NULL;
}

static struct ag_ast_value *parse_value(struct parser *parser)
{
	struct ag_ast_value *value = ag_arena_alloc(parser->arena, 1, sizeof(*value));

	if (!value)
		return NULL;
	value->span = parser->token.span;
	if (parser->token.kind == AG_TOK_LBRACE)
		return parse_set(parser, value);
	if (!take_scalar(parser, &value->low))
		return NULL;
	if (parser->token.kind != AG_TOK_DOTDOT)
		return value;
	value->kind = AG_AST_RANGE;
	value->span = join(value->span, &parser->token);
	advance(parser);
	if (value->low.kind == AG_TOK_BYTES || value->low.kind == AG_TOK_STRING) {
		value->kind = AG_AST_PREFIX;
		return value;
	}
	value->high = parser->token;
	if (!take_scalar(parser, &value->high))
		return NULL;
	value->span = join(value->span, &value->high);
	return value;
}

/* ---- Expressions ---- */

static struct ag_ast_expr *new_expr(struct parser *parser, enum ag_ast_expr_kind kind)
{
	struct ag_ast_expr *expr = ag_arena_alloc(parser->arena, 1, sizeof(*expr));

	if (expr) {
		expr->kind = kind;
		expr->span = parser->token.span;
	}
	return expr;
}

static struct ag_ast_expr *parse_or(struct parser *parser);

static bool take_compare(struct parser *parser, enum ag_compare *out)
{
	static const struct {
		enum ag_token_kind kind;
		enum ag_compare compare;
	} signs[] = {
		{ AG_TOK_EQ, AG_CMP_EQ }, { AG_TOK_NE, AG_CMP_NE }, { AG_TOK_LT, AG_CMP_LT },
		{ AG_TOK_LE, AG_CMP_LE }, { AG_TOK_GT, AG_CMP_GT }, { AG_TOK_GE, AG_CMP_GE },
	};

	if (take_word(parser, "in")) {
		*out = AG_CMP_IN;
		return true;
	}
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (parser->token.kind == signs[i].kind) {
			*out = signs[i].compare;
			advance(parser);
			return true;
		}
	}
	return false;
}

static struct ag_ast_expr *parse_field(struct parser *parser)
{
	struct ag_ast_expr *expr = new_expr(parser, AG_EXPR_FLAG);

	if (!expr)
		return NULL;
	expr->field = parser->token;
	advance(parser);
	if (take_compare(parser, &expr->compare)) {
		expr->kind = AG_EXPR_COMPARE;
		expr->value = parse_value(parser);
		return expr->value ? expr : NULL;
	}
	if (parser->token.kind == AG_TOK_ASSIGN) {
		expected(parser, "a comparison", "did you mean `=='?");
		return NULL;
	}
	return expr;
}

static bool at_sampler(const struct parser *parser, enum ag_sampler *out)
{
	static const char *const words[] = {
		[AG_SAMPLE_EVERY] = "every",
		[AG_SAMPLE_FIRST] = "first",
		[AG_SAMPLE_CHANCE] = "chance",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (at_word(parser, words[i])) {
			*out = (enum ag_sampler)i;
			return true;
		}
	}
	return false;
}

static struct ag_ast_expr *parse_sampler(struct parser *parser, enum ag_sampler sampler)
{
	struct ag_ast_expr *expr = new_expr(parser, AG_EXPR_SAMPLER);
	bool chance = sampler == AG_SAMPLE_CHANCE;

	if (!expr)
		return NULL;
	expr->sampler = sampler;
	advance(parser);
	if (parser->token.kind != (chance ? AG_TOK_PERCENT : AG_TOK_NUMBER)) {
		expected(parser, chance ? "a percentage" : "a number",
			 chance ? "as in `chance 25%'" : "as in `every 3' or `first 1'");
		return NULL;
	}
	expr->count = parser->token;
	advance(parser);
	return expr;
}

static struct ag_ast_expr *parse_parenthesis(struct parser *parser)
{
	struct ag_ast_expr *expr;

	advance(parser);
	expr = parse_or(parser);
	if (!expr)
		return NULL;
	if (parser->token.kind != AG_TOK_RPAREN) {
		expected(parser, "`and', `or' or `)'", NULL);
		return NULL;
	}
	advance(parser);
	return expr;
}

static struct ag_ast_expr *parse_primary(struct parser *parser)
{
	struct ag_ast_expr *expr;
	enum ag_sampler sampler;

	if (parser->token.kind == AG_TOK_LPAREN) {
		if (!enter(parser))
			return NULL;
		expr = parse_parenthesis(parser);
		parser->depth--;
		return expr;
	}
	if (at_sampler(parser, &sampler))
		return parse_sampler(parser, sampler);
	if (parser->token.kind == AG_TOK_NAME &&
	    !ag_is_keyword(parser->token.text, parser->token.len))
		return parse_field(parser);
	expected(parser, "a field, `not', `(' or a sampler", NULL);
	return NULL;
}

static struct ag_ast_expr *parse_not(struct parser *parser)
{
	struct ag_ast_expr *expr;

	if (parser->token.kind != AG_TOK_NOT && !at_word(parser, "not"))
		return parse_primary(parser);
	expr = new_expr(parser, AG_EXPR_NOT);
	if (!expr || !enter(parser))
		return NULL;
	advance(parser);
	expr->children = parse_not(parser);
	parser->depth--;
	return expr->children ? expr : NULL;
}

/** operand { word operand }; the node is left out where there is one operand only. */
static struct ag_ast_expr *parse_chain(struct parser *parser, enum ag_ast_expr_kind kind,
				       const char *word, enum ag_token_kind sign,
				       struct ag_ast_expr *(*operand)(struct parser *))
{
	struct ag_ast_expr *first = operand(parser);
	struct ag_ast_expr *expr;
	struct ag_ast_expr *last = first;

	if (!first || (parser->token.kind != sign && !at_word(parser, word)))
		return first;
	expr = new_expr(parser, kind);
	if (!expr)
		return NULL;
	expr->span = first->span;
	expr->children = first;
	while (parser->token.kind == sign || at_word(parser, word)) {
		advance(parser);
		last->next = operand(parser);
		if (!last->next)
			return NULL;
		last = last->next;
	}
	return expr;
}

static struct ag_ast_expr *parse_and(struct parser *parser)
{
	return parse_chain(parser, AG_EXPR_AND, "and", AG_TOK_AND, parse_not);
}

static struct ag_ast_expr *parse_or(struct parser *parser)
{
	return parse_chain(parser, AG_EXPR_OR, "or", AG_TOK_OR, parse_and);
}

/* ---- Actions ---- */

static bool take_time(struct parser *parser, struct ag_token *out)
{
	if (parser->token.kind != AG_TOK_DURATION) {
		expected(parser, "a time", "a time has a unit, as in 250ms, 2s or 1min");
		return false;
	}
	*out = parser->token;
	advance(parser);
	return true;
}

static bool parse_optional_value(struct parser *parser, struct ag_ast_action *action)
{
	action->has_value = is_scalar(&parser->token) || parser->token.kind == AG_TOK_LBRACE;
	if (!action->has_value)
		return true;
	action->value = parse_value(parser);
	return action->value;
}

static bool parse_delay(struct parser *parser, struct ag_ast_action *action)
{
	if (!take_time(parser, &action->time))
		return false;
	if (take_word(parser, "jitter")) {
		action->has_jitter = true;
		return take_time(parser, &action->jitter);
	}
	if (take_word(parser, "until"))
		action->until = AG_DELAY_UNTIL_ENCRYPTED;
	else if (take_word(parser, "unless"))
		action->until = AG_DELAY_UNLESS_ENCRYPTED;
	else
		return true;
	if (take_word(parser, "encrypted"))
		return true;
	expected(parser, "`encrypted'", NULL);
	return false;
}

static bool parse_rewrite(struct parser *parser, struct ag_ast_action *action)
{
	action->field = parser->token;
	if (parser->token.kind != AG_TOK_NAME ||
	    ag_is_keyword(action->field.text, action->field.len)) {
		expected(parser, "a field", "as in `rewrite att.error = read_not_permitted'");
		return false;
	}
	advance(parser);
	if (parser->token.kind != AG_TOK_ASSIGN) {
		expected(parser, "`='", "as in `rewrite att.error = read_not_permitted'");
		return false;
	}
	advance(parser);
	action->value = parse_value(parser);
	return action->value;
}

/** `hide battery_service` is what one would write first. */
static bool parse_nothing(struct parser *parser)
{
	if (!is_scalar(&parser->token))
		return true;
	expected(parser, "an action, `rule' or `let'",
		 "what is hidden stands in the condition, as in `when att.service == "
		 "battery_service'");
	return false;
}

static bool parse_operands(struct parser *parser, struct ag_ast_action *action)
{
	switch (action->kind) {
	case AG_ACCEPT:
	case AG_DROP:
	case AG_DUPLICATE:
		return true;
	case AG_HIDE:
		return parse_nothing(parser);
	case AG_REJECT:
	case AG_DISCONNECT:
		return parse_optional_value(parser, action);
	case AG_ANSWER:
		action->value = parse_value(parser);
		return action->value;
	case AG_REWRITE:
		return parse_rewrite(parser, action);
	case AG_DELAY:
		return parse_delay(parser, action);
	case AG_TIMEOUT:
		return take_time(parser, &action->time) && parse_optional_value(parser, action);
	case AG_LOG:
		break;
	}
	action->has_value = parser->token.kind == AG_TOK_STRING;
	action->text = parser->token;
	if (action->has_value)
		advance(parser);
	return true;
}

static void no_action(struct parser *parser)
{
	struct ag_nearest nearest = ag_nearest(parser->token.text, parser->token.len);
	struct ag_text hint = { 0 };
	enum ag_field field;

	for (int i = 0; i <= AG_LOG; i++)
		ag_nearest_try(&nearest, ag_action_name((enum ag_action_kind)i));
	if (at_word(parser, "when"))
		ag_text_puts(&hint, "`when' stands once, before the actions");
	else if (ag_field_find(parser->token.text, parser->token.len, &field))
		ag_text_puts(&hint, "a condition begins with `when'");
	else if (parser->token.kind == AG_TOK_NAME && nearest.name)
		ag_text_printf(&hint, "did you mean %s?", nearest.name);
	expected(parser, "an action, `rule' or `let'", hint.len ? hint.data : NULL);
	parser->report->failed |= hint.failed;
	ag_text_clear(&hint);
}

static struct ag_ast_action *parse_action(struct parser *parser)
{
	struct ag_ast_action *action;
	int kind = 0;

	while (kind <= AG_LOG && !at_word(parser, ag_action_name((enum ag_action_kind)kind)))
		kind++;
	if (kind > AG_LOG) {
		no_action(parser);
		return NULL;
	}
	action = ag_arena_alloc(parser->arena, 1, sizeof(*action));
	if (!action)
		return NULL;
	action->kind = (enum ag_action_kind)kind;
	action->span = parser->token.span;
	advance(parser);
	return parse_operands(parser, action) ? action : NULL;
}

/* ---- Rules and lets ---- */

static bool at_end_of_rule(const struct parser *parser)
{
	return parser->token.kind == AG_TOK_END || at_word(parser, "rule") ||
	       at_word(parser, "let");
}

static bool take_name(struct parser *parser, struct ag_token *out)
{
	bool fine = parser->token.kind == AG_TOK_NAME;

	if (!fine || ag_is_keyword(parser->token.text, parser->token.len) ||
	    memchr(parser->token.text, '.', parser->token.len)) {
		expected(parser, "a name",
			 fine ? "a name is no word of the language and has no point in it" : NULL);
		return false;
	}
	*out = parser->token;
	advance(parser);
	return true;
}

static struct ag_ast_rule *parse_rule(struct parser *parser)
{
	struct ag_ast_rule *rule = ag_arena_alloc(parser->arena, 1, sizeof(*rule));
	struct ag_ast_action **tail;

	advance(parser);
	if (!rule || !take_name(parser, &rule->name))
		return NULL;
	if (take_word(parser, "when")) {
		rule->when = parse_or(parser);
		if (!rule->when)
			return rule;
	}
	tail = &rule->actions;
	while (!at_end_of_rule(parser)) {
		*tail = parse_action(parser);
		if (!*tail)
			return rule;
		tail = &(*tail)->next;
	}
	if (!rule->actions && !parser->failed)
		ag_report_error(parser->report, rule->name.span,
				"the rule has no action, so it does nothing");
	return rule;
}

static struct ag_ast_let *parse_let(struct parser *parser)
{
	struct ag_ast_let *let = ag_arena_alloc(parser->arena, 1, sizeof(*let));

	advance(parser);
	if (!let || !take_name(parser, &let->name))
		return NULL;
	if (parser->token.kind != AG_TOK_ASSIGN) {
		expected(parser, "`='", "as in `let quiet = {request, command}'");
		return NULL;
	}
	advance(parser);
	let->value = parse_value(parser);
	if (let->value && !at_end_of_rule(parser))
		expected(parser, "`rule' or `let'", NULL);
	return let->value ? let : NULL;
}

static void parser_init(struct parser *parser, const struct ag_source *source, size_t index,
			struct ag_arena *arena, struct ag_report *report)
{
	*parser = (struct parser){ .arena = arena, .report = report };
	ag_lexer_init(&parser->lexer, source, index, arena, report);
	advance(parser);
}

void ag_parse_file(const struct ag_source *source, size_t index, struct ag_arena *arena,
		   struct ag_report *report, struct ag_ast_file *file)
{
	struct ag_ast_rule **rules = &file->rules;
	struct ag_ast_let **lets = &file->lets;
	struct parser parser;

	parser_init(&parser, source, index, arena, report);
	while (parser.token.kind != AG_TOK_END && !arena->failed) {
		parser.failed = parser.failed && parser.token.kind == AG_TOK_BAD;
		if (at_word(&parser, "rule")) {
			*rules = parse_rule(&parser);
			rules = *rules ? &(*rules)->next : rules;
		} else if (at_word(&parser, "let")) {
			*lets = parse_let(&parser);
			lets = *lets ? &(*lets)->next : lets;
		} else {
			expected(&parser, "`rule' or `let'", NULL);
		}
		while (!at_end_of_rule(&parser))
			advance(&parser);
	}
}

struct ag_ast_expr *ag_parse_expression(const struct ag_source *source, struct ag_arena *arena,
					struct ag_report *report)
{
	struct ag_ast_expr *expr;
	struct parser parser;

	parser_init(&parser, source, 0, arena, report);
	expr = parse_or(&parser);
	if (expr && parser.token.kind != AG_TOK_END) {
		expected(&parser, "`and', `or' or the end", NULL);
		expr = NULL;
	}
	return parser.failed ? NULL : expr;
}
