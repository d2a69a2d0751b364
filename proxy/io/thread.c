/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/thread.h"

#include <signal.h>

int ag_thread_start(pthread_t *out, void *(*run)(void *), void *user)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(out, NULL, run, user);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

struct timespec ag_in_ms(unsigned int ms)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += ms / 1000;
	when.tv_nsec += ms % 1000 * 1000000L;
	when.tv_sec += when.tv_nsec / 1000000000L;
	when.tv_nsec %= 1000000000L;
	return when;
}

bool ag_thread_end(pthread_t thread, unsigned int patience_ms)
{
	struct timespec limit = ag_in_ms(patience_ms);

	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &limit) == 0)
		return true;
	pthread_detach(thread);
	return false;
}
