/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_BTSNOOP_H
#define AG_WIRE_BTSNOOP_H

/*
 * The btsnoop file format: a header, then records of a fixed header and the packet. The numbers are
 * big-endian, unlike everything in the packets.
 *
 *   file    "btsnoop\0" | version 4 | datalink 4
 *   record  original length 4 | included length 4 | flags 4 | drops 4 | time 8 | included octets
 *
 * Read are the datalinks 1001 (HCI without type octet), 1002 (H4) and 2001 (the Linux monitor,
 * which also tells the controllers apart); written are 1002 and 2001. Nothing here keeps state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AG_BTSNOOP_FILE_LEN = 16,
	AG_BTSNOOP_RECORD_LEN = 24,
	/* More than the longest packet (ACL, 1 + 4 + 65535) and than any note of the monitor. A
	 * record that claims more is taken for garbage. */
	AG_BTSNOOP_MAX = 1 << 17,
};

enum ag_btsnoop_link {
	AG_BTSNOOP_HCI = 1001,
	AG_BTSNOOP_H4 = 1002,
	AG_BTSNOOP_MONITOR = 2001,
};

/** Index of a monitor record that belongs to no controller, and of every record of 1001 and 1002.
 */
#define AG_BTSNOOP_NO_INDEX 0xffff

/** Opcodes of the monitor (the kernel's hci_mon.h): the lower half of a record's flags. Packets
 * have ag_btsnoop_packet_flags(). */
enum ag_monitor_opcode {
	AG_MONITOR_NEW_INDEX = 0,
	AG_MONITOR_DEL_INDEX = 1,
	AG_MONITOR_OPEN_INDEX = 8,
	AG_MONITOR_CLOSE_INDEX = 9,
	AG_MONITOR_INDEX_INFO = 10,   /* address 6, manufacturer 2 */
	AG_MONITOR_VENDOR_DIAG = 11,  /* whatever the driver says */
	AG_MONITOR_SYSTEM_NOTE = 12,  /* text */
	AG_MONITOR_USER_LOGGING = 13, /* priority 1, length of the ident 1, ident, text */
	AG_MONITOR_CTRL_OPEN = 14,
	AG_MONITOR_CTRL_CLOSE = 15,
	AG_MONITOR_CTRL_COMMAND = 16, /* cookie 4, management opcode 2, parameters */
	AG_MONITOR_CTRL_EVENT = 17,
};

/** Octets of AG_MONITOR_NEW_INDEX: type 1, bus 1, address 6, name 8. */
#define AG_BTSNOOP_NEW_INDEX_LEN 16

/** The beginning of 1970 in the time of records. */
#define AG_BTSNOOP_EPOCH_US UINT64_C(0x00dcddb30f2f8000)

/** What can be wrong with octets from a file. */
enum {
	AG_BTSNOOP_SHORT = 1,    /* fewer octets than the header has */
	AG_BTSNOOP_MAGIC = 2,    /* not a btsnoop file */
	AG_BTSNOOP_VERSION = 3,  /* a version other than 1 */
	AG_BTSNOOP_DATALINK = 4, /* a datalink other than the three above */
	AG_BTSNOOP_LENGTH = 5,   /* included length above AG_BTSNOOP_MAX or above the original */
};

struct ag_btsnoop_record {
	uint32_t original_len;
	uint32_t included_len; /* octets that follow the header */
	uint32_t flags;
	uint32_t drops;   /* records lost since the file began */
	uint64_t time_us; /* since the year 0; only differences are of use */
};

/** What a record is about. */
enum ag_btsnoop_kind {
	AG_BTSNOOP_PACKET,    /* an HCI packet */
	AG_BTSNOOP_NEW_INDEX, /* a controller appeared */
	AG_BTSNOOP_DEL_INDEX,
	AG_BTSNOOP_OPEN, /* the host began to use it */
	AG_BTSNOOP_CLOSE,
	AG_BTSNOOP_NOTE,  /* text: system note, user logging */
	AG_BTSNOOP_OTHER, /* management traffic, vendor diagnostics, unknown */
};

struct ag_btsnoop_meaning {
	enum ag_btsnoop_kind kind;
	uint16_t index;      /* controller, or AG_BTSNOOP_NO_INDEX */
	bool from_host;      /* AG_BTSNOOP_PACKET: host to controller */
	uint8_t h4_type;     /* AG_BTSNOOP_PACKET: enum ag_h4_type */
	bool type_in_packet; /* the record's octets begin with the type octet (datalink 1002) */
	bool is_foreign;     /* AG_BTSNOOP_OTHER: nothing of Bluetooth, as a capture of several
			      * interfaces has it; no btsnoop record can hold it */
};

/**
 * Read a file header.
 *
 * @link:   untouched unless 0; set to the number found where the result is AG_BTSNOOP_DATALINK
 * @return: 0, AG_BTSNOOP_SHORT, _MAGIC, _VERSION or _DATALINK
 */
int ag_btsnoop_get_file(const uint8_t *data, size_t len, uint32_t *link);

/**
 * Read a record header.
 *
 * @record: untouched unless 0 or AG_BTSNOOP_LENGTH
 * @return: 0, AG_BTSNOOP_SHORT or AG_BTSNOOP_LENGTH
 */
int ag_btsnoop_get_record(const uint8_t *data, size_t len, struct ag_btsnoop_record *record);

/**
 * What a record is about.
 *
 * @first: first octet of the record's packet; counts for datalink 1002 only, 0 if there is none
 */
struct ag_btsnoop_meaning ag_btsnoop_classify(enum ag_btsnoop_link link,
					      const struct ag_btsnoop_record *record,
					      uint8_t first);

/** Write a file header. */
void ag_btsnoop_put_file(enum ag_btsnoop_link link, uint8_t out[AG_BTSNOOP_FILE_LEN]);

/** Write a record header. */
void ag_btsnoop_put_record(const struct ag_btsnoop_record *record,
			   uint8_t out[AG_BTSNOOP_RECORD_LEN]);

/**
 * The flags of a record with a packet.
 *
 * @flags:  untouched unless true
 * @return: false when the datalink has no place for such a packet (a monitor record of an unknown
 *          type)
 */
bool ag_btsnoop_packet_flags(enum ag_btsnoop_link link, uint16_t index, bool from_host,
			     uint8_t h4_type, uint32_t *flags);

/**
 * The octets of AG_MONITOR_NEW_INDEX for a primary controller.
 *
 * @bdaddr: as in union ag_value
 * @name:   padded with zeros
 */
void ag_btsnoop_put_new_index(uint64_t bdaddr, const char name[8],
			      uint8_t out[AG_BTSNOOP_NEW_INDEX_LEN]);

#endif
