/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/cases.h"
#include "rules/hide.h"

enum {
	KEYS = 4 * AG_PDUS, /* from x role x opcode */
	NO_KEY = KEYS,      /* a subject of which these are not all known */
};

struct ag_dispatch {
	struct ag_cases any; /* in which some rule can match */
	uint16_t class_of[KEYS];
	struct ag_candidates classes[KEYS];
	struct ag_candidates all;
};

/* ---- Conditions ---- */

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

	if (!ag_subject_has(subject, node->field))
		return false;
	switch (ag_field_type(node->field)) {
	case AG_T_FLAG:
	case AG_T_NUMBER:
	case AG_T_HANDLE:
	case AG_T_NAME:
	case AG_T_DURATION:
	case AG_T_BDADDR:
		return ag_ranges_have(node->ranges, node->n_ranges, value->num);
	case AG_T_UUID:
		return uuids_have(node->uuids, node->n_uuids, &value->uuid) != node->negated;
	case AG_T_BYTES:
		return items_have(node, &value->bytes) != node->negated;
	}
	return false;
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
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
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
		return next_random(&state->random) % 100000 < node->count;
	}
	return false;
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
		return state && sample(node, state);
	}
	return false;
}

/* ---- Candidates ---- */

static unsigned int key_of(const struct ag_subject *subject)
{
	uint64_t needed = UINT64_C(1) << AG_F_FROM | UINT64_C(1) << AG_F_ROLE;
	uint64_t from = subject->value[AG_F_FROM].num;
	uint64_t role = subject->value[AG_F_ROLE].num;
	uint64_t pdu;

	if ((subject->present & needed) != needed || from > 1 || role > 1)
		return NO_KEY;
	if (ag_subject_has(subject, AG_F_ATT_OPCODE))
		pdu = subject->value[AG_F_ATT_OPCODE].num & 0xff;
	else if (ag_subject_has(subject, AG_F_SMP_OPCODE))
		pdu = 256 + (subject->value[AG_F_SMP_OPCODE].num & 0xff);
	else
		return NO_KEY;
	return (unsigned int)((from * 2 + role) * AG_PDUS + pdu);
}

/** Whether a rule with these cases can match under a key, on whatever link and bearer. */
static bool possible(const struct ag_cases *cases, unsigned int key)
{
	unsigned int pdu = key % AG_PDUS;
	unsigned int context = key / AG_PDUS * 4;

	return ag_cases_has(cases, context, pdu) || ag_cases_has(cases, context + 1, pdu) ||
	       ag_cases_has(cases, context + 2, pdu) || ag_cases_has(cases, context + 3, pdu);
}

/** Split the classes of keys by one more rule: two keys stay together where it makes no
 *  difference. @return: the number of classes */
static unsigned int refine(uint16_t class_of[KEYS], const struct ag_cases *cases)
{
	uint16_t split[2][KEYS];
	unsigned int count = 0;

	memset(split, 0xff, sizeof(split));
	for (unsigned int key = 0; key < KEYS; key++) {
		uint16_t *slot = &split[possible(cases, key)][class_of[key]];

		if (*slot == UINT16_MAX)
			*slot = (uint16_t)count++;
		class_of[key] = *slot;
	}
	return count;
}

static bool list_add(struct ag_candidates *list, size_t *room, uint32_t rule)
{
	uint32_t *rules = (uint32_t *)list->rules;

	if (list->count == *room) {
		size_t size = *room ? *room * 2 : 8;
		uint32_t *more = realloc(rules, size * sizeof(*rules));

		if (!more)
			return false;
		list->rules = rules = more;
		*room = size;
	}
	rules[list->count++] = rule;
	return true;
}

/** Lists while they grow. */
struct growing {
	struct ag_candidates list[KEYS];
	size_t room[KEYS];
	unsigned int member[KEYS]; /* a key of each class */
	unsigned int n_classes;
};

static void growing_clear(struct growing *growing)
{
	for (unsigned int i = 0; growing && i < KEYS; i++)
		free((uint32_t *)growing->list[i].rules);
	free(growing);
}

static void find_members(const struct ag_dispatch *dispatch, struct growing *growing)
{
	for (unsigned int key = 0; key < KEYS; key++)
		growing->member[dispatch->class_of[key]] = key;
}

static bool add_rule(struct growing *growing, const struct ag_ruleset *set, size_t rule)
{
	struct ag_cases can_be_true;
	struct ag_cases can_be_false;

	if (ag_rule_hides(&set->rules[rule]))
		return true;
	ag_cases_of(set->bodies[rule].when, &can_be_true, &can_be_false);
	for (unsigned int i = 0; i < growing->n_classes; i++) {
		if (possible(&can_be_true, growing->member[i]) &&
		    !list_add(&growing->list[i], &growing->room[i], (uint32_t)rule))
			return false;
	}
	return true;
}

static bool copy_list(struct ag_arena *arena, const struct ag_candidates *from,
		      struct ag_candidates *to)
{
	uint32_t *rules = ag_arena_alloc(arena, from->count, sizeof(*rules));

