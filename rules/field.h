/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_FIELD_H
#define AG_RULES_FIELD_H

/* What is known of each field: one row of a table each. */

#include "rules/names.h"

struct ag_field_row {
	const char *name;
	const char *aliases[2]; /* Wireshark's names, or NULL */
	enum ag_value_type type;
	const struct ag_name *names; /* AG_T_NAME, AG_T_FLAG */
	uint64_t max;                /* of `num` */
	bool ordered;                /* < and > mean something */
	bool writable;               /* by `rewrite` */
	unsigned int digits;         /* hexadecimal digits of a number without a name; 0: decimal */
	const char *takes;           /* "an opcode"; NULL: see ag_type_words() */
	const char *about;
};

const struct ag_field_row *ag_field_row(enum ag_field field);

/** The field of a name or Wireshark alias. @return: whether there is one */
bool ag_field_find(const char *text, size_t len, enum ag_field *field);

/** Whether a field of the language's later versions has this name. */
bool ag_field_is_planned(const char *text, size_t len);

/** Whether values of a type are numbers, in ranges; the others are UUIDs or octets. */
static inline bool ag_type_is_number(enum ag_value_type type)
{
	switch (type) {
	case AG_T_FLAG:
	case AG_T_NUMBER:
	case AG_T_HANDLE:
	case AG_T_NAME:
	case AG_T_DURATION:
	case AG_T_BDADDR:
		return true;
	case AG_T_UUID:
	case AG_T_BYTES:
		break;
	}
	return false;
}

/** "a handle", "a UUID" … as messages say what a field takes. */
const char *ag_type_words(enum ag_value_type type);

static inline uint64_t ag_field_bit(enum ag_field field)
{
	return UINT64_C(1) << field;
}

/** Fields that every PDU has; role, link and age among them. */
uint64_t ag_fields_of_link(void);

/** Fields that an attribute has when it is asked whether it is hidden. */
uint64_t ag_fields_of_attribute(void);

/** Fields that an ATT PDU of this opcode can have, those of the link included. An opcode that the
 *  Core Specification does not know has those of its bearer, its length and perhaps a kind. */
uint64_t ag_fields_of_att(uint8_t opcode);

/** Likewise an SMP PDU. */
uint64_t ag_fields_of_smp(uint8_t opcode);

/** The PDUs that can have a field, one bit each: ATT by opcode, then SMP by opcode. */
void ag_pdus_with_field(enum ag_field field, uint64_t words[512 / 64]);

/** Kind of an ATT opcode. @return: false for an unknown one */
bool ag_kind_of_att(uint8_t opcode, enum ag_att_kind *kind);

#endif
