/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a controller among those that there are, and taking it from whoever has it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/hci_device.h"
#include "tests/sim/bluetooth.h"
#include "tests/sim/calls.h"

#define FIRST  UINT64_C(0x00aa01000000)
#define SECOND UINT64_C(0x00aa01010001)

static const struct ag_opening alone = { .cancel_fd = -1, .other_fd = -1 };
static struct ag_sim_bluetooth *const kernel = &ag_sim_bluetooth;

static void set_up(void)
{
	ag_sim_bluetooth_begin();
}

TestSuite(hci_device, .init = set_up, .timeout = 60);

static struct ag_sim_hci *add(unsigned int index, uint64_t bdaddr)
{
	kernel->hci[index] = (struct ag_sim_hci){ .there = true, .bdaddr = bdaddr };
	return &kernel->hci[index];
}

static struct ag_transport *make(const char *text)
{
	struct ag_address address;
	struct ag_transport *transport;
	const char *why = NULL;

	cr_assert_eq(ag_address_parse(text, AG_SIDE_CONTROLLER, &address, &why), 0, "%s", why);
	cr_assert_eq(ag_transport_new(&address, &transport), 0);
	return transport;
}

static void expect_found(const char *text, uint64_t remembered, unsigned int expected)
{
	struct ag_transport *transport = make(text);
	unsigned int index = 99;

	cr_expect_eq(ag_hci_find(transport, remembered, &index), 0, "%s: %s", text, transport->why);
	cr_expect_eq(index, expected, "%s: hci%u", text, index);
	ag_transport_free(transport);
}

static void expect_none(const char *text, int error, const char *why)
{
	struct ag_transport *transport = make(text);
	unsigned int index = 99;

	cr_expect_eq(ag_hci_find(transport, 0, &index), error);
	cr_expect_str_eq(transport->why, why);
	cr_expect_eq(index, 99);
	ag_transport_free(transport);
}

/* ---- Finding ---- */

Test(hci_device, by_its_number)
{
	add(0, FIRST);
	add(1, SECOND);
	expect_found("hci1", 0, 1);
	/* the one that had it before, and both where they were when many have one address */
	expect_found("hci1", SECOND, 1);
	add(0, SECOND);
	expect_found("hci1", SECOND, 1);
}

Test(hci_device, that_came_back_with_another_number)
{
	add(2, SECOND);
	expect_found("hci0", SECOND, 2);
	add(0, FIRST);
	expect_found("hci0", SECOND, 2);
	/* it is not back: whoever has the number */
	kernel->hci[2].there = false;
	expect_found("hci0", SECOND, 0);
}

Test(hci_device, by_its_address)
{
	add(0, FIRST);
	add(3, SECOND);
	expect_found("00:AA:01:01:00:01", 0, 3);
}

/* A virtual controller shows the address of the one behind it. */
Test(hci_device, the_real_one_of_two)
{
	add(0, SECOND)->is_virtual = true;
	add(1, SECOND);
	add(2, SECOND)->is_virtual = true;
	expect_found("00:AA:01:01:00:01", 0, 1);
	/* among emulated ones, the one that was there first */
	kernel->hci[1].is_virtual = true;
	expect_found("00:AA:01:01:00:01", 0, 0);
}

Test(hci_device, that_is_not_there)
{
	expect_none("hci0", -ENODEV, "there is no controller hci0, nor any other; see `dmesg'");
	add(0, FIRST);
	add(2, FIRST);
	expect_none("hci1", -ENODEV, "there is no controller hci1; there are: hci0 hci2");
	expect_none("00:AA:01:01:00:01", -ENODEV,
		    "there is no controller 00:AA:01:01:00:01; there are: hci0 hci2");
	kernel->list_error = ENOMEM;
	expect_none("00:AA:01:01:00:01", -ENODEV,
		    "there is no controller 00:AA:01:01:00:01, nor any other; see `dmesg'");
}

Test(hci_device, a_kernel_that_gives_no_sockets)
{
	static const struct {
		int error, result;
		const char *why;
	} rows[] = {
		{ EAFNOSUPPORT, -EAFNOSUPPORT,
		  "this kernel has no Bluetooth (AF_BLUETOOTH): `modprobe bluetooth', or use a "
		  "kernel that has it" },
		{ EPROTONOSUPPORT, -EAFNOSUPPORT,
		  "this kernel has no Bluetooth (AF_BLUETOOTH): `modprobe bluetooth', or use a "
		  "kernel that has it" },
		{ EPERM, -EPERM,
		  "no permission for Bluetooth sockets: run it as root, or by attgate@.service" },
		{ EACCES, -EPERM,
		  "no permission for Bluetooth sockets: run it as root, or by attgate@.service" },
		{ EMFILE, -EMFILE, "no Bluetooth socket: Too many open files" },
	};
	struct ag_transport *transport = make("hci0");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel->socket_error = rows[i].error;
		expect_none("hci0", rows[i].result, rows[i].why);
		cr_expect_eq(ag_hci_probe(transport), rows[i].result);
		cr_expect_eq(ag_hci_bind(transport, 0, &alone), rows[i].result);
	}
	kernel->socket_error = 0;
	cr_expect_eq(ag_hci_probe(transport), 0);
	ag_transport_free(transport);
}

/* ---- Taking ---- */

/* No time passes: what is waited for does not come. */
static int waited_ms;

static int wait_for_nothing(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds;
	(void)count;
	waited_ms += timeout_ms;
	return 0;
}

