/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_H
#define AG_ENGINE_H

/*
 * The engine: packets and time in, packets and a deadline out.
 *
 * It does no I/O, reads no clock and writes no log, so the same engine runs live, over a capture,
 * in the fuzzers, in the simulator and in the benchmarks, and a run repeats to the byte. In the
 * steady state it does not allocate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rules.h"

/** The two neighbours. The host side is the kernel with bluetoothd; what comes from the controller
 *  side in ACL packets comes from the peer. */
enum ag_side { AG_SIDE_HOST, AG_SIDE_CONTROLLER };

struct ag_engine;
struct ag_identities;

/** What became of a PDU. */
enum ag_verdict {
	AG_V_ACCEPT,     /* forwarded (perhaps rewritten, delayed, twice) */
	AG_V_REJECT,     /* not forwarded; answered with `error`, where its kind has an answer; in
			  * the place of a response whoever asked gets that answer */
	AG_V_ANSWER,     /* not forwarded; answered with a success response, likewise */
	AG_V_DROP,       /* not forwarded, nothing said */
	AG_V_DISCONNECT, /* not forwarded; the link is being ended */
	AG_V_TIMEOUT,    /* a forwarded request was answered by us, its time being up */
	AG_V_LATE,       /* a response discarded because we had answered in its place */
	AG_V_DISCARD,    /* a held PDU discarded: the link became encrypted (delay … unless) */
	AG_V_HIDE,       /* not forwarded: it names what is hidden, or lists nothing else; a request
			  * was answered with `error`, an indication confirmed */
	AG_V_RECORDED,   /* replay only: the recorded answer to a request that we refused */
};

/** Effects of rules that are no verdicts, as bits of ag_decision.effects. */
enum {
	AG_EFFECT_REWRITE = 1 << 0,
	AG_EFFECT_DELAY = 1 << 1,
	AG_EFFECT_TIMEOUT = 1 << 2,
	AG_EFFECT_DUPLICATE = 1 << 3,
	AG_EFFECT_LOG = 1 << 4,
	AG_EFFECT_HIDE = 1 << 5,
};

/** What a tap can know of the link. */
struct ag_link_view {
	uint16_t handle; /* Connection_Handle */
	enum ag_link_type type;
	enum ag_role role;
	uint32_t ordinal; /* links that the engine had before; with its seed that of the link */
	uint64_t peer;    /* BD_ADDR as in union ag_value */
	enum ag_peer_type peer_type;
	bool encrypted;
	uint64_t since_us; /* when the link came up */
};

/** One decision about one PDU. All pointers are valid during the tap only. */
struct ag_decision {
	uint64_t number; /* of the PDU, from `numbered` + 1 of the configuration; the same for a
			    later word on the same PDU */
	uint64_t now_us;
	enum ag_from from;
	const struct ag_link_view *link;
	uint16_t cid;               /* channel at the receiver of the L2CAP packet */
	bool is_att;                /* else SMP */
	enum ag_bearer_type bearer; /* where is_att */
	const uint8_t *pdu;         /* the ATT or SMP PDU as it came */
	size_t len;                 /* octets at `pdu`, of which there is one at least */
	size_t pdu_len;             /* octets of the whole PDU; more than `len` where only the first
				     * fragment was looked at */
	const uint8_t *out;         /* as it goes out after `rewrite` and `hide`; NULL if neither
				     * changed it */
	size_t out_len;
	const struct ag_rule *rule; /* that decided, else the last that took effect, or NULL */
	enum ag_verdict verdict;
	uint8_t error; /* AG_V_REJECT, AG_V_TIMEOUT: the ATT error or SMP reason given */
	bool has_error;
	unsigned int effects;             /* AG_EFFECT_… */
	const char *log_text;             /* of the last `log` with a text, or NULL */
	uint64_t delay_us;                /* AG_EFFECT_DELAY */
	const struct ag_subject *subject; /* as the last rule saw it */
	const struct ag_subject *as_came; /* as the first rule saw it; NULL for a later word */
	size_t packets;                   /* HCI packets it came in */
	size_t entries;                   /* AG_EFFECT_HIDE, of a list: attributes in it … */
	size_t hidden;                    /* … of which so many were taken out */
};

typedef void ag_tap_fn(void *user, const struct ag_decision *decision);

struct ag_passed;

/**
 * A PDU goes on as it came, which no rule matched and from which nothing is hidden; see pass.h.
 *
 * @return: whether that is enough to know; else it becomes a decision for the tap, like any other
 */
typedef bool ag_pass_fn(void *user, const struct ag_passed *passed);

struct ag_attributes;

/** Whoever keeps the attribute maps of peers from one link to the next. */
struct ag_keeper {
	/** A peer of a stable identity (a public or random static address) is there: enter what is
	 *  kept of its database. The map is empty. What was learned on this link already takes
	 *  precedence afterwards. NULL: nothing is kept. */
	void (*load)(void *user, const struct ag_link_view *link, struct ag_attributes *map);
	/** The map of such a peer has changed since it was loaded or saved: keep it. The pointers
	 *  are valid during the call only. May be NULL. */
	void (*save)(void *user, const struct ag_link_view *link, const struct ag_attributes *map);
	void *user;

	/** The controller told its address (Vol 4 Part E, 7.4.6), as every host asks it to before
	 *  there are links. May be NULL. */
	void (*controller)(void *user, uint64_t address);
};

/** The seed of every run: what is left to chance falls the same way each time, so that it can be
 *  looked for again, and in a replay as it did. */
