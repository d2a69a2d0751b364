/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/control_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"

/* Supplementary groups that are looked at: more than setgroups(2) gives anybody in practice. */
#define GROUPS_MAX 1024

char *ag_control_path(const char *controller)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s.sock", AG_CONTROL_DIR, controller) < 0 ? NULL : path;
}

static int find_group(const char *name, struct ag_control_group *out)
{
	const struct group *group = getgrnam(name);
	char *end = NULL;
	unsigned long gid;

	if (group) {
		*out = (struct ag_control_group){ .given = true, .gid = group->gr_gid };
		return 0;
	}
	errno = 0;
	gid = strtoul(name, &end, 10);
	if (errno || name[0] < '0' || name[0] > '9' || *end || gid >= (gid_t)-1)
		return -ENOENT;
	*out = (struct ag_control_group){ .given = true, .gid = (gid_t)gid };
	return 0;
}

static void make_directory(const char *path)
{
	size_t len = strlen(AG_CONTROL_DIR);

	/* where it cannot be made, to listen fails and says so */
	if (strncmp(path, AG_CONTROL_DIR, len) == 0 && path[len] == '/')
		(void)mkdir(AG_CONTROL_DIR, 0755);
}

static void free_transport(struct ag_transport **transport)
{
	ag_transport_free(*transport);
}

static int listen_at(const char *path, struct ag_listener *listener, char why[256])
{
	ag_cleanup(free_transport) struct ag_transport *transport = NULL;
	ag_autofree char *text = NULL;
	const char *wrong = "out of memory";
	struct ag_address address;
	int r = -ENOMEM;

	if (asprintf(&text, "unix-listen:%s", path) < 0)
		text = NULL;
	else if (ag_address_parse(text, AG_SIDE_HOST, &address, &wrong) != 0)
		r = -EINVAL;
	else
		r = ag_transport_new(&address, &transport);
	if (r < 0)
		snprintf(why, 256, "%.100s: %s", path, wrong);
	else if ((r = ag_listen(transport, listener)) < 0)
		snprintf(why, 256, "%s", transport->why);
	return r;
}

static int open_to_group(const char *path, const struct ag_control_group *group, char why[256])
{
	if (chown(path, (uid_t)-1, group->gid) == 0 && chmod(path, 0660) == 0)
		return 0;
	snprintf(why, 256, "%.100s cannot be given to group %u: %s", path, group->gid,
		 strerror(errno));
	return -EPERM;
}

int ag_control_listen(const char *path, const char *group, struct ag_listener *listener,
		      struct ag_control_group *out, char why[256])
{
	struct ag_listener made = AG_LISTENER_INIT;
	struct ag_control_group found = { .given = false };
	int r;

	if (group && find_group(group, &found) < 0) {
		snprintf(why, 256, "no group `%.64s' is known", group);
		return -ENOENT;
	}
	make_directory(path);
	r = listen_at(path, &made, why);
	if (r == 0 && found.given)
		r = open_to_group(path, &found, why);
	if (r < 0) {
		ag_listener_close(&made, path);
		return r;
	}
	*listener = made;
	*out = found;
	return 0;
}

static bool is_member(int fd, gid_t primary, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);
	bool found = primary == gid;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
		for (size_t i = 0; i < len / sizeof(groups[0]); i++)
			found = found || groups[i] == gid;
	}
	return found;
}

bool ag_control_is_owner(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

bool ag_control_may_ask(int fd, const struct ag_control_group *group)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (ag_control_is_owner(fd))
		return true;
	return group->given && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       is_member(fd, peer.gid, group->gid);
}
