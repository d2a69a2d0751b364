/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hiding makes of the PDUs that pass. */
#include "proxy/engine/hide.h"

#include <string.h>

#include "proxy/engine/filter.h"
#include "proxy/wire/cursor.h"

/* ---- Ranges ---- */

/* A query for services themselves, of which the map may not know yet what is where. */
static bool asks_for_services(const struct ag_att *request)
{
	uint16_t type = ag_att_type16(request);

	if (request->opcode == AG_ATT_READ_BY_GROUP_TYPE_REQ ||
	    request->opcode == AG_ATT_FIND_BY_TYPE_VALUE_REQ)
		return true;
	return type == AG_UUID_PRIMARY_SERVICE || type == AG_UUID_SECONDARY_SERVICE;
}

/* The first handle from `start` on that is worth asking about: all of a hidden service is hidden,
 * whatever it is. May be one more than the last there is. */
static uint32_t skip_hidden(struct ag_looking *looking, const struct ag_att *request,
			    uint32_t start)
{
	struct ag_attribute_place place;

	if (asks_for_services(request))
		return start;
	while (start <= UINT16_MAX) {
		ag_attributes_find(ag_looking_map(looking), (uint16_t)start, &place);
		if (!place.service || !ag_hides_service(looking, place.service))
			break;
		start = place.service->end + 1u;
	}
	return start;
}

/* ---- The end of a list that its asker did not see ---- */

/* Octets in front of what two requests of one query have in common. */
#define QUERY_AT 3

static bool is_same_query(const struct ag_tail *tail, const struct ag_att *request)
{
	return tail->len == request->len && tail->query[0] == request->opcode &&
	       !memcmp(tail->query + QUERY_AT, request->pdu + QUERY_AT, tail->len - QUERY_AT);
}

/* The asker will go on behind the last entry that it saw, and what follows there is known to be
 * hidden: remember it, so that the owner need not be asked for it again. */
static void keep_tail(struct ag_tail *tail, const struct ag_transaction *transaction,
		      const struct ag_att *request, const struct ag_filtered *list)
{
	tail->from = 0;
	if (!list->last_seen || list->last == list->last_seen ||
	    transaction->pdu_len > sizeof(tail->query))
		return;
	memcpy(tail->query, request->pdu, request->len);
	tail->len = request->len;
	tail->from = (uint16_t)(list->last_seen + 1);
	tail->to = list->last;
}

static uint32_t skip_tail(struct ag_tail *tail, const struct ag_att *request, uint16_t start)
{
	if (!tail->from || start < tail->from || start > tail->to || !is_same_query(tail, request))
		return start;
	tail->from = 0;
	return tail->to + 1u;
}

/* ---- Requests and commands ---- */

static void refuse(struct ag_hide_finding *out, const struct ag_att *att, uint16_t handle,
		   uint8_t error)
{
	out->outcome = AG_HIDE_REFUSED;
	out->handle = handle;
	out->error = att->kind == AG_ATT_REQUEST ? error : 0;
}

static uint8_t *own_copy(struct ag_engine *engine, const struct ag_att *att)
{
	if (att->pdu != engine->rewrite)
		memcpy(engine->rewrite, att->pdu, att->len);
	return engine->rewrite;
}

static void change(struct ag_hide_finding *out, size_t len)
{
	out->outcome = AG_HIDE_CHANGED;
	out->len = len;
}

static void look_range(struct ag_looking *looking, const struct ag_unit *unit,
		       const struct ag_att *att, struct ag_hide_finding *out)
{
	struct ag_tail *tail = &unit->bearer->tail[unit->from];
	uint16_t start = ag_att_number(att, AG_ATT_P_START);
	uint16_t end = ag_att_has(att, AG_ATT_P_END) ? ag_att_number(att, AG_ATT_P_END) : 0;
	uint32_t first;

	/* a recording has the answer to what was asked; one that is malformed is the owner's */
	if (looking->engine->config.replay || !start || start > end)
		return;
	first = skip_hidden(looking, att, skip_tail(tail, att, start));
	if (first == start)
		return;
	if (first > end) {
		refuse(out, att, start, AG_ATT_ERR_ATTRIBUTE_NOT_FOUND);
		return;
	}
	ag_put_le16(own_copy(looking->engine, att) + att->at[AG_ATT_P_START], (uint16_t)first);
	out->start = start;
	change(out, att->len);
}

