/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/metrics_file.h"

#include <errno.h>
#include <stdlib.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/disk.h"
#include "proxy/io/metrics.h"
#include "proxy/io/replace.h"

/* Counters are no secret, and who collects them is another user. */
#define MODE 0644

struct ag_metrics_file {
	const char *path;
	struct ag_control_host host;
	struct ev_loop *loop;
	struct ev_timer period;
	struct ag_disk *disk;
};

/* @return: for free(), or NULL when out of memory */
static char *text_now(const struct ag_metrics_file *file)
{
	struct ag_control_view view = { .engine = NULL };

	file->host.view(file->host.user, &view);
	return ag_metrics_text(&view);
}

static void write_now(struct ag_metrics_file *file)
{
	char *text = text_now(file);

	if (text)
		ag_disk_write(file->disk, file->path, text);
}

static void on_period(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	write_now(timer->data);
}

/* There are no packets yet that would wait, and whoever starts us is to know. */
static int write_first(const struct ag_metrics_file *file)
{
	ag_autofree char *text = text_now(file);

	return text ? ag_replace(file->path, text, MODE, false) : -ENOMEM;
}

int ag_metrics_file_open(const char *path, const struct ag_control_host *host, struct ev_loop *loop,
			 struct ag_metrics_file **out)
{
	/* what is lost with the power is written again anyway, and a flash would wear out */
	static const struct ag_disk_config files = {
		.failing = "metrics are not written",
		.well = "metrics are written again",
		.mode = MODE,
		.patience_ms = 500,
	};
	struct ag_metrics_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->path = path;
	file->host = *host;
	file->loop = loop;
	r = write_first(file);
	if (r == 0)
		r = ag_disk_new(&files, &file->disk);
	if (r < 0) {
		free(file);
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
	write_now(file);
	ag_disk_close(file->disk);
	free(file);
}
