/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_CONDITIONS_H
#define AG_SIM_CONDITIONS_H

/* Conditions and PDUs at random, the same row in each run; or as somebody chooses. */

#include "rules/rules.h"

/** A number below `limit`, which is 256 at the most. */
unsigned int ag_roll(unsigned int limit);

/** Take the numbers from these octets, and 0 when they are used up, until NULL is given. */
void ag_roll_from(const uint8_t *octets, size_t len);

/** A comparison that holds for some of the PDUs below. */
const char *ag_random_test(void);

/** A condition of such comparisons. @return: its length */
size_t ag_random_condition(char *out, size_t size, unsigned int depth);

/** Likewise of those in a list. */
size_t ag_random_condition_of(const char *const *list, size_t count, char *out, size_t size,
			      unsigned int depth);

/** A PDU with fields that its opcode can have; some of them missing, as in a truncated one. */
struct ag_subject ag_random_subject(void);

/** What ag_rules_may_match() may be told of a PDU: of it, what its first fragment tells. */
struct ag_subject ag_first_fragment(const struct ag_subject *subject);

#endif
