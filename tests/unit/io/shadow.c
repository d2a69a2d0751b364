/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A second set of rules, which only counts. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/io/capture.h"
#include "proxy/io/rulefiles.h"
#include "proxy/io/shadow.h"
#include "tests/sim/alloc.h"

static struct ag_shadow shadow;
static struct ag_link_view view = { .handle = 0x40, .peer = 0xdc080f5b8d82 };
static const struct ag_rule quiet = { .name = "quiet" };

static void tear_down(void)
{
	ag_shadow_clear(&shadow);
}

TestSuite(io_shadow, .fini = tear_down);

static void look_on(const char *text)
{
	const struct ag_source source = { "shadow.rules", text, strlen(text) };
	struct ag_ruleset *set = NULL;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &set, NULL), 0, "%s", text);
	ag_shadow_set(&shadow, set, 1);
}

/* A Read Request of the host, and what the rules in force made of it. */
static void decide(uint16_t handle, enum ag_verdict verdict, uint8_t error, unsigned int effects)
{
	static uint64_t number = 1;
	const uint8_t pdu[] = { 0x0a, (uint8_t)handle, (uint8_t)(handle >> 8) };
	struct ag_subject subject = { .present = 0 };
	struct ag_decision decision = {
		.number = number,
		.now_us = number * 1000000,
		.from = AG_FROM_HOST,
		.link = &view,
		.is_att = true,
		.pdu = pdu,
		.len = sizeof(pdu),
		.pdu_len = sizeof(pdu),
		.rule = verdict == AG_V_ACCEPT ? NULL : &quiet,
		.verdict = verdict,
		.error = error,
		.has_error = error != 0,
		.effects = effects,
		.subject = &subject,
		.as_came = &subject,
	};

	number++;
	ag_subject_set(&subject, AG_F_FROM, AG_FROM_HOST);
	ag_subject_set(&subject, AG_F_LINK, AG_LINK_LE);
	ag_subject_set(&subject, AG_F_ROLE, AG_ROLE_PERIPHERAL);
	ag_subject_set(&subject, AG_F_BEARER, AG_BEARER_ATT);
	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x0a);
	ag_subject_set(&subject, AG_F_ATT_KIND, AG_KIND_REQUEST);
	ag_subject_set(&subject, AG_F_ATT_HANDLE, handle);
	ag_shadow_tap(&shadow, &decision);
}

Test(io_shadow, off_counts_nothing)
{
	decide(1, AG_V_ACCEPT, 0, 0);
	ag_shadow_summary(&shadow);
	cr_expect_eq(shadow.judged, 0);
}

Test(io_shadow, the_same_decision_is_no_difference)
{
	look_on("rule other-name when att.handle == 1 reject");
	decide(1, AG_V_REJECT, 0x02, 0);
	decide(2, AG_V_ACCEPT, 0, 0);
	/* a log is none */
	decide(2, AG_V_ACCEPT, 0, AG_EFFECT_LOG);
	/* nor is what was hidden, which nobody tries here */
	decide(2, AG_V_ACCEPT, 0, AG_EFFECT_HIDE);
	decide(2, AG_V_HIDE, 0x01, AG_EFFECT_HIDE);
	cr_expect_eq(shadow.judged, 4);
	cr_expect_eq(shadow.different, 0);
}

Test(io_shadow, differences_are_counted_by_pair)
{
	look_on("rule one when att.handle == 1 reject attribute_not_found\n"
		"rule two when att.handle == 2 drop\n"
		"rule three when att.handle == 3 delay 5ms accept");
	decide(1, AG_V_REJECT, 0x02, 0);
	decide(1, AG_V_REJECT, 0x02, 0);
	decide(1, AG_V_ACCEPT, 0, 0);
	decide(2, AG_V_REJECT, 0x02, 0);
	decide(3, AG_V_ACCEPT, 0, 0);
	decide(3, AG_V_ACCEPT, 0, AG_EFFECT_DELAY);
	decide(4, AG_V_REJECT, 0x02, 0);
	cr_expect_eq(shadow.judged, 7);
	cr_expect_eq(shadow.different, 6);
	cr_assert_eq(shadow.n_pairs, 5);
	cr_expect_eq(shadow.pair[0].count, 2);
	cr_expect_str_eq(shadow.pair[0].real.rule, "quiet");
	cr_expect_str_eq(shadow.pair[0].shadow.rule, "one");
	cr_expect_eq(shadow.pair[0].shadow.error, 0x0a);
	cr_expect_str_eq(shadow.pair[1].real.rule, "");
	cr_expect_eq(shadow.pair[4].shadow.verdict, AG_V_ACCEPT);
	cr_expect_str_eq(shadow.pair[4].shadow.rule, "");
	ag_shadow_summary(&shadow);
	/* another set begins anew */
	look_on("rule one accept");
	cr_expect_eq(shadow.judged, 0);
	cr_expect_eq(shadow.n_pairs, 0);
}

