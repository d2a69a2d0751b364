/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands, events, addresses, and records that are no packets. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/wire/btsnoop.h"
#include "tests/unit/engine/redact_samples.h"

TestSuite(redact, .init = set_up, .fini = tear_down);

/* ---- Commands and events ---- */

static const char *const commands[] = {
	"01 0504 0d " P6 "18cc 02 00 0000 01",
	"01 0804 06 " P6,
	"01 0904 07 " P6 "01",
	"01 0b04 16 " P6 K16,
	"01 0c04 06 " P6,
	"01 0d04 17 " P6 "04 " K16,
	"01 1904 0a " P6 "01 00 0000",
	"01 2b04 09 " P6 "03 00 02",
	"01 2e04 0a " P6 K4,
	"01 3004 26 " P6 K32,
	"01 4204 1c 01 " P6 "01 1000 11223344 11223344 0020 05 00 0810 ffffffffffffffffff7f",
	"01 4404 0c " P6 "0020 1000 2000",
	"01 4504 46 " P6 K32 K32,
	"01 0b08 07 " P6 "00",
	"01 050c 08 01 02 " P6,
	"01 050c 08 02 01 112233445566",
	"01 110c 2d 02 " P6 K16 P6 K16,
	"01 120c 07 " P6 "00",
	"01 130c 08 " N4 "00000000",
	"01 520c 15 00 040a001122 0509 " N4 " 021aff 00000000",
	/* hash, randomizer, TK; what has the type of a TK and another length is Device ID */
	"01 520c 3a 00 110e " K16 "110f " K16 "1110 " K16 "0510 01020304",
	/* in Secure Connections, and of a set */
	"01 520c 4f 00 111d " K16 "111e " K16 "1122 " K16 "1123 " K16 "072e " K4 "KKKK",
	"01 0520 06 " P6,
	"01 0620 0f a000a000 00 00 00 " P6 "07 00",
	"01 0820 20 0b 020106 0608 NN " N4 " 000000000000000000000000000000000000000000",
	"01 0920 20 09 08ff112233445566 77 0000000000000000000000000000000000000000000000",
	"01 0d20 19 60003000 00 00 " P6 "00 1800280000002a0000000000",
	"01 1120 07 01 " P6,
	"01 1720 20 " K32,
	"01 1920 1c 4000 " K4 K4 "KKKK" K16,
	"01 1a20 12 4000 " K16,
	"01 2620 40 " K32 K32,
	"01 2720 27 00 " P6 K32,
	"01 2b20 07 00 " P6,
	"01 3520 07 01 " P6,
	"01 3620 19 01 1300 a00000 a00000 07 00 00 " P6 "00 7f 01 00 01 00 00",
	"01 3720 0a 01 03 01 06 0509 " N4,
	"01 3720 08 01 02 01 04 " N4,
	"01 3f20 08 01 01 05 0430 NNNNNN",
	"01 4320 1a 00 00 01 " P6 "01 60006000 1800280000002a0000000000",
	"01 4420 0e 00 01 00 " P6 "0000 0002 00",
	"01 5e20 41 " K32 K32 "01",
	"01 6920 24 01 00 01 102700 0800 01 2800 2800 02 00 00 01 01 00 01 " K16,
	"01 8220 15 00 02 00 00 01 03 021aff 01 00 01 06 0509 " N4,
	"01 8320 0e 0100 0000 00 00 00 06 0509 " N4,
	"01 01fc 06 " P6,
	"01 03 0c 00",
	"01 01",
	"01",
};

