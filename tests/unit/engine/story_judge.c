/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of requests, indications and timers, and how sure of it one can be. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/engine/story_world.h"

TestSuite(engine_story_judge, .timeout = 20);

/* ---- What a recording without all packets proves less ---- */

Test(engine_story_judge, unprompted_where_the_refusal_may_be_missing)
{
	begin_incomplete(1);
	HOST_SMP(0x0b, 0x01);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNPROMPTED, AG_POSSIBLE, AG_REMEDY_QUIET)->text,
			 "among the packets that the recording lacks"));
	expect(AG_FINDING_PAIRING, AG_LIKELY, AG_REMEDY_QUIET);
}

static void expect_harmless(enum ag_finding_kind kind)
{
	const struct ag_finding *finding = find(kind);

	cr_assert(finding, "%s was not found", ag_finding_name(kind));
	cr_expect(finding->harmless, "%s", finding->text);
	cr_expect_eq(finding->confidence, AG_POSSIBLE);
	cr_expect_eq(finding->remedy, AG_REMEDY_NONE);
}

Test(engine_story_judge, surplus_responses_where_requests_may_be_missing)
{
	begin_incomplete(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x0b, 0x01);
	PEER(0x0b, 0x01);
	PEER(0x13);
	finish();
	expect_harmless(AG_FINDING_DUPLICATE);
	expect_harmless(AG_FINDING_UNSOLICITED);
}

Test(engine_story_judge, pdus_that_are_too_long_where_the_exchange_may_be_missing)
{
	begin_incomplete(0);
	for (int i = 0; i < 2; i++)
		PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
		     18, 19, 20, 21);
	finish();
	expect_harmless(AG_FINDING_MTU);
	cr_expect(strstr(find(AG_FINDING_MTU)->text, "ATT_MTU of 23. So are 2 PDUs in all"));
}

/* A request behind one that was not answered, and more packets than there are buffers. */
Test(engine_story_judge, what_shows_that_packets_are_missing)
{
	static const uint8_t buffers[] = { 4, 0x0e, 7, 1, 0x02, 0x20, 0, 27, 0, 2 };
	static const uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 4, 0, 0x52, 0x20, 0, 1 };

	begin(0);
	feed(AG_SIDE_CONTROLLER, buffers, sizeof(buffers));
	HOST(0x0a, 0x16, 0x00);
	HOST(0x0a, 0x17, 0x00);
	for (int i = 0; i < 3; i++)
		feed(AG_SIDE_HOST, packet, sizeof(packet));
	later(10 * SECOND);
	finish();
	cr_assert(find(AG_FINDING_LOST));
	cr_expect(strstr(find(AG_FINDING_LOST)->text,
			 "1 times a request follows one without a response; the controller seems"));
	cr_expect_null(find(AG_FINDING_CREDITS));
	/* younger than the limit, and its answer may be missing */
	cr_assert(find(AG_FINDING_UNANSWERED));
	cr_expect(find(AG_FINDING_UNANSWERED)->harmless);
}

/* The buffers of BR/EDR are LE's too where it has none of its own. */
Test(engine_story_judge, buffers_that_are_shared)
{
	static const uint8_t shared[] = {
		4, 0x0e, 11, 1, 0x05, 0x10, 0, 0xfd, 0x03, 64, 1, 0, 0, 0
	};
	static const uint8_t none[] = { 4, 0x0e, 7, 1, 0x02, 0x20, 0, 0, 0, 0 };
	static const uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 4, 0, 0x52, 0x20, 0, 1 };

	begin(0);
	feed(AG_SIDE_CONTROLLER, shared, sizeof(shared));
	feed(AG_SIDE_CONTROLLER, none, sizeof(none));
	feed(AG_SIDE_HOST, packet, sizeof(packet));
	cr_expect_eq(world.n_found, 0);
	feed(AG_SIDE_HOST, packet, sizeof(packet));
	finish();
	cr_expect(find(AG_FINDING_LOST));
}

/* What is sent before the first PDU that is judged, such as SDP, counts against the buffers of its
 * own transport. */
Test(engine_story_judge, buffers_of_bredr_that_are_more)
{
	static const uint8_t more[] = { 4, 0x0e, 11, 1, 0x05, 0x10, 0, 0xfd, 0x03, 64, 4, 0, 0, 0 };
	static const uint8_t fewer[] = { 4, 0x0e, 7, 1, 0x02, 0x20, 0, 27, 0, 2 };
	static const uint8_t up[] = { 4, 0x03, 11, 0, 0x41, 0, 1, 2, 3, 4, 5, 6, 1, 0 };
	static const uint8_t packet[] = { 2, 0x41, 0, 8, 0, 4, 0, 0x40, 0, 2, 0, 1, 0 };
	static const uint8_t pdu[] = { 0x0a, 0x16, 0x00 };
	static const struct ag_link_view view = { .handle = 0x41, .type = AG_LINK_BREDR };
	static const struct ag_subject subject = { .present = 0 };
	const struct ag_decision decision = {
		.link = &view,
		.from = AG_FROM_HOST,
		.is_att = true,
		.bearer = AG_BEARER_ATT_BREDR,
		.pdu = pdu,
		.len = sizeof(pdu),
		.pdu_len = sizeof(pdu),
		.subject = &subject,
	};

	begin(0);
	feed(AG_SIDE_CONTROLLER, more, sizeof(more));
	feed(AG_SIDE_CONTROLLER, fewer, sizeof(fewer));
	feed(AG_SIDE_CONTROLLER, up, sizeof(up));
	for (int i = 0; i < 3; i++)
		feed(AG_SIDE_HOST, packet, sizeof(packet));
	ag_story_decision(world.story, &decision);
	later(6 * SECOND);
	finish();
	cr_expect(find(AG_FINDING_UNANSWERED));
	cr_expect_null(find(AG_FINDING_LOST));
}

