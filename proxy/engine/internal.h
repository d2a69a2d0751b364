/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_INTERNAL_H
#define AG_ENGINE_INTERNAL_H

/*
 * What the files of the engine ask of each other. Functions that return int give 0 or -ENOMEM,
 * which is fatal for the engine and passed on untouched.
 */

#include "proxy/engine/pass.h"
#include "proxy/engine/state.h"
#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"

/* ---- engine.c ---- */

/** Queue a packet for a side as it is, without any account. */
int ag_emit(struct ag_engine *engine, enum ag_side to, const uint8_t *packet, size_t len);

/** An ACL packet from the controller whose link is now known, or never will be. */
int ag_early_release(struct ag_engine *engine, bool all);

/** Have ag_engine_tick() called at `at_us`. */
static inline void ag_due(struct ag_engine *engine, uint64_t at_us)
{
	if (at_us < engine->due_us)
		engine->due_us = at_us;
}

/** The next number of the engine's generator (seeded, so a run repeats). */
uint64_t ag_random(struct ag_engine *engine);

/** Whether nothing will be changed: then nothing is ever held, not even for a moment. */
static inline bool ag_is_passive(const struct ag_engine *engine)
{
	return engine->config.dry_run || !ag_ruleset_count(engine->config.rules);
}

/* ---- link.c: links and what events say of them ---- */

static inline struct ag_link *ag_link_find(struct ag_engine *engine, uint16_t handle)
{
	uint8_t slot = handle <= AG_HCI_HANDLE_MAX ? engine->by_handle[handle] : 0;

	return slot ? engine->links[slot - 1] : NULL;
}

/** The link in slot `i`, less than engine->links_used; NULL when it is not up. */
static inline struct ag_link *ag_link_at(struct ag_engine *engine, size_t i)
{
	return engine->links[i] && engine->links[i]->up ? engine->links[i] : NULL;
}

/** A link came up. An older one of the same handle is closed first; where there is no room or no
 *  memory the new one is not known, and its packets go by. */
int ag_link_open(struct ag_engine *engine, const struct ag_link_view *view);

/** A link went down: its accounts on both sides end, and what was held or waited is forgotten. */
void ag_link_close(struct ag_engine *engine, struct ag_link *link);

void ag_link_close_all(struct ag_engine *engine);

/** Release the memory of all links. */
void ag_link_free_all(struct ag_engine *engine);

/* ---- event.c, command.c ---- */

/** An event from the controller, H4 type octet first. */
int ag_event(struct ag_engine *engine, const uint8_t *packet, size_t len);

/** A command from the host, H4 type octet first. */
int ag_command(struct ag_engine *engine, const uint8_t *packet, size_t len);

/** A command of our own; its Command Complete or Status will not reach the host. */
int ag_command_own(struct ag_engine *engine, const uint8_t *packet, size_t len);

/**
 * The controller answered a command.
 *
 * @credits: Num_HCI_Command_Packets
 * @ours:    true when the answer is to our own command and not for the host
 */
void ag_command_answered(struct ag_engine *engine, uint16_t opcode, uint8_t credits, bool *ours);

/** Send what waited for that answer. */
int ag_command_next(struct ag_engine *engine);

/** The controller is being reset: forget all commands. */
void ag_command_reset(struct ag_engine *engine);

/** The role that commands and events gave us towards a BR/EDR peer. */
void ag_role_learn(struct ag_engine *engine, uint64_t peer, enum ag_role role);
enum ag_role ag_role_known(const struct ag_engine *engine, uint64_t peer);

/* ---- identify.c: who the peers are ---- */

/** Put the peer's identity in the place of a resolvable private address that is known. @return:
 *  whether it was */
bool ag_identify(struct ag_engine *engine, struct ag_link_view *view);

/** An SMP PDU of the peer's goes to the host. */
void ag_identify_smp(struct ag_engine *engine, struct ag_link *link, const uint8_t *pdu,
		     size_t len);

