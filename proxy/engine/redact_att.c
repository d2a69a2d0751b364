/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where ATT carries the Device Name, on the fixed channel and on dynamic ones. */
#include "proxy/engine/redact_internal.h"

#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"

static bool is_name(const struct ag_redact_link *link, size_t server, uint16_t handle)
{
	return handle != 0 && handle == *link->name_handle[server];
}

/* ---- Lists ---- */

/* Where the entries of a list begin and how long they are. @return: false: it is none */
static bool entries_of(const struct ag_redact_pdu *pdu, size_t *start, size_t *len)
{
	switch (pdu->head[0]) {
	case AG_ATT_READ_BY_TYPE_RSP:
		*start = 2;
		*len = pdu->head[1];
		return *len >= 2;
	case AG_ATT_FIND_INFORMATION_RSP:
		*start = 2;
		*len = pdu->head[1] == 1 ? 4 : 18;
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
static bool judge_read_by_type(struct ag_redact_link *link, const struct ag_redact_asked *asked,
			       size_t server, const uint8_t *entry, size_t offset, size_t entry_len)
{
	if (!asked->known)
		return offset >= 2;
	if (asked->type == AG_UUID_DEVICE_NAME && offset >= 2) {
		*link->name_handle[server] = ag_get_le16(entry);
		return true;
	}
	if (asked->type == AG_UUID_CHARACTERISTIC && offset + 1 == entry_len &&
	    (entry_len == 7 || entry_len == 21) &&
	    ag_att_uuid16(entry + 5, entry_len - 5) == AG_UUID_DEVICE_NAME)
		*link->name_handle[server] = ag_get_le16(entry + 3);
	return false;
}

static bool judge_list(struct ag_redact_link *link, struct ag_redact_bearer *bearer, size_t from,
		       uint8_t octet)
{
	struct ag_redact_pdu *pdu = &bearer->pdu[from];
	size_t start, len, offset;

	if (!entries_of(pdu, &start, &len))
		/* a list whose entries have no room for a handle */
		return pdu->head[0] == AG_ATT_READ_BY_TYPE_RSP && pdu->at >= 2;
	if (pdu->at < start)
		return false;
	offset = (pdu->at - start) % len;
	if (offset < AG_REDACT_HEAD)
		pdu->entry[offset] = octet;
	if (pdu->head[0] == AG_ATT_READ_BY_TYPE_RSP)
		return judge_read_by_type(link, &bearer->asked[!from], from, pdu->entry, offset,
					  len);
	if (offset + 1 != len)
		return false;
	if (pdu->head[0] == AG_ATT_FIND_INFORMATION_RSP) {
		if (ag_att_uuid16(pdu->entry + 2, len - 2) == AG_UUID_DEVICE_NAME)
			*link->name_handle[from] = ag_get_le16(pdu->entry);
	} else if (is_name(link, !from, ag_get_le16(pdu->entry))) {
		bearer->asked[from].name = true;
	}
	return false;
}

/* Multiple Handle Value Notification: handle, length and value, one after the other (3.4.7.4). */
static bool judge_values(const struct ag_redact_link *link, struct ag_redact_pdu *pdu, size_t from,
			 uint8_t octet)
{
	bool name = false;

	if (pdu->entry_at < 4)
		pdu->entry[pdu->entry_at] = octet;
	else
		name = is_name(link, from, ag_get_le16(pdu->entry));
	pdu->entry_at++;
	if (pdu->entry_at >= 4 && pdu->entry_at - 4 >= ag_get_le16(pdu->entry + 2))
		pdu->entry_at = 0;
	return name;
}

/* ---- One PDU ---- */

/* Whether this octet is of a value that begins at `value_at`, and that is the name of `owner`. */
static bool in_value(const struct ag_redact_link *link, size_t owner,
		     const struct ag_redact_pdu *pdu, size_t value_at)
{
	return pdu->at >= value_at && is_name(link, owner, ag_get_le16(pdu->head + 1));
}

static bool judge(struct ag_redact_link *link, struct ag_redact_bearer *bearer, size_t from,
		  uint8_t octet)
{
	struct ag_redact_pdu *pdu = &bearer->pdu[from];
	size_t to = !from;

	switch (pdu->head[0]) {
	case AG_ATT_READ_RSP:
	case AG_ATT_READ_BLOB_RSP:
	case AG_ATT_READ_MULTIPLE_RSP:
	case AG_ATT_READ_MULTIPLE_VARIABLE_RSP:
		return !bearer->asked[to].known || bearer->asked[to].name;
	case AG_ATT_WRITE_REQ:
	case AG_ATT_WRITE_CMD:
	case AG_ATT_SIGNED_WRITE_CMD:
		return in_value(link, to, pdu, 3);
	case AG_ATT_PREPARE_WRITE_REQ:
		return in_value(link, to, pdu, 5);
	case AG_ATT_PREPARE_WRITE_RSP:
		return in_value(link, from, pdu, 5);
	case AG_ATT_HANDLE_VALUE_NTF:
	case AG_ATT_HANDLE_VALUE_IND:
		return in_value(link, from, pdu, 3);
	case AG_ATT_MULTIPLE_HANDLE_VALUE_NTF:
		return judge_values(link, pdu, from, octet);
	case AG_ATT_FIND_BY_TYPE_VALUE_REQ:
		return pdu->at >= 7 && ag_get_le16(pdu->head + 5) == AG_UUID_DEVICE_NAME;
	default:
		return judge_list(link, bearer, from, octet);
	}
}

void ag_redact_att_begin(struct ag_redact_bearer *bearer, size_t from)
{
	bearer->pdu[from] = (struct ag_redact_pdu){ 0 };
}

bool ag_redact_att(struct ag_redact_link *link, struct ag_redact_bearer *bearer, size_t from,
		   uint8_t octet)
{
	struct ag_redact_pdu *pdu = &bearer->pdu[from];
	bool secret = pdu->cut;

	if (pdu->at < AG_REDACT_HEAD)
		pdu->head[pdu->at] = octet;
	if (pdu->at > 0 && !pdu->cut)
		secret = judge(link, bearer, from, octet);
	else if (!pdu->cut && ag_att_kind(octet) == AG_ATT_REQUEST)
		bearer->asked[from] = (struct ag_redact_asked){ 0 };
	pdu->at++;
	return secret;
}

void ag_redact_att_skip(struct ag_redact_bearer *bearer, size_t from, size_t len)
{
	struct ag_redact_pdu *pdu = &bearer->pdu[from];

	if (pdu->at == 0) /* it may have been a request, or the response to one */
		bearer->asked[0] = bearer->asked[1] = (struct ag_redact_asked){ 0 };
	pdu->cut = true;
	pdu->at += len;
}

void ag_redact_att_end(const struct ag_redact_link *link, struct ag_redact_bearer *bearer,
		       size_t from)
{
	struct ag_redact_asked *asked = &bearer->asked[from];
	struct ag_redact_pdu *pdu = &bearer->pdu[from];
	size_t len = pdu->at < AG_REDACT_HEAD ? pdu->at : AG_REDACT_HEAD;
	const uint8_t *head = pdu->head;

	if (len == 0 || pdu->cut)
		return;
	if (ag_att_kind(head[0]) == AG_ATT_REQUEST) {
		if (head[0] == AG_ATT_READ_BY_TYPE_REQ && len >= 7)
			asked->type = ag_att_uuid16(head + 5, len - 5);
		if ((head[0] == AG_ATT_READ_REQ || head[0] == AG_ATT_READ_BLOB_REQ) && len >= 3)
			asked->name = is_name(link, !from, ag_get_le16(head + 1));
		asked->known = true;
	} else if (ag_att_kind(head[0]) == AG_ATT_RESPONSE) {
		bearer->asked[!from] = (struct ag_redact_asked){ 0 };
	}
}

/* ---- K-frames (Vol 3 Part A, 3.4): the first of an SDU begins with the SDU's length ---- */

static void lose(struct ag_redact_channel *channel, size_t from)
{
	channel->frames[from].lost = true;
	channel->bearer.asked[0] = channel->bearer.asked[1] = (struct ag_redact_asked){ 0 };
}

/* An octet of the SDU's length. */
static void pass_length(struct ag_redact_channel *channel, size_t from, uint8_t octet)
{
	struct ag_redact_frames *frames = &channel->frames[from];

	frames->length[frames->length_len++] = octet;
	if (frames->length_len < sizeof(frames->length))
		return;
	frames->left = ag_get_le16(frames->length);
	if (frames->left == 0)
		frames->length_len = 0;
	ag_redact_att_begin(&channel->bearer, from);
}

static void pass_octets(const struct ag_redact_link *link, struct ag_redact_channel *channel,
			size_t from, size_t len)
{
	struct ag_redact_frames *frames = &channel->frames[from];

	frames->left -= len;
	if (frames->left > 0)
		return;
	frames->length_len = 0;
	ag_redact_att_end(link, &channel->bearer, from);
}

void ag_redact_eatt_begin(struct ag_redact_channel *channel, size_t from)
{
	channel->frames[from].begins = true;
}

bool ag_redact_eatt(struct ag_redact_link *link, struct ag_redact_channel *channel, size_t from,
		    uint8_t octet)
{
	struct ag_redact_frames *frames = &channel->frames[from];
	bool secret;

	if (frames->length_len == 0 && !frames->begins)
		lose(channel, from); /* more than the SDU said */
	frames->begins = false;
	if (frames->lost)
		return true;
	if (frames->length_len < sizeof(frames->length)) {
		pass_length(channel, from, octet);
		return false;
	}
	secret = ag_redact_att(link, &channel->bearer, from, octet);
	pass_octets(link, channel, from, 1);
	return secret;
}

void ag_redact_eatt_skip(const struct ag_redact_link *link, struct ag_redact_channel *channel,
			 size_t from, size_t len)
{
	struct ag_redact_frames *frames = &channel->frames[from];

	frames->begins = false;
	if (frames->length_len < sizeof(frames->length) || len > frames->left)
		lose(channel, from);
	if (frames->lost)
		return;
	ag_redact_att_skip(&channel->bearer, from, len);
	pass_octets(link, channel, from, len);
}

void ag_redact_eatt_end(struct ag_redact_channel *channel, size_t from)
{
	if (channel->frames[from].length_len == 1)
		lose(channel, from);
}
