/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_INDEX_H
#define AG_RULES_INDEX_H

/*
 * Which rules of a list can match a subject, found by the values of its fields.
 *
 * Most rules require one of few values of some field: one peer, one handle, one UUID. Such a rule
 * stands in a column, that of one such field, under each of these values; a rule of which nothing
 * the like is known stands in the row of those that are always asked. To ask is to look up the
 * subject's value in each column and to go through what is found there together, in the order of
 * the rules. It may be more than what matches, never less: each rule found still has to be tried.
 */

#include "rules/set.h"

enum { AG_COLUMNS_MAX = 2 * AG_FIELD_COUNT }; /* by hash and by interval */

/** What is still to be gone through. */
struct ag_walk {
	struct ag_head {
		const struct ag_entry *at;
		const struct ag_entry *end;
		uint32_t tag;
	} heads[AG_COLUMNS_MAX + 1];
	size_t count;
};

/** How a list is made an index of. */
struct ag_index_plan {
	uint64_t fields; /* that may be columns */
	size_t *left;    /* entries that may still be made, over all indices it is lent to */
};

/** Most entries that columns have in all: those of a set's indices for PDUs, and again those of its
 *  index for attributes. What is beyond is always asked. 10,000 rules have about as many for each
 *  kind of PDU they can match. */
enum { AG_ENTRIES_MAX = 1 << 22 };

/**
 * Make an index.
 *
 * @rules:  indices into the set, ascending
 * @out:    lives in the set's arena
 * @return: 0 or -ENOMEM
 */
int ag_index_build(struct ag_ruleset *set, const struct ag_candidates *rules,
		   const struct ag_index_plan *plan, struct ag_index *out);

/** Begin with the rules from `position` on. */
void ag_index_ask(const struct ag_index *index, const struct ag_subject *subject, size_t position,
		  struct ag_walk *walk);

/** The next rule that may match, each once, ascending. @return: false at the end */
bool ag_walk_next(struct ag_walk *walk, uint32_t *rule);

#endif
