/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Preloaded into BlueZ's conformance programs: what they open as /dev/vhci leads through attgate.
 *
 *   program  <- socket pair, a packet each ->  thread  <- H4 stream ->  attgate  <->  /dev/vhci
 *
 * Each open() starts an attgate of its own and returns when that has a virtual controller, each
 * close() returns when it has ended: with the driver itself the controller also comes and goes
 * within the call. The driver's reply to { 0xff, opcode } waits in the socket pair from the start,
 * for the programs read it without waiting.
 *
 * CONFORMANCE_ATTGATE is the command, its words parted by blanks; CONFORMANCE_LOG the file that its
 * log goes to. Whatever fails here fails the open() and is said on stderr.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/wire/h4.h"

#define MAX_OPEN  16
#define MAX_WORDS 32
#define LINE_SIZE 1024
/* An emulated processor needs a while to start a program. */
#define START_MS 60000
/* Of the thread, which is to add no delay of its own to attgate's. */
#define PRIORITY 1
/* The driver queues without a limit. */
#define QUEUE_OCTETS (8 << 20)

struct instance {
	int fd; /* the program's end of the socket pair, -1: not in use */
	int packets;
	int stream;
	int says; /* attgate's standard error */
	pid_t pid;
	pthread_t thread;
	size_t in_len;
	uint8_t in[2 * AG_H4_MAX];
	size_t line_len;
	char line[LINE_SIZE];
	unsigned int index;
	bool has_index;
};

static struct instance *instances[MAX_OPEN];

/* ---- attgate ---- */

static void keep_line(const struct instance *instance, const char *line)
{
	const char *path = getenv("CONFORMANCE_LOG");
	FILE *log = path ? fopen(path, "ae") : NULL;

	if (!log)
		return;
	fprintf(log, "%d: %s\n", (int)instance->pid, line);
	fclose(log);
}

static void take_line(struct instance *instance)
{
	static const char wanted[] = " is now hci";
	const char *found;

	instance->line[instance->line_len] = '\0';
	instance->line_len = 0;
	keep_line(instance, instance->line);
	found = strstr(instance->line, wanted);
	if (!found)
		return;
	instance->index = (unsigned int)strtoul(found + strlen(wanted), NULL, 10);
	instance->has_index = true;
}

/* @return: whether there will be more */
static bool read_log(struct instance *instance)
{
	char text[LINE_SIZE];
	ssize_t n = read(instance->says, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			take_line(instance);
		else if (instance->line_len < LINE_SIZE - 1)
			instance->line[instance->line_len++] = text[i];
	}
	return n > 0;
}

static int wait_for_index(struct instance *instance)
{
	while (!instance->has_index) {
		struct pollfd fd = { .fd = instance->says, .events = POLLIN };

		if (poll(&fd, 1, START_MS) <= 0)
			return -ETIMEDOUT;
		if (!read_log(instance))
			return -EIO;
	}
	return 0;
}

/* The environment without what preloads this library. */
static char **environment(void)
{
	static char *kept[1024];
	size_t n = 0;

	for (char **at = environ; *at && n < 1023; at++) {
		if (strncmp(*at, "LD_PRELOAD=", strlen("LD_PRELOAD=")) != 0)
			kept[n++] = *at;
	}
	kept[n] = NULL;
	return kept;
}

static int spawn(struct instance *instance, const char *path, int says)
{
	const char *command = getenv("CONFORMANCE_ATTGATE");
	char words[1024], address[160], *at = words, *word;
	char *arguments[MAX_WORDS + 1];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	size_t n = 0;
	int r;

	if (!command || strlen(command) >= sizeof(words))
		return -EINVAL;
	memcpy(words, command, strlen(command) + 1);
	while (n < MAX_WORDS - 2 && (word = strsep(&at, " ")) != NULL)
		arguments[n++] = word;
	snprintf(address, sizeof(address), "unix:%s", path);
	arguments[n++] = (char[]){ "--controller" };
	arguments[n++] = address;
	arguments[n] = NULL;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, says, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(&instance->pid, arguments[0], &actions, &attributes, arguments,
			environment());
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Listen, start attgate, and let it in. */
static int start_attgate(struct instance *instance)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	int says[2];
	int r;

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/vhci.%d", (int)getpid());
	unlink(address.sun_path);
	if (listener < 0 || pipe2(says, O_CLOEXEC) < 0)
		return -errno;
	instance->says = says[0];
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		r = -errno;
	else
		r = spawn(instance, address.sun_path, says[1]);
	close(says[1]);
	if (r == 0 && poll(&waiting, 1, START_MS) <= 0)
		r = -ETIMEDOUT;
	if (r == 0)
		instance->stream = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	unlink(address.sun_path);
	if (r == 0 && instance->stream < 0)
		r = -errno;
	return r == 0 ? wait_for_index(instance) : r;
}

