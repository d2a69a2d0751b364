/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CAPTURE_H
#define AG_IO_CAPTURE_H

/*
 * Recordings, read record by record through a buffer of fixed size: btsnoop, PacketLogger (.pklg),
 * pcap and pcapng with Bluetooth link types. Whatever the file is, a frame is described in
 * btsnoop's terms. Written is btsnoop.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proxy/wire/btsnoop.h"

struct ag_capture;

/** One record of a file. */
struct ag_capture_frame {
	uint64_t number; /* from 1, as Wireshark and btmon count */
	uint64_t offset; /* of the record in the file, octets */
	struct ag_btsnoop_record head;
	struct ag_btsnoop_meaning meaning;
	const uint8_t *data; /* a packet with its type octet, else what the record holds */
	size_t len;
};

enum {
	AG_CAPTURE_END = 1,
	AG_CAPTURE_TRUNCATED = 2, /* the file ends within a record */
	AG_CAPTURE_CORRUPT = 3,   /* a record of impossible length */
	AG_CAPTURE_UNKNOWN = 4,   /* not a file that can be read; `errors` says why */
};

/**
 * Open a file.
 *
 * @errors: where one line "PATH: what is wrong" is written
 * @out:    closed with ag_capture_close(); untouched unless 0
 * @return: 0; AG_CAPTURE_UNKNOWN: it cannot be opened or is of no known format; -ENOMEM
 */
int ag_capture_open(const char *path, FILE *errors, struct ag_capture **out);

void ag_capture_close(struct ag_capture *capture);

/** The file's datalink, or for other formats the one that can hold the same: 1002 or 2001. */
enum ag_btsnoop_link ag_capture_link(const struct ag_capture *capture);

/** Octets of the file; 0 when it is no regular file. */
uint64_t ag_capture_size(const struct ag_capture *capture);

/**
 * Read the next record.
 *
 * @frame:  its data is valid until the next call; in the two faulty cases `number` and `offset` are
 *          set and name the record that could not be read
 * @return: 0, AG_CAPTURE_END, AG_CAPTURE_TRUNCATED, AG_CAPTURE_CORRUPT or a negative errno
 */
int ag_capture_next(struct ag_capture *capture, struct ag_capture_frame *frame);

/** Begin again with the first record. @return: 0 or a negative errno (a pipe cannot) */
int ag_capture_rewind(struct ag_capture *capture);

struct ag_capture_writer;

/**
 * Create a file, or replace one. A new one is for its owner only, since it may hold keys.
 *
 * @out:    closed with ag_capture_writer_close(); untouched unless 0
 * @return: 0 or a negative errno
 */
int ag_capture_writer_open(const char *path, enum ag_btsnoop_link link,
			   struct ag_capture_writer **out);

/**
 * Write a record whose `included_len` octets are at `data`.
 *
 * @return: 0 or a negative errno
 */
int ag_capture_write(struct ag_capture_writer *writer, const struct ag_btsnoop_record *record,
		     const uint8_t *data);

/** Finish the file; NULL is allowed. @return: 0 or the negative errno of whatever was not written
 */
int ag_capture_writer_close(struct ag_capture_writer *writer);

#endif
