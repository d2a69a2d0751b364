/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_METRICS_H
#define AG_IO_METRICS_H

/* The counters in the OpenMetrics text format 1.0, which Prometheus' own parsers read as well. */

#include "proxy/io/control_view.h"

/** @return: a string for free(), or NULL when out of memory */
char *ag_metrics_text(const struct ag_control_view *view);

#endif
