/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/inspect.h"

TestSuite(inspect, .timeout = 20);

static void feed(struct ag_engine *engine, enum ag_side side, const char *octets, size_t len,
		 uint64_t now_us)
{
	cr_assert_eq(ag_engine_feed(engine, side, (const uint8_t *)octets, len, now_us), 0);
}

#define FEED(engine, side, octets, now_us) feed(engine, side, octets, sizeof(octets) - 1, now_us)

#define CONNECTED                                                                                  \
	"\x04\x3e\x13\x01\x00\x40\x00\x01\x00\x01\x23\x45\x67\x89\xc0\x18\x00\x00\x00\x2a\x00\x00"
#define BUFFERS "\x04\x0e\x07\x01\x02\x20\x00\x1b\x00\x08"
#define READ    "\x02\x40\x00\x07\x00\x03\x00\x04\x00\x0a\x16\x00"
#define VALUE   "\x02\x40\x20\x06\x00\x02\x00\x04\x00\x0b\x64"

static struct ag_engine *connected(void)
{
	struct ag_engine_config config = { .seed = 1 };
	struct ag_engine *engine;

	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	FEED(engine, AG_SIDE_CONTROLLER, BUFFERS, 0);
	FEED(engine, AG_SIDE_CONTROLLER, CONNECTED, 1000);
	return engine;
}

Test(inspect, nothing)
{
	struct ag_engine_config config = { .seed = 1 };
	struct ag_link_inspection link;
	struct ag_engine_view view;
	struct ag_engine *engine;

	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	ag_engine_inspect(engine, &view);
	cr_expect_eq(view.acl.size, 0);
	cr_expect_eq(view.queued[AG_SIDE_HOST], 0);
	for (size_t slot = 0; slot <= AG_INSPECT_LINKS; slot++)
		cr_expect_not(ag_engine_inspect_link(engine, slot, &link));
	ag_engine_free(engine);
}

Test(inspect, open_request)
{
	struct ag_engine *engine = connected();
	struct ag_link_inspection link;
	struct ag_engine_view view;

	FEED(engine, AG_SIDE_HOST, READ, 5000);
	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	cr_expect_eq(link.view.handle, 0x40);
	cr_expect_eq(link.view.role, AG_ROLE_PERIPHERAL);
	cr_expect_eq(link.view.since_us, 1000);
	cr_expect_eq(link.n_bearers, 1);
	cr_expect_eq(link.bearer[0].mtu, 23);
	cr_expect_eq(link.bearer[0].cid[AG_SIDE_HOST], 4);
	cr_expect(link.bearer[0].request[AG_SIDE_HOST].open);
	cr_expect_eq(link.bearer[0].request[AG_SIDE_HOST].opcode, 0x0a);
	cr_expect_eq(link.bearer[0].request[AG_SIDE_HOST].handle, 0x16);
	cr_expect_eq(link.bearer[0].request[AG_SIDE_HOST].since_us, 5000);
	cr_expect_not(link.bearer[0].request[AG_SIDE_CONTROLLER].open);
	cr_expect_eq(link.in_flight[AG_SIDE_CONTROLLER], 1);
	ag_engine_inspect(engine, &view);
	cr_expect_eq(view.le.size, 8);
	cr_expect_eq(view.le.data_len, 27);
	cr_expect_eq(view.le.in_flight, 1);
	cr_expect_eq(view.queued[AG_SIDE_CONTROLLER], 1);
	cr_expect_eq(view.queued_bytes[AG_SIDE_CONTROLLER], sizeof(READ) - 1);
	FEED(engine, AG_SIDE_CONTROLLER, VALUE, 35000);
	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	cr_expect_not(link.bearer[0].request[AG_SIDE_HOST].open);
	cr_expect_eq(link.bearer[0].rtt[AG_SIDE_HOST].count, 1);
	cr_expect_eq(link.bearer[0].rtt[AG_SIDE_HOST].max_us, 30000);
	ag_engine_free(engine);
}

