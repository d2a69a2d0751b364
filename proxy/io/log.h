/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_LOG_H
#define AG_IO_LOG_H

/*
 * Lines for people, on standard error. Where that is the journal, each begins with its priority in
 * the form <N> that sd-daemon(3) describes; else with the word "attgate: ".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Priorities of syslog(3). */
enum ag_log_level { AG_LOG_ERROR = 3, AG_LOG_WARNING = 4, AG_LOG_NOTICE = 5, AG_LOG_INFO = 6 };

/** Look where standard error goes. Without this call lines have the form for a terminal. */
void ag_log_open(void);

/** One line, written by one write(2), so that lines of two threads never mix. Control octets are
 *  shown as `?`. */
void ag_log(enum ag_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * One line each for the lines of a text, as diagnostics have them.
 *
 * @text: may be NULL
 */
void ag_log_lines(enum ag_log_level level, const char *text);

/* ---- Lines that a peer can cause ---- */

/** Of one text in one period so many lines are written; of all texts together so many. */
#define AG_LIMIT_PERIOD_US  UINT64_C(10000000)
#define AG_LIMIT_SAME       5
#define AG_LIMIT_ALL        1000
#define AG_LIMIT_REMEMBERED 32

struct ag_log_limit {
	struct {
		uint64_t hash;
		uint64_t since_us;
		unsigned int count;
	} line[AG_LIMIT_REMEMBERED];
	uint64_t since_us;
	unsigned int count;
	uint64_t suppressed;
};

/**
 * Whether a line may be written at `now_us`. A text that came AG_LIMIT_SAME times within the period
 * is held back for the rest of it.
 *
 * @limit:  all zero at first
 * @now_us: monotonic
 */
bool ag_log_allowed(struct ag_log_limit *limit, const char *text, uint64_t now_us);

/** Lines held back since the last call. */
uint64_t ag_log_suppressed(struct ag_log_limit *limit);

#endif
