/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_ALLOC_H
#define AG_SIM_ALLOC_H

/*
 * The unit binary is linked with --wrap for malloc, calloc, realloc, strdup, strndup and free, so
 * that tests can count what the project's own objects allocate and let it fail. Of what libc
 * allocates for them, asprintf(), the texts of open_memstream() and pthread_create() can fail too.
 */

#include <stddef.h>
#include <stdint.h>

/** Allocations so far in this process. */
uint64_t ag_sim_alloc_count(void);

/** Remember from now on what is allocated and not freed. */
void ag_sim_alloc_track(void);

/** Octets of that in use, those of the allocator's rounding included. */
size_t ag_sim_alloc_live(void);

/** Let the allocation after `passing` more fail, once. */
void ag_sim_alloc_fail_after(uint64_t passing);

/** What a thread counts as, and nothing else of the project's. */
#define AG_SIM_STACK ((size_t)1 << 23)

/** Likewise, of those of at least `size` octets. */
void ag_sim_alloc_fail_large(uint64_t passing, size_t size);

/** Stop that. @return: whether an allocation did fail since */
int ag_sim_alloc_fail_end(void);

#endif
