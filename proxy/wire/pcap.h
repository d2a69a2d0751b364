/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_PCAP_H
#define AG_WIRE_PCAP_H

/*
 * pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng) with Bluetooth link types, as
 * Wireshark, tshark and tcpdump write them. Nothing here keeps state.
 *
 *   pcap    magic 4 | version 4 | reserved 8 | snap length 4 | link type 4
 *           then: seconds 4 | fraction 4 | included 4 | original 4 | packet
 *   pcapng  blocks: type 4 | total length 4 | body | total length 4
 */

#include "proxy/wire/btsnoop.h"

enum {
	AG_PCAP_FILE_LEN = 24,
	AG_PCAP_RECORD_LEN = 16,
	AG_PCAPNG_BLOCK_LEN = 8, /* type and total length */
	/* The longest packet with what stands before and after it in its block. */
	AG_PCAP_MAX = AG_BTSNOOP_MAX,
};

/** Link types (www.tcpdump.org/linktypes.html). */
enum ag_pcap_link {
	AG_PCAP_H4 = 187,      /* H4 without direction */
	AG_PCAP_H4_PHDR = 201, /* direction 4, then H4 */
	AG_PCAP_MONITOR = 254, /* index 2, opcode 2, then as in btsnoop's 2001 */
};

enum ag_pcapng_block {
	AG_PCAPNG_INTERFACE = 1,
	AG_PCAPNG_PACKET = 2, /* obsolete */
	AG_PCAPNG_SIMPLE = 3,
	AG_PCAPNG_ENHANCED = 6,
	AG_PCAPNG_SECTION = 0x0a0d0d0a,
};

/** How to read the numbers of a file or section. */
struct ag_pcap_form {
	bool big;            /* the most significant octet first */
	uint64_t per_second; /* units of time stamps */
	uint32_t link;       /* enum ag_pcap_link, or another */
};

/** A packet's place in a block or record. */
struct ag_pcap_packet {
	uint32_t interface;
	uint64_t time; /* in units of its interface, since 1970 */
	const uint8_t *data;
	size_t len;
	size_t cut;         /* octets behind these that whoever captured it left out */
	bool has_direction; /* the block says it */
	bool outbound;
};

/** Whether a file begins with one of the four magic numbers of pcap, or as a pcapng section. */
bool ag_pcap_detect(const uint8_t *data, size_t len);
bool ag_pcapng_detect(const uint8_t *data, size_t len);

/** Read a pcap file's header. @form: untouched unless 0. @return: 0, AG_BTSNOOP_SHORT, _MAGIC */
int ag_pcap_get_file(const uint8_t *data, size_t len, struct ag_pcap_form *form);

/**
 * Read a record's header.
 *
 * @packet: its `time`, `len` (octets that follow) and `cut` are set, and nothing else
 * @return: 0, AG_BTSNOOP_SHORT or AG_BTSNOOP_LENGTH; then nothing is set
 */
int ag_pcap_get_record(const uint8_t *data, size_t len, const struct ag_pcap_form *form,
		       struct ag_pcap_packet *packet);

/**
 * Read the byte order of a section from the first octets of its body.
 *
 * @return: 0, AG_BTSNOOP_SHORT or AG_BTSNOOP_MAGIC
 */
int ag_pcapng_get_order(const uint8_t *body, size_t len, bool *big);

/** The type and total length of a block; a section's length needs its byte order first. */
int ag_pcapng_get_block(const uint8_t *data, size_t len, bool big, uint32_t *type, uint32_t *total);

/** Read the body of an interface description block. @return: 0 or AG_BTSNOOP_SHORT */
int ag_pcapng_get_interface(const uint8_t *body, size_t len, bool big, struct ag_pcap_form *form);

/**
 * Read the body of a block with a packet.
 *
 * @return: 0; AG_BTSNOOP_SHORT; AG_BTSNOOP_LENGTH: the packet is longer than its block;
 *          AG_BTSNOOP_DATALINK: no block of a packet
 */
int ag_pcapng_get_packet(uint32_t type, const uint8_t *body, size_t len, bool big,
			 struct ag_pcap_packet *packet);

/** A time stamp in microseconds since 1970. */
uint64_t ag_pcap_time_us(const struct ag_pcap_form *form, uint64_t time);

/**
 * What a packet is about.
 *
 * @skip: octets before the packet itself (its type octet, where it has one)
 * @return: is_foreign for other link types and packets that are too short. The direction
 *          of an ACL packet of AG_PCAP_H4 is the block's, else a guess by its boundary flag: hosts
 *          send LE data as non-flushable, controllers as flushable (Vol 4 Part E, 5.4.2).
 */
struct ag_btsnoop_meaning ag_pcap_classify(uint32_t link, const struct ag_pcap_packet *packet,
					   size_t *skip);

#endif
