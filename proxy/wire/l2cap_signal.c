/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/l2cap_signal.h"

#include <string.h>

/* Bit of an option's type: whoever does not know it may skip it (5). */
#define HINT 0x80
/* A result of 4.3. */
#define CONNECTION_PENDING 0x0001
/* The first and the last result of 4.26 that says so of all channels. */
#define ALL_PENDING_FIRST 0x000d
#define ALL_PENDING_LAST  0x000f

/* Parameters of a command in their order: numbers, then these. */
enum {
	SOURCE = AG_L2CAP_NUMBER_COUNT,
	DESTINATION,
	SOURCES, /* all that is left */
	DESTINATIONS,
};

#define PARAMS_MAX 5

struct format {
	uint8_t code;
	uint8_t count;
	uint8_t params[PARAMS_MAX];
};

/* Behind the parameters of some is a rest: data, or options. */
static const struct format formats[] = {
	/* 4.1: data by the reason */
	{ AG_L2CAP_COMMAND_REJECT, 1, { AG_L2CAP_REASON } },
	/* 4.2 */
	{ AG_L2CAP_CONNECTION_REQUEST, 2, { AG_L2CAP_PSM, SOURCE } },
	/* 4.3 */
	{ AG_L2CAP_CONNECTION_RESPONSE,
	  4,
	  { DESTINATION, SOURCE, AG_L2CAP_RESULT, AG_L2CAP_STATUS } },
	/* 4.4: options */
	{ AG_L2CAP_CONFIGURATION_REQUEST, 2, { DESTINATION, AG_L2CAP_FLAGS } },
	/* 4.5: options */
	{ AG_L2CAP_CONFIGURATION_RESPONSE, 3, { SOURCE, AG_L2CAP_FLAGS, AG_L2CAP_RESULT } },
	/* 4.6, 4.7 */
	{ AG_L2CAP_DISCONNECTION_REQUEST, 2, { DESTINATION, SOURCE } },
	{ AG_L2CAP_DISCONNECTION_RESPONSE, 2, { DESTINATION, SOURCE } },
	/* 4.8, 4.9: data */
	{ AG_L2CAP_ECHO_REQUEST, 0, { 0 } },
	{ AG_L2CAP_ECHO_RESPONSE, 0, { 0 } },
	/* 4.10; 4.11: data by the type */
	{ AG_L2CAP_INFORMATION_REQUEST, 1, { AG_L2CAP_INFO_TYPE } },
	{ AG_L2CAP_INFORMATION_RESPONSE, 2, { AG_L2CAP_INFO_TYPE, AG_L2CAP_RESULT } },
	/* 4.20, 4.21 */
	{ AG_L2CAP_PARAMETER_UPDATE_REQUEST,
	  4,
	  { AG_L2CAP_INTERVAL_MIN, AG_L2CAP_INTERVAL_MAX, AG_L2CAP_LATENCY, AG_L2CAP_TIMEOUT } },
	{ AG_L2CAP_PARAMETER_UPDATE_RESPONSE, 1, { AG_L2CAP_RESULT } },
	/* 4.22, 4.23, 4.24 */
	{ AG_L2CAP_LE_CREDIT_CONNECTION_REQUEST,
	  5,
	  { AG_L2CAP_PSM, SOURCE, AG_L2CAP_MTU, AG_L2CAP_MPS, AG_L2CAP_CREDITS } },
	{ AG_L2CAP_LE_CREDIT_CONNECTION_RESPONSE,
	  5,
	  { DESTINATION, AG_L2CAP_MTU, AG_L2CAP_MPS, AG_L2CAP_CREDITS, AG_L2CAP_RESULT } },
	{ AG_L2CAP_FLOW_CONTROL_CREDIT, 2, { SOURCE, AG_L2CAP_CREDITS } },
	/* 4.25, 4.26, 4.27: up to 5 channels, those of 4.27 at the sender; 4.28 */
	{ AG_L2CAP_CREDIT_CONNECTION_REQUEST,
	  5,
	  { AG_L2CAP_PSM, AG_L2CAP_MTU, AG_L2CAP_MPS, AG_L2CAP_CREDITS, SOURCES } },
	{ AG_L2CAP_CREDIT_CONNECTION_RESPONSE,
	  5,
	  { AG_L2CAP_MTU, AG_L2CAP_MPS, AG_L2CAP_CREDITS, AG_L2CAP_RESULT, DESTINATIONS } },
	{ AG_L2CAP_CREDIT_RECONFIGURE_REQUEST, 3, { AG_L2CAP_MTU, AG_L2CAP_MPS, DESTINATIONS } },
	{ AG_L2CAP_CREDIT_RECONFIGURE_RESPONSE, 1, { AG_L2CAP_RESULT } },
};

/* What is not known. */
static const struct format all_rest;

static const struct format *format_of(uint8_t code)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].code == code)
			return &formats[i];
	}
	return &all_rest;
}

/* ---- Reading ---- */

static struct ag_l2cap_cids pull_cids(struct ag_cursor *data, size_t count)
{
	const uint8_t *at = ag_pull(data, 2 * count);

