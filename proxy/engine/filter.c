/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/filter.h"

#include <string.h>

#include "proxy/wire/cursor.h"

/* A list that is being filtered. */
struct list {
	const struct ag_att *request;
	uint8_t *pdu;
	size_t len;
	size_t at;   /* of the entry at hand */
	size_t size; /* of an entry; 0: each has its own */
};

/* A UUID of any length there is; none of another. */
static struct ag_uuid uuid_at(const uint8_t *at, size_t len)
{
	return len == 2 || len == 16 ? ag_uuid_from_air(at, len) : (struct ag_uuid){ 0 };
}

static struct ag_uuid asked_type(const struct list *list)
{
	return ag_att_has(list->request, AG_ATT_P_TYPE) ? ag_uuid_asked(list->request)
							: (struct ag_uuid){ 0 };
}

/* The kind of what a list is of. */
static enum ag_attribute_kind asked_kind(const struct list *list)
{
	switch (ag_att_type16(list->request)) {
	case AG_UUID_PRIMARY_SERVICE:
		return AG_ATTRIBUTE_PRIMARY;
	case AG_UUID_SECONDARY_SERVICE:
		return AG_ATTRIBUTE_SECONDARY;
	case AG_UUID_INCLUDE:
		return AG_ATTRIBUTE_INCLUDE;
	case AG_UUID_CHARACTERISTIC:
		return AG_ATTRIBUTE_CHARACTERISTIC;
	}
	return AG_ATTRIBUTE_OTHER;
}

/* ---- What an entry says ---- */

/* A service as Read By Group Type and Find By Type Value list it. */
static void read_group(const struct list *list, const uint8_t *uuid, size_t uuid_len,
		       struct ag_attribute *out)
{
	enum ag_attribute_kind kind = asked_kind(list);
	bool is_service = kind == AG_ATTRIBUTE_PRIMARY || kind == AG_ATTRIBUTE_SECONDARY;

	out->end = ag_get_le16(list->pdu + list->at + 2);
	out->kind = is_service ? kind : AG_ATTRIBUTE_OTHER;
	out->uuid = is_service ? uuid_at(uuid, uuid_len) : asked_type(list);
}

/* Vol 3 Part G, 3.1 to 3.3.1: the values of declarations */
static void read_value(const struct list *list, const uint8_t *value, size_t len,
		       struct ag_attribute *out)
{
	enum ag_attribute_kind kind = asked_kind(list);

	out->uuid = asked_type(list);
	if (kind == AG_ATTRIBUTE_PRIMARY || kind == AG_ATTRIBUTE_SECONDARY) {
		out->kind = kind;
		out->uuid = uuid_at(value, len);
	} else if (kind == AG_ATTRIBUTE_CHARACTERISTIC && len > 3) {
		out->kind = kind;
		out->properties = value[0];
		out->value = ag_get_le16(value + 1);
		out->uuid = uuid_at(value + 3, len - 3);
	} else if (kind == AG_ATTRIBUTE_INCLUDE && len >= 4) {
		out->kind = kind;
		out->value = ag_get_le16(value);
		out->end = ag_get_le16(value + 2);
		out->uuid = uuid_at(value + 4, len - 4);
	}
}

static void read_entry(const struct list *list, struct ag_attribute *out)
{
	const uint8_t *entry = list->pdu + list->at;
	const struct ag_att *request = list->request;

	*out = (struct ag_attribute){ .handle = ag_get_le16(entry), .kind = AG_ATTRIBUTE_OTHER };
	switch (list->pdu[0]) {
	case AG_ATT_FIND_INFORMATION_RSP:
		out->uuid = uuid_at(entry + 2, list->size - 2);
		break;
	case AG_ATT_FIND_BY_TYPE_VALUE_RSP:
		read_group(list, request->pdu + request->at[AG_ATT_P_VALUE],
			   request->param_len[AG_ATT_P_VALUE], out);
		break;
	case AG_ATT_READ_BY_TYPE_RSP:
		read_value(list, entry + 2, list->size - 2, out);
		break;
	case AG_ATT_READ_BY_GROUP_TYPE_RSP:
		read_group(list, entry + 4, list->size - 4, out);
		break;
	}
}

