/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096 };

struct ag_arena_block {
	struct ag_arena_block *next;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

static bool new_block(struct ag_arena *arena, size_t need)
{
	size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
	struct ag_arena_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return false;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->left = size;
	return true;
}

void *ag_arena_alloc(struct ag_arena *arena, size_t count, size_t size)
{
	size_t align = alignof(max_align_t);
	unsigned char *at;
	size_t need;

	if (size && count > (SIZE_MAX / 2 - align) / size) {
		arena->failed = true;
		return NULL;
	}
	need = (count * size + align) / align * align;
	if (need > arena->left && !new_block(arena, need)) {
		arena->failed = true;
		return NULL;
	}
	at = arena->blocks->data + (arena->blocks->size - arena->left);
	arena->left -= need;
	return at;
}

char *ag_arena_copy(struct ag_arena *arena, const void *data, size_t len)
{
	char *copy = ag_arena_alloc(arena, len + 1, 1);

	if (copy && len)
		memcpy(copy, data, len);
	return copy;
}

void ag_arena_clear(struct ag_arena *arena)
{
	while (arena->blocks) {
		struct ag_arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	*arena = (struct ag_arena){ 0 };
}
