/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_PUMP_H
#define AG_IO_PUMP_H

/* Moves packets between two open transports and the engine, on an event loop. */

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "proxy/engine/engine.h"
#include "proxy/io/resync.h"
#include "proxy/io/transport.h"

/** A side is not read from while more than this waits to be written to the other. */
#define AG_PUMP_BACKLOG_MAX ((size_t)1 << 20)

/** The host is not read from while more than this waits for itself: it can only be our answers to
 * what it said, as the controller is not read from long before. */
#define AG_PUMP_ANSWERS_MAX ((size_t)4 << 20)

/**
 * One side has gone, and what could still be written to the other has been. The last thing a pump
 * does; it may be stopped here.
 *
 * @side:  which; its transport's `why` says why
 * @error: negative; -ENOMEM: no side has gone, memory has
 */
typedef void ag_pump_ended_fn(void *user, enum ag_side side, int error);

/**
 * A packet as it passed one side: read from it, or taken by it.
 *
 * @side:    where
 * @written: else read
 * @packet:  with its type octet; valid during the call
 */
typedef void ag_pump_watch_fn(void *user, enum ag_side side, bool written, const uint8_t *packet,
			      size_t len);

struct ag_pump_counters {
	uint64_t lost_host_down; /* packets for a host that had the controller down */
	uint64_t lost_refused;   /* packets that the kernel does not take */
	uint64_t overflows;      /* times the kernel dropped packets of the controller */
};

/** One neighbour; everything is the pump's own. */
struct ag_pump_side {
	struct ag_pump *pump;
	enum ag_side side;
	struct ag_transport *transport;
	struct ev_io readable;
	struct ev_io writable;
};

struct ag_pump {
	struct ev_loop *loop;
	struct ag_engine *engine;
	struct ag_pump_side side[2]; /* by enum ag_side */
	struct ev_timer due;         /* ag_engine_deadline() */
	struct ev_timer linger;      /* how long the rest may take once a side has gone */
	struct ag_pump_counters counters;
	ag_pump_ended_fn *ended;
	void *user;
	ag_pump_watch_fn *watch; /* or NULL */
	void *watch_user;
	uint64_t now_us; /* of the event that is dealt with, and of each call that reads */
	int error;       /* why it is ending; 0 while it is not */
	enum ag_side gone;
	bool rest;             /* what that side had said before it went is still being read */
	enum ag_resync resync; /* after the kernel dropped packets of the controller */
	bool host_up;          /* the host took a packet since it last was down */
	bool refusal_told;     /* lost_refused has been logged */
};

/** Monotonic time, microseconds. */
uint64_t ag_now_us(void);

/**
 * Start pumping; returns at once.
 *
 * @transport: by enum ag_side; open, borrowed until ag_pump_stop()
 * @engine:    likewise
 */
void ag_pump_start(struct ag_pump *pump, struct ev_loop *loop,
		   struct ag_transport *const transport[2], struct ag_engine *engine,
		   ag_pump_ended_fn *ended, void *user);

/** Have every packet shown from now on, until the pump is started again. */
void ag_pump_watch(struct ag_pump *pump, ag_pump_watch_fn *watch, void *user);

/** The engine got something to do from somebody else: see to it at once, but not in this call. Only
 *  while the pump is started. */
void ag_pump_wake(struct ag_pump *pump);

/** Stop; neither transport nor engine is touched again. A stopped pump may be stopped again. */
void ag_pump_stop(struct ag_pump *pump);

#endif
