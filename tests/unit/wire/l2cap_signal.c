/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Signalling commands: each as octets and as what is in it. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/l2cap_signal.h"
#include "tests/sim/hex.h"

struct row {
	const char *hex;
	size_t least; /* octets of parameters that it must have */
	const char *text;
};

static const struct row rows[] = {
	{ "01 01 0200 0000", 2, "01 id 1 reason 0" },
	{ "01 01 0600 0200 4000 5000", 2, "01 id 1 reason 2 rest 40005000" },
	{ "02 02 0400 1f00 4000", 4, "02 id 2 psm 1f source 40" },
	{ "03 02 0800 5000 4000 0100 0200", 8,
	  "03 id 2 result 1 status 2 source 40 destination 50" },
	{ "04 03 0800 5000 0100 0102 3000", 4, "04 id 3 flags 1 destination 50 rest 01023000" },
	{ "05 03 0a00 5000 0100 0200 0102 3000", 6,
	  "05 id 3 result 2 flags 1 source 50 rest 01023000" },
	{ "06 04 0400 5000 4000", 4, "06 id 4 source 40 destination 50" },
	{ "07 04 0400 5000 4000", 4, "07 id 4 source 40 destination 50" },
	{ "08 05 0300 616263", 0, "08 id 5 rest 616263" },
	{ "09 05 0000", 0, "09 id 5" },
	{ "0a 06 0200 0300", 2, "0a id 6 type 3" },
	{ "0b 06 0800 0200 0000 b8020000", 4, "0b id 6 result 0 type 2 rest b8020000" },
	{ "12 07 0800 0600 0c00 0000 c800", 8, "12 id 7 min 6 max c latency 0 timeout c8" },
	{ "13 07 0200 0100", 2, "13 id 7 result 1" },
	{ "14 08 0a00 2700 4000 0502 f700 0500", 10,
	  "14 id 8 psm 27 mtu 205 mps f7 credits 5 source 40" },
	{ "15 08 0a00 5000 0502 f700 0500 0400", 10,
	  "15 id 8 mtu 205 mps f7 credits 5 result 4 destination 50" },
	{ "16 09 0400 4000 ffff", 4, "16 id 9 credits ffff source 40" },
	{ "17 0a 0800 2700 4000 4100 0500", 8, "17 id a psm 27 mtu 40 mps 41 credits 5" },
	{ "17 0a 0c00 2700 4000 4100 0500 4000 4200", 8,
	  "17 id a psm 27 mtu 40 mps 41 credits 5 source 40 42" },
	{ "18 0a 1000 4000 4100 0500 0400 5000 0000 5200 5300", 8,
	  "18 id a mtu 40 mps 41 credits 5 result 4 destination 50 0 52 53" },
	{ "19 0b 0800 0001 8000 4000 4100", 4, "19 id b mtu 100 mps 80 destination 40 41" },
	{ "1a 0b 0200 0300", 2, "1a id b result 3" },
	{ "77 ff 0100 2a", 0, "77 id ff rest 2a" },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void say_cids(FILE *out, const char *name, struct ag_l2cap_cids cids)
{
	if (cids.count)
		fprintf(out, " %s", name);
	for (size_t i = 0; i < cids.count; i++)
		fprintf(out, " %x", ag_l2cap_cid(cids, i));
	cr_assert_eq(ag_l2cap_cid(cids, cids.count), 0);
}

/* Numbers that are 0 are said only where `expected` has them, so the others are seen to be 0. */
static void say(const struct ag_l2cap_signal *signal, const char *expected, char *text, size_t size)
{
	static const char *const names[AG_L2CAP_NUMBER_COUNT] = {
		[AG_L2CAP_REASON] = "reason",    [AG_L2CAP_PSM] = "psm",
		[AG_L2CAP_MTU] = "mtu",          [AG_L2CAP_MPS] = "mps",
		[AG_L2CAP_CREDITS] = "credits",  [AG_L2CAP_RESULT] = "result",
		[AG_L2CAP_STATUS] = "status",    [AG_L2CAP_FLAGS] = "flags",
		[AG_L2CAP_INFO_TYPE] = "type",   [AG_L2CAP_INTERVAL_MIN] = "min",
		[AG_L2CAP_INTERVAL_MAX] = "max", [AG_L2CAP_LATENCY] = "latency",
		[AG_L2CAP_TIMEOUT] = "timeout",
	};
	FILE *out = fmemopen(text, size, "w");

	fprintf(out, "%02x id %x", signal->code, signal->ident);
	for (size_t i = 0; i < AG_L2CAP_NUMBER_COUNT; i++) {
		char zero[16];

		snprintf(zero, sizeof(zero), " %s 0", names[i]);
		if (signal->number[i] || strstr(expected, zero))
			fprintf(out, " %s %x", names[i], signal->number[i]);
	}
	say_cids(out, "source", signal->source);
	say_cids(out, "destination", signal->destination);
	if (signal->rest.left)
		fprintf(out, " rest ");
	for (size_t i = 0; i < signal->rest.left; i++)
		fprintf(out, "%02x", signal->rest.at[i]);
	fclose(out);
}

Test(l2cap_signal, every_command)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		uint8_t command[64], again[64];
		size_t len = ag_sim_octets(rows[i].hex, command);
		struct ag_l2cap_signal signal;
		char text[256];

		cr_assert_eq(ag_l2cap_signal_parse(command, len, &signal), 0, "%s", rows[i].hex);
		cr_assert(!signal.cut);
		say(&signal, rows[i].text, text, sizeof(text));
		cr_expect_str_eq(text, rows[i].text);
		cr_expect_eq(ag_l2cap_signal_put(&signal, again, sizeof(again)), len);
		cr_expect_arr_eq(again, command, len, "%s", rows[i].hex);
		/* exactly as much room as it takes, and too little */
		cr_expect_eq(ag_l2cap_signal_put(&signal, again, len), len);
		for (size_t size = 0; size < len; size++)
			cr_expect_eq(ag_l2cap_signal_put(&signal, again, size), 0);
	}
}

