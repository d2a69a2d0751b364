/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/sim/phone/phone.h"

/* That the phone notices what the other side must not do. What it writes goes nowhere. */

#define HANDLE 0x2a

static struct phone phone;

static void link_up(void)
{
	cr_redirect_stdout();
	phone.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	phone.link.acl_len = 27;
	phone.link.acl_count = 1;
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
	cr_assert(phone.bearer.serving);
	cr_assert_eq(phone.link.out_count, 0);
	ATT_IN(0x01, 0x10, 0x01, 0x00, 0x0a);
	cr_assert_not(phone.bearer.serving);
	cr_assert_eq(phone.bearer.asked, 0x10);
	cr_assert_eq(phone.link.in_flight, 1);
	cr_assert_eq(phone.link.out_count, 1);
	cr_assert_eq(phone.totals.violations, 0);
}
