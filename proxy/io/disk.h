/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_DISK_H
#define AG_IO_DISK_H

/*
 * Small files that are replaced as a whole, by a thread, so that packets never wait for a disk. Of
 * what is to be done with one file only the last thing is done. What fails is tried again with
 * whatever comes next; one line says so, and one that it is over.
 */

struct ag_disk;

/**
 * @what:   what the log calls it: "what is known of peers"; borrowed
 * @out:    closed with ag_disk_close(); untouched on failure
 * @return: 0 or negative
 */
int ag_disk_new(const char *what, struct ag_disk **out);

/** Replace a file, which is for its owner only (mode 0600). Two directories above it are made
 *  where they are missing, with mode 0700. Nothing is done where memory is short.
 *  @text: taken over, for free() */
void ag_disk_write(struct ag_disk *disk, const char *path, char *text);

void ag_disk_remove(struct ag_disk *disk, const char *path);

/** Give a file the time of now. */
void ag_disk_touch(struct ag_disk *disk, const char *path);

/** Finish, for two seconds at the most; NULL is allowed. */
void ag_disk_close(struct ag_disk *disk);

#endif
