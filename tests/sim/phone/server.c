/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/att.h"
#include "tests/sim/phone/database.h"
#include "tests/sim/phone/faults.h"
#include "tests/sim/phone/gatt.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* One request being answered. */
struct exchange {
	const struct phone_options *options;
	struct phone_database *database;
	bool encrypted;
	uint16_t mtu;
	uint8_t opcode;
	struct ag_cursor in; /* behind the opcode */
	uint8_t *out;        /* the answer, `len` octets of it */
	size_t len;
	uint16_t handle_in_error; /* Vol 3 Part F, 3.4.1.1 */
};

/* Every handler writes the response behind its opcode, or returns an error code. */
typedef uint8_t handler(struct exchange *exchange);

static size_t room(const struct exchange *exchange)
{
	return exchange->mtu - exchange->len;
}

static void put(struct exchange *exchange, const void *data, size_t len)
{
	if (len > room(exchange))
		len = room(exchange);
	memcpy(exchange->out + exchange->len, data, len);
	exchange->len += len;
}

static void put_u8(struct exchange *exchange, uint8_t value)
{
	put(exchange, &value, 1);
}

static void put_le16(struct exchange *exchange, uint16_t value)
{
	uint8_t octets[2];

	ag_put_le16(octets, value);
	put(exchange, octets, 2);
}

static bool asks_for_protected(const struct exchange *exchange,
			       const struct phone_attribute *attribute)
{
	enum phone_protection got = exchange->encrypted ? PHONE_ENCRYPTED : PHONE_OPEN;

	return attribute->protection > got && exchange->options->protected_error;
}

/* Whether the attribute's value may be read now; 0 or the error. */
static uint8_t may_read(const struct exchange *exchange, const struct phone_attribute *attribute)
{
	if (!attribute->readable)
		return AG_ATT_ERR_READ_NOT_PERMITTED;
	return asks_for_protected(exchange, attribute) ? exchange->options->protected_error : 0;
}

/* Starting and ending handle (3.4.3.1 and others): start must not be 0 nor lie behind the end. */
static uint8_t pull_range(struct exchange *exchange, uint16_t *start, uint16_t *end)
{
	*start = ag_pull_le16(&exchange->in);
	*end = ag_pull_le16(&exchange->in);
	if (exchange->in.failed)
		return ATT_ERR_INVALID_PDU;
	exchange->handle_in_error = *start;
	if (!*start || *start > *end)
		return AG_ATT_ERR_INVALID_HANDLE;
	if (*end > exchange->database->count)
		*end = exchange->database->count;
	return 0;
}

/* The rest of the request must be a UUID. */
static uint8_t pull_uuid(struct exchange *exchange, struct phone_uuid *uuid)
{
	size_t len = exchange->in.left;

	if (len != 2 && len != 16)
		return ATT_ERR_INVALID_PDU;
	*uuid = phone_uuid(ag_pull(&exchange->in, len), len);
	return 0;
}

/* ---- The requests, in the order of the protocol ---- */

static uint8_t exchange_mtu(struct exchange *exchange)
{
	if (exchange->in.left != 2)
		return ATT_ERR_INVALID_PDU;
	put_le16(exchange, PHONE_MTU);
	return 0;
}

