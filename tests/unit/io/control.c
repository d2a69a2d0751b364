/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket in a loop of the test's: clients that may not ask, and times of need. */
#include <criterion/criterion.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/io/control.h"
#include "proxy/io/control_socket.h"
#include "tests/sim/alloc.h"
#include "tests/unit/io/idle_session.h"

TestSuite(io_control, .timeout = 60);

#define NOBODY 65534

static char dir[] = "/tmp/attgate-control-XXXXXX";
static char path[64];

/** A session that has not begun, and the control socket of it. */
struct stage {
	struct ev_loop *loop;
	struct idle_session session;
	struct ag_control *control;
	uint64_t reloads;
};

static void view(void *user, struct ag_control_view *out)
{
	*out = ((const struct stage *)user)->session.view;
}

static int reload(void *user, uint64_t *number)
{
	*number = ++((struct stage *)user)->reloads;
	return 0;
}

static int record(void *user, enum ag_control_recording what, const struct ag_record_config *config,
		  char file[AG_CONTROL_FILE_MAX])
{
	(void)user;
	(void)what;
	(void)config;
	file[0] = '\0';
	return AG_RECORD_IDLE;
}

static void begin(struct stage *stage, const char *group)
{
	const struct ag_control_config config = {
		.path = path,
		.group = group,
		.host = { view, reload, stage, record },
	};
	char why[256];

	memset(stage, 0, sizeof(*stage));
	cr_assert(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/s", dir);
	stage->loop = ev_loop_new(EVFLAG_AUTO);
	idle_session_init(&stage->session, "rule one accept");
	cr_assert_eq(ag_control_new(&config, stage->loop, why, &stage->control), 0, "%s", why);
}

static void end(struct stage *stage)
{
	ag_control_free(stage->control);
	cr_expect_eq(access(path, F_OK), -1);
	idle_session_clear(&stage->session);
	ev_loop_destroy(stage->loop);
	rmdir(dir);
}

/** Connect as a user and a group. @return: a descriptor that does not wait */
static int client(uid_t uid, gid_t gid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	cr_assert_eq(setegid(gid), 0);
	cr_assert_eq(seteuid(uid), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s",
		     strerror(errno));
	cr_assert_eq(seteuid(getuid()), 0);
	cr_assert_eq(setegid(getgid()), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/** Let the loop turn until something comes. @return: as recv() */
static ssize_t hear(const struct stage *stage, int fd, char *out, size_t size)
{
	ssize_t n = -1;

	for (int i = 0; i < 100 && n < 0; i++) {
		ev_run(stage->loop, EVRUN_NOWAIT);
		n = recv(fd, out, size - 1, 0);
	}
	out[n > 0 ? n : 0] = '\0';
	return n;
}

static void ask(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* ---- Who may ask ---- */

/* @return: whether somebody of that user and groups is answered */
static bool is_answered(const struct stage *stage, uid_t uid, gid_t gid)
{
	int fd = client(uid, gid);
	char text[4096];
	ssize_t n;

	(void)send(fd, "{\"request\": \"status\"}\n", 22, MSG_NOSIGNAL);
	n = hear(stage, fd, text, sizeof(text));
	close(fd);
	return n > 0 && strstr(text, "\"reply\": \"status\"");
}

Test(io_control, only_its_owner_may_ask)
{
	struct stage stage;

	if (getuid() != 0)
		cr_skip("only root can be somebody else");
	begin(&stage, NULL);
	cr_assert_eq(chmod(path, 0666), 0); /* so that only what we look at counts */
	cr_expect(is_answered(&stage, 0, 0));
	cr_expect_not(is_answered(&stage, NOBODY, 0));
	end(&stage);
}

Test(io_control, members_of_its_group_may_ask)
{
	static const gid_t two[] = { 12, 4711 }, one[] = { 12 };
	struct stage stage;

	if (getuid() != 0)
		cr_skip("only root can be somebody else");
	begin(&stage, "4711");
	cr_assert_eq(chmod(path, 0666), 0);
	cr_expect(is_answered(&stage, NOBODY, 4711), "by the primary group");
	cr_assert_eq(setgroups(2, two), 0);
	cr_expect(is_answered(&stage, NOBODY, 13), "by another one");
	cr_assert_eq(setgroups(1, one), 0);
	cr_expect_not(is_answered(&stage, NOBODY, 13), "of none");
	end(&stage);
}

Test(io_control, the_socket_of_a_group)
{
	struct ag_listener listener;
	struct ag_control_group group;
	struct stat st;
	char why[256];

	if (getuid() != 0)
		cr_skip("only root can give files away");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/s", dir);
	cr_assert_eq(ag_control_listen(path, "daemon", &listener, &group, why), 0, "%s", why);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect(group.given && st.st_gid == group.gid && group.gid != 0);
	cr_expect_eq(st.st_mode & 0777, 0660);
	ag_listener_close(&listener, path);
	cr_expect_eq(ag_control_listen(path, "no-such", &listener, &group, why), -ENOENT);
	cr_expect_eq(ag_control_listen(path, "4294967295", &listener, &group, why), -ENOENT);
	cr_expect_eq(ag_control_listen(path, "12x", &listener, &group, why), -ENOENT);
	/* of which whoever runs it is no member */
	cr_assert_eq(seteuid(NOBODY), 0);
	cr_expect_eq(ag_control_listen(path, "4711", &listener, &group, why), -EPERM);
	cr_expect(strstr(why, "cannot be given to group 4711"), "%s", why);
	cr_assert_eq(seteuid(0), 0);
	cr_expect_eq(access(path, F_OK), -1, "left behind");
	rmdir(dir);
}

/* ---- Need ---- */

/* Whichever allocation fails: the client is answered, told so or gone, and the next one is served.
 */
Test(io_control, without_memory)
{
	static const char *const lines[] = {
		"{\"request\": \"links\"}\n",
		"{\"request\": \"reload\"}\n",
		"{\"request\": \"trace\", \"filter\": \"att.handle == 1\"}\n",
		"{\"request\": ",
	};
	struct stage stage;
	char text[4096];

	begin(&stage, NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int failed = 1;

		for (uint64_t k = 0; failed; k++) {
			int fd;
			ssize_t n;

			ag_sim_alloc_fail_after(k);
			fd = client(getuid(), getgid());
			ask(fd, lines[i]);
			shutdown(fd, SHUT_WR);
			for (int turn = 0; turn < 4; turn++)
				ev_run(stage.loop, EVRUN_NOWAIT);
			ag_control_reloaded(stage.control, stage.reloads, 0, "");
			n = hear(&stage, fd, text, sizeof(text));
			failed = ag_sim_alloc_fail_end();
			cr_expect(failed || n > 0, "%s", lines[i]);
			cr_expect(n <= 0 || text[n - 1] == '\n', "%s: %s", lines[i], text);
			close(fd);
			cr_expect(is_answered(&stage, getuid(), getgid()), "%s", lines[i]);
		}
	}
	end(&stage);
}

/* Whichever allocation fails while a decision is told: the watcher has it, or is gone. */
Test(io_control, a_watcher_without_memory)
{
	static const struct ag_link_view link = { .handle = 0x40 };
	static const uint8_t pdu[] = { 0x0a, 0x16, 0x00 };
	const struct ag_decision decision = {
		.number = 1, .link = &link, .is_att = true, .pdu = pdu, .len = sizeof(pdu)
	};
	struct stage stage;
	char text[4096];
	int failed = 1;

	begin(&stage, NULL);
	for (uint64_t k = 0; failed; k++) {
		int fd = client(getuid(), getgid());
		ssize_t n;

		ask(fd, "{\"request\": \"trace\"}\n");
		cr_assert_gt(hear(&stage, fd, text, sizeof(text)), 0);
		ag_control_tap(stage.control, &decision);
		ag_sim_alloc_fail_after(k);
		n = hear(&stage, fd, text, sizeof(text));
		failed = ag_sim_alloc_fail_end();
		cr_expect(n == 0 || (n > 0 && strstr(text, "\"event\": \"decision\"")), "%s", text);
		cr_expect(failed || n > 0);
		close(fd);
		cr_expect(is_answered(&stage, getuid(), getgid()));
	}
	end(&stage);
}

/* No descriptors: who waits is served as soon as there are some. */
Test(io_control, without_descriptors)
{
	struct rlimit limit, none;
	struct stage stage;
	char text[4096];
	int fd;

	begin(&stage, NULL);
	fd = client(getuid(), getgid());
	ask(fd, "{\"request\": \"links\"}\n");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_cur = (rlim_t)fd + 1, .rlim_max = limit.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(hear(&stage, fd, text, sizeof(text)), -1);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (recv(fd, text, sizeof(text), 0) < 0)
		ev_run(stage.loop, EVRUN_ONCE);
	cr_expect(strncmp(text, "{\"reply\": \"links\"", 17) == 0);
	close(fd);
	end(&stage);
}

/* An answer for one who has gone. */
Test(io_control, who_goes_before_the_answer)
{
	struct stage stage;
	int fd;

	begin(&stage, NULL);
	fd = client(getuid(), getgid());
	ask(fd, "{\"request\": \"links\"}\n");
	close(fd);
	for (int turn = 0; turn < 4; turn++)
		ev_run(stage.loop, EVRUN_NOWAIT);
	cr_expect(is_answered(&stage, getuid(), getgid()));
	end(&stage);
}
