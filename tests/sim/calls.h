/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_CALLS_H
#define AG_SIM_CALLS_H

/*
 * Calls that a test answers in the kernel's place: the unit binary is linked with --wrap for them
 * (ld(1)). A function that is NULL, or returns AG_SIM_KERNEL, leaves the call to the kernel; all
 * others set errno where they return -1.
 */

#include <glob.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { AG_SIM_KERNEL = -2 };

struct ag_sim_calls {
	int (*access)(const char *path, int mode);
	int (*open)(const char *path, int flags);
	int (*glob)(const char *pattern, glob_t *out);
	int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
	int (*ioctl)(int fd, unsigned long request, void *argument);
	int (*socket)(int family, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *address, socklen_t len);
	int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *len);
	int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t len);
	ssize_t (*read)(int fd, void *out, size_t len);
	ssize_t (*write)(int fd, const void *data, size_t len);
	ssize_t (*send)(int fd, const void *data, size_t len, int flags);
};

extern struct ag_sim_calls ag_sim_calls;

#endif
