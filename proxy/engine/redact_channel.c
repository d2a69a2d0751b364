/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dynamic channels carry, learned from the signalling that passes (Vol 3 Part A, 4). */
#include "proxy/engine/redact_internal.h"

#include "proxy/wire/cursor.h"

#define COMMAND_HEADER 4

/* One signalling command. */
struct signal {
	size_t from;
	uint8_t code;
	uint8_t ident;
	bool whole;
	struct ag_cursor data;
};

struct ag_redact_channel *ag_redact_channel_find(struct ag_redact_link *link, size_t at,
						 uint16_t cid)
{
	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++) {
		struct ag_redact_channel *channel = &link->channel[i];

		if (channel->state == AG_REDACT_IN_USE && channel->cid[at] == cid) {
			channel->age = ++link->clock;
			return channel;
		}
	}
	return NULL;
}

/* What is passing on it cannot be followed any more. */
static void close_channel(struct ag_redact_link *link, struct ag_redact_channel *channel)
{
	channel->state = AG_REDACT_FREE;
	for (size_t from = 0; from < 2; from++) {
		struct ag_redact_stream *stream = &link->stream[from];

		if (stream->channel == channel) {
			stream->channel = NULL;
			stream->kind = AG_REDACT_BLIND;
		}
	}
}

void ag_redact_channel_forget(struct ag_redact_link *link)
{
	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++)
		close_channel(link, &link->channel[i]);
	link->bearer.asked[0] = link->bearer.asked[1] = (struct ag_redact_asked){ 0 };
}

/* A channel of which nothing is known yet: a free one, or the one that was least used. */
static struct ag_redact_channel *oldest(struct ag_redact_link *link)
{
	struct ag_redact_channel *found = &link->channel[0];

	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++) {
		struct ag_redact_channel *channel = &link->channel[i];

		if (channel->state == AG_REDACT_FREE)
			return channel;
		if (channel->age < found->age)
			found = channel;
	}
	return found;
}

static void ask(struct ag_redact_link *link, const struct signal *signal, uint16_t cid,
		enum ag_redact_kind kind)
{
	struct ag_redact_channel *channel = oldest(link);

	close_channel(link, channel);
	*channel = (struct ag_redact_channel){ .state = AG_REDACT_ASKED,
					       .kind = kind,
					       .age = ++link->clock,
					       .asked_by = signal->from,
					       .ident = signal->ident };
	channel->cid[signal->from] = cid;
}

/* ---- Asking ---- */

/* A request of the same identifier takes the place of one that was not answered, or refused as a
 * command (4.1). */
static void forget_asked(struct ag_redact_link *link, const struct signal *signal)
{
	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++) {
		struct ag_redact_channel *channel = &link->channel[i];

		if (channel->state == AG_REDACT_ASKED && channel->asked_by == signal->from &&
		    channel->ident == signal->ident)
			close_channel(link, channel);
	}
}

/* 4.2: PSM, Source CID */
static void on_connection_request(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t psm = ag_pull_le16(&signal->data);
	uint16_t scid = ag_pull_le16(&signal->data);
	enum ag_redact_kind kind = AG_REDACT_OPEN;

	if (signal->data.failed)
		return;
	forget_asked(link, signal);
	if (psm == AG_PSM_SDP)
		kind = AG_REDACT_SDP;
	else if (psm == AG_PSM_ATT)
		kind = AG_REDACT_ATT;
	else if (psm == AG_PSM_EATT)
		kind = AG_REDACT_BLIND; /* not in this mode */
	ask(link, signal, scid, kind);
}

/* 4.22: SPSM, Source CID, MTU, MPS, Initial Credits */
static void on_le_credit_request(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t spsm = ag_pull_le16(&signal->data);
	uint16_t scid = ag_pull_le16(&signal->data);

	if (signal->data.failed)
		return;
	forget_asked(link, signal);
	ask(link, signal, scid, spsm == AG_PSM_EATT ? AG_REDACT_EATT : AG_REDACT_OPEN);
}

/* 4.25: SPSM, MTU, MPS, Initial Credits, up to 5 Source CIDs */
static void on_credit_request(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t spsm = ag_pull_le16(&signal->data);

	ag_pull(&signal->data, 6);
	forget_asked(link, signal);
	while (!signal->data.failed && signal->data.left >= 2)
		ask(link, signal, ag_pull_le16(&signal->data),
		    spsm == AG_PSM_EATT ? AG_REDACT_EATT : AG_REDACT_OPEN);
}

/* ---- Answering ---- */

/* The oldest channel that this signal answers; a request's are as old as their order. */
static struct ag_redact_channel *next_asked(struct ag_redact_link *link,
					    const struct signal *signal)
{
	struct ag_redact_channel *found = NULL;

	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++) {
		struct ag_redact_channel *channel = &link->channel[i];

		if (channel->state == AG_REDACT_ASKED && channel->asked_by == !signal->from &&
		    channel->ident == signal->ident && (!found || channel->age < found->age))
			found = channel;
	}
	return found;
}

