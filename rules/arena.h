/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_ARENA_H
#define AG_RULES_ARENA_H

/* Memory that is freed all at once: syntax trees, compiled sets. */

#include <stdbool.h>
#include <stddef.h>

struct ag_arena_block;

/** Zero-initialise. `failed` stays set once an allocation failed, so it can be tested at the end.
 */
struct ag_arena {
	struct ag_arena_block *blocks;
	size_t left; /* octets free at the end of the newest block */
	bool failed;
};

/** Zeroed memory, aligned for any type; NULL when out of memory. */
void *ag_arena_alloc(struct ag_arena *arena, size_t count, size_t size);

/** A copy of `len` octets with a NUL behind; NULL when out of memory. */
char *ag_arena_copy(struct ag_arena *arena, const void *data, size_t len);

/** Free everything; the arena is empty again. */
void ag_arena_clear(struct ag_arena *arena);

#endif
