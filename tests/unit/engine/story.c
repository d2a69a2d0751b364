/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories of a few packets each: what has to be found, and what must not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "tests/sim/alloc.h"
#include "tests/unit/engine/story_world.h"

TestSuite(engine_story, .timeout = 20);

Test(engine_story, nothing_on_a_healthy_link)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	HOST(0x0a, 0x09, 0x00);
	PEER(0x0b, 0x64);
	end_by_host(0x13);
	finish();
	cr_expect_eq(world.links, 1);
	cr_expect_eq(world.n_found, 0);
}

/* A central that is refused, pairs and is encrypted: as it should be. */
Test(engine_story, pairing_that_ends_well_is_no_finding)
{
	begin(0);
	HOST(0x0a, 0x09, 0x00);
	PEER(0x01, 0x0a, 0x09, 0x00, 0x05);
	HOST_SMP(0x01, 3, 0, 1, 16, 0, 0);
	wait_us(SECOND);
	encrypt();
	HOST(0x0a, 0x09, 0x00);
	PEER(0x0b, 0x64);
	finish();
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, the_kernels_smp_timer)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x0f);
	HOST_SMP(0x0b, 0x01);
	wait_us(30 * SECOND + 200 * MS);
	end_by_host(0x05);
	finish();
	expect(AG_FINDING_CLIENT, AG_CERTAIN, AG_REMEDY_QUIET);
	expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_QUIET);
	expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET);
	cr_expect(strstr(expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "SMP timer of the kernel"));
	cr_expect_eq(world.n_found, 4);
}

/* A bonded phone has encrypted as it was asked to; what it refuses then is refused for want of
 * more. */
Test(engine_story, refused_on_an_encrypted_link)
{
	begin(1);
	HOST_SMP(0x01, 3, 0, 1, 16, 0, 0);
	encrypt();
	refused_read();
	HOST_SMP(0x0b, 0x05);
	wait_us(30 * SECOND + 200 * MS);
	end_by_host(0x05);
	finish();
	cr_expect(strstr(expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "sent a Security Request 0.010 s later (frame 8)"));
	expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET);
	expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_QUIET);
}

/* Refused on an encrypted link, and content with that: the earlier refusal is the one that is told.
 */
Test(engine_story, refused_again_and_content)
{
	begin(1);
	refused_read();
	HOST_SMP(0x0b, 0x01);
	encrypt();
	HOST(0x0a, 0x18, 0x00);
	PEER(0x01, 0x0a, 0x18, 0x00, 0x05);
	end_by_host(0x13);
	finish();
	cr_assert_eq(world.n_found, 2);
	cr_expect_eq(world.found[1].kind, AG_FINDING_SECURITY);
	cr_expect(world.found[1].harmless);
	cr_expect(strstr(world.found[1].text, "0x0016"));
}

/* The phone asked while our socket was blocked, and gave up. */
Test(engine_story, the_peers_att_timer)
{
	begin(1);
	refused_read();
	HOST_SMP(0x0b, 0x01);
	PEER(0x10, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28);
	wait_us(30 * SECOND);
	end_by_peer(0x13);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNANSWERED, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "blocks the ATT socket"));
	cr_expect(strstr(expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "the peer's own ATT timer"));
}

Test(engine_story, the_hosts_att_timer)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	wait_us(32 * SECOND);
	end_by_host(0x13);
	finish();
	expect(AG_FINDING_UNANSWERED, AG_CERTAIN, AG_REMEDY_SILENT_PEER);
	expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_SILENT_PEER);
	cr_expect_eq(world.n_found, 2);
}

/* A disconnection that no timer explains is no finding. */
Test(engine_story, an_early_end_is_no_timer)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	wait_us(2 * SECOND);
	end_by_host(0x13);
	finish();
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, surplus_responses)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x0a);
	finish();
	cr_expect_eq(expect(AG_FINDING_DUPLICATE, AG_CERTAIN, AG_REMEDY_SURPLUS)->n_frames, 2);
	expect(AG_FINDING_UNSOLICITED, AG_LIKELY, AG_REMEDY_SURPLUS);
	cr_expect_eq(world.n_found, 2);
}

