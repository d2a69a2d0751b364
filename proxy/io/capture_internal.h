/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CAPTURE_INTERNAL_H
#define AG_IO_CAPTURE_INTERNAL_H

/* What the readers of the formats share. */

#include "proxy/io/capture.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/pcap.h"

/* Interfaces of one pcapng section that are told apart; packets of others are skipped. */
enum { CAPTURE_INTERFACES = 32 };

/* Microseconds between the year 0, from which btsnoop counts, and 1970. */
#define CAPTURE_EPOCH_US (UINT64_C(0x00e03ab44a676000) - UINT64_C(946684800000000))

struct capture_format {
	/* Whether a file that begins like this is one; may note what it learned. */
	bool (*detect)(const uint8_t *data, size_t len, struct ag_capture *capture);
	/* Read the file's header. @return: as ag_capture_open() */
	int (*begin)(struct ag_capture *capture);
	/* Read a record into capture->buffer. @return: as ag_capture_next() */
	int (*next)(struct ag_capture *capture, struct ag_capture_frame *frame);
};

struct ag_capture {
	FILE *file;
	const char *path; /* while it is being opened, as `errors` */
	FILE *errors;
	const struct capture_format *format;
	enum ag_btsnoop_link link;
	uint64_t size;
	uint64_t offset;                    /* of the next record */
	uint64_t number;                    /* of the last record */
	uint8_t ahead[AG_BTSNOOP_FILE_LEN]; /* read to tell the format, not consumed yet */
	size_t n_ahead;
	bool little;              /* pklg: the order of octets */
	struct ag_pcap_form form; /* pcap: of the file; pcapng: of the section */
	struct ag_pcap_form interfaces[CAPTURE_INTERFACES];
	size_t n_interfaces;
	/* Which side sent the last start of a PDU, by handle: its continuations follow it where
	 * the file does not say. */
	uint8_t host_sent[(AG_HCI_HANDLE_MAX + 8) / 8];
	/* A packet may have no type octet; it is put before what was read. */
	uint8_t buffer[1 + AG_BTSNOOP_MAX];
};

extern const struct capture_format ag_capture_pcap;
extern const struct capture_format ag_capture_pcapng;
extern const struct capture_format ag_capture_pklg;

/* @return: 0, AG_CAPTURE_END when there is nothing at all, AG_CAPTURE_TRUNCATED or -errno */
int ag_capture_octets(struct ag_capture *capture, uint8_t *out, size_t len);

/* Pass over octets. @return: 0, AG_CAPTURE_TRUNCATED or -errno */
int ag_capture_skip(struct ag_capture *capture, uint64_t len);

/* Say why a file cannot be read. @return: AG_CAPTURE_UNKNOWN */
int ag_capture_refuse(struct ag_capture *capture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Set a frame's data by its meaning; there is room for a type octet before `body`. */
void ag_capture_place(struct ag_capture *capture, struct ag_capture_frame *frame, uint8_t *body,
		      size_t len);

#endif