static uint8_t find_information(struct exchange *exchange)
{
	uint16_t start;
	uint16_t end;
	uint8_t len = 0;
	uint8_t error = pull_range(exchange, &start, &end);

	if (error || exchange->in.left)
		return error ? error : ATT_ERR_INVALID_PDU;
	for (uint16_t handle = start; handle <= end; handle++) {
		struct phone_attribute *attribute = phone_attribute(exchange->database, handle);

		if (!len)
			put_u8(exchange, attribute->type.len == 2 ? 1 : 2);
		else if (len != attribute->type.len)
			break;
		len = attribute->type.len;
		if (room(exchange) < 2u + len)
			break;
		put_le16(exchange, handle);
		put(exchange, attribute->type.octets, len);
	}
	return len ? 0 : AG_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

static uint8_t find_by_type_value(struct exchange *exchange)
{
	uint16_t start;
	uint16_t end;
	uint8_t error = pull_range(exchange, &start, &end);
	uint16_t type = ag_pull_le16(&exchange->in);

	if (error || exchange->in.failed)
		return error ? error : ATT_ERR_INVALID_PDU;
	for (uint16_t handle = start; handle <= end && room(exchange) >= 4; handle++) {
		struct phone_attribute *attribute = phone_attribute(exchange->database, handle);

		if (!phone_uuid_is(&attribute->type, type) || may_read(exchange, attribute) ||
		    attribute->len != exchange->in.left ||
		    memcmp(attribute->value, exchange->in.at, attribute->len) != 0)
			continue;
		put_le16(exchange, handle);
		put_le16(exchange, attribute->group_end ? attribute->group_end : handle);
	}
	return exchange->len > 1 ? 0 : AG_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

/* One entry of a Read By Type or Read By Group Type Response. The first one fixes the length of
 * all; false when this one does not go in. */
static bool put_entry(struct exchange *exchange, uint16_t handle, uint16_t group_end,
		      const struct phone_attribute *attribute)
{
	size_t header = group_end ? 4 : 2;
	size_t len = attribute->len;

	if (len > exchange->mtu - 2 - header)
		len = exchange->mtu - 2 - header;
	if (exchange->len == 1)
		put_u8(exchange, (uint8_t)(header + len));
	if (exchange->out[1] != header + len || room(exchange) < header + len)
		return false;
	put_le16(exchange, handle);
	if (group_end)
		put_le16(exchange, group_end);
	put(exchange, attribute->value, len);
	return true;
}

static uint8_t read_by_type(struct exchange *exchange)
{
	uint16_t start;
	uint16_t end;
	struct phone_uuid type;
	uint8_t error = pull_range(exchange, &start, &end);

	if (!error)
		error = pull_uuid(exchange, &type);
	for (uint16_t handle = start; !error && handle <= end; handle++) {
		struct phone_attribute *attribute = phone_attribute(exchange->database, handle);

		if (!phone_uuid_equal(&attribute->type, &type))
			continue;
		error = may_read(exchange, attribute);
		if (error)
			exchange->handle_in_error = handle;
		else if (!put_entry(exchange, handle, 0, attribute))
			break;
	}
	/* 3.4.4.1: an attribute that cannot be read ends the list; as the first it is the error */
	if (exchange->len > 1)
		return 0;
	return error ? error : AG_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

/* Only primary services are a group that iOS lists; it refuses the secondary ones' type. */
static uint8_t read_by_group_type(struct exchange *exchange)
{
	uint16_t start;
	uint16_t end;
	struct phone_uuid type;
	uint8_t error = pull_range(exchange, &start, &end);

	if (!error)
		error = pull_uuid(exchange, &type);
	if (error)
		return error;
	if (!phone_uuid_is(&type, UUID_PRIMARY_SERVICE))
		return ATT_ERR_UNSUPPORTED_GROUP_TYPE;
	for (uint16_t handle = start; handle <= end; handle++) {
		struct phone_attribute *attribute = phone_attribute(exchange->database, handle);

		if (attribute->group_end &&
		    !put_entry(exchange, handle, attribute->group_end, attribute))
			break;
	}
	return exchange->len > 1 ? 0 : AG_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

/* The attribute at a handle, if it may be read; else NULL and the error. */
static struct phone_attribute *pull_readable(struct exchange *exchange, uint8_t *error)
{
	uint16_t handle = ag_pull_le16(&exchange->in);
	struct phone_attribute *attribute = phone_attribute(exchange->database, handle);

	exchange->handle_in_error = handle;
	if (exchange->in.failed)
		*error = ATT_ERR_INVALID_PDU;
	else if (exchange->options->read_error)
		*error = exchange->options->read_error;
	else if (!attribute)
		*error = AG_ATT_ERR_INVALID_HANDLE;
	else
		*error = may_read(exchange, attribute);
	return *error ? NULL : attribute;
}

static uint8_t read_value(struct exchange *exchange)
{
	uint8_t error;
	struct phone_attribute *attribute = pull_readable(exchange, &error);

	if (attribute)
		put(exchange, attribute->value, attribute->len);
	return error;
}

static uint8_t read_blob(struct exchange *exchange)
{
	uint8_t error;
	struct phone_attribute *attribute = pull_readable(exchange, &error);
	uint16_t offset = ag_pull_le16(&exchange->in);

	if (exchange->in.failed)
		return ATT_ERR_INVALID_PDU;
	if (!attribute)
		return error;
	if (offset > attribute->len)
		return AG_ATT_ERR_INVALID_OFFSET;
	put(exchange, attribute->value + offset, (size_t)(attribute->len - offset));
	return 0;
}

/* Read Multiple and, with a length before each value, Read Multiple Variable. */
static uint8_t read_multiple(struct exchange *exchange)
{
	uint8_t error = exchange->in.left >= 4 ? 0 : ATT_ERR_INVALID_PDU;

	while (!error && exchange->in.left) {
		struct phone_attribute *attribute = pull_readable(exchange, &error);

		if (!attribute)
			break;
		if (exchange->opcode == AG_ATT_READ_MULTIPLE_VARIABLE_REQ)
			put_le16(exchange, attribute->len);
		put(exchange, attribute->value, attribute->len);
	}
	return error;
}

static uint8_t write_value(struct exchange *exchange)
{
	uint16_t handle = ag_pull_le16(&exchange->in);
	struct phone_attribute *attribute = phone_attribute(exchange->database, handle);

	exchange->handle_in_error = handle;
	if (exchange->in.failed)
		return ATT_ERR_INVALID_PDU;
	if (!attribute)
		return AG_ATT_ERR_INVALID_HANDLE;
	if (!attribute->writable)
		return AG_ATT_ERR_WRITE_NOT_PERMITTED;
	if (asks_for_protected(exchange, attribute))
		return exchange->options->protected_error;
	if (exchange->in.left > sizeof(attribute->value) ||
	    (phone_uuid_is(&attribute->type, UUID_CLIENT_CONFIGURATION) && exchange->in.left != 2))
		return ATT_ERR_INVALID_VALUE_LENGTH;
	attribute->len = (uint8_t)exchange->in.left;
	memcpy(attribute->value, exchange->in.at, attribute->len);
	return 0;
}

static const struct {
	uint8_t opcode;
	bool discovers;
	handler *answer;
} handlers[] = {
	{ AG_ATT_EXCHANGE_MTU_REQ, false, exchange_mtu },
	{ AG_ATT_FIND_INFORMATION_REQ, true, find_information },
	{ AG_ATT_FIND_BY_TYPE_VALUE_REQ, true, find_by_type_value },
	{ AG_ATT_READ_BY_TYPE_REQ, true, read_by_type },
	{ AG_ATT_READ_REQ, false, read_value },
	{ AG_ATT_READ_BLOB_REQ, false, read_blob },
	{ AG_ATT_READ_MULTIPLE_REQ, false, read_multiple },
	{ AG_ATT_READ_MULTIPLE_VARIABLE_REQ, false, read_multiple },
	{ AG_ATT_READ_BY_GROUP_TYPE_REQ, true, read_by_group_type },
	{ AG_ATT_WRITE_REQ, false, write_value },
};

static size_t find_handler(uint8_t opcode)
{
	size_t i = 0;

	while (i < ag_array_size(handlers) && handlers[i].opcode != opcode)
		i++;
	return i;
}

size_t phone_server_answer(const struct phone_options *options, bool encrypted, uint16_t mtu,
			   const uint8_t *pdu, size_t len, uint8_t *out)
{
	size_t i = find_handler(pdu[0]);
	struct exchange exchange = {
		.options = options,
		.database = phone_database(options->sensor, options->eatt),
		.encrypted = encrypted,
		.mtu = mtu,
		.opcode = pdu[0],
		.in = ag_cursor(pdu + 1, len - 1),
		.out = out,
		.len = 1,
	};
	uint8_t error = AG_ATT_ERR_REQUEST_NOT_SUPPORTED;

	if (i < ag_array_size(handlers))
		error = handlers[i].answer(&exchange);
	if (!error) {
		out[0] = (uint8_t)(pdu[0] + 1);
		return exchange.len;
	}
	out[0] = AG_ATT_ERROR_RSP;
	out[1] = pdu[0];
	ag_put_le16(out + 2, exchange.handle_in_error);
	out[4] = error;
	return 5;
}

static bool asks_for_pairing(const uint8_t *answer)
{
	return answer[0] == AG_ATT_ERROR_RSP && (answer[4] == ATT_ERR_INSUFFICIENT_AUTHENTICATION ||
						 answer[4] == ATT_ERR_INSUFFICIENT_ENCRYPTION);
}

/* Who subscribes to the notification source of ANCS gets a notification at once: one of an e-mail
 * that is new (ANCS specification, "Notification Source"). */
static void notify(struct phone *phone, const uint8_t *pdu, size_t len)
{
	static const uint8_t source[] = { 0xbd, 0x1d, 0xa2, 0x99, 0xe6, 0x25, 0x58, 0x8c,
					  0xd9, 0x42, 0x01, 0x63, 0x0d, 0x12, 0xbf, 0x9f };
	const struct phone_uuid uuid = phone_uuid(source, sizeof(source));
	uint8_t ntf[11] = { AG_ATT_HANDLE_VALUE_NTF, 0, 0, 0x00, 0x00, 0x06, 0x01 };
	const struct phone_attribute *value;
	uint16_t handle;

	if (pdu[0] != AG_ATT_WRITE_REQ || len != 5 || pdu[3] != 0x01)
		return;
	handle = (uint16_t)(ag_get_le16(pdu + 1) - 1);
	value = phone_attribute(phone_database(phone->options.sensor, phone->options.eatt), handle);
	if (!value || !phone_uuid_equal(&value->type, &uuid))
		return;
	ag_put_le16(ntf + 1, handle);
	phone_send_att(phone, ntf, sizeof(ntf));
}

/* The second answer to an exchange of the MTU comes second: only then is it known what it takes
 * back. */
static bool waits_for_own_mtu(struct phone *phone, uint32_t faults,
			      const struct phone_exchange *exchange)
{
	phone->bearer->held_len = exchange->len;
	return faults >> PHONE_FAULT_SECOND_MTU & 1 && phone->client.step == PHONE_STEP_MTU &&
	       exchange->request[0] == AG_ATT_EXCHANGE_MTU_REQ;
}

/* The answer goes out, as right as it is to be, and what comes behind it. */
static void finish(struct phone *phone, struct phone_exchange *exchange)
{
	uint32_t faults = phone_faults(phone);
	uint8_t surplus[PHONE_PDU_MAX];
	size_t len;

	if (!phone->client.own_mtu)
		faults &= ~(1u << PHONE_FAULT_SECOND_MTU);
	phone_fault_answer(faults, exchange);
	if (phone->options.fuzz)
		exchange->len = phone_fuzz_answer(phone, exchange->answer, exchange->len);
	if (exchange->len == SIZE_MAX || waits_for_own_mtu(phone, faults, exchange))
		return;
	phone_answer(phone, exchange->answer, exchange->len);
	len = phone_fault_surplus(faults, exchange, surplus);
	if (len)
		phone_send_att(phone, surplus, len);
	if (exchange->answer[0] == AG_ATT_WRITE_RSP)
		notify(phone, exchange->request, exchange->request_len);
}

void phone_serve(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct phone_bearer *bearer = phone->bearer;
	size_t i = find_handler(pdu[0]);
	struct phone_exchange exchange = {
		.database = phone_database(phone->options.sensor, phone->options.eatt),
		.mtu = bearer->mtu,
		.request = pdu,
		.request_len = len,
		.answer = bearer->held,
	};

	if (i < ag_array_size(handlers) && handlers[i].discovers)
		phone->totals.discovery_requests++;
	if (phone->options.silent)
		return;
	bearer->held_len = phone_server_answer(&phone->options, phone->link.encrypted, bearer->mtu,
					       pdu, len, bearer->held);
	if (asks_for_pairing(bearer->held)) {
		phone->totals.protected_reads++;
		if (phone_client_cross(phone))
			return;
	}
	exchange.len = bearer->held_len;
	finish(phone, &exchange);
}

void phone_serve_command(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct exchange exchange = {
		.options = &phone->options,
		.database = phone_database(phone->options.sensor, phone->options.eatt),
		.encrypted = phone->link.encrypted,
		.in = ag_cursor(pdu + 1, len - 1),
	};

	/* A command has no answer, whatever becomes of it. */
	if (pdu[0] == AG_ATT_WRITE_CMD)
		write_value(&exchange);
}
