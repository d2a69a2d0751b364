/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_RANDOM_H
#define AG_SIM_RANDOM_H

/* A seeded generator (SplitMix64), so that a case can be rerun. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/hash.h"

struct ag_random {
	uint64_t state;
};

static inline uint64_t ag_random_next(struct ag_random *random)
{
	random->state += AG_HASH_STEP;
	return ag_hash_scramble(random->state);
}

/** 0 to n - 1; n at least 1. */
static inline uint32_t ag_random_below(struct ag_random *random, uint32_t n)
{
	return (uint32_t)((ag_random_next(random) >> 32) * n >> 32);
}

/** low to high, both included. */
static inline uint32_t ag_random_range(struct ag_random *random, uint32_t low, uint32_t high)
{
	return low + ag_random_below(random, high - low + 1);
}

static inline bool ag_random_percent(struct ag_random *random, uint32_t percent)
{
	return ag_random_below(random, 100) < percent;
}

static inline void ag_random_fill(struct ag_random *random, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)ag_random_next(random);
}

#endif
