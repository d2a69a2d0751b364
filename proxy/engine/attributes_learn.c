/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What discovery teaches of a database (Vol 3 Part G, 4.4 to 4.7; the PDUs: Part F, 3.4). */
#include "proxy/engine/attributes.h"
#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"

/** Service Changed: start and end of the affected range (Vol 3 Part G, 7.1). */
#define SERVICE_CHANGED_LEN 4

/* A request, and the list of entries of one length that answers it. */
struct lesson {
	struct ag_attributes *map;
	struct ag_att request;
	struct ag_uuid type; /* that was asked for */
	uint16_t type16;     /* the same, or 0 */
	uint16_t start;
	uint16_t end;
	size_t entry_len;
	const uint8_t *list;
	size_t count;
};

/* One entry to an attribute. @return: false where no owner can have said so */
typedef bool entry_fn(const struct lesson *lesson, const uint8_t *entry, struct ag_attribute *out);

static bool is_service_type(uint16_t type16)
{
	return type16 == AG_UUID_PRIMARY_SERVICE || type16 == AG_UUID_SECONDARY_SERVICE;
}

static enum ag_attribute_kind service_kind(uint16_t type16)
{
	return type16 == AG_UUID_PRIMARY_SERVICE ? AG_ATTRIBUTE_PRIMARY : AG_ATTRIBUTE_SECONDARY;
}

/* ---- Declarations ---- */

/* 3.3.1: properties, value handle, UUID */
static bool parse_characteristic(const uint8_t *value, size_t len, struct ag_attribute *out)
{
	if (len != 5 && len != 19)
		return false;
	out->kind = AG_ATTRIBUTE_CHARACTERISTIC;
	out->properties = value[0];
	out->value = ag_get_le16(value + 1);
	out->uuid = ag_uuid_from_air(value + 3, len - 3);
	return out->value > out->handle;
}

/* 3.2: start, end, and the UUID where it is one of 16 bits */
static bool parse_include(const uint8_t *value, size_t len, struct ag_attribute *out)
{
	if (len != 4 && len != 6)
		return false;
	out->kind = AG_ATTRIBUTE_INCLUDE;
	out->value = ag_get_le16(value);
	out->end = ag_get_le16(value + 2);
	if (len == 6)
		out->uuid = ag_uuid_from_air(value + 4, 2);
	return out->value && out->value <= out->end;
}

/* ---- Entries ---- */

/* 3.4.4.10: handle, end group handle, the declaration's value */
static bool group_entry(const struct lesson *lesson, const uint8_t *entry, struct ag_attribute *out)
{
	out->kind = service_kind(lesson->type16);
	out->end = ag_get_le16(entry + 2);
	out->uuid = ag_uuid_from_air(entry + 4, lesson->entry_len - 4);
	return out->end >= out->handle;
}

/* 3.4.3.4: handle, group end handle; the value is the one that was asked for */
static bool found_entry(const struct lesson *lesson, const uint8_t *entry, struct ag_attribute *out)
{
	const struct ag_att *request = &lesson->request;

	out->kind = service_kind(lesson->type16);
	out->end = ag_get_le16(entry + 2);
	out->uuid = ag_uuid_from_air(request->pdu + request->at[AG_ATT_P_VALUE],
				     request->param_len[AG_ATT_P_VALUE]);
	return out->end >= out->handle;
}

/* 3.4.4.2: handle, value */
static bool typed_entry(const struct lesson *lesson, const uint8_t *entry, struct ag_attribute *out)
{
	if (lesson->type16 == AG_UUID_CHARACTERISTIC)
		return parse_characteristic(entry + 2, lesson->entry_len - 2, out);
	if (lesson->type16 == AG_UUID_INCLUDE)
		return parse_include(entry + 2, lesson->entry_len - 2, out);
	out->uuid = lesson->type;
	return true;
}

/* 3.4.3.2: handle, UUID */
static bool information_entry(const struct lesson *lesson, const uint8_t *entry,
			      struct ag_attribute *out)
{
	out->uuid = ag_uuid_from_air(entry + 2, lesson->entry_len - 2);
	return true;
}

/* ---- Lists ---- */

static bool take_entry(const struct lesson *lesson, size_t i, entry_fn *entry,
		       struct ag_attribute *out)
{
	const uint8_t *at = lesson->list + i * lesson->entry_len;

	*out = (struct ag_attribute){ .handle = ag_get_le16(at), .kind = AG_ATTRIBUTE_OTHER };
	return entry(lesson, at, out);
}

