/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/mutation.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/att.h"
#include "tests/sim/hci.h"

static void put(struct ag_sim_mutants *out, enum ag_side side, const uint8_t *data, size_t len)
{
	if (out->count == AG_SIM_MUTANTS_MAX || len > AG_SIM_MUTANT_LEN)
		return;
	out->packet[out->count].side = side;
	out->packet[out->count].len = len;
	memcpy(out->packet[out->count].data, data, len);
	out->count++;
}

static bool is_completion(enum ag_side side, const uint8_t *packet, size_t len)
{
	return side == AG_SIDE_HOST && len > 2 && packet[0] == AG_H4_EVENT &&
	       packet[1] == AG_SIM_HCI_COMPLETED_PACKETS;
}

/* The kind of the ATT PDU that a packet holds whole, or AG_SIM_ATT_UNKNOWN. */
static enum ag_sim_att_kind whole_att(const uint8_t *packet, size_t len)
{
	if (len < 10 || packet[0] != AG_H4_ACL || (packet[2] >> 4 & 3) == 1 ||
	    ag_get_le16(packet + 5) != len - 9 || ag_get_le16(packet + 7) != 4)
		return AG_SIM_ATT_UNKNOWN;
	return ag_sim_att_kind(packet[9]);
}

static bool is_acl(const uint8_t *packet, size_t len)
{
	return len > 5 && packet[0] == AG_H4_ACL;
}

static bool is_plain(enum ag_sim_att_kind kind)
{
	return kind == AG_SIM_ATT_COMMAND || kind == AG_SIM_ATT_NOTIFICATION;
}

static bool eligible(struct ag_sim_mutator *mutator, enum ag_side side, const uint8_t *packet,
		     size_t len)
{
	enum ag_sim_att_kind kind = whole_att(packet, len);
	bool to_host = side == AG_SIDE_HOST;

	switch (mutator->kind) {
	case AG_SIM_NO_MUTATION:
	case AG_SIM_MUTATION_COUNT:
		return false;
	case AG_SIM_LOSE_COMPLETION:
	case AG_SIM_ADD_COMPLETION:
		return is_completion(side, packet, len);
	case AG_SIM_SWAP_PDUS:
		return to_host && is_plain(kind) &&
		       (!mutator->holding || (memcmp(mutator->held + 1, packet + 1, 2) == 0 &&
					      mutator->held[9] == packet[9]));
	case AG_SIM_ANSWER_TWICE:
	case AG_SIM_ANSWER_OTHER:
		return to_host && kind == AG_SIM_ATT_RESPONSE;
	case AG_SIM_FORWARD_REJECTED:
	case AG_SIM_ASK_TWICE:
		return !to_host && kind == AG_SIM_ATT_REQUEST;
	case AG_SIM_LOSE_TO_HOST:
	case AG_SIM_CHANGE_OCTET:
		return to_host && kind != AG_SIM_ATT_UNKNOWN;
	case AG_SIM_LOSE_TO_CONTROLLER:
	case AG_SIM_ADD_TO_CONTROLLER:
		return !to_host && kind != AG_SIM_ATT_UNKNOWN;
	case AG_SIM_ADD_COMMAND:
		return !to_host && packet[0] == AG_H4_COMMAND;
	case AG_SIM_BREAK_FRAGMENT:
		return is_acl(packet, len) && (packet[2] >> 4 & 3) == 1;
	}
	return false;
}

static void error_to_host(struct ag_sim_mutants *out, const uint8_t *request)
{
	uint8_t packet[14] = { AG_H4_ACL, request[1], (uint8_t)((request[2] & 0x0f) | 0x20),
			       9,         0,          5,
			       0,         4,          0,
			       0x01,      request[9], 0,
			       0,         0x0a };

	put(out, AG_SIDE_HOST, packet, sizeof(packet));
}

static bool swap(struct ag_sim_mutator *mutator, const uint8_t *packet, size_t len,
		 struct ag_sim_mutants *out)
{
	if (!mutator->holding) {
		memcpy(mutator->held, packet, len);
		mutator->held_len = len;
		mutator->holding = true;
		return true;
	}
	put(out, AG_SIDE_HOST, packet, len);
	put(out, AG_SIDE_HOST, mutator->held, mutator->held_len);
	mutator->done = true;
	return true;
}

