/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/words.h"
#include "proxy/wire/att.h"

TestSuite(engine_words, .timeout = 20);

/* "0a 16 00" as octets; the number of them. */
static size_t octets(const char *hex, uint8_t *out, size_t size)
{
	size_t len = 0;
	int digits = 0;

	for (; *hex; hex++) {
		const char *all = "0123456789abcdef";
		const char *at = strchr(all, *hex);

		if (!at)
			continue;
		cr_assert_lt(len, size);
		out[len] = (uint8_t)((digits ? out[len] << 4 : 0) | (at - all));
		digits = !digits;
		len += !digits;
	}
	return len;
}

struct words_case {
	bool is_att;
	const char *pdu;
	const char *expected;
};

static const struct words_case cases[] = {
	{ true, "01 0a 16 00 05",
	  "Error Response - Insufficient Authentication, Handle: 0x0016, to Read Request" },
	{ true, "01 99 00 00 77", "Error Response - 0x77, Handle: 0x0000, to opcode 0x99" },
	{ true, "02 05 02", "Exchange MTU Request, Client Rx MTU: 517" },
	{ true, "03 b9 00", "Exchange MTU Response, Server Rx MTU: 185" },
	{ true, "04 01 00 ff ff", "Find Information Request, Handles: 0x0001..0xffff" },
	{ true, "05 01 0b 00 02 29",
	  "Find Information Response, 0x000b = Client Characteristic Configuration (0x2902)" },
	{ true, "05 02 0b 00 fb 34 9b 5f 80 00 00 80 00 10 00 00 34 12 ab cd",
	  "Find Information Response, 0x000b = cdab1234-0000-1000-8000-00805f9b34fb" },
	{ true, "05 01", "Find Information Response, malformed (2 octets)" },
	{ true, "06 01 00 ff ff 00 28 0f 18",
	  "Find By Type Value Request, Handles: 0x0001..0xffff, Type: Primary Service (0x2800), "
	  "Value: 0f 18" },
	{ true, "07 01 00 05 00", "Find By Type Value Response, 0x0001..0x0005" },
	{ true, "08 01 00 05 00 00 2a",
	  "Read By Type Request, Handles: 0x0001..0x0005, Type: Device Name (0x2a00)" },
	{ true, "08 01 00 05 00 00 2a 11",
	  "Read By Type Request, Handles: 0x0001..0x0005, malformed (8 octets)" },
	{ true, "09 04 03 00 41 42", "Read By Type Response, 0x0003 = 41 42" },
	{ true, "09 00 03 00",
	  "Read By Type Response, 2 octets in entries of 0, malformed (4 octets)" },
	{ true, "05 03 0b 00", "Find Information Response, Format: 0x03, Value: 0b 00" },
	{ true, "05 01 01 00 00 28 02 00 03 28 03 00 4a 2a 04 00 02 29 05 00 03 29",
	  "Find Information Response, 0x0001 = Primary Service (0x2800), 0x0002 = Characteristic "
	  "(0x2803), 0x0003 = HID Information (0x2a4a), 0x0004 = Client Characteristic "
	  "Configuration (0x2902), ... (5 entries)" },
	{ true, "06 01 00 ff ff",
	  "Find By Type Value Request, Handles: 0x0001..0xffff, malformed (5 octets)" },
	{ true, "07 01 00 05 00 06 00 09 00 0a 00 0f 00 10 00 1f 00 20 00 ff ff",
	  "Find By Type Value Response, 0x0001..0x0005, 0x0006..0x0009, 0x000a..0x000f, "
	  "0x0010..0x001f, ... (5 entries)" },
	{ true, "07 01 00 05 00 06",
	  "Find By Type Value Response, 0x0001..0x0005, malformed (6 octets)" },
	{ true, "09 03 01 00 aa 02 00 bb 03 00 cc 04 00 dd 05 00 ee",
	  "Read By Type Response, 0x0001 = aa, 0x0002 = bb, 0x0003 = cc, 0x0004 = dd, "
	  "... (5 entries)" },
	{ true, "09", "Read By Type Response, malformed (1 octets)" },
	{ true, "0e 01 00 02", "Read Multiple Request, Handles: 0x0001, malformed (4 octets)" },
	{ true, "0e 01 00 02 00 03 00 04 00 05 00 06 00",
	  "Read Multiple Request, Handles: 0x0001 0x0002 0x0003 0x0004 ..." },
	{ true, "11 05 01 00 05 00 77", "Read By Group Type Response, 0x0001..0x0005 77" },
	{ true,
	  "11 06 01 00 05 00 0f 18 06 00 09 00 00 18 0a 00 0f 00 01 18 10 00 1f 00 0a 18 "
	  "20 00 2f 00 05 18",
	  "Read By Group Type Response, 0x0001..0x0005 Battery Service (0x180f), 0x0006..0x0009 "
	  "Generic Access (0x1800), 0x000a..0x000f Generic Attribute (0x1801), 0x0010..0x001f "
	  "Device Information (0x180a), ... (5 entries)" },
	{ true, "0a 16 00", "Read Request, Handle: 0x0016" },
	{ true, "0a 16", "Read Request, malformed (2 octets)" },
	{ true, "0a 16 00 01 02", "Read Request, Handle: 0x0016, 2 octets too many" },
	{ true, "0b", "Read Response, Value: empty" },
	{ true, "0c 16 00 16 00", "Read Blob Request, Handle: 0x0016, Offset: 22" },
	{ true, "0d 01", "Read Blob Response, Value: 01" },
	{ true, "0e 01 00 02 00", "Read Multiple Request, Handles: 0x0001 0x0002" },
	{ true, "0f 01 02", "Read Multiple Response, Value: 01 02" },
	{ true, "10 01 00 ff ff 00 28",
	  "Read By Group Type Request, Handles: 0x0001..0xffff, Type: Primary Service (0x2800)" },
	{ true, "11 06 01 00 05 00 0f 18",
	  "Read By Group Type Response, 0x0001..0x0005 Battery Service (0x180f)" },
	{ true, "12 09 00 02 00", "Write Request, Handle: 0x0009, Value: 02 00" },
	{ true, "13", "Write Response" },
	{ true, "16 09 00 00 01 aa",
	  "Prepare Write Request, Handle: 0x0009, Offset: 256, Value: aa" },
	{ true, "17 09 00 00 00",
	  "Prepare Write Response, Handle: 0x0009, Offset: 0, Value: empty" },
	{ true, "18 00", "Execute Write Request, Cancel All" },
	{ true, "18 01", "Execute Write Request, Write All" },
	{ true, "18 02", "Execute Write Request, Flags: 0x02" },
	{ true, "19", "Execute Write Response" },
	{ true, "1b 09 00 64", "Handle Value Notification, Handle: 0x0009, Value: 64" },
	{ true, "1d 09 00 64", "Handle Value Indication, Handle: 0x0009, Value: 64" },
	{ true, "1e", "Handle Value Confirmation" },
	{ true, "20 01 00 02 00", "Read Multiple Variable Request, Handles: 0x0001 0x0002" },
	{ true, "21 01 00 aa 05 00 bb",
	  "Read Multiple Variable Response, Value of 1: aa, Value of 5: bb" },
	{ true, "21 01 00 aa 05",
	  "Read Multiple Variable Response, Value of 1: aa, malformed (5 octets)" },
	{ true, "21 01 00 0a 01 00 0b 01 00 0c 01 00 0d 01 00 0e 01 00 0f",
	  "Read Multiple Variable Response, Value of 1: 0a, Value of 1: 0b, Value of 1: 0c, "
	  "Value of 1: 0d, ..." },
	{ true, "23 01 00 01 00 aa", "Multiple Handle Value Notification, 0x0001 = aa" },
	{ true, "23 01 00 02 00 aa", "Multiple Handle Value Notification, malformed (6 octets)" },
	{ true, "23 01 00 01 00 0a 02 00 01 00 0b 03 00 01 00 0c 04 00 01 00 0d 05 00 01 00 0e",
	  "Multiple Handle Value Notification, 0x0001 = 0a, 0x0002 = 0b, 0x0003 = 0c, "
	  "0x0004 = 0d, ..." },
	{ true, "52 09 00 01", "Write Command, Handle: 0x0009, Value: 01" },
	{ true, "d2 09 00 01 00 01 02 03 04 05 06 07 08 09 0a 0b",
	  "Signed Write Command, Handle: 0x0009, Value: 01, Signature: "
	  "00 01 02 03 04 05 06 07 08 09 0a 0b" },
	{ true, "d2 09 00 01", "Signed Write Command, Handle: 0x0009, malformed (4 octets)" },
	{ true, "37 01", "ATT opcode 0x37, Value: 01" },
	{ true, "", "empty ATT PDU" },
	{ true, "0b 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10",
	  "Read Response, Value: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ... (17 octets)" },
	{ false, "01 03 00 01 10 03 03",
	  "Pairing Request, AuthReq: Bonding, IO Capability: No Input, No Output, "
	  "Max Key Size: 16, Initiator Key(s): LTK IRK, Responder Key(s): LTK IRK" },
	{ false, "02 07 01 0c 10 00 08",
	  "Pairing Response, AuthReq: No Bonding, MITM, SecureConnection, IO Capability: 0x07, "
	  "OOB Data, Max Key Size: 16, Initiator Key(s): none, Responder Key(s): Link" },
	{ false, "01 03 00", "Pairing Request, malformed (3 octets)" },
	{ false, "01 04 00 30 10 0f 04",
	  "Pairing Request, AuthReq: No Bonding, Keypress, CT2, IO Capability: Keyboard, Display, "
	  "Max Key Size: 16, Initiator Key(s): LTK IRK CSRK Link, Responder Key(s): CSRK" },
	{ false, "05 05", "Pairing Failed: Pairing Not Supported" },
	{ false, "05 02", "Pairing Failed: OOB Not Available" },
	{ false, "05", "Pairing Failed, malformed (1 octets)" },
	{ false, "06 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
	  "Encryption Information (16 octets)" },
	{ false, "09 01 06 05 04 03 02 c1",
	  "Identity Address Information, C1:02:03:04:05:06 (random)" },
	{ false, "09 00 06 05 04 03 02 01",
	  "Identity Address Information, 01:02:03:04:05:06 (public)" },
	{ false, "09 00 06 05 04", "Identity Address Information, malformed (5 octets)" },
	{ false, "0b 01", "Security Request, AuthReq: Bonding" },
	{ false, "0b", "Security Request, malformed (1 octets)" },
	{ false, "0e", "Pairing Keypress Notification, malformed (1 octets)" },
	{ false, "", "empty SMP PDU" },
	{ false, "0e 01", "Pairing Keypress Notification: digit entered" },
	{ false, "0e 77", "Pairing Keypress Notification: 0x77" },
	{ false, "55", "SMP opcode 0x55, Value: empty" },
};

