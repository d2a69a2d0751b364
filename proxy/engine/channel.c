/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which channel carries what: fixed channels, and dynamic ones learned from signalling (Vol 3
 * Part A, 4). */
#include "proxy/engine/internal.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/l2cap.h"

/** L2CAP's default MTU of a BR/EDR channel (5.1). */
#define DEFAULT_MTU 672

/* One signalling command. */
struct signal {
	enum ag_side from;
	uint8_t code;
	uint8_t ident;
	struct ag_cursor data;
};

static struct ag_channel *find_by_cid(struct ag_link *link, enum ag_side at, uint16_t cid)
{
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
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
		flow->sender = flow->credits = flow->taken = 0;
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

/* A request of the same identifier takes the place of one that was not answered, or refused as a
 * command (4.1), whatever that one asked for. */
static void forget_asked(struct ag_link *link, const struct signal *signal)
{
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *channel = &link->channel[i];

		if (channel->state == AG_CHANNEL_ASKED && channel->asked_by == signal->from &&
		    channel->ident == signal->ident)
			ag_channel_close(channel);
	}
}

/* A channel that `signal` asks for; where all are taken it will not be judged. */
static struct ag_channel *ask(struct ag_link *link, const struct signal *signal, uint16_t cid)
{
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *channel = &link->channel[i];

		if (channel->state != AG_CHANNEL_FREE)
			continue;
		channel->state = AG_CHANNEL_ASKED;
		channel->asked_by = signal->from;
		channel->ident = signal->ident;
		channel->cid[signal->from] = cid;
		channel->mtu[0] = channel->mtu[1] = DEFAULT_MTU;
		return channel;
	}
	return NULL;
}

static void set_receiver(struct ag_channel *channel, enum ag_side side, uint16_t mtu, uint16_t mps,
			 uint16_t credits)
{
	channel->credit_based = true;
	channel->mtu[side] = mtu;
	channel->flow[side].mps = mps;
	channel->flow[side].credits = credits;
	channel->flow[side].sender = credits;
}

/* 4.2: PSM, Source CID */
static void on_connection_request(struct ag_link *link, struct signal *signal)
{
	uint16_t psm = ag_pull_le16(&signal->data);
	uint16_t scid = ag_pull_le16(&signal->data);
	struct ag_channel *channel;

	if (signal->data.failed)
		return;
	forget_asked(link, signal);
	if (psm != AG_PSM_ATT)
		return;
	channel = ask(link, signal, scid);
	if (channel)
		channel->credit_based = false;
}

/* 4.22: SPSM, Source CID, MTU, MPS, Initial Credits */
static void on_le_credit_request(struct ag_link *link, struct signal *signal)
{
	uint16_t spsm = ag_pull_le16(&signal->data);
	uint16_t scid = ag_pull_le16(&signal->data);
	uint16_t mtu = ag_pull_le16(&signal->data);
	uint16_t mps = ag_pull_le16(&signal->data);
	uint16_t credits = ag_pull_le16(&signal->data);
	struct ag_channel *channel;

	if (signal->data.failed)
		return;
	forget_asked(link, signal);
	if (spsm != AG_PSM_EATT)
		return;
	channel = ask(link, signal, scid);
	if (channel)
		set_receiver(channel, signal->from, mtu, mps, credits);
}

/* 4.25: SPSM, MTU, MPS, Initial Credits, up to 5 Source CIDs */
static void on_credit_request(struct ag_link *link, struct signal *signal)
{
	uint16_t spsm = ag_pull_le16(&signal->data);
	uint16_t mtu = ag_pull_le16(&signal->data);
	uint16_t mps = ag_pull_le16(&signal->data);
	uint16_t credits = ag_pull_le16(&signal->data);

	if (signal->data.failed)
		return;
	forget_asked(link, signal);
	if (spsm != AG_PSM_EATT)
		return;
	while (signal->data.left >= 2) {
		struct ag_channel *channel = ask(link, signal, ag_pull_le16(&signal->data));

		if (channel)
			set_receiver(channel, signal->from, mtu, mps, credits);
	}
}

/* ---- Answering ---- */

