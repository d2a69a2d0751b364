/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_KEPT_H
#define AG_ENGINE_KEPT_H

/*
 * What is kept of peers from one run to the next, as text. No I/O.
 *
 *   attgate attributes 1                         format and its version
 *   peer DC:08:0F:5B:8D:82 random_static
 *   hash 0f1e2d3c4b5a69788796a5b4c3d2e1f0        Database Hash as on air, where it is known
 *   doubt 0x0020 primary_service 0x0025 180f     as below, but in doubt (ag_attributes_doubt())
 *   0x0001 primary_service 0x0005 1800           handle, last handle, UUID; likewise
 *                                                secondary_service
 *   0x0002 characteristic 0x0003 0x02 2a00       handle, value's handle, properties, UUID
 *   0x0006 include 0x0020 0x0025 180f            handle, first and last handle, UUID
 *   0x0007 attribute 2902                        handle, type
 *   end 4                                        attributes: a text that is cut off is damaged
 *
 *   attgate identities 1
 *   DC:08:0F:5B:8D:82 random_static 0123456789abcdef0123456789abcdef    IRK, most significant
 *   end 1                                                               octet first
 *
 * A UUID has 4 digits where it is on the Bluetooth Base UUID, else the form of RFC 9562. Every
 * line ends with a line feed, words are separated by one space, hexadecimal letters are small but
 * for those of an address.
 */

#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/attributes.h"
#include "proxy/engine/identity.h"

/** Longest text that is written: a line of at most so many octets for each attribute, known or in
 *  doubt, and those around them. */
#define AG_KEPT_LINE_MAX 80
#define AG_KEPT_MAX      ((2 * AG_ATTRIBUTES_MAX + 4) * AG_KEPT_LINE_MAX)

enum {
	AG_KEPT_DAMAGED = 1, /* it is no such text, or not all of it */
	AG_KEPT_NEWER,       /* of a version that is not known here */
};

/** Whose database it is. */
struct ag_kept_peer {
	uint64_t address; /* BD_ADDR as in union ag_value */
	enum ag_peer_type type;
};

/** Write a map. @return: a string for free(), or NULL when out of memory */
char *ag_kept_attributes(const struct ag_kept_peer *peer, const struct ag_attributes *map);

/**
 * Read what ag_kept_attributes() wrote.
 *
 * @text:   any octets
 * @peer:   untouched unless 0
 * @map:    what was in it is gone; empty unless 0
 * @return: 0, AG_KEPT_DAMAGED, AG_KEPT_NEWER or -ENOMEM
 */
int ag_kept_read_attributes(const char *text, size_t len, struct ag_kept_peer *peer,
			    struct ag_attributes *map);

/** Write identities. @return: a string for free(), or NULL when out of memory */
char *ag_kept_identities(const struct ag_identities *identities);

/**
 * Read what ag_kept_identities() wrote.
 *
 * @text:   any octets
 * @out:    untouched unless 0
 * @return: 0, AG_KEPT_DAMAGED, AG_KEPT_NEWER or -ENOMEM
 */
int ag_kept_read_identities(const char *text, size_t len, struct ag_identities *out);

#endif
