/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CONTROL_SOCKET_H
#define AG_IO_CONTROL_SOCKET_H

/* The control socket as a socket: made, and guarded. */

#include <stdbool.h>
#include <sys/types.h>

#include "proxy/io/stream_socket.h"

/** Directory of the sockets whose path is not given. */
#define AG_CONTROL_DIR "/run/attgate"

/** Who may connect besides root and our own user. */
struct ag_control_group {
	bool given;
	gid_t gid;
};

/**
 * "/run/attgate/hci0.sock" for a controller that is named by index or BD_ADDR.
 *
 * @controller: "hci0"
 * @return: a string for free(), or NULL when out of memory
 */
char *ag_control_path(const char *controller);

/**
 * Listen at a path. A socket that nobody serves any more is replaced; a directory AG_CONTROL_DIR is
 * made. The file can be used by its owner, and by the group if one is given.
 *
 * @group:  name or number, or NULL
 * @why:    one line, set where negative
 * @return: 0 or negative
 */
int ag_control_listen(const char *path, const char *group, struct ag_listener *listener,
		      struct ag_control_group *out, char why[256]);

/** Whether the process at the other end is root's or our own user's. */
bool ag_control_is_owner(int fd);

/** Whether the process at the other end may ask: root, our own user, the group's members. */
bool ag_control_may_ask(int fd, const struct ag_control_group *group);

#endif
