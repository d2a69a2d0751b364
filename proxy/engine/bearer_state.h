/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_BEARER_STATE_H
#define AG_ENGINE_BEARER_STATE_H

/* What the engine remembers of ATT bearers and of the dynamic channels that carry them. Only files
 * of proxy/engine include this. */

#include "proxy/base/fifo.h"
#include "proxy/engine/engine.h"
#include "proxy/engine/hide_state.h"

/** The request of one side on a bearer. */
struct ag_transaction {
	bool open;     /* forwarded and not answered */
	bool late;     /* answered by us, the other side still owes its answer */
	bool recorded; /* replay: refused, its recorded answer will come */
	bool timed;
	uint8_t opcode; /* of the open or recorded request */
	uint8_t late_opcode;
	uint8_t last_opcode; /* of the last one that was answered */
	uint8_t timeout_error;
	uint16_t handle; /* as an Error Response names it */
	uint16_t last_handle;
	uint16_t mtu; /* of an Exchange MTU Request */
	uint64_t timeout_at_us;
	uint64_t since_us; /* when it went on its way */
	uint64_t number;   /* of the PDU */
	const struct ag_rule *rule;
	uint8_t head[AG_HEAD_MAX]; /* its first octets: all but a value */
	size_t head_len;
	size_t pdu_len;
};

/** Round-trip times are counted in quarters of an octave, from 2^6 us to 2^26 us (67 s). */
#define AG_RTT_FIRST_OCTAVE 6
#define AG_RTT_OCTAVES      20
#define AG_RTT_BUCKETS      (4 * AG_RTT_OCTAVES + 2)

/** How long answers took: below the first octave, then its quarters, then all that took longer. */
struct ag_rtt {
	uint32_t bucket[AG_RTT_BUCKETS];
	uint64_t count;
	uint64_t max_us;
};

/** One ATT bearer; arrays by the side that asks. */
struct ag_bearer {
	enum ag_bearer_type type;
	uint16_t mtu;
	struct ag_rtt rtt[2];
	struct ag_transaction transaction[2];
	bool indication_open[2];
	uint16_t indication_handle[2]; /* of the last one */
	bool indication_recorded[2];
	bool own_indication[2]; /* ours, in the name of that side, is not confirmed */
	struct ag_tail tail[2];
};

/** One direction of a credit-based channel (Vol 3 Part A, 10). What we use of the receiver's
 * credits the sender does not know of, so it is taken out of the receiver's next grant. */
struct ag_credit_flow {
	uint32_t sender;        /* K-frames the sender believes it may send */
	uint32_t credits;       /* K-frames the receiver takes now */
	uint32_t taken;         /* used by us, still to be taken out of a grant */
	uint32_t back;          /* go back to the sender, which takes no packets now */
	uint16_t mps;           /* longest K-frame payload the receiver takes */
	struct ag_fifo sdu;     /* frames of an SDU that is not whole yet; where it passes copies
				 * of them, if it is watched */
	struct ag_fifo waiting; /* frames that wait for a credit */
	struct ag_fifo own;     /* PDUs of ours, while a foreign SDU goes by in frames */
	size_t sdu_len;         /* of the SDU that is passing; 0: none */
	size_t sdu_have;
	bool sdu_passes;    /* its frames go on as they come */
	bool sdu_watched;   /* it passes, and is looked at when it is whole */
	bool sdu_teaches;   /* it passes unjudged, and the attribute map learns from it */
	bool sdu_discarded; /* it is a late answer, which goes no further */
};

enum ag_channel_state { AG_CHANNEL_FREE, AG_CHANNEL_ASKED, AG_CHANNEL_OPEN };

/** A dynamic channel that carries ATT; arrays by side. */
struct ag_channel {
	enum ag_channel_state state;
	enum ag_side asked_by;
	uint64_t request; /* that asked for it, counted on the link; 0: one that was refused */
	uint8_t ident;
	size_t place; /* in the request that asked for it */
	bool credit_based;
	bool ending[2];                /* that side has asked for its end */
	uint16_t cid[2];               /* at that side: what packets to it carry */
	uint16_t mtu[2];               /* what that side takes */
	struct ag_credit_flow flow[2]; /* to that side */
	struct ag_bearer bearer;
};

#endif
