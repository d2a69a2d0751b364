/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/att.h"

#include <string.h>

#include "proxy/wire/cursor.h"

/* Parameters of a PDU in the order in which they stand: h handle, r range of handles, o 16-bit
 * number, m MTU, u 16-bit UUID, v some value, s signature, l entry length and entry of what was
 * asked for by type, H and R a handle and a range of those that were asked for, a digit itself.
 * Vol 3 Part F, 3.4. */
struct shape {
	uint8_t opcode;
	uint8_t answer;
	enum ag_sim_att_kind kind;
	uint8_t min_len;
	const char *fields;
};

static const struct shape shapes[] = {
	{ 0x01, 0, AG_SIM_ATT_RESPONSE, 5, "" },
	{ 0x02, 0x03, AG_SIM_ATT_REQUEST, 3, "m" },
	{ 0x03, 0, AG_SIM_ATT_RESPONSE, 3, "m" },
	{ 0x04, 0x05, AG_SIM_ATT_REQUEST, 5, "r" },
	{ 0x05, 0, AG_SIM_ATT_RESPONSE, 6, "1Hu" },
	{ 0x06, 0x07, AG_SIM_ATT_REQUEST, 7, "ruv" },
	{ 0x07, 0, AG_SIM_ATT_RESPONSE, 5, "R" },
	{ 0x08, 0x09, AG_SIM_ATT_REQUEST, 7, "ru" },
	{ 0x09, 0, AG_SIM_ATT_RESPONSE, 4, "l" },
	{ 0x0a, 0x0b, AG_SIM_ATT_REQUEST, 3, "h" },
	{ 0x0b, 0, AG_SIM_ATT_RESPONSE, 1, "v" },
	{ 0x0c, 0x0d, AG_SIM_ATT_REQUEST, 5, "ho" },
	{ 0x0d, 0, AG_SIM_ATT_RESPONSE, 1, "v" },
	{ 0x0e, 0x0f, AG_SIM_ATT_REQUEST, 5, "hh" },
	{ 0x0f, 0, AG_SIM_ATT_RESPONSE, 1, "v" },
	{ 0x10, 0x11, AG_SIM_ATT_REQUEST, 7, "ru" },
	{ 0x11, 0, AG_SIM_ATT_RESPONSE, 6, "6Ru" },
	{ 0x12, 0x13, AG_SIM_ATT_REQUEST, 3, "hv" },
	{ 0x13, 0, AG_SIM_ATT_RESPONSE, 1, "" },
	{ 0x16, 0x17, AG_SIM_ATT_REQUEST, 5, "hov" },
	{ 0x17, 0, AG_SIM_ATT_RESPONSE, 5, "hov" },
	{ 0x18, 0x19, AG_SIM_ATT_REQUEST, 2, "1" },
	{ 0x19, 0, AG_SIM_ATT_RESPONSE, 1, "" },
	{ 0x1b, 0, AG_SIM_ATT_NOTIFICATION, 3, "hv" },
	{ 0x1d, 0x1e, AG_SIM_ATT_INDICATION, 3, "hv" },
	{ 0x1e, 0, AG_SIM_ATT_CONFIRMATION, 1, "" },
	{ 0x20, 0x21, AG_SIM_ATT_REQUEST, 5, "hh" },
	{ 0x21, 0, AG_SIM_ATT_RESPONSE, 3, "2o2o" },
	{ 0x23, 0, AG_SIM_ATT_NOTIFICATION, 9, "h2oh2o" },
	{ 0x52, 0, AG_SIM_ATT_COMMAND, 3, "hv" },
	{ 0xd2, 0, AG_SIM_ATT_COMMAND, 15, "hvs" },
};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static const struct shape *shape_of(uint8_t opcode)
{
	for (size_t i = 0; i < N_SHAPES; i++) {
		if (shapes[i].opcode == opcode)
			return &shapes[i];
	}
	return NULL;
}

enum ag_sim_att_kind ag_sim_att_kind(uint8_t opcode)
{
	const struct shape *shape = shape_of(opcode);

	return shape ? shape->kind : AG_SIM_ATT_UNKNOWN;
}

static size_t put_value(struct ag_sim_att *att, struct ag_random *random, uint8_t *out)
{
	/* with an offset no more than the 512 octets that a value can have */
	size_t len = ag_random_percent(random, 4) ? ag_random_range(random, 2, 448)
						  : ag_random_range(random, 2, 30);

	ag_put_le16(out, ++att->serial);
	memset(out + 2, (uint8_t)att->serial, len - 2);
	return len;
}

