/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_CURSOR_H
#define AG_WIRE_CURSOR_H

/*
 * Bounded reading of octets. A read past the end gives 0 and sets `failed`, once and for all, so a
 * decoder reads what it needs and tests once. All numbers are little-endian as everywhere in HCI,
 * L2CAP and ATT.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ag_cursor {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static inline struct ag_cursor ag_cursor(const void *data, size_t len)
{
	return (struct ag_cursor){ .at = data, .left = len };
}

/** The next `len` octets, or NULL. */
static inline const uint8_t *ag_pull(struct ag_cursor *cursor, size_t len)
{
	const uint8_t *at = cursor->at;

	if (cursor->failed || len > cursor->left) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += len;
	cursor->left -= len;
	return at;
}

static inline uint8_t ag_pull_u8(struct ag_cursor *cursor)
{
	const uint8_t *at = ag_pull(cursor, 1);

	return at ? at[0] : 0;
}

static inline uint16_t ag_get_le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t ag_get_le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static inline void ag_put_le16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline uint16_t ag_pull_le16(struct ag_cursor *cursor)
{
	const uint8_t *at = ag_pull(cursor, 2);

	return at ? ag_get_le16(at) : 0;
}

static inline uint32_t ag_pull_le32(struct ag_cursor *cursor)
{
	const uint8_t *at = ag_pull(cursor, 4);

	return at ? ag_get_le32(at) : 0;
}

/** A BD_ADDR, its most significant octet in bits 47..40. */
static inline uint64_t ag_pull_bdaddr(struct ag_cursor *cursor)
{
	const uint8_t *at = ag_pull(cursor, 6);
	uint64_t value = 0;

	for (int i = 5; at && i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

#endif
