/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PacketLogger, pcap and pcapng files: whole, cut anywhere, and with any octet changed. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/io/capture.h"
#include "tests/sim/broken.h"
#include "tests/sim/hex.h"

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

/* ---- By hand ---- */

#define PCAP_H4  "d4c3b2a1 0200 0400 00000000 00000000 00000400 bb000000"
#define PCAP_6   "01000000 00000000 06000000 06000000"
#define SECTION  "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
#define FACE_H4  "01000000 14000000 bb00 0000 00000000 14000000"
#define FACE_201 "01000000 14000000 c900 0000 00000000 14000000"

static char path[] = "/tmp/attgate-formats-XXXXXX";

static struct ag_capture *open_octets(const char *hex)
{
	struct ag_capture *capture = NULL;
	uint8_t data[512];
	size_t len = ag_sim_octets(hex, data);
	char name[] = "/tmp/attgate-formats-XXXXXX";
	int fd = mkstemp(name);

	cr_assert_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
	cr_assert_eq(ag_capture_open(name, stderr, &capture), 0);
	unlink(name);
	return capture;
}

/* Where nothing else says who sent a packet, a start does, and what goes on with it follows. */
Test(io_capture_formats, a_continuation_goes_where_its_start_went)
{
	struct ag_capture *capture = open_octets(PCAP_H4 PCAP_6
						 "02 4000 0100 aa" PCAP_6 "02 4120 0100 bb" PCAP_6
						 "02 4010 0100 cc" PCAP_6 "02 4110 0100 dd" PCAP_6
						 "02 4020 0100 ee" PCAP_6 "02 4010 0100 ff");
	static const bool from_host[] = { true, false, true, false, false, false };
	struct ag_capture_frame frame;

	for (size_t i = 0; i < sizeof(from_host) / sizeof(from_host[0]); i++) {
		cr_assert_eq(ag_capture_next(capture, &frame), 0);
		cr_expect_eq(frame.meaning.from_host, from_host[i], "record %zu", i);
	}
	cr_expect_eq(ag_capture_next(capture, &frame), AG_CAPTURE_END);
	ag_capture_close(capture);
}

/* A packet of which only the beginning was captured is not taken for a whole one. */
Test(io_capture_formats, a_packet_that_was_cut)
{
	struct ag_capture *captures[] = {
		open_octets(PCAP_H4 "01000000 00000000 06000000 09000000 02 4000 0400 aa"),
		open_octets(SECTION FACE_H4 "06000000 28000000 00000000 00000000 00000000 06000000"
					    "09000000 02 4000 0400 aa 0000 28000000"),
		open_octets(SECTION FACE_H4
			    "03000000 18000000 0b000000 02 4000 0400 aabbcc 18000000"),
	};
	struct ag_capture_frame frame;

	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		cr_assert_eq(ag_capture_next(captures[i], &frame), 0, "%zu", i);
		cr_expect_eq(frame.head.original_len - frame.head.included_len, 3, "%zu", i);
		ag_capture_close(captures[i]);
	}
}

/* Read once more, a file is what it was: of what began before it nothing is known. */
Test(io_capture_formats, a_continuation_of_nothing_follows_nothing)
{
	struct ag_capture *capture = open_octets(PCAP_H4 PCAP_6 "02 4010 0100 aa" PCAP_6
								"02 4000 0100 bb");
	struct ag_capture_frame frame;

	for (int round = 0; round < 2; round++) {
		cr_assert_eq(ag_capture_next(capture, &frame), 0);
		cr_expect_not(frame.meaning.from_host, "round %d", round);
		cr_assert_eq(ag_capture_next(capture, &frame), 0);
		cr_expect(frame.meaning.from_host);
		cr_assert_eq(ag_capture_rewind(capture), 0);
	}
	ag_capture_close(capture);
}

/* Interfaces may come at any time; each packet is read as its own says. */
Test(io_capture_formats, an_interface_between_packets)
{
	struct ag_capture *capture = open_octets(
	    SECTION FACE_H4 "03000000 14000000 04000000 04ff0155 14000000" FACE_201
			    "06000000 28000000 01000000 00000000 00000000 08000000 08000000"
			    "00000000 01010400 28000000"
			    "01000000 10000000 bb000000 10000000");
	struct ag_capture_frame frame;

	cr_assert_eq(ag_capture_next(capture, &frame), 0);
	cr_expect(frame.len == 4 && !frame.meaning.from_host);
	cr_assert_eq(ag_capture_next(capture, &frame), 0);
	cr_expect(frame.len == 4 && frame.meaning.from_host);
	/* an interface of less than the least */
	cr_expect_eq(ag_capture_next(capture, &frame), AG_CAPTURE_CORRUPT);
	ag_capture_close(capture);
}

/* What is needed to tell the format can be read, and nothing behind it. */
Test(io_capture_formats, a_header_that_cannot_be_read)
{
	static const char *const headers[] = { PCAP_H4, SECTION };

	cr_assert_eq(close(mkstemp(path)), 0);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct ag_capture *capture = NULL;
		struct ag_sim_broken broken;
		uint8_t data[64];

		cr_assert_geq(ag_sim_octets(headers[i], data), AG_BTSNOOP_FILE_LEN);
		unlink(path);
		ag_sim_broken_begin(&broken, path, data, AG_BTSNOOP_FILE_LEN);
		cr_expect_eq(ag_capture_open(path, NULL, &capture), -EBADF, "%s", headers[i]);
		ag_sim_broken_end(&broken);
		cr_expect_null(capture);
	}
}