Test(engine_story, malformed_answers)
{
	begin(1);
	HOST(0x08, 0x01, 0x00, 0xff, 0xff, 0x3a, 0x2b);
	PEER(0x09, 0x00, 0x0d, 0x00);
	HOST(0x0a, 0x09, 0x00);
	PEER(0x0b, 0x64);
	end_by_peer(0x13);
	finish();
	cr_expect(strstr(expect(AG_FINDING_MALFORMED, AG_CERTAIN, AG_REMEDY_MALFORMED)->text,
			 "The peer sent \"Read By Type Response"));
	cr_expect_eq(find(AG_FINDING_MALFORMED)->n_frames, 1);
}

/* What this machine says is told, but no rule is there for it. */
Test(engine_story, malformed_requests_of_ours)
{
	begin(0);
	HOST(0x0a, 0x09);
	PEER(0x01, 0x0a, 0x00, 0x00, 0x04);
	finish();
	expect(AG_FINDING_MALFORMED, AG_CERTAIN, AG_REMEDY_NONE);
}

Test(engine_story, mtu_said_in_two_ways)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	PEER(0x02, 0x40, 0x00);
	HOST(0x03, 0x05, 0x02);
	finish();
	expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_ONE_MTU);
	cr_expect_eq(world.n_found, 1);
}

Test(engine_story, a_pdu_longer_than_the_mtu)
{
	begin(0);
	HOST(0x02, 0x17, 0x00);
	PEER(0x03, 0x05, 0x02);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20, 21);
	finish();
	cr_expect_eq(expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_NONE)->frames[0], 6);
	cr_expect_eq(world.n_found, 1);
}

/* What is told is the MTU by which the PDU was counted: while there are two, the larger one. */
Test(engine_story, longer_than_the_larger_of_two_mtus)
{
	const struct ag_finding *finding;

	begin(0);
	HOST(0x02, 0x1e, 0x00);
	PEER(0x03, 0x05, 0x02);
	PEER(0x02, 0x05, 0x02);
	HOST(0x03, 0x18, 0x00);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20, 21, 22, 23, 24, 25, 26, 27, 28);
	finish();
	finding = &world.found[1];
	cr_assert_eq(world.n_found, 2);
	cr_expect(strstr(finding->text, "longer than the ATT_MTU of 30"), "%s", finding->text);
}

/* And the one before the exchange, whatever that led to. */
Test(engine_story, longer_than_the_mtu_before_the_exchange)
{
	const struct ag_finding *finding;

	begin(0);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20, 21);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	finish();
	finding = expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_NONE);
	cr_expect(strstr(finding->text, "longer than the ATT_MTU of 23"), "%s", finding->text);
}

Test(engine_story, mtu_exchanged_twice)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	finish();
	expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_ONE_MTU);
}

Test(engine_story, service_changed_before_encryption)
{
	const struct ag_finding *finding;

	begin(1);
	PEER(0x08, 0x01, 0x00, 0xff, 0xff, 0x03, 0x28);
	HOST(0x09, 0x07, 0x07, 0x00, 0x20, 0x08, 0x00, 0x05, 0x2a);
	HOST(0x1d, 0x08, 0x00, 0x01, 0x00, 0xff, 0xff);
	PEER(0x1e);
	HOST_SMP(0x0b, 0x01);
	wait_us(SECOND);
	encrypt();
	finish();
	finding = expect(AG_FINDING_SERVICE_CHANGED, AG_CERTAIN, AG_REMEDY_HOLD_INDICATION);
	cr_expect_eq(finding->remedy_handle, 8);
	finding = find(AG_FINDING_UNPROMPTED);
	cr_assert(finding);
	cr_expect(finding->harmless);
	cr_expect_eq(finding->remedy, AG_REMEDY_BONDED);
}

Test(engine_story, indication_without_confirmation)
{
	begin(1);
	HOST(0x1d, 0x20, 0x00, 0x01);
	wait_us(30 * SECOND);
	end_by_host(0x13);
	finish();
	expect(AG_FINDING_INDICATION, AG_CERTAIN, AG_REMEDY_NONE);
	cr_expect(find(AG_FINDING_TIMER));
}

