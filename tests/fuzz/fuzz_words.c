/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PDU in words, and what its attribute is. The oracle: a string is terminated within its room,
 * holds nothing but printable ASCII, says something, and is the same in whatever room it fits.
 *
 * input: flags 1 | room 1 | a UUID for each that the flags name | the PDU.
 *
 * aims at: proxy/engine/words*.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/words.h"
#include "proxy/wire/cursor.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	IS_ATT = 0x01,
	HAS_TYPE = 0x02,
	HAS_CHARACTERISTIC = 0x04,
	HAS_SERVICE = 0x08,
	IS_LONG = 0x10, /* the UUIDs, of 128 bits */
};

struct what {
	bool is_att;
	struct ag_subject subject;
	char attribute[200];
	const uint8_t *pdu;
	size_t len;
};

typedef size_t writer(const struct what *what, char *out, size_t size);

static size_t write_pdu(const struct what *what, char *out, size_t size)
{
	return ag_words_pdu_about(what->attribute, what->is_att, what->pdu, what->len, out, size);
}

static size_t write_attribute(const struct what *what, char *out, size_t size)
{
	return ag_words_attribute(&what->subject, out, size);
}

static size_t check(writer *write, const struct what *what, size_t room)
{
	char whole[4096];
	char *tight = malloc(room);
	size_t len = write(what, whole, sizeof(whole));

	require(len < sizeof(whole) && strlen(whole) == len);
	for (size_t i = 0; i < len; i++)
		require(whole[i] >= ' ' && whole[i] <= '~');
	require(tight != NULL);
	require(write(what, tight, room) == (len < room ? len : room - 1));
	require(strlen(tight) < room && memcmp(tight, whole, strlen(tight)) == 0);
	free(tight);
	return len;
}

static struct ag_uuid pull_uuid(struct ag_cursor *input, uint8_t flags)
{
	size_t len = flags & IS_LONG ? 16 : 2;
	const uint8_t *octets = ag_pull(input, len);

	return octets ? ag_uuid_from_air(octets, len) : ag_uuid_from_u16(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		uint8_t flag;
		enum ag_field field;
	} fields[] = {
		{ HAS_TYPE, AG_F_ATT_UUID },
		{ HAS_CHARACTERISTIC, AG_F_ATT_CHARACTERISTIC },
		{ HAS_SERVICE, AG_F_ATT_SERVICE },
	};
	struct ag_cursor input = ag_cursor(data, size);
	uint8_t flags = ag_pull_u8(&input);
	size_t room = 1 + (size_t)ag_pull_u8(&input);
	struct what what = { .is_att = flags & IS_ATT };

	for (size_t i = 0; i < ag_array_size(fields); i++) {
		if (!(flags & fields[i].flag))
			continue;
		what.subject.value[fields[i].field].uuid = pull_uuid(&input, flags);
		what.subject.present |= UINT64_C(1) << fields[i].field;
	}
	if (input.failed || !input.left)
		return 0;
	what.pdu = input.at;
	what.len = input.left;
	require((check(write_attribute, &what, room) > 0) == (what.subject.present != 0));
	ag_words_attribute(&what.subject, what.attribute, sizeof(what.attribute));
	require(check(write_pdu, &what, room) > 0);
	return 0;
}
