/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

static bool to_journal;

void ag_log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	to_journal = strcmp(own, stream) == 0;
}

static void put(enum ag_log_level level, const char *text, size_t len)
{
	char line[LINE_MAX_LEN + 32];
	int at = to_journal ? snprintf(line, sizeof(line), "<%d>", level)
			    : snprintf(line, sizeof(line), "attgate: ");

	if (len > LINE_MAX_LEN)
		len = LINE_MAX_LEN;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		line[at++] = c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	line[at++] = '\n';
	/* where not even a log can be written, there is nobody to tell */
	(void)!write(STDERR_FILENO, line, (size_t)at);
}

void ag_log(enum ag_log_level level, const char *format, ...)
{
	char text[LINE_MAX_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(level, text, strlen(text));
}

void ag_log_lines(enum ag_log_level level, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		put(level, text, len);
		text += len;
		text += *text == '\n';
	}
}

/* FNV-1a: short, and good enough to tell the lines of some seconds apart. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

/* The place of a text: its own, else one whose period is over, else the one unused for longest. */
static size_t find_line(const struct ag_log_limit *limit, uint64_t hash)
{
	size_t oldest = 0;

	for (size_t i = 0; i < AG_LIMIT_REMEMBERED; i++) {
		if (limit->line[i].hash == hash && limit->line[i].count > 0)
			return i;
		if (limit->line[i].since_us < limit->line[oldest].since_us)
			oldest = i;
	}
	return oldest;
}

static bool allowed(struct ag_log_limit *limit, const char *text, uint64_t now_us)
{
	uint64_t hash = hash_text(text);
	size_t i = find_line(limit, hash);

	if (now_us - limit->since_us >= AG_LIMIT_PERIOD_US) {
		limit->since_us = now_us;
		limit->count = 0;
	}
	if (limit->line[i].hash != hash || limit->line[i].count == 0 ||
	    now_us - limit->line[i].since_us >= AG_LIMIT_PERIOD_US) {
		limit->line[i].hash = hash;
		limit->line[i].since_us = now_us;
		limit->line[i].count = 0;
	}
	if (limit->line[i].count >= AG_LIMIT_SAME || limit->count >= AG_LIMIT_ALL)
		return false;
	limit->line[i].count++;
	limit->count++;
	return true;
}

bool ag_log_allowed(struct ag_log_limit *limit, const char *text, uint64_t now_us)
{
	bool yes = allowed(limit, text, now_us);

	limit->suppressed += !yes;
	return yes;
}

uint64_t ag_log_suppressed(struct ag_log_limit *limit)
{
	uint64_t count = limit->suppressed;

	limit->suppressed = 0;
	return count;
}
