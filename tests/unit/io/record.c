/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Recordings: what is in them, what they are called, and what happens when a disk is full. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/capture.h"
#include "proxy/io/record.h"
#include "tests/sim/alloc.h"
#include "tests/sim/calls.h"

static char directory[] = "/tmp/attgate-record-XXXXXX";
static struct ag_recorder recorder;

static void set_up(void)
{
	cr_assert(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	memset(&recorder, 0, sizeof(recorder));
	/* what is logged on the way is looked at end to end */
	cr_assert(freopen("/dev/null", "w", stderr));
}

static void tear_down(void)
{
	char command[64];

	ag_recorder_stop(&recorder, 60000);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(io_record, .init = set_up, .fini = tear_down, .timeout = 60);

static void start(const char *path, uint64_t size, unsigned int count)
{
	const struct ag_record_config config = { path, size, count };

	cr_assert_eq(ag_recorder_start(&recorder, &config), 0);
}

static void open_sides(void)
{
	ag_recorder_opened(&recorder, AG_SIDE_CONTROLLER, "hci0 00:AA:01:00:00:00", 0xaa01000000);
	ag_recorder_opened(&recorder, AG_SIDE_HOST, "unix:/run/host", 0);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static const uint8_t command[] = { 0x01, 0x01, 0xfc, 0x00 };
static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };
static const uint8_t address_known[] = { 0x04, 0x0e, 0x0a, 0x01, 0x09, 0x10, 0x00,
					 0x06, 0x05, 0x04, 0x03, 0x02, 0x01 };
static const uint8_t read_request[] = { 0x0a, 0x16, 0x00 };
static const uint8_t written_name[] = { 0x12, 0x03, 0x00, 'S', 'e', 'c', 'r', 'e', 't' };

static void see(enum ag_side side, bool written, const uint8_t *packet, size_t len)
{
	ag_recorder_watch(&recorder, side, written, packet, len);
}

static void decide(uint64_t number, const uint8_t *pdu, size_t len, enum ag_verdict verdict)
{
	static const struct ag_link_view view = { .handle = 0x40 };
	static const struct ag_rule rule = { .name = "quiet" };
	const struct ag_decision decision = {
		.number = number,
		.from = AG_FROM_HOST,
		.link = &view,
		.is_att = true,
		.pdu = pdu,
		.len = len,
		.rule = verdict == AG_V_ACCEPT ? NULL : &rule,
		.verdict = verdict,
		.error = 0x0a,
		.has_error = verdict == AG_V_REJECT,
	};

	ag_recorder_tap(&recorder, &decision);
}

/* A file as text: a line "INDEX OPCODE OCTETS" for each record, notes with their text. */
static void describe(const char *path, char *out, size_t size)
{
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	size_t at = 0;
	int r;

	out[0] = '\0';
	cr_assert_eq(ag_capture_open(path, stdout, &capture), 0, "%s", path);
	cr_assert_eq(ag_capture_link(capture), AG_BTSNOOP_MONITOR);
	while ((r = ag_capture_next(capture, &frame)) == 0) {
		unsigned int opcode = frame.head.flags & 0xffff;

		at += (size_t)snprintf(out + at, size - at, "%u:%u", frame.meaning.index, opcode);
		if (opcode == AG_MONITOR_USER_LOGGING)
			at += (size_t)snprintf(out + at, size - at, " %s", frame.data + 10);
		at += (size_t)snprintf(out + at, size - at, "\n");
		cr_assert_lt(at, size);
	}
	cr_assert_eq(r, AG_CAPTURE_END);
	ag_capture_close(capture);
}

static void expect_file(const char *path, const char *expected)
{
	char text[8192];

	describe(path, text, sizeof(text));
	cr_expect_str_eq(text, expected, "%s:\n%s", path, text);
}

static unsigned int records(const char *path)
{
	char text[1 << 16];
	unsigned int count = 0;

	describe(path, text, sizeof(text));
	for (const char *at = text; *at; at++)
		count += *at == '\n';
	return count;
}

Test(io_record, both_sides_and_what_was_decided)
{
	start("trace", 0, 0);
	open_sides();
	see(AG_SIDE_HOST, false, command, sizeof(command));
	see(AG_SIDE_CONTROLLER, true, command, sizeof(command));
	see(AG_SIDE_CONTROLLER, false, address_known, sizeof(address_known));
	see(AG_SIDE_HOST, true, address_known, sizeof(address_known));
	decide(1, read_request, sizeof(read_request), AG_V_REJECT);
	decide(2, written_name, sizeof(written_name), AG_V_ACCEPT);
	see(AG_SIDE_HOST, true, event, sizeof(event));
	ag_recorder_closed(&recorder);
	cr_expect_eq(recorder.packets, 5);
	cr_expect_eq(recorder.decisions, 2);
	cr_expect(recorder.wants_all);
	cr_expect_eq(ag_recorder_stop(&recorder, 60000), 0);
	cr_expect_not(recorder.wants_all);
	cr_expect_eq(ag_recorder_stop(&recorder, 60000), AG_RECORD_IDLE);
	expect_file("trace",
		    "0:0\n0:8\n1:0\n1:8\n"
		    "1:2\n0:2\n0:3\n0:10\n1:3\n1:10\n"
		    "1:13 #1 reject attribute_not_found by quiet: Read Request, Handle: 0x0016\n"
		    "1:13 #2 accept: Write Request, Handle: 0x0003\n"
		    "1:3\n1:9\n1:1\n0:9\n0:1\n");
}

Test(io_record, an_index_has_its_name_and_address)
{
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;

	start("trace", 0, 0);
	open_sides();
	ag_recorder_stop(&recorder, 60000);
	cr_assert_eq(ag_capture_open("trace", stdout, &capture), 0);
	cr_assert_eq(ag_capture_next(capture, &frame), 0);
	cr_expect_eq(frame.len, 16);
	cr_expect_eq(memcmp(frame.data, "\0\0\0\0\0\x01\xaa\0hci0\0\0\0\0", 16), 0);
	ag_capture_close(capture);
}

/* However often a host asks for it. */
Test(io_record, an_address_is_told_once)
{
	start("trace", 0, 0);
	open_sides();
	see(AG_SIDE_CONTROLLER, false, address_known, sizeof(address_known));
	see(AG_SIDE_CONTROLLER, false, address_known, sizeof(address_known));
	ag_recorder_stop(&recorder, 60000);
	expect_file("trace", "0:0\n0:8\n1:0\n1:8\n0:3\n0:10\n0:3\n");
}

Test(io_record, is_for_its_owner_only)
{
	struct stat status;

	umask(0);
	start("trace", 0, 0);
	cr_assert_eq(stat("trace", &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0600);
}

Test(io_record, no_file_is_written_over)
{
	cr_assert_eq(close(creat("trace.7", 0600)), 0);
	cr_assert_eq(close(creat("trace.x", 0600)), 0);
	cr_assert_eq(close(creat("trace.09", 0600)), 0);
	cr_assert_eq(close(creat("trace.99999999999999999999", 0600)), 0);
	start("trace", 0, 0);
	cr_expect(is_there("trace.8"));
	ag_recorder_stop(&recorder, 60000);
	start("trace", 0, 0);
	cr_expect(is_there("trace.9"));
	ag_recorder_stop(&recorder, 60000);
	start("./other", 0, 0);
	ag_recorder_stop(&recorder, 60000);
	start("other", 0, 0);
	cr_expect(is_there("other.1"));
}

Test(io_record, a_dangling_link_is_not_followed)
{
	cr_assert_eq(symlink("elsewhere", "trace"), 0);
	start("trace", 0, 0);
	cr_expect(is_there("trace.1"));
	cr_expect_not(is_there("elsewhere"));
}

Test(io_record, one_at_a_time)
{
	const struct ag_record_config config = { "trace", 0, 0 };

	start("trace", 0, 0);
	cr_expect_eq(ag_recorder_start(&recorder, &config), AG_RECORD_BUSY);
	cr_expect_not(is_there("trace.1"));
}

Test(io_record, where_it_cannot_be)
{
	const struct ag_record_config nowhere = { "none/trace", 0, 0 }, dir = { ".", 0, 0 },
				      series = { "/dev/full", 4096, 0 };

	cr_expect_eq(ag_recorder_start(&recorder, &nowhere), -ENOENT);
	cr_expect_eq(ag_recorder_start(&recorder, &dir), -EISDIR);
	cr_expect_eq(ag_recorder_start(&recorder, &series), AG_RECORD_NO_SERIES);
	cr_expect_not(ag_recorder_runs(&recorder));
	cr_expect_not(recorder.wants_all);
	cr_expect_eq(ag_recorder_rotate(&recorder), AG_RECORD_IDLE);
	/* nothing is recorded, and it does no harm */
	see(AG_SIDE_HOST, false, command, sizeof(command));
	decide(1, read_request, sizeof(read_request), AG_V_REJECT);
}

Test(io_record, rotates_when_told)
{
	start("trace", 0, 0);
	open_sides();
	see(AG_SIDE_HOST, false, command, sizeof(command));
	cr_expect_eq(ag_recorder_rotate(&recorder), 0);
	see(AG_SIDE_CONTROLLER, false, event, sizeof(event));
	ag_recorder_stop(&recorder, 60000);
	expect_file("trace", "0:0\n0:8\n1:0\n1:8\n1:2\n");
	expect_file("trace.1", "0:0\n0:8\n1:0\n1:8\n0:3\n");
}

Test(io_record, keeps_the_last_files)
{
	struct stat status;

	cr_assert_eq(close(creat("trace", 0600)), 0);
	start("trace", 4096, 3);
	open_sides();
	/* 27 octets each; nothing is lost, as the buffer takes them all */
	for (int i = 0; i < 2000; i++)
		see(AG_SIDE_HOST, false, command, sizeof(command));
	ag_recorder_stop(&recorder, 60000);
	cr_expect_eq(recorder.lost, 0);
	cr_expect(is_there("trace"), "an earlier run's");
	cr_expect_not(is_there("trace.1"));
	for (int number = 12; number <= 16; number++) {
		char name[32];

		snprintf(name, sizeof(name), "trace.%d", number);
		if (stat(name, &status) < 0)
			continue;
		cr_expect_leq(status.st_size, 4096);
		cr_expect_gt(records(name), 4);
	}
	cr_expect_eq(is_there("trace.12") + is_there("trace.13") + is_there("trace.14") +
			 is_there("trace.15") + is_there("trace.16") + is_there("trace.17"),
		     3);
}

Test(io_record, a_file_put_in_the_place_of_ours_stays)
{
	start("trace", 4096, 1);
	cr_assert_eq(rename("trace", "saved"), 0);
	cr_assert_eq(close(creat("trace", 0600)), 0);
	cr_assert_eq(ag_recorder_rotate(&recorder), 0);
	ag_recorder_stop(&recorder, 60000);
	cr_expect(is_there("trace"));
	cr_expect(is_there("trace.1"));
}

static void wait_for_the_end(void)
{
	while (ag_recorder_runs(&recorder))
		usleep(1000);
}

Test(io_record, a_full_disk_ends_it)
{
	start("/dev/full", 0, 0);
	open_sides();
	see(AG_SIDE_HOST, false, command, sizeof(command));
	wait_for_the_end();
	see(AG_SIDE_HOST, false, command, sizeof(command));
	decide(1, read_request, sizeof(read_request), AG_V_REJECT);
	ag_recorder_closed(&recorder);
	cr_expect_eq(ag_recorder_stop(&recorder, 0), AG_RECORD_IDLE);
	cr_expect_not(recorder.wants_all);
}

/* What was written until then can be read to the last record. */
Test(io_record, a_full_disk_leaves_whole_records)
{
	const struct rlimit limit = { 1000, RLIM_INFINITY };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	start("trace", 0, 0);
	open_sides();
	for (int i = 0; i < 1000; i++)
		see(AG_SIDE_HOST, false, command, sizeof(command));
	wait_for_the_end();
	cr_expect_eq(setrlimit(RLIMIT_FSIZE, &none), 0); /* what gcov writes at the end is whole */
	/* the preamble takes 144, each command 27 */
	cr_expect_eq(records("trace"), 4 + (1000 - 144) / 27);
}

/* A pipe whose reader does not read is the slowest of disks. */
Test(io_record, a_slow_disk_costs_records_and_nothing_else)
{
	uint8_t big[1 + 4 + 1000] = { 0x02, 0x40, 0x00, 0xe8, 0x03 };
	size_t most = 2 * AG_RECORD_BUFFER / sizeof(big);
	uint64_t lost;
	int fd;

	cr_assert_eq(mkfifo("pipe", 0600), 0);
	fd = open("pipe", O_RDONLY | O_NONBLOCK);
	cr_assert_geq(fd, 0);
	start("pipe", 0, 0);
	for (size_t i = 0; i < most; i++)
		see(AG_SIDE_HOST, false, big, sizeof(big));
	lost = recorder.lost;
	cr_expect_gt(lost, 0);
	cr_expect_gt(recorder.packets, most / 5);
	cr_expect_eq(recorder.packets + lost, most);
	cr_expect_eq(ag_recorder_rotate(&recorder), AG_RECORD_NO_SERIES);
	/* nor is the end waited for: the thread goes on alone, and ends with the reader */
	cr_expect_eq(ag_recorder_stop(&recorder, 10), 0);
	cr_expect_null(recorder.file);
	signal(SIGPIPE, SIG_IGN);
	close(fd);
	usleep(50000);
}

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;

static ssize_t wait_for_the_disk(int fd, const void *data, size_t len)
{
	(void)data;
	(void)len;
	if (fd > STDERR_FILENO) {
		pthread_mutex_lock(&disk);
		pthread_mutex_unlock(&disk);
	}
	return AG_SIM_KERNEL;
}

/* There is room for what a few files begin with, and then for none. */
Test(io_record, rotates_while_a_disk_hangs)
{
	unsigned int count = 0;
	char name[32];
	int r = 0;

	pthread_mutex_lock(&disk);
	ag_sim_calls.write = wait_for_the_disk;
	start("trace", 0, 0);
	open_sides();
	while (recorder.lost == 0)
		see(AG_SIDE_HOST, false, command, sizeof(command));
	for (; r == 0 && count < 100; count += r == 0)
		r = ag_recorder_rotate(&recorder);
	cr_expect_eq(r, AG_RECORD_NO_SERIES);
	cr_expect(count > 0 && count < 16, "%u files", count);
	pthread_mutex_unlock(&disk);
	ag_recorder_stop(&recorder, 5000);
	for (unsigned int i = 1; i <= count; i++) {
		snprintf(name, sizeof(name), "trace.%u", i);
		cr_expect_eq(records(name), 4, "%s", name);
	}
}

static bool has_room(size_t len)
{
	if (!ag_record_file_begin(recorder.file, len))
		return false;
	ag_record_file_commit(recorder.file);
	return true;
}

/* Read a pipe to its end; what comes is kept in a file. */
static void *copy_pipe(void *user)
{
	static uint8_t data[1 << 16];
	int in = *(const int *)user, out = creat("copy", 0600);
	ssize_t n;

	while ((n = read(in, data, sizeof(data))) > 0)
		cr_assert_eq(write(out, data, (size_t)n), n);
	close(out);
	return NULL;
}

Test(io_record, says_what_is_missing)
{
	uint8_t big[1 + 4 + 1000] = { 0x02, 0x40, 0x00, 0xe8, 0x03 };
	static char text[1 << 20];
	pthread_t reader;
	int fd;

	cr_assert_eq(mkfifo("pipe", 0600), 0);
	fd = open("pipe", O_RDONLY | O_NONBLOCK);
	cr_assert_geq(fd, 0);
	start("pipe", 0, 0);
	while (recorder.lost == 0)
		see(AG_SIDE_HOST, false, big, sizeof(big));
	cr_assert_eq(fcntl(fd, F_SETFL, 0), 0);
	cr_assert_eq(pthread_create(&reader, NULL, copy_pipe, &fd), 0);
	while (!has_room(AG_RECORD_BUFFER / 4))
		usleep(1000);
	see(AG_SIDE_HOST, false, command, sizeof(command));
	ag_recorder_stop(&recorder, 60000);
	pthread_join(reader, NULL);
	close(fd);
	describe("copy", text, sizeof(text));
	cr_expect(strstr(text, " 1 records are missing here: the disk was too slow\n1:2\n"));
}

Test(io_record, where_there_is_no_number_left)
{
	const struct ag_record_config config = { "trace", 0, 0 };

	cr_assert_eq(close(creat("trace.999999998", 0600)), 0);
	cr_expect_eq(ag_recorder_start(&recorder, &config), -EEXIST);
}

Test(io_record, a_pipe_that_nobody_reads)
{
	const struct ag_record_config config = { "pipe", 0, 0 };

	cr_assert_eq(mkfifo("pipe", 0600), 0);
	cr_expect_eq(ag_recorder_start(&recorder, &config), -ENXIO);
}

Test(io_record, in_a_directory_of_somebody_else)
{
	const struct ag_record_config config = { "trace", 0, 0 };

	if (getuid() != 0)
		cr_skip("only root can be somebody else");
	cr_assert_eq(chmod(".", 0755), 0);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(ag_recorder_start(&recorder, &config), -EACCES);
	cr_assert_eq(seteuid(0), 0);
}

/* The name and what follows it have no room in what the kernel takes. */
Test(io_record, a_name_that_is_too_long)
{
	char path[4096] = "";
	const struct ag_record_config config = { path, 0, 0 };

	memset(path, 'x', sizeof(path) - 1);
	for (size_t i = 0; i < sizeof(path) - 8; i += 2)
		memcpy(path + i, "./", 2);
	cr_assert_eq(ag_recorder_start(&recorder, &config), 0);
	ag_recorder_stop(&recorder, 60000);
	cr_expect_eq(ag_recorder_start(&recorder, &config), -ENAMETOOLONG);
}

/* The next file has nowhere to be: the recording ends with what is in the first one. */
Test(io_record, a_directory_that_goes_away)
{
	cr_assert_eq(mkdir("sub", 0700), 0);
	start("sub/trace", 0, 0);
	open_sides();
	cr_assert_eq(rename("sub", "gone"), 0);
	cr_expect_eq(ag_recorder_rotate(&recorder), 0);
	wait_for_the_end();
	expect_file("gone/trace", "0:0\n0:8\n1:0\n1:8\n");
}

Test(io_record, without_memory)
{
	const struct ag_record_config config = { "trace", 4096, 2 };
	int failed = 1;

	for (uint64_t k = 0; failed; k++) {
		int r;

		ag_sim_alloc_fail_after(k);
		r = ag_recorder_start(&recorder, &config);
		failed = ag_sim_alloc_fail_end();
		cr_expect_eq(r == 0, !failed, "%d", r);
	}
}
