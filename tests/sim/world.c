/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/hci.h"

enum { CID_SIGNALLING_BREDR = 1, CID_ATT = 4, CID_SIGNALLING = 5, CID_SMP = 6, CID_OTHER = 0x40 };
enum { HANDLE_BASE = 0x40 }; /* a handle's low two bits are its link's index */

struct world {
	const struct ag_sim_case *what;
	struct ag_sim_case_result *result;
	struct ag_sim_report *report;
	struct ag_random random;
	uint64_t now_us;
	struct ag_sim_middle middle;
	struct ag_sim_middle mirror; /* a wire, where nothing may change */
	struct ag_engine *engine;    /* NULL over a wire */
	struct ag_sim_mutator mutator;
	const struct ag_sim_rules *rules; /* for the second opinion; NULL after a reload */
	bool ending[AG_SIM_LINKS];        /* by a `disconnect` rule */
	bool quiet;                       /* nobody begins anything any more */
	struct ag_sim_host host;
	struct ag_sim_controller controller;
	struct ag_sim_ledger ledger[AG_SIM_LINKS][2]; /* by enum ag_from */
};

static size_t slot(uint16_t handle)
{
	return handle & 3;
}

/* ---- Packets -------------------------------------------------------------------------------- */

static void feed(struct world *world, enum ag_side side, const uint8_t *packet, size_t len)
{
	if (world->middle.feed(world->middle.self, side, packet, len, world->now_us) < 0)
		ag_sim_fail(world->report, AG_SIM_MEMORY, "feed failed");
	if (world->mirror.self)
		world->mirror.feed(world->mirror.self, side, packet, len, world->now_us);
}

static void from_host(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_HOST, packet, len);
}

static void from_controller(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_CONTROLLER, packet, len);
}

static void deliver(struct world *world, enum ag_side side, const uint8_t *packet, size_t len)
{
	if (side == AG_SIDE_HOST)
		ag_sim_host_receive(&world->host, packet, len);
	else
		ag_sim_controller_receive(&world->controller, packet, len);
}

static void compare(struct world *world, enum ag_side side, const struct ag_packet *packet)
{
	struct ag_packet want;

	if (!world->mirror.peek(world->mirror.self, side, &want)) {
		ag_sim_fail(world->report, AG_SIM_BYTES, "a packet of %zu octets out of nothing",
			    packet->len);
		return;
	}
	if (want.len != packet->len || memcmp(want.data, packet->data, want.len) != 0)
		ag_sim_fail(world->report, AG_SIM_BYTES, "%zu octets in, %zu octets out", want.len,
			    packet->len);
	world->mirror.pop(world->mirror.self, side);
}

static bool drain_one(struct world *world, enum ag_side side)
{
	struct ag_sim_mutants mutants;
	struct ag_packet packet;

	if (!world->middle.peek(world->middle.self, side, &packet))
		return false;
	if (world->mirror.self)
		compare(world, side, &packet);
	if (ag_sim_mutate(&world->mutator, side, packet.data, packet.len, &mutants)) {
		for (size_t i = 0; i < mutants.count; i++)
			deliver(world, mutants.packet[i].side, mutants.packet[i].data,
				mutants.packet[i].len);
	} else {
		deliver(world, side, packet.data, packet.len);
	}
	world->middle.pop(world->middle.self, side);
	return true;
}

static void drain(struct world *world)
{
	while (drain_one(world, AG_SIDE_HOST) || drain_one(world, AG_SIDE_CONTROLLER))
		;
}

/* ---- Time ----------------------------------------------------------------------------------- */

static void tick(struct world *world)
{
	if (world->middle.tick(world->middle.self, world->now_us) < 0)
		ag_sim_fail(world->report, AG_SIM_MEMORY, "tick failed");
	if (world->middle.deadline(world->middle.self) <= world->now_us)
		ag_sim_fail(world->report, AG_SIM_STUCK, "a deadline in the past after the tick");
}

static void pass_time(struct world *world, uint64_t us)
{
	uint64_t until = world->now_us + us;

	while (world->report->fault == AG_SIM_FINE) {
		uint64_t deadline = world->middle.deadline(world->middle.self);

		if (deadline > until)
			break;
		if (deadline > world->now_us)
			world->now_us = deadline;
		tick(world);
	}
	world->now_us = until;
}

