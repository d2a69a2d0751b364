/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_PKLG_H
#define AG_WIRE_PKLG_H

/*
 * Apple's PacketLogger format (.pklg): no file header, records of
 *
 *   length 4 (of what follows it) | seconds since 1970 4 | microseconds 4 | type 1 | packet
 *
 * big-endian, in old files little-endian. The packet has no H4 type octet: the type says it.
 */

#include "proxy/wire/btsnoop.h"

enum { AG_PKLG_RECORD_LEN = 13 };

struct ag_pklg_record {
	uint32_t len; /* octets of the packet */
	uint32_t seconds;
	uint32_t microseconds;
	uint8_t type;
};

/**
 * Whether a file may begin like this: nothing but the form of its first record tells.
 *
 * @little: untouched unless true; the order of octets
 */
bool ag_pklg_detect(const uint8_t *data, size_t len, bool *little);

/**
 * Read a record's header.
 *
 * @record: untouched unless 0
 * @return: 0, AG_BTSNOOP_SHORT or AG_BTSNOOP_LENGTH
 */
int ag_pklg_get_record(const uint8_t *data, size_t len, bool little, struct ag_pklg_record *record);

/** What a record of this type is about. */
struct ag_btsnoop_meaning ag_pklg_classify(uint8_t type);

#endif
