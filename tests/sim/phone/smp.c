/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/l2cap.h"
#include "proxy/wire/smp.h"
#include "tests/sim/phone/crypto.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* The Security Manager Timer (Vol 3 Part H, 3.4). */
#define SMP_TIMEOUT_MS 30000

/* Reasons (3.5.5) beside that of proxy/wire/smp.h. */
enum {
	REASON_CONFIRM_VALUE_FAILED = 0x04,
	REASON_INVALID_PARAMETERS = 0x0a,
};

/* Key distribution (3.6.1): the long term key, the identity. */
enum {
	KEY_ENCRYPTION = 0x01,
	KEY_IDENTITY = 0x02,
};

/* No display and no keyboard, no OOB data, bonding without MITM protection and without Secure
 * Connections, 16 octets of key, both keys from both sides (3.5.1). */
static const uint8_t pairing_request[7] = {
	AG_SMP_PAIRING_REQUEST,       0x03, 0x00, 0x01, 16, KEY_ENCRYPTION | KEY_IDENTITY,
	KEY_ENCRYPTION | KEY_IDENTITY
};

/* Just Works has no temporary key (2.3.5.2). */
static const uint8_t no_key[16];

/* Octets of each PDU (3.3); 0: reserved. */
static const uint8_t lengths[] = { 0, 7, 7, 17, 17, 2, 17, 11, 17, 8, 17, 2, 65, 17, 2 };

static void send_smp(struct phone *phone, const uint8_t *pdu, size_t len)
{
	phone_report_smp("smp_tx", pdu, len);
	phone_l2cap_send(phone, AG_CID_SMP, pdu, len);
}

static void fail(struct phone *phone, uint8_t reason)
{
	const uint8_t pdu[] = { AG_SMP_PAIRING_FAILED, reason };

	phone->smp.step = PHONE_SMP_IDLE;
	phone->smp.due_ms = 0;
	send_smp(phone, pdu, sizeof(pdu));
}

static void enter(struct phone *phone, enum phone_smp_step step)
{
	phone->smp.step = step;
	phone->smp.due_ms = phone_now_ms() + SMP_TIMEOUT_MS;
}

/* ---- Beginnings ---- */

static void pair(struct phone *phone)
{
	memcpy(phone->smp.request, pairing_request, sizeof(pairing_request));
	enter(phone, PHONE_SMP_REQUESTED);
	send_smp(phone, pairing_request, sizeof(pairing_request));
}

static void encrypt_bonded(struct phone *phone)
{
	const struct phone_bond *bond = &phone->bond;

	enter(phone, PHONE_SMP_BONDED);
	phone_encrypt(phone, bond->random, bond->diversifier, bond->ltk);
}

void phone_smp_start(struct phone *phone)
{
	const struct phone_options *options = &phone->options;

	phone->smp = (struct phone_smp){ 0 };
	if (phone->bond.known && !options->bonded_waits)
		phone->smp.due_ms = phone->link.since_ms + options->encrypt_after_ms;
	else if (!phone->bond.known && options->pairing == PHONE_PAIR_NOW)
		pair(phone);
}

/* 2.4.6. Without a bond the request opens the dialogue on the phone's screen. A phone that is about
 * to encrypt by itself does not hurry. */
static void security_request(struct phone *phone)
{
	phone->totals.security_requests++;
	if (phone->smp.step != PHONE_SMP_IDLE || phone->smp.due_ms || phone->link.encrypted)
		return;
	if (phone->bond.known)
		encrypt_bonded(phone);
	else if (phone->options.pairing != PHONE_PAIR_NEVER)
		pair(phone);
}

/* ---- The phases of a pairing ---- */

static struct phone_parties parties(const struct phone *phone)
{
	struct phone_parties parties = {
		.initiator_type = phone->host.address_type,
		.responder_type = phone->host.peer_type,
	};

	memcpy(parties.initiator, phone->host.address, 6);
	memcpy(parties.responder, phone->host.peer, 6);
	return parties;
}

static void send_value(struct phone *phone, uint8_t code, const uint8_t value[16])
{
	uint8_t pdu[17] = { code };

	memcpy(pdu + 1, value, 16);
	send_smp(phone, pdu, sizeof(pdu));
}

