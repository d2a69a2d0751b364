/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/lower.h"

#include <stdlib.h>
#include <string.h>

#include "rules/match.h"

/* ---- Fields ---- */

static void unknown_field(struct ag_resolver *resolver, const struct ag_token *token)
{
	struct ag_nearest nearest = ag_nearest(token->text, token->len);
	struct ag_text message = { 0 };
	struct ag_text hint = { 0 };

	if (ag_field_is_planned(token->text, token->len)) {
		ag_report_error(resolver->report, token->span,
				"%.*s is not available in this version", (int)token->len,
				token->text);
		return;
	}
	for (int i = 0; i < AG_FIELD_COUNT; i++)
		ag_nearest_try(&nearest, ag_field_name((enum ag_field)i));
	if (nearest.name)
		ag_text_printf(&hint, "did you mean %s?", nearest.name);
	ag_text_quote(&message, token->text, token->len);
	ag_text_puts(&message, " is no field");
	ag_report_add(resolver->report, AG_ERROR, token->span, &message, &hint);
}

bool ag_lower_field(struct ag_resolver *resolver, const struct ag_token *token,
		    enum ag_field *field)
{
	if (ag_field_find(token->text, token->len, field))
		return true;
	unknown_field(resolver, token);
	return false;
}

/* ---- Sets of numbers ---- */

/** What is left of 0..max without the ranges; `out` has room for one more than there are. */
static size_t complement(const struct ag_range *ranges, size_t count, uint64_t max,
			 struct ag_range *out)
{
	uint64_t low = 0;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (ranges[i].low > low)
			out[kept++] = (struct ag_range){ low, ranges[i].low - 1 };
		if (ranges[i].high >= max)
			return kept;
		low = ranges[i].high + 1;
	}
	out[kept++] = (struct ag_range){ low, max };
	return kept;
}

/** The numbers a comparison with one item holds for. @return: false where there are none */
static bool item_range(enum ag_compare compare, const struct ag_item *item, uint64_t max,
		       struct ag_range *out)
{
	uint64_t num = item->low.num;

	switch (compare) {
	case AG_CMP_EQ:
	case AG_CMP_NE:
	case AG_CMP_IN:
		*out = (struct ag_range){ num, item->is_range ? item->high : num };
		return out->low <= out->high;
	case AG_CMP_LT:
		*out = (struct ag_range){ 0, num - 1 };
		return num > 0;
	case AG_CMP_LE:
		*out = (struct ag_range){ 0, num };
		return true;
	case AG_CMP_GT:
		*out = (struct ag_range){ num + 1, max };
		return num < max;
	case AG_CMP_GE:
		break;
	}
	*out = (struct ag_range){ num, max };
	return true;
}

static bool set_ranges(struct ag_arena *arena, struct ag_node *node)
{
	uint64_t max = ag_field_row(node->field)->max;
	struct ag_range *ranges = ag_arena_alloc(arena, node->n_items, sizeof(*ranges));
	struct ag_range *others;
	size_t count = 0;

	if (!ranges)
		return false;
	for (size_t i = 0; i < node->n_items; i++)
		count += item_range(node->compare, &node->items[i], max, &ranges[count]);
	count = ag_ranges_normalise(ranges, count);
	node->ranges = ranges;
	node->n_ranges = count;
	if (node->compare != AG_CMP_NE)
		return true;
	others = ag_arena_alloc(arena, count + 1, sizeof(*others));
	if (!others)
		return false;
	node->ranges = others;
	node->n_ranges = complement(ranges, count, max, others);
	return true;
}

