/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_CHECK_H
#define AG_RULES_CHECK_H

#include "rules/set.h"

/**
 * Warn of what is allowed and hardly meant: rules that are never reached, comparisons that never
 * hold, verdicts that cost the link. Every warning is certain as far as fields and opcodes go; it
 * is left out where it could be wrong.
 */
void ag_check_set(const struct ag_ruleset *set, struct ag_report *report);

#endif