/* 3.4.4.7, 3.4.4.11: a set of handles */
static void look_set(struct ag_looking *looking, const struct ag_att *att,
		     struct ag_hide_finding *out)
{
	const uint8_t *handles = att->pdu + att->at[AG_ATT_P_VALUE];

	for (size_t i = 0; i + 2 <= att->param_len[AG_ATT_P_VALUE]; i += 2) {
		uint16_t handle = ag_get_le16(handles + i);

		if (!ag_hides_handle(looking, handle))
			continue;
		refuse(out, att, handle, AG_ATT_ERR_INVALID_HANDLE);
		return;
	}
}

static void look_handle(struct ag_looking *looking, const struct ag_att *att,
			struct ag_hide_finding *out)
{
	uint16_t handle = ag_att_number(att, AG_ATT_P_HANDLE);

	if (ag_hides_handle(looking, handle))
		refuse(out, att, handle, AG_ATT_ERR_INVALID_HANDLE);
}

static void look_question(struct ag_looking *looking, const struct ag_unit *unit,
			  const struct ag_att *att, struct ag_hide_finding *out)
{
	if (ag_att_has(att, AG_ATT_P_START))
		look_range(looking, unit, att, out);
	else if (ag_att_has(att, AG_ATT_P_HANDLE))
		look_handle(looking, att, out);
	else if ((att->opcode == AG_ATT_READ_MULTIPLE_REQ ||
		  att->opcode == AG_ATT_READ_MULTIPLE_VARIABLE_REQ) &&
		 ag_att_has(att, AG_ATT_P_VALUE))
		look_set(looking, att, out);
}

/* ---- Notifications and indications ---- */

/* 3.4.7.4 is of two values or more. What is left of one, handle, length and value, makes a Handle
 * Value Notification (3.4.7.1): handle and value. @return: its length */
static size_t put_only_value(uint8_t *pdu, size_t len)
{
	pdu[0] = AG_ATT_HANDLE_VALUE_NTF;
	memmove(pdu + 3, pdu + 5, len - 5);
	return len - 2;
}

static void look_told(struct ag_looking *looking, const struct ag_att *att,
		      struct ag_hide_finding *out)
{
	struct ag_filtered list;

	if (att->opcode != AG_ATT_MULTIPLE_HANDLE_VALUE_NTF) {
		if (ag_att_has(att, AG_ATT_P_HANDLE))
			look_handle(looking, att, out);
		return;
	}
	if (ag_filter(NULL, own_copy(looking->engine, att), att->len, ag_hides_entry, looking,
		      &list) ||
	    !list.hidden)
		return;
	out->entries = list.entries;
	out->hidden = list.hidden;
	if (list.hidden == list.entries)
		refuse(out, att, 0, 0);
	else if (list.hidden + 1 == list.entries)
		change(out, put_only_value(looking->engine->rewrite, list.len));
	else
		change(out, list.len);
}

/* ---- Responses ---- */

/* In place of a response: there is nothing, from the asker's own start on (3.4.1.1). */
static void end_query(struct ag_looking *looking, const struct ag_transaction *transaction,
		      struct ag_hide_finding *out)
{
	uint8_t *pdu = looking->engine->rewrite;

	pdu[0] = AG_ATT_ERROR_RSP;
	pdu[1] = transaction->opcode;
	ag_put_le16(pdu + 2, transaction->handle);
	pdu[4] = AG_ATT_ERR_ATTRIBUTE_NOT_FOUND;
	change(out, 5);
}

/* Nothing is left up to and with `last`: go on behind it. An owner that does not get on is not
 * asked again, so the query comes to its end, and in a recording there is nobody to ask. */
