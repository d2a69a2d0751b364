/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_FAULTS_H
#define AG_PHONE_FAULTS_H

/* What a phone can do wrong on purpose: answers that are not what the protocol says, PDUs that
 * nobody asked for, and the fuzzer that makes both at random. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct phone;
struct phone_database;

enum phone_fault {
	PHONE_FAULT_ENTRY_LENGTH_0,   /* Read By Type: always a list, its entries of 0 octets */
	PHONE_FAULT_GROUP_LENGTH_0,   /* Read By Group Type Response, entries of 0 octets */
	PHONE_FAULT_UNEVEN_LIST,      /* both: the last entry is an octet short */
	PHONE_FAULT_EMPTY_LIST,       /* both: no entry */
	PHONE_FAULT_OVERLAPPING,      /* services whose handle ranges overlap */
	PHONE_FAULT_REVERSED,         /* a service that ends before it starts */
	PHONE_FAULT_REPEATED,         /* the first page of services again and again */
	PHONE_FAULT_ZERO_VALUE,       /* characteristics whose value handle is 0 */
	PHONE_FAULT_FORMAT_0,         /* Find Information Response, format 0 */
	PHONE_FAULT_EMPTY_EXTENDED,   /* Characteristic Extended Properties without a value */
	PHONE_FAULT_EMPTY_FEATURES,   /* Server Supported Features without a value */
	PHONE_FAULT_OVERSIZED,        /* Read Response longer than ATT_MTU */
	PHONE_FAULT_OTHER_RESPONSE,   /* the response of another request */
	PHONE_FAULT_SHORT_ERROR,      /* Error Response without its code */
	PHONE_FAULT_DUPLICATE_MTU,    /* Exchange MTU Response, twice */
	PHONE_FAULT_LATE_ERROR,       /* Error Response behind the first page of services */
	PHONE_FAULT_SECOND_MTU,       /* answers an MTU exchange beside its own with 23 */
	PHONE_FAULT_MALFORMED_ASKING, /* requests of its own that break their format */
	PHONE_FAULTS,
};

/**
 * Add a fault by its name of `len` octets.
 *
 * @return: false when none is called so
 */
bool phone_fault_add(const char *name, size_t len, uint32_t *faults);

/** The name, or NULL behind the last one. */
const char *phone_fault_name(unsigned int fault);

/** The faults of the link that is up. */
uint32_t phone_faults(const struct phone *phone);

/** A request and its answer, which the faults change in place. */
struct phone_exchange {
	struct phone_database *database;
	uint16_t mtu;
	const uint8_t *request;
	size_t request_len;
	uint8_t *answer; /* room for PHONE_PDU_MAX octets */
	size_t len;
};

/** Make the answer as wrong as `faults` say. */
void phone_fault_answer(uint32_t faults, struct phone_exchange *exchange);

/**
 * What is sent behind the answer although nobody asked.
 *
 * @out:    of at least PHONE_PDU_MAX octets
 * @return: its length, 0: nothing
 */
size_t phone_fault_surplus(uint32_t faults, const struct phone_exchange *exchange, uint8_t *out);

/** The n-th malformed request; NULL behind the last one. */
const uint8_t *phone_malformed_request(unsigned int n, size_t *len);

/* ---- fuzz.c ---- */

/** Mutate an answer, or leave it as it is; the result is its new length, SIZE_MAX: send none. */
size_t phone_fuzz_answer(struct phone *phone, uint8_t *answer, size_t len);

/** What is due by now; the result is when the next thing is due. */
uint64_t phone_fuzz_tick(struct phone *phone, uint64_t now_ms);

#endif
