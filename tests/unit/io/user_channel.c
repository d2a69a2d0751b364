/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user channel, of which a pair of sockets takes the place. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/transport.h"
#include "proxy/wire/hci.h"
#include "tests/sim/alloc.h"
#include "tests/sim/bluetooth.h"
#include "tests/sim/calls.h"

TestSuite(io_user_channel, .timeout = 60);

/* Longer than anything that the kernel makes of a controller's data. */
static uint8_t sent[4096];

struct channel {
	struct ag_transport *transport;
	int driver;
	size_t len[4]; /* of the packets that came */
	size_t count;
	int refusal;
};

static int take(void *user, const uint8_t *packet, size_t len)
{
	struct channel *channel = user;

	cr_assert_lt(channel->count, 4);
	cr_assert_arr_eq(packet, sent, len);
	channel->len[channel->count++] = len;
	return channel->refusal;
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

/* Whoever takes them has no memory. */
Test(io_user_channel, a_packet_that_is_not_taken_ends_the_reading)
{
	struct channel channel;

	start(&channel);
	channel.refusal = -ENOMEM;
	deliver(&channel, 7);
	deliver(&channel, 8);
	cr_expect_eq(read_all(&channel), -ENOMEM);
	cr_expect_eq(channel.count, 1);
	end(&channel);
}

/* ---- Errors ---- */

static int answer_errno;

static ssize_t refuse(int fd, const void *data, size_t len, int flags)
{
	(void)fd;
	(void)data;
	(void)len;
	cr_expect_eq(flags, MSG_DONTWAIT | MSG_NOSIGNAL);
	errno = answer_errno;
	return -1;
}

static int write_command(struct ag_transport *transport)
{
	static const uint8_t command[] = { 0x01, 0x01, 0xfc, 0x00 };

	return transport->ops->write(transport, command, sizeof(command));
}

Test(io_user_channel, what_the_kernel_says_to_a_packet)
{
	static const struct {
		int error, result;
		const char *why;
	} rows[] = {
		{ EINVAL, AG_IO_REFUSED, "" },
		{ EMSGSIZE, AG_IO_REFUSED, "" },
		{ EAGAIN, AG_IO_AGAIN, "" },
		{ EINTR, AG_IO_AGAIN, "" },
		{ ENOBUFS, AG_IO_AGAIN, "" },
		{ EPIPE, -EPIPE, "hci0 was unplugged" },
		{ ENODEV, -EPIPE, "hci0 was unplugged" },
		{ ENETDOWN, -ENETDOWN, "hci0 was switched off by the kernel" },
		{ EIO, -EIO, "hci0: Input/output error" },
	};
	struct channel channel;
	uint8_t got[8];

	start(&channel);
	snprintf(channel.transport->label, sizeof(channel.transport->label), "hci0");
	cr_expect_eq(write_command(channel.transport), 0);
	cr_expect_eq(recv(channel.driver, got, sizeof(got), MSG_DONTWAIT), 4);
	ag_sim_calls.send = refuse;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answer_errno = rows[i].error;
		channel.transport->why[0] = '\0';
		cr_expect_eq(write_command(channel.transport), rows[i].result, "%s",
			     strerror(rows[i].error));
		cr_expect_str_eq(channel.transport->why, rows[i].why);
	}
	end(&channel);
}

/* ---- A whole life, with a kernel of the test's own ---- */

static const struct ag_opening alone = { .cancel_fd = -1, .other_fd = -1 };
static struct ag_sim_bluetooth *const kernel = &ag_sim_bluetooth;
static const uint8_t reset[] = { 0x01, 0x03, 0x0c, 0x00 };
static const uint8_t read_bd_addr[] = { 0x01, 0x09, 0x10, 0x00 };

static struct ag_transport *make(uint64_t bdaddr)
{
	const struct ag_address address = { .kind = AG_ADDRESS_HCI, .index = 1, .text = "hci1" };
	struct ag_transport *transport;

	ag_sim_bluetooth_begin();
	kernel->hci[1] = (struct ag_sim_hci){ .there = true, .bdaddr = bdaddr };
	cr_assert_eq(ag_transport_new(&address, &transport), 0);
	cr_assert_eq(transport->ops->prepare(transport), 0);
	return transport;
}

static int open_it(struct ag_transport *transport)
{
	return transport->ops->open(transport, &alone);
}

static void expect_heard(const uint8_t *expected, size_t len)
{
	uint8_t got[64];

	cr_assert_eq(recv(kernel->user, got, sizeof(got), MSG_DONTWAIT), (ssize_t)len);
	cr_expect_arr_eq(got, expected, len);
}

Test(io_user_channel, starts_afresh_and_leaves_nothing_behind)
{
	struct ag_transport *transport = make(UINT64_C(0x00aa01000001));

	cr_assert_eq(open_it(transport), 0, "%s", transport->why);
	cr_expect_str_eq(transport->label, "hci1 00:AA:01:00:00:01");
	cr_expect_eq(transport->bdaddr, UINT64_C(0x00aa01000001));
	expect_heard(reset, sizeof(reset));
	expect_heard(read_bd_addr, sizeof(read_bd_addr));
	/* again, without letting go of it */
	ag_sim_complete(kernel->user, AG_HCI_RESET, 0, 0);
	cr_expect_eq(transport->ops->renew(transport, &alone), 0);
	expect_heard(reset, sizeof(reset));
	ag_sim_complete(kernel->user, AG_HCI_RESET, 0x0c, 0);
	cr_expect_eq(transport->ops->renew(transport, &alone), -EIO);
	cr_expect_str_eq(transport->why, "hci1 00:AA:01:00:00:01 does not answer HCI Reset: "
					 "Input/output error");
	expect_heard(reset, sizeof(reset));
	ag_sim_complete(kernel->user, AG_HCI_RESET, 0, 0);
	ag_transport_close(transport);
	cr_expect_eq(transport->fd, -1);
	expect_heard(reset, sizeof(reset));
	cr_expect_eq(recv(kernel->user, (uint8_t[4]){ 0 }, 4, 0), 0, "it is still taken");
	ag_transport_free(transport);
}

