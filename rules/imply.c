/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/imply.h"

#include <string.h>

#include "rules/field.h"

/* ---- Sets of values ---- */

/** Whether two sorted sets of ranges have a number in common. */
static bool ranges_meet(const struct ag_node *a, const struct ag_node *b)
{
	size_t i = 0;
	size_t j = 0;

	while (i < a->n_ranges && j < b->n_ranges) {
		if (a->ranges[i].high < b->ranges[j].low)
			i++;
		else if (b->ranges[j].high < a->ranges[i].low)
			j++;
		else
			return true;
	}
	return false;
}

/** Whether every number of `a` is in `b`; both are joined where they touch. */
static bool ranges_inside(const struct ag_node *a, const struct ag_node *b)
{
	size_t j = 0;

	for (size_t i = 0; i < a->n_ranges; i++) {
		while (j < b->n_ranges && b->ranges[j].high < a->ranges[i].low)
			j++;
		if (j == b->n_ranges || a->ranges[i].low < b->ranges[j].low ||
		    a->ranges[i].high > b->ranges[j].high)
			return false;
	}
	return true;
}

static bool same_uuid(const struct ag_uuid *a, const struct ag_uuid *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

static bool has_uuid(const struct ag_node *test, const struct ag_uuid *uuid)
{
	for (size_t i = 0; i < test->n_uuids; i++) {
		if (same_uuid(&test->uuids[i], uuid))
			return true;
	}
	return false;
}

/** Whether all (or, for `none`, not one) of the UUIDs of `a` are in `b`. */
static bool uuids_all_in(const struct ag_node *a, const struct ag_node *b, bool none)
{
	for (size_t i = 0; i < a->n_uuids; i++) {
		if (has_uuid(b, &a->uuids[i]) == none)
			return false;
	}
	return true;
}

static bool same_items(const struct ag_node *a, const struct ag_node *b)
{
	if (a->n_items != b->n_items || a->negated != b->negated)
		return false;
	for (size_t i = 0; i < a->n_items; i++) {
		const struct ag_bytes *x = &a->items[i].low.bytes;
		const struct ag_bytes *y = &b->items[i].low.bytes;

		if (a->items[i].is_prefix != b->items[i].is_prefix || x->len != y->len ||
		    (x->len && memcmp(x->data, y->data, x->len) != 0))
			return false;
	}
	return true;
}

bool ag_tests_exclude(const struct ag_node *a, const struct ag_node *b)
{
	enum ag_value_type type;

	if (a->kind != AG_NODE_TEST || b->kind != AG_NODE_TEST || a->field != b->field)
		return false;
	type = ag_field_type(a->field);
	if (ag_type_is_number(type))
		return !ranges_meet(a, b);
	return type == AG_T_UUID && !a->negated && !b->negated && uuids_all_in(a, b, true);
}

/** Whether one comparison follows from another. */
static bool test_implies(const struct ag_node *given, const struct ag_node *then)
{
	enum ag_value_type type = ag_field_type(given->field);

	if (given->field != then->field)
		return false;
	if (ag_type_is_number(type))
		return ranges_inside(given, then);
	if (type == AG_T_BYTES)
		return same_items(given, then);
	if (given->negated)
		return then->negated && uuids_all_in(then, given, false);
	return uuids_all_in(given, then, then->negated);
}

/* ---- Conditions ---- */

static bool certain_in(const struct ag_node *node, const struct ag_cases *cases)
{
	struct ag_cases can_be_true;
	struct ag_cases can_be_false;

	/* spares most of the work where many rules differ in a handle or a value */
	if (node->kind == AG_NODE_TEST && !(ag_fields_of_cases() & ag_field_bit(node->field)))
		return false;
	ag_cases_of(node, &can_be_true, &can_be_false);
	return !ag_cases_meet(&can_be_false, cases);
}

/** Whether a condition without `and` and `or` at its top follows from another by its form. */
static bool follows_by_form(const struct ag_node *given, const struct ag_node *then,
			    const struct ag_cases *cases)
{
	if (given->kind == AG_NODE_AND) {
		for (size_t i = 0; i < given->n_children; i++) {
			if (follows_by_form(given->children[i], then, cases))
				return true;
		}
		return false;
	}
	if (given->kind == AG_NODE_NOT && then->kind == AG_NODE_NOT)
		return ag_condition_implies(then->children[0], given->children[0], cases);
	return given->kind == AG_NODE_TEST && then->kind == AG_NODE_TEST &&
	       test_implies(given, then);
}

bool ag_condition_implies(const struct ag_node *given, const struct ag_node *then,
			  const struct ag_cases *cases)
{
	bool all = then->kind == AG_NODE_AND;

	if (then->samples)
		return false;
	if (all || then->kind == AG_NODE_OR) {
		for (size_t i = 0; i < then->n_children; i++) {
			if (ag_condition_implies(given, then->children[i], cases) != all)
				return !all;
		}
		return all;
	}
	return follows_by_form(given, then, cases) || certain_in(then, cases);
}
