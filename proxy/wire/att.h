/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_ATT_H
#define AG_WIRE_ATT_H

/* The Attribute Protocol (Vol 3 Part F): what PDUs look like. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/wire/cursor.h"

enum ag_att_opcode {
	AG_ATT_ERROR_RSP = 0x01,
	AG_ATT_EXCHANGE_MTU_REQ = 0x02,
	AG_ATT_EXCHANGE_MTU_RSP = 0x03,
	AG_ATT_FIND_INFORMATION_REQ = 0x04,
	AG_ATT_FIND_INFORMATION_RSP = 0x05,
	AG_ATT_FIND_BY_TYPE_VALUE_REQ = 0x06,
	AG_ATT_FIND_BY_TYPE_VALUE_RSP = 0x07,
	AG_ATT_READ_BY_TYPE_REQ = 0x08,
	AG_ATT_READ_BY_TYPE_RSP = 0x09,
	AG_ATT_READ_REQ = 0x0a,
	AG_ATT_READ_RSP = 0x0b,
	AG_ATT_READ_BLOB_REQ = 0x0c,
	AG_ATT_READ_BLOB_RSP = 0x0d,
	AG_ATT_READ_MULTIPLE_REQ = 0x0e,
	AG_ATT_READ_MULTIPLE_RSP = 0x0f,
	AG_ATT_READ_BY_GROUP_TYPE_REQ = 0x10,
	AG_ATT_READ_BY_GROUP_TYPE_RSP = 0x11,
	AG_ATT_WRITE_REQ = 0x12,
	AG_ATT_WRITE_RSP = 0x13,
	AG_ATT_PREPARE_WRITE_REQ = 0x16,
	AG_ATT_PREPARE_WRITE_RSP = 0x17,
	AG_ATT_EXECUTE_WRITE_REQ = 0x18,
	AG_ATT_EXECUTE_WRITE_RSP = 0x19,
	AG_ATT_HANDLE_VALUE_NTF = 0x1b,
	AG_ATT_HANDLE_VALUE_IND = 0x1d,
	AG_ATT_HANDLE_VALUE_CFM = 0x1e,
	AG_ATT_READ_MULTIPLE_VARIABLE_REQ = 0x20,
	AG_ATT_READ_MULTIPLE_VARIABLE_RSP = 0x21,
	AG_ATT_MULTIPLE_HANDLE_VALUE_NTF = 0x23,
	AG_ATT_WRITE_CMD = 0x52,
	AG_ATT_SIGNED_WRITE_CMD = 0xd2,
};

enum ag_att_error {
	AG_ATT_ERR_INVALID_HANDLE = 0x01,
	AG_ATT_ERR_READ_NOT_PERMITTED = 0x02,
	AG_ATT_ERR_WRITE_NOT_PERMITTED = 0x03,
	AG_ATT_ERR_INVALID_PDU = 0x04,
	AG_ATT_ERR_INSUFFICIENT_AUTHENTICATION = 0x05,
	AG_ATT_ERR_REQUEST_NOT_SUPPORTED = 0x06,
	AG_ATT_ERR_INVALID_OFFSET = 0x07,
	AG_ATT_ERR_INSUFFICIENT_AUTHORIZATION = 0x08,
	AG_ATT_ERR_ATTRIBUTE_NOT_FOUND = 0x0a,
	AG_ATT_ERR_INSUFFICIENT_KEY_SIZE = 0x0c,
	AG_ATT_ERR_INSUFFICIENT_ENCRYPTION = 0x0f,
	AG_ATT_ERR_UNSUPPORTED_GROUP_TYPE = 0x10,
	AG_ATT_ERR_INSUFFICIENT_RESOURCES = 0x11,
	AG_ATT_ERR_DATABASE_OUT_OF_SYNC = 0x12,
	AG_ATT_ERR_APPLICATION = 0x80, /* from here on: the attribute's own */
};

/** Attribute types that more than their owner has to do with (Assigned Numbers, 3.5 to 3.8). */
enum {
	AG_UUID_PRIMARY_SERVICE = 0x2800,
	AG_UUID_SECONDARY_SERVICE = 0x2801,
	AG_UUID_INCLUDE = 0x2802,
	AG_UUID_CHARACTERISTIC = 0x2803,
	AG_UUID_EXTENDED_PROPERTIES = 0x2900,
	AG_UUID_CLIENT_CONFIGURATION = 0x2902,
	AG_UUID_DEVICE_NAME = 0x2a00,
	AG_UUID_SERVICE_CHANGED = 0x2a05,
	AG_UUID_DATABASE_HASH = 0x2b2a,
	AG_UUID_SERVER_FEATURES = 0x2b3a,
};

/** Attribute PDU types (3.3). The order is that of enum ag_att_kind in rules/rules.h. */
enum ag_att_pdu_kind {
	AG_ATT_REQUEST,
	AG_ATT_RESPONSE,
	AG_ATT_COMMAND,
	AG_ATT_NOTIFICATION,
	AG_ATT_INDICATION,
	AG_ATT_CONFIRMATION,
	AG_ATT_NO_KIND, /* an unknown opcode that asks for nothing */
};

