/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/redact.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/siphash.h"
#include "proxy/engine/redact_internal.h"
#include "proxy/wire/btsnoop.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/l2cap.h"
#include "proxy/wire/private.h"

enum { PEER, HOST };

/* Advertisers whose data is going on in their next report. */
#define ADVERTISERS 16

/* Subevent code, and what tells it from others in such reports: its set and address; a train's
 * handle, and the subevent. */
struct advertiser {
	bool used;
	uint8_t key[8];
};

/* Who comes back need not be discovered again to be asked for its name. */
struct peer {
	uint64_t age; /* 0: none */
	uint8_t address[6];
	uint16_t name_handle;
};

struct ag_redactor {
	uint8_t key[16];
	uint64_t clock;
	uint16_t own_name_handle; /* the host's attributes are the same on every link */
	struct peer peer[AG_REDACT_PEERS];
	struct ag_redact_link link[AG_REDACT_LINKS];
	struct advertiser advertiser[ADVERTISERS];
	size_t next_advertiser;
};

struct ag_redactor *ag_redactor_new(const uint8_t key[16])
{
	struct ag_redactor *redactor = calloc(1, sizeof(*redactor));

	if (redactor)
		memcpy(redactor->key, key, sizeof(redactor->key));
	return redactor;
}

/* ---- Replacements ---- */

/*
 * One octet of an address, by a permutation that the octets before it choose. So the whole is a
 * permutation of all addresses, without a table, and an address that is split between two packets
 * gets what it gets elsewhere. Of the last octet the two upper bits stay (Vol 6 Part B, 1.3.2).
 */
static uint8_t address_octet(const struct ag_redactor *redactor, const uint8_t *before, size_t at,
			     uint8_t octet)
{
	uint8_t mask = at == 5 ? 0x3f : 0xff;
	uint8_t text[6] = { 0 };
	uint64_t hash;
	uint8_t low;

	memcpy(text, before, at);
	text[5] = (uint8_t)at;
	hash = ag_siphash(redactor->key, text, sizeof(text));
	low = (uint8_t)(((octet ^ (hash & 0xff)) * (hash >> 8 | 1) + (hash >> 40)) & mask);
	return (uint8_t)((octet & ~mask) | low);
}

void ag_redact_address(const struct ag_redactor *redactor, uint8_t address[6])
{
	static const uint8_t none[6];
	uint8_t was[6];

	if (memcmp(address, none, sizeof(none)) == 0)
		return;
	memcpy(was, address, sizeof(was));
	for (size_t i = 0; i < sizeof(was); i++)
		address[i] = address_octet(redactor, was, i, was[i]);
}

static void blank_name(uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		octets[i] = octets[i] ? 'x' : 0;
}

static void blank(void *user, enum ag_private kind, uint8_t *octets, size_t len)
{
	const struct ag_redactor *redactor = user;

	switch (kind) {
	case AG_PRIVATE_ADDRESS:
		if (len == 6)
			ag_redact_address(redactor, octets);
		else
			memset(octets, 0, len);
		break;
	case AG_PRIVATE_KEY:
		memset(octets, 0, len);
		break;
	case AG_PRIVATE_NAME:
		blank_name(octets, len);
		break;
	case AG_PRIVATE_DATA:
		ag_private_data(octets, len, blank, user);
		break;
	}
}

/* ---- Links ---- */

static void init_link(struct ag_redactor *redactor, struct ag_redact_link *link, uint16_t index,
		      uint16_t handle)
{
	*link = (struct ag_redact_link){
		.used = true, .index = index, .handle = handle, .age = ++redactor->clock
	};
	link->name_handle[PEER] = &link->peer_name_handle;
	link->name_handle[HOST] = &redactor->own_name_handle;
}

static struct ag_redact_link *find_link(struct ag_redactor *redactor, uint16_t index,
					uint16_t handle)
{
	struct ag_redact_link *oldest = &redactor->link[0];

	for (size_t i = 0; i < AG_REDACT_LINKS; i++) {
		struct ag_redact_link *link = &redactor->link[i];

		if (link->used && link->index == index && link->handle == handle) {
			link->age = ++redactor->clock;
			return link;
		}
		if (!link->used || (oldest->used && link->age < oldest->age))
			oldest = link;
	}
	init_link(redactor, oldest, index, handle);
	return oldest;
}

/* Links to a peer that is forgotten go on with what is known of it. */
static void forget_peer(struct ag_redactor *redactor, struct peer *peer)
{
	for (size_t i = 0; i < AG_REDACT_LINKS; i++) {
		struct ag_redact_link *link = &redactor->link[i];

		if (link->name_handle[PEER] != &peer->name_handle)
			continue;
		link->peer_name_handle = peer->name_handle;
		link->name_handle[PEER] = &link->peer_name_handle;
	}
}

