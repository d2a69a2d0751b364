/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_WORDS_INTERNAL_H
#define AG_ENGINE_WORDS_INTERNAL_H

/* How words are put together (words_name.c). Only words*.c include this. */

#include "proxy/engine/words.h"

/** A string that is being built; what finds no room is left out. */
struct ag_words {
	char *out;
	size_t size;
	size_t len;
	const char *attribute; /* what the PDU's handle stands for, until that is said; or NULL */
};

/** @out: terminated at once, if `size` is not 0 */
struct ag_words ag_words_begin(char *out, size_t size);

void __attribute__((format(printf, 2, 3)))
ag_words_add(struct ag_words *words, const char *format, ...);

/** "Battery Level" of "battery_level". */
void ag_words_add_title(struct ag_words *words, const char *name);

/** "Battery Level (0x2a19)". @is_long: all 16 octets in any case */
void ag_words_add_type(struct ag_words *words, const struct ag_uuid *uuid, bool is_long);

#endif
