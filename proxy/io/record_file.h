/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_RECORD_FILE_H
#define AG_IO_RECORD_FILE_H

/*
 * Where a recording goes: a series of btsnoop files, written by a thread of their own through a
 * buffer of fixed size, so that a disk, slow or full, is never waited for.
 *
 * The first file is called as it was asked for; where that exists it is FILE.1, FILE.2 and so on,
 * one above the highest number that is there. No file is ever written over. Files are readable by
 * their owner only: a recording holds keys. A file is locked (flock(2)) while it is written. A path
 * that is there and is no regular file (a pipe, a device) is written to as it is, and cannot be
 * continued in another.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Octets that can wait for the disk. */
#define AG_RECORD_BUFFER ((size_t)4 << 20)

/** Most files that a series can be limited to. */
#define AG_RECORD_KEEP_MAX 10000

struct ag_record_file;

/** Positive results. */
enum { AG_RECORD_NO_SERIES = 1 };

/**
 * Create the first file and start the thread. What is put first is to be a file header, and so
 * after each ag_record_file_next().
 *
 * @path:   copied
 * @series: there may be more than one file
 * @keep:   files of this series that stay; when there is one more, the oldest is removed. 0: all
 * @out:    closed with ag_record_file_close(); untouched unless 0
 * @return: 0; AG_RECORD_NO_SERIES (`series`, but `path` is no regular file); or a negative errno
 */
int ag_record_file_open(const char *path, bool series, unsigned int keep,
			struct ag_record_file **out);

/**
 * Begin to put so many octets at most. The thread is kept from the buffer until
 * ag_record_file_commit(), which has to follow soon.
 *
 * @return: false when the buffer is too full, or writing has failed; nothing is to follow then
 */
bool ag_record_file_begin(struct ag_record_file *file, size_t len);

/** Append octets: a file header, or a part of a record. */
void ag_record_file_put(struct ag_record_file *file, const void *data, size_t len);

/** What is put from now on belongs to the next file; likewise between begin and commit. @return:
 *  false: it is no regular file, or too many are waiting for the disk */
bool ag_record_file_next(struct ag_record_file *file);

/** Let what was put since ag_record_file_begin() be written: whole records only. */
void ag_record_file_commit(struct ag_record_file *file);

/** 0, or the negative errno for which writing has ended. It has been logged, and the file closed
 *  after its last whole record. */
int ag_record_file_error(struct ag_record_file *file);

/** The name of the file that is being written. */
void ag_record_file_name(struct ag_record_file *file, char *out, size_t size);

/**
 * Write what is left and close; does not wait longer than told. Where that is too short, the thread
 * goes on alone.
 *
 * @return: whether all was written
 */
bool ag_record_file_close(struct ag_record_file *file, unsigned int wait_ms);

#endif
