/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which channel carries what: fixed channels, and dynamic ones learned from signalling (Vol 3
 * Part A, 4). */
#include "proxy/engine/judging.h"

#include "proxy/wire/l2cap_signal.h"

/** L2CAP's default MTU of a BR/EDR channel (5.1). */
#define DEFAULT_MTU 672
/** Octets of a grant of credits: header, channel and number (4.24). */
#define GRANT_LEN (AG_L2CAP_SIGNAL_HEADER + 4)
/** In the place of the number of a request that was refused; they count from 1. */
#define REJECTED 0

static struct ag_channel *find_by_cid(struct ag_link *link, enum ag_side at, uint16_t cid)
{
	for (size_t i = 0; link->has_channels && i < AG_CHANNELS_MAX; i++) {
		if (link->channel[i].state == AG_CHANNEL_OPEN && link->channel[i].cid[at] == cid)
			return &link->channel[i];
	}
	return NULL;
}

enum ag_channel_class ag_channel_classify(struct ag_link *link, enum ag_side from, uint16_t cid,
					  struct ag_unit *unit)
{
	bool le = link->view.type == AG_LINK_LE;

	unit->channel = NULL;
	unit->bearer = NULL;
	if (cid >= AG_CID_DYNAMIC_MIN) {
		unit->channel = find_by_cid(link, ag_other(from), cid);
		if (!unit->channel)
			return AG_CLASS_OTHER;
		unit->bearer = &unit->channel->bearer;
		return AG_CLASS_ATT;
	}
	if (le && cid == AG_CID_ATT) {
		unit->bearer = &link->att;
		return AG_CLASS_ATT;
	}
	if (cid == (le ? AG_CID_SMP : AG_CID_SMP_BREDR))
		return AG_CLASS_SMP;
	if (cid == (le ? AG_CID_LE_SIGNALLING : AG_CID_SIGNALLING))
		return AG_CLASS_SIGNALLING;
	return AG_CLASS_OTHER;
}

void ag_channel_close(struct ag_channel *channel)
{
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		struct ag_credit_flow *flow = &channel->flow[side];

		ag_fifo_clear(&flow->sdu);
		ag_fifo_clear(&flow->waiting);
		ag_fifo_clear(&flow->own);
		flow->sender = flow->credits = flow->taken = flow->back = 0;
		flow->sdu_len = flow->sdu_have = 0;
		flow->sdu_passes = flow->sdu_discarded = false;
		flow->sdu_watched = flow->sdu_teaches = false;
	}
	channel->state = AG_CHANNEL_FREE;
}

void ag_channel_free(struct ag_channel *channel)
{
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		ag_fifo_free(&channel->flow[side].sdu);
		ag_fifo_free(&channel->flow[side].waiting);
		ag_fifo_free(&channel->flow[side].own);
	}
}

/* ---- Asking ---- */

static bool is_asked(const struct ag_channel *channel, enum ag_side by, uint8_t ident)
{
	return channel->state == AG_CHANNEL_ASKED && channel->asked_by == by &&
	       channel->ident == ident;
}

/* A request of the same identifier takes the place of one that was not answered, or refused as a
 * command (4.1), whatever that one asked for. A peer, however, may send several of one identifier
 * and have each of them answered. */
static void forget_asked(struct ag_link *link, enum ag_side from,
			 const struct ag_l2cap_signal *signal, bool att)
{
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *channel = &link->channel[i];
		bool again = att &&
			     channel->cid[from] == ag_l2cap_cid(signal->source, channel->place);

		if (is_asked(channel, from, signal->ident) &&
		    (again || from == AG_SIDE_HOST || channel->request == REJECTED))
			ag_channel_close(channel);
	}
}

/* Room for one more: a free place, or that of the channel that was rejected, or asked for the
 * longest time ago; a peer cannot push out what the host asks for. NULL: all are open, or asked for
 * in the same request. */
static struct ag_channel *make_room(struct ag_link *link, enum ag_side from)
{
	struct ag_channel *oldest = NULL;

	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *channel = &link->channel[i];

