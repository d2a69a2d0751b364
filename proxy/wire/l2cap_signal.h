/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_L2CAP_SIGNAL_H
#define AG_WIRE_L2CAP_SIGNAL_H

/*
 * Signalling commands of L2CAP (Vol 3 Part A, 4). A C-frame carries one on LE and any number on
 * BR/EDR:
 *
 *   code (1)  identifier (1)  length (2)  parameters (length)
 *
 * Almost all parameters are numbers of two octets; a row of a table says which a command has.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/l2cap.h"

/** Octets of a command before its parameters. */
#define AG_L2CAP_SIGNAL_HEADER 4

/** Parameters of two octets. */
enum ag_l2cap_number {
	AG_L2CAP_REASON,  /* why a command was not understood */
	AG_L2CAP_PSM,     /* PSM or SPSM */
	AG_L2CAP_MTU,     /* what the sender takes, octets */
	AG_L2CAP_MPS,     /* likewise, of one K-frame */
	AG_L2CAP_CREDITS, /* K-frames that the sender takes now, or more than before */
	AG_L2CAP_RESULT,
	AG_L2CAP_STATUS,
	AG_L2CAP_FLAGS,
	AG_L2CAP_INFO_TYPE,
	AG_L2CAP_INTERVAL_MIN, /* 1.25 ms */
	AG_L2CAP_INTERVAL_MAX, /* 1.25 ms */
	AG_L2CAP_LATENCY,
	AG_L2CAP_TIMEOUT, /* 10 ms */
	AG_L2CAP_NUMBER_COUNT,
};

/** Channel identifiers as they lie in a command, two octets each. */
struct ag_l2cap_cids {
	const uint8_t *at;
	size_t count;
};

/** A command taken apart. What its code does not have is 0. It points into the frame. */
struct ag_l2cap_signal {
	uint8_t code; /* enum ag_l2cap_code, or any other */
	uint8_t ident;
	uint16_t number[AG_L2CAP_NUMBER_COUNT];
	struct ag_l2cap_cids source;      /* as the command calls them: one or, in 4.25, several */
	struct ag_l2cap_cids destination; /* one or, in 4.26 and 4.27, several */
	struct ag_cursor rest;            /* parameters behind these: options, data */
	bool cut;                         /* it is longer than the octets at hand */
};

enum {
	AG_L2CAP_SHORT = 1, /* parameters that its code demands are missing */
	AG_L2CAP_END,       /* no further command */
};

/** Channel `i` of a list; 0, which names none, beyond its end. */
static inline uint16_t ag_l2cap_cid(struct ag_l2cap_cids cids, size_t i)
{
	return i < cids.count ? ag_get_le16(cids.at + 2 * i) : 0;
}

/**
 * Take the command at `command` apart. Octets behind its parameters are not looked at, and half a
 * channel at the end of a list is none.
 *
 * @len:    octets at hand, at least AG_L2CAP_SIGNAL_HEADER; where the command is longer `cut` is
 *          set, and what is there is judged alone
 * @return: 0; AG_L2CAP_SHORT: then only `code`, `ident` and `cut` are set
 */
int ag_l2cap_signal_parse(const uint8_t *command, size_t len, struct ag_l2cap_signal *out);

/**
 * The next command of a C-frame.
 *
 * @frame:  its payload, which is moved on
 * @return: 0; AG_L2CAP_SHORT: as above, and the next may be asked for; AG_L2CAP_END: what is left,
 *          if anything, is no whole command, and `out` is untouched
 */
int ag_l2cap_signal_next(struct ag_cursor *frame, struct ag_l2cap_signal *out);

/** Whether a response that opens channels (4.3, 4.26) leaves that to a later one; one of 4.23
 *  cannot. */
bool ag_l2cap_signal_is_pending(const struct ag_l2cap_signal *response);

/** What the answering side calls channel `i` of those it was asked for; 0: it refuses that one. */
uint16_t ag_l2cap_signal_accepted(const struct ag_l2cap_signal *response, size_t i);

/**
 * Write a command. `cut` is not looked at, nor what the code does not have; of an unknown code all
 * parameters are `rest`.
 *
 * @return: octets written; 0: there is no room, or a channel that the code has is not there
 */
size_t ag_l2cap_signal_put(const struct ag_l2cap_signal *signal, uint8_t *out, size_t size);

/** A configuration option (5). */
struct ag_l2cap_option {
	uint8_t type; /* without the bit that makes it a hint */
	uint8_t len;
	const uint8_t *value; /* NULL: not all of it is there */
};

/** The next of the options that are the rest of a Configuration Request or Response. @return: false
 *  at their end */
bool ag_l2cap_option_next(struct ag_cursor *options, struct ag_l2cap_option *out);

#endif
