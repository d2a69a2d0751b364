/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/internal.h"

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
static const struct {
	enum ag_att_param param;
	enum ag_field field;
} numbers[] = {
	{ AG_ATT_P_HANDLE, AG_F_ATT_HANDLE }, { AG_ATT_P_START, AG_F_ATT_START },
	{ AG_ATT_P_END, AG_F_ATT_END },       { AG_ATT_P_OFFSET, AG_F_ATT_OFFSET },
	{ AG_ATT_P_MTU, AG_F_ATT_MTU },       { AG_ATT_P_ERROR, AG_F_ATT_ERROR },
};

static void set_bytes(struct ag_subject *out, enum ag_field field, const uint8_t *data, size_t len)
{
	out->value[field].bytes = (struct ag_bytes){ data, len };
	out->present |= UINT64_C(1) << field;
}

static void fill_link(const struct ag_engine *engine, const struct ag_unit *unit,
		      struct ag_subject *out)
{
	const struct ag_link_view *view = &unit->link->view;

	out->present = 0;
	ag_subject_set(out, AG_F_FROM, unit->from);
	ag_subject_set(out, AG_F_ROLE, view->role);
	ag_subject_set(out, AG_F_LINK, view->type);
	ag_subject_set(out, AG_F_PEER, view->peer);
	ag_subject_set(out, AG_F_PEER_TYPE, view->peer_type);
	ag_subject_set(out, AG_F_ENCRYPTED, view->encrypted);
	ag_subject_set(out, AG_F_AGE, engine->now_us - view->since_us);
	if (!unit->bearer)
		return;
	ag_subject_set(out, AG_F_BEARER, unit->bearer->type);
	ag_subject_set(out, AG_F_MTU, unit->bearer->mtu);
}

static void set_uuid(struct ag_subject *out, enum ag_field field, const struct ag_uuid *uuid)
{
	out->value[field].uuid = *uuid;
	out->present |= UINT64_C(1) << field;
}

/* What the map of its owner knows of the attribute that a PDU is about. */
static void fill_attribute(const struct ag_unit *unit, const struct ag_att *att,
			   struct ag_subject *out)
{
	struct ag_attribute_place place;
	enum ag_side owner = AG_SIDE_HOST;
	uint16_t handle = ag_map_attribute(unit, att, &owner);

	if (!handle)
		return;
	ag_attributes_find(unit->link->map[owner], handle, &place);
	ag_subject_place(out, &place);
}

static void fill_att(const struct ag_unit *unit, const struct ag_att *att, struct ag_subject *out)
{
	const struct ag_transaction *open = &unit->bearer->transaction[ag_other(unit->from)];
	bool answers;

	ag_subject_set(out, AG_F_ATT_OPCODE, att->opcode);
	ag_subject_set(out, AG_F_ATT_LENGTH, att->len);
	if (att->kind != AG_ATT_NO_KIND)
		ag_subject_set(out, AG_F_ATT_KIND, att->kind);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (ag_att_has(att, numbers[i].param))
			ag_subject_set(out, numbers[i].field, ag_att_number(att, numbers[i].param));
	}
	if (ag_att_has(att, AG_ATT_P_TYPE)) {
		struct ag_uuid type = ag_uuid_from_air(att->pdu + att->at[AG_ATT_P_TYPE],
						       att->param_len[AG_ATT_P_TYPE]);

		set_uuid(out, AG_F_ATT_TYPE, &type);
	}
	if (ag_att_has(att, AG_ATT_P_VALUE))
		set_bytes(out, AG_F_ATT_VALUE, att->pdu + att->at[AG_ATT_P_VALUE],
			  att->param_len[AG_ATT_P_VALUE]);
	if (att->kind != AG_ATT_RESPONSE && att->kind != AG_ATT_CONFIRMATION)
		return;
	answers = ag_bearer_answers(unit->bearer, unit->from, att);
	ag_subject_set(out, AG_F_ATT_UNSOLICITED, !answers);
	if (ag_att_has(att, AG_ATT_P_REQUEST))
		ag_subject_set(out, AG_F_ATT_REQUEST, ag_att_number(att, AG_ATT_P_REQUEST));
	else if (att->kind == AG_ATT_RESPONSE && answers)
		ag_subject_set(out, AG_F_ATT_REQUEST, open->opcode);
}

void ag_subject_fill(struct ag_engine *engine, const struct ag_unit *unit, const struct ag_att *att,
		     const uint8_t *pdu, size_t len, struct ag_subject *out)
{
	fill_link(engine, unit, out);
	if (att) {
		fill_att(unit, att, out);
		if (engine->asks_attribute)
			fill_attribute(unit, att, out);
		if (engine->asks_malformed)
			ag_malformed_fill(unit, att, out);
		return;
	}
	ag_subject_set(out, AG_F_SMP_OPCODE, pdu[0]);
	if (pdu[0] == AG_SMP_PAIRING_FAILED && len >= 2)
		ag_subject_set(out, AG_F_SMP_REASON, pdu[1]);
}

void ag_subject_glimpse(const struct ag_unit *unit, uint8_t opcode, struct ag_subject *out)
{
	out->present = 0;
	ag_subject_set(out, AG_F_FROM, unit->from);
	ag_subject_set(out, AG_F_ROLE, unit->link->view.role);
	ag_subject_set(out, AG_F_LINK, unit->link->view.type);
	ag_subject_set(out, AG_F_PEER, unit->link->view.peer);
	if (!unit->bearer) {
		ag_subject_set(out, AG_F_SMP_OPCODE, opcode);
		return;
	}
	ag_subject_set(out, AG_F_BEARER, unit->bearer->type);
	ag_subject_set(out, AG_F_ATT_OPCODE, opcode);
	if (ag_att_kind(opcode) != AG_ATT_NO_KIND)
		ag_subject_set(out, AG_F_ATT_KIND, ag_att_kind(opcode));
}

/* ---- Rewriting ---- */

/* The parameter that a field is, AG_ATT_PARAM_COUNT for none. */
static enum ag_att_param param_of(enum ag_field field)
{
	if (field == AG_F_ATT_REQUEST)
		return AG_ATT_P_REQUEST;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].field == field)
			return numbers[i].param;
	}
	return AG_ATT_PARAM_COUNT;
}

static size_t rewrite_number(uint8_t *pdu, size_t len, const struct ag_att *att,
			     enum ag_att_param param, uint64_t num)
{
	if (param == AG_ATT_PARAM_COUNT || !ag_att_has(att, param))
		return len;
	if (att->param_len[param] == 2)
		ag_put_le16(pdu + att->at[param], (uint16_t)num);
	else
		pdu[att->at[param]] = (uint8_t)num;
	return len;
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
	struct ag_uuid base = ag_uuid_from_u16(0);
	bool is_short = uuid->lo == base.lo && (uuid->hi & ~(UINT64_C(0xffff) << 32)) == base.hi;
	uint8_t octets[16];

	for (size_t i = 0; i < 8; i++) {
		octets[i] = (uint8_t)(uuid->lo >> 8 * i);
		octets[8 + i] = (uint8_t)(uuid->hi >> 8 * i);
	}
	if (is_short)
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
	if (action->field == AG_F_ATT_OPCODE)
		pdu[0] = (uint8_t)action->value.num;
	else if (action->field == AG_F_ATT_TYPE)
		return rewrite_type(pdu, len, &att, &action->value.uuid);
	else if (action->field == AG_F_ATT_VALUE)
		return rewrite_value(unit, pdu, len, &att, &action->value.bytes);
	else
		return rewrite_number(pdu, len, &att, param_of(action->field), action->value.num);
	return len;
}
