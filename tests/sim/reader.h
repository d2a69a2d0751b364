/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_READER_H
#define AG_SIM_READER_H

/*
 * A host that reads what it is told, and has a reason for each PDU that it should never have seen:
 * one that breaks its format, answers nothing, or ends bluetoothd. A second opinion on
 * att.malformed and att.unsolicited, written without proxy/wire/att_check.c and without the engine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AG_SIM_QUESTION_MAX = 24 };

struct ag_sim_reader {
	uint16_t mtu;
	bool asked; /* a request of ours is open */
	uint8_t question[AG_SIM_QUESTION_MAX];
	size_t question_len;
	bool indicated;    /* an indication of ours is open */
	uint16_t peer_mtu; /* of the last Exchange MTU Request of the peer */
	bool typed;        /* the type of some attribute is told, whose values have a length */
	uint16_t primary[0x10000]; /* by handle: where the primary service begins that it lies in */
	bool extended[0x10000];    /* by handle: it is Characteristic Extended Properties */
};

/** A new link. */
void ag_sim_reader_begin(struct ag_sim_reader *reader);

/** The host sends a PDU; no second request or indication while one is open. */
void ag_sim_reader_says(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len);

/** What is wrong with a PDU of the peer's, or NULL. */
const char *ag_sim_reader_fault(const struct ag_sim_reader *reader, const uint8_t *pdu, size_t len);

/** A PDU without a fault arrived. */
void ag_sim_reader_hears(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len);

#endif