/** Take what the peer has told of itself, if it is whole and the link is encrypted. */
void ag_identify_introduced(struct ag_engine *engine, struct ag_link *link);

/** Parameters of LE Add Device To Resolving List. */
void ag_identify_listed(struct ag_engine *engine, struct ag_cursor *params);

/* ---- credits.c: the ledger ---- */

/** Send an ACL packet of a link, or let it wait for a buffer. `ours`: its sender was told already
 *  that it is done, or never knew of it. */
int ag_send(struct ag_engine *engine, struct ag_link *link, enum ag_side to, const uint8_t *packet,
	    size_t len, bool ours);

/** Tell a side that `count` of its packets are done with. */
int ag_complete(struct ag_engine *engine, struct ag_link *link, enum ag_side sender, size_t count);

/** A side completed `count` packets of a link. @return: how many of them are owed to the other side
 */
uint16_t ag_completed(struct ag_engine *engine, struct ag_link *link, enum ag_side at,
		      uint16_t count);

/** Rewrite an array of (handle, count) in which a side reports completed packets.
 *  @return: entries left */
size_t ag_completed_list(struct ag_engine *engine, enum ag_side at, uint8_t *entries, size_t count);

/** Let waiting packets have the buffers that became free. */
int ag_drain(struct ag_engine *engine, enum ag_side to);

/** Close the account of a link. */
void ag_credits_close(struct ag_engine *engine, struct ag_link *link);

/** Longest data field of an ACL packet of ours on this link. */
size_t ag_fragment_len(struct ag_engine *engine, const struct ag_link *link, enum ag_side to);

/* ---- recombine.c: packets to PDUs and back ---- */

/** One ACL packet of a known link. */
int ag_recombine(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		 const struct ag_acl *acl, const uint8_t *packet, size_t len);

/** Complete to the sender what is being gathered, now that nothing waits any more. */
int ag_recombine_pay(struct ag_engine *engine, struct ag_link *link, enum ag_side from);

/** Forget the PDU in progress. */
void ag_assembly_end(struct ag_assembly *assembly);

/** One whole PDU on an ATT or SMP channel, and how it came. */
struct ag_unit {
	struct ag_link *link;
	enum ag_side from;
	uint16_t cid;
	struct ag_channel *channel; /* NULL on a fixed channel */
	struct ag_bearer *bearer;   /* NULL: SMP */
	const uint8_t *pdu;         /* ATT or SMP PDU */
	size_t len;
	size_t pdu_len;        /* more than len where only the beginning was looked at */
	const uint8_t *packet; /* came in one packet: this; NULL: in link->assembly[from] */
	size_t packet_len;
	size_t packets;
	size_t unpaid;        /* packets whose sender waits for their completion */
	const uint8_t *frame; /* credit-based: the last K-frame, which is the one at hand */
	size_t frame_len;
	size_t frames;  /* K-frames the sender spent on it; 0 on other channels */
	bool forwarded; /* it went on already */
};

/** Forward a PDU in the packets in which it came. */
int ag_unit_forward(struct ag_engine *engine, struct ag_unit *unit);

/** Forward other octets in its place. */
int ag_unit_forward_as(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu,
		       size_t len);

/** It goes no further: complete it to its sender. */
int ag_unit_swallow(struct ag_engine *engine, struct ag_unit *unit);

/** Send a PDU of our own in fragments, not between the fragments of another. `owed`: how many of
 * the last fragments complete packets of the other side's. */
int ag_inject(struct ag_engine *engine, struct ag_link *link, enum ag_side to, uint16_t cid,
	      const uint8_t *pdu, size_t len, size_t owed);

/* ---- channel.c: which channel carries what ---- */

enum ag_channel_class { AG_CLASS_OTHER, AG_CLASS_ATT, AG_CLASS_SMP, AG_CLASS_SIGNALLING };

/** Class of a channel as named in packets from `from`; fills unit->channel and unit->bearer. */
enum ag_channel_class ag_channel_classify(struct ag_link *link, enum ag_side from, uint16_t cid,
					  struct ag_unit *unit);

