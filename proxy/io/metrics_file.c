/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/fd.h"
#include "proxy/io/log.h"
#include "proxy/io/metrics.h"

#define PATIENCE_MS 500

struct ag_metrics_file {
	const char *path;
	char *fresh; /* written here and renamed */
	struct ag_control_host host;
	struct ev_loop *loop;
	struct ev_timer period;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *text; /* to be written, or NULL */
	bool ending;
	bool failing; /* the thread's own */
};

/* ---- Writing ---- */

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int write_fresh(const char *fresh, const char *text)
{
	ag_cleanup(ag_fd_cleanup) int fd = open(
	    fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	/* counters are no secret, and who collects them is another user */
	if (fchmod(fd, 0644) < 0)
		return -errno;
	return write_all(fd, text);
}

static int replace(const struct ag_metrics_file *file, const char *text)
{
	int r = write_fresh(file->fresh, text);

	if (r == 0 && rename(file->fresh, file->path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(file->fresh);
	return r;
}

static void replace_and_tell(struct ag_metrics_file *file, const char *text)
{
	int r = replace(file, text);

	if (r < 0 && !file->failing)
		ag_log(AG_LOG_WARNING, "metrics are not written to %s: %s", file->path,
		       strerror(-r));
	else if (r == 0 && file->failing)
		ag_log(AG_LOG_NOTICE, "metrics are written to %s again", file->path);
	file->failing = r < 0;
}

/* ---- The thread ---- */

static void *serve(void *user)
{
	struct ag_metrics_file *file = user;

	pthread_mutex_lock(&file->lock);
	for (;;) {
		ag_autofree char *text = ag_take(file->text);

		if (text) {
			pthread_mutex_unlock(&file->lock);
			replace_and_tell(file, text);
			pthread_mutex_lock(&file->lock);
		} else if (file->ending) {
			break;
		} else {
			pthread_cond_wait(&file->changed, &file->lock);
		}
	}
	pthread_mutex_unlock(&file->lock);
	return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct ag_metrics_file *file)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&file->thread, NULL, serve, file);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static void release(struct ag_metrics_file *file)
{
	pthread_mutex_destroy(&file->lock);
	pthread_cond_destroy(&file->changed);
	free(file->text);
	free(file->fresh);
	free(file);
}

/* ---- The outside ---- */

static char *text_now(const struct ag_metrics_file *file)
{
	struct ag_control_view view = { .engine = NULL };

	file->host.view(file->host.user, &view);
	return ag_metrics_text(&view);
}

/* One that was not begun yet is forgotten. */
static void post(struct ag_metrics_file *file, char *text)
{
	pthread_mutex_lock(&file->lock);
	free(file->text);
	file->text = text;
	pthread_cond_signal(&file->changed);
	pthread_mutex_unlock(&file->lock);
}

static void on_period(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ag_metrics_file *file = timer->data;

	(void)loop;
	(void)events;
	post(file, text_now(file));
}

static int write_first(struct ag_metrics_file *file)
{
	ag_autofree char *text = text_now(file);

	return text ? replace(file, text) : -ENOMEM;
}

int ag_metrics_file_open(const char *path, const struct ag_control_host *host, struct ev_loop *loop,
			 struct ag_metrics_file **out)
{
	struct ag_metrics_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file || asprintf(&file->fresh, "%s.new", path) < 0) {
		free(file);
		return -ENOMEM;
	}
	file->path = path;
	file->host = *host;
	file->loop = loop;
	pthread_mutex_init(&file->lock, NULL);
	pthread_cond_init(&file->changed, NULL);
	r = write_first(file);
	if (r == 0)
		r = start_thread(file);
	if (r < 0) {
		release(file);
		return r;
	}
	ev_timer_init(&file->period, on_period, AG_METRICS_PERIOD_S, AG_METRICS_PERIOD_S);
	ev_set_priority(&file->period, EV_MINPRI);
	file->period.data = file;
	ev_timer_start(loop, &file->period);
	*out = file;
	return 0;
}

void ag_metrics_file_close(struct ag_metrics_file *file)
{
	struct timespec limit;

	if (!file)
		return;
	ev_timer_stop(file->loop, &file->period);
	post(file, text_now(file));
	pthread_mutex_lock(&file->lock);
	file->ending = true;
	pthread_cond_signal(&file->changed);
	pthread_mutex_unlock(&file->lock);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_nsec += PATIENCE_MS * 1000000L;
	limit.tv_sec += limit.tv_nsec / 1000000000L;
	limit.tv_nsec %= 1000000000L;
	/* a disk that hangs: the thread and what it uses stay until the process ends */
	if (pthread_timedjoin_np(file->thread, NULL, &limit) == 0)
		release(file);
	else
		pthread_detach(file->thread);
}
