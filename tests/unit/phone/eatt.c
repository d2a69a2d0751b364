/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <unistd.h>

#include "proxy/wire/l2cap.h"
#include "tests/unit/phone/alone.h"

/* The phone's enhanced bearers; this test is the peripheral, whose channels are 0x50 and 0x51, with
 * frames of 64 octets and 3 credits each. What the phone writes goes nowhere; packets_out() tells
 * how many it would have been. */

/* The identifier of the first request: none of those that Linux counts from. */
#define ASKED 0x80

static struct phone phone;

static unsigned int packets_out(void)
{
	unsigned int count = phone.link.in_flight;

	phone_completed(&phone, phone.link.in_flight);
	return count;
}

static void link_up(void)
{
	phone_alone(&phone, 251, 20);
	phone.options.eatt = true;
	phone_link_up(&phone, HANDLE);
	cr_assert_eq(packets_out(), 0);
}

static void link_down(void)
{
	close(phone.fd);
}

static void l2cap_in(uint16_t cid, const uint8_t *data, size_t len)
{
	uint8_t packet[9 + 64] = { 0x02, HANDLE, 0x20 };

	ag_put_le16(packet + 3, (uint16_t)(4 + len));
	ag_put_le16(packet + 5, (uint16_t)len);
	ag_put_le16(packet + 7, cid);
	for (size_t i = 0; i < len; i++)
		packet[9 + i] = data[i];
	phone_packet(&phone, packet, 9 + len);
}

#define L2CAP_IN(cid, ...)                                                                         \
	do {                                                                                       \
		static const uint8_t pdu_[] = { __VA_ARGS__ };                                     \
		l2cap_in(cid, pdu_, sizeof(pdu_));                                                 \
	} while (0)

/* Length 12: MTU 517, MPS 64, 3 credits, result 0. */
#define GRANTED 12, 0, 0x05, 0x02, 0x40, 0x00, 0x03, 0x00, 0x00, 0x00
/* Length 12: SPSM, MTU 517, MPS 64, 3 credits. */
#define WANTED 12, 0, 0x27, 0x00, 0x05, 0x02, 0x40, 0x00, 0x03, 0x00

static void open_both(void)
{
	phone.link.encrypted = true;
	phone_eatt_tick(&phone);
	cr_assert_eq(packets_out(), 1);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x18, ASKED, GRANTED, 0x50, 0, 0x51, 0);
}

static enum ag_sim_coc_state state(unsigned int channel)
{
	return phone.eatt.channels[channel].coc.state;
}

TestSuite(phone_eatt, .init = link_up, .fini = link_down);

Test(phone_eatt, asks_when_the_link_is_encrypted_and_pairing_has_ended)
{
	phone_eatt_tick(&phone);
	cr_assert_eq(packets_out(), 0);
	phone.link.encrypted = true;
	phone.smp.step = PHONE_SMP_KEYS;
	phone_eatt_tick(&phone);
	cr_assert_eq(packets_out(), 0);
	phone.smp.step = PHONE_SMP_IDLE;
	phone_eatt_tick(&phone);
	cr_assert_eq(packets_out(), 1);
	cr_assert_eq(state(0), AG_SIM_COC_ASKED);
	phone_eatt_tick(&phone);
	cr_assert_eq(packets_out(), 0);
}

