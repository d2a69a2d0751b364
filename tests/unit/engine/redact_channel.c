/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Channels that signalling opens, and frames of which octets are missing. */

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/engine/redact_samples.h"

TestSuite(redact_channel, .init = set_up, .fini = tear_down);

/* The host opens two enhanced bearers: 0x0040 and 0x0041 are its ends, 0x0050 and 0x0051 the
 * peer's. */
#define OPEN_EATT                                                                                  \
	{ true, 5, "17 01 0c00 2700 4000 4000 0500 4000 4100" },                                   \
	{                                                                                          \
		false, 5, "18 01 0c00 4000 4000 0500 0000 5000 5100"                               \
	}

Test(redact_channel, a_name_on_enhanced_bearers)
{
	PLAY(OPEN_EATT, { true, 0x50, "0700 08 0100 ffff 002a" }, { false, 0x40, "0800 09 06" },
	     { true, 0x51, "0300 0a 0500" }, { false, 0x40, "0300 NN" }, { false, 0x40, "NNNNNN" },
	     { false, 0x41, "0300 0b 4000" }, { true, 0x51, "0500 0c 0300" },
	     { true, 0x51, "0100" }, { true, 0x50, "0300 0a 0700" }, { false, 0x41, "0500 0d" N4 },
	     { false, 0x40, "0300 0b 4000" }, { true, 0x51, "0700 12 0300 " N4 },
	     { false, 0x41, "0100 13" }, { true, 0x51, "0900 16 0300 0000 " N4 },
	     { false, 0x41, "0900 17 0300 0000 NN" }, { false, 0x41, "NNNNNN" },
	     { false, 0x40, "0000" }, { false, 0x40, "0e00 23 0300 0400 " N4 " 0500 0100 40" },
	     /* the fixed channel's attributes are the same */
	     { true, 4, "0a 0300" }, { false, 4, "0b " N4 });
}

Test(redact_channel, a_name_on_a_bearer_of_le_credits)
{
	PLAY({ false, 5, "14 07 0a00 2700 4000 4000 4000 0500" },
	     { true, 5, "15 07 0a00 5000 4000 4000 0500 0000" },
	     { false, 0x50, "0700 08 0100 ffff 002a" }, { true, 0x40, "0800 09 06 0300 " N4 });
}

Test(redact_channel, a_name_over_bredr)
{
	/* several commands in a PDU; the response is pending first */
	PLAY({ true, 1, "08 03 0100 55 02 01 0400 1f00 4000" },
	     { false, 1, "03 01 0800 5000 4000 0100 0200" },
	     { false, 1, "03 01 0800 5000 4000 0000 0000 04 09 0800 4000 0000 0102 0002" },
	     { true, 1, "04 02 0f00 5000 0000 0409 00 0000000000000000" },
	     { true, 0x50, "08 0100 ffff 002a" }, { false, 0x40, "09 06 0300 " N4 },
	     { true, 0x50, "0a 0300" }, { false, 0x40, "0b " N4 }, { true, 0x50, "0a 0400" },
	     { false, 0x40, "0b 11223344" });
}

