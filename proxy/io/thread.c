/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/thread.h"

#include <signal.h>
#include <time.h>

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

bool ag_thread_end(pthread_t thread, unsigned int patience_ms)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += patience_ms / 1000;
	limit.tv_nsec += patience_ms % 1000 * 1000000L;
	limit.tv_sec += limit.tv_nsec / 1000000000L;
	limit.tv_nsec %= 1000000000L;
	if (pthread_timedjoin_np(thread, NULL, &limit) == 0)
		return true;
	pthread_detach(thread);
	return false;
}
