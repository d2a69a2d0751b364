/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/ledger.h"

#include <string.h>

#include "tests/sim/att.h"

/* FNV-1a, 64 bits. */
static uint64_t hash(const uint8_t *data, size_t len)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		value = (value ^ data[i]) * UINT64_C(0x100000001b3);
	return value;
}

void ag_sim_entry_becomes(struct ag_sim_entry *entry, const uint8_t *pdu, size_t len)
{
	entry->len = len;
	entry->hash = hash(pdu, len);
}

/* Order is promised within what one side asks, answers, tells and confirms, for a held indication
 * must not keep a response waiting. */
static uint8_t flow_of(uint16_t cid, uint8_t opcode)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(opcode);

	if (cid != AG_SIM_CID_ATT && cid != AG_SIM_CID_EATT)
		return 0;
	if (kind == AG_SIM_ATT_COMMAND)
		kind = AG_SIM_ATT_REQUEST;
	if (kind == AG_SIM_ATT_INDICATION)
		kind = AG_SIM_ATT_NOTIFICATION;
	return (uint8_t)kind;
}

void ag_sim_ledger_sent(struct ag_sim_ledger *ledger, uint16_t cid, const uint8_t *pdu, size_t len)
{
	struct ag_sim_entry *entry = &ledger->entry[ledger->count++];

	*entry = (struct ag_sim_entry){ .cid = cid, .sent_len = len, .copies = 1 };
	entry->flow = len > 0 ? flow_of(cid, pdu[0]) : 0;
	memcpy(entry->head, pdu, len < sizeof(entry->head) ? len : sizeof(entry->head));
	ag_sim_entry_becomes(entry, pdu, len);
}

struct ag_sim_entry *ag_sim_ledger_undecided(struct ag_sim_ledger *ledger, uint16_t cid,
					     const uint8_t *pdu, size_t len, size_t pdu_len)
{
	size_t head = len < sizeof(ledger->entry[0].head) ? len : sizeof(ledger->entry[0].head);

	for (size_t i = 0; i < ledger->count; i++) {
		struct ag_sim_entry *entry = &ledger->entry[i];

		if (!entry->decided && entry->cid == cid && entry->sent_len == pdu_len &&
		    memcmp(entry->head, pdu, head) == 0)
			return entry;
	}
	return NULL;
}

struct ag_sim_entry *ag_sim_ledger_numbered(struct ag_sim_ledger *ledger, uint64_t number)
{
	for (size_t i = 0; i < ledger->count; i++) {
		if (ledger->entry[i].decided && ledger->entry[i].number == number)
			return &ledger->entry[i];
	}
	return NULL;
}

static void forget(struct ag_sim_ledger *ledger, size_t index)
{
	ledger->count--;
	memmove(&ledger->entry[index], &ledger->entry[index + 1],
		(ledger->count - index) * sizeof(ledger->entry[0]));
}

static void forget_settled(struct ag_sim_ledger *ledger)
{
	while (ledger->count > 0 && ledger->entry[0].copies == 0)
		forget(ledger, 0);
}

static struct ag_sim_entry *next_of(struct ag_sim_ledger *ledger, uint16_t cid, uint8_t flow)
{
	for (size_t i = 0; i < ledger->count; i++) {
		if (ledger->entry[i].cid == cid && ledger->entry[i].flow == flow &&
		    ledger->entry[i].copies > 0)
			return &ledger->entry[i];
	}
	return NULL;
}

static bool is_last_of(const struct ag_sim_ledger *ledger, const struct ag_sim_entry *entry)
{
	for (const struct ag_sim_entry *at = entry + 1; at < ledger->entry + ledger->count; at++) {
		if (at->cid == entry->cid)
			return false;
	}
	return true;
}

bool ag_sim_ledger_arrived(struct ag_sim_ledger *ledger, uint16_t cid, const uint8_t *pdu,
			   size_t len, uint16_t sending)
{
	struct ag_sim_entry *entry = next_of(ledger, cid, len > 0 ? flow_of(cid, pdu[0]) : 0);

	/* an answer may have the octets of a PDU that is still on its way */
	if (entry && entry->len == len && entry->hash == hash(pdu, len) &&
	    !(cid == sending && is_last_of(ledger, entry))) {
		entry->copies--;
		forget_settled(ledger);
		return true;
	}
	if (ledger->answers == 0)
		return false;
	ledger->answers--;
	return true;
}

size_t ag_sim_ledger_owed(const struct ag_sim_ledger *ledger)
{
	size_t owed = 0;

	for (size_t i = 0; i < ledger->count; i++)
		owed += ledger->entry[i].copies;
	return owed;
}
