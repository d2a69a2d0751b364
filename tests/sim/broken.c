/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/broken.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTORS = 256 };

static void close_readers(int writer)
{
	struct stat pipe, other;

	fstat(writer, &pipe);
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (fd != writer && fstat(fd, &other) == 0 && other.st_ino == pipe.st_ino &&
		    other.st_dev == pipe.st_dev)
			close(fd);
	}
}

static void *feed(void *user)
{
	const struct ag_sim_broken *broken = user;
	int fd = open(broken->path, O_WRONLY); /* waits for the reader */
	int unread = 1;

	if (fd < 0 || write(fd, broken->data, broken->len) != (ssize_t)broken->len)
		abort();
	while (unread > 0) {
		usleep(1000);
		ioctl(fd, FIONREAD, &unread);
	}
	close_readers(fd);
	/* whoever waits for more already has this octet, and nobody else */
	(void)!write(fd, "", 1);
	close(fd);
	return NULL;
}

void ag_sim_broken_begin(struct ag_sim_broken *broken, const char *path, const void *data,
			 size_t len)
{
	*broken = (struct ag_sim_broken){ .path = path, .data = data, .len = len };
	signal(SIGPIPE, SIG_IGN);
	if (mkfifo(path, 0600) < 0 || pthread_create(&broken->thread, NULL, feed, broken) != 0)
		abort();
}

void ag_sim_broken_end(struct ag_sim_broken *broken)
{
	pthread_join(broken->thread, NULL);
	unlink(broken->path);
}
