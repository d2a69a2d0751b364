/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/base/json.h"

#include <inttypes.h>
#include <string.h>

struct ag_json ag_json_begin(FILE *out)
{
	fputc('{', out);
	return (struct ag_json){ .out = out, .first = true };
}

/* Octets of the well-formed UTF-8 sequence at `text` (The Unicode Standard, table 3-7), or 0. */
static size_t utf8_length(const unsigned char *text)
{
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t len;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	len = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	}
	return len;
}

static void put_string(FILE *out, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	fputc('"', out);
	while (*at) {
		size_t len = utf8_length(at);

		if (len == 0)
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, len, out);
		at += len ? len : 1;
	}
	fputc('"', out);
}

static void put_key(struct ag_json *json, const char *key)
{
	if (!json->first)
		fputs(", ", json->out);
	json->first = false;
	if (!key)
		return;
	put_string(json->out, key);
	fputs(": ", json->out);
}

void ag_json_string(struct ag_json *json, const char *key, const char *value)
{
	put_key(json, key);
	if (value)
		put_string(json->out, value);
	else
		fputs("null", json->out);
}

void ag_json_number(struct ag_json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void ag_json_numbers(struct ag_json *json, const char *key, const uint64_t *values, size_t count)
{
	put_key(json, key);
	fputc('[', json->out);
	for (size_t i = 0; i < count; i++)
		fprintf(json->out, "%s%" PRIu64, i ? ", " : "", values[i]);
	fputc(']', json->out);
}

void ag_json_optional(struct ag_json *json, const char *key, bool there, uint64_t value)
{
	if (there)
		ag_json_number(json, key, value);
	else
		ag_json_string(json, key, NULL);
}

void ag_json_named(struct ag_json *json, const char *key, const char *name, uint64_t value)
{
	if (name)
		ag_json_string(json, key, name);
	else
		ag_json_number(json, key, value);
}

void ag_json_seconds(struct ag_json *json, const char *key, uint64_t time_us)
{
	put_key(json, key);
	fprintf(json->out, "%" PRIu64 ".%06" PRIu64, time_us / 1000000, time_us % 1000000);
}

void ag_json_bool(struct ag_json *json, const char *key, bool value)
{
	put_key(json, key);
	fputs(value ? "true" : "false", json->out);
}

static void put_open(struct ag_json *json, const char *key, char bracket)
{
	put_key(json, key);
	fputc(bracket, json->out);
	json->first = true;
}

/* What was open around it has a member now: this one. */
static void put_close(struct ag_json *json, char bracket)
{
	fputc(bracket, json->out);
	json->first = false;
}

void ag_json_open(struct ag_json *json, const char *key)
{
	put_open(json, key, '{');
}

void ag_json_close(struct ag_json *json)
{
	put_close(json, '}');
}

void ag_json_open_array(struct ag_json *json, const char *key)
{
	put_open(json, key, '[');
}

void ag_json_close_array(struct ag_json *json)
{
	put_close(json, ']');
}

void ag_json_end(struct ag_json *json)
{
	fputs("}\n", json->out);
}