/* ---- Forwarding ---- */

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* @return: whether the program has its end open still */
static bool forward_packet(const struct instance *instance)
{
	uint8_t packet[AG_H4_MAX];
	ssize_t n = recv(instance->packets, packet, sizeof(packet), 0);

	if (n <= 0)
		return false;
	if (packet[0] != AG_H4_VENDOR)
		return write_all(instance->stream, packet, (size_t)n);
	if (n != 2 || packet[1] != 0)
		fprintf(stderr, "vhci_preload: a controller of kind 0x%02x was asked for\n",
			packet[1]);
	return true;
}

/* @return: whether attgate has its end open still */
static bool forward_stream(struct instance *instance)
{
	size_t at = 0, len;
	ssize_t n = recv(instance->stream, instance->in + instance->in_len,
			 sizeof(instance->in) - instance->in_len, 0);

	if (n <= 0)
		return false;
	instance->in_len += (size_t)n;
	while (at < instance->in_len &&
	       ag_h4_length(instance->in + at, instance->in_len - at, &len) == 0 &&
	       len <= instance->in_len - at) {
		if (send(instance->packets, instance->in + at, len, MSG_NOSIGNAL) < 0)
			return false;
		at += len;
	}
	instance->in_len -= at;
	memmove(instance->in, instance->in + at, instance->in_len);
	return true;
}

static void *forward(void *user)
{
	struct instance *instance = user;
	struct pollfd fds[] = {
		{ .fd = instance->packets, .events = POLLIN },
		{ .fd = instance->stream, .events = POLLIN },
		{ .fd = instance->says, .events = POLLIN },
	};

	while (fds[2].fd >= 0) {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents && !forward_packet(instance)) {
			shutdown(instance->stream, SHUT_RDWR);
			fds[0].fd = -1;
			fds[1].fd = -1;
			continue;
		}
		if (fds[1].fd >= 0 && fds[1].revents && !forward_stream(instance))
			fds[1].fd = -1;
		if (fds[2].revents && !read_log(instance))
			fds[2].fd = -1; /* it has ended */
	}
	return NULL;
}

/* ---- What the program calls ---- */

static int real_close(int fd)
{
	static int (*function)(int);

	if (!function)
		*(void **)&function = dlsym(RTLD_NEXT, "close");
	return function(fd);
}

static void release(struct instance *instance)
{
	int status;

	if (instance->pid > 0 && waitpid(instance->pid, &status, 0) > 0 && status != 0)
		keep_line(instance, "ended with a failure");
	real_close(instance->packets);
	real_close(instance->stream);
	real_close(instance->says);
	free(instance);
}

static int start_thread(struct instance *instance)
{
	struct sched_param priority = { .sched_priority = PRIORITY };
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&instance->thread, NULL, forward, instance);
	if (r == 0)
		pthread_setschedparam(instance->thread, SCHED_FIFO, &priority);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int open_instance(struct instance *instance, int flags)
{
	uint8_t reply[4] = { AG_H4_VENDOR };
	int size = QUEUE_OCTETS;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	for (size_t i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (flags & O_NONBLOCK)
		fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK);
	instance->fd = pair[0];
	instance->packets = pair[1];
	r = start_attgate(instance);
	if (r < 0)
		return r;
	reply[2] = (uint8_t)instance->index;
	reply[3] = (uint8_t)(instance->index >> 8);
	if (send(instance->packets, reply, sizeof(reply), MSG_NOSIGNAL) < 0)
		return -errno;
	return start_thread(instance);
}

static int open_vhci(int flags)
{
	struct instance *instance = calloc(1, sizeof(*instance));
	size_t slot = 0;
	int r;

	while (slot < MAX_OPEN && instances[slot])
		slot++;
	if (!instance || slot == MAX_OPEN) {
		free(instance);
		errno = ENOMEM;
		return -1;
	}
	instance->stream = -1;
	r = open_instance(instance, flags);
	if (r == 0) {
		instances[slot] = instance;
		return instance->fd;
	}
	fprintf(stderr, "vhci_preload: no attgate: %s\n", strerror(-r));
	if (instance->pid > 0)
		kill(instance->pid, SIGKILL);
	real_close(instance->fd);
	release(instance);
	errno = -r;
	return -1;
}

int open(const char *path, int flags, ...)
{
	static int (*function)(const char *, int, ...);
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (strcmp(path, "/dev/vhci") == 0)
		return open_vhci(flags);
	if (!function)
		*(void **)&function = dlsym(RTLD_NEXT, "open");
	return function(path, flags, mode);
}

int close(int fd)
{
	for (size_t i = 0; i < MAX_OPEN; i++) {
		struct instance *instance = instances[i];
		int r;

		if (!instance || instance->fd != fd)
			continue;
		instances[i] = NULL;
		r = real_close(fd);
		pthread_join(instance->thread, NULL);
		release(instance);
		return r;
	}
	return real_close(fd);
}
