/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#include "proxy/wire/h4.h"
#include "tests/bench/meter.h"

#define TRIES    600
#define PAUSE_US 50000
/* How long an answer may take while connecting, and how often it is asked for. */
#define ANSWER_NS UINT64_C(2000000000)
#define REPEATS   5

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- Packets ---- */

void ends_wait(const struct end *a, const struct end *b, bool writes, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = a->fd, .events = (short)(POLLIN | (writes || a->out_len ? POLLOUT : 0)) },
		{ .fd = b->fd, .events = (short)(POLLIN | (b->out_len ? POLLOUT : 0)) },
	};

	(void)poll(fds, 2, timeout_ms);
}

bool end_flush(struct end *end)
{
	while (end->out_len > 0) {
		ssize_t n = write(end->fd, end->out + end->out_at, end->out_len);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			die("write");
		end->out_at += (size_t)n;
		end->out_len -= (size_t)n;
	}
	end->out_at = 0;
	return true;
}

bool end_send(struct end *end, const uint8_t *packet, size_t len)
{
	if (end->stream) {
		if (end->out_at + end->out_len + len > END_BUFFER)
			return false;
		memcpy(end->out + end->out_at + end->out_len, packet, len);
		end->out_len += len;
		return true;
	}
	if (write(end->fd, packet, len) >= 0 || errno == ENXIO)
		return true;
	if (errno != EAGAIN)
		die("write");
	return false;
}

static void send_surely(struct end *end, const uint8_t *packet, size_t len)
{
	while (!end_send(end, packet, len))
		ends_wait(end, end, true, -1);
}

/* ---- The controller ---- */

/* Command Complete (Vol 4 Part E, 7.7.14) with what the kernel's set-up and the proxies look at; of
 * what else there is to return, zeros. */
static void answer(struct end *end, uint16_t opcode)
{
	uint8_t event[7 + 64] = { AG_H4_EVENT, 0x0e, 4 + 64, 0x01, (uint8_t)opcode, opcode >> 8 };
	uint8_t *returned = event + 7;

	switch (opcode) {
	case 0x1001: /* Read Local Version Information: 5.3 */
		returned[0] = 0x0c;
		returned[3] = 0x0c;
		break;
	case 0x1003: /* Read Local Supported Features: LE, no BR/EDR */
		returned[4] = 0x60;
		break;
	case 0x1005: /* Read Buffer Size */
		memcpy(returned, (uint8_t[]){ 0xfd, 0x03, 0, BUFFERS, 0 }, 5);
		break;
	case 0x1009: /* Read BD_ADDR */
		memcpy(returned, (uint8_t[]){ 0x01, 0x00, 0x00, 0x01, 0xaa, 0x00 }, 6);
		break;
	case 0x2002: /* LE Read Buffer Size */
		memcpy(returned, (uint8_t[]){ 0xfd, 0x03, BUFFERS }, 3);
		break;
	}
	send_surely(end, event, sizeof(event));
}

/* Number Of Completed Packets (7.7.19). */
static void complete(struct end *end, unsigned int count)
{
	const uint8_t event[] = { AG_H4_EVENT, 0x13, 0x05, 0x01, 0x40, 0x00, (uint8_t)count, 0x00 };

	send_surely(end, event, sizeof(event));
	end->uncompleted = 0;
}

static void react(struct end *end, const uint8_t *packet, size_t len)
{
	if (packet[0] == AG_H4_COMMAND && len >= 4)
		answer(end, (uint16_t)(packet[1] | packet[2] << 8));
	else if (packet[0] == AG_H4_ACL && ++end->uncompleted == COMPLETED_AT_ONCE)
		complete(end, COMPLETED_AT_ONCE);
}

/* ---- Receiving ---- */

static void take(struct end *end, const uint8_t *packet, size_t len, packet_fn *taker, void *user)
{
	if (packet[0] == AG_H4_VENDOR)
		return;
	if (end->is_controller)
		react(end, packet, len);
	if (taker)
		taker(user, packet, len);
}

static void receive_stream(struct end *end, packet_fn *taker, void *user)
{
	ssize_t n = read(end->fd, end->in + end->in_len, END_BUFFER - end->in_len);
	size_t at = 0, len;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("the proxy has gone");
	end->in_len += (size_t)n;
	while (at < end->in_len && ag_h4_length(end->in + at, end->in_len - at, &len) == 0 &&
	       len <= end->in_len - at) {
		take(end, end->in + at, len, taker, user);
		at += len;
	}
	end->in_len -= at;
	memmove(end->in, end->in + at, end->in_len);
}

void end_receive(struct end *end, packet_fn *taker, void *user)
{
	if (end->stream) {
		receive_stream(end, taker, user);
		end_flush(end);
		return;
	}
	for (;;) {
		ssize_t n = read(end->fd, end->in, PACKET_MAX);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die("read");
		take(end, end->in, (size_t)n, taker, user);
	}
}

/* ---- Opening ---- */

static pid_t start(char **command)
{
	pid_t ours = getpid(), pid;

	if (!command)
		return 0;
	pid = fork();
	if (pid == 0) {
		/* it ends with us, whatever we end of */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != ours)
			exit(1);
		execv(command[0], command);
		die(command[0]);
	}
	return pid;
}

static int local_socket(const char *folder, const char *name, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", folder, name);
	if (fd < 0)
		die("socket");
	return fd;
}

