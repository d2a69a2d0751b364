/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Invariant 1: with no rules, output equals input, on any input at all. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/h4.h"
#include "tests/sim/garbage.h"
#include "tests/sim/property.h"

enum { PACKETS = 60 };

static void compare(struct ag_engine *engine, const struct ag_sim_middle *wire, uint64_t seed)
{
	struct ag_packet have, want;

	for (int side = 0; side < 2; side++) {
		while (ag_engine_peek(engine, (enum ag_side)side, &have)) {
			cr_assert(wire->peek(wire->self, (enum ag_side)side, &want) &&
				      have.len == want.len &&
				      memcmp(have.data, want.data, want.len) == 0,
				  "AG_SEED=0x%llx: %zu octets come out, type 0x%02x",
				  (unsigned long long)seed, have.len, have.data[0]);
			ag_engine_pop(engine, (enum ag_side)side);
			wire->pop(wire->self, (enum ag_side)side);
		}
	}
}

static void one_of_garbage(uint64_t seed)
{
	struct ag_random random = { .state = seed };
	struct ag_engine_config config = { .seed = seed };
	struct ag_sim_middle middle, wire = ag_sim_wire_new();
	struct ag_engine *engine = ag_sim_engine_new(&config, &middle);
	static uint8_t packet[AG_H4_MAX];
	uint64_t now_us = 0, deadline;

	for (int i = 0; i < PACKETS; i++) {
		enum ag_side side = (enum ag_side)ag_random_below(&random, 2);
		size_t len = ag_sim_garbage(&random, side, packet);

		cr_assert_eq(ag_engine_feed(engine, side, packet, len, now_us), 0);
		wire.feed(wire.self, side, packet, len, now_us);
		if (ag_random_percent(&random, 50))
			compare(engine, &wire, seed);
		now_us += ag_random_below(&random, 1000);
		if (ag_engine_deadline(engine) <= now_us)
			cr_assert_eq(ag_engine_tick(engine, now_us), 0);
	}
	for (int i = 0; i < 20 && (deadline = ag_engine_deadline(engine)) != UINT64_MAX; i++)
		cr_assert_eq(ag_engine_tick(engine, deadline > now_us ? deadline : now_us), 0);
	compare(engine, &wire, seed);
	for (int side = 0; side < 2; side++) {
		struct ag_packet packet_left;

		cr_assert_not(wire.peek(wire.self, (enum ag_side)side, &packet_left),
			      "AG_SEED=0x%llx: %zu octets never come out", (unsigned long long)seed,
			      packet_left.len);
		cr_assert_eq(ag_engine_backlog(engine, (enum ag_side)side), 0);
	}
	ag_engine_free(engine);
	wire.free(wire.self);
}

Test(transparent, any_octets)
{
	const char *only = getenv("AG_SEED");

	if (only) {
		if (strtoull(only, NULL, 0) >> 32 == AG_SALT_GARBAGE)
			one_of_garbage(strtoull(only, NULL, 0));
		return;
	}
	for (unsigned int i = 0; i < ag_sim_cases(200); i++)
		one_of_garbage((uint64_t)AG_SALT_GARBAGE << 32 | i);
}

static void unchanged(struct ag_random *random, struct ag_sim_case *what)
{
	what->unchanged = true;
	what->flow = ag_random_percent(random, 15);
}

Test(transparent, traffic_without_rules)
{
	static const struct ag_sim_property property = { .name = "traffic_without_rules",
							 .salt = AG_SALT_WITHOUT_RULES,
							 .per_mille = 100,
							 .eatt = true,
							 .prepare = unchanged };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_geq(totals.pdus, totals.cases * 10u);
}

static void dry_run(struct ag_random *random, struct ag_sim_case *what)
{
	what->unchanged = true;
	what->dry_run = true;
	what->flow = ag_random_percent(random, 15);
}

Test(transparent, dry_run_is_no_rules)
{
	static const struct ag_sim_property property = { .name = "dry_run_is_no_rules",
							 .salt = AG_SALT_DRY_RUN,
							 .per_mille = 100,
							 .eatt = true,
							 .actions = AG_SIM_ALL_ACTIONS,
							 .prepare = dry_run };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_geq(totals.judged, totals.cases * 5u);
	cr_assert_gt(totals.verdicts[AG_V_REJECT], 0);
}
