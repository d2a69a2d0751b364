/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_OPENER_H
#define AG_IO_OPENER_H

/*
 * Opens the two sides, the controller first unless it is open already, in a thread of its own:
 * binding a user channel can take as long as a firmware download, and meanwhile signals want to be
 * answered.
 */

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "proxy/engine/engine.h"
#include "proxy/io/transport.h"

/**
 * On the event loop, when opening is over. Both sides are open, or none is; but a controller that
 * was open before stays so when opening is cancelled.
 *
 * @result: 0, or negative; -ECANCELED after ag_opener_cancel(); then `side` is the one that could
 * not be opened and its `why` says why
 */
typedef void ag_opener_done_fn(void *user, int result, enum ag_side side);

struct ag_opener {
	struct ev_loop *loop;
	struct ag_transport *transport[2];
	ag_opener_done_fn *done;
	void *user;
	struct ev_async finished;
	int cancel_fd; /* eventfd */
	pthread_t thread;
	bool running;
	bool patient;
	unsigned int pause_ms;
	int result;
	_Atomic enum ag_side side; /* that is being opened; may be looked at meanwhile */
};

/**
 * @transport: by enum ag_side; borrowed, and nobody else's while the opener runs
 * @return:    0, or -errno
 */
int ag_opener_init(struct ag_opener *opener, struct ev_loop *loop,
		   struct ag_transport *const transport[2], ag_opener_done_fn *done, void *user);

/**
 * Begin.
 *
 * @patient:  what is missing is waited for, once a second, and told once; else it is a failure
 * @pause_ms: to wait before the first attempt
 * @return:   0, or -errno; the callback comes only after 0
 */
int ag_opener_start(struct ag_opener *opener, bool patient, unsigned int pause_ms);

/** Ask a running opener to end; the callback comes nevertheless. */
void ag_opener_cancel(struct ag_opener *opener);

/** Release. It must not be running. */
void ag_opener_clear(struct ag_opener *opener);

#endif
