/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/btmon.h"
#include "tests/sim/bluetooth.h"
#include "tests/sim/calls.h"

static const uint8_t read_request[] = { 0x0a, 0x16, 0x00 };
static const struct ag_link_view view = { .handle = 0x40 };
static const struct ag_rule rule = { .name = "quiet" };

static struct ag_decision make(enum ag_from from)
{
	return (struct ag_decision){
		.number = 12,
		.from = from,
		.link = &view,
		.is_att = true,
		.pdu = read_request,
		.len = sizeof(read_request),
		.rule = &rule,
		.verdict = AG_V_REJECT,
		.error = 0x0a,
		.has_error = true,
	};
}

#define TEXT "#12 reject attribute_not_found by quiet: Read Request, Handle: 0x0016"

/* What the kernel's hci_logging_frame() demands. */
Test(io_btmon, a_message_has_the_form_of_the_kernel)
{
	struct ag_decision decision = make(AG_FROM_HOST);
	uint8_t frame[AG_BTMON_FRAME_MAX];
	size_t len = ag_btmon_frame(&decision, 2, frame);

	cr_expect_eq(len, 8 + 8 + sizeof(TEXT));
	cr_expect_eq(memcmp(frame, "\0\0\2\0", 4), 0);
	cr_expect_eq((size_t)(frame[4] | frame[5] << 8), len - 6);
	cr_expect_eq(frame[6], 5);
	cr_expect_eq(frame[7], 8);
	cr_expect_str_eq((const char *)frame + 8, "attgate");
	cr_expect_str_eq((const char *)frame + 16, TEXT);
}

Test(io_btmon, a_long_message_is_cut)
{
	struct ag_decision decision = make(AG_FROM_HOST);
	uint8_t frame[AG_BTMON_FRAME_MAX];
	char text[2000];
	size_t len;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	decision.log_text = text;
	len = ag_btmon_frame(&decision, 2, frame);
	cr_expect_eq(len, AG_BTMON_FRAME_MAX);
	cr_expect_eq(frame[len - 1], 0);
}

static uint16_t heard_index(int fd)
{
	uint8_t frame[AG_BTMON_FRAME_MAX];
	ssize_t len = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);

	cr_assert_gt(len, 16);
	return (uint16_t)(frame[2] | frame[3] << 8);
}

Test(io_btmon, of_what_just_passes_nothing_is_said_unless_that_is_wanted)
{
	struct ag_decision acted = make(AG_FROM_HOST), passed = make(AG_FROM_HOST);
	struct ag_btmon btmon = { .fd = -1 };
	int fd[2];

	passed.rule = NULL;
	passed.verdict = AG_V_ACCEPT;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	btmon.fd = fd[0];
	ag_btmon_opened(&btmon, AG_SIDE_HOST, "hci1");
	ag_btmon_tap(&btmon, &passed);
	ag_btmon_tap(&btmon, &acted);
	cr_expect_eq(heard_index(fd[1]), 1);
	cr_expect_eq(recv(fd[1], (uint8_t[8]){ 0 }, 8, MSG_DONTWAIT), -1);
	/* each way in which a PDU did not just pass */
	for (unsigned int i = 0; i < 4; i++) {
		struct ag_decision other = passed;

		other.rule = i == 0 ? &rule : NULL;
		other.verdict = i == 1 ? AG_V_LATE : AG_V_ACCEPT;
		other.effects = i == 2 ? AG_EFFECT_DELAY : 0;
		other.log_text = i == 3 ? "look" : NULL;
		ag_btmon_tap(&btmon, &other);
		cr_expect_eq(heard_index(fd[1]), 1, "%u", i);
	}
	btmon.all = true;
	ag_btmon_tap(&btmon, &passed);
	cr_expect_eq(heard_index(fd[1]), 1);
	ag_btmon_close(&btmon);
	close(fd[1]);
}

