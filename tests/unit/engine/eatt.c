/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Enhanced ATT bearers: a link on which the host opens one credit-based channel, host CID 0x0040,
 * peer CID 0x0050, MTU 64, MPS 64, and the credits that each test says.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/engine.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/alloc.h"
#include "tests/sim/hex.h"

struct setup {
	struct ag_engine *engine;
	struct ag_ruleset *rules;
	bool dry_run;
	enum ag_bearer_type seen; /* bearer of the last decision */
	enum ag_verdict verdict;
	size_t pdu_len;
	size_t whole_len; /* of which only the beginning may have been seen */
};

static void feed(struct setup *setup, enum ag_side side, const char *hex)
{
	uint8_t packet[1024];
	size_t len = ag_sim_octets(hex, packet);

	cr_assert_eq(ag_engine_feed(setup->engine, side, packet, len, 1000), 0);
}

/* The next packet to a side is this one. */
static void expect(struct setup *setup, enum ag_side side, const char *hex)
{
	uint8_t wanted[1024];
	size_t len = ag_sim_octets(hex, wanted);
	char got[2 * 64 + 1] = "";
	struct ag_packet packet;

	cr_assert(ag_engine_peek(setup->engine, side, &packet), "nothing came out, not %s", hex);
	for (size_t i = 0; i < packet.len && i < 64; i++)
		snprintf(got + 2 * i, 3, "%02x", packet.data[i]);
	cr_assert(packet.len == len && memcmp(packet.data, wanted, len) == 0, "%s came out, not %s",
		  got, hex);
	ag_engine_pop(setup->engine, side);
}

static void expect_nothing(struct setup *setup, enum ag_side side)
{
	struct ag_packet packet;

	cr_assert_not(ag_engine_peek(setup->engine, side, &packet));
}

static void forward(struct setup *setup, enum ag_side from, const char *hex)
{
	feed(setup, from, hex);
	expect(setup, from == AG_SIDE_HOST ? AG_SIDE_CONTROLLER : AG_SIDE_HOST, hex);
}

static void tap(void *user, const struct ag_decision *decision)
{
	struct setup *setup = user;

	setup->seen = decision->bearer;
	setup->verdict = decision->verdict;
	setup->pdu_len = decision->len;
	setup->whole_len = decision->pdu_len;
}

/* Credits are what each side grants at first. */
static void open_bearer(struct setup *setup, const char *text, int host_credits, int peer_credits)
{
	struct ag_source source = { "eatt", text, strlen(text) };
	struct ag_engine_config config = {
		.tap = tap,
		.tap_user = setup,
		.dry_run = setup->dry_run,
	};
	char packet[128];

	cr_assert_eq(ag_ruleset_compile(&source, 1, &setup->rules, NULL), 0);
	config.rules = setup->rules;
	cr_assert_eq(ag_engine_new(&config, &setup->engine), 0);
	/* LE Read Buffer Size: 8 packets of 251 octets */
	forward(setup, AG_SIDE_CONTROLLER, "04 0e 07 01 0220 00 fb00 08");
	forward(setup, AG_SIDE_CONTROLLER,
		"04 3e 13 01 00 4000 01 00 112233445566 0000 0000 0000 00");
	/* L2CAP_CREDIT_BASED_CONNECTION_REQ: SPSM 0x0027, MTU 64, MPS 64, credits, one CID */
	snprintf(packet, sizeof(packet),
		 "02 4000 1200 0e00 0500 17 01 0a00 2700 4000 4000 %02x00 4000",
		 (unsigned int)host_credits);
	forward(setup, AG_SIDE_HOST, packet);
	forward(setup, AG_SIDE_CONTROLLER, "04 13 05 01 4000 0100");
	snprintf(packet, sizeof(packet),
		 "02 4020 1200 0e00 0500 18 01 0a00 4000 4000 %02x00 0000 5000",
		 (unsigned int)peer_credits);
	forward(setup, AG_SIDE_CONTROLLER, packet);
}

static void end(struct setup *setup)
{
	ag_engine_free(setup->engine);
	ag_ruleset_free(setup->rules);
}

