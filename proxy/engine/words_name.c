/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, UUIDs and addresses in words, and how words are put together. */
#include "proxy/engine/words_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"

/* ---- Building the string ---- */

struct ag_words ag_words_begin(char *out, size_t size)
{
	if (size > 0)
		out[0] = '\0';
	return (struct ag_words){ .out = out, .size = size };
}

void ag_words_add(struct ag_words *words, const char *format, ...)
{
	size_t room = words->size - words->len;
	va_list args;
	int len;

	if (room < 2)
		return;
	va_start(args, format);
	len = vsnprintf(words->out + words->len, room, format, args);
	va_end(args);
	if (len > 0)
		words->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* The words of the rule language keep their letters in lower case; these are written in capitals
 * in the Core Specification. */
static const char *const acronyms[] = {
	"mtu", "pdu", "uuid", "oob",   "cccd", "le",   "gap", "hid",
	"id",  "irk", "lte",  "bredr", "utc",  "gmap", "pnp", "ieee"
};

static bool is_acronym(const char *word, size_t len)
{
	for (size_t i = 0; i < ag_array_size(acronyms); i++) {
		if (strlen(acronyms[i]) == len && memcmp(acronyms[i], word, len) == 0)
			return true;
	}
	return false;
}

static char upper(char letter)
{
	return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

void ag_words_add_title(struct ag_words *words, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, "_");
		bool all = is_acronym(name, len);

		for (size_t i = 0; i < len; i++)
			ag_words_add(words, "%c", i == 0 || all ? upper(name[i]) : name[i]);
		name += len;
		if (*name == '_') {
			ag_words_add(words, " ");
			name++;
		}
	}
}

/* ---- UUIDs ---- */

static void long_form(const struct ag_uuid *uuid, char out[AG_WORDS_UUID])
{
	snprintf(out, AG_WORDS_UUID,
		 "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
		 uuid->hi >> 32, uuid->hi >> 16 & 0xffff, uuid->hi & 0xffff, uuid->lo >> 48,
		 uuid->lo & UINT64_C(0xffffffffffff));
}

void ag_words_uuid(const struct ag_uuid *uuid, char out[AG_WORDS_UUID])
{
	uint16_t uuid16;

	if (ag_uuid_to_u16(uuid, &uuid16))
		snprintf(out, AG_WORDS_UUID, "%04x", uuid16);
	else
		long_form(uuid, out);
}

size_t ag_words_name(const struct ag_uuid *uuid, char *out, size_t size)
{
	struct ag_words words = ag_words_begin(out, size);
	const char *name = ag_uuid_name(uuid);
	char text[AG_WORDS_UUID];

	ag_words_uuid(uuid, text);
	if (name)
		ag_words_add_title(&words, name);
	else
		ag_words_add(&words, "%s%s", strlen(text) == 4 ? "0x" : "", text);
	return words.len;
}

void ag_words_add_type(struct ag_words *words, const struct ag_uuid *uuid, bool is_long)
{
	const char *name = ag_uuid_name(uuid);
	char text[AG_WORDS_UUID];

	if (is_long)
		long_form(uuid, text);
	else
		ag_words_uuid(uuid, text);
	if (name) {
		ag_words_add_title(words, name);
		ag_words_add(words, " (");
	}
	ag_words_add(words, "%s%s%s", strlen(text) == 4 ? "0x" : "", text, name ? ")" : "");
}

size_t ag_words_type(const struct ag_uuid *uuid, char *out, size_t size)
{
	struct ag_words words = ag_words_begin(out, size);

	ag_words_add_type(&words, uuid, false);
	return words.len;
}

/* ---- Addresses ---- */

void ag_words_bdaddr(uint64_t bdaddr, char out[18])
{
	snprintf(out, 18, "%02X:%02X:%02X:%02X:%02X:%02X", (unsigned int)(bdaddr >> 40 & 0xff),
		 (unsigned int)(bdaddr >> 32 & 0xff), (unsigned int)(bdaddr >> 24 & 0xff),
		 (unsigned int)(bdaddr >> 16 & 0xff), (unsigned int)(bdaddr >> 8 & 0xff),
		 (unsigned int)(bdaddr & 0xff));
}