static int compare_uuids(const void *left, const void *right)
{
	const struct ag_uuid *a = left;
	const struct ag_uuid *b = right;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

static bool set_uuids(struct ag_arena *arena, struct ag_node *node)
{
	node->uuids = ag_arena_alloc(arena, node->n_items, sizeof(*node->uuids));
	if (!node->uuids)
		return false;
	for (size_t i = 0; i < node->n_items; i++)
		node->uuids[i] = node->items[i].low.uuid;
	node->n_uuids = node->n_items;
	qsort(node->uuids, node->n_uuids, sizeof(*node->uuids), compare_uuids);
	return true;
}

/* ---- Comparisons ---- */

static bool set_values(struct ag_arena *arena, struct ag_node *node)
{
	enum ag_value_type type = ag_field_type(node->field);

	node->negated = node->compare == AG_CMP_NE;
	if (type == AG_T_BYTES)
		return true;
	return type == AG_T_UUID ? set_uuids(arena, node) : set_ranges(arena, node);
}

static bool is_order(enum ag_compare compare)
{
	return compare == AG_CMP_LT || compare == AG_CMP_LE || compare == AG_CMP_GT ||
	       compare == AG_CMP_GE;
}

static bool check_order(struct ag_resolver *resolver, const struct ag_ast_expr *expr,
			const struct ag_node *node)
{
	if (!is_order(node->compare))
		return true;
	if (!ag_field_row(node->field)->ordered) {
		ag_report_error(resolver->report, expr->field.span,
				"%s has no order; it is compared with ==, != and in",
				ag_field_name(node->field));
		return false;
	}
	if (node->n_items != 1 || node->items[0].is_range) {
		ag_report_error(resolver->report, expr->value->span,
				"a set or range is compared with ==, != and in");
		return false;
	}
	return true;
}

static struct ag_node *new_node(struct ag_resolver *resolver, enum ag_node_kind kind,
				struct ag_span span)
{
	struct ag_node *node = ag_arena_alloc(resolver->arena, 1, sizeof(*node));

	if (node) {
		node->kind = kind;
		node->span = span;
	}
	return node;
}

static struct ag_node *lower_compare(struct ag_resolver *resolver, const struct ag_ast_expr *expr)
{
	struct ag_node *node = new_node(resolver, AG_NODE_TEST, expr->span);
	struct ag_slot slot;

	if (!node || !ag_lower_field(resolver, &expr->field, &node->field))
		return NULL;
	node->compare = expr->compare;
	slot = ag_slot_of_field(node->field, expr->field.span);
	if (!ag_resolve(resolver, &slot, expr->value, &node->items, &node->n_items) ||
	    !check_order(resolver, expr, node) || !set_values(resolver->arena, node))
		return NULL;
	return node;
}

/** A flag by itself is the comparison with true. */
static struct ag_node *lower_flag(struct ag_resolver *resolver, const struct ag_ast_expr *expr)
{
	struct ag_node *node = new_node(resolver, AG_NODE_TEST, expr->span);

	if (!node || !ag_lower_field(resolver, &expr->field, &node->field))
		return NULL;
	if (ag_field_type(node->field) != AG_T_FLAG) {
		ag_report_error(resolver->report, expr->field.span,
				"%s is no flag, it has to be compared with something",
				ag_field_name(node->field));
		return NULL;
	}
	node->compare = AG_CMP_EQ;
	node->n_items = 1;
	node->items = ag_arena_alloc(resolver->arena, 1, sizeof(*node->items));
	if (!node->items)
		return NULL;
	node->items[0] = (struct ag_item){ .low.num = 1, .name = "true" };
	return set_values(resolver->arena, node) ? node : NULL;
}

static struct ag_node *lower_sampler(struct ag_resolver *resolver, const struct ag_ast_expr *expr,
				     size_t *n_samplers)
{
	struct ag_node *node = new_node(resolver, AG_NODE_SAMPLER, expr->span);
	bool chance = expr->sampler == AG_SAMPLE_CHANCE;

	if (!node)
		return NULL;
	if (chance && expr->count.num > 100000) {
		ag_report_error(resolver->report, expr->count.span, "chance takes 0%% to 100%%");
		return NULL;
	}
	if (!chance && (expr->count.num == 0 || expr->count.num > UINT32_MAX)) {
		ag_report_error(resolver->report, expr->count.span,
				"every and first take a number from 1 to %lu",
				(unsigned long)UINT32_MAX);
		return NULL;
	}
	node->samples = true;
	node->sampler = expr->sampler;
	node->count = expr->count.num;
	node->counter = (*n_samplers)++;
	return node;
}

/* ---- And, or, not ---- */

static void add_child(struct ag_node *node, struct ag_node *child)
{
	node->children[node->n_children++] = child;
	node->samples |= child->samples;
}

/** Children of a child of the same kind become the node's own: a and (b and c). */
static bool add_children(struct ag_arena *arena, struct ag_node *node, struct ag_node **list,
			 size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += list[i]->kind == node->kind ? list[i]->n_children : 1;
	node->children = ag_arena_alloc(arena, total, sizeof(struct ag_node *));
	if (!node->children)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i]->kind != node->kind) {
			add_child(node, list[i]);
			continue;
		}
		for (size_t j = 0; j < list[i]->n_children; j++)
			add_child(node, list[i]->children[j]);
	}
	return true;
}