Test(io_shadow, its_samplers_count_for_each_link)
{
	look_on("rule some when att.handle == 1 and first 2 reject");
	for (int i = 0; i < 5; i++)
		decide(1, AG_V_ACCEPT, 0, 0);
	cr_expect_eq(shadow.different, 2);
	view.handle = 0x41;
	decide(1, AG_V_ACCEPT, 0, 0);
	cr_expect_eq(shadow.different, 3);
	view.handle = 0x40;
	decide(1, AG_V_ACCEPT, 0, 0);
	cr_expect_eq(shadow.different, 3);
	/* the same handle, another link */
	view.since_us = 77;
	decide(1, AG_V_ACCEPT, 0, 0);
	cr_expect_eq(shadow.different, 4);
}

Test(io_shadow, more_links_and_pairs_than_there_is_room_for)
{
	char text[128 * 64];
	size_t at = 0;

	for (int i = 0; i < 100; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "rule r%d when att.handle == %d reject\n", i, i);
	look_on(text);
	for (uint16_t i = 0; i < 100; i++) {
		view.handle = i;
		decide(i, AG_V_ACCEPT, 0, 0);
		decide(i, AG_V_ACCEPT, 0, 0);
	}
	cr_expect_eq(shadow.different, 200);
	cr_expect_eq(shadow.n_pairs, AG_SHADOW_PAIRS);
	cr_expect_eq(shadow.other, 2 * (100 - AG_SHADOW_PAIRS));
	ag_shadow_summary(&shadow);
}

Test(io_shadow, later_rules_see_what_a_rewrite_made)
{
	look_on("rule move when att.handle == 1 rewrite att.handle = 2\n"
		"rule two when att.handle == 2 drop");
	decide(1, AG_V_DROP, 0, AG_EFFECT_REWRITE);
	decide(2, AG_V_DROP, 0, 0);
	cr_expect_eq(shadow.different, 0);
	decide(1, AG_V_ACCEPT, 0, AG_EFFECT_REWRITE);
	cr_expect_eq(shadow.different, 1);
}

Test(io_shadow, a_later_word_is_not_judged_again)
{
	look_on("rule one drop");
	decide(1, AG_V_LATE, 0, 0);
	decide(1, AG_V_TIMEOUT, 0x0e, 0);
	cr_expect_eq(shadow.judged, 0);
}

Test(io_shadow, what_was_not_seen_whole_is_said)
{
	const uint8_t part[] = { 0x12, 0x01, 0x00 };
	struct ag_subject subject = { .present = 0 };
	struct ag_decision decision = {
		.link = &view,
		.is_att = true,
		.pdu = part,
		.len = sizeof(part),
		.pdu_len = 100,
		.as_came = &subject,
	};

	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x12);
	look_on("rule one when att.opcode == write_request and att.value == hex\"01\" drop");
	ag_shadow_tap(&shadow, &decision);
	cr_expect_eq(shadow.unseen, 1);
	cr_expect_eq(shadow.different, 0);
	look_on("rule one when att.opcode == read_request drop");
	ag_shadow_tap(&shadow, &decision);
	cr_expect_eq(shadow.unseen, 0);
}

/* @later_us: than it was recorded */
static void feed_capture(const char *path, struct ag_engine *engine, uint16_t index,
			 uint64_t later_us)
{
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;

	cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
	while (ag_capture_next(capture, &frame) == 0) {
		struct ag_packet packet;

		if (frame.meaning.kind != AG_BTSNOOP_PACKET || frame.meaning.index != index)
			continue;
		ag_engine_feed(engine, frame.meaning.from_host ? AG_SIDE_HOST : AG_SIDE_CONTROLLER,
			       frame.data, frame.len, frame.head.time_us + later_us);
		for (int side = 0; side < 2; side++) {
			while (ag_engine_peek(engine, (enum ag_side)side, &packet))
				ag_engine_pop(engine, (enum ag_side)side);
		}
	}
	ag_capture_close(capture);
}

/* Whatever rules are in force: the same as a shadow find no difference. */
Test(io_shadow, the_same_rules_never_differ, .timeout = 60)
{
	static const char *const sets[] = {
		"rules.d",
		"rules.d/examples",
		"tests/unit/io/shadow.rules",
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		for (uint16_t index = 0; index < 2; index++) {
			struct ag_engine_config config = {
				.tap = ag_shadow_tap,
				.tap_user = &shadow,
				.seed = 1,
				.replay = true,
			};
			struct ag_ruleset *rules = NULL, *set = NULL;
			struct ag_engine *engine;

			cr_assert_eq(ag_rulefiles_compile(&sets[i], 1, &rules, stderr), 0);
			cr_assert_eq(ag_rulefiles_compile(&sets[i], 1, &set, NULL), 0);
			config.rules = rules;
			ag_shadow_set(&shadow, set, 1);
			cr_assert_eq(ag_engine_new(&config, &engine), 0);
			feed_capture("tests/captures/bluez-5.66-reverse-discovery.btsnoop", engine,
				     index, 0);
			cr_expect_gt(shadow.judged, 10);
			cr_expect_eq(shadow.different, 0, "%s", sets[i]);
			cr_expect_eq(shadow.unseen, 0);
			ag_engine_free(engine);
			ag_ruleset_free(rules);
		}
	}
}

