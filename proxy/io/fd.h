/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_FD_H
#define AG_IO_FD_H

/* Descriptors that are closed when they go out of scope: ag_cleanup(ag_fd_cleanup) int fd = … */

#include <unistd.h>

static inline void ag_fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/** The descriptor; the variable is -1 afterwards. */
static inline int ag_fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
