/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_SET_H
#define AG_RULES_SET_H

/* A compiled set from the inside. All of it lives in the set's arena. */

#include "rules/ast.h"

/** One value as it was written. */
struct ag_item {
	union ag_value low; /* bytes: in the arena */
	uint64_t high;      /* is_range */
	bool is_range;
	bool is_prefix;
	const char *name; /* its canonical name, if it was written as one */
};

struct ag_range {
	uint64_t low;
	uint64_t high;
};

enum ag_node_kind { AG_NODE_AND, AG_NODE_OR, AG_NODE_NOT, AG_NODE_TEST, AG_NODE_SAMPLER };

/** One node of a condition. AND and OR have at least two children, none of their own kind. */
struct ag_node {
	enum ag_node_kind kind;
	struct ag_span span;
	bool samples; /* there is a sampler in it */
	struct ag_node **children;
	size_t n_children;
	/* TEST: the field is present and its value is one of the set */
	enum ag_field field;
	enum ag_compare compare; /* as written */
	struct ag_item *items;   /* as written */
	size_t n_items;
	struct ag_range *ranges; /* numbers: sorted, disjoint, a negation worked in */
	size_t n_ranges;
	struct ag_uuid *uuids; /* UUIDs: sorted */
	size_t n_uuids;
	bool negated; /* UUIDs and octets: != */
	/* SAMPLER */
	enum ag_sampler sampler;
	uint64_t count; /* N, or thousandths of a percent */
	size_t counter; /* index into the state */
};

/** What belongs to an action beside struct ag_action. */
struct ag_action_note {
	struct ag_span span;
	const char *value_name; /* canonical name of the value, if it was written as a name */
};

/** What belongs to a rule beside struct ag_rule. */
struct ag_rule_body {
	struct ag_node *when; /* NULL: always */
	struct ag_span name_span;
	struct ag_action_note *notes; /* as many as actions */
};

/** Candidates of one class of PDUs: indices of rules, ascending. */
struct ag_candidates {
	const uint32_t *rules;
	size_t count;
};

/** A rule under one value. */
struct ag_entry {
	uint32_t tag; /* the rest of the value's hash: another value may share the bucket */
	uint32_t rule;
};

/** One field's rules, by buckets of hashes or by elementary intervals. Those of a bucket are in
 *  ascending order, each with the same tag once. */
struct ag_column {
	enum ag_field field;
	enum ag_value_type type;
	unsigned int shift; /* of a hash: what is left is the bucket */
	const uint64_t
	    *bounds; /* where each interval begins; the last has no rules. NULL: hashes */
	size_t n_bounds;
	const uint32_t *begin; /* of each bucket or interval in `entries`, and one more: the end */
	const struct ag_entry *entries;
};

struct ag_index {
	const struct ag_entry *always;
	size_t n_always;
	const struct ag_column *columns;
	size_t n_columns;
};

struct ag_dispatch; /* dispatch.c */

struct ag_ruleset {
	struct ag_arena arena;
	struct ag_rule *rules;
	struct ag_rule_body *bodies;
	size_t count;
	size_t n_samplers;
	uint64_t asked; /* bit per enum ag_field: some condition on PDUs asks for it */
	struct ag_dispatch *dispatch;
	struct ag_candidates attribute_rules; /* asked for attributes, if any of them hides */
	struct ag_index attribute_index;      /* of these */
};

#endif
