/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_REQUIRE_H
#define AG_RULES_REQUIRE_H

/* What a condition requires of one field: values without which it cannot hold. */

#include <string.h>

#include "rules/set.h"

/** The values, as hashes or as ranges, whichever ag_require() says; zero-initialise. */
struct ag_required {
	uint64_t *hashes; /* sorted, each once */
	size_t n_hashes;
	size_t hashes_allocated;
	struct ag_range *ranges; /* sorted, disjoint */
	size_t n_ranges;
	size_t ranges_allocated;
	bool failed; /* out of memory */
};

void ag_required_clear(struct ag_required *required);

enum ag_requirement {
	AG_REQUIRES_NOTHING, /* or so much that it is not worth while to look */
	AG_REQUIRES_VALUES,  /* one of `hashes` */
	AG_REQUIRES_RANGES,  /* a number in one of `ranges` */
	AG_REQUIRES_FAILED,  /* out of memory */
};

/**
 * What a condition requires of a field. Where the subject has no such value the condition does not
 * hold, and nothing in it is counted by a sampler.
 *
 * @when: NULL requires nothing
 * @out:  overwritten; its memory is used again
 */
enum ag_requirement ag_require(const struct ag_node *when, enum ag_field field,
			       struct ag_required *out);

/** The fields that a condition compares, one bit each; none for NULL. */
uint64_t ag_fields_tested(const struct ag_node *when);

/** All bits of the result depend on all of both; Vigna's constants. */
static inline uint64_t ag_hash(uint64_t a, uint64_t b)
{
	uint64_t z = (a ^ b * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);

	return (z ^ z >> 32) * UINT64_C(0x94d049bb133111eb);
}

/** Hash of a value of that type; of octets their number and the first of them stand for all. */
static inline uint64_t ag_hash_value(enum ag_value_type type, const union ag_value *value)
{
	uint64_t first = 0;

	if (type == AG_T_UUID)
		return ag_hash(value->uuid.hi, value->uuid.lo);
	if (type != AG_T_BYTES)
		return ag_hash(value->num, 0);
	if (value->bytes.len)
		memcpy(&first, value->bytes.data,
		       value->bytes.len < sizeof(first) ? value->bytes.len : sizeof(first));
	return ag_hash(first, value->bytes.len);
}

#endif
