/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/attributes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/cursor.h"

/** Room for attributes grows in these steps, by doubling. */
#define FIRST_ROOM 64

/* Vol 3 Part G, 3.3.1.1 */
enum { PROPERTY_NOTIFY = 0x10, PROPERTY_INDICATE = 0x20 };

struct ag_attributes {
	struct ag_attribute *list; /* ascending */
	size_t count;
	size_t room;
	uint64_t changes;
	struct ag_attribute *doubted; /* what ag_attributes_doubt() set aside */
	size_t n_doubted;
	size_t doubted_room;
	bool has_hash;
	uint8_t hash[AG_DATABASE_HASH_LEN];
};

/* ---- Types ---- */

struct ag_uuid ag_uuid_from_air(const uint8_t *at, size_t len)
{
	struct ag_uuid uuid = { 0 };

	if (len == 2)
		return ag_uuid_from_u16(ag_get_le16(at));
	for (size_t i = 0; i < 8; i++) {
		uuid.lo |= (uint64_t)at[i] << 8 * i;
		uuid.hi |= (uint64_t)at[8 + i] << 8 * i;
	}
	return uuid;
}

struct ag_uuid ag_uuid_asked(const struct ag_att *request)
{
	return ag_uuid_from_air(request->pdu + request->at[AG_ATT_P_TYPE],
				request->param_len[AG_ATT_P_TYPE]);
}

