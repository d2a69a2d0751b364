/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_CASES_H
#define AG_RULES_CASES_H

/*
 * Conditions with only part of the PDU known.
 *
 * What is known is `from`, `role`, `link` with `bearer`, and the opcode. All their combinations are
 * the cases, one bit each. A condition has two sets of cases: those in which it can be true and
 * those in which it can be false; a case in both depends on what is not known. Both may be larger
 * than the truth, never smaller, so a case that is in one only is certain.
 */

#include "rules/field.h"
#include "rules/set.h"

enum {
	AG_PDUS = 512,    /* 0 to 255: ATT by opcode; 256 to 511: SMP by opcode */
	AG_CONTEXTS = 16, /* from x role x (link and bearer) */
	AG_CASE_WORDS = AG_PDUS * AG_CONTEXTS / 64,
	AG_CONTEXT_WORDS = AG_PDUS / 64,
};

struct ag_cases {
	uint64_t words[AG_CASE_WORDS];
};

/** Link and bearer: EATT exists on both transports, the others on one. */
enum ag_path { AG_PATH_ATT, AG_PATH_EATT, AG_PATH_ATT_BREDR, AG_PATH_EATT_BREDR };

static inline unsigned int ag_context(enum ag_from from, enum ag_role role, enum ag_path path)
{
	return (unsigned int)from * 8 + (unsigned int)role * 4 + (unsigned int)path;
}

static inline bool ag_cases_has(const struct ag_cases *cases, unsigned int context,
				unsigned int pdu)
{
	return cases->words[context * AG_CONTEXT_WORDS + pdu / 64] >> pdu % 64 & 1;
}

static inline void ag_cases_put(struct ag_cases *cases, unsigned int context, unsigned int pdu)
{
	cases->words[context * AG_CONTEXT_WORDS + pdu / 64] |= UINT64_C(1) << pdu % 64;
}

static inline void ag_cases_drop(struct ag_cases *cases, unsigned int context, unsigned int pdu)
{
	cases->words[context * AG_CONTEXT_WORDS + pdu / 64] &= ~(UINT64_C(1) << pdu % 64);
}

static inline enum ag_from ag_context_from(unsigned int context)
{
	return (enum ag_from)(context / 8);
}

static inline enum ag_role ag_context_role(unsigned int context)
{
	return (enum ag_role)(context / 4 % 2);
}

static inline enum ag_path ag_context_path(unsigned int context)
{
	return (enum ag_path)(context % 4);
}

/** Fields that follow from the opcode. */
static inline uint64_t ag_fields_of_opcode(void)
{
	return ag_field_bit(AG_F_ATT_OPCODE) | ag_field_bit(AG_F_ATT_KIND) |
	       ag_field_bit(AG_F_SMP_OPCODE);
}

/** Fields that the cases settle: those, and those of the context. */
static inline uint64_t ag_fields_of_cases(void)
{
	return ag_fields_of_opcode() | ag_field_bit(AG_F_FROM) | ag_field_bit(AG_F_ROLE) |
	       ag_field_bit(AG_F_LINK) | ag_field_bit(AG_F_BEARER);
}

/** Fields that a PDU can have. */
uint64_t ag_fields_of_pdu(unsigned int pdu);

/** Cases in which a condition can be true and in which it can be false; NULL for no condition. */
void ag_cases_of(const struct ag_node *node, struct ag_cases *can_be_true,
		 struct ag_cases *can_be_false);

/** Cases in which asking a condition makes a difference: it can be true, or a sampler in it can be
 *  asked, which counts that whatever comes of it; NULL for no condition. In the others it need not
 *  be asked. */
void ag_cases_that_matter(const struct ag_node *node, struct ag_cases *out);

void ag_cases_all(struct ag_cases *cases);
bool ag_cases_empty(const struct ag_cases *cases);
bool ag_cases_meet(const struct ag_cases *a, const struct ag_cases *b);
void ag_cases_and(struct ag_cases *cases, const struct ag_cases *other);
void ag_cases_or(struct ag_cases *cases, const struct ag_cases *other);
void ag_cases_minus(struct ag_cases *cases, const struct ag_cases *other);

#endif
