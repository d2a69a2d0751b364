/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_TAPS_H
#define AG_IO_TAPS_H

/* One tap for the engine, several listeners behind it: log, recording, btmon, watchers, store. */

#include <stddef.h>

#include "proxy/engine/engine.h"

#define AG_TAPS_MAX 8

struct ag_tap {
	ag_tap_fn *tap;
	void *user;
	/** True while the listener wants a decision of every PDU. NULL: never, what no rule
	 *  matched need not become one for it. */
	const bool *wants_all;
	/** A PDU passed of which nobody wanted a decision; NULL: no matter. */
	void (*pass)(void *user, const struct ag_passed *passed);
};

/** All zero at first. */
struct ag_taps {
	struct ag_tap row[AG_TAPS_MAX];
	size_t count;
	/* of those, told apart once and not for each PDU */
	const bool *wants_all[AG_TAPS_MAX];
	size_t n_wants_all;
	struct ag_tap pass[AG_TAPS_MAX];
	size_t n_pass;
};

/** Add a listener, told after those that are there. At most AG_TAPS_MAX, known at build time. */
void ag_taps_add(struct ag_taps *taps, const struct ag_tap *tap);

/** The tap to give to the engine; `user` is a struct ag_taps. */
void ag_taps_tap(void *user, const struct ag_decision *decision);

/** Likewise for what passes (ag_pass_fn). */
bool ag_taps_pass(void *user, const struct ag_passed *passed);

#endif
