/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A virtual controller, by /dev/vhci: one packet per read() and per write(), its type octet first.
 * Packets of the type 0xff are the driver's own.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/log.h"
#include "proxy/io/pump.h"
#include "proxy/io/transport.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

static const char device[] = "/dev/vhci";

#define READ_PACKETS 32
#define READ_SIZE    4096
/* The driver answers within the write of the request; this is for a machine that is very busy. */
#define REPLY_TIMEOUT_MS 2000
/* It is gone for good where the kernel had given up the controller's set-up before it was read, as
 * what is queued is thrown away then (vhci_flush()). */
#define ATTEMPTS 3
/* Some kernels queue the host's first HCI Reset before the reply. */
#define EARLY_MAX 4

struct vhci {
	struct ag_transport base;
	unsigned int index;
	size_t n_early;
	struct {
		size_t len;
		uint8_t data[READ_SIZE];
	} early[EARLY_MAX];
	uint8_t buffer[READ_SIZE];
};

static struct vhci *vhci_of(struct ag_transport *transport)
{
	return (struct vhci *)transport; /* its first member */
}

unsigned int ag_vhci_index(const struct ag_transport *transport)
{
	return ((const struct vhci *)transport)->index;
}

int ag_vhci_given_up(struct ag_transport *transport)
{
	return ag_transport_fail(transport, -ETIMEDOUT,
				 "the kernel has given up the set-up of %s, where a command may "
				 "take two seconds (see `dmesg')",
				 transport->label);
}

static int no_device(struct ag_transport *transport, int error)
{
	if (error == EACCES || error == EPERM)
		return ag_transport_fail(transport, -EPERM,
					 "no permission for %s: run attgate as root, or by "
					 "attgate@.service",
					 device);
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return ag_transport_fail(transport, -ENODEV,
					 "%s is missing: `modprobe hci_vhci' (the kernel needs "
					 "CONFIG_BT_HCIVHCI)",
					 device);
	return ag_transport_fail(transport, -error, "%s: %s", device, strerror(error));
}

/* Opening it to see whether that works would make a controller appear after a second. */
static int vhci_prepare(struct ag_transport *transport)
{
	if (access(device, R_OK | W_OK) < 0)
		return no_device(transport, errno);
	return 0;
}

/* When the process is killed, descriptors are closed from the highest down: the virtual controller
 * has to go before the real one comes back, so its descriptor has to be the higher one. */
static int put_above(int fd, int other_fd)
{
	int moved;

	if (fd > other_fd)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, other_fd + 1);
	close(fd);
	return moved;
}

/* Take the driver's reply { 0xff, opcode, index (le16) }; what comes before it is kept. */
static int wait_for_reply(struct vhci *vhci, int fd, const struct ag_opening *opening)
{
	uint64_t limit_us = ag_now_us() + REPLY_TIMEOUT_MS * UINT64_C(1000);

	for (;;) {
		struct ag_cursor cursor;
		ssize_t n;
		int r = ag_opening_wait_until(opening, fd, POLLIN, limit_us);

		if (r != 0)
			return r < 0 ? r : -ETIMEDOUT;
		n = read(fd, vhci->buffer, sizeof(vhci->buffer));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		cursor = ag_cursor(vhci->buffer, (size_t)n);
		if (ag_pull_u8(&cursor) == AG_H4_VENDOR) {
			(void)ag_pull_u8(&cursor);
			vhci->index = ag_pull_le16(&cursor);
			return cursor.failed ? -EPROTO : 0;
		}
		if (vhci->n_early < EARLY_MAX) {
			memcpy(vhci->early[vhci->n_early].data, vhci->buffer, (size_t)n);
			vhci->early[vhci->n_early++].len = (size_t)n;
		}
	}
}

