/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_SESSION_INTERNAL_H
#define AG_IO_SESSION_INTERNAL_H

/* What the parts of a session share: opening and closing (session.c), its rules, its control. */

#include <ev.h>

#include "proxy/engine/engine.h"
#include "proxy/io/btmon.h"
#include "proxy/io/control.h"
#include "proxy/io/decisions.h"
#include "proxy/io/hci_setup.h"
#include "proxy/io/metrics_file.h"
#include "proxy/io/opener.h"
#include "proxy/io/pump.h"
#include "proxy/io/reload.h"
#include "proxy/io/rulebook.h"
#include "proxy/io/session.h"
#include "proxy/io/shadow.h"
#include "proxy/io/store.h"
#include "proxy/io/tally.h"
#include "proxy/io/taps.h"

#define AG_SESSION_SIGNALS 4

struct ag_session {
	struct ag_taps taps; /* who is told of decisions */
	const struct ag_session_config *config;
	struct ev_loop *loop;
	struct ag_transport *transport[2];
	struct ag_opener opener;
	struct ag_pump pump;
	struct ag_engine *engine; /* NULL while the sides are not both open */
	struct ag_rulebook rules;
	struct ag_reload *reload;
	struct ag_reload *shadow_reload; /* NULL: there is no shadow */
	struct ag_tally tally;
	struct ag_control *control; /* NULL: none */
	char *control_path;
	struct ag_metrics_file *metrics;
	struct ag_store *store;
	struct ag_decisions decisions;
	struct ag_recorder recorder;
	struct ag_btmon btmon;
	struct ag_shadow shadow;
	struct ag_setup_watch setup; /* of the virtual controller, by the kernel */
	struct ev_signal signal[AG_SESSION_SIGNALS];
	struct ev_timer patience;
	uint64_t started_us;
	uint64_t opened_us;
	bool ready_told;
	bool given_up; /* the virtual controller, by the kernel, and no other is shown yet */
	bool ending;
	int result;
};

/* ---- session_rules.c ---- */

/** Read the rules for the first time, and those that only look on. What is wrong is logged.
 *  @return: 0, AG_SESSION_RULES (they have errors), or negative */
int ag_session_load_rules(struct ag_session *session);

/** Have them read again, beside the packets; what becomes of it is logged. @number: as
 *  ag_reload_ask(), as is the result */
int ag_session_reload(struct ag_session *session, uint64_t *number);

/* ---- session_control.c ---- */

/** Listen at the control socket, where there is to be one. @return: 0 or negative, which is logged
 */
int ag_session_start_control(struct ag_session *session);

/** Begin to write the file with metrics, where there is to be one; likewise. */
int ag_session_start_metrics(struct ag_session *session);

#endif
