/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_TAPS_H
#define AG_IO_TAPS_H

/* One tap for the engine, several listeners behind it: log, recording, btmon, watchers. */

#include <stddef.h>

#include "proxy/engine/engine.h"

#define AG_TAPS_MAX 8

struct ag_taps {
	struct {
		ag_tap_fn *tap;
		void *user;
	} row[AG_TAPS_MAX];
	size_t count;
};

/** Add a listener, asked after those that are there. At most AG_TAPS_MAX, known at build time. */
void ag_taps_add(struct ag_taps *taps, ag_tap_fn *tap, void *user);

/** The tap to give to the engine; `user` is a struct ag_taps. */
void ag_taps_tap(void *user, const struct ag_decision *decision);

#endif