/* Read Request of handle 0x0016 in one K-frame, from the host. */
#define READ_BY_HOST "02 4000 0900 0500 5000 0300 0a 1600"

#define REFUSE_READS "rule r when from == host and att.opcode == read_request reject"

Test(eatt, a_bearer_is_known)
{
	struct setup setup = { 0 };

	open_bearer(&setup, "", 5, 5);
	forward(&setup, AG_SIDE_HOST, READ_BY_HOST);
	cr_assert_eq(setup.seen, AG_BEARER_EATT);
	cr_assert_eq(ag_engine_stats(setup.engine)->judged, 1);
	end(&setup);
}

Test(eatt, a_refused_request_costs_no_credit)
{
	struct setup setup = { 0 };

	open_bearer(&setup, REFUSE_READS, 5, 5);
	feed(&setup, AG_SIDE_HOST, READ_BY_HOST);
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	/* completed, its credit given back in the name of the peer's end 0x0050, and answered */
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	expect(&setup, AG_SIDE_HOST, "02 4020 0c00 0800 0500 16 01 0400 5000 0100");
	expect(&setup, AG_SIDE_HOST, "02 4020 0b00 0700 4000 0500 01 0a 1600 02");
	expect_nothing(&setup, AG_SIDE_HOST);
	end(&setup);
}

Test(eatt, our_answer_is_taken_out_of_the_next_grant)
{
	struct setup setup = { 0 };

	open_bearer(&setup, REFUSE_READS, 5, 5);
	feed(&setup, AG_SIDE_HOST, READ_BY_HOST);
	for (int i = 0; i < 3; i++)
		ag_engine_pop(setup.engine, AG_SIDE_HOST);
	/* the host grants 1 for our answer: not the peer's business, but completed to the host */
	feed(&setup, AG_SIDE_HOST, "02 4000 0c00 0800 0500 16 02 0400 4000 0100");
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	/* the next grant is for frames of the peer */
	forward(&setup, AG_SIDE_HOST, "02 4000 0c00 0800 0500 16 03 0400 4000 0200");
	end(&setup);
}

Test(eatt, a_larger_grant_is_reduced)
{
	struct setup setup = { 0 };

	open_bearer(&setup, REFUSE_READS, 5, 5);
	feed(&setup, AG_SIDE_HOST, READ_BY_HOST);
	feed(&setup, AG_SIDE_HOST, "02 4000 0c00 0800 0500 16 02 0400 4000 0300");
	expect(&setup, AG_SIDE_CONTROLLER, "02 4000 0c00 0800 0500 16 02 0400 4000 0200");
	end(&setup);
}

/* Our answer uses the only credit that the peer believes to have; what the peer sends with it
 * waits. */
Test(eatt, a_frame_without_a_credit_waits_for_one)
{
	struct setup setup = { 0 };
	const char *notification = "02 4020 0a00 0600 4000 0400 1b 0300 07";

	open_bearer(&setup, REFUSE_READS, 1, 5);
	feed(&setup, AG_SIDE_HOST, READ_BY_HOST);
	for (int i = 0; i < 3; i++)
		ag_engine_pop(setup.engine, AG_SIDE_HOST);
	feed(&setup, AG_SIDE_CONTROLLER, notification);
	expect_nothing(&setup, AG_SIDE_HOST);
	feed(&setup, AG_SIDE_HOST, "02 4000 0c00 0800 0500 16 02 0400 4000 0100");
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	expect(&setup, AG_SIDE_HOST, notification);
	end(&setup);
}

/* A Write Request of 70 octets: K-frames of 64 and 8. */
static void long_write(char first[256], char second[64])
{
	int len = snprintf(first, 256, "02 4000 4400 4000 5000 4600 12 1500");

	for (int i = 0; i < 59; i++)
		len += snprintf(first + len, 256 - (size_t)len, "61");
	snprintf(second, 64, "02 4000 0c00 0800 5000 6262626262626262");
}

static void feed_long_write(struct setup *setup, char first[256], char second[64])
{
	long_write(first, second);
	feed(setup, AG_SIDE_HOST, first);
	feed(setup, AG_SIDE_HOST, second);
}

