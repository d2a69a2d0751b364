/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of peers. The first octet chooses: text that is read, or attributes that are entered
 * into a map. The oracle: what was read or entered is, written and read again, the same; what is
 * refused leaves nothing behind.
 *
 * aims at: proxy/engine/kept.c
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/kept.h"
#include "proxy/wire/cursor.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ag_attributes *new_map(void)
{
	struct ag_attributes *map;

	require(ag_attributes_new(&map) == 0);
	return map;
}

static bool is_same(const struct ag_attributes *a, const struct ag_attributes *b)
{
	const uint8_t *hash_a = ag_attributes_hash(a);
	const uint8_t *hash_b = ag_attributes_hash(b);

	if (ag_attributes_count(a) != ag_attributes_count(b) || !hash_a != !hash_b ||
	    (hash_a && memcmp(hash_a, hash_b, AG_DATABASE_HASH_LEN) != 0))
		return false;
	for (size_t i = 0; i < ag_attributes_count(a); i++) {
		const struct ag_attribute *at_a = ag_attributes_at(a, i);
		const struct ag_attribute *at_b = ag_attributes_at(b, i);

		if (at_a->handle != at_b->handle || at_a->kind != at_b->kind ||
		    !ag_uuid_equal(&at_a->uuid, &at_b->uuid) || at_a->end != at_b->end ||
		    at_a->value != at_b->value || at_a->properties != at_b->properties)
			return false;
	}
	return true;
}

/* Write a map and read it again. */
static void go_round(const struct ag_kept_peer *peer, const struct ag_attributes *map)
{
	struct ag_kept_peer whose = { .address = 0 };
	struct ag_attributes *again = new_map();
	char *text = ag_kept_attributes(peer, map);

	require(text != NULL);
	require(strlen(text) <= AG_KEPT_MAX);
	require(ag_kept_read_attributes(text, strlen(text), &whose, again) == 0);
	require(whose.address == peer->address && whose.type == peer->type);
	require(is_same(map, again));
	free(text);
	ag_attributes_free(again);
}

static void read_attributes(const char *text, size_t len)
{
	struct ag_kept_peer peer = { .address = 0 };
	struct ag_attributes *map = new_map();

	if (ag_kept_read_attributes(text, len, &peer, map) == 0)
		go_round(&peer, map);
	else
		require(ag_attributes_count(map) == 0 && !ag_attributes_hash(map));
	ag_attributes_free(map);
}

static void read_identities(const char *text, size_t len)
{
	static struct ag_identities read, again;
	char *written, *rewritten;

	read.count = 0;
	if (ag_kept_read_identities(text, len, &read) != 0) {
		require(read.count == 0);
		return;
	}
	written = ag_kept_identities(&read);
	require(written != NULL);
	require(ag_kept_read_identities(written, strlen(written), &again) == 0);
	rewritten = ag_kept_identities(&again);
	require(rewritten && strcmp(written, rewritten) == 0);
	free(written);
	free(rewritten);
}

static void enter(struct ag_cursor *cursor)
{
	struct ag_kept_peer peer = { .address = ag_pull_bdaddr(cursor) };
	struct ag_attributes *map = new_map();
	const uint8_t *hash;

	while (cursor->left && !cursor->failed) {
		uint8_t what = ag_pull_u8(cursor);
		struct ag_attribute attribute = {
			.kind = (enum ag_attribute_kind)(what % 5),
			.handle = ag_pull_u8(cursor),
			.value = ag_pull_u8(cursor),
			.end = ag_pull_u8(cursor),
			.properties = ag_pull_u8(cursor),
			.uuid = ag_uuid_from_u16(ag_pull_le16(cursor)),
		};

		if (what >= 0xf0)
			ag_attributes_doubt(map, attribute.handle, attribute.end);
		else
			(void)ag_attributes_put(map, &attribute);
	}
	hash = ag_pull(cursor, AG_DATABASE_HASH_LEN);
	if (hash)
		ag_attributes_set_hash(map, hash);
	go_round(&peer, map);
	ag_attributes_free(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ag_cursor cursor;

	if (!size)
		return 0;
	cursor = ag_cursor(data + 1, size - 1);
	if (data[0] == 'a')
		read_attributes((const char *)data + 1, size - 1);
	else if (data[0] == 'i')
		read_identities((const char *)data + 1, size - 1);
	else
		enter(&cursor);
	return 0;
}
