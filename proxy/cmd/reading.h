/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_READING_H
#define AG_CMD_READING_H

/* What the subcommands that read recordings share. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "proxy/io/capture.h"

/** A controller's number from "0" or "hci0"; *out is untouched unless true. */
bool ag_parse_index(const char *text, uint16_t *out);

/** Whether two paths name the same existing file. */
bool ag_same_file(const char *one, const char *other);

/** Progress on standard error, where that is a terminal and reading takes longer than 2 s. */
struct ag_progress {
	time_t began;
	time_t last; /* shown at most once a second */
	bool shown;
};

struct ag_progress ag_progress_begin(void);

/** Tell that a frame was read. */
void ag_progress_show(struct ag_progress *progress, const struct ag_capture *capture,
		      const struct ag_capture_frame *frame);

/** Clear the line. */
void ag_progress_end(struct ag_progress *progress);

/** The time of a recording as the engine wants it. The clock that made the stamps may have been set
 *  back, or ahead by more than an hour: from there on time goes on by as much as they do. Zero at
 *  first. */
struct ag_reading_clock {
	bool begun;
	uint64_t stamp_us; /* of the last record, or a little later */
	uint64_t now_us;
};

/** @return: the time of a record with that stamp; never less than that of the one before */
uint64_t ag_reading_time(struct ag_reading_clock *clock, uint64_t stamp_us);

/** The other way: the stamp that a record of that time would have had. */
uint64_t ag_reading_stamp(const struct ag_reading_clock *clock, uint64_t now_us);

/** The line about a recording that broke off, where `result` of ag_capture_next() is such a one. */
void ag_reading_fault(const char *path, int result, const struct ag_capture_frame *frame);

#endif
