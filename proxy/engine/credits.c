/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The credit ledger (Vol 4 Part E, 4.1.1 and 4.1.2).
 *
 * A packet in flight is either owed (the side that sent it waits for its completion) or ours (that
 * side was told already, or never knew of it). Controllers complete packets of a handle in order,
 * so a queue of one bit per packet tells for each completion whose it is.
 */
#include "proxy/engine/travel.h"

#include <errno.h>
#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

static struct ag_pool *pool_of(struct ag_engine *engine, const struct ag_link *link,
			       enum ag_side side)
{
	if (side == AG_SIDE_HOST)
		return &engine->host;
	/* what the controller reports meanwhile: packets are given back where they were taken */
	if (link->line[side].in_flight.count)
		return link->in_le_buffers ? &engine->le : &engine->acl;
	/* 4.1.1: a controller that reports no LE buffers shares those of BR/EDR */
	return link->view.type == AG_LINK_LE && engine->le.size ? &engine->le : &engine->acl;
}

static bool is_accounted(const struct ag_engine *engine, enum ag_side side)
{
	return side == AG_SIDE_CONTROLLER || engine->host_flow_control;
}

/* A sender keeps to the number of buffers by itself, so only while we take some of them away must
 * its packets wait for room. */
static bool has_room(const struct ag_engine *engine, const struct ag_pool *pool, bool ours)
{
	if (!pool->size || engine->config.replay)
		return true;
	return pool->in_flight < pool->size || (!ours && !pool->ours);
}

static int take_buffer(struct ag_engine *engine, struct ag_link *link, enum ag_side to, bool ours)
{
	struct ag_line *line = &link->line[to];
	struct ag_pool *pool = pool_of(engine, link, to);

	if (line->in_flight.count >= AG_MARKS_MAX)
		return 0;
	if (ag_marks_push(&line->in_flight, ours))
		return -ENOMEM;
	if (to == AG_SIDE_CONTROLLER)
		link->in_le_buffers = pool == &engine->le;
	pool->in_flight++;
	pool->ours += ours;
	return 0;
}

static int transmit(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
		    const uint8_t *packet, size_t len, bool ours)
{
	/* a recorded controller completes what was recorded, and nothing of ours */
	bool counts = is_accounted(engine, to) && !(ours && engine->config.replay);

	if (counts && take_buffer(engine, link, to, ours))
		return -ENOMEM;
	return ag_emit(engine, to, packet, len);
}

static int send_one(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
		    const uint8_t *packet, size_t len, bool ours)
{
	struct ag_line *line = &link->line[to];

	if (!line->waiting.count &&
	    (!is_accounted(engine, to) || has_room(engine, pool_of(engine, link, to), ours)))
		return transmit(engine, link, to, packet, len, ours);
	return ag_fifo_put(&line->waiting, packet, len, ours);
}

/* A packet longer than the host's transport carries. Its last fragment stands for it. */
static int __attribute__((noinline)) send_split(struct ag_engine *engine, struct ag_link *link,
						const uint8_t *packet, size_t len, bool ours)
{
	size_t limit = engine->config.acl_max[AG_SIDE_HOST];
	uint8_t *frame = engine->split;
	enum ag_acl_pb pb;
	struct ag_acl acl;
	size_t done = 0;
	int r = 0;

	ag_acl_parse(packet, len, &acl); /* or it would not have come to a link */
	pb = acl.pb;
	while (!r && done < acl.len) {
		size_t part = acl.len - done < limit ? acl.len - done : limit;
		bool last = done + part == acl.len;

		ag_acl_put_header(frame, acl.handle, pb, (uint16_t)part);
		memcpy(frame + AG_ACL_HEADER, acl.data + done, part);
		r = send_one(engine, link, AG_SIDE_HOST, frame, AG_ACL_HEADER + part,
			     ours || !last);
		done += part;
		pb = AG_PB_CONTINUING;
	}
	return r;
}

int ag_send(struct ag_engine *engine, struct ag_link *link, enum ag_side to, const uint8_t *packet,
	    size_t len, bool ours)
{
	size_t limit = engine->config.acl_max[to];

	if (to == AG_SIDE_HOST && limit && len > limit + AG_ACL_HEADER)
		return send_split(engine, link, packet, len, ours);
	return send_one(engine, link, to, packet, len, ours);
}

