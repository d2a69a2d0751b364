/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/phone/database.h"

#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/phone/gatt.h"

/* What one row declares. A characteristic declares its value too, and with PROP_NOTIFY or
 * PROP_INDICATE its Client Characteristic Configuration, with PROP_EXTENDED its Extended
 * Properties, in this order. FEATURES is a characteristic that only a phone with enhanced bearers
 * has.
 */
enum row_kind { SERVICE, CHARACTERISTIC, FEATURES };

/* UUID as four hexadecimal digits, or in full. */
struct row {
	enum row_kind kind;
	const char *uuid;
	uint8_t properties;
	enum phone_protection protection;
	const char *value;
	uint8_t value_len;
};

#define VALUE(text) (text), sizeof(text) - 1

/* What an application on the phone adds: one service with one characteristic. */
#define APPLICATION(number)                                                                        \
	{ SERVICE, "6a70000" #number "-75c2-4b57-9f0e-2f4f2f7f6b10", 0, PHONE_OPEN, NULL, 0 },     \
	{                                                                                          \
		CHARACTERISTIC, "6a70100" #number "-75c2-4b57-9f0e-2f4f2f7f6b10",                  \
		    PROP_READ | PROP_NOTIFY, PHONE_OPEN, VALUE("\x00")                             \
	}

/* A phone of Apple's: 21 services. Battery and current time need authentication, the notification
 * and media services encryption; Continuity and Nearby have Extended Properties. */
static const struct row phone_rows[] = {
	{ SERVICE, "1800", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a00", PROP_READ, PHONE_OPEN, VALUE("Phone") },
	{ CHARACTERISTIC, "2a01", PROP_READ, PHONE_OPEN, VALUE("\x40\x00") },
	{ SERVICE, "1801", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a05", PROP_INDICATE, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2b29", PROP_READ | PROP_WRITE, PHONE_OPEN, VALUE("\x00") },
	{ CHARACTERISTIC, "2b2a", PROP_READ, PHONE_OPEN,
	  VALUE("\x83\x0d\x81\x6c\x09\x2a\x2a\xba\xb8\xcf\xdf\x14\x7b\xbf\x12\x3c") },
	{ FEATURES, "2b3a", PROP_READ, PHONE_OPEN, VALUE("\x01") },
	{ SERVICE, "d0611e78-bbb4-4591-a5f8-487910ae4366", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "8667556c-9a37-4c91-84ed-54ee27d90049",
	  PROP_WRITE | PROP_NOTIFY | PROP_EXTENDED, PHONE_OPEN, NULL, 0 },
	{ SERVICE, "9fa480e0-4967-4542-9390-d343dc5d04ae", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "af0badb1-5b99-43cd-917a-a77bc549e3cc",
	  PROP_WRITE | PROP_NOTIFY | PROP_EXTENDED, PHONE_OPEN, NULL, 0 },
	{ SERVICE, "180f", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a19", PROP_READ | PROP_NOTIFY, PHONE_AUTHENTICATED, VALUE("\x57") },
	{ SERVICE, "1805", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a2b", PROP_READ | PROP_NOTIFY, PHONE_AUTHENTICATED,
	  VALUE("\xea\x07\x01\x02\x03\x04\x05\x05\x00\x00") },
	{ CHARACTERISTIC, "2a0f", PROP_READ, PHONE_AUTHENTICATED, VALUE("\x04\x00") },
	{ SERVICE, "180a", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a29", PROP_READ, PHONE_OPEN, VALUE("Maker") },
	{ CHARACTERISTIC, "2a24", PROP_READ, PHONE_OPEN, VALUE("Phone1,1") },
	{ SERVICE, "7905f431-b5ce-4e99-a40f-4b1e122d00d0", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "9fbf120d-6301-42d9-8c58-25e699a21dbd", PROP_NOTIFY, PHONE_ENCRYPTED,
	  NULL, 0 },
	{ CHARACTERISTIC, "69d1d8f3-45e1-49a8-9821-9bbdfdaad9d9", PROP_WRITE, PHONE_ENCRYPTED, NULL,
	  0 },
	{ CHARACTERISTIC, "22eac6e9-24d6-4bb5-be44-b36ace7c7bfb", PROP_NOTIFY, PHONE_ENCRYPTED,
	  NULL, 0 },
	{ SERVICE, "89d3502b-0f36-433a-8ef4-c502ad55f8dc", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "9b3c81d8-57b1-4a8a-b8df-0e56f7ca51c2", PROP_WRITE | PROP_NOTIFY,
	  PHONE_ENCRYPTED, NULL, 0 },
	{ CHARACTERISTIC, "2f7cabce-808d-411f-9a0c-bb92ba96c102",
	  PROP_WRITE | PROP_NOTIFY | PROP_EXTENDED, PHONE_ENCRYPTED, NULL, 0 },
	{ CHARACTERISTIC, "c6b2f38c-23ab-46d8-a6ab-a3a870bbd5d7",
	  PROP_READ | PROP_WRITE | PROP_EXTENDED, PHONE_ENCRYPTED, NULL, 0 },
	APPLICATION(0),
	APPLICATION(1),
	APPLICATION(2),
	APPLICATION(3),
	APPLICATION(4),
	APPLICATION(5),
	APPLICATION(6),
	APPLICATION(7),
	APPLICATION(8),
	APPLICATION(9),
	APPLICATION(a),
	APPLICATION(b),
};

static const struct row sensor_rows[] = {
	{ SERVICE, "1800", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a00", PROP_READ, PHONE_OPEN, VALUE("Sensor") },
	{ CHARACTERISTIC, "2a01", PROP_READ, PHONE_OPEN, VALUE("\x40\x05") },
	{ SERVICE, "1801", 0, PHONE_OPEN, NULL, 0 },
	{ SERVICE, "180f", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a19", PROP_READ | PROP_NOTIFY, PHONE_OPEN, VALUE("\x57") },
	{ SERVICE, "180a", 0, PHONE_OPEN, NULL, 0 },
	{ CHARACTERISTIC, "2a29", PROP_READ, PHONE_OPEN, VALUE("Maker") },
};

/* ---- UUIDs ---- */

struct phone_uuid phone_uuid(const uint8_t *octets, size_t len)
{
	struct phone_uuid uuid = { .len = len == 2 ? 2 : 16 };

	memcpy(uuid.octets, octets, uuid.len);
	return uuid;
}

static struct phone_uuid uuid16(uint16_t number)
{
	uint8_t octets[2];

	ag_put_le16(octets, number);
	return phone_uuid(octets, 2);
}

static unsigned int digit(char c)
{
	return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)(c - 'a' + 10);
}

/* The text's octets come most significant first. */
static struct phone_uuid uuid_from_text(const char *text)
{
	uint8_t octets[16] = { 0 };
	size_t n = strlen(text) == 4 ? 2 : 16;

	for (size_t i = n; i; text += 2) {
		if (*text == '-')
			text++;
		octets[--i] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	}
	return phone_uuid(octets, n);
}

bool phone_uuid_is(const struct phone_uuid *uuid, uint16_t number)
{
	struct phone_uuid other = uuid16(number);

	return phone_uuid_equal(uuid, &other);
}

static void widen(const struct phone_uuid *uuid, uint8_t octets[16])
{
	static const uint8_t base[16] = { 0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00,
					  0x00, 0x80, 0x00, 0x10, 0x00, 0x00 };

	memcpy(octets, uuid->len == 16 ? uuid->octets : base, 16);
	if (uuid->len == 2)
		memcpy(octets + 12, uuid->octets, 2);
}

bool phone_uuid_equal(const struct phone_uuid *a, const struct phone_uuid *b)
{
	uint8_t wide_a[16];
	uint8_t wide_b[16];

	widen(a, wide_a);
	widen(b, wide_b);
	return memcmp(wide_a, wide_b, sizeof(wide_a)) == 0;
}

/* ---- Building ---- */

static struct phone_attribute *add(struct phone_database *database, struct phone_uuid type)
{
	struct phone_attribute *attribute = &database->attributes[database->count++];

	attribute->type = type;
	attribute->readable = true;
	return attribute;
}

static void set_value(struct phone_attribute *attribute, const void *value, size_t len)
{
	if (len)
		memcpy(attribute->value, value, len);
	attribute->len = (uint8_t)len;
}

static void add_service(struct phone_database *database, const struct row *row)
{
	struct phone_uuid uuid = uuid_from_text(row->uuid);

	set_value(add(database, uuid16(UUID_PRIMARY_SERVICE)), uuid.octets, uuid.len);
}

/* Characteristic declaration (Vol 3 Part G, 3.3.1): properties, value handle, UUID; then the value
 * and the descriptors. */
static void add_characteristic(struct phone_database *database, const struct row *row)
{
	struct phone_uuid uuid = uuid_from_text(row->uuid);
	struct phone_attribute *value;
	uint8_t declaration[19] = { row->properties };

	ag_put_le16(declaration + 1, (uint16_t)(database->count + 2));
	memcpy(declaration + 3, uuid.octets, uuid.len);
	set_value(add(database, uuid16(UUID_CHARACTERISTIC)), declaration, 3u + uuid.len);
	value = add(database, uuid);
	set_value(value, row->value, row->value_len);
	value->readable = row->properties & PROP_READ;
	value->writable = row->properties & (PROP_WRITE | PROP_WRITE_COMMAND);
	value->protection = row->protection;
	if (row->properties & (PROP_NOTIFY | PROP_INDICATE)) {
		struct phone_attribute *ccc = add(database, uuid16(UUID_CLIENT_CONFIGURATION));

		set_value(ccc, "\0\0", 2);
		ccc->writable = true;
		ccc->protection = row->protection;
	}
	if (row->properties & PROP_EXTENDED)
		set_value(add(database, uuid16(UUID_EXTENDED_PROPERTIES)), "\x01\0", 2);
}

static void end_groups(struct phone_database *database)
{
	uint16_t end = database->count;

	for (uint16_t handle = database->count; handle; handle--) {
		struct phone_attribute *attribute = &database->attributes[handle - 1];

		if (!phone_uuid_is(&attribute->type, UUID_PRIMARY_SERVICE))
			continue;
		attribute->group_end = end;
		end = (uint16_t)(handle - 1);
	}
}

static void build(struct phone_database *database, const struct row *rows, size_t n, bool eatt)
{
	for (size_t i = 0; i < n; i++) {
		switch (rows[i].kind) {
		case SERVICE:
			add_service(database, &rows[i]);
			break;
		case CHARACTERISTIC:
			add_characteristic(database, &rows[i]);
			break;
		case FEATURES:
			if (eatt)
				add_characteristic(database, &rows[i]);
			break;
		}
	}
	end_groups(database);
}

struct phone_database *phone_database(bool sensor, bool eatt)
{
	static struct phone_database databases[3];
	struct phone_database *database = &databases[sensor ? 0 : 1 + eatt];

	if (!database->count && sensor)
		build(database, sensor_rows, ag_array_size(sensor_rows), eatt);
	else if (!database->count)
		build(database, phone_rows, ag_array_size(phone_rows), eatt);
	return database;
}

struct phone_attribute *phone_attribute(struct phone_database *database, uint16_t handle)
{
	return handle && handle <= database->count ? &database->attributes[handle - 1] : NULL;
}
