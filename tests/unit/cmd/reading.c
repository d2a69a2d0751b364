/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that read recordings share. */
#include <criterion/criterion.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#include "proxy/cmd/reading.h"

TestSuite(cmd_reading, .timeout = 60);

Test(cmd_reading, the_number_of_a_controller)
{
	static const char *const wrong[] = {
		"", "x", "hci", "1x", "65535", "99999999999999999999"
	};
	uint16_t index = 7;

	cr_expect(ag_parse_index("0", &index) && index == 0);
	cr_expect(ag_parse_index("hci65534", &index) && index == 65534);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ag_parse_index(wrong[i], &index), "%s", wrong[i]);
	cr_expect_eq(index, 65534);
}

/* A clock that is set back or far ahead stops for a moment; it does not jump. */
Test(cmd_reading, the_time_of_a_recording)
{
	static const struct {
		uint64_t stamp_us, now_us;
	} records[] = {
		{ 5000, 5000 },
		{ 6000, 6000 },
		/* in the wrong order */
		{ 5990, 6000 },
		{ 6500, 6500 },
		/* an hour is a long pause */
		{ 3600006500, 3600006500 },
		/* more is a clock that was set */
		{ 7200006501, 3600006500 },
		{ 7200006601, 3600006600 },
		{ 1700000000000000, 3600006600 },
		{ 1700000000000010, 3600006610 },
		/* and so is this */
		{ 1699999999000010, 3600006610 },
		{ 1699999999000020, 3600006620 },
	};
	struct ag_reading_clock clock = { 0 };

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		cr_expect_eq(ag_reading_time(&clock, records[i].stamp_us), records[i].now_us,
			     "record %zu", i);
	cr_expect_eq(ag_reading_stamp(&clock, 3600006625), 1699999999000025);
}

/* As from a clock that is right. */
Test(cmd_reading, a_recording_begins_when_it_begins)
{
	struct ag_reading_clock clock = { 0 };

	cr_expect_eq(ag_reading_time(&clock, 1700000000000000), 1700000000000000);
	cr_expect_eq(ag_reading_time(&clock, 1700000000000001), 1700000000000001);
}

/* What was written to the terminal since the last call. */
static void expect_shown(int terminal, const char *expected)
{
	char text[256] = "";
	size_t len = strlen(expected), at = 0;
	ssize_t n = 1;

	while (at < len && n > 0) {
		n = read(terminal, text + at, sizeof(text) - 1 - at);
		at += n > 0 ? (size_t)n : 0;
	}
	cr_expect_str_eq(text, expected);
}

/* After some seconds, now and then, and on a terminal only. */
Test(cmd_reading, how_far_it_is)
{
	static const char path[] = "tests/captures/ios-insufficient-auth.btsnoop";
	struct ag_capture_frame frame = { .number = 4096 };
	struct ag_progress progress = ag_progress_begin();
	struct ag_capture *capture;
	int terminal, slave;

	cr_assert_eq(ag_capture_open(path, NULL, &capture), 0);
	cr_assert_eq(openpty(&terminal, &slave, NULL, NULL, NULL), 0);
	cr_assert_geq(dup2(slave, STDERR_FILENO), 0);
	frame.offset = ag_capture_size(capture) / 2;
	progress.began += 1000; /* it has not begun yet */
	ag_progress_show(&progress, capture, &frame);
	ag_progress_end(&progress);
	progress.began -= 2000;
	frame.number++;
	ag_progress_show(&progress, capture, &frame);
	frame.number--;
	ag_progress_show(&progress, capture, &frame);
	expect_shown(terminal, "\rframe 4096, 50 %");
	ag_progress_end(&progress);
	expect_shown(terminal, "\r\x1b[K");
	ag_capture_close(capture);
}
