/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that cannot be made, taken or connected: each says why. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/io/stream_socket.h"

TestSuite(io_sockets, .timeout = 60);

#define NOBODY 65534

static const struct ag_opening alone = { .cancel_fd = -1, .other_fd = -1 };

static char dir[] = "/tmp/attgate-sockets-XXXXXX";
static char text[96];

static struct ag_transport *make(const char *address)
{
	struct ag_address parsed;
	struct ag_transport *transport;
	const char *why = NULL;

	cr_assert_eq(ag_address_parse(address, AG_SIDE_HOST, &parsed, &why), 0, "%s", why);
	cr_assert_eq(ag_transport_new(&parsed, &transport), 0);
	return transport;
}

/** An address of a file in the test's directory, which anybody may look into. */
static const char *in_directory(const char *kind)
{
	if (strstr(dir, "XXXXXX"))
		cr_assert(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	snprintf(text, sizeof(text), "%s:%s/s", kind, dir);
	return text;
}

/* Let no more descriptors be opened. @return: the limit that there was */
static struct rlimit take_descriptors(void)
{
	struct rlimit before, after;
	int next = dup(0);

	cr_assert_geq(next, 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	after = (struct rlimit){ .rlim_cur = (rlim_t)(next + 8), .rlim_max = before.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &after), 0);
	while (dup(0) >= 0)
		;
	cr_assert_eq(errno, EMFILE);
	return before;
}

static void expect_why(struct ag_transport *transport, int result, int error, const char *why)
{
	cr_expect_eq(result, error, "%d: %s", result, transport->why);
	cr_expect(strstr(transport->why, why), "%s", transport->why);
}

/* A socket file that nobody serves. */
static void leave_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(chmod(address.sun_path, 0777), 0);
	close(fd);
}

static void remove_directory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/s", dir);
	unlink(path);
	cr_expect_eq(rmdir(dir), 0);
}

Test(io_sockets, without_descriptors)
{
	struct ag_transport *tcp = make("tcp-listen:127.0.0.1:0"), *to = make("tcp:127.0.0.1:9");
	struct ag_transport *path = make(in_directory("unix-listen"));
	struct ag_listener listener = AG_LISTENER_INIT;
	struct rlimit limit = take_descriptors();

	expect_why(path, ag_listen(path, &listener), -EMFILE, "no socket: Too many open files");
	expect_why(tcp, ag_listen(tcp, &listener), -EMFILE, "cannot listen at tcp-listen:");
	expect_why(to, ag_connect(to, &alone), -EMFILE, "cannot connect to tcp:");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	leave_socket();
	limit = take_descriptors();
	expect_why(path, ag_listen(path, &listener), -EMFILE, "no socket: Too many open files");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(listener.fd, -1);
	ag_transport_free(path);
	ag_transport_free(tcp);
	ag_transport_free(to);
	remove_directory();
}

Test(io_sockets, who_connects_and_there_is_no_descriptor_left)
{
	struct ag_transport *path = make(in_directory("unix-listen"));
	struct ag_listener listener;
	struct ag_transport *to;
	struct rlimit limit;

	cr_assert_eq(ag_listen(path, &listener), 0, "%s", path->why);
	to = make(in_directory("unix"));
	to->fd = ag_connect(to, &alone);
	cr_assert_geq(to->fd, 0, "%s", to->why);
	limit = take_descriptors();
	expect_why(path, ag_accept(path, listener.fd, &alone), -EMFILE,
		   "cannot accept: Too many open files");
	/* fewer than poll() is given */
	cr_assert_eq(
	    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = 2, .rlim_max = limit.rlim_max }),
	    0);
	cr_expect_eq(ag_opening_wait(&alone, -1, 0, 0), -EINVAL);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ag_transport_free(to);
	ag_listener_close(&listener, path->address.path);
	ag_transport_free(path);
	remove_directory();
}

Test(io_sockets, a_socket_file_in_a_directory_of_somebody_else)
{
	struct ag_transport *path;
	struct ag_listener listener;

	if (getuid() != 0)
		cr_skip("only root can be somebody else");
	path = make(in_directory("unix-listen"));
	leave_socket();
	cr_assert_eq(seteuid(NOBODY), 0);
	expect_why(path, ag_listen(path, &listener), -EACCES, "cannot be replaced: Permission");
	cr_assert_eq(seteuid(0), 0);
	ag_transport_free(path);
	remove_directory();
}