struct ag_uuid ag_attribute_type(const struct ag_attribute *attribute)
{
	switch (attribute->kind) {
	case AG_ATTRIBUTE_PRIMARY:
		return ag_uuid_from_u16(AG_UUID_PRIMARY_SERVICE);
	case AG_ATTRIBUTE_SECONDARY:
		return ag_uuid_from_u16(AG_UUID_SECONDARY_SERVICE);
	case AG_ATTRIBUTE_INCLUDE:
		return ag_uuid_from_u16(AG_UUID_INCLUDE);
	case AG_ATTRIBUTE_CHARACTERISTIC:
		return ag_uuid_from_u16(AG_UUID_CHARACTERISTIC);
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	return attribute->uuid;
}

const char *ag_attribute_kind_name(enum ag_attribute_kind kind)
{
	switch (kind) {
	case AG_ATTRIBUTE_PRIMARY:
		return "primary_service";
	case AG_ATTRIBUTE_SECONDARY:
		return "secondary_service";
	case AG_ATTRIBUTE_INCLUDE:
		return "include";
	case AG_ATTRIBUTE_CHARACTERISTIC:
		return "characteristic";
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	return "attribute";
}

static bool has_type(const struct ag_attribute *attribute, uint16_t uuid16)
{
	return attribute->kind == AG_ATTRIBUTE_OTHER && ag_uuid_is(&attribute->uuid, uuid16);
}

static bool is_service(const struct ag_attribute *attribute)
{
	return attribute->kind == AG_ATTRIBUTE_PRIMARY || attribute->kind == AG_ATTRIBUTE_SECONDARY;
}

static bool is_characteristic(const struct ag_attribute *attribute)
{
	return attribute->kind == AG_ATTRIBUTE_CHARACTERISTIC;
}

/* A service begins here, whether or not it is known where it ends. */
static bool begins_service(const struct ag_attribute *attribute)
{
	return is_service(attribute) || has_type(attribute, AG_UUID_PRIMARY_SERVICE) ||
	       has_type(attribute, AG_UUID_SECONDARY_SERVICE);
}

/* A characteristic ends before this (3.3): any declaration, its content known or not. */
static bool is_declaration(const struct ag_attribute *attribute)
{
	return attribute->kind != AG_ATTRIBUTE_OTHER || begins_service(attribute) ||
	       has_type(attribute, AG_UUID_INCLUDE) || has_type(attribute, AG_UUID_CHARACTERISTIC);
}

/* ---- Places ---- */

/* Index of the first attribute behind a handle. */
static size_t behind(const struct ag_attributes *map, uint16_t handle)
{
	size_t low = 0;
	size_t high = map->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (map->list[middle].handle <= handle)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct ag_attribute *ag_attributes_exactly(const struct ag_attributes *map, uint16_t handle)
{
	size_t next = behind(map, handle);

	return next && map->list[next - 1].handle == handle ? &map->list[next - 1] : NULL;
}

/* The nearest characteristic and service that begin at or before a handle and may contain it.
 * @next: index of the first attribute behind the handle */
static void look_back(const struct ag_attributes *map, size_t next, uint16_t handle,
		      struct ag_attribute_place *out)
{
	bool declared = false;

	for (size_t i = next; i-- > 0;) {
		const struct ag_attribute *attribute = &map->list[i];

		if (is_service(attribute) && handle <= attribute->end)
			out->service = attribute;
		if (!declared && is_characteristic(attribute))
			out->characteristic = attribute;
		if (begins_service(attribute))
			break;
		declared = declared || is_declaration(attribute);
	}
	/* Without a service nobody knows where a characteristic ends, unless what follows its value
	 * is known one by one. */
	if (out->characteristic && !out->service && handle > out->characteristic->value &&
	    next - behind(map, out->characteristic->value) <
		(size_t)(handle - out->characteristic->value))
		out->characteristic = NULL;
}

/* 3.3.3.3: one that notifies or indicates has a Client Characteristic Configuration; there is
 * nothing else that a single descriptor can be. */
static bool is_sole_descriptor(const struct ag_attributes *map, size_t next, uint16_t handle,
			       const struct ag_attribute_place *place)
{
	const struct ag_attribute *characteristic = place->characteristic;

	if (!characteristic || !place->service || handle != characteristic->value + 1 ||
	    !(characteristic->properties & (PROPERTY_NOTIFY | PROPERTY_INDICATE)))
		return false;
	return handle == place->service->end ||
	       (next < map->count && map->list[next].handle == handle + 1 &&
		is_declaration(&map->list[next]));
}

bool ag_attributes_find(const struct ag_attributes *map, uint16_t handle,
			struct ag_attribute_place *out)
{
	size_t next = behind(map, handle);

	*out = (struct ag_attribute_place){ 0 };
	if (!next)
		return false;
	look_back(map, next, handle, out);
	if (map->list[next - 1].handle == handle) {
		out->mapped = true;
		out->type = ag_attribute_type(&map->list[next - 1]);
	} else if (out->characteristic && out->characteristic->value == handle) {
		out->mapped = true;
		out->type = out->characteristic->uuid;
	} else if (is_sole_descriptor(map, next, handle, out)) {
		out->mapped = true;
		out->type = ag_uuid_from_u16(AG_UUID_CLIENT_CONFIGURATION);
	}
	return out->mapped || out->characteristic || out->service;
}

void ag_subject_place(struct ag_subject *subject, const struct ag_attribute_place *place)
{
	ag_subject_set(subject, AG_F_ATT_MAPPED, place->mapped);
	if (place->mapped)
		ag_subject_set_uuid(subject, AG_F_ATT_UUID, &place->type);
	if (place->characteristic)
		ag_subject_set_uuid(subject, AG_F_ATT_CHARACTERISTIC, &place->characteristic->uuid);
	if (place->service)
		ag_subject_set_uuid(subject, AG_F_ATT_SERVICE, &place->service->uuid);
}

/* ---- Contradictions ---- */

static bool within(uint16_t handle, uint16_t first, uint16_t last)
{
	return handle >= first && handle <= last;
}

/* Last handle that a declaration speaks of as its own. */
static uint16_t last_of(const struct ag_attribute *attribute)
{
	if (is_service(attribute))
		return attribute->end;
	return is_characteristic(attribute) ? attribute->value : attribute->handle;
}

static bool overlap(const struct ag_attribute *a, const struct ag_attribute *b)
{
	return a->handle <= last_of(b) && b->handle <= last_of(a);
}

/* Whether no database has both, `service` being one that is known from end to end. */
static bool breaks_service(const struct ag_attribute *service, const struct ag_attribute *b)
{
	if (!overlap(service, b))
		return false;
	return begins_service(b) || b->handle < service->handle || last_of(b) > service->end;
}

/* The same of a characteristic, whose value follows it with no declaration in between. */
static bool breaks_characteristic(const struct ag_attribute *characteristic,
				  const struct ag_attribute *b)
{
	if (!overlap(characteristic, b))
		return false;
	return is_declaration(b) || b->handle == characteristic->value;
}

static bool contradict(const struct ag_attribute *a, const struct ag_attribute *b)
{
	if (a->handle == b->handle)
		return true;
	if (is_service(a) || is_service(b))
		return is_service(a) ? breaks_service(a, b) : breaks_service(b, a);
	if (is_characteristic(a) || is_characteristic(b))
		return is_characteristic(a) ? breaks_characteristic(a, b)
					    : breaks_characteristic(b, a);
	return false;
}

static bool reaches_into(const struct ag_attribute *attribute, uint16_t start, uint16_t end)
{
	if (is_service(attribute))
		return attribute->handle <= end && attribute->end >= start;
	return within(attribute->handle, start, end) ||
	       (is_characteristic(attribute) && within(attribute->value, start, end));
}

static size_t without(struct ag_attribute *list, size_t count, uint16_t start, uint16_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!reaches_into(&list[i], start, end))
			list[kept++] = list[i];
	}
	return kept;
}

void ag_attributes_drop(struct ag_attributes *map, uint16_t start, uint16_t end)
{
	size_t kept = without(map->list, map->count, start, end);

	map->changes += map->count - kept;
	map->count = kept;
	map->n_doubted = without(map->doubted, map->n_doubted, start, end);
}

/* A service of which something is not so any more is another one, with all that lies in it. */
static void drop_contradicting_services(struct ag_attributes *map,
					const struct ag_attribute *attribute)
{
	size_t i = 0;

	while (i < map->count) {
		struct ag_attribute known = map->list[i];

		if (is_service(&known) && contradict(&known, attribute))
			ag_attributes_drop(map, known.handle, known.end);
		else
			i++;
	}
}

static void drop_contradicting(struct ag_attributes *map, const struct ag_attribute *attribute)
{
	size_t kept = 0;

	drop_contradicting_services(map, attribute);
	for (size_t i = 0; i < map->count; i++) {
		if (!contradict(&map->list[i], attribute))
			map->list[kept++] = map->list[i];
	}
	map->changes += map->count - kept;
	map->count = kept;
}

/* ---- Entering ---- */

/* Whether the map knows it already, or knows better. */
static bool is_known(const struct ag_attributes *map, const struct ag_attribute *attribute)
{
	const struct ag_uuid none = { 0 };
	struct ag_attribute_place place;
	const struct ag_attribute *known;

	if (attribute->kind == AG_ATTRIBUTE_OTHER) {
		known = ag_attributes_exactly(map, attribute->handle);
		if (!known)
			return ag_attributes_find(map, attribute->handle, &place) &&
			       place.characteristic &&
			       place.characteristic->value == attribute->handle &&
			       ag_uuid_equal(&place.characteristic->uuid, &attribute->uuid);
		place.type = ag_attribute_type(known);
		return ag_uuid_equal(&place.type, &attribute->uuid);
	}
	known = ag_attributes_exactly(map, attribute->handle);
	return known && known->kind == attribute->kind && known->end == attribute->end &&
	       known->value == attribute->value && known->properties == attribute->properties &&
	       (ag_uuid_equal(&known->uuid, &attribute->uuid) ||
		(attribute->kind == AG_ATTRIBUTE_INCLUDE &&
		 ag_uuid_equal(&attribute->uuid, &none)));
}

static bool make_room(struct ag_attribute **list, size_t *room, size_t count)
{
	size_t more = *room ? 2 * *room : FIRST_ROOM;
	struct ag_attribute *larger;

	if (count < *room)
		return true;
	larger = realloc(*list, more * sizeof(*larger));
	if (!larger)
		return false;
	*list = larger;
	*room = more;
	return true;
}

/* Only the members that the kind has. */
static struct ag_attribute plain(const struct ag_attribute *attribute)
{
	struct ag_attribute copy = {
		.handle = attribute->handle,
		.kind = attribute->kind,
		.uuid = attribute->uuid,
	};