/* Chance falls the same way on the links that follow, too. */
Test(io_shadow, the_same_chance_on_every_link)
{
	static const char text[] = "rule some when att.kind == request and chance 50% drop";
	const struct ag_source source = { "some.rules", text, strlen(text) };
	struct ag_engine_config config = {
		.tap = ag_shadow_tap,
		.tap_user = &shadow,
		.seed = AG_ENGINE_SEED,
		.replay = true,
	};
	struct ag_ruleset *rules = NULL;
	struct ag_engine *engine;

	look_on(text);
	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	config.rules = rules;
	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	for (uint64_t round = 0; round < 3; round++)
		feed_capture("tests/captures/bluez-5.66-reverse-discovery.btsnoop", engine, 1,
			     round * 3600 * UINT64_C(1000000));
	cr_expect_gt(ag_engine_rule_hits(engine)[0], 3);
	cr_expect_eq(shadow.different, 0);
	ag_engine_free(engine);
	ag_ruleset_free(rules);
}

/* A PDU of either protocol that was let through, at a time. */
static void pass(bool is_att, uint8_t opcode, struct ag_subject *subject, uint64_t now_us)
{
	struct ag_decision decision = {
		.now_us = now_us,
		.from = AG_FROM_PEER,
		.link = &view,
		.is_att = is_att,
		.pdu = &opcode,
		.len = 1,
		.pdu_len = 1,
		.subject = subject,
		.as_came = subject,
	};

	ag_subject_set(subject, is_att ? AG_F_ATT_OPCODE : AG_F_SMP_OPCODE, opcode);
	ag_shadow_tap(&shadow, &decision);
}

/* What `reject` would have said, where it says anything. */
Test(io_shadow, errors_that_nobody_gave)
{
	static const struct {
		bool is_att;
		uint8_t opcode;
		bool has_error;
		uint8_t error;
	} cases[] = {
		{ false, 0x01, true, 0x05 },  /* Pairing Request: Pairing Not Supported */
		{ false, 0x0b, true, 0x05 },  /* Security Request */
		{ false, 0x05, false, 0x00 }, /* Pairing Failed is the end of it */
		{ true, 0x1b, false, 0x00 },  /* a notification has no answer */
		{ true, 0x0b, false, 0x00 },  /* nor has a response to no request */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ag_subject subject = { .present = 0 };

		look_on("rule one reject");
		pass(cases[i].is_att, cases[i].opcode, &subject, 1000000);
		cr_assert_eq(shadow.n_pairs, 1, "%zu", i);
		cr_expect_eq(shadow.pair[0].shadow.verdict, AG_V_REJECT, "%zu", i);
		cr_expect_eq(shadow.pair[0].shadow.has_error, cases[i].has_error, "%zu", i);
		cr_expect_eq(shadow.pair[0].shadow.error, cases[i].error, "%zu", i);
	}
}

Test(io_shadow, a_link_that_would_have_ended)
{
	struct ag_subject subject = { .present = 0 };

	look_on("rule one disconnect");
	pass(true, 0x1b, &subject, 1000000);
	cr_assert_eq(shadow.n_pairs, 1);
	cr_expect_eq(shadow.pair[0].shadow.verdict, AG_V_DISCONNECT);
}

Test(io_shadow, a_line_that_comes_too_often_is_left_out)
{
	struct ag_subject subject = { .present = 0 };
	char text[4096] = "";
	size_t lines = 0;
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cr_assert_geq(dup2(fd[1], STDERR_FILENO), 0);
	look_on("rule one drop");
	for (int i = 0; i < 20; i++)
		pass(true, 0x1b, &subject, 1000000);
	pass(true, 0x1d, &subject, 1000000);
	cr_expect_eq(shadow.different, 21);
	cr_assert_gt(read(fd[0], text, sizeof(text) - 1), 0);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	cr_expect_eq(lines, 7, "%s", text);
	cr_expect(strstr(text, "shadow: 15 lines like those before were left out"), "%s", text);
}

Test(io_shadow, without_memory_for_a_link_nothing_is_said)
{
	look_on("rule one drop");
	ag_sim_alloc_fail_after(0);
	decide(1, AG_V_ACCEPT, 0, 0);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_eq(shadow.unseen, 1);
	decide(1, AG_V_ACCEPT, 0, 0);
	cr_expect_eq(shadow.different, 1);
}
