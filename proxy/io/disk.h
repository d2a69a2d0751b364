/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_DISK_H
#define AG_IO_DISK_H

/*
 * Small files that are replaced as a whole, by a thread, so that packets never wait for a disk. Of
 * what is to be done with one file only the last thing is done. What fails is tried again with
 * whatever comes next; one line says so, and one that it is over.
 */

#include <stdbool.h>
#include <sys/types.h>

struct ag_disk;

/** What is the same for all files. The strings are borrowed. */
struct ag_disk_config {
	const char *failing; /* what the log says when one cannot be written: "… in memory only" */
	const char *well;    /* and when all are again: "… on disk again" */
	mode_t mode;         /* of the files, whatever the umask */
	bool durable;        /* as ag_replace() */
	bool make_directories;    /* the two above a file where they are missing, with mode 0700 */
	unsigned int patience_ms; /* how long the end waits for a disk that hangs */
};

/**
 * @config: copied
 * @out:    closed with ag_disk_close(); untouched on failure
 * @return: 0 or negative
 */
int ag_disk_new(const struct ag_disk_config *config, struct ag_disk **out);

/** Replace a file. Nothing is done where memory is short.
 *  @path: with its directory, where directories may be made. @text: taken over, for free() */
void ag_disk_write(struct ag_disk *disk, const char *path, char *text);

void ag_disk_remove(struct ag_disk *disk, const char *path);

/** Give a file the time of now. */
void ag_disk_touch(struct ag_disk *disk, const char *path);

/** Finish, in the time that the configuration leaves; NULL is allowed. */
void ag_disk_close(struct ag_disk *disk);

#endif