		if (channel->state == AG_CHANNEL_FREE)
			return channel;
		if (channel->state == AG_CHANNEL_ASKED && channel->request < link->requests &&
		    (channel->asked_by == from || from == AG_SIDE_HOST) &&
		    (!oldest || channel->request < oldest->request))
			oldest = channel;
	}
	/* a yes to it may come yet */
	if (!oldest || oldest->request != REJECTED)
		link->unfollowed++;
	if (oldest)
		ag_channel_close(oldest);
	return oldest;
}

static void set_receiver(struct ag_channel *channel, enum ag_side side,
			 const struct ag_l2cap_signal *signal)
{
	channel->mtu[side] = signal->number[AG_L2CAP_MTU];
	channel->flow[side].mps = signal->number[AG_L2CAP_MPS];
	channel->flow[side].credits = signal->number[AG_L2CAP_CREDITS];
	channel->flow[side].sender = signal->number[AG_L2CAP_CREDITS];
}

/* 4.2, 4.22, 4.25. A channel for which there is no room will not be judged. */
static void on_request(struct ag_link *link, enum ag_side from,
		       const struct ag_l2cap_signal *signal)
{
	bool credit_based = signal->code != AG_L2CAP_CONNECTION_REQUEST;
	bool att = signal->number[AG_L2CAP_PSM] == (credit_based ? AG_PSM_EATT : AG_PSM_ATT);
	struct ag_channel *channel;

	forget_asked(link, from, signal, att);
	if (!att)
		return;
	/* 4, table 4.2: no command of an LE signalling channel, so it will be rejected */
	if (!credit_based && link->view.type == AG_LINK_LE)
		return;
	link->requests++;
	for (size_t i = 0; i < signal->source.count; i++) {
		channel = make_room(link, from);
		if (!channel)
			continue;
		channel->state = AG_CHANNEL_ASKED;
		channel->request = link->requests;
		channel->place = i;
		channel->asked_by = from;
		channel->ident = signal->ident;
		channel->credit_based = credit_based;
		channel->cid[from] = ag_l2cap_cid(signal->source, i);
		channel->mtu[0] = channel->mtu[1] = DEFAULT_MTU;
		if (credit_based)
			set_receiver(channel, from, signal);
	}
}

/* ---- Answering ---- */

/* 4.3 names the channel, which Linux goes by if it is not 0; 4.23 and 4.26 have the identifier
 * only. */
static bool is_answered(const struct ag_channel *channel, enum ag_side from,
			const struct ag_l2cap_signal *signal)
{
	bool credit_based = signal->code != AG_L2CAP_CONNECTION_RESPONSE;
	uint16_t scid = credit_based ? 0 : ag_l2cap_cid(signal->source, 0);

	if (channel->credit_based != credit_based)
		return false;
	if (scid)
		return channel->state == AG_CHANNEL_ASKED && channel->asked_by == ag_other(from) &&
		       channel->cid[channel->asked_by] == scid;
	return is_asked(channel, ag_other(from), signal->ident);
}

/* The number of the request that this signal answers: the oldest that waits, since they are
 * answered in their order, else one that was rejected. */
static uint64_t request_answered(const struct ag_link *link, enum ag_side from,
				 const struct ag_l2cap_signal *signal)
{
	uint64_t oldest = REJECTED;

	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		const struct ag_channel *channel = &link->channel[i];

		if (is_answered(channel, from, signal) && channel->request != REJECTED &&
		    (oldest == REJECTED || channel->request < oldest))
			oldest = channel->request;
	}
	return oldest;
}

/* What a host refuses may be another request of the same identifier, which was not for ATT: it may
 * still say yes to this one. */
static void refuse(struct ag_channel *channel)
{
	if (channel->credit_based && channel->asked_by == AG_SIDE_CONTROLLER)
		channel->request = REJECTED;
	else
		ag_channel_close(channel);
}

static void open_channel(struct ag_link *link, struct ag_channel *channel, enum ag_side by,
			 uint16_t cid)
{
	bool classic = !channel->credit_based;
	struct ag_channel *other;

	channel->cid[by] = cid;
	/* older channels of the same number at either side, whose end was not seen */
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		while ((other = find_by_cid(link, side, channel->cid[side])))
			ag_channel_close(other);
	}
	channel->state = AG_CHANNEL_OPEN;
	channel->ending[0] = channel->ending[1] = false;
	link->has_channels = true;
	ag_bearer_init(&channel->bearer, classic ? AG_BEARER_ATT_BREDR : AG_BEARER_EATT);
	ag_bearer_set_mtu(&channel->bearer, channel->mtu[0], channel->mtu[1]);
}

