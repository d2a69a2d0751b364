/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/require.h"

#include <stdlib.h>

#include "rules/field.h"
#include "rules/match.h"

/** Ranges of so many numbers in all are as good as written one by one. */
enum { FEW_NUMBERS = 64 };

void ag_required_clear(struct ag_required *required)
{
	free(required->hashes);
	free(required->ranges);
	*required = (struct ag_required){ 0 };
}

/** Room for one more in a list; doubles it. */
static bool grow(void **list, size_t count, size_t *allocated, size_t size)
{
	size_t more = *allocated ? *allocated * 2 : 16;
	void *bigger;

	if (count < *allocated)
		return true;
	bigger = realloc(*list, more * size);
	if (!bigger)
		return false;
	*list = bigger;
	*allocated = more;
	return true;
}

static void add_hash(struct ag_required *to, uint64_t hash)
{
	void *list = to->hashes;

	to->failed |= !grow(&list, to->n_hashes, &to->hashes_allocated, sizeof(hash));
	to->hashes = list;
	if (!to->failed)
		to->hashes[to->n_hashes++] = hash;
}

static void add_range(struct ag_required *to, struct ag_range range)
{
	void *list = to->ranges;

	to->failed |= !grow(&list, to->n_ranges, &to->ranges_allocated, sizeof(range));
	to->ranges = list;
	if (!to->failed)
		to->ranges[to->n_ranges++] = range;
}

/* ---- What the nodes require ---- */

static bool gather_uuids(const struct ag_node *test, struct ag_required *to)
{
	for (size_t i = 0; i < test->n_uuids && !test->negated; i++)
		add_hash(to, ag_hash(test->uuids[i].hi, test->uuids[i].lo));
	return !test->negated;
}

static bool gather_octets(const struct ag_node *test, struct ag_required *to)
{
	if (test->negated)
		return false;
	for (size_t i = 0; i < test->n_items; i++) {
		if (test->items[i].is_prefix)
			return false;
		add_hash(to, ag_hash_value(AG_T_BYTES, &test->items[i].low));
	}
	return true;
}

static bool gather_numbers(const struct ag_node *test, struct ag_required *to)
{
	for (size_t i = 0; i < test->n_ranges; i++)
		add_range(to, test->ranges[i]);
	return true;
}

static bool gather_test(const struct ag_node *test, enum ag_field field, struct ag_required *to)
{
	enum ag_value_type type = ag_field_type(field);

	if (test->field != field)
		return false;
	if (ag_type_is_number(type))
		return gather_numbers(test, to);
	return type == AG_T_UUID ? gather_uuids(test, to) : gather_octets(test, to);
}

static bool gather(const struct ag_node *node, enum ag_field field, struct ag_required *to);

/** Of an `and` one operand is enough, if it is asked before any sampler. */
static bool gather_any(const struct ag_node *node, enum ag_field field, struct ag_required *to)
{
	for (size_t i = 0; i < node->n_children; i++) {
		if (!node->children[i]->samples && gather(node->children[i], field, to))
			return true;
	}
	return false;
}

static bool gather_all(const struct ag_node *node, enum ag_field field, struct ag_required *to)
{
	for (size_t i = 0; i < node->n_children; i++) {
		if (!gather(node->children[i], field, to))
			return false;
	}
	return true;
}

/** @return: whether the node requires something of the field; if not, nothing was added */
static bool gather(const struct ag_node *node, enum ag_field field, struct ag_required *to)
{
	size_t n_hashes = to->n_hashes;
	size_t n_ranges = to->n_ranges;
	bool found = false;

	switch (node->kind) {
	case AG_NODE_AND:
		found = gather_any(node, field, to);
		break;
	case AG_NODE_OR:
		found = gather_all(node, field, to);
		break;
	case AG_NODE_TEST:
		found = gather_test(node, field, to);
		break;
	case AG_NODE_NOT: /* holds where the field is not there */
	case AG_NODE_SAMPLER:
		break;
	}
	if (!found) {
		to->n_hashes = n_hashes;
		to->n_ranges = n_ranges;
	}
	return found;
}

/* ---- Putting them in order ---- */

static int compare_hashes(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	return (*a > *b) - (*a < *b);
}

static void sort_hashes(struct ag_required *required)
{
	size_t kept = 0;

	if (required->n_hashes < 2)
		return;
	qsort(required->hashes, required->n_hashes, sizeof(*required->hashes), compare_hashes);
	for (size_t i = 0; i < required->n_hashes; i++) {
		if (!kept || required->hashes[i] != required->hashes[kept - 1])
			required->hashes[kept++] = required->hashes[i];
	}
	required->n_hashes = kept;
}

/** How many numbers there are in the ranges; no more than fit. */
static uint64_t width_of(const struct ag_required *required)
{
	uint64_t width = 0;

	for (size_t i = 0; i < required->n_ranges; i++) {
		uint64_t more = required->ranges[i].high - required->ranges[i].low;

		if (more >= UINT64_MAX - width)
			return UINT64_MAX;
		width += more + 1;
	}
	return width;
}

static void write_out(struct ag_required *required)
{
	for (size_t i = 0; i < required->n_ranges; i++) {
		uint64_t num = required->ranges[i].low;
		uint64_t high = required->ranges[i].high;

		add_hash(required, ag_hash(num, 0));
		while (num++ < high && !required->failed)
			add_hash(required, ag_hash(num, 0));
	}
}

static enum ag_requirement settle_numbers(struct ag_required *required, enum ag_field field)
{
	uint64_t width;

	required->n_ranges = ag_ranges_normalise(required->ranges, required->n_ranges);
	width = width_of(required);
	if (width <= FEW_NUMBERS || width / 4 <= required->n_ranges) {
		write_out(required);
		sort_hashes(required);
		return AG_REQUIRES_VALUES;
	}
	/* != and the like: nearly all subjects would be found there */
	if (width > ag_field_row(field)->max / 2 ||
	    required->ranges[required->n_ranges - 1].high == UINT64_MAX)
		return AG_REQUIRES_NOTHING;
	return AG_REQUIRES_RANGES;
}

enum ag_requirement ag_require(const struct ag_node *when, enum ag_field field,
			       struct ag_required *out)
{
	enum ag_value_type type = ag_field_type(field);
	enum ag_requirement kind = AG_REQUIRES_VALUES;

	out->n_hashes = 0;
	out->n_ranges = 0;
	if (!when || !gather(when, field, out))
		return out->failed ? AG_REQUIRES_FAILED : AG_REQUIRES_NOTHING;
	if (type == AG_T_UUID || type == AG_T_BYTES)
		sort_hashes(out);
	else if (!out->failed)
		kind = settle_numbers(out, field);
	return out->failed ? AG_REQUIRES_FAILED : kind;
}

uint64_t ag_fields_tested(const struct ag_node *when)
{
	uint64_t fields = 0;

	if (!when)
		return 0;
	if (when->kind == AG_NODE_TEST)
		return ag_field_bit(when->field);
	for (size_t i = 0; i < when->n_children; i++)
		fields |= ag_fields_tested(when->children[i]);
	return fields;
}
