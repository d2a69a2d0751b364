/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which ATT PDUs keep to their format: each row with what was asked before it. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/wire/att_check.h"
#include "tests/sim/hex.h"

static const struct ag_att_range primary[] = { { 0x0001, 0x0009 }, { 0x0010, 0x001f } };

struct row {
	const char *request; /* hex, or NULL */
	const char *pdu;
	uint16_t type; /* of the attribute named by handle */
};

static bool is_malformed(const struct row *row, uint16_t mtu)
{
	uint8_t request[64], pdu[64];
	struct ag_att_context context = {
		.request = row->request ? request : NULL,
		.request_len = ag_sim_octets(row->request, request),
		.mtu = mtu,
		.limit = mtu,
		.type = row->type,
		.primary = primary,
		.n_primary = 2,
	};
	struct ag_att att;

	ag_att_parse(pdu, ag_sim_octets(row->pdu, pdu), &att);
	return ag_att_is_malformed(&att, &context);
}

#define SERVICES "10 0100 ffff 0028"
#define UUID128  "00112233445566778899aabbccddeeff"

static const struct row good[] = {
	{ NULL, "01 0a 1600 05", 0 },
	{ NULL, "02 1700", 0 },
	{ "02 0502", "03 ffff", 0 },
	{ NULL, "04 0100 ffff", 0 },
	{ NULL, "04 ffff ffff", 0 },
	{ "04 0100 ffff", "05 01 0100 0028 0200 0328", 0 },
	{ "04 0300 0300", "05 02 0300" UUID128, 0 },
	{ "04 0300 0300", "05 01 0300 0229", 0 },
	{ NULL, "06 0100 ffff 0028", 0 },
	{ NULL, "06 0100 ffff 0028 0f18", 0 },
	{ "06 0100 ffff 0028 0f18", "07 0100 0900 1000 ffff", 0 },
	{ "06 0100 ffff 0028 0f18", "07 0100 0100 0200 0200", 0 },
	/* of what is no service the groups say nothing */
	{ "06 0100 ffff 0229 0000", "07 0100 ffff 0200 ffff", 0 },
	{ NULL, "08 0100 ffff 0328", 0 },
	{ NULL, "08 0100 ffff" UUID128, 0 },
	{ "08 0100 ffff 0328", "09 07 0200 02 0300 002a 0400 02 0500 012a", 0 },
	{ "08 0100 ffff 0328", "09 15 0200 02 0300" UUID128, 0 },
	{ "08 0100 ffff 0228", "09 08 0200 1000 1f00 0a18", 0 },
	{ "08 0100 ffff 0228", "09 06 0200 1000 1f00", 0 },
	{ "08 0100 ffff 3a2b", "09 03 0200 01", 0 },
	{ "08 0100 ffff 2a2b", "09 12 0200" UUID128, 0 },
	/* an empty value, and what nobody knows the type of */
	{ "08 0100 ffff 002a", "09 02 0200 0300 0400", 0 },
	{ NULL, "09 02 0200", 0 },
	/* an answer to something else is not compared with it */
	{ "0a 1600", "09 07 0200 02 0300 002a", 0 },
	{ NULL, "0a 0000", 0 },
	{ "0a 1600", "0b", 0 },
	{ "0a 1600", "0b 0100", 0x2900 },
	{ "0a 1600", "0b 00", 0x2b3a },
	{ "0a 1600", "0b" UUID128, 0x2b2a },
	{ NULL, "0c 1600 0001", 0 },
	{ "0c 1600 ff01", "0d 00", 0 },
	{ "0c 1600 ffff", "0d", 0 },
	{ NULL, "0e 0100 0200", 0 },
	{ NULL, "0f", 0 },
	{ NULL, "10 0100 ffff 0028", 0 },
	{ NULL, "10 0100 ffff" UUID128, 0 },
	{ SERVICES, "11 06 0100 0900 0018 1000 ffff 0118", 0 },
	{ SERVICES, "11 14 0100 ffff" UUID128, 0 },
	{ "10 0100 0500 0028", "11 06 0500 0900 0018", 0 },
	{ "10 0100 ffff 0128", "11 06 0a00 0f00 0018 2000 ffff 0118", 0 },
	{ "10 0100 ffff 0529", "11 04 0100 0900", 0 },
	{ NULL, "12 1600", 0 },
	{ NULL, "13", 0 },
	{ NULL, "52 1600", 0 },
	{ NULL, "d2 1600 000102030405060708090a0b", 0 },
	{ NULL, "16 1600 0000", 0 },
	{ NULL, "17 1600 0000", 0 },
	{ NULL, "18 01", 0 },
	{ NULL, "19", 0 },
	{ NULL, "1b 1600", 0 },
	{ NULL, "1b 1600 01", 0 },
	{ NULL, "1d 1600 0100ffff", 0x2a05 },
	{ NULL, "1d 1600 05000500", 0x2a05 },
	{ NULL, "1e", 0 },
	{ NULL, "20 0100 0200", 0 },
	{ NULL, "21 0000 0100 64", 0 },
	/* cut off at the MTU */
	{ NULL, "21 1400 000102030405060708090a0b0c0d0e0f 1011 1200", 0 },
	{ NULL, "23 0100 0100 64 0200 0000", 0 },
	/* opcodes that this version of the specification does not have */
	{ NULL, "3e", 0 },
	{ NULL, "7e 00", 0 },
	{ NULL, "ff 00", 0 },
};

