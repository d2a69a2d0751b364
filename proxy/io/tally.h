/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_TALLY_H
#define AG_IO_TALLY_H

/*
 * Counters of the whole run. An engine counts for one session and one set of rules; what it had
 * counted when either ended is kept here. Rules keep their counters by name.
 */

#include "proxy/engine/engine.h"
#include "proxy/io/pump.h"

struct ag_tally {
	struct ag_stats past;              /* of engines that have ended */
	struct ag_pump_counters past_pump; /* of their pumps */
	uint64_t *hits;                    /* of the rules in force, by ag_rule.index */
	size_t n_hits;
	uint64_t sessions; /* that have begun */
	uint64_t numbered; /* number of the last PDU of an engine that has ended */
};

/** Counters for the first set. @return: 0 or -ENOMEM */
int ag_tally_init(struct ag_tally *tally, const struct ag_ruleset *rules);
void ag_tally_clear(struct ag_tally *tally);

/** An engine is about to be freed. */
void ag_tally_engine_ends(struct ag_tally *tally, const struct ag_engine *engine,
			  const struct ag_pump_counters *pump);

/**
 * Counters for the set that is to be put in force, begun with those of the rules of the same names.
 *
 * @engine: that has `from` in force; may be NULL
 * @out:    for ag_tally_take() or free()
 * @return: 0 or -ENOMEM; the tally is unchanged
 */
int ag_tally_carry(const struct ag_tally *tally, const struct ag_engine *engine,
		   const struct ag_ruleset *from, const struct ag_ruleset *to, uint64_t **out);

/** The new set is in force. */
void ag_tally_take(struct ag_tally *tally, const struct ag_ruleset *rules, uint64_t *hits);

/** Sums, the running engine included; `engine` and `pump` may be NULL. */
void ag_tally_stats(const struct ag_tally *tally, const struct ag_engine *engine,
		    struct ag_stats *out);
void ag_tally_pump(const struct ag_tally *tally, const struct ag_pump_counters *pump,
		   struct ag_pump_counters *out);
uint64_t ag_tally_hits(const struct ag_tally *tally, const struct ag_engine *engine, size_t index);

#endif
