/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_EATT_H
#define AG_PHONE_EATT_H

/*
 * Enhanced ATT bearers (Vol 3 Part G, 5.3): channels in Enhanced Credit Based Flow Control Mode,
 * which the phone asks for when the link is encrypted, or grants when the peer is first.
 */

#include "tests/sim/coc.h"
#include "tests/sim/phone/bearer.h"

/* Channels that are asked for at once, and granted at the most; the protocol allows five. */
#define PHONE_CHANNELS 2
/* PDUs waiting for the one before them: an answer, a confirmation, a request, and some that the
 * phone sends unasked. */
#define PHONE_SDUS 6

struct phone_sdu {
	size_t len;
	uint8_t data[PHONE_PDU_MAX];
};

struct phone_channel {
	struct ag_sim_coc coc;
	struct phone_bearer bearer;
	struct phone_sdu sdus[PHONE_SDUS];
	size_t first, count;
};

struct phone_eatt {
	bool begun;        /* asked, on this link */
	uint8_t ident;     /* of the last signalling packet of ours */
	uint8_t asked;     /* ident of the request that is open; 0: none */
	unsigned int turn; /* of the client's requests */
	struct phone_channel channels[PHONE_CHANNELS];
};

struct phone;

/** The link is up: there is no channel. */
void phone_eatt_up(struct phone *phone);

/** Ask for channels when it is time: the link is encrypted, and pairing has ended. */
void phone_eatt_tick(struct phone *phone);

/** A PDU on the signalling channel. @return: whether it was about these channels */
bool phone_eatt_signalled(struct phone *phone, const uint8_t *pdu, size_t len);

/** A K-frame. @return: false if there is no channel with that number */
bool phone_eatt_in(struct phone *phone, uint16_t cid, const uint8_t *frame, size_t len);

/** Send an SDU, in as many K-frames as it needs, as credits and the link's queue allow. */
void phone_eatt_send(struct phone *phone, struct phone_channel *channel, const uint8_t *pdu,
		     size_t len);

/** The link's queue has room again. */
void phone_eatt_go_on(struct phone *phone);

/** The bearer whose turn it is: all that are open, one after the other. */
struct phone_bearer *phone_eatt_next(struct phone *phone);

#endif
