/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PDUs in words: a row of a table for each opcode. */
#include "proxy/engine/words_internal.h"

#include <inttypes.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/attributes.h"
#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/smp.h"

/* How much of what a peer chooses is shown: a line is for reading, and recordings hold the rest. */
enum { SHOWN_OCTETS = 16, SHOWN_ENTRIES = 4 };

/* ---- Octets and numbers ---- */

static void add_hex(struct ag_words *words, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len && i < SHOWN_OCTETS; i++)
		ag_words_add(words, "%s%02x", i ? " " : "", data[i]);
	if (len > SHOWN_OCTETS)
		ag_words_add(words, " ... (%zu octets)", len);
	if (len == 0)
		ag_words_add(words, "empty");
}

static void add_value_name(struct ag_words *words, enum ag_field field, uint8_t num)
{
	const char *name = ag_field_value_name(field, num);

	if (name)
		ag_words_add_title(words, name);
	else
		ag_words_add(words, "0x%02x", num);
}

/* As it lies in a PDU; one of 16 octets is shown as such. */
static void add_uuid(struct ag_words *words, const uint8_t *at, size_t len)
{
	struct ag_uuid uuid = ag_uuid_from_air(at, len);

	ag_words_add_type(words, &uuid, len != 2);
}

/* An attribute type that fills the rest of the PDU, 2 or 16 octets (Vol 3 Part F, 3.2.1). */
static void say_type(struct ag_words *words, struct ag_cursor *cursor)
{
	size_t len = cursor->left;
	const uint8_t *at;

	if (len != 2 && len < 16) {
		cursor->failed = true;
		return;
	}
	len = len == 2 ? 2 : 16;
	at = ag_pull(cursor, len);
	ag_words_add(words, ", Type: ");
	add_uuid(words, at, len);
}

/* ---- Parameters ---- */

/*
 * Each function reads one parameter and says it. Where the octets are not there it leaves the
 * cursor failed and says nothing of the parameter.
 */

typedef void say_fn(struct ag_words *words, struct ag_cursor *cursor);

static void say_attribute(struct ag_words *words)
{
	if (words->attribute && *words->attribute)
		ag_words_add(words, " (%s)", words->attribute);
	words->attribute = NULL;
}

static void say_handle(struct ag_words *words, struct ag_cursor *cursor)
{
	uint16_t handle = ag_pull_le16(cursor);

	if (cursor->failed)
		return;
	ag_words_add(words, ", Handle: 0x%04x", handle);
	say_attribute(words);
}

static void say_range(struct ag_words *words, struct ag_cursor *cursor)
{
	uint16_t start = ag_pull_le16(cursor);
	uint16_t end = ag_pull_le16(cursor);

	if (!cursor->failed)
		ag_words_add(words, ", Handles: 0x%04x..0x%04x", start, end);
}

static void say_type16(struct ag_words *words, struct ag_cursor *cursor)
{
	const uint8_t *at = ag_pull(cursor, 2);

	if (!at)
		return;
	ag_words_add(words, ", Type: ");
	add_uuid(words, at, 2);
}

static void say_client_mtu(struct ag_words *words, struct ag_cursor *cursor)
{
	uint16_t mtu = ag_pull_le16(cursor);

	if (!cursor->failed)
		ag_words_add(words, ", Client Rx MTU: %u", mtu);
}

static void say_server_mtu(struct ag_words *words, struct ag_cursor *cursor)
{
	uint16_t mtu = ag_pull_le16(cursor);

	if (!cursor->failed)
		ag_words_add(words, ", Server Rx MTU: %u", mtu);
}

static void say_offset(struct ag_words *words, struct ag_cursor *cursor)
{
	uint16_t offset = ag_pull_le16(cursor);

	if (!cursor->failed)
		ag_words_add(words, ", Offset: %u", offset);
}

static void say_value(struct ag_words *words, struct ag_cursor *cursor)
{
	size_t len = cursor->left;

	ag_words_add(words, ", Value: ");
	add_hex(words, ag_pull(cursor, len), len);
}

/* Signed Write Command (3.4.5.4): the last 12 octets are the signature. */
static void say_signed_value(struct ag_words *words, struct ag_cursor *cursor)
{
	size_t len;

	if (cursor->left < 12) {
		cursor->failed = true;
		return;
	}
	len = cursor->left - 12;
	ag_words_add(words, ", Value: ");
	add_hex(words, ag_pull(cursor, len), len);
	ag_words_add(words, ", Signature: ");
	add_hex(words, ag_pull(cursor, 12), 12);
}

