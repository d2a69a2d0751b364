/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/reading.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRESS_AFTER_S = 2, PROGRESS_EVERY_FRAMES = 4096 };

/* Records that were stamped in two places may stand in the wrong order by less than this. */
#define SET_BACK_US 1000000
/* What lets more time than this pass between two records is a clock that was set, such as that of a
 * machine that begins in 1970; nothing waits for so long on a link. */
#define SET_AHEAD_US (3600 * UINT64_C(1000000))

bool ag_parse_index(const char *text, uint16_t *out)
{
	char *end;
	unsigned long value;

	if (strncmp(text, "hci", 3) == 0)
		text += 3;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value >= AG_BTSNOOP_NO_INDEX)
		return false;
	*out = (uint16_t)value;
	return true;
}

bool ag_same_file(const char *one, const char *other)
{
	struct stat a;
	struct stat b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

struct ag_progress ag_progress_begin(void)
{
	return (struct ag_progress){ .began = time(NULL) };
}

void ag_progress_show(struct ag_progress *progress, const struct ag_capture *capture,
		      const struct ag_capture_frame *frame)
{
	uint64_t size = ag_capture_size(capture);
	time_t now;

	if (frame->number % PROGRESS_EVERY_FRAMES != 0 || !isatty(STDERR_FILENO))
		return;
	now = time(NULL);
	if (now - progress->began < PROGRESS_AFTER_S || now == progress->last)
		return;
	progress->last = now;
	progress->shown = true;
	fprintf(stderr, "\rframe %" PRIu64, frame->number);
	if (size > 0)
		fprintf(stderr, ", %" PRIu64 " %%", frame->offset * 100 / size);
}

void ag_progress_end(struct ag_progress *progress)
{
	if (progress->shown)
		fputs("\r\x1b[K", stderr);
	progress->shown = false;
}

uint64_t ag_reading_time(struct ag_reading_clock *clock, uint64_t stamp_us)
{
	if (!clock->begun)
		clock->now_us = stamp_us;
	else if (stamp_us >= clock->stamp_us && stamp_us - clock->stamp_us <= SET_AHEAD_US)
		clock->now_us += stamp_us - clock->stamp_us;
	else if (stamp_us < clock->stamp_us && clock->stamp_us - stamp_us < SET_BACK_US)
		return clock->now_us;
	clock->begun = true;
	clock->stamp_us = stamp_us;
	return clock->now_us;
}

uint64_t ag_reading_stamp(const struct ag_reading_clock *clock, uint64_t now_us)
{
	return clock->stamp_us + now_us - clock->now_us;
}

void ag_reading_fault(const char *path, int result, const struct ag_capture_frame *frame)
{
	if (result != AG_CAPTURE_TRUNCATED && result != AG_CAPTURE_CORRUPT)
		return;
	fprintf(stderr, "%s: frame %" PRIu64 " at offset %" PRIu64 " %s\n", path, frame->number,
		frame->offset,
		result == AG_CAPTURE_TRUNCATED ? "is cut off by the end of the file"
					       : "has an impossible length");
}
