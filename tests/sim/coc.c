/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/coc.h"

#include <string.h>

#include "proxy/wire/cursor.h"

enum { REQUEST = 0x14, RESPONSE = 0x15, CREDIT = 0x16, SPSM_EATT = 0x27, CID_FIRST = 0x50 };

void ag_sim_coc_reset(struct ag_sim_coc *coc)
{
	uint32_t slow_us = coc->att.slow_us;
	uint16_t serial = coc->att.serial;

	memset(coc, 0, offsetof(struct ag_sim_coc, in));
	coc->att.slow_us = slow_us;
	coc->att.serial = serial;
}

/* Our end: a number, and what we take. */
static void choose(struct ag_sim_coc *coc, struct ag_random *random)
{
	static const uint16_t mps[] = { 64, 100, AG_SIM_COC_MPS_MAX };

	coc->cid = (uint16_t)(CID_FIRST + ag_random_below(random, 16));
	coc->mps = mps[ag_random_below(random, 3)];
	coc->granted = ag_random_range(random, 1, 6);
}

size_t ag_sim_coc_ask(struct ag_sim_coc *coc, struct ag_random *random, uint8_t *out)
{
	choose(coc, random);
	coc->state = AG_SIM_COC_ASKED;
	out[0] = REQUEST;
	out[1] = coc->ident = (uint8_t)ag_random_range(random, 1, 255);
	ag_put_le16(out + 2, 10);
	ag_put_le16(out + 4, SPSM_EATT);
	ag_put_le16(out + 6, coc->cid);
	ag_put_le16(out + 8, AG_SIM_COC_MTU);
	ag_put_le16(out + 10, coc->mps);
	ag_put_le16(out + 12, (uint16_t)coc->granted);
	return 14;
}

static size_t response(struct ag_sim_coc *coc, struct ag_random *random, uint8_t *out)
{
	bool refuse = coc->refuse || ag_random_percent(random, 10);

	coc->respond = false;
	memset(out, 0, 14);
	out[0] = RESPONSE;
	out[1] = coc->ident;
	ag_put_le16(out + 2, 10);
	if (refuse) {
		out[12] = 2; /* SPSM not supported */
		return 14;
	}
	choose(coc, random);
	coc->state = AG_SIM_COC_OPEN;
	ag_put_le16(out + 4, coc->cid);
	ag_put_le16(out + 6, AG_SIM_COC_MTU);
	ag_put_le16(out + 8, coc->mps);
	ag_put_le16(out + 10, (uint16_t)coc->granted);
	return 14;
}

size_t ag_sim_coc_signal(struct ag_sim_coc *coc, struct ag_random *random, uint8_t *out)
{
	unsigned int more;

	if (coc->respond)
		return response(coc, random, out);
	if (coc->state != AG_SIM_COC_OPEN || coc->granted > 1)
		return 0;
	more = ag_random_range(random, 1, 6);
	coc->granted += more;
	out[0] = CREDIT;
	out[1] = 1;
	ag_put_le16(out + 2, 4);
	ag_put_le16(out + 4, coc->cid);
	ag_put_le16(out + 6, (uint16_t)more);
	return 8;
}

static void requested(struct ag_sim_coc *coc, uint8_t ident, struct ag_cursor at)
{
	ag_pull(&at, 2);
	coc->respond = true;
	coc->ident = ident;
	coc->refuse = coc->state != AG_SIM_COC_CLOSED; /* both asked */
	if (coc->refuse)
		return;
	coc->peer_cid = ag_pull_le16(&at);
	ag_pull(&at, 2);
	coc->peer_mps = ag_pull_le16(&at);
	coc->may_send = ag_pull_le16(&at);
}

static void responded(struct ag_sim_coc *coc, struct ag_cursor at)
{
	coc->peer_cid = ag_pull_le16(&at);
	ag_pull(&at, 2);
	coc->peer_mps = ag_pull_le16(&at);
	coc->may_send = ag_pull_le16(&at);
	coc->state = ag_pull_le16(&at) == 0 && !at.failed ? AG_SIM_COC_OPEN : AG_SIM_COC_CLOSED;
}

void ag_sim_coc_signalled(struct ag_sim_coc *coc, struct ag_sim_report *report, const char *who,
			  const uint8_t *pdu, size_t len)
{
	struct ag_cursor at = ag_cursor(pdu, len);
	uint8_t code = ag_pull_u8(&at);
	uint8_t ident = ag_pull_u8(&at);

	ag_pull(&at, 2);
	if (code == REQUEST)
		requested(coc, ident, at);
	if (code == RESPONSE && coc->state == AG_SIM_COC_ASKED)
		responded(coc, at);
	if (code != CREDIT)
		return;
	if (coc->state != AG_SIM_COC_OPEN || ag_pull_le16(&at) != coc->peer_cid)
		ag_sim_fail(report, AG_SIM_CHANNEL_CREDIT, "%s: credits for no channel", who);
	coc->may_send += ag_pull_le16(&at);
}

void ag_sim_coc_begin(struct ag_sim_coc *coc, const uint8_t *pdu, size_t len)
{
	ag_put_le16(coc->out, (uint16_t)len);
	memcpy(coc->out + 2, pdu, len);
	coc->out_len = 2 + len;
	coc->out_off = 0;
}

size_t ag_sim_coc_frame(struct ag_sim_coc *coc, uint8_t *out)
{
	size_t len = coc->out_len - coc->out_off;

	if (len == 0 || coc->may_send == 0)
		return 0;
	if (len > coc->peer_mps)
		len = coc->peer_mps;
	coc->may_send--;
	memcpy(out, coc->out + coc->out_off, len);
	coc->out_off += len;
	if (coc->out_off == coc->out_len)
		coc->out_off = coc->out_len = 0;
	return len;
}

bool ag_sim_coc_received(struct ag_sim_coc *coc, struct ag_sim_report *report, const char *who,
			 const uint8_t *frame, size_t len)
{
	size_t skip = coc->in_want ? 0 : 2;

	if (coc->granted == 0)
		ag_sim_fail(report, AG_SIM_CHANNEL_CREDIT, "%s: a frame without a credit", who);
	else
		coc->granted--;
	if (len > coc->mps || len <= skip) {
		ag_sim_fail(report, AG_SIM_TOO_LONG, "%s: a frame of %zu, not %u", who, len,
			    coc->mps);
		return false;
	}
	if (skip) {
		coc->in_want = ag_get_le16(frame);
		coc->in_len = 0;
	}
	if (coc->in_want > AG_SIM_COC_MTU || coc->in_len + len - skip > coc->in_want) {
		ag_sim_fail(report, AG_SIM_FRAMING, "%s: an SDU of %zu has more", who,
			    coc->in_want);
		return false;
	}
	memcpy(coc->in + coc->in_len, frame + skip, len - skip);
	coc->in_len += len - skip;
	if (coc->in_len < coc->in_want)
		return false;
	coc->in_want = 0;
	return true;
}
