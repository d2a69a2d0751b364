/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/pump.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "proxy/io/log.h"
#include "proxy/wire/h4.h"

/* Calls of read() for one event, so that one side does not starve the other, signals and timers. */
#define READS_PER_EVENT 8
/* What may take longer than this to be written once a side has gone is given up. */
#define LINGER_S 0.5

/* Vol 4 Part E, 7.7.16: the one event after which the host resets and sets up a controller afresh.
 * Hardware_Code is the implementation's. */
static const uint8_t hardware_error[] = { AG_H4_EVENT, 0x10, 0x01, 0x00 };
/* 7.3.2 */
static const uint8_t reset[] = { AG_H4_COMMAND, 0x03, 0x0c, 0x00 };

uint64_t ag_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum ag_side other(enum ag_side side)
{
	return side == AG_SIDE_HOST ? AG_SIDE_CONTROLLER : AG_SIDE_HOST;
}

static void stop_watching(struct ag_pump_side *at)
{
	ev_io_stop(at->pump->loop, &at->readable);
	ev_io_stop(at->pump->loop, &at->writable);
}

static int feed(void *user, const uint8_t *packet, size_t len)
{
	struct ag_pump_side *at = user;
	struct ag_pump *pump = at->pump;

	if (pump->resync != AG_RESYNC_NONE) {
		if (at->side == AG_SIDE_HOST)
			ag_resync_host(&pump->resync, packet, len);
		else if (ag_resync_discards(&pump->resync, packet, len))
			return 0;
	}
	return ag_engine_feed(pump->engine, at->side, packet, len, pump->now_us);
}

static void show(struct ag_pump_side *at, bool written, const uint8_t *packet, size_t len)
{
	if (at->pump->watch)
		at->pump->watch(at->pump->watch_user, at->side, written, packet, len);
}

/* What a transport read; what the pump says on the host's behalf does not come this way. */
static int take(void *user, const uint8_t *packet, size_t len)
{
	show(user, false, packet, len);
	return feed(user, packet, len);
}

/* ---- The end ---- */

/* A side has gone: write what is left to the other for a short while, and read nothing more but, if
 * it was in writing that this was met, what the side had said before. */
static void begin_end(struct ag_pump *pump, enum ag_side side, int error, bool rest)
{
	stop_watching(&pump->side[side]);
	if (pump->error) {
		/* the second one: there is nobody left to write to */
		pump->rest = false;
		return;
	}
	pump->error = error;
	pump->gone = side;
	pump->rest = rest;
	if (rest)
		ev_feed_event(pump->loop, &pump->side[side].readable, EV_READ);
	ev_timer_set(&pump->linger, LINGER_S, 0.);
	ev_timer_start(pump->loop, &pump->linger);
}

static void finish(struct ag_pump *pump)
{
	ag_pump_stop(pump);
	pump->ended(pump->user, pump->gone, pump->error);
}

static void on_linger(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	finish(timer->data);
}

/* ---- Writing ---- */

/* The host has switched its controller off without a word to it, so links and advertising live on:
 * say on its behalf what it would have said. Once, until it takes packets again. */
static int host_went_down(struct ag_pump *pump)
{
	pump->counters.lost_host_down++;
	if (!pump->host_up)
		return 0;
	pump->host_up = false;
	ag_log(AG_LOG_NOTICE, "%s is down, %s is reset", pump->side[AG_SIDE_HOST].transport->label,
	       pump->side[AG_SIDE_CONTROLLER].transport->label);
	return feed(&pump->side[AG_SIDE_HOST], reset, sizeof(reset));
}

static void packet_refused(struct ag_pump_side *at, uint8_t type, size_t len)
{
	struct ag_pump *pump = at->pump;

	pump->counters.lost_refused++;
	if (pump->refusal_told)
		return;
	pump->refusal_told = true;
	ag_log(
	    AG_LOG_WARNING,
	    "%s: the kernel does not take a packet of type 0x%02x and %zu octets; it is lost, and "
	    "more like it will be without a word",
	    at->transport->label, type, len);
}

/* One packet of the engine's queue. @return: 0, AG_IO_AGAIN or negative */
static int write_one(struct ag_pump_side *at, const struct ag_packet *packet)
{
	struct ag_pump *pump = at->pump;
	uint8_t type = packet->len > 0 ? packet->data[0] : 0;
	size_t len = packet->len;
	int r = at->transport->ops->write(at->transport, packet->data, len);

	if (r < 0 || r == AG_IO_AGAIN)
		return r;
	if (r == 0)
		show(at, true, packet->data, len);
	ag_engine_pop(pump->engine, at->side);
	if (r == AG_IO_HOST_DOWN)
		return host_went_down(pump);
	if (r == AG_IO_REFUSED)
		packet_refused(at, type, len);
	else if (at->side == AG_SIDE_HOST)
		pump->host_up = true;
	return 0;
}

static int write_side(struct ag_pump_side *at)
{
	struct ag_packet packet;
	int r = 0;

	while (r == 0 && ag_engine_peek(at->pump->engine, at->side, &packet))
		r = write_one(at, &packet);
	if (r == 0 && at->transport->ops->flush)
		r = at->transport->ops->flush(at->transport);
	if (r == AG_IO_AGAIN)
		ev_io_start(at->pump->loop, &at->writable);
	else
		ev_io_stop(at->pump->loop, &at->writable);
	return r;
}

