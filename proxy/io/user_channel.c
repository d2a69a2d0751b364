/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A real controller, by HCI_CHANNEL_USER: one packet per call, its type octet first. The kernel
 * does nothing else on this channel: no credits, no command queue, no time-outs.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/words.h"
#include "proxy/io/hci_device.h"
#include "proxy/io/log.h"
#include "proxy/io/pump.h"
#include "proxy/io/resync.h"
#include "proxy/io/transport.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"

#define READ_PACKETS 32
/* Longer than any frame of the kernel (1028), as the driver may deliver more. */
#define READ_SIZE 1536
/* The default (208 KiB) holds some 200 packets, and what does not fit is lost without a word. */
#define RECEIVE_BUFFER (4 << 20)

#define OPCODE_READ_BD_ADDR 0x1009 /* Vol 4 Part E, 7.4.6 */

#define RESET_TIMEOUT_MS   2000
#define RESET_ATTEMPTS     2
#define GOODBYE_TIMEOUT_MS 500

/* A USB controller sends events and data by two pipes (Vol 4 Part B, 2.1), and the data of a new
 * link can overtake the event that announces it. */
#define EARLY_ACL_US 50000

/* <linux/sock_diag.h> has them, but not the number of octets that older kernels give. */
#define MEMINFO_DROPS 8
#define MEMINFO_COUNT 9

struct user_channel {
	struct ag_transport base;
	uint64_t bdaddr;                       /* of the controller last held; 0: not known */
	uint32_t drops;                        /* the socket's counter when it was last looked at */
	struct mmsghdr messages[READ_PACKETS]; /* one for each buffer, laid out once */
	struct iovec vectors[READ_PACKETS];
	uint8_t buffer[READ_PACKETS][READ_SIZE];
};

static struct user_channel *channel_of(struct ag_transport *transport)
{
	return (struct user_channel *)transport; /* its first member */
}

/* ---- A command of our own, while nobody else talks to the controller ---- */

/* Send a command without parameters and wait for its completion; what comes before it is of no
 * concern to anybody and is thrown away. */
static int command(int fd, uint16_t opcode, const struct ag_opening *opening, int timeout_ms,
		   uint8_t *buffer, struct ag_cursor *result)
{
	uint8_t packet[4] = { AG_H4_COMMAND, (uint8_t)opcode, (uint8_t)(opcode >> 8), 0 };
	uint64_t limit_us = ag_now_us() + (uint64_t)timeout_ms * 1000;

	if (write(fd, packet, sizeof(packet)) < 0)
		return -errno;
	for (;;) {
		int r = ag_opening_wait_until(opening, fd, POLLIN, limit_us);
		ssize_t n;

		if (r != 0)
			return r < 0 ? r : -ETIMEDOUT;
		n = read(fd, buffer, READ_SIZE);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0 && ag_is_command_complete(buffer, (size_t)n, opcode, result))
			return 0;
	}
}

/* The controller comes as it was left: with links, advertising, masks. Start it afresh. */
static int reset(int fd, const struct ag_opening *opening, uint8_t *buffer)
{
	struct ag_cursor result;
	int r = -ETIMEDOUT;

	for (int i = 0; i < RESET_ATTEMPTS && r == -ETIMEDOUT; i++)
		r = command(fd, AG_HCI_RESET, opening, RESET_TIMEOUT_MS, buffer, &result);
	if (r == 0 && ag_pull_u8(&result) != 0)
		return -EIO;
	return r;
}

static uint64_t read_bdaddr(int fd, const struct ag_opening *opening, uint8_t *buffer)
{
	struct ag_cursor result;
	uint64_t bdaddr;

	if (command(fd, OPCODE_READ_BD_ADDR, opening, RESET_TIMEOUT_MS, buffer, &result) < 0 ||
	    ag_pull_u8(&result) != 0)
		return 0;
	bdaddr = ag_pull_bdaddr(&result);
	return result.failed ? 0 : bdaddr;
}

/* ---- Opening and closing ---- */

static void raise_receive_buffer(int fd)
{
	int size = RECEIVE_BUFFER;

	/* FORCE needs the CAP_NET_ADMIN that the bind needed as well */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0)
		ag_log(AG_LOG_WARNING, "the receive buffer stays small, packets may be lost: %s",
		       strerror(errno));
}

static uint32_t count_drops(int fd)
{
	uint32_t info[MEMINFO_COUNT] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 || len < sizeof(info))
		return 0;
	return info[MEMINFO_DROPS];
}

static void make_label(struct user_channel *channel, unsigned int index)
{
	char address[18] = "";

	if (channel->bdaddr)
		ag_words_bdaddr(channel->bdaddr, address);
	snprintf(channel->base.label, sizeof(channel->base.label), "hci%u%s%s", index,
		 address[0] ? " " : "", address);
}

static int channel_prepare(struct ag_transport *transport)
{
	return ag_hci_probe(transport);
}