/* 4.3, 4.23, 4.26. A channel of which there is none at the answering side was refused. */
static void on_response(struct ag_link *link, enum ag_side from,
			const struct ag_l2cap_signal *signal)
{
	uint64_t request = request_answered(link, from, signal);

	if (ag_l2cap_signal_is_pending(signal))
		return;
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *channel = &link->channel[i];
		uint16_t dcid;

		if (!is_answered(channel, from, signal) || channel->request != request)
			continue;
		dcid = ag_l2cap_signal_accepted(signal, channel->place);
		if (!dcid) {
			refuse(channel);
			continue;
		}
		if (channel->credit_based)
			set_receiver(channel, from, signal);
		open_channel(link, channel, from, dcid);
	}
}

/* 4.1. The other side need not heed it: Linux does on LE and does not on BR/EDR. So a response that
 * comes after all still counts, but nothing waits for it. */
static void on_reject(struct ag_link *link, enum ag_side from, const struct ag_l2cap_signal *signal)
{
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *channel = &link->channel[i];

		if (is_asked(channel, ag_other(from), signal->ident))
			channel->request = REJECTED;
	}
}

/* ---- Changing and ending ---- */

static void learn_mtu(struct ag_channel *channel, enum ag_side side, uint16_t mtu)
{
	channel->mtu[side] = mtu;
	ag_bearer_set_mtu(&channel->bearer, channel->mtu[0], channel->mtu[1]);
}

/* 4.4; the MTU is what the sender takes */
static void on_configuration_request(struct ag_link *link, enum ag_side from,
				     const struct ag_l2cap_signal *signal)
{
	uint16_t dcid = ag_l2cap_cid(signal->destination, 0);
	struct ag_channel *channel = find_by_cid(link, ag_other(from), dcid);
	struct ag_cursor options = signal->rest;
	struct ag_l2cap_option option;

	while (channel && ag_l2cap_option_next(&options, &option)) {
		if (option.value && option.type == AG_L2CAP_OPTION_MTU && option.len == 2)
			learn_mtu(channel, from, ag_get_le16(option.value));
	}
}

/* 4.27; the channels are the sender's */
static void on_reconfigure_request(struct ag_link *link, enum ag_side from,
				   const struct ag_l2cap_signal *signal)
{
	for (size_t i = 0; i < signal->destination.count; i++) {
		struct ag_channel *channel = find_by_cid(link, from,
							 ag_l2cap_cid(signal->destination, i));

		if (!channel)
			continue;
		learn_mtu(channel, from, signal->number[AG_L2CAP_MTU]);
		channel->flow[from].mps = signal->number[AG_L2CAP_MPS];
	}
}

/* 4.6; the destination is the other side */
static void on_disconnection_request(struct ag_link *link, enum ag_side from,
				     const struct ag_l2cap_signal *signal)
{
	uint16_t dcid = ag_l2cap_cid(signal->destination, 0);
	struct ag_channel *channel = find_by_cid(link, ag_other(from), dcid);

	if (channel)
		channel->ending[from] = true;
}

/* 4.7; the channels are named as in the request, so the destination is the answering side. Whoever
 * did not ask does not heed it, and goes on. */
static void on_disconnection_response(struct ag_link *link, enum ag_side from,
				      const struct ag_l2cap_signal *signal)
{
	struct ag_channel *channel = find_by_cid(link, from, ag_l2cap_cid(signal->destination, 0));

	if (channel && channel->ending[ag_other(from)])
		ag_channel_close(channel);
}

struct handler {
	uint8_t code;
	void (*learn)(struct ag_link *link, enum ag_side from,
		      const struct ag_l2cap_signal *signal);
};

