/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/replay_air.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"

/* No controller has that many buffers. Where so many packets wait, the recording lacks the
 * completions, and the oldest are forgotten. */
enum { SENT_MAX = 1024 };

/* A record that is held back. */
struct held {
	struct ag_btsnoop_record head;
	uint8_t *data;   /* what the record holds */
	bool from_peer;  /* an ACL packet from the controller */
	uint16_t handle; /* from_peer: of the link */
	bool continuing; /* from_peer: not the start of a PDU */
	bool dropped;
};

/* A packet that the recorded host sent and the recorded controller has not completed yet. */
struct sent {
	uint64_t pdu; /* number of the PDU it was part of, 0 if it was not judged */
	bool swallowed;
};

struct link {
	struct sent *sent; /* oldest first */
	size_t n_sent;
	size_t allocated;
	uint64_t out;   /* packets put out to the controller and not completed in the output */
	uint64_t early; /* completions that the recording has before the packet was put out */
	bool dropping;  /* what continues the PDU goes the way of its start */
};

struct ag_air {
	struct ag_capture_writer *writer;
	enum ag_btsnoop_link link;
	uint16_t index;
	struct held *held; /* a ring of AG_AIR_WINDOW */
	size_t first;
	size_t count;
	uint64_t last_pdu; /* numbers grow; a smaller one is a later word on a PDU */
	struct link links[AG_HCI_HANDLE_MAX + 1];
};

int ag_air_new(struct ag_capture_writer *writer, enum ag_btsnoop_link link, uint16_t index,
	       struct ag_air **out)
{
	struct ag_air *air = calloc(1, sizeof(*air));

	if (!air)
		return -ENOMEM;
	air->held = calloc(AG_AIR_WINDOW, sizeof(*air->held));
	if (!air->held) {
		free(air);
		return -ENOMEM;
	}
	air->writer = writer;
	air->link = link;
	air->index = index;
	*out = air;
	return 0;
}

static void forget_link(struct link *link)
{
	free(link->sent);
	*link = (struct link){ 0 };
}

static void forget_links(struct ag_air *air)
{
	for (size_t i = 0; i < ag_array_size(air->links); i++)
		forget_link(&air->links[i]);
}

void ag_air_free(struct ag_air *air)
{
	if (!air)
		return;
	for (size_t i = 0; i < air->count; i++)
		free(air->held[(air->first + i) % AG_AIR_WINDOW].data);
	forget_links(air);
	free(air->held);
	free(air);
}

/* ---- Records held back ---- */

static int write_oldest(struct ag_air *air)
{
	struct held *held = &air->held[air->first];
	int result = 0;

	if (!held->dropped)
		result = ag_capture_write(air->writer, &held->head, held->data);
	free(held->data);
	*held = (struct held){ 0 };
	air->first = (air->first + 1) % AG_AIR_WINDOW;
	air->count--;
	return result;
}

int ag_air_flush(struct ag_air *air)
{
	int result = 0;

	while (air->count > 0 && result == 0)
		result = write_oldest(air);
	return result;
}

/* @data: what the record is to hold; copied
 * @out:  may be NULL */
static int hold(struct ag_air *air, const struct ag_btsnoop_record *head, const uint8_t *data,
		struct held **out)
{
	struct held *held;
	uint8_t *copy;
	int result;

	if (air->count == AG_AIR_WINDOW) {
		result = write_oldest(air);
		if (result != 0)
			return result;
	}
	copy = malloc(head->included_len > 0 ? head->included_len : 1);
	if (!copy)
		return -ENOMEM;
	if (head->included_len > 0)
		memcpy(copy, data, head->included_len);
	held = &air->held[(air->first + air->count++) % AG_AIR_WINDOW];
	*held = (struct held){ .head = *head, .data = copy };
	if (out)
		*out = held;
	return 0;
}

/* Hold a packet, type octet first. One that the datalink has no place for is left out. */
static int hold_packet(struct ag_air *air, bool from_host, const uint8_t *packet, size_t len,
		       uint64_t time_us, struct held **out)
{
	struct ag_btsnoop_record head = { .time_us = time_us };
	size_t skip = air->link == AG_BTSNOOP_H4 ? 0 : 1;

	if (len < skip || !ag_btsnoop_packet_flags(air->link, air->index, from_host,
						   len > 0 ? packet[0] : 0, &head.flags))
		return 0;
	head.included_len = (uint32_t)(len - skip);
	head.original_len = head.included_len;
	return hold(air, &head, packet + skip, out);
}

