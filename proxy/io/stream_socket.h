/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_STREAM_SOCKET_H
#define AG_IO_STREAM_SOCKET_H

/* Getting at the socket of a stream: listening, accepting, connecting. */

#include <sys/stat.h>

#include "proxy/io/transport.h"

/** A listening socket and, of a unix one, the file that is to be removed with it. */
struct ag_listener {
	int fd; /* -1: not listening */
	dev_t dev;
	ino_t ino;
};
#define AG_LISTENER_INIT ((struct ag_listener){ .fd = -1 })

/**
 * Listen at transport->address. A unix socket file that nobody serves any more is replaced; the new
 * one can be used by its owner only. Sets `label` to what is listened at.
 *
 * @return: 0, or negative and `why`; -EPERM: TCP beyond loopback and transport->local_only
 */
int ag_listen(struct ag_transport *transport, struct ag_listener *out);

/** Close, and remove the file if it is still the one that ag_listen() made. */
void ag_listener_close(struct ag_listener *listener, const char *path);

/**
 * Wait for the next connection.
 *
 * @return: a descriptor (non-blocking, close-on-exec), or negative and `why`
 */
int ag_accept(struct ag_transport *transport, int listen_fd, const struct ag_opening *opening);

/** Connect to transport->address. @return: as ag_accept() */
int ag_connect(struct ag_transport *transport, const struct ag_opening *opening);

#endif