static void go_on(struct ag_looking *looking, const struct ag_transaction *transaction,
		  const struct ag_att *request, uint16_t last, struct ag_hide_finding *out)
{
	uint16_t asked = ag_att_number(request, AG_ATT_P_START);
	uint32_t next = skip_hidden(looking, request, last + 1u);

	if (looking->engine->config.replay || last < asked ||
	    next > ag_att_number(request, AG_ATT_P_END) ||
	    transaction->pdu_len > transaction->head_len) {
		end_query(looking, transaction, out);
		return;
	}
	out->outcome = AG_HIDE_ONWARD;
	out->handle = (uint16_t)next;
}

/* Whatever a rule made of the error, it is the owner's that tells of an attribute. */
static void look_error(struct ag_looking *looking, const struct ag_transaction *transaction,
		       const struct ag_att *request, const struct ag_att *original,
		       const struct ag_att *att, struct ag_hide_finding *out)
{
	uint16_t asked = ag_att_number(request, AG_ATT_P_START);
	uint16_t handle = ag_att_number(original, AG_ATT_P_HANDLE);
	uint8_t error = (uint8_t)ag_att_number(original, AG_ATT_P_ERROR);

	if (!ag_att_error_is_of_range(error) && handle >= asked) {
		if (ag_hides_handle(looking, handle))
			go_on(looking, transaction, request, handle, out);
		return;
	}
	if (asked == transaction->handle)
		return;
	ag_put_le16(own_copy(looking->engine, att) + att->at[AG_ATT_P_HANDLE], transaction->handle);
	change(out, att->len);
}

/* The Database Hash that the asker sees changes with what is hidden, or it would take what it knew
 * of the database before for what it is now. @offset: of `value` in the hash */
static bool veil_hash(const struct ag_hiding *hiding, size_t offset, uint8_t *value, size_t len)
{
	if (offset > AG_DATABASE_HASH_LEN || len > AG_DATABASE_HASH_LEN - offset)
		return false;
	for (size_t i = 0; i < len; i++)
		value[i] ^= (uint8_t)(hiding->digest[(offset + i) / 8] >> 8 * ((offset + i) % 8));
	return len > 0;
}

static bool is_hash_at(const struct ag_looking *looking, uint16_t handle)
{
	struct ag_attribute_place place;

	ag_attributes_find(ag_looking_map(looking), handle, &place);
	return place.mapped && ag_uuid_is(&place.type, AG_UUID_DATABASE_HASH);
}

/* 3.4.4.12: a length and so many octets for each handle that was asked for. The plain Read Multiple
 * has no lengths, so nobody can tell where a value is. */
static void look_values(struct ag_looking *looking, const struct ag_att *request,
			const struct ag_att *att, struct ag_hide_finding *out)
{
	const struct ag_hiding *hiding = &looking->link->hiding[looking->owner];
	uint8_t *pdu;
	size_t at = 1;

	if (request->opcode != AG_ATT_READ_MULTIPLE_VARIABLE_REQ || att->opcode == AG_ATT_ERROR_RSP)
		return;
	pdu = own_copy(looking->engine, att);
	for (size_t i = 1; i + 2 <= request->len && at + 2 <= att->len; i += 2) {
		size_t len = ag_get_le16(pdu + at);

		if (len > att->len - at - 2)
			return;
		if (is_hash_at(looking, ag_get_le16(request->pdu + i)) &&
		    veil_hash(hiding, 0, pdu + at + 2, len))
			change(out, att->len);
		at += 2 + len;
	}
}

/* The answer to a Read or Read Blob by handle. */
static void look_value(struct ag_looking *looking, const struct ag_att *request,
		       const struct ag_att *att, struct ag_hide_finding *out)
{
	const struct ag_hiding *hiding = &looking->link->hiding[looking->owner];
	size_t offset = 0;

	if ((att->opcode != AG_ATT_READ_RSP && att->opcode != AG_ATT_READ_BLOB_RSP) ||
	    !is_hash_at(looking, ag_att_number(request, AG_ATT_P_HANDLE)))
		return;
	if (ag_att_has(request, AG_ATT_P_OFFSET))
		offset = ag_att_number(request, AG_ATT_P_OFFSET);
	if (veil_hash(hiding, offset, own_copy(looking->engine, att) + 1, att->len - 1))
		change(out, att->len);
}

