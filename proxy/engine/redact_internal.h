/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_REDACT_INTERNAL_H
#define AG_ENGINE_REDACT_INTERNAL_H

/*
 * What the redactor remembers of a link. PDUs are looked at octet by octet as they pass, so nothing
 * is gathered: an octet may come in any packet, and how far a PDU has come is all that is kept.
 * Arrays of two are by who sends: 0 the peer, 1 the host. Only redact*.c include this.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/wire/l2cap.h"

/** Octets of a PDU that are looked at again when more of it is there: a request with a UUID of 16.
 */
#define AG_REDACT_HEAD 21
/** Dynamic channels of a link whose purpose is remembered: a phone on BR/EDR has about 8 open, EATT
 * adds up to 5 a request. What the oldest then carries is blanked. */
#define AG_REDACT_CHANNELS 20
/** Octets of a signalling command that are looked at: all but long options. */
#define AG_REDACT_SIGNAL 64
/** Sequences in sequences; a service record has 4 of them. */
#define AG_REDACT_DEPTH 8

/** An ATT PDU that is passing. */
struct ag_redact_pdu {
	size_t at;                     /* offset of the next octet */
	bool cut;                      /* the recording has not all of what came before */
	uint8_t head[AG_REDACT_HEAD];  /* its beginning, as it was */
	uint8_t entry[AG_REDACT_HEAD]; /* of a list: the beginning of the entry that is passing */
	size_t entry_at;               /* of notifications of several values: offset in the entry */
};

/** What the open request of one side asks for. */
struct ag_redact_asked {
	bool known;    /* false: none, or one that the recording has not whole */
	uint16_t type; /* Read By Type; 0: something else */
	bool name;     /* reads the Device Name by its handle */
};

/** An ATT bearer. */
struct ag_redact_bearer {
	struct ag_redact_pdu pdu[2];
	struct ag_redact_asked asked[2];
};

/** Data elements that are passing (Vol 3 Part B, 3). */
struct ag_redact_elements {
	bool lost;                      /* they are none, or not all there */
	bool whole;                     /* the outermost one has ended */
	bool text;                      /* the one whose value is passing is a text */
	uint8_t header;                 /* octets of its length still to come */
	uint8_t type;                   /* of the one whose length is passing */
	uint8_t depth;                  /* open sequences */
	uint32_t len;                   /* of its value: what is still to come */
	uint32_t left[AG_REDACT_DEPTH]; /* octets still to come in each open sequence */
};

/** An SDP PDU of one side that is passing, and what is open. */
struct ag_redact_sdp {
	size_t at;
	bool cut;
	uint8_t head[7];
	uint8_t step; /* of a request: which parameter is passing */
	size_t run;   /* octets of it, of a list or of a continuation still to come */
	struct ag_redact_elements elements; /* of a request, or of the list of attributes, which
					     * may come in several responses */
	bool asked;                         /* as a client: a request is open */
	bool continues;                     /* it asks for more of the same list */
	uint16_t transaction;
	uint8_t list; /* as a server: the response whose list is passing */
};

enum ag_redact_kind {
	AG_REDACT_OPEN,  /* what needs no look */
	AG_REDACT_BLIND, /* what cannot be followed: blanked */
	AG_REDACT_ATT,   /* basic mode */
	AG_REDACT_EATT,  /* K-frames */
	AG_REDACT_SDP,
	AG_REDACT_SMP,
	AG_REDACT_SIGNALLING,
};

/** One direction of a credit-based channel (Vol 3 Part A, 3.4). */
struct ag_redact_frames {
	bool lost;          /* where SDUs begin is not known */
	bool begins;        /* the next octet is the first of a frame */
	uint8_t length[2];  /* of the SDU */
	uint8_t length_len; /* octets of it that are there */
	size_t left;        /* octets of the SDU still to come */
};