	if (!rules)
		return false;
	if (from->count)
		memcpy(rules, from->rules, from->count * sizeof(*rules));
	*to = (struct ag_candidates){ rules, from->count };
	return true;
}

static bool build_lists(struct ag_ruleset *set, struct growing *growing)
{
	uint32_t *all = ag_arena_alloc(&set->arena, set->count, sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (!all || !add_rule(growing, set, i))
			return false;
		if (!ag_rule_hides(&set->rules[i]))
			all[count++] = (uint32_t)i;
	}
	set->dispatch->all = (struct ag_candidates){ all, count };
	for (unsigned int i = 0; i < growing->n_classes; i++) {
		if (!copy_list(&set->arena, &growing->list[i], &set->dispatch->classes[i]))
			return false;
	}
	return all;
}

static unsigned int classify(const struct ag_ruleset *set, struct ag_dispatch *dispatch)
{
	struct ag_cases can_be_true;
	struct ag_cases can_be_false;
	unsigned int n_classes = 1;

	for (size_t i = 0; i < set->count; i++) {
		if (ag_rule_hides(&set->rules[i]))
			continue;
		ag_cases_of(set->bodies[i].when, &can_be_true, &can_be_false);
		ag_cases_or(&dispatch->any, &can_be_true);
		n_classes = refine(dispatch->class_of, &can_be_true);
	}
	return n_classes;
}

int ag_dispatch_build(struct ag_ruleset *set)
{
	struct growing *growing = calloc(1, sizeof(*growing));
	bool fine;

	set->dispatch = ag_arena_alloc(&set->arena, 1, sizeof(*set->dispatch));
	if (!growing || !set->dispatch) {
		free(growing);
		return -ENOMEM;
	}
	growing->n_classes = classify(set, set->dispatch);
	find_members(set->dispatch, growing);
	fine = build_lists(set, growing);
	growing_clear(growing);
	return fine ? 0 : -ENOMEM;
}

/* ---- Asking ---- */

/** The first place in a list whose rule is not before `position`. */
static size_t first_from(const struct ag_candidates *list, size_t position)
{
	size_t low = 0;
	size_t high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->rules[middle] < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct ag_rule *ag_rules_next(const struct ag_ruleset *set, const struct ag_subject *subject,
				    struct ag_match_state *state, size_t *position)
{
	const struct ag_candidates *list;
	unsigned int key;

	if (!set)
		return NULL;
	key = key_of(subject);
	list = key == NO_KEY ? &set->dispatch->all
			     : &set->dispatch->classes[set->dispatch->class_of[key]];
	for (size_t i = first_from(list, *position); i < list->count; i++) {
		size_t rule = list->rules[i];
		const struct ag_node *when = set->bodies[rule].when;

		if (!when || ag_condition_holds(when, subject, state)) {
			*position = rule + 1;
			return &set->rules[rule];
		}
	}
	*position = set->count;
	return NULL;
}

/** Whether a context agrees with what is known of the subject. */
static bool agrees(const struct ag_subject *subject, unsigned int context)
{
	enum ag_path path = ag_context_path(context);
	bool bredr = path >= AG_PATH_ATT_BREDR;
	uint64_t bearer = path == AG_PATH_EATT_BREDR ? AG_BEARER_EATT : (uint64_t)path;

	return (!ag_subject_has(subject, AG_F_FROM) ||
		subject->value[AG_F_FROM].num == ag_context_from(context)) &&
	       (!ag_subject_has(subject, AG_F_ROLE) ||
		subject->value[AG_F_ROLE].num == ag_context_role(context)) &&
	       (!ag_subject_has(subject, AG_F_LINK) ||
		(subject->value[AG_F_LINK].num == AG_LINK_BREDR) == bredr) &&
	       (!ag_subject_has(subject, AG_F_BEARER) || subject->value[AG_F_BEARER].num == bearer);
}

/** Whether some rule can match in a context a PDU of which the opcode is known or not. */
static bool may_match_in(const struct ag_cases *any, const struct ag_subject *subject,
			 unsigned int context)
{
	if (ag_subject_has(subject, AG_F_ATT_OPCODE))
		return ag_cases_has(any, context, subject->value[AG_F_ATT_OPCODE].num & 0xff);
	if (ag_subject_has(subject, AG_F_SMP_OPCODE))
		return ag_cases_has(any, context,
				    256 + (subject->value[AG_F_SMP_OPCODE].num & 0xff));
	for (size_t i = 0; i < AG_CONTEXT_WORDS; i++) {
		if (any->words[context * AG_CONTEXT_WORDS + i])
			return true;
	}
	return false;
}

bool ag_rules_may_match(const struct ag_ruleset *set, const struct ag_subject *subject)
{
	bool agreed = false;

	if (!set)
		return false;
	for (unsigned int context = 0; context < AG_CONTEXTS; context++) {
		if (!agrees(subject, context))
			continue;
		agreed = true;
		if (may_match_in(&set->dispatch->any, subject, context))
			return true;
	}
	return !agreed; /* a bearer on a link where it cannot be: nothing is known */
}