/* Execute Write Request (3.4.6.3). */
static void say_execute(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t flags = ag_pull_u8(cursor);

	if (cursor->failed)
		return;
	if (flags > 1)
		ag_words_add(words, ", Flags: 0x%02x", flags);
	else
		ag_words_add(words, flags ? ", Write All" : ", Cancel All");
}

static void say_handle_list(struct ag_words *words, struct ag_cursor *cursor)
{
	ag_words_add(words, ", Handles:");
	for (size_t i = 0; cursor->left > 0; i++) {
		uint16_t handle = ag_pull_le16(cursor);

		if (cursor->failed)
			return;
		if (i < SHOWN_ENTRIES)
			ag_words_add(words, " 0x%04x", handle);
		else if (i == SHOWN_ENTRIES)
			ag_words_add(words, " ...");
	}
}

/* Find By Type Value Response (3.4.3.4): found handle and group end, again and again. */
static void say_found_list(struct ag_words *words, struct ag_cursor *cursor)
{
	size_t count = cursor->left / 4;

	for (size_t i = 0; i < count; i++) {
		uint16_t start = ag_pull_le16(cursor);
		uint16_t end = ag_pull_le16(cursor);

		if (i < SHOWN_ENTRIES)
			ag_words_add(words, ", 0x%04x..0x%04x", start, end);
		else if (i == SHOWN_ENTRIES)
			ag_words_add(words, ", ... (%zu entries)", count);
	}
	if (cursor->left > 0)
		cursor->failed = true;
}

/* The octet before a list that tells the length of an entry (3.4.4.2, 3.4.4.10); 0 with the cursor
 * failed if no list of such entries follows. */
static size_t pull_entry_len(struct ag_words *words, struct ag_cursor *cursor, size_t least)
{
	size_t len = ag_pull_u8(cursor);

	if (cursor->failed)
		return 0;
	if (len < least || cursor->left == 0 || cursor->left % len != 0) {
		ag_words_add(words, ", %zu octets in entries of %zu", cursor->left, len);
		cursor->failed = true;
		return 0;
	}
	return len;
}

static void say_read_by_type_list(struct ag_words *words, struct ag_cursor *cursor)
{
	size_t len = pull_entry_len(words, cursor, 2);
	size_t count = len ? cursor->left / len : 0;

	for (size_t i = 0; i < count; i++) {
		uint16_t handle = ag_pull_le16(cursor);
		const uint8_t *value = ag_pull(cursor, len - 2);

		if (i < SHOWN_ENTRIES) {
			ag_words_add(words, ", 0x%04x = ", handle);
			add_hex(words, value, len - 2);
		} else if (i == SHOWN_ENTRIES) {
			ag_words_add(words, ", ... (%zu entries)", count);
		}
	}
}

static void say_group_list(struct ag_words *words, struct ag_cursor *cursor)
{
	size_t len = pull_entry_len(words, cursor, 4);
	size_t count = len ? cursor->left / len : 0;

	for (size_t i = 0; i < count; i++) {
		uint16_t start = ag_pull_le16(cursor);
		uint16_t end = ag_pull_le16(cursor);
		const uint8_t *value = ag_pull(cursor, len - 4);

		if (i < SHOWN_ENTRIES) {
			ag_words_add(words, ", 0x%04x..0x%04x ", start, end);
			if (len == 6 || len == 20)
				add_uuid(words, value, len - 4);
			else
				add_hex(words, value, len - 4);
		} else if (i == SHOWN_ENTRIES) {
			ag_words_add(words, ", ... (%zu entries)", count);
		}
	}
}

/* Find Information Response (3.4.3.2): format 1 has UUIDs of 2 octets, format 2 of 16. */
static void say_information_list(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t format = ag_pull_u8(cursor);
	size_t uuid_len = format == 1 ? 2 : 16;
	size_t count = cursor->left / (2 + uuid_len);

	if (cursor->failed)
		return;
	if (format != 1 && format != 2) {
		ag_words_add(words, ", Format: 0x%02x", format);
		say_value(words, cursor);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		uint16_t handle = ag_pull_le16(cursor);
		const uint8_t *uuid = ag_pull(cursor, uuid_len);

		if (i < SHOWN_ENTRIES) {
			ag_words_add(words, ", 0x%04x = ", handle);
			add_uuid(words, uuid, uuid_len);
		} else if (i == SHOWN_ENTRIES) {
			ag_words_add(words, ", ... (%zu entries)", count);
		}
	}
	if (cursor->left > 0 || count == 0)
		cursor->failed = true;
}

