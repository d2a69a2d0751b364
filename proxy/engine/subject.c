/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/judging.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/smp.h"

_Static_assert((int)AG_FROM_HOST == (int)AG_SIDE_HOST &&
		   (int)AG_FROM_PEER == (int)AG_SIDE_CONTROLLER,
	       "who sent a PDU is the side it came from");
_Static_assert((int)AG_KIND_REQUEST == (int)AG_ATT_REQUEST &&
		   (int)AG_KIND_CONFIRMATION == (int)AG_ATT_CONFIRMATION,
	       "kinds of PDUs have the same numbers in the language and on the wire");

/* Parameters that are fields of the same meaning. */
static const uint8_t field_of[AG_ATT_PARAM_COUNT] = {
	[AG_ATT_P_HANDLE] = AG_F_ATT_HANDLE, [AG_ATT_P_START] = AG_F_ATT_START,
	[AG_ATT_P_END] = AG_F_ATT_END,       [AG_ATT_P_OFFSET] = AG_F_ATT_OFFSET,
	[AG_ATT_P_MTU] = AG_F_ATT_MTU,       [AG_ATT_P_ERROR] = AG_F_ATT_ERROR,
};
#define NUMBERS                                                                                    \
	(1u << AG_ATT_P_HANDLE | 1u << AG_ATT_P_START | 1u << AG_ATT_P_END |                       \
	 1u << AG_ATT_P_OFFSET | 1u << AG_ATT_P_MTU | 1u << AG_ATT_P_ERROR)

static void set_bytes(struct ag_subject *out, enum ag_field field, const uint8_t *data, size_t len)
{
	out->value[field].bytes = (struct ag_bytes){ data, len };
	out->present |= UINT64_C(1) << field;
}

static uint64_t set(struct ag_subject *out, enum ag_field field, uint64_t num)
{
	out->value[field].num = num;
	return UINT64_C(1) << field;
}

static uint64_t link_fields(const struct ag_link_view *view, enum ag_side from, uint64_t now_us,
			    struct ag_subject *out)
{
	return set(out, AG_F_FROM, from) | set(out, AG_F_ROLE, view->role) |
	       set(out, AG_F_LINK, view->type) | set(out, AG_F_PEER, view->peer) |
	       set(out, AG_F_PEER_TYPE, view->peer_type) |
	       set(out, AG_F_ENCRYPTED, view->encrypted) |
	       set(out, AG_F_AGE, now_us - view->since_us);
}

static uint64_t answer_fields(const struct ag_passed *known, const struct ag_att *att,
			      struct ag_subject *out)
{
	uint64_t present = set(out, AG_F_ATT_UNSOLICITED, !known->answers);

	if (ag_att_has(att, AG_ATT_P_REQUEST))
		return present | set(out, AG_F_ATT_REQUEST, ag_att_number(att, AG_ATT_P_REQUEST));
	if (att->kind == AG_ATT_RESPONSE && known->answers)
		return present | set(out, AG_F_ATT_REQUEST, known->request);
	return present;
}

/* What the octets tell. */
static uint64_t att_fields(const struct ag_att *att, struct ag_subject *out)
{
	uint64_t present = set(out, AG_F_ATT_OPCODE, att->opcode) |
			   set(out, AG_F_ATT_LENGTH, att->len);

	if (att->kind != AG_ATT_NO_KIND)
		present |= set(out, AG_F_ATT_KIND, att->kind);
	for (unsigned int left = att->has & NUMBERS; left; left &= left - 1) {
		enum ag_att_param param = (enum ag_att_param)__builtin_ctz(left);

		present |= set(out, (enum ag_field)field_of[param], ag_att_number(att, param));
	}
	return present;
}

