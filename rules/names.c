/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/names.h"

#include <string.h>

bool ag_name_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++) {
		if ((a[i] == '-' ? '_' : a[i]) != (b[i] == '-' ? '_' : b[i]))
			return false;
	}
	return true;
}

bool ag_name_is(const char *text, size_t len, const char *name)
{
	return ag_name_same(text, len, name, strlen(name));
}

const struct ag_name *ag_names_find(const struct ag_name *table, const char *text, size_t len)
{
	for (const struct ag_name *row = table; row->name; row++) {
		if (ag_name_is(text, len, row->name))
			return row;
	}
	return NULL;
}

const char *ag_names_get(const struct ag_name *table, uint64_t num)
{
	for (const struct ag_name *row = table; row->name; row++) {
		if (row->num == num)
			return row->name;
	}
	return NULL;
}

static const char service_suffix[] = "_service";

/** A service whose assigned name and the text differ by the suffix only. */
static const struct ag_name *find_service(const char *text, size_t len)
{
	size_t suffix = sizeof(service_suffix) - 1;

	if (len > suffix && ag_name_is(text + len - suffix, suffix, service_suffix))
		return ag_names_find(ag_names_service, text, len - suffix);
	for (const struct ag_name *row = ag_names_service; row->name; row++) {
		if (strlen(row->name) == len + suffix &&
		    strcmp(row->name + len, service_suffix) == 0 &&
		    strncmp(row->name, text, len) == 0)
			return row;
	}
	return NULL;
}

bool ag_names_find_uuid(const char *text, size_t len, uint16_t *uuid16)
{
	const struct ag_name *row = ag_names_find(ag_names_characteristic, text, len);

	if (!row)
		row = ag_names_find(ag_names_service, text, len);
	if (!row)
		row = find_service(text, len);
	if (row)
		*uuid16 = row->num;
	return row;
}

/* Bluetooth Base UUID 00000000-0000-1000-8000-00805f9b34fb, Vol 3 Part B, 2.5.1 */
#define BASE_HI UINT64_C(0x0000000000001000)
#define BASE_LO UINT64_C(0x800000805f9b34fb)

struct ag_uuid ag_uuid_from_u16(uint16_t uuid16)
{
	return (struct ag_uuid){ BASE_HI | (uint64_t)uuid16 << 32, BASE_LO };
}

bool ag_uuid_to_u16(const struct ag_uuid *uuid, uint16_t *uuid16)
{
	uint64_t hi = uuid->hi & ~(UINT64_C(0xffff) << 32);

	if (hi != BASE_HI || uuid->lo != BASE_LO)
		return false;
	*uuid16 = (uint16_t)(uuid->hi >> 32);
	return true;
}

enum ag_uuid_class ag_uuid_class(uint16_t uuid16)
{
	if (uuid16 >= 0x2a00)
		return AG_UUID_CLASS_CHARACTERISTIC;
	if (uuid16 >= 0x2900)
		return AG_UUID_CLASS_DESCRIPTOR;
	return uuid16 >= 0x2800 ? AG_UUID_CLASS_DECLARATION : AG_UUID_CLASS_SERVICE;
}

const char *ag_uuid_class_name(enum ag_uuid_class class)
{
	static const char *const names[] = {
		[AG_UUID_CLASS_SERVICE] = "service",
		[AG_UUID_CLASS_DECLARATION] = "declaration",
		[AG_UUID_CLASS_DESCRIPTOR] = "descriptor",
		[AG_UUID_CLASS_CHARACTERISTIC] = "characteristic",
	};

	return names[class];
}

const char *ag_uuid_name(const struct ag_uuid *uuid)
{
	uint16_t uuid16;

	if (!ag_uuid_to_u16(uuid, &uuid16))
		return NULL;
	return ag_names_get(ag_uuid_class(uuid16) == AG_UUID_CLASS_CHARACTERISTIC
				? ag_names_characteristic
				: ag_names_service,
			    uuid16);
}

const char *ag_hci_error_name(uint8_t code)
{
	return ag_names_get(ag_names_hci_error, code);
}

void ag_name_from_words(struct ag_text *name, const char *words, size_t len)
{
	for (size_t i = 0; i < len && words[i] != ',' && words[i] != '('; i++) {
		char c = words[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
			c = '_';
		if (c == '_' && (!name->len || name->data[name->len - 1] == '_'))
			continue;
		ag_text_add(name, &c, 1);
	}
	while (name->len && name->data[name->len - 1] == '_')
		name->data[--name->len] = '\0';
}

/* ---- The nearest name ---- */

enum { NEAREST_MAX = 48 }; /* octets; longer ones are compared up to here */

static char fold(char c)
{
	if (c == '-')
		return '_';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int min = a < b ? a : b;

	return min < c ? min : c;
}

/** Levenshtein's distance: insertions, deletions and changes that make one of the other. */
static unsigned int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int row[NEAREST_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int above = row[j];
			unsigned int change = fold(a[i - 1]) == fold(b[j - 1]) ? 0 : 1;

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + change);
			diagonal = above;
		}
	}
	return row[b_len];
}

struct ag_nearest ag_nearest(const char *text, size_t len)
{
	if (len > NEAREST_MAX)
		len = NEAREST_MAX;
	return (
	    struct ag_nearest){ .text = text, .len = len, .distance = (unsigned int)len / 3 + 1 };
}

void ag_nearest_try(struct ag_nearest *nearest, const char *name)
{
	size_t len = strlen(name);
	size_t gap = len > nearest->len ? len - nearest->len : nearest->len - len;
	unsigned int found;

	if (len > NEAREST_MAX || gap > nearest->distance)
		return;
	found = distance(nearest->text, nearest->len, name, len);
	if (found < nearest->distance ||
	    (found == nearest->distance && !nearest->name && found <= nearest->len / 2)) {
		nearest->distance = found;
		nearest->name = name;
	}
}

void ag_nearest_try_table(struct ag_nearest *nearest, const struct ag_name *table)
{
	for (const struct ag_name *row = table; row->name; row++)
		ag_nearest_try(nearest, row->name);
}
