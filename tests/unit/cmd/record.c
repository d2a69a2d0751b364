/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What exports do where reading fails. What is in one is looked at end to end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/cmd/cmd.h"
#include "proxy/io/capture.h"
#include "tests/sim/broken.h"
#include "tests/sim/hex.h"

TestSuite(cmd_record, .timeout = 60);

#define IOS "tests/captures/ios-insufficient-auth.btsnoop" /* 17 records */

static size_t count_records(const char *path)
{
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	size_t count = 0;

	cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
	while (ag_capture_next(capture, &frame) == 0)
		count++;
	ag_capture_close(capture);
	return count;
}

Test(cmd_record, what_was_read_before_an_error_is_exported)
{
	static uint8_t data[1024];
	char dir[] = "/tmp/attgate-export-XXXXXX", in[64], out[64], log[64], text[256] = "";
	char words[][16] = { "record", "export", "--no-redact" };
	char *argv[] = { words[0], words[1], words[2], in, out, NULL };
	struct ag_sim_broken broken;
	FILE *file = fopen(IOS, "rb");
	size_t len;

	cr_assert(file && mkdtemp(dir));
	snprintf(in, sizeof(in), "%s/in", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	cr_assert(freopen(log, "w+", stderr));
	ag_sim_broken_begin(&broken, in, data, len);
	cr_expect_eq(ag_cmd_record.run(5, argv), 1);
	ag_sim_broken_end(&broken);
	rewind(stderr);
	cr_assert(fgets(text, sizeof(text), stderr));
	cr_expect(strstr(text, "/in: record 18 at octet 624: Bad file descriptor; the 17 before it "
			       "were exported\n"),
		  "%s", text);
	cr_expect_eq(count_records(out), 17);
	unlink(out);
	unlink(log);
	rmdir(dir);
}

#define SECTION     "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
#define FACE_254    "01000000 14000000 fe00 0000 00000000 14000000"
#define FACE_ETHER  "01000000 14000000 0100 0000 00000000 14000000"
#define PACKET_OF_1 "06000000 28000000 01000000 00000000 00000000 08000000 08000000"

/* Who watched the network meanwhile does not publish what he saw there. */
Test(cmd_record, what_is_not_of_bluetooth_is_left_out)
{
	char dir[] = "/tmp/attgate-export-XXXXXX", in[64], out[64];
	char words[][16] = { "record", "export", "--redact" };
	char *argv[] = { words[0], words[1], words[2], in, out, NULL };
	uint8_t data[256];
	size_t len = ag_sim_octets(
	    SECTION FACE_254 FACE_ETHER PACKET_OF_1 "0011223344556677 28000000", data);
	FILE *file;

	cr_assert(mkdtemp(dir));
	snprintf(in, sizeof(in), "%s/in", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	file = fopen(in, "wb");
	cr_assert(file);
	cr_assert_eq(fwrite(data, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
	cr_expect_eq(count_records(in), 1);
	cr_expect_eq(ag_cmd_record.run(5, argv), 0);
	cr_expect_eq(count_records(out), 0);
	unlink(in);
	unlink(out);
	rmdir(dir);
}
