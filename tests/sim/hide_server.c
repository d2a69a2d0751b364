/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "proxy/wire/cursor.h"
#include "tests/sim/hide.h"

enum {
	INVALID_HANDLE = 0x01,
	INVALID_PDU = 0x04,
	AUTHENTICATION = 0x05,
	NOT_SUPPORTED = 0x06,
};

static size_t error(uint8_t *out, uint8_t opcode, uint16_t handle, uint8_t code)
{
	out[0] = 0x01;
	out[1] = opcode;
	ag_put_le16(out + 2, handle);
	out[4] = code;
	return 5;
}

/* ---- Lists ---- */

static size_t take_range(struct ag_sim_server *server, const uint8_t *pdu, size_t len, uint8_t *out)
{
	size_t type_len = pdu[0] == 0x06 ? 2 : len - 5;
	uint16_t start, end;

	if (len < 5 || (pdu[0] != 0x04 && (len < 7 || (type_len != 2 && type_len != 16))))
		return error(out, pdu[0], 0, INVALID_PDU);
	start = ag_get_le16(pdu + 1);
	end = ag_get_le16(pdu + 3);
	if (!start || start > end)
		ag_sim_fail(server->report, AG_SIM_MALFORMED, "asked for 0x%04x to 0x%04x", start,
			    end);
	return ag_sim_gatt_answer(&server->database->gatt, server->random, pdu, len, out,
				  server->mtu);
}

/* ---- By handle ---- */

/* Nobody may ask for what is hidden. */
static struct ag_sim_attribute *reached(struct ag_sim_server *server, uint8_t opcode,
					uint16_t handle)
{
	struct ag_sim_attribute *attribute = ag_sim_database_find(server->database, handle);

	if (attribute && attribute->hidden)
		ag_sim_fail(server->report, AG_SIM_UNEXPECTED,
			    "opcode 0x%02x reaches the hidden 0x%04x", opcode, handle);
	return attribute;
}

static size_t take_handle(struct ag_sim_server *server, const uint8_t *pdu, size_t len,
			  uint8_t *out)
{
	uint16_t handle = ag_get_le16(pdu + 1);
	const struct ag_sim_attribute *attribute = reached(server, pdu[0], handle);

	if (!attribute)
		return error(out, pdu[0], handle, INVALID_HANDLE);
	if (attribute->guarded)
		return error(out, pdu[0], handle, AUTHENTICATION);
	out[0] = pdu[0] + 1;
	switch (pdu[0]) {
	case 0x0a:
		memcpy(out + 1, attribute->value, attribute->len);
		return 1u + attribute->len;
	case 0x12:
		return 1;
	case 0x16:
		memcpy(out + 1, pdu + 1, len - 1);
		return len;
	}
	return 1;
}

static size_t take_set(struct ag_sim_server *server, const uint8_t *pdu, size_t len, uint8_t *out)
{
	out[0] = pdu[0] + 1;
	for (size_t i = 1; i + 2 <= len; i += 2) {
		uint16_t handle = ag_get_le16(pdu + i);

		if (!reached(server, pdu[0], handle))
			return error(out, pdu[0], handle, INVALID_HANDLE);
	}
	return 1;
}

size_t ag_sim_server_take(struct ag_sim_server *server, const uint8_t *pdu, size_t len,
			  uint8_t out[AG_SIM_HIDE_PDU])
{
	server->asked++;
	switch (pdu[0]) {
	case 0x02:
		memcpy(out, pdu, len);
		out[0] = 0x03;
		server->mtu = ag_get_le16(pdu + 1);
		return len;
	case 0x04:
	case 0x06:
	case 0x08:
	case 0x10:
		return take_range(server, pdu, len, out);
	case 0x0a:
	case 0x0c:
	case 0x12:
	case 0x16:
		return take_handle(server, pdu, len, out);
	case 0x0e:
	case 0x20:
		return take_set(server, pdu, len, out);
	case 0x1e:
		if (!server->indicated)
			ag_sim_fail(server->report, AG_SIM_SECOND_ANSWER,
				    "a confirmation of nothing");
		server->indicated = false;
		return 0;
	case 0x52:
		reached(server, pdu[0], ag_get_le16(pdu + 1));
		return 0;
	}
	return error(out, pdu[0], 0, NOT_SUPPORTED);
}

/* Octets of a notification or indication: not those of a Service Changed, after which nobody knows
 * what is where. */
enum { TELLING = 8 };

/* The value of a characteristic, or by chance none. */
static const struct ag_sim_attribute *any_value(const struct ag_sim_server *server)
{
	const struct ag_sim_database *database = server->database;
	const struct ag_sim_attribute *attribute =
	    &database->list[ag_random_below(server->random, (uint32_t)database->count)];

	if (attribute->characteristic < 0 ||
	    attribute != &database->list[attribute->characteristic + 1])
		return NULL;
	return attribute;
}

/* Two values or three: handle, length, value. */
static size_t tell_several(struct ag_sim_server *server, uint8_t *out,
			   struct ag_sim_telling *arrives)
{
	size_t count = 2 + ag_random_below(server->random, 2);
	size_t seen = 0;
	size_t len = 1;

	out[0] = arrives->pdu[0] = 0x23;
	arrives->len = 1;
	while (count) {
		const struct ag_sim_attribute *attribute = any_value(server);
		uint16_t octets = (uint16_t)ag_random_below(server->random, 3);

		if (!attribute)
			continue;
		ag_put_le16(out + len, attribute->handle);
		ag_put_le16(out + len + 2, octets);
		ag_random_fill(server->random, out + len + 4, octets);
		if (!attribute->hidden) {
			memcpy(arrives->pdu + arrives->len, out + len, 4u + octets);
			arrives->len += 4u + octets;
			seen++;
		}
		len += 4u + octets;
		count--;
	}
	if (seen == 1) { /* as a plain notification: without the length */
		arrives->pdu[0] = 0x1b;
		arrives->len -= 2;
		memmove(arrives->pdu + 3, arrives->pdu + 5, arrives->len - 3);
	}
	arrives->len = seen ? arrives->len : 0;
	return len;
}

size_t ag_sim_server_tell(struct ag_sim_server *server, uint8_t out[AG_SIM_HIDE_PDU],
			  struct ag_sim_telling *arrives)
{
	const struct ag_sim_attribute *attribute = any_value(server);
	bool indicate = ag_random_percent(server->random, 50);

	arrives->len = 0;
	if (!attribute || (indicate && server->indicated))
		return 0;
	if (ag_random_percent(server->random, 30))
		return tell_several(server, out, arrives);
	out[0] = indicate ? 0x1d : 0x1b;
	ag_put_le16(out + 1, attribute->handle);
	ag_random_fill(server->random, out + 3, TELLING - 3);
	server->indicated = server->indicated || indicate;
	if (attribute->hidden)
		return TELLING;
	memcpy(arrives->pdu, out, TELLING);
	arrives->len = TELLING;
	return TELLING;
}