	return (struct ag_l2cap_cids){ .at = at, .count = at ? count : 0 };
}

static void pull_param(struct ag_cursor *data, uint8_t param, struct ag_l2cap_signal *out)
{
	switch (param) {
	case SOURCE:
		out->source = pull_cids(data, 1);
		break;
	case DESTINATION:
		out->destination = pull_cids(data, 1);
		break;
	case SOURCES:
		out->source = pull_cids(data, data->left / 2);
		break;
	case DESTINATIONS:
		out->destination = pull_cids(data, data->left / 2);
		break;
	default:
		out->number[param] = ag_pull_le16(data);
	}
}

int ag_l2cap_signal_parse(const uint8_t *command, size_t len, struct ag_l2cap_signal *out)
{
	const struct format *format = format_of(command[0]);
	size_t have = len - AG_L2CAP_SIGNAL_HEADER;
	size_t data_len = ag_get_le16(command + 2);
	struct ag_l2cap_signal signal = { .code = command[0],
					  .ident = command[1],
					  .cut = data_len > have };
	struct ag_cursor data = ag_cursor(command + AG_L2CAP_SIGNAL_HEADER,
					  signal.cut ? have : data_len);

	*out = signal;
	for (size_t i = 0; i < format->count; i++)
		pull_param(&data, format->params[i], &signal);
	if (data.failed)
		return AG_L2CAP_SHORT;
	signal.rest = data;
	*out = signal;
	return 0;
}

int ag_l2cap_signal_next(struct ag_cursor *frame, struct ag_l2cap_signal *out)
{
	const uint8_t *command = frame->at;
	size_t len;

	if (frame->left < AG_L2CAP_SIGNAL_HEADER)
		return AG_L2CAP_END;
	len = AG_L2CAP_SIGNAL_HEADER + (size_t)ag_get_le16(command + 2);
	if (!ag_pull(frame, len))
		return AG_L2CAP_END;
	return ag_l2cap_signal_parse(command, len, out);
}

bool ag_l2cap_signal_is_pending(const struct ag_l2cap_signal *response)
{
	uint16_t result = response->number[AG_L2CAP_RESULT];

	if (response->code == AG_L2CAP_CREDIT_CONNECTION_RESPONSE)
		return result >= ALL_PENDING_FIRST && result <= ALL_PENDING_LAST;
	return response->code == AG_L2CAP_CONNECTION_RESPONSE && result == CONNECTION_PENDING;
}

uint16_t ag_l2cap_signal_accepted(const struct ag_l2cap_signal *response, size_t i)
{
	bool each = response->code == AG_L2CAP_CREDIT_CONNECTION_RESPONSE;

	return each || !response->number[AG_L2CAP_RESULT] ? ag_l2cap_cid(response->destination, i)
							  : 0;
}

bool ag_l2cap_option_next(struct ag_cursor *options, struct ag_l2cap_option *out)
{
	if (options->failed || options->left < 2)
		return false;
	out->type = ag_pull_u8(options) & (uint8_t)~HINT;
	out->len = ag_pull_u8(options);
	out->value = ag_pull(options, out->len);
	return true;
}

/* ---- Writing ---- */

struct writing {
	uint8_t *at;
	size_t left;
	bool failed;
};

static void put(struct writing *writing, const uint8_t *octets, size_t len)
{
	if (writing->failed || len > writing->left) {
		writing->failed = true;
		return;
	}
	if (len)
		memcpy(writing->at, octets, len);
	writing->at += len;
	writing->left -= len;
}

static void put_one(struct writing *writing, struct ag_l2cap_cids cids)
{
	if (cids.count)
		put(writing, cids.at, 2);
	else
		writing->failed = true;
}

static void put_param(struct writing *writing, uint8_t param, const struct ag_l2cap_signal *signal)
{
	uint8_t number[2];

	switch (param) {
	case SOURCE:
		put_one(writing, signal->source);
		break;
	case DESTINATION:
		put_one(writing, signal->destination);
		break;
	case SOURCES:
		put(writing, signal->source.at, 2 * signal->source.count);
		break;
	case DESTINATIONS:
		put(writing, signal->destination.at, 2 * signal->destination.count);
		break;
	default:
		ag_put_le16(number, signal->number[param]);
		put(writing, number, sizeof(number));
	}
}

size_t ag_l2cap_signal_put(const struct ag_l2cap_signal *signal, uint8_t *out, size_t size)
{
	const struct format *format = format_of(signal->code);
	uint8_t header[AG_L2CAP_SIGNAL_HEADER] = { signal->code, signal->ident };
	struct writing writing = { .at = out, .left = size };
	size_t len;

	put(&writing, header, sizeof(header));
	for (size_t i = 0; i < format->count; i++)
		put_param(&writing, format->params[i], signal);
	put(&writing, signal->rest.at, signal->rest.left);
	len = size - writing.left;
	if (writing.failed || len - sizeof(header) > UINT16_MAX)
		return 0;
	ag_put_le16(out + 2, (uint16_t)(len - sizeof(header)));
	return len;
}
