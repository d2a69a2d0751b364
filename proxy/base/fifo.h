/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BASE_FIFO_H
#define AG_BASE_FIFO_H

/*
 * A queue of records of any length, each contiguous in memory. It grows fourfold and keeps what
 * it has, so in the steady state it does not allocate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ag_fifo {
	uint8_t *data;
	size_t capacity;
	size_t head;
	size_t tail;
	size_t bytes; /* octets of all records, without their headers */
	size_t count; /* records */
};

/** One record; `mark` is the owner's. `data` is valid until the next push, pop or clear. */
struct ag_record {
	uint8_t *data;
	size_t len;
	uint32_t mark;
};

/** Release the memory; the fifo is empty and usable afterwards. */
void ag_fifo_free(struct ag_fifo *fifo);

/** Forget all records and keep the memory. */
void ag_fifo_clear(struct ag_fifo *fifo);

/** Append a record of `len` octets for the caller to fill. @return: its octets, or NULL: no memory
 */
uint8_t *ag_fifo_push(struct ag_fifo *fifo, size_t len, uint32_t mark);

/** Append a copy. @return: 0 or -ENOMEM */
int ag_fifo_put(struct ag_fifo *fifo, const uint8_t *data, size_t len, uint32_t mark);

/** The oldest record. @return: false when there is none */
bool ag_fifo_front(const struct ag_fifo *fifo, struct ag_record *out);

/** The record behind `out`, which must have come from ag_fifo_front() or from here. */
bool ag_fifo_next(const struct ag_fifo *fifo, struct ag_record *record);

/** Remove the oldest record, if any. */
void ag_fifo_pop(struct ag_fifo *fifo);

#endif