/* Types whose values have a length of their own are left out: values here have any. */
static uint16_t some_type(struct ag_random *random)
{
	uint16_t type;

	do
		type = (uint16_t)ag_random_range(random, 0x2800, 0x2a40);
	while (type == 0x2900 || type == 0x2a05);
	return type;
}

/* A handle within what was asked for. Of services the primary ones lie at even handles, the
 * secondary ones at odd ones; where there is none in the range, 0. */
static uint16_t some_handle(const struct ag_sim_att *att, struct ag_random *random)
{
	uint32_t last = att->served_handle + 0x20u;
	uint16_t handle;

	if (last > att->served_end)
		last = att->served_end;
	handle = (uint16_t)ag_random_range(random, att->served_handle, last);
	if ((att->served_type & ~1) != 0x2800 || (handle & 1) == (att->served_type & 1))
		return handle;
	return handle < last ? handle + 1 : 0;
}

/* Entry length, handle, value: declarations have theirs (Vol 3 Part G, 3.2 and 3.3.1). */
static size_t put_entry(struct ag_sim_att *att, struct ag_random *random, uint8_t *out)
{
	uint8_t len = att->served_type == 0x2802 ? 6 : att->served_type == 0x2803 ? 7 : 4;

	out[0] = len;
	memset(out + 1, 1, len);
	ag_put_le16(out + 1, some_handle(att, random));
	ag_put_le16(out + len - 1, att->served_type == 0x2803 ? some_type(random) : 0xfff0);
	return 1 + (size_t)len;
}

static size_t put_field(struct ag_sim_att *att, struct ag_random *random, char field, uint8_t *out)
{
	uint16_t handle = (uint16_t)ag_random_range(random, 1, 0x30);

	switch (field) {
	case 'h':
		ag_put_le16(out, handle);
		return 2;
	case 'r':
		ag_put_le16(out, handle);
		ag_put_le16(out + 2, (uint16_t)ag_random_range(random, handle, 0xffff));
		return 4;
	case 'o':
		ag_put_le16(out, (uint16_t)ag_random_below(random, 64));
		return 2;
	case 'm':
		ag_put_le16(out, (uint16_t)ag_random_range(random, 23, 517));
		return 2;
	case 'u':
		ag_put_le16(out, some_type(random));
		return 2;
	case 'H':
	case 'R':
		ag_put_le16(out, some_handle(att, random));
		ag_put_le16(out + 2, ag_get_le16(out));
		return field == 'H' ? 2 : 4;
	case 'l':
		return put_entry(att, random, out);
	case 'v':
		return put_value(att, random, out);
	case 's':
		ag_random_fill(random, out, 12);
		return 12;
	case '2': /* a 16-bit length that fits the two octets which follow */
		ag_put_le16(out, 2);
		return 2;
	default: /* an octet that stands for itself */
		out[0] = (uint8_t)(field - '0');
		return 1;
	}
}

static size_t make(struct ag_sim_att *att, struct ag_random *random, const struct shape *shape,
		   uint8_t *out)
{
	size_t len;

	out[0] = shape->opcode;
	do {
		len = 1;
		for (const char *field = shape->fields; *field; field++)
			len += put_field(att, random, *field, out + len);
	} while (att->most && len > att->most);
	return len;
}

static bool may_start(const struct ag_sim_att *att, const struct shape *shape)
{
	switch (shape->kind) {
	case AG_SIM_ATT_REQUEST:
		return !att->asked;
	case AG_SIM_ATT_INDICATION:
		return !att->indicated;
	case AG_SIM_ATT_COMMAND:
	case AG_SIM_ATT_NOTIFICATION:
		return true;
	case AG_SIM_ATT_UNKNOWN:
	case AG_SIM_ATT_RESPONSE:
	case AG_SIM_ATT_CONFIRMATION:
		return false;
	}
	return false;
}

static size_t start(struct ag_sim_att *att, struct ag_random *random, const struct shape *shape,
		    uint8_t *out)
{
	if (shape->kind == AG_SIM_ATT_REQUEST) {
		att->asked = true;
		att->request = shape->opcode;
	}
	if (shape->kind == AG_SIM_ATT_INDICATION)
		att->indicated = true;
	return make(att, random, shape, out);
}

size_t ag_sim_att_start(struct ag_sim_att *att, struct ag_random *random, uint8_t *out)
{
	const struct shape *shape;

	do
		shape = &shapes[ag_random_below(random, N_SHAPES)];
	while (!may_start(att, shape));
	return start(att, random, shape, out);
}

