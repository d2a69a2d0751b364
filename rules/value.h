/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_VALUE_H
#define AG_RULES_VALUE_H

/* Written values into typed ones: names looked up, `let` put in, ranges tested. */

#include "rules/field.h"
#include "rules/set.h"

/** What a place takes: a field's comparison, an operand of an action. */
struct ag_slot {
	const char *name;    /* "att.handle", "reject" */
	struct ag_span span; /* what is underlined when a value of another kind stands there */
	enum ag_value_type type;
	const struct ag_name *names[2];
	uint64_t min;
	uint64_t max;
	bool ordered;      /* ranges mean something */
	bool is_field;     /* so that another field may be meant */
	bool numbers;      /* a value with names may be written as a number too */
	const char *takes; /* "a handle" */
};

struct ag_resolver {
	struct ag_arena *arena; /* of the set */
	struct ag_report *report;
	struct ag_ast_let *lets; /* of the file */
	unsigned int n_open;     /* of these, being resolved */
	size_t endless;          /* times that one was found to have no end, or none in reach */
};

/** The slot of a field. */
struct ag_slot ag_slot_of_field(enum ag_field field, struct ag_span span);

/** Most values one comparison may have, `let` put in: far more than anybody writes, and a bound for
 *  a `let` of a `let` of a `let` that doubles each time. */
enum { AG_ITEMS_MAX = 65536 };

/**
 * Resolve a value to its items. Errors are reported.
 *
 * @return: false after an error or when out of memory (arena->failed)
 */
bool ag_resolve(struct ag_resolver *resolver, const struct ag_slot *slot,
		const struct ag_ast_value *value, struct ag_item **items, size_t *n_items);

/** Likewise where exactly one value is wanted. */
bool ag_resolve_one(struct ag_resolver *resolver, const struct ag_slot *slot,
		    const struct ag_ast_value *value, struct ag_item *item);

/** The value a `let` stands for, through any number of them; the value itself if it is none. NULL
 *  after an error. */
const struct ag_ast_value *ag_resolve_let(struct ag_resolver *resolver,
					  const struct ag_ast_value *value);

/** Report names in a `let` that nothing uses and that are known nowhere. */
void ag_check_unused_let(struct ag_resolver *resolver, const struct ag_ast_let *let);

#endif
