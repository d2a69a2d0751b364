/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/cursor.h"
#include "tests/sim/hide.h"

/* ---- UUIDs ---- */

struct ag_sim_uuid ag_sim_uuid16(uint16_t number)
{
	struct ag_sim_uuid uuid = { .len = 2 };

	ag_put_le16(uuid.octets, number);
	return uuid;
}

bool ag_sim_uuid_equal(const struct ag_sim_uuid *a, const struct ag_sim_uuid *b)
{
	return a->len == b->len && !memcmp(a->octets, b->octets, a->len);
}

static struct ag_sim_uuid uuid_at(const uint8_t *octets, size_t len)
{
	struct ag_sim_uuid uuid = { .len = (uint8_t)len };

	memcpy(uuid.octets, octets, len);
	return uuid;
}

/* ---- The database ---- */

/* @handle: 0 for none */
static int index_of(const struct ag_sim_database *database, uint16_t handle)
{
	for (size_t i = 0; handle && i < database->count; i++) {
		if (database->list[i].handle == handle)
			return (int)i;
	}
	return -1;
}

/* Vol 3 Part G, 3.1 to 3.3.1: a declaration's value tells what it declares */
static void read_declaration(struct ag_sim_attribute *attribute)
{
	if (attribute->end)
		attribute->about = uuid_at(attribute->value, attribute->len);
	else if (attribute->type.len == 2 && ag_get_le16(attribute->type.octets) == 0x2803)
		attribute->about = uuid_at(attribute->value + 3, attribute->len - 3u);
}

/* One of the services there are, so that a hidden one may be included. */
static void include_some(struct ag_sim_database *database, struct ag_random *random,
			 struct ag_sim_attribute *include)
{
	size_t some = ag_random_below(random, (uint32_t)database->count);
	const struct ag_sim_attribute *service = &database->list[database->list[some].service];

	include->included = database->list[some].service;
	include->len = service->about.len == 2 ? 6 : 4;
	ag_put_le16(include->value, service->handle);
	ag_put_le16(include->value + 2, service->end);
	memcpy(include->value + 4, service->about.octets, 2);
}

void ag_sim_database_new(struct ag_random *random, struct ag_sim_database *database)
{
	struct ag_sim_gatt *gatt = &database->gatt;

	do
		ag_sim_gatt_random(random, gatt);
	while (!gatt->count);
	database->count = gatt->count;
	for (size_t i = 0; i < gatt->count; i++) {
		struct ag_sim_gatt_attribute *from = &gatt->list[i];
		struct ag_sim_attribute *to = &database->list[i];

		*to = (struct ag_sim_attribute){
			.handle = from->handle,
			.type = uuid_at(from->type, from->type_len),
			.len = from->len,
			.end = from->group_end,
			.service = index_of(database, from->service),
			.characteristic = index_of(database, from->characteristic),
			.included = -1,
		};
		memcpy(to->value, from->value, from->len);
		if (from->service == from->handle || from->group_end)
			to->service = (int)i;
		if (from->characteristic == from->handle)
			to->characteristic = (int)i;
		to->guarded = to->characteristic >= 0 && to->characteristic + 1 == (int)i &&
			      ag_random_percent(random, 15);
		from->guarded = to->guarded;
	}
	for (size_t i = 0; i < database->count; i++)
		read_declaration(&database->list[i]);
	for (size_t i = 0; i < database->count; i++) {
		if (!ag_sim_gatt_is(&gatt->list[i], 0x2802))
			continue;
		include_some(database, random, &database->list[i]);
		gatt->list[i].len = database->list[i].len;
		memcpy(gatt->list[i].value, database->list[i].value, gatt->list[i].len);
	}
}

struct ag_sim_attribute *ag_sim_database_find(struct ag_sim_database *database, uint16_t handle)
{
	for (size_t i = 0; i < database->count; i++) {
		if (database->list[i].handle == handle)
			return &database->list[i];
	}
	return NULL;
}

/* ---- Rules that hide, and what they hide ---- */

enum field { SERVICE, CHARACTERISTIC, UUID, HANDLE, ANYTHING };

struct hide_rule {
	bool accept;
	enum field field;
	struct ag_sim_uuid uuid[2];
	uint16_t low, high;
};

struct opinion {
	size_t count;
	struct hide_rule rule[AG_SIM_HIDE_RULES];
};

static bool is_one_of(const struct hide_rule *rule, const struct ag_sim_uuid *uuid)
{
	return ag_sim_uuid_equal(&rule->uuid[0], uuid) || ag_sim_uuid_equal(&rule->uuid[1], uuid);
}

