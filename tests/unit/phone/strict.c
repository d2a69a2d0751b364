/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <unistd.h>

#include "tests/sim/phone/crypto.h"
#include "tests/sim/phone/faults.h"
#include "tests/unit/phone/alone.h"

/* That the phone notices what the other side must not do. What it writes goes nowhere. */

static struct phone phone;

static void link_up(void)
{
	phone_alone(&phone, 27, 1);
	phone_link_up(&phone, HANDLE);
	/* The client's first request has left, in one packet of the controller's one buffer. */
	cr_assert_eq(phone.link.in_flight, 1);
	phone_completed(&phone, 1);
}

static void link_down(void)
{
	close(phone.fd);
}

static void acl_in(uint8_t flags, const uint8_t *data, size_t len)
{
	uint8_t packet[5 + PHONE_L2CAP_MAX] = { 0x02, HANDLE, flags };

	ag_put_le16(packet + 3, (uint16_t)len);
	for (size_t i = 0; i < len; i++)
		packet[5 + i] = data[i];
	phone_packet(&phone, packet, 5 + len);
}

static void att_in(const uint8_t *pdu, size_t len)
{
	uint8_t packet[PHONE_L2CAP_MAX] = { (uint8_t)len, (uint8_t)(len >> 8), 0x04, 0x00 };

	for (size_t i = 0; i < len; i++)
		packet[4 + i] = pdu[i];
	acl_in(0x20, packet, 4 + len);
}

#define ATT_IN(...)                                                                                \
	do {                                                                                       \
		static const uint8_t pdu_[] = { __VA_ARGS__ };                                     \
		att_in(pdu_, sizeof(pdu_));                                                        \
	} while (0)

static void smp_in(const uint8_t *pdu, size_t len)
{
	uint8_t packet[4 + 17] = { (uint8_t)len, 0x00, 0x06, 0x00 };

	for (size_t i = 0; i < len; i++)
		packet[4 + i] = pdu[i];
	acl_in(0x20, packet, 4 + len);
}

#define SMP_IN(...)                                                                                \
	do {                                                                                       \
		static const uint8_t pdu_[] = { __VA_ARGS__ };                                     \
		smp_in(pdu_, sizeof(pdu_));                                                        \
	} while (0)

static void smp_value_in(uint8_t code, const uint8_t value[16])
{
	uint8_t pdu[17] = { code };

	for (int i = 0; i < 16; i++)
		pdu[1 + i] = value[i];
	smp_in(pdu, sizeof(pdu));
}

TestSuite(phone_strict, .init = link_up, .fini = link_down);

Test(phone_strict, lets_good_traffic_pass)
{
	ATT_IN(0x01, 0x10, 0x01, 0x00, 0x0a); /* no services: the answer to the first request */
	ATT_IN(0x0a, 0x03, 0x00);             /* Read Request, answered */
	phone_completed(&phone, 1);
	ATT_IN(0x0a, 0x03, 0x00);
	ATT_IN(0x1b, 0x03, 0x00, 0x00);
	cr_assert_eq(phone.totals.violations, 0);
	cr_assert_eq(phone.totals.requests, 2);
}

Test(phone_strict, notices_a_second_request)
{
	phone.options.silent = true;
	ATT_IN(0x0a, 0x03, 0x00);
	cr_assert_eq(phone.totals.violations, 0);
	ATT_IN(0x0a, 0x03, 0x00);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_strict, notices_a_second_response)
{
	ATT_IN(0x01, 0x10, 0x01, 0x00, 0x0a);
	phone_completed(&phone, 1);
	ATT_IN(0x01, 0x08, 0x01, 0x00,
	       0x0a); /* no characteristics: the client has nothing to ask */
	cr_assert_eq(phone.totals.violations, 0);
	ATT_IN(0x01, 0x08, 0x01, 0x00, 0x0a);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_strict, notices_a_response_to_another_request)
{
	ATT_IN(0x0b, 0x00);
	cr_assert_eq(phone.totals.violations, 1);
	ATT_IN(0x01, 0x0a, 0x01, 0x00, 0x0a);
	cr_assert_eq(phone.totals.violations, 2);
}

Test(phone_strict, notices_a_pdu_longer_than_the_mtu)
{
	uint8_t pdu[PHONE_DEFAULT_MTU + 1] = { 0x1b, 0x03, 0x00 };

	att_in(pdu, PHONE_DEFAULT_MTU);
	cr_assert_eq(phone.totals.violations, 0);
	att_in(pdu, PHONE_DEFAULT_MTU + 1);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_strict, notices_a_confirmation_of_nothing)
{
	ATT_IN(0x1e);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_strict, notices_a_surplus_completion)
{
	phone_completed(&phone, 1);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_strict, keeps_to_the_controllers_buffers)
{
	static const uint8_t data[60] = { 0x1b };

	phone_l2cap_send(&phone, 4, data, sizeof(data)); /* 64 octets: 27, 27, 10 */
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(phone.link.in_flight, 1);
		phone_completed(&phone, 1);
	}
	cr_assert_eq(phone.link.in_flight, 0);
	cr_assert_eq(phone.link.out_count, 0);
}