void ag_subject_make(const struct ag_passed *known, const struct ag_att *att,
		     struct ag_subject *out)
{
	out->present = link_fields(known->link, (enum ag_side)known->from, known->now_us, out) |
		       set(out, AG_F_BEARER, known->bearer) | set(out, AG_F_MTU, known->mtu) |
		       att_fields(att, out);
	if (ag_att_has(att, AG_ATT_P_TYPE)) {
		struct ag_uuid type = ag_uuid_asked(att);

		ag_subject_set_uuid(out, AG_F_ATT_TYPE, &type);
	}
	if (ag_att_has(att, AG_ATT_P_VALUE))
		set_bytes(out, AG_F_ATT_VALUE, att->pdu + att->at[AG_ATT_P_VALUE],
			  att->param_len[AG_ATT_P_VALUE]);
	if (att->kind == AG_ATT_RESPONSE || att->kind == AG_ATT_CONFIRMATION)
		out->present |= answer_fields(known, att, out);
	if (known->has_place)
		ag_subject_place(out, &known->place);
	if (known->has_malformed)
		ag_subject_set(out, AG_F_ATT_MALFORMED, known->malformed);
}

void ag_know(const struct ag_engine *engine, const struct ag_unit *unit, const struct ag_att *att,
	     struct ag_passed *out)
{
	const struct ag_bearer *bearer = unit->bearer;
	enum ag_side owner = AG_SIDE_HOST;
	uint16_t handle;

	out->now_us = engine->now_us;
	out->link = &unit->link->view;
	out->pdu = unit->pdu;
	out->len = unit->len;
	out->packets = unit->packets;
	out->from = (enum ag_from)unit->from;
	out->bearer = bearer->type;
	out->cid = unit->cid;
	out->mtu = bearer->mtu;
	out->request = bearer->transaction[ag_other(unit->from)].opcode;
	out->answers = (att->kind == AG_ATT_RESPONSE || att->kind == AG_ATT_CONFIRMATION) &&
		       ag_bearer_answers(bearer, unit->from, att);
	out->has_malformed = false;
	out->has_place = false;
	if (!engine->asks_attribute)
		return;
	handle = ag_map_attribute(unit, att, out->answers, &owner);
	out->has_place = handle != 0;
	if (handle)
		ag_attributes_find(unit->link->map[owner], handle, &out->place);
	if (engine->asks_malformed)
		ag_malformed_know(unit, att, out);
}

void ag_passed_subject(const struct ag_passed *passed, struct ag_subject *out)
{
	struct ag_att att;

	ag_att_parse(passed->pdu, passed->len, &att);
	ag_subject_make(passed, &att, out);
}

void ag_subject_fill(struct ag_engine *engine, const struct ag_unit *unit, const struct ag_att *att,
		     const uint8_t *pdu, size_t len, struct ag_subject *out)
{
	struct ag_passed known;

	if (att) {
		ag_know(engine, unit, att, &known);
		ag_subject_make(&known, att, out);
		return;
	}
	out->present = link_fields(&unit->link->view, unit->from, engine->now_us, out);
	ag_subject_set(out, AG_F_SMP_OPCODE, pdu[0]);
	if (pdu[0] == AG_SMP_PAIRING_FAILED && len >= 2)
		ag_subject_set(out, AG_F_SMP_REASON, pdu[1]);
}

void ag_subject_glimpse(const struct ag_unit *unit, uint8_t opcode, struct ag_subject *out)
{
	const struct ag_link_view *view = &unit->link->view;
	uint64_t present = set(out, AG_F_FROM, unit->from) | set(out, AG_F_ROLE, view->role) |
			   set(out, AG_F_LINK, view->type) | set(out, AG_F_PEER, view->peer);

	if (!unit->bearer) {
		out->present = present | set(out, AG_F_SMP_OPCODE, opcode);
		return;
	}
	out->present = present | set(out, AG_F_BEARER, unit->bearer->type) |
		       set(out, AG_F_ATT_OPCODE, opcode);
	if (ag_att_kind(opcode) != AG_ATT_NO_KIND)
		ag_subject_set(out, AG_F_ATT_KIND, ag_att_kind(opcode));
}

/* ---- Rewriting ---- */

