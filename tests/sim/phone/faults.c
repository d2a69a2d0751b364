/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/phone/faults.h"

#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/att.h"
#include "tests/sim/phone/database.h"
#include "tests/sim/phone/gatt.h"
#include "tests/sim/phone/phone.h"

/* Octets by which an oversized value passes ATT_MTU. */
#define OVERSIZE 8

/* ---- Answers: each changes those it is meant for ---- */

static bool is_list(const struct phone_exchange *exchange)
{
	return exchange->answer[0] == AG_ATT_READ_BY_TYPE_RSP ||
	       exchange->answer[0] == AG_ATT_READ_BY_GROUP_TYPE_RSP;
}

/* The type that a Read By Type or Read By Group Type Request asks for, if it has 16 bits. */
static uint16_t type_asked_for(const struct phone_exchange *exchange)
{
	return exchange->request_len == 7 ? ag_get_le16(exchange->request + 5) : 0;
}

/* What is not there is answered with a list too: Server Supported Features is asked for first. */
static void entry_length_0(struct phone_exchange *exchange)
{
	if (exchange->request[0] != AG_ATT_READ_BY_TYPE_REQ)
		return;
	exchange->answer[0] = AG_ATT_READ_BY_TYPE_RSP;
	exchange->answer[1] = 0;
}

static void group_length_0(struct phone_exchange *exchange)
{
	if (exchange->answer[0] == AG_ATT_READ_BY_GROUP_TYPE_RSP)
		exchange->answer[1] = 0;
}

static void uneven_list(struct phone_exchange *exchange)
{
	if (is_list(exchange))
		exchange->len--;
}

static void empty_list(struct phone_exchange *exchange)
{
	if (is_list(exchange))
		exchange->len = 2;
}

/* The first service reaches to the end of the second one, or over the handles behind it. */
static void overlapping(struct phone_exchange *exchange)
{
	uint8_t *answer = exchange->answer;
	size_t entry = answer[1];

	if (answer[0] != AG_ATT_READ_BY_GROUP_TYPE_RSP)
		return;
	if (exchange->len >= 2 + 2 * entry)
		memcpy(answer + 4, answer + 2 + entry + 2, 2);
	else
		ag_put_le16(answer + 4, (uint16_t)(ag_get_le16(answer + 4) + 3));
}

static void reversed(struct phone_exchange *exchange)
{
	uint8_t start[2];

	if (exchange->answer[0] != AG_ATT_READ_BY_GROUP_TYPE_RSP)
		return;
	memcpy(start, exchange->answer + 2, 2);
	memcpy(exchange->answer + 2, exchange->answer + 4, 2);
	memcpy(exchange->answer + 4, start, 2);
}

static void repeated(struct phone_exchange *exchange)
{
	static const uint8_t page[] = {
		AG_ATT_READ_BY_GROUP_TYPE_RSP, 6, 0x01, 0x00, 0x05, 0x00, 0x00, 0x18
	};

	if (exchange->request[0] != AG_ATT_READ_BY_GROUP_TYPE_REQ)
		return;
	memcpy(exchange->answer, page, sizeof(page));
	exchange->len = sizeof(page);
}

static void zero_value(struct phone_exchange *exchange)
{
	if (exchange->answer[0] == AG_ATT_READ_BY_TYPE_RSP &&
	    type_asked_for(exchange) == UUID_CHARACTERISTIC)
		ag_put_le16(exchange->answer + 5, 0);
}

static void format_0(struct phone_exchange *exchange)
{
	if (exchange->answer[0] == AG_ATT_FIND_INFORMATION_RSP)
		exchange->answer[1] = 0;
}

static void empty_extended(struct phone_exchange *exchange)
{
	const struct phone_attribute *attribute;

	if (exchange->answer[0] != AG_ATT_READ_RSP)
		return;
	attribute = phone_attribute(exchange->database, ag_get_le16(exchange->request + 1));
	if (phone_uuid_is(&attribute->type, UUID_EXTENDED_PROPERTIES))
		exchange->len = 1;
}

/* An entry of a handle and no value. */
static void empty_features(struct phone_exchange *exchange)
{
	static const uint8_t answer[] = { AG_ATT_READ_BY_TYPE_RSP, 2, 0x0d, 0x00 };

	if (exchange->request[0] != AG_ATT_READ_BY_TYPE_REQ ||
	    type_asked_for(exchange) != UUID_SERVER_FEATURES ||
	    ag_get_le16(exchange->request + 1) > ag_get_le16(answer + 2))
		return;
	memcpy(exchange->answer, answer, sizeof(answer));
	exchange->len = sizeof(answer);
}

static void oversized(struct phone_exchange *exchange)
{
	size_t len = (size_t)exchange->mtu + OVERSIZE;

	if (exchange->answer[0] != AG_ATT_READ_RSP)
		return;
	memset(exchange->answer + exchange->len, 'A', len - exchange->len);
	exchange->len = len;
}

static void other_response(struct phone_exchange *exchange)
{
	if (exchange->answer[0] == AG_ATT_READ_RSP)
		exchange->answer[0] = AG_ATT_READ_BLOB_RSP;
}

static void short_error(struct phone_exchange *exchange)
{
	if (exchange->answer[0] == AG_ATT_ERROR_RSP)
		exchange->len--;
}

/* And goes on with what its own exchange gave. */
static void second_mtu(struct phone_exchange *exchange)
{
	if (exchange->answer[0] == AG_ATT_EXCHANGE_MTU_RSP)
		ag_put_le16(exchange->answer + 1, PHONE_DEFAULT_MTU);
}