Test(phone_strict, recombines_fragments)
{
	static const uint8_t read[] = { 0x03, 0x00, 0x04, 0x00, 0x0a, 0x03, 0x00 };

	acl_in(0x20, read, 1);
	acl_in(0x10, read + 1, 5);
	cr_assert_eq(phone.totals.requests, 0);
	acl_in(0x10, read + 6, 1);
	cr_assert_eq(phone.totals.requests, 1);
	cr_assert_eq(phone.totals.violations, 0);
	acl_in(0x10, read, 1);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_strict, counts_a_security_request)
{
	static const uint8_t request[] = { 0x02, 0x00, 0x06, 0x00, 0x0b, 0x2d };

	acl_in(0x20, request, sizeof(request));
	cr_assert_eq(phone.totals.security_requests, 1);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_strict, sends_the_refusal_right_behind_the_crossing_request)
{
	phone.options.protected_error = 0x05;
	phone.options.crossing = PHONE_CROSS_DISCOVER;
	ATT_IN(0x0a, 0x1a, 0x00);
	/* The discovery that began with the link is still open, so the refusal waits. */
	cr_assert(phone.bearer->serving);
	cr_assert_eq(phone.link.out_count, 0);
	ATT_IN(0x01, 0x10, 0x01, 0x00, 0x0a);
	cr_assert_not(phone.bearer->serving);
	cr_assert_eq(phone.bearer->asked, 0x10);
	cr_assert_eq(phone.link.in_flight, 1);
	cr_assert_eq(phone.link.out_count, 1);
	cr_assert_eq(phone.totals.violations, 0);
}

/* However slow the other side is: a write that crosses no refusal shows nothing. */
Test(phone_strict, a_write_waits_for_the_refusal)
{
	phone.options.protected_error = 0x05;
	phone.options.crossing = PHONE_CROSS_WRITE;
	ATT_IN(0x01, 0x10, 0x01, 0x00, 0x0a);
	ATT_IN(0x01, 0x08, 0x01, 0x00, 0x0a);
	cr_assert_eq(phone.client.step, PHONE_STEP_READY);
	phone.client.crossed = false;
	phone.client.write_handle = 0x17;
	phone_client_tick(&phone, phone.link.since_ms + 60000);
	cr_assert_eq(phone.bearer->asked, 0);
	ATT_IN(0x0a, 0x1a, 0x00);
	cr_assert_eq(phone.bearer->asked, 0x12);
	cr_assert_not(phone.bearer->serving);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_strict, can_begin_to_ask_later)
{
	phone.options.ask_after_ms = 1000;
	phone_link_up(&phone, HANDLE);
	cr_assert_eq(phone_client_tick(&phone, phone.link.since_ms), phone.link.since_ms + 1000);
	cr_assert_eq(phone.bearer->asked, 0);
	phone_client_tick(&phone, phone.link.since_ms + 1000);
	cr_assert_eq(phone.bearer->asked, 0x10);
	cr_assert_eq(phone.client.step, PHONE_STEP_SERVICES);
}

Test(phone_strict, the_second_mtu_comes_second)
{
	phone.options.exchange_mtu = true;
	phone.options.faults[0] = 1u << PHONE_FAULT_SECOND_MTU;
	phone.options.fault_links = 1;
	phone.link.number = 0;
	phone_link_up(&phone, HANDLE);
	ATT_IN(0x02, 0x05, 0x02);
	cr_assert(phone.bearer->serving);
	ATT_IN(0x03, 0x05, 0x02);
	cr_assert_not(phone.bearer->serving);
	cr_assert_eq(phone.bearer->held[1], 23);
	cr_assert_eq(phone.bearer->mtu, 517);
	cr_assert_eq(phone.totals.violations, 0);
}

/* ---- Pairing, this test being the peripheral ---- */

static const uint8_t no_key[16];
static const uint8_t responder_random[16] = { 9, 8, 7 };

static void confirm_in(const uint8_t random[16])
{
	const struct phone_parties parties = { 0 };
	uint8_t confirm[16];

	phone_c1(no_key, random, phone.smp.request, phone.smp.response, &parties, confirm);
	smp_value_in(0x03, confirm);
}

static void pair_to_the_confirm(void)
{
	phone.options.pairing = PHONE_PAIR_ASKED;
	SMP_IN(0x0b, 0x01);
	cr_assert_eq(phone.smp.step, PHONE_SMP_REQUESTED);
	SMP_IN(0x02, 0x03, 0x00, 0x01, 0x10, 0x03, 0x03);
	cr_assert_eq(phone.smp.step, PHONE_SMP_CONFIRM);
}

