/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BASE_MARKS_H
#define AG_BASE_MARKS_H

/* A queue of single bits. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ag_marks {
	uint64_t *words;
	size_t capacity; /* bits, a power of two */
	size_t head;
	size_t count;
};

void ag_marks_free(struct ag_marks *marks);

/** Append a bit. @return: 0 or -ENOMEM */
int ag_marks_push(struct ag_marks *marks, bool bit);

/** Take the oldest bit; the queue must not be empty. */
bool ag_marks_pop(struct ag_marks *marks);

#endif
