/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/phone/crypto.h"

#include <string.h>

#include <nettle/aes.h>

/* Security function e (2.2.1). AES takes its octets most significant first. */
static void encrypt(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
	struct aes128_ctx context;
	uint8_t big_key[16];
	uint8_t block[16];

	for (int i = 0; i < 16; i++) {
		big_key[i] = key[15 - i];
		block[i] = in[15 - i];
	}
	aes128_set_encrypt_key(&context, big_key);
	aes128_encrypt(&context, sizeof(block), block, block);
	for (int i = 0; i < 16; i++)
		out[i] = block[15 - i];
}

static void add(uint8_t out[16], const uint8_t other[16])
{
	for (int i = 0; i < 16; i++)
		out[i] ^= other[i];
}

void phone_ah(const uint8_t key[16], const uint8_t random[3], uint8_t out[3])
{
	uint8_t block[16] = { random[0], random[1], random[2] };

	encrypt(key, block, block);
	memcpy(out, block, 3);
}

void phone_c1(const uint8_t key[16], const uint8_t random[16], const uint8_t request[7],
	      const uint8_t response[7], const struct phone_parties *parties, uint8_t out[16])
{
	uint8_t p1[16] = { parties->initiator_type, parties->responder_type };
	uint8_t p2[16] = { 0 };

	memcpy(p1 + 2, request, 7);
	memcpy(p1 + 9, response, 7);
	memcpy(p2, parties->responder, 6);
	memcpy(p2 + 6, parties->initiator, 6);
	add(p1, random);
	encrypt(key, p1, p1);
	add(p2, p1);
	encrypt(key, p2, out);
}

void phone_s1(const uint8_t key[16], const uint8_t responder_random[16],
	      const uint8_t initiator_random[16], uint8_t out[16])
{
	uint8_t randoms[16];

	memcpy(randoms, initiator_random, 8);
	memcpy(randoms + 8, responder_random, 8);
	encrypt(key, randoms, out);
}