/** A signalling PDU: learn from it and let it pass, its grants of credits adjusted. */
int ag_signal(struct ag_engine *engine, struct ag_unit *unit);

/** Forget a channel and what waits on it. */
void ag_channel_close(struct ag_channel *channel);

/** Release its memory too. */
void ag_channel_free(struct ag_channel *channel);

/* ---- bearer.c: who asked what ---- */

void ag_bearer_init(struct ag_bearer *bearer, enum ag_bearer_type type);

/** What both sides can take is known: ATT_MTU is the smaller, but never below the least of the
 *  bearer (Vol 3 Part F, 3.4.2.2 and Part G, 5.2.1). */
void ag_bearer_set_mtu(struct ag_bearer *bearer, uint16_t one, uint16_t other);

/** The first octets of a request as its asker sent it, wherever `hide` has gone on since.
 *  @out: AG_HEAD_MAX octets. @return: how many there are */
size_t ag_bearer_question(const struct ag_transaction *transaction, uint8_t *out);

/** A request or indication goes on its way. */
void ag_bearer_asked(struct ag_bearer *bearer, enum ag_side from, const struct ag_att *att,
		     uint64_t now_us);

/** Whether a response or confirmation from `from` answers what the other side asked. */
bool ag_bearer_answers(const struct ag_bearer *bearer, enum ag_side from, const struct ag_att *att);

/** In place of a time: an answer of ours, whose round trip is not counted. */
#define AG_NOT_TIMED UINT64_MAX

/** A response or confirmation from `from` was seen: the open question is answered. */
void ag_bearer_answered(struct ag_bearer *bearer, enum ag_side from, const struct ag_att *att,
			uint64_t now_us);

/** Whether a response or confirmation from `from` is to be discarded: AG_V_LATE, AG_V_RECORDED, or
 * AG_V_HIDE where it answers an indication of ours; the debt is settled. AG_V_ACCEPT: no. */
enum ag_verdict ag_bearer_surplus(struct ag_bearer *bearer, enum ag_side from,
				  const struct ag_att *att);

/** Whether PDUs from `from` have to be looked at even if no rule wants them. */
bool ag_bearer_expects(const struct ag_bearer *bearer, enum ag_side from);

/** The same of any bearer of a link. */
bool ag_bearer_any_expects(const struct ag_link *link, enum ag_side from);

/** What a fragment tells of a PDU that is not judged, so that the answer is known as one. */
void ag_bearer_glance(const struct ag_unit *unit, uint64_t now_us);

/** Answer in place of the other side the requests whose time is up. */
int ag_bearer_tick(struct ag_engine *engine, struct ag_link *link);

/* ---- maps.c: what is known of the databases ---- */

/** A link came up: its peer's map is empty, or as it was kept. */
void ag_map_open(struct ag_engine *engine, struct ag_link *link);

/** The view of a link has another peer than before, now that its identity is known: what is kept
 *  of that one comes in under what was learned so far. */
void ag_map_identified(struct ag_engine *engine, struct ag_link *link);

/** Save the map of a link's peer, if it changed. */
void ag_map_save(struct ag_engine *engine, struct ag_link *link);

/** Whether a PDU with this opcode, of which the rest is still to come, will teach something. */
bool ag_map_wants(const struct ag_unit *unit, uint8_t opcode);

/** Learn from a whole response as it came from its sender, before it is entered in the bearer. */
void ag_map_learn(const struct ag_unit *unit, const struct ag_att *att);

/** An indication goes on its way, or will never go: if it is Service Changed the map doubts what it
 *  names. Not before, since until then its receiver goes by what was. */
void ag_map_indicated(const struct ag_link *link, enum ag_side from, const uint8_t *pdu,
		      size_t len);

/** The same from a response for which ag_map_wants() was true when it began. */
void ag_map_teach(const struct ag_unit *unit);

