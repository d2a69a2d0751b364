/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/transport.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/pump.h"

static struct ag_transport *new_of_kind(enum ag_address_kind kind)
{
	switch (kind) {
	case AG_ADDRESS_HCI:
	case AG_ADDRESS_BDADDR:
		return ag_user_channel_new();
	case AG_ADDRESS_VHCI:
		return ag_vhci_new();
	case AG_ADDRESS_UNIX:
	case AG_ADDRESS_UNIX_LISTEN:
	case AG_ADDRESS_TCP:
	case AG_ADDRESS_TCP_LISTEN:
		break;
	}
	return ag_stream_new();
}

int ag_transport_new(const struct ag_address *address, struct ag_transport **out)
{
	struct ag_transport *transport = new_of_kind(address->kind);

	if (!transport)
		return -ENOMEM;
	transport->address = *address;
	transport->fd = -1;
	transport->local_only = true;
	snprintf(transport->label, sizeof(transport->label), "%s", address->text);
	*out = transport;
	return 0;
}

void ag_transport_close(struct ag_transport *transport)
{
	if (transport->fd >= 0)
		transport->ops->close(transport);
}

void ag_transport_free(struct ag_transport *transport)
{
	if (!transport)
		return;
	ag_transport_close(transport);
	transport->ops->free(transport);
}

int ag_transport_fail(struct ag_transport *transport, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(transport->why, sizeof(transport->why), format, args);
	va_end(args);
	return error;
}

/* @return: as ag_opening_wait(), or -EINTR */
static int wait_once(const struct ag_opening *opening, int fd, short events, int timeout_ms)
{
	struct pollfd polled[] = {
		{ .fd = opening->cancel_fd, .events = POLLIN },
		{ .fd = opening->other_fd, .events = POLLRDHUP },
		{ .fd = fd, .events = events },
	};
	int n = poll(polled, ag_array_size(polled), timeout_ms);

	if (n < 0)
		return -errno;
	if (n == 0)
		return AG_IO_AGAIN;
	if (polled[0].revents)
		return -ECANCELED;
	if (polled[1].revents)
		return -ECONNRESET;
	return 0;
}

int ag_opening_wait(const struct ag_opening *opening, int fd, short events, int timeout_ms)
{
	int r = wait_once(opening, fd, events, timeout_ms);

	return r == -EINTR ? AG_IO_AGAIN : r;
}

int ag_opening_wait_until(const struct ag_opening *opening, int fd, short events, uint64_t limit_us)
{
	uint64_t now_us = ag_now_us();
	int r = -EINTR;

	for (; r == -EINTR && now_us < limit_us; now_us = ag_now_us())
		r = wait_once(opening, fd, events, (int)((limit_us - now_us + 999) / 1000));
	return r == -EINTR ? AG_IO_AGAIN : r;
}
