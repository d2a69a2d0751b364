/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual controller over a pair of sockets in the place of /dev/vhci. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/transport.h"
#include "tests/sim/alloc.h"
#include "tests/sim/bluetooth.h"
#include "tests/sim/calls.h"

static const struct ag_opening alone = { .cancel_fd = -1, .other_fd = -1 };
static struct ag_sim_bluetooth *const kernel = &ag_sim_bluetooth;
static struct ag_transport *transport;

static void set_up(void)
{
	const struct ag_address address = { .kind = AG_ADDRESS_VHCI, .text = "vhci" };

	ag_sim_bluetooth_begin();
	kernel->vhci_index = 0x0102;
	cr_assert_eq(ag_transport_new(&address, &transport), 0);
}

static void tear_down(void)
{
	ag_transport_free(transport);
}

TestSuite(io_vhci, .init = set_up, .fini = tear_down, .timeout = 60);

static const uint8_t command[] = { 0x01, 0x01, 0xfc, 0x00 };
static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };

static size_t count;
static int refusal;

static int take(void *user, const uint8_t *packet, size_t len)
{
	(void)user;
	cr_expect(len == 4 && packet[0] == 0x01);
	count++;
	return refusal;
}

/* @return: of one read; `count` has how many packets came */
static int read_once(void)
{
	count = 0;
	return transport->ops->read(transport, take, NULL);
}

static int write_event(void)
{
	return transport->ops->write(transport, event, sizeof(event));
}

static int open_it(const struct ag_opening *opening)
{
	return transport->ops->open(transport, opening);
}

static void hear(const uint8_t *expected, size_t len)
{
	uint8_t got[64];

	cr_assert_eq(recv(kernel->vhci, got, sizeof(got), MSG_DONTWAIT), (ssize_t)len);
	cr_expect_arr_eq(got, expected, len);
}

static void say(const void *packet, size_t len)
{
	cr_assert_eq(send(kernel->vhci, packet, len, 0), (ssize_t)len);
}

/* ---- Opening ---- */

Test(io_vhci, one_is_asked_for)
{
	static const uint8_t primary[] = { 0xff, 0x00 };

	cr_assert_eq(transport->ops->prepare(transport), 0);
	cr_assert_eq(kernel->vhci_opened, 0);
	cr_assert_eq(open_it(&alone), 0, "%s", transport->why);
	hear(primary, sizeof(primary));
	cr_expect_eq(ag_vhci_index(transport), 0x0102);
	cr_expect_str_eq(transport->label, "hci258");
	ag_transport_close(transport);
	cr_expect_eq(transport->fd, -1);
	cr_expect_eq(recv(kernel->vhci, (uint8_t[4]){ 0 }, 4, 0), 0, "it is still there");
}

/* A process that is killed has its highest descriptor closed first. */
Test(io_vhci, it_stands_above_the_controller)
{
	const struct ag_opening opening = { .cancel_fd = -1, .other_fd = 100 };

	cr_assert_eq(dup2(open("/dev/null", O_RDONLY), opening.other_fd), opening.other_fd);
	cr_assert_eq(open_it(&opening), 0, "%s", transport->why);
	cr_expect_gt(transport->fd, opening.other_fd);
	cr_expect_eq(fcntl(transport->fd, F_GETFD), FD_CLOEXEC);
}

/* The host may be quicker than the reply; more than a few of its packets are no reset any more. */
Test(io_vhci, what_comes_before_the_reply_is_kept)
{
	kernel->early = 6;
	cr_assert_eq(open_it(&alone), 0);
	say(command, sizeof(command));
	cr_expect_eq(read_once(), AG_IO_AGAIN);
	cr_expect_eq(count, 4 + 1);
	cr_expect_eq(read_once(), AG_IO_AGAIN);
	cr_expect_eq(count, 0);
}

/* What is not there at once does not come. */
static int wait_briefly(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	(void)timeout_ms;
	ag_sim_calls.poll = NULL;
	n = (nfds_t)poll(fds, n, 0);
	ag_sim_calls.poll = wait_briefly;
	return (int)n;
}

Test(io_vhci, one_that_is_given_up_at_once_is_asked_for_again)
{
	ag_sim_calls.poll = wait_briefly;
	kernel->silent = 2;
	cr_expect_eq(open_it(&alone), 0);
	cr_expect_eq(kernel->vhci_opened, 3);
	ag_transport_close(transport);
	kernel->silent = 3;
	cr_expect_eq(open_it(&alone), -ETIMEDOUT);
	cr_expect_eq(kernel->vhci_opened, 6);
	cr_expect_str_eq(transport->why, "/dev/vhci made no controller: Connection timed out");
}

/* A host that says one thing after another, while the reply has been lost. */
static int chatter(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	int r;

	usleep(1000);
	say(command, sizeof(command));
	ag_sim_calls.poll = NULL;
	r = poll(fds, n, timeout_ms);
	ag_sim_calls.poll = chatter;
	return r;
}

/* Else the controller would be waited for as long as the host talks. */
Test(io_vhci, a_reply_that_does_not_come_among_much_else)
{
	kernel->silent = 1;
	ag_sim_calls.poll = chatter;
	cr_expect_eq(open_it(&alone), 0, "%s", transport->why);
	cr_expect_eq(kernel->vhci_opened, 2);
}