/* Handles ascend within the range that was asked for, and groups do not overlap. */
static bool is_sound(const struct lesson *lesson, entry_fn *entry)
{
	uint32_t least = lesson->start;

	for (size_t i = 0; i < lesson->count; i++) {
		struct ag_attribute attribute;

		if (!take_entry(lesson, i, entry, &attribute) || !attribute.handle ||
		    attribute.handle < least || attribute.handle > lesson->end)
			return false;
		least = attribute.handle + 1u;
		if (entry == group_entry || entry == found_entry)
			least = attribute.end + 1u;
	}
	return true;
}

static int learn_list(const struct lesson *lesson, entry_fn *entry)
{
	int result = 0;

	if (!is_sound(lesson, entry))
		return AG_ATTRIBUTES_INVALID;
	for (size_t i = 0; i < lesson->count; i++) {
		struct ag_attribute attribute;
		int r;

		take_entry(lesson, i, entry, &attribute);
		r = ag_attributes_put(lesson->map, &attribute);
		result = r ? r : result;
	}
	return result;
}

/* The list of a response whose entries have `entry_len` octets, `skip` octets behind the opcode. */
static bool take_list(struct lesson *lesson, const uint8_t *response, size_t len, size_t skip,
		      size_t entry_len)
{
	size_t octets = len > 1 + skip ? len - 1 - skip : 0;

	if (entry_len < 2 || !octets || octets % entry_len)
		return false;
	lesson->entry_len = entry_len;
	lesson->list = response + 1 + skip;
	lesson->count = octets / entry_len;
	return true;
}

static bool take_range(struct lesson *lesson)
{
	const struct ag_att *request = &lesson->request;

	if (!ag_att_has(request, AG_ATT_P_START) || !ag_att_has(request, AG_ATT_P_END))
		return false;
	lesson->start = ag_att_number(request, AG_ATT_P_START);
	lesson->end = ag_att_number(request, AG_ATT_P_END);
	return true;
}

static bool take_type(struct lesson *lesson)
{
	const struct ag_att *request = &lesson->request;

	if (!take_range(lesson) || !ag_att_has(request, AG_ATT_P_TYPE))
		return false;
	lesson->type = ag_uuid_asked(request);
	lesson->type16 = ag_att_type16(request);
	return true;
}

/* ---- Responses ---- */

static int learn_groups(struct lesson *lesson, const uint8_t *response, size_t len)
{
	if (!take_type(lesson) || len < 2 || !take_list(lesson, response, len, 1, response[1]))
		return AG_ATTRIBUTES_INVALID;
	/* Vol 3 Part G, 2.5.3: no other grouping types have an entry we could read */
	if (!is_service_type(lesson->type16))
		return 0;
	if (lesson->entry_len != 6 && lesson->entry_len != 20)
		return AG_ATTRIBUTES_INVALID;
	return learn_list(lesson, group_entry);
}

static int learn_found(struct lesson *lesson, const uint8_t *response, size_t len)
{
	const struct ag_att *request = &lesson->request;

	if (!take_type(lesson) || !take_list(lesson, response, len, 0, 4))
		return AG_ATTRIBUTES_INVALID;
	if (!is_service_type(lesson->type16) || !ag_att_has(request, AG_ATT_P_VALUE))
		return 0;
	if (request->param_len[AG_ATT_P_VALUE] != 2 && request->param_len[AG_ATT_P_VALUE] != 16)
		return 0;
	return learn_list(lesson, found_entry);
}

static int learn_typed(struct lesson *lesson, const uint8_t *response, size_t len)
{
	if (!take_type(lesson) || len < 2 || !take_list(lesson, response, len, 1, response[1]) ||
	    !is_sound(lesson, typed_entry))
		return AG_ATTRIBUTES_INVALID;
	if (lesson->type16 == AG_UUID_DATABASE_HASH && lesson->count == 1 &&
	    lesson->entry_len == 2 + AG_DATABASE_HASH_LEN)
		ag_attributes_rehash(lesson->map, lesson->list + 2);
	return learn_list(lesson, typed_entry);
}

static int learn_information(struct lesson *lesson, const uint8_t *response, size_t len)
{
	size_t entry_len = len > 1 && response[1] == 1 ? 4 : 18;

	if (!take_range(lesson) || len < 2 || (response[1] != 1 && response[1] != 2) ||
	    !take_list(lesson, response, len, 1, entry_len))
		return AG_ATTRIBUTES_INVALID;
	return learn_list(lesson, information_entry);
}

/* ---- Reading by handle ---- */

/* 3.2: an include does not tell a UUID of 128 bits, its service is read instead. */
static int name_includes(struct ag_attributes *map, uint16_t service, const struct ag_uuid *uuid)
{
	int result = 0;

	for (size_t i = 0; i < ag_attributes_count(map); i++) {
		struct ag_attribute known = *ag_attributes_at(map, i);
		int r = 0;

		if (known.kind == AG_ATTRIBUTE_INCLUDE && known.value == service) {
			known.uuid = *uuid;
			r = ag_attributes_put(map, &known);
		}
		result = r ? r : result;
	}
	return result;
}

