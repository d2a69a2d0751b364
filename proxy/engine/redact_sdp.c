/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in service records (Vol 3 Part B): in the responses that carry attributes, every text that
 * is the value of an attribute itself. Which attributes are names depends on the language (5.1.8),
 * but all of them, and descriptions, providers and printers too, are such texts; other texts, like
 * the report descriptors of HID, are in sequences.
 *
 *   request:   code | transaction (2) | length (2) | 02: pattern, count (2)
 *                                                  | 04: record (4), count (2), attributes
 *                                                  | 06: pattern, count (2), attributes
 *              and at the end the continuation state: a length, and that many octets
 *   response:  code | transaction (2) | length (2) | octets of the list (2) | that many
 *              | continuation state
 */
#include "proxy/engine/redact_internal.h"

#include "proxy/wire/cursor.h"

#define HEADER 5
#define LIST   7

enum code {
	SERVICE_ATTRIBUTE_REQUEST = 0x04,
	SERVICE_ATTRIBUTE_RESPONSE = 0x05,
	SERVICE_SEARCH_ATTRIBUTE_REQUEST = 0x06,
	SERVICE_SEARCH_ATTRIBUTE_RESPONSE = 0x07,
};

/* Types of data elements (3.2). */
enum type { TYPE_NIL, TYPE_TEXT = 4, TYPE_SEQUENCE = 6, TYPE_ALTERNATIVE = 7 };

/* ---- Data elements (3.2, 3.3) ---- */

/* An octet that belongs to every sequence that is open. */
static void spend(struct ag_redact_elements *elements)
{
	for (size_t i = 0; i < elements->depth; i++)
		elements->left[i]--;
}

static void end_element(struct ag_redact_elements *elements)
{
	elements->text = false;
	while (elements->depth > 0 && elements->left[elements->depth - 1] == 0)
		elements->depth--;
	elements->whole = elements->depth == 0;
}

/* Its length is known. */
static void begin_value(struct ag_redact_elements *elements)
{
	bool sequence = elements->type == TYPE_SEQUENCE || elements->type == TYPE_ALTERNATIVE;

	if (elements->depth > 0 && elements->len > elements->left[elements->depth - 1]) {
		elements->lost = true;
		return;
	}
	elements->text = elements->type == TYPE_TEXT;
	if (sequence && elements->depth == AG_REDACT_DEPTH) {
		elements->lost = true;
		return;
	}
	if (sequence) {
		elements->left[elements->depth++] = elements->len;
		elements->len = 0;
	}
	if (elements->len == 0)
		end_element(elements);
}

/* Type in the upper five bits; size index in the lower three: 0 to 4 are 1, 2, 4, 8 and 16 octets
 * (nil has none), 5 to 7 a length of 1, 2 or 4 octets, the most significant first. */
static void begin_element(struct ag_redact_elements *elements, uint8_t octet)
{
	uint8_t size = octet & 7;

	elements->type = octet >> 3;
	elements->len = 0;
	if (size >= 5) {
		elements->header = (uint8_t)(1 << (size - 5));
		return;
	}
	/* texts and sequences have a length */
	if (elements->type == TYPE_TEXT || elements->type == TYPE_SEQUENCE ||
	    elements->type == TYPE_ALTERNATIVE) {
		elements->lost = true;
		return;
	}
	elements->len = elements->type == TYPE_NIL ? 0 : 1U << size;
	begin_value(elements);
}

/* @level: depth of the attributes
 * @return: whether the octet is of a text that is an attribute's value, or could be */
static bool pass_element(struct ag_redact_elements *elements, size_t level, uint8_t octet)
{
	if (elements->lost || elements->whole) {
		elements->lost = true;
		return true;
	}
	spend(elements);
	if (elements->len > 0 && elements->header == 0) {
		bool secret = elements->text && elements->depth <= level;

		if (--elements->len == 0)
			end_element(elements);
		return secret;
	}
	if (elements->header == 0) {
		begin_element(elements, octet);
		return false;
	}
	elements->len = elements->len << 8 | octet;
	if (--elements->header == 0)
		begin_value(elements);
	return false;
}

/* ---- Requests ---- */

enum step { STEP_PATTERN, STEP_NUMBERS, STEP_ATTRIBUTES, STEP_STATE, STEP_REST };