struct ag_redact_channel {
	enum { AG_REDACT_FREE, AG_REDACT_ASKED, AG_REDACT_IN_USE } state;
	enum ag_redact_kind kind;
	uint64_t age;
	size_t asked_by;
	uint8_t ident;
	uint16_t cid[2];
	struct ag_redact_bearer bearer;
	struct ag_redact_frames frames[2];
	struct ag_redact_sdp sdp[2];
};

/** A signalling command that is passing. */
struct ag_redact_signal {
	bool cut; /* the recording has not all of the PDU */
	size_t at;
	uint8_t octet[AG_REDACT_SIGNAL];
};

/** One direction of a link: how far the L2CAP PDU that is passing has come. */
struct ag_redact_stream {
	bool known; /* its beginning was seen */
	uint8_t header[AG_L2CAP_HEADER];
	size_t header_len;
	size_t left; /* octets of the PDU still to come */
	size_t at;   /* offset in it of the next */
	enum ag_redact_kind kind;
	struct ag_redact_channel *channel; /* of AG_REDACT_EATT, AG_REDACT_SDP; ATT: or NULL */
	uint8_t code;                      /* SMP */
	uint8_t address[6];                /* SMP: the one that is passing, as it was */
	struct ag_redact_signal signal;
};

struct ag_redact_link {
	bool used;
	uint16_t index;
	uint16_t handle;
	uint64_t age;
	struct ag_redact_stream stream[2];
	struct ag_redact_bearer bearer; /* of the fixed channel */
	/* of the sender's own Device Name, 0: not known; the peer's stays known when it comes back
	 */
	uint16_t *name_handle[2];
	uint16_t peer_name_handle; /* where nothing tells who the peer is */
	struct ag_redact_channel channel[AG_REDACT_CHANNELS];
	uint64_t clock; /* of the channels' ages */
};

/* ---- redact_att.c ---- */

/** A PDU begins. */
void ag_redact_att_begin(struct ag_redact_bearer *bearer, size_t from);

/** Its next octet. @return: whether it is of a name */
bool ag_redact_att(struct ag_redact_link *link, struct ag_redact_bearer *bearer, size_t from,
		   uint8_t octet);

/** The recording has left out some. */
void ag_redact_att_skip(struct ag_redact_bearer *bearer, size_t from, size_t len);

/** It has passed to its end. */
void ag_redact_att_end(const struct ag_redact_link *link, struct ag_redact_bearer *bearer,
		       size_t from);

/** A K-frame begins; its next octet; octets that are left out; its end. */
void ag_redact_eatt_begin(struct ag_redact_channel *channel, size_t from);
bool ag_redact_eatt(struct ag_redact_link *link, struct ag_redact_channel *channel, size_t from,
		    uint8_t octet);
void ag_redact_eatt_skip(const struct ag_redact_link *link, struct ag_redact_channel *channel,
			 size_t from, size_t len);
void ag_redact_eatt_end(struct ag_redact_channel *channel, size_t from);

/* ---- redact_sdp.c ---- */

/** An SDP PDU begins; its next octet, whether that is of a text that is an attribute's value, or of
 *  what could be one; octets that are left out. */
void ag_redact_sdp_begin(struct ag_redact_channel *channel, size_t from);
bool ag_redact_sdp(struct ag_redact_channel *channel, size_t from, uint8_t octet);
void ag_redact_sdp_skip(struct ag_redact_channel *channel, size_t from);

/* ---- redact_channel.c ---- */

/** A signalling PDU begins; its next octet. */
void ag_redact_signal_begin(struct ag_redact_signal *command);
void ag_redact_signal(struct ag_redact_link *link, size_t from, uint8_t octet);

/** What a PDU was that the recording has not, or opened or closed, is not known. */
void ag_redact_channel_forget(struct ag_redact_link *link);

/** The open channel whose end is `cid` at a side, or NULL. */
struct ag_redact_channel *ag_redact_channel_find(struct ag_redact_link *link, size_t at,
						 uint16_t cid);

#endif
