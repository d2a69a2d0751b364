/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_RELOAD_H
#define AG_IO_RELOAD_H

/*
 * Rule files read again by a thread of its own, while packets pass: to read takes as long as the
 * disk does, and to compile and to judge a thousand rules takes seconds.
 */

#include <ev.h>

#include "proxy/io/rulebook.h"

/**
 * A reading is done. Called from the event loop.
 *
 * @number: of the reading
 * @result: as ag_rulebook_read(), or another negative error: it could not be begun
 * @book:   where 0; taken over by whoever empties it
 * @text:   what was found, or NULL when out of memory
 */
typedef void ag_reloaded_fn(void *user, uint64_t number, int result, struct ag_rulebook *book,
			    const char *text);

struct ag_reload;

/**
 * @paths:  as ag_rulefiles_read() takes them; the strings are borrowed until the process ends
 * @out:    freed with ag_reload_free(); untouched on failure
 * @return: 0 or -ENOMEM
 */
int ag_reload_new(const char *const *paths, size_t n_paths, struct ev_loop *loop,
		  ag_reloaded_fn *done, void *user, struct ag_reload **out);

/** `done` is not called any more. A reading that takes longer than half a second more is left to
 *  the end of the process. NULL is allowed. */
void ag_reload_free(struct ag_reload *reload);

/**
 * Read the files as they are now: at once, or after the reading that is under way.
 *
 * @number: of that reading, from 1
 * @return: 0 or negative: it cannot be begun
 */
int ag_reload_ask(struct ag_reload *reload, uint64_t *number);

/** Whether files are being read, or will be: one was asked for during another. In a call of `done`
 *  the reading that it tells of is over. */
bool ag_reload_is_busy(const struct ag_reload *reload);

#endif
