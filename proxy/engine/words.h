/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_WORDS_H
#define AG_ENGINE_WORDS_H

/* PDUs and decisions in words, the Core Specification's and Wireshark's. No I/O, no allocation. */

#include <stddef.h>

#include "proxy/engine/engine.h"

/**
 * An ATT or SMP PDU in words: "Read Request, Handle: 0x0016".
 *
 * @out:    a string of at most `size` - 1 octets, always terminated; control octets of values never
 *          reach it raw
 * @return: length of the string
 */
size_t ag_words_pdu(bool is_att, const uint8_t *pdu, size_t len, char *out, size_t size);

/** The same of a PDU whose attribute is known: "Read Request, Handle: 0x0016 (Battery Level)",
 * "Read Response (Battery Level), Value: 64". @attribute: may be NULL or empty: it is not known */
size_t ag_words_pdu_about(const char *attribute, bool is_att, const uint8_t *pdu, size_t len,
			  char *out, size_t size);

/**
 * What the attribute of a PDU is: "Battery Level", "Battery Level: Client Characteristic
 * Configuration", "Battery Service: Primary Service", "in Battery Service".
 *
 * @subject: may be NULL
 * @return:  as ag_words_pdu(); 0: nothing is known
 */
size_t ag_words_attribute(const struct ag_subject *subject, char *out, size_t size);

/** A decision's PDU as it came, with what its attribute is. */
size_t ag_words_came(const struct ag_decision *decision, char *out, size_t size);

/** The same as it goes out, rewritten; there must be such a one. */
size_t ag_words_went(const struct ag_decision *decision, char *out, size_t size);

/** A verdict with what belongs to it: "reject attribute_not_found", "accept, delayed 800 ms". */
size_t ag_words_verdict(const struct ag_decision *decision, char *out, size_t size);

/** "DC:08:0F:5B:8D:82" for a BD_ADDR as in union ag_value. `out` takes 18 octets. */
void ag_words_bdaddr(uint64_t bdaddr, char out[18]);

/** Octets for a UUID, with the one that ends a string. */
#define AG_WORDS_UUID 37

/** "2a19" for a UUID on the Bluetooth Base UUID, else the form of RFC 9562. */
void ag_words_uuid(const struct ag_uuid *uuid, char out[AG_WORDS_UUID]);

/** "Battery Level", "0x1234", or the long form. @return: as ag_words_pdu() */
size_t ag_words_name(const struct ag_uuid *uuid, char *out, size_t size);

/** "Battery Level (0x2a19)", "0x1234", or the long form. @return: as ag_words_pdu() */
size_t ag_words_type(const struct ag_uuid *uuid, char *out, size_t size);

/** One word for a verdict: "accept", "reject", "late" … */
const char *ag_words_verdict_name(enum ag_verdict verdict);

#endif
