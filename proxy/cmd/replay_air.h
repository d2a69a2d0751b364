/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_REPLAY_AIR_H
#define AG_CMD_REPLAY_AIR_H

/*
 * A recording as the controller side would have seen it, had the rules been in force.
 *
 * What goes to the controller is what the engine puts out. What came from the controller is the
 * recording, less what the controller would have had no reason for: the answers to requests that
 * never reached the peer, and the completions of packets that never reached the controller. Nothing
 * is invented: packets that only the rules caused are in the output, reactions to them are not.
 *
 * An answer is told from other data only when its last fragment was judged, so the newest records
 * are held back; they are written when they are AG_AIR_WINDOW records old.
 */

#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"
#include "proxy/io/capture.h"

/* The longest PDU in the shortest fragments (65535 + 4 octets by 27) fits, with room for others. */
enum { AG_AIR_WINDOW = 8192 };

struct ag_air;

/**
 * @writer: borrowed
 * @link:   datalink of the file that is written
 * @index:  controller that the records are about
 * @out:    freed with ag_air_free(); untouched on failure
 * @return: 0 or -ENOMEM
 */
int ag_air_new(struct ag_capture_writer *writer, enum ag_btsnoop_link link, uint16_t index,
	       struct ag_air **out);

/** Free without writing what is held back; NULL is allowed. */
void ag_air_free(struct ag_air *air);

/** Tell of a recorded frame, before the engine is fed with it. @return: 0 or a negative errno */
int ag_air_frame(struct ag_air *air, const struct ag_capture_frame *frame);

/** Tell of a decision, while the engine is fed with the frame that led to it. */
void ag_air_decision(struct ag_air *air, const struct ag_decision *decision);

/** Tell of a packet that the engine put out to the controller. @return: 0 or a negative errno */
int ag_air_out(struct ag_air *air, const struct ag_packet *packet, uint64_t time_us);

/** Write what is held back. @return: 0 or a negative errno */
int ag_air_flush(struct ag_air *air);

#endif
