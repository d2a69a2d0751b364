/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service records, and lists of them that go on in another response. */

#include <criterion/criterion.h>

#include "tests/unit/engine/redact_samples.h"

TestSuite(redact_sdp, .init = set_up, .fini = tear_down);

#define OPEN_SDP                                                                                   \
	{ true, 1, "02 01 0400 0100 4000" },                                                       \
	{                                                                                          \
		false, 1, "03 01 0800 5000 4000 0000 0000"                                         \
	}
/* handle, name, HID's descriptors with a text, provider */
#define RECORD                                                                                     \
	"35 2c 09 0000 0a 00010001 09 0100 25 04 " N4                                              \
	" 09 0206 35 0b 35 09 08 22 26 0004 41424300 "                                             \
	"00 09 0102 26 0003 NNNNNN"

Test(redact_sdp, names_of_services)
{
	PLAY(OPEN_SDP, { true, 0x50, "06 0001 000f 3503191002 ffff 35050a0000ffff 00" },
	     { false, 0x40, "07 0001 0033 0030 35 2e " RECORD " 00" },
	     { true, 0x50, "04 0002 000e 00010001 ffff 35050a0000ffff 00" },
	     { false, 0x40, "05 0002 0031 002e " RECORD " 00" },
	     { true, 0x50, "02 0003 0008 3503191002 ffff 00" },
	     { false, 0x40, "03 0003 0009 0001 0001 00010001 00" },
	     { true, 0x50, "04 0004 000e 00010001 ffff 35050a0000ffff 00" },
	     { false, 0x40, "01 0004 0002 0003" });
}

/* A list in two responses, split anywhere. */
Test(redact_sdp, a_list_that_goes_on)
{
	const struct line open[] = { OPEN_SDP };
	struct sample list = parse("35 2e " RECORD);
	uint8_t asks[] = { 6,   0,    1, 0,  17, 0x35, 3,   0x19, 0x10, 2, 255,
			   255, 0x35, 5, 10, 0,  0,    255, 255,  0,    7, 7 };

	for (size_t split = 0; split <= list.len; split++) {
		free(redactor);
		redactor = ag_redactor_new(key);
		pass(&open[0], MAX);
		pass(&open[1], MAX);
		for (int part = 0; part < 2; part++) {
			const struct line from_host = { true, 0x50, "request" };
			const struct line from_peer = { false, 0x40, "response" };
			size_t at = part ? split : 0, len = part ? list.len - split : split;
			struct sample request = { .len = part ? 22 : 20 };
			struct sample response = { .len = 7 + len + (part ? 1 : 3) };
			uint8_t header[] = {
				7, 0, (uint8_t)(1 + part), 0, (uint8_t)(len + 5), 0, (uint8_t)len
			};
			uint8_t state[] = { 2, 7, 7 };

			asks[2] = (uint8_t)(1 + part);
			asks[4] = part ? 17 : 15;
			asks[19] = part ? 2 : 0;
			memcpy(request.before, asks, request.len);
			memcpy(request.after, asks, request.len);
			pass_sample(&from_host, &request, MAX);
			memcpy(response.before, header, 7);
			memcpy(response.before + 7, list.before + at, len);
			memcpy(response.before + 7 + len, state, part ? 0 : 3);
			memcpy(response.after, response.before, response.len);
			memcpy(response.after + 7, list.after + at, len);
			pass_sample(&from_peer, &response, 27);
		}
	}
}

#define ASK(transaction)                                                                           \
	{                                                                                          \
		true, 0x50, "04 " transaction " 000e 00010001 ffff 35050a0000ffff 00"              \
	}

Test(redact_sdp, service_records_that_cannot_be_followed)
{
	/* lengths that do not fit, types that are none, sequences too deep, octets behind the end
	 */
	PLAY(OPEN_SDP, ASK("0001"), { false, 0x40, "05 0001 000a 0007 3503 2504 NNNNNN 00" },
	     ASK("0002"), { false, 0x40, "05 0002 000a 0007 3505 23 " N4 " 00" }, ASK("0003"),
	     { false, 0x40,
	       "05 0003 0018 0015 3513 3511 350f 350d 350b 3509 3507 3505 3503 NNNNNN 00" },
	     ASK("0004"), { false, 0x40, "05 0004 0008 0002 3500 00 NNNNNN" }, ASK("0005"),
	     { false, 0x40, "05 0005 0008 0005 3500 NNNNNN 00" });
	/* no request, another transaction, more of what had ended */
	PLAY(OPEN_SDP, { false, 0x40, "05 0001 0008 0005 NNNNNNNN NN 00" }, ASK("0001"),
	     { false, 0x40, "05 0002 0008 0005 NNNNNNNN NN 00" },
	     { true, 0x50, "04 0003 0010 00010001 ffff 35050a0000ffff 020707" },
	     { false, 0x40, "05 0003 0008 0005 NNNNNNNN NN 00" }, ASK("0004"),
	     { false, 0x40, "05 0004 0008 0005 3503 090102 00" },
	     /* it goes on as another list than it began */
	     ASK("0005"), { false, 0x40, "05 0005 0008 0003 3503 09 020707" },
	     { true, 0x50, "04 0006 0010 00010001 ffff 35050a0000ffff 020707" },
	     { false, 0x40, "07 0006 0008 0005 NNNNNNNN NN 00" });
}

/* Of a response the recording has not all: what continues the list is blanked, another is not. */
Test(redact_sdp, service_records_of_which_octets_are_missing)
{
	const struct line open[] = { OPEN_SDP, ASK("0001") };
	const struct line more = { true, 0x50, "04 0002 0010 00010001 ffff 35050a0000ffff 020707" };
	const struct line again = ASK("0003");

	for (size_t i = 0; i < 3; i++)
		pass(&open[i], MAX);
	expect_redacted("02 4020 1200 0e00 4000 05 0001 0009 0006 3504", false);
	pass(&more, MAX);
	expect_redacted("02 4020 0c00 0800 4000 05 0002 0003 0000 00", false);
	pass(&again, MAX);
	expect_redacted("02 4020 1100 0d00 4000 05 0003 0008 0005 3503 090102 00", false);
	pass(&more, MAX);
	expect_redacted("02 4020 0e00 0a00 4000 05 0002 0005 0002 NNNN 00", false);
}
