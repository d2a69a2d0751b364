/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_ATT_CHECK_H
#define AG_WIRE_ATT_CHECK_H

/* Whether an ATT PDU keeps to its own format (Vol 3 Part F, 3.4), judged by its octets and by what
 * the other side was asked. */

#include "proxy/wire/att.h"

/** Handles of a service, both included. */
struct ag_att_range {
	uint16_t start;
	uint16_t end;
};

/** What is known of a PDU beside its octets. */
struct ag_att_context {
	const uint8_t *request; /* first octets of the request it answers, all but a value; NULL:
				 * it answers none, or none is known */
	size_t request_len;
	uint16_t mtu;   /* ATT_MTU: where a server cuts off what is longer */
	uint16_t limit; /* octets of the longest PDU that its receiver takes */
	uint16_t type;  /* 16-bit UUID of the attribute whose handle it names, or the request it
			 * answers; 0: not known, or no 16-bit UUID */
	const struct ag_att_range *primary; /* primary services that the asker knows of; may be
					     * NULL where there are none */
	size_t n_primary;
};

/**
 * Whether a PDU breaks its format: octets missing or too many, entries of a list that do not fit
 * its length or its kind, handles that are not in order or not in the range asked for, ranges that
 * end before they start or lie in each other, a value longer than 512 octets told by a server
 * (3.2.9; one that a client writes is the server's to refuse), a PDU longer than its receiver
 * takes, an MTU below 23, and values of another length than their characteristic has where a client
 * is known to trust it (Extended Properties, Server Supported Features, Database Hash, Service
 * Changed; Vol 3 Part G, 3.3.3.1 and 7).
 *
 * Of an opcode that is not known only the length is judged. Nothing is malformed for a value that
 * the specification leaves to the receiver to refuse.
 *
 * @att: taken apart by ag_att_parse(), the whole PDU
 */
bool ag_att_is_malformed(const struct ag_att *att, const struct ag_att_context *context);

/** ag_att_type16() of a request of which the first octets are at hand; 0 where there are none. */
uint16_t ag_att_type_asked(const uint8_t *request, size_t len);

#endif
