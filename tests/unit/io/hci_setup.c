/* SPDX-License-Identifier: GPL-2.0-or-later */

/* When a virtual controller counts as given up by the kernel; that the kernel's answers mean what
 * is made of them is shown in the virtual machine. */

#include <criterion/criterion.h>
#include <errno.h>

#include "proxy/io/hci_setup.h"
#include "tests/sim/bluetooth.h"
#include "tests/sim/calls.h"

static struct ag_setup_watch watch;

static void set_up(void)
{
	watch = (struct ag_setup_watch){ .loop = NULL };
}

TestSuite(hci_setup, .init = set_up);

static enum ag_setup_verdict judge(enum ag_hci_setup state)
{
	return ag_setup_judge(&watch, state);
}

Test(hci_setup, what_is_idle_for_long_was_given_up)
{
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_FAILED);
}

Test(hci_setup, a_set_up_may_take_as_long_as_it_likes)
{
	for (int i = 0; i < 200; i++)
		cr_expect_eq(judge(AG_HCI_SETUP_RUNS), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_DONE), AG_SETUP_DONE);
}

Test(hci_setup, a_moment_of_idleness_before_and_after_says_nothing)
{
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_RUNS), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_DONE), AG_SETUP_DONE);
}

/* There may be no descriptor for a moment. */
Test(hci_setup, one_answer_that_is_missing_ends_nothing)
{
	for (int i = 0; i < 200; i++) {
		cr_expect_eq(judge(AG_HCI_SETUP_UNKNOWN), AG_SETUP_WAIT);
		cr_expect_eq(judge(AG_HCI_SETUP_RUNS), AG_SETUP_WAIT);
	}
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_UNKNOWN), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_IDLE), AG_SETUP_FAILED);
}

Test(hci_setup, a_kernel_that_never_answers_is_left_alone)
{
	for (int i = 0; i < 9; i++)
		cr_expect_eq(judge(AG_HCI_SETUP_UNKNOWN), AG_SETUP_WAIT);
	cr_expect_eq(judge(AG_HCI_SETUP_UNKNOWN), AG_SETUP_DONE);
	cr_expect_eq(watch.failures, 0);
}

Test(hci_setup, one_that_has_gone_is_not_watched)
{
	cr_expect_eq(judge(AG_HCI_SETUP_GONE), AG_SETUP_DONE);
	cr_expect_eq(watch.failures, 0);
}