/* What another profile sends is not looked at; what could be anything is blanked. */
Test(redact_channel, channels_that_are_known_and_others)
{
	PLAY({ true, 1, "02 01 0400 1900 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { true, 0x50, "11223344" }, { false, 0x40, "11223344" }, { true, 0x51, K4 },
	     { false, 0x41, K4 }, { true, 5, "14 01 0a00 2500 4100 4000 4000 0500" },
	     { false, 5, "15 01 0a00 5100 4000 4000 0500 0000" }, { true, 0x51, "11223344" },
	     /* refused */
	     { true, 5, "14 02 0a00 2500 4200 4000 4000 0500" },
	     { false, 5, "15 02 0a00 5200 4000 4000 0500 0200" }, { true, 0x52, K4 },
	     { true, 5, "17 03 0c00 2500 4000 4000 0500 4300 4400" },
	     { false, 5, "18 03 0c00 4000 4000 0500 0400 0000 5400" }, { true, 0x54, "1122" },
	     { true, 0x53, "KKKK" },
	     /* closed */
	     { true, 5, "06 04 0400 5400 4400" }, { true, 0x54, "1122" },
	     { false, 5, "07 04 0400 5400 4400" }, { true, 0x54, "KKKK" });
}

/* The first request, for another profile, is refused as a command; its identifier comes again. */
Test(redact_channel, a_request_that_was_never_answered)
{
	PLAY({ true, 1, "02 01 0400 1900 4000" }, { false, 1, "01 01 0200 0000" },
	     { true, 1, "02 01 0400 1f00 4100" }, { false, 1, "03 01 0800 5000 4100 0000 0000" },
	     { true, 0x50, "08 0100 ffff 002a" }, { false, 0x41, "09 06 0300 " N4 });
}

/* In other modes there is more in a frame than the PDU. */
Test(redact_channel, a_channel_in_another_mode)
{
	PLAY({ true, 1, "02 01 0400 1f00 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { false, 1, "04 02 0f00 4000 0000 0409 03 0000000000000000" }, { true, 0x50, K4 },
	     { false, 0x40, K4 });
	PLAY({ true, 1, "02 01 0400 1900 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { false, 1, "04 02 0f00 4000 0000 0409 03 0000000000000000" }, { true, 0x50, "1122" });
}

/* A PDU of no octets ends where it begins. */
Test(redact_channel, pdus_of_no_octets)
{
	PLAY({ true, 4, "" }, { false, 4, "" }, { true, 4, "0a 0500" }, { false, 4, "0b 1122" },
	     { false, 0x70, "" }, { false, 4, "1b 0500 11" });
}

/* Of two channels with one number the older has ended, whatever it was for. */
Test(redact_channel, a_channel_whose_end_was_not_seen)
{
	PLAY({ true, 1, "02 01 0400 1f00 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { false, 0x40, "0b NNNN" }, { true, 1, "02 02 0400 1900 4000" },
	     { false, 1, "03 02 0800 5000 4000 0000 0000" }, { false, 0x40, "0b 1122" });
}

/* A command that is shorter than what it is opens nothing. */
Test(redact_channel, signalling_that_is_too_short)
{
	PLAY({ true, 1, "02 01 0200 1900" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { true, 0x50, "KKKK" });
}

Test(redact_channel, frames_that_cannot_be_followed)
{
	/* more than the SDU said: where the next begins, nobody knows */
	PLAY(OPEN_EATT, { true, 0x50, "0300 0a 0500" }, { false, 0x40, "0300 0b 1122 NN" },
	     { false, 0x40, "NNNN" }, { false, 0x40, "NNNN" }, { true, 0x50, "0300 0a 0500" },
	     { true, 0x51, "0300 0a 0500" }, { false, 0x41, "0300 0b 1122" });
	/* a length of one octet */
	PLAY(OPEN_EATT, { true, 0x50, "03" }, { true, 0x50, "NNNN" },
	     { false, 0x40, "0300 0b NNNN" });
}

/* Octets that the recording left out, of a packet or with the packet. */
Test(redact_channel, frames_of_which_octets_are_missing)
{
	const struct line open[] = { OPEN_EATT, { true, 0x50, "0700 08 0100 ffff 002a" } };

	for (size_t i = 0; i < 3; i++)
		pass(&open[i], MAX);
	/* the second packet of the first frame is missing: the SDU has 4 octets less */
	expect_redacted("02 4020 0800 0a00 4000 0c00 09 0a", false);
	expect_redacted("02 4020 0800 0400 4000 " N4, false);
	expect_redacted("02 4000 0900 0500 5000 0300 0a 0500", true);
	/* of this one the recording has not all */
	expect_redacted("02 4020 0c00 0800 4000 0600 0b 11", false);
	expect_redacted("02 4000 0900 0500 5000 0300 0a 0500", true);
	expect_redacted("02 4020 0900 0500 4000 0300 0b 1122", false);
	/* here the length is */
	expect_redacted("02 4020 0c00 0800 4000", false);
	expect_redacted("02 4020 0600 0200 4000 NNNN", false);
}

/* Which channel the missing PDU was for, or what it opened and closed, is not known. */
Test(redact_channel, what_was_missing_could_be_anything)
{
	static const char *const missing[] = {
		"02 4020 0a00 0600 40",          /* a packet is cut in the header */
		"02 4020 0c00 0800 0100 06 04",  /* signalling is cut */
		"02 4020 0600 0800 0100 06 04 ", /* the rest of signalling is not there */
		"02 4020 0200 0800",             /* the rest of the header is not there */
	};
	const struct line open[] = { OPEN_EATT, { true, 0x51, "0300 0a 0500" } };
	const struct line after[] = { { false, 4, "1b 0500 11" }, { false, 0x41, "KKKKKK" } };

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		for (size_t j = 0; j < 3; j++)
			pass(&open[j], MAX);
		pass(&after[0], MAX);
		pass(&(struct line){ false, 0x41, "0300 0b 1122" }, MAX);
		expect_redacted(missing[i], false);
		pass(&after[0], MAX);
		pass(&after[1], MAX);
	}
}

/* What follows in the PDU is of the same kind as before, and what is open stays so. */
Test(redact_channel, the_rest_of_a_pdu_of_which_octets_are_missing)
{
	const struct line open[] = {
		{ true, 1, "02 01 0400 1900 4000" },
		{ false, 1, "03 01 0800 5000 4000 0000 0000" },
	};

	for (size_t i = 0; i < 2; i++)
		pass(&open[i], MAX);
	expect_redacted("02 4020 0a00 0a00 4000 1122", false);
	expect_redacted("02 4010 0400 33445566", false);
	expect_redacted("02 4020 0600 0200 4000 1122", false);
	/* of signalling nothing is read any more, and nobody knows what it opened or closed */
	expect_redacted("02 4020 0c00 0c00 0100 0604", false);
	expect_redacted("02 4010 0400 01020304", false);
	expect_redacted("02 4020 0600 0200 4000 KKKK", false);
}

Test(redact_channel, more_channels_than_are_remembered)
{
	char ask[64], answer[64];

	for (unsigned int i = 0; i < 3 * 20; i++) {
		struct line lines[] = { { true, 1, ask }, { false, 1, answer } };
		struct line talk = { true, (uint16_t)(0x80 + i), "1122" };

		snprintf(ask, sizeof(ask), "02 01 0400 1900 %02x00", 0x40 + i);
		snprintf(answer, sizeof(answer), "03 01 0800 %02x00 %02x00 0000 0000", 0x80 + i,
			 0x40 + i);
		pass(&lines[0], MAX);
		pass(&lines[1], MAX);
		pass(&talk, MAX);
	}
	for (unsigned int i = 0; i < 2 * 20; i++) {
		struct line talk = { true, (uint16_t)(0x80 + i), "KKKK" };

		pass(&talk, MAX);
	}
	pass(&(struct line){ true, 0x80 + 59, "1122" }, MAX);
}