/* ---- What the engine decides ------------------------------------------------------------------
 */

static bool waits_for_answer(const struct ag_decision *decision)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(decision->pdu[0]);

	if (!decision->is_att)
		return decision->pdu[0] == 0x01 || decision->pdu[0] == 0x0b;
	return kind == AG_SIM_ATT_REQUEST || kind == AG_SIM_ATT_INDICATION;
}

/* The ends of a decision's link, or NULL where that end is down already. */
static void ends_of(struct world *world, const struct ag_decision *decision,
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

/* The rule took away what somebody waits for: nobody is to blame for a missing answer. */
static void excuse(struct world *world, const struct ag_decision *decision)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(decision->pdu[0]);
	struct ag_sim_end *sender, *receiver;

	ends_of(world, decision, &sender, &receiver);
	if (!decision->is_att) {
		if (sender && decision->pdu[0] == 0x01)
			sender->pairing = false;
		if (receiver && (decision->pdu[0] == 0x02 || decision->pdu[0] == 0x05))
			receiver->pairing = false;
		return;
	}
	if (sender && kind == AG_SIM_ATT_REQUEST)
		sender->att.asked = false;
	if (sender && kind == AG_SIM_ATT_INDICATION)
		sender->att.indicated = false;
	if (receiver && kind == AG_SIM_ATT_RESPONSE)
		receiver->att.asked = false;
	if (receiver && kind == AG_SIM_ATT_CONFIRMATION)
		receiver->att.indicated = false;
}

static void second_opinion(struct world *world, const struct ag_decision *decision)
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

static void first_word(struct world *world, struct ag_sim_ledger *ledger,
		       const struct ag_decision *decision)
{
	struct ag_sim_entry *entry = ag_sim_ledger_undecided(&ledger[decision->from], decision->cid,
							     decision->pdu, decision->len,
							     decision->pdu_len);

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
	if ((decision->verdict == AG_V_REJECT || decision->verdict == AG_V_ANSWER) &&
	    waits_for_answer(decision))
		ledger[!decision->from].answers++;
	else if (decision->verdict != AG_V_LATE)
		excuse(world, decision);
}

