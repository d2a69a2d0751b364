/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enhanced ATT bearers: credit-based channels (Vol 3 Part A, 3.4 and 10).
 *
 *   first K-frame of an SDU:  SDU length (2) | octets
 *   further K-frames:         octets
 *
 * A frame that goes no further costs its sender a credit, which we give back. A frame of ours costs
 * the receiver one that the sender believes to have, which we take out of the receiver's next
 * grant; until then a frame of the sender for which no credit is left waits.
 */
#include "proxy/engine/hide.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/l2cap_signal.h"

#define SDU_HEADER 2

static struct ag_credit_flow *flow_of(const struct ag_unit *unit)
{
	return &unit->channel->flow[ag_other(unit->from)];
}

/* A sender keeps to its credits by itself, so only while we use some of them must its frames wait.
 */
static bool take_credit(struct ag_credit_flow *flow, bool ours)
{
	if (flow->waiting.count || (!flow->credits && (ours || flow->taken)))
		return false;
	if (flow->credits)
		flow->credits--;
	return true;
}

/* Send or queue one K-frame of ours, or one whose packets are done with. */
static int send_frame(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
		      enum ag_side to, const uint8_t *frame, size_t len, size_t owed)
{
	struct ag_credit_flow *flow = &channel->flow[to];
	int r;

	if (take_credit(flow, true))
		return ag_inject(engine, link, to, channel->cid[to], frame, len, owed);
	r = ag_complete(engine, link, ag_other(to), owed);
	return r ? r : ag_fifo_put(&flow->waiting, frame, len, 0);
}

static int send_waiting(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
			enum ag_side to, const struct ag_record *record)
{
	int r = ag_inject(engine, link, to, channel->cid[to], record->data, record->len, 0);

	ag_fifo_pop(&channel->flow[to].waiting);
	return r;
}

int ag_eatt_drain(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
		  enum ag_side to)
{
	struct ag_credit_flow *flow = &channel->flow[to];
	struct ag_record record;
	int r = 0;

	while (!r && flow->credits && ag_fifo_front(&flow->waiting, &record)) {
		r = send_waiting(engine, link, channel, to, &record);
		flow->credits--;
	}
	return r;
}

/* A sender that heeds no credits is not to fill our memory with what the receiver does not take
 * now: that gets all of it, as it would without us. */
static int let_all_go(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	struct ag_record record;
	int r = 0;

	while (!r && ag_fifo_front(&flow->waiting, &record)) {
		engine->stats.early_releases++;
		r = send_waiting(engine, unit->link, unit->channel, ag_other(unit->from), &record);
	}
	return r;
}

uint16_t ag_eatt_granted(struct ag_channel *channel, enum ag_side by, uint16_t credits)
{
	struct ag_credit_flow *flow = &channel->flow[by];
	uint32_t back = credits < flow->taken ? credits : flow->taken;

	flow->credits += credits;
	flow->taken -= back;
	return (uint16_t)(credits - back);
}

/* 4.24 */
static int send_grant(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
		      enum ag_side to, uint16_t credits)
{
	uint16_t cid = link->view.type == AG_LINK_LE ? AG_CID_LE_SIGNALLING : AG_CID_SIGNALLING;
	struct ag_l2cap_signal signal = { .code = AG_L2CAP_FLOW_CONTROL_CREDIT, .ident = 1 };
	uint8_t pdu[8], granting[2];

	ag_put_le16(granting, channel->cid[ag_other(to)]);
	signal.source = (struct ag_l2cap_cids){ .at = granting, .count = 1 };
	signal.number[AG_L2CAP_CREDITS] = credits;
	return ag_inject(engine, link, to, cid, pdu, ag_l2cap_signal_put(&signal, pdu, sizeof(pdu)),
			 0);
}

/* Where packets to a side wait for buffers, so do its credits, in one number: whoever takes nothing
 * could send any number of frames for which it gets one back. */
static int grant(struct ag_engine *engine, struct ag_link *link, struct ag_channel *channel,
		 enum ag_side to, uint16_t credits)
{
	if (!link->line[to].waiting.count)
		return send_grant(engine, link, channel, to, credits);
	channel->flow[ag_other(to)].back += credits;
	return 0;
}

