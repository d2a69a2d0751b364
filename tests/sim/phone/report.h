/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_REPORT_H
#define AG_PHONE_REPORT_H

/*
 * What happened, as lines of JSON on standard output: {"ms":…,"event":"…",…}. `ms` is monotonic
 * time since the machine started, so that lines of several programs can be put side by side. A line
 * is begun, filled and ended; text must need no escaping.
 */

#include <stddef.h>
#include <stdint.h>

struct phone;

void phone_report_begin(const char *event);
void phone_report_text(const char *key, const char *text);
void phone_report_number(const char *key, long number);
void phone_report_hex(const char *key, const uint8_t *data, size_t len);
void phone_report_end(void);

/** An event without more to say. */
void phone_report(const char *event);

/** A PDU of ATT or SMP: its opcode in number and name, its octets, and of ATT our CID. */
void phone_report_att(const char *event, uint16_t cid, const uint8_t *pdu, size_t len);
void phone_report_smp(const char *event, const uint8_t *pdu, size_t len);

/** Something that the other side must not do; it costs the phone's exit status. */
void phone_violation(struct phone *phone, const char *what, const uint8_t *pdu, size_t len);

/** The totals, last line of all. */
void phone_report_summary(const struct phone *phone);

#endif
