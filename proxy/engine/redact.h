/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_REDACT_H
#define AG_ENGINE_REDACT_H

/*
 * Takes out of a recording what a stranger should not read, and leaves everything else as it is, at
 * the same length:
 *
 *   keys       link keys, LTK, IRK, CSRK, EDIV and Rand, PIN, OOB data, public and DH keys: zeros
 *   addresses  another address, always the same one for the same address, different for different
 *              ones; the two bits that tell the kinds of random addresses apart stay, and so does
 *              an address of zeros
 *   names      of devices, in commands, events, advertising data and where ATT carries the Device
 *              Name, on every bearer; texts of SDP that are an attribute's value, so names of
 *              services and providers: 'x' for each octet
 *
 * Pairing Confirm and Random stay, as do attribute values other than that name: an address or a
 * name that a manufacturer's data or another characteristic holds is still there. Not looked into
 * are audio, the profiles of BR/EDR on channels of their own, and vendors' own commands.
 *
 * Dynamic channels are followed from the signalling that opens them. What goes over one whose
 * opening is not in the recording, or in a mode other than basic, or no longer fits what came
 * before, is blanked, and so is what a response reads whose request is not there.
 *
 * Packets come in the order of the recording. PDUs over several packets need no gathering. What
 * continues a PDU whose beginning is not in the recording is blanked, as it could be anything.
 * Memory is bounded: of more than AG_REDACT_LINKS links at a time the oldest is forgotten.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AG_REDACT_LINKS 64
/** Peers whose Device Name's handle stays known for when they come back. */
#define AG_REDACT_PEERS 256

struct ag_redactor;

/**
 * @key:    what the addresses are changed by; whoever knows it can change them back
 * @return: freed with free(), or NULL: no memory
 */
struct ag_redactor *ag_redactor_new(const uint8_t key[16]);

/**
 * Redact one packet in place.
 *
 * @index:   tells controllers apart
 * @packet:  with its H4 type octet
 * @len:     octets that are there; a recording may have cut the packet
 */
void ag_redact_packet(struct ag_redactor *redactor, uint16_t index, bool from_host, uint8_t *packet,
		      size_t len);

/**
 * Redact a record of the monitor that is no packet: addresses of indexes, management traffic and
 * what others logged. What attgate logged has nothing in it.
 *
 * @opcode: enum ag_monitor_opcode
 */
void ag_redact_record(struct ag_redactor *redactor, uint16_t opcode, uint8_t *data, size_t len);

/** The replacement of an address, in place: 6 octets, least significant first. */
void ag_redact_address(const struct ag_redactor *redactor, uint8_t address[6]);

#endif
