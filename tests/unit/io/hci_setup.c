/* SPDX-License-Identifier: GPL-2.0-or-later */

/* When a virtual controller counts as given up by the kernel; that the kernel's answers mean what
 * is made of them is shown in the virtual machine. */

#include <criterion/criterion.h>

#include "proxy/io/hci_setup.h"

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

Test(hci_setup, without_an_answer_nothing_is_done)
{
	cr_expect_eq(judge(AG_HCI_SETUP_UNKNOWN), AG_SETUP_DONE);
	cr_expect_eq(watch.failures, 0);
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
