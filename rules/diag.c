/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ag_diags_clear(struct ag_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		free((char *)diags->list[i].message);
		free((char *)diags->list[i].hint);
	}
	free(diags->list);
	*diags = AG_DIAGS_INIT;
}

static bool grow(struct ag_diags *diags)
{
	size_t size = diags->allocated ? diags->allocated * 2 : 16;
	struct ag_diag *list;

	if (diags->count < diags->allocated)
		return true;
	list = realloc(diags->list, size * sizeof(*list));
	if (!list)
		return false;
	diags->list = list;
	diags->allocated = size;
	return true;
}

/** The same finding at the same place: a `let` with an error in it is resolved at each use. */
static bool is_known(const struct ag_report *report, const struct ag_diag *diag)
{
	for (size_t i = report->first; i < report->diags->count; i++) {
		const struct ag_diag *other = &report->diags->list[i];

		if (other->source == diag->source && other->line == diag->line &&
		    other->column == diag->column && strcmp(other->message, diag->message) == 0)
			return true;
	}
	return false;
}

static bool keep(struct ag_report *report, const struct ag_diag *diag)
{
	struct ag_diags *diags = report->diags;

	bool kept = diags->count - report->first < AG_DIAG_LIMIT;

	if (is_known(report, diag))
		return false;
	if (kept && !grow(diags)) {
		report->failed = true;
		return false;
	}
	if (kept)
		diags->list[diags->count++] = *diag;
	if (diag->severity == AG_ERROR)
		diags->errors++;
	else
		diags->warnings++;
	return kept;
}

void ag_report_add(struct ag_report *report, enum ag_severity severity, struct ag_span span,
		   struct ag_text *message, struct ag_text *hint)
{
	bool failed = hint && hint->failed;
	char *words = ag_text_take(message);
	char *advice = hint && hint->len ? ag_text_take(hint) : NULL;
	struct ag_diag diag = {
		.severity = severity,
		.source = span.source,
		.line = span.line,
		.column = span.column,
		.width = span.width ? span.width : 1,
		.message = words,
		.hint = advice,
	};

	if (severity == AG_ERROR)
		report->errors++;
	failed |= !words;
	report->failed |= failed;
	if (failed || !report->diags || !keep(report, &diag)) {
		free(words);
		free(advice);
	}
}

__attribute__((format(printf, 4, 0))) static void add_format(struct ag_report *report,
							     enum ag_severity severity,
							     struct ag_span span,
							     const char *format, va_list args)
{
	struct ag_text message = { 0 };

	ag_text_vprintf(&message, format, args);
	ag_report_add(report, severity, span, &message, NULL);
}

void ag_report_error(struct ag_report *report, struct ag_span span, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_format(report, AG_ERROR, span, format, args);
	va_end(args);
}

void ag_report_warning(struct ag_report *report, struct ag_span span, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_format(report, AG_WARNING, span, format, args);
	va_end(args);
}

static int compare(const void *left, const void *right)
{
	const struct ag_diag *a = left;
	const struct ag_diag *b = right;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return strcmp(a->message, b->message);
}

void ag_report_sort(struct ag_report *report)
{
	struct ag_diags *diags = report->diags;

	if (diags && diags->count > report->first)
		qsort(diags->list + report->first, diags->count - report->first,
		      sizeof(*diags->list), compare);
}

/* ---- As text ---- */

/** Longest piece of a source line that is shown, and how much of it stands before the place. */
enum { LINE_SHOWN = 160, LINE_BEFORE = 80 };

static struct ag_bytes find_line(const struct ag_source *source, unsigned int line)
{
	const char *at = source->text;
	const char *end = source->text + source->len;

	for (unsigned int i = 1; at && i < line; i++) {
		const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

		at = newline ? newline + 1 : end;
	}
	if (!at || at >= end)
		return (struct ag_bytes){ 0 };
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	size_t len = (size_t)((newline ? newline : end) - at);

	if (len && at[len - 1] == '\r')
		len--;
	return (struct ag_bytes){ (const uint8_t *)at, len };
}

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80; /* of a UTF-8 sequence: takes no place of its own */
}

static void show_line(struct ag_text *text, const struct ag_diag *diag, struct ag_bytes line,
		      size_t from, size_t to)
{
	size_t column = diag->column - 1;
	size_t width = diag->width;

	ag_text_printf(text, "%5u | ", diag->line);
	for (size_t i = from; i < to; i++) {
		uint8_t c = line.data[i];

		ag_text_add(text, (c < 0x20 && c != '\t') || c == 0x7f ? "?" : (const char *)&c, 1);
	}
	ag_text_puts(text, "\n      | ");
	for (size_t i = from; i < column && i < to; i++) {
		if (!is_continuation(line.data[i]))
			ag_text_puts(text, line.data[i] == '\t' ? "\t" : " ");
	}
	for (size_t i = column; i < column + width && (i < to || i == column); i++) {
		if (i >= to || i == column || !is_continuation(line.data[i]))
			ag_text_puts(text, i == column ? "^" : "~");
	}
	ag_text_puts(text, "\n");
}

char *ag_diag_format(const struct ag_diag *diag, const struct ag_source *sources)
{
	const struct ag_source *source = &sources[diag->source];
	struct ag_bytes line = find_line(source, diag->line);
	size_t from = diag->column > LINE_BEFORE && line.len > LINE_SHOWN
			  ? diag->column - LINE_BEFORE
			  : 0;
	size_t to = line.len - from > LINE_SHOWN && line.len > from ? from + LINE_SHOWN : line.len;
	struct ag_text text = { 0 };

	ag_text_printf(&text, "%s:%u:%u: %s: %s\n", source->name, diag->line, diag->column,
		       diag->severity == AG_ERROR ? "error" : "warning", diag->message);
	show_line(&text, diag, line, from, to);
	if (diag->hint)
		ag_text_printf(&text, "      = %s\n", diag->hint);
	return ag_text_take(&text);
}
