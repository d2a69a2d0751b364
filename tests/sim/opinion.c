/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Decisions of the engine: a second opinion on each, and what follows for the ledgers. */

#include <string.h>

#include "tests/sim/world_internal.h"

static bool waits_for_answer(const struct ag_decision *decision)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(decision->pdu[0]);

	if (!decision->is_att)
		return decision->pdu[0] == 0x01 || decision->pdu[0] == 0x0b;
	return kind == AG_SIM_ATT_REQUEST || kind == AG_SIM_ATT_INDICATION;
}

/* Whoever asked gets another answer in the place of this one. */
static bool is_replaced(const struct ag_decision *decision)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(decision->pdu[0]);

	return decision->is_att && (kind == AG_SIM_ATT_RESPONSE || kind == AG_SIM_ATT_CONFIRMATION);
}

/* The ends of a decision's link, or NULL where that end is down already. */
static void ends_of(struct ag_sim_world *world, const struct ag_decision *decision,
		    struct ag_sim_end **sender, struct ag_sim_end **receiver)
{
	struct ag_sim_host_link *host = ag_sim_host_find(&world->host, decision->link->handle);
	struct ag_sim_controller_link *peer = ag_sim_controller_find(&world->controller,
								     decision->link->handle);
	struct ag_sim_end *host_end = host ? &host->end : NULL;
	struct ag_sim_end *peer_end = peer ? &peer->peer : NULL;

	*sender = decision->from == AG_FROM_HOST ? host_end : peer_end;
	*receiver = decision->from == AG_FROM_HOST ? peer_end : host_end;
}

static struct ag_sim_att *att_of(struct ag_sim_end *end, const struct ag_decision *decision)
{
	if (!end)
		return NULL;
	return decision->bearer == AG_BEARER_EATT ? &end->coc.att : &end->att;
}

static void excuse_att(struct ag_sim_att *sender, struct ag_sim_att *receiver,
		       enum ag_sim_att_kind kind)
{
	if (sender && kind == AG_SIM_ATT_REQUEST)
		sender->asked = false;
	if (sender && kind == AG_SIM_ATT_INDICATION)
		sender->indicated = false;
	if (receiver && kind == AG_SIM_ATT_RESPONSE)
		receiver->asked = false;
	if (receiver && kind == AG_SIM_ATT_CONFIRMATION)
		receiver->indicated = false;
}

/* The rule took away what somebody waits for: nobody is to blame for a missing answer. */
static void excuse(struct ag_sim_world *world, const struct ag_decision *decision)
{
	uint8_t code = decision->pdu[0];
	struct ag_sim_end *sender, *receiver;

	ends_of(world, decision, &sender, &receiver);
	if (decision->is_att) {
		excuse_att(att_of(sender, decision), att_of(receiver, decision),
			   ag_sim_att_kind(code));
		return;
	}
	if (sender && code == 0x01)
		sender->pairing = false;
	if (receiver && (code == 0x02 || code == 0x05))
		receiver->pairing = false;
}

static void second_opinion(struct ag_sim_world *world, const struct ag_decision *decision)
{
	struct ag_sim_opinion opinion;
	size_t rule;

	if (!world->rules || decision->len < decision->pdu_len)
		return;
	ag_sim_rules_judge(world->rules, decision->from, decision->is_att, decision->pdu,
			   decision->len, &opinion);
	rule = decision->verdict == AG_V_ACCEPT || !decision->rule ? opinion.rule
								   : decision->rule->index;
	if (opinion.verdict != decision->verdict || opinion.rule != rule ||
	    (opinion.has_error && (!decision->has_error || decision->error != opinion.error)))
		ag_sim_fail(
		    world->report, AG_SIM_VERDICT,
		    "opcode 0x%02x from %d: verdict %d error 0x%02x, not %d of r%zu, 0x%02x",
		    decision->pdu[0], decision->from, decision->verdict, decision->error,
		    opinion.verdict, opinion.rule, opinion.error);
	if (decision->verdict == AG_V_ACCEPT && opinion.rewritten &&
	    (!decision->out || decision->out_len != opinion.out_len ||
	     memcmp(decision->out, opinion.out, opinion.out_len) != 0))
		ag_sim_fail(world->report, AG_SIM_VERDICT, "opcode 0x%02x is rewritten otherwise",
			    decision->pdu[0]);
}