Test(engine_story, credits_never_returned)
{
	uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 4, 0, 0x1b, 0x20, 0, 1 };

	begin(1);
	HOST(0x1b, 0x20, 0x00, 0x01);
	for (int i = 0; i < 100; i++)
		feed(AG_SIDE_HOST, packet, sizeof(packet));
	later(20 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_CREDITS, AG_LIKELY, AG_REMEDY_NONE)->text, "of 100 "));
}

/* What was sent before the recording began shows in its completions. */
Test(engine_story, missing_packets_are_told)
{
	begin(1);
	complete(3);
	HOST(0x0a, 0x16, 0x00);
	later(40 * SECOND);
	finish();
	cr_assert(find(AG_FINDING_LOST));
	cr_expect(find(AG_FINDING_LOST)->harmless);
	expect(AG_FINDING_UNANSWERED, AG_POSSIBLE, AG_REMEDY_QUIET);
}

/* Of a link without ATT and SMP not even the role is known. */
Test(engine_story, nothing_is_said_of_other_traffic)
{
	static const uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 0x70, 0, 1, 2, 3, 4 };

	begin(1);
	feed(AG_SIDE_HOST, packet, sizeof(packet));
	later(60 * SECOND);
	end_by_host(0x13);
	finish();
	cr_expect_eq(world.links, 1);
	cr_expect_eq(world.n_found, 0);
}

/* A reset ends the link; the timers have nothing to do with it. */
Test(engine_story, reset_ends_links)
{
	static const uint8_t reset[] = { 4, 0x0e, 4, 1, 0x03, 0x0c, 0 };

	begin(0);
	HOST(0x0a, 0x16, 0x00);
	wait_us(30 * SECOND);
	feed(AG_SIDE_CONTROLLER, reset, sizeof(reset));
	cr_expect_eq(world.links, 1);
	finish();
	cr_expect_eq(world.links, 1);
	expect(AG_FINDING_UNANSWERED, AG_CERTAIN, AG_REMEDY_SILENT_PEER);
	cr_expect_null(find(AG_FINDING_TIMER));
}

/* More links than are kept, and a handle used again without an end. */
Test(engine_story, links_are_bounded)
{
	uint8_t event[] = { 4, 0x3e, 19, 1,    0,    0, 0, 1, 0,    1, 2,
			    3, 4,    5,  0xc6, 0x18, 0, 0, 0, 0x48, 0, 0 };

	begin(1);
	for (uint16_t handle = 0; handle < 200; handle++) {
		ag_put_le16(event + 5, handle);
		feed(AG_SIDE_CONTROLLER, event, sizeof(event));
	}
	finish();
	cr_expect_gt(world.links, 0);
	cr_expect_leq(world.links, 65);
	cr_expect_eq(world.n_found, 0);
}

/* ---- What tells nothing ---- */

Test(engine_story, pdus_without_what_they_are_about)
{
	begin(1);
	HOST(0x02);
	PEER(0x03, 0x05);
	HOST(0x1d, 0x20);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01);
	PEER(0x08, 0x01, 0x00, 0xff, 0xff, 0x03, 0x28);
	HOST(0x09, 0x05, 0x07, 0x00, 0x05, 0x2a, 0x00);
	later(2 * SECOND);
	finish();
	cr_expect_null(find(AG_FINDING_INDICATION));
	cr_expect_null(find(AG_FINDING_SERVICE_CHANGED));
	cr_expect_null(find(AG_FINDING_TIMER));
}

static const struct {
	enum ag_side from;
	size_t len;
	uint8_t octets[24];
} whole_packets[] = {
	{ AG_SIDE_HOST, 7, { 1, 0x06, 0x04, 3, HANDLE, 0, 0x13 } },
	{ AG_SIDE_HOST, 6, { 1, 0x19, 0x20, 28, HANDLE, 0 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x05, 4, 0, HANDLE, 0 } }, /* ends the link, reason or not */
	{ AG_SIDE_CONTROLLER, 7, { 4, 0x08, 4, 0, HANDLE, 0, 1 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x30, 3, 0, HANDLE, 0 } },
	{ AG_SIDE_CONTROLLER, 8, { 4, 0x13, 5, 1, HANDLE, 0, 1, 0 } },
	{ AG_SIDE_CONTROLLER, 7, { 4, 0x0e, 4, 1, 0x03, 0x0c, 0 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x3e, 13, 5, HANDLE, 0 } },
	{ AG_SIDE_CONTROLLER, 7, { 4, 0x3e, 19, 1, 0, 0x41, 0 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x03, 11, 0, 0x41, 0 } },
	{ AG_SIDE_HOST, 9, { 2, HANDLE, 0, 4, 0, 0, 0, 4, 0 } },
};