int ag_eatt_give_back(struct ag_engine *engine, struct ag_link *link, enum ag_side to)
{
	int r = 0;

	for (size_t i = 0; !r && link->has_channels && i < AG_CHANNELS_MAX; i++) {
		struct ag_credit_flow *flow = &link->channel[i].flow[ag_other(to)];
		uint32_t back = flow->back < UINT16_MAX ? flow->back : UINT16_MAX;

		flow->back = 0;
		if (back)
			r = send_grant(engine, link, &link->channel[i], to, (uint16_t)back);
	}
	return r;
}

int ag_refund(struct ag_engine *engine, struct ag_link *link, enum ag_side sender,
	      struct ag_channel *channel, size_t frames)
{
	struct ag_credit_flow *flow;
	size_t back;

	if (!channel || !channel->credit_based)
		return 0;
	flow = &channel->flow[ag_other(sender)];
	back = frames < flow->taken ? frames : flow->taken;
	flow->taken -= (uint32_t)back;
	frames -= back;
	flow->sender += (uint32_t)frames;
	return frames ? grant(engine, link, channel, sender, (uint16_t)frames) : 0;
}

static int send_sdu(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
		    struct ag_channel *channel, const uint8_t *pdu, size_t len, size_t owed,
		    size_t spent)
{
	struct ag_credit_flow *flow = &channel->flow[to];
	size_t mps = flow->mps > SDU_HEADER ? flow->mps : AG_GATHER_MAX;
	size_t total = len + SDU_HEADER;
	size_t count = (total + mps - 1) / mps;
	uint8_t *sdu = engine->sdu_out;
	int r = 0;

	ag_put_le16(sdu, (uint16_t)len);
	memcpy(sdu + SDU_HEADER, pdu, len);
	if (count > spent)
		flow->taken += (uint32_t)(count - spent);
	for (size_t i = 0; !r && i < count; i++) {
		size_t part = i + 1 < count ? mps : total - i * mps;

		r = send_frame(engine, link, channel, to, sdu + i * mps, part,
			       i + 1 < count ? 0 : owed);
	}
	if (r || spent <= count)
		return r;
	return ag_refund(engine, link, ag_other(to), channel, spent - count);
}

/* An SDU of ours does not go between the frames of a foreign one, unless that never ends. */
static bool must_wait(const struct ag_credit_flow *flow)
{
	return flow->sdu_passes && flow->own.bytes < AG_WAITING_MAX;
}

int ag_send_pdu(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
		struct ag_channel *channel, uint16_t cid, const uint8_t *pdu, size_t len,
		size_t owed, size_t spent)
{
	if (channel && channel->credit_based && must_wait(&channel->flow[to])) {
		int r = ag_complete(engine, link, ag_other(to), owed);

		return r ? r : ag_fifo_put(&channel->flow[to].own, pdu, len, (uint32_t)spent);
	}
	if (channel && channel->credit_based)
		return send_sdu(engine, link, to, channel, pdu, len, owed, spent);
	return ag_inject(engine, link, to, channel ? channel->cid[to] : cid, pdu, len, owed);
}

static int forward_frame(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	int r;

	if (take_credit(flow, false) || unit->forwarded)
		return ag_unit_forward(engine, unit);
	r = ag_unit_swallow(engine, unit);
	return r ? r : ag_fifo_put(&flow->waiting, unit->frame, unit->frame_len, 0);
}

int ag_eatt_forward(struct ag_engine *engine, struct ag_unit *unit)
{
	enum ag_side to = ag_other(unit->from);
	struct ag_credit_flow *flow = flow_of(unit);
	struct ag_record record;
	int r = 0;

	/* its frames went on one by one */
	if (flow->sdu_passes)
		return 0;
	while (!r && ag_fifo_front(&flow->sdu, &record)) {
		r = send_frame(engine, unit->link, unit->channel, to, record.data, record.len, 0);
		ag_fifo_pop(&flow->sdu);
	}
	return r ? r : forward_frame(engine, unit);
}

