/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_SHADOW_H
#define AG_IO_SHADOW_H

/*
 * A second set of rules that looks at the same traffic and changes nothing: what it would have done
 * otherwise than the rules in force is counted.
 *
 * It sees each PDU as it came, with the same link and bearer, and its samplers count for
 * themselves. What it does not see is what its own decisions would have led to: where the rules in
 * force let a request through that the shadow would have refused, the answer is judged all the
 * same. A field that one of its rules rewrites has the new value for its later rules, but other
 * fields that would follow from it have not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"
#include "proxy/io/log.h"

/** Differences that are counted apart. */
#define AG_SHADOW_PAIRS 64
/** Links whose samplers are kept apart. */
#define AG_SHADOW_LINKS 64
/** Octets of a rule's name that are kept, with a NUL. */
#define AG_SHADOW_NAME 48

/** What a set decided. */
struct ag_shadow_outcome {
	char rule[AG_SHADOW_NAME]; /* "" for none */
	bool is_att;               /* else SMP */
	enum ag_verdict verdict;
	bool has_error;
	uint8_t error;
	unsigned int effects; /* AG_EFFECT_… but AG_EFFECT_LOG */
};

/** Two outcomes that differ, and how often they did. */
struct ag_shadow_pair {
	struct ag_shadow_outcome real;
	struct ag_shadow_outcome shadow;
	uint64_t count;
};

struct ag_shadow_link {
	uint16_t handle;
	uint64_t since_us;
	uint64_t age;
	struct ag_match_state *state; /* NULL: free */
};

/** All zero with a set of NULL: off. Everything but the counts is its own. */
struct ag_shadow {
	struct ag_ruleset *set;
	uint64_t seed;
	struct ag_shadow_link link[AG_SHADOW_LINKS];
	uint64_t clock;
	struct ag_log_limit limit;
	uint64_t judged;
	uint64_t different;
	uint64_t unseen; /* not whole, as the rules in force did not need the rest; or no memory */
	struct ag_shadow_pair pair[AG_SHADOW_PAIRS];
	size_t n_pairs;
	uint64_t other; /* differences for which there was no pair left */
};

/**
 * Put a set in the place of that which is there, and begin to count anew.
 *
 * @set:  taken over
 * @seed: as the engine's, so that chance falls the same way
 */
void ag_shadow_set(struct ag_shadow *shadow, struct ag_ruleset *set, uint64_t seed);

/** Free everything; all zero afterwards. */
void ag_shadow_clear(struct ag_shadow *shadow);

/** The tap; `user` is a struct ag_shadow. A difference is logged, but no text too often. */
void ag_shadow_tap(void *user, const struct ag_decision *decision);

/** Log what has been counted: a line for the whole, and one for each pair. */
void ag_shadow_summary(const struct ag_shadow *shadow);

#endif
