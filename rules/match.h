/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_MATCH_H
#define AG_RULES_MATCH_H

#include "rules/set.h"

/** Whether a number is in one of sorted, disjoint ranges. */
bool ag_ranges_have(const struct ag_range *ranges, size_t count, uint64_t num);

/** Sort ranges and join those that touch. @return: how many are left */
size_t ag_ranges_normalise(struct ag_range *ranges, size_t count);

/** Whether a condition holds. `state` may be NULL, a sampler is false then. */
bool ag_condition_holds(const struct ag_node *node, const struct ag_subject *subject,
			struct ag_match_state *state);

#endif