/* Length and value tuples (3.4.4.12). The last value may be cut by the sender to fit the MTU. */
static void say_value_tuples(struct ag_words *words, struct ag_cursor *cursor)
{
	for (size_t i = 0; cursor->left > 0; i++) {
		size_t len = ag_pull_le16(cursor);
		size_t here = len < cursor->left ? len : cursor->left;
		const uint8_t *value = ag_pull(cursor, here);

		if (cursor->failed)
			return;
		if (i < SHOWN_ENTRIES) {
			ag_words_add(words, ", Value of %zu: ", len);
			add_hex(words, value, here);
		} else if (i == SHOWN_ENTRIES) {
			ag_words_add(words, ", ...");
		}
	}
}

/* Multiple Handle Value Notification (3.4.7.4): handle, length and value. */
static void say_handle_value_tuples(struct ag_words *words, struct ag_cursor *cursor)
{
	for (size_t i = 0; cursor->left > 0; i++) {
		uint16_t handle = ag_pull_le16(cursor);
		size_t len = ag_pull_le16(cursor);
		const uint8_t *value = ag_pull(cursor, len);

		if (cursor->failed)
			return;
		if (i < SHOWN_ENTRIES) {
			ag_words_add(words, ", 0x%04x = ", handle);
			add_hex(words, value, len);
		} else if (i == SHOWN_ENTRIES) {
			ag_words_add(words, ", ...");
		}
	}
}

static void say_error(struct ag_words *words, struct ag_cursor *cursor);

/* Keys, random numbers and the like are secrets or noise: that they are there is all that is said.
 */
static void say_secret(struct ag_words *words, struct ag_cursor *cursor)
{
	ag_words_add(words, " (%zu octets)", cursor->left);
	ag_pull(cursor, cursor->left);
}

static void say_authreq(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t flags = ag_pull_u8(cursor);

	if (cursor->failed)
		return;
	ag_words_add(words, ", AuthReq: %s", flags & 0x03 ? "Bonding" : "No Bonding");
	ag_words_add(words, "%s%s%s%s", flags & 0x04 ? ", MITM" : "",
		     flags & 0x08 ? ", SecureConnection" : "", flags & 0x10 ? ", Keypress" : "",
		     flags & 0x20 ? ", CT2" : "");
}

/* Vol 3 Part H, 2.3.2, table 2.5 */
static const char *const io_capabilities[] = { "Display Only", "Display Yes/No", "Keyboard Only",
					       "No Input, No Output", "Keyboard, Display" };

static void add_keys(struct ag_words *words, const char *whose, uint8_t keys)
{
	ag_words_add(words, ", %s Key(s):%s%s%s%s%s", whose, keys & 0x0f ? "" : " none",
		     keys & 0x01 ? " LTK" : "", keys & 0x02 ? " IRK" : "",
		     keys & 0x04 ? " CSRK" : "", keys & 0x08 ? " Link" : "");
}

static void say_pairing(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t io = ag_pull_u8(cursor);
	uint8_t oob = ag_pull_u8(cursor);
	uint8_t key_size;
	uint8_t initiator;
	uint8_t responder;

	say_authreq(words, cursor);
	key_size = ag_pull_u8(cursor);
	initiator = ag_pull_u8(cursor);
	responder = ag_pull_u8(cursor);
	if (cursor->failed)
		return;
	if (io < ag_array_size(io_capabilities))
		ag_words_add(words, ", IO Capability: %s", io_capabilities[io]);
	else
		ag_words_add(words, ", IO Capability: 0x%02x", io);
	ag_words_add(words, "%s, Max Key Size: %u", oob ? ", OOB Data" : "", key_size);
	add_keys(words, "Initiator", initiator);
	add_keys(words, "Responder", responder);
}

static void say_reason(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t reason = ag_pull_u8(cursor);

	if (cursor->failed)
		return;
	ag_words_add(words, ": ");
	add_value_name(words, AG_F_SMP_REASON, reason);
}

