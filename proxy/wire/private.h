/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_PRIVATE_H
#define AG_WIRE_PRIVATE_H

/*
 * Where addresses, keys and names stand in HCI commands and events (Vol 4 Part E, 7), in
 * advertising data (Supplement, Part A) and in SMP PDUs (Vol 3 Part H, 3.5, 3.6). Pure tables, no
 * state; what spans packets is the redactor's (proxy/engine/redact.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ag_private {
	AG_PRIVATE_ADDRESS, /* 6 octets, least significant first */
	AG_PRIVATE_KEY,     /* keys, what they are made from, and what tells them apart */
	AG_PRIVATE_NAME,    /* text */
	AG_PRIVATE_DATA,    /* advertising data: ag_private_data() looks into it */
};

/** One place; it has fewer octets than it should where the packet is cut. */
typedef void ag_private_fn(void *user, enum ag_private kind, uint8_t *octets, size_t len);

/**
 * Visit what is private in a command or event.
 *
 * @packet: with its H4 type octet; other types have nothing here
 * @visit:  may change the octets it is given
 */
void ag_private_hci(uint8_t *packet, size_t len, ag_private_fn *visit, void *user);

/** Likewise in the AD structures of advertising data. A structure that is cut off is private to its
 *  end if its type is. */
void ag_private_data(uint8_t *data, size_t len, ag_private_fn *visit, void *user);

/** Offset of the address in Identity Address Information. */
#define AG_PRIVATE_SMP_ADDRESS_AT 2

/** What an octet of an SMP PDU is. @return: false: it is public */
bool ag_private_smp(uint8_t code, size_t offset, enum ag_private *kind);

#endif
