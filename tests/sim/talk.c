/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the ends say to each other: ATT, SMP, an enhanced bearer, and other things. */

#include <string.h>

#include "tests/sim/world_internal.h"

static void receive_smp(struct ag_sim_end *end, const uint8_t *pdu, size_t len)
{
	if (len == 0 || (pdu[0] == 0x05 && len != 2)) {
		ag_sim_fail(end->report, AG_SIM_MALFORMED, "%s: SMP of %zu octets", end->who, len);
		return;
	}
	if (pdu[0] == 0x01) {
		if (end->paired_with)
			ag_sim_fail(end->report, AG_SIM_SECOND_REQUEST,
				    "%s: a second Pairing Request", end->who);
		end->paired_with = true;
	} else if (pdu[0] == 0x02 || pdu[0] == 0x05) {
		if (!end->pairing && !(pdu[0] == 0x05 && end->security_asked > 0))
			ag_sim_fail(end->report, AG_SIM_SECOND_ANSWER,
				    "%s: SMP 0x%02x without a Pairing Request", end->who, pdu[0]);
		if (end->pairing || pdu[0] == 0x02)
			end->pairing = false;
		else if (end->security_asked > 0)
			end->security_asked--;
	}
}

void ag_sim_world_pdu(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
		      size_t len)
{
	struct ag_sim_world *world = user;
	size_t index = ag_sim_slot(end->handle);
	bool at_host = end->pb_first == 0;
	struct ag_sim_ledger *ledger = &world->ledger[index][at_host ? AG_FROM_PEER : AG_FROM_HOST];

	world->result->pdus++;
	if (!world->ending[index] && !ag_sim_ledger_arrived(ledger, cid, pdu, len))
		ag_sim_fail(world->report, AG_SIM_UNEXPECTED,
			    "%s: channel %u, opcode 0x%02x, %zu octets", end->who, cid,
			    len ? pdu[0] : 0, len);
	if (world->ending[index])
		return;
	if (cid == AG_SIM_CID_ATT)
		ag_sim_att_receive(&end->att, &world->random, world->report, end->who, pdu, len,
				   world->now_us);
	else if (cid == AG_SIM_CID_SMP)
		receive_smp(end, pdu, len);
}

static size_t start_smp(struct ag_sim_world *world, struct ag_sim_end *end, bool central,
			uint8_t *out)
{
	if (!central || end->pairing) {
		out[0] = central ? 0x0e : 0x0b; /* Keypress Notification, Security Request */
		end->security_asked += !central;
		out[1] = (uint8_t)ag_random_below(&world->random, 5);
		return 2;
	}
	end->pairing = true;
	memcpy(out, "\x01\x03\x00\x01\x10\x07\x07", 7);
	return 7;
}

static size_t reply_smp(struct ag_sim_world *world, struct ag_sim_end *end, uint8_t *out)
{
	if (!end->paired_with)
		return 0;
	end->paired_with = false;
	if (ag_random_percent(&world->random, 50)) {
		memcpy(out, "\x05\x05", 2);
		return 2;
	}
	memcpy(out, "\x02\x03\x00\x01\x10\x07\x07", 7);
	return 7;
}

static size_t start_other(struct ag_sim_world *world, bool le, uint16_t *cid, uint8_t *out)
{
	if (ag_random_percent(&world->random, 30)) {
		*cid = le ? AG_SIM_CID_SIGNALLING : AG_SIM_CID_SIGNALLING_BREDR;
		memcpy(out, "\x08\x01\x02\x00\x00\x00", 6);
		ag_random_fill(&world->random, out + 4, 2);
		return 6;
	}
	*cid = AG_SIM_CID_OTHER;
	ag_random_fill(&world->random, out, 24);
	return ag_random_range(&world->random, 0, 24);
}

static size_t start_pdu(struct ag_sim_world *world, struct ag_sim_end *end, bool le, bool central,
			uint16_t *cid, uint8_t *out)
{
	uint32_t choice = ag_random_below(&world->random, 100);

	if (!le || choice < 10)
		return start_other(world, le, cid, out);
	if (choice < 18) {
		*cid = AG_SIM_CID_SMP;
		return start_smp(world, end, central, out);
	}
	*cid = AG_SIM_CID_ATT;
	return ag_sim_att_start(&end->att, &world->random, out);
}

/* Begin a PDU: an answer that is due, else, if wanted, something new. */
void ag_sim_world_begin(struct ag_sim_world *world, struct ag_sim_end *end, bool le, bool central,
			bool fresh)
{
	struct ag_sim_ledger *ledger = &world->ledger[ag_sim_slot(
	    end->handle)][end->pb_first == 0 ? AG_FROM_HOST : AG_FROM_PEER];
	uint8_t pdu[AG_SIM_ATT_MAX];
	uint16_t cid = AG_SIM_CID_ATT;
	size_t len;

	if (ag_sim_end_busy(end) || ag_sim_ledger_full(ledger))
		return;
	len = ag_sim_att_reply(&end->att, &world->random, world->now_us, pdu);
	if (len == 0) {
		cid = AG_SIM_CID_SMP;
		len = reply_smp(world, end, pdu);
	}
	if (len == 0) {
		if (!fresh || world->quiet)
			return;
		len = start_pdu(world, end, le, central, &cid, pdu);
	}
	ag_sim_ledger_sent(ledger, cid, pdu, len);
	ag_sim_end_begin(end, cid, pdu, len);
}