/* ---- Packets and their completions ---- */

static int note_sent(struct ag_air *air, uint16_t handle)
{
	struct link *link = &air->links[handle];

	if (link->n_sent == SENT_MAX) {
		link->n_sent -= SENT_MAX / 2;
		memmove(link->sent, link->sent + SENT_MAX / 2, link->n_sent * sizeof(*link->sent));
	}
	if (link->n_sent == link->allocated) {
		size_t allocated = link->allocated ? 2 * link->allocated : 16;
		struct sent *sent = realloc(link->sent, allocated * sizeof(*sent));

		if (!sent)
			return -ENOMEM;
		link->sent = sent;
		link->allocated = allocated;
	}
	link->sent[link->n_sent++] = (struct sent){ 0 };
	return 0;
}

/* How many of the oldest `count` packets were forwarded. What was sent before the recording began
 * is not known here, and was. */
static uint16_t complete(struct link *link, uint16_t count)
{
	size_t known = count < link->n_sent ? count : link->n_sent;
	uint64_t forwarded = link->early;
	uint64_t unknown = count - known;

	for (size_t i = 0; i < known; i++)
		forwarded += !link->sent[i].swallowed;
	if (known > 0) {
		link->n_sent -= known;
		memmove(link->sent, link->sent + known, link->n_sent * sizeof(*link->sent));
	}
	link->early = forwarded > link->out ? forwarded - link->out : 0;
	forwarded -= link->early;
	link->out -= forwarded;
	return (uint16_t)(forwarded + unknown < UINT16_MAX ? forwarded + unknown : UINT16_MAX);
}

/*
 * Number Of Completed Packets (Vol 4 Part E, 7.7.19): H4 type, event code, length, number of
 * handles, then handle and count of each. It is shortened to what is left; @return: octets of it, 0
 * for none.
 */
static size_t adjust_completions(struct ag_air *air, const uint8_t *packet, size_t len,
				 uint8_t *out)
{
	struct ag_cursor cursor = ag_cursor(packet + 4, len - 4);
	size_t at = 4;

	for (uint8_t i = 0; i < packet[3]; i++) {
		uint16_t handle = ag_pull_le16(&cursor);
		uint16_t count = ag_pull_le16(&cursor);

		if ((handle & 0x0fff) <= AG_HCI_HANDLE_MAX && count > 0) {
			count = complete(&air->links[handle & 0x0fff], count);
			if (count == 0)
				continue;
		}
		ag_put_le16(out + at, handle);
		ag_put_le16(out + at + 2, count);
		at += 4;
	}
	out[0] = packet[0];
	out[1] = packet[1];
	out[2] = (uint8_t)(at - 3);
	out[3] = (uint8_t)((at - 4) / 4);
	return at > 4 ? at : 0;
}

/* An event that is what its lengths say; others are left as they are. */
static bool is_completions(const uint8_t *packet, size_t len)
{
	return len >= 4 && packet[0] == AG_H4_EVENT && packet[1] == AG_EVT_NUMBER_OF_COMPLETED &&
	       packet[2] == len - 3 && packet[2] == 1 + 4 * packet[3] && packet[3] > 0;
}

/* Where a link, or all of them, ends, the account ends. */
static void note_event(struct ag_air *air, const uint8_t *packet, size_t len)
{
	struct ag_cursor cursor = ag_cursor(packet, len);
	uint8_t code;
	uint16_t number;

	ag_pull(&cursor, 1);
	code = ag_pull_u8(&cursor);
	ag_pull(&cursor, 2); /* length; status, or the number of commands allowed */
	number = ag_pull_le16(&cursor);
	if (cursor.failed)
		return;
	if (code == AG_EVT_COMMAND_COMPLETE && number == AG_HCI_RESET)
		forget_links(air);
	else if (code == AG_EVT_DISCONNECTION_COMPLETE && packet[3] == 0 &&
		 number <= AG_HCI_HANDLE_MAX)
		forget_link(&air->links[number]);
}

