/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_SESSION_H
#define AG_IO_SESSION_H

/*
 * What `attgate run` does from its first line to its last: open both sides, pump until one of them
 * goes, close both, open again; and the signals.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proxy/io/address.h"
#include "proxy/io/record.h"

/** Whether btmon is told of decisions. */
enum ag_btmon_wanted {
	AG_BTMON_AUTO, /* as ON, where a side is the kernel's */
	AG_BTMON_ALL,  /* of all */
	AG_BTMON_ON,   /* of those in which a rule acted */
	AG_BTMON_OFF,
};

struct ag_session_config {
	struct ag_address address[2]; /* by enum ag_side */
	const char *const *rules;     /* as ag_rulefiles_compile() takes them */
	size_t n_rules;
	const char *const *shadow; /* likewise, of a set that changes nothing */
	size_t n_shadow;           /* 0: none */
	bool dry_run;
	bool once; /* end when a side goes away, instead of waiting for it */
	bool verbose;
	bool allow_remote; /* tcp-listen beyond loopback */
	enum ag_btmon_wanted btmon;
	struct ag_record_config record; /* `path` NULL: nothing is recorded */
	const char *control;       /* path of the control socket; NULL: the controller's own, which
				    * a stream does not have; "none": there is none */
	const char *control_group; /* whose members may use it, or NULL */
	const char *metrics_file;  /* where counters are written, or NULL */
	const char *state_dir;     /* where what is known of peers is kept; NULL: AG_STATE_DIR for a
				    * controller that is no stream; "none": in memory only */
	bool keep_identities;      /* keys of peers too */
};

enum { AG_SESSION_RULES = 1, AG_SESSION_REMOTE = 2 };

/**
 * Run until a signal ends it. What goes wrong is logged.
 *
 * TERM and INT end it in order, HUP reads the rules again, USR1 logs a summary.
 *
 * @config: borrowed
 * @return: 0 (ended in order), AG_SESSION_RULES (the rules are wrong), AG_SESSION_REMOTE (listening
 *          beyond loopback was not allowed), or negative
 */
int ag_session_run(const struct ag_session_config *config);

#endif