static void later_word(struct world *world, struct ag_sim_ledger *ledger,
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

static void tap(void *user, const struct ag_decision *decision)
{
	struct world *world = user;
	size_t index = slot(decision->link->handle);
	bool later = decision->verdict == AG_V_TIMEOUT || decision->verdict == AG_V_DISCARD;

	world->result->verdicts[decision->verdict]++;
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

/* ---- PDUs ----------------------------------------------------------------------------------- */

static void receive_smp(struct ag_sim_end *end, const uint8_t *pdu, size_t len)
{
	if (len == 0 || (pdu[0] == 0x05 && len != 2)) {
		ag_sim_fail(end->report, AG_SIM_MALFORMED, "%s: SMP of %zu octets", end->who, len);
		return;
	}
	if (pdu[0] == 0x01) {
		if (end->paired_with)
			ag_sim_fail(end->report, AG_SIM_SECOND_REQUEST,
				    "%s: a second Pairing Request", end->who);
		end->paired_with = true;
	} else if (pdu[0] == 0x02 || pdu[0] == 0x05) {
		if (!end->pairing && !(pdu[0] == 0x05 && end->security_asked > 0))
			ag_sim_fail(end->report, AG_SIM_SECOND_ANSWER,
				    "%s: SMP 0x%02x without a Pairing Request", end->who, pdu[0]);
		if (end->pairing || pdu[0] == 0x02)
			end->pairing = false;
		else if (end->security_asked > 0)
			end->security_asked--;
	}
}

static void receive_pdu(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
			size_t len)
{
	struct world *world = user;
	size_t index = slot(end->handle);
	bool at_host = end->pb_first == 0;
	struct ag_sim_ledger *ledger = &world->ledger[index][at_host ? AG_FROM_PEER : AG_FROM_HOST];

	world->result->pdus++;
	if (!world->ending[index] && !ag_sim_ledger_arrived(ledger, cid, pdu, len))
		ag_sim_fail(world->report, AG_SIM_UNEXPECTED,
			    "%s: channel %u, opcode 0x%02x, %zu octets", end->who, cid,
			    len ? pdu[0] : 0, len);
	if (world->ending[index])
		return;
	if (cid == CID_ATT)
		ag_sim_att_receive(&end->att, &world->random, world->report, end->who, pdu, len,
				   world->now_us);
	else if (cid == CID_SMP)
		receive_smp(end, pdu, len);
}

static size_t start_smp(struct world *world, struct ag_sim_end *end, bool central, uint8_t *out)
{
	if (!central || end->pairing) {
		out[0] = central ? 0x0e : 0x0b; /* Keypress Notification, Security Request */
		end->security_asked += !central;
		out[1] = (uint8_t)ag_random_below(&world->random, 5);
		return 2;
	}
	end->pairing = true;
	memcpy(out, "\x01\x03\x00\x01\x10\x07\x07", 7);
	return 7;
}

static size_t reply_smp(struct world *world, struct ag_sim_end *end, uint8_t *out)
{
	if (!end->paired_with)
		return 0;
	end->paired_with = false;
	if (ag_random_percent(&world->random, 50)) {
		memcpy(out, "\x05\x05", 2);
		return 2;
	}
	memcpy(out, "\x02\x03\x00\x01\x10\x07\x07", 7);
	return 7;
}

static size_t start_other(struct world *world, bool le, uint16_t *cid, uint8_t *out)
{
	if (ag_random_percent(&world->random, 30)) {
		*cid = le ? CID_SIGNALLING : CID_SIGNALLING_BREDR;
		memcpy(out, "\x08\x01\x02\x00\x00\x00", 6);
		ag_random_fill(&world->random, out + 4, 2);
		return 6;
	}
	*cid = CID_OTHER;
	ag_random_fill(&world->random, out, 24);
	return ag_random_range(&world->random, 0, 24);
}

static size_t start_pdu(struct world *world, struct ag_sim_end *end, bool le, bool central,
			uint16_t *cid, uint8_t *out)
{
	uint32_t choice = ag_random_below(&world->random, 100);

	if (!le || choice < 10)
		return start_other(world, le, cid, out);
	if (choice < 18) {
		*cid = CID_SMP;
		return start_smp(world, end, central, out);
	}
	*cid = CID_ATT;
	return ag_sim_att_start(&end->att, &world->random, out);
}

/* Begin a PDU: an answer that is due, else, if wanted, something new. */
static void begin(struct world *world, struct ag_sim_end *end, bool le, bool central, bool fresh)
{
	struct ag_sim_ledger *ledger =
	    &world->ledger[slot(end->handle)][end->pb_first == 0 ? AG_FROM_HOST : AG_FROM_PEER];
	uint8_t pdu[AG_SIM_ATT_MAX];
	uint16_t cid = CID_ATT;
	size_t len;

	if (ag_sim_end_busy(end) || ag_sim_ledger_full(ledger))
		return;
	len = ag_sim_att_reply(&end->att, &world->random, world->now_us, pdu);
	if (len == 0) {
		cid = CID_SMP;
		len = reply_smp(world, end, pdu);
	}
	if (len == 0) {
		if (!fresh || world->quiet)
			return;
		len = start_pdu(world, end, le, central, &cid, pdu);
	}
	ag_sim_ledger_sent(ledger, cid, pdu, len);
	ag_sim_end_begin(end, cid, pdu, len);
}

static void host_step(struct world *world, size_t index, bool fresh)
{
	struct ag_sim_host_link *link = &world->host.link[index];

	if (!link->up || world->host.resetting)
		return;
	begin(world, &link->end, link->le, link->central, fresh);
	while (ag_sim_host_send(&world->host, index) && !ag_random_percent(&world->random, 20))
		;
}

static void peer_step(struct world *world, size_t index, bool fresh)
{
	struct ag_sim_controller_link *link = &world->controller.link[index];

	if (!link->up)
		return;
	begin(world, &link->peer, link->le, !link->central, fresh);
	while (ag_sim_controller_send(&world->controller, index) &&
	       !ag_random_percent(&world->random, 20))
		;
}

/* ---- Links ------------------------------------------------------------------------------------
 */

static void connect_link(struct world *world, size_t index)
{
	uint16_t handle = (uint16_t)(HANDLE_BASE + index + 4 * ag_random_below(&world->random, 2));

	/* What is under way for the handle's last use must have arrived. */
	while (ag_sim_controller_answer(&world->controller))
		;
	drain(world);
	world->ledger[index][0].count = 0;
	world->ledger[index][0].answers = 0;
	world->ledger[index][1].count = 0;
	world->ledger[index][1].answers = 0;
	world->ending[index] = false;
	ag_sim_controller_connect(
	    &world->controller, index, handle,
	    (enum ag_sim_connection)ag_random_below(&world->random, AG_SIM_CONNECTION_COUNT),
	    ag_random_percent(&world->random, 50));
}

static void link_step(struct world *world)
{
	size_t index = ag_random_below(&world->random, AG_SIM_LINKS);
	struct ag_sim_controller_link *link = &world->controller.link[index];

	if (!link->up) {
		connect_link(world, index);
		return;
	}
	if (ag_random_percent(&world->random, 60)) {
		ag_sim_controller_encrypt(&world->controller, index,
					  ag_random_percent(&world->random, 80));
		return;
	}
	if (!world->what->calm && ag_random_percent(&world->random, 50))
		ag_sim_controller_disconnect(&world->controller, index, 0x13);
}

static void command_step(struct world *world)
{
	uint8_t params[3] = { HANDLE_BASE, 0, 0x13 };
	uint32_t choice = ag_random_below(&world->random, 100);

	params[0] = (uint8_t)(params[0] + ag_random_below(&world->random, AG_SIM_LINKS));
	if (choice < 3 && !world->what->calm && !world->what->flow)
		ag_sim_host_command(&world->host, AG_SIM_HCI_RESET, NULL, 0);
	else if (choice < 10 && !world->what->calm)
		ag_sim_host_command(&world->host, AG_SIM_HCI_DISCONNECT, params, 3);
	else
		ag_sim_host_command(&world->host, AG_SIM_HCI_READ_RSSI, params, 2);
}

/* No controller takes that long to answer a command. */
static void pass_long_time(struct world *world)
{
	drain(world);
	while (ag_sim_controller_answer(&world->controller))
		;
	pass_time(world, ag_random_below(&world->random, 1000000));
}

static void step(struct world *world)
{
	size_t index = ag_random_below(&world->random, AG_SIM_LINKS);
	uint32_t choice = ag_random_below(&world->random, 100);

	if (choice < 24)
		host_step(world, index, true);
	else if (choice < 48)
		peer_step(world, index, true);
	else if (choice < 66)
		ag_sim_controller_complete(&world->controller, false);
	else if (choice < 71)
		link_step(world);
	else if (choice < 74)
		command_step(world);
	else if (choice < 78)
		ag_sim_controller_answer(&world->controller);
	else if (choice < 81)
		ag_sim_host_complete(&world->host, false);
	else if (choice < 85)
		pass_long_time(world);
	else
		pass_time(world, ag_random_below(&world->random, 2000));
	for (uint32_t n = ag_random_below(&world->random, 6); n > 0; n--) {
		drain_one(world, AG_SIDE_HOST);
		drain_one(world, AG_SIDE_CONTROLLER);
	}
}

/* ---- A case ------------------------------------------------------------------------------------
 */

static void command(struct world *world, uint16_t opcode, const uint8_t *params, uint8_t len)
{
	ag_sim_host_command(&world->host, opcode, params, len);
	drain(world);
	ag_sim_controller_answer(&world->controller);
	drain(world);
}

static void power_on(struct world *world)
{
	static const uint8_t host_buffers[7] = { 0xff, 0x03, 64, 4, 0, 8, 0 };
	bool v2 = ag_random_percent(&world->random, 50);

	command(world, AG_SIM_HCI_RESET, NULL, 0);
	command(world, AG_SIM_HCI_READ_BUFFER_SIZE, NULL, 0);
	command(world, v2 ? AG_SIM_HCI_LE_READ_BUFFER_SIZE_V2 : AG_SIM_HCI_LE_READ_BUFFER_SIZE,
		NULL, 0);
	if (!world->what->flow)
		return;
	command(world, AG_SIM_HCI_HOST_BUFFER_SIZE, host_buffers, sizeof(host_buffers));
	world->host.flow = host_buffers[3];
	command(world, AG_SIM_HCI_SET_HOST_FLOW, (const uint8_t[]){ 1 }, 1);
}

/* Let everybody finish. Ten virtual minutes are more than any delay and any time-out. */
static void finish(struct world *world)
{
	world->quiet = true;
	for (int i = 0; i < 600 && world->report->fault == AG_SIM_FINE; i++) {
		bool moved;

		for (size_t link = 0; link < AG_SIM_LINKS; link++) {
			host_step(world, link, false);
			peer_step(world, link, false);
		}
		drain(world);
		moved = ag_sim_controller_answer(&world->controller);
		moved = ag_sim_controller_complete(&world->controller, true) || moved;
		moved = ag_sim_host_complete(&world->host, true) || moved;
		drain(world);
		pass_time(world, i < 100 ? 20000 : 1000000);
		drain(world);
		if (i > 110 && !moved && world->middle.deadline(world->middle.self) == UINT64_MAX)
			break;
	}
}

static void judge_end(struct world *world, const struct ag_sim_end *end)
{
	if (ag_sim_end_busy(end))
		ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
			    "%s: handle 0x%03x cannot send for want of a completion", end->who,
			    end->handle);
	if (end->in_len > 0)
		ag_sim_fail(world->report, AG_SIM_LOST_PDU, "%s: %zu octets of a PDU", end->who,
			    end->in_len);
	if (end->att.asked || end->att.indicated || end->pairing)
		ag_sim_fail(world->report, AG_SIM_MISSING_ANSWER, "%s: nobody answered 0x%02x",
			    end->who,
			    end->att.asked ? end->att.request : (end->att.indicated ? 0x1d : 0x01));
}

static void judge_link(struct world *world, size_t index)
{
	struct ag_sim_controller_link *peer = &world->controller.link[index];
	struct ag_sim_host_link *host = ag_sim_host_find(&world->host, peer->peer.handle);

	if (!peer->up)
		return;
	if (world->ending[index]) {
		ag_sim_fail(world->report, AG_SIM_STUCK, "a rule ended handle 0x%03x, yet it is up",
			    peer->peer.handle);
		return;
	}
	if (!host) {
		ag_sim_fail(world->report, AG_SIM_UNKNOWN_HANDLE,
			    "the host does not know of handle 0x%03x", peer->peer.handle);
		return;
	}
	for (int from = 0; from < 2; from++) {
		size_t owed = ag_sim_ledger_owed(&world->ledger[index][from]);

		if (owed > 0 || world->ledger[index][from].answers > 0)
			ag_sim_fail(world->report, AG_SIM_LOST_PDU,
				    "%zu PDUs and %u answers never came, from %d", owed,
				    world->ledger[index][from].answers, from);
	}
	judge_end(world, &host->end);
	judge_end(world, &peer->peer);
	if (peer->to_host > 0)
		ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
			    "controller: %u packets of handle 0x%03x are not completed",
			    peer->to_host, peer->peer.handle);
}