static void say_identity_address(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t type = ag_pull_u8(cursor);
	uint64_t bdaddr = ag_pull_bdaddr(cursor);
	char text[18];

	if (cursor->failed)
		return;
	ag_words_bdaddr(bdaddr, text);
	ag_words_add(words, ", %s (%s)", text, type ? "random" : "public");
}

/* Vol 3 Part H, 3.5.8 */
static const char *const keypress_types[] = { "started", "digit entered", "digit erased", "cleared",
					      "completed" };

static void say_keypress(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t type = ag_pull_u8(cursor);

	if (cursor->failed)
		return;
	if (type < ag_array_size(keypress_types))
		ag_words_add(words, ": %s", keypress_types[type]);
	else
		ag_words_add(words, ": 0x%02x", type);
}

/* ---- The PDUs ---- */

enum { PARAMS_MAX = 3 };

struct pdu_row {
	uint8_t opcode;
	const char *name;
	say_fn *say[PARAMS_MAX]; /* in order, NULL after the last */
};

/* Vol 3 Part F, 3.4.1 to 3.4.7 */
static const struct pdu_row att_rows[] = {
	{ AG_ATT_ERROR_RSP, "Error Response", { say_error } },
	{ AG_ATT_EXCHANGE_MTU_REQ, "Exchange MTU Request", { say_client_mtu } },
	{ AG_ATT_EXCHANGE_MTU_RSP, "Exchange MTU Response", { say_server_mtu } },
	{ AG_ATT_FIND_INFORMATION_REQ, "Find Information Request", { say_range } },
	{ AG_ATT_FIND_INFORMATION_RSP, "Find Information Response", { say_information_list } },
	{ AG_ATT_FIND_BY_TYPE_VALUE_REQ,
	  "Find By Type Value Request",
	  { say_range, say_type16, say_value } },
	{ AG_ATT_FIND_BY_TYPE_VALUE_RSP, "Find By Type Value Response", { say_found_list } },
	{ AG_ATT_READ_BY_TYPE_REQ, "Read By Type Request", { say_range, say_type } },
	{ AG_ATT_READ_BY_TYPE_RSP, "Read By Type Response", { say_read_by_type_list } },
	{ AG_ATT_READ_REQ, "Read Request", { say_handle } },
	{ AG_ATT_READ_RSP, "Read Response", { say_value } },
	{ AG_ATT_READ_BLOB_REQ, "Read Blob Request", { say_handle, say_offset } },
	{ AG_ATT_READ_BLOB_RSP, "Read Blob Response", { say_value } },
	{ AG_ATT_READ_MULTIPLE_REQ, "Read Multiple Request", { say_handle_list } },
	{ AG_ATT_READ_MULTIPLE_RSP, "Read Multiple Response", { say_value } },
	{ AG_ATT_READ_BY_GROUP_TYPE_REQ, "Read By Group Type Request", { say_range, say_type } },
	{ AG_ATT_READ_BY_GROUP_TYPE_RSP, "Read By Group Type Response", { say_group_list } },
	{ AG_ATT_WRITE_REQ, "Write Request", { say_handle, say_value } },
	{ AG_ATT_WRITE_RSP, "Write Response", { NULL } },
	{ AG_ATT_PREPARE_WRITE_REQ,
	  "Prepare Write Request",
	  { say_handle, say_offset, say_value } },
	{ AG_ATT_PREPARE_WRITE_RSP,
	  "Prepare Write Response",
	  { say_handle, say_offset, say_value } },
	{ AG_ATT_EXECUTE_WRITE_REQ, "Execute Write Request", { say_execute } },
	{ AG_ATT_EXECUTE_WRITE_RSP, "Execute Write Response", { NULL } },
	{ AG_ATT_HANDLE_VALUE_NTF, "Handle Value Notification", { say_handle, say_value } },
	{ AG_ATT_HANDLE_VALUE_IND, "Handle Value Indication", { say_handle, say_value } },
	{ AG_ATT_HANDLE_VALUE_CFM, "Handle Value Confirmation", { NULL } },
	{ AG_ATT_READ_MULTIPLE_VARIABLE_REQ,
	  "Read Multiple Variable Request",
	  { say_handle_list } },
	{ AG_ATT_READ_MULTIPLE_VARIABLE_RSP,
	  "Read Multiple Variable Response",
	  { say_value_tuples } },
	{ AG_ATT_MULTIPLE_HANDLE_VALUE_NTF,
	  "Multiple Handle Value Notification",
	  { say_handle_value_tuples } },
	{ AG_ATT_WRITE_CMD, "Write Command", { say_handle, say_value } },
	{ AG_ATT_SIGNED_WRITE_CMD, "Signed Write Command", { say_handle, say_signed_value } },
};

