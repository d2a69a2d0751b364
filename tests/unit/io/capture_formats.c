/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PacketLogger, pcap and pcapng files: whole, cut anywhere, and with any octet changed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/io/capture.h"

TestSuite(io_capture_formats, .timeout = 60);

#define SEEDS "tests/fuzz/seeds/"

static const struct {
	const char *path;
	enum ag_btsnoop_link link;
	uint64_t frames;
} files[] = {
	{ SEEDS "pcap/pcap-187", AG_BTSNOOP_H4, 14 },
	{ SEEDS "pcap/pcap-201-be", AG_BTSNOOP_H4, 14 },
	{ SEEDS "pcap/pcap-254-ns", AG_BTSNOOP_MONITOR, 17 },
	{ SEEDS "pcap/pcapng-187-be", AG_BTSNOOP_H4, 14 },
	{ SEEDS "pcap/pcapng-201-ns", AG_BTSNOOP_H4, 14 },
	{ SEEDS "pcap/pcapng-254", AG_BTSNOOP_MONITOR, 17 },
	{ SEEDS "pklg/pklg", AG_BTSNOOP_H4, 14 },
	{ SEEDS "pklg/pklg-le", AG_BTSNOOP_H4, 14 },
};

static size_t load(const char *path, uint8_t *out, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	cr_assert(file, "%s", path);
	len = fread(out, 1, size, file);
	fclose(file);
	return len;
}

/* Read all of a file with this content. @return: as ag_capture_next() at its end, or
 * AG_CAPTURE_UNKNOWN */
static int read_all(const uint8_t *data, size_t len, uint64_t *frames)
{
	char path[] = "/tmp/attgate-formats-XXXXXX";
	int fd = mkstemp(path);
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	FILE *errors = fopen("/dev/null", "w");
	int result;

	cr_assert_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
	*frames = 0;
	result = ag_capture_open(path, errors, &capture);
	while (result == 0) {
		result = ag_capture_next(capture, &frame);
		if (result != 0)
			break;
		cr_assert_eq(frame.number, ++*frames);
		cr_assert_leq(frame.len, AG_BTSNOOP_MAX + 1);
	}
	ag_capture_close(capture);
	fclose(errors);
	unlink(path);
	return result;
}

Test(io_capture_formats, whole)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct ag_capture *capture = NULL;
		struct ag_capture_frame frame;

		cr_assert_eq(ag_capture_open(files[i].path, stderr, &capture), 0);
		cr_expect_eq(ag_capture_link(capture), files[i].link);
		for (int round = 0; round < 2; round++) {
			uint64_t count = 0;

			while (ag_capture_next(capture, &frame) == 0) {
				count++;
				/* the Read Request of handle 0x0016 */
				if (count != files[i].frames - 9)
					continue;
				cr_expect(frame.meaning.from_host);
				cr_expect_eq(frame.len, 12);
				cr_expect_eq(memcmp(frame.data + 9, "\x0a\x16\x00", 3), 0);
			}
			cr_expect_eq(count, files[i].frames, "%s", files[i].path);
			cr_expect_eq(ag_capture_rewind(capture), 0);
		}
		ag_capture_close(capture);
	}
}

Test(io_capture_formats, cut_anywhere)
{
	uint8_t data[1024];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len = load(files[i].path, data, sizeof(data));
		uint64_t before = 0;

		for (size_t cut = 0; cut < len; cut++) {
			uint64_t frames;
			int result = read_all(data, cut, &frames);

			cr_expect(result == AG_CAPTURE_END || result == AG_CAPTURE_TRUNCATED ||
				      (result == AG_CAPTURE_UNKNOWN && frames == 0),
				  "%s cut to %zu: %d", files[i].path, cut, result);
			cr_expect(frames >= before && frames < files[i].frames);
			before = frames;
		}
	}
}

Test(io_capture_formats, any_octet_changed)
{
	uint8_t data[1024];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len = load(files[i].path, data, sizeof(data));

		for (size_t at = 0; at < len; at++) {
			uint8_t was = data[at];
			uint64_t frames;

			data[at] ^= 0xff;
			cr_expect_gt(read_all(data, len, &frames), 0);
			data[at] = was;
		}
	}
}