/** Parameters a PDU can have. */
enum ag_att_param {
	AG_ATT_P_HANDLE,
	AG_ATT_P_START,
	AG_ATT_P_END,
	AG_ATT_P_TYPE, /* a UUID of 2 or 16 octets */
	AG_ATT_P_OFFSET,
	AG_ATT_P_MTU,
	AG_ATT_P_REQUEST, /* opcode in error */
	AG_ATT_P_ERROR,
	AG_ATT_P_FORMAT, /* one octet: format or entry length of a list */
	AG_ATT_P_FLAGS,  /* one octet: Execute Write */
	AG_ATT_P_VALUE,  /* the rest: an attribute value, a list, or a set of handles */
	AG_ATT_PARAM_COUNT,
};

/** One row of the table of opcodes. */
struct ag_att_format {
	uint8_t opcode;
	enum ag_att_pdu_kind kind;
	uint8_t answer;        /* opcode of the success response or confirmation; 0: none */
	uint8_t default_error; /* what `reject` says unless told; 0: not a request */
	uint8_t min_len;       /* octets, opcode included */
	uint8_t n_params;
	enum ag_att_param params[4];
};

/** All rows. @return: how many */
size_t ag_att_formats(const struct ag_att_format **rows);

/** Those rows, and by opcode which of them it is, from 1; 0: none. For ag_att_format(). */
extern const struct ag_att_format ag_att_rows[];
extern const uint8_t ag_att_row_of[256];

/** The row of an opcode, or NULL. */
static inline const struct ag_att_format *ag_att_format(uint8_t opcode)
{
	return ag_att_row_of[opcode] ? &ag_att_rows[ag_att_row_of[opcode] - 1] : NULL;
}

/** Whether a row's parameters begin with this one; NULL: no. */
static inline bool ag_att_begins_with(const struct ag_att_format *format, enum ag_att_param param)
{
	return format && format->n_params && format->params[0] == param;
}

/** Kind of any opcode. An unknown one is a command by its Command Flag, a request when it is even
 *  (3.3.1: it deserves Request Not Supported), else nothing. */
static inline enum ag_att_pdu_kind ag_att_kind(uint8_t opcode)
{
	const struct ag_att_format *format = ag_att_format(opcode);

	if (format)
		return format->kind;
	if (opcode & 0x40)
		return AG_ATT_COMMAND;
	return opcode & 1 ? AG_ATT_NO_KIND : AG_ATT_REQUEST;
}

/** A PDU taken apart. */
struct ag_att {
	const uint8_t *pdu;
	size_t len;
	uint8_t opcode;
	enum ag_att_pdu_kind kind;
	const struct ag_att_format *format; /* NULL for an unknown opcode */
	unsigned int has;                   /* bit per enum ag_att_param */
	uint16_t at[AG_ATT_PARAM_COUNT];    /* offset in the PDU */
	uint16_t param_len[AG_ATT_PARAM_COUNT];
};

enum { AG_ATT_TRUNCATED = 1 };

/**
 * Take a PDU apart. A parameter of which octets are missing is not there.
 *
 * @len:    at least 1
 * @return: 0; AG_ATT_TRUNCATED: the PDU is shorter than its opcode demands
 */
int ag_att_parse(const uint8_t *pdu, size_t len, struct ag_att *out);

static inline bool ag_att_has(const struct ag_att *att, enum ag_att_param param)
{
	return att->has >> param & 1;
}

/** The number at a parameter of one or two octets that is there. */
static inline uint16_t ag_att_number(const struct ag_att *att, enum ag_att_param param)
{
	const uint8_t *at = att->pdu + att->at[param];

	return att->param_len[param] == 2 ? ag_get_le16(at) : at[0];
}

/** The 16-bit number of a UUID as it goes over the air, of 2 or 16 octets (Vol 3 Part B, 2.5.1); 0
 *  where it has none. */
uint16_t ag_att_uuid16(const uint8_t *uuid, size_t len);

/** The type that a Read By Type, Read By Group Type or Find By Type Value Request asks for, as a
 *  16-bit UUID; 0 for another one or another PDU. */
uint16_t ag_att_type16(const struct ag_att *att);

/** The handle an Error Response to this request names (3.4.1.1): its handle, its starting handle,
 *  the first of its handles, or 0 where it has none. */
uint16_t ag_att_handle_in_error(const struct ag_att *att);

/** Whether an error that answers a request for a range is about the range, whose start it then
 *  names; any other names the attribute that could not be read (3.4.3.1, 3.4.3.3, 3.4.4.1,
 *  3.4.4.9). */
bool ag_att_error_is_of_range(uint8_t error);

/** What `reject` says to a request unless told otherwise; 0 where it is no request. */
uint8_t ag_att_default_error(const struct ag_att *att);

#endif