static struct peer *find_peer(struct ag_redactor *redactor, const uint8_t address[6])
{
	struct peer *oldest = &redactor->peer[0];

	for (size_t i = 0; i < AG_REDACT_PEERS; i++) {
		struct peer *peer = &redactor->peer[i];

		if (peer->age && memcmp(peer->address, address, sizeof(peer->address)) == 0) {
			peer->age = ++redactor->clock;
			return peer;
		}
		if (peer->age < oldest->age)
			oldest = peer;
	}
	forget_peer(redactor, oldest);
	*oldest = (struct peer){ .age = ++redactor->clock };
	memcpy(oldest->address, address, sizeof(oldest->address));
	return oldest;
}

/* A handle is given to a peer, perhaps to another one than before. */
static void renew_link(struct ag_redactor *redactor, uint16_t index, uint16_t handle,
		       const uint8_t address[6])
{
	struct ag_redact_link *link = find_link(redactor, index, handle);

	init_link(redactor, link, index, handle);
	link->name_handle[PEER] = &find_peer(redactor, address)->name_handle;
}

/* Both begin with a status: 7.7.3 goes on with handle and address, 7.7.65.1 and its enhanced forms
 * with handle, role, address type and address. */
static void watch_connections(struct ag_redactor *redactor, uint16_t index, const uint8_t *packet,
			      size_t len)
{
	if (len >= 12 && packet[1] == AG_EVT_CONNECTION_COMPLETE && packet[3] == 0)
		renew_link(redactor, index, ag_get_le16(packet + 4) & 0x0fff, packet + 6);
	if (len >= 15 && packet[1] == AG_EVT_LE_META && packet[4] == 0 &&
	    (packet[3] == AG_LE_CONNECTION_COMPLETE ||
	     packet[3] == AG_LE_ENHANCED_CONNECTION_COMPLETE ||
	     packet[3] == AG_LE_ENHANCED_CONNECTION_COMPLETE_V2))
		renew_link(redactor, index, ag_get_le16(packet + 5) & 0x0fff, packet + 9);
}

/* ---- Advertising data over several reports (Vol 4 Part E, 7.7.65.13, 7.7.65.15) ---- */

/* A report whose data may be continued; controllers give such data one report an event. */
struct report {
	uint8_t key[8];
	bool more;      /* will be */
	size_t data_at; /* offset in the packet */
};

static bool take_report(const uint8_t *packet, size_t len, struct report *out)
{
	enum { EXTENDED = 0x0d, PERIODIC = 0x0f, PERIODIC_V2 = 0x25 };
	uint8_t code;

	if (len < 4 || packet[1] != AG_EVT_LE_META)
		return false;
	code = packet[3];
	*out = (struct report){ .key = { code } };
	if (code == EXTENDED && len >= 29) {
		out->key[1] = packet[16];
		memcpy(out->key + 2, packet + 8, 6);
		out->more = (packet[5] >> 5 & 3) == 1;
		out->data_at = 29;
	} else if (code == PERIODIC && len >= 11) {
		memcpy(out->key + 1, packet + 4, 2);
		out->more = packet[9] == 1;
		out->data_at = 11;
	} else if (code == PERIODIC_V2 && len >= 14) {
		memcpy(out->key + 1, packet + 4, 2);
		out->key[3] = packet[11];
		out->more = packet[12] == 1;
		out->data_at = 14;
	}
	return out->data_at > 0;
}

/* Where the data of this report continues that of another, and so does not begin with a structure:
 * its offset, else `len`. Remembers whether it will be continued. */
static size_t continued_at(struct ag_redactor *redactor, const uint8_t *packet, size_t len)
{
	struct advertiser *found = NULL;
	struct report report;

	if (!take_report(packet, len, &report))
		return len;
	for (size_t i = 0; i < ADVERTISERS && !found; i++) {
		struct advertiser *one = &redactor->advertiser[i];

		if (one->used && memcmp(one->key, report.key, sizeof(one->key)) == 0)
			found = one;
	}
	if (found) {
		found->used = report.more;
		return report.data_at;
	}
	if (report.more) {
		found = &redactor->advertiser[redactor->next_advertiser++ % ADVERTISERS];
		found->used = true;
		memcpy(found->key, report.key, sizeof(found->key));
	}
	return len;
}

/* ---- The octets of an ACL packet ---- */

