/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PDU is shown to the rules, and what they say is done. */
#include "proxy/engine/hide.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

/** How long the answer to a request may still come when another was kept from its asker. */
#define MISANSWERED_US UINT64_C(10000000)

/* What the rules said of one PDU. */
struct judgement {
	const struct ag_action *verdict; /* NULL: accept */
	enum ag_verdict decided;         /* what that comes to */
	const struct ag_rule *rule;
	unsigned int effects;
	const char *log_text;
	const struct ag_action *delay;
	const struct ag_action *timeout;
	const uint8_t *pdu; /* as the rules left it */
	size_t len;
	const struct ag_transaction *asked; /* that it answers as it came; NULL: no response, or to
					     * nothing */
	bool confirms;                      /* it confirms an indication */
	uint16_t mtu;                       /* ATT_MTU before it */
	struct ag_hide_finding hide;
	bool changed;
	/* not cleared for each PDU: of `pdu`, where it is ATT; and, where changed, as it came */
	struct ag_att att;
	struct ag_att original;
};

static void begin(struct judgement *judgement, const struct ag_unit *unit)
{
	memset(judgement, 0, offsetof(struct judgement, att));
	judgement->pdu = unit->pdu;
	judgement->len = unit->len;
}

static void change(struct judgement *judgement)
{
	if (!judgement->changed)
		judgement->original = judgement->att;
	judgement->changed = true;
}

static const struct ag_att *as_came(const struct judgement *judgement)
{
	return judgement->changed ? &judgement->original : &judgement->att;
}

/* ---- Asking the rules ---- */

static void look(struct ag_engine *engine, const struct ag_unit *unit, struct judgement *judgement)
{
	if (unit->bearer)
		ag_att_parse(judgement->pdu, judgement->len, &judgement->att);
	ag_subject_fill(engine, unit, unit->bearer ? &judgement->att : NULL, judgement->pdu,
			judgement->len, &engine->subject);
}

static void rewrite(struct ag_engine *engine, const struct ag_unit *unit,
		    const struct ag_action *action, struct judgement *judgement)
{
	if (judgement->pdu != engine->rewrite) {
		engine->as_came = engine->subject;
		memcpy(engine->rewrite, judgement->pdu, judgement->len);
		judgement->pdu = engine->rewrite;
		change(judgement);
	}
	judgement->len = ag_subject_rewrite(unit, engine->rewrite, judgement->len, action);
	look(engine, unit, judgement);
}

static void decide(struct judgement *judgement, const struct ag_action *action,
		   enum ag_verdict verdict)
{
	judgement->verdict = action;
	judgement->decided = verdict;
}

static void apply(struct ag_engine *engine, const struct ag_unit *unit,
		  const struct ag_action *action, struct judgement *judgement)
{
	switch (action->kind) {
	case AG_ACCEPT:
	case AG_HIDE: /* of attributes, so no rule for PDUs has it */
		decide(judgement, action, AG_V_ACCEPT);
		break;
	case AG_REJECT:
		decide(judgement, action, AG_V_REJECT);
		break;
	case AG_ANSWER:
		decide(judgement, action, AG_V_ANSWER);
		break;
	case AG_DROP:
		decide(judgement, action, AG_V_DROP);
		break;
	case AG_DISCONNECT:
		decide(judgement, action, AG_V_DISCONNECT);
		break;
	case AG_REWRITE:
		judgement->effects |= AG_EFFECT_REWRITE;
		rewrite(engine, unit, action, judgement);
		break;
	case AG_DELAY:
		judgement->effects |= AG_EFFECT_DELAY;
		judgement->delay = action;
		break;
	case AG_TIMEOUT:
		judgement->effects |= AG_EFFECT_TIMEOUT;
		judgement->timeout = action;
		break;
	case AG_DUPLICATE:
		judgement->effects |= AG_EFFECT_DUPLICATE;
		break;
	case AG_LOG:
		judgement->effects |= AG_EFFECT_LOG;
		if (action->text)
			judgement->log_text = action->text;
		break;
	}
}

static void ask_rules(struct ag_engine *engine, const struct ag_unit *unit,
		      const struct ag_first *first, struct judgement *judgement)
{
	size_t position = first ? first->position : 0;
	const struct ag_rule *rule = first ? first->rule
					   : ag_rules_next(engine->config.rules, &engine->subject,
							   unit->link->match, &position);

	while (rule) {
		judgement->rule = rule;
		engine->rule_hits[rule->index]++;
		for (size_t i = 0; i < rule->n_actions; i++)
			apply(engine, unit, &rule->actions[i], judgement);
		rule = judgement->verdict ? NULL
					  : ag_rules_next(engine->config.rules, &engine->subject,
							  unit->link->match, &position);
	}
}

