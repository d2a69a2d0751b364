/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ATT is sequential (Vol 3 Part F, 3.3.2): one open request and one open indication in each
 * direction of a bearer. */
#include "proxy/engine/judging.h"

#include <string.h>

#include "proxy/wire/cursor.h"

/** When to look again whether an answer that was going by has gone. After the last time whoever
 * does not end it has broken the link for the asker too, whose own timer decides. */
#define RECHECK_US      UINT64_C(10000)
#define RECHECK_LAST_US UINT64_C(1000000)

/* Vol 3 Part G, 5.2.1: 23 on LE, 48 on BR/EDR, 64 on an enhanced bearer at the least */
static const uint16_t default_mtu[] = {
	[AG_BEARER_ATT] = 23,
	[AG_BEARER_EATT] = 64,
	[AG_BEARER_ATT_BREDR] = 48,
};

void ag_bearer_init(struct ag_bearer *bearer, enum ag_bearer_type type)
{
	memset(bearer, 0, sizeof(*bearer));
	bearer->type = type;
	bearer->mtu = default_mtu[type];
}

void ag_bearer_asked(struct ag_bearer *bearer, enum ag_side from, const struct ag_att *att,
		     uint64_t now_us)
{
	struct ag_transaction *transaction = &bearer->transaction[from];

	if (att->kind == AG_ATT_INDICATION) {
		bearer->indication_open[from] = true;
		bearer->indication_handle[from] = ag_att_handle_in_error(att);
	}
	if (att->kind != AG_ATT_REQUEST)
		return;
	*transaction = (struct ag_transaction){
		.open = true,
		.late = transaction->late,
		.late_opcode = transaction->late_opcode,
		.last_opcode = transaction->last_opcode,
		.last_handle = transaction->last_handle,
		.opcode = att->opcode,
		.handle = ag_att_handle_in_error(att),
		.mtu = ag_att_has(att, AG_ATT_P_MTU) ? ag_att_number(att, AG_ATT_P_MTU) : 0,
		.pdu_len = att->len,
		.since_us = now_us,
	};
	transaction->head_len = att->len < sizeof(transaction->head) ? att->len
								     : sizeof(transaction->head);
	memcpy(transaction->head, att->pdu, transaction->head_len);
}

/* The request a response names or implies. */
static bool is_response_to(const struct ag_att *att, uint8_t request)
{
	const struct ag_att_format *format = ag_att_format(request);

	/* one that ends before it names a request is taken for the answer to whatever is open */
	if (att->opcode == AG_ATT_ERROR_RSP)
		return !ag_att_has(att, AG_ATT_P_REQUEST) ||
		       ag_att_number(att, AG_ATT_P_REQUEST) == request;
	/* of a request this version does not know, any response it does not know either */
	return format ? att->opcode == format->answer : !att->format;
}

/* A second answer to a request that was answered: an error that names the handle of that one, which
 * the open request is not about. Any other handle may be the mistake of a careless server. */
static bool is_surplus_error(const struct ag_transaction *open, const struct ag_att *att)
{
	const struct ag_att_format *format = ag_att_format(open->opcode);

	if (att->opcode != AG_ATT_ERROR_RSP || open->last_opcode != open->opcode ||
	    !ag_att_has(att, AG_ATT_P_HANDLE) ||
	    ag_att_number(att, AG_ATT_P_HANDLE) != open->last_handle)
		return false;
	if (ag_att_begins_with(format, AG_ATT_P_START)) /* the attributes in error lie behind it */
		return open->last_handle < open->handle;
	return ag_att_begins_with(format, AG_ATT_P_HANDLE) && open->last_handle != open->handle;
}

bool ag_bearer_answers(const struct ag_bearer *bearer, enum ag_side from, const struct ag_att *att)
{
	enum ag_side asker = ag_other(from);
	const struct ag_transaction *transaction = &bearer->transaction[asker];

	if (att->kind == AG_ATT_CONFIRMATION)
		return bearer->indication_open[asker];
	return transaction->open && is_response_to(att, transaction->opcode) &&
	       !is_surplus_error(transaction, att);
}