/* Write to both sides what there is. @return: whether everything that can be written has been */
static bool write_all(struct ag_pump *pump)
{
	/* the host first: that it is down makes a packet for the controller */
	static const enum ag_side order[] = { AG_SIDE_HOST, AG_SIDE_CONTROLLER };
	bool all = true;

	for (size_t i = 0; i < 2; i++) {
		struct ag_pump_side *at = &pump->side[order[i]];
		int r;

		if (pump->error && pump->gone == at->side)
			continue;
		r = write_side(at);
		if (r < 0)
			begin_end(pump, at->side, r, r != -ENOMEM);
		else if (r != 0)
			all = false;
	}
	return all;
}

/* ---- Reading ---- */

/*
 * Backpressure, all of it. A side is not read from while the other is slow to take what there is
 * for it. The host is not read from either while it does not take our answers; of the controller
 * that must not be said, for packets wait for it until its own events return credits.
 */
static bool may_read(const struct ag_pump *pump, enum ag_side side)
{
	if (pump->error && (!pump->rest || pump->gone != side))
		return false;
	if (ag_engine_backlog(pump->engine, other(side)) > AG_PUMP_BACKLOG_MAX)
		return false;
	return side != AG_SIDE_HOST || ag_engine_backlog(pump->engine, side) <= AG_PUMP_ANSWERS_MAX;
}

/* After each call of the engine: write, watch what is to be watched, wind the clock. */
static void settle(struct ag_pump *pump)
{
	bool all = write_all(pump);
	uint64_t deadline_us = ag_engine_deadline(pump->engine);
	uint64_t now_us;

	if (pump->error == -ENOMEM || (pump->error && all && !pump->rest)) {
		finish(pump);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		if (may_read(pump, (enum ag_side)i))
			ev_io_start(pump->loop, &pump->side[i].readable);
		else
			ev_io_stop(pump->loop, &pump->side[i].readable);
	}
	ev_timer_stop(pump->loop, &pump->due);
	if (deadline_us == UINT64_MAX || pump->error)
		return;
	now_us = ag_now_us();
	/* timers count from the beginning of the loop's turn; one that fires early is wound again
	 */
	ev_timer_set(&pump->due, deadline_us > now_us ? (double)(deadline_us - now_us) / 1e6 : 0.,
		     0.);
	ev_timer_start(pump->loop, &pump->due);
}

/* The kernel dropped packets: tell the host to start afresh, once, and again if what was dropped
 * can have been the completion that it waits for. */
static int packets_dropped(struct ag_pump *pump)
{
	pump->counters.overflows++;
	if (pump->resync == AG_RESYNC_TOLD)
		return 0;
	pump->resync = AG_RESYNC_TOLD;
	return ag_engine_feed(pump->engine, AG_SIDE_CONTROLLER, hardware_error,
			      sizeof(hardware_error), pump->now_us);
}

static void on_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct ag_pump_side *at = watcher->data;
	struct ag_pump *pump = at->pump;
	int r = 0;

	(void)loop;
	(void)events;
	for (int i = 0; i < READS_PER_EVENT && r == 0 && may_read(pump, at->side); i++) {
		pump->now_us = ag_now_us();
		r = at->transport->ops->read(at->transport, take, at);
		if (r == AG_IO_DROPPED)
			r = packets_dropped(pump);
		if (pump->rest && r != 0)
			pump->rest = false; /* of a side that has gone there is no more to come */
		else if (r < 0)
			begin_end(pump, at->side, r, false);
		else
			(void)write_all(pump);
	}
	settle(pump);
}

static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct ag_pump_side *at = watcher->data;

	(void)loop;
	(void)events;
	at->pump->now_us = ag_now_us();
	settle(at->pump);
}

static void on_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ag_pump *pump = timer->data;
	int r;

	(void)loop;
	(void)events;
	pump->now_us = ag_now_us();
	r = ag_engine_tick(pump->engine, pump->now_us);
	if (r < 0)
		begin_end(pump, AG_SIDE_HOST, r, false);
	settle(pump);
}

void ag_pump_wake(struct ag_pump *pump)
{
	ev_timer_stop(pump->loop, &pump->due);
	ev_timer_set(&pump->due, 0., 0.);
	ev_timer_start(pump->loop, &pump->due);
}

/* ---- Starting and stopping ---- */

void ag_pump_start(struct ag_pump *pump, struct ev_loop *loop,
		   struct ag_transport *const transport[2], struct ag_engine *engine,
		   ag_pump_ended_fn *ended, void *user)
{
	*pump = (struct ag_pump){ .loop = loop, .engine = engine, .ended = ended, .user = user };
	ev_timer_init(&pump->due, on_due, 0., 0.);
	ev_timer_init(&pump->linger, on_linger, 0., 0.);
	pump->due.data = pump;
	pump->linger.data = pump;
	for (size_t i = 0; i < 2; i++) {
		struct ag_pump_side *at = &pump->side[i];

		at->pump = pump;
		at->side = (enum ag_side)i;
		at->transport = transport[i];
		ev_io_init(&at->readable, on_readable, transport[i]->fd, EV_READ);
		ev_io_init(&at->writable, on_writable, transport[i]->fd, EV_WRITE);
		at->readable.data = at;
		at->writable.data = at;
		ev_io_start(loop, &at->readable);
		/* what open() already took off the descriptor makes it ready for nobody */
		ev_feed_event(loop, &at->readable, EV_READ);
	}
}

void ag_pump_watch(struct ag_pump *pump, ag_pump_watch_fn *watch, void *user)
{
	pump->watch = watch;
	pump->watch_user = user;
}

void ag_pump_stop(struct ag_pump *pump)
{
	if (!pump->loop)
		return;
	stop_watching(&pump->side[AG_SIDE_HOST]);
	stop_watching(&pump->side[AG_SIDE_CONTROLLER]);
	ev_timer_stop(pump->loop, &pump->due);
	ev_timer_stop(pump->loop, &pump->linger);
}