Test(eatt, an_sdu_of_two_frames_leaves_as_it_came)
{
	struct setup setup = { 0 };
	char first[256], second[64];

	open_bearer(&setup, "rule r when att.handle == 0x0099 drop", 5, 5);
	feed_long_write(&setup, first, second);
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	expect(&setup, AG_SIDE_CONTROLLER, first);
	expect(&setup, AG_SIDE_CONTROLLER, second);
	end(&setup);
}

Test(eatt, an_sdu_of_two_frames_is_refused_whole)
{
	struct setup setup = { 0 };
	char first[256], second[64];

	open_bearer(&setup, "rule r when att.opcode == write_request reject", 5, 5);
	feed_long_write(&setup, first, second);
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	expect(&setup, AG_SIDE_HOST, "02 4020 0c00 0800 0500 16 01 0400 5000 0200");
	expect(&setup, AG_SIDE_HOST, "02 4020 0b00 0700 4000 0500 01 12 1500 03");
	end(&setup);
}

/* Where nothing will be changed the frames do not wait for each other. */
static void passes_frame_by_frame(struct setup *setup, const char *text)
{
	char first[256], second[64];

	open_bearer(setup, text, 5, 5);
	long_write(first, second);
	forward(setup, AG_SIDE_HOST, first);
	cr_assert_eq(ag_engine_stats(setup->engine)->judged, 0);
	forward(setup, AG_SIDE_HOST, second);
	expect_nothing(setup, AG_SIDE_HOST);
	cr_assert_eq(ag_engine_stats(setup->engine)->judged, 1);
	cr_assert_eq(setup->pdu_len, 70);
	/* and the one after it is a frame like any other */
	forward(setup, AG_SIDE_HOST, READ_BY_HOST);
	end(setup);
}

Test(eatt, an_sdu_of_two_frames_is_seen_without_rules)
{
	struct setup setup = { 0 };

	passes_frame_by_frame(&setup, "");
	cr_assert_eq(setup.verdict, AG_V_ACCEPT);
}

Test(eatt, an_sdu_of_two_frames_is_judged_in_a_dry_run)
{
	struct setup setup = { .dry_run = true };

	passes_frame_by_frame(&setup, "rule r when att.kind == request reject");
	cr_assert_eq(setup.verdict, AG_V_REJECT);
}

/* The peer granted one credit only, so the host cannot send the second frame before the peer has
 * the first. Where no rule wants it, it goes on. */
Test(eatt, an_sdu_beyond_the_credits_that_nobody_wants_goes_by)
{
	struct setup setup = { 0 };
	char first[256], second[64];

	open_bearer(&setup, "rule r when att.opcode == read_request reject", 5, 1);
	feed_long_write(&setup, first, second);
	expect(&setup, AG_SIDE_CONTROLLER, first);
	expect(&setup, AG_SIDE_CONTROLLER, second);
	cr_assert_eq(ag_engine_stats(setup.engine)->unjudged[AG_UNJUDGED_TOO_LONG], 1);
	end(&setup);
}

/* The peer says something else, and in the end the host gets another answer. */
Test(eatt, of_an_sdu_that_goes_by_it_is_known_how_long_it_is)
{
	struct setup setup = { 0 };
	char first[256], second[64];

	open_bearer(&setup, "rule surplus when from == peer and att.unsolicited reject", 5, 2);
	long_write(first, second);
	memcpy(strstr(first, "4600"), "c800", 4);
	forward(&setup, AG_SIDE_HOST, first);
	feed(&setup, AG_SIDE_CONTROLLER, "02 4020 0700 0300 4000 0100 0b");
	cr_expect_eq(setup.verdict, AG_V_REJECT);
	cr_assert_eq(ag_engine_tick(setup.engine, 1000 + 10000000), 0);
	cr_expect_eq(setup.verdict, AG_V_TIMEOUT);
	cr_expect_eq(setup.whole_len, 200);
	end(&setup);
}