/* Encryption Change for our link. */
static void encryption_in(uint8_t status)
{
	const uint8_t packet[] = { 0x04, 0x08, 0x04, status, HANDLE, 0x00, !status };

	phone_packet(&phone, packet, sizeof(packet));
}

Test(phone_strict, pairs_when_asked_and_keeps_the_bond)
{
	static const uint8_t random[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	pair_to_the_confirm();
	confirm_in(responder_random);
	smp_value_in(0x04, responder_random);
	cr_assert_eq(phone.smp.step, PHONE_SMP_ENCRYPTING);
	encryption_in(0);
	cr_assert(phone.link.encrypted);
	smp_value_in(0x06, responder_random);
	SMP_IN(0x07, 0x55, 0xaa, 1, 2, 3, 4, 5, 6, 7, 8);
	smp_value_in(0x08, responder_random);
	cr_assert_not(phone.bond.known);
	SMP_IN(0x09, 0x00, 1, 2, 3, 4, 5, 6);
	cr_assert(phone.bond.known);
	cr_assert_arr_eq(phone.bond.ltk, responder_random, 16);
	cr_assert_arr_eq(phone.bond.random, random, 8);
	cr_assert_eq(phone.bond.diversifier[0], 0x55);
	cr_assert_eq(phone.totals.violations, 0);
	phone_link_up(&phone, HANDLE);
	cr_assert_not(phone.link.encrypted);
	phone_smp_tick(&phone, phone_now_ms());
	cr_assert_eq(phone.smp.step, PHONE_SMP_BONDED);
	encryption_in(0);
	cr_assert(phone.link.encrypted);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_strict, a_bonded_phone_can_wait_to_be_asked)
{
	phone.bond.known = true;
	phone.options.bonded_waits = true;
	phone_link_up(&phone, HANDLE);
	cr_assert_eq(phone_smp_tick(&phone, phone_now_ms() + 60000), UINT64_MAX);
	cr_assert_eq(phone.smp.step, PHONE_SMP_IDLE);
	SMP_IN(0x0b, 0x01);
	cr_assert_eq(phone.smp.step, PHONE_SMP_BONDED);
	encryption_in(0x06); /* PIN or Key Missing */
	cr_assert_not(phone.link.encrypted);
	cr_assert_eq(phone.smp.step, PHONE_SMP_IDLE);
}

Test(phone_strict, nobody_touches_the_dialogue_unless_told)
{
	SMP_IN(0x0b, 0x01);
	cr_assert_eq(phone.smp.step, PHONE_SMP_IDLE);
	cr_assert_eq(phone.totals.security_requests, 1);
}

Test(phone_strict, notices_a_random_value_that_was_not_confirmed)
{
	pair_to_the_confirm();
	confirm_in(no_key);
	smp_value_in(0x04, responder_random);
	cr_assert_eq(phone.totals.violations, 1);
	cr_assert_eq(phone.smp.step, PHONE_SMP_IDLE);
}

Test(phone_strict, notices_keys_nobody_agreed_upon)
{
	pair_to_the_confirm();
	smp_value_in(0x06, responder_random); /* not encrypted yet */
	cr_assert_eq(phone.totals.violations, 1);
	confirm_in(responder_random);
	smp_value_in(0x04, responder_random);
	encryption_in(0);
	smp_value_in(0x0a, responder_random); /* a signing key */
	cr_assert_eq(phone.totals.violations, 2);
}

Test(phone_strict, notices_pairing_that_cannot_be)
{
	SMP_IN(0x02, 0x03, 0x00, 0x01, 0x10, 0x03, 0x03); /* without a request */
	cr_assert_eq(phone.totals.violations, 1);
	SMP_IN(0x0b);
	cr_assert_eq(phone.totals.violations, 2);
	phone.options.pairing = PHONE_PAIR_ASKED;
	SMP_IN(0x0b, 0x01);
	SMP_IN(0x02, 0x03, 0x00, 0x01, 0x10, 0x03, 0x07); /* a key that was not offered */
	cr_assert_eq(phone.totals.violations, 3);
	cr_assert_eq(phone.smp.step, PHONE_SMP_IDLE);
}

Test(phone_strict, pairing_has_thirty_seconds)
{
	phone.options.pairing = PHONE_PAIR_ASKED;
	SMP_IN(0x0b, 0x01);
	phone_smp_tick(&phone, phone_now_ms() + 29000);
	cr_assert_eq(phone.host.count, 0);
	phone_smp_tick(&phone, phone_now_ms() + 31000);
	cr_assert_eq(phone.host.count, 1); /* HCI Disconnect */
}
