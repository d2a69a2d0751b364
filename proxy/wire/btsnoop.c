/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/btsnoop.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

static const uint8_t magic[8] = { 'b', 't', 's', 'n', 'o', 'o', 'p', 0 };

/* Flags of the datalinks 1001 and 1002. The second also holds for 1002, where it repeats what the
 * type octet says. */
enum {
	FLAG_RECEIVED = 1 << 0,
	FLAG_COMMAND_EVENT = 1 << 1,
};

/* The monitor's opcodes (the kernel's hci_mon.h), which are the lower half of the flags. */
struct monitor_row {
	uint16_t opcode;
	enum ag_btsnoop_kind kind;
	bool from_host;
	uint8_t h4_type;
};

static const struct monitor_row monitor_rows[] = {
	{ 0, AG_BTSNOOP_NEW_INDEX, false, 0 },
	{ 1, AG_BTSNOOP_DEL_INDEX, false, 0 },
	{ 2, AG_BTSNOOP_PACKET, true, AG_H4_COMMAND },
	{ 3, AG_BTSNOOP_PACKET, false, AG_H4_EVENT },
	{ 4, AG_BTSNOOP_PACKET, true, AG_H4_ACL },
	{ 5, AG_BTSNOOP_PACKET, false, AG_H4_ACL },
	{ 6, AG_BTSNOOP_PACKET, true, AG_H4_SCO },
	{ 7, AG_BTSNOOP_PACKET, false, AG_H4_SCO },
	{ 8, AG_BTSNOOP_OPEN, false, 0 },
	{ 9, AG_BTSNOOP_CLOSE, false, 0 },
	{ 12, AG_BTSNOOP_NOTE, false, 0 },
	{ 13, AG_BTSNOOP_NOTE, false, 0 },
	{ 18, AG_BTSNOOP_PACKET, true, AG_H4_ISO },
	{ 19, AG_BTSNOOP_PACKET, false, AG_H4_ISO },
};

static uint32_t pull_be32(struct ag_cursor *cursor)
{
	const uint8_t *at = ag_pull(cursor, 4);

	if (!at)
		return 0;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

int ag_btsnoop_get_file(const uint8_t *data, size_t len, uint32_t *link)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	const uint8_t *id = ag_pull(&cursor, sizeof(magic));
	uint32_t version = pull_be32(&cursor);
	uint32_t datalink = pull_be32(&cursor);

	if (id && memcmp(id, magic, sizeof(magic)) != 0)
		return AG_BTSNOOP_MAGIC;
	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	if (version != 1)
		return AG_BTSNOOP_VERSION;
	*link = datalink;
	if (datalink != AG_BTSNOOP_HCI && datalink != AG_BTSNOOP_H4 &&
	    datalink != AG_BTSNOOP_MONITOR)
		return AG_BTSNOOP_DATALINK;
	return 0;
}

int ag_btsnoop_get_record(const uint8_t *data, size_t len, struct ag_btsnoop_record *record)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	struct ag_btsnoop_record found = { 0 };

	found.original_len = pull_be32(&cursor);
	found.included_len = pull_be32(&cursor);
	found.flags = pull_be32(&cursor);
	found.drops = pull_be32(&cursor);
	found.time_us = (uint64_t)pull_be32(&cursor) << 32;
	found.time_us |= pull_be32(&cursor);
	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	*record = found;
	if (found.included_len > found.original_len || found.included_len > AG_BTSNOOP_MAX)
		return AG_BTSNOOP_LENGTH;
	return 0;
}

static struct ag_btsnoop_meaning classify_monitor(uint32_t flags)
{
	struct ag_btsnoop_meaning meaning = {
		.kind = AG_BTSNOOP_OTHER,
		.index = (uint16_t)(flags >> 16),
	};

	for (size_t i = 0; i < sizeof(monitor_rows) / sizeof(monitor_rows[0]); i++) {
		if (monitor_rows[i].opcode != (flags & 0xffff))
			continue;
		meaning.kind = monitor_rows[i].kind;
		meaning.from_host = monitor_rows[i].from_host;
		meaning.h4_type = monitor_rows[i].h4_type;
	}
	return meaning;
}

static struct ag_btsnoop_meaning classify_plain(enum ag_btsnoop_link link, uint32_t flags,
						uint8_t first)
{
	struct ag_btsnoop_meaning meaning = {
		.kind = AG_BTSNOOP_PACKET,
		.index = AG_BTSNOOP_NO_INDEX,
		.from_host = !(flags & FLAG_RECEIVED),
		.type_in_packet = link == AG_BTSNOOP_H4,
	};

	if (meaning.type_in_packet)
		meaning.h4_type = first;
	else if (flags & FLAG_COMMAND_EVENT)
		meaning.h4_type = meaning.from_host ? AG_H4_COMMAND : AG_H4_EVENT;
	else
		meaning.h4_type = AG_H4_ACL;
	return meaning;
}

struct ag_btsnoop_meaning ag_btsnoop_classify(enum ag_btsnoop_link link,
					      const struct ag_btsnoop_record *record, uint8_t first)
{
	if (link == AG_BTSNOOP_MONITOR)
		return classify_monitor(record->flags);
	return classify_plain(link, record->flags, first);
}

void ag_btsnoop_put_file(enum ag_btsnoop_link link, uint8_t out[AG_BTSNOOP_FILE_LEN])
{
	memcpy(out, magic, sizeof(magic));
	put_be32(out + 8, 1);
	put_be32(out + 12, (uint32_t)link);
}

void ag_btsnoop_put_record(const struct ag_btsnoop_record *record,
			   uint8_t out[AG_BTSNOOP_RECORD_LEN])
{
	put_be32(out, record->original_len);
	put_be32(out + 4, record->included_len);
	put_be32(out + 8, record->flags);
	put_be32(out + 12, record->drops);
	put_be32(out + 16, (uint32_t)(record->time_us >> 32));
	put_be32(out + 20, (uint32_t)record->time_us);
}

bool ag_btsnoop_packet_flags(enum ag_btsnoop_link link, uint16_t index, bool from_host,
			     uint8_t h4_type, uint32_t *flags)
{
	if (link != AG_BTSNOOP_MONITOR) {
		*flags = (from_host ? 0 : FLAG_RECEIVED) |
			 (h4_type == AG_H4_COMMAND || h4_type == AG_H4_EVENT ? FLAG_COMMAND_EVENT
									     : 0);
		return true;
	}
	for (size_t i = 0; i < sizeof(monitor_rows) / sizeof(monitor_rows[0]); i++) {
		const struct monitor_row *row = &monitor_rows[i];

		if (row->kind == AG_BTSNOOP_PACKET && row->from_host == from_host &&
		    row->h4_type == h4_type) {
			*flags = (uint32_t)index << 16 | row->opcode;
			return true;
		}
	}
	return false;
}

void ag_btsnoop_put_new_index(uint64_t bdaddr, const char name[8],
			      uint8_t out[AG_BTSNOOP_NEW_INDEX_LEN])
{
	out[0] = 0; /* primary */
	out[1] = 0; /* virtual: the kernel's only bus that claims nothing */
	for (size_t i = 0; i < 6; i++)
		out[2 + i] = (uint8_t)(bdaddr >> 8 * i);
	memcpy(out + 8, name, 8);
}
