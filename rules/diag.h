/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_DIAG_H
#define AG_RULES_DIAG_H

/* Collecting findings. The public half, struct ag_diags and ag_diag_format(), is in rules.h. */

#include "rules/rules.h"
#include "rules/text.h"

/** A place in a source. */
struct ag_span {
	size_t source;
	unsigned int line;   /* from 1 */
	unsigned int column; /* from 1, octets */
	unsigned int width;  /* octets */
};

/** Findings past this number are counted as errors but not kept: a file of garbage is not worth
 *  more lines than a person reads. */
enum { AG_DIAG_LIMIT = 500 };

/** Where findings go. `list` is the caller's or, if that is NULL, only counted. */
struct ag_report {
	struct ag_diags *diags;
	size_t first;  /* findings before this one were there already */
	size_t errors; /* of this compilation */
	bool failed;   /* out of memory */
};

/**
 * Add a finding.
 *
 * @message: taken over and empty afterwards
 * @hint:    likewise; may be NULL
 */
void ag_report_add(struct ag_report *report, enum ag_severity severity, struct ag_span span,
		   struct ag_text *message, struct ag_text *hint);

/** Add an error from a format, without a hint. */
void ag_report_error(struct ag_report *report, struct ag_span span, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Likewise a warning. */
void ag_report_warning(struct ag_report *report, struct ag_span span, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Put the findings of this compilation in order of their places. All are of one kind: warnings are
 *  given only where there are no errors. */
void ag_report_sort(struct ag_report *report);

#endif
