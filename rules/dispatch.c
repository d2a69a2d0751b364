/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/cases.h"
#include "rules/hide.h"
#include "rules/index.h"
#include "rules/match.h"
#include "rules/require.h"

enum {
	KEYS = 4 * AG_PDUS, /* from x role x opcode */
	NO_KEY = KEYS,      /* a subject of which these are not all known */
	KEY_WORDS = KEYS / 64,
};

/** PDUs for which the same rules can match. */
struct class
{
	struct ag_index rules;
	struct ag_index of_peers; /* of them those that are for certain peers only, by peer */
};

struct ag_dispatch {
	struct ag_cases any;       /* in which some rule has to be asked */
	struct ag_cases any_peers; /* likewise, whoever the peer is */
	uint16_t class_of[KEYS];
	struct class *classes;
	struct ag_index all;
};

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

/** The keys under which a rule has to be asked, on whatever link and bearer, one bit each. */
struct keys {
	uint64_t words[KEY_WORDS];
};

static void keys_of(const struct ag_cases *cases, struct keys *out)
{
	for (size_t i = 0; i < KEY_WORDS; i++) {
		size_t context = i / AG_CONTEXT_WORDS * 4;
		const uint64_t *at =
		    &cases->words[context * AG_CONTEXT_WORDS + i % AG_CONTEXT_WORDS];

		out->words[i] = at[0] | at[AG_CONTEXT_WORDS] | at[2 * AG_CONTEXT_WORDS] |
				at[3 * AG_CONTEXT_WORDS];
	}
}

static bool has_key(const struct keys *keys, unsigned int key)
{
	return keys->words[key / 64] >> key % 64 & 1;
}

/** Split the classes of keys by one more rule: two keys stay together where it makes no
 *  difference. @return: the number of classes */
static unsigned int refine(uint16_t class_of[KEYS], const struct keys *keys)
{
	uint16_t split[2][KEYS];
	unsigned int count = 0;

	memset(split, 0xff, sizeof(split));
	for (unsigned int key = 0; key < KEYS; key++) {
		uint16_t *slot = &split[has_key(keys, key)][class_of[key]];

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
	struct keys *keys; /* by rule; none where it hides */
	bool *of_peers;    /* by rule: for certain peers only */
	size_t left;       /* entries of indices */
};

static void growing_clear(struct growing *growing)
{
	for (unsigned int i = 0; growing && i < KEYS; i++)
		free((uint32_t *)growing->list[i].rules);
	if (growing) {
		free(growing->keys);
		free(growing->of_peers);
	}
	free(growing);
}

static void find_members(const struct ag_dispatch *dispatch, struct growing *growing)
{
	for (unsigned int key = 0; key < KEYS; key++)
		growing->member[dispatch->class_of[key]] = key;
}

static bool add_rule(struct growing *growing, size_t rule)
{
	for (unsigned int i = 0; i < growing->n_classes; i++) {
		if (has_key(&growing->keys[rule], growing->member[i]) &&
		    !list_add(&growing->list[i], &growing->room[i], (uint32_t)rule))
			return false;
	}
	return true;
}

/** Fields that make columns: those that the classes settle make none. */
static uint64_t column_fields(void)
{
	return ~(ag_field_bit(AG_F_FROM) | ag_field_bit(AG_F_ROLE) | ag_fields_of_opcode());
}

/** The rules of a class that are for certain peers only. */
static int index_peers(struct ag_ruleset *set, struct growing *growing,
		       const struct ag_candidates *list, struct ag_index *out)
{
	struct ag_index_plan plan = { ag_field_bit(AG_F_PEER), &growing->left };
	uint32_t *rules = malloc((list->count + 1) * sizeof(*rules));
	struct ag_candidates peers = { rules, 0 };
	int r;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		if (growing->of_peers[list->rules[i]])
			rules[peers.count++] = list->rules[i];
	}
	r = ag_index_build(set, &peers, &plan, out);
	free(rules);
	return r;
}

