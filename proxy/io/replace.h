/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_REPLACE_H
#define AG_IO_REPLACE_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * Put a text in the place of a file in one step, so that whoever reads it sees the old one or the
 * new one. It is written as "PATH.new" first, which does not stay.
 *
 * @mode:    of the file, whatever the umask
 * @durable: that holds after a crash too: it is on the disk before it gets its name
 * @return:  0 or negative
 */
int ag_replace(const char *path, const char *text, mode_t mode, bool durable);

#endif