/* 3.5.2. What is distributed must be among what was offered. */
static void pairing_response(struct phone *phone, const uint8_t *pdu)
{
	struct phone_smp *smp = &phone->smp;
	struct phone_parties both = parties(phone);
	uint8_t confirm[16];

	if (pdu[1] > 4 || pdu[2] > 1 || pdu[4] < 7 || pdu[4] > 16 || pdu[5] & ~smp->request[5] ||
	    pdu[6] & ~smp->request[6]) {
		phone_violation(phone, "a Pairing Response that cannot be", pdu, 7);
		fail(phone, REASON_INVALID_PARAMETERS);
		return;
	}
	memcpy(smp->response, pdu, sizeof(smp->response));
	ag_random_fill(&phone->random, smp->random, sizeof(smp->random));
	phone_c1(no_key, smp->random, smp->request, smp->response, &both, confirm);
	enter(phone, PHONE_SMP_CONFIRM);
	send_value(phone, AG_SMP_PAIRING_CONFIRM, confirm);
}

static void pairing_confirm(struct phone *phone, const uint8_t *pdu)
{
	memcpy(phone->smp.peer_confirm, pdu + 1, 16);
	enter(phone, PHONE_SMP_RANDOM);
	send_value(phone, AG_SMP_PAIRING_RANDOM, phone->smp.random);
}

/* The random value must be what the confirm value was made of; then the link is encrypted with the
 * key of both (2.3.5.5, 2.4.4.1). */
static void pairing_random(struct phone *phone, const uint8_t *pdu)
{
	static const uint8_t nothing[8];
	struct phone_smp *smp = &phone->smp;
	struct phone_parties both = parties(phone);
	uint8_t confirm[16];
	uint8_t key[16];

	memcpy(smp->peer_random, pdu + 1, 16);
	phone_c1(no_key, smp->peer_random, smp->request, smp->response, &both, confirm);
	if (memcmp(confirm, smp->peer_confirm, sizeof(confirm)) != 0) {
		phone_violation(phone, "a random value that was not confirmed", pdu, 17);
		fail(phone, REASON_CONFIRM_VALUE_FAILED);
		return;
	}
	phone_s1(no_key, smp->peer_random, smp->random, key);
	memset(key + smp->response[4], 0, 16u - smp->response[4]); /* 2.3.4 */
	enter(phone, PHONE_SMP_ENCRYPTING);
	phone_encrypt(phone, nothing, nothing, key);
}

/* ---- Keys (3.6) ---- */

static unsigned int expected(uint8_t distribution)
{
	unsigned int keys = 0;

	if (distribution & KEY_ENCRYPTION)
		keys |= 1u << AG_SMP_ENCRYPTION_INFORMATION | 1u << AG_SMP_CENTRAL_IDENTIFICATION;
	if (distribution & KEY_IDENTITY)
		keys |= 1u << AG_SMP_IDENTITY_INFORMATION |
			1u << AG_SMP_IDENTITY_ADDRESS_INFORMATION;
	return keys;
}

/* Ours: nobody encrypts towards a central, so its long term key is only there to be sent. The
 * identity is the public address, or the address that the peripheral knows where it is static. */
static void send_keys(struct phone *phone)
{
	uint8_t distribution = phone->smp.response[5];
	uint8_t key[16];
	uint8_t central[11] = { AG_SMP_CENTRAL_IDENTIFICATION };
	uint8_t identity[8] = { AG_SMP_IDENTITY_ADDRESS_INFORMATION };

	if (distribution & KEY_ENCRYPTION) {
		ag_random_fill(&phone->random, key, sizeof(key));
		send_value(phone, AG_SMP_ENCRYPTION_INFORMATION, key);
		ag_random_fill(&phone->random, central + 1, sizeof(central) - 1);
		send_smp(phone, central, sizeof(central));
	}
	if (distribution & KEY_IDENTITY) {
		send_value(phone, AG_SMP_IDENTITY_INFORMATION, phone->host.identity_key);
		identity[1] = phone->options.new_address;
		memcpy(identity + 2,
		       phone->options.new_address ? phone->host.address : phone->host.identity, 6);
		send_smp(phone, identity, sizeof(identity));
	}
}

/* The peripheral's keys come first (3.6.1); then ours go, and that is the bond. */
static void keys_so_far(struct phone *phone)
{
	struct phone_smp *smp = &phone->smp;

	if (smp->keys)
		return;
	send_keys(phone);
	smp->step = PHONE_SMP_IDLE;
	smp->due_ms = 0;
	phone->bond.known = smp->response[6] & KEY_ENCRYPTION;
	phone_report(phone->bond.known ? "bonded" : "paired");
}