/* The parameter that a field is, AG_ATT_PARAM_COUNT for none. */
static enum ag_att_param param_of(enum ag_field field)
{
	if (field == AG_F_ATT_REQUEST)
		return AG_ATT_P_REQUEST;
	for (unsigned int left = NUMBERS; left; left &= left - 1) {
		if (field_of[__builtin_ctz(left)] == field)
			return (enum ag_att_param)__builtin_ctz(left);
	}
	return AG_ATT_PARAM_COUNT;
}

static void rewrite_number(uint8_t *pdu, const struct ag_att *att, enum ag_att_param param,
			   uint64_t num)
{
	if (param == AG_ATT_PARAM_COUNT || !ag_att_has(att, param))
		return;
	if (att->param_len[param] == 2)
		ag_put_le16(pdu + att->at[param], (uint16_t)num);
	else
		pdu[att->at[param]] = (uint8_t)num;
}

/* Put other octets in the place of a parameter; what follows it moves. */
static size_t replace(uint8_t *pdu, size_t len, const struct ag_att *att, enum ag_att_param param,
		      const uint8_t *octets, size_t count, size_t limit)
{
	size_t at, behind;

	if (!ag_att_has(att, param))
		return len;
	at = att->at[param];
	behind = at + att->param_len[param];
	if (at + count + (len - behind) > limit)
		count = limit - at - (len - behind);
	memmove(pdu + at + count, pdu + behind, len - behind);
	memcpy(pdu + at, octets, count);
	return at + count + (len - behind);
}

static size_t rewrite_type(uint8_t *pdu, size_t len, const struct ag_att *att,
			   const struct ag_uuid *uuid)
{
	uint8_t octets[16];
	uint16_t uuid16;

	for (size_t i = 0; i < 8; i++) {
		octets[i] = (uint8_t)(uuid->lo >> 8 * i);
		octets[8 + i] = (uint8_t)(uuid->hi >> 8 * i);
	}
	if (ag_uuid_to_u16(uuid, &uuid16))
		return replace(pdu, len, att, AG_ATT_P_TYPE, octets + 12, 2, AG_GATHER_MAX);
	/* 3.4.3.3: Find By Type Value has room for 16 bits only */
	if (att->opcode == AG_ATT_FIND_BY_TYPE_VALUE_REQ)
		return len;
	return replace(pdu, len, att, AG_ATT_P_TYPE, octets, sizeof(octets), AG_GATHER_MAX);
}

static size_t rewrite_value(const struct ag_unit *unit, uint8_t *pdu, size_t len,
			    const struct ag_att *att, const struct ag_bytes *bytes)
{
	/* a longer PDU than the MTU would be a fault of ours (3.2.8); one that was longer before
	 * may stay so */
	size_t limit = unit->bearer->mtu > len ? unit->bearer->mtu : len;

	if (limit > AG_GATHER_MAX)
		limit = AG_GATHER_MAX;
	return replace(pdu, len, att, AG_ATT_P_VALUE, bytes->data, bytes->len, limit);
}

size_t ag_subject_rewrite(const struct ag_unit *unit, uint8_t *pdu, size_t len,
			  const struct ag_action *action)
{
	struct ag_att att;

	if (!unit->bearer) {
		if (action->field == AG_F_SMP_REASON && pdu[0] == AG_SMP_PAIRING_FAILED && len >= 2)
			pdu[1] = (uint8_t)action->value.num;
		return len;
	}
	ag_att_parse(pdu, len, &att);
	if (action->field == AG_F_ATT_TYPE)
		return rewrite_type(pdu, len, &att, &action->value.uuid);
	if (action->field == AG_F_ATT_VALUE)
		return rewrite_value(unit, pdu, len, &att, &action->value.bytes);
	if (action->field == AG_F_ATT_OPCODE)
		pdu[0] = (uint8_t)action->value.num;
	else
		rewrite_number(pdu, &att, param_of(action->field), action->value.num);
	return len;
}
