/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_BEARER_H
#define AG_PHONE_BEARER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ATT_MTU that the phone offers: what iOS offers over LE. */
#define PHONE_MTU 527
/* Longest L2CAP packet taken or sent: the longest ATT PDU, or 64 octets more for signalling. */
#define PHONE_PDU_MAX   (PHONE_MTU + 64)
#define PHONE_L2CAP_MAX (4 + PHONE_PDU_MAX)

struct phone_channel;

/* What ATT knows of a bearer: each has a request of its own open in either direction (Vol 3 Part F,
 * 3.3.2). */
struct phone_bearer {
	uint16_t cid;                  /* ours: what the peer sends to */
	struct phone_channel *channel; /* of an enhanced bearer; NULL: the fixed channel */
	uint16_t mtu;
	bool serving; /* a request of the peer has not been answered */
	uint8_t serving_opcode;
	uint8_t held[PHONE_PDU_MAX]; /* the answer, while it waits for the crossing request */
	size_t held_len;
	bool indicating; /* an indication of ours has not been confirmed */
	uint8_t asked;   /* opcode of our open request; 0: none */
	uint64_t asked_ms;
};

#endif
