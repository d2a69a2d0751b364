/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "proxy/wire/att.h"
#include "proxy/wire/h4.h"

TestSuite(wire_att, .timeout = 20);

/* Only a request is refused with an error, and every one with some. */
Test(wire_att, requests_have_an_error_and_nothing_else_has)
{
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		const uint8_t pdu[] = { (uint8_t)opcode };
		struct ag_att att;

		ag_att_parse(pdu, sizeof(pdu), &att);
		cr_expect_eq(ag_att_default_error(&att) != 0, att.kind == AG_ATT_REQUEST, "0x%02x",
			     opcode);
	}
}

TestSuite(wire_h4, .timeout = 20);

Test(wire_h4, lengths)
{
	static const struct {
		uint8_t octets[5];
		size_t len, total;
		int result;
	} cases[] = {
		{ { 0 }, 0, 0, AG_H4_INCOMPLETE },
		{ { 4 }, 1, 0, AG_H4_INCOMPLETE },
		{ { 4, 0x0e }, 2, 0, AG_H4_INCOMPLETE },
		{ { 4, 0x0e, 4 }, 3, 7, 0 },
		{ { 1, 3, 0x0c }, 3, 0, AG_H4_INCOMPLETE },
		{ { 1, 3, 0x0c, 255 }, 4, 259, 0 },
		{ { 2, 0x40, 0x20, 0xff }, 4, 0, AG_H4_INCOMPLETE },
		{ { 2, 0x40, 0x20, 0xff, 0xff }, 5, 65540, 0 },
		{ { 3, 0x40, 0x00, 5 }, 4, 9, 0 },
		{ { 5, 0x40, 0x00, 0xff, 0xff }, 5, 5 + 0x3fff, 0 },
		{ { 6 }, 1, 0, AG_H4_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t total = 0;

		cr_expect_eq(ag_h4_length(cases[i].octets, cases[i].len, &total), cases[i].result);
		cr_expect_eq(total, cases[i].total);
	}
}