static int index_classes(struct ag_ruleset *set, struct growing *growing)
{
	struct ag_index_plan plan = { column_fields(), &growing->left };
	struct class *classes = ag_arena_alloc(&set->arena, growing->n_classes, sizeof(*classes));
	int r = classes ? 0 : -ENOMEM;

	set->dispatch->classes = classes;
	for (unsigned int i = 0; i < growing->n_classes && !r; i++) {
		r = ag_index_build(set, &growing->list[i], &plan, &classes[i].rules);
		if (!r)
			r = index_peers(set, growing, &growing->list[i], &classes[i].of_peers);
	}
	return r;
}

/** All rules in one row, for subjects of which too little is known. */
static int index_all(struct ag_ruleset *set, struct growing *growing)
{
	struct ag_index_plan plan = { 0, &growing->left };
	struct ag_candidates all = { 0 };
	size_t room = 0;
	int r = 0;

	for (size_t i = 0; i < set->count && !r; i++) {
		if (!ag_rule_hides(&set->rules[i]) && !list_add(&all, &room, (uint32_t)i))
			r = -ENOMEM;
	}
	if (!r)
		r = ag_index_build(set, &all, &plan, &set->dispatch->all);
	free((uint32_t *)all.rules);
	return r;
}

static int build_lists(struct ag_ruleset *set, struct growing *growing)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!add_rule(growing, i))
			return -ENOMEM;
	}
	return index_classes(set, growing) || index_all(set, growing) ? -ENOMEM : 0;
}

/** Which rules are for certain peers only. */
static int find_peers(const struct ag_ruleset *set, struct growing *growing)
{
	struct ag_required required = { 0 };
	int r = 0;

	growing->of_peers = calloc(set->count + 1, sizeof(*growing->of_peers));
	if (!growing->of_peers)
		return -ENOMEM;
	for (size_t i = 0; i < set->count && !r; i++) {
		enum ag_requirement kind = ag_require(set->bodies[i].when, AG_F_PEER, &required);

		growing->of_peers[i] = kind != AG_REQUIRES_NOTHING;
		r = kind == AG_REQUIRES_FAILED ? -ENOMEM : 0;
	}
	ag_required_clear(&required);
	return r;
}

static void classify(const struct ag_ruleset *set, struct ag_dispatch *dispatch,
		     struct growing *growing)
{
	struct ag_cases matter;

	growing->n_classes = 1;
	for (size_t i = 0; i < set->count; i++) {
		if (ag_rule_hides(&set->rules[i]))
			continue;
		ag_cases_that_matter(set->bodies[i].when, &matter);
		ag_cases_or(&dispatch->any, &matter);
		if (!growing->of_peers[i])
			ag_cases_or(&dispatch->any_peers, &matter);
		keys_of(&matter, &growing->keys[i]);
		growing->n_classes = refine(dispatch->class_of, &growing->keys[i]);
	}
}

int ag_dispatch_build(struct ag_ruleset *set)
{
	struct growing *growing = calloc(1, sizeof(*growing));
	int r = -ENOMEM;

	set->dispatch = ag_arena_alloc(&set->arena, 1, sizeof(*set->dispatch));
	if (growing && set->dispatch) {
		growing->left = AG_ENTRIES_MAX;
		growing->keys = calloc(set->count + 1, sizeof(*growing->keys));
		r = growing->keys ? find_peers(set, growing) : -ENOMEM;
	}
	if (!r) {
		classify(set, set->dispatch, growing);
		find_members(set->dispatch, growing);
		r = build_lists(set, growing);
	}
	growing_clear(growing);
	return r;
}

/* ---- Asking ---- */

const struct ag_rule *ag_rules_next(const struct ag_ruleset *set, const struct ag_subject *subject,
				    struct ag_match_state *state, size_t *position)
{
	struct ag_walk walk;
	unsigned int key;
	uint32_t rule;