static void redact_smp(const struct ag_redactor *redactor, struct ag_redact_stream *stream,
		       uint8_t *octet)
{
	enum ag_private kind;
	size_t at;

	if (stream->at == 0)
		stream->code = *octet;
	if (!ag_private_smp(stream->code, stream->at, &kind))
		return;
	if (kind != AG_PRIVATE_ADDRESS) {
		*octet = 0;
		return;
	}
	at = stream->at - AG_PRIVATE_SMP_ADDRESS_AT;
	stream->address[at] = *octet;
	*octet = address_octet(redactor, stream->address, at, *octet);
}

/* What a PDU to `cid` carries; of a dynamic channel only its opening tells. */
static void route(struct ag_redact_link *link, size_t from, uint16_t cid)
{
	struct ag_redact_stream *stream = &link->stream[from];

	stream->channel = NULL;
	stream->kind = AG_REDACT_OPEN;
	if (cid >= AG_CID_DYNAMIC_MIN) {
		stream->channel = ag_redact_channel_find(link, !from, cid);
		stream->kind = stream->channel ? stream->channel->kind : AG_REDACT_BLIND;
	} else if (cid == AG_CID_ATT) {
		stream->kind = AG_REDACT_ATT;
	} else if (cid == AG_CID_SMP || cid == AG_CID_SMP_BREDR) {
		stream->kind = AG_REDACT_SMP;
	} else if (cid == AG_CID_SIGNALLING || cid == AG_CID_LE_SIGNALLING) {
		stream->kind = AG_REDACT_SIGNALLING;
	}
}

static struct ag_redact_bearer *bearer_of(struct ag_redact_link *link,
					  const struct ag_redact_stream *stream)
{
	return stream->channel ? &stream->channel->bearer : &link->bearer;
}

static void begin_pdu(struct ag_redact_link *link, size_t from)
{
	struct ag_redact_stream *stream = &link->stream[from];

	route(link, from, ag_get_le16(stream->header + 2));
	switch (stream->kind) {
	case AG_REDACT_OPEN:
	case AG_REDACT_BLIND:
	case AG_REDACT_SMP:
		break;
	case AG_REDACT_ATT:
		ag_redact_att_begin(bearer_of(link, stream), from);
		break;
	case AG_REDACT_EATT:
		ag_redact_eatt_begin(stream->channel, from);
		break;
	case AG_REDACT_SDP:
		ag_redact_sdp_begin(stream->channel, from);
		break;
	case AG_REDACT_SIGNALLING:
		ag_redact_signal_begin(&stream->signal);
		break;
	}
}

static void end_pdu(struct ag_redact_link *link, size_t from)
{
	struct ag_redact_stream *stream = &link->stream[from];

	if (stream->kind == AG_REDACT_ATT)
		ag_redact_att_end(link, bearer_of(link, stream), from);
	else if (stream->kind == AG_REDACT_EATT)
		ag_redact_eatt_end(stream->channel, from);
}

static void redact_octet(const struct ag_redactor *redactor, struct ag_redact_link *link,
			 size_t from, uint8_t *octet)
{
	struct ag_redact_stream *stream = &link->stream[from];

	switch (stream->kind) {
	case AG_REDACT_OPEN:
		break;
	case AG_REDACT_BLIND:
		*octet = 0;
		break;
	case AG_REDACT_ATT:
		if (ag_redact_att(link, bearer_of(link, stream), from, *octet))
			blank_name(octet, 1);
		break;
	case AG_REDACT_EATT:
		if (ag_redact_eatt(link, stream->channel, from, *octet))
			blank_name(octet, 1);
		break;
	case AG_REDACT_SDP:
		if (ag_redact_sdp(stream->channel, from, *octet))
			blank_name(octet, 1);
		break;
	case AG_REDACT_SMP:
		redact_smp(redactor, stream, octet);
		break;
	case AG_REDACT_SIGNALLING:
		ag_redact_signal(link, from, *octet);
		break;
	}
	stream->at++;
	if (--stream->left == 0)
		end_pdu(link, from);
}

static void pass_octet(const struct ag_redactor *redactor, struct ag_redact_link *link, size_t from,
		       uint8_t *octet)
{
	struct ag_redact_stream *stream = &link->stream[from];

	if (stream->known && stream->header_len < sizeof(stream->header)) {
		stream->header[stream->header_len++] = *octet;
		if (stream->header_len < sizeof(stream->header))
			return;
		stream->left = ag_get_le16(stream->header);
		begin_pdu(link, from);
		if (stream->left == 0)
			end_pdu(link, from);
	} else if (stream->known && stream->left > 0) {
		redact_octet(redactor, link, from, octet);
	} else {
		*octet = 0; /* no beginning, or more than the PDU said: it could be of any */
	}
}

