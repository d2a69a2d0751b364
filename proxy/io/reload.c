/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/reload.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/thread.h"

#define PATIENCE_MS 500

struct ag_reload {
	const char **paths; /* NULL: the default directories */
	size_t n_paths;
	struct ev_loop *loop;
	struct ev_async finished;
	ag_reloaded_fn *done;
	void *user;
	uint64_t number; /* of the reading that is under way, or was last */
	bool running;
	bool again; /* another one was asked for meanwhile */
	pthread_t thread;
	pthread_mutex_t lock;
	bool abandoned; /* under `lock`: the loop is gone */
	/* the thread's until it has finished */
	int result;
	struct ag_rulebook book;
	char *text;
};

/* ---- The thread ---- */

static void *run(void *user)
{
	struct ag_reload *reload = user;

	reload->result = ag_rulebook_read((const char *const *)reload->paths, reload->n_paths,
					  &reload->book, &reload->text);
	pthread_mutex_lock(&reload->lock);
	if (!reload->abandoned)
		ev_async_send(reload->loop, &reload->finished);
	pthread_mutex_unlock(&reload->lock);
	return NULL;
}

static int begin(struct ag_reload *reload)
{
	int r = ag_thread_start(&reload->thread, run, reload);

	if (r < 0)
		return r;
	reload->running = true;
	reload->number++;
	return 0;
}

/* ---- The loop ---- */

static void hand_over(struct ag_reload *reload)
{
	ag_autofree char *text = ag_take(reload->text);

	reload->done(reload->user, reload->number, reload->result, &reload->book, text);
	ag_rulebook_clear(&reload->book);
}

static void on_finished(struct ev_loop *loop, struct ev_async *watcher, int events)
{
	struct ag_reload *reload = watcher->data;
	int r;

	(void)loop;
	(void)events;
	pthread_join(reload->thread, NULL);
	reload->running = false;
	hand_over(reload);
	if (!reload->again)
		return;
	reload->again = false;
	r = begin(reload);
	if (r < 0)
		reload->done(reload->user, ++reload->number, r, &reload->book, NULL);
}

int ag_reload_new(const char *const *paths, size_t n_paths, struct ev_loop *loop,
		  ag_reloaded_fn *done, void *user, struct ag_reload **out)
{
	struct ag_reload *reload = calloc(1, sizeof(*reload));

	if (reload && paths)
		reload->paths = calloc(n_paths + 1, sizeof(*paths));
	if (!reload || (paths && !reload->paths)) {
		free(reload);
		return -ENOMEM;
	}
	for (size_t i = 0; paths && i < n_paths; i++)
		reload->paths[i] = paths[i];
	reload->n_paths = n_paths;
	reload->loop = loop;
	reload->done = done;
	reload->user = user;
	pthread_mutex_init(&reload->lock, NULL);
	ev_async_init(&reload->finished, on_finished);
	reload->finished.data = reload;
	ev_async_start(loop, &reload->finished);
	*out = reload;
	return 0;
}

bool ag_reload_is_busy(const struct ag_reload *reload)
{
	return reload->running || reload->again;
}

int ag_reload_ask(struct ag_reload *reload, uint64_t *number)
{
	int r = 0;

	if (ag_reload_is_busy(reload)) {
		reload->again = true;
		*number = reload->number + 1;
		return 0;
	}
	r = begin(reload);
	if (r == 0)
		*number = reload->number;
	return r;
}

void ag_reload_free(struct ag_reload *reload)
{
	if (!reload)
		return;
	pthread_mutex_lock(&reload->lock);
	reload->abandoned = true;
	pthread_mutex_unlock(&reload->lock);
	ev_async_stop(reload->loop, &reload->finished);
	if (reload->running && !ag_thread_end(reload->thread, PATIENCE_MS))
		return;
	ag_rulebook_clear(&reload->book);
	free(reload->text);
	free(reload->paths);
	pthread_mutex_destroy(&reload->lock);
	free(reload);
}
