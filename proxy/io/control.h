/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CONTROL_H
#define AG_IO_CONTROL_H

/*
 * The control socket: who may connect asks for the state, for the rules to be read again, or
 * watches decisions, in JSON lines (attgate-control(7)).
 *
 * It takes what time the packets leave: its watchers of the event loop come last, each event does a
 * bounded piece of work, nothing waits for a client, and each client has at most one answer or one
 * piece of trace in memory.
 */

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "proxy/io/control_view.h"

/** Clients at a time. When there are more, the one that has been silent for longest goes; watchers
 *  stay. */
#define AG_CONTROL_CLIENTS 32
/** Of them, watchers. */
#define AG_CONTROL_WATCHERS 16
/** Octets of a request, with its line end. */
#define AG_CONTROL_LINE_MAX 8192

struct ag_control_config {
	const char *path;  /* of the socket; borrowed */
	const char *group; /* whose members may connect too; NULL: only our user and root */
	struct ag_control_host host;
};

struct ag_control;

/**
 * Listen and serve.
 *
 * @config: copied, its strings borrowed
 * @why:    one line, set where negative
 * @out:    freed with ag_control_free(); untouched on failure
 * @return: 0 or negative
 */
int ag_control_new(const struct ag_control_config *config, struct ev_loop *loop, char why[256],
		   struct ag_control **out);

/** Close all connections and remove the socket; NULL is allowed. */
void ag_control_free(struct ag_control *control);

/** A reading of the rules is done: tell those who asked for it. Arguments as ag_reloaded_fn. */
void ag_control_reloaded(struct ag_control *control, uint64_t number, int result, const char *text);

/** The tap that feeds the watchers; `user` is a struct ag_control. */
void ag_control_tap(void *user, const struct ag_decision *decision);

/** Likewise of what passed. */
void ag_control_pass(void *user, const struct ag_passed *passed);

#endif