/**
 * The attribute that a PDU is about, and whose it is. A response speaks of what its request named,
 * a confirmation of what the indication named.
 *
 * @answers: ag_bearer_answers() of it
 * @owner:   whose database it is in; set only where there is an attribute
 * @return:  its handle, or 0 where the PDU is about none, or about more than one
 */
uint16_t ag_map_attribute(const struct ag_unit *unit, const struct ag_att *att, bool answers,
			  enum ag_side *owner);

/* ---- inspect.c ---- */

/** An answer took so long. */
void ag_rtt_count(struct ag_rtt *rtt, uint64_t time_us);

/* ---- subject.c ---- */

/** What is known of an ATT PDU; all but its number. */
void ag_know(const struct ag_engine *engine, const struct ag_unit *unit, const struct ag_att *att,
	     struct ag_passed *out);

/** The fields of an ATT PDU that was taken apart. */
void ag_subject_make(const struct ag_passed *known, const struct ag_att *att,
		     struct ag_subject *out);

/** Fill the subject from a PDU. `att` is NULL for SMP. */
void ag_subject_fill(struct ag_engine *engine, const struct ag_unit *unit, const struct ag_att *att,
		     const uint8_t *pdu, size_t len, struct ag_subject *out);

/** The part that the first octets tell, for ag_rules_may_match(). */
void ag_subject_glimpse(const struct ag_unit *unit, uint8_t opcode, struct ag_subject *out);

/** Apply `rewrite` to the octets at `pdu`, which have room for AG_GATHER_MAX. A field that the PDU
 *  does not have changes nothing. @return: the new length */
size_t ag_subject_rewrite(const struct ag_unit *unit, uint8_t *pdu, size_t len,
			  const struct ag_action *action);

/* ---- malformed.c ---- */

/** Find out whether a PDU of which all else is known keeps to its format; not of one of which only
 *  the first octets are at hand. What the asker takes for Extended Properties is judged as that,
 * and is named so where nothing else is known of it. */
void ag_malformed_know(const struct ag_unit *unit, const struct ag_att *att,
		       struct ag_passed *known);

/** A response that keeps to its format goes to its asker: remember what it tells. Of an Error
 *  Response only the opcode counts.
 *  @asked: the request it answers */
void ag_malformed_shown(struct ag_link *link, enum ag_side asker,
			const struct ag_transaction *asked, const struct ag_att *response);

/* ---- pass.c ---- */

/** Whether a PDU with this opcode cannot just pass: a rule may concern it, something may be hidden
 *  from it, others of its channel wait, or its bearer expects something else. */
bool ag_pass_excludes(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode);

/** Judge a PDU and do what was decided. Most with which no rule has to do go no further than this.
 */
int ag_judge(struct ag_engine *engine, struct ag_unit *unit);

/* ---- verdict.c ---- */

/** What came of asking the rules for the first one that matches, with engine->subject. */
struct ag_first {
	bool asked;
	const struct ag_rule *rule; /* NULL: none */
	size_t position;            /* where to ask on */
};

/** Judge all others. @att: the PDU taken apart, where first->asked */
int ag_decide(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
	      const struct ag_first *first);

/** Forward a PDU as it came. */
int ag_forward_unchanged(struct ag_engine *engine, struct ag_unit *unit);

/** What a PDU waits for, and what is to be done when it goes. */
struct ag_hold {
	uint64_t until_us;
	enum ag_delay_until until;
	uint64_t timeout_us; /* 0: no `timeout` */
	uint8_t timeout_error;
	bool duplicate;
	bool after_own; /* an indication that waits until one of ours is confirmed */
	uint16_t start; /* of a range that `hide` made smaller: where its asker wanted to start */
	uint64_t number;
	const struct ag_rule *rule;
};

/** Send a PDU on its way in its final form and remember what it asks. A request that the other side
 *  could not take, because it owes a late answer, is answered instead. */
int ag_dispatch(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len,
		const struct ag_hold *how);

/** Tell the tap something later about a PDU that was judged before. `what` has all that does not
 *  follow from the link. */
