/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_UNIT_RULES_RANDOM_H
#define AG_UNIT_RULES_RANDOM_H

/* Conditions and PDUs at random, the same row in each run. */

#include "rules/rules.h"

/** A number below `limit`. */
unsigned int ag_roll(unsigned int limit);

/** A comparison that holds for some of the PDUs below. */
const char *ag_random_test(void);

/** A condition of such comparisons. @return: its length */
size_t ag_random_condition(char *out, size_t size, unsigned int depth);

/** Likewise of those in a list. */
size_t ag_random_condition_of(const char *const *list, size_t count, char *out, size_t size,
			      unsigned int depth);

/** A PDU with fields that its opcode can have; some of them missing, as in a truncated one. */
struct ag_subject ag_random_subject(void);

#endif