/* The next channel that this signal answers, in the order in which they were asked for. */
static struct ag_channel *next_asked(struct ag_link *link, const struct signal *signal, size_t *at)
{
	while (*at < AG_CHANNELS_MAX) {
		struct ag_channel *channel = &link->channel[(*at)++];

		if (channel->state == AG_CHANNEL_ASKED &&
		    channel->asked_by == ag_other(signal->from) && channel->ident == signal->ident)
			return channel;
	}
	return NULL;
}

static void open_channel(struct ag_link *link, struct ag_channel *channel, enum ag_side by,
			 uint16_t cid)
{
	bool classic = !channel->credit_based;

	/* an older channel of the same number, whose end was not seen */
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++) {
		struct ag_channel *other = &link->channel[i];

		if (other->state == AG_CHANNEL_OPEN && other->cid[by] == cid)
			ag_channel_close(other);
	}
	channel->cid[by] = cid;
	channel->state = AG_CHANNEL_OPEN;
	ag_bearer_init(&channel->bearer, classic ? AG_BEARER_ATT_BREDR : AG_BEARER_EATT);
	channel->bearer.mtu = channel->mtu[0] < channel->mtu[1] ? channel->mtu[0] : channel->mtu[1];
}

/* 4.3: Destination CID, Source CID, Result, Status. Result 1 is pending. */
static void on_connection_response(struct ag_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	uint16_t result;
	size_t at = 0;
	struct ag_channel *channel = next_asked(link, signal, &at);

	ag_pull_le16(&signal->data);
	result = ag_pull_le16(&signal->data);
	if (signal->data.failed || !channel || channel->credit_based || result == 1)
		return;
	if (result)
		ag_channel_close(channel);
	else
		open_channel(link, channel, signal->from, dcid);
}

/* 4.23: Destination CID, MTU, MPS, Initial Credits, Result */
static void on_le_credit_response(struct ag_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	uint16_t mtu = ag_pull_le16(&signal->data);
	uint16_t mps = ag_pull_le16(&signal->data);
	uint16_t credits = ag_pull_le16(&signal->data);
	uint16_t result = ag_pull_le16(&signal->data);
	size_t at = 0;
	struct ag_channel *channel = next_asked(link, signal, &at);

	if (signal->data.failed || !channel)
		return;
	if (result) {
		ag_channel_close(channel);
		return;
	}
	set_receiver(channel, signal->from, mtu, mps, credits);
	open_channel(link, channel, signal->from, dcid);
}

/* 4.26: MTU, MPS, Initial Credits, Result, Destination CIDs; 0 for a channel that was refused */
static void on_credit_response(struct ag_link *link, struct signal *signal)
{
	uint16_t mtu = ag_pull_le16(&signal->data);
	uint16_t mps = ag_pull_le16(&signal->data);
	uint16_t credits = ag_pull_le16(&signal->data);
	struct ag_channel *channel;
	size_t at = 0;

	ag_pull_le16(&signal->data);
	if (signal->data.failed)
		return;
	while ((channel = next_asked(link, signal, &at))) {
		uint16_t dcid = signal->data.left >= 2 ? ag_pull_le16(&signal->data) : 0;

		if (!dcid) {
			ag_channel_close(channel);
			continue;
		}
		set_receiver(channel, signal->from, mtu, mps, credits);
		open_channel(link, channel, signal->from, dcid);
	}
}

/* ---- Changing and ending ---- */

static void learn_mtu(struct ag_channel *channel, enum ag_side side, uint16_t mtu)
{
	channel->mtu[side] = mtu;
	channel->bearer.mtu = channel->mtu[0] < channel->mtu[1] ? channel->mtu[0] : channel->mtu[1];
}

/* 4.4: Destination CID, Flags, options of type, length and value; the MTU is what the sender takes
 */
static void on_configuration_request(struct ag_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	struct ag_channel *channel = find_by_cid(link, ag_other(signal->from), dcid);

	ag_pull_le16(&signal->data);
	while (channel && !signal->data.failed && signal->data.left >= 2) {
		uint8_t type = ag_pull_u8(&signal->data);
		uint8_t len = ag_pull_u8(&signal->data);
		const uint8_t *value = ag_pull(&signal->data, len);

		if (value && type == AG_L2CAP_OPTION_MTU && len == 2)
			learn_mtu(channel, signal->from, ag_get_le16(value));
	}
}