/* 3.4.4.2: length of an entry, handle, value */
static void look_hash_list(struct ag_looking *looking, const struct ag_att *request,
			   const struct ag_att *att, struct ag_hide_finding *out)
{
	const struct ag_hiding *hiding = &looking->link->hiding[looking->owner];
	uint8_t *pdu;

	if (att->opcode != AG_ATT_READ_BY_TYPE_RSP || att->len != 4 + AG_DATABASE_HASH_LEN ||
	    ag_att_type16(request) != AG_UUID_DATABASE_HASH)
		return;
	pdu = own_copy(looking->engine, att);
	if (veil_hash(hiding, 0, pdu + 4, AG_DATABASE_HASH_LEN))
		change(out, att->len);
}

static void look_list(struct ag_looking *looking, const struct ag_unit *unit,
		      const struct ag_transaction *transaction, const struct ag_att *request,
		      const struct ag_att *att, struct ag_hide_finding *out)
{
	struct ag_filtered list;

	if (ag_filter(request, own_copy(looking->engine, att), att->len, ag_hides_entry, looking,
		      &list))
		return;
	out->entries = list.entries;
	out->hidden = list.hidden;
	if (!looking->engine->config.dry_run)
		keep_tail(&unit->bearer->tail[ag_other(unit->from)], transaction, request, &list);
	if (!list.hidden)
		look_hash_list(looking, request, att, out);
	else if (list.hidden < list.entries)
		change(out, list.len);
	else
		go_on(looking, transaction, request, list.last, out);
}

static void look_answer(struct ag_looking *looking, const struct ag_unit *unit,
			const struct ag_att *original, const struct ag_att *att,
			struct ag_hide_finding *out)
{
	const struct ag_transaction *transaction = &unit->bearer->transaction[ag_other(unit->from)];
	struct ag_att request;

	if (!ag_bearer_answers(unit->bearer, unit->from, att))
		return;
	ag_att_parse(transaction->head, transaction->head_len, &request);
	if (ag_att_has(&request, AG_ATT_P_HANDLE))
		look_value(looking, &request, att, out);
	else if (!ag_att_has(&request, AG_ATT_P_START))
		look_values(looking, &request, att, out);
	else if (!ag_att_has(&request, AG_ATT_P_END))
		return;
	else if (att->opcode != AG_ATT_ERROR_RSP)
		look_list(looking, unit, transaction, &request, att, out);
	else if (ag_att_has(att, AG_ATT_P_ERROR) && ag_att_has(original, AG_ATT_P_ERROR))
		look_error(looking, transaction, &request, original, att, out);
}

/* ---- All of them ---- */

void ag_hide_look(struct ag_engine *engine, const struct ag_unit *unit,
		  const struct ag_att *original, const struct ag_att *att,
		  struct ag_hide_finding *out)
{
	struct ag_looking looking = { .engine = engine, .link = unit->link, .owner = unit->from };

	*out = (struct ag_hide_finding){ .outcome = AG_HIDE_NOTHING };
	switch (att->kind) {
	case AG_ATT_REQUEST:
	case AG_ATT_COMMAND:
	case AG_ATT_CONFIRMATION: /* nothing is hidden in these two, see ag_hide_concerns() */
	case AG_ATT_NO_KIND:
		looking.owner = ag_other(unit->from);
		look_question(&looking, unit, att, out);
		break;
	case AG_ATT_RESPONSE:
		look_answer(&looking, unit, original, att, out);
		break;
	case AG_ATT_INDICATION:
		/* of Service Changed, perhaps */
		ag_hide_forget_tails(unit->link);
		look_told(&looking, att, out);
		break;
	case AG_ATT_NOTIFICATION:
		look_told(&looking, att, out);
		break;
	}
	if (out->outcome != AG_HIDE_NOTHING)
		out->rule = looking.rule;
}

int ag_hide_onward(struct ag_engine *engine, struct ag_unit *unit, uint16_t start)
{
	struct ag_transaction *transaction = &unit->bearer->transaction[ag_other(unit->from)];

	ag_put_le16(transaction->head + 1, start);
	return ag_send_pdu(engine, unit->link, unit->from, unit->channel, unit->cid,
			   transaction->head, transaction->head_len, 0, 0);
}
