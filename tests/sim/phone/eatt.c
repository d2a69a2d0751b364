/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/phone/eatt.h"

#include <errno.h>
#include <string.h>

#include "proxy/wire/l2cap.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* Vol 3 Part A, 4.25: what MTU and MPS must be at least; 4.26: results. */
enum {
	LEAST = 64,
	NO_SUCH_SPSM = 0x0002,
	NO_RESOURCES = 0x0004,
	NOT_ENCRYPTED = 0x0008,
};

/* Our side of every channel: as little as may be, so that many frames and credits are needed. */
enum { MPS = LEAST, CREDITS = 2 };

/* Of one request (4.25), and dynamic CIDs of LE (2.1). */
enum { COMMAND_REJECT = 0x01 };
enum { REQUEST_CHANNELS = 5, CID_FIRST = 0x40, CID_LAST = 0x7f };

/*
 * Each side has identifiers of its own (4). Linux with commit 5b3e2052334f, though, refuses a
 * request (0x000c) with the identifier of a channel of its own that waits for encryption. It counts
 * from 1; ours begin behind this one.
 */
enum { IDENT_BEFORE = 0x7f };

/* Frames in the link's queue at which no more are put there: the fixed channels need room too. */
#define QUEUED (PHONE_FRAMES / 2)

void phone_eatt_up(struct phone *phone)
{
	struct phone_eatt *eatt = &phone->eatt;

	eatt->begun = false;
	eatt->ident = IDENT_BEFORE;
	eatt->asked = 0;
	eatt->turn = 0;
	for (unsigned int i = 0; i < PHONE_CHANNELS; i++) {
		struct phone_channel *channel = &eatt->channels[i];

		ag_sim_coc_reset(&channel->coc);
		channel->first = channel->count = 0;
		channel->bearer = (struct phone_bearer){ .cid = (uint16_t)(CID_FIRST + i),
							 .channel = channel };
	}
}

static void signal_out(struct phone *phone, uint8_t *pdu, uint8_t code, uint8_t ident,
		       uint16_t data)
{
	pdu[0] = code;
	pdu[1] = ident;
	ag_put_le16(pdu + 2, data);
	phone_l2cap_send(phone, AG_CID_LE_SIGNALLING, pdu, 4u + data);
}

static uint8_t next_ident(struct phone_eatt *eatt)
{
	return eatt->ident = (uint8_t)(eatt->ident % 255 + 1);
}

/* What the channel's model finds wrong is the peer's doing. */
static void judge(struct phone *phone, const struct ag_sim_report *report, const uint8_t *data,
		  size_t len)
{
	if (report->fault != AG_SIM_FINE)
		phone_violation(phone, report->text, data, len);
}

/* ---- Opening ---- */

static void offer(struct phone_channel *channel, enum ag_sim_coc_state state)
{
	ag_sim_coc_reset(&channel->coc);
	channel->coc.state = state;
	channel->coc.cid = channel->bearer.cid;
	channel->coc.mps = MPS;
	channel->coc.granted = CREDITS;
}

static void ask(struct phone *phone)
{
	struct phone_eatt *eatt = &phone->eatt;
	uint8_t pdu[12 + 2 * PHONE_CHANNELS];

	ag_put_le16(pdu + 4, AG_PSM_EATT);
	ag_put_le16(pdu + 6, PHONE_MTU);
	ag_put_le16(pdu + 8, MPS);
	ag_put_le16(pdu + 10, CREDITS);
	for (size_t i = 0; i < PHONE_CHANNELS; i++) {
		offer(&eatt->channels[i], AG_SIM_COC_ASKED);
		ag_put_le16(pdu + 12 + 2 * i, eatt->channels[i].bearer.cid);
	}
	eatt->asked = next_ident(eatt);
	signal_out(phone, pdu, AG_L2CAP_CREDIT_CONNECTION_REQUEST, eatt->asked, sizeof(pdu) - 4);
}

