/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/inspect.h"

#include "proxy/engine/judging.h"
#include "proxy/wire/l2cap.h"

_Static_assert(AG_INSPECT_LINKS == AG_LINKS_MAX, "a slot for each link");
_Static_assert(AG_INSPECT_BEARERS == AG_CHANNELS_MAX + 1, "the fixed channel and the others");

/* ---- Round-trip times ---- */

static size_t bucket_of(uint64_t time_us)
{
	unsigned int octave;

	if (time_us >> AG_RTT_FIRST_OCTAVE == 0)
		return 0;
	octave = 63 - (unsigned int)__builtin_clzll(time_us);
	if (octave >= AG_RTT_FIRST_OCTAVE + AG_RTT_OCTAVES)
		return AG_RTT_BUCKETS - 1;
	/* the two bits below the highest */
	return 1 + 4 * (size_t)(octave - AG_RTT_FIRST_OCTAVE) + (time_us >> (octave - 2) & 3);
}

/* The least time that is too long for a bucket; the last one has none. */
static uint64_t bucket_end_us(size_t bucket)
{
	uint64_t quarter = bucket & 3;

	/* bucket 4n is the last quarter of its octave: what ends there begins the next */
	return (4 + quarter) << (AG_RTT_FIRST_OCTAVE + bucket / 4 - 2);
}

void ag_rtt_count(struct ag_rtt *rtt, uint64_t time_us)
{
	rtt->bucket[bucket_of(time_us)]++;
	rtt->count++;
	if (time_us > rtt->max_us)
		rtt->max_us = time_us;
}

static uint64_t percentile_us(const struct ag_rtt *rtt, unsigned int percent)
{
	uint64_t rank = (rtt->count * percent + 99) / 100;
	uint64_t seen = 0;

	for (size_t i = 0; i < AG_RTT_BUCKETS - 1; i++) {
		uint64_t end_us = bucket_end_us(i);

		seen += rtt->bucket[i];
		if (seen >= rank)
			return end_us < rtt->max_us ? end_us : rtt->max_us;
	}
	return rtt->max_us;
}

static struct ag_rtt_view rtt_view(const struct ag_rtt *rtt)
{
	return (struct ag_rtt_view){
		.count = rtt->count,
		.p50_us = percentile_us(rtt, 50),
		.p90_us = percentile_us(rtt, 90),
		.p99_us = percentile_us(rtt, 99),
		.max_us = rtt->max_us,
	};
}

/* ---- The engine ---- */

static struct ag_pool_view pool_view(const struct ag_pool *pool)
{
	return (struct ag_pool_view){
		.size = pool->size,
		.in_flight = pool->in_flight,
		.ours = pool->ours,
		.data_len = pool->data_len,
	};
}

void ag_engine_inspect(const struct ag_engine *engine, struct ag_engine_view *out)
{
	*out = (struct ag_engine_view){
		.acl = pool_view(&engine->acl),
		.le = pool_view(&engine->le),
		.host = pool_view(&engine->host),
		.numbered = engine->next_number,
		.host_flow_control = engine->host_flow_control,
		.early = engine->early.count,
		.commands_waiting = engine->commands.host.count,
		.command_credits = engine->commands.credits,
		.attributes = engine->host_map,
	};
	for (size_t side = 0; side < 2; side++) {
		out->queued[side] = engine->out[side].count;
		out->queued_bytes[side] = engine->out[side].bytes;
	}
}

/* ---- A link ---- */

static struct ag_bearer_view bearer_view(const struct ag_bearer *bearer, const uint16_t cid[2])
{
	struct ag_bearer_view view = { .type = bearer->type, .mtu = bearer->mtu };

	for (size_t side = 0; side < 2; side++) {
		const struct ag_transaction *transaction = &bearer->transaction[side];

		view.cid[side] = cid[side];
		view.indication[side] = bearer->indication_open[side];
		view.rtt[side] = rtt_view(&bearer->rtt[side]);
		if (!transaction->open)
			continue;
		view.request[side] = (struct ag_request_view){
			.open = true,
			.opcode = transaction->opcode,
			.handle = transaction->handle,
			.number = transaction->number,
			.since_us = transaction->since_us,
		};
	}
	return view;
}

bool ag_engine_inspect_link(const struct ag_engine *engine, size_t slot,
			    struct ag_link_inspection *out)
{
	static const uint16_t fixed[2] = { AG_CID_ATT, AG_CID_ATT };
	const struct ag_link *link = slot < AG_LINKS_MAX ? engine->links[slot] : NULL;

	if (!link || !link->up)
		return false;
	*out = (struct ag_link_inspection){ .view = link->view,
					    .attributes = link->map[AG_SIDE_CONTROLLER] };
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		out->in_flight[side] = link->line[side].in_flight.count;
		out->waiting[side] = link->line[side].waiting.count;
		out->held[side] = ag_hold_count(link, side);
		out->held_bytes[side] = link->held_bytes[side];
	}
	/* BR/EDR has ATT on a dynamic channel only */
	if (link->view.type == AG_LINK_LE)
		out->bearer[out->n_bearers++] = bearer_view(&link->att, fixed);
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		if (link->channel[i].state == AG_CHANNEL_OPEN)
			out->bearer[out->n_bearers++] = bearer_view(&link->channel[i].bearer,
								    link->channel[i].cid);
	}
	return true;
}
