/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_BTMON_H
#define AG_IO_BTMON_H

/*
 * Decisions for whoever watches with btmon: the kernel's logging channel puts them into the monitor
 * between the packets of the two controllers, in the order in which all that happened.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"

/** Longest message that every kernel takes (its HCI_MAX_FRAME_SIZE is 1028). */
#define AG_BTMON_FRAME_MAX 1000

struct ag_btmon {
	int fd;            /* -1: off */
	uint16_t index[2]; /* by enum ag_side; 0xffff: no controller of the kernel */
	bool all;          /* also PDUs that no rule did anything with */
	bool told;         /* a failure has been logged */
};

/** Open the channel; where that cannot be, one warning, and it is off. */
void ag_btmon_open(struct ag_btmon *btmon);

/** Close it, if it is open. */
void ag_btmon_close(struct ag_btmon *btmon);

/** A side has been opened; `label` is its transport's, and tells the index if it is "hciN ...". */
void ag_btmon_opened(struct ag_btmon *btmon, enum ag_side side, const char *label);

/** The tap; `user` is a struct ag_btmon that is open. Of what passes untouched and unnoticed by any
 * rule it says nothing unless `all` is wanted: a message costs more than handing on the packet. */
void ag_btmon_tap(void *user, const struct ag_decision *decision);

/**
 * The message for a decision.
 *
 * @index:  of the controller it belongs to, or 0xffff
 * @return: octets of `out`
 */
size_t ag_btmon_frame(const struct ag_decision *decision, uint16_t index,
		      uint8_t out[AG_BTMON_FRAME_MAX]);

#endif