void phone_eatt_tick(struct phone *phone)
{
	struct phone_eatt *eatt = &phone->eatt;

	if (!phone->options.eatt || eatt->begun || !phone->link.up || !phone->link.encrypted ||
	    phone->smp.step != PHONE_SMP_IDLE)
		return;
	eatt->begun = true;
	if (eatt->channels[0].coc.state == AG_SIM_COC_CLOSED)
		ask(phone);
}

/* What the peer takes, as the request and the response say it. */
struct limits {
	uint16_t mtu, mps, credits;
};

static struct limits pull_limits(struct ag_cursor *at)
{
	struct limits limits = { .mtu = ag_pull_le16(at) };

	limits.mps = ag_pull_le16(at);
	limits.credits = ag_pull_le16(at);
	return limits;
}

static bool allowed(const struct limits *limits)
{
	return limits->mtu >= LEAST && limits->mps >= LEAST && limits->credits;
}

/* ATT_MTU of an enhanced bearer is the lesser of both channels' MTU (Vol 3 Part G, 5.3.1). */
static void open_channel(struct phone_channel *channel, const struct limits *limits, uint16_t cid)
{
	struct ag_sim_coc *coc = &channel->coc;

	coc->state = AG_SIM_COC_OPEN;
	coc->peer_cid = cid;
	coc->peer_mps = limits->mps < AG_SIM_COC_MPS_MAX ? limits->mps : AG_SIM_COC_MPS_MAX;
	coc->may_send = limits->credits;
	channel->bearer.mtu = limits->mtu < PHONE_MTU ? limits->mtu : PHONE_MTU;
	phone_report_begin("eatt_open");
	phone_report_number("cid", channel->bearer.cid);
	phone_report_number("peer_cid", cid);
	phone_report_number("mtu", channel->bearer.mtu);
	phone_report_number("mps", limits->mps);
	phone_report_number("credits", limits->credits);
	phone_report_end();
}

static struct phone_channel *by_peer_cid(struct phone *phone, uint16_t cid)
{
	for (size_t i = 0; i < PHONE_CHANNELS; i++) {
		struct phone_channel *channel = &phone->eatt.channels[i];

		if (channel->coc.state == AG_SIM_COC_OPEN && channel->coc.peer_cid == cid)
			return channel;
	}
	return NULL;
}

static bool free_cid(struct phone *phone, uint16_t cid)
{
	return cid >= CID_FIRST && cid <= CID_LAST && !by_peer_cid(phone, cid);
}

/* 4.26: the CIDs stand in the order of the request's; 0 for a channel that is refused. */
static void responded(struct phone *phone, struct ag_cursor at, const uint8_t *pdu, size_t len)
{
	struct phone_eatt *eatt = &phone->eatt;
	struct limits limits = pull_limits(&at);
	uint16_t result = ag_pull_le16(&at);

	if (!eatt->asked || pdu[1] != eatt->asked) {
		phone_violation(phone, "a connection response to no request", pdu, len);
		return;
	}
	eatt->asked = 0;
	for (size_t i = 0; i < PHONE_CHANNELS; i++) {
		struct phone_channel *channel = &eatt->channels[i];
		uint16_t cid = at.left ? ag_pull_le16(&at) : 0;

		if (cid && free_cid(phone, cid) && allowed(&limits)) {
			open_channel(channel, &limits, cid);
			continue;
		}
		if (cid)
			phone_violation(phone, "a channel that must not be", pdu, len);
		channel->coc.state = AG_SIM_COC_CLOSED;
	}
	if (at.failed || at.left)
		phone_violation(phone, "a malformed connection response", pdu, len);
	phone_report_begin("eatt");
	phone_report_number("result", result);
	phone_report_end();
	phone_client_begin(phone);
}

/* Why nothing is granted, or 0. */
static uint16_t refusal(const struct phone *phone, uint16_t spsm)
{
	if (!phone->options.eatt || spsm != AG_PSM_EATT)
		return NO_SUCH_SPSM;
	if (!phone->link.encrypted)
		return NOT_ENCRYPTED;
	return 0;
}

static struct phone_channel *closed_channel(struct phone *phone)
{
	for (size_t i = 0; i < PHONE_CHANNELS; i++) {
		if (phone->eatt.channels[i].coc.state == AG_SIM_COC_CLOSED)
			return &phone->eatt.channels[i];
	}
	return NULL;
}

