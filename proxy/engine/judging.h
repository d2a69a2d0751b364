/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_JUDGING_H
#define AG_ENGINE_JUDGING_H

/*
 * What becomes of PDUs: what is known of the bearer and of the databases when one comes, what the
 * rules are asked, and how it is answered, held back or sent on. Results are those of internal.h.
 */

#include "proxy/engine/pass.h"
#include "proxy/engine/travel.h"
#include "proxy/wire/att.h"

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

/** The same of one that is too long to be judged.
 *  @return: whether it goes no further, like a late answer; the tap has been told */
bool ag_bearer_discards(struct ag_engine *engine, struct ag_unit *unit);

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
 *  and is named so where nothing else is known of it. */
void ag_malformed_know(const struct ag_unit *unit, const struct ag_att *att,
		       struct ag_passed *known);

/** A response that keeps to its format goes to its asker: remember what it tells. Of an Error
 *  Response only the opcode counts.
 *  @asked: the request it answers */
void ag_malformed_shown(struct ag_link *link, enum ag_side asker,
			const struct ag_transaction *asked, const struct ag_att *response);

/* ---- pass.c ---- */

/** Whether others of a PDU's channel wait, or its bearer expects something else. */
bool ag_is_awaited(const struct ag_unit *unit);

/** Whether a rule may concern a PDU with this opcode, or something be hidden from it. */
bool ag_is_wanted(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode);

/** Whether a PDU with this opcode cannot just pass: either of the two. */
bool ag_pass_excludes(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode);

/** Judge a PDU and do what was decided. Most with which no rule has to do go no further than this.
 */
int ag_judge(struct ag_engine *engine, struct ag_unit *unit);

/* ---- verdict.c ---- */

/** The first rule that matches. */
struct ag_first {
	const struct ag_rule *rule; /* NULL: none */
	size_t position;            /* where to ask on */
};

/** Judge all others.
 *  @att:   the PDU taken apart, of which engine->subject is filled in already; or NULL
 *  @first: what the rules said to that; only where there is `att` */
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

/** Whether a PDU with this opcode, as the rules left it, has to wait: it would overtake a held one
 *  of the same channel, direction and flow, or it is an indication and one of ours is open. */
bool ag_hold_blocks(const struct ag_unit *unit, uint8_t opcode);

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

/** Forget what is held of channels that are not open any more: another one may take the place of
 *  such a channel. */
void ag_hold_channels_gone(struct ag_engine *engine, struct ag_link *link);

/** The rules are about to be replaced: forget which rule held what. */
void ag_hold_rules_gone(struct ag_link *link);

void ag_hold_free_spare(struct ag_engine *engine);

#endif