Test(engine_words, pdus)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t pdu[64];
		size_t len = octets(cases[i].pdu, pdu, sizeof(pdu));
		char out[512];
		size_t said = ag_words_pdu(cases[i].is_att, pdu, len, out, sizeof(out));

		cr_expect_str_eq(out, cases[i].expected, "%s:\n got %s\nwant %s", cases[i].pdu, out,
				 cases[i].expected);
		cr_expect_eq(said, strlen(out));
	}
}

Test(engine_words, every_att_opcode_has_a_name)
{
	const struct ag_att_format *rows;
	size_t count = ag_att_formats(&rows);

	cr_assert_gt(count, 0);
	for (size_t i = 0; i < count; i++) {
		char out[128];

		ag_words_pdu(true, &rows[i].opcode, 1, out, sizeof(out));
		cr_expect(strncmp(out, "ATT opcode", 10) != 0, "0x%02x", rows[i].opcode);
	}
}

/* Nothing is written behind the room that was given, and what is written is a beginning. */
Test(engine_words, any_size_of_room)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t pdu[64];
		size_t len = octets(cases[i].pdu, pdu, sizeof(pdu));

		for (size_t size = 1; size < 64; size++) {
			char *out = malloc(size);
			size_t said = ag_words_pdu(cases[i].is_att, pdu, len, out, size);

			cr_assert_eq(said, strlen(out));
			cr_assert_lt(said, size);
			cr_assert_eq(strncmp(out, cases[i].expected, said), 0);
			free(out);
		}
	}
}