/* A row for each code, or one could be without a test. */
Test(l2cap_signal, every_code)
{
	for (unsigned int code = AG_L2CAP_COMMAND_REJECT;
	     code <= AG_L2CAP_CREDIT_RECONFIGURE_RESPONSE; code++) {
		size_t found = 0;

		if (code > AG_L2CAP_INFORMATION_RESPONSE &&
		    code < AG_L2CAP_PARAMETER_UPDATE_REQUEST)
			continue; /* of channels over other controllers, and gone */
		for (size_t i = 0; i < N_ROWS; i++)
			found += strtoul(rows[i].hex, NULL, 16) == code;
		cr_expect(found > 0, "code 0x%02x", code);
	}
}

/* Shorter commands, by their length and by the octets at hand, in memory that has no more. */
Test(l2cap_signal, shorter)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		uint8_t command[64];
		size_t len = ag_sim_octets(rows[i].hex, command);

		for (size_t part = AG_L2CAP_SIGNAL_HEADER; part <= len; part++) {
			bool is_short = part < AG_L2CAP_SIGNAL_HEADER + rows[i].least;
			uint8_t *copy = malloc(part);
			struct ag_l2cap_signal signal;

			memcpy(copy, command, part);
			cr_expect_eq(ag_l2cap_signal_parse(copy, part, &signal), is_short);
			cr_expect_eq(signal.cut, part < len);
			cr_expect_eq(signal.code, command[0]);
			cr_expect_eq(signal.ident, command[1]);
			ag_put_le16(copy + 2, (uint16_t)(part - AG_L2CAP_SIGNAL_HEADER));
			cr_expect_eq(ag_l2cap_signal_parse(copy, part, &signal), is_short);
			cr_expect(!signal.cut);
			if (is_short)
				cr_expect(!signal.source.count && !signal.destination.count &&
					  !signal.rest.left && !signal.number[AG_L2CAP_PSM]);
			free(copy);
		}
	}
}

/* Half a channel at the end of a list is none. */
Test(l2cap_signal, half_a_channel)
{
	uint8_t command[32];
	struct ag_l2cap_signal signal;
	size_t len = ag_sim_octets("19 01 0700 0001 8000 4000 41", command);

	cr_assert_eq(ag_l2cap_signal_parse(command, len, &signal), 0);
	cr_expect_eq(signal.destination.count, 1);
	cr_expect_eq(signal.rest.left, 1);
}

/* What belongs to the next command is not read as this one's. */
Test(l2cap_signal, a_frame_of_several)
{
	uint8_t octet[64];
	size_t len = ag_sim_octets(
	    "06 01 0400 5000 4000 0a 02 0100 02 0a 03 0200 0200 16 04 0400 4000", octet);
	struct ag_cursor frame = ag_cursor(octet, len);
	struct ag_l2cap_signal signal;

	cr_expect_eq(ag_l2cap_signal_next(&frame, &signal), 0);
	cr_expect(signal.ident == 1 && ag_l2cap_cid(signal.source, 0) == 0x40);
	cr_expect_eq(ag_l2cap_signal_next(&frame, &signal), AG_L2CAP_SHORT);
	cr_expect_eq(signal.ident, 2);
	cr_expect_eq(ag_l2cap_signal_next(&frame, &signal), 0);
	cr_expect(signal.ident == 3 && signal.number[AG_L2CAP_INFO_TYPE] == 2);
	/* the fourth is not all there */
	cr_expect_eq(ag_l2cap_signal_next(&frame, &signal), AG_L2CAP_END);
	cr_expect_eq(signal.ident, 3);
	cr_expect_eq(ag_l2cap_signal_next(&frame, &signal), AG_L2CAP_END);
}