static void begin_request(struct ag_redact_sdp *client)
{
	client->elements = (struct ag_redact_elements){ 0 };
	client->transaction = ag_get_le16(client->head + 1);
	client->asked = false;
	client->step = STEP_REST;
	if (client->head[0] == SERVICE_SEARCH_ATTRIBUTE_REQUEST) {
		client->step = STEP_PATTERN;
	} else if (client->head[0] == SERVICE_ATTRIBUTE_REQUEST) {
		client->step = STEP_NUMBERS;
		client->run = 4 + 2;
	}
}

/* Does it ask for a list, or for more of one? */
static void pass_request(struct ag_redact_sdp *client, uint8_t octet)
{
	switch ((enum step)client->step) {
	case STEP_PATTERN:
		pass_element(&client->elements, 0, octet);
		if (!client->elements.whole)
			return;
		client->step = STEP_NUMBERS;
		client->run = 2;
		client->elements = (struct ag_redact_elements){ 0 };
		return;
	case STEP_NUMBERS:
		if (--client->run == 0)
			client->step = STEP_ATTRIBUTES;
		return;
	case STEP_ATTRIBUTES:
		pass_element(&client->elements, 0, octet);
		if (client->elements.whole)
			client->step = STEP_STATE;
		return;
	case STEP_STATE:
		client->asked = true;
		client->continues = octet > 0;
		client->step = STEP_REST;
		return;
	case STEP_REST:
		return;
	}
}

/* ---- Responses ---- */

static void begin_response(struct ag_redact_sdp *server, struct ag_redact_sdp *client)
{
	bool asked = client->asked && client->transaction == ag_get_le16(server->head + 1);

	server->run = (size_t)server->head[5] << 8 | server->head[6];
	if (!asked || !client->continues)
		server->elements = (struct ag_redact_elements){ .lost = !asked };
	else if (server->list != server->head[0])
		server->elements.lost = true;
	server->list = server->head[0];
	server->step = STEP_ATTRIBUTES;
	client->asked = false;
}

static bool pass_response(struct ag_redact_sdp *server, uint8_t octet)
{
	size_t level = server->list == SERVICE_SEARCH_ATTRIBUTE_RESPONSE ? 2 : 1;

	if (server->step == STEP_ATTRIBUTES && server->run > 0) {
		server->run--;
		return pass_element(&server->elements, level, octet);
	}
	if (server->step == STEP_ATTRIBUTES) {
		server->run = octet;
		server->step = STEP_STATE;
		return false;
	}
	if (server->run == 0)
		return true; /* behind the end */
	server->run--;
	return false;
}

/* ---- PDUs ---- */

void ag_redact_sdp_begin(struct ag_redact_channel *channel, size_t from)
{
	channel->sdp[from].at = 0;
	channel->sdp[from].cut = false;
}

/* An octet behind the header. */
static bool pass(struct ag_redact_channel *channel, size_t from, uint8_t octet)
{
	struct ag_redact_sdp *own = &channel->sdp[from], *other = &channel->sdp[!from];

	switch (own->head[0]) {
	case SERVICE_ATTRIBUTE_REQUEST:
	case SERVICE_SEARCH_ATTRIBUTE_REQUEST:
		if (own->at == HEADER)
			begin_request(own);
		pass_request(own, octet);
		return false;
	case SERVICE_ATTRIBUTE_RESPONSE:
	case SERVICE_SEARCH_ATTRIBUTE_RESPONSE:
		if (own->at + 1 == LIST)
			begin_response(own, other);
		return own->at >= LIST && pass_response(own, octet);
	default:
		return false; /* numbers and UUIDs alone */
	}
}

bool ag_redact_sdp(struct ag_redact_channel *channel, size_t from, uint8_t octet)
{
	struct ag_redact_sdp *own = &channel->sdp[from];
	bool secret = own->cut;

	if (own->at < sizeof(own->head))
		own->head[own->at] = octet;
	if (!own->cut && own->at >= HEADER)
		secret = pass(channel, from, octet);
	own->at++;
	return secret;
}

void ag_redact_sdp_skip(struct ag_redact_channel *channel, size_t from)
{
	struct ag_redact_sdp *own = &channel->sdp[from];

	own->cut = true;
	own->elements.lost = true;
	own->asked = false;
}