static void forwarded(struct ag_sim_entry *entry, const struct ag_decision *decision)
{
	entry->copies = decision->effects & AG_EFFECT_DUPLICATE ? 2 : 1;
	if (decision->out)
		ag_sim_entry_becomes(entry, decision->out, decision->out_len);
}

static void first_word(struct ag_sim_world *world, struct ag_sim_ledger *ledger,
		       const struct ag_decision *decision)
{
	bool eatt = decision->is_att && decision->bearer == AG_BEARER_EATT;
	uint16_t cid = eatt ? AG_SIM_CID_EATT : decision->cid;
	struct ag_sim_entry *entry = ag_sim_ledger_undecided(
	    &ledger[decision->from], cid, decision->pdu, decision->len, decision->pdu_len);
	bool said;

	if (!entry) {
		ag_sim_fail(world->report, AG_SIM_UNEXPECTED,
			    "a word on channel %u, opcode 0x%02x, %zu octets, which nobody sent",
			    decision->cid, decision->pdu[0], decision->pdu_len);
		return;
	}
	entry->decided = true;
	entry->number = decision->number;
	if (decision->verdict == AG_V_ACCEPT) {
		forwarded(entry, decision);
		return;
	}
	entry->copies = 0;
	said = decision->verdict == AG_V_REJECT || decision->verdict == AG_V_ANSWER;
	if (said && waits_for_answer(decision))
		ledger[!decision->from].answers++;
	else if (said && is_replaced(decision))
		ledger[decision->from].answers++;
	else if (decision->verdict != AG_V_LATE)
		excuse(world, decision);
}

static void later_word(struct ag_sim_world *world, struct ag_sim_ledger *ledger,
		       const struct ag_decision *decision)
{
	struct ag_sim_entry *entry = ag_sim_ledger_numbered(&ledger[decision->from],
							    decision->number);

	if (decision->verdict == AG_V_TIMEOUT)
		ledger[!decision->from].answers++;
	/* without the effect: it was not forwarded, because a late answer is still owed */
	if (decision->verdict == AG_V_TIMEOUT && !(decision->effects & AG_EFFECT_TIMEOUT) && entry)
		entry->copies = 0;
	if (decision->verdict == AG_V_DISCARD && entry) {
		entry->copies = 0;
		excuse(world, decision);
	}
}

void ag_sim_world_tap(void *user, const struct ag_decision *decision)
{
	struct ag_sim_world *world = user;
	size_t index = ag_sim_slot(decision->link->handle);
	bool later = decision->verdict == AG_V_TIMEOUT || decision->verdict == AG_V_DISCARD;

	if (world->what->twin)
		ag_sim_twin_hear(&world->twin, decision);
	world->result->verdicts[decision->verdict]++;
	if (decision->as_came && ag_subject_has(decision->as_came, AG_F_ATT_MALFORMED))
		world->result->malformed += decision->as_came->value[AG_F_ATT_MALFORMED].num;
	if (index >= AG_SIM_LINKS || world->ending[index])
		return;
	if (!later && decision->verdict != AG_V_LATE)
		second_opinion(world, decision);
	if (world->what->dry_run)
		return;
	if (later)
		later_word(world, world->ledger[index], decision);
	else
		first_word(world, world->ledger[index], decision);
	if (decision->verdict == AG_V_DISCONNECT)
		world->ending[index] = true;
}

bool ag_sim_world_pass(void *user, const struct ag_passed *passed)
{
	struct ag_sim_world *world = user;
	struct ag_subject subject;
	struct ag_decision decision;

	if (passed->number % 5 == 0)
		return false;
	decision = ag_sim_passed(passed, &subject);
	world->result->passed++;
	ag_sim_world_tap(world, &decision);
	return true;
}
