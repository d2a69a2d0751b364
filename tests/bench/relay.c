/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor that attgate is measured against: hands on what it reads and looks at nothing. It reads
 * as much with a call as the kernel gives, as attgate does; so it is the fastest relay there is
 * without a second thread, not the simplest.
 *
 * usage: relay CONTROLLER HOST      each of them unix:PATH, unix-listen:PATH, hciN or vhci
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#define READ_PACKETS 32
#define READ_SIZE    4096
#define VENDOR       0xff /* type octet of the vhci driver's own packets */

enum kind { STREAM, USER_CHANNEL, VHCI };

struct end {
	enum kind kind;
	int fd;
};

static uint8_t buffer[READ_PACKETS][READ_SIZE];

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- Opening ---- */

static int open_stream(const char *path, bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int accepted;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!listens) {
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			die(path);
		return fd;
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		die(path);
	accepted = accept(fd, NULL, NULL);
	if (accepted < 0)
		die(path);
	close(fd);
	return accepted;
}

static int open_user_channel(unsigned long index)
{
	struct sockaddr_hci address = {
		.hci_family = AF_BLUETOOTH,
		.hci_dev = (uint16_t)index,
		.hci_channel = HCI_CHANNEL_USER,
	};
	int fd = socket(AF_BLUETOOTH, SOCK_RAW, BTPROTO_HCI);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("user channel");
	return fd;
}

static int open_vhci(void)
{
	static const uint8_t request[] = { VENDOR, 0x00 };
	int fd = open("/dev/vhci", O_RDWR);

	if (fd < 0 || write(fd, request, sizeof(request)) < 0)
		die("/dev/vhci");
	return fd;
}

static struct end open_end(const char *address)
{
	struct end end = { .kind = STREAM };

	if (strncmp(address, "unix:", 5) == 0) {
		end.fd = open_stream(address + 5, false);
	} else if (strncmp(address, "unix-listen:", 12) == 0) {
		end.fd = open_stream(address + 12, true);
	} else if (strcmp(address, "vhci") == 0) {
		end = (struct end){ VHCI, open_vhci() };
	} else if (strncmp(address, "hci", 3) == 0) {
		end = (struct end){ USER_CHANNEL,
				    open_user_channel(strtoul(address + 3, NULL, 10)) };
	} else {
		fprintf(stderr, "relay: no address: %s\n", address);
		exit(64);
	}
	fcntl(end.fd, F_SETFL, O_NONBLOCK);
	return end;
}

/* ---- Handing on ---- */

/* All of it: the other side waits meanwhile. */
static void put(struct end to, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(to.fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd room = { .fd = to.fd, .events = POLLOUT };

			(void)poll(&room, 1, -1);
		} else if (errno == ENXIO && to.kind == VHCI) {
			return; /* the host has the controller down */
		} else {
			exit(0);
		}
	}
}

static void from_stream(struct end from, struct end to)
{
	ssize_t n = read(from.fd, buffer, sizeof(buffer));

	if (n > 0)
		put(to, buffer[0], (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		exit(0);
}

static void from_vhci(struct end from, struct end to)
{
	for (int i = 0; i < READ_PACKETS; i++) {
		ssize_t n = read(from.fd, buffer[0], READ_SIZE);

		if (n < 0 && errno != EAGAIN)
			exit(0);
		if (n <= 0)
			return;
		if (buffer[0][0] != VENDOR)
			put(to, buffer[0], (size_t)n);
	}
}

static void from_user_channel(struct end from, struct end to)
{
	struct mmsghdr messages[READ_PACKETS] = { 0 };
	struct iovec vectors[READ_PACKETS];
	int n;

	for (size_t i = 0; i < READ_PACKETS; i++) {
		vectors[i] = (struct iovec){ buffer[i], READ_SIZE };
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(from.fd, messages, READ_PACKETS, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN)
		exit(0);
	for (int i = 0; i < n; i++)
		put(to, buffer[i], messages[i].msg_len);
}

static void hand_on(struct end from, struct end to)
{
	switch (from.kind) {
	case STREAM:
		from_stream(from, to);
		return;
	case USER_CHANNEL:
		from_user_channel(from, to);
		return;
	case VHCI:
		from_vhci(from, to);
		return;
	}
}

int main(int argc, char **argv)
{
	struct end ends[2];
	int all = epoll_create1(0);

	if (argc != 3)
		return 64;
	for (uint32_t i = 0; i < 2; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		ends[i] = open_end(argv[1 + i]);
		if (epoll_ctl(all, EPOLL_CTL_ADD, ends[i].fd, &event) < 0)
			die("epoll");
	}
	for (;;) {
		struct epoll_event ready[2];
		int n = epoll_wait(all, ready, 2, -1);

		for (int i = 0; i < n; i++)
			hand_on(ends[ready[i].data.u32], ends[1 - ready[i].data.u32]);
	}
}
