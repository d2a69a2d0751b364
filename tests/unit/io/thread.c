/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that are waited for, but not for ever. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "proxy/io/thread.h"

TestSuite(io_thread, .timeout = 60);

/* Ends when the other end of its pipe is closed. */
static void *read_to_the_end(void *user)
{
	char octet;

	while (read(*(const int *)user, &octet, 1) > 0)
		;
	return NULL;
}

static void *take_a_moment(void *user)
{
	(void)user;
	usleep(100000);
	return NULL;
}

Test(io_thread, one_that_ends_is_waited_for)
{
	pthread_t thread;

	cr_assert_eq(ag_thread_start(&thread, take_a_moment, NULL), 0);
	cr_expect(ag_thread_end(thread, 50000));
}

/* By the clock on the wall the wait would be over before it begins, or would last for decades. */
Test(io_thread, one_that_hangs_is_left_alone)
{
	static int ends[2];
	pthread_t thread;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(ag_thread_start(&thread, read_to_the_end, &ends[0]), 0);
	cr_expect_not(ag_thread_end(thread, 10));
	close(ends[1]);
}

Test(io_thread, times_carry_into_seconds)
{
	struct timespec before, soon, later;

	clock_gettime(CLOCK_MONOTONIC, &before);
	soon = ag_in_ms(0);
	later = ag_in_ms(1999);
	cr_expect_geq(soon.tv_sec, before.tv_sec);
	cr_expect_lt(soon.tv_sec - before.tv_sec, 3600);
	cr_expect_leq(soon.tv_sec, later.tv_sec - 1);
	cr_expect(later.tv_nsec >= 0 && later.tv_nsec < 1000000000);
}
