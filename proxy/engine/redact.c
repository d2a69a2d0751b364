/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/redact.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/siphash.h"
#include "proxy/wire/att.h"
#include "proxy/wire/btsnoop.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/l2cap.h"
#include "proxy/wire/private.h"

#define DEVICE_NAME    0x2a00
#define CHARACTERISTIC 0x2803

/* Octets of a PDU that are looked at again when more of it is there: a request with a UUID of 16.
 */
#define HEAD 21
/* Advertisers whose data is going on in their next report. */
#define ADVERTISERS 16

/* One direction of a link: how far the PDU that is passing has come. */
struct stream {
	bool known; /* its beginning was seen */
	uint8_t header[AG_L2CAP_HEADER];
	size_t header_len;
	size_t left;         /* octets of the PDU still to come */
	size_t at;           /* offset in it of the next */
	uint8_t head[HEAD];  /* its beginning, as it was */
	uint8_t entry[HEAD]; /* of a list: the beginning of the entry that is passing */
	uint8_t address[6];  /* SMP: the one that is passing, as it was */
};

/* What the open request of one direction asks for. */
struct asked {
	uint16_t type; /* Read By Type; 0: something else */
	bool name;     /* reads the Device Name by its handle */
};

struct link {
	bool used;
	uint16_t index;
	uint16_t handle;
	uint64_t age;
	/* each by who sends: 0 the peer, 1 the host */
	struct stream stream[2];
	struct asked asked[2];
	uint16_t name_handle[2]; /* of the sender's own Device Name; 0: not known */
};

struct advertiser {
	bool used;
	uint8_t address[6];
	uint8_t sid;
};

struct ag_redactor {
	uint8_t key[16];
	uint64_t clock;
	struct link link[AG_REDACT_LINKS];
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

static struct link *find_link(struct ag_redactor *redactor, uint16_t index, uint16_t handle)
{
	struct link *oldest = &redactor->link[0];