/* Reading a service's declaration tells its UUID and not its end. */
static int learn_service(struct ag_attributes *map, uint16_t handle, const uint8_t *value,
			 size_t len)
{
	struct ag_attribute_place place;
	struct ag_attribute known;
	struct ag_uuid uuid;
	int r;

	if (len != 2 && len != 16)
		return AG_ATTRIBUTES_INVALID;
	uuid = ag_uuid_from_air(value, len);
	r = name_includes(map, handle, &uuid);
	ag_attributes_find(map, handle, &place);
	if (r || !place.service || place.service->handle != handle)
		return r;
	known = *place.service;
	known.uuid = uuid;
	return ag_attributes_put(map, &known);
}

static bool is_included(const struct ag_attributes *map, uint16_t handle)
{
	for (size_t i = 0; i < ag_attributes_count(map); i++) {
		const struct ag_attribute *known = ag_attributes_at(map, i);

		if (known->kind == AG_ATTRIBUTE_INCLUDE && known->value == handle)
			return true;
	}
	return false;
}

static int learn_declaration(struct ag_attributes *map, struct ag_attribute *declared, bool parsed)
{
	return parsed ? ag_attributes_put(map, declared) : AG_ATTRIBUTES_INVALID;
}

/* This is asked of every Read Response, most of which are values that teach nothing. */
static int learn_read(struct ag_attributes *map, const uint8_t *request, size_t request_len,
		      const uint8_t *value, size_t len)
{
	struct ag_attribute_place place;
	struct ag_attribute read = { .kind = AG_ATTRIBUTE_OTHER };
	uint16_t type16 = 0;

	if (request_len < 3 || !ag_attributes_count(map))
		return request_len < 3 ? AG_ATTRIBUTES_INVALID : 0;
	read.handle = ag_get_le16(request + 1);
	ag_attributes_find(map, read.handle, &place);
	if (place.mapped && !ag_uuid_to_u16(&place.type, &type16))
		return 0;
	if (is_service_type(type16) || (!place.mapped && is_included(map, read.handle)))
		return learn_service(map, read.handle, value, len);
	if (type16 == AG_UUID_CHARACTERISTIC)
		return learn_declaration(map, &read, parse_characteristic(value, len, &read));
	if (type16 == AG_UUID_INCLUDE)
		return learn_declaration(map, &read, parse_include(value, len, &read));
	if (type16 != AG_UUID_DATABASE_HASH || len != AG_DATABASE_HASH_LEN)
		return 0;
	ag_attributes_rehash(map, value);
	read.uuid = place.type;
	return ag_attributes_put(map, &read);
}

/* ---- In ---- */

int ag_attributes_learn(struct ag_attributes *map, const uint8_t *request, size_t request_len,
			const uint8_t *response, size_t len)
{
	struct lesson lesson = { .map = map };

	if (!ag_attributes_teaches(request[0], response[0]))
		return 0;
	if (request[0] == AG_ATT_READ_REQ)
		return learn_read(map, request, request_len, response + 1, len - 1);
	ag_att_parse(request, request_len, &lesson.request);
	switch (request[0]) {
	case AG_ATT_READ_BY_GROUP_TYPE_REQ:
		return learn_groups(&lesson, response, len);
	case AG_ATT_FIND_BY_TYPE_VALUE_REQ:
		return learn_found(&lesson, response, len);
	case AG_ATT_READ_BY_TYPE_REQ:
		return learn_typed(&lesson, response, len);
	default:
		return learn_information(&lesson, response, len);
	}
}

bool ag_attributes_indicated(struct ag_attributes *map, const uint8_t *indication, size_t len)
{
	struct ag_attribute_place place;
	struct ag_att att;
	const uint8_t *range;

	ag_att_parse(indication, len, &att);
	if (att.opcode != AG_ATT_HANDLE_VALUE_IND || !ag_att_has(&att, AG_ATT_P_HANDLE) ||
	    att.param_len[AG_ATT_P_VALUE] != SERVICE_CHANGED_LEN)
		return false;
	ag_attributes_find(map, ag_att_number(&att, AG_ATT_P_HANDLE), &place);
	if (!place.mapped || !ag_uuid_is(&place.type, AG_UUID_SERVICE_CHANGED))
		return false;
	range = att.pdu + att.at[AG_ATT_P_VALUE];
	ag_attributes_doubt(map, ag_get_le16(range), ag_get_le16(range + 2));
	ag_attributes_set_hash(map, NULL);
	return true;
}