Test(io_vhci, a_device_that_is_not_there)
{
	static const struct {
		int error, result;
		const char *why;
	} rows[] = {
		{ EACCES, -EPERM,
		  "no permission for /dev/vhci: run attgate as root, or by attgate@.service" },
		{ EPERM, -EPERM,
		  "no permission for /dev/vhci: run attgate as root, or by attgate@.service" },
		{ ENOENT, -ENODEV,
		  "/dev/vhci is missing: `modprobe hci_vhci' (the kernel needs "
		  "CONFIG_BT_HCIVHCI)" },
		{ ENODEV, -ENODEV,
		  "/dev/vhci is missing: `modprobe hci_vhci' (the kernel needs "
		  "CONFIG_BT_HCIVHCI)" },
		{ EMFILE, -EMFILE, "/dev/vhci: Too many open files" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel->vhci_error = rows[i].error;
		cr_expect_eq(transport->ops->prepare(transport), rows[i].result);
		cr_expect_str_eq(transport->why, rows[i].why);
		transport->why[0] = '\0';
		cr_expect_eq(open_it(&alone), rows[i].result);
		cr_expect_str_eq(transport->why, rows[i].why);
	}
}

static ssize_t answer;
static int answer_errno;

static ssize_t read_answer(int fd, void *out, size_t len)
{
	(void)fd;
	memset(out, 0xff, answer > 0 ? (size_t)answer : 0);
	cr_assert_leq(answer, (ssize_t)len);
	errno = answer_errno;
	return answer;
}

static ssize_t write_answer(int fd, const void *data, size_t len)
{
	(void)fd;
	(void)data;
	(void)len;
	errno = answer_errno;
	return -1;
}

Test(io_vhci, a_driver_that_fails)
{
	ag_sim_calls.write = write_answer;
	answer_errno = EINVAL;
	cr_expect_eq(open_it(&alone), -EINVAL);
	cr_expect_str_eq(transport->why, "/dev/vhci made no controller: Invalid argument");
	/* made without being asked for, as after a second */
	answer_errno = EBADFD;
	cr_expect_eq(open_it(&alone), 0);
	ag_transport_close(transport);
	/* a reply that is none */
	ag_sim_calls.write = NULL;
	ag_sim_calls.read = read_answer;
	answer = 3;
	cr_expect_eq(open_it(&alone), -EPROTO);
	answer = -1;
	answer_errno = EIO;
	cr_expect_eq(open_it(&alone), -EIO);
	ag_sim_calls.read = NULL;
}

static ssize_t interrupt_once(int fd, void *out, size_t len)
{
	(void)fd;
	(void)out;
	(void)len;
	ag_sim_calls.read = NULL;
	errno = EINTR;
	return -1;
}

Test(io_vhci, opening_is_interrupted)
{
	struct ag_opening opening = { .other_fd = -1 };
	int ends[2];

	ag_sim_calls.read = interrupt_once;
	cr_expect_eq(open_it(&alone), 0);
	ag_transport_close(transport);
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	opening.cancel_fd = ends[0];
	cr_expect_eq(open_it(&opening), -ECANCELED);
	cr_expect_eq(transport->fd, -1);
}

/* ---- Packets ---- */

Test(io_vhci, packets_pass)
{
	static const uint8_t own[] = { 0xff, 0x00, 0x02, 0x01 };

	cr_assert_eq(open_it(&alone), 0);
	hear((const uint8_t *)"\xff", 2);
	cr_expect_eq(write_event(), 0);
	hear(event, sizeof(event));
	cr_expect_eq(read_once(), AG_IO_AGAIN);
	/* what the driver says itself is not for the controller */
	say(own, sizeof(own));
	say(command, sizeof(command));
	cr_expect_eq(read_once(), AG_IO_AGAIN);
	cr_expect_eq(count, 1);
	/* no more at once than is good for the other side */
	for (int i = 0; i < 40; i++)
		say(command, sizeof(command));
	cr_expect_eq(read_once(), 0);
	cr_expect_eq(count, 32);
	cr_expect_eq(read_once(), AG_IO_AGAIN);
	/* whoever takes them has no memory */
	refusal = -ENOMEM;
	say(command, sizeof(command));
	say(command, sizeof(command));
	cr_expect_eq(read_once(), -ENOMEM);
	cr_expect_eq(count, 1);
}

Test(io_vhci, what_the_kernel_says_to_a_packet)
{
	static const struct {
		int error, result;
	} rows[] = {
		{ ENXIO, AG_IO_HOST_DOWN }, { EINVAL, AG_IO_REFUSED }, { EBADFD, AG_IO_REFUSED },
		{ EAGAIN, AG_IO_AGAIN },    { EINTR, AG_IO_AGAIN },    { EIO, -EIO },
	};

	cr_assert_eq(open_it(&alone), 0);
	ag_sim_calls.write = write_answer;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answer_errno = rows[i].error;
		cr_expect_eq(write_event(), rows[i].result, "%s", strerror(rows[i].error));
	}
	cr_expect_str_eq(transport->why, "hci258: Input/output error");
	ag_sim_calls.write = NULL;
	ag_sim_calls.read = read_answer;
	answer = -1;
	cr_expect_eq(read_once(), -EIO);
	answer_errno = EINTR;
	cr_expect_eq(read_once(), AG_IO_AGAIN);
	ag_sim_calls.read = NULL;
}

Test(io_vhci, one_that_the_kernel_has_given_up)
{
	cr_assert_eq(open_it(&alone), 0);
	cr_expect_eq(ag_vhci_given_up(transport), -ETIMEDOUT);
	cr_expect_str_eq(transport->why, "the kernel has given up the set-up of hci258, where a "
					 "command may take two seconds (see `dmesg')");
}

Test(io_vhci, without_memory)
{
	const struct ag_address address = { .kind = AG_ADDRESS_VHCI, .text = "vhci" };
	struct ag_transport *other = NULL;

	ag_sim_alloc_fail_after(0);
	cr_expect_eq(ag_transport_new(&address, &other), -ENOMEM);
	cr_expect(ag_sim_alloc_fail_end() && !other);
}