Test(phone_eatt, the_client_begins_on_them)
{
	open_both();
	cr_assert_eq(state(0), AG_SIM_COC_OPEN);
	cr_assert_eq(state(1), AG_SIM_COC_OPEN);
	cr_assert_eq(phone.bearer->cid, 0x40);
	cr_assert_eq(phone.bearer->mtu, 517);
	cr_assert_eq(phone.bearer->asked, 0x10);
	cr_assert_eq(packets_out(), 1);
	/* 0x0a: no services, no characteristics */
	L2CAP_IN(0x40, 5, 0, 0x01, 0x10, 0x01, 0x00, 0x0a);
	L2CAP_IN(0x40, 5, 0, 0x01, 0x08, 0x01, 0x00, 0x0a);
	cr_assert_eq(phone.client.step, PHONE_STEP_READY);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_eatt, the_client_begins_without_them)
{
	phone.link.encrypted = true;
	phone_eatt_tick(&phone);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x18, ASKED, 8, 0, 0, 0, 0, 0, 0, 0, 0x02, 0);
	cr_assert_eq(phone.fixed.asked, 0x10);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_eatt, the_client_begins_when_they_are_unknown)
{
	phone.link.encrypted = true;
	phone_eatt_tick(&phone);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x01, 2, 2, 0, 0, 0);
	cr_assert_eq(phone.fixed.asked, 0);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x01, ASKED, 2, 0, 0, 0);
	cr_assert_eq(phone.fixed.asked, 0x10);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_eatt, all_bearers_have_their_turn)
{
	open_both();
	cr_assert_eq(phone_eatt_next(&phone)->cid, 0x41);
	cr_assert_eq(phone_eatt_next(&phone)->cid, 0x04);
	cr_assert_eq(phone_eatt_next(&phone)->cid, 0x40);
}

Test(phone_eatt, serves_each_bearer_by_itself)
{
	open_both();
	packets_out();
	phone.options.silent = true;
	L2CAP_IN(0x40, 3, 0, 0x0a, 0x03, 0x00);
	L2CAP_IN(0x41, 3, 0, 0x0a, 0x03, 0x00);
	cr_assert(phone.eatt.channels[0].bearer.serving);
	cr_assert(phone.eatt.channels[1].bearer.serving);
	cr_assert_not(phone.fixed.serving);
	cr_assert_eq(phone.totals.violations, 0);
	L2CAP_IN(0x41, 3, 0, 0x0a, 0x03, 0x00);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_eatt, an_answer_on_another_bearer)
{
	open_both();
	L2CAP_IN(0x41, 5, 0, 0x01, 0x10, 0x01, 0x00, 0x0a);
	cr_assert_eq(phone.totals.violations, 1);
	cr_assert_eq(phone.eatt.channels[0].bearer.asked, 0x10);
}

Test(phone_eatt, an_exchange_of_the_mtu)
{
	open_both();
	L2CAP_IN(0x40, 3, 0, 0x02, 0x05, 0x02);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_eatt, frames_wait_for_credits)
{
	/* Read By Group Type: more than 64 octets of answer in frames of 64 */
	open_both();
	phone.eatt.channels[0].coc.may_send = 1;
	packets_out();
	L2CAP_IN(0x40, 7, 0, 0x10, 0x40, 0x00, 0xff, 0xff, 0x00, 0x28);
	cr_assert_eq(phone.eatt.channels[0].coc.may_send, 0);
	cr_assert_gt(phone.eatt.channels[0].coc.out_len, 0);
	packets_out();
	cr_assert_gt(phone.eatt.channels[0].coc.out_len, 0);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x16, 1, 4, 0, 0x50, 0, 9, 0);
	cr_assert_eq(phone.eatt.channels[0].coc.out_len, 0);
	cr_assert_eq(phone.totals.violations, 0);
}

Test(phone_eatt, a_frame_without_a_credit)
{
	open_both();
	phone.eatt.channels[0].coc.granted = 0;
	L2CAP_IN(0x40, 3, 0, 0x0a, 0x03, 0x00);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_eatt, an_sdu_longer_than_it_says)
{
	open_both();
	L2CAP_IN(0x40, 3, 0, 0x0a, 0x03, 0x00, 0x00);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_eatt, a_frame_on_a_channel_that_is_not_open)
{
	L2CAP_IN(0x40, 3, 0, 0x0a, 0x03, 0x00);
	cr_assert_eq(phone.totals.violations, 1);
}

Test(phone_eatt, credits_that_must_not_be_given)
{
	open_both();
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x16, 1, 4, 0, 0x52, 0, 1, 0);
	cr_assert_eq(phone.totals.violations, 1, "no channel");
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x16, 1, 4, 0, 0x50, 0, 0, 0);
	cr_assert_eq(phone.totals.violations, 2, "none");
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x16, 1, 4, 0, 0x51, 0, 0xfd, 0xff);
	cr_assert_eq(phone.totals.violations, 3, "more than 65535 (Vol 3 Part A, 4.24)");
}