/* @return: a descriptor, or negative; -ETIMEDOUT: the driver's reply has not come */
static int make_controller(struct vhci *vhci, int fd, const struct ag_opening *opening)
{
	/* opcode 0: a primary controller with nothing special */
	static const uint8_t request[] = { AG_H4_VENDOR, 0x00 };
	int r;

	vhci->n_early = 0;
	fd = put_above(fd, opening->other_fd);
	/* At once: a second after open() the driver makes such a controller without being asked
	 * (vhci_open_timeout()), replies in the same way, and wants no request any more. */
	if (fd < 0 || (write(fd, request, sizeof(request)) < 0 && errno != EBADFD))
		r = -errno;
	else
		r = wait_for_reply(vhci, fd, opening);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

static int vhci_open(struct ag_transport *transport, const struct ag_opening *opening)
{
	struct vhci *vhci = vhci_of(transport);
	int r = -ETIMEDOUT;

	for (int i = 0; i < ATTEMPTS && r == -ETIMEDOUT; i++) {
		int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			return no_device(transport, errno);
		r = make_controller(vhci, fd, opening);
		if (r == -ETIMEDOUT)
			ag_log(AG_LOG_WARNING, "%s did not reply within %d s%s", device,
			       REPLY_TIMEOUT_MS / 1000, i + 1 < ATTEMPTS ? "; asking again" : "");
	}
	if (r < 0)
		return ag_transport_fail(transport, r, "%s made no controller: %s", device,
					 strerror(-r));
	snprintf(transport->label, sizeof(transport->label), "hci%u", vhci->index);
	transport->fd = r;
	return 0;
}

static void vhci_close(struct ag_transport *transport)
{
	close(transport->fd);
	transport->fd = -1;
}

static void vhci_free(struct ag_transport *transport)
{
	free(vhci_of(transport));
}

static int hand_over_early(struct vhci *vhci, ag_packet_fn *packet, void *user)
{
	size_t n = vhci->n_early;
	int r = 0;

	vhci->n_early = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = packet(user, vhci->early[i].data, vhci->early[i].len);
	return r;
}

static int vhci_read(struct ag_transport *transport, ag_packet_fn *packet, void *user)
{
	struct vhci *vhci = vhci_of(transport);
	int r = hand_over_early(vhci, packet, user);

	for (int i = 0; r == 0 && i < READ_PACKETS; i++) {
		ssize_t n = read(transport->fd, vhci->buffer, sizeof(vhci->buffer));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return AG_IO_AGAIN;
		if (n < 0)
			return ag_transport_fail(transport, -errno, "%s: %s", transport->label,
						 strerror(errno));
		if (n > 0 && vhci->buffer[0] != AG_H4_VENDOR)
			r = packet(user, vhci->buffer, (size_t)n);
	}
	return r;
}

static int vhci_write(struct ag_transport *transport, const uint8_t *packet, size_t len)
{
	if (write(transport->fd, packet, len) >= 0)
		return 0;
	switch (errno) {
	case ENXIO: /* neither up nor being initialised (hci_recv_frame()) */
		return AG_IO_HOST_DOWN;
	case EINVAL:
	case EBADFD: /* type 0xff, which asks for a second controller */
		return AG_IO_REFUSED;
	case EAGAIN:
	case EINTR:
		return AG_IO_AGAIN;
	default:
		return ag_transport_fail(transport, -errno, "%s: %s", transport->label,
					 strerror(errno));
	}
}

static const struct ag_transport_ops vhci_ops = {
	.acl_max = AG_KERNEL_ACL_MAX,
	.prepare = vhci_prepare,
	.open = vhci_open,
	.close = vhci_close,
	.read = vhci_read,
	.write = vhci_write,
	.flush = NULL,
	.free = vhci_free,
};

struct ag_transport *ag_vhci_new(void)
{
	struct vhci *vhci = calloc(1, sizeof(*vhci));

	if (!vhci)
		return NULL;
	vhci->base.ops = &vhci_ops;
	return &vhci->base;
}