Test(inspect, held)
{
	static const char text[] = "rule late when att.kind == notification delay 1s";
	struct ag_source source = { "late", text, sizeof(text) - 1 };
	struct ag_engine *engine = connected();
	struct ag_link_inspection link;
	struct ag_ruleset *rules = NULL;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	cr_assert_eq(ag_engine_set_rules(engine, rules), 0);
	FEED(engine, AG_SIDE_CONTROLLER, "\x02\x40\x20\x08\0\4\0\4\0\x1b\x16\0\x64", 5000);
	FEED(engine, AG_SIDE_CONTROLLER, "\x02\x40\x20\x07\0\3\0\4\0\x1b\x17\0", 6000);
	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	cr_expect_eq(link.held[AG_SIDE_CONTROLLER], 2);
	cr_expect_eq(link.held_bytes[AG_SIDE_CONTROLLER], 7);
	cr_expect_eq(link.held[AG_SIDE_HOST], 0);
	ag_engine_free(engine);
	ag_ruleset_free(rules);
}

/* A packet of no octets is none. */
Test(inspect, no_packet)
{
	struct ag_engine *engine = connected();
	uint64_t packets = ag_engine_stats(engine)->packets[AG_SIDE_HOST];

	FEED(engine, AG_SIDE_HOST, "", 5000);
	cr_expect_eq(ag_engine_stats(engine)->packets[AG_SIDE_HOST], packets);
	cr_expect_eq(ag_engine_backlog(engine, AG_SIDE_CONTROLLER), 0);
	/* and taking out what is not there changes nothing */
	ag_engine_pop(engine, AG_SIDE_CONTROLLER);
	cr_expect_eq(ag_engine_backlog(engine, AG_SIDE_CONTROLLER), 0);
	ag_engine_free(engine);
}

/* Times 1, 2, 3 … 1000 ms: each percentile is no less than the true one, and a quarter octave more
 * at the most. */
Test(inspect, percentiles)
{
	struct ag_engine *engine = connected();
	struct ag_link_inspection link;
	const struct ag_rtt_view *rtt = &link.bearer[0].rtt[AG_SIDE_HOST];
	const struct {
		const uint64_t *value;
		uint64_t least;
	} cases[] = {
		{ &rtt->p50_us, 500000 },
		{ &rtt->p90_us, 900000 },
		{ &rtt->p99_us, 990000 },
	};
	uint64_t now_us = 10000;

	for (uint64_t ms = 1; ms <= 1000; ms++) {
		FEED(engine, AG_SIDE_HOST, READ, now_us);
		now_us += ms * 1000;
		FEED(engine, AG_SIDE_CONTROLLER, VALUE, now_us);
	}
	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	cr_expect_eq(rtt->count, 1000);
	cr_expect_eq(rtt->max_us, 1000000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_geq(*cases[i].value, cases[i].least);
		cr_expect_leq(*cases[i].value, cases[i].least + cases[i].least / 4);
	}
	ag_engine_free(engine);
}

Test(inspect, extreme_times)
{
	struct ag_engine *engine = connected();
	struct ag_link_inspection link;
	const struct ag_rtt_view *rtt = &link.bearer[0].rtt[AG_SIDE_HOST];

	FEED(engine, AG_SIDE_HOST, READ, 2000);
	FEED(engine, AG_SIDE_CONTROLLER, VALUE, 2000);
	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	cr_expect_eq(rtt->p50_us, 0);
	FEED(engine, AG_SIDE_HOST, READ, 2000);
	FEED(engine, AG_SIDE_CONTROLLER, VALUE, UINT64_C(1) << 40);
	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	cr_expect_eq(rtt->p50_us, 64);
	cr_expect_eq(rtt->p99_us, (UINT64_C(1) << 40) - 2000);
	ag_engine_free(engine);
}
