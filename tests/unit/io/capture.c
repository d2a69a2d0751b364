/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/capture.h"

TestSuite(io_capture, .timeout = 20);

#define IOS "tests/captures/ios-insufficient-auth.btsnoop"

static size_t load(const char *path, uint8_t *out, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	cr_assert(file);
	len = fread(out, 1, size, file);
	fclose(file);
	return len;
}

static void store(const char *path, const uint8_t *data, size_t len)
{
	FILE *file = fopen(path, "wb");

	cr_assert(file);
	cr_assert_eq(fwrite(data, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

Test(io_capture, reads_every_record)
{
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	uint64_t count = 0;

	cr_assert_eq(ag_capture_open(IOS, stderr, &capture), 0);
	cr_assert_eq(ag_capture_link(capture), AG_BTSNOOP_MONITOR);
	cr_assert_eq(ag_capture_size(capture), 624);
	for (int round = 0; round < 2; round++, count = 0) {
		while (ag_capture_next(capture, &frame) == 0) {
			cr_assert_eq(frame.number, ++count);
			if (count != 8)
				continue;
			/* the Read Request of handle 0x0016 */
			cr_assert_eq(frame.meaning.kind, AG_BTSNOOP_PACKET);
			cr_assert(frame.meaning.from_host);
			cr_assert_eq(frame.len, 12);
			cr_assert_eq(frame.data[0], 0x02);
			cr_assert_eq(memcmp(frame.data + 9, "\x0a\x16\x00", 3), 0);
		}
		cr_assert_eq(count, 17);
		cr_assert_eq(ag_capture_rewind(capture), 0);
	}
	ag_capture_close(capture);
}

/* Cut anywhere, a file gives its whole records, and then says where the broken one is. */
Test(io_capture, cut_anywhere)
{
	uint8_t data[1024];
	size_t len = load(IOS, data, sizeof(data));
	char path[] = "/tmp/attgate-capture-XXXXXX";

	close(mkstemp(path));
	for (size_t cut = 16; cut < len; cut++) {
		struct ag_capture *capture = NULL;
		struct ag_capture_frame frame;
		uint64_t end = 16;
		int result;

		store(path, data, cut);
		cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
		while ((result = ag_capture_next(capture, &frame)) == 0)
			end = frame.offset + AG_BTSNOOP_RECORD_LEN + frame.head.included_len;
		cr_assert_eq(result, end == cut ? AG_CAPTURE_END : AG_CAPTURE_TRUNCATED, "%zu",
			     cut);
		cr_assert_eq(frame.offset, end);
		cr_assert_leq(end, cut);
		ag_capture_close(capture);
	}
	unlink(path);
}

Test(io_capture, corrupt_length)
{
	uint8_t data[1024];
	size_t len = load(IOS, data, sizeof(data));
	char path[] = "/tmp/attgate-capture-XXXXXX";
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;

	data[16 + 4] = 0x7f; /* included length of the first record */
	close(mkstemp(path));
	store(path, data, len);
	cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
	cr_assert_eq(ag_capture_next(capture, &frame), AG_CAPTURE_CORRUPT);
	cr_assert_eq(frame.number, 1);
	cr_assert_eq(frame.offset, 16);
	ag_capture_close(capture);
	unlink(path);
}

static void expect_refused(const uint8_t *data, size_t len, const char *words)
{
	char path[] = "/tmp/attgate-capture-XXXXXX";
	struct ag_capture *capture = NULL;
	char *text = NULL;
	size_t text_len;
	FILE *errors = open_memstream(&text, &text_len);

	close(mkstemp(path));
	store(path, data, len);
	cr_assert_eq(ag_capture_open(path, errors, &capture), AG_CAPTURE_UNKNOWN);
	fclose(errors);
	cr_expect(strstr(text, words) && strncmp(text, path, strlen(path)) == 0, "%s", text);
	cr_expect_null(capture);
	free(text);
	unlink(path);
}

Test(io_capture, says_why_a_file_is_refused)
{
	uint8_t data[1024];
	size_t len = load(IOS, data, sizeof(data));
	struct ag_capture *capture = NULL;
	char *text = NULL;
	size_t text_len;
	FILE *errors;

	expect_refused(data, 0, "not a btsnoop file");
	expect_refused((const uint8_t *)"no recording at all", 19, "not a btsnoop file");
	expect_refused(data, 15, "ends within its header");
	expect_refused((const uint8_t *)"\xd4\xc3\xb2\xa1 pcap, not snoop", 20,
		       "a pcap file that ends within its header");
	data[14] = 3;
	data[15] = 0xeb;
	expect_refused(data, len, "datalink 1003");
	errors = open_memstream(&text, &text_len);
	cr_assert_eq(ag_capture_open("tests/captures", errors, &capture), AG_CAPTURE_UNKNOWN);
	cr_assert_eq(ag_capture_open("/nonexistent", errors, &capture), AG_CAPTURE_UNKNOWN);
	fclose(errors);
	cr_expect_str_eq(text, "tests/captures: Is a directory\n"
			       "/nonexistent: No such file or directory\n");
	free(text);
}

/* What is written has the keys of what was read. */
Test(io_capture, a_file_that_is_written_is_for_its_owner)
{
	char path[] = "/tmp/attgate-capture-XXXXXX";
	struct ag_capture_writer *writer = NULL;
	struct stat status;

	close(mkstemp(path));
	unlink(path);
	umask(022);
	cr_assert_eq(ag_capture_writer_open(path, AG_BTSNOOP_H4, &writer), 0);
	cr_expect_eq(ag_capture_writer_close(writer), 0);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	cr_expect_eq(status.st_size, AG_BTSNOOP_FILE_LEN);
	unlink(path);
}

Test(io_capture, a_full_disk_is_noticed)
{
	struct ag_capture_writer *writer = NULL;

	cr_assert_eq(ag_capture_writer_open("/dev/full", AG_BTSNOOP_H4, &writer), 0);
	cr_assert_lt(ag_capture_writer_close(writer), 0);
	cr_assert_lt(ag_capture_writer_open("/nonexistent/x", AG_BTSNOOP_H4, &writer), 0);
}

/* Close the descriptor of a file that somebody else has open. */
static void close_behind_its_back(const char *path)
{
	char name[64], target[512];

	for (int fd = 3; fd < 256; fd++) {
		ssize_t len;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		len = readlink(name, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		if (strlen(target) > strlen(path) &&
		    strcmp(target + strlen(target) - strlen(path), path) == 0)
			close(fd);
	}
}

Test(io_capture, what_cannot_be_read)
{
	static const char path[] = "tests/captures/bluez-5.66-reverse-discovery.btsnoop";
	struct ag_capture_frame frame;
	struct ag_capture *capture = NULL;
	uint8_t data[16] = "btsnoop";

	ag_btsnoop_put_file(AG_BTSNOOP_H4, data);
	data[11] = 2;
	expect_refused(data, sizeof(data), "of another version than 1");
	cr_expect_eq(ag_capture_open("/nonexistent", NULL, &capture), AG_CAPTURE_UNKNOWN);
	/* memory of nobody */
	cr_expect_eq(ag_capture_open("/proc/self/mem", NULL, &capture), AG_CAPTURE_UNKNOWN);
	cr_assert_eq(ag_capture_open(path, NULL, &capture), 0);
	close_behind_its_back(path);
	while (ag_capture_next(capture, &frame) == 0)
		;
	cr_expect_eq(ag_capture_next(capture, &frame), -EBADF);
	cr_expect_eq(ag_capture_rewind(capture), -EBADF);
	ag_capture_close(capture);
}