static void change(struct ag_sim_mutants *out, enum ag_side side, const uint8_t *packet, size_t len,
		   size_t at)
{
	put(out, side, packet, len);
	out->packet[out->count - 1].data[at] ^= 0x20;
}

static void once(struct ag_sim_mutator *mutator, enum ag_side side, const uint8_t *packet,
		 size_t len, struct ag_sim_mutants *out)
{
	static const uint8_t read_rssi[] = { AG_H4_COMMAND, 0x05, 0x14, 2, 0x40, 0 };

	switch (mutator->kind) {
	case AG_SIM_ADD_COMPLETION:
	case AG_SIM_ANSWER_TWICE:
	case AG_SIM_ADD_TO_CONTROLLER:
	case AG_SIM_ASK_TWICE:
		put(out, side, packet, len);
		put(out, side, packet, len);
		break;
	case AG_SIM_ANSWER_OTHER: /* the opcode; of an error response the request it names */
		change(out, side, packet, len, packet[9] == 0x01 ? 10 : 9);
		break;
	case AG_SIM_FORWARD_REJECTED:
		put(out, side, packet, len);
		error_to_host(out, packet);
		break;
	case AG_SIM_CHANGE_OCTET:
		change(out, side, packet, len, len - 1);
		break;
	case AG_SIM_BREAK_FRAGMENT: /* a continuation becomes a start */
		change(out, side, packet, len, 2);
		out->packet[0].data[2] = (uint8_t)((packet[2] & 0x0f) | 0x20);
		break;
	case AG_SIM_ADD_COMMAND:
		put(out, side, packet, len);
		put(out, side, read_rssi, sizeof(read_rssi));
		break;
	case AG_SIM_NO_MUTATION:
	case AG_SIM_LOSE_COMPLETION:
	case AG_SIM_LOSE_TO_HOST:
	case AG_SIM_LOSE_TO_CONTROLLER:
	case AG_SIM_SWAP_PDUS:
	case AG_SIM_MUTATION_COUNT:
		break;
	}
	mutator->done = true;
}

bool ag_sim_mutate(struct ag_sim_mutator *mutator, enum ag_side side, const uint8_t *packet,
		   size_t len, struct ag_sim_mutants *out)
{
	out->count = 0;
	if (mutator->done || len > AG_SIM_MUTANT_LEN || !eligible(mutator, side, packet, len))
		return false;
	if (mutator->after > 0) {
		mutator->after--;
		return false;
	}
	if (mutator->kind == AG_SIM_SWAP_PDUS)
		return swap(mutator, packet, len, out);
	once(mutator, side, packet, len, out);
	return true;
}

const char *ag_sim_mutation_name(enum ag_sim_mutation mutation)
{
	static const char *const names[] = {
		[AG_SIM_NO_MUTATION] = "none",
		[AG_SIM_LOSE_COMPLETION] = "a completion lost",
		[AG_SIM_ADD_COMPLETION] = "a completion too many",
		[AG_SIM_SWAP_PDUS] = "two PDUs swapped",
		[AG_SIM_ANSWER_TWICE] = "two answers",
		[AG_SIM_ANSWER_OTHER] = "an answer to something else",
		[AG_SIM_FORWARD_REJECTED] = "a refused request forwarded",
		[AG_SIM_LOSE_TO_HOST] = "a PDU to the host lost",
		[AG_SIM_LOSE_TO_CONTROLLER] = "a PDU to the controller lost",
		[AG_SIM_ADD_TO_CONTROLLER] = "a packet without a buffer",
		[AG_SIM_CHANGE_OCTET] = "another octet",
		[AG_SIM_ADD_COMMAND] = "a command without a credit",
		[AG_SIM_ASK_TWICE] = "a request twice",
		[AG_SIM_BREAK_FRAGMENT] = "a fragment out of place",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == AG_SIM_MUTATION_COUNT, "a name each");
	return names[mutation];
}