static void key_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct phone_smp *smp = &phone->smp;
	struct phone_bond *bond = &phone->bond;

	if (!(smp->keys >> pdu[0] & 1)) {
		phone_violation(phone, "a key that was not agreed upon", pdu, len);
		return;
	}
	smp->keys &= ~(1u << pdu[0]);
	if (pdu[0] == AG_SMP_ENCRYPTION_INFORMATION)
		memcpy(bond->ltk, pdu + 1, sizeof(bond->ltk));
	if (pdu[0] == AG_SMP_CENTRAL_IDENTIFICATION) {
		memcpy(bond->diversifier, pdu + 1, sizeof(bond->diversifier));
		memcpy(bond->random, pdu + 3, sizeof(bond->random));
	}
	keys_so_far(phone);
}

void phone_smp_encrypted(struct phone *phone, uint8_t status, bool on)
{
	struct phone_smp *smp = &phone->smp;
	enum phone_smp_step step = smp->step;

	phone_report_begin("encryption");
	phone_report_number("status", status);
	phone_report_number("on", on);
	phone_report_number("bonded", step == PHONE_SMP_BONDED);
	phone_report_number("after_ms", (long)(phone_now_ms() - phone->link.since_ms));
	phone_report_end();
	phone->link.encrypted = !status && on;
	if (step != PHONE_SMP_ENCRYPTING && step != PHONE_SMP_BONDED)
		return;
	smp->step = PHONE_SMP_IDLE;
	smp->due_ms = 0;
	if (status || step == PHONE_SMP_BONDED)
		return;
	smp->keys = expected(smp->response[6]);
	enter(phone, PHONE_SMP_KEYS);
	keys_so_far(phone);
}

/* ---- In ---- */

/* The step in which a PDU of the responder belongs, for those that belong in one alone. */
static enum phone_smp_step step_of(uint8_t code)
{
	switch (code) {
	case AG_SMP_PAIRING_RESPONSE:
		return PHONE_SMP_REQUESTED;
	case AG_SMP_PAIRING_CONFIRM:
		return PHONE_SMP_CONFIRM;
	case AG_SMP_PAIRING_RANDOM:
		return PHONE_SMP_RANDOM;
	default:
		return PHONE_SMP_KEYS;
	}
}

static void pairing_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (phone->smp.step != step_of(pdu[0])) {
		phone_violation(phone, "a pairing PDU out of turn", pdu, len);
		return;
	}
	switch (pdu[0]) {
	case AG_SMP_PAIRING_RESPONSE:
		pairing_response(phone, pdu);
		break;
	case AG_SMP_PAIRING_CONFIRM:
		pairing_confirm(phone, pdu);
		break;
	case AG_SMP_PAIRING_RANDOM:
		pairing_random(phone, pdu);
		break;
	default:
		key_in(phone, pdu, len);
		break;
	}
}

void phone_smp_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	phone_report_smp("smp_rx", pdu, len);
	if (!len || pdu[0] >= ag_array_size(lengths) || len != lengths[pdu[0]]) {
		phone_violation(phone, "a pairing PDU of a wrong length", pdu, len);
		return;
	}
	switch (pdu[0]) {
	case AG_SMP_SECURITY_REQUEST:
		security_request(phone);
		break;
	case AG_SMP_PAIRING_FAILED:
		phone->smp.step = PHONE_SMP_IDLE;
		phone->smp.due_ms = 0;
		break;
	case AG_SMP_PAIRING_REQUEST: /* of a central, to the sensor */
		fail(phone, AG_SMP_PAIRING_NOT_SUPPORTED);
		break;
	default:
		pairing_in(phone, pdu, len);
		break;
	}
}

uint64_t phone_smp_tick(struct phone *phone, uint64_t now_ms)
{
	struct phone_smp *smp = &phone->smp;

	if (!phone->link.up || !smp->due_ms)
		return UINT64_MAX;
	if (now_ms < smp->due_ms)
		return smp->due_ms;
	smp->due_ms = 0;
	if (smp->step == PHONE_SMP_IDLE && !phone->link.encrypted) {
		encrypt_bonded(phone);
		return smp->due_ms;
	}
	if (smp->step != PHONE_SMP_IDLE) { /* 3.4: no pairing on this link any more */
		phone_report("smp_timeout");
		phone_hang_up(phone);
	}
	return UINT64_MAX;
}
