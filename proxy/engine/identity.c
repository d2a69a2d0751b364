/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/identity.h"

#include <nettle/aes.h>
#include <string.h>

enum ag_peer_type ag_random_type(uint64_t address)
{
	switch (address >> 46 & 3) {
	case 3:
		return AG_PEER_RANDOM_STATIC;
	case 1:
		return AG_PEER_RESOLVABLE;
	}
	return AG_PEER_NON_RESOLVABLE;
}

/* ah(k, r) = e(k, 0^104 || r) mod 2^24; e takes and gives the most significant octet first (Vol 3
 * Part H, 2.2.1) */
uint32_t ag_identity_hash(const uint8_t irk[AG_IRK_LEN], uint32_t prand)
{
	uint8_t block[AES_BLOCK_SIZE] = { 0 };
	uint8_t key[AG_IRK_LEN];
	struct aes128_ctx aes;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = irk[AG_IRK_LEN - 1 - i];
	block[13] = (uint8_t)(prand >> 16);
	block[14] = (uint8_t)(prand >> 8);
	block[15] = (uint8_t)prand;
	aes128_set_encrypt_key(&aes, key);
	aes128_encrypt(&aes, sizeof(block), block, block);
	return (uint32_t)block[13] << 16 | (uint32_t)block[14] << 8 | block[15];
}

static bool is_zero(const uint8_t irk[AG_IRK_LEN])
{
	static const uint8_t zero[AG_IRK_LEN];

	return memcmp(irk, zero, AG_IRK_LEN) == 0;
}

static bool is_identity(const struct ag_identity *identity)
{
	if (is_zero(identity->irk))
		return false;
	return identity->type == AG_PEER_PUBLIC ||
	       (identity->type == AG_PEER_RANDOM_STATIC &&
		ag_random_type(identity->address) == AG_PEER_RANDOM_STATIC);
}

static void take_out(struct ag_identities *identities, size_t at)
{
	identities->count--;
	memmove(&identities->list[at], &identities->list[at + 1],
		(identities->count - at) * sizeof(identities->list[0]));
}

static size_t find(const struct ag_identities *identities, const struct ag_identity *identity)
{
	size_t i = 0;

	while (i < identities->count && (identities->list[i].address != identity->address ||
					 identities->list[i].type != identity->type))
		i++;
	return i;
}

bool ag_identities_put(struct ag_identities *identities, const struct ag_identity *identity)
{
	struct ag_identity taken = *identity;
	size_t at = find(identities, identity);

	if (!is_identity(identity))
		return false;
	if (at == identities->count ||
	    memcmp(identities->list[at].irk, identity->irk, AG_IRK_LEN) != 0)
		identities->changes++;
	if (at < identities->count)
		take_out(identities, at);
	else if (identities->count == AG_IDENTITIES_MAX)
		take_out(identities, 0);
	identities->list[identities->count++] = taken;
	return true;
}

const struct ag_identity *ag_identities_resolve(struct ag_identities *identities, uint64_t address)
{
	/* prand is the most significant half, hash the other (Vol 6 Part B, 1.3.2.2) */
	uint32_t prand = (uint32_t)(address >> 24 & 0xffffff);
	uint32_t hash = (uint32_t)(address & 0xffffff);

	for (size_t i = identities->count; i-- > 0;) {
		struct ag_identity met = identities->list[i];

		if (ag_identity_hash(met.irk, prand) != hash)
			continue;
		take_out(identities, i);
		identities->list[identities->count++] = met;
		return &identities->list[identities->count - 1];
	}
	return NULL;
}
