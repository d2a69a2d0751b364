/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_RESYNC_H
#define AG_IO_RESYNC_H

/*
 * After packets of the controller were lost the host is told to start afresh, by a Hardware Error
 * event. What the controller has sent until it completes the host's HCI Reset is of a time that is
 * over, and there can be thousands of it in front of that completion, for which the host waits no
 * longer than two seconds: it is thrown away.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/wire/cursor.h"

enum ag_resync {
	AG_RESYNC_NONE,
	AG_RESYNC_TOLD,  /* the host has been told, its HCI Reset has not come */
	AG_RESYNC_RESET, /* the HCI Reset has come, its completion has not */
};

/** A packet of the host, on its way to the controller. */
void ag_resync_host(enum ag_resync *state, const uint8_t *packet, size_t len);

/** Whether a packet of the controller is to be thrown away. */
bool ag_resync_discards(enum ag_resync *state, const uint8_t *packet, size_t len);

/**
 * Whether a packet is the Command Complete event (Vol 4 Part E, 7.7.14) of `opcode`.
 *
 * @result: what the command returns, where it is; may be NULL
 */
bool ag_is_command_complete(const uint8_t *packet, size_t len, uint16_t opcode,
			    struct ag_cursor *result);

#endif