static const struct handler handlers[] = {
	{ AG_L2CAP_COMMAND_REJECT, on_reject },
	{ AG_L2CAP_CONNECTION_REQUEST, on_request },
	{ AG_L2CAP_CONNECTION_RESPONSE, on_response },
	{ AG_L2CAP_CONFIGURATION_REQUEST, on_configuration_request },
	{ AG_L2CAP_DISCONNECTION_REQUEST, on_disconnection_request },
	{ AG_L2CAP_DISCONNECTION_RESPONSE, on_disconnection_response },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_REQUEST, on_request },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_RESPONSE, on_response },
	{ AG_L2CAP_CREDIT_CONNECTION_REQUEST, on_request },
	{ AG_L2CAP_CREDIT_CONNECTION_RESPONSE, on_response },
	{ AG_L2CAP_CREDIT_RECONFIGURE_REQUEST, on_reconfigure_request },
};

static void learn(struct ag_link *link, enum ag_side from, const struct ag_l2cap_signal *signal)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].code == signal->code)
			handlers[i].learn(link, from, signal);
	}
}

/* Some channels may be in use of which nothing is known. */
static void count_unfollowed(struct ag_engine *engine, struct ag_link *link)
{
	engine->stats.unjudged[AG_UNJUDGED_CHANNEL] += link->unfollowed;
	link->unfollowed = 0;
}

/* 4.24: one by itself, of which what is left is forwarded. */
static int on_credits(struct ag_engine *engine, struct ag_unit *unit,
		      struct ag_l2cap_signal *signal)
{
	uint16_t cid = ag_l2cap_cid(signal->source, 0);
	uint16_t credits = signal->number[AG_L2CAP_CREDITS];
	struct ag_channel *channel = find_by_cid(unit->link, unit->from, cid);
	uint8_t pdu[GRANT_LEN];
	uint16_t rest;
	int r;

	if (!channel)
		return ag_unit_forward(engine, unit);
	rest = ag_eatt_granted(channel, unit->from, credits);
	if (rest == credits) {
		r = ag_unit_forward(engine, unit);
	} else if (!rest) {
		r = ag_unit_swallow(engine, unit);
	} else {
		signal->number[AG_L2CAP_CREDITS] = rest;
		ag_l2cap_signal_put(signal, pdu, sizeof(pdu));
		r = ag_unit_forward_as(engine, unit, pdu, sizeof(pdu));
	}
	channel->flow[unit->from].sender += rest;
	return r ? r : ag_eatt_drain(engine, unit->link, channel, unit->from);
}

/* One that cannot be changed: it counts in full, and what is to be taken out of a grant waits for
 * the next. */
static int on_fixed_credits(struct ag_engine *engine, const struct ag_unit *unit,
			    const struct ag_l2cap_signal *signal)
{
	uint16_t cid = ag_l2cap_cid(signal->source, 0);
	struct ag_channel *channel = find_by_cid(unit->link, unit->from, cid);

	if (!channel)
		return 0;
	channel->flow[unit->from].credits += signal->number[AG_L2CAP_CREDITS];
	channel->flow[unit->from].sender += signal->number[AG_L2CAP_CREDITS];
	return ag_eatt_drain(engine, unit->link, channel, unit->from);
}

/* 4: an identifier is never 0, and on LE a frame has one command. What is not so Linux throws away.
 */
static bool is_heeded(const struct ag_link *link, const struct ag_l2cap_signal *signal,
		      const struct ag_cursor *behind)
{
	return signal->ident && (link->view.type == AG_LINK_BREDR || !behind->left);
}

int ag_signal(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_cursor commands = ag_cursor(unit->pdu, unit->len);
	bool fixed = unit->forwarded || unit->len != GRANT_LEN;
	struct ag_l2cap_signal signal;
	int r = 0, found;

	while (!r && (found = ag_l2cap_signal_next(&commands, &signal)) != AG_L2CAP_END) {
		if (found == AG_L2CAP_SHORT || !is_heeded(unit->link, &signal, &commands))
			continue;
		if (signal.code != AG_L2CAP_FLOW_CONTROL_CREDIT)
			learn(unit->link, unit->from, &signal);
		else if (fixed)
			r = on_fixed_credits(engine, unit, &signal);
		else
			return on_credits(engine, unit, &signal);
	}
	count_unfollowed(engine, unit->link);
	ag_hold_channels_gone(engine, unit->link);
	return r ? r : ag_unit_forward(engine, unit);
}
