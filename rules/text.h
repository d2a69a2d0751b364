/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_TEXT_H
#define AG_RULES_TEXT_H

/* A string that grows. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/** Zero-initialise. `failed` stays set once memory ran out; adding is then without effect. */
struct ag_text {
	char *data;
	size_t len;
	size_t allocated;
	bool failed;
};

void ag_text_add(struct ag_text *text, const char *data, size_t len);
void ag_text_puts(struct ag_text *text, const char *string);
void ag_text_printf(struct ag_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ag_text_vprintf(struct ag_text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/** Bytes of a foreign text in quotation marks as a message can show them: control octets and what
 *  is not ASCII as \xHH, cut after 60 octets. */
void ag_text_quote(struct ag_text *text, const char *data, size_t len);

/** The string, for free(), or NULL when memory ran out; `text` is empty afterwards. */
char *ag_text_take(struct ag_text *text);

/** Free the string; `text` is empty afterwards. */
void ag_text_clear(struct ag_text *text);

#endif
