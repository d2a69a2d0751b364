/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/story_finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 3, 0)))
add_to(char *out, size_t size, const char *format, va_list args)
{
	size_t len = strlen(out);

	vsnprintf(out + len, size - len, format, args);
}

void ag_story_say(struct ag_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_to(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

void ag_story_sure(struct ag_finding *finding, enum ag_confidence confidence, const char *format,
		   ...)
{
	va_list args;

	finding->confidence = confidence;
	finding->why[0] = '\0';
	va_start(args, format);
	add_to(finding->why, sizeof(finding->why), format, args);
	va_end(args);
}

void ag_story_evidence(struct ag_finding *finding, struct story_mark mark)
{
	size_t at = 0;

	if (!mark.frame || finding->n_frames == AG_FINDING_FRAMES)
		return;
	while (at < finding->n_frames && finding->frames[at] < mark.frame)
		at++;
	if (at < finding->n_frames && finding->frames[at] == mark.frame)
		return;
	memmove(finding->frames + at + 1, finding->frames + at,
		(finding->n_frames - at) * sizeof(finding->frames[0]));
	finding->frames[at] = mark.frame;
	finding->n_frames++;
}

const char *ag_story_named(char out[48], const char *name, unsigned int code)
{
	snprintf(out, 48, "%.36s%s0x%02x%s", name ? name : "", name ? " (" : "", code,
		 name ? ")" : "");
	for (char *at = out; *at && *at != '('; at++) {
		if (*at == '_')
			*at = ' ';
	}
	return out;
}

const struct story_request *ag_story_oldest(const struct story_link *link, enum ag_from from)
{
	const struct story_request *found = NULL;

	for (size_t i = 0; i < STORY_REQUESTS; i++) {
		const struct story_request *request = &link->requests[from][i];

		if (request->at.frame && (!found || request->at.us < found->at.us))
			found = request;
	}
	return found;
}
