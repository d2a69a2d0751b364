/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#include "proxy/wire/h4.h"
#include "tests/sim/phone/phone.h"

/* The kernel keeps a new controller busy for its set-up and up for two seconds after it. */
#define BUSY_PAUSE_MS 100
#define BUSY_TRIES    150

uint64_t phone_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int open_stream(struct phone *phone, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	phone->stream = true;
	phone->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (phone->fd < 0)
		return -errno;
	return connect(phone->fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

static int bind_user_channel(int fd, uint16_t index)
{
	struct sockaddr_hci address = {
		.hci_family = AF_BLUETOOTH,
		.hci_dev = index,
		.hci_channel = HCI_CHANNEL_USER,
	};
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_MS * 1000000L };

	for (int i = 0; i < BUSY_TRIES; i++) {
		if (!bind(fd, (struct sockaddr *)&address, sizeof(address)))
			return 0;
		if (errno != EBUSY)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static int open_user_channel(struct phone *phone, const char *number)
{
	char *end;
	unsigned long index = strtoul(number, &end, 10);

	if (end == number || *end || index >= HCI_DEV_NONE)
		return -EINVAL;
	phone->fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);
	if (phone->fd < 0)
		return -errno;
	return bind_user_channel(phone->fd, (uint16_t)index);
}

int phone_open(struct phone *phone)
{
	const char *name = phone->options.controller;

	if (strncmp(name, "unix:", 5) == 0)
		return open_stream(phone, name + 5);
	if (strncmp(name, "hci", 3) == 0)
		return open_user_channel(phone, name + 3);
	return -EINVAL;
}

/* All whole packets at the front of the stream; what is left of one stays. */
static int split_stream(struct phone *phone)
{
	size_t at = 0;
	size_t total;
	int r;

	for (;;) {
		r = ag_h4_length(phone->input + at, phone->input_len - at, &total);
		if (r == AG_H4_UNKNOWN)
			return -EPROTO;
		if (r || total > phone->input_len - at)
			break;
		phone_packet(phone, phone->input + at, total);
		at += total;
	}
	memmove(phone->input, phone->input + at, phone->input_len - at);
	phone->input_len -= at;
	return 0;
}

int phone_read(struct phone *phone)
{
	ssize_t n;

	n = read(phone->fd, phone->input + phone->input_len,
		 sizeof(phone->input) - phone->input_len);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	if (phone->stream) {
		phone->input_len += (size_t)n;
		return split_stream(phone);
	}
	phone_packet(phone, phone->input, (size_t)n);
	return 0;
}

void phone_write(struct phone *phone, const uint8_t *packet, size_t len)
{
	if (phone->failure)
		return;
	while (len) {
		ssize_t n = write(phone->fd, packet, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			phone->failure = errno;
			return;
		}
		packet += n;
		len -= (size_t)n;
	}
}