static const struct {
	const char *name;
	void (*answer)(struct phone_exchange *exchange);
} faults_known[] = {
	[PHONE_FAULT_ENTRY_LENGTH_0] = { "entry-length-0", entry_length_0 },
	[PHONE_FAULT_GROUP_LENGTH_0] = { "group-length-0", group_length_0 },
	[PHONE_FAULT_UNEVEN_LIST] = { "uneven-list", uneven_list },
	[PHONE_FAULT_EMPTY_LIST] = { "empty-list", empty_list },
	[PHONE_FAULT_OVERLAPPING] = { "overlapping-services", overlapping },
	[PHONE_FAULT_REVERSED] = { "reversed-range", reversed },
	[PHONE_FAULT_REPEATED] = { "repeated-services", repeated },
	[PHONE_FAULT_ZERO_VALUE] = { "zero-value-handle", zero_value },
	[PHONE_FAULT_FORMAT_0] = { "format-0", format_0 },
	[PHONE_FAULT_EMPTY_EXTENDED] = { "empty-extended-properties", empty_extended },
	[PHONE_FAULT_EMPTY_FEATURES] = { "empty-features", empty_features },
	[PHONE_FAULT_OVERSIZED] = { "oversized-value", oversized },
	[PHONE_FAULT_OTHER_RESPONSE] = { "other-response", other_response },
	[PHONE_FAULT_SHORT_ERROR] = { "short-error", short_error },
	[PHONE_FAULT_DUPLICATE_MTU] = { "duplicate-mtu", NULL },
	[PHONE_FAULT_LATE_ERROR] = { "late-error", NULL },
	[PHONE_FAULT_SECOND_MTU] = { "second-mtu", second_mtu },
	[PHONE_FAULT_MALFORMED_ASKING] = { "malformed-requests", NULL },
};

_Static_assert(ag_array_size(faults_known) == PHONE_FAULTS, "every fault has a row");
_Static_assert(PHONE_FAULTS <= 32, "a link's faults are bits of 32");

bool phone_fault_add(const char *name, size_t len, uint32_t *faults)
{
	for (unsigned int i = 0; i < PHONE_FAULTS; i++) {
		if (strlen(faults_known[i].name) != len ||
		    memcmp(faults_known[i].name, name, len) != 0)
			continue;
		*faults |= 1u << i;
		return true;
	}
	return false;
}

const char *phone_fault_name(unsigned int fault)
{
	return fault < PHONE_FAULTS ? faults_known[fault].name : NULL;
}

uint32_t phone_faults(const struct phone *phone)
{
	const struct phone_options *options = &phone->options;

	if (!options->fault_links || !phone->link.number)
		return 0;
	return options->faults[(phone->link.number - 1) % options->fault_links];
}

void phone_fault_answer(uint32_t faults, struct phone_exchange *exchange)
{
	for (unsigned int i = 0; i < PHONE_FAULTS; i++) {
		if (faults >> i & 1 && faults_known[i].answer)
			faults_known[i].answer(exchange);
	}
}

size_t phone_fault_surplus(uint32_t faults, const struct phone_exchange *exchange, uint8_t *out)
{
	static const uint8_t late[] = { AG_ATT_ERROR_RSP, AG_ATT_READ_BY_GROUP_TYPE_REQ, 1, 0,
					AG_ATT_ERR_ATTRIBUTE_NOT_FOUND };

	if (faults >> PHONE_FAULT_DUPLICATE_MTU & 1 &&
	    exchange->answer[0] == AG_ATT_EXCHANGE_MTU_RSP) {
		memcpy(out, exchange->answer, exchange->len);
		return exchange->len;
	}
	if (faults >> PHONE_FAULT_LATE_ERROR & 1 &&
	    exchange->answer[0] == AG_ATT_READ_BY_GROUP_TYPE_RSP &&
	    ag_get_le16(exchange->request + 1) == 1) {
		memcpy(out, late, sizeof(late));
		return sizeof(late);
	}
	return 0;
}

/* ---- Requests ---- */

#define REQUEST(...)                                                                               \
	{                                                                                          \
		sizeof((const uint8_t[]){ __VA_ARGS__ }),                                          \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* Too short, too long, from behind to before, from 0, a UUID of 3 octets, half a handle. */
static const struct {
	size_t len;
	uint8_t pdu[12];
} malformed[] = {
	REQUEST(0x10, 0x01, 0x00),
	REQUEST(0x08, 0x01, 0x00, 0xff, 0xff, 0x00),
	REQUEST(0x08, 0x05, 0x00, 0x01, 0x00, 0x03, 0x28),
	REQUEST(0x10, 0x00, 0x00, 0xff, 0xff, 0x00, 0x28),
	REQUEST(0x04, 0x01, 0x00, 0xff),
	REQUEST(0x04, 0x09, 0x00, 0x02, 0x00),
	REQUEST(0x06, 0x01, 0x00, 0xff, 0xff, 0x00),
	REQUEST(0x10, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28, 0x00),
	REQUEST(0x0a, 0x01),
	REQUEST(0x0a, 0x01, 0x00, 0x00),
	REQUEST(0x0c, 0x01, 0x00, 0x00),
	REQUEST(0x0e, 0x01, 0x00),
	REQUEST(0x12, 0x01),
	REQUEST(0x16, 0x01, 0x00, 0x00),
	REQUEST(0x18),
};

const uint8_t *phone_malformed_request(unsigned int n, size_t *len)
{
	if (n >= ag_array_size(malformed))
		return NULL;
	*len = malformed[n].len;
	return malformed[n].pdu;
}
