/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_H4_H
#define AG_WIRE_H4_H

/* The UART transport layer's packet framing (Vol 4 Part A, 2), which user channel, vhci and H4
 * streams share: one type octet, a header of fixed length, and a data field of the length it gives.
 */

#include <stddef.h>
#include <stdint.h>

enum ag_h4_type {
	AG_H4_COMMAND = 0x01,
	AG_H4_ACL = 0x02,
	AG_H4_SCO = 0x03,
	AG_H4_EVENT = 0x04,
	AG_H4_ISO = 0x05,
	AG_H4_VENDOR = 0xff, /* the vhci driver's own */
};

enum { AG_H4_INCOMPLETE = 1, AG_H4_UNKNOWN = 2 };

/** Longest packet of any type, type octet included: ACL with a 16-bit length. */
#define AG_H4_MAX (1 + 4 + 65535)

/**
 * Length of the first packet in a stream of octets.
 *
 * @total:  octets of the packet, type octet included; untouched unless 0
 * @return: 0 (the packet may not be there whole yet, compare *total with len), AG_H4_INCOMPLETE
 * (not even the header is there), AG_H4_UNKNOWN (no packet type: framing is lost)
 */
int ag_h4_length(const uint8_t *data, size_t len, size_t *total);

#endif