static int from_controller(struct ag_air *air, const struct ag_capture_frame *frame)
{
	uint8_t event[3 + UINT8_MAX];
	struct held *held = NULL;
	struct ag_acl acl;
	int result;

	if (is_completions(frame->data, frame->len)) {
		size_t len = adjust_completions(air, frame->data, frame->len, event);

		return len == 0 ? 0
				: hold_packet(air, false, event, len, frame->head.time_us, NULL);
	}
	if (frame->len > 0 && frame->data[0] == AG_H4_EVENT)
		note_event(air, frame->data, frame->len);
	result = hold_packet(air, false, frame->data, frame->len, frame->head.time_us, &held);
	if (!held || frame->data[0] != AG_H4_ACL || !ag_acl_parse(frame->data, frame->len, &acl) ||
	    acl.handle > AG_HCI_HANDLE_MAX)
		return result;
	held->from_peer = true;
	held->handle = acl.handle;
	held->continuing = acl.pb == AG_PB_CONTINUING;
	if (!held->continuing)
		air->links[acl.handle].dropping = false;
	held->dropped = air->links[acl.handle].dropping;
	return result;
}

static int from_host(struct ag_air *air, const struct ag_capture_frame *frame)
{
	struct ag_acl acl;

	if (frame->len == 0 || frame->data[0] != AG_H4_ACL ||
	    !ag_acl_parse(frame->data, frame->len, &acl) || acl.handle > AG_HCI_HANDLE_MAX)
		return 0;
	return note_sent(air, acl.handle);
}

int ag_air_frame(struct ag_air *air, const struct ag_capture_frame *frame)
{
	if (frame->meaning.is_foreign)
		return 0;
	if (frame->meaning.kind != AG_BTSNOOP_PACKET)
		return hold(air, &frame->head, frame->data, NULL);
	return frame->meaning.from_host ? from_host(air, frame) : from_controller(air, frame);
}

int ag_air_out(struct ag_air *air, const struct ag_packet *packet, uint64_t time_us)
{
	struct ag_acl acl;

	if (packet->len > 0 && packet->data[0] == AG_H4_ACL &&
	    ag_acl_parse(packet->data, packet->len, &acl) && acl.handle <= AG_HCI_HANDLE_MAX)
		air->links[acl.handle].out++;
	return hold_packet(air, true, packet->data, packet->len, time_us, NULL);
}

/* ---- Decisions ---- */

static bool never_reaches_the_controller(enum ag_verdict verdict)
{
	switch (verdict) {
	case AG_V_REJECT:
	case AG_V_ANSWER:
	case AG_V_DROP:
	case AG_V_DISCONNECT:
	case AG_V_DISCARD:
	case AG_V_LATE:
	case AG_V_HIDE:
	case AG_V_RECORDED:
	case AG_V_TIMEOUT: /* as a first word: answered at once, an earlier answer being overdue */
		return true;
	case AG_V_ACCEPT:
		break;
	}
	return false;
}

/* The first word on a PDU of the host finds its packets at the end of the queue and gives them its
 * number. */
static void first_word(struct link *link, const struct ag_decision *decision)
{
	bool swallowed = never_reaches_the_controller(decision->verdict);

	for (size_t i = 0; i < decision->packets && i < link->n_sent; i++)
		link->sent[link->n_sent - 1 - i] = (struct sent){ .pdu = decision->number,
								  .swallowed = swallowed };
}

/* A later word counts where the PDU was held until now. A request whose time is up is not: it was
 * forwarded long ago. */
static void later_word(struct link *link, const struct ag_decision *decision)
{
	if (decision->verdict == AG_V_TIMEOUT)
		return;
	for (size_t i = 0; i < link->n_sent; i++) {
		if (link->sent[i].pdu == decision->number)
			link->sent[i].swallowed = never_reaches_the_controller(decision->verdict);
	}
}

/* The recorded answer: its packets are the newest of the link, and what may still follow of it. */
static void drop_answer(struct ag_air *air, const struct ag_decision *decision)
{
	size_t left = decision->packets;

	for (size_t i = air->count; i > 0 && left > 0; i--) {
		struct held *held = &air->held[(air->first + i - 1) % AG_AIR_WINDOW];

		if (!held->from_peer || held->dropped || held->handle != decision->link->handle)
			continue;
		held->dropped = true;
		left--;
	}
	air->links[decision->link->handle].dropping = true;
}

void ag_air_decision(struct ag_air *air, const struct ag_decision *decision)
{
	/* no link of the engine's has a higher handle than there is */
	struct link *link = &air->links[decision->link->handle];

	if (decision->from == AG_FROM_HOST && decision->number > air->last_pdu)
		first_word(link, decision);
	else if (decision->from == AG_FROM_HOST)
		later_word(link, decision);
	else if (decision->verdict == AG_V_RECORDED)
		drop_answer(air, decision);
	if (decision->number > air->last_pdu)
		air->last_pdu = decision->number;
}
