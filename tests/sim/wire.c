/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/middle.h"

struct node {
	struct node *next;
	size_t len;
	uint8_t data[];
};

struct wire {
	struct node *first[2];
	struct node **last[2];
};

static int wire_feed(void *self, enum ag_side side, const uint8_t *packet, size_t len,
		     uint64_t now_us)
{
	struct wire *wire = self;
	enum ag_side to = side == AG_SIDE_HOST ? AG_SIDE_CONTROLLER : AG_SIDE_HOST;
	struct node *node = malloc(sizeof(*node) + len);

	(void)now_us;
	if (!node)
		abort();
	node->next = NULL;
	node->len = len;
	memcpy(node->data, packet, len);
	*wire->last[to] = node;
	wire->last[to] = &node->next;
	return 0;
}

static bool wire_peek(const void *self, enum ag_side side, struct ag_packet *packet)
{
	const struct wire *wire = self;
	const struct node *node = wire->first[side];

	if (!node)
		return false;
	*packet = (struct ag_packet){ .data = node->data, .len = node->len };
	return true;
}

static void wire_pop(void *self, enum ag_side side)
{
	struct wire *wire = self;
	struct node *node = wire->first[side];

	wire->first[side] = node->next;
	if (!node->next)
		wire->last[side] = &wire->first[side];
	free(node);
}

static uint64_t wire_deadline(const void *self)
{
	(void)self;
	return UINT64_MAX;
}

static int wire_tick(void *self, uint64_t now_us)
{
	(void)self;
	(void)now_us;
	return 0;
}

static void wire_free(void *self)
{
	struct wire *wire = self;

	for (int side = 0; side < 2; side++) {
		while (wire->first[side])
			wire_pop(wire, (enum ag_side)side);
	}
	free(wire);
}

struct ag_sim_middle ag_sim_wire_new(void)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		abort();
	wire->last[0] = &wire->first[0];
	wire->last[1] = &wire->first[1];
	return (struct ag_sim_middle){
		.self = wire,
		.feed = wire_feed,
		.peek = wire_peek,
		.pop = wire_pop,
		.deadline = wire_deadline,
		.tick = wire_tick,
		.free = wire_free,
	};
}