static const char *const events[] = {
	"04 03 0b 00 4000 " P6 "01 00",
	"04 04 0a " P6 "0c025a 01",
	"04 02 0f 01 " P6 "01 00 00 0c025a 1122",
	"04 22 1d 02 " P6 "01 00 0c025a 1122 c0 " P6 "01 00 0c025a 1122 c0",
	"04 2f 1c 01 " P6 "01 00 0c025a 1122 c0 0509 " N4 "020a08 0000",
	"04 07 0d 00 " P6 N4 "0000",
	"04 12 08 00 " P6 "01",
	"04 15 17 01 " P6 K16,
	"04 17 06 " P6,
	"04 18 17 " P6 K16 "04",
	"04 33 0a " P6 K4,
	"04 36 07 00 " P6,
	"04 3b 0a " P6 K4,
	"04 0e 0a 01 0910 00 " P6,
	"04 0e 0a 01 0b04 00 " P6,
	"04 0e 0c 01 140c 00 " N4 "00000000",
	"04 0e 24 01 570c 00 " K32,
	"04 0e 14 01 1720 00 " K16,
	"04 0e 0a 01 2b20 00 " P6,
	"04 0e 0b 01 4204 00 " P6 "01",
	"04 0e 04 01 030c 00",
	"04 3e 13 01 00 4000 01 01 " P6 "1800 0000 2a00 01",
	"04 3e 1f 0a 00 4000 01 01 " P6 P6 P6 "1800 0000 2a00 01",
	"04 3e 1f 0a 00 4000 01 01 " P6 "000000000000 000000000000 1800 0000 2a00 01",
	"04 3e 1f 02 01 00 01 " P6 "0d 020106 0509 " N4 "0303 0f18 c0",
	"04 3e 22 02 02 00 01 " P6 "06 0509 " N4 "c0 04 00 " P6 "08 0717 " P6 "c0",
	"04 3e 0d 05 4000 " K4 K4 "KKKK",
	"04 3e 42 08 00 " K32 K32,
	"04 3e 22 09 00 " K32,
	"04 3e 12 0b 01 01 00 " P6 "01 " P6 "c0",
	"04 3e 20 0d 01 1300 01 " P6 "01 00 ff 7f c0 0000 00 " P6 "06 0509 " N4,
	"04 3e 0f 0e 00 0100 02 01 " P6 "01 2000 00",
	"04 3e 0e 0f 0100 7f c0 ff 00 06 0509 " N4,
	"04 3e 11 25 0100 7f c0 ff 0000 00 00 06 0509 " N4,
	"04 3e 1a 28 00 00 00 02 7f c0 ff 00 00 03 021aff 7f c0 ff 01 00 06 0509 " N4,
	"04 13 05 01 4000 0100",
	"04 3e 00",
	"04 05",
	"04",
};

Test(redact, commands_and_events)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		expect_redacted(commands[i], true);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		expect_redacted(events[i], false);
}

/* An address that the structure has not whole is no address, and is blanked. */
Test(redact, an_address_that_is_cut)
{
	expect_redacted("01 0820 20 06 051b KKKKKKKK 0000000000000000000000000000000000000000000000"
			"0000",
			true);
}

/* Cut anywhere, a packet is redacted as far as it goes, and nothing behind it is touched. */
Test(redact, packets_that_are_cut)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct sample sample = parse(events[i]);

		for (size_t len = 0; len <= sample.len; len++) {
			uint8_t *copy = malloc(len + 1);

			memcpy(copy, sample.before, len);
			copy[len] = 0xa5;
			ag_redact_packet(redactor, 0, false, copy, len);
			cr_expect_eq(copy[len], 0xa5);
			free(copy);
		}
	}
}

Test(redact, data_that_goes_on_in_the_next_report)
{
	expect_redacted(
	    "04 3e 20 0d 01 3300 01 " P6 "01 00 05 7f c0 0000 00 000000000000 06 1e09 " N4, false);
	expect_redacted("04 3e 1e 0d 01 3300 01 " P6 "01 00 05 7f c0 0000 00 000000000000 04 " N4,
			false);
	expect_redacted("04 3e 1e 0d 01 1300 01 " P6 "01 00 05 7f c0 0000 00 000000000000 04 " N4,
			false);
	expect_redacted(
	    "04 3e 1e 0d 01 1300 01 " P6 "01 00 05 7f c0 0000 00 000000000000 04 03ff1122", false);
}