void ag_tell_later(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		   const struct ag_channel *channel, bool is_att, struct ag_decision *what);

/** Tell the tap of a response that goes no further because it has been answered in its place. */
void ag_tell_discarded(struct ag_engine *engine, struct ag_unit *unit, enum ag_verdict verdict);

/* ---- answer.c: answers in the name of the other side ---- */

/** An Error Response to `asker` (3.4.1.1). */
int ag_answer_error(struct ag_engine *engine, struct ag_link *link, enum ag_side asker,
		    struct ag_channel *channel, uint8_t opcode, uint16_t handle, uint8_t error);

/**
 * What `reject` says: an error, a confirmation, Pairing Failed, or nothing. It goes to the sender
 * of the PDU at hand; of a response, which has not been swallowed, it takes the place.
 *
 * @att:   the PDU, or the request that the response answers; NULL: SMP
 * @error: in: 0 or what the rule says; out: what was said, 0 if nothing
 */
int ag_answer_reject(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		     uint8_t *error);

/** What `answer` says to a request for which it has something to say, likewise. */
int ag_answer_success(struct ag_engine *engine, struct ag_unit *unit, const struct ag_att *att,
		      const struct ag_action *action);

/* ---- hold.c: PDUs held back ---- */

/** Hold a PDU back. There must be room. */
int ag_hold(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len,
	    const struct ag_hold *how);

bool ag_hold_has_room(const struct ag_link *link, enum ag_side from, size_t len);

/** Whether a PDU would overtake a held one: one of the same channel, direction and flow. */
bool ag_hold_blocks(const struct ag_link *link, enum ag_side from, uint16_t cid, bool is_att,
		    uint8_t opcode);

/** PDUs of a side that are held. */
size_t ag_hold_count(const struct ag_link *link, enum ag_side from);

/** Whether a held PDU of the channel could be overtaken at all. */
bool ag_hold_any(const struct ag_link *link, enum ag_side from, uint16_t cid);

/** Release what is due, or whose condition has become true. */
int ag_hold_release(struct ag_engine *engine, struct ag_link *link);

/** Release all that a side has held, because what follows must not overtake it. */
int ag_hold_flush(struct ag_engine *engine, struct ag_link *link, enum ag_side from);

/** In place of ag_hold() when there is no room: release all that the sender has held, then this. */
int ag_hold_overflow(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len,
		     const struct ag_hold *how);

/** Forget what is held: the link is gone. */
void ag_hold_forget(struct ag_engine *engine, struct ag_link *link);

/** The rules are about to be replaced: forget which rule held what. */
void ag_hold_rules_gone(struct ag_link *link);

void ag_hold_free_spare(struct ag_engine *engine);

/* ---- eatt.c: credit-based channels ---- */

/** One K-frame of a credit-based channel that carries ATT. */
int ag_eatt_frame(struct ag_engine *engine, struct ag_unit *unit);

/** Forward an SDU in the K-frames in which it came. */
int ag_eatt_forward(struct ag_engine *engine, struct ag_unit *unit);

/** A side granted credits for its end of the channel. @return: how many the other side is to be
 * told */
uint16_t ag_eatt_granted(struct ag_channel *channel, enum ag_side by, uint16_t credits);

/** Let frames go that waited for a credit of `to`. */
int ag_eatt_drain(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
		  enum ag_side to);

/** Give back to `sender` credits that it spent on frames that went no further. */
int ag_refund(struct ag_engine *engine, struct ag_link *link, enum ag_side sender,
	      struct ag_channel *channel, size_t frames);

/**
 * Send an ATT or SMP PDU that the other side did not send, or not so.
 *
 * @channel: NULL for the fixed channel `cid`
 * @owed:    packets of the other side that this one stands for
 * @spent:   K-frames that the other side spent on it
 */
int ag_send_pdu(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
		struct ag_channel *channel, uint16_t cid, const uint8_t *pdu, size_t len,
		size_t owed, size_t spent);

#endif
