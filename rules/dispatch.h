/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_DISPATCH_H
#define AG_RULES_DISPATCH_H

#include "rules/set.h"

/**
 * Work out, for each from, role and opcode, which rules can match, so that matching asks no other.
 *
 * @set:    rules and bodies are in place
 * @return: 0 or -ENOMEM
 */
int ag_dispatch_build(struct ag_ruleset *set);

#endif