/* ---- More on requests and indications ---- */

Test(engine_story_judge, a_host_that_does_not_answer)
{
	begin(0);
	PEER(0x0a, 0x16, 0x00);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNANSWERED, AG_LIKELY, AG_REMEDY_SILENT_HOST)->why,
			 "when the recording ends, but younger"));
}

/* On enhanced bearers several requests are open at once, and the oldest is told. */
Test(engine_story_judge, requests_on_enhanced_bearers)
{
	begin(0);
	send(AG_SIDE_HOST, 5,
	     (const uint8_t[]){ 0x17, 1, 12, 0, 0x27, 0, 64, 0, 64, 0, 5, 0, 0x40, 0, 0x41, 0 },
	     16);
	send(AG_SIDE_CONTROLLER, 5,
	     (const uint8_t[]){ 0x18, 1, 12, 0, 64, 0, 64, 0, 5, 0, 0, 0, 0x50, 0, 0x51, 0 }, 16);
	send(AG_SIDE_HOST, 0x50, (const uint8_t[]){ 3, 0, 0x0a, 0x16, 0 }, 5);
	send(AG_SIDE_HOST, 0x51, (const uint8_t[]){ 3, 0, 0x0a, 0x17, 0 }, 5);
	HOST(0x0a, 0x18, 0x00);
	PEER(0x0b, 0x01);
	send(AG_SIDE_CONTROLLER, 0x41, (const uint8_t[]){ 2, 0, 0x0b, 0x01 }, 4);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNANSWERED, AG_LIKELY, AG_REMEDY_SILENT_PEER)->text,
			 "Handle: 0x0017"));
	cr_expect_null(find(AG_FINDING_LOST));
}

Test(engine_story_judge, a_second_response_that_is_another)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x0b, 0x01);
	PEER(0x0b, 0x02);
	PEER(0x0b, 0x02);
	finish();
	cr_expect(strstr(expect(AG_FINDING_DUPLICATE, AG_POSSIBLE, AG_REMEDY_SURPLUS)->text,
			 "There are 2 of this kind"));
}

Test(engine_story_judge, an_indication_open_at_the_end)
{
	begin(1);
	HOST(0x1d, 0x20, 0x00, 0x01);
	later(10 * SECOND);
	finish();
	expect(AG_FINDING_INDICATION, AG_LIKELY, AG_REMEDY_NONE);
}

/* Nobody asked for the declaration, so only the value tells; and one that cannot be a range is
 * none. */
Test(engine_story_judge, service_changed_by_its_form)
{
	begin(1);
	HOST(0x1d, 0x08, 0x00, 0x05, 0x00, 0x01, 0x00);
	PEER(0x1e);
	HOST(0x1d, 0x08, 0x00, 0x01);
	PEER(0x1e);
	HOST(0x1d, 0x08, 0x00, 0x01, 0x00, 0xff, 0xff);
	PEER(0x1e);
	HOST_SMP(0x0b, 0x01);
	finish();
	cr_expect_eq(
	    expect(AG_FINDING_SERVICE_CHANGED, AG_LIKELY, AG_REMEDY_HOLD_INDICATION)->frames[0], 8);
}

/* ---- More on timers ---- */

Test(engine_story_judge, the_smp_timer_with_the_reason_of_newer_kernels)
{
	begin(1);
	refused_read();
	HOST_SMP(0x0b, 0x01);
	wait_us(30 * SECOND + 200 * MS);
	end_by_host(0x13);
	finish();
	expect(AG_FINDING_TIMER, AG_LIKELY, AG_REMEDY_QUIET);
}

/* Only the reason speaks for it: the Security Request is among what is missing. */
static void end_without_a_request(uint8_t role, bool by_host, enum ag_remedy remedy)
{
	begin_incomplete(role);
	HOST(0x1b, 0x20, 0x00, 0x01);
	if (by_host)
		end_by_host(0x05);
	else
		end_by_peer(0x05);
	finish();
	cr_expect(strstr(expect(AG_FINDING_TIMER, AG_POSSIBLE, remedy)->text,
			 "the request itself is not in the recording"));
}

Test(engine_story_judge, the_smp_timer_by_its_reason)
{
	end_without_a_request(1, true, AG_REMEDY_QUIET);
	end_without_a_request(0, true, AG_REMEDY_THEIR_ERROR);
	end_without_a_request(0, false, AG_REMEDY_OUR_ERROR);
}

/* Nothing of the peer's is seen to be open, but our Security Request is 30 s old. */
Test(engine_story_judge, the_peers_att_timer_by_exclusion)
{
	for (int incomplete = 0; incomplete < 2; incomplete++) {
		begin(1);
		if (incomplete)
			complete(3);
		refused_read();
		HOST_SMP(0x0b, 0x01);
		wait_us(31 * SECOND);
		end_by_peer(0x13);
		finish();
		cr_expect(strstr(
		    expect(AG_FINDING_TIMER, incomplete ? AG_LIKELY : AG_POSSIBLE, AG_REMEDY_QUIET)
			->text,
		    "the peer's own ATT timer of 30 s for a request that is not in"));
	}
}