/* What the rules let through loses what they hide. */
static void hide(struct ag_engine *engine, const struct ag_unit *unit,
		 const struct ag_att *original, struct judgement *judgement)
{
	struct ag_hide_finding *found = &judgement->hide;

	ag_hide_look(engine, unit, original, &judgement->att, found);
	if (found->outcome == AG_HIDE_NOTHING)
		return;
	judgement->effects |= AG_EFFECT_HIDE;
	if (found->rule) {
		judgement->rule = found->rule;
		engine->rule_hits[found->rule->index]++;
	}
	if (found->outcome != AG_HIDE_CHANGED)
		return;
	change(judgement);
	judgement->pdu = engine->rewrite;
	judgement->len = found->len;
	ag_att_parse(judgement->pdu, judgement->len, &judgement->att);
}

/* ---- Telling ---- */

static bool is_hidden(const struct judgement *judgement)
{
	return judgement->hide.outcome == AG_HIDE_REFUSED ||
	       judgement->hide.outcome == AG_HIDE_ONWARD;
}

static enum ag_verdict verdict_of(const struct judgement *judgement)
{
	return is_hidden(judgement) ? AG_V_HIDE : judgement->decided;
}

static void tell(struct ag_engine *engine, const struct ag_unit *unit,
		 const struct judgement *judgement, enum ag_verdict verdict, uint8_t error,
		 uint64_t number)
{
	bool is_rewritten = judgement->effects & (AG_EFFECT_REWRITE | AG_EFFECT_HIDE) &&
			    verdict == AG_V_ACCEPT;
	struct ag_decision decision = {
		.number = number,
		.now_us = engine->now_us,
		.from = (enum ag_from)unit->from,
		.link = &unit->link->view,
		.cid = unit->cid,
		.is_att = unit->bearer != NULL,
		.bearer = unit->bearer ? unit->bearer->type : AG_BEARER_ATT,
		.pdu = unit->pdu,
		.len = unit->len,
		.pdu_len = unit->pdu_len,
		.out = is_rewritten ? judgement->pdu : NULL,
		.out_len = is_rewritten ? judgement->len : 0,
		.rule = judgement->rule,
		.verdict = verdict,
		.error = error,
		.has_error = error != 0,
		.effects = judgement->effects,
		.log_text = judgement->log_text,
		.delay_us = judgement->delay ? judgement->delay->time_us : 0,
		.subject = &engine->subject,
		.as_came = judgement->effects & AG_EFFECT_REWRITE ? &engine->as_came
								  : &engine->subject,
		.packets = unit->packets,
		.entries = judgement->hide.entries,
		.hidden = judgement->hide.hidden,
	};

	engine->stats.verdicts[verdict]++;
	if (engine->config.tap)
		engine->config.tap(engine->config.tap_user, &decision);
}

void ag_tell_later(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		   const struct ag_channel *channel, bool is_att, struct ag_decision *what)
{
	what->now_us = engine->now_us;
	what->from = (enum ag_from)from;
	what->link = &link->view;
	what->is_att = is_att;
	what->bearer = channel ? channel->bearer.type : link->att.type;
	engine->stats.verdicts[what->verdict]++;
	if (engine->config.tap)
		engine->config.tap(engine->config.tap_user, what);
}

/* ---- Doing ---- */

int ag_forward_unchanged(struct ag_engine *engine, struct ag_unit *unit)
{
	if (unit->channel && unit->channel->credit_based)
		return ag_eatt_forward(engine, unit);
	return ag_unit_forward(engine, unit);
}

/* Remember what a PDU asks that is on its way now. */
static void remember(struct ag_engine *engine, const struct ag_unit *unit, const uint8_t *pdu,
		     size_t len, const struct ag_hold *how)
{
	enum ag_att_pdu_kind kind = ag_att_kind(pdu[0]);
	struct ag_transaction *transaction;
	struct ag_att att;

	if (kind != AG_ATT_REQUEST && kind != AG_ATT_INDICATION)
		return;
	ag_att_parse(pdu, len, &att);
	ag_bearer_asked(unit->bearer, unit->from, &att, engine->now_us);
	if (kind != AG_ATT_REQUEST) {
		ag_map_indicated(unit->link, unit->from, pdu, len);
		return;
	}
	transaction = &unit->bearer->transaction[unit->from];
	if (how->start)
		transaction->handle = how->start;
	transaction->number = how->number;
	transaction->rule = how->rule;
	if (!how->timeout_us)
		return;
	transaction->timed = true;
	transaction->timeout_error = how->timeout_error;
	transaction->timeout_at_us = engine->now_us + how->timeout_us;
	ag_due(engine, transaction->timeout_at_us);
}

