/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_TRAVEL_H
#define AG_ENGINE_TRAVEL_H

/*
 * How packets travel: the ledger of buffers, PDUs put together and taken apart, channels and their
 * credits. Results are those of internal.h.
 */

#include "proxy/engine/internal.h"

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

/** All packets that waited for buffers of `to` have gone: give it the credits that wait with them.
 */
int ag_eatt_give_back(struct ag_engine *engine, struct ag_link *link, enum ag_side to);

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