/* Answers of the management interface. */
Test(hci_setup, who_is_in_the_list)
{
	static const struct {
		uint8_t data[16];
		size_t len;
		unsigned int index;
		int listed;
	} rows[] = {
		{ { 1, 0, 0xff, 0xff, 9, 0, 3, 0, 0, 2, 0, 0, 0, 7, 1 }, 15, 0, 1 },
		{ { 1, 0, 0xff, 0xff, 9, 0, 3, 0, 0, 2, 0, 0, 0, 7, 1 }, 15, 0x107, 1 },
		{ { 1, 0, 0xff, 0xff, 9, 0, 3, 0, 0, 2, 0, 0, 0, 7, 1 }, 15, 7, 0 },
		/* beyond the list */
		{ { 1, 0, 0xff, 0xff, 9, 0, 3, 0, 0, 1, 0, 0, 0, 7, 1 }, 15, 0x107, 0 },
		/* an empty one, and one that is cut off */
		{ { 1, 0, 0xff, 0xff, 5, 0, 3, 0, 0, 0, 0 }, 11, 0, 0 },
		{ { 1, 0, 0xff, 0xff, 9, 0, 3, 0, 0, 2, 0, 1, 0 }, 13, 0, 0 },
		/* another event: Command Status, Index Added; another command; no success */
		{ { 2, 0, 0xff, 0xff, 3, 0, 3, 0, 0, 1, 0, 0, 0 }, 13, 0, -EAGAIN },
		{ { 4, 0, 0, 0, 0, 0 }, 6, 0, -EAGAIN },
		{ { 1, 0, 0xff, 0xff, 7, 0, 4, 0, 0, 1, 0, 0, 0 }, 13, 0, -EAGAIN },
		{ { 1, 0, 0xff, 0xff, 7, 0, 3, 0, 1, 1, 0, 0, 0 }, 13, 0, -EAGAIN },
		{ { 0 }, 0, 0, -EAGAIN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(ag_hci_setup_listed(rows[i].data, rows[i].len, rows[i].index),
			     rows[i].listed, "row %zu", i);
}

static void fail(void)
{
	watch.idle = 0;
	while (judge(AG_HCI_SETUP_IDLE) != AG_SETUP_FAILED)
		;
}

Test(hci_setup, the_next_one_comes_later_each_time_but_once_a_minute)
{
	unsigned int before = 0;

	for (int i = 0; i < 6; i++) {
		fail();
		cr_expect_eq(ag_setup_pause_ms(&watch), 1000u << i);
		cr_expect_gt(ag_setup_pause_ms(&watch), before);
		before = ag_setup_pause_ms(&watch);
	}
	for (int i = 0; i < 1000; i++) {
		fail();
		cr_expect_eq(ag_setup_pause_ms(&watch), 60000);
	}
}

Test(hci_setup, one_that_is_set_up_makes_good_for_those_before)
{
	fail();
	fail();
	fail();
	judge(AG_HCI_SETUP_DONE);
	fail();
	cr_expect_eq(ag_setup_pause_ms(&watch), 1000);
}

/* ---- Asking the kernel ---- */

static ssize_t broken(int fd, const void *data, size_t len)
{
	(void)fd;
	(void)data;
	(void)len;
	errno = EIO;
	return -1;
}

static ssize_t nothing_to_read(int fd, void *out, size_t len)
{
	(void)fd;
	(void)out;
	(void)len;
	errno = EAGAIN;
	return -1;
}

Test(hci_setup, what_the_kernel_says)
{
	struct ag_sim_bluetooth *kernel = &ag_sim_bluetooth;

	ag_sim_bluetooth_begin();
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_GONE);
	kernel->hci[1].there = true;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_IDLE);
	kernel->listed = 0;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_IDLE);
	kernel->hci[1].up = true;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_RUNS);
	kernel->listed = 1;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_DONE);
	/* nobody says */
	kernel->manage_error = ENOMEM;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_UNKNOWN);
	kernel->manage_error = 0;
	ag_sim_calls.read = nothing_to_read;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_UNKNOWN);
	ag_sim_calls.write = broken;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_UNKNOWN);
	kernel->socket_error = EMFILE;
	cr_expect_eq(ag_hci_setup_ask(1), AG_HCI_SETUP_UNKNOWN);
}

static unsigned int failures;
static unsigned int last_pause_ms;

static void on_failed(void *user, unsigned int pause_ms)
{
	cr_expect_eq(user, &watch);
	failures++;
	last_pause_ms = pause_ms;
}

/* Until nothing is watched any more. */
static void run_watch(struct ev_loop *loop)
{
	ag_setup_watch_start(&watch, loop, 1, on_failed, &watch);
	ev_run(loop, 0);
	cr_expect_not(ev_is_active(&watch.look));
}

Test(hci_setup, watching_ends, .timeout = 60)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

	ag_sim_bluetooth_begin();
	run_watch(loop);
	cr_expect_eq(failures, 0, "there is none");
	ag_sim_bluetooth.hci[1].there = true;
	run_watch(loop);
	cr_expect_eq(failures, 1);
	cr_expect_eq(last_pause_ms, 1000);
	ag_setup_watch_start(&watch, loop, 1, on_failed, &watch);
	ag_setup_watch_stop(&watch);
	cr_expect_not(ev_run(loop, EVRUN_NOWAIT), "something is still waited for");
	ev_loop_destroy(loop);
}