static int channel_open(struct ag_transport *transport, const struct ag_opening *opening)
{
	struct user_channel *channel = channel_of(transport);
	unsigned int index;
	int fd;
	int r;

	r = ag_hci_find(transport, channel->bdaddr, &index);
	if (r < 0)
		return r;
	fd = ag_hci_bind(transport, index, opening);
	if (fd < 0)
		return fd;
	raise_receive_buffer(fd);
	r = reset(fd, opening, channel->buffer[0]);
	if (r < 0) {
		close(fd);
		return ag_transport_fail(transport, r, "hci%u does not answer HCI Reset: %s", index,
					 strerror(-r));
	}
	channel->bdaddr = read_bdaddr(fd, opening, channel->buffer[0]);
	channel->drops = count_drops(fd);
	transport->bdaddr = channel->bdaddr;
	make_label(channel, index);
	transport->fd = fd;
	return 0;
}

static int channel_renew(struct ag_transport *transport, const struct ag_opening *opening)
{
	struct user_channel *channel = channel_of(transport);
	int r = reset(transport->fd, opening, channel->buffer[0]);

	channel->drops = count_drops(transport->fd);
	return r < 0 ? ag_transport_fail(transport, r, "%s does not answer HCI Reset: %s",
					 transport->label, strerror(-r))
		     : 0;
}

/* The kernel sends nothing when the channel is closed: links and advertising would live on in the
 * controller, and the next owner would know nothing of them. */
static void channel_close(struct ag_transport *transport)
{
	struct user_channel *channel = channel_of(transport);
	struct ag_opening alone = { .cancel_fd = -1, .other_fd = -1 };
	struct ag_cursor result;

	(void)command(transport->fd, AG_HCI_RESET, &alone, GOODBYE_TIMEOUT_MS, channel->buffer[0],
		      &result);
	close(transport->fd);
	transport->fd = -1;
}

static void channel_free(struct ag_transport *transport)
{
	free(channel_of(transport));
}

/* ---- Packets ---- */

static int channel_error(struct ag_transport *transport)
{
	switch (errno) {
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
		return AG_IO_AGAIN;
	case EPIPE:
	case ENODEV:
		return ag_transport_fail(transport, -EPIPE, "%s was unplugged", transport->label);
	case ENETDOWN:
		return ag_transport_fail(transport, -ENETDOWN, "%s was switched off by the kernel",
					 transport->label);
	default:
		return ag_transport_fail(transport, -errno, "%s: %s", transport->label,
					 strerror(errno));
	}
}

/* Only a full batch can come from a full buffer, so the counter is not asked for at every read. */
static int look_for_drops(struct user_channel *channel)
{
	uint32_t drops = count_drops(channel->base.fd);
	uint32_t lost = drops - channel->drops;

	channel->drops = drops;
	if (lost == 0)
		return 0;
	ag_log(AG_LOG_ERROR,
	       "%s: the kernel dropped %u packets, attgate was too slow; the host is told to start "
	       "afresh (Hardware Error)",
	       channel->base.label, lost);
	return AG_IO_DROPPED;
}

/* A packet of which only a part is there is lost like one that the kernel dropped. */
static int tell_of_cut(const struct user_channel *channel, unsigned int cut)
{
	ag_log(AG_LOG_ERROR,
	       "%s: %u packets were longer than %d octets and are lost; the host is told to start "
	       "afresh (Hardware Error)",
	       channel->base.label, cut, READ_SIZE);
	return AG_IO_DROPPED;
}

static int channel_read(struct ag_transport *transport, ag_packet_fn *packet, void *user)
{
	struct user_channel *channel = channel_of(transport);
	int n = recvmmsg(transport->fd, channel->messages, READ_PACKETS, MSG_DONTWAIT, NULL);
	unsigned int cut = 0;
	int r = 0;

	if (n < 0)
		return channel_error(transport);
	for (int i = 0; i < n && r >= 0; i++) {
		const struct mmsghdr *message = &channel->messages[i];

		if (message->msg_hdr.msg_flags & MSG_TRUNC)
			cut++;
		else
			r = packet(user, channel->buffer[i], message->msg_len);
	}
	if (r < 0)
		return r;
	r = n == READ_PACKETS ? look_for_drops(channel) : AG_IO_AGAIN;
	return cut ? tell_of_cut(channel, cut) : r;
}

static int channel_write(struct ag_transport *transport, const uint8_t *packet, size_t len)
{
	/* sendmmsg() would fail here: the kernel refuses the MSG_BATCH that it sets itself */
	if (send(transport->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EINVAL || errno == EMSGSIZE)
		return AG_IO_REFUSED;
	return channel_error(transport);
}

static const struct ag_transport_ops channel_ops = {
	.acl_max = AG_KERNEL_ACL_MAX,
	.early_acl_us = EARLY_ACL_US,
	.prepare = channel_prepare,
	.open = channel_open,
	.renew = channel_renew,
	.close = channel_close,
	.read = channel_read,
	.write = channel_write,
	.flush = NULL,
	.free = channel_free,
};

struct ag_transport *ag_user_channel_new(void)
{
	struct user_channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->base.ops = &channel_ops;
	for (size_t i = 0; i < READ_PACKETS; i++) {
		channel->vectors[i] = (struct iovec){ channel->buffer[i], READ_SIZE };
		channel->messages[i].msg_hdr.msg_iov = &channel->vectors[i];
		channel->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return &channel->base;
}
