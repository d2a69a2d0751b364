/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/base/fifo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct header {
	uint32_t len;
	uint32_t mark;
};

#define FIFO_MIN 512
/* What was outgrown leaves holes in the heap, so there is not to be much of it. A queue that runs
 * empty begins at the front again, and what it never reached of the new memory costs nothing; one
 * that does not comes to use all of it. */
#define GROWTH 4

static size_t footprint(size_t len)
{
	return sizeof(struct header) + ((len + 7) & ~(size_t)7);
}

void ag_fifo_free(struct ag_fifo *fifo)
{
	free(fifo->data);
	*fifo = (struct ag_fifo){ 0 };
}

void ag_fifo_clear(struct ag_fifo *fifo)
{
	fifo->head = fifo->tail = fifo->bytes = fifo->count = 0;
}

/* Make room for `need` octets at the tail, where there is too little. Records are moved down only
 * when that frees at least half of the memory, so an octet is moved at most once for each time it
 * is queued. */
static int __attribute__((noinline)) make_room(struct ag_fifo *fifo, size_t need)
{
	size_t used = fifo->tail - fifo->head;
	size_t capacity = fifo->capacity ? fifo->capacity : FIFO_MIN;
	uint8_t *data;

	if (fifo->head >= fifo->capacity / 2 && used + need <= fifo->capacity) {
		memmove(fifo->data, fifo->data + fifo->head, used);
	} else {
		while (capacity < used + need || capacity < fifo->capacity * GROWTH)
			capacity *= GROWTH;
		data = malloc(capacity);
		if (!data)
			return -ENOMEM;
		if (used)
			memcpy(data, fifo->data + fifo->head, used);
		free(fifo->data);
		fifo->data = data;
		fifo->capacity = capacity;
	}
	fifo->head = 0;
	fifo->tail = used;
	return 0;
}

uint8_t *ag_fifo_push(struct ag_fifo *fifo, size_t len, uint32_t mark)
{
	struct header header = { .len = (uint32_t)len, .mark = mark };
	size_t need = footprint(len);
	uint8_t *at;

	if (need > fifo->capacity - fifo->tail && make_room(fifo, need))
		return NULL;
	at = fifo->data + fifo->tail;
	memcpy(at, &header, sizeof(header));
	fifo->tail += need;
	fifo->bytes += len;
	fifo->count++;
	return at + sizeof(header);
}

int ag_fifo_put(struct ag_fifo *fifo, const uint8_t *data, size_t len, uint32_t mark)
{
	uint8_t *at = ag_fifo_push(fifo, len, mark);

	if (!at)
		return -ENOMEM;
	memcpy(at, data, len);
	return 0;
}

static void load(uint8_t *at, struct ag_record *out)
{
	struct header header;

	memcpy(&header, at, sizeof(header));
	*out = (struct ag_record){ at + sizeof(header), header.len, header.mark };
}

bool ag_fifo_front(const struct ag_fifo *fifo, struct ag_record *out)
{
	if (!fifo->count)
		return false;
	load(fifo->data + fifo->head, out);
	return true;
}

bool ag_fifo_next(const struct ag_fifo *fifo, struct ag_record *record)
{
	uint8_t *next = record->data - sizeof(struct header) + footprint(record->len);

	if (next >= fifo->data + fifo->tail)
		return false;
	load(next, record);
	return true;
}

void ag_fifo_pop(struct ag_fifo *fifo)
{
	struct ag_record record;

	if (!ag_fifo_front(fifo, &record))
		return;
	fifo->head += footprint(record.len);
	fifo->bytes -= record.len;
	fifo->count--;
	if (!fifo->count)
		fifo->head = fifo->tail = 0;
}