struct verdict_case {
	struct ag_decision decision;
	const char *expected;
};

Test(engine_words, verdicts)
{
	static const struct verdict_case verdicts[] = {
		{ { .is_att = true, .verdict = AG_V_ACCEPT }, "accept" },
		{ { .is_att = true, .verdict = AG_V_REJECT, .error = 0x0a, .has_error = true },
		  "reject attribute_not_found" },
		{ { .is_att = true, .verdict = AG_V_REJECT, .error = 0x77, .has_error = true },
		  "reject 0x77" },
		{ { .verdict = AG_V_REJECT, .error = 0x05, .has_error = true },
		  "reject pairing_not_supported" },
		{ { .is_att = true, .verdict = AG_V_REJECT }, "reject" },
		{ { .is_att = true,
		    .verdict = AG_V_ACCEPT,
		    .effects = AG_EFFECT_REWRITE | AG_EFFECT_DELAY | AG_EFFECT_DUPLICATE,
		    .delay_us = 800000 },
		  "accept, rewritten, delayed 800 ms, sent twice" },
		{ { .is_att = true, .verdict = AG_V_ACCEPT, .effects = AG_EFFECT_TIMEOUT },
		  "accept, with a timeout" },
		{ { .is_att = true, .verdict = AG_V_ANSWER }, "answer" },
		{ { .is_att = true, .verdict = AG_V_DROP }, "drop" },
		{ { .is_att = true, .verdict = AG_V_DISCONNECT }, "disconnect" },
		{ { .is_att = true, .verdict = AG_V_TIMEOUT, .error = 0x0e, .has_error = true },
		  "timeout unlikely_error" },
		{ { .is_att = true, .verdict = AG_V_LATE },
		  "late: response discarded, the request had been answered" },
		{ { .is_att = true, .verdict = AG_V_DISCARD },
		  "discard: not sent, the link is encrypted by now" },
		{ { .is_att = true, .verdict = AG_V_HIDE, .error = 0x01, .has_error = true },
		  "hide invalid_handle" },
		{ { .is_att = true, .verdict = AG_V_HIDE }, "hide" },
		{ { .is_att = true,
		    .verdict = AG_V_HIDE,
		    .effects = AG_EFFECT_HIDE,
		    .entries = 4,
		    .hidden = 4 },
		  "hide, 4 of 4 entries hidden" },
		{ { .is_att = true,
		    .verdict = AG_V_ACCEPT,
		    .effects = AG_EFFECT_HIDE,
		    .entries = 5,
		    .hidden = 3 },
		  "accept, 3 of 5 entries hidden" },
		{ { .is_att = true, .verdict = AG_V_ACCEPT, .effects = AG_EFFECT_HIDE },
		  "accept, fitted to what is hidden" },
		{ { .is_att = true, .verdict = AG_V_RECORDED },
		  "recorded answer to a request that the rules refuse" },
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		char out[128];

		ag_words_verdict(&verdicts[i].decision, out, sizeof(out));
		cr_expect_str_eq(out, verdicts[i].expected);
	}
}

