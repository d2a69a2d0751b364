/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_BROKEN_H
#define AG_SIM_BROKEN_H

/* A file that cannot be read to its end: a pipe whose reader loses its descriptor on the way. */

#include <pthread.h>
#include <stddef.h>

struct ag_sim_broken {
	const char *path;
	const void *data;
	size_t len;
	pthread_t thread;
};

/**
 * Make it. Whoever opens it in this process reads the octets, perhaps one more, and then has EBADF.
 *
 * @data: no more than a pipe takes at once, PIPE_BUF; borrowed, as is `path`
 */
void ag_sim_broken_begin(struct ag_sim_broken *broken, const char *path, const void *data,
			 size_t len);

/** Wait until it has been read, and remove it. */
void ag_sim_broken_end(struct ag_sim_broken *broken);

#endif
