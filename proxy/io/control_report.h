/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CONTROL_REPORT_H
#define AG_IO_CONTROL_REPORT_H

/* The state of a session as JSON, a line each: attgate-control(7) describes the members. */

#include <stdio.h>

#include "proxy/io/control_view.h"

void ag_control_status(const struct ag_control_view *view, FILE *out);
void ag_control_links(const struct ag_control_view *view, FILE *out);

/** @return: 0, or -ENOMEM and nothing is written */
int ag_control_rules(const struct ag_control_view *view, FILE *out);

/** Names of the causes for which PDUs go by unjudged: "truncated" … */
const char *ag_unjudged_name(enum ag_unjudged cause);

#endif
