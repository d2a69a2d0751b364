/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is what happens to an attribute map: requests with their answers, indications,
 * attributes from elsewhere, ranges that are dropped, hashes.
 *
 *   octet   what       then
 *   0..3    learn      length, request, length, response
 *   4       indication length, PDU
 *   5       put        kind, handle (2), UUID (2), end (2), value (2), properties
 *   6       drop       start (2), end (2), doubt
 *   7       hash       first octet of it
 *
 * The oracle: after each of them the map is one that a database could have, and finds what a search
 * through all of it finds; it changes only where it says so, and a malformed answer changes
 * nothing.
 *
 * aims at: proxy/engine/attributes*.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/attributes.h"
#include "proxy/wire/cursor.h"
#include "tests/fuzz/require.h"
#include "tests/sim/attributes.h"

/** Beyond this the oracle, which compares every two, is asked at the end only. */
#define FEW 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Octets with their length before them, copied so that the sanitizer sees what goes beyond; not
 * empty. @return: NULL when there are none */
static uint8_t *pull_pdu(struct ag_cursor *input, size_t *len)
{
	const uint8_t *at;
	uint8_t *copy;

	*len = ag_pull_u8(input);
	*len = *len < input->left ? *len : input->left;
	at = ag_pull(input, *len);
	if (!at || !*len)
		return NULL;
	copy = malloc(*len);
	require(copy != NULL);
	memcpy(copy, at, *len);
	return copy;
}

static void learn(struct ag_attributes *map, struct ag_cursor *input)
{
	uint64_t changes = ag_attributes_changes(map);
	size_t request_len, len;
	uint8_t *request = pull_pdu(input, &request_len);
	uint8_t *response = pull_pdu(input, &len);

	if (request && response &&
	    ag_attributes_learn(map, request, request_len, response, len) == AG_ATTRIBUTES_INVALID)
		require(ag_attributes_changes(map) == changes);
	free(request);
	free(response);
}

static void indicate(struct ag_attributes *map, struct ag_cursor *input)
{
	size_t len;
	uint8_t *pdu = pull_pdu(input, &len);

	if (pdu)
		ag_attributes_indicated(map, pdu, len);
	free(pdu);
}

static void put(struct ag_attributes *map, struct ag_cursor *input)
{
	uint64_t changes = ag_attributes_changes(map);
	struct ag_attribute attribute = { 0 };

	attribute.kind = (enum ag_attribute_kind)(ag_pull_u8(input) % (AG_ATTRIBUTE_OTHER + 1));
	attribute.handle = ag_pull_le16(input);
	attribute.uuid = ag_uuid_from_u16(ag_pull_le16(input));
	attribute.end = ag_pull_le16(input);
	attribute.value = ag_pull_le16(input);
	attribute.properties = ag_pull_u8(input);
	switch (ag_attributes_put(map, &attribute)) {
	case 0:
		/* what is in, is in */
		changes = ag_attributes_changes(map);
		require(ag_attributes_put(map, &attribute) == 0);
		break;
	case AG_ATTRIBUTES_FULL:
		require(ag_attributes_count(map) <= AG_ATTRIBUTES_MAX);
		return;
	}
	require(ag_attributes_changes(map) == changes);
}

static void drop(struct ag_attributes *map, struct ag_cursor *input)
{
	uint16_t start = ag_pull_le16(input), end = ag_pull_le16(input);

	if (ag_pull_u8(input) & 1)
		ag_attributes_doubt(map, start, end);
	else
		ag_attributes_drop(map, start, end);
	for (size_t i = 0; i < ag_attributes_count(map); i++)
		require(ag_attributes_at(map, i)->handle < start ||
			ag_attributes_at(map, i)->handle > end);
}

static void rehash(struct ag_attributes *map, struct ag_cursor *input)
{
	uint8_t hash[AG_DATABASE_HASH_LEN] = { ag_pull_u8(input) };

	ag_attributes_rehash(map, hash);
	require(memcmp(ag_attributes_hash(map), hash, sizeof(hash)) == 0);
}

/* All that a map has, as one number. */
static uint64_t sum(const struct ag_attributes *map)
{
	const uint8_t *hash = ag_attributes_hash(map);
	uint64_t sum = hash ? hash[0] + 1u : 0;

	for (size_t i = 0; i < ag_attributes_count(map); i++) {
		const struct ag_attribute *at = ag_attributes_at(map, i);
		uint64_t all = (uint64_t)at->handle << 48 | (uint64_t)at->end << 32 |
			       (uint64_t)at->value << 16 | at->properties | at->kind << 8;

		sum = (sum ^ all ^ at->uuid.hi ^ at->uuid.lo) * UINT64_C(0x100000001b3) + i;
	}
	return sum;
}

static void one_thing(struct ag_attributes *map, struct ag_cursor *input)
{
	switch (ag_pull_u8(input) & 7) {
	case 4:
		indicate(map, input);
		break;
	case 5:
		put(map, input);
		break;
	case 6:
		drop(map, input);
		break;
	case 7:
		rehash(map, input);
		break;
	default:
		learn(map, input);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ag_cursor input = ag_cursor(data, size);
	struct ag_attributes *map;

	require(ag_attributes_new(&map) == 0);
	while (input.left && !input.failed) {
		uint64_t before = sum(map), changes = ag_attributes_changes(map);

		one_thing(map, &input);
		require(ag_attributes_changes(map) >= changes);
		require(sum(map) == before || ag_attributes_changes(map) > changes);
		if (ag_attributes_count(map) <= FEW)
			require(!ag_sim_attributes_wrong(map));
	}
	require(!ag_sim_attributes_wrong(map));
	ag_attributes_clear(map);
	require(ag_attributes_count(map) == 0);
	ag_attributes_free(map);
	return 0;
}
