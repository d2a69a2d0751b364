/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/fd.h"

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int write_fresh(const char *fresh, const char *text, mode_t mode, bool durable)
{
	/* neither a link is followed nor a pipe waited for */
	ag_cleanup(ag_fd_cleanup) int fd = open(
	    fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	int r;

	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	r = write_all(fd, text);
	if (r == 0 && durable && fdatasync(fd) < 0)
		r = -errno;
	return r;
}

int ag_replace(const char *path, const char *text, mode_t mode, bool durable)
{
	ag_autofree char *fresh = NULL;
	int r;

	if (asprintf(&fresh, "%s.new", path) < 0) {
		fresh = NULL;
		return -ENOMEM;
	}
	r = write_fresh(fresh, text, mode, durable);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(fresh);
	return r;
}