/* Vol 3 Part H, 3.5 and 3.6 */
static const struct pdu_row smp_rows[] = {
	{ AG_SMP_PAIRING_REQUEST, "Pairing Request", { say_pairing } },
	{ AG_SMP_PAIRING_RESPONSE, "Pairing Response", { say_pairing } },
	{ AG_SMP_PAIRING_CONFIRM, "Pairing Confirm", { say_secret } },
	{ AG_SMP_PAIRING_RANDOM, "Pairing Random", { say_secret } },
	{ AG_SMP_PAIRING_FAILED, "Pairing Failed", { say_reason } },
	{ AG_SMP_ENCRYPTION_INFORMATION, "Encryption Information", { say_secret } },
	{ AG_SMP_CENTRAL_IDENTIFICATION, "Central Identification", { say_secret } },
	{ AG_SMP_IDENTITY_INFORMATION, "Identity Information", { say_secret } },
	{ AG_SMP_IDENTITY_ADDRESS_INFORMATION,
	  "Identity Address Information",
	  { say_identity_address } },
	{ AG_SMP_SIGNING_INFORMATION, "Signing Information", { say_secret } },
	{ AG_SMP_SECURITY_REQUEST, "Security Request", { say_authreq } },
	{ AG_SMP_PAIRING_PUBLIC_KEY, "Pairing Public Key", { say_secret } },
	{ AG_SMP_PAIRING_DHKEY_CHECK, "Pairing DHKey Check", { say_secret } },
	{ AG_SMP_KEYPRESS_NOTIFICATION, "Pairing Keypress Notification", { say_keypress } },
};

static const struct pdu_row *find_row(bool is_att, uint8_t opcode)
{
	const struct pdu_row *rows = is_att ? att_rows : smp_rows;
	size_t count = is_att ? ag_array_size(att_rows) : ag_array_size(smp_rows);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].opcode == opcode)
			return &rows[i];
	}
	return NULL;
}

/* Error Response (3.4.1.1): request opcode, handle in error, error code. */
static void say_error(struct ag_words *words, struct ag_cursor *cursor)
{
	uint8_t request = ag_pull_u8(cursor);
	uint16_t handle = ag_pull_le16(cursor);
	uint8_t error = ag_pull_u8(cursor);
	const struct pdu_row *row = find_row(true, request);

	if (cursor->failed)
		return;
	ag_words_add(words, " - ");
	add_value_name(words, AG_F_ATT_ERROR, error);
	ag_words_add(words, ", Handle: 0x%04x", handle);
	say_attribute(words);
	ag_words_add(words, ", to ");
	if (row)
		ag_words_add(words, "%s", row->name);
	else
		ag_words_add(words, "opcode 0x%02x", request);
}

size_t ag_words_pdu(bool is_att, const uint8_t *pdu, size_t len, char *out, size_t size)
{
	return ag_words_pdu_about(NULL, is_att, pdu, len, out, size);
}

size_t ag_words_pdu_about(const char *attribute, bool is_att, const uint8_t *pdu, size_t len,
			  char *out, size_t size)
{
	struct ag_words words = ag_words_begin(out, size);
	struct ag_cursor cursor = ag_cursor(pdu, len);
	uint8_t opcode = ag_pull_u8(&cursor);
	const struct pdu_row *row = find_row(is_att, opcode);

	if (cursor.failed) {
		ag_words_add(&words, "empty %s PDU", is_att ? "ATT" : "SMP");
		return words.len;
	}
	if (!row) {
		ag_words_add(&words, "%s opcode 0x%02x", is_att ? "ATT" : "SMP", opcode);
		say_value(&words, &cursor);
		return words.len;
	}
	ag_words_add(&words, "%s", row->name);
	words.attribute = attribute;
	if (row->say[0] != say_handle && row->say[0] != say_error)
		say_attribute(&words);
	for (size_t i = 0; i < PARAMS_MAX && row->say[i] && !cursor.failed; i++)
		row->say[i](&words, &cursor);
	if (cursor.failed)
		ag_words_add(&words, ", malformed (%zu octets)", len);
	else if (cursor.left > 0)
		ag_words_add(&words, ", %zu octets too many", cursor.left);
	return words.len;
}