/* Where one does, the host gets a credit of ours for the rest. */
Test(eatt, an_sdu_beyond_the_credits_is_judged)
{
	struct setup setup = { 0 };
	char first[256], second[64];

	open_bearer(&setup, "rule r when att.opcode == write_request reject", 5, 1);
	feed_long_write(&setup, first, second);
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	expect(&setup, AG_SIDE_HOST, "02 4020 0c00 0800 0500 16 01 0400 5000 0100");
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4000 0100");
	/* two were spent, and one of them was ours */
	expect(&setup, AG_SIDE_HOST, "02 4020 0c00 0800 0500 16 01 0400 5000 0100");
	expect(&setup, AG_SIDE_HOST, "02 4020 0b00 0700 4000 0500 01 12 1500 03");
	cr_assert_eq(ag_engine_stats(setup.engine)->unjudged[AG_UNJUDGED_TOO_LONG], 0);
	end(&setup);
}

/* Asked for by the peer: five channels. @order: of the request, from 0 */
static void ask_for_five(struct setup *setup, int order)
{
	char packet[128];

	snprintf(packet, sizeof(packet),
		 "02 4020 1a00 1600 0500 17 %02x 1200 2700 4000 4000 0500 %02x00 %02x00 %02x00 "
		 "%02x00 %02x00",
		 (unsigned int)order + 1, 0x60u + 5 * (unsigned int)order,
		 0x61u + 5 * (unsigned int)order, 0x62u + 5 * (unsigned int)order,
		 0x63u + 5 * (unsigned int)order, 0x64u + 5 * (unsigned int)order);
	forward(setup, AG_SIDE_CONTROLLER, packet);
}

/* One is open, so eleven others can be asked for. */
Test(eatt, channels_that_are_not_followed_are_counted)
{
	struct setup setup = { 0 };
	const uint64_t *count;

	open_bearer(&setup, "rule r when att.opcode == read_request reject", 5, 5);
	count = &ag_engine_stats(setup.engine)->unjudged[AG_UNJUDGED_CHANNEL];
	ask_for_five(&setup, 0);
	ask_for_five(&setup, 1);
	cr_expect_eq(*count, 0);
	ask_for_five(&setup, 2);
	cr_expect_eq(*count, 4);
	/* to what was rejected nobody says yes */
	forward(&setup, AG_SIDE_HOST, "02 4000 0a00 0600 0500 01 03 0200 0000");
	forward(&setup, AG_SIDE_CONTROLLER, "04 13 05 01 4000 0100");
	ask_for_five(&setup, 3);
	cr_expect_eq(*count, 4);
	end(&setup);
}

Test(eatt, a_refused_channel_is_none)
{
	struct setup setup = { 0 };

	open_bearer(&setup, REFUSE_READS, 5, 5);
	/* a second channel, refused: result 4, no CID */
	forward(&setup, AG_SIDE_HOST, "02 4000 1200 0e00 0500 17 02 0a00 2700 4000 4000 0500 4100");
	forward(&setup, AG_SIDE_CONTROLLER,
		"02 4020 1200 0e00 0500 18 02 0a00 4000 4000 0500 0400 0000");
	/* what would be its frames is nobody's business */
	forward(&setup, AG_SIDE_HOST, "02 4000 0900 0500 5100 0300 0a 1600");
	end(&setup);
}

Test(eatt, a_disconnected_channel_is_forgotten)
{
	struct setup setup = { 0 };

	open_bearer(&setup, REFUSE_READS, 5, 5);
	forward(&setup, AG_SIDE_HOST, "02 4000 0c00 0800 0500 06 03 0400 5000 4000");
	forward(&setup, AG_SIDE_CONTROLLER, "02 4020 0c00 0800 0500 07 03 0400 5000 4000");
	forward(&setup, AG_SIDE_HOST, READ_BY_HOST);
	end(&setup);
}