/* Can the whole SDU be gathered without a credit of ours? */
static bool can_gather(const struct ag_credit_flow *flow, size_t sdu_len, size_t first_len)
{
	size_t rest = sdu_len + SDU_HEADER - first_len;

	return (rest + first_len - 1) / first_len <= flow->sender;
}

/* Whether an SDU that is not gathered goes no further, by its first frame. */
static bool is_surplus(struct ag_engine *engine, struct ag_unit *unit, size_t sdu_len)
{
	unit->pdu = unit->frame + SDU_HEADER;
	unit->len = unit->frame_len - SDU_HEADER;
	unit->pdu_len = sdu_len;
	return ag_bearer_discards(engine, unit);
}

/* Whether the frames of an SDU go on as they come, to be looked at when it is whole: nothing will
 * be changed, nothing is held, and nobody owes an answer here. */
static bool may_pass(const struct ag_engine *engine, const struct ag_unit *unit)
{
	return ag_is_passive(engine) && !ag_is_awaited(unit);
}

/* Whether a rule may want an SDU, or there may be something in it to hide, by its first frame. */
static bool is_wanted(struct ag_engine *engine, const struct ag_unit *unit)
{
	if (ag_is_passive(engine) || unit->frame_len <= SDU_HEADER)
		return !ag_is_passive(engine);
	return ag_is_wanted(engine, unit, unit->frame[SDU_HEADER]);
}

static int begin_sdu(struct ag_engine *engine, struct ag_credit_flow *flow, struct ag_unit *unit)
{
	size_t have = unit->frame_len - SDU_HEADER;
	bool overlong;
	int r;

	flow->sdu_len = ag_get_le16(unit->frame);
	flow->sdu_have = 0;
	overlong = have > flow->sdu_len;
	if (have == flow->sdu_len && have <= AG_GATHER_MAX)
		return 0;
	if (!overlong && flow->sdu_len <= AG_GATHER_MAX &&
	    (can_gather(flow, flow->sdu_len, unit->frame_len) || is_wanted(engine, unit))) {
		flow->sdu_passes = flow->sdu_watched = may_pass(engine, unit);
		return 0;
	}
	flow->sdu_teaches = have && !overlong && flow->sdu_len <= AG_GATHER_MAX &&
			    ag_map_wants(unit, unit->frame[SDU_HEADER]);
	engine->stats.unjudged[overlong ? AG_UNJUDGED_LENGTH : AG_UNJUDGED_TOO_LONG]++;
	if (have && is_surplus(engine, unit, flow->sdu_len)) {
		flow->sdu_discarded = true;
		return 0;
	}
	/* it must not overtake what is held */
	r = ag_hold_flush(engine, unit->link, unit->from);
	flow->sdu_passes = true;
	return r;
}

static void end_sdu(struct ag_credit_flow *flow)
{
	ag_fifo_clear(&flow->sdu);
	flow->sdu_len = 0;
	flow->sdu_have = 0;
	flow->sdu_passes = flow->sdu_discarded = false;
	flow->sdu_watched = flow->sdu_teaches = false;
}

/* The last frame of an SDU that went by: ours may follow. */
static int end_passing(struct ag_engine *engine, const struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	struct ag_record record;
	int r = 0;

	end_sdu(flow);
	while (!r && ag_fifo_front(&flow->own, &record)) {
		r = send_sdu(engine, unit->link, ag_other(unit->from), unit->channel, record.data,
			     record.len, 0, record.mark);
		ag_fifo_pop(&flow->own);
	}
	return r;
}

/* The SDU in one piece. */
static const uint8_t *whole_sdu(struct ag_engine *engine, const struct ag_credit_flow *flow,
				const struct ag_unit *unit)
{
	size_t skip = SDU_HEADER;
	struct ag_record record;
	size_t at = 0;

	if (!ag_fifo_front(&flow->sdu, &record))
		return unit->frame + SDU_HEADER;
	do {
		memcpy(engine->sdu + at, record.data + skip, record.len - skip);
		at += record.len - skip;
		skip = 0;
	} while (ag_fifo_next(&flow->sdu, &record));
	memcpy(engine->sdu + at, unit->frame, unit->frame_len);
	return engine->sdu;
}