	switch (attribute->kind) {
	case AG_ATTRIBUTE_INCLUDE:
		copy.value = attribute->value;
		copy.end = attribute->end;
		break;
	case AG_ATTRIBUTE_PRIMARY:
	case AG_ATTRIBUTE_SECONDARY:
		copy.end = attribute->end;
		break;
	case AG_ATTRIBUTE_CHARACTERISTIC:
		copy.value = attribute->value;
		copy.properties = attribute->properties;
		break;
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	return copy;
}

static bool is_valid(const struct ag_attribute *attribute)
{
	if (!attribute->handle)
		return false;
	switch (attribute->kind) {
	case AG_ATTRIBUTE_PRIMARY:
	case AG_ATTRIBUTE_SECONDARY:
		return attribute->end >= attribute->handle;
	case AG_ATTRIBUTE_INCLUDE:
		return attribute->value && attribute->end >= attribute->value;
	case AG_ATTRIBUTE_CHARACTERISTIC:
		return attribute->value > attribute->handle;
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	return true;
}

static int enter(struct ag_attributes *map, const struct ag_attribute *fresh)
{
	size_t at;

	if (is_known(map, fresh))
		return 0;
	drop_contradicting(map, fresh);
	if (map->count >= AG_ATTRIBUTES_MAX || !make_room(&map->list, &map->room, map->count))
		return AG_ATTRIBUTES_FULL;
	at = behind(map, fresh->handle);
	memmove(&map->list[at + 1], &map->list[at], (map->count - at) * sizeof(*map->list));
	map->list[at] = *fresh;
	map->count++;
	map->changes++;
	return 0;
}

/* ---- Doubt ---- */

static void forget_doubted(struct ag_attributes *map, size_t i)
{
	map->n_doubted--;
	memmove(&map->doubted[i], &map->doubted[i + 1],
		(map->n_doubted - i) * sizeof(*map->doubted));
}

/* One doubt a handle is enough, and of too many the oldest goes. */
static void set_aside(struct ag_attributes *map, const struct ag_attribute *attribute)
{
	size_t i = 0;

	while (i < map->n_doubted && map->doubted[i].handle != attribute->handle)
		i++;
	if (i < map->n_doubted)
		forget_doubted(map, i);
	else if (map->n_doubted == AG_ATTRIBUTES_MAX)
		forget_doubted(map, 0);
	if (make_room(&map->doubted, &map->doubted_room, map->n_doubted))
		map->doubted[map->n_doubted++] = *attribute;
}

void ag_attributes_doubt(struct ag_attributes *map, uint16_t start, uint16_t end)
{
	for (size_t i = 0; i < map->count; i++) {
		if (reaches_into(&map->list[i], start, end))
			set_aside(map, &map->list[i]);
	}
	map->changes += map->count;
	map->count = without(map->list, map->count, start, end);
	map->changes -= map->count;
}

size_t ag_attributes_doubted(const struct ag_attributes *map)
{
	return map->n_doubted;
}

const struct ag_attribute *ag_attributes_doubted_at(const struct ag_attributes *map, size_t i)
{
	return &map->doubted[i];
}

/* Whether the map knows the type of something, and `told` is its declaration. */
static bool is_told_by(const struct ag_attribute *bare, const struct ag_attribute *told)
{
	struct ag_uuid type = ag_attribute_type(told);

	if (bare->kind != AG_ATTRIBUTE_OTHER)
		return false;
	return (bare->handle == told->handle && ag_uuid_equal(&bare->uuid, &type)) ||
	       (is_characteristic(told) && bare->handle == told->value &&
		ag_uuid_equal(&bare->uuid, &told->uuid));
}

/* What was learned since is newer than what comes back. */
static bool is_outdated(const struct ag_attributes *map, const struct ag_attribute *doubted)
{
	for (size_t i = 0; i < map->count; i++) {
		if (contradict(&map->list[i], doubted) && !is_told_by(&map->list[i], doubted))
			return true;
	}
	return false;
}

static bool was_doubted(const struct ag_attributes *map, const struct ag_attribute *service)
{
	for (size_t i = 0; i < map->n_doubted; i++) {
		const struct ag_attribute *doubted = &map->doubted[i];

		if (doubted->kind == service->kind && doubted->handle == service->handle &&
		    doubted->end == service->end && ag_uuid_equal(&doubted->uuid, &service->uuid))
			return true;
	}
	return false;
}

/* Where a service is as it was, so is what lies in it; another one ends the doubt too. */
static void settle(struct ag_attributes *map, const struct ag_attribute *service)
{
	bool same = was_doubted(map, service);
	size_t kept = 0;

	/* of two that were set aside one after the other the later one knows better */
	for (size_t i = map->n_doubted; same && i-- > 0;) {
		struct ag_attribute doubted = map->doubted[i];

		if (within(doubted.handle, service->handle, service->end) &&
		    !is_service(&doubted) && !is_outdated(map, &doubted))
			enter(map, &doubted);
	}
	for (size_t i = 0; i < map->n_doubted; i++) {
		if (!within(map->doubted[i].handle, service->handle, service->end))
			map->doubted[kept++] = map->doubted[i];
	}
	map->n_doubted = kept;
}

int ag_attributes_put(struct ag_attributes *map, const struct ag_attribute *attribute)
{
	struct ag_attribute fresh = plain(attribute);
	int r;

	if (!is_valid(&fresh))
		return AG_ATTRIBUTES_INVALID;
	r = enter(map, &fresh);
	if (!r && map->n_doubted && is_service(&fresh))
		settle(map, &fresh);
	return r;
}

/* ---- Life ---- */

int ag_attributes_new(struct ag_attributes **out)
{
	struct ag_attributes *map = calloc(1, sizeof(*map));

	if (!map)
		return -ENOMEM;
	*out = map;
	return 0;
}

void ag_attributes_free(struct ag_attributes *map)
{
	if (!map)
		return;
	free(map->list);
	free(map->doubted);
	free(map);
}

void ag_attributes_clear(struct ag_attributes *map)
{
	ag_attributes_drop(map, 0, UINT16_MAX);
	ag_attributes_set_hash(map, NULL);
}

size_t ag_attributes_count(const struct ag_attributes *map)
{
	return map->count;
}

const struct ag_attribute *ag_attributes_at(const struct ag_attributes *map, size_t i)
{
	return &map->list[i];
}

uint64_t ag_attributes_changes(const struct ag_attributes *map)
{
	return map->changes;
}

const uint8_t *ag_attributes_hash(const struct ag_attributes *map)
{
	return map->has_hash ? map->hash : NULL;
}

void ag_attributes_rehash(struct ag_attributes *map, const uint8_t *hash)
{
	if (map->has_hash && memcmp(map->hash, hash, sizeof(map->hash)) != 0)
		ag_attributes_doubt(map, 0, UINT16_MAX);
	ag_attributes_set_hash(map, hash);
}

void ag_attributes_set_hash(struct ag_attributes *map, const uint8_t *hash)
{
	if (map->has_hash == (hash != NULL) &&
	    (!hash || memcmp(map->hash, hash, sizeof(map->hash)) == 0))
		return;
	map->has_hash = hash != NULL;
	if (hash)
		memcpy(map->hash, hash, sizeof(map->hash));
	map->changes++;
}