	if (!set)
		return NULL;
	key = key_of(subject);
	ag_index_ask(key == NO_KEY ? &set->dispatch->all
				   : &set->dispatch->classes[set->dispatch->class_of[key]].rules,
		     subject, *position, &walk);
	while (ag_walk_next(&walk, &rule)) {
		const struct ag_node *when = set->bodies[rule].when;

		if (!when || ag_condition_holds(when, subject, state)) {
			*position = rule + 1;
			return &set->rules[rule];
		}
	}
	*position = set->count;
	return NULL;
}

/** The contexts that agree with what is known of a subject, one bit each: those of ag_context(), of
 *  which this is the inverse. */
static unsigned int contexts_of(const struct ag_subject *subject)
{
	static const uint16_t from[] = { 0x00ff, 0xff00 };
	static const uint16_t role[] = { 0x0f0f, 0xf0f0 };
	static const uint16_t bearer[] = { 0x1111, 0xaaaa, 0x4444 };
	const union ag_value *value = subject->value;
	unsigned int contexts = 0xffff;

	if (ag_subject_has(subject, AG_F_FROM))
		contexts &= value[AG_F_FROM].num < 2 ? from[value[AG_F_FROM].num] : 0;
	if (ag_subject_has(subject, AG_F_ROLE))
		contexts &= value[AG_F_ROLE].num < 2 ? role[value[AG_F_ROLE].num] : 0;
	if (ag_subject_has(subject, AG_F_LINK))
		contexts &= value[AG_F_LINK].num == AG_LINK_BREDR ? 0xcccc : 0x3333;
	if (ag_subject_has(subject, AG_F_BEARER))
		contexts &= value[AG_F_BEARER].num < 3 ? bearer[value[AG_F_BEARER].num] : 0;
	return contexts;
}

/** Where ATT PDUs of a bearer go. Only EATT exists on both transports. */
static enum ag_path path_of(enum ag_link_type link, enum ag_bearer_type bearer)
{
	switch (bearer) {
	case AG_BEARER_ATT:
		return AG_PATH_ATT;
	case AG_BEARER_EATT:
		return link == AG_LINK_BREDR ? AG_PATH_EATT_BREDR : AG_PATH_EATT;
	case AG_BEARER_ATT_BREDR:
		break;
	}
	return AG_PATH_ATT_BREDR;
}

enum ag_rules_reach ag_rules_reach(const struct ag_ruleset *set, enum ag_from from,
				   enum ag_role role, enum ag_link_type link,
				   enum ag_bearer_type bearer, uint8_t opcode)
{
	unsigned int context = ag_context(from, role, path_of(link, bearer));

	if (!set || !ag_cases_has(&set->dispatch->any, context, opcode))
		return AG_RULES_NONE;
	return ag_cases_has(&set->dispatch->any_peers, context, opcode) ? AG_RULES_SOME
									: AG_RULES_OF_PEERS;
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

/** Whether some rule can match in one of the contexts. */
static bool may_match(const struct ag_cases *any, const struct ag_subject *subject,
		      unsigned int contexts)
{
	for (; contexts; contexts &= contexts - 1) {
		if (may_match_in(any, subject, (unsigned int)__builtin_ctz(contexts)))
			return true;
	}
	return false;
}

/** Whether there is a rule for this peer among those that are for certain peers only. */
static bool may_match_peer(const struct ag_ruleset *set, const struct ag_subject *subject)
{
	unsigned int key = key_of(subject);
	struct ag_walk walk;

	if (key == NO_KEY || !ag_subject_has(subject, AG_F_PEER))
		return true;
	ag_index_ask(&set->dispatch->classes[set->dispatch->class_of[key]].of_peers, subject, 0,
		     &walk);
	return walk.count;
}

bool ag_rules_may_match(const struct ag_ruleset *set, const struct ag_subject *subject)
{
	unsigned int contexts;

	if (!set)
		return false;
	contexts = contexts_of(subject);
	if (!contexts) /* a bearer on a link where it cannot be: nothing is known */
		return true;
	return may_match(&set->dispatch->any, subject, contexts) &&
	       (may_match(&set->dispatch->any_peers, subject, contexts) ||
		may_match_peer(set, subject));
}