/* 4.27: MTU, MPS, the sender's CIDs */
static void on_reconfigure_request(struct ag_link *link, struct signal *signal)
{
	uint16_t mtu = ag_pull_le16(&signal->data);
	uint16_t mps = ag_pull_le16(&signal->data);

	while (!signal->data.failed && signal->data.left >= 2) {
		struct ag_channel *channel = find_by_cid(link, signal->from,
							 ag_pull_le16(&signal->data));

		if (!channel)
			continue;
		learn_mtu(channel, signal->from, mtu);
		channel->flow[signal->from].mps = mps;
	}
}

/* 4.7: Destination CID, Source CID, as in the request, so the destination is the answering side */
static void on_disconnection_response(struct ag_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	struct ag_channel *channel = find_by_cid(link, signal->from, dcid);

	if (!signal->data.failed && channel)
		ag_channel_close(channel);
}

struct handler {
	uint8_t code;
	void (*learn)(struct ag_link *link, struct signal *signal);
};

static const struct handler handlers[] = {
	{ AG_L2CAP_CONNECTION_REQUEST, on_connection_request },
	{ AG_L2CAP_CONNECTION_RESPONSE, on_connection_response },
	{ AG_L2CAP_CONFIGURATION_REQUEST, on_configuration_request },
	{ AG_L2CAP_DISCONNECTION_RESPONSE, on_disconnection_response },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_REQUEST, on_le_credit_request },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_RESPONSE, on_le_credit_response },
	{ AG_L2CAP_CREDIT_CONNECTION_REQUEST, on_credit_request },
	{ AG_L2CAP_CREDIT_CONNECTION_RESPONSE, on_credit_response },
	{ AG_L2CAP_CREDIT_RECONFIGURE_REQUEST, on_reconfigure_request },
};

static void learn(struct ag_link *link, struct signal *signal)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].code == signal->code)
			handlers[i].learn(link, signal);
	}
}

/* 4.24: CID at the granting side, credits. Forward what is left of the grant. */
static int on_credits(struct ag_engine *engine, struct ag_unit *unit, struct signal *signal)
{
	uint16_t cid = ag_pull_le16(&signal->data);
	uint16_t credits = ag_pull_le16(&signal->data);
	struct ag_channel *channel = find_by_cid(unit->link, unit->from, cid);
	uint8_t pdu[8];
	uint16_t rest;
	int r;

	if (signal->data.failed || !channel)
		return ag_unit_forward(engine, unit);
	rest = ag_eatt_granted(channel, unit->from, credits);
	if (rest == credits || unit->forwarded || unit->len != sizeof(pdu)) {
		rest = credits;
		r = ag_unit_forward(engine, unit);
	} else if (!rest) {
		r = ag_unit_swallow(engine, unit);
	} else {
		memcpy(pdu, unit->pdu, sizeof(pdu));
		ag_put_le16(pdu + 6, rest);
		r = ag_unit_forward_as(engine, unit, pdu, sizeof(pdu));
	}
	channel->flow[unit->from].sender += rest;
	return r ? r : ag_eatt_drain(engine, unit->link, channel, unit->from);
}

int ag_signal(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_cursor commands = ag_cursor(unit->pdu, unit->len);

	/* on LE a PDU carries one command, on BR/EDR it may carry several (4) */
	while (commands.left >= 4) {
		struct signal signal = { .from = unit->from };
		uint16_t len;

		signal.code = ag_pull_u8(&commands);
		signal.ident = ag_pull_u8(&commands);
		len = ag_pull_le16(&commands);
		signal.data = ag_cursor(ag_pull(&commands, len), len);
		if (commands.failed)
			break;
		if (signal.code == AG_L2CAP_FLOW_CONTROL_CREDIT)
			return on_credits(engine, unit, &signal);
		learn(unit->link, &signal);
	}
	return ag_unit_forward(engine, unit);
}