static const struct row bad[] = {
	/* missing and surplus octets, of each opcode that has a length */
	{ NULL, "01 0a 1600", 0 },
	{ NULL, "01 0a 1600 0500", 0 },
	{ NULL, "02 17", 0 },
	{ NULL, "02 170000", 0 },
	{ NULL, "03 17", 0 },
	{ NULL, "03 170000", 0 },
	{ NULL, "04 0100 ff", 0 },
	{ NULL, "04 0100 ffff 00", 0 },
	{ NULL, "06 0100 ffff 00", 0 },
	{ NULL, "08 0100 ffff 03", 0 },
	{ NULL, "08 0100 ffff 032800", 0 },
	{ NULL, "08 0100 ffff" UUID128 "00", 0 },
	{ NULL, "0a 16", 0 },
	{ NULL, "0a 160000", 0 },
	{ NULL, "0c 1600 00", 0 },
	{ NULL, "0c 1600 000000", 0 },
	{ NULL, "0e 0100", 0 },
	{ NULL, "0e 0100 020003", 0 },
	{ NULL, "10 0100 ffff 002800", 0 },
	{ NULL, "12 16", 0 },
	{ NULL, "13 00", 0 },
	{ NULL, "52 16", 0 },
	{ NULL, "d2 1600 000102030405060708090a", 0 },
	{ NULL, "16 1600 00", 0 },
	{ NULL, "17 1600 00", 0 },
	{ NULL, "18", 0 },
	{ NULL, "18 0100", 0 },
	{ NULL, "19 00", 0 },
	{ NULL, "1b 16", 0 },
	{ NULL, "1d 16", 0 },
	{ NULL, "1e 00", 0 },
	{ NULL, "20 0100", 0 },
	{ NULL, "20 0100 020003", 0 },
	/* longer than the MTU */
	{ NULL, "1b 1600 000102030405060708090a0b0c0d0e0f 10111213 14", 0 },
	{ NULL, "3e 0000 000102030405060708090a0b0c0d0e0f 10111213 14", 0 },
	/* MTUs below 23 */
	{ NULL, "02 1600", 0 },
	{ NULL, "03 0000", 0 },
	/* ranges that begin nowhere or end before they start */
	{ NULL, "04 0000 ffff", 0 },
	{ NULL, "04 0200 0100", 0 },
	{ NULL, "06 0000 ffff 0028", 0 },
	{ NULL, "08 0200 0100 0328", 0 },
	{ NULL, "10 0000 0000 0028", 0 },
	/* Find Information: formats, lists, order, range */
	{ "04 0100 ffff", "05 00 0100 0028", 0 },
	{ "04 0100 ffff", "05 03 0100 0028", 0 },
	{ "04 0100 ffff", "05 01 0100", 0 },
	{ "04 0100 ffff", "05 01 0100 0028 02", 0 },
	{ "04 0100 ffff", "05 02 0100 0028", 0 },
	{ "04 0100 ffff", "05 01 0000 0028", 0 },
	{ "04 0100 ffff", "05 01 0200 0028 0100 0328", 0 },
	{ "04 0100 ffff", "05 01 0100 0028 0100 0328", 0 },
	{ "04 0300 0500", "05 01 0200 0028", 0 },
	{ "04 0300 0500", "05 01 0600 0028", 0 },
	/* Find By Type Value */
	{ "06 0100 ffff 0028 0f18", "07", 0 },
	{ "06 0100 ffff 0028 0f18", "07 0100 0900 10", 0 },
	{ "06 0100 ffff 0028 0f18", "07 0900 0100", 0 },
	{ "06 0100 ffff 0028 0f18", "07 0100 0900 0900 1000", 0 },
	{ "06 0100 ffff 0028 0f18", "07 0100 0900 0100 0900", 0 },
	{ "06 1000 ffff 0028 0f18", "07 0100 0900", 0 },
	{ "06 0100 ffff 0229 0000", "07 0200 0200 0100 0100", 0 },
	/* Read By Type: entries of no length, of a wrong one, in a wrong order, out of range */
	{ "08 0100 ffff 002a", "09 00 0200", 0 },
	{ "08 0100 ffff 002a", "09 01 0200", 0 },
	{ "08 0100 ffff 002a", "09 03 0200", 0 },
	{ "08 0100 ffff 002a", "09 03 0200 01 0300", 0 },
	{ "08 0100 ffff 0328", "09 06 0200 02 0300 00", 0 },
	{ "08 0100 ffff 0328", "09 08 0200 02 0300 002a 00", 0 },
	{ "08 0100 ffff fb349b5f80000080 00100000 0328 0000", "09 06 0200 02 0300 00", 0 },
	{ "08 0100 ffff 0228", "09 07 0200 1000 1f00 00", 0 },
	{ "08 0100 ffff 0328", "09 07 0400 02 0500 002a 0200 02 0300 012a", 0 },
	{ "08 0100 ffff 0328", "09 07 0000 02 0100 002a", 0 },
	{ "08 0500 0700 0328", "09 07 0200 02 0300 002a", 0 },
	{ "08 0500 0700 0328", "09 07 0800 02 0900 002a", 0 },
	{ "08 0100 ffff 3a2b", "09 02 0200", 0 },
	{ "08 0100 ffff 2a2b", "09 04 0200 0102", 0 },
	{ "08 0100 ffff 0029", "09 02 0200", 0 },
	/* values that a client trusts in */
	{ "0a 1600", "0b", 0x2900 },
	{ "0a 1600", "0b 01", 0x2900 },
	{ "0a 1600", "0b 010000", 0x2900 },
	{ "0a 1600", "0b", 0x2b3a },
	{ "0a 1600", "0b 0102", 0x2b2a },
	/* a part that begins behind 512 octets */
	{ "0c 1600 0002", "0d 00", 0 },
	{ "0c 1600 fe01", "0d 000102", 0 },
	/* Read By Group Type: services */
	{ SERVICES, "11 00 0100 0900", 0 },
	{ SERVICES, "11 03 0100 0900", 0 },
	{ SERVICES, "11 04 0100 0900", 0 },
	{ SERVICES, "11 05 0100 0900 00", 0 },
	{ SERVICES, "11 08 0100 0900 0018 0000", 0 },
	{ SERVICES, "11 06 0100 0900 0018 1000", 0 },
	{ SERVICES, "11 06 0100 0900", 0 },
	{ SERVICES, "11 06 0900 0100 0018", 0 },
	{ SERVICES, "11 06 0000 0900 0018", 0 },
	{ SERVICES, "11 06 0100 0900 0018 0900 0f00 0118", 0 },
	{ SERVICES, "11 06 0100 0900 0018 0500 0600 0118", 0 },
	{ SERVICES, "11 06 0100 0900 0018 0100 0900 0018", 0 },
	{ SERVICES, "11 06 1000 1f00 0018 0100 0900 0118", 0 },
	{ "10 1000 ffff 0028", "11 06 0100 0900 0018", 0 },
	{ "10 0100 0500 0028", "11 06 0600 0900 0018", 0 },
	/* … a secondary one in a primary one */
	{ "10 0100 ffff 0128", "11 06 0200 0300 0018", 0 },
	{ "10 0100 ffff 0128", "11 06 0a00 1000 0018", 0 },
	{ "10 0100 ffff 0128", "11 06 1f00 2000 0018", 0 },
	/* Service Changed */
	{ NULL, "1d 1600 0100ff", 0x2a05 },
	{ NULL, "1d 1600 0100ffff00", 0x2a05 },
	{ NULL, "1d 1600", 0x2a05 },
	{ NULL, "1d 1600 02000100", 0x2a05 },
	{ NULL, "1b 1600 02000100", 0x2a05 },
	/* tuples */
	{ NULL, "21 0000 0200 64", 0 },
	{ NULL, "21 0000 01", 0 },
	{ NULL, "23 0100 0100 64 0200 0100", 0 },
	{ NULL, "23 0100 0100 64 0200", 0 },
	{ NULL, "23 0100 0100 64 020000", 0 },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

Test(att_check, what_keeps_to_its_format)
{
	for (size_t i = 0; i < COUNT(good); i++)
		cr_expect(!is_malformed(&good[i], 23), "%s: %s", good[i].request, good[i].pdu);
}

Test(att_check, what_does_not)
{
	for (size_t i = 0; i < COUNT(bad); i++)
		cr_expect(is_malformed(&bad[i], 23), "%s: %s", bad[i].request, bad[i].pdu);
}

/* Vol 3 Part F, 3.2.9: 512 octets, whatever the MTU is. What a client writes is refused by the
 * server (3.4.5.1), which has an error for it. */
Test(att_check, values_end_at_512_octets)
{
	static const struct {
		uint8_t opcode;
		size_t head;
		bool told;
	} rows[] = {
		{ 0x0b, 1, true },  { 0x0d, 1, true },  { 0x1b, 3, true },  { 0x1d, 3, true },
		{ 0x12, 3, false }, { 0x52, 3, false }, { 0x16, 5, false }, { 0x0f, 1, false }
	};
	struct ag_att_context context = { .mtu = 600, .limit = 600 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t pdu[600] = { rows[i].opcode, 1 };
		struct ag_att att;

		ag_att_parse(pdu, rows[i].head + 512, &att);
		cr_expect(!ag_att_is_malformed(&att, &context), "%02x", rows[i].opcode);
		ag_att_parse(pdu, rows[i].head + 513, &att);
		cr_expect_eq(ag_att_is_malformed(&att, &context), rows[i].told, "%02x",
			     rows[i].opcode);
	}
}

/* Where no request is known its range is everything, and its type none. */
Test(att_check, types_asked_for)
{
	uint8_t pdu[32];

	cr_expect_eq(ag_att_type_asked(pdu, ag_sim_octets("10 0100 ffff 0028", pdu)), 0x2800);
	cr_expect_eq(ag_att_type_asked(pdu, ag_sim_octets("06 0100 ffff 0128 0f18", pdu)), 0x2801);
	cr_expect_eq(ag_att_type_asked(pdu, ag_sim_octets("08 0100 ffff fb349b5f8000008000100000"
							  "03280000",
							  pdu)),
		     0x2803);
	cr_expect_eq(ag_att_type_asked(pdu, ag_sim_octets("08 0100 ffff" UUID128, pdu)), 0);
	cr_expect_eq(ag_att_type_asked(pdu, ag_sim_octets("0a 1600", pdu)), 0);
	cr_expect_eq(ag_att_type_asked(pdu, ag_sim_octets("10 0100 ffff", pdu)), 0);
	cr_expect_eq(ag_att_type_asked(pdu, 0), 0);
}