void ag_bearer_set_mtu(struct ag_bearer *bearer, uint16_t one, uint16_t other)
{
	uint16_t mtu = one < other ? one : other;

	bearer->mtu = mtu > default_mtu[bearer->type] ? mtu : default_mtu[bearer->type];
}

void ag_bearer_answered(struct ag_bearer *bearer, enum ag_side from, const struct ag_att *att,
			uint64_t now_us)
{
	enum ag_side asker = ag_other(from);
	struct ag_transaction *transaction = &bearer->transaction[asker];

	if (!ag_bearer_answers(bearer, from, att))
		return;
	if (att->kind == AG_ATT_CONFIRMATION) {
		bearer->indication_open[asker] = false;
		return;
	}
	if (att->opcode == AG_ATT_EXCHANGE_MTU_RSP && ag_att_has(att, AG_ATT_P_MTU))
		ag_bearer_set_mtu(bearer, transaction->mtu, ag_att_number(att, AG_ATT_P_MTU));
	if (now_us != AG_NOT_TIMED)
		ag_rtt_count(&bearer->rtt[asker], now_us - transaction->since_us);
	transaction->open = false;
	transaction->timed = false;
	transaction->last_opcode = transaction->opcode;
	transaction->last_handle = transaction->handle;
}

/* bluetoothd without a GATT client answers an indication with Request Not Supported. */
static bool answers_own(const struct ag_bearer *bearer, enum ag_side asker,
			const struct ag_att *att)
{
	if (!bearer->own_indication[asker])
		return false;
	return att->kind == AG_ATT_CONFIRMATION ||
	       (att->opcode == AG_ATT_ERROR_RSP && ag_att_has(att, AG_ATT_P_REQUEST) &&
		ag_att_number(att, AG_ATT_P_REQUEST) == AG_ATT_HANDLE_VALUE_IND);
}

enum ag_verdict ag_bearer_surplus(struct ag_bearer *bearer, enum ag_side from,
				  const struct ag_att *att)
{
	enum ag_side asker = ag_other(from);
	struct ag_transaction *transaction = &bearer->transaction[asker];

	if (answers_own(bearer, asker, att)) {
		bearer->own_indication[asker] = false;
		return AG_V_HIDE;
	}
	if (att->kind == AG_ATT_CONFIRMATION && bearer->indication_recorded[asker]) {
		bearer->indication_recorded[asker] = false;
		return AG_V_RECORDED;
	}
	if (att->kind != AG_ATT_RESPONSE)
		return AG_V_ACCEPT;
	if (transaction->late && is_response_to(att, transaction->late_opcode)) {
		transaction->late = false;
		return AG_V_LATE;
	}
	if (transaction->recorded && is_response_to(att, transaction->opcode)) {
		transaction->recorded = false;
		return AG_V_RECORDED;
	}
	return AG_V_ACCEPT;
}

bool ag_bearer_expects(const struct ag_bearer *bearer, enum ag_side from)
{
	const struct ag_transaction *own = &bearer->transaction[from];
	const struct ag_transaction *asked = &bearer->transaction[ag_other(from)];

	return own->late || asked->late || asked->recorded ||
	       bearer->indication_recorded[ag_other(from)] ||
	       bearer->own_indication[ag_other(from)] || bearer->own_indication[from];
}

bool ag_bearer_any_expects(const struct ag_link *link, enum ag_side from)
{
	bool expects = link->held[from] || ag_bearer_expects(&link->att, from);

	for (size_t i = 0; !expects && i < AG_CHANNELS_MAX; i++) {
		const struct ag_channel *channel = &link->channel[i];
		const struct ag_credit_flow *flow = &channel->flow[ag_other(from)];

		/* a K-frame does not overtake those of its SDU that are gathered */
		expects = channel->state == AG_CHANNEL_OPEN &&
			  (ag_bearer_expects(&channel->bearer, from) ||
			   (flow->sdu_len && !flow->sdu_passes));
	}
	return expects;
}