/* Command Reject (4.1): the peer does not know what it was asked, as kernels without such channels.
 */
static bool rejected(struct phone *phone, uint8_t ident)
{
	struct phone_eatt *eatt = &phone->eatt;

	if (!eatt->asked || ident != eatt->asked)
		return false;
	eatt->asked = 0;
	for (size_t i = 0; i < PHONE_CHANNELS; i++)
		eatt->channels[i].coc.state = AG_SIM_COC_CLOSED;
	phone_report("eatt_rejected");
	phone_client_begin(phone);
	return true;
}

/* The peer asks (4.25), at once or one by one: what we have is granted, unless we asked too. */
static void requested(struct phone *phone, struct ag_cursor at, const uint8_t *pdu, size_t len)
{
	uint8_t answer[12 + 2 * REQUEST_CHANNELS] = { 0 };
	uint16_t result = refusal(phone, ag_pull_le16(&at));
	struct limits limits = pull_limits(&at);
	size_t count = at.left / 2;

	if (at.failed || at.left % 2 || !count || count > REQUEST_CHANNELS || !allowed(&limits)) {
		phone_violation(phone, "a malformed connection request", pdu, len);
		return;
	}
	for (size_t i = 0; i < count && !result; i++) {
		struct phone_channel *channel = closed_channel(phone);
		uint16_t cid = ag_pull_le16(&at);

		if (!channel) {
			result = NO_RESOURCES;
		} else if (!free_cid(phone, cid)) {
			phone_violation(phone, "a channel that must not be", pdu, len);
		} else {
			offer(channel, AG_SIM_COC_ASKED);
			open_channel(channel, &limits, cid);
			ag_put_le16(answer + 12 + 2 * i, channel->bearer.cid);
		}
	}
	ag_put_le16(answer + 4, PHONE_MTU);
	ag_put_le16(answer + 6, MPS);
	ag_put_le16(answer + 8, CREDITS);
	ag_put_le16(answer + 10, result);
	signal_out(phone, answer, AG_L2CAP_CREDIT_CONNECTION_RESPONSE, pdu[1],
		   (uint16_t)(8 + 2 * count));
	if (phone->eatt.channels[0].coc.state == AG_SIM_COC_OPEN)
		phone_client_begin(phone);
}

/* ---- Credits and the end ---- */

static void credited(struct phone *phone, struct ag_cursor at, const uint8_t *pdu, size_t len)
{
	struct phone_channel *channel = by_peer_cid(phone, ag_pull_le16(&at));
	struct ag_sim_report report = { 0 };
	uint16_t credits = ag_pull_le16(&at);

	if (!channel || at.failed || at.left || !credits ||
	    credits + channel->coc.may_send > UINT16_MAX) {
		phone_violation(phone, "credits that must not be given", pdu, len);
		return;
	}
	ag_sim_coc_signalled(&channel->coc, &report, "credits", pdu, len);
	judge(phone, &report, pdu, len);
	phone_eatt_go_on(phone);
}

/* 4.6: the receiver's CID, then the sender's. What was asked on the channel is lost with it. */
static void disconnected(struct phone *phone, struct ag_cursor at, const uint8_t *pdu, size_t len)
{
	uint8_t answer[8];
	uint16_t ours = ag_pull_le16(&at);
	struct phone_channel *channel = by_peer_cid(phone, ag_pull_le16(&at));

	if (!channel || channel->coc.cid != ours || at.failed || at.left) {
		phone_violation(phone, "the end of no channel", pdu, len);
		return;
	}
	phone_report_begin("eatt_closed");
	phone_report_number("cid", ours);
	phone_report_number("asked", channel->bearer.asked);
	phone_report_end();
	ag_put_le16(answer + 4, ours);
	ag_put_le16(answer + 6, channel->coc.peer_cid);
	signal_out(phone, answer, AG_L2CAP_DISCONNECTION_RESPONSE, pdu[1], 4);
	phone_client_forsake(phone, &channel->bearer);
	ag_sim_coc_reset(&channel->coc);
	channel->count = 0;
	channel->bearer = (struct phone_bearer){ .cid = ours, .channel = channel };
}