/* ---- Going through a list ---- */

/* Octets of an entry, or 0 where the list is none that this request has. */
static size_t entry_size(const struct ag_att *request, const uint8_t *pdu, size_t len)
{
	const struct ag_att_format *format = request ? ag_att_format(request->opcode) : NULL;

	if (!format || format->answer != pdu[0] || !ag_att_has(request, AG_ATT_P_START))
		return 0;
	switch (pdu[0]) {
	case AG_ATT_FIND_INFORMATION_RSP:
		/* 3.4.3.2: format 1 is UUIDs of 16 bits, 2 of 128 */
		return len < 2 || !pdu[1] || pdu[1] > 2 ? 0 : pdu[1] == 1 ? 4 : 18;
	case AG_ATT_FIND_BY_TYPE_VALUE_RSP:
		return ag_att_has(request, AG_ATT_P_VALUE) ? 4 : 0;
	case AG_ATT_READ_BY_TYPE_RSP:
		return len < 2 || pdu[1] < 2 ? 0 : pdu[1];
	}
	/* of the requests with a range only Read By Group Type is left */
	return len < 2 || pdu[1] < 4 ? 0 : pdu[1];
}

/* 3.4.7.4: handle, length of the value, value; each of its own length */
static bool comes_out_even(const struct list *list)
{
	struct ag_cursor rest = ag_cursor(list->pdu + list->at, list->len - list->at);

	if (list->size)
		return rest.left && rest.left % list->size == 0;
	while (rest.left) {
		ag_pull_le16(&rest);
		ag_pull(&rest, ag_pull_le16(&rest));
		if (rest.failed)
			return false;
	}
	return list->len > list->at;
}

static bool open_list(const struct ag_att *request, uint8_t *pdu, size_t len, struct list *list)
{
	*list = (struct list){ .request = request, .pdu = pdu, .len = len, .at = 1 };
	if (pdu[0] != AG_ATT_MULTIPLE_HANDLE_VALUE_NTF) {
		list->size = entry_size(request, pdu, len);
		if (!list->size)
			return false;
		list->at = pdu[0] == AG_ATT_FIND_BY_TYPE_VALUE_RSP ? 1 : 2;
	}
	return comes_out_even(list);
}

static size_t size_at(const struct list *list)
{
	return list->size ? list->size : 4u + ag_get_le16(list->pdu + list->at + 2);
}

/* The last handle that an entry speaks for: of a group its end. */
static uint16_t last_of(const struct list *list, const struct ag_attribute *entry)
{
	bool is_group = list->pdu[0] == AG_ATT_FIND_BY_TYPE_VALUE_RSP ||
			list->pdu[0] == AG_ATT_READ_BY_GROUP_TYPE_RSP;

	return is_group && entry->end > entry->handle ? entry->end : entry->handle;
}

int ag_filter(const struct ag_att *request, uint8_t *pdu, size_t len, ag_filter_fn *hidden,
	      void *user, struct ag_filtered *out)
{
	struct ag_filtered result = { 0 };
	struct ag_attribute entry;
	struct list list;

	if (!open_list(request, pdu, len, &list))
		return AG_FILTER_NO_LIST;
	result.len = list.at;
	while (list.at < len) {
		size_t size = size_at(&list);
		uint16_t last;

		read_entry(&list, &entry);
		last = last_of(&list, &entry);
		result.entries++;
		result.last = last > result.last ? last : result.last;
		if (hidden(user, &entry)) {
			result.hidden++;
		} else {
			result.last_seen = last > result.last_seen ? last : result.last_seen;
			memmove(pdu + result.len, pdu + list.at, size);
			result.len += size;
		}
		list.at += size;
	}
	*out = result;
	return 0;
}
