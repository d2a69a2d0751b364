/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_CRYPTO_H
#define AG_PHONE_CRYPTO_H

/* The cryptographic toolbox of privacy and legacy pairing (Vol 3 Part H, 2.2). Numbers stand as
 * they do in a PDU: least significant octet first. */

#include <stdint.h>

/** Random address hash function ah (2.2.2). */
void phone_ah(const uint8_t key[16], const uint8_t random[3], uint8_t out[3]);

/** Who takes part in a pairing: address types (0 public, 1 random) and addresses. */
struct phone_parties {
	uint8_t initiator_type;
	uint8_t initiator[6];
	uint8_t responder_type;
	uint8_t responder[6];
};

/**
 * Confirm value generation function c1 (2.2.3).
 *
 * @request, @response: the Pairing Request and the Pairing Response, whole
 */
void phone_c1(const uint8_t key[16], const uint8_t random[16], const uint8_t request[7],
	      const uint8_t response[7], const struct phone_parties *parties, uint8_t out[16]);

/** Key generation function s1 (2.2.4) for the STK: the responder's random comes first. */
void phone_s1(const uint8_t key[16], const uint8_t responder_random[16],
	      const uint8_t initiator_random[16], uint8_t out[16]);

#endif