size_t ag_sim_att_ask(struct ag_sim_att *att, struct ag_random *random, uint8_t opcode,
		      uint8_t *out)
{
	const struct shape *shape = shape_of(opcode);

	return shape && may_start(att, shape) ? start(att, random, shape, out) : 0;
}

static size_t answer(struct ag_sim_att *att, struct ag_random *random, uint8_t *out)
{
	const struct shape *shape = shape_of(shape_of(att->served)->answer);
	size_t len;

	att->serving = false;
	if (!ag_random_percent(random, 30)) {
		len = make(att, random, shape, out);
		/* no handle in the range that fits */
		if (!strpbrk(shape->fields, "HRl") || ag_get_le16(out + (out[0] == 0x07 ? 1 : 2)))
			return len;
	}
	out[0] = 0x01;
	out[1] = att->served;
	ag_put_le16(out + 2, att->served_handle);
	out[4] = (uint8_t)ag_random_range(random, 1, 0x13);
	return 5;
}

size_t ag_sim_att_reply(struct ag_sim_att *att, struct ag_random *random, uint64_t now_us,
			uint8_t *out)
{
	if (att->confirming && att->confirm_at_us <= now_us) {
		att->confirming = false;
		out[0] = 0x1e;
		return 1;
	}
	if (att->serving && att->serve_at_us <= now_us)
		return answer(att, random, out);
	return 0;
}

static uint64_t later(const struct ag_sim_att *att, struct ag_random *random, uint64_t now_us)
{
	return now_us +
	       (ag_random_percent(random, 50) ? 0 : ag_random_below(random, att->slow_us + 1));
}

static void receive_request(struct ag_sim_att *att, struct ag_random *random,
			    struct ag_sim_report *report, const char *who, const uint8_t *pdu,
			    size_t len, uint64_t now_us)
{
	if (att->serving)
		ag_sim_fail(report, AG_SIM_SECOND_REQUEST,
			    "%s: request 0x%02x while 0x%02x is open", who, pdu[0], att->served);
	att->serving = true;
	att->served = pdu[0];
	att->served_handle = len >= 3 ? ag_get_le16(pdu + 1) : 0;
	att->served_end = len >= 5 ? ag_get_le16(pdu + 3) : 0;
	att->served_type = len >= 7 ? ag_get_le16(pdu + 5) : 0;
	att->serve_at_us = later(att, random, now_us);
}

static void receive_response(struct ag_sim_att *att, struct ag_sim_report *report, const char *who,
			     const uint8_t *pdu)
{
	uint8_t answers = pdu[0] == 0x01 ? pdu[1] : (uint8_t)(pdu[0] - 1);

	if (!att->asked)
		ag_sim_fail(report, AG_SIM_SECOND_ANSWER, "%s: answer 0x%02x without a request",
			    who, pdu[0]);
	else if (answers != att->request)
		ag_sim_fail(report, AG_SIM_WRONG_ANSWER,
			    "%s: an answer to 0x%02x, but 0x%02x is open", who, answers,
			    att->request);
	att->asked = false;
}

void ag_sim_att_receive(struct ag_sim_att *att, struct ag_random *random,
			struct ag_sim_report *report, const char *who, const uint8_t *pdu,
			size_t len, uint64_t now_us)
{
	const struct shape *shape = len ? shape_of(pdu[0]) : NULL;

	if (!shape || len < shape->min_len || (pdu[0] == 0x01 && len != 5)) {
		ag_sim_fail(report, AG_SIM_MALFORMED, "%s: opcode 0x%02x, %zu octets", who,
			    len ? pdu[0] : 0, len);
		return;
	}
	switch (shape->kind) {
	case AG_SIM_ATT_REQUEST:
		receive_request(att, random, report, who, pdu, len, now_us);
		break;
	case AG_SIM_ATT_RESPONSE:
		receive_response(att, report, who, pdu);
		break;
	case AG_SIM_ATT_INDICATION:
		if (att->confirming)
			ag_sim_fail(report, AG_SIM_SECOND_REQUEST, "%s: a second indication", who);
		att->confirming = true;
		att->confirm_at_us = later(att, random, now_us);
		break;
	case AG_SIM_ATT_CONFIRMATION:
		if (!att->indicated)
			ag_sim_fail(report, AG_SIM_SECOND_ANSWER,
				    "%s: a confirmation without an indication", who);
		att->indicated = false;
		break;
	case AG_SIM_ATT_COMMAND:
	case AG_SIM_ATT_NOTIFICATION:
	case AG_SIM_ATT_UNKNOWN:
		break;
	}
}
