/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_METRICS_FILE_H
#define AG_IO_METRICS_FILE_H

/*
 * The counters in a file, for the textfile collector of Prometheus' node exporter. It is written by
 * a thread (proxy/io/disk.h): a disk that is slow or full does not concern the packets.
 */

#include <ev.h>

#include "proxy/io/control_view.h"

/** How often it is written. */
#define AG_METRICS_PERIOD_S 10.

struct ag_metrics_file;

/**
 * Write the file, and again every ten seconds, each time replaced in one step, so that a reader
 * sees the old one or the new one. What goes wrong later is logged, once until it goes well again.
 *
 * @path:   borrowed
 * @host:   copied; whose counters
 * @out:    closed with ag_metrics_file_close(); untouched on failure
 * @return: 0 or negative: the file cannot be written
 */
int ag_metrics_file_open(const char *path, const struct ag_control_host *host, struct ev_loop *loop,
			 struct ag_metrics_file **out);

/** Write it for the last time, and end. Takes no longer than half a second. NULL is allowed. */
void ag_metrics_file_close(struct ag_metrics_file *file);

#endif
