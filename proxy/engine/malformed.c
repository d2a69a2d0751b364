/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a PDU keeps to its own format, by what is known of its bearer and of its link. */
#include "proxy/engine/judging.h"

#include "proxy/wire/cursor.h"

/* ---- What the asker was told ---- */

static bool is_extended(const struct ag_shown *shown, uint16_t handle)
{
	for (size_t i = 0; i < shown->n_extended; i++) {
		if (shown->extended[i] == handle)
			return true;
	}
	return false;
}

static void forget_extended(struct ag_shown *shown, uint16_t start, uint16_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < shown->n_extended; i++) {
		if (shown->extended[i] < start || shown->extended[i] > end)
			shown->extended[kept++] = shown->extended[i];
	}
	shown->n_extended = kept;
}

static void add_extended(struct ag_shown *shown, uint16_t handle)
{
	if (shown->n_extended == AG_SHOWN_DESCRIPTORS)
		forget_extended(shown, shown->extended[0], shown->extended[0]);
	shown->extended[shown->n_extended++] = handle;
}

/* 3.4.3.2 */
static void show_information(struct ag_shown *shown, const struct ag_att *response)
{
	size_t entry = response->pdu[1] == 1 ? 4 : 18;

	for (size_t at = 2; at + entry <= response->len; at += entry) {
		uint16_t handle = ag_get_le16(response->pdu + at);
		uint16_t type = ag_att_uuid16(response->pdu + at + 2, entry - 2);

		forget_extended(shown, handle, handle);
		if (type == AG_UUID_EXTENDED_PROPERTIES)
			add_extended(shown, handle);
	}
}

/* Whoever asks again from some handle on is told anew what is there. */
static void forget_services(struct ag_shown *shown, uint16_t start)
{
	while (shown->n_primary && shown->primary[shown->n_primary - 1].start >= start)
		shown->n_primary--;
}

/* 3.4.4.10 */
static void show_services(struct ag_shown *shown, const struct ag_att *response)
{
	size_t entry = response->pdu[1];

	for (size_t at = 2; at + entry <= response->len; at += entry) {
		struct ag_att_range range = {
			.start = ag_get_le16(response->pdu + at),
			.end = ag_get_le16(response->pdu + at + 2),
		};

		if (shown->n_primary < AG_SHOWN_SERVICES)
			shown->primary[shown->n_primary++] = range;
		else
			shown->primary[AG_SHOWN_SERVICES - 1].end = range.end;
	}
}

/* An answer, as a rule left it, to a question for attributes of a type. */
static void show_typed(struct ag_shown *shown, const struct ag_transaction *asked,
		       const struct ag_att *response)
{
	uint16_t type = ag_att_type_asked(asked->head, asked->head_len);
	uint16_t start = ag_get_le16(asked->head + 1);

	if (asked->opcode == AG_ATT_READ_BY_GROUP_TYPE_REQ && type == AG_UUID_PRIMARY_SERVICE)
		forget_services(shown, start);
	if (response->opcode == AG_ATT_READ_BY_GROUP_TYPE_RSP && type == AG_UUID_PRIMARY_SERVICE)
		show_services(shown, response);
	/* descriptors are asked for after the characteristics of their range */
	if (response->opcode == AG_ATT_READ_BY_TYPE_RSP && type == AG_UUID_CHARACTERISTIC)
		forget_extended(shown, start, ag_get_le16(asked->head + 3));
}

void ag_malformed_shown(struct ag_link *link, enum ag_side asker,
			const struct ag_transaction *asked, const struct ag_att *response)
{
	struct ag_shown *shown = &link->shown[asker];

	if (response->opcode == AG_ATT_FIND_INFORMATION_RSP)
		show_information(shown, response);
	else if (asked->opcode == AG_ATT_READ_BY_GROUP_TYPE_REQ ||
		 asked->opcode == AG_ATT_READ_BY_TYPE_REQ)
		show_typed(shown, asked, response);
}

/* ---- Judging ---- */

/* The 16-bit UUID of the attribute that the PDU is about, 0 where that is not known. */
static uint16_t type_of(const struct ag_passed *known)
{
	uint16_t type = 0;

	if (known->has_place && known->place.mapped)
		ag_uuid_to_u16(&known->place.type, &type);
	return type;
}

/* What a response to a Read Request is read as. The map may have forgotten it meanwhile, by Service
 * Changed or by what contradicts it; who asked reads on all the same. Nobody is shown a descriptor
 * at handle 0, so there is a place. */
static uint16_t type_read(const struct ag_shown *shown, const struct ag_transaction *asked,
			  struct ag_passed *known)
{
	if (asked->opcode != AG_ATT_READ_REQ || !is_extended(shown, asked->handle))
		return type_of(known);
	if (!known->place.mapped)
		known->place.type = ag_uuid_from_u16(AG_UUID_EXTENDED_PROPERTIES);
	known->place.mapped = true;
	return AG_UUID_EXTENDED_PROPERTIES;
}

void ag_malformed_know(const struct ag_unit *unit, const struct ag_att *att,
		       struct ag_passed *known)
{
	enum ag_side to = ag_other(unit->from);
	const struct ag_transaction *open = &unit->bearer->transaction[to];
	const struct ag_shown *shown = &unit->link->shown[to];
	struct ag_att_context context = {
		.mtu = unit->bearer->mtu,
		/* each side of a dynamic channel takes what it said it would */
		.limit = unit->channel ? unit->channel->mtu[to] : unit->bearer->mtu,
		.primary = shown->primary,
		.n_primary = shown->n_primary,
	};

	if (unit->len < unit->pdu_len)
		return;
	if (att->kind == AG_ATT_RESPONSE && known->answers) {
		context.request = open->head;
		context.request_len = open->head_len;
		context.type = type_read(shown, open, known);
	} else {
		context.type = type_of(known);
	}
	known->has_malformed = true;
	known->malformed = ag_att_is_malformed(att, &context);
}
