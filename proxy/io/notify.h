/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_NOTIFY_H
#define AG_IO_NOTIFY_H

/**
 * Tell the service manager, as sd_notify(3) does, where there is one (NOTIFY_SOCKET).
 *
 * @format: assignments, a line each: "READY=1\nSTATUS=…"
 */
void ag_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
