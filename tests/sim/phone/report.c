/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/phone/report.h"

#include <stdio.h>

#include "rules/rules.h"
#include "tests/sim/phone/phone.h"

void phone_report_begin(const char *event)
{
	printf("{\"ms\":%llu,\"event\":\"%s\"", (unsigned long long)phone_now_ms(), event);
}

void phone_report_text(const char *key, const char *text)
{
	printf(",\"%s\":\"%s\"", key, text);
}

void phone_report_number(const char *key, long number)
{
	printf(",\"%s\":%ld", key, number);
}

void phone_report_hex(const char *key, const uint8_t *data, size_t len)
{
	printf(",\"%s\":\"", key);
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	putchar('"');
}

void phone_report_end(void)
{
	puts("}");
	fflush(stdout);
}

void phone_report(const char *event)
{
	phone_report_begin(event);
	phone_report_end();
}

static void report_pdu(const char *event, enum ag_field names, const uint8_t *pdu, size_t len)
{
	const char *name = len ? ag_field_value_name(names, pdu[0]) : NULL;

	phone_report_begin(event);
	phone_report_number("opcode", len ? pdu[0] : 0);
	phone_report_text("name", name ? name : "unknown");
	phone_report_hex("hex", pdu, len);
}

void phone_report_att(const char *event, uint16_t cid, const uint8_t *pdu, size_t len)
{
	report_pdu(event, AG_F_ATT_OPCODE, pdu, len);
	phone_report_number("cid", cid);
	phone_report_end();
}

void phone_report_smp(const char *event, const uint8_t *pdu, size_t len)
{
	report_pdu(event, AG_F_SMP_OPCODE, pdu, len);
	phone_report_end();
}

void phone_violation(struct phone *phone, const char *what, const uint8_t *pdu, size_t len)
{
	phone->totals.violations++;
	phone_report_begin("violation");
	phone_report_text("what", what);
	phone_report_hex("hex", pdu, len);
	phone_report_end();
}

void phone_report_summary(const struct phone *phone)
{
	const struct phone_totals *totals = &phone->totals;

	phone_report_begin("summary");
	phone_report_number("links", phone->link.number);
	phone_report_number("lived_ms", totals->lived_ms);
	phone_report_number("requests", totals->requests);
	phone_report_number("discovery_requests", totals->discovery_requests);
	phone_report_number("protected_reads", totals->protected_reads);
	phone_report_number("security_requests", totals->security_requests);
	phone_report_number("services", phone->client.services);
	phone_report_number("reads", totals->reads);
	phone_report_number("slowest_ms", totals->slowest_ms);
	phone_report_number("crossing_ms", totals->crossing_ms);
	phone_report_number("disconnect_reason", totals->disconnect_reason);
	phone_report_number("violations", totals->violations);
	phone_report_end();
}
