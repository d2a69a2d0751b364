/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading from a user channel, of which a pair of sockets takes the place. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/transport.h"

TestSuite(io_user_channel, .timeout = 60);

/* Longer than anything that the kernel makes of a controller's data. */
static uint8_t sent[4096];

struct channel {
	struct ag_transport *transport;
	int driver;
	size_t len[4]; /* of the packets that came */
	size_t count;
};

static int take(void *user, const uint8_t *packet, size_t len)
{
	struct channel *channel = user;

	cr_assert_lt(channel->count, 4);
	cr_assert_arr_eq(packet, sent, len);
	channel->len[channel->count++] = len;
	return 0;
}

static void start(struct channel *channel)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	*channel = (struct channel){ .transport = ag_user_channel_new(), .driver = pair[1] };
	cr_assert_not_null(channel->transport);
	channel->transport->fd = pair[0];
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7);
}

static void deliver(const struct channel *channel, size_t len)
{
	cr_assert_eq(send(channel->driver, sent, len, 0), (ssize_t)len);
}

static int read_all(struct channel *channel)
{
	return channel->transport->ops->read(channel->transport, take, channel);
}

static void end(struct channel *channel)
{
	close(channel->transport->fd);
	close(channel->driver);
	channel->transport->ops->free(channel->transport);
}

Test(io_user_channel, gives_whole_packets)
{
	struct channel channel;

	start(&channel);
	cr_expect_eq(read_all(&channel), AG_IO_AGAIN);
	deliver(&channel, 7);
	deliver(&channel, 1028); /* HCI_MAX_FRAME_SIZE */
	cr_expect_eq(read_all(&channel), AG_IO_AGAIN);
	cr_assert_eq(channel.count, 2);
	cr_expect_eq(channel.len[0], 7);
	cr_expect_eq(channel.len[1], 1028);
	end(&channel);
}

/* One that does not fit is lost: nobody is given a part of it. */
Test(io_user_channel, gives_no_part_of_a_packet)
{
	struct channel channel;

	start(&channel);
	deliver(&channel, 7);
	deliver(&channel, sizeof(sent));
	deliver(&channel, 9);
	cr_expect_eq(read_all(&channel), AG_IO_DROPPED);
	cr_assert_eq(channel.count, 2);
	cr_expect_eq(channel.len[0], 7);
	cr_expect_eq(channel.len[1], 9);
	deliver(&channel, 8);
	cr_expect_eq(read_all(&channel), AG_IO_AGAIN);
	cr_expect_eq(channel.count, 3);
	end(&channel);
}

/* A controller that says one thing after another, but never that it was reset. */
static void *chatter(void *user)
{
	const struct channel *channel = user;
	static const uint8_t inquiry_complete[] = { 0x04, 0x01, 0x01, 0x00 };

	while (send(channel->driver, inquiry_complete, sizeof(inquiry_complete), MSG_NOSIGNAL) > 0)
		usleep(1000);
	return NULL;
}

/* Else the program could not even be ended. */
Test(io_user_channel, does_not_wait_for_ever_for_who_never_answers)
{
	struct channel channel;
	pthread_t thread;

	start(&channel);
	cr_assert_eq(pthread_create(&thread, NULL, chatter, &channel), 0);
	channel.transport->ops->close(channel.transport);
	cr_expect_eq(channel.transport->fd, -1);
	pthread_join(thread, NULL);
	close(channel.driver);
	channel.transport->ops->free(channel.transport);
}

static void notice(int number)
{
	(void)number;
}

/* Until the thread that the test began in sleeps (proc(5)). */
static void wait_for_sleep(void)
{
	char path[64], stat[512] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
	while (!strstr(stat, ") S ")) {
		FILE *file = fopen(path, "r");

		cr_assert(file && fgets(stat, sizeof(stat), file));
		fclose(file);
	}
}

struct driver {
	const struct channel *channel;
	pthread_t waiting;
};

/* A controller that was reset, and a signal before it says so. */
static void *reset_slowly(void *user)
{
	static const uint8_t done[] = { 0x04, 0x0e, 0x04, 0x01, 0x03, 0x0c, 0x00 };
	const struct driver *driver = user;
	uint8_t command[8];

	cr_assert_eq(recv(driver->channel->driver, command, sizeof(command), 0), 4);
	wait_for_sleep();
	pthread_kill(driver->waiting, SIGUSR1);
	wait_for_sleep();
	cr_assert_eq(send(driver->channel->driver, done, sizeof(done), 0), (ssize_t)sizeof(done));
	return NULL;
}

Test(io_user_channel, goes_on_waiting_after_a_signal)
{
	const struct ag_opening alone = { .cancel_fd = -1, .other_fd = -1 };
	struct sigaction action = { .sa_handler = notice };
	struct channel channel;
	struct driver driver = { &channel, pthread_self() };
	pthread_t thread;
	uint8_t command[8];

	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	start(&channel);
	cr_assert_eq(pthread_create(&thread, NULL, reset_slowly, &driver), 0);
	cr_expect_eq(channel.transport->ops->renew(channel.transport, &alone), 0);
	pthread_join(thread, NULL);
	cr_expect_eq(recv(channel.driver, command, sizeof(command), MSG_DONTWAIT), -1,
		     "it was reset twice");
	end(&channel);
}
