/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CONTROL_VIEW_H
#define AG_IO_CONTROL_VIEW_H

/* What a session shows of itself, and what can be asked of it. */

#include "proxy/engine/engine.h"
#include "proxy/io/pump.h"
#include "proxy/io/record.h"
#include "proxy/io/rulebook.h"
#include "proxy/io/store.h"
#include "proxy/io/tally.h"
#include "proxy/io/transport.h"

/** All pointers are valid until control goes back to the event loop. */
struct ag_control_view {
	const struct ag_engine *engine;          /* NULL: the two sides are not both open */
	const struct ag_pump_counters *pump;     /* NULL likewise */
	const struct ag_transport *transport[2]; /* by enum ag_side */
	const struct ag_rulebook *rules;
	const struct ag_tally *tally;
	const struct ag_store *store;
	uint64_t started_us; /* monotonic, as are the next two */
	uint64_t opened_us;  /* where there is an engine */
	uint64_t now_us;
	bool dry_run;
	size_t clients; /* of the control socket, as are the next two */
	size_t watchers;
	uint64_t lost; /* decisions that watchers were too slow for */
};

/** Longest name of a recording's file. */
#define AG_CONTROL_FILE_MAX 1024

enum ag_control_recording {
	AG_CONTROL_RECORD_START,
	AG_CONTROL_RECORD_STOP,
	AG_CONTROL_RECORD_ROTATE,
};

struct ag_control_host {
	/** Fill in all but the clients. */
	void (*view)(void *user, struct ag_control_view *out);

	/**
	 * Have the rules read again; ag_control_reloaded() tells when they have been.
	 *
	 * @number: of the reading, from 1
	 * @return: 0 or negative: it cannot be begun
	 */
	int (*reload)(void *user, uint64_t *number);
	void *user;

	/**
	 * Begin, end or rotate a recording (proxy/io/record.h).
	 *
	 * @config: for AG_CONTROL_RECORD_START
	 * @file:   the file that is written; of the other two, the one that was, until then, and is
	 *          locked (flock(2)) until it is complete
	 * @return: as ag_recorder_start(), _stop() and _rotate(); `file` is set where 0
	 */
	int (*record)(void *user, enum ag_control_recording what,
		      const struct ag_record_config *config, char file[AG_CONTROL_FILE_MAX]);
};

#endif