static void expect_taken(struct ag_transport *transport)
{
	int fd = ag_hci_bind(transport, 0, &alone);

	cr_assert_geq(fd, 0, "%s", transport->why);
	cr_expect_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

Test(hci_device, one_that_is_up_is_taken_down)
{
	struct ag_transport *transport = make("hci0");

	add(0, FIRST)->up = true;
	expect_taken(transport);
	cr_expect_not(kernel->hci[0].up);
	cr_expect_eq(kernel->hci[0].binds, 1);
	ag_transport_free(transport);
}

/* The kernel sets it up, somebody else lets go of it, or both. */
Test(hci_device, one_that_is_busy_for_a_while)
{
	static const int errors[] = { EBUSY, EALREADY, EINTR, EUSERS };
	struct ag_transport *transport = make("hci0");
	struct ag_sim_hci *hci = add(0, FIRST);

	ag_sim_calls.poll = wait_for_nothing;
	memcpy(hci->bind_error, errors, sizeof(errors));
	expect_taken(transport);
	cr_expect_eq(hci->binds, 5);
	/* longer each time */
	cr_expect_eq(waited_ms, 20 + 40 + 80 + 160);
	ag_transport_free(transport);
}

static void expect_busy(const struct ag_sim_hci *state, int error, int ms, const char *why)
{
	struct ag_transport *transport = make("hci0");

	kernel->hci[0] = *state;
	waited_ms = 0;
	cr_expect_eq(ag_hci_bind(transport, 0, &alone), error);
	cr_expect(waited_ms >= ms && waited_ms < ms + 500, "%d ms", waited_ms);
	cr_expect_str_eq(transport->why, why);
	ag_transport_free(transport);
}

Test(hci_device, one_that_stays_busy)
{
	struct ag_sim_hci state = { .there = true, .busy = true };

	ag_sim_calls.poll = wait_for_nothing;
	state.bind_error[0] = EBUSY;
	expect_busy(&state, -EBUSY, 15000,
		    "hci0 is still busy with its set-up after 15 s; see `dmesg'");
	/* up, and nobody can take it down */
	state.up = true;
	state.down_error = EBUSY;
	expect_busy(&state, -EUSERS, 3000,
		    "hci0 is held by another program's user channel: end that program first");
	state.up = false;
	state.bind_error[0] = EUSERS;
	expect_busy(&state, -EUSERS, 3000,
		    "hci0 is held by another program's user channel: end that program first");
}

Test(hci_device, waiting_for_it_can_be_given_up)
{
	struct ag_transport *transport = make("hci0");
	struct ag_opening opening = { .other_fd = -1 };
	int ends[2];

	add(0, FIRST)->busy = true;
	kernel->hci[0].bind_error[0] = EBUSY;
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	opening.cancel_fd = ends[0];
	cr_expect_eq(ag_hci_bind(transport, 0, &opening), -ECANCELED);
	ag_transport_free(transport);
}

Test(hci_device, one_that_cannot_be_taken)
{
	static const struct {
		int error, result;
		const char *why;
	} rows[] = {
		{ EPERM, -EPERM,
		  "hci0: no permission to take it (CAP_NET_ADMIN): run attgate as root, or by "
		  "attgate@.service" },
		{ EACCES, -EPERM,
		  "hci0: no permission to take it (CAP_NET_ADMIN): run attgate as root, or by "
		  "attgate@.service" },
		{ ENODEV, -ENODEV, "there is no controller hci0" },
		{ ERFKILL, -ERFKILL, "hci0 is blocked by rfkill: `rfkill unblock bluetooth'" },
		{ EIO, -EIO,
		  "hci0 could not be opened by its driver: Input/output error; see `dmesg'" },
	};
	struct ag_transport *transport = make("hci0");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		add(0, FIRST)->bind_error[0] = rows[i].error;
		cr_expect_eq(ag_hci_bind(transport, 0, &alone), rows[i].result);
		cr_expect_str_eq(transport->why, rows[i].why);
	}
	ag_transport_free(transport);
}

/* ---- rfkill ---- */

static char sys[] = "/tmp/attgate-rfkill-XXXXXX";

/* The switch of hci0 stands in the test's directory. */
static int glob_here(const char *pattern, glob_t *out)
{
	char here[128];

	if (strcmp(pattern, "/sys/class/bluetooth/hci0/rfkill*/soft") != 0)
		return AG_SIM_KERNEL;
	snprintf(here, sizeof(here), "%s/so*", sys);
	return glob(here, 0, NULL, out);
}

static void put_switch(const char *path, char state)
{
	FILE *file = fopen(path, "w");

	cr_assert(file);
	fprintf(file, "%c\n", state);
	fclose(file);
}

/* Nobody lets go of it: bluetoothd would see it go and come for nothing. */
Test(hci_device, one_that_is_blocked_is_let_alone)
{
	struct ag_transport *transport = make("hci0");
	char path[64];

	cr_assert(mkdtemp(sys));
	snprintf(path, sizeof(path), "%s/soft", sys);
	ag_sim_calls.glob = glob_here;
	add(0, FIRST)->up = true;
	put_switch(path, '1');
	cr_expect_eq(ag_hci_bind(transport, 0, &alone), -ERFKILL);
	cr_expect(kernel->hci[0].up && kernel->hci[0].binds == 0);
	cr_expect_str_eq(transport->why, "hci0 is blocked by rfkill: `rfkill unblock bluetooth'");
	put_switch(path, '0');
	expect_taken(transport);
	/* what cannot be read says nothing */
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	expect_taken(transport);
	rmdir(path);
	rmdir(sys);
	expect_taken(transport);
	ag_transport_free(transport);
}