/* First of all, because one lost completion may hold up every other link. */
static void judge_completions(struct world *world)
{
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		const struct ag_sim_host_link *host = &world->host.link[i];

		if (host->up && host->sent > 0)
			ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
				    "host: %u packets of handle 0x%03x are not completed",
				    host->sent, host->end.handle);
	}
}

static void judge_case(struct world *world)
{
	judge_completions(world);
	for (size_t i = 0; i < AG_SIM_LINKS; i++)
		judge_link(world, i);
	for (size_t i = 0; i < 2; i++) {
		if (world->host.pool[i].used > 0 || world->controller.pool[i].used > 0)
			ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
				    "%u and %u buffers in use", world->host.pool[i].used,
				    world->controller.pool[i].used);
	}
	if (world->host.command != 0 || world->controller.n_commands > 0)
		ag_sim_fail(world->report, AG_SIM_STUCK, "command 0x%04x has no answer",
			    world->host.command);
	if (world->middle.deadline(world->middle.self) != UINT64_MAX)
		ag_sim_fail(world->report, AG_SIM_STUCK, "the engine still waits for something");
	if (world->engine && (ag_engine_backlog(world->engine, AG_SIDE_HOST) > 0 ||
			      ag_engine_backlog(world->engine, AG_SIDE_CONTROLLER) > 0))
		ag_sim_fail(world->report, AG_SIM_STUCK, "a backlog with nothing in it");
	if (world->engine && ag_engine_stats(world->engine)->surplus_completions > 0)
		ag_sim_fail(world->report, AG_SIM_SURPLUS_COMPLETION,
			    "the engine lost count of the controller's buffers");
	if (world->mirror.self) {
		struct ag_packet packet;

		for (int side = 0; side < 2; side++) {
			if (world->mirror.peek(world->mirror.self, (enum ag_side)side, &packet))
				ag_sim_fail(world->report, AG_SIM_BYTES, "a packet never came out");
		}
	}
}