Test(io_btmon, a_message_belongs_to_the_side_that_sent)
{
	struct ag_decision host = make(AG_FROM_HOST), peer = make(AG_FROM_PEER);
	struct ag_btmon btmon = { .fd = -1 };
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	btmon.fd = fd[0];
	ag_btmon_opened(&btmon, AG_SIDE_CONTROLLER, "hci0 00:AA:01:00:00:00");
	ag_btmon_opened(&btmon, AG_SIDE_HOST, "hci12");
	ag_btmon_tap(&btmon, &host);
	cr_expect_eq(heard_index(fd[1]), 12);
	ag_btmon_tap(&btmon, &peer);
	cr_expect_eq(heard_index(fd[1]), 0);
	ag_btmon_opened(&btmon, AG_SIDE_HOST, "unix:/run/hci12");
	ag_btmon_tap(&btmon, &host);
	cr_expect_eq(heard_index(fd[1]), 0xffff);
	ag_btmon_opened(&btmon, AG_SIDE_HOST, "hci70000");
	ag_btmon_tap(&btmon, &host);
	cr_expect_eq(heard_index(fd[1]), 0xffff);
	/* nobody reads: no message waits, and nothing is said of it */
	for (int i = 0; i < 10000; i++)
		ag_btmon_tap(&btmon, &host);
	cr_expect_not(btmon.told);
	ag_btmon_close(&btmon);
	cr_expect_eq(btmon.fd, -1);
	close(fd[1]);
}

/* Nobody takes what is said: once told, and the traffic goes on. */
Test(io_btmon, a_channel_that_fails)
{
	struct ag_decision host = make(AG_FROM_HOST);
	struct ag_btmon btmon = { .fd = -1 };
	char text[512] = "";
	int fd[2], log[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	cr_assert_eq(pipe(log), 0);
	cr_assert_geq(dup2(log[1], STDERR_FILENO), 0);
	close(fd[1]);
	btmon.fd = fd[0];
	ag_btmon_tap(&btmon, &host);
	ag_btmon_tap(&btmon, &host);
	cr_expect(btmon.told);
	cr_assert_gt(read(log[0], text, sizeof(text) - 1), 0);
	cr_expect_str_eq(text,
			 "attgate: btmon does not show everything that is decided: Broken pipe\n");
	ag_btmon_close(&btmon);
}

static unsigned int gone;

/* As often as there is no such controller. */
static ssize_t send_of_one_that_is_gone(int fd, const void *data, size_t len, int flags)
{
	(void)fd;
	(void)data;
	(void)len;
	(void)flags;
	if (gone == 0)
		return AG_SIM_KERNEL;
	gone--;
	errno = ENODEV;
	return -1;
}

/* What was decided of a controller that has gone meanwhile belongs to none. */
Test(io_btmon, a_controller_that_is_gone)
{
	struct ag_decision host = make(AG_FROM_HOST);
	struct ag_btmon btmon = { .fd = -1 };

	ag_sim_bluetooth_begin();
	ag_btmon_open(&btmon);
	cr_assert_geq(btmon.fd, 0);
	ag_btmon_opened(&btmon, AG_SIDE_HOST, "hci2");
	ag_btmon_tap(&btmon, &host);
	cr_expect_eq(heard_index(ag_sim_bluetooth.logging), 2);
	ag_sim_calls.send = send_of_one_that_is_gone;
	gone = 1;
	ag_btmon_tap(&btmon, &host);
	cr_expect_eq(heard_index(ag_sim_bluetooth.logging), 0xffff);
	cr_expect_not(btmon.told);
	/* nor is there anything else */
	gone = 2;
	ag_btmon_tap(&btmon, &host);
	cr_expect(btmon.told);
	ag_btmon_close(&btmon);
}

Test(io_btmon, a_kernel_without_the_channel)
{
	struct ag_btmon btmon = { .fd = 0 };
	char text[512] = "";
	int log[2];

	ag_sim_bluetooth_begin();
	ag_sim_bluetooth.socket_error = EPERM;
	cr_assert_eq(pipe(log), 0);
	cr_assert_geq(dup2(log[1], STDERR_FILENO), 0);
	ag_btmon_open(&btmon);
	cr_expect_eq(btmon.fd, -1);
	cr_assert_gt(read(log[0], text, sizeof(text) - 1), 0);
	cr_expect_str_eq(text, "attgate: btmon will not show what is decided: no logging channel "
			       "(Operation not permitted)\n");
	ag_btmon_close(&btmon);
}
