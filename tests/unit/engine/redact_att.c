/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names and keys that ATT and SMP carry, and the links and peers they belong to. */

#include <criterion/criterion.h>

#include "tests/unit/engine/redact_samples.h"

TestSuite(redact_att, .init = set_up, .fini = tear_down);

Test(redact_att, keys_that_pairing_distributes)
{
	PLAY({ false, 6, "01 04 00 01 10 07 07" },
	     { true, 6, "03 00112233445566778899aabbccddeeff" },
	     { false, 6, "04 00112233445566778899aabbccddeeff" }, { false, 6, "06 " K16 },
	     { false, 6, "07 KKKK " K4 K4 }, { true, 6, "08 " K16 }, { true, 6, "09 01 " P6 },
	     { true, 6, "0a " K16 }, { true, 6, "0b 01" }, { false, 6, "0c " K32 K32 },
	     { false, 6, "0d 00112233445566778899aabbccddeeff" }, { false, 7, "08 " K16 },
	     { false, 6, "05 08" }, { true, 5, "12 01 0800 06000c0000002a00" });
}

Test(redact_att, a_name_read_by_its_type)
{
	PLAY({ true, 4, "08 0100 ffff 002a" }, { false, 4, "09 06 0300 " N4 },
	     { true, 4, "08 0100 ffff 012a" }, { false, 4, "09 04 0500 4000" },
	     { true, 4, "0c 0300 0100" }, { false, 4, "0d NNNNNN" }, { true, 4, "0a 0500" },
	     { false, 4, "0b 4000" }, { true, 4, "12 0300 " N4 }, { false, 4, "13" },
	     /* the other side's handles are others */
	     { false, 4, "0a 0300" }, { true, 4, "0b 11223344" });
}

Test(redact_att, a_name_of_a_long_uuid)
{
	PLAY({ false, 4, "08 0100 ffff fb349b5f80000080001000 00002a0000" },
	     { true, 4, "09 06 0300 " N4 },
	     { false, 4, "08 0100 ffff fb349b5f80000080001001 00002a0000" },
	     { true, 4, "09 06 0300 11223344" });
}

Test(redact_att, a_name_found_by_its_declaration)
{
	PLAY({ true, 4, "08 0100 ffff 0328" },
	     { false, 4, "09 07 0200 02 0300 002a 0400 02 0500 012a" }, { true, 4, "0a 0500" },
	     { false, 4, "0b 4000" }, { true, 4, "0a 0300" }, { false, 4, "0b " N4 N4 N4 N4 },
	     { true, 4, "0e 0500 0300" }, { false, 4, "0f NNNN" N4 },
	     { false, 4, "23 0500 0300 400011 0300 0400 " N4 "0300 0000 0700 0200 1122" },
	     { true, 4, "0e 0500 0700" }, { false, 4, "0f 40001122" }, { false, 4, "1b 0300 " N4 },
	     { false, 4, "1b 0500 11223344" }, { true, 4, "16 0300 0000 " N4 },
	     { false, 4, "17 0300 0000 " N4 }, { true, 4, "06 0100 ffff 002a " N4 },
	     { true, 4, "06 0100 ffff 0028 0f18" });
}

Test(redact_att, a_name_found_by_information)
{
	PLAY({ true, 4, "04 0100 0500" }, { false, 4, "05 01 0200 0328 0300 002a" },
	     { true, 4, "0a 0300" }, { false, 4, "0b " N4 }, { true, 4, "04 0100 0500" },
	     { false, 4, "05 02 0700 fb349b5f800000800010 0000 002a 0000" }, { true, 4, "0a 0700" },
	     { false, 4, "0b " N4 });
}

/* A handle that is given to another link says nothing about its attributes. */
Test(redact_att, another_link_has_other_handles)
{
	const struct line learn[] = { { true, 4, "08 0100 ffff 002a" },
				      { false, 4, "09 06 0300 " N4 },
				      { true, 4, "0a 0300" } };
	const struct line other[] = { { true, 4, "0a 0300" }, { false, 4, "0b 11223344" } };

	for (size_t i = 0; i < 3; i++)
		pass(&learn[i], MAX);
	expect_redacted("04 3e 13 01 00 4000 01 01 " P6 "1800 0000 2a00 01", false);
	for (size_t i = 0; i < 2; i++)
		pass(&other[i], MAX);
}

Test(redact_att, what_has_no_beginning_is_blanked)
{
	expect_redacted("02 4010 0400 " K4, false);
	/* a response whose request is not there; octets behind the end of a PDU */
	expect_redacted("02 4020 0700 0300 0400 0bNNNN", false);
	expect_redacted("02 4020 0900 0300 0400 1b1122KKKK", false);
	expect_redacted("02 4010 0200 KKKK", false);
	/* the recording has cut the key, and has the rest of the PDU */
	expect_redacted("02 4020 0800 1100 0600 06 KK", false);
	expect_redacted("02 4010 0d00 " K4 K4 K4 "KK", false);
	expect_redacted("02 40", false);
}