static bool matches(const struct hide_rule *rule, const struct ag_sim_database *database,
		    const struct ag_sim_attribute *attribute)
{
	switch (rule->field) {
	case SERVICE:
		return is_one_of(rule, &database->list[attribute->service].about);
	case CHARACTERISTIC:
		return attribute->characteristic >= 0 &&
		       is_one_of(rule, &database->list[attribute->characteristic].about);
	case UUID:
		return is_one_of(rule, &attribute->type);
	case HANDLE:
		return attribute->handle >= rule->low && attribute->handle <= rule->high;
	case ANYTHING:
		break;
	}
	return true;
}

static bool decide(const struct opinion *opinion, const struct ag_sim_database *database,
		   const struct ag_sim_attribute *attribute)
{
	for (size_t i = 0; i < opinion->count; i++) {
		if (matches(&opinion->rule[i], database, attribute))
			return !opinion->rule[i].accept;
	}
	return false;
}

/* What goes with what: a service with its declaration, a characteristic with its declaration or its
 * value, an include with what it includes. */
static bool is_hidden(const struct opinion *opinion, const struct ag_sim_database *database,
		      const struct ag_sim_attribute *attribute)
{
	const struct ag_sim_attribute *list = database->list;

	if (decide(opinion, database, attribute) ||
	    decide(opinion, database, &list[attribute->service]))
		return true;
	if (attribute->characteristic >= 0 &&
	    (decide(opinion, database, &list[attribute->characteristic]) ||
	     decide(opinion, database, &list[attribute->characteristic + 1])))
		return true;
	return attribute->included >= 0 && decide(opinion, database, &list[attribute->included]);
}

static void random_rule(struct ag_random *random, const struct ag_sim_database *database,
			struct hide_rule *rule)
{
	rule->accept = ag_random_percent(random, 35);
	rule->field = (enum field)ag_random_below(random, ANYTHING);
	for (size_t i = 0; i < 2; i++) {
		const struct ag_sim_attribute *attribute =
		    &database->list[ag_random_below(random, (uint32_t)database->count)];

		rule->uuid[i] = attribute->type;
		if (rule->field == SERVICE)
			rule->uuid[i] = database->list[attribute->service].about;
		if (rule->field == CHARACTERISTIC && attribute->characteristic >= 0)
			rule->uuid[i] = database->list[attribute->characteristic].about;
		rule->low = attribute->handle;
		rule->high = (uint16_t)(rule->low + ag_random_below(random, 12));
	}
	if (rule->field == CHARACTERISTIC && rule->uuid[0].len == 2 &&
	    ag_get_le16(rule->uuid[0].octets) < 0x2a00)
		rule->field = UUID;
}

/* Text that grows. */
struct text {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->at, text->left, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= text->left)
		abort();
	text->at += len;
	text->left -= (size_t)len;
}

static void put_uuid(struct text *text, const struct ag_sim_uuid *uuid)
{
	static const uint8_t base[] = { 0xfb, 0x34, 0x9b, 0x5f, 0x80, 0, 0, 0x80, 0, 0x10, 0, 0 };
	uint8_t whole[16] = { 0 };

	memcpy(whole, base, sizeof(base));
	memcpy(whole + (uuid->len == 2 ? 12 : 0), uuid->octets, uuid->len);
	for (size_t i = 16; i-- > 0;)
		put(text, "%02x%s", whole[i], i == 12 || i == 10 || i == 8 || i == 6 ? "-" : "");
}

static void put_rule(struct text *text, const struct hide_rule *rule, size_t number,
		     const char *whose)
{
	static const char *const names[] = { "att.service", "att.characteristic", "att.uuid" };

	put(text, "rule r%zu when from == %s", number, whose);
	if (rule->field == HANDLE) {
		put(text, " and att.handle in 0x%04x..0x%04x", rule->low, rule->high);
	} else if (rule->field != ANYTHING) {
		put(text, " and %s in {", names[rule->field]);
		put_uuid(text, &rule->uuid[0]);
		put(text, ", ");
		put_uuid(text, &rule->uuid[1]);
		put(text, "}");
	}
	put(text, " %s\n", rule->accept ? "accept" : "hide");
}

void ag_sim_hide_rules(struct ag_random *random, struct ag_sim_database *database,
		       const char *whose, char out[4096])
{
	struct text text = { out, 4096 };
	struct opinion opinion = { .count = ag_random_range(random, 1, AG_SIM_HIDE_RULES) };

	for (size_t i = 0; i < opinion.count; i++) {
		random_rule(random, database, &opinion.rule[i]);
		if (i + 1 == opinion.count)
			opinion.rule[i].accept = false;
		if (i + 1 == opinion.count && i > 0 && ag_random_percent(random, 50))
			opinion.rule[i].field = ANYTHING;
		put_rule(&text, &opinion.rule[i], i, whose);
	}
	for (size_t i = 0; i < database->count; i++)
		database->list[i].hidden = is_hidden(&opinion, database, &database->list[i]);
}
