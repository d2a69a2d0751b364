/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "tests/sim/hex.h"
#include "tests/sim/phone/phone.h"

/* One request to the phone's database and the answer, in hexadecimal. */
struct script {
	const char *request;
	const char *answer;
	uint8_t protected_error;
	uint8_t read_error;
};

static const struct script scripts[] = {
	/* Exchange MTU; a PDU too short for its opcode; an opcode that no server knows */
	{ "020502", "030f02", 0, 0 },
	{ "0205", "0102000004", 0, 0 },
	{ "160900000001", "0116000006", 0, 0 },
	{ "3a", "013a000006", 0, 0 },
	/* Find Information: one format per answer, ranges, nothing there */
	{ "0401000200", "05010100002802000328", 0, 0 },
	{ "040e001000", "05010e0000280f000328", 0, 0 },
	{ "0400000500", "0104000001", 0, 0 },
	{ "0405000100", "0104050001", 0, 0 },
	{ "04f000ffff", "0104f0000a", 0, 0 },
	/* Find By Type Value: a primary service by its UUID */
	{ "06010005000028"
	  "0018",
	  "0701000500", 0, 0 },
	{ "06010005000028"
	  "0f18",
	  "010601000a", 0, 0 },
	/* Read By Type: short, broken and long UUID, what needs authentication, entries of another
	 * length */
	{ "0801000500002a", "0907030050686f6e65", 0, 0 },
	{ "0801000500fb349b5f80000080001000002a0000", "0108010004", 0, 0 },
	{ "0801000500fb349b5f8000008000100000002a0000", "0907030050686f6e65", 0, 0 },
	{ "080100ffff192a", "01081a0005", 0x05, 0 },
	{ "080100ffff192a", "09031a0057", 0, 0 },
	{ "080100ffff3a2b", "010801000a", 0, 0 },
	/* Read Request: value, no such handle, not readable, both refusals, everything refused */
	{ "0a0300", "0b50686f6e65", 0x05, 0 },
	{ "0a0000", "010a000001", 0, 0 },
	{ "0aff00", "010aff0001", 0, 0 },
	{ "0a0800", "010a080002", 0, 0 },
	{ "0a1a00", "010a1a0005", 0x05, 0 },
	{ "0a1a00", "010a1a000f", 0x0f, 0 },
	{ "0a1a00", "0b57", 0, 0 },
	{ "0a0300", "010a03000f", 0, 0x0f },
	{ "0a1200", "0b0100", 0x05, 0 },
	/* Read Blob at, before and behind the end */
	{ "0c03000300", "0d6e65", 0, 0 },
	{ "0c03000500", "0d", 0, 0 },
	{ "0c03000600", "010c030007", 0, 0 },
	/* Read Multiple, and with lengths; one handle is too few; the first in error is named */
	{ "0e03000500", "0f50686f6e654000", 0, 0 },
	{ "2003000500", "21050050686f6e6502004000", 0, 0 },
	{ "0e0300", "010e000004", 0, 0 },
	{ "0e03001a00", "010e1a0005", 0x05, 0 },
	/* Read By Group Type: entries of one length, the end, secondary services as iOS refuses
	   them */
	{ "100100ffff0028", "110601000500001806000d000118", 0, 0 },
	{ "10f000ffff0028", "0110f0000a", 0, 0 },
	{ "100100ffff0128", "0110010010", 0, 0 },
	/* Write Request: read-only, wrong length, done, needs authentication */
	{ "12030041", "0112030003", 0, 0 },
	{ "12090002", "011209000d", 0, 0 },
	{ "1209000200", "13", 0, 0 },
	{ "121b000100", "01121b0005", 0x05, 0 },
};

Test(phone, answers_as_the_protocol_says)
{
	for (size_t i = 0; i < ag_array_size(scripts); i++) {
		const struct script *script = &scripts[i];
		const struct phone_options options = {
			.protected_error = script->protected_error,
			.read_error = script->read_error,
		};
		uint8_t request[PHONE_MTU];
		uint8_t expected[PHONE_MTU];
		uint8_t answer[PHONE_MTU];
		size_t request_len = ag_sim_octets(script->request, request);
		size_t expected_len = ag_sim_octets(script->answer, expected);
		size_t len = phone_server_answer(&options, false, PHONE_MTU, request, request_len,
						 answer);

		cr_expect(len == expected_len && memcmp(answer, expected, len) == 0,
			  "%s: not %s, but opcode %02x of %zu octets", script->request,
			  script->answer, answer[0], len);
	}
}

/* With the default ATT_MTU every answer is cut or split to fit, and discovery still reaches the
 * end. */
Test(phone, lists_all_services_at_the_smallest_mtu)
{
	const struct phone_options options = { 0 };
	uint16_t next = 1;
	unsigned int services = 0;

	while (next) {
		uint8_t request[] = { 0x10, 0, 0, 0xff, 0xff, 0x00, 0x28 };
		uint8_t answer[PHONE_MTU];
		size_t len;

		ag_put_le16(request + 1, next);
		len = phone_server_answer(&options, false, PHONE_DEFAULT_MTU, request,
					  sizeof(request), answer);
		cr_assert_leq(len, PHONE_DEFAULT_MTU);
		if (answer[0] == 0x01)
			break;
		for (size_t at = 2; at < len; at += answer[1], services++)
			next = (uint16_t)(ag_get_le16(answer + at + 2) + 1);
	}
	cr_assert_eq(services, 21);
}