/* Octets of the PDU that the recording left out. */
static void skip(struct ag_redact_link *link, size_t from, size_t len)
{
	struct ag_redact_stream *stream = &link->stream[from];

	if (len == 0)
		return;
	if (stream->known && stream->header_len < sizeof(stream->header)) {
		stream->known = false;
		ag_redact_channel_forget(link);
	}
	if (len > stream->left)
		len = stream->left;
	if (len == 0)
		return;
	switch (stream->kind) {
	case AG_REDACT_OPEN:
	case AG_REDACT_BLIND:
		break;
	case AG_REDACT_SMP:
		if (stream->at == 0)
			stream->kind = AG_REDACT_BLIND;
		break;
	case AG_REDACT_ATT:
		ag_redact_att_skip(bearer_of(link, stream), from, len);
		break;
	case AG_REDACT_EATT:
		ag_redact_eatt_skip(link, stream->channel, from, len);
		break;
	case AG_REDACT_SDP:
		ag_redact_sdp_skip(stream->channel, from);
		break;
	case AG_REDACT_SIGNALLING:
		stream->signal.cut = true;
		ag_redact_channel_forget(link);
		break;
	}
	stream->left -= len;
	stream->at += len;
	if (stream->left == 0)
		end_pdu(link, from);
}

/* Another PDU begins, and of this one some packets never came. */
static void lose_rest(struct ag_redact_link *link, size_t from)
{
	const struct ag_redact_stream *stream = &link->stream[from];

	if (stream->known && stream->header_len < sizeof(stream->header))
		ag_redact_channel_forget(link);
	else
		skip(link, from, stream->left);
}

static void redact_acl(struct ag_redactor *redactor, uint16_t index, size_t from, uint8_t *packet,
		       size_t len)
{
	struct ag_redact_link *link;
	struct ag_acl acl;
	size_t said;

	if (!ag_acl_parse(packet, len, &acl))
		return;
	said = ag_get_le16(packet + 3);
	link = find_link(redactor, index, acl.handle);
	if (acl.pb != AG_PB_CONTINUING) {
		lose_rest(link, from);
		link->stream[from] = (struct ag_redact_stream){ .known = true };
	}
	for (size_t i = 0; i < acl.len; i++)
		pass_octet(redactor, link, from, packet + AG_ACL_HEADER + i);
	skip(link, from, said > acl.len ? said - acl.len : 0);
}

/* ---- The whole ---- */

void ag_redact_packet(struct ag_redactor *redactor, uint16_t index, bool from_host, uint8_t *packet,
		      size_t len)
{
	if (len == 0)
		return;
	if (packet[0] == AG_H4_ACL) {
		redact_acl(redactor, index, from_host, packet, len);
		return;
	}
	if (packet[0] == AG_H4_EVENT) {
		size_t at = continued_at(redactor, packet, len);

		watch_connections(redactor, index, packet, len);
		blank_name(packet + at, len - at);
	}
	ag_private_hci(packet, len, blank, redactor);
}

/* Priority, length of the ident with its NUL, ident, text with its NUL. */
static void redact_logging(uint8_t *data, size_t len)
{
	static const char own[] = "attgate";
	size_t at = len >= 2 ? 2 + (size_t)data[1] : len;

	if (at == 2 + sizeof(own) && len >= at && memcmp(data + 2, own, sizeof(own)) == 0)
		return;
	for (; at < len; at++)
		data[at] = data[at] ? '.' : 0;
}

static void blank_from(uint8_t *data, size_t len, size_t at)
{
	if (at < len)
		memset(data + at, 0, len - at);
}

void ag_redact_record(struct ag_redactor *redactor, uint16_t opcode, uint8_t *data, size_t len)
{
	switch (opcode) {
	case AG_MONITOR_NEW_INDEX: /* type, bus, address, name */
		if (len >= 8)
			ag_redact_address(redactor, data + 2);
		break;
	case AG_MONITOR_INDEX_INFO: /* address, manufacturer */
		if (len >= 6)
			ag_redact_address(redactor, data);
		break;
	case AG_MONITOR_USER_LOGGING:
		redact_logging(data, len);
		break;
	case AG_MONITOR_CTRL_COMMAND: /* cookie, opcode, parameters with keys and names */
	case AG_MONITOR_CTRL_EVENT:
		blank_from(data, len, 6);
		break;
	case AG_MONITOR_DEL_INDEX:
	case AG_MONITOR_OPEN_INDEX:
	case AG_MONITOR_CLOSE_INDEX:
	case AG_MONITOR_SYSTEM_NOTE:
	case AG_MONITOR_CTRL_OPEN:
	case AG_MONITOR_CTRL_CLOSE:
		break;
	default:
		blank_from(data, len, 0);
		break;
	}
}
