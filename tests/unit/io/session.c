/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sessions that need a kernel with Bluetooth, which is the test's own, and what a session says when
 * memory is short. Sessions over streams are played end to end. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/session_internal.h"
#include "proxy/wire/hci.h"
#include "tests/sim/alloc.h"
#include "tests/sim/bluetooth.h"
#include "tests/sim/calls.h"

static char dir[] = "/tmp/attgate-session-XXXXXX";
static char rules_path[64], shadow_path[64];
static const char *const rules[] = { rules_path }, *const shadow[] = { shadow_path };

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert(file && fputs(text, file) >= 0);
	fclose(file);
}

static void set_up(void)
{
	char log[64];

	cr_assert(mkdtemp(dir));
	snprintf(rules_path, sizeof(rules_path), "%s/rules", dir);
	snprintf(shadow_path, sizeof(shadow_path), "%s/shadow", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	put_file(rules_path, "rule one accept\n");
	put_file(shadow_path, "rule other reject\n");
	cr_assert(freopen(log, "w", stderr));
}

static void tear_down(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_expect_eq(system(command), 0);
}

TestSuite(io_session, .init = set_up, .fini = tear_down, .timeout = 120);

/* How often the log says so. */
static unsigned int said(const char *words)
{
	static char text[1 << 16];
	char path[64];
	unsigned int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/log", dir);
	file = fopen(path, "r");
	cr_assert(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (const char *at = text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* ---- Rules that are read again ---- */

static void load(struct ag_session *session, const struct ag_session_config *config)
{
	*session = (struct ag_session){ .config = config, .loop = ev_loop_new(EVFLAG_AUTO) };
	cr_assert_eq(ag_session_load_rules(session), 0);
}

static void clear(struct ag_session *session)
{
	ag_reload_free(session->reload);
	ag_reload_free(session->shadow_reload);
	ag_shadow_clear(&session->shadow);
	ag_tally_clear(&session->tally);
	ag_rulebook_clear(&session->rules);
	ev_loop_destroy(session->loop);
}

static void read_to_the_end(const struct ag_session *session)
{
	while (ag_reload_is_busy(session->reload) ||
	       (session->shadow_reload && ag_reload_is_busy(session->shadow_reload)))
		ev_run(session->loop, EVRUN_ONCE);
}

/* The one or the other is read again all the same. */
Test(io_session, reading_without_a_thread)
{
	const struct ag_session_config config = {
		.rules = rules, .n_rules = 1, .shadow = shadow, .n_shadow = 1
	};
	struct ag_session session;
	uint64_t number = 0;

	load(&session, &config);
	ag_sim_alloc_fail_large(0, AG_SIM_STACK);
	cr_expect_eq(ag_session_reload(&session, &number), -EAGAIN);
	cr_expect(ag_sim_alloc_fail_end());
	read_to_the_end(&session);
	cr_expect_eq(
	    said("rules not read again (Resource temporarily unavailable): the 1 that were "
		 "in force stay\n"),
	    1);
	cr_expect_eq(said("shadow: 1 rules look on\n"), 2);
	ag_sim_alloc_fail_large(1, AG_SIM_STACK);
	cr_expect_eq(ag_session_reload(&session, &number), 0);
	cr_expect(ag_sim_alloc_fail_end());
	read_to_the_end(&session);
	cr_expect_eq(said("shadow: not read again, those that were there look on\n"), 1);
	cr_expect_eq(said("shadow: 1 rules look on\n"), 2);
	cr_expect_eq(said("rules read again: 1 in force\n"), 1);
	clear(&session);
}

/* Whichever allocation fails: it is said whether the rules that were in force stay. */
Test(io_session, reading_without_memory)
{
	const struct ag_session_config config = { .rules = rules, .n_rules = 1 };
	struct ag_session session;
	unsigned int readings = 0;
	int failed = 1;

	load(&session, &config);
	for (; failed; readings++) {
		unsigned int kept = said("rules not read again (");
		const struct ag_ruleset *before = session.rules.set;
		uint64_t number;

		ag_sim_alloc_fail_after(readings);
		(void)ag_session_reload(&session, &number);
		read_to_the_end(&session);
		failed = ag_sim_alloc_fail_end();
		kept = said("rules not read again (") - kept;
		cr_expect_eq(kept, session.rules.set == before);
		cr_expect(failed || !kept);
	}
	cr_expect_gt(said("rules not read again (Cannot allocate memory): the 1 that were in force "
			  "stay\n"),
		     10);
	cr_expect_eq(said("rules not read again (") + said("rules read again: 1 in force\n"),
		     readings);
	clear(&session);
}

/* ---- A controller and a virtual one ---- */

#define CONTROLLER UINT64_C(0x00aa01000000)

static struct ag_sim_bluetooth *const kernel = &ag_sim_bluetooth;
static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };
static const uint8_t command[] = { 0x01, 0x01, 0xfc, 0x00 };
static const uint8_t reset[] = { 0x01, 0x03, 0x0c, 0x00 };

static const struct ag_session_config config_of_a_controller = {
	.address = {
		[AG_SIDE_HOST] = { .kind = AG_ADDRESS_VHCI, .text = "vhci" },
		[AG_SIDE_CONTROLLER] = { .kind = AG_ADDRESS_HCI, .text = "hci0" },
	},
	.rules = rules,
	.n_rules = 1,
	.state_dir = "none",
};

static int (*bluetooth_socket)(int family, int type, int protocol);

/* Nobody may have the control socket of a controller that is none. */
static int no_other_socket(int family, int type, int protocol)
{
	if (family != AF_UNIX)
		return bluetooth_socket(family, type, protocol);
	errno = EACCES;
	return -1;
}

static void plug_in(void)
{
	ag_sim_bluetooth_begin();
	bluetooth_socket = ag_sim_calls.socket;
	ag_sim_calls.socket = no_other_socket;
	kernel->hci[0] = (struct ag_sim_hci){ .there = true, .bdaddr = CONTROLLER };
	kernel->hci[2] = (struct ag_sim_hci){ .there = true,
					      .is_virtual = true,
					      .bdaddr = CONTROLLER };
	kernel->vhci_index = 2;
}

/* @return: length of the next packet, 0 for the end */
static size_t hear(int fd, uint8_t out[64])
{
	ssize_t n = recv(fd, out, 64, 0);

	return n > 0 ? (size_t)n : 0;
}

static void hear_until(int fd, const uint8_t *packet, size_t len)
{
	uint8_t got[64];
	size_t n;

	while ((n = hear(fd, got)) > 0 && (n != len || memcmp(got, packet, len) != 0))
		;
	if (n == 0)
		abort(); /* a test waits for it */
}

static void say(int fd, const uint8_t *packet, size_t len)
{
	(void)!send(fd, packet, len, MSG_NOSIGNAL);
}

static void wait_for_vhci(unsigned int count)
{
	while (kernel->vhci_opened < count)
		usleep(1000);
}

/** A session with somebody who plays the controller, the host and the rest of the kernel. */
static int run_with(const struct ag_session_config *config, void *(*player)(void *))
{
	pthread_t thread;
	int r;

	cr_assert_eq(pthread_create(&thread, NULL, player, NULL), 0);
	r = ag_session_run(config);
	pthread_join(thread, NULL);
	return r;
}

static void *play_in_order(void *unused)
{
	wait_for_vhci(1);
	say(kernel->user, event, sizeof(event));
	hear_until(kernel->vhci, event, sizeof(event));
	say(kernel->vhci, command, sizeof(command));
	hear_until(kernel->user, command, sizeof(command));
	kill(getpid(), SIGTERM);
	/* the virtual one goes, and the other is left as it was found */
	while (hear(kernel->vhci, (uint8_t[64]){ 0 }) > 0)
		;
	hear_until(kernel->user, reset, sizeof(reset));
	ag_sim_complete(kernel->user, AG_HCI_RESET, 0, 0);
	return unused;
}

Test(io_session, a_controller_becomes_a_virtual_one)
{
	plug_in();
	kernel->listed = 2;
	cr_expect_eq(run_with(&config_of_a_controller, play_in_order), 0);
	cr_expect_eq(said("hci0 00:AA:01:00:00:00 is now hci2\n"), 1);
	cr_expect_eq(said("no control socket: "), 1);
	cr_expect_geq(kernel->logging, 0, "btmon is told nothing");
}

/* It stands where everybody looks for it, unless somebody said where. */
Test(io_session, a_control_socket_that_was_asked_for)
{
	struct ag_session_config config = config_of_a_controller;

	config.control_group = "0";
	plug_in();
	cr_expect_lt(ag_session_run(&config), 0);
	cr_expect_eq(said("no control socket: "), 1);
	cr_expect_eq(kernel->vhci_opened, 0);
}

static void *play_one_that_is_given_up(void *unused)
{
	int first;

	wait_for_vhci(1);
	first = kernel->vhci;
	while (hear(first, (uint8_t[64]){ 0 }) > 0)
		;
	/* the real one was reset when it was taken, and is reset for the next */
	hear_until(kernel->user, reset, sizeof(reset));
	hear_until(kernel->user, reset, sizeof(reset));
	kernel->listed = 2;
	ag_sim_complete(kernel->user, AG_HCI_RESET, 0, 0);
	wait_for_vhci(2);
	say(kernel->user, event, sizeof(event));
	hear_until(kernel->vhci, event, sizeof(event));
	kill(getpid(), SIGTERM);
	return unused;
}

Test(io_session, one_that_the_kernel_gives_up_is_followed_by_another)
{
	plug_in();
	cr_expect_eq(run_with(&config_of_a_controller, play_one_that_is_given_up), 0);
	cr_expect_eq(
	    said("has given up the set-up of hci2, where a command may take two seconds (see "
		 "`dmesg'); another one is shown in 1 s\n"),
	    1);
	cr_expect_eq(said("hci0 00:AA:01:00:00:00 is now hci2\n"), 2);
	cr_expect_eq(kernel->hci[0].binds, 1, "it was let go of");
}

Test(io_session, one_that_is_given_up_is_the_end_of_one_session)
{
	struct ag_session_config config = config_of_a_controller;

	config.once = true;
	plug_in();
	cr_expect_eq(ag_session_run(&config), -ETIMEDOUT);
	cr_expect_eq(said("has given up the set-up of hci2"), 1);
	cr_expect_eq(kernel->vhci_opened, 1);
}

/* The first packet of the host needs a queue, and there is no memory for it. */
static void *play_until_there_is_no_memory(void *unused)
{
	wait_for_vhci(1);
	say(kernel->user, event, sizeof(event));
	hear_until(kernel->vhci, event, sizeof(event));
	ag_sim_alloc_fail_after(0);
	say(kernel->vhci, command, sizeof(command));
	while (hear(kernel->vhci, (uint8_t[64]){ 0 }) > 0)
		;
	return unused;
}

Test(io_session, without_memory)
{
	struct ag_session_config config = config_of_a_controller;

	config.once = true;
	plug_in();
	kernel->listed = 2;
	cr_expect_eq(run_with(&config, play_until_there_is_no_memory), -ENOMEM);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_eq(said("out of memory: the session is ended\n"), 1);
}
