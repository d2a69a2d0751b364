/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CONTROL_ATTRIBUTES_H
#define AG_IO_CONTROL_ATTRIBUTES_H

/* What is known of databases as JSON, a line each: attgate-control(7) describes the members. */

#include <stdio.h>

#include "proxy/io/control_view.h"

enum {
	AG_CONTROL_NO_PEER = 1, /* it is no BD_ADDR */
	AG_CONTROL_UNKNOWN,     /* nothing is known of it */
};

/** All whose database is known: peers that are connected, peers that were, our host. */
void ag_control_peers(const struct ag_control_view *view, FILE *out);

/**
 * One database.
 *
 * @who:    a BD_ADDR, or "local" for our host's
 * @return: 0, or nothing is written: AG_CONTROL_NO_PEER, AG_CONTROL_UNKNOWN or -ENOMEM
 */
int ag_control_attributes(const struct ag_control_view *view, const char *who, FILE *out);

#endif
