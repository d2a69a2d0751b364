/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/opener.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proxy/io/log.h"
#include "proxy/io/thread.h"

#define RETRY_MS 1000

/* What does not become right by waiting. */
static bool hopeless(int result)
{
	return result == -ECANCELED || result == -ECONNRESET || result == -EPERM ||
	       result == -EAFNOSUPPORT || result == -ENOMEM;
}

static int open_side(struct ag_opener *opener, enum ag_side side, int other_fd)
{
	struct ag_opening opening = { .cancel_fd = opener->cancel_fd, .other_fd = other_fd };
	struct ag_transport *transport = opener->transport[side];
	bool told = false;

	opener->side = side;
	for (;;) {
		int r = transport->ops->open(transport, &opening);

		if (r == 0 || !opener->patient || hopeless(r))
			return r;
		if (!told)
			ag_log(AG_LOG_NOTICE, "waiting: %s", transport->why);
		told = true;
		r = ag_opening_wait(&opening, -1, 0, RETRY_MS);
		if (r < 0)
			return r;
	}
}

/* The controller, which may have been kept when only the host's side was closed. */
static int have_controller(struct ag_opener *opener)
{
	struct ag_opening opening = { .cancel_fd = opener->cancel_fd, .other_fd = -1 };
	struct ag_transport *controller = opener->transport[AG_SIDE_CONTROLLER];
	int r = -ENOTSUP;

	opener->side = AG_SIDE_CONTROLLER;
	if (controller->fd >= 0 && controller->ops->renew)
		r = controller->ops->renew(controller, &opening);
	if (r == 0 || r == -ECANCELED)
		return r;
	ag_transport_close(controller);
	return open_side(opener, AG_SIDE_CONTROLLER, -1);
}

static int open_both(struct ag_opener *opener)
{
	struct ag_transport *controller = opener->transport[AG_SIDE_CONTROLLER];
	/* poll(2) leaves out the -1 of one that is closed */
	struct ag_opening pause = { .cancel_fd = opener->cancel_fd, .other_fd = controller->fd };
	int r = 0;

	if (opener->pause_ms > 0)
		r = ag_opening_wait(&pause, -1, 0, (int)opener->pause_ms);
	/* one that was kept and has gone in the meantime is opened again at once */
	if (r >= 0 || r == -ECONNRESET)
		r = have_controller(opener);
	if (r < 0)
		return r;
	r = open_side(opener, AG_SIDE_HOST, controller->fd);
	if (r == -ECONNRESET) {
		opener->side = AG_SIDE_CONTROLLER;
		ag_transport_fail(controller, r, "%s went away before a host came",
				  controller->label);
	}
	if (r < 0)
		ag_transport_close(controller);
	return r;
}

static void *run(void *user)
{
	struct ag_opener *opener = user;

	opener->result = open_both(opener);
	ev_async_send(opener->loop, &opener->finished);
	return NULL;
}

static void on_finished(struct ev_loop *loop, struct ev_async *watcher, int events)
{
	struct ag_opener *opener = watcher->data;

	(void)loop;
	(void)events;
	pthread_join(opener->thread, NULL);
	opener->running = false;
	opener->done(opener->user, opener->result, opener->side);
}

int ag_opener_init(struct ag_opener *opener, struct ev_loop *loop,
		   struct ag_transport *const transport[2], ag_opener_done_fn *done, void *user)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	*opener = (struct ag_opener){
		.loop = loop,
		.transport = { transport[0], transport[1] },
		.done = done,
		.user = user,
		.cancel_fd = fd,
	};
	ev_async_init(&opener->finished, on_finished);
	opener->finished.data = opener;
	ev_async_start(loop, &opener->finished);
	return 0;
}

int ag_opener_start(struct ag_opener *opener, bool patient, unsigned int pause_ms)
{
	int r;

	opener->patient = patient;
	opener->pause_ms = pause_ms;
	r = ag_thread_start(&opener->thread, run, opener);
	opener->running = r == 0;
	return r;
}

void ag_opener_cancel(struct ag_opener *opener)
{
	static const uint64_t one = 1;

	/* an eventfd takes this always but at 2^64 - 1 */
	(void)!write(opener->cancel_fd, &one, sizeof(one));
}

void ag_opener_clear(struct ag_opener *opener)
{
	ev_async_stop(opener->loop, &opener->finished);
	close(opener->cancel_fd);
}
