/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/base/marks.h"

#include <errno.h>
#include <stdlib.h>

static bool get(const struct ag_marks *marks, size_t position)
{
	return marks->words[position / 64] >> position % 64 & 1;
}

static void set(uint64_t *words, size_t position, bool bit)
{
	uint64_t mask = UINT64_C(1) << position % 64;

	words[position / 64] = bit ? words[position / 64] | mask : words[position / 64] & ~mask;
}

void ag_marks_free(struct ag_marks *marks)
{
	free(marks->words);
	*marks = (struct ag_marks){ 0 };
}

static int grow(struct ag_marks *marks)
{
	size_t capacity = marks->capacity ? marks->capacity * 2 : 64;
	uint64_t *words = calloc(capacity / 64, sizeof(*words));

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < marks->count; i++)
		set(words, i, get(marks, (marks->head + i) & (marks->capacity - 1)));
	free(marks->words);
	marks->words = words;
	marks->capacity = capacity;
	marks->head = 0;
	return 0;
}

int ag_marks_push(struct ag_marks *marks, bool bit)
{
	if (marks->count == marks->capacity && grow(marks))
		return -ENOMEM;
	set(marks->words, (marks->head + marks->count) & (marks->capacity - 1), bit);
	marks->count++;
	return 0;
}

bool ag_marks_pop(struct ag_marks *marks)
{
	bool bit = get(marks, marks->head);

	marks->head = (marks->head + 1) & (marks->capacity - 1);
	marks->count--;
	return bit;
}
