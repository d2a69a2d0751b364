/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A stream of H4 packets (Vol 4 Part A, 2) over a unix or TCP socket. What is read is cut into
 * packets; what is written is gathered and goes out with few system calls, partial writes included.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/stream_socket.h"
#include "proxy/io/transport.h"
#include "proxy/wire/h4.h"

/* What one call reads at the most: many short packets, but not so many that what is made of them
 * takes up memory, and the cache, for the sake of a few calls. */
#define READ_MAX ((size_t)32 << 10)
/* Room for the longest packet, and a call's more. */
#define BUFFER_SIZE (AG_H4_MAX + READ_MAX)
/* Octets that a message about lost framing shows. */
#define SHOWN_MAX 16

struct stream {
	struct ag_transport base;
	struct ag_listener listener;
	uint64_t offset; /* octets of this connection before in[0] */
	size_t in_len;
	size_t out_at;
	size_t out_len; /* octets from out[out_at] */
	uint8_t in[BUFFER_SIZE];
	uint8_t out[BUFFER_SIZE];
};

static struct stream *stream_of(struct ag_transport *transport)
{
	return (struct stream *)transport; /* its first member */
}

static int stream_prepare(struct ag_transport *transport)
{
	if (!ag_address_listens(&transport->address))
		return 0;
	return ag_listen(transport, &stream_of(transport)->listener);
}

static int stream_open(struct ag_transport *transport, const struct ag_opening *opening)
{
	struct stream *stream = stream_of(transport);
	int fd;

	if (ag_address_listens(&transport->address))
		fd = ag_accept(transport, stream->listener.fd, opening);
	else
		fd = ag_connect(transport, opening);
	if (fd < 0)
		return fd;
	stream->offset = 0;
	stream->in_len = 0;
	stream->out_at = 0;
	stream->out_len = 0;
	transport->fd = fd;
	return 0;
}

static void stream_close(struct ag_transport *transport)
{
	close(transport->fd);
	transport->fd = -1;
}

static void stream_free(struct ag_transport *transport)
{
	struct stream *stream = stream_of(transport);

	ag_listener_close(&stream->listener, transport->address.path);
	free(stream);
}

/* ---- Reading ---- */

static int framing_lost(struct stream *stream, size_t at)
{
	char shown[3 * SHOWN_MAX + 1] = "";
	size_t len = stream->in_len - at;

	for (size_t i = 0; i < len && i < SHOWN_MAX; i++)
		snprintf(shown + 3 * i, 4, " %02x", stream->in[at + i]);
	return ag_transport_fail(&stream->base, -EBADMSG,
				 "%s: H4 framing lost at octet %" PRIu64
				 ": 0x%02x is no packet type; there stands:%s",
				 stream->base.label, stream->offset + at, stream->in[at], shown);
}

/* Hand over the whole packets that are in the buffer, and move the rest to its start. */
static int hand_over(struct stream *stream, ag_packet_fn *packet, void *user)
{
	size_t at = 0;
	int r = 0;

	while (r == 0 && at < stream->in_len) {
		size_t len = 0;

		r = ag_h4_length(stream->in + at, stream->in_len - at, &len);
		if (r == AG_H4_UNKNOWN)
			return framing_lost(stream, at);
		if (r == AG_H4_INCOMPLETE || len > stream->in_len - at) {
			r = 0;
			break;
		}
		r = packet(user, stream->in + at, len);
		at += len;
	}
	stream->offset += at;
	stream->in_len -= at;
	memmove(stream->in, stream->in + at, stream->in_len);
	return r;
}

static int closed(struct stream *stream)
{
	if (stream->in_len > 0)
		return ag_transport_fail(&stream->base, -EPIPE,
					 "%s: closed by the other end in the midst of a packet",
					 stream->base.label);
	return ag_transport_fail(&stream->base, -EPIPE, "%s: closed by the other end",
				 stream->base.label);
}

/* An end that was met in writing; to a unix socket "reset" says no more than that what we wrote was
 * not all read. */
static bool is_end(const struct stream *stream, int error)
{
	enum ag_address_kind kind = stream->base.address.kind;

	return error == EPIPE ||
	       (error == ECONNRESET && (kind == AG_ADDRESS_UNIX || kind == AG_ADDRESS_UNIX_LISTEN));
}

static int socket_error(struct stream *stream)
{
	if (errno == EAGAIN || errno == EINTR)
		return AG_IO_AGAIN;
	if (is_end(stream, errno))
		return closed(stream);
	return ag_transport_fail(&stream->base, -errno, "%s: %s", stream->base.label,
				 strerror(errno));
}

static int stream_read(struct ag_transport *transport, ag_packet_fn *packet, void *user)
{
	struct stream *stream = stream_of(transport);
	/* there is room: a whole packet is taken out at once */
	ssize_t n = recv(transport->fd, stream->in + stream->in_len, READ_MAX, 0);
	int r;

	if (n < 0)
		return socket_error(stream);
	if (n == 0)
		return closed(stream);
	stream->in_len += (size_t)n;
	r = hand_over(stream, packet, user);
	if (r < 0)
		return r;
	return (size_t)n < READ_MAX ? AG_IO_AGAIN : 0;
}

/* ---- Writing ---- */

static int stream_flush(struct ag_transport *transport)
{
	struct stream *stream = stream_of(transport);

	while (stream->out_len > 0) {
		ssize_t n = send(transport->fd, stream->out + stream->out_at, stream->out_len,
				 MSG_NOSIGNAL);

		if (n < 0)
			return socket_error(stream);
		stream->out_at += (size_t)n;
		stream->out_len -= (size_t)n;
	}
	stream->out_at = 0;
	return 0;
}

/* Make room for `len` octets, for which an empty buffer has room. */
static int make_room(struct stream *stream, size_t len)
{
	if (BUFFER_SIZE - stream->out_len < len) {
		int r = stream_flush(&stream->base);

		if (r < 0)
			return r;
		if (BUFFER_SIZE - stream->out_len < len)
			return AG_IO_AGAIN;
	}
	if (BUFFER_SIZE - stream->out_at - stream->out_len < len) {
		memmove(stream->out, stream->out + stream->out_at, stream->out_len);
		stream->out_at = 0;
	}
	return 0;
}

static int stream_write(struct ag_transport *transport, const uint8_t *packet, size_t len)
{
	struct stream *stream = stream_of(transport);
	int r;

	if (len > AG_H4_MAX)
		return AG_IO_REFUSED;
	r = make_room(stream, len);
	if (r != 0)
		return r;
	memcpy(stream->out + stream->out_at + stream->out_len, packet, len);
	stream->out_len += len;
	return 0;
}

static const struct ag_transport_ops stream_ops = {
	.acl_max = 0,
	.prepare = stream_prepare,
	.open = stream_open,
	.close = stream_close,
	.read = stream_read,
	.write = stream_write,
	.flush = stream_flush,
	.free = stream_free,
};

struct ag_transport *ag_stream_new(void)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->base.ops = &stream_ops;
	stream->listener = AG_LISTENER_INIT;
	return &stream->base;
}
