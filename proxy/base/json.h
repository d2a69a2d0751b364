/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BASE_JSON_H
#define AG_BASE_JSON_H

/* JSON objects, a line each. Errors of the stream are left to whoever flushes it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ag_json {
	FILE *out;
	bool first; /* no member was written yet to what is open */
};

/** Open an object that is a line. */
struct ag_json ag_json_begin(FILE *out);

/* Within an array, `key` is NULL in each of these. */

/** A string, escaped; NULL gives null. Octets that are no UTF-8 become U+FFFD. */
void ag_json_string(struct ag_json *json, const char *key, const char *value);

void ag_json_number(struct ag_json *json, const char *key, uint64_t value);

/** An array of numbers. */
void ag_json_numbers(struct ag_json *json, const char *key, const uint64_t *values, size_t count);

/** A number, or null. */
void ag_json_optional(struct ag_json *json, const char *key, bool there, uint64_t value);

/** A name, or the number of what has none (NULL). */
void ag_json_named(struct ag_json *json, const char *key, const char *name, uint64_t value);

/** Microseconds as seconds with six decimals. */
void ag_json_seconds(struct ag_json *json, const char *key, uint64_t time_us);

void ag_json_bool(struct ag_json *json, const char *key, bool value);

/** A member that is itself an object; its members follow until ag_json_close(). */
void ag_json_open(struct ag_json *json, const char *key);
void ag_json_close(struct ag_json *json);

/** A member that is an array; its elements follow until ag_json_close_array(). */
void ag_json_open_array(struct ag_json *json, const char *key);
void ag_json_close_array(struct ag_json *json);

/** Close the object and the line. */
void ag_json_end(struct ag_json *json);

#endif