static void reload(struct world *world)
{
	if (!world->what->reload || !world->engine)
		return;
	world->rules = NULL;
	if (ag_engine_set_rules(world->engine, world->what->reload->set) < 0)
		ag_sim_fail(world->report, AG_SIM_MEMORY, "set_rules failed");
}

static void prepare_end(struct world *world, struct ag_sim_end *end)
{
	end->deliver = receive_pdu;
	end->user = world;
	end->chunks = AG_SIM_CHUNKS_RANDOM;
	end->att.slow_us = 1200000;
}

static void prepare(struct world *world)
{
	static const uint16_t lengths[] = { 27, 64, 251, 1021 };
	const struct ag_sim_case *what = world->what;

	ag_sim_host_init(&world->host, world->report, &world->random,
			 (struct ag_sim_port){ from_host, world });
	ag_sim_controller_init(&world->controller, world->report, &world->random,
			       (struct ag_sim_port){ from_controller, world });
	world->host.acl_max = what->acl_max[AG_SIDE_HOST];
	world->controller.pool[0].count = what->acl_count;
	world->controller.pool[0].len = lengths[ag_random_range(&world->random, 1, 3)];
	world->controller.pool[1].count = what->le_count;
	world->controller.pool[1].len = lengths[ag_random_below(&world->random, 4)];
	world->controller.to_host_max = lengths[ag_random_below(&world->random, 4)];
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		prepare_end(world, &world->host.link[i].end);
		prepare_end(world, &world->controller.link[i].peer);
	}
}