void ag_bearer_glance(const struct ag_unit *unit, uint64_t now_us)
{
	struct ag_att att;

	ag_att_parse(unit->pdu, unit->len, &att);
	ag_bearer_asked(unit->bearer, unit->from, &att, now_us);
	if (att.kind == AG_ATT_REQUEST)
		unit->bearer->transaction[unit->from].pdu_len = unit->pdu_len;
	ag_bearer_answered(unit->bearer, unit->from, &att, now_us);
}

bool ag_bearer_discards(struct ag_engine *engine, struct ag_unit *unit)
{
	enum ag_verdict verdict = AG_V_ACCEPT;
	struct ag_att att;

	ag_att_parse(unit->pdu, unit->len, &att);
	if (!unit->forwarded)
		verdict = ag_bearer_surplus(unit->bearer, unit->from, &att);
	if (verdict == AG_V_ACCEPT)
		ag_bearer_glance(unit, engine->now_us);
	else
		ag_tell_discarded(engine, unit, verdict);
	return verdict != AG_V_ACCEPT;
}

size_t ag_bearer_question(const struct ag_transaction *transaction, uint8_t *out)
{
	struct ag_att att;

	memcpy(out, transaction->head, transaction->head_len);
	ag_att_parse(out, transaction->head_len, &att);
	if (ag_att_has(&att, AG_ATT_P_START))
		ag_put_le16(out + att.at[AG_ATT_P_START], transaction->handle);
	return transaction->head_len;
}

static int time_out(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
		    struct ag_transaction *transaction, enum ag_side asker)
{
	uint8_t question[AG_HEAD_MAX];
	struct ag_decision what = {
		.number = transaction->number,
		.rule = transaction->rule,
		.verdict = AG_V_TIMEOUT,
		.error = transaction->timeout_error,
		.has_error = true,
		.effects = AG_EFFECT_TIMEOUT,
		.pdu = question,
		.len = ag_bearer_question(transaction, question),
		.pdu_len = transaction->pdu_len,
	};

	transaction->open = false;
	transaction->timed = false;
	transaction->late = true;
	transaction->late_opcode = transaction->opcode;
	ag_tell_later(engine, link, asker, channel, true, &what);
	return ag_answer_error(engine, link, asker, channel, transaction->opcode,
			       transaction->handle, transaction->timeout_error);
}

/* An answer that is going by in fragments is an answer. */
static bool is_being_answered(const struct ag_link *link, enum ag_side asker)
{
	const struct ag_assembly *assembly = &link->assembly[ag_other(asker)];

	return assembly->mode != AG_ASM_IDLE && assembly->forwarded;
}

static void look_again(struct ag_engine *engine, struct ag_transaction *transaction)
{
	if (engine->now_us - transaction->timeout_at_us < RECHECK_LAST_US)
		ag_due(engine, engine->now_us + RECHECK_US);
	else
		transaction->timed = false;
}

static int tick_bearer(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel)
{
	struct ag_bearer *bearer = channel ? &channel->bearer : &link->att;
	int r = 0;

	for (enum ag_side asker = AG_SIDE_HOST; !r && asker <= AG_SIDE_CONTROLLER; asker++) {
		struct ag_transaction *transaction = &bearer->transaction[asker];

		if (!transaction->open || !transaction->timed)
			continue;
		if (transaction->timeout_at_us > engine->now_us)
			ag_due(engine, transaction->timeout_at_us);
		else if (is_being_answered(link, asker))
			look_again(engine, transaction);
		else
			r = time_out(engine, link, channel, transaction, asker);
	}
	return r;
}

int ag_bearer_tick(struct ag_engine *engine, struct ag_link *link)
{
	int r = tick_bearer(engine, link, NULL);

	for (size_t i = 0; !r && i < AG_CHANNELS_MAX; i++) {
		if (link->channel[i].state == AG_CHANNEL_OPEN)
			r = tick_bearer(engine, link, &link->channel[i]);
	}
	return r;
}
