/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readings that cannot be begun. What they read, and who waits, is shown end to end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/reload.h"
#include "tests/sim/alloc.h"

TestSuite(io_reload, .timeout = 60);

/** What was told of the readings. */
struct told {
	struct ev_loop *loop;
	struct ag_reload *reload;
	size_t count;
	uint64_t number[4];
	int result[4];
	bool busy[4];
};

static void done(void *user, uint64_t number, int result, struct ag_rulebook *book,
		 const char *text)
{
	struct told *told = user;

	(void)book;
	(void)text;
	told->number[told->count] = number;
	told->result[told->count] = result;
	told->busy[told->count++] = ag_reload_is_busy(told->reload);
	/* the thread for the next one is the next thing that is needed */
	ag_sim_alloc_fail_after(0);
}

Test(io_reload, without_a_thread)
{
	char dir[] = "/tmp/attgate-reload-XXXXXX", path[64];
	const char *const paths[] = { path };
	struct told told = { .loop = ev_loop_new(EVFLAG_AUTO) };
	uint64_t number = 0;
	int fd;

	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/rules", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(ag_reload_new(paths, 1, told.loop, done, &told, &told.reload), 0);
	ag_sim_alloc_fail_after(0);
	cr_expect_eq(ag_reload_ask(told.reload, &number), -EAGAIN);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_not(ag_reload_is_busy(told.reload));

	cr_expect_eq(ag_reload_ask(told.reload, &number), 0);
	cr_expect_eq(number, 1);
	fd = open(path, O_WRONLY); /* waits for the reader */
	cr_expect_eq(ag_reload_ask(told.reload, &number), 0);
	cr_expect_eq(number, 2);
	cr_expect(ag_reload_is_busy(told.reload));
	close(fd);
	while (told.count < 2)
		ev_run(told.loop, EVRUN_ONCE);
	ag_sim_alloc_fail_end();
	cr_expect(told.number[0] == 1 && told.result[0] == 0 && told.busy[0]);
	cr_expect(told.number[1] == 2 && told.result[1] == -EAGAIN && !told.busy[1]);
	ag_reload_free(told.reload);
	ag_reload_free(NULL);
	ev_loop_destroy(told.loop);
	unlink(path);
	rmdir(dir);
}
