/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/gatt.h"

#include <string.h>

#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"

enum {
	PRIMARY = 0x2800,
	SECONDARY = 0x2801,
	INCLUDE = 0x2802,
	CHARACTERISTIC = 0x2803,
	CONFIGURATION = 0x2902,
	DESCRIPTION = 0x2901,
	NOTIFY = 0x10,
	INDICATE = 0x20,
	LEAST_ROOM = 40, /* attributes that a service needs at the most */
};

/* ---- Making ---- */

struct maker {
	struct ag_random *random;
	struct ag_sim_gatt *gatt;
	uint32_t handle; /* the next */
	uint16_t service;
	uint16_t characteristic;
};

static struct ag_sim_gatt_attribute *add(struct maker *maker, uint16_t type)
{
	struct ag_sim_gatt_attribute *attribute = &maker->gatt->list[maker->gatt->count++];

	*attribute = (struct ag_sim_gatt_attribute){ .handle = (uint16_t)maker->handle++,
						     .type_len = 2,
						     .characteristic = maker->characteristic,
						     .service = maker->service };
	ag_put_le16(attribute->type, type);
	return attribute;
}

/* A UUID that is none of the types that discovery itself has to do with. */
static size_t random_uuid(struct ag_random *random, uint8_t *out)
{
	if (ag_random_percent(random, 70)) {
		ag_put_le16(out, (uint16_t)ag_random_range(random, 0x1800, 0x18ff));
		return 2;
	}
	ag_random_fill(random, out, 16);
	return 16;
}

static void add_include(struct maker *maker)
{
	struct ag_sim_gatt_attribute *include = add(maker, INCLUDE);
	uint16_t start = (uint16_t)ag_random_range(maker->random, 0xf000, 0xfeff);

	/* of a service of 128 bits no UUID is told (Part G, 3.2) */
	include->len = ag_random_percent(maker->random, 60) ? 6 : 4;
	ag_put_le16(include->value, start);
	ag_put_le16(include->value + 2, (uint16_t)(start + ag_random_below(maker->random, 40)));
	ag_put_le16(include->value + 4, 0x180f);
}

static void add_descriptors(struct maker *maker, uint8_t properties)
{
	bool gaps = ag_random_percent(maker->random, 20);

	if (properties & (NOTIFY | INDICATE))
		add(maker, CONFIGURATION)->len = 2;
	while (ag_random_percent(maker->random, 25)) {
		struct ag_sim_gatt_attribute *descriptor;

		maker->handle += gaps;
		descriptor = add(maker, DESCRIPTION);
		descriptor->len = 3;
		if (ag_random_percent(maker->random, 30)) {
			descriptor->type_len = 16;
			ag_random_fill(maker->random, descriptor->type, 16);
		}
	}
}

static void add_characteristic(struct maker *maker)
{
	static const uint8_t properties[] = { 0x02, 0x0a, 0x10, 0x12, 0x20, 0x08 };
	struct ag_sim_gatt_attribute *declaration, *value;
	size_t uuid_len;

	maker->characteristic = (uint16_t)maker->handle;
	declaration = add(maker, CHARACTERISTIC);
	declaration->value[0] = properties[ag_random_below(maker->random, 6)];
	ag_put_le16(declaration->value + 1, (uint16_t)maker->handle);
	uuid_len = random_uuid(maker->random, declaration->value + 3);
	declaration->len = (uint8_t)(3 + uuid_len);
	value = add(maker, 0);
	memcpy(value->type, declaration->value + 3, uuid_len);
	value->type_len = (uint8_t)uuid_len;
	value->len = (uint8_t)ag_random_below(maker->random, AG_SIM_GATT_VALUE);
	add_descriptors(maker, declaration->value[0]);
	maker->characteristic = 0;
}

static struct ag_sim_gatt_attribute *add_service(struct maker *maker)
{
	struct ag_sim_gatt_attribute *service;

	maker->service = (uint16_t)maker->handle;
	service = add(maker, ag_random_percent(maker->random, 85) ? PRIMARY : SECONDARY);
	service->len = (uint8_t)random_uuid(maker->random, service->value);
	while (ag_random_percent(maker->random, 20))
		add_include(maker);
	while (ag_random_percent(maker->random, 70) &&
	       maker->handle - maker->service < LEAST_ROOM / 2)
		add_characteristic(maker);
	/* a gap of one may not be left where it could be taken for a descriptor */
	if (ag_random_percent(maker->random, 30))
		maker->handle += ag_random_range(maker->random, 2, 9);
	service->group_end = (uint16_t)(maker->handle - 1);
	if (ag_random_percent(maker->random, 30))
		maker->handle += ag_random_below(maker->random, 300);
	return service;
}

void ag_sim_gatt_random(struct ag_random *random, struct ag_sim_gatt *out)
{
	struct maker maker = { .random = random, .gatt = out, .handle = 1 };
	uint32_t services = ag_random_below(random, 25);
	struct ag_sim_gatt_attribute *last = NULL;

	out->count = 0;
	while (services-- > 0 && out->count + LEAST_ROOM < AG_SIM_GATT_MAX &&
	       maker.handle < 0xe000) {
		last = add_service(&maker);
	}
	if (last && ag_random_percent(random, 30))
		last->group_end = 0xffff;
}