/** Samplers behind everything else, so that they count what the rest holds for; else as written. */
static bool samplers_last(struct ag_arena *arena, struct ag_node *node)
{
	struct ag_node **sorted = ag_arena_alloc(arena, node->n_children, sizeof(*sorted));
	size_t count = 0;

	if (!sorted)
		return false;
	for (int pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < node->n_children; i++) {
			struct ag_node *child = node->children[i];
			int place = child->kind == AG_NODE_SAMPLER ? 2 : child->samples;

			if (place == pass)
				sorted[count++] = child;
		}
	}
	node->children = sorted;
	return true;
}

static struct ag_node *lower_chain(struct ag_resolver *resolver, const struct ag_ast_expr *expr,
				   size_t *n_samplers)
{
	bool all = expr->kind == AG_EXPR_AND;
	struct ag_node *node = new_node(resolver, all ? AG_NODE_AND : AG_NODE_OR, expr->span);
	struct ag_node **list;
	size_t written = 0;
	size_t count = 0;

	for (const struct ag_ast_expr *child = expr->children; child; child = child->next)
		written++;
	list = ag_arena_alloc(resolver->arena, written, sizeof(struct ag_node *));
	if (!node || !list)
		return NULL;
	for (const struct ag_ast_expr *child = expr->children; child; child = child->next) {
		list[count] = ag_lower_expr(resolver, child, n_samplers);
		count += list[count] != NULL;
	}
	if (count < written || !add_children(resolver->arena, node, list, count))
		return NULL;
	return all && !samplers_last(resolver->arena, node) ? NULL : node;
}

static struct ag_node *lower_not(struct ag_resolver *resolver, const struct ag_ast_expr *expr,
				 size_t *n_samplers)
{
	struct ag_node *child = ag_lower_expr(resolver, expr->children, n_samplers);
	struct ag_node *node;

	if (!child)
		return NULL;
	if (child->kind == AG_NODE_NOT)
		return child->children[0];
	node = new_node(resolver, AG_NODE_NOT, expr->span);
	if (!node || !add_children(resolver->arena, node, &child, 1))
		return NULL;
	return node;
}

struct ag_node *ag_lower_expr(struct ag_resolver *resolver, const struct ag_ast_expr *expr,
			      size_t *n_samplers)
{
	switch (expr->kind) {
	case AG_EXPR_AND:
	case AG_EXPR_OR:
		return lower_chain(resolver, expr, n_samplers);
	case AG_EXPR_NOT:
		return lower_not(resolver, expr, n_samplers);
	case AG_EXPR_FLAG:
		return lower_flag(resolver, expr);
	case AG_EXPR_COMPARE:
		return lower_compare(resolver, expr);
	case AG_EXPR_SAMPLER:
		break;
	}
	return lower_sampler(resolver, expr, n_samplers);
}