/* Cut before their last octet, or on a link that is not there, they change nothing. */
Test(engine_story, packets_that_tell_nothing)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	for (size_t i = 0; i < ag_array_size(whole_packets); i++) {
		for (size_t len = 0; len < whole_packets[i].len; len++)
			ag_story_packet(world.story, ++world.frame, world.now_us,
					whole_packets[i].from, whole_packets[i].octets, len);
	}
	PEER(0x0b, 0x01);
	cr_expect_eq(world.links, 0);
	for (size_t i = 0; i < ag_array_size(whole_packets); i++) {
		uint8_t octets[9];

		memcpy(octets, whole_packets[i].octets, sizeof(octets));
		if (!memchr(octets, HANDLE, sizeof(octets)))
			continue;
		*(uint8_t *)memchr(octets, HANDLE, sizeof(octets)) = HANDLE + 5;
		ag_story_packet(world.story, ++world.frame, world.now_us, whole_packets[i].from,
				octets, whole_packets[i].len);
	}
	cr_expect_eq(world.links, 0);
	finish();
	cr_expect_eq(world.links, 1);
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, a_link_of_bredr)
{
	static const uint8_t up[] = { 4, 0x03, 11, 0, 0x41, 0, 1, 2, 3, 4, 5, 6, 1, 0 };
	static const uint8_t failed[] = { 4, 0x03, 11, 4, 0x42, 0, 1, 2, 3, 4, 5, 6, 1, 0 };

	begin(0);
	feed(AG_SIDE_CONTROLLER, up, sizeof(up));
	feed(AG_SIDE_CONTROLLER, failed, sizeof(failed));
	finish();
	cr_expect_eq(world.links, 2);
}

Test(engine_story, a_decision_on_a_link_that_is_not_known)
{
	const struct ag_link_view view = { .handle = 0x77 };
	const struct ag_decision decision = {
		.link = &view,
		.pdu = (const uint8_t *)"\x0b\x01",
		.len = 2,
	};

	begin(0);
	ag_story_decision(world.story, &decision);
	finish();
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, no_memory)
{
	struct ag_story *story = NULL;

	ag_sim_alloc_fail_after(0);
	cr_expect_eq(ag_story_new(tell, NULL, &story), -ENOMEM);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_null(story);
}

Test(engine_story, every_kind_and_confidence_has_words)
{
	for (int i = 0; i < AG_FINDING_KINDS; i++) {
		cr_expect_gt(strlen(ag_finding_name((enum ag_finding_kind)i)), 5);
		cr_expect_gt(strlen(ag_finding_title((enum ag_finding_kind)i)), 10);
	}
	cr_expect_str_eq(ag_confidence_name(AG_POSSIBLE), "possible");
	cr_expect_str_eq(ag_confidence_name(AG_LIKELY), "likely");
	cr_expect_str_eq(ag_confidence_name(AG_CERTAIN), "certain");
}

/* The rules of all remedies together are a rule file without errors and warnings. */
Test(engine_story, remedies_are_good_rules)
{
	char text[8192] = "";
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *rules = NULL;
	size_t len = 0;

	for (int i = 0; i < AG_REMEDIES; i++) {
		size_t more = ag_remedy_format((enum ag_remedy)i, 0x12, text + len,
					       sizeof(text) - len);
		const char *name = ag_remedy_rule((enum ag_remedy)i);

		cr_expect_eq(more == 0, i == AG_REMEDY_NONE);
		cr_expect(!name || strstr(text + len, name));
		len += more;
		cr_assert_lt(len, sizeof(text));
	}
	struct ag_source source = { .name = "remedies", .text = text, .len = len };

	cr_expect_eq(ag_ruleset_compile(&source, 1, &rules, &diags), 0);
	for (size_t i = 0; i < diags.count; i++)
		cr_expect(false, "%s", diags.list[i].message);
	ag_diags_clear(&diags);
	ag_ruleset_free(rules);
}
