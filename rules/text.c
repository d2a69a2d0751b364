/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Room for `more` octets and the NUL. */
static bool reserve(struct ag_text *text, size_t more)
{
	size_t need = text->len + more + 1;
	size_t size = text->allocated ? text->allocated : 128;
	char *data;

	if (text->failed)
		return false;
	if (need <= text->allocated)
		return true;
	while (size < need)
		size *= 2;
	data = realloc(text->data, size);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->allocated = size;
	return true;
}

void ag_text_add(struct ag_text *text, const char *data, size_t len)
{
	if (!reserve(text, len))
		return;
	if (len)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void ag_text_puts(struct ag_text *text, const char *string)
{
	ag_text_add(text, string, strlen(string));
}

void ag_text_vprintf(struct ag_text *text, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len < 0 || !reserve(text, (size_t)len)) {
		text->failed = true;
	} else {
		vsnprintf(text->data + text->len, (size_t)len + 1, format, again);
		text->len += (size_t)len;
	}
	va_end(again);
}

void ag_text_printf(struct ag_text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ag_text_vprintf(text, format, args);
	va_end(args);
}

void ag_text_quote(struct ag_text *text, const char *data, size_t len)
{
	enum { SHOWN = 60 };

	ag_text_puts(text, "`");
	for (size_t i = 0; i < len && i < SHOWN; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c < 0x20 || c >= 0x7f)
			ag_text_printf(text, "\\x%02x", c);
		else
			ag_text_add(text, data + i, 1);
	}
	ag_text_puts(text, len > SHOWN ? "...'" : "'");
}

char *ag_text_take(struct ag_text *text)
{
	char *data = text->data;

	if (!text->failed && !data) {
		ag_text_puts(text, "");
		data = text->data;
	}
	if (text->failed) {
		free(text->data);
		data = NULL;
	}
	*text = (struct ag_text){ 0 };
	return data;
}

void ag_text_clear(struct ag_text *text)
{
	free(text->data);
	*text = (struct ag_text){ 0 };
}
