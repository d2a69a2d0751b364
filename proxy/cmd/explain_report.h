/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_EXPLAIN_REPORT_H
#define AG_CMD_EXPLAIN_REPORT_H

/* Findings for people or for programs, and the rules against them. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proxy/engine/story.h"

struct ag_explain_report {
	FILE *out;
	bool json;
	uint64_t pdus;    /* judged */
	uint64_t unknown; /* packets on links that were up before the recording began */
	uint64_t drops;   /* packets that the recording says it lost */
	uint64_t links;
	uint64_t failures;
	uint64_t notes;
	bool remedies[AG_REMEDIES];
	uint16_t handle; /* AG_REMEDY_HOLD_INDICATION */
};

/** Write what is found on a link; one without findings is only counted. */
void ag_explain_link(struct ag_explain_report *report, uint16_t controller,
		     const struct ag_link_story *link);

/** Write the rules and the sum of it all, after the last link. */
void ag_explain_end(struct ag_explain_report *report);

/** Write the rules that prevent the failures as a rule file. */
void ag_explain_suggest(const struct ag_explain_report *report, FILE *out);

#endif