/* ATT on BR/EDR is a channel of PSM 0x001f in basic mode; its MTU is configured (5.1). */
Test(bredr, att_is_known_by_its_psm)
{
	struct ag_source source = { "bredr", REFUSE_READS, strlen(REFUSE_READS) };
	struct setup setup = { 0 };
	struct ag_engine_config config = { .tap = tap, .tap_user = &setup };

	cr_assert_eq(ag_ruleset_compile(&source, 1, &setup.rules, NULL), 0);
	config.rules = setup.rules;
	cr_assert_eq(ag_engine_new(&config, &setup.engine), 0);
	forward(&setup, AG_SIDE_CONTROLLER, "04 03 0b 00 4200 112233445566 01 00");
	forward(&setup, AG_SIDE_CONTROLLER, "02 4220 0c00 0800 0100 02 01 0400 1f00 4000");
	forward(&setup, AG_SIDE_HOST, "02 4220 1000 0c00 0100 03 01 0800 5000 4000 0000 0000");
	feed(&setup, AG_SIDE_HOST, "02 4220 0700 0300 4000 0a 1600");
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	cr_assert_eq(setup.seen, AG_BEARER_ATT_BREDR);
	expect(&setup, AG_SIDE_HOST, "04 13 05 01 4200 0100");
	expect(&setup, AG_SIDE_HOST, "02 4220 0900 0500 5000 01 0a 1600 02");
	end(&setup);
}

/* ---- Who heeds no credits, or takes nothing ---- */

/* Take what came out. @completes: so does the controller. @return: packets of data to the host */
static size_t take_all(struct setup *setup, bool completes)
{
	struct ag_packet packet;
	size_t to_host = 0, to_peer = 0;

	while (ag_engine_peek(setup->engine, AG_SIDE_CONTROLLER, &packet)) {
		to_peer += packet.data[0] == 0x02;
		ag_engine_pop(setup->engine, AG_SIDE_CONTROLLER);
	}
	for (; completes && to_peer > 0; to_peer--)
		feed(setup, AG_SIDE_CONTROLLER, "04 13 05 01 4000 0100");
	while (ag_engine_peek(setup->engine, AG_SIDE_HOST, &packet)) {
		to_host += packet.data[0] == 0x02;
		ag_engine_pop(setup->engine, AG_SIDE_HOST);
	}
	return to_host;
}

/* The peer sends this again and again. @return: packets of data to the host */
static size_t flood(struct setup *setup, const char *hex, unsigned int times, bool completes)
{
	size_t to_host = 0;

	for (unsigned int i = 0; i < times; i++) {
		feed(setup, AG_SIDE_CONTROLLER, hex);
		to_host += take_all(setup, completes);
	}
	return to_host;
}

/* What is kept for a channel and a link: both have a cap of 16 KiB of octets in small packets. */
#define KEPT ((size_t)256 * 1024)
#define MANY 20000u

#define READ_BY_PEER "02 4020 0900 0500 4000 0300 0a 1600"
#define NOTIFICATION "02 4020 0a00 0600 4000 0400 1b 0300 07"

static void begin_flood(struct setup *setup, const char *rules, int host_credits, int peer_credits)
{
	open_bearer(setup, rules, host_credits, peer_credits);
	take_all(setup, true);
	ag_sim_alloc_track();
}

Test(eatt, answers_for_which_there_is_no_credit_do_not_pile_up)
{
	struct setup setup = { 0 };
	size_t to_host;

	begin_flood(&setup, "rule r when from == peer and att.kind == request reject", 5, 0);
	to_host = flood(&setup, READ_BY_PEER, MANY, true);
	cr_expect_lt(ag_sim_alloc_live(), KEPT);
	cr_expect_gt(to_host, MANY / 2);
	cr_expect_eq(to_host, ag_engine_stats(setup.engine)->unjudged[AG_UNJUDGED_BACKLOG]);
	end(&setup);
}

/* The first get the buffers that there are, one waits, and with it the number of all others. */
Test(eatt, credits_given_back_do_not_pile_up)
{
	struct setup setup = { 0 };
	char rest[64];

	begin_flood(&setup, "rule r when att.kind == notification drop", 5, 5);
	cr_expect_eq(flood(&setup, NOTIFICATION, MANY, false), 0);
	cr_expect_lt(ag_sim_alloc_live(), KEPT);
	feed(&setup, AG_SIDE_CONTROLLER, "04 13 05 01 4000 0800");
	expect(&setup, AG_SIDE_CONTROLLER, "02 4000 0c00 0800 0500 16 01 0400 4000 0100");
	snprintf(rest, sizeof(rest), "02 4000 0c00 0800 0500 16 01 0400 4000 %02x%02x",
		 (MANY - 9) & 0xff, (MANY - 9) >> 8);
	expect(&setup, AG_SIDE_CONTROLLER, rest);
	expect_nothing(&setup, AG_SIDE_CONTROLLER);
	end(&setup);
}

