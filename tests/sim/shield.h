/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_SHIELD_H
#define AG_SIM_SHIELD_H

/*
 * A peer that says anything, the shipped shield, and a host that asks as bluetoothd does.
 *
 * What reaches the host has no fault that tests/sim/reader.h knows, answers what was asked and only
 * once; what has none does reach it, octet for octet; and a peer has no more answers than
 * questions.
 */

#include <stddef.h>
#include <stdint.h>

/** What came to pass. */
struct ag_sim_shield_count {
	unsigned int faulty; /* PDUs of the peer with a fault */
	unsigned int sound;  /* that are certain to have none, and had to pass */
	unsigned int replaced;
};

/**
 * Run the octets as a program of who says what. Reads rules.d/10-shield.rules.
 *
 * @count:  added to; may be NULL
 * @return: what went wrong, or NULL
 */
const char *ag_sim_shield(const uint8_t *data, size_t len, struct ag_sim_shield_count *count);

#endif