Test(phone_eatt, responses_that_must_not_be)
{
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x18, ASKED, GRANTED, 0x50, 0, 0x51, 0);
	cr_assert_eq(phone.totals.violations, 1, "no request");
	phone.link.encrypted = true;
	phone_eatt_tick(&phone);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x18, ASKED, GRANTED, 0x50, 0, 0x50, 0);
	cr_assert_eq(phone.totals.violations, 2, "one CID for two channels");
	cr_assert_eq(state(1), AG_SIM_COC_CLOSED);
}

Test(phone_eatt, goes_on_elsewhere_when_a_channel_ends)
{
	open_both();
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x06, 7, 4, 0, 0x40, 0, 0x50, 0);
	cr_assert_eq(state(0), AG_SIM_COC_CLOSED);
	cr_assert_eq(phone.bearer, &phone.fixed);
	cr_assert_eq(phone.client.step, PHONE_STEP_READY);
	cr_assert_eq(phone_eatt_next(&phone)->cid, 0x41);
	cr_assert_eq(phone.totals.violations, 0);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x06, 8, 4, 0, 0x41, 0, 0x50, 0);
	cr_assert_eq(phone.totals.violations, 1, "another channel's CID");
}

Test(phone_eatt, takes_what_the_peer_opens)
{
	phone.link.encrypted = true;
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x17, 3, WANTED, 0x50, 0, 0x51, 0);
	cr_assert_eq(state(0), AG_SIM_COC_OPEN);
	cr_assert_eq(state(1), AG_SIM_COC_OPEN);
	cr_assert_eq(phone.eatt.channels[1].coc.peer_cid, 0x51);
	packets_out();
	/* Then it need not ask itself, and has no more to give. */
	phone_eatt_tick(&phone);
	cr_assert_eq(packets_out(), 0);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x17, 4, WANTED, 0x52, 0, 0x53, 0);
	cr_assert_eq(phone.eatt.channels[0].coc.peer_cid, 0x50);
	cr_assert_eq(phone.totals.violations, 0);
}

/* As bluetoothd 5.55 does. */
Test(phone_eatt, takes_one_channel_after_the_other)
{
	phone.link.encrypted = true;
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x17, 3, 10, 0, 0x27, 0, 0x05, 0x02, 0x40, 0, 3, 0, 0x50, 0);
	cr_assert_eq(state(0), AG_SIM_COC_OPEN);
	cr_assert_eq(state(1), AG_SIM_COC_CLOSED);
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x17, 4, 10, 0, 0x27, 0, 0x05, 0x02, 0x40, 0, 3, 0, 0x51, 0);
	cr_assert_eq(phone.eatt.channels[0].coc.peer_cid, 0x50);
	cr_assert_eq(phone.eatt.channels[1].coc.peer_cid, 0x51);
	cr_assert_eq(phone.totals.violations, 0);
}

/* Vol 3 Part G, 7.4: bit 0 of Server Supported Features; others than phones with them have none. */
Test(phone_eatt, the_database_says_so)
{
	static const uint8_t ask[] = { 0x08, 0x01, 0x00, 0xff, 0xff, 0x3a, 0x2b };
	struct phone_options options = { .eatt = true };
	uint8_t answer[PHONE_MTU];

	cr_assert_eq(phone_server_answer(&options, true, 23, ask, sizeof(ask), answer), 5);
	cr_assert_eq(answer[0], 0x09);
	cr_assert_eq(answer[4], 0x01);
	options.eatt = false;
	cr_assert_eq(phone_server_answer(&options, true, 23, ask, sizeof(ask), answer), 5);
	cr_assert_eq(answer[0], 0x01);
}

Test(phone_eatt, takes_nothing_before_encryption)
{
	L2CAP_IN(AG_CID_LE_SIGNALLING, 0x17, 3, WANTED, 0x50, 0, 0x51, 0);
	cr_assert_eq(state(0), AG_SIM_COC_CLOSED);
	cr_assert_eq(packets_out(), 1);
}
