/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture file. The oracle: reading comes to an end, no record reaches over the file's, and what
 * is understood is written again as it was.
 *
 * aims at: proxy/wire/btsnoop.c
 */
#include <stdint.h>
#include <string.h>

#include "proxy/wire/btsnoop.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(enum ag_btsnoop_link link, const uint8_t *header,
			 const struct ag_btsnoop_record *record, uint8_t first)
{
	struct ag_btsnoop_meaning meaning = ag_btsnoop_classify(link, record, first);
	uint8_t again[AG_BTSNOOP_RECORD_LEN];
	uint32_t flags = 0;

	ag_btsnoop_put_record(record, again);
	require(memcmp(header, again, sizeof(again)) == 0);
	if (meaning.kind != AG_BTSNOOP_PACKET || link != AG_BTSNOOP_MONITOR)
		return;
	require(ag_btsnoop_packet_flags(link, meaning.index, meaning.from_host, meaning.h4_type,
					&flags));
	require(flags == record->flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[AG_BTSNOOP_FILE_LEN];
	size_t at = AG_BTSNOOP_FILE_LEN;
	uint32_t link;

	if (ag_btsnoop_get_file(data, size, &link) != 0)
		return 0;
	ag_btsnoop_put_file(link, again);
	require(memcmp(data, again, sizeof(again)) == 0);
	for (;;) {
		struct ag_btsnoop_record record;

		if (ag_btsnoop_get_record(data + at, size - at, &record) != 0)
			return 0;
		require(record.included_len <= AG_BTSNOOP_MAX);
		if (record.included_len > size - at - AG_BTSNOOP_RECORD_LEN)
			return 0;
		check_record(link, data + at, &record,
			     record.included_len ? data[at + AG_BTSNOOP_RECORD_LEN] : 0);
		at += AG_BTSNOOP_RECORD_LEN + record.included_len;
		require(at <= size);
	}
}