#define AG_ENGINE_SEED 1

struct ag_engine_config {
	const struct ag_ruleset *rules; /* borrowed until replaced; may be NULL */
	ag_tap_fn *tap;                 /* may be NULL */
	ag_pass_fn *pass;               /* asked before the tap is; NULL: the tap is told of all */
	void *tap_user;
	struct ag_keeper keeper; /* called until ag_engine_free() has returned */
	uint64_t seed;           /* for `chance` and `jitter` */
	uint64_t numbered;       /* number of the last PDU before, of an engine that this one
				  * follows; 0: the first will be 1 */
	uint16_t acl_max[2];     /* by enum ag_side: longest data field of an ACL packet that
				  * this side takes, octets; 0: whatever is sent */
	uint64_t early_acl_us;   /* how long ACL data for a handle not yet known waits for its
				  * connection event, which a USB controller may deliver
				  * later; 0: not at all */
	bool dry_run;            /* decide, tell, and change nothing */
	bool replay;             /* the traffic is a recording: peer and controller do not
				  * react to us */
	struct ag_identities *identities; /* who is known, and where more is learned; borrowed;
					   * NULL: the engine begins with nobody */
};

/** Why a PDU was forwarded without being judged. */
enum ag_unjudged {
	AG_UNJUDGED_TRUNCATED,   /* shorter than its headers */
	AG_UNJUDGED_LENGTH,      /* more octets than its L2CAP length says */
	AG_UNJUDGED_INTERRUPTED, /* a new PDU began before the last fragment */
	AG_UNJUDGED_NO_START,    /* a continuation without a start */
	AG_UNJUDGED_NO_LINK,     /* a handle without a connection event, or too many links */
	AG_UNJUDGED_TOO_LONG,    /* longer than what is gathered for judging */
	AG_UNJUDGED_MEMORY,      /* no memory to gather it */
	AG_UNJUDGED_BACKLOG,     /* too much is queued for the side that would get an answer */
	AG_UNJUDGED_CHANNEL,     /* channels, not PDUs: more for ATT than can be followed */
	AG_UNJUDGED_COUNT,
};

struct ag_stats {
	uint64_t packets[2]; /* fed, by side */
	uint64_t bytes[2];
	uint64_t judged;
	uint64_t unjudged[AG_UNJUDGED_COUNT];
	uint64_t verdicts[AG_V_RECORDED + 1];
	uint64_t early_releases;      /* held PDUs released because a cap was reached, and K-frames
				       * because their sender heeds no credits */
	uint64_t surplus_completions; /* completed by the controller, never sent to it */
	uint64_t unannounced;         /* times that something else was hidden on a live link and
				       * no Service Changed could tell the host of it */
	size_t links;                 /* up at the moment */
};

/**
 * @config:  copied
 * @out:     freed with ag_engine_free(); untouched on failure
 * @return:  0 or -ENOMEM
 */
int ag_engine_new(const struct ag_engine_config *config, struct ag_engine **out);

/** Free an engine with all that is queued; NULL is allowed. */
void ag_engine_free(struct ag_engine *engine);

/**
 * One whole HCI packet, H4 type octet first (Vol 4 Part A, 2), of any type and content.
 *
 * @now_us: monotonic, of the caller's choosing; never less than in an earlier call
 * @return: 0; -ENOMEM: the packet or an answer may be lost, the engine is only good for
 *          ag_engine_free()
 */
int ag_engine_feed(struct ag_engine *engine, enum ag_side side, const uint8_t *packet, size_t len,
		   uint64_t now_us);

/** A packet for a side; `data` has the H4 type octet first. */
struct ag_packet {
	const uint8_t *data;
	size_t len;
};

/**
 * The oldest packet to be written to a side; ag_engine_pop() takes it out.
 *
 * @packet: valid until the next ag_engine_feed(), _tick() or _pop() of that side
 * @return: false when there is none
 */
bool ag_engine_peek(const struct ag_engine *engine, enum ag_side side, struct ag_packet *packet);

/** Take out the packet that ag_engine_peek() showed. */
void ag_engine_pop(struct ag_engine *engine, enum ag_side side);

/** Octets queued for a side; a neighbour whose counterpart is slow is not read from. */
size_t ag_engine_backlog(const struct ag_engine *engine, enum ag_side side);

/** When ag_engine_tick() is due, in the time of `now_us`; UINT64_MAX for never. */
uint64_t ag_engine_deadline(const struct ag_engine *engine);

/** Do what is due at `now_us`. @return: as ag_engine_feed() */
int ag_engine_tick(struct ag_engine *engine, uint64_t now_us);

/**
 * Put another set in force, from the next PDU on. What is held stays as it was decided.
 *
 * @rules:  borrowed; may be NULL. The old set may be freed after success.
 * @return: 0; -ENOMEM: the old set stays in force
 */
int ag_engine_set_rules(struct ag_engine *engine, const struct ag_ruleset *rules);

/** Have the keeper save all maps that changed. The engine itself does so when a link closes, and
 *  when it is freed. */
void ag_engine_save(struct ag_engine *engine);

/** Whether an `answer` has a success response to a request with this opcode; where it has none the
 *  request is rejected. */
bool ag_answer_exists(uint8_t request, const struct ag_action *action);

const struct ag_stats *ag_engine_stats(const struct ag_engine *engine);

/** How often each rule of the set in force acted, by ag_rule.index. */
const uint64_t *ag_engine_rule_hits(const struct ag_engine *engine);

#endif
