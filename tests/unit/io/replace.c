/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are replaced as a whole: at once, and by the thread that does it for others. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/disk.h"
#include "proxy/io/replace.h"
#include "tests/sim/alloc.h"

static char dir[] = "/tmp/attgate-replace-XXXXXX";

static void begin(void)
{
	cr_assert(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	cr_assert(freopen("log", "w", stderr));
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_expect_eq(system(command), 0);
}

TestSuite(io_replace, .init = begin, .fini = end, .timeout = 60);

static void expect_file(const char *path, const char *text)
{
	char found[256] = "";
	FILE *file = fopen(path, "r");

	cr_assert(file, "%s: %s", path, strerror(errno));
	found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	fclose(file);
	cr_expect_str_eq(found, text, "%s", path);
}

/* Nothing that a disk keeps stands where the new file is written. @return: its reader */
static int put_fifo(void)
{
	int reader;

	cr_assert_eq(mkfifo("f.new", 0600), 0);
	reader = open("f.new", O_RDONLY | O_NONBLOCK);
	cr_assert_geq(reader, 0);
	return reader;
}

Test(io_replace, a_file_has_the_mode_that_was_asked_for)
{
	struct stat st;

	umask(077);
	cr_expect_eq(ag_replace("f", "one", 0644, true), 0);
	cr_expect_eq(ag_replace("f", "two", 0644, true), 0);
	expect_file("f", "two");
	cr_assert_eq(stat("f", &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0644);
	cr_expect_eq(access("f.new", F_OK), -1);
}

/* Whatever goes wrong: the old file stays, and nothing is left behind. */
Test(io_replace, what_cannot_be_written_changes_nothing)
{
	struct rlimit limit, small;
	int reader;

	cr_assert_eq(ag_replace("f", "one", 0600, true), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ .rlim_cur = 2, .rlim_max = limit.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	cr_expect_eq(ag_replace("f", "too long", 0600, true), -EFBIG);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	expect_file("f", "one");
	cr_expect_eq(access("f.new", F_OK), -1);

	reader = put_fifo();
	cr_expect_eq(ag_replace("f", "two", 0600, true), -EINVAL);
	close(reader);
	expect_file("f", "one");
	cr_expect_eq(access("f.new", F_OK), -1);

	/* one that nobody reads is not waited for */
	cr_assert_eq(mkfifo("f.new", 0600), 0);
	cr_expect_eq(ag_replace("f", "two", 0600, true), -ENXIO);
	expect_file("f", "one");
	cr_expect_eq(access("f.new", F_OK), -1);

	cr_assert_eq(symlink("elsewhere", "f.new"), 0);
	cr_expect_eq(ag_replace("f", "two", 0600, true), -ELOOP);
	cr_expect_eq(access("elsewhere", F_OK), -1, "a link was followed");

	cr_assert_eq(mkdir("d", 0700), 0);
	cr_expect_eq(ag_replace("d", "two", 0600, true), -EISDIR);
	cr_expect_eq(access("d.new", F_OK), -1);
	cr_expect_eq(ag_replace("no/f", "two", 0600, true), -ENOENT);
	ag_sim_alloc_fail_after(0);
	cr_expect_eq(ag_replace("f", "two", 0600, true), -ENOMEM);
	cr_expect(ag_sim_alloc_fail_end());
}

/* What no disk keeps cannot be made durable (fdatasync(2)). */
Test(io_replace, what_need_not_last_does_not_wait_for_the_disk)
{
	for (int durable = 0; durable < 2; durable++) {
		int reader = put_fifo();

		cr_expect_eq(ag_replace("f", "one", 0600, durable), durable ? -EINVAL : 0);
		close(reader);
	}
}

/* ---- The thread ---- */

static const struct ag_disk_config config = {
	.failing = "all in memory",
	.well = "all on disk",
	.mode = 0600,
	.durable = true,
	.make_directories = true,
	.patience_ms = 60000,
};

/* Both kinds, through the thread. */
static void replace_a_fifo(bool durable)
{
	struct ag_disk_config other = config;
	struct ag_disk *disk;
	int reader;

	other.durable = durable;
	reader = put_fifo();
	cr_assert_eq(ag_disk_new(&other, &disk), 0);
	ag_disk_write(disk, "f", strdup("one"));
	ag_disk_close(disk);
	close(reader);
	cr_expect_eq(access("f.new", F_OK), -1);
	cr_expect_eq(access("f", F_OK), durable ? -1 : 0);
	(void)unlink("f");
}

Test(io_replace, the_disk_waits_where_it_is_to)
{
	replace_a_fifo(true);
	replace_a_fifo(false);
}

static struct ag_disk *open_disk(void)
{
	struct ag_disk *disk;

	cr_assert_eq(ag_disk_new(&config, &disk), 0);
	return disk;
}

Test(io_replace, the_disk_does_the_last_thing_with_each_file)
{
	struct ag_disk *disk = open_disk();

	ag_disk_write(disk, "a/b/one", strdup("1"));
	ag_disk_write(disk, "a/b/two", strdup("2"));
	ag_disk_write(disk, "a/b/three", strdup("3"));
	ag_disk_touch(disk, "a/b/two");
	ag_disk_remove(disk, "a/b/three");
	ag_disk_write(disk, "a/b/one", strdup("another"));
	ag_disk_close(disk);
	expect_file("a/b/one", "another");
	expect_file("a/b/two", "2");
	cr_expect_eq(access("a/b/three", F_OK), -1);
	expect_file("log", "");
}

/* What never was written is given up at the end, and said once. */
Test(io_replace, a_disk_that_fails_to_the_end)
{
	struct ag_disk *disk = open_disk();

	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(mkdir("d/one", 0700), 0);
	cr_assert_eq(mkdir("d/two", 0700), 0);
	ag_disk_write(disk, "d/one", strdup("1"));
	ag_disk_write(disk, "d/two", strdup("2"));
	ag_disk_close(disk);
	fflush(stderr);
	expect_file("log", "attgate: all in memory: d/one: Is a directory\n");
}

Test(io_replace, the_disk_without_memory)
{
	struct ag_disk *disk = NULL;
	int failed = 1, r = 0;

	for (uint64_t k = 0; failed; k++) {
		ag_sim_alloc_fail_after(k);
		r = ag_disk_new(&config, &disk);
		failed = ag_sim_alloc_fail_end();
		cr_expect(failed ? r == -ENOMEM || r == -EAGAIN : r == 0, "%d", r);
	}
	for (uint64_t k = 0; k < 2; k++) {
		char *text = strdup("text");

		ag_sim_alloc_fail_after(k);
		ag_disk_write(disk, "lost", text);
		cr_expect(ag_sim_alloc_fail_end());
	}
	ag_disk_write(disk, "kept", strdup("text"));
	ag_disk_close(disk);
	expect_file("kept", "text");
	cr_expect_eq(access("lost", F_OK), -1);
}

static off_t size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? -1 : status.st_size;
}

/* Whichever allocation of the thread fails: that is told, and what failed is done at the end. */
Test(io_replace, a_directory_is_made_without_memory)
{
	enum { OF_THE_CALLER = 2 }; /* without one of these nothing is done */
	int failed = 1;

	for (uint64_t k = OF_THE_CALLER; failed; k++) {
		off_t told = size_of("log");
		struct ag_disk *disk = NULL;
		char *text = strdup("text");
		char path[32];

		snprintf(path, sizeof(path), "above%d/d/file", (int)k);
		cr_assert_eq(ag_disk_new(&config, &disk), 0);
		ag_sim_alloc_fail_after(k);
		ag_disk_write(disk, path, text);
		while (access(path, F_OK) < 0 && size_of("log") == told)
			usleep(1000);
		failed = ag_sim_alloc_fail_end();
		cr_expect_eq(failed, size_of("log") > told);
		ag_disk_close(disk);
		expect_file(path, "text");
	}
}
