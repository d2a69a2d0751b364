/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_IMPLY_H
#define AG_RULES_IMPLY_H

/* What follows from a condition. A false says nothing; a true is certain. */

#include "rules/cases.h"

/** Whether two nodes are comparisons of one field that cannot both hold. */
bool ag_tests_exclude(const struct ag_node *a, const struct ag_node *b);

/**
 * Whether `then` holds whenever `given` does.
 *
 * @cases: those in which `given` can hold at all
 */
bool ag_condition_implies(const struct ag_node *given, const struct ag_node *then,
			  const struct ag_cases *cases);

#endif