/* What goes on its way is learned from. */
static void note(struct ag_engine *engine, const struct ag_unit *unit, const uint8_t *pdu,
		 size_t len, const struct ag_hold *how)
{
	if (unit->bearer)
		remember(engine, unit, pdu, len, how);
	else
		ag_identify_smp(engine, unit->link, unit->from, pdu, len);
}

static bool is_request(const struct ag_unit *unit, uint8_t opcode)
{
	return unit->bearer && ag_att_kind(opcode) == AG_ATT_REQUEST;
}

/* Answers to a peer that does not wait for them must not pile up for want of buffers or credits.
 * What goes on in their place is counted here. */
static inline bool has_room_for_answer(struct ag_engine *engine, const struct ag_unit *unit)
{
	const struct ag_line *back = &unit->link->line[unit->from];
	size_t bytes = back->waiting.bytes + back->injected.bytes;

	if (unit->channel)
		bytes += unit->channel->flow[unit->from].waiting.bytes +
			 unit->channel->flow[unit->from].own.bytes;
	if (bytes < AG_WAITING_MAX)
		return true;
	engine->stats.unjudged[AG_UNJUDGED_BACKLOG]++;
	return false;
}

/* The other side owes a late answer, so it takes no further request (3.3.2). */
static int answer_for_the_silent(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu,
				 size_t len, const struct ag_hold *how)
{
	struct ag_decision what = {
		.number = how->number,
		.pdu = pdu,
		.len = len,
		.pdu_len = len,
		.rule = how->rule,
		.verdict = AG_V_TIMEOUT,
		.has_error = true,
	};
	struct ag_att att;
	int r;

	ag_att_parse(pdu, len, &att);
	what.error = how->timeout_us ? how->timeout_error : ag_att_default_error(&att);
	ag_tell_later(engine, unit->link, unit->from, unit->channel, true, &what);
	r = ag_unit_swallow(engine, unit);
	if (!r)
		r = ag_refund(engine, unit->link, unit->from, unit->channel, unit->frames);
	return r ? r
		 : ag_answer_error(engine, unit->link, unit->from, unit->channel, att.opcode,
				   how->start ? how->start : ag_att_handle_in_error(&att),
				   what.error);
}

int ag_dispatch(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len,
		const struct ag_hold *how)
{
	enum ag_side to = ag_other(unit->from);
	int r;

	if (is_request(unit, pdu[0]) && unit->bearer->transaction[unit->from].late &&
	    !unit->forwarded && has_room_for_answer(engine, unit))
		return answer_for_the_silent(engine, unit, pdu, len, how);
	note(engine, unit, pdu, len, how);
	if (pdu == unit->pdu && unit->packets)
		r = ag_forward_unchanged(engine, unit);
	else
		r = ag_unit_forward_as(engine, unit, pdu, len);
	if (r || !how->duplicate)
		return r;
	return ag_send_pdu(engine, unit->link, to, unit->channel, unit->cid, pdu, len, 0, 0);
}

static uint8_t timeout_error(const struct ag_action *action, const struct ag_att *att)
{
	return action->has_value ? (uint8_t)action->value.num : ag_att_default_error(att);
}

static int accept(struct ag_engine *engine, struct ag_unit *unit, const struct judgement *judgement,
		  uint64_t number)
{
	const struct ag_action *delay = judgement->delay;
	struct ag_hold how = {
		.until_us = engine->now_us,
		.duplicate = judgement->effects & AG_EFFECT_DUPLICATE,
		.number = number,
		.rule = judgement->rule,
		.start = judgement->hide.start,
	};
	/* what has gone on already would go twice */
	bool held = !unit->forwarded && ag_hold_blocks(unit, judgement->pdu[0]);

	if (judgement->timeout && is_request(unit, judgement->pdu[0])) {
		how.timeout_us = judgement->timeout->time_us;
		how.timeout_error = timeout_error(judgement->timeout, &judgement->att);
	}
	if (delay && !(delay->until == AG_DELAY_UNTIL_ENCRYPTED && unit->link->view.encrypted)) {
		how.until = delay->until;
		how.until_us += delay->time_us;
		if (delay->jitter_us)
			how.until_us += ag_random(engine) % (delay->jitter_us + 1);
		held = true;
	}
	if (!held)
		return ag_dispatch(engine, unit, judgement->pdu, judgement->len, &how);
	if (ag_hold_has_room(unit->link, unit->from, judgement->len))
		return ag_hold(engine, unit, judgement->pdu, judgement->len, &how);
	return ag_hold_overflow(engine, unit, judgement->pdu, judgement->len, &how);
}