Test(redact_att, more_links_than_are_remembered)
{
	for (unsigned int i = 0; i < 3 * AG_REDACT_LINKS; i++) {
		uint8_t start[] = { 0x02, (uint8_t)i, 0x20, 6, 0, 17, 0, 6, 0, 8, 0x55 };
		uint8_t rest[] = { 0x02, (uint8_t)i, 0x10, 2, 0, 0x55, 0x55 };

		ag_redact_packet(redactor, 0, false, start, sizeof(start));
		ag_redact_packet(redactor, 0, false, rest, sizeof(rest));
		cr_expect_eq(start[10], 0);
		cr_expect_eq(rest[5], 0);
	}
}

/* Who comes back is not discovered again; its name is where it was, by another handle of the link
 * too. What failed, or was cut, is no link. */
Test(redact_att, a_peer_that_comes_back)
{
	static const char other[] = "04 3e 13 01 00 4000 01 01 112233445566 1800 0000 2a00 01";
	uint8_t packet[3 + 19];
	struct sample sample = parse(other);

	expect_redacted("04 3e 13 01 00 4000 01 01 " P6 "1800 0000 2a00 01", false);
	pass(&(struct line){ true, 4, "08 0100 ffff 002a" }, MAX);
	pass(&(struct line){ false, 4, "09 06 0300 " N4 }, MAX);
	pass(&(struct line){ false, 4, "08 0100 ffff 002a" }, MAX);
	pass(&(struct line){ true, 4, "09 06 0700 " N4 }, MAX);
	/* a connection that failed has no handle */
	expect_redacted("04 3e 13 01 3e 4000 01 01 " P6 "1800 0000 2a00 01", false);
	pass(&(struct line){ true, 4, "0a 0300" }, MAX);
	pass(&(struct line){ false, 4, "0b " N4 }, MAX);
	memcpy(packet, sample.before, sizeof(packet));
	ag_redact_packet(redactor, 0, false, packet, sizeof(packet));
	pass(&(struct line){ true, 4, "0a 0300" }, MAX);
	pass(&(struct line){ false, 4, "0b 11223344" }, MAX);
	/* the host's own name is the same for everybody */
	pass(&(struct line){ false, 4, "0a 0700" }, MAX);
	pass(&(struct line){ true, 4, "0b " N4 }, MAX);
	expect_redacted("04 3e 1f 0a 00 4100 01 01 " P6 "000000000000 000000000000 1800 0000 2a00 "
			"01",
			false);
	expect_redacted("02 4100 0700 0300 0400 0a 0300", true);
	expect_redacted("02 4120 0900 0500 0400 0b " N4, false);
	expect_redacted("04 03 0b 00 4200 " P6 "01 00", false);
	expect_redacted("02 4200 0700 0300 0400 0a 0300", true);
	expect_redacted("02 4220 0900 0500 0400 0b " N4, false);
}

/* A peer is forgotten for others; its link goes on. */
Test(redact_att, more_peers_than_are_remembered)
{
	expect_redacted("04 3e 13 01 00 4000 01 01 " P6 "1800 0000 2a00 01", false);
	pass(&(struct line){ true, 4, "08 0100 ffff 002a" }, MAX);
	pass(&(struct line){ false, 4, "09 06 0300 " N4 }, MAX);
	for (unsigned int i = 0; i < AG_REDACT_PEERS; i++) {
		uint8_t packet[22] = { 0x04, 0x3e, 19, 1, 0, 0x41 };

		packet[9] = (uint8_t)i;
		packet[10] = 1;
		ag_redact_packet(redactor, 0, false, packet, sizeof(packet));
	}
	pass(&(struct line){ true, 4, "0a 0300" }, MAX);
	pass(&(struct line){ false, 4, "0b " N4 }, MAX);
	expect_redacted("04 3e 13 01 00 4200 01 01 " P6 "1800 0000 2a00 01", false);
	expect_redacted("02 4200 0700 0300 0400 0a 0300", true);
	expect_redacted("02 4220 0900 0500 0400 0b 11223344", false);
	/* nor does what others learn change what it knows */
	expect_redacted("02 4200 0b00 0700 0400 08 0100 ffff 002a", true);
	expect_redacted("02 4220 0a00 0600 0400 09 04 0900 NNNN", false);
	pass(&(struct line){ true, 4, "0a 0900" }, MAX);
	pass(&(struct line){ false, 4, "0b 11223344" }, MAX);
}

/* A request that the recording has not whole could be for the name. */
Test(redact_att, responses_to_requests_that_are_cut)
{
	expect_redacted("02 4000 0700 0300 0400 0a", true);
	expect_redacted("02 4020 0700 0300 0400 0bNNNN", false);
	expect_redacted("02 4000 0b00 0700 0400 08 0100 ffff", true);
	expect_redacted("02 4020 0a00 0600 0400 09 04 0300 NNNN", false);
	expect_redacted("02 4000 0b00 0700 0400 08 0100 ffff 002a", true);
	expect_redacted("02 4020 0800 0400 0400 09 01 NNNN", false);
	/* nothing of the second request is there, so the response may be to that */
	expect_redacted("02 4000 0700 0300 0400 0a 0500", true);
	expect_redacted("02 4000 0700 0300 0400", true);
	expect_redacted("02 4020 0700 0300 0400 0bNNNN", false);
	/* of a PDU whose beginning was cut the rest can be anything */
	expect_redacted("02 4020 0800 0700 0400 1b", false);
	expect_redacted("02 4010 0300 NNNNNN", false);
	expect_redacted("02 4020 0800 1100 0600", false);
	expect_redacted("02 4010 0d00 " K4 K4 K4 "KK", false);
}
