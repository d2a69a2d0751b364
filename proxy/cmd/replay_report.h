/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_REPLAY_REPORT_H
#define AG_CMD_REPLAY_REPORT_H

/* Decisions of a replay as lines for people or for programs. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proxy/engine/engine.h"

/* A later word on a PDU (its time was up, it was discarded) still names the
 * frame it came in, if no more than so many PDUs lie between. */
enum { AG_REPORT_MEMORY = 1024 };

struct ag_report {
	FILE *out;
	bool json;
	uint64_t start_us; /* time of the first record */
	uint64_t frame;    /* that the engine is fed with, or 0 between frames */
	struct {
		uint64_t pdu;
		uint64_t frame;
	} memory[AG_REPORT_MEMORY]; /* by number of the PDU, modulo */
};

/** The frame a decision's PDU came in, 0 where it is forgotten. */
uint64_t ag_report_frame(struct ag_report *report, const struct ag_decision *decision);

/** Microseconds since the first frame. */
uint64_t ag_report_time(const struct ag_report *report, const struct ag_decision *decision);

/** Write the line of one decision. */
void ag_report_decision(struct ag_report *report, const struct ag_decision *decision);

/** The last line: how many PDUs were judged, what became of them, what could
 * not be judged. */
void ag_report_summary(FILE *out, const struct ag_stats *stats);

#endif