struct answer {
	const char *hex;
	bool pending;
	uint16_t accepted[3];
};

Test(l2cap_signal, what_was_accepted)
{
	static const struct answer answers[] = {
		{ "03 01 0800 5000 4000 0000 0000", false, { 0x50 } },
		{ "03 01 0800 5000 4000 0100 0200", true, { 0 } },
		{ "03 01 0800 5000 4000 0200 0000", false, { 0 } },
		{ "15 01 0a00 5000 0502 f700 0500 0000", false, { 0x50 } },
		{ "15 01 0a00 5000 0502 f700 0500 0100", false, { 0 } },
		{ "18 01 0c00 4000 4000 0500 0000 5000 5100", false, { 0x50, 0x51 } },
		/* some were refused: those that are 0 */
		{ "18 01 0e00 4000 4000 0500 0400 5000 0000 5200", false, { 0x50, 0, 0x52 } },
		{ "18 01 0800 0000 0000 0000 0200", false, { 0 } },
		{ "18 01 0800 0000 0000 0000 0100", false, { 0 } },
		{ "18 01 0800 0000 0000 0000 0c00", false, { 0 } },
		/* pending, for three reasons */
		{ "18 01 0800 0000 0000 0000 0d00", true, { 0 } },
		{ "18 01 0800 0000 0000 0000 0e00", true, { 0 } },
		{ "18 01 0800 0000 0000 0000 0f00", true, { 0 } },
		{ "18 01 0800 0000 0000 0000 1000", false, { 0 } },
		{ "15 01 0a00 0000 0000 0000 0000 0d00", false, { 0 } },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		uint8_t command[32];
		struct ag_l2cap_signal signal;
		size_t len = ag_sim_octets(answers[i].hex, command);

		cr_assert_eq(ag_l2cap_signal_parse(command, len, &signal), 0);
		cr_expect_eq(ag_l2cap_signal_is_pending(&signal), answers[i].pending);
		for (size_t at = 0; at < 3 && !answers[i].pending; at++)
			cr_expect_eq(ag_l2cap_signal_accepted(&signal, at), answers[i].accepted[at],
				     "%s", answers[i].hex);
	}
}

/* 5: the uppermost bit of a type is a hint, and says nothing of what the option is. */
Test(l2cap_signal, options)
{
	uint8_t octet[32];
	struct ag_cursor options = ag_cursor(
	    octet, ag_sim_octets("01 02 a002 84 01 03 05 00 06 03 01", octet));
	struct ag_l2cap_option option;

	cr_expect(ag_l2cap_option_next(&options, &option));
	cr_expect(option.type == AG_L2CAP_OPTION_MTU && option.len == 2);
	cr_expect_eq(ag_get_le16(option.value), 0x02a0);
	cr_expect(ag_l2cap_option_next(&options, &option));
	cr_expect(option.type == AG_L2CAP_OPTION_MODE && option.len == 1 && *option.value == 3);
	cr_expect(ag_l2cap_option_next(&options, &option));
	cr_expect(option.type == 5 && option.len == 0);
	cr_expect(ag_l2cap_option_next(&options, &option));
	cr_expect(option.type == 6 && option.len == 3 && !option.value);
	cr_expect(!ag_l2cap_option_next(&options, &option));
}

/* What cannot be written is not. */
Test(l2cap_signal, nothing_to_write)
{
	static const uint8_t much[UINT16_MAX + 1];
	static uint8_t out[sizeof(much) + AG_L2CAP_SIGNAL_HEADER];
	struct ag_l2cap_signal signal = { .code = AG_L2CAP_FLOW_CONTROL_CREDIT, .ident = 1 };

	cr_expect_eq(ag_l2cap_signal_put(&signal, out, sizeof(out)), 0);
	signal.code = AG_L2CAP_ECHO_REQUEST;
	signal.rest = ag_cursor(much, sizeof(much));
	cr_expect_eq(ag_l2cap_signal_put(&signal, out, sizeof(out)), 0);
	signal.rest.left--;
	cr_expect_eq(ag_l2cap_signal_put(&signal, out, sizeof(out)), sizeof(out) - 1);
}
