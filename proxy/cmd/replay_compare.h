/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_REPLAY_COMPARE_H
#define AG_CMD_REPLAY_COMPARE_H

/*
 * Two sets of rules over the same traffic: what they decide differently. Two engines are fed in
 * step, so a PDU has the same number in both.
 */

#include "proxy/cmd/replay_report.h"

struct ag_compare;

/**
 * @report: borrowed; where and how differences are written, and which frame is being fed
 * @out:    freed with ag_compare_free(); untouched on failure
 * @return: 0 or -ENOMEM
 */
int ag_compare_new(struct ag_report *report, struct ag_compare **out);

/** Free; NULL is allowed. */
void ag_compare_free(struct ag_compare *compare);

/** Tell of a decision of the first (0) or second (1) engine. */
void ag_compare_decision(struct ag_compare *compare, size_t engine,
			 const struct ag_decision *decision);

/**
 * Both engines have come to the same point: write what differs since the last one. The same are
 * decisions that have the same effect, whatever rule made them.
 *
 * @return: 0 or -ENOMEM, when a decision could not be kept
 */
int ag_compare_step(struct ag_compare *compare);

/** The last line: how many PDUs and decisions were the same, how many were not. */
void ag_compare_summary(const struct ag_compare *compare, FILE *out);

#endif
