/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Invariant 6: a PDU that cannot be judged is forwarded as it came, and counted. The rules here
 * want to see every PDU and act on none, so that everything is gathered and everything has to
 * leave.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/garbage.h"
#include "tests/sim/property.h"

enum { PACKETS = 50, LINKS = 3 };

static const char never[] = "rule att when att.length > 60000 reject\n"
			    "rule smp when smp.opcode == 0x01 and age > 1000s reject\n";

struct world {
	uint64_t seed;
	struct ag_engine *engine;
	struct ag_sim_middle self;
	struct ag_sim_middle wire[LINKS]; /* what each link's packets have to be */
};

static void drain(struct world *world)
{
	struct ag_packet have, want;

	for (int side = 0; side < 2; side++) {
		while (ag_engine_peek(world->engine, (enum ag_side)side, &have)) {
			const struct ag_sim_middle *wire;

			if (have.data[0] == AG_H4_ACL) {
				wire = &world->wire[have.data[1] - 0x40];
				cr_assert(wire->peek(wire->self, (enum ag_side)side, &want) &&
					      want.len == have.len &&
					      memcmp(want.data, have.data, want.len) == 0,
					  "AG_SEED=0x%llx: %zu octets come out",
					  (unsigned long long)world->seed, have.len);
				wire->pop(wire->self, (enum ag_side)side);
			}
			ag_engine_pop(world->engine, (enum ag_side)side);
		}
	}
}

static void feed(struct world *world, enum ag_side side, const uint8_t *packet, size_t len)
{
	struct ag_sim_middle *wire = &world->wire[packet[1] - 0x40];

	if (packet[0] == AG_H4_ACL)
		wire->feed(wire->self, side, packet, len, 0);
	cr_assert_eq(ag_engine_feed(world->engine, side, packet, len, 0), 0);
	drain(world);
}

static void connect(struct world *world, uint8_t handle)
{
	uint8_t event[22] = { AG_H4_EVENT, 0x3e, 19, 1, 0, handle, 0, 1, 1, 1, 2 };

	cr_assert_eq(ag_engine_feed(world->engine, AG_SIDE_CONTROLLER, event, sizeof(event), 0), 0);
	drain(world);
}

/* A new PDU releases what is left of an unfinished one. */
static void release(struct world *world, uint8_t handle)
{
	uint8_t packet[] = { AG_H4_ACL, handle, 0, 8, 0, 4, 0, 4, 0, 0x1b, 1, 0, 0 };

	feed(world, AG_SIDE_HOST, packet, sizeof(packet));
	packet[2] = 0x20;
	feed(world, AG_SIDE_CONTROLLER, packet, sizeof(packet));
}

static uint64_t one(uint64_t seed, const struct ag_ruleset *rules)
{
	struct world world = { .seed = seed };
	struct ag_engine_config config = { .rules = rules };
	struct ag_random random = { .state = seed };
	struct ag_packet packet_left;
	uint8_t packet[1024];
	uint64_t unjudged = 0;

	world.engine = ag_sim_engine_new(&config, &world.self);
	for (uint8_t i = 0; i < LINKS; i++) {
		world.wire[i] = ag_sim_wire_new();
		connect(&world, 0x40 + i);
	}
	for (int i = 0; i < PACKETS; i++) {
		enum ag_side side = (enum ag_side)ag_random_below(&random, 2);
		size_t len = ag_sim_garbage_acl(&random, packet);

		feed(&world, side, packet, len);
	}
	for (uint8_t i = 0; i < LINKS; i++)
		release(&world, 0x40 + i);
	for (int i = 0; i < LINKS; i++) {
		for (int side = 0; side < 2; side++)
			cr_assert_not(world.wire[i].peek(world.wire[i].self, (enum ag_side)side,
							 &packet_left),
				      "AG_SEED=0x%llx: %zu octets are lost",
				      (unsigned long long)seed, packet_left.len);
		world.wire[i].free(world.wire[i].self);
	}
	for (int i = 0; i < AG_UNJUDGED_COUNT; i++)
		unjudged += ag_engine_stats(world.engine)->unjudged[i];
	ag_engine_free(world.engine);
	return unjudged;
}

Test(open, what_cannot_be_judged_passes)
{
	struct ag_source source = { "never", never, sizeof(never) - 1 };
	const char *only = getenv("AG_SEED");
	struct ag_ruleset *rules = NULL;
	uint64_t unjudged = 0;
	unsigned int cases = ag_sim_cases(100);

	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	if (only) {
		if (strtoull(only, NULL, 0) >> 32 == AG_SALT_UNJUDGED)
			one(strtoull(only, NULL, 0), rules);
	} else {
		for (unsigned int i = 0; i < cases; i++)
			unjudged += one((uint64_t)AG_SALT_UNJUDGED << 32 | i, rules);
		cr_assert_gt(unjudged, cases * 5u);
	}
	ag_ruleset_free(rules);
}
