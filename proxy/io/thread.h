/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_THREAD_H
#define AG_IO_THREAD_H

/* Threads for what may take long, so that packets never wait for it. */

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/**
 * Start a thread that gets no signals: those are the event loop's.
 *
 * @out:    untouched on failure
 * @return: 0 or negative
 */
int ag_thread_start(pthread_t *out, void *(*run)(void *), void *user);

/** A moment so much later, on the monotonic clock: the one on the wall may be set meanwhile. */
struct timespec ag_in_ms(unsigned int ms);

/**
 * Wait for a thread that was told to end.
 *
 * @return: false when it has not ended by then: it goes on by itself, and what it uses has to stay
 */
bool ag_thread_end(pthread_t thread, unsigned int patience_ms);

#endif
