/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BASE_CLEANUP_H
#define AG_BASE_CLEANUP_H

/*
 * Scope-bound release. A variable declared with ag_cleanup(fn) is passed to fn by address when it
 * goes out of scope; ag_take() moves a pointer out so that nothing is released.
 */

#include <stdlib.h>

#define ag_cleanup(fn) __attribute__((cleanup(fn)))

static inline void ag_free_cleanup(void *pointer)
{
	free(*(void **)pointer);
}

/** For a local pointer from malloc(). */
#define ag_autofree ag_cleanup(ag_free_cleanup)

/** The pointer's value; the variable is NULL afterwards. */
#define ag_take(pointer)                                                                           \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#define ag_array_size(array) (sizeof(array) / sizeof((array)[0]))

#endif