	for (size_t i = 0; i < AG_REDACT_LINKS; i++) {
		struct link *link = &redactor->link[i];

		if (link->used && link->index == index && link->handle == handle) {
			link->age = ++redactor->clock;
			return link;
		}
		if (!link->used || (oldest->used && link->age < oldest->age))
			oldest = link;
	}
	*oldest = (struct link){
		.used = true, .index = index, .handle = handle, .age = ++redactor->clock
	};
	return oldest;
}

/* A handle is given to another peer. The host's own attributes are the same. */
static void renew_link(struct ag_redactor *redactor, uint16_t index, uint16_t handle)
{
	struct link *link = find_link(redactor, index, handle);
	uint16_t name_handle = link->name_handle[1];

	*link = (struct link){
		.used = true,
		.index = index,
		.handle = handle,
		.age = redactor->clock,
		.name_handle = { 0, name_handle },
	};
}

static void watch_connections(struct ag_redactor *redactor, uint16_t index, const uint8_t *packet,
			      size_t len)
{
	if (len >= 6 && packet[1] == AG_EVT_CONNECTION_COMPLETE)
		renew_link(redactor, index, ag_get_le16(packet + 4) & 0x0fff);
	if (len >= 7 && packet[1] == AG_EVT_LE_META &&
	    (packet[3] == AG_LE_CONNECTION_COMPLETE ||
	     packet[3] == AG_LE_ENHANCED_CONNECTION_COMPLETE ||
	     packet[3] == AG_LE_ENHANCED_CONNECTION_COMPLETE_V2))
		renew_link(redactor, index, ag_get_le16(packet + 5) & 0x0fff);
}

/* ---- Advertising data over several reports (Vol 4 Part E, 7.7.65.13) ---- */

/* Whether the data of this report continues that of another; remembers whether it will be
 * continued. Controllers give such data one report an event. */
static bool is_continued(struct ag_redactor *redactor, const uint8_t *packet, size_t len)
{
	const uint8_t *report = packet + 5;
	struct advertiser *found = NULL;
	bool more;

	if (len < 5 + 24 || packet[1] != AG_EVT_LE_META || packet[3] != 0x0d)
		return false;
	more = (report[0] >> 5 & 3) == 1;
	for (size_t i = 0; i < ADVERTISERS && !found; i++) {
		struct advertiser *one = &redactor->advertiser[i];

		if (one->used && one->sid == report[11] &&
		    memcmp(one->address, report + 3, sizeof(one->address)) == 0)
			found = one;
	}
	if (found) {
		found->used = more;
		return true;
	}
	if (more) {
		found = &redactor->advertiser[redactor->next_advertiser++ % ADVERTISERS];
		found->used = true;
		found->sid = report[11];
		memcpy(found->address, report + 3, sizeof(found->address));
	}
	return false;
}

/* ---- ATT ---- */

/* The 16-bit number of a UUID of 2 or 16 octets, 0 where it has none. */
static uint16_t uuid_number(const uint8_t *uuid, size_t len)
{
	static const uint8_t base[12] = { 0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00,
					  0x00, 0x80, 0x00, 0x10, 0x00, 0x00 };

	if (len == 2)
		return ag_get_le16(uuid);
	if (len == 16 && memcmp(uuid, base, sizeof(base)) == 0 && uuid[14] == 0 && uuid[15] == 0)
		return ag_get_le16(uuid + 12);
	return 0;
}

static bool is_name(const struct link *link, size_t server, uint16_t handle)
{
	return handle != 0 && handle == link->name_handle[server];
}

/* A PDU of `client` has passed to its end. */
static void request_ended(struct link *link, size_t client, const struct stream *stream)
{
	struct asked *asked = &link->asked[client];
	size_t len = stream->at < HEAD ? stream->at : HEAD;
	const uint8_t *head = stream->head;

	if (head[0] == AG_ATT_READ_BY_TYPE_REQ && len >= 7)
		asked->type = uuid_number(head + 5, len - 5);
	if ((head[0] == AG_ATT_READ_REQ || head[0] == AG_ATT_READ_BLOB_REQ) && len >= 3)
		asked->name = is_name(link, !client, ag_get_le16(head + 1));
}

/* Where the entries of a list begin and how long they are. @return: false: it is none */
static bool entries_of(const struct stream *stream, size_t *start, size_t *len)
{
	switch (stream->head[0]) {
	case AG_ATT_READ_BY_TYPE_RSP:
		*start = 2;
		*len = stream->head[1];
		return *len >= 2;
	case AG_ATT_FIND_INFORMATION_RSP:
		*start = 2;
		*len = stream->head[1] == 1 ? 4 : 18;
		return true;
	case AG_ATT_READ_MULTIPLE_REQ:
	case AG_ATT_READ_MULTIPLE_VARIABLE_REQ:
		*start = 1;
		*len = 2;
		return true;
	default:
		return false;
	}
}

/* Handle and value; of a characteristic the value is properties, value handle and UUID (Vol 3
 * Part G, 3.3.1). @return: whether the octet at `offset` of the entry is private */
static bool judge_read_by_type(struct link *link, size_t server, const uint8_t *entry,
			       size_t offset, size_t entry_len)
{
	uint16_t type = link->asked[!server].type;

	if (type == DEVICE_NAME && offset >= 2) {
		link->name_handle[server] = ag_get_le16(entry);
		return true;
	}
	if (type == CHARACTERISTIC && offset + 1 == entry_len &&
	    (entry_len == 7 || entry_len == 21) &&
	    uuid_number(entry + 5, entry_len - 5) == DEVICE_NAME)
		link->name_handle[server] = ag_get_le16(entry + 3);
	return false;
}

static bool judge_list(struct link *link, size_t from, struct stream *stream, uint8_t octet)
{
	size_t start, len, offset;

	if (!entries_of(stream, &start, &len) || stream->at < start)
		return false;
	offset = (stream->at - start) % len;
	if (offset < HEAD)
		stream->entry[offset] = octet;
	if (stream->head[0] == AG_ATT_READ_BY_TYPE_RSP)
		return judge_read_by_type(link, from, stream->entry, offset, len);
	if (offset + 1 != len)
		return false;
	if (stream->head[0] == AG_ATT_FIND_INFORMATION_RSP) {
		if (uuid_number(stream->entry + 2, len - 2) == DEVICE_NAME)
			link->name_handle[from] = ag_get_le16(stream->entry);
	} else if (is_name(link, !from, ag_get_le16(stream->entry))) {
		link->asked[from].name = true;
	}
	return false;
}

/* Whether this octet is of a value that begins at `value_at`, and that is the name of `owner`. */
static bool in_value(const struct link *link, size_t owner, const struct stream *stream,
		     size_t value_at)
{
	return stream->at >= value_at && is_name(link, owner, ag_get_le16(stream->head + 1));
}

/* One octet of an ATT PDU of `from`. @return: whether it is private */
static bool judge_att(struct link *link, size_t from, struct stream *stream, uint8_t octet)
{
	size_t to = !from;

	if (stream->at == 0) {
		if (ag_att_kind(octet) == AG_ATT_REQUEST)
			link->asked[from] = (struct asked){ 0 };
		return false;
	}
	switch (stream->head[0]) {
	case AG_ATT_READ_RSP:
	case AG_ATT_READ_BLOB_RSP:
	case AG_ATT_READ_MULTIPLE_RSP:
	case AG_ATT_READ_MULTIPLE_VARIABLE_RSP:
		return link->asked[to].name;
	case AG_ATT_WRITE_REQ:
	case AG_ATT_WRITE_CMD:
	case AG_ATT_SIGNED_WRITE_CMD:
		return in_value(link, to, stream, 3);
	case AG_ATT_PREPARE_WRITE_REQ:
		return in_value(link, to, stream, 5);
	case AG_ATT_PREPARE_WRITE_RSP:
		return in_value(link, from, stream, 5);
	case AG_ATT_HANDLE_VALUE_NTF:
	case AG_ATT_HANDLE_VALUE_IND:
		return in_value(link, from, stream, 3);
	case AG_ATT_FIND_BY_TYPE_VALUE_REQ:
		return stream->at >= 7 && ag_get_le16(stream->head + 5) == DEVICE_NAME;
	default:
		return judge_list(link, from, stream, octet);
	}
}

/* ---- The octets of an ACL packet ---- */

static void redact_smp(const struct ag_redactor *redactor, struct stream *stream, uint8_t *octet)
{
	enum ag_private kind;
	size_t at;

	if (!ag_private_smp(stream->head[0], stream->at, &kind))
		return;
	if (kind != AG_PRIVATE_ADDRESS) {
		*octet = 0;
		return;
	}
	at = stream->at - AG_PRIVATE_SMP_ADDRESS_AT;
	stream->address[at] = *octet;
	*octet = address_octet(redactor, stream->address, at, *octet);
}

static void redact_octet(const struct ag_redactor *redactor, struct link *link, size_t from,
			 uint8_t *octet)
{
	struct stream *stream = &link->stream[from];
	uint16_t cid = ag_get_le16(stream->header + 2);

	if (stream->at < HEAD)
		stream->head[stream->at] = *octet;
	if (cid == AG_CID_ATT && judge_att(link, from, stream, *octet))
		blank_name(octet, 1);
	else if (cid == AG_CID_SMP || cid == AG_CID_SMP_BREDR)
		redact_smp(redactor, stream, octet);
	stream->at++;
	stream->left--;
	if (stream->left == 0 && cid == AG_CID_ATT)
		request_ended(link, from, stream);
}

static void pass_octet(const struct ag_redactor *redactor, struct link *link, size_t from,
		       uint8_t *octet)
{
	struct stream *stream = &link->stream[from];

	if (!stream->known) {
		*octet = 0;
	} else if (stream->header_len < sizeof(stream->header)) {
		stream->header[stream->header_len++] = *octet;
		if (stream->header_len == sizeof(stream->header))
			stream->left = ag_get_le16(stream->header);
	} else if (stream->left > 0) {
		redact_octet(redactor, link, from, octet);
	}
}

/* Octets that the recording left out. */
static void skip(struct stream *stream, size_t len)
{
	if (len == 0)
		return;
	if (stream->header_len < sizeof(stream->header))
		stream->known = false;
	if (len > stream->left)
		len = stream->left;
	stream->left -= len;
	stream->at += len;
}

static void redact_acl(struct ag_redactor *redactor, uint16_t index, size_t from, uint8_t *packet,
		       size_t len)
{
	struct stream *stream;
	struct link *link;
	struct ag_acl acl;
	size_t said;

	if (!ag_acl_parse(packet, len, &acl))
		return;
	said = ag_get_le16(packet + 3);
	link = find_link(redactor, index, acl.handle);
	stream = &link->stream[from];
	if (acl.pb != AG_PB_CONTINUING)
		*stream = (struct stream){ .known = true };
	for (size_t i = 0; i < acl.len; i++)
		pass_octet(redactor, link, from, packet + AG_ACL_HEADER + i);
	skip(stream, said > acl.len ? said - acl.len : 0);
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
		watch_connections(redactor, index, packet, len);
		if (is_continued(redactor, packet, len))
			blank_name(packet + 5 + 24, len - 5 - 24);
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