/* 7.1.6 */
static int disconnect(struct ag_engine *engine, struct ag_link *link,
		      const struct ag_action *action)
{
	uint8_t command[7] = { AG_H4_COMMAND };

	if (link->disconnecting)
		return 0;
	link->disconnecting = true;
	ag_put_le16(command + 1, AG_HCI_DISCONNECT);
	command[3] = 3;
	ag_put_le16(command + 4, link->view.handle);
	command[6] = action->has_value ? (uint8_t)action->value.num : AG_HCI_REMOTE_USER_TERMINATED;
	return ag_command_own(engine, command, sizeof(command));
}

/* A recording still has the answer to what we refuse. */
static void expect_recorded(const struct ag_engine *engine, const struct ag_unit *unit,
			    const struct ag_att *att)
{
	struct ag_transaction *transaction;

	if (!engine->config.replay || !unit->bearer)
		return;
	if (att->kind == AG_ATT_INDICATION)
		unit->bearer->indication_recorded[unit->from] = true;
	if (att->kind != AG_ATT_REQUEST)
		return;
	transaction = &unit->bearer->transaction[unit->from];
	*transaction = (struct ag_transaction){ .recorded = true, .opcode = att->opcode };
}

/* Not forwarded: complete it to its sender before any answer to it. */
static int swallow(struct ag_engine *engine, struct ag_unit *unit)
{
	int r = ag_unit_swallow(engine, unit);

	return r ? r : ag_refund(engine, unit->link, unit->from, unit->channel, unit->frames);
}

/* `reject` and `answer` of a PDU, or of the request whose answer it is. */
static int answer(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		  const struct ag_action *action, enum ag_verdict *verdict, uint8_t *error)
{
	if (action->kind == AG_ANSWER && att && ag_answer_exists(att->opcode, action))
		return ag_answer_success(engine, unit, att, action);
	*verdict = AG_V_REJECT;
	*error = action->kind == AG_REJECT && action->has_value ? (uint8_t)action->value.num : 0;
	return ag_answer_reject(engine, unit, att, error);
}

/* The request has its one answer, but another than the one that came. */
static int answer_in_place(struct ag_engine *engine, struct ag_unit *unit,
			   const struct judgement *judgement, enum ag_verdict *verdict,
			   uint8_t *error)
{
	const struct ag_att refusal = { .opcode = AG_ATT_ERROR_RSP };
	uint8_t head[AG_HEAD_MAX]; /* a new answer to it may be noted where it lies */
	struct ag_att request;

	ag_att_parse(head, ag_bearer_question(judgement->asked, head), &request);
	ag_malformed_shown(unit->link, ag_other(unit->from), judgement->asked, &refusal);
	/* an MTU that the asker is not told of is not agreed */
	unit->bearer->mtu = judgement->mtu;
	return answer(engine, unit, &request, judgement->verdict, verdict, error);
}

/* 3.4.7.3 knows one form only, so whoever indicated gets that. */
static int confirm_in_place(struct ag_engine *engine, struct ag_unit *unit,
			    enum ag_verdict *verdict)
{
	const uint8_t confirmation = AG_ATT_HANDLE_VALUE_CFM;

	*verdict = AG_V_REJECT;
	return ag_unit_forward_as(engine, unit, &confirmation, 1);
}

/* An answer to something else goes no further. If its sender takes it for the one that is awaited,
 * no other comes, and whoever asked would end the bearer after 30 s (3.3.3). */
static void limit_wait(struct ag_engine *engine, const struct ag_unit *unit,
		       const struct ag_rule *rule)
{
	struct ag_transaction *transaction = &unit->bearer->transaction[ag_other(unit->from)];
	struct ag_att request;

	if (!transaction->open || transaction->timed)
		return;
	ag_att_parse(transaction->head, transaction->head_len, &request);
	transaction->timed = true;
	transaction->timeout_error = ag_att_default_error(&request);
	transaction->timeout_at_us = engine->now_us + MISANSWERED_US;
	transaction->rule = rule;
	ag_due(engine, transaction->timeout_at_us);
}