Test(engine_words, bdaddr)
{
	char out[18];

	ag_words_bdaddr(UINT64_C(0xdc080f5b8d82), out);
	cr_assert_str_eq(out, "DC:08:0F:5B:8D:82");
}

static void set_uuid(struct ag_subject *subject, enum ag_field field, uint16_t uuid16)
{
	if (!uuid16)
		return;
	subject->value[field].uuid = ag_uuid_from_u16(uuid16);
	subject->present |= UINT64_C(1) << field;
}

/* What the map knows: type, characteristic, service; 0 for not known. */
static const struct {
	uint16_t type, characteristic, service;
	const char *expected;
} attributes[] = {
	{ 0x2a19, 0x2a19, 0x180f, "Battery Level" },
	{ 0x2902, 0x2a19, 0x180f, "Battery Level: Client Characteristic Configuration" },
	{ 0x2803, 0x2a19, 0x180f, "Battery Level: Characteristic" },
	{ 0x2800, 0, 0x180f, "Battery Service: Primary Service" },
	{ 0x2802, 0, 0x180f, "Battery Service: Include" },
	{ 0x2a19, 0, 0, "Battery Level" },
	{ 0, 0x2a19, 0x180f, "in Battery Level" },
	{ 0, 0, 0x180f, "in Battery Service" },
	{ 0xfff4, 0xfff4, 0xfff0, "0xfff4" },
	{ 0, 0, 0, "" },
};