static void open_channel(struct ag_redact_link *link, struct ag_redact_channel *channel, size_t by,
			 uint16_t cid)
{
	struct ag_redact_channel *other;

	channel->cid[by] = cid;
	/* older channels of the same number, whose end was not seen */
	for (size_t side = 0; side < 2; side++) {
		while ((other = ag_redact_channel_find(link, side, channel->cid[side])))
			close_channel(link, other);
	}
	channel->state = AG_REDACT_IN_USE;
}

/* 4.3: Destination CID, Source CID, Result, Status. Result 1 is pending. */
static void on_connection_response(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	struct ag_redact_channel *channel = next_asked(link, signal);
	uint16_t result;

	ag_pull_le16(&signal->data);
	result = ag_pull_le16(&signal->data);
	if (signal->data.failed || !channel || result == 1)
		return;
	if (result)
		close_channel(link, channel);
	else
		open_channel(link, channel, signal->from, dcid);
}

/* 4.23: Destination CID, MTU, MPS, Initial Credits, Result */
static void on_le_credit_response(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	struct ag_redact_channel *channel = next_asked(link, signal);
	uint16_t result;

	ag_pull(&signal->data, 6);
	result = ag_pull_le16(&signal->data);
	if (signal->data.failed || !channel)
		return;
	if (result)
		close_channel(link, channel);
	else
		open_channel(link, channel, signal->from, dcid);
}

/* 4.26: MTU, MPS, Initial Credits, Result, Destination CIDs; 0 for a channel that was refused */
static void on_credit_response(struct ag_redact_link *link, struct signal *signal)
{
	struct ag_redact_channel *channel;

	ag_pull(&signal->data, 8);
	if (signal->data.failed)
		return;
	while ((channel = next_asked(link, signal))) {
		uint16_t dcid = signal->data.left >= 2 ? ag_pull_le16(&signal->data) : 0;

		if (dcid)
			open_channel(link, channel, signal->from, dcid);
		else
			close_channel(link, channel);
	}
}

/* ---- Changing and ending ---- */

/* 4.4: Destination CID, Flags, options. In a mode other than basic (5.4) frames have more in them
 * than the PDU. The uppermost bit of an option's type is a hint (5). */
static void on_configuration_request(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	struct ag_redact_channel *channel = ag_redact_channel_find(link, !signal->from, dcid);
	bool basic = signal->whole;

	ag_pull_le16(&signal->data);
	while (!signal->data.failed && signal->data.left >= 2) {
		uint8_t type = ag_pull_u8(&signal->data);
		uint8_t len = ag_pull_u8(&signal->data);
		const uint8_t *value = ag_pull(&signal->data, len);

		if ((type & 0x7f) == AG_L2CAP_OPTION_MODE && (!value || len == 0 || value[0]))
			basic = false;
	}
	if (channel && channel->kind != AG_REDACT_OPEN && !basic) {
		close_channel(link, channel);
		channel->state = AG_REDACT_IN_USE;
		channel->kind = AG_REDACT_BLIND;
	}
}

/* 4.7: Destination CID, Source CID, as in the request, so the destination is the answering side */
static void on_disconnection_response(struct ag_redact_link *link, struct signal *signal)
{
	uint16_t dcid = ag_pull_le16(&signal->data);
	struct ag_redact_channel *channel = ag_redact_channel_find(link, signal->from, dcid);

	if (!signal->data.failed && channel)
		close_channel(link, channel);
}

struct handler {
	uint8_t code;
	void (*learn)(struct ag_redact_link *link, struct signal *signal);
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
};

/* A command has come to its end. */
static void learn(struct ag_redact_link *link, size_t from, const struct ag_redact_signal *command)
{
	size_t have = command->at < AG_REDACT_SIGNAL ? command->at : AG_REDACT_SIGNAL;
	struct signal signal = {
		.from = from,
		.code = command->octet[0],
		.ident = command->octet[1],
		.whole = have == command->at,
		.data = ag_cursor(command->octet + COMMAND_HEADER, have - COMMAND_HEADER),
	};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].code == signal.code)
			handlers[i].learn(link, &signal);
	}
}

void ag_redact_signal_begin(struct ag_redact_signal *command)
{
	command->at = 0;
	command->cut = false;
}

/* On BR/EDR a PDU may carry several commands (4). */
void ag_redact_signal(struct ag_redact_link *link, size_t from, uint8_t octet)
{
	struct ag_redact_signal *command = &link->stream[from].signal;

	if (command->cut)
		return;
	if (command->at < AG_REDACT_SIGNAL)
		command->octet[command->at] = octet;
	command->at++;
	if (command->at < COMMAND_HEADER ||
	    command->at < COMMAND_HEADER + (size_t)ag_get_le16(command->octet + 2))
		return;
	learn(link, from, command);
	command->at = 0;
}