/* 7.7.19, and the command 7.3.40 which is the same the other way round */
int ag_complete(struct ag_engine *engine, struct ag_link *link, enum ag_side sender, size_t count)
{
	uint8_t event[] = { AG_H4_EVENT, AG_EVT_NUMBER_OF_COMPLETED, 5, 1, 0, 0, 0, 0 };
	uint8_t command[] = { AG_H4_COMMAND, 0x35, 0x0c, 5, 1, 0, 0, 0, 0 };
	bool to_host = sender == AG_SIDE_HOST;
	uint8_t *packet = to_host ? event : command;
	size_t len = to_host ? sizeof(event) : sizeof(command);

	if (!count || (!to_host && !engine->host_flow_control))
		return 0;
	for (size_t i = 0; engine->config.replay && i < count; i++) {
		if (take_buffer(engine, link, ag_other(sender), true))
			return -ENOMEM;
	}
	ag_put_le16(packet + len - 4, link->view.handle);
	ag_put_le16(packet + len - 2, (uint16_t)count);
	return ag_emit(engine, sender, packet, len);
}

uint16_t ag_completed(struct ag_engine *engine, struct ag_link *link, enum ag_side at,
		      uint16_t count)
{
	struct ag_marks *in_flight = &link->line[at].in_flight;
	struct ag_pool *pool = pool_of(engine, link, at);
	uint16_t owed = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (!in_flight->count) {
			engine->stats.surplus_completions++;
			owed++;
			continue;
		}
		pool->in_flight--;
		if (ag_marks_pop(in_flight))
			pool->ours--;
		else
			owed++;
	}
	return owed;
}

size_t ag_completed_list(struct ag_engine *engine, enum ag_side at, uint8_t *entries, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		uint16_t handle = ag_get_le16(entries + 4 * i);
		uint16_t completed = ag_get_le16(entries + 4 * i + 2);
		struct ag_link *link = ag_link_find(engine, handle);
		uint16_t owed = link && is_accounted(engine, at)
				    ? ag_completed(engine, link, at, completed)
				    : completed;

		if (!owed && completed)
			continue;
		ag_put_le16(entries + 4 * left, handle);
		ag_put_le16(entries + 4 * left + 2, owed);
		left++;
	}
	return left;
}

static int drain_link(struct ag_engine *engine, struct ag_link *link, enum ag_side to)
{
	struct ag_fifo *waiting = &link->line[to].waiting;
	struct ag_record record;
	int r = 0;

	if (!waiting->count)
		return 0;
	while (!r && ag_fifo_front(waiting, &record)) {
		if (!has_room(engine, pool_of(engine, link, to), record.mark))
			return 0;
		r = transmit(engine, link, to, record.data, record.len, record.mark);
		ag_fifo_pop(waiting);
	}
	if (!r)
		r = ag_eatt_give_back(engine, link, to);
	return r ? r : ag_recombine_pay(engine, link, ag_other(to));
}

int ag_drain(struct ag_engine *engine, enum ag_side to)
{
	size_t first = engine->links_used ? ag_random(engine) % engine->links_used : 0;
	int r = 0;

	/* a random beginning, so that no link is always the last to get a buffer */
	for (size_t i = 0; !r && i < engine->links_used; i++) {
		struct ag_link *link = ag_link_at(engine, (first + i) % engine->links_used);

		r = link ? drain_link(engine, link, to) : 0;
	}
	return r;
}

void ag_credits_close(struct ag_engine *engine, struct ag_link *link)
{
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		struct ag_line *line = &link->line[side];
		struct ag_pool *pool = pool_of(engine, link, side);

		while (line->in_flight.count) {
			pool->in_flight--;
			if (ag_marks_pop(&line->in_flight))
				pool->ours--;
		}
		ag_fifo_clear(&line->waiting);
		ag_fifo_clear(&line->injected);
		line->streaming = false;
	}
}

size_t ag_fragment_len(struct ag_engine *engine, const struct ag_link *link, enum ag_side to)
{
	const struct ag_pool *pool = pool_of(engine, link, to);
	uint16_t limit = engine->config.acl_max[to];
	/* every controller takes 27 octets (7.8.2); a host as much as the kernel's frames hold */
	size_t len = pool->data_len;

	if (len < 27)
		len = to == AG_SIDE_HOST && !len ? 1021 : 27;
	if (limit && limit < len)
		len = limit;
	return len < AG_FRAGMENT_MAX ? len : AG_FRAGMENT_MAX;
}