bool phone_eatt_signalled(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct ag_cursor at = ag_cursor(pdu, len);
	uint8_t code = ag_pull_u8(&at);

	ag_pull(&at, 3);
	switch (code) {
	case COMMAND_REJECT:
		return len > 1 && rejected(phone, pdu[1]);
	case AG_L2CAP_CREDIT_CONNECTION_REQUEST:
		requested(phone, at, pdu, len);
		return true;
	case AG_L2CAP_CREDIT_CONNECTION_RESPONSE:
		responded(phone, at, pdu, len);
		return true;
	case AG_L2CAP_FLOW_CONTROL_CREDIT:
		credited(phone, at, pdu, len);
		return true;
	case AG_L2CAP_DISCONNECTION_REQUEST:
		disconnected(phone, at, pdu, len);
		return true;
	default:
		return false;
	}
}

/* ---- Frames ---- */

static void grant(struct phone *phone, struct phone_channel *channel)
{
	uint8_t pdu[14];

	if (ag_sim_coc_signal(&channel->coc, &phone->random, pdu))
		signal_out(phone, pdu, pdu[0], next_ident(&phone->eatt), ag_get_le16(pdu + 2));
}

bool phone_eatt_in(struct phone *phone, uint16_t cid, const uint8_t *frame, size_t len)
{
	struct ag_sim_report report = { 0 };
	struct phone_channel *channel;
	bool whole;

	if (cid < CID_FIRST || cid >= CID_FIRST + PHONE_CHANNELS)
		return false;
	channel = &phone->eatt.channels[cid - CID_FIRST];
	if (channel->coc.state != AG_SIM_COC_OPEN)
		return false;
	whole = ag_sim_coc_received(&channel->coc, &report, "K-frame", frame, len);
	judge(phone, &report, frame, len);
	grant(phone, channel);
	if (whole)
		phone_att_in(phone, &channel->bearer, channel->coc.in, channel->coc.in_len);
	return true;
}

static void drain(struct phone *phone, struct phone_channel *channel)
{
	uint8_t frame[AG_SIM_COC_MPS_MAX];

	while (phone->link.out_count < QUEUED) {
		size_t len;

		if (!channel->coc.out_len && channel->count) {
			const struct phone_sdu *sdu = &channel->sdus[channel->first];

			ag_sim_coc_begin(&channel->coc, sdu->data, sdu->len);
			channel->first = (channel->first + 1) % PHONE_SDUS;
			channel->count--;
		}
		len = ag_sim_coc_frame(&channel->coc, frame);
		if (!len)
			return;
		phone_l2cap_send(phone, channel->coc.peer_cid, frame, len);
	}
}

void phone_eatt_send(struct phone *phone, struct phone_channel *channel, const uint8_t *pdu,
		     size_t len)
{
	struct phone_sdu *sdu;

	if (channel->count == PHONE_SDUS || len > sizeof(sdu->data)) {
		phone->failure = ENOBUFS;
		return;
	}
	sdu = &channel->sdus[(channel->first + channel->count++) % PHONE_SDUS];
	memcpy(sdu->data, pdu, len);
	sdu->len = len;
	drain(phone, channel);
}

void phone_eatt_go_on(struct phone *phone)
{
	for (size_t i = 0; i < PHONE_CHANNELS; i++) {
		if (phone->eatt.channels[i].coc.state == AG_SIM_COC_OPEN)
			drain(phone, &phone->eatt.channels[i]);
	}
}

struct phone_bearer *phone_eatt_next(struct phone *phone)
{
	struct phone_eatt *eatt = &phone->eatt;

	for (;;) {
		struct phone_channel *channel;

		eatt->turn = (eatt->turn + 1) % (PHONE_CHANNELS + 1);
		if (!eatt->turn)
			return &phone->fixed;
		channel = &eatt->channels[eatt->turn - 1];
		if (channel->coc.state == AG_SIM_COC_OPEN)
			return &channel->bearer;
	}
}
