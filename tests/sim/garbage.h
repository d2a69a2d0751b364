/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_GARBAGE_H
#define AG_SIM_GARBAGE_H

/* Packets that no sane neighbour sends, and near misses of those that it does. */

#include "proxy/engine/engine.h"
#include "tests/sim/random.h"

/**
 * @out:    takes AG_H4_MAX octets
 * @return: octets, at least 1
 */
size_t ag_sim_garbage(struct ag_random *random, enum ag_side side, uint8_t *out);

/** An ACL packet for one of three handles (0x040 to 0x042), well-formed at HCI at least. */
size_t ag_sim_garbage_acl(struct ag_random *random, uint8_t *out);

#endif
