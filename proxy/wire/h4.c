/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/h4.h"

#include "proxy/wire/cursor.h"

/* Per type: octets of the header behind the type octet, and of the length field that ends it. */
struct framing {
	uint8_t type;
	uint8_t header_len;
	uint8_t length_len;
	uint16_t length_mask;
};

static const struct framing framings[] = {
	{ AG_H4_COMMAND, 3, 1, 0x00ff }, /* Vol 4 Part E, 5.4.1: opcode 2, length 1 */
	{ AG_H4_ACL, 4, 2, 0xffff },     /* 5.4.2: handle and flags 2, length 2 */
	{ AG_H4_SCO, 3, 1, 0x00ff },     /* 5.4.3: handle 2, length 1 */
	{ AG_H4_EVENT, 2, 1, 0x00ff },   /* 5.4.4: code 1, length 1 */
	{ AG_H4_ISO, 4, 2, 0x3fff },     /* 5.4.5: handle 2, length 14 bits */
};

static const struct framing *find_framing(uint8_t type)
{
	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
		if (framings[i].type == type)
			return &framings[i];
	}
	return NULL;
}

int ag_h4_length(const uint8_t *data, size_t len, size_t *total)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	uint8_t type = ag_pull_u8(&cursor);
	const struct framing *framing;
	const uint8_t *header;
	uint16_t data_len;

	if (cursor.failed)
		return AG_H4_INCOMPLETE;
	framing = find_framing(type);
	if (!framing)
		return AG_H4_UNKNOWN;
	header = ag_pull(&cursor, framing->header_len);
	if (!header)
		return AG_H4_INCOMPLETE;
	header += framing->header_len - framing->length_len;
	data_len = framing->length_len == 2 ? ag_get_le16(header) : header[0];
	*total = 1u + framing->header_len + (data_len & framing->length_mask);
	return 0;
}