static pid_t open_streams(struct end *controller, struct end *host, const char *folder,
			  char **command)
{
	struct sockaddr_un address;
	int listener = local_socket(folder, "controller", &address);
	int tries = TRIES;
	pid_t pid;

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		die(address.sun_path);
	pid = start(command);
	controller->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	unlink(address.sun_path);
	host->fd = local_socket(folder, "host", &address);
	while (connect(host->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (!--tries)
			die(address.sun_path);
		usleep(PAUSE_US);
	}
	controller->stream = true;
	host->stream = true;
	return pid;
}

static int open_vhci(void)
{
	static const uint8_t request[] = { AG_H4_VENDOR, 0x00 };
	int fd = open("/dev/vhci", O_RDWR | O_CLOEXEC);

	if (fd < 0 || write(fd, request, sizeof(request)) < 0)
		die("/dev/vhci");
	return fd;
}

/* While the kernel sets a controller up it cannot be taken, and before the proxy has made it, there
 * is none. */
static int open_user_channel(uint16_t index)
{
	struct sockaddr_hci address = {
		.hci_family = AF_BLUETOOTH,
		.hci_dev = index,
		.hci_channel = HCI_CHANNEL_USER,
	};
	int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);
	int tries = TRIES;

	if (fd < 0)
		die("socket");
	while (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (!--tries)
			die("user channel");
		usleep(PAUSE_US);
	}
	return fd;
}

struct service {
	struct end *end;
	atomic_bool done;
};

/* The kernel's set-up waits for the controller's answers within our own calls. */
static void *serve(void *user)
{
	struct service *service = user;

	while (!atomic_load(&service->done)) {
		struct pollfd fd = { .fd = service->end->fd, .events = POLLIN };

		if (poll(&fd, 1, 20) > 0)
			end_receive(service->end, NULL, NULL);
	}
	return NULL;
}

static pid_t open_devices(struct end *controller, struct end *host, char **command)
{
	struct service service = { .end = controller };
	pthread_t thread;
	pid_t pid;

	controller->fd = open_vhci();
	fcntl(controller->fd, F_SETFL, O_NONBLOCK);
	if (pthread_create(&thread, NULL, serve, &service) != 0)
		die("thread");
	/* what takes hci0 does not wait until it has been set up */
	close(open_user_channel(0));
	pid = start(command);
	host->fd = open_user_channel(command ? 1 : 0);
	/* the proxy's start and the kernel's set-up have ended when nothing comes any more */
	usleep(500000);
	atomic_store(&service.done, true);
	pthread_join(thread, NULL);
	return pid;
}

pid_t ends_open(struct end *controller, struct end *host, const char *streams, char **command)
{
	pid_t pid;

	controller->is_controller = true;
	if (streams)
		pid = open_streams(controller, host, streams, command);
	else
		pid = open_devices(controller, host, command);
	fcntl(controller->fd, F_SETFL, O_NONBLOCK);
	fcntl(host->fd, F_SETFL, O_NONBLOCK);
	return pid;
}

/* ---- Connecting ---- */

/** Who is to hear what is sent. */
struct ends {
	struct end *controller;
	struct end *host;
};

static void has_come(void *user, const uint8_t *packet, size_t len)
{
	(void)packet;
	(void)len;
	*(bool *)user = true;
}

/* Serve both until `hears` has heard something. @return: whether it has */
static bool serve_until(const struct ends *ends, const struct end *hears)
{
	uint64_t end_ns = meter_now_ns() + ANSWER_NS;
	bool came = false, other;

	while (!came && meter_now_ns() < end_ns) {
		ends_wait(ends->controller, ends->host, false, ANSWER_NS / 1000000);
		end_receive(ends->controller, has_come, hears == ends->controller ? &came : &other);
		end_receive(ends->host, has_come, hears == ends->host ? &came : &other);
	}
	return came;
}

/* What a device is sent while the kernel still works on it can vanish, so it is sent again. */
static void exchange(const struct ends *ends, struct end *from, const uint8_t *packet, size_t len,
		     const struct end *hears)
{
	for (int i = 0; i < REPEATS; i++) {
		send_surely(from, packet, len);
		end_flush(from);
		if (serve_until(ends, hears))
			return;
	}
	fprintf(stderr, "load: nothing comes through\n");
	exit(1);
}

void ends_connect(struct end *controller, struct end *host)
{
	static const uint8_t reset[] = { AG_H4_COMMAND, 0x03, 0x0c, 0x00 };
	static const uint8_t read_buffers[] = { AG_H4_COMMAND, 0x02, 0x20, 0x00 };
	/* LE Connection Complete (Vol 4 Part E, 7.7.65.1): handle 0x0040, peripheral */
	static const uint8_t connection[] = {
		AG_H4_EVENT, 0x3e, 0x13, 0x01, 0x00, 0x40, 0x00, 0x01, 0x00, 0x06, 0x05,
		0x04,        0x03, 0x02, 0x01, 0x18, 0x00, 0x00, 0x00, 0x48, 0x00, 0x00,
	};
	/* Exchange MTU (Vol 3 Part F, 3.4.2): 517, for PDUs of 247 octets would break that of 23 */
	static const uint8_t mtu_request[] = { AG_H4_ACL, 0x40, 0x20, 0x07, 0x00, 0x03,
					       0x00,      0x04, 0x00, 0x02, 0x05, 0x02 };
	static const uint8_t mtu_response[] = { AG_H4_ACL, 0x40, 0x00, 0x07, 0x00, 0x03,
						0x00,      0x04, 0x00, 0x03, 0x05, 0x02 };
	const struct ends ends = { controller, host };

	exchange(&ends, host, reset, sizeof(reset), host);
	exchange(&ends, host, read_buffers, sizeof(read_buffers), host);
	exchange(&ends, controller, connection, sizeof(connection), host);
	exchange(&ends, controller, mtu_request, sizeof(mtu_request), host);
	exchange(&ends, host, mtu_response, sizeof(mtu_response), controller);
}
