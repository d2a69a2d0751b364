/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/metrics_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/log.h"
#include "proxy/io/metrics.h"
#include "proxy/io/replace.h"
#include "proxy/io/thread.h"

#define PATIENCE_MS 500

struct ag_metrics_file {
	const char *path;
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

/* Counters are no secret, and who collects them is another user. */
static int replace(const struct ag_metrics_file *file, const char *text)
{
	return ag_replace(file->path, text, 0644, false);
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

static void release(struct ag_metrics_file *file)
{
	pthread_mutex_destroy(&file->lock);
	pthread_cond_destroy(&file->changed);
	free(file->text);
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

	if (!file)
		return -ENOMEM;
	file->path = path;
	file->host = *host;
	file->loop = loop;
	pthread_mutex_init(&file->lock, NULL);
	pthread_cond_init(&file->changed, NULL);
	r = write_first(file);
	if (r == 0)
		r = ag_thread_start(&file->thread, serve, file);
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
	if (!file)
		return;
	ev_timer_stop(file->loop, &file->period);
	post(file, text_now(file));
	pthread_mutex_lock(&file->lock);
	file->ending = true;
	pthread_cond_signal(&file->changed);
	pthread_mutex_unlock(&file->lock);
	/* a disk that hangs: the thread and what it uses stay until the process ends */
	if (ag_thread_end(file->thread, PATIENCE_MS))
		release(file);
}
