/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the opener does with a controller that is open when it begins. */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/opener.h"

struct fake {
	struct ag_transport base;
	int opened;
	int closed;
	int renewed;
	int renew_result;
};

static struct fake *fake_of(struct ag_transport *transport)
{
	return (struct fake *)transport;
}

static int fake_open(struct ag_transport *transport, const struct ag_opening *opening)
{
	(void)opening;
	fake_of(transport)->opened++;
	transport->fd = eventfd(0, EFD_CLOEXEC);
	cr_assert_geq(transport->fd, 0);
	return 0;
}

static int fake_renew(struct ag_transport *transport, const struct ag_opening *opening)
{
	struct fake *fake = fake_of(transport);

	(void)opening;
	fake->renewed++;
	return fake->renew_result;
}

static void fake_close(struct ag_transport *transport)
{
	fake_of(transport)->closed++;
	close(transport->fd);
	transport->fd = -1;
}

static const struct ag_transport_ops fake_ops = {
	.open = fake_open,
	.renew = fake_renew,
	.close = fake_close,
};
static const struct ag_transport_ops stream_ops = { .open = fake_open, .close = fake_close };

static struct scene {
	struct ev_loop *loop;
	struct ag_opener opener;
	struct fake fake[2];
	struct ag_transport *transport[2];
	int done;
	int result;
} scene;

static void on_done(void *user, int result, enum ag_side side)
{
	(void)user;
	(void)side;
	scene.done++;
	scene.result = result;
	ev_break(scene.loop, EVBREAK_ALL);
}

static void set_up(void)
{
	scene = (struct scene){ .loop = ev_loop_new(EVFLAG_AUTO) };
	for (size_t i = 0; i < 2; i++) {
		scene.fake[i].base = (struct ag_transport){ .ops = &fake_ops, .fd = -1 };
		scene.transport[i] = &scene.fake[i].base;
	}
	cr_assert_eq(ag_opener_init(&scene.opener, scene.loop, scene.transport, on_done, &scene),
		     0);
}

static void tear_down(void)
{
	ag_opener_clear(&scene.opener);
	for (size_t i = 0; i < 2; i++)
		ag_transport_close(scene.transport[i]);
	ev_loop_destroy(scene.loop);
}

TestSuite(opener, .init = set_up, .fini = tear_down, .timeout = 60);

static void run_after(unsigned int pause_ms)
{
	scene.done = 0;
	cr_assert_eq(ag_opener_start(&scene.opener, true, pause_ms), 0);
	ev_run(scene.loop, 0);
	cr_assert_eq(scene.done, 1);
}

static void run(void)
{
	run_after(0);
}

/* As after the kernel gave up the virtual controller. */
static struct fake *run_with_the_host_closed(void)
{
	run();
	ag_transport_close(scene.transport[AG_SIDE_HOST]);
	run();
	cr_expect_eq(scene.result, 0);
	cr_expect_eq(scene.fake[AG_SIDE_HOST].opened, 2);
	cr_expect_geq(scene.transport[AG_SIDE_CONTROLLER]->fd, 0);
	return &scene.fake[AG_SIDE_CONTROLLER];
}

Test(opener, opens_both)
{
	run();
	cr_expect_eq(scene.result, 0);
	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(scene.fake[i].opened, 1);
		cr_expect_eq(scene.fake[i].renewed, 0);
	}
}

Test(opener, keeps_a_controller_that_is_open)
{
	struct fake *controller = run_with_the_host_closed();

	cr_expect_eq(controller->opened, 1);
	cr_expect_eq(controller->renewed, 1);
	cr_expect_eq(controller->closed, 0);
}

Test(opener, opens_a_controller_again_that_does_not_answer)
{
	struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];

	controller->renew_result = -ETIMEDOUT;
	run_with_the_host_closed();
	cr_expect_eq(controller->opened, 2);
	cr_expect_eq(controller->closed, 1);
}

Test(opener, opens_a_controller_again_that_cannot_be_renewed)
{
	struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];

	controller->base.ops = &stream_ops;
	run_with_the_host_closed();
	cr_expect_eq(controller->opened, 2);
	cr_expect_eq(controller->closed, 1);
}

/* The pause would outlast the test. */
Test(opener, sees_at_once_that_a_kept_controller_has_gone)
{
	struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];
	int ends[2];

	run();
	ag_transport_close(scene.transport[AG_SIDE_HOST]);
	close(controller->base.fd);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	controller->base.fd = ends[0];
	close(ends[1]);
	controller->renew_result = -EPIPE;
	run_after(3600 * 1000);
	cr_expect_eq(scene.result, 0);
	cr_expect_eq(controller->closed, 1);
	cr_expect_eq(controller->opened, 2);
	cr_expect_eq(scene.fake[AG_SIDE_HOST].opened, 2);
}

Test(opener, leaves_an_open_controller_to_who_cancels)
{
	struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];

	run();
	ag_transport_close(scene.transport[AG_SIDE_HOST]);
	controller->renew_result = -ECANCELED;
	run();
	cr_expect_eq(scene.result, -ECANCELED);
	cr_expect_eq(controller->closed, 0);
	cr_expect_eq(scene.fake[AG_SIDE_HOST].opened, 1);
}
