/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/transport.h"
#include "proxy/wire/h4.h"

/* A stream whose other end is in our hand. */
struct pair {
	struct ag_transport *stream;
	int far;
};

static struct pair make_pair(void)
{
	struct ag_address address;
	const char *why = NULL;
	struct pair pair = { 0 };
	int fd[2];

	cr_assert_eq(ag_address_parse("unix:/test", AG_SIDE_HOST, &address, &why), 0);
	cr_assert_eq(ag_transport_new(&address, &pair.stream), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	pair.stream->fd = fd[0];
	pair.far = fd[1];
	return pair;
}

static void free_pair(struct pair *pair)
{
	ag_transport_free(pair->stream);
	close(pair->far);
}

struct received {
	size_t count;
	size_t octets;
	uint8_t last[AG_H4_MAX];
	size_t last_len;
	size_t fail_at; /* the packet, from 1, that is refused with -ENOMEM; 0: none */
};

static int take(void *user, const uint8_t *packet, size_t len)
{
	struct received *received = user;

	cr_assert_leq(len, sizeof(received->last));
	memcpy(received->last, packet, len);
	received->last_len = len;
	received->octets += len;
	return ++received->count == received->fail_at ? -ENOMEM : 0;
}

static int read_all(struct pair *pair, struct received *received)
{
	int r = 0;

	while (r == 0)
		r = pair->stream->ops->read(pair->stream, take, received);
	return r;
}

static void send_far(const struct pair *pair, const void *data, size_t len)
{
	cr_assert_eq(write(pair->far, data, len), (ssize_t)len);
}

static const uint8_t packets[] = {
	0x01, 0x03, 0x0c, 0x00,                   /* command without parameters */
	0x02, 0x40, 0x20, 0x02, 0x00, 0xaa, 0xbb, /* ACL */
	0x03, 0x40, 0x00, 0x01, 0xcc,             /* SCO */
	0x04, 0x0e, 0x00,                         /* event without parameters */
	0x05, 0x40, 0x60, 0x01, 0xc0, 0xdd,       /* ISO: the two upper bits are no length */
};

Test(io, a_stream_is_cut_into_packets_octet_by_octet)
{
	static const size_t ends[] = { 4, 11, 16, 19, 25 };
	struct pair pair = make_pair();
	struct received received = { 0 };
	size_t next = 0;

	for (size_t i = 0; i < sizeof(packets); i++) {
		send_far(&pair, packets + i, 1);
		cr_assert_eq(read_all(&pair, &received), AG_IO_AGAIN);
		if (i + 1 == ends[next])
			next++;
		cr_assert_eq(received.count, next, "after octet %zu", i);
	}
	cr_expect_eq(received.octets, sizeof(packets));
	cr_expect_eq(memcmp(received.last, packets + 19, 6), 0);
	free_pair(&pair);
}

Test(io, a_stream_is_cut_into_packets_at_once)
{
	struct pair pair = make_pair();
	struct received received = { 0 };

	send_far(&pair, packets, sizeof(packets));
	cr_expect_eq(read_all(&pair, &received), AG_IO_AGAIN);
	cr_expect_eq(received.count, 5);
	cr_expect_eq(received.octets, sizeof(packets));
	free_pair(&pair);
}

Test(io, the_longest_packet_passes_a_stream)
{
	static uint8_t longest[AG_H4_MAX] = { 0x02, 0x40, 0x20, 0xff, 0xff, [AG_H4_MAX - 1] = 7 };
	struct pair pair = make_pair();
	struct received received = { 0 };
	size_t at = 0;

	while (at < sizeof(longest)) {
		ssize_t n = write(pair.far, longest + at, sizeof(longest) - at);

		cr_assert(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
		cr_assert_eq(read_all(&pair, &received), AG_IO_AGAIN);
	}
	cr_expect_eq(received.count, 1);
	cr_expect_eq(received.last_len, sizeof(longest));
	cr_expect_eq(memcmp(received.last, longest, sizeof(longest)), 0);
	free_pair(&pair);
}

Test(io, lost_framing_gives_place_and_octets)
{
	static const uint8_t wrong[] = { 0x09, 0x01, 0x02 };
	struct pair pair = make_pair();
	struct received received = { 0 };

	send_far(&pair, packets, sizeof(packets));
	cr_expect_eq(read_all(&pair, &received), AG_IO_AGAIN);
	send_far(&pair, packets, 4);
	send_far(&pair, wrong, sizeof(wrong));
	cr_expect_eq(read_all(&pair, &received), -EBADMSG);
	cr_expect_eq(received.count, 6, "what came before is good");
	cr_expect(strstr(pair.stream->why, "octet 29:"), "%s", pair.stream->why);
	cr_expect(strstr(pair.stream->why, " 09 01 02"), "%s", pair.stream->why);
	free_pair(&pair);
}

Test(io, a_closed_stream_is_told_from_a_broken_one)
{
	struct pair pair = make_pair();
	struct received received = { 0 };

	send_far(&pair, packets, sizeof(packets));
	shutdown(pair.far, SHUT_WR);
	cr_expect_eq(read_all(&pair, &received), AG_IO_AGAIN);
	cr_expect_eq(read_all(&pair, &received), -EPIPE);
	cr_expect_eq(received.count, 5);
	cr_expect(!strstr(pair.stream->why, "midst"), "%s", pair.stream->why);
	free_pair(&pair);

	pair = make_pair();
	send_far(&pair, packets, 6);
	shutdown(pair.far, SHUT_WR);
	cr_expect_eq(read_all(&pair, &received), AG_IO_AGAIN);
	cr_expect_eq(read_all(&pair, &received), -EPIPE);
	cr_expect(strstr(pair.stream->why, "midst"), "%s", pair.stream->why);
	free_pair(&pair);
}

Test(io, a_packet_that_is_not_taken_ends_the_reading)
{
	struct pair pair = make_pair();
	struct received received = { .fail_at = 2 };

	send_far(&pair, packets, sizeof(packets));
	cr_expect_eq(read_all(&pair, &received), -ENOMEM);
	cr_expect_eq(received.count, 2);
	free_pair(&pair);
}

/* Write numbered packets until none is taken; read some at the far end; and so on. What comes out
 * is what was taken, whole and in order, however little the socket takes at a time. */
Test(io, partial_writes_keep_packets_whole)
{
	struct pair pair = make_pair();
	uint8_t packet[1024] = { 0x02, 0x40, 0x20, 0xfb, 0x03 };
	uint8_t got[777];
	size_t written = 0;
	size_t read_octets = 0;
	int small = 1; /* the kernel makes it its minimum */

	cr_assert_eq(setsockopt(pair.stream->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	while (read_octets < 2000 * sizeof(packet)) {
		ssize_t n;
		int r = 0;

		while (written < 2000 && r == 0) {
			packet[5] = (uint8_t)written;
			packet[1023] = (uint8_t)(written >> 8);
			r = pair.stream->ops->write(pair.stream, packet, sizeof(packet));
			written += r == 0;
		}
		cr_assert(r == 0 || r == AG_IO_AGAIN);
		r = pair.stream->ops->flush(pair.stream);
		cr_assert(r == 0 || r == AG_IO_AGAIN);
		n = read(pair.far, got, sizeof(got));
		cr_assert_gt(n, 0);
		for (ssize_t i = 0; i < n; i++, read_octets++) {
			size_t number = read_octets / sizeof(packet);
			size_t offset = read_octets % sizeof(packet);

			if (offset == 0)
				cr_assert_eq(got[i], 0x02);
			else if (offset == 5)
				cr_assert_eq(got[i], (uint8_t)number);
			else if (offset == 1023)
				cr_assert_eq(got[i], (uint8_t)(number >> 8));
		}
	}
	free_pair(&pair);
}

Test(io, a_full_stream_takes_nothing_more)
{
	static const uint8_t event[258] = { 0x04, 0xff, 0xff };
	struct pair pair = make_pair();
	size_t taken = 0;

	while (taken < 1 << 20 && pair.stream->ops->write(pair.stream, event, sizeof(event)) == 0)
		taken++;
	cr_expect_lt(taken, 1 << 20);
	cr_expect_eq(pair.stream->ops->write(pair.stream, event, sizeof(event)), AG_IO_AGAIN);
	free_pair(&pair);
}

Test(io, writing_to_a_closed_stream_is_its_end)
{
	struct pair pair = make_pair();

	shutdown(pair.far, SHUT_RDWR);
	cr_expect_eq(pair.stream->ops->write(pair.stream, packets, 4), 0, "kept for flush()");
	cr_expect_eq(pair.stream->ops->flush(pair.stream), -EPIPE);
	cr_expect_str_eq(pair.stream->why, "unix:/test: closed by the other end");
	free_pair(&pair);
}

/* To a unix socket the other end is "reset" when it did not read all that it was sent. */
Test(io, who_closes_without_reading_all_has_closed)
{
	struct pair pair = make_pair();
	struct received received = { 0 };
	int r;

	send_far(&pair, packets, 4);
	cr_assert_eq(pair.stream->ops->write(pair.stream, packets, 4), 0);
	cr_assert_eq(pair.stream->ops->flush(pair.stream), 0);
	close(pair.far);
	pair.far = -1;
	do
		r = pair.stream->ops->read(pair.stream, take, &received);
	while (r >= 0);
	cr_expect_eq(r, -EPIPE);
	cr_expect_eq(received.count, 1, "what it said before is heard");
	cr_expect_str_eq(pair.stream->why, "unix:/test: closed by the other end");
	free_pair(&pair);
}

/* ---- Opening ---- */

static struct ag_transport *make(const char *text)
{
	struct ag_transport *transport = NULL;
	struct ag_address address;
	const char *why = NULL;

	cr_assert_eq(ag_address_parse(text, AG_SIDE_HOST, &address, &why), 0);
	cr_assert_eq(ag_transport_new(&address, &transport), 0);
	return transport;
}

Test(io, an_open_that_waits_can_be_ended)
{
	struct ag_transport *listener = make("tcp-listen:127.0.0.1:0");
	struct ag_opening opening = { .other_fd = -1 };
	int pipe_fd[2], other[2];

	cr_assert_eq(pipe(pipe_fd), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	cr_assert_eq(listener->ops->prepare(listener), 0, "%s", listener->why);
	opening.cancel_fd = pipe_fd[0];

	opening.other_fd = other[0];
	close(other[1]);
	cr_expect_eq(listener->ops->open(listener, &opening), -ECONNRESET);
	opening.other_fd = -1;
	cr_assert_eq(write(pipe_fd[1], "x", 1), 1);
	cr_expect_eq(listener->ops->open(listener, &opening), -ECANCELED);
	cr_expect_eq(listener->fd, -1);
	ag_transport_free(listener);
	close(other[0]);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

Test(io, listening_beyond_loopback_has_to_be_asked_for)
{
	static const char *const remote[] = { "tcp-listen:0.0.0.0:0", "tcp-listen:[::]:0" };

	for (size_t i = 0; i < ag_array_size(remote); i++) {
		struct ag_transport *transport = make(remote[i]);

		cr_expect_eq(transport->ops->prepare(transport), -EPERM);
		cr_expect(strstr(transport->why, "--allow-remote"), "%s", transport->why);
		ag_transport_free(transport);
	}
	struct ag_transport *transport = make(remote[0]);

	transport->local_only = false;
	cr_expect_eq(transport->ops->prepare(transport), 0, "%s", transport->why);
	ag_transport_free(transport);
}

Test(io, who_only_looks_whether_we_are_there_is_no_session)
{
	char directory[] = "/tmp/attgate-unit-XXXXXX";
	struct ag_opening opening = { .cancel_fd = -1, .other_fd = -1 };
	struct ag_transport *listener, *visitor, *client;
	char text[2][64];

	cr_assert_not_null(mkdtemp(directory));
	snprintf(text[0], sizeof(text[0]), "unix-listen:%s/s", directory);
	snprintf(text[1], sizeof(text[1]), "unix:%s/s", directory);
	listener = make(text[0]);
	visitor = make(text[1]);
	client = make(text[1]);
	cr_assert_eq(listener->ops->prepare(listener), 0, "%s", listener->why);
	cr_assert_eq(visitor->ops->open(visitor, &opening), 0, "%s", visitor->why);
	ag_transport_close(visitor);
	cr_assert_eq(client->ops->open(client, &opening), 0, "%s", client->why);
	cr_assert_eq(listener->ops->open(listener, &opening), 0);
	cr_expect_eq(client->ops->write(client, packets, 4), 0);
	cr_expect_eq(client->ops->flush(client), 0);
	struct received received = { 0 };

	cr_expect_eq(listener->ops->read(listener, take, &received), AG_IO_AGAIN, "%s",
		     listener->why);
	cr_expect_eq(received.count, 1);
	ag_transport_free(client);
	ag_transport_free(visitor);
	ag_transport_free(listener);
	cr_expect_eq(access(text[1] + 5, F_OK), -1, "the socket's file stays");
	rmdir(directory);
}

Test(io, a_stream_that_takes_no_such_packet)
{
	static const uint8_t event[258] = { 0x04, 0xff, 0xff };
	struct pair pair = make_pair();
	int r = 0;

	cr_expect_eq(pair.stream->ops->write(pair.stream, event, AG_H4_MAX + 1), AG_IO_REFUSED);
	/* an end that is met when room has to be made */
	shutdown(pair.far, SHUT_RDWR);
	for (size_t i = 0; r == 0 && i < 2 * AG_H4_MAX; i++)
		r = pair.stream->ops->write(pair.stream, event, sizeof(event));
	cr_expect_eq(r, -EPIPE);
	free_pair(&pair);
}

Test(io, a_connection_that_is_reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct ag_opening opening = { .cancel_fd = -1, .other_fd = -1 };
	struct ag_transport *listener = make("tcp-listen:127.0.0.1:0"), *client;
	struct received received = { 0 };
	char text[64];
	int r;

	cr_assert_eq(listener->ops->prepare(listener), 0, "%s", listener->why);
	snprintf(text, sizeof(text), "tcp:%s", listener->label + strlen("tcp-listen:"));
	client = make(text);
	cr_assert_eq(client->ops->open(client, &opening), 0, "%s", client->why);
	cr_assert_eq(listener->ops->open(listener, &opening), 0, "%s", listener->why);
	cr_assert_eq(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	ag_transport_free(client);
	do
		r = listener->ops->read(listener, take, &received);
	while (r >= 0);
	cr_expect_eq(r, -ECONNRESET);
	cr_expect(strstr(listener->why, ": Connection reset by peer"), "%s", listener->why);
	ag_transport_free(listener);
}