/* The receiver grants nothing for frames that it did not get, so a sender without credits could not
 * send the rest of what is gathered: it gets one of ours, which the receiver's next grant gives
 * back. A peer that keeps itself short of credits is judged like any other. */
static int lend(struct ag_engine *engine, const struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);

	flow->sender++;
	flow->taken++;
	return grant(engine, unit->link, unit->channel, unit->from, 1);
}

/* A frame that is not the last one of its SDU. */
static int keep_frame(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	int r = ag_fifo_put(&flow->sdu, unit->frame, unit->frame_len, 0);

	if (!r)
		r = ag_unit_swallow(engine, unit);
	return r || flow->sender || engine->config.replay ? r : lend(engine, unit);
}

/* An SDU that has passed is whole. */
static int look_at_passed(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	int r = 0;

	unit->pdu = whole_sdu(engine, flow, unit);
	unit->len = flow->sdu_len;
	unit->pdu_len = unit->len;
	unit->frames = flow->sdu.count + 1;
	unit->forwarded = true;
	if (flow->sdu_watched)
		r = ag_judge(engine, unit);
	else
		ag_map_teach(unit);
	return r;
}

/* A frame of an SDU that goes on as it came. */
static int pass_frame(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	bool watched = flow->sdu_watched || flow->sdu_teaches;
	int r = flow->sdu_passes ? forward_frame(engine, unit) : ag_eatt_forward(engine, unit);

	if (!r && watched && unit->frame_len && flow->sdu_have < flow->sdu_len)
		r = ag_fifo_put(&flow->sdu, unit->frame, unit->frame_len, 0);
	if (!r && watched && flow->sdu_have == flow->sdu_len)
		r = look_at_passed(engine, unit);
	if (r || flow->sdu_have < flow->sdu_len)
		return r;
	return end_passing(engine, unit);
}

static int discard_frame(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	int r = ag_unit_swallow(engine, unit);

	if (flow->sdu_have >= flow->sdu_len)
		end_sdu(flow);
	return r ? r : ag_refund(engine, unit->link, unit->from, unit->channel, 1);
}

/* A frame that brings an SDU no further: any number of them could be sent, so it is not kept, and
 * its sender has the credit for the rest still. */
static int discard_empty(struct ag_engine *engine, struct ag_unit *unit)
{
	int r = ag_unit_swallow(engine, unit);

	flow_of(unit)->sender++;
	return r ? r : grant(engine, unit->link, unit->channel, unit->from, 1);
}

static int judge_sdu(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	int r;

	unit->pdu = whole_sdu(engine, flow, unit);
	unit->len = flow->sdu_len;
	unit->pdu_len = unit->len;
	unit->frames = flow->sdu.count + 1;
	r = unit->len ? ag_judge(engine, unit) : ag_eatt_forward(engine, unit);
	end_sdu(flow);
	return r;
}

int ag_eatt_frame(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_credit_flow *flow = flow_of(unit);
	bool first = !flow->sdu_len;
	int r = 0;

	unit->frame = unit->pdu;
	unit->frame_len = unit->len;
	if (flow->sender)
		flow->sender--;
	else
		r = let_all_go(engine, unit);
	if (!r && first && unit->len < SDU_HEADER) {
		engine->stats.unjudged[AG_UNJUDGED_TRUNCATED]++;
		return ag_eatt_forward(engine, unit);
	}
	if (!r && first)
		r = begin_sdu(engine, flow, unit);
	if (r)
		return r;
	flow->sdu_have += unit->frame_len - (first ? SDU_HEADER : 0);
	if (flow->sdu_discarded && !unit->forwarded)
		return discard_frame(engine, unit);
	if (!unit->frame_len && !flow->sdu_passes && !unit->forwarded)
		return discard_empty(engine, unit);
	if (flow->sdu_passes || flow->sdu_have > flow->sdu_len)
		return pass_frame(engine, unit);
	if (flow->sdu_have < flow->sdu_len)
		return keep_frame(engine, unit);
	return judge_sdu(engine, unit);
}