Test(engine_words, attributes)
{
	char out[160];

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		struct ag_subject subject = { .present = 0 };

		set_uuid(&subject, AG_F_ATT_UUID, attributes[i].type);
		set_uuid(&subject, AG_F_ATT_CHARACTERISTIC, attributes[i].characteristic);
		set_uuid(&subject, AG_F_ATT_SERVICE, attributes[i].service);
		cr_expect_eq(ag_words_attribute(&subject, out, sizeof(out)), strlen(out));
		cr_expect_str_eq(out, attributes[i].expected);
	}
	cr_expect_eq(ag_words_attribute(NULL, out, sizeof(out)), 0);
	cr_expect_str_empty(out);
}

/* Behind the handle where the PDU has one, else behind its name. */
static const struct words_case about[] = {
	{ true, "0a 16 00", "Read Request, Handle: 0x0016 (It)" },
	{ true, "0b 64", "Read Response (It), Value: 64" },
	{ true, "13", "Write Response (It)" },
	{ true, "1e", "Handle Value Confirmation (It)" },
	{ true, "01 0a 16 00 05",
	  "Error Response - Insufficient Authentication, Handle: 0x0016 (It), to Read Request" },
	{ true, "0a 16", "Read Request, malformed (2 octets)" },
};

Test(engine_words, pdus_about_an_attribute)
{
	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
		uint8_t pdu[32];
		size_t len = octets(about[i].pdu, pdu, sizeof(pdu));
		char out[160];

		ag_words_pdu_about("It", true, pdu, len, out, sizeof(out));
		cr_expect_str_eq(out, about[i].expected);
	}
}

/* As it came it was about another attribute than as it went. */
Test(engine_words, rewritten)
{
	struct ag_subject came = { .present = 0 }, went = { .present = 0 };
	struct ag_decision decision = {
		.is_att = true,
		.pdu = (const uint8_t *)"\x0a\x16\x00",
		.len = 3,
		.out = (const uint8_t *)"\x0a\x18\x00",
		.out_len = 3,
		.subject = &went,
		.as_came = &came,
	};
	char out[160];

	set_uuid(&came, AG_F_ATT_UUID, 0x2a19);
	set_uuid(&went, AG_F_ATT_UUID, 0x2a00);
	ag_words_came(&decision, out, sizeof(out));
	cr_expect_str_eq(out, "Read Request, Handle: 0x0016 (Battery Level)");
	ag_words_went(&decision, out, sizeof(out));
	cr_expect_str_eq(out, "Read Request, Handle: 0x0018 (Device Name)");
	decision.as_came = NULL;
	ag_words_came(&decision, out, sizeof(out));
	cr_expect_str_eq(out, "Read Request, Handle: 0x0016");
}

Test(engine_words, uuids)
{
	struct ag_uuid assigned = ag_uuid_from_u16(0x2a19), unnamed = ag_uuid_from_u16(0xfff4);
	struct ag_uuid own = { UINT64_C(0x123456789abcdef0), UINT64_C(0x0123456789abcdef) };
	struct ag_uuid wide = { UINT64_C(0x0001180f00001000), assigned.lo };
	char text[AG_WORDS_UUID], out[80];

	ag_words_uuid(&assigned, text);
	cr_expect_str_eq(text, "2a19");
	ag_words_uuid(&own, text);
	cr_expect_str_eq(text, "12345678-9abc-def0-0123-456789abcdef");
	/* 32 bits on the Bluetooth Base UUID are not 16 */
	ag_words_uuid(&wide, text);
	cr_expect_str_eq(text, "0001180f-0000-1000-8000-00805f9b34fb");
	ag_words_type(&assigned, out, sizeof(out));
	cr_expect_str_eq(out, "Battery Level (0x2a19)");
	ag_words_type(&unnamed, out, sizeof(out));
	cr_expect_str_eq(out, "0xfff4");
	ag_words_name(&assigned, out, sizeof(out));
	cr_expect_str_eq(out, "Battery Level");
	ag_words_name(&own, out, sizeof(out));
	cr_expect_str_eq(out, "12345678-9abc-def0-0123-456789abcdef");
}
