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

/** The line about a recording that broke off, where `result` of ag_capture_next() is such a one. */
void ag_reading_fault(const char *path, int result, const struct ag_capture_frame *frame);

#endif