static bool is_refused(const struct judgement *judgement)
{
	return judgement->verdict->kind == AG_REJECT || judgement->verdict->kind == AG_ANSWER;
}

static int carry_out(struct ag_engine *engine, struct ag_unit *unit,
		     const struct judgement *judgement, enum ag_verdict *verdict, uint8_t *error)
{
	const struct ag_action *action = judgement->verdict;
	const struct ag_att *att = unit->bearer ? &judgement->att : NULL;
	int r;

	if (judgement->asked && is_refused(judgement))
		return answer_in_place(engine, unit, judgement, verdict, error);
	if (judgement->confirms && is_refused(judgement))
		return confirm_in_place(engine, unit, verdict);
	r = swallow(engine, unit);
	if (r)
		return r;
	if (att)
		expect_recorded(engine, unit, att);
	if (action->kind == AG_DISCONNECT)
		return disconnect(engine, unit->link, action);
	if (action->kind == AG_DROP)
		return 0;
	if (att && att->kind == AG_ATT_RESPONSE)
		limit_wait(engine, unit, judgement->rule);
	return answer(engine, unit, att, action, verdict, error);
}

/* What is hidden is not there: no such handle, or nothing more in the range. */
static int carry_out_hidden(struct ag_engine *engine, struct ag_unit *unit,
			    const struct judgement *judgement, uint8_t *error)
{
	const struct ag_hide_finding *found = &judgement->hide;
	const struct ag_att *att = &judgement->att;
	int r = swallow(engine, unit);

	if (r)
		return r;
	if (found->outcome == AG_HIDE_ONWARD)
		return ag_hide_onward(engine, unit, found->handle);
	expect_recorded(engine, unit, att);
	if (att->kind != AG_ATT_REQUEST)
		return ag_answer_reject(engine, unit, att, error);
	*error = found->error;
	return ag_answer_error(engine, unit->link, unit->from, unit->channel, att->opcode,
			       found->handle, found->error);
}

/* What carrying it out would come to, for a run in which nothing is changed. */
static enum ag_verdict foretell(const struct ag_unit *unit, const struct judgement *judgement,
				uint8_t *error)
{
	const struct ag_action *action = judgement->verdict;
	enum ag_verdict verdict = verdict_of(judgement);
	struct ag_att request = judgement->att;

	if (judgement->hide.outcome == AG_HIDE_REFUSED)
		*error = judgement->hide.error;
	if (verdict != AG_V_REJECT && verdict != AG_V_ANSWER)
		return verdict;
	if (judgement->asked)
		ag_att_parse(judgement->asked->head, judgement->asked->head_len, &request);
	if (verdict == AG_V_ANSWER && unit->bearer && ag_answer_exists(request.opcode, action))
		return AG_V_ANSWER;
	if (unit->bearer && request.kind == AG_ATT_REQUEST)
		*error = action->kind == AG_REJECT && action->has_value
			     ? (uint8_t)action->value.num
			     : ag_att_default_error(&request);
	return AG_V_REJECT;
}

/* In a dry run whoever asked is shown what came. */
static void note_shown(const struct ag_engine *engine, const struct ag_unit *unit,
		       const struct judgement *judgement)
{
	bool passive = engine->config.dry_run;
	const struct ag_subject *subject = passive && judgement->effects & AG_EFFECT_REWRITE
					       ? &engine->as_came
					       : &engine->subject;

	if (judgement->asked && ag_subject_has(subject, AG_F_ATT_MALFORMED) &&
	    !subject->value[AG_F_ATT_MALFORMED].num)
		ag_malformed_shown(unit->link, ag_other(unit->from), judgement->asked,
				   passive ? as_came(judgement) : &judgement->att);
}

static int dry_run(struct ag_engine *engine, struct ag_unit *unit,
		   const struct judgement *judgement, uint64_t number)
{
	struct ag_hold how = { .number = number };
	uint8_t error = 0;
	enum ag_verdict verdict = foretell(unit, judgement, &error);

	tell(engine, unit, judgement, verdict, error, number);
	note_shown(engine, unit, judgement);
	note(engine, unit, unit->pdu, unit->len, &how);
	return ag_forward_unchanged(engine, unit);
}

/* Of what is not forwarded. */
static bool is_answered(const struct ag_unit *unit, const struct judgement *judgement)
{
	if (!is_hidden(judgement) && !is_refused(judgement))
		return false;
	return !unit->bearer || judgement->att.kind == AG_ATT_REQUEST ||
	       judgement->att.kind == AG_ATT_INDICATION;
}

