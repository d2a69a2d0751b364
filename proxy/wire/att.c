/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/att.h"

#include <string.h>

#include "proxy/wire/cursor.h"

#define HANDLE  AG_ATT_P_HANDLE
#define START   AG_ATT_P_START
#define END     AG_ATT_P_END
#define TYPE    AG_ATT_P_TYPE
#define OFFSET  AG_ATT_P_OFFSET
#define MTU     AG_ATT_P_MTU
#define REQUEST AG_ATT_P_REQUEST
#define ERROR   AG_ATT_P_ERROR
#define FORMAT  AG_ATT_P_FORMAT
#define FLAGS   AG_ATT_P_FLAGS
#define VALUE   AG_ATT_P_VALUE

#define NOT_FOUND   AG_ATT_ERR_ATTRIBUTE_NOT_FOUND
#define NO_READ     AG_ATT_ERR_READ_NOT_PERMITTED
#define NO_WRITE    AG_ATT_ERR_WRITE_NOT_PERMITTED
#define UNSUPPORTED AG_ATT_ERR_REQUEST_NOT_SUPPORTED

#define ROW(code, kind_, answer_, error_, min, n, ...)                                             \
	{                                                                                          \
		.opcode = (code), .kind = (kind_), .answer = (answer_), .default_error = (error_), \
		.min_len = (min), .n_params = (n), .params = {                                     \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* In the order of Vol 3 Part F, 3.4. */
const struct ag_att_format ag_att_rows[] = {
	ROW(0x01, AG_ATT_RESPONSE, 0, 0, 5, 3, REQUEST, HANDLE, ERROR),
	ROW(0x02, AG_ATT_REQUEST, 0x03, UNSUPPORTED, 3, 1, MTU),
	ROW(0x03, AG_ATT_RESPONSE, 0, 0, 3, 1, MTU),
	ROW(0x04, AG_ATT_REQUEST, 0x05, NOT_FOUND, 5, 2, START, END),
	ROW(0x05, AG_ATT_RESPONSE, 0, 0, 6, 2, FORMAT, VALUE),
	ROW(0x06, AG_ATT_REQUEST, 0x07, NOT_FOUND, 7, 4, START, END, TYPE, VALUE),
	ROW(0x07, AG_ATT_RESPONSE, 0, 0, 5, 1, VALUE),
	ROW(0x08, AG_ATT_REQUEST, 0x09, NOT_FOUND, 7, 3, START, END, TYPE),
	ROW(0x09, AG_ATT_RESPONSE, 0, 0, 4, 2, FORMAT, VALUE),
	ROW(0x0a, AG_ATT_REQUEST, 0x0b, NO_READ, 3, 1, HANDLE),
	ROW(0x0b, AG_ATT_RESPONSE, 0, 0, 1, 1, VALUE),
	ROW(0x0c, AG_ATT_REQUEST, 0x0d, NO_READ, 5, 2, HANDLE, OFFSET),
	ROW(0x0d, AG_ATT_RESPONSE, 0, 0, 1, 1, VALUE),
	ROW(0x0e, AG_ATT_REQUEST, 0x0f, NO_READ, 5, 1, VALUE),
	ROW(0x0f, AG_ATT_RESPONSE, 0, 0, 1, 1, VALUE),
	ROW(0x10, AG_ATT_REQUEST, 0x11, NOT_FOUND, 7, 3, START, END, TYPE),
	ROW(0x11, AG_ATT_RESPONSE, 0, 0, 6, 2, FORMAT, VALUE),
	ROW(0x12, AG_ATT_REQUEST, 0x13, NO_WRITE, 3, 2, HANDLE, VALUE),
	ROW(0x13, AG_ATT_RESPONSE, 0, 0, 1, 0, 0),
	ROW(0x52, AG_ATT_COMMAND, 0, 0, 3, 2, HANDLE, VALUE),
	/* the Authentication Signature counts as the value's end */
	ROW(0xd2, AG_ATT_COMMAND, 0, 0, 15, 2, HANDLE, VALUE),
	ROW(0x16, AG_ATT_REQUEST, 0x17, NO_WRITE, 5, 3, HANDLE, OFFSET, VALUE),
	ROW(0x17, AG_ATT_RESPONSE, 0, 0, 5, 3, HANDLE, OFFSET, VALUE),
	ROW(0x18, AG_ATT_REQUEST, 0x19, NO_WRITE, 2, 1, FLAGS),
	ROW(0x19, AG_ATT_RESPONSE, 0, 0, 1, 0, 0),
	ROW(0x1b, AG_ATT_NOTIFICATION, 0, 0, 3, 2, HANDLE, VALUE),
	ROW(0x1d, AG_ATT_INDICATION, 0x1e, 0, 3, 2, HANDLE, VALUE),
	ROW(0x1e, AG_ATT_CONFIRMATION, 0, 0, 1, 0, 0),
	ROW(0x20, AG_ATT_REQUEST, 0x21, NO_READ, 5, 1, VALUE),
	ROW(0x21, AG_ATT_RESPONSE, 0, 0, 3, 1, VALUE),
	ROW(0x23, AG_ATT_NOTIFICATION, 0, 0, 9, 1, VALUE),
};

size_t ag_att_formats(const struct ag_att_format **rows)
{
	*rows = ag_att_rows;
	return sizeof(ag_att_rows) / sizeof(ag_att_rows[0]);
}

/* A table of its own because this is asked for every PDU. */
const uint8_t ag_att_row_of[256] = {
	[0x01] = 1,  [0x02] = 2,  [0x03] = 3,  [0x04] = 4,  [0x05] = 5,  [0x06] = 6,  [0x07] = 7,
	[0x08] = 8,  [0x09] = 9,  [0x0a] = 10, [0x0b] = 11, [0x0c] = 12, [0x0d] = 13, [0x0e] = 14,
	[0x0f] = 15, [0x10] = 16, [0x11] = 17, [0x12] = 18, [0x13] = 19, [0x52] = 20, [0xd2] = 21,
	[0x16] = 22, [0x17] = 23, [0x18] = 24, [0x19] = 25, [0x1b] = 26, [0x1d] = 27, [0x1e] = 28,
	[0x20] = 29, [0x21] = 30, [0x23] = 31,
};

/* Octets that parameters take, where they do not depend on what else there is. */
static const uint8_t fixed_size[AG_ATT_PARAM_COUNT] = {
	[HANDLE] = 2,  [START] = 2, [END] = 2,    [OFFSET] = 2, [MTU] = 2,
	[REQUEST] = 1, [ERROR] = 1, [FORMAT] = 1, [FLAGS] = 1,
};

/* Octets a parameter takes when `left` remain; 0 with left > 0 where it takes none of them. */
static size_t param_size(enum ag_att_param param, uint8_t opcode, size_t left)
{
	if (fixed_size[param])
		return fixed_size[param];
	if (param == VALUE)
		return left;
	/* 3.4.3.3: Find By Type Value knows 16-bit types only */
	return opcode != AG_ATT_FIND_BY_TYPE_VALUE_REQ && left == 16 ? 16 : 2;
}

int ag_att_parse(const uint8_t *pdu, size_t len, struct ag_att *out)
{
	const uint8_t opcode = pdu[0];
	const struct ag_att_format *format = ag_att_format(opcode);
	unsigned int has = 0;
	size_t at = 1;

	out->pdu = pdu;
	out->len = len;
	out->opcode = opcode;
	out->kind = ag_att_kind(opcode);
	out->format = format;
	out->has = 0;
	if (!format)
		return 0;
	for (size_t i = 0; i < format->n_params; i++) {
		enum ag_att_param param = format->params[i];
		size_t size = param_size(param, opcode, len - at);

		if (size > len - at)
			break;
		has |= 1u << param;
		out->at[param] = (uint16_t)at;
		out->param_len[param] = (uint16_t)size;
		at += size;
	}
	out->has = has;
	return len < format->min_len ? AG_ATT_TRUNCATED : 0;
}

/* The Bluetooth Base UUID as it goes over the air, up to its 16-bit part (Vol 3 Part B, 2.5.1). */
static const uint8_t base_uuid[12] = { 0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00,
				       0x00, 0x80, 0x00, 0x10, 0x00, 0x00 };

uint16_t ag_att_uuid16(const uint8_t *uuid, size_t len)
{
	if (len == 2)
		return ag_get_le16(uuid);
	if (len != 16 || memcmp(uuid, base_uuid, sizeof(base_uuid)) != 0 || uuid[14] || uuid[15])
		return 0;
	return ag_get_le16(uuid + sizeof(base_uuid));
}

uint16_t ag_att_type16(const struct ag_att *att)
{
	if (!ag_att_has(att, AG_ATT_P_TYPE))
		return 0;
	return ag_att_uuid16(att->pdu + att->at[AG_ATT_P_TYPE], att->param_len[AG_ATT_P_TYPE]);
}

uint16_t ag_att_handle_in_error(const struct ag_att *att)
{
	if (ag_att_has(att, AG_ATT_P_HANDLE))
		return ag_att_number(att, AG_ATT_P_HANDLE);
	if (ag_att_has(att, AG_ATT_P_START))
		return ag_att_number(att, AG_ATT_P_START);
	/* 3.4.4.7 and 3.4.4.11: of a set of handles, the first that is in error */
	if ((att->opcode == AG_ATT_READ_MULTIPLE_REQ ||
	     att->opcode == AG_ATT_READ_MULTIPLE_VARIABLE_REQ) &&
	    att->param_len[AG_ATT_P_VALUE] >= 2)
		return ag_get_le16(att->pdu + att->at[AG_ATT_P_VALUE]);
	return 0;
}

bool ag_att_error_is_of_range(uint8_t error)
{
	switch (error) {
	case AG_ATT_ERR_INVALID_HANDLE:
	case AG_ATT_ERR_INVALID_PDU:
	case AG_ATT_ERR_REQUEST_NOT_SUPPORTED:
	case AG_ATT_ERR_ATTRIBUTE_NOT_FOUND:
	case AG_ATT_ERR_UNSUPPORTED_GROUP_TYPE:
	case AG_ATT_ERR_INSUFFICIENT_RESOURCES:
	case AG_ATT_ERR_DATABASE_OUT_OF_SYNC:
		return true;
	}
	return false;
}

uint8_t ag_att_default_error(const struct ag_att *att)
{
	if (att->kind != AG_ATT_REQUEST)
		return 0;
	return att->format ? att->format->default_error : AG_ATT_ERR_REQUEST_NOT_SUPPORTED;
}