/* Of two trains, and of two subevents of one. */
Test(redact, periodic_data_that_goes_on_in_the_next_report)
{
	expect_redacted("04 3e 0e 0f 0100 7f c0 ff 01 06 1e09 " N4, false);
	expect_redacted("04 3e 0c 0f 0200 7f c0 ff 00 04 03ff1122", false);
	expect_redacted("04 3e 0c 0f 0100 7f c0 ff 01 04 " N4, false);
	expect_redacted("04 3e 0c 0f 0100 7f c0 ff 00 04 " N4, false);
	expect_redacted("04 3e 0c 0f 0100 7f c0 ff 00 04 03ff1122", false);
	expect_redacted("04 3e 11 25 0100 7f c0 ff 0000 00 01 06 1e09 " N4, false);
	expect_redacted("04 3e 0f 25 0100 7f c0 ff 0000 01 00 04 03ff1122", false);
	expect_redacted("04 3e 0f 25 0100 7f c0 ff 0000 00 00 04 " N4, false);
	expect_redacted("04 3e 0f 25 0100 7f c0 ff 0100 00 00 04 03ff1122", false);
}

/* ---- Addresses ---- */

Test(redact, addresses_are_permuted)
{
	static bool taken[64];
	uint8_t one[6], zeros[6] = { 0 };

	for (unsigned int i = 0; i < 256; i++) {
		memcpy(one, address, sizeof(one));
		one[5] = (uint8_t)i;
		ag_redact_address(redactor, one);
		cr_expect_eq(one[5] & 0xc0, i & 0xc0, "the kind of random address");
		cr_expect_eq(memcmp(one, replaced, 5), 0);
		if (i < 64) {
			cr_expect_not(taken[one[5]]);
			taken[one[5]] = true;
		}
	}
	cr_expect_neq(memcmp(address, replaced, 3), 0);
	ag_redact_address(redactor, zeros);
	for (size_t i = 0; i < 6; i++)
		cr_expect_eq(zeros[i], 0);
}

Test(redact, another_key_gives_other_addresses)
{
	struct ag_redactor *other = ag_redactor_new((const uint8_t *)"another key, 16.");
	uint8_t one[6];

	memcpy(one, address, sizeof(one));
	ag_redact_address(other, one);
	cr_expect_neq(memcmp(one, replaced, sizeof(one)), 0);
	free(other);
}

/* ---- Records that are no packets ---- */

static void expect_record(uint16_t opcode, const char *text)
{
	struct sample sample = parse(text);

	ag_redact_record(redactor, opcode, sample.before, sample.len);
	expect_octets(text, sample.before, sample.after, sample.len);
}

Test(redact, records_of_the_monitor)
{
	static const char own[] = "\x06\x08"
				  "attgate\0#1 accept: Read Request";
	static const char other[] = "\x06\x0b"
				    "bluetoothd\0key 1234";
	uint8_t text[64];

	expect_record(AG_MONITOR_NEW_INDEX, "00 01 " P6 "6863693000000000");
	expect_record(AG_MONITOR_INDEX_INFO, P6 "0f00");
	expect_record(AG_MONITOR_CTRL_EVENT, "01000000 0a00 " K32);
	expect_record(AG_MONITOR_CTRL_COMMAND, "01000000 1200 KKKKKKKK");
	expect_record(AG_MONITOR_VENDOR_DIAG, K32);
	expect_record(AG_MONITOR_SYSTEM_NOTE, "4c696e757800");
	expect_record(AG_MONITOR_NEW_INDEX, "00");
	expect_record(AG_MONITOR_USER_LOGGING, "06");
	memcpy(text, own, sizeof(own));
	ag_redact_record(redactor, AG_MONITOR_USER_LOGGING, text, sizeof(own));
	expect_octets("own", text, (const uint8_t *)own, sizeof(own));
	memcpy(text, other, sizeof(other));
	ag_redact_record(redactor, AG_MONITOR_USER_LOGGING, text, sizeof(other));
	cr_expect_str_eq((const char *)text + 13, "........");
}
