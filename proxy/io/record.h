/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_RECORD_H
#define AG_IO_RECORD_H

/*
 * A recording of what passes both sides, with what was decided in between: btsnoop files of the
 * Linux monitor's kind, which btmon and Wireshark read.
 *
 * The controller's side is index 0 and the host's is index 1. A request that was rejected is there
 * on index 1 and absent on index 0; before each outcome stands a user-logging record of the side
 * that sent the PDU, "#12 reject attribute_not_found by quiet-peripheral: Read Request, ...". It
 * never has an attribute's value.
 *
 * Nothing here waits for a disk: what does not fit into the buffer is left out, counted in the
 * records' drop counter, and said in the recording itself as soon as there is room again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"
#include "proxy/io/record_file.h"

struct ag_record_config {
	const char *path;
	uint64_t size_max;      /* octets after which the next file begins; 0: never */
	unsigned int count_max; /* files of this recording that are kept; 0: all */
};

/** Least of `size_max` but 0: what has room for what each file begins with. */
#define AG_RECORD_SIZE_MIN 4096

struct ag_recorder_side {
	bool there;
	char name[8]; /* padded with zeros; a NUL only where it is shorter */
	uint64_t bdaddr;
};

/** All zero at first; everything is the recorder's own, but for reading. */
struct ag_recorder {
	struct ag_record_file *file; /* NULL while nothing is recorded */
	bool wants_all;              /* there is a file; for struct ag_tap */
	struct ag_recorder_side side[2];
	uint64_t size_max;
	uint64_t size; /* octets of the file being filled */
	uint64_t packets;
	uint64_t decisions;
	uint64_t lost; /* records for which there was no room */
	uint64_t lost_told;
};

enum { AG_RECORD_BUSY = 2, AG_RECORD_IDLE = 3 };

/**
 * Begin a recording. Once it runs it can end by itself, when writing fails; that is logged.
 *
 * @config: copied
 * @return: 0; AG_RECORD_BUSY: one is running; AG_RECORD_NO_SERIES: `size_max`, but the path is no
 *          regular file; or a negative errno
 */
int ag_recorder_start(struct ag_recorder *recorder, const struct ag_record_config *config);

/**
 * End it and log what it came to.
 *
 * @wait_ms: how long may be waited for the disk; what takes longer is written behind the back of
 *           the caller, and the file is locked (flock(2)) until that is done
 * @return:  0 or AG_RECORD_IDLE
 */
int ag_recorder_stop(struct ag_recorder *recorder, unsigned int wait_ms);

/** Go on in the next file. @return: 0, AG_RECORD_IDLE, or AG_RECORD_NO_SERIES: a pipe or device, or
 *  it is asked for faster than the disk can be written */
int ag_recorder_rotate(struct ag_recorder *recorder);

/** The file that is written; "" while nothing is recorded. */
void ag_recorder_name(struct ag_recorder *recorder, char *out, size_t size);

/** Whether it records; notices the end of one that failed. */
bool ag_recorder_runs(struct ag_recorder *recorder);

/**
 * A side has been opened.
 *
 * @label:  its transport's; the first word is the name if it begins with "hci"
 * @bdaddr: as in union ag_value; 0: not known yet, learned when the host asks for it
 */
void ag_recorder_opened(struct ag_recorder *recorder, enum ag_side side, const char *label,
			uint64_t bdaddr);

/** Both sides have been closed. */
void ag_recorder_closed(struct ag_recorder *recorder);

/** The watcher for ag_pump_watch(); `user` is a struct ag_recorder. */
void ag_recorder_watch(void *user, enum ag_side side, bool written, const uint8_t *packet,
		       size_t len);

/** The tap; `user` is a struct ag_recorder. */
void ag_recorder_tap(void *user, const struct ag_decision *decision);

#endif
