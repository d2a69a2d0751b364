/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/pklg.h"

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

struct type_row {
	uint8_t type;
	enum ag_btsnoop_kind kind;
	bool from_host;
	uint8_t h4_type;
};

/* As Wireshark's packetlogger.c knows them. */
static const struct type_row types[] = {
	{ 0x00, AG_BTSNOOP_PACKET, true, AG_H4_COMMAND },
	{ 0x01, AG_BTSNOOP_PACKET, false, AG_H4_EVENT },
	{ 0x02, AG_BTSNOOP_PACKET, true, AG_H4_ACL },
	{ 0x03, AG_BTSNOOP_PACKET, false, AG_H4_ACL },
	{ 0x08, AG_BTSNOOP_PACKET, true, AG_H4_SCO },
	{ 0x09, AG_BTSNOOP_PACKET, false, AG_H4_SCO },
	{ 0x0a, AG_BTSNOOP_OTHER, true, 0 },  /* LMP sent */
	{ 0x0b, AG_BTSNOOP_OTHER, false, 0 }, /* LMP received */
	{ 0xf7, AG_BTSNOOP_NOTE, false, 0 },  /* system log */
	{ 0xf8, AG_BTSNOOP_NOTE, false, 0 },  /* kernel */
	{ 0xf9, AG_BTSNOOP_NOTE, false, 0 },  /* kernel, debugging */
	{ 0xfa, AG_BTSNOOP_NOTE, false, 0 },  /* error */
	{ 0xfb, AG_BTSNOOP_NOTE, false, 0 },  /* power */
	{ 0xfc, AG_BTSNOOP_NOTE, false, 0 },  /* note */
	{ 0xfd, AG_BTSNOOP_NOTE, false, 0 },  /* configuration */
	{ 0xfe, AG_BTSNOOP_NOTE, false, 0 },  /* new controller */
};

static const struct type_row *find_type(uint8_t type)
{
	for (size_t i = 0; i < ag_array_size(types); i++) {
		if (types[i].type == type)
			return &types[i];
	}
	return NULL;
}

static uint32_t pull_u32(struct ag_cursor *cursor, bool little)
{
	uint32_t value = ag_pull_le32(cursor);

	return little ? value : __builtin_bswap32(value);
}

int ag_pklg_get_record(const uint8_t *data, size_t len, bool little, struct ag_pklg_record *record)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	struct ag_pklg_record found = { 0 };

	found.len = pull_u32(&cursor, little);
	found.seconds = pull_u32(&cursor, little);
	found.microseconds = pull_u32(&cursor, little);
	found.type = ag_pull_u8(&cursor);
	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	/* the time and the type are in the length */
	if (found.len < 9 || found.len - 9 > AG_BTSNOOP_MAX)
		return AG_BTSNOOP_LENGTH;
	found.len -= 9;
	*record = found;
	return 0;
}

bool ag_pklg_detect(const uint8_t *data, size_t len, bool *little)
{
	struct ag_pklg_record record;

	for (int order = 0; order < 2; order++) {
		if (ag_pklg_get_record(data, len, order, &record) != 0 ||
		    record.microseconds >= 1000000 || !find_type(record.type))
			continue;
		*little = order;
		return true;
	}
	return false;
}

struct ag_btsnoop_meaning ag_pklg_classify(uint8_t type)
{
	const struct type_row *row = find_type(type);
	struct ag_btsnoop_meaning meaning = {
		.kind = AG_BTSNOOP_OTHER,
		.index = AG_BTSNOOP_NO_INDEX,
	};

	if (!row)
		return meaning;
	meaning.kind = row->kind;
	meaning.from_host = row->from_host;
	meaning.h4_type = row->h4_type;
	return meaning;
}
