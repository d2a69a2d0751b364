/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_JSON_H
#define AG_CMD_JSON_H

/* JSON objects, a line each. Errors of the stream are left to whoever flushes it. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ag_json {
	FILE *out;
	bool first; /* no member was written yet */
};

/** Open an object. */
struct ag_json ag_json_begin(FILE *out);

/** A string, escaped; NULL gives null. Octets that are no UTF-8 become U+FFFD. */
void ag_json_string(struct ag_json *json, const char *key, const char *value);

void ag_json_number(struct ag_json *json, const char *key, uint64_t value);

/** A number, or null. */
void ag_json_optional(struct ag_json *json, const char *key, bool there, uint64_t value);

/** Microseconds as seconds with six decimals. */
void ag_json_seconds(struct ag_json *json, const char *key, uint64_t time_us);

/** Close the object and the line. */
void ag_json_end(struct ag_json *json);

#endif