/* ---- Asking ---- */

const struct ag_sim_gatt_attribute *ag_sim_gatt_find(const struct ag_sim_gatt *gatt,
						     uint16_t handle)
{
	for (size_t i = 0; i < gatt->count; i++) {
		if (gatt->list[i].handle == handle)
			return &gatt->list[i];
	}
	return NULL;
}

bool ag_sim_gatt_is(const struct ag_sim_gatt_attribute *attribute, uint16_t uuid16)
{
	return attribute->type_len == 2 && ag_get_le16(attribute->type) == uuid16;
}

/* ---- Answering ---- */

static size_t refuse(const uint8_t *request, uint16_t handle, uint8_t error, uint8_t *response)
{
	response[0] = AG_ATT_ERROR_RSP;
	response[1] = request[0];
	ag_put_le16(response + 2, handle);
	response[4] = error;
	return 5;
}

/* What an entry of a list is made of. @return: its length; 0: the attribute does not belong there
 */
static size_t entry(const struct ag_sim_gatt_attribute *attribute, const uint8_t *request,
		    size_t len, uint8_t *out)
{
	size_t at = 2;

	ag_put_le16(out, attribute->handle);
	if (request[0] == AG_ATT_FIND_INFORMATION_REQ) {
		memcpy(out + 2, attribute->type, attribute->type_len);
		return 2u + attribute->type_len;
	}
	if (request[0] == AG_ATT_FIND_BY_TYPE_VALUE_REQ) {
		if (attribute->type_len != 2 || memcmp(attribute->type, request + 5, 2) != 0 ||
		    attribute->len != len - 7 ||
		    memcmp(attribute->value, request + 7, attribute->len) != 0)
			return 0;
		ag_put_le16(out + 2,
			    attribute->group_end ? attribute->group_end : attribute->handle);
		return 4;
	}
	if (attribute->type_len != len - 5 || memcmp(attribute->type, request + 5, len - 5) != 0)
		return 0;
	if (request[0] == AG_ATT_READ_BY_GROUP_TYPE_REQ) {
		ag_put_le16(out + 2, attribute->group_end);
		at = 4;
	}
	memcpy(out + at, attribute->value, attribute->len);
	return at + attribute->len;
}

/* Entries of the length of the first one, as many as fit or fewer. */
static size_t answer_list(const struct ag_sim_gatt *gatt, struct ag_random *random,
			  const uint8_t *request, size_t len, uint8_t *response, size_t mtu)
{
	bool formatted = request[0] != AG_ATT_FIND_BY_TYPE_VALUE_REQ;
	uint16_t start = ag_get_le16(request + 1), end = ag_get_le16(request + 3);
	size_t at = formatted ? 2 : 1, first = 0;

	for (size_t i = 0; i < gatt->count; i++) {
		const struct ag_sim_gatt_attribute *attribute = &gatt->list[i];
		uint8_t octets[4 + AG_SIM_GATT_VALUE];
		size_t size = 0;

		if (attribute->handle >= start && attribute->handle <= end)
			size = entry(attribute, request, len, octets);
		if (!size)
			continue;
		if (attribute->guarded && request[0] == AG_ATT_READ_BY_TYPE_REQ) {
			if (first)
				break;
			return refuse(request, attribute->handle,
				      AG_ATT_ERR_INSUFFICIENT_AUTHENTICATION, response);
		}
		if (first &&
		    (size != first || at + size > mtu || (random && ag_random_percent(random, 15))))
			break;
		first = size;
		memcpy(response + at, octets, size);
		at += size;
	}
	if (!first)
		return refuse(request, start, AG_ATT_ERR_ATTRIBUTE_NOT_FOUND, response);
	response[0] = (uint8_t)(request[0] + 1);
	if (request[0] == AG_ATT_FIND_INFORMATION_REQ)
		response[1] = first == 4 ? 1 : 2;
	else if (formatted)
		response[1] = (uint8_t)first;
	return at;
}

static size_t answer_read(const struct ag_sim_gatt *gatt, const uint8_t *request, uint8_t *response)
{
	uint16_t handle = ag_get_le16(request + 1);
	const struct ag_sim_gatt_attribute *attribute = ag_sim_gatt_find(gatt, handle);

	if (!attribute)
		return refuse(request, handle, AG_ATT_ERR_INVALID_HANDLE, response);
	response[0] = AG_ATT_READ_RSP;
	memcpy(response + 1, attribute->value, attribute->len);
	return 1u + attribute->len;
}

size_t ag_sim_gatt_answer(const struct ag_sim_gatt *gatt, struct ag_random *random,
			  const uint8_t *request, size_t len, uint8_t *response, size_t mtu)
{
	if (request[0] == AG_ATT_READ_REQ)
		return answer_read(gatt, request, response);
	return answer_list(gatt, random, request, len, response, mtu);
}