void ag_tell_discarded(struct ag_engine *engine, struct ag_unit *unit, enum ag_verdict verdict)
{
	struct judgement judgement;

	begin(&judgement, unit);
	look(engine, unit, &judgement);
	tell(engine, unit, &judgement, verdict, 0, ++engine->next_number);
}

/* Before the answer is noted: what it answers, and what it may change. */
static void note_question(const struct ag_engine *engine, const struct ag_unit *unit,
			  struct judgement *judgement)
{
	const struct ag_subject *subject = &engine->subject;

	if (!unit->bearer)
		return;
	judgement->mtu = unit->bearer->mtu;
	/* a response or a confirmation, of something */
	if (!ag_subject_has(subject, AG_F_ATT_UNSOLICITED) ||
	    subject->value[AG_F_ATT_UNSOLICITED].num)
		return;
	judgement->confirms = judgement->att.kind == AG_ATT_CONFIRMATION;
	if (!judgement->confirms)
		judgement->asked = &unit->bearer->transaction[ag_other(unit->from)];
}

/* A confirmation made room for another indication to the side it came from. */
static int after_confirmation(struct ag_engine *engine, const struct ag_unit *unit,
			      const struct ag_att *att)
{
	if (!unit->bearer || att->kind != AG_ATT_CONFIRMATION || unit->from != AG_SIDE_HOST)
		return 0;
	return ag_hide_confirmed(engine, unit->link);
}

/* What a PDU tells is learned as its sender said it, and only then is anything hidden. A question
 * that goes on is not answered yet. */
static void settle(struct ag_engine *engine, const struct ag_unit *unit,
		   struct judgement *judgement)
{
	bool passive = engine->config.dry_run;

	ag_map_learn(unit, as_came(judgement));
	if (ag_hide_concerns(unit->link, unit->from, judgement->pdu[0]) &&
	    (!unit->forwarded || passive) && verdict_of(judgement) == AG_V_ACCEPT)
		hide(engine, unit, as_came(judgement), judgement);
	if (judgement->hide.outcome != AG_HIDE_ONWARD || passive)
		ag_bearer_answered(unit->bearer, unit->from, as_came(judgement), engine->now_us);
}

int ag_decide(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
	      const struct ag_first *first)
{
	struct judgement judgement;
	enum ag_verdict verdict;
	uint8_t error = 0;
	uint64_t number;
	int r;

	begin(&judgement, unit);
	if (att)
		judgement.att = *att;
	else
		look(engine, unit, &judgement);
	/* one that might have passed comes where nothing surplus is expected */
	if (unit->bearer && !unit->forwarded && !att) {
		verdict = ag_bearer_surplus(unit->bearer, unit->from, &judgement.att);
		if (verdict != AG_V_ACCEPT) {
			ag_tell_discarded(engine, unit, verdict);
			r = swallow(engine, unit);
			return r || verdict != AG_V_HIDE ? r
							 : ag_hide_confirmed(engine, unit->link);
		}
	}
	note_question(engine, unit, &judgement);
	number = ++engine->next_number;
	/* when its first fragment went by no rule wanted it, whatever was loaded since */
	if (!unit->forwarded || engine->config.dry_run)
		ask_rules(engine, unit, first, &judgement);
	if (unit->bearer)
		settle(engine, unit, &judgement);
	if (engine->config.dry_run)
		return dry_run(engine, unit, &judgement, number);
	verdict = verdict_of(&judgement);
	if (verdict != AG_V_ACCEPT && is_answered(unit, &judgement) &&
	    !has_room_for_answer(engine, unit)) {
		verdict = AG_V_ACCEPT;
		if (is_hidden(&judgement)) /* it goes on as it is */
			judgement.effects &= ~(unsigned int)AG_EFFECT_HIDE;
	}
	if (verdict == AG_V_ACCEPT) {
		tell(engine, unit, &judgement, verdict, 0, number);
		note_shown(engine, unit, &judgement);
		r = accept(engine, unit, &judgement, number);
	} else {
		if (unit->bearer)
			ag_map_indicated(unit->link, unit->from, unit->pdu, unit->len);
		r = verdict == AG_V_HIDE ? carry_out_hidden(engine, unit, &judgement, &error)
					 : carry_out(engine, unit, &judgement, &verdict, &error);
		tell(engine, unit, &judgement, verdict, error, number);
	}
	return r ? r : after_confirmation(engine, unit, as_came(&judgement));
}
