/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/stream_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/fd.h"

#define BACKLOG            16
#define CONNECT_TIMEOUT_MS 10000
/* A peer machine that vanished without a word would hold the only session for ever. */
#define KEEPALIVE_IDLE_S     30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT      3

#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

static void addrinfo_cleanup(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static struct sockaddr_un unix_address(const struct ag_transport *transport)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* ag_address_parse() saw to it that the path and its end fit */
	memcpy(address.sun_path, transport->address.path, strlen(transport->address.path) + 1);
	return address;
}

static void tune_tcp(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
	};

	/* each is a nicety: a stream works without */
	for (size_t i = 0; i < ag_array_size(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

/* ---- Listening ---- */

/* Remove a socket file that nobody serves. What is no socket, or is served, stays. */
static int remove_stale(struct ag_transport *transport, const struct sockaddr_un *address)
{
	ag_cleanup(ag_fd_cleanup) int probe = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return ag_transport_fail(transport, -EEXIST,
					 "%s exists and is no socket; remove it or name another",
					 address->sun_path);
	probe = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (probe < 0)
		return ag_transport_fail(transport, -errno, "no socket: %s", strerror(errno));
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return ag_transport_fail(transport, -EADDRINUSE,
					 "%s is served by another program; end it or name another",
					 address->sun_path);
	if (unlink(address->sun_path) < 0)
		return ag_transport_fail(transport, -errno, "%s cannot be replaced: %s",
					 address->sun_path, strerror(errno));
	return 0;
}

static int listen_unix(struct ag_transport *transport, struct ag_listener *out)
{
	struct sockaddr_un address = unix_address(transport);
	ag_cleanup(ag_fd_cleanup) int fd = -1;
	struct stat st;
	mode_t mask;
	int r;

	r = remove_stale(transport, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return ag_transport_fail(transport, -errno, "no socket: %s", strerror(errno));
	/* who may connect owns the controller: only our own user. At start-up no other thread makes
	 * a file yet that the mask could disturb. */
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (r < 0 || stat(address.sun_path, &st) < 0 || listen(fd, BACKLOG) < 0)
		return ag_transport_fail(transport, -errno, "cannot listen at %s: %s",
					 transport->address.text, strerror(errno));
	*out = (struct ag_listener){ .fd = ag_fd_take(&fd), .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

static bool is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in6 *in6 = (const void *)address;
	const struct sockaddr_in *in = (const void *)address;

	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return address->sa_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Resolve host and port. This may ask the network and take its time. */
static int resolve(struct ag_transport *transport, int flags, struct addrinfo **out)
{
	struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", transport->address.port);
	r = getaddrinfo(transport->address.host, port, &hints, out);
	if (r != 0)
		return ag_transport_fail(transport, -EHOSTUNREACH, "%s has no address: %s",
					 transport->address.host,
					 r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
	return 0;
}

static int listen_at(const struct addrinfo *info)
{
	ag_cleanup(ag_fd_cleanup) int fd = socket(info->ai_family, SOCKET_FLAGS, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return ag_fd_take(&fd);
}

/* The port is the kernel's choice where 0 was asked for: name the one it took. */
static void label_listener(struct ag_transport *transport, int fd)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);
	char host[64], port[8];

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(transport->label, sizeof(transport->label),
			 address.ss_family == AF_INET6 ? "tcp-listen:[%s]:%s" : "tcp-listen:%s:%s",
			 host, port);
}

static int listen_tcp(struct ag_transport *transport, struct ag_listener *out)
{
	ag_cleanup(addrinfo_cleanup) struct addrinfo *list = NULL;
	int r = resolve(transport, AI_PASSIVE, &list);

	if (r < 0)
		return r;
	for (const struct addrinfo *at = list; at && transport->local_only; at = at->ai_next) {
		if (!is_loopback(at->ai_addr))
			return ag_transport_fail(
			    transport, -EPERM,
			    "%s would be open to the network, without any authentication; use "
			    "127.0.0.1, or add --allow-remote if that is meant",
			    transport->address.text);
	}
	r = -EHOSTUNREACH;
	for (const struct addrinfo *at = list; at && r < 0; at = at->ai_next)
		r = listen_at(at);
	if (r < 0)
		return ag_transport_fail(transport, r, "cannot listen at %s: %s",
					 transport->address.text, strerror(-r));
	*out = (struct ag_listener){ .fd = r };
	label_listener(transport, r);
	return 0;
}

int ag_listen(struct ag_transport *transport, struct ag_listener *out)
{
	if (transport->address.kind == AG_ADDRESS_UNIX_LISTEN)
		return listen_unix(transport, out);
	return listen_tcp(transport, out);
}

void ag_listener_close(struct ag_listener *listener, const char *path)
{
	struct stat st;

	if (listener->fd < 0)
		return;
	if (path && lstat(path, &st) == 0 && st.st_dev == listener->dev &&
	    st.st_ino == listener->ino)
		unlink(path);
	close(listener->fd);
	*listener = AG_LISTENER_INIT;
}

/* Whoever connected and left again without a word wanted to see whether somebody is there (as
 * remove_stale() does), and is no session. */
static bool has_left(int fd)
{
	uint8_t octet;

	return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

int ag_accept(struct ag_transport *transport, int listen_fd, const struct ag_opening *opening)
{
	for (;;) {
		ag_cleanup(ag_fd_cleanup) int fd = accept4(listen_fd, NULL, NULL,
							   SOCK_NONBLOCK | SOCK_CLOEXEC);
		int r;

		if (fd >= 0 && has_left(fd))
			continue;
		if (fd >= 0) {
			if (transport->address.kind == AG_ADDRESS_TCP_LISTEN)
				tune_tcp(fd);
			return ag_fd_take(&fd);
		}
		/* accept(2): errors of a connection that died in the queue are no errors of ours */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			return ag_transport_fail(transport, -errno, "cannot accept: %s",
						 strerror(errno));
		r = ag_opening_wait(opening, listen_fd, POLLIN, -1);
		if (r < 0)
			return r;
	}
}

/* ---- Connecting ---- */

static int connect_to(const struct sockaddr *address, socklen_t len,
		      const struct ag_opening *opening)
{
	ag_cleanup(ag_fd_cleanup) int fd = socket(address->sa_family, SOCKET_FLAGS, 0);
	socklen_t error_len = sizeof(int);
	int error = 0;
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, address, len) == 0)
		return ag_fd_take(&fd);
	if (errno != EINPROGRESS)
		return -errno;
	r = ag_opening_wait(opening, fd, POLLOUT, CONNECT_TIMEOUT_MS);
	if (r != 0)
		return r < 0 ? r : -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0 || error != 0)
		return error ? -error : -errno;
	return ag_fd_take(&fd);
}

static int connect_unix(struct ag_transport *transport, const struct ag_opening *opening)
{
	struct sockaddr_un address = unix_address(transport);

	return connect_to((const struct sockaddr *)&address, sizeof(address), opening);
}

static int connect_tcp(struct ag_transport *transport, const struct ag_opening *opening)
{
	ag_cleanup(addrinfo_cleanup) struct addrinfo *list = NULL;
	int r = resolve(transport, 0, &list);

	if (r < 0)
		return r;
	r = -EHOSTUNREACH;
	for (const struct addrinfo *at = list; at && r < 0 && r != -ECANCELED; at = at->ai_next)
		r = connect_to(at->ai_addr, at->ai_addrlen, opening);
	if (r >= 0)
		tune_tcp(r);
	return r;
}

int ag_connect(struct ag_transport *transport, const struct ag_opening *opening)
{
	int r;

	transport->why[0] = '\0';
	if (transport->address.kind == AG_ADDRESS_UNIX)
		r = connect_unix(transport, opening);
	else
		r = connect_tcp(transport, opening);
	if (r < 0 && !transport->why[0])
		return ag_transport_fail(transport, r, "cannot connect to %s: %s; is it running?",
					 transport->address.text, strerror(-r));
	return r;
}
