/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_DECISIONS_H
#define AG_IO_DECISIONS_H

/* Decisions of the engine, and what they come to, as lines of the log. */

#include "proxy/engine/engine.h"
#include "proxy/io/log.h"
#include "proxy/io/pump.h"

struct ag_decisions {
	bool verbose; /* every decision, not only those that a rule says to log */
	bool dry_run; /* also those that would have changed something */
	struct ag_log_limit limit;
};

/** The tap (ag_engine_config.tap) that writes them; `user` is a struct ag_decisions. */
void ag_decisions_tap(void *user, const struct ag_decision *decision);

/** One decision in a line: "DC:08:0F:5B:8D:82 peripheral, host: Read Request … -> reject …". */
void ag_decision_format(const struct ag_decision *decision, char *out, size_t size);

/** One decision for a recording or btmon, where the packet stands beside it: "#12 reject
 *  attribute_not_found by quiet-peripheral: Read Request, Handle: 0x0016". No attribute's value and
 *  no key is in it. */
void ag_decision_note(const struct ag_decision *decision, char *out, size_t size);

/** Whether a PDU just passed: accepted, and no rule acted on it. */
bool ag_decision_is_plain(const struct ag_decision *decision);

/** Its priority: AG_LOG_NOTICE where something was changed or a rule says to log, else
 *  AG_LOG_INFO. */
enum ag_log_level ag_decision_priority(const struct ag_decision *decision);

/** Log what a session came to so far: packets, verdicts, what was lost, which rule acted how often.
 */
void ag_decisions_summary(const struct ag_engine *engine, const struct ag_ruleset *rules,
			  const struct ag_pump_counters *counters);

#endif