Test(io_sockets, a_host_without_an_address)
{
	struct ag_transport *to = make("tcp:a..b:1"), *at = make("tcp-listen:a..b:1");
	struct ag_listener listener;

	expect_why(to, ag_connect(to, &alone), -EHOSTUNREACH, "a..b has no address: ");
	expect_why(at, ag_listen(at, &listener), -EHOSTUNREACH, "a..b has no address: ");
	ag_transport_free(to);
	ag_transport_free(at);
}

Test(io_sockets, a_port_that_is_taken)
{
	struct ag_transport *first = make("tcp-listen:127.0.0.1:0"), *second, *six;
	struct ag_listener listener, none = AG_LISTENER_INIT;

	cr_assert_eq(ag_listen(first, &listener), 0, "%s", first->why);
	second = make(first->label);
	expect_why(second, ag_listen(second, &none), -EADDRINUSE, "Address already in use");
	ag_transport_free(second);
	ag_listener_close(&listener, NULL);
	ag_transport_free(first);
	six = make("tcp-listen:[::1]:0");
	if (ag_listen(six, &listener) == 0) {
		cr_expect(strncmp(six->label, "tcp-listen:[::1]:", 17) == 0, "%s", six->label);
		ag_listener_close(&listener, NULL);
	}
	ag_transport_free(six);
}

/** A port with a queue that is full, so that who connects has to wait. */
struct full {
	struct ag_transport *at, *to;
	struct ag_listener listener;
	int first; /* who is in the queue, and is all that it has room for */
};

/* How many are in a listener's queue (the kernel's tcp_get_info()). */
static unsigned int queued(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_unacked;
}

static void fill(struct full *full)
{
	struct ag_opening opening = { .other_fd = -1 };
	int pipe_fd[2], r;

	full->at = make("tcp-listen:127.0.0.1:0");
	cr_assert_eq(ag_listen(full->at, &full->listener), 0, "%s", full->at->why);
	cr_assert_eq(listen(full->listener.fd, 0), 0);
	snprintf(text, sizeof(text), "tcp:%s", full->at->label + strlen("tcp-listen:"));
	full->to = make(text);
	full->first = ag_connect(full->to, &alone);
	cr_assert_geq(full->first, 0, "%s", full->to->why);
	while (queued(full->listener.fd) < 1)
		usleep(1000);
	cr_assert_eq(pipe(pipe_fd), 0);
	cr_assert_eq(write(pipe_fd[1], "x", 1), 1);
	opening.cancel_fd = pipe_fd[0];
	r = ag_connect(full->to, &opening);
	/* somebody who waits can be told to give up */
	cr_expect_eq(r, -ECANCELED, "%d: %s", r, full->to->why);
}

static void clear(struct full *full)
{
	close(full->first);
	ag_transport_free(full->to);
	ag_listener_close(&full->listener, NULL);
	ag_transport_free(full->at);
}

Test(io_sockets, a_connection_that_waits_can_be_given_up)
{
	struct full full;

	fill(&full);
	clear(&full);
}

/* Whether somebody waits to be connected with that port of this machine (proc(5)). */
static bool is_waited_for(unsigned int port)
{
	FILE *file = fopen("/proc/net/tcp", "r");
	char line[256], waiting[32];
	bool found = false;

	cr_assert(file);
	snprintf(waiting, sizeof(waiting), " 0100007F:%04X 02 ", port); /* SYN_SENT */
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, waiting);
	fclose(file);
	return found;
}

static void *close_the_port(void *user)
{
	struct full *full = user;

	while (!is_waited_for(full->to->address.port))
		usleep(1000);
	ag_listener_close(&full->listener, NULL);
	return NULL;
}

/* The kernel asks again after a second, and there is nobody any more. */
Test(io_sockets, a_connection_that_waits_can_be_refused)
{
	struct full full;
	pthread_t thread;

	fill(&full);
	cr_assert_eq(pthread_create(&thread, NULL, close_the_port, &full), 0);
	expect_why(full.to, ag_connect(full.to, &alone), -ECONNREFUSED, "Connection refused");
	pthread_join(thread, NULL);
	clear(&full);
}
