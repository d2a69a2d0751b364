/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_LEDGER_H
#define AG_SIM_LEDGER_H

/*
 * What one direction of one link still owes its receiver: each PDU that was sent, in order, and
 * what was decided about it. A PDU that arrives has to be the next one of its channel, octet for
 * octet, or an answer that a decision announced.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AG_SIM_LEDGER_MAX = 128,
	AG_SIM_CID_ATT = 4,
	AG_SIM_CID_EATT = 0xea77, /* in ledgers: whole SDUs of the enhanced bearer */
};

struct ag_sim_entry {
	uint16_t cid;
	uint8_t flow; /* within which order is kept */
	bool decided;
	uint8_t head[8]; /* first octets as sent, to find it again */
	size_t sent_len;
	unsigned int copies; /* that have to arrive yet */
	uint64_t number;     /* of the decision */
	size_t len;          /* as it has to arrive */
	uint64_t hash;
};

struct ag_sim_ledger {
	struct ag_sim_entry entry[AG_SIM_LEDGER_MAX];
	size_t count;
	unsigned int answers; /* announced answers that may arrive */
};

static inline bool ag_sim_ledger_full(const struct ag_sim_ledger *ledger)
{
	return ledger->count == AG_SIM_LEDGER_MAX;
}

/** A PDU was sent. */
void ag_sim_ledger_sent(struct ag_sim_ledger *ledger, uint16_t cid, const uint8_t *pdu, size_t len);

/**
 * The oldest PDU that is not decided yet and looks like this one, or NULL.
 *
 * @len:     octets known of it
 * @pdu_len: octets it has
 */
struct ag_sim_entry *ag_sim_ledger_undecided(struct ag_sim_ledger *ledger, uint16_t cid,
					     const uint8_t *pdu, size_t len, size_t pdu_len);

/** The PDU that a decision was about, or NULL when it has arrived already. */
struct ag_sim_entry *ag_sim_ledger_numbered(struct ag_sim_ledger *ledger, uint64_t number);

/** It has to arrive as these octets. */
void ag_sim_entry_becomes(struct ag_sim_entry *entry, const uint8_t *pdu, size_t len);

/**
 * A PDU arrived.
 *
 * @sending: the channel of the PDU that its sender has not sent whole yet and that thus cannot have
 *           arrived, or 0
 * @return:  whether it was the next one, or an announced answer
 */
bool ag_sim_ledger_arrived(struct ag_sim_ledger *ledger, uint16_t cid, const uint8_t *pdu,
			   size_t len, uint16_t sending);

/** PDUs that have to arrive yet. */
size_t ag_sim_ledger_owed(const struct ag_sim_ledger *ledger);

#endif
