/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the ends say to each other: ATT, SMP, an enhanced bearer, and other things. */

#include <string.h>

#include "proxy/wire/cursor.h"
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

/* The channel of the PDU or SDU that the other end has not sent whole, or 0. */
static uint16_t sending(struct ag_sim_world *world, const struct ag_sim_end *end, bool eatt)
{
	struct ag_sim_host_link *host = ag_sim_host_find(&world->host, end->handle);
	struct ag_sim_controller_link *peer = ag_sim_controller_find(&world->controller,
								     end->handle);
	bool at_host = end->pb_first == 0;
	uint16_t cid;
	const struct ag_sim_end *other = at_host ? (peer ? &peer->peer : NULL)
						 : (host ? &host->end : NULL);

	if (!other)
		return 0;
	cid = ag_sim_end_busy(other) ? ag_get_le16(other->out + 2) : 0;
	if (eatt)
		return other->coc.out_len > 0 || (cid && cid == other->coc.peer_cid)
			   ? AG_SIM_CID_EATT
			   : 0;
	return cid == AG_SIM_CID_SIGNALLING && other->out[4] == 0x16 ? 0 : cid;
}

static void arrived(struct ag_sim_world *world, struct ag_sim_end *end, uint16_t cid,
		    const uint8_t *pdu, size_t len)
{
	size_t index = ag_sim_slot(end->handle);
	struct ag_sim_ledger *ledger =
	    &world->ledger[index][end->pb_first == 0 ? AG_FROM_PEER : AG_FROM_HOST];

	if (!ag_sim_ledger_arrived(ledger, cid, pdu, len,
				   sending(world, end, cid == AG_SIM_CID_EATT)))
		ag_sim_fail(world->report, AG_SIM_UNEXPECTED,
			    "%s: channel %u, opcode 0x%02x, %zu octets", end->who, cid,
			    len ? pdu[0] : 0, len);
}

static void receive_frame(struct ag_sim_world *world, struct ag_sim_end *end, const uint8_t *pdu,
			  size_t len)
{
	struct ag_sim_coc *coc = &end->coc;

	if (!ag_sim_coc_received(coc, world->report, end->who, pdu, len))
		return;
	arrived(world, end, AG_SIM_CID_EATT, coc->in, coc->in_len);
	ag_sim_att_receive(&coc->att, &world->random, world->report, end->who, coc->in, coc->in_len,
			   world->now_us);
}

void ag_sim_world_pdu(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
		      size_t len)
{
	struct ag_sim_world *world = user;
	bool le = cid == AG_SIM_CID_SIGNALLING;

	world->result->pdus++;
	if (world->ending[ag_sim_slot(end->handle)])
		return;
	if (end->coc.state == AG_SIM_COC_OPEN && cid == end->coc.cid) {
		receive_frame(world, end, pdu, len);
		return;
	}
	/* the engine's own grants are no PDUs of the other end's, and it takes from that one's */
	if (!le || len == 0 || pdu[0] != 0x16)
		arrived(world, end, cid, pdu, len);
	if (le)
		ag_sim_coc_signalled(&end->coc, world->report, end->who, pdu, len);
	else if (cid == AG_SIM_CID_ATT)
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
	if (world->what->eatt && choice < 24 && end->coc.state == AG_SIM_COC_CLOSED &&
	    !end->coc.respond) {
		*cid = AG_SIM_CID_SIGNALLING;
		return ag_sim_coc_ask(&end->coc, &world->random, out);
	}
	if (choice < 55 && end->coc.state == AG_SIM_COC_OPEN && end->coc.out_len == 0) {
		*cid = AG_SIM_CID_EATT;
		return ag_sim_att_start(&end->coc.att, &world->random, out);
	}
	*cid = AG_SIM_CID_ATT;
	return ag_sim_att_start(&end->att, &world->random, out);
}

/* What is due, or 0. */
static size_t due_pdu(struct ag_sim_world *world, struct ag_sim_end *end, uint16_t *cid,
		      uint8_t *out)
{
	struct ag_sim_coc *coc = &end->coc;
	size_t len;

	*cid = AG_SIM_CID_SIGNALLING;
	if ((len = ag_sim_coc_signal(coc, &world->random, out)))
		return len;
	*cid = AG_SIM_CID_ATT;
	if ((len = ag_sim_att_reply(&end->att, &world->random, world->now_us, out)))
		return len;
	*cid = AG_SIM_CID_SMP;
	if ((len = reply_smp(world, end, out)))
		return len;
	*cid = AG_SIM_CID_EATT;
	if (coc->state != AG_SIM_COC_OPEN || coc->out_len > 0)
		return 0;
	return ag_sim_att_reply(&coc->att, &world->random, world->now_us, out);
}

/* The next frame of an SDU that is going out. @return: false if there is none that may go */
static bool begin_frame(struct ag_sim_end *end)
{
	uint8_t frame[AG_SIM_COC_MPS_MAX];
	size_t len = ag_sim_coc_frame(&end->coc, frame);

	if (len > 0)
		ag_sim_end_begin(end, end->coc.peer_cid, frame, len);
	return len > 0;
}

static void queue(struct ag_sim_end *end, struct ag_sim_ledger *ledger, uint16_t cid,
		  const uint8_t *pdu, size_t len)
{
	bool grant = cid == AG_SIM_CID_SIGNALLING && pdu[0] == 0x16;

	if (!grant) /* the engine takes from it what its own frames used */
		ag_sim_ledger_sent(ledger, cid, pdu, len);
	if (cid != AG_SIM_CID_EATT) {
		ag_sim_end_begin(end, cid, pdu, len);
		return;
	}
	ag_sim_coc_begin(&end->coc, pdu, len);
	begin_frame(end);
}

void ag_sim_world_begin(struct ag_sim_world *world, struct ag_sim_end *end, bool le, bool central,
			bool fresh)
{
	enum ag_from from = end->pb_first == 0 ? AG_FROM_HOST : AG_FROM_PEER;
	struct ag_sim_ledger *ledger = &world->ledger[ag_sim_slot(end->handle)][from];
	uint8_t pdu[AG_SIM_ATT_MAX];
	uint16_t cid;
	size_t len;

	if (ag_sim_end_busy(end) || ag_sim_ledger_full(ledger))
		return;
	if (ag_random_percent(&world->random, 50) && begin_frame(end))
		return;
	len = due_pdu(world, end, &cid, pdu);
	if (len > 0)
		queue(end, ledger, cid, pdu, len);
	else if (!fresh || world->quiet)
		begin_frame(end);
	else {
		len = start_pdu(world, end, le, central, &cid, pdu);
		queue(end, ledger, cid, pdu, len);
	}
}
