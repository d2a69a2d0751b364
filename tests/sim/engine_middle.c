/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/middle.h"

static int engine_feed(void *self, enum ag_side side, const uint8_t *packet, size_t len,
		       uint64_t now_us)
{
	return ag_engine_feed(self, side, packet, len, now_us);
}

static bool engine_peek(const void *self, enum ag_side side, struct ag_packet *packet)
{
	return ag_engine_peek(self, side, packet);
}

static void engine_pop(void *self, enum ag_side side)
{
	ag_engine_pop(self, side);
}

static uint64_t engine_deadline(const void *self)
{
	return ag_engine_deadline(self);
}

static int engine_tick(void *self, uint64_t now_us)
{
	return ag_engine_tick(self, now_us);
}

static void engine_free(void *self)
{
	ag_engine_free(self);
}

struct ag_engine *ag_sim_engine_new(const struct ag_engine_config *config,
				    struct ag_sim_middle *middle)
{
	struct ag_engine *engine = NULL;

	if (ag_engine_new(config, &engine) < 0)
		return NULL;
	*middle = (struct ag_sim_middle){
		.self = engine,
		.feed = engine_feed,
		.peek = engine_peek,
		.pop = engine_pop,
		.deadline = engine_deadline,
		.tick = engine_tick,
		.free = engine_free,
	};
	return engine;
}
