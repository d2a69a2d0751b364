/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/field.h"
#include "rules/hash.h"

/* ---- Conditions ---- */

static int compare_ranges(const void *left, const void *right)
{
	const struct ag_range *a = left;
	const struct ag_range *b = right;

	return (a->low > b->low) - (a->low < b->low);
}

size_t ag_ranges_normalise(struct ag_range *ranges, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < count; i++) {
		struct ag_range *last = kept ? &ranges[kept - 1] : NULL;

		if (last && (last->high == UINT64_MAX || ranges[i].low <= last->high + 1)) {
			if (ranges[i].high > last->high)
				last->high = ranges[i].high;
			continue;
		}
		ranges[kept++] = ranges[i];
	}
	return kept;
}

bool ag_ranges_have(const struct ag_range *ranges, size_t count, uint64_t num)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (num < ranges[middle].low)
			count = middle;
		else if (num > ranges[middle].high)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

static bool uuids_have(const struct ag_uuid *uuids, size_t count, const struct ag_uuid *uuid)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;
		const struct ag_uuid *at = &uuids[middle];

		if (at->hi == uuid->hi && at->lo == uuid->lo)
			return true;
		if (uuid->hi < at->hi || (uuid->hi == at->hi && uuid->lo < at->lo))
			count = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool bytes_match(const struct ag_item *item, const struct ag_bytes *bytes)
{
	size_t len = item->low.bytes.len;

	if (item->is_prefix ? bytes->len < len : bytes->len != len)
		return false;
	return len == 0 || memcmp(item->low.bytes.data, bytes->data, len) == 0;
}

static bool items_have(const struct ag_node *node, const struct ag_bytes *bytes)
{
	for (size_t i = 0; i < node->n_items; i++) {
		if (bytes_match(&node->items[i], bytes))
			return true;
	}
	return false;
}

static bool test(const struct ag_node *node, const struct ag_subject *subject)
{
	const union ag_value *value = &subject->value[node->field];
	enum ag_value_type type = ag_field_type(node->field);

	if (!ag_subject_has(subject, node->field))
		return false;
	if (ag_type_is_number(type))
		return ag_ranges_have(node->ranges, node->n_ranges, value->num);
	if (type == AG_T_UUID)
		return uuids_have(node->uuids, node->n_uuids, &value->uuid) != node->negated;
	return items_have(node, &value->bytes) != node->negated;
}

/* ---- Samplers ---- */

struct ag_match_state {
	uint64_t random;
	uint64_t seen[]; /* by ag_node.counter */
};

int ag_match_state_new(const struct ag_ruleset *set, uint64_t seed, struct ag_match_state **out)
{
	size_t count = set ? set->n_samplers : 0;
	struct ag_match_state *state = calloc(1, sizeof(*state) + count * sizeof(state->seen[0]));

	if (!state)
		return -ENOMEM;
	state->random = seed;
	*out = state;
	return 0;
}

void ag_match_state_free(struct ag_match_state *state)
{
	free(state);
}

/** SplitMix64: every seed is good, and the same seed gives the same row. */
static uint64_t next_random(uint64_t *state)
{
	*state += AG_HASH_STEP;
	return ag_hash_scramble(*state);
}

static bool sample(const struct ag_node *node, struct ag_match_state *state)
{
	uint64_t *seen = &state->seen[node->counter];

	switch (node->sampler) {
	case AG_SAMPLE_EVERY:
		*seen = (*seen + 1) % node->count;
		return *seen == 0;
	case AG_SAMPLE_FIRST:
		*seen += *seen <= node->count;
		return *seen <= node->count;
	case AG_SAMPLE_CHANCE:
		break;
	}
	return next_random(&state->random) % 100000 < node->count;
}

bool ag_condition_holds(const struct ag_node *node, const struct ag_subject *subject,
			struct ag_match_state *state)
{
	bool all = node->kind == AG_NODE_AND;

	switch (node->kind) {
	case AG_NODE_AND:
	case AG_NODE_OR:
		for (size_t i = 0; i < node->n_children; i++) {
			if (ag_condition_holds(node->children[i], subject, state) != all)
				return !all;
		}
		return all;
	case AG_NODE_NOT:
		return !ag_condition_holds(node->children[0], subject, state);
	case AG_NODE_TEST:
		return test(node, subject);
	case AG_NODE_SAMPLER:
		break;
	}
	return state && sample(node, state);
}
