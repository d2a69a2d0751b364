/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_IDENTITY_H
#define AG_ENGINE_IDENTITY_H

/*
 * Who is behind a resolvable private address: identity addresses with the IRKs that resolve what
 * their devices use in their place (Vol 6 Part B, 1.3.2.3). No I/O, no allocation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rules.h"

/** Devices whose IRK is known; of more, the one that was not met for longest goes. */
#define AG_IDENTITIES_MAX 128
#define AG_IRK_LEN        16

struct ag_identity {
	uint64_t address;        /* BD_ADDR as in union ag_value */
	enum ag_peer_type type;  /* AG_PEER_PUBLIC or AG_PEER_RANDOM_STATIC */
	uint8_t irk[AG_IRK_LEN]; /* least significant octet first, as HCI and SMP have it */
};

/** All zero is none. */
struct ag_identities {
	struct ag_identity list[AG_IDENTITIES_MAX]; /* the one met last is the last */
	size_t count;
	uint64_t changes; /* grows with what is learned or lost; tells a keeper what is not saved */
};

/** Type of a random device address by its two most significant bits (Vol 6 Part B, 1.3.2). */
enum ag_peer_type ag_random_type(uint64_t address);

/** Whether an address stays the same for as long as the device is the same. */
static inline bool ag_is_stable(enum ag_peer_type type)
{
	return type == AG_PEER_PUBLIC || type == AG_PEER_RANDOM_STATIC;
}

/**
 * Random address hash function ah (Vol 3 Part H, 2.2.2).
 *
 * @prand: 24 bits
 * @return: 24 bits
 */
uint32_t ag_identity_hash(const uint8_t irk[AG_IRK_LEN], uint32_t prand);

/**
 * Learn an identity, in place of what was known of its address. An IRK of nothing but zeros is
 * that of a device without one (Vol 4 Part E, 7.8.38), and an address that is not stable is no
 * identity (Vol 3 Part H, 3.6.5): neither is learned.
 *
 * @return: whether it is known now
 */
bool ag_identities_put(struct ag_identities *identities, const struct ag_identity *identity);

/**
 * Resolve a resolvable private address.
 *
 * @return: whose it is, until the next call; NULL: nobody's that is known
 */
const struct ag_identity *ag_identities_resolve(struct ag_identities *identities, uint64_t address);

#endif