static void run(struct world *world)
{
	unsigned int steps = world->what->steps ? world->what->steps : 120;

	power_on(world);
	connect_link(world, 0);
	for (unsigned int i = 0; i < steps && world->report->fault == AG_SIM_FINE; i++) {
		if (i == steps / 2)
			reload(world);
		step(world);
	}
	if (world->report->fault == AG_SIM_FINE)
		finish(world);
	if (world->report->fault == AG_SIM_FINE)
		judge_case(world);
}

static struct ag_engine *new_engine(struct world *world)
{
	const struct ag_sim_case *what = world->what;
	struct ag_engine_config config = {
		.rules = what->rules ? what->rules->set : NULL,
		.tap = tap,
		.tap_user = world,
		.seed = what->seed,
		.acl_max = { what->acl_max[0], what->acl_max[1] },
		.dry_run = what->dry_run,
	};

	return ag_sim_engine_new(&config, &world->middle);
}

void ag_sim_run(const struct ag_sim_case *what, struct ag_sim_case_result *result)
{
	static struct world world; /* large, and cleared for each case */

	*result = (struct ag_sim_case_result){ 0 };
	memset(&world, 0, sizeof(world));
	world.what = what;
	world.result = result;
	world.report = &result->report;
	world.random.state = what->seed;
	world.rules = what->rules;
	world.mutator = (struct ag_sim_mutator){ .kind = what->mutation,
						 .after = what->mutate_after };
	if (what->wire)
		world.middle = ag_sim_wire_new();
	else
		world.engine = new_engine(&world);
	if (!what->wire && !world.engine) {
		ag_sim_fail(world.report, AG_SIM_MEMORY, "no engine");
		return;
	}
	if (what->unchanged)
		world.mirror = ag_sim_wire_new();
	prepare(&world);
	run(&world);
	result->mutated = world.mutator.done;
	result->completions = world.host.completions;
	if (world.engine)
		result->judged = ag_engine_stats(world.engine)->judged;
	world.middle.free(world.middle.self);
	if (what->unchanged)
		world.mirror.free(world.mirror.self);
}