/* Its address is not known, so that a BD_ADDR of 0 is none to look for. */
Test(io_user_channel, a_controller_without_an_address)
{
	struct ag_transport *transport = make(0);

	cr_assert_eq(open_it(transport), 0, "%s", transport->why);
	cr_expect_str_eq(transport->label, "hci1");
	cr_expect_eq(transport->bdaddr, 0);
	ag_transport_free(transport);
}

Test(io_user_channel, a_controller_that_does_not_answer)
{
	struct ag_transport *transport = make(1);

	kernel->hci[1].mute = true;
	cr_expect_eq(open_it(transport), -ETIMEDOUT);
	cr_expect_str_eq(transport->why, "hci1 does not answer HCI Reset: Connection timed out");
	cr_expect_eq(transport->fd, -1);
	/* asked twice, then let go */
	expect_heard(reset, sizeof(reset));
	expect_heard(reset, sizeof(reset));
	cr_expect_eq(recv(kernel->user, (uint8_t[4]){ 0 }, 4, 0), 0);
	kernel->hci[1].mute = false;
	kernel->hci[1].reset_status = 0x01;
	cr_expect_eq(open_it(transport), -EIO);
	kernel->hci[1].bind_error[0] = EIO;
	cr_expect_eq(open_it(transport), -EIO);
	kernel->hci[1].there = false;
	cr_expect_eq(open_it(transport), -ENODEV);
	ag_transport_free(transport);
}

static ssize_t fail_to_read(int fd, void *out, size_t len)
{
	(void)fd;
	(void)out;
	(void)len;
	errno = answer_errno;
	return -1;
}

static ssize_t fail_to_write(int fd, const void *data, size_t len)
{
	(void)fd;
	(void)data;
	(void)len;
	errno = EPIPE;
	return -1;
}

Test(io_user_channel, a_controller_that_goes_at_once)
{
	struct ag_transport *transport = make(1);

	ag_sim_calls.write = fail_to_write;
	cr_expect_eq(open_it(transport), -EPIPE);
	ag_sim_calls.write = NULL;
	ag_sim_calls.read = fail_to_read;
	answer_errno = EPIPE;
	cr_expect_eq(open_it(transport), -EPIPE);
	cr_expect_str_eq(transport->why, "hci1 does not answer HCI Reset: Broken pipe");
	ag_transport_free(transport);
}

/* ---- Room ---- */

static uint32_t drops;
static int raised;

static int count_drops(int fd, int level, int name, void *value, socklen_t *len)
{
	(void)fd;
	if (level != SOL_SOCKET || name != SO_MEMINFO)
		return AG_SIM_KERNEL;
	cr_assert_eq(*len, 9 * sizeof(uint32_t));
	memset(value, 0, *len);
	((uint32_t *)value)[8] = drops;
	return 0;
}

static int have_no_room(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)len;
	cr_expect(name == SO_RCVBUFFORCE || name == SO_RCVBUF);
	cr_expect_eq(*(const int *)value, 4 << 20);
	raised++;
	errno = EPERM;
	return -1;
}

static int take_any(void *user, const uint8_t *packet, size_t len)
{
	(void)packet;
	(void)len;
	(*(size_t *)user)++;
	return 0;
}

/* A batch that is not full cannot come from a full buffer. */
Test(io_user_channel, dropped_packets_are_noticed)
{
	static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };
	struct ag_transport *transport = make(1);
	size_t count = 0;

	ag_sim_calls.getsockopt = count_drops;
	ag_sim_calls.setsockopt = have_no_room;
	drops = 5; /* of before */
	cr_assert_eq(open_it(transport), 0, "it is no reason to give up");
	cr_expect_eq(raised, 2);
	for (size_t i = 0; i < 32 + 32 + 31; i++)
		cr_assert_eq(send(kernel->user, event, sizeof(event), MSG_DONTWAIT), 4);
	cr_expect_eq(transport->ops->read(transport, take_any, &count), 0);
	drops += 2;
	cr_expect_eq(transport->ops->read(transport, take_any, &count), AG_IO_DROPPED);
	drops++;
	cr_expect_eq(transport->ops->read(transport, take_any, &count), AG_IO_AGAIN);
	cr_expect_eq(count, 32 + 32 + 31);
	ag_transport_free(transport);
}

static int count_fewer(int fd, int level, int name, void *value, socklen_t *len)
{
	int r = count_drops(fd, level, name, value, len);

	if (r == 0)
		*len = 8 * sizeof(uint32_t);
	return r;
}

/* SO_MEMINFO had no such number before Linux 4.6. */
Test(io_user_channel, a_kernel_that_does_not_count)
{
	static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };
	struct ag_transport *transport = make(1);
	size_t count = 0;

	ag_sim_calls.getsockopt = count_fewer;
	cr_assert_eq(open_it(transport), 0);
	drops = 3;
	for (size_t i = 0; i < 32; i++)
		cr_assert_eq(send(kernel->user, event, sizeof(event), MSG_DONTWAIT), 4);
	cr_expect_eq(transport->ops->read(transport, take_any, &count), 0);
	cr_expect_eq(count, 32);
	ag_transport_free(transport);
}

Test(io_user_channel, without_memory)
{
	ag_sim_alloc_fail_after(0);
	cr_expect_null(ag_user_channel_new());
	cr_expect(ag_sim_alloc_fail_end());
}