/* Nor is what the receiver does not take kept for ever: it sees that its credits are not heeded. */
Test(eatt, frames_beyond_the_credits_do_not_pile_up)
{
	struct setup setup = { 0 };

	begin_flood(&setup, REFUSE_READS, 1, 5);
	feed(&setup, AG_SIDE_HOST, READ_BY_HOST);
	take_all(&setup, true);
	/* the only credit is used by our answer, so the first one waits */
	cr_expect_eq(flood(&setup, NOTIFICATION, 1, true), 0);
	cr_expect_eq(flood(&setup, NOTIFICATION, MANY, true), MANY);
	cr_expect_lt(ag_sim_alloc_live(), KEPT);
	cr_expect_eq(ag_engine_stats(setup.engine)->early_releases, MANY);
	end(&setup);
}

/* What is lent for the rest of an SDU is no credit for the next one. */
Test(eatt, credits_lent_do_not_pile_up)
{
	struct setup setup = { 0 };

	begin_flood(&setup, "rule r when att.handle == 0x99 drop", 1, 5);
	for (int i = 0; i < 40; i++) {
		/* the first octets of 8000, then one by one */
		flood(&setup, "02 4020 0900 0500 4000 401f 1b 0300", 1, false);
		flood(&setup, "02 4020 0500 0100 4000 07", 7997, false);
	}
	cr_expect_lt(ag_sim_alloc_live(), 8 * KEPT);
	end(&setup);
}

Test(eatt, credits_for_empty_frames_do_not_pile_up)
{
	struct setup setup = { 0 };

	begin_flood(&setup, "rule r when att.handle == 0x99 drop", 5, 5);
	flood(&setup, "02 4020 0900 0500 4000 4000 1b 0300", 1, false);
	flood(&setup, "02 4020 0400 0000 4000", MANY, false);
	cr_expect_lt(ag_sim_alloc_live(), KEPT);
	end(&setup);
}

/* Octets of L2CAP PDUs in the packets to a side. */
static size_t take_octets(struct setup *setup, enum ag_side side)
{
	struct ag_packet packet;
	size_t octets = 0;

	while (ag_engine_peek(setup->engine, side, &packet)) {
		octets += packet.data[0] == 0x02 ? packet.len - 5 : 0;
		ag_engine_pop(setup->engine, side);
	}
	return octets;
}

/* A stream takes packets of any length, and with them frames longer than all that is gathered. */
Test(eatt, a_frame_that_waits_may_be_of_any_length)
{
	static uint8_t packet[5 + 4 + 60000] = { 0x02, 0x40, 0x20 };
	struct setup setup = { 0 };
	size_t frame = sizeof(packet) - 9;

	begin_flood(&setup, REFUSE_READS, 1, 5);
	feed(&setup, AG_SIDE_HOST, READ_BY_HOST);
	take_all(&setup, true);
	ag_put_le16(packet + 3, (uint16_t)(frame + 4));
	ag_put_le16(packet + 5, (uint16_t)frame);
	ag_put_le16(packet + 7, 0x0040);
	ag_put_le16(packet + 9, (uint16_t)(frame - 2));
	packet[11] = 0x1b;
	cr_assert_eq(ag_engine_feed(setup.engine, AG_SIDE_CONTROLLER, packet, sizeof(packet), 1000),
		     0);
	cr_expect_eq(take_octets(&setup, AG_SIDE_HOST), 0);
	feed(&setup, AG_SIDE_HOST, "02 4000 0c00 0800 0500 16 01 0400 4000 0500");
	cr_expect_eq(take_octets(&setup, AG_SIDE_HOST), frame + 4);
	end(&setup);
}
