/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_ATTRIBUTES_H
#define AG_SIM_ATTRIBUTES_H

/* What must be true of an attribute map whatever it was told. */

#include "proxy/engine/attributes.h"

/**
 * Its invariants: ascending, bounded, every attribute one that a database can have, no two that it
 * cannot have together; and of each handle that matters ag_attributes_find() says what a search
 * through the whole list says.
 *
 * @return: NULL, or what is wrong
 */
const char *ag_sim_attributes_wrong(const struct ag_attributes *map);

#endif
