/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_ADDRESS_H
#define AG_IO_ADDRESS_H

/* The forms in which --controller and --host name what is on that side. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "proxy/engine/engine.h"

enum ag_address_kind {
	AG_ADDRESS_HCI,         /* hciN */
	AG_ADDRESS_BDADDR,      /* 00:11:22:33:44:55 */
	AG_ADDRESS_VHCI,        /* vhci */
	AG_ADDRESS_UNIX,        /* unix:PATH */
	AG_ADDRESS_UNIX_LISTEN, /* unix-listen:PATH */
	AG_ADDRESS_TCP,         /* tcp:HOST:PORT, an IPv6 address in brackets */
	AG_ADDRESS_TCP_LISTEN,  /* tcp-listen:HOST:PORT; port 0: any that is free */
};

struct ag_address {
	enum ag_address_kind kind;
	const char *text;   /* as it was given; borrowed */
	unsigned int index; /* AG_ADDRESS_HCI */
	uint64_t bdaddr;    /* AG_ADDRESS_BDADDR, as in union ag_value */
	const char *path;   /* AG_ADDRESS_UNIX…: borrowed from `text` */
	char host[256];     /* AG_ADDRESS_TCP… */
	uint16_t port;      /* AG_ADDRESS_TCP… */
};

/** Indexes of the kernel are 16 bits wide, and 0xffff means "none" (HCI_DEV_NONE). */
#define AG_HCI_INDEX_MAX 0xfffe

enum { AG_ADDRESS_WRONG = 1 };

/**
 * @text:   borrowed for as long as `out` is used
 * @side:   which forms are allowed: hciN and BD_ADDR are controllers, vhci is a host
 * @out:    untouched unless 0
 * @why:    one line: what is wrong and what would be right; set unless 0, static text
 * @return: 0 or AG_ADDRESS_WRONG
 */
int ag_address_parse(const char *text, enum ag_side side, struct ag_address *out, const char **why);

/** Whether it is no controller of the kernel's, real or virtual. */
static inline bool ag_address_is_stream(const struct ag_address *address)
{
	return address->kind != AG_ADDRESS_HCI && address->kind != AG_ADDRESS_BDADDR &&
	       address->kind != AG_ADDRESS_VHCI;
}

static inline bool ag_address_listens(const struct ag_address *address)
{
	return address->kind == AG_ADDRESS_UNIX_LISTEN || address->kind == AG_ADDRESS_TCP_LISTEN;
}

#endif
