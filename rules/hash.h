/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_HASH_H
#define AG_RULES_HASH_H

/* SplitMix64 (Vigna, in the public domain). */

#include <stdint.h>

/** What its state grows by. */
#define AG_HASH_STEP UINT64_C(0x9e3779b97f4a7c15)

/** Its end: every bit of the result depends on all of `z`, and no two numbers have the same. */
static inline uint64_t ag_hash_scramble(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
