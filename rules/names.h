/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_NAMES_H
#define AG_RULES_NAMES_H

/* Names of numbers: the words of the Core Specification and of the Assigned Numbers in snake case.
 */

#include <stdbool.h>

#include "rules/rules.h"
#include "rules/text.h"

/** One row; a table ends with a row without a name. The first row of a number is its canonical
 *  name, further ones are other names by which it can be written. */
struct ag_name {
	uint16_t num;
	const char *name;
};

extern const struct ag_name ag_names_from[];
extern const struct ag_name ag_names_role[];
extern const struct ag_name ag_names_link[];
extern const struct ag_name ag_names_bearer[];
extern const struct ag_name ag_names_peer_type[];
extern const struct ag_name ag_names_flag[];
extern const struct ag_name ag_names_kind[];
extern const struct ag_name ag_names_opcode[];
extern const struct ag_name ag_names_error[];
extern const struct ag_name ag_names_smp_opcode[];
extern const struct ag_name ag_names_smp_reason[];
extern const struct ag_name ag_names_hci_error[];
extern const struct ag_name ag_names_service[]; /* with declarations and descriptors */
extern const struct ag_name ag_names_characteristic[];

/** Whether a text is a name, `-` and `_` being the same. */
bool ag_name_is(const char *text, size_t len, const char *name);

/** Likewise for two texts. */
bool ag_name_same(const char *a, size_t a_len, const char *b, size_t b_len);

/** The row of a name, or NULL. */
const struct ag_name *ag_names_find(const struct ag_name *table, const char *text, size_t len);

/** Canonical name of a number, or NULL. */
const char *ag_names_get(const struct ag_name *table, uint64_t num);

/**
 * The number of an assigned name. "battery" finds battery_service and "heart_rate_service" finds
 * heart_rate, as the Assigned Numbers once wrote the one and now write the other.
 */
bool ag_names_find_uuid(const char *text, size_t len, uint16_t *uuid16);

/** What an assigned 16-bit UUID stands for: Assigned Numbers, 3.4 to 3.8. */
enum ag_uuid_class {
	AG_UUID_CLASS_SERVICE,
	AG_UUID_CLASS_DECLARATION,
	AG_UUID_CLASS_DESCRIPTOR,
	AG_UUID_CLASS_CHARACTERISTIC,
};

enum ag_uuid_class ag_uuid_class(uint16_t uuid16);

/** "service", "declaration" … */
const char *ag_uuid_class_name(enum ag_uuid_class class);

/**
 * A value as Wireshark shows it as a name: "Read By Type Request" is read_by_type_request. What
 * stands behind a comma or in parentheses does not belong to it.
 */
void ag_name_from_words(struct ag_text *name, const char *words, size_t len);

/** The nearest known name: zero or one fault, more in longer ones. `name` is NULL for none. */
struct ag_nearest {
	const char *text;
	size_t len;
	const char *name;
	unsigned int distance;
};

struct ag_nearest ag_nearest(const char *text, size_t len);
void ag_nearest_try(struct ag_nearest *nearest, const char *name);
void ag_nearest_try_table(struct ag_nearest *nearest, const struct ag_name *table);

#endif
