/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dynamic channels carry, learned from the signalling that passes (Vol 3 Part A, 4). */
#include "proxy/engine/redact_internal.h"

#include "proxy/wire/l2cap_signal.h"

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

/* ---- Asking ---- */

/* A request of the same identifier takes the place of one that was not answered, or refused as a
 * command (4.1). */
static void forget_asked(struct ag_redact_link *link, size_t from, uint8_t ident)
{
	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++) {
		struct ag_redact_channel *channel = &link->channel[i];

		if (channel->state == AG_REDACT_ASKED && channel->asked_by == from &&
		    channel->ident == ident)
			close_channel(link, channel);
	}
}

static enum ag_redact_kind kind_of(const struct ag_l2cap_signal *request)
{
	bool basic = request->code == AG_L2CAP_CONNECTION_REQUEST;

	switch (request->number[AG_L2CAP_PSM]) {
	case AG_PSM_SDP:
		return basic ? AG_REDACT_SDP : AG_REDACT_OPEN;
	case AG_PSM_ATT:
		return basic ? AG_REDACT_ATT : AG_REDACT_OPEN;
	case AG_PSM_EATT:
		return basic ? AG_REDACT_BLIND : AG_REDACT_EATT; /* not in this mode */
	}
	return AG_REDACT_OPEN;
}

/* 4.2, 4.22, 4.25 */
static void on_request(struct ag_redact_link *link, size_t from,
		       const struct ag_l2cap_signal *signal)
{
	forget_asked(link, from, signal->ident);
	for (size_t i = 0; i < signal->source.count; i++) {
		struct ag_redact_channel *channel = oldest(link);

		close_channel(link, channel);
		*channel = (struct ag_redact_channel){ .state = AG_REDACT_ASKED,
						       .kind = kind_of(signal),
						       .age = ++link->clock,
						       .asked_by = from,
						       .ident = signal->ident };
		channel->cid[from] = ag_l2cap_cid(signal->source, i);
	}
}

/* ---- Answering ---- */

/* The oldest channel that this signal answers; a request's are as old as their order. */
static struct ag_redact_channel *next_asked(struct ag_redact_link *link, size_t from,
					    const struct ag_l2cap_signal *signal)
{
	struct ag_redact_channel *found = NULL;

	for (size_t i = 0; i < AG_REDACT_CHANNELS; i++) {
		struct ag_redact_channel *channel = &link->channel[i];

		if (channel->state == AG_REDACT_ASKED && channel->asked_by == !from &&
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

/* 4.3, 4.23, 4.26 */
static void on_response(struct ag_redact_link *link, size_t from,
			const struct ag_l2cap_signal *signal)
{
	struct ag_redact_channel *channel;

	if (ag_l2cap_signal_is_pending(signal))
		return;
	for (size_t i = 0; (channel = next_asked(link, from, signal)); i++) {
		uint16_t dcid = ag_l2cap_signal_accepted(signal, i);

		if (dcid)
			open_channel(link, channel, from, dcid);
		else
			close_channel(link, channel);
	}
}

/* ---- Changing and ending ---- */

/* 4.4. In a mode other than basic (5.4) frames have more in them than the PDU. */
static void on_configuration_request(struct ag_redact_link *link, size_t from,
				     const struct ag_l2cap_signal *signal)
{
	uint16_t dcid = ag_l2cap_cid(signal->destination, 0);
	struct ag_redact_channel *channel = ag_redact_channel_find(link, !from, dcid);
	struct ag_cursor options = signal->rest;
	struct ag_l2cap_option option;
	bool basic = !signal->cut;

	while (ag_l2cap_option_next(&options, &option)) {
		if (option.type == AG_L2CAP_OPTION_MODE &&
		    (!option.value || option.len == 0 || option.value[0]))
			basic = false;
	}
	if (channel && channel->kind != AG_REDACT_OPEN && !basic) {
		close_channel(link, channel);
		channel->state = AG_REDACT_IN_USE;
		channel->kind = AG_REDACT_BLIND;
	}
}

/* 4.7; the channels are named as in the request, so the destination is the answering side */
static void on_disconnection_response(struct ag_redact_link *link, size_t from,
				      const struct ag_l2cap_signal *signal)
{
	uint16_t dcid = ag_l2cap_cid(signal->destination, 0);
	struct ag_redact_channel *channel = ag_redact_channel_find(link, from, dcid);

	if (channel)
		close_channel(link, channel);
}

struct handler {
	uint8_t code;
	void (*learn)(struct ag_redact_link *link, size_t from,
		      const struct ag_l2cap_signal *signal);
};

static const struct handler handlers[] = {
	{ AG_L2CAP_CONNECTION_REQUEST, on_request },
	{ AG_L2CAP_CONNECTION_RESPONSE, on_response },
	{ AG_L2CAP_CONFIGURATION_REQUEST, on_configuration_request },
	{ AG_L2CAP_DISCONNECTION_RESPONSE, on_disconnection_response },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_REQUEST, on_request },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_RESPONSE, on_response },
	{ AG_L2CAP_CREDIT_CONNECTION_REQUEST, on_request },
	{ AG_L2CAP_CREDIT_CONNECTION_RESPONSE, on_response },
};

/* A command has come to its end. */
static void learn(struct ag_redact_link *link, size_t from, const struct ag_redact_signal *command)
{
	size_t have = command->at < AG_REDACT_SIGNAL ? command->at : AG_REDACT_SIGNAL;
	struct ag_l2cap_signal signal;

	if (ag_l2cap_signal_parse(command->octet, have, &signal))
		return;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].code == signal.code)
			handlers[i].learn(link, from, &signal);
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
	if (command->at < AG_L2CAP_SIGNAL_HEADER ||
	    command->at < AG_L2CAP_SIGNAL_HEADER + (size_t)ag_get_le16(command->octet + 2))
		return;
	learn(link, from, command);
	command->at = 0;
}
