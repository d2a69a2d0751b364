/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers in the name of the other side. Each is the one answer its question gets. */
#include "proxy/engine/judging.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/l2cap.h"
#include "proxy/wire/smp.h"

/* A response is not answered: whoever asked gets another one in its place. */
static bool is_in_place(const struct ag_unit *unit)
{
	return unit->bearer && ag_att_kind(unit->pdu[0]) == AG_ATT_RESPONSE;
}

static int reply(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len)
{
	if (is_in_place(unit))
		return ag_unit_forward_as(engine, unit, pdu, len);
	return ag_send_pdu(engine, unit->link, unit->from, unit->channel, unit->cid, pdu, len, 0,
			   0);
}

/* 3.4.1.1: opcode and handle in error, and the error */
static void put_error(uint8_t pdu[5], uint8_t opcode, uint16_t handle, uint8_t error)
{
	pdu[0] = AG_ATT_ERROR_RSP;
	pdu[1] = opcode;
	ag_put_le16(pdu + 2, handle);
	pdu[4] = error;
}

int ag_answer_error(struct ag_engine *engine, struct ag_link *link, enum ag_side asker,
		    struct ag_channel *channel, uint8_t opcode, uint16_t handle, uint8_t error)
{
	uint8_t pdu[5];

	put_error(pdu, opcode, handle, error);
	return ag_send_pdu(engine, link, asker, channel, AG_CID_ATT, pdu, sizeof(pdu), 0, 0);
}

static int reply_error(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		       uint8_t error)
{
	uint8_t pdu[5];

	put_error(pdu, att->opcode, ag_att_handle_in_error(att), error);
	return reply(engine, unit, pdu, sizeof(pdu));
}

static int reject_smp(struct ag_engine *engine, struct ag_unit *unit, uint8_t *error)
{
	uint8_t pdu[2] = { AG_SMP_PAIRING_FAILED, *error };

	*error = 0;
	/* Vol 3 Part H, 2.4.6 and 3.5.1: what these two ask for may be refused like this */
	if (unit->pdu[0] != AG_SMP_PAIRING_REQUEST && unit->pdu[0] != AG_SMP_SECURITY_REQUEST)
		return 0;
	if (!pdu[1])
		pdu[1] = AG_SMP_PAIRING_NOT_SUPPORTED;
	*error = pdu[1];
	return reply(engine, unit, pdu, sizeof(pdu));
}

int ag_answer_reject(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		     uint8_t *error)
{
	uint8_t confirmation = AG_ATT_HANDLE_VALUE_CFM;
	uint8_t code = *error;

	if (!att)
		return reject_smp(engine, unit, error);
	*error = 0;
	if (att->kind == AG_ATT_INDICATION)
		return reply(engine, unit, &confirmation, 1);
	if (att->kind != AG_ATT_REQUEST)
		return 0;
	*error = code ? code : ag_att_default_error(att);
	return reply_error(engine, unit, att, *error);
}

/* ---- Success ---- */

/* The value of an `answer` as octets. A number, of 16 bits at most, is put into one if it fits. */
static struct ag_bytes value_octets(const struct ag_action *action, uint8_t number[2])
{
	uint16_t num = (uint16_t)action->value.num;

	if (action->answer_type != AG_T_NUMBER)
		return action->value.bytes;
	ag_put_le16(number, num);
	return (struct ag_bytes){ number, num > UINT8_MAX ? 2 : 1 };
}

/* A response of a fixed beginning and as much of a value as the MTU lets in. */
static int respond(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *head,
		   size_t head_len, struct ag_bytes value)
{
	size_t room = unit->bearer->mtu - head_len;
	uint8_t *pdu = engine->rewrite;

	if (value.len < room)
		room = value.len;
	memcpy(pdu, head, head_len);
	if (room)
		memcpy(pdu + head_len, value.data, room);
	return reply(engine, unit, pdu, head_len + room);
}

static int respond_blob(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
			struct ag_bytes value)
{
	uint8_t head[] = { AG_ATT_READ_BLOB_RSP };
	uint16_t offset = ag_att_has(att, AG_ATT_P_OFFSET) ? ag_att_number(att, AG_ATT_P_OFFSET)
							   : 0;

	if (offset > value.len)
		return reply_error(engine, unit, att, AG_ATT_ERR_INVALID_OFFSET);
	value.data = value.data ? value.data + offset : NULL;
	value.len -= offset;
	return respond(engine, unit, head, sizeof(head), value);
}

/* 3.4.4.2: entry length, then one entry of a handle and the value. The length is one octet. */
static int respond_by_type(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
			   struct ag_bytes value)
{
	uint8_t head[4] = { AG_ATT_READ_BY_TYPE_RSP };
	size_t room = unit->bearer->mtu - sizeof(head);

	if (value.len > room)
		value.len = room;
	if (value.len > UINT8_MAX - 2)
		value.len = UINT8_MAX - 2;
	head[1] = (uint8_t)(value.len + 2);
	ag_put_le16(head + 2, ag_att_handle_in_error(att));
	return respond(engine, unit, head, sizeof(head), value);
}

static int respond_mtu(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		       const struct ag_action *action)
{
	uint8_t pdu[3] = { AG_ATT_EXCHANGE_MTU_RSP };
	enum ag_side asker = is_in_place(unit) ? ag_other(unit->from) : unit->from;
	struct ag_bearer *bearer = unit->bearer;
	struct ag_att response;

	ag_put_le16(pdu + 1, (uint16_t)action->value.num);
	ag_bearer_asked(bearer, asker, att, engine->now_us);
	ag_att_parse(pdu, sizeof(pdu), &response);
	ag_bearer_answered(bearer, ag_other(asker), &response, AG_NOT_TIMED);
	return reply(engine, unit, pdu, sizeof(pdu));
}

bool ag_answer_exists(uint8_t request, const struct ag_action *action)
{
	switch (request) {
	case AG_ATT_READ_REQ:
	case AG_ATT_READ_BLOB_REQ:
	case AG_ATT_READ_BY_TYPE_REQ:
	case AG_ATT_WRITE_REQ:
		return true;
	case AG_ATT_EXCHANGE_MTU_REQ:
		return action->answer_type == AG_T_NUMBER;
	}
	return false;
}

int ag_answer_success(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		      const struct ag_action *action)
{
	const uint8_t read[] = { AG_ATT_READ_RSP };
	const uint8_t written[] = { AG_ATT_WRITE_RSP };
	uint8_t number[2];
	struct ag_bytes value = value_octets(action, number);

	switch (att->opcode) {
	case AG_ATT_READ_REQ:
		return respond(engine, unit, read, sizeof(read), value);
	case AG_ATT_READ_BLOB_REQ:
		return respond_blob(engine, unit, att, value);
	case AG_ATT_READ_BY_TYPE_REQ:
		return respond_by_type(engine, unit, att, value);
	case AG_ATT_WRITE_REQ:
		return reply(engine, unit, written, sizeof(written));
	}
	return respond_mtu(engine, unit, att, action);
}
