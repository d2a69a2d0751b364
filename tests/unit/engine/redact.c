/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is taken out of recordings. A template is a packet in hexadecimal in which PP stands for an
 * octet of an address, KK of a key and NN of a name; everything else must stay as it is.
 */

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/redact.h"
#include "proxy/wire/btsnoop.h"

static const uint8_t key[16] = "0123456789abcdef";
static const uint8_t address[6] = { 0x82, 0x8d, 0x5b, 0x0f, 0x08, 0xdc };
static struct ag_redactor *redactor;
static uint8_t replaced[6];

static void set_up(void)
{
	redactor = ag_redactor_new(key);
	cr_assert(redactor);
	memcpy(replaced, address, sizeof(replaced));
	ag_redact_address(redactor, replaced);
}

static void tear_down(void)
{
	free(redactor);
}

TestSuite(redact, .init = set_up, .fini = tear_down);

#define MAX 1024

struct sample {
	uint8_t before[MAX];
	uint8_t after[MAX];
	size_t len;
};

static unsigned int digit(char c)
{
	return c >= 'a' ? (unsigned int)(c - 'a') + 10 : (unsigned int)(c - '0');
}

static struct sample parse(const char *text)
{
	static struct sample sample;
	size_t in_address = 0;

	memset(&sample, 0, sizeof(sample));
	for (; *text; text++) {
		uint8_t *before = &sample.before[sample.len], *after = &sample.after[sample.len];

		if (isspace((unsigned char)*text))
			continue;
		cr_assert_lt(sample.len, MAX);
		switch (*text) {
		case 'P':
			*before = address[in_address % 6];
			*after = replaced[in_address % 6];
			in_address++;
			break;
		case 'K':
			*before = (uint8_t)(0x80 + sample.len);
			*after = 0;
			break;
		case 'N':
			*before = 'e';
			*after = 'x';
			break;
		default:
			*before = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
			*after = *before;
			break;
		}
		text++;
		sample.len++;
	}
	return sample;
}

static void expect_octets(const char *what, const uint8_t *found, const uint8_t *expected,
			  size_t len)
{
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(found[i], expected[i], "%s: octet %zu is %02x, not %02x", what, i,
			     found[i], expected[i]);
}

static void expect_redacted(const char *text, bool from_host)
{
	struct sample sample = parse(text);

	ag_redact_packet(redactor, 0, from_host, sample.before, sample.len);
	expect_octets(text, sample.before, sample.after, sample.len);
}

#define P6  "PPPPPPPPPPPP"
#define K4  "KKKKKKKK"
#define K16 K4 K4 K4 K4
#define K32 K16 K16
#define N4  "NNNNNNNN"

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

/* ---- PDUs, whole and in two packets split anywhere ---- */

struct line {
	bool from_host;
	uint16_t cid;
	const char *pdu;
};

/* Send a PDU in packets of at most `most` octets of L2CAP, and compare. */
static void pass_sample(const struct line *line, const struct sample *sample, size_t most)
{
	uint8_t frame[4 + MAX], expected[4 + MAX];
	size_t len = 4 + sample->len;

	frame[0] = (uint8_t)sample->len;
	frame[1] = (uint8_t)(sample->len >> 8);
	frame[2] = (uint8_t)line->cid;
	frame[3] = (uint8_t)(line->cid >> 8);
	memcpy(expected, frame, 4);
	memcpy(frame + 4, sample->before, sample->len);
	memcpy(expected + 4, sample->after, sample->len);
	for (size_t at = 0; at < len; at += most) {
		size_t here = len - at < most ? len - at : most;
		uint8_t packet[5 + 4 + MAX] = { 0x02, 0x40, at ? 0x10 : 0x20, (uint8_t)here,
						(uint8_t)(here >> 8) };

		if (line->from_host && !at)
			packet[2] = 0x00;
		memcpy(packet + 5, frame + at, here);
		ag_redact_packet(redactor, 0, line->from_host, packet, 5 + here);
		expect_octets(line->pdu, packet + 5, expected + at, here);
	}
}

static void pass(const struct line *line, size_t most)
{
	struct sample sample = parse(line->pdu);

	pass_sample(line, &sample, most);
}

static void play(const struct line *lines, size_t count)
{
	static const size_t sizes[] = { MAX, 27, 23, 11, 7, 5, 3, 2, 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		free(redactor);
		redactor = ag_redactor_new(key);
		for (size_t j = 0; j < count; j++)
			pass(&lines[j], sizes[i]);
	}
}

#define PLAY(...)                                                                                  \
	do {                                                                                       \
		const struct line lines[] = { __VA_ARGS__ };                                       \
		play(lines, sizeof(lines) / sizeof(lines[0]));                                     \
	} while (0)

Test(redact, keys_that_pairing_distributes)
{
	PLAY({ false, 6, "01 04 00 01 10 07 07" },
	     { true, 6, "03 00112233445566778899aabbccddeeff" },
	     { false, 6, "04 00112233445566778899aabbccddeeff" }, { false, 6, "06 " K16 },
	     { false, 6, "07 KKKK " K4 K4 }, { true, 6, "08 " K16 }, { true, 6, "09 01 " P6 },
	     { true, 6, "0a " K16 }, { true, 6, "0b 01" }, { false, 6, "0c " K32 K32 },
	     { false, 6, "0d 00112233445566778899aabbccddeeff" }, { false, 7, "08 " K16 },
	     { false, 6, "05 08" }, { true, 5, "12 01 0800 06000c0000002a00" });
}

Test(redact, a_name_read_by_its_type)
{
	PLAY({ true, 4, "08 0100 ffff 002a" }, { false, 4, "09 06 0300 " N4 },
	     { true, 4, "08 0100 ffff 012a" }, { false, 4, "09 04 0500 4000" },
	     { true, 4, "0c 0300 0100" }, { false, 4, "0d NNNNNN" }, { true, 4, "0a 0500" },
	     { false, 4, "0b 4000" }, { true, 4, "12 0300 " N4 }, { false, 4, "13" },
	     /* the other side's handles are others */
	     { false, 4, "0a 0300" }, { true, 4, "0b 11223344" });
}

Test(redact, a_name_of_a_long_uuid)
{
	PLAY({ false, 4, "08 0100 ffff fb349b5f80000080001000 00002a0000" },
	     { true, 4, "09 06 0300 " N4 },
	     { false, 4, "08 0100 ffff fb349b5f80000080001001 00002a0000" },
	     { true, 4, "09 06 0300 11223344" });
}

Test(redact, a_name_found_by_its_declaration)
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

Test(redact, a_name_found_by_information)
{
	PLAY({ true, 4, "04 0100 0500" }, { false, 4, "05 01 0200 0328 0300 002a" },
	     { true, 4, "0a 0300" }, { false, 4, "0b " N4 }, { true, 4, "04 0100 0500" },
	     { false, 4, "05 02 0700 fb349b5f800000800010 0000 002a 0000" }, { true, 4, "0a 0700" },
	     { false, 4, "0b " N4 });
}

/* A handle that is given to another link says nothing about its attributes. */
Test(redact, another_link_has_other_handles)
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

Test(redact, what_has_no_beginning_is_blanked)
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

Test(redact, more_links_than_are_remembered)
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
Test(redact, a_peer_that_comes_back)
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
Test(redact, more_peers_than_are_remembered)
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

/* ---- Dynamic channels ---- */

/* The host opens two enhanced bearers: 0x0040 and 0x0041 are its ends, 0x0050 and 0x0051 the
 * peer's. */
#define OPEN_EATT                                                                                  \
	{ true, 5, "17 01 0c00 2700 4000 4000 0500 4000 4100" },                                   \
	{                                                                                          \
		false, 5, "18 01 0c00 4000 4000 0500 0000 5000 5100"                               \
	}

Test(redact, a_name_on_enhanced_bearers)
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

Test(redact, a_name_on_a_bearer_of_le_credits)
{
	PLAY({ false, 5, "14 07 0a00 2700 4000 4000 4000 0500" },
	     { true, 5, "15 07 0a00 5000 4000 4000 0500 0000" },
	     { false, 0x50, "0700 08 0100 ffff 002a" }, { true, 0x40, "0800 09 06 0300 " N4 });
}

Test(redact, a_name_over_bredr)
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
Test(redact, channels_that_are_known_and_others)
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
Test(redact, a_request_that_was_never_answered)
{
	PLAY({ true, 1, "02 01 0400 1900 4000" }, { false, 1, "01 01 0200 0000" },
	     { true, 1, "02 01 0400 1f00 4100" }, { false, 1, "03 01 0800 5000 4100 0000 0000" },
	     { true, 0x50, "08 0100 ffff 002a" }, { false, 0x41, "09 06 0300 " N4 });
}

/* In other modes there is more in a frame than the PDU. */
Test(redact, a_channel_in_another_mode)
{
	PLAY({ true, 1, "02 01 0400 1f00 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { false, 1, "04 02 0f00 4000 0000 0409 03 0000000000000000" }, { true, 0x50, K4 },
	     { false, 0x40, K4 });
	PLAY({ true, 1, "02 01 0400 1900 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { false, 1, "04 02 0f00 4000 0000 0409 03 0000000000000000" }, { true, 0x50, "1122" });
}

/* A PDU of no octets ends where it begins. */
Test(redact, pdus_of_no_octets)
{
	PLAY({ true, 4, "" }, { false, 4, "" }, { true, 4, "0a 0500" }, { false, 4, "0b 1122" },
	     { false, 0x70, "" }, { false, 4, "1b 0500 11" });
}

/* Of two channels with one number the older has ended, whatever it was for. */
Test(redact, a_channel_whose_end_was_not_seen)
{
	PLAY({ true, 1, "02 01 0400 1f00 4000" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { false, 0x40, "0b NNNN" }, { true, 1, "02 02 0400 1900 4000" },
	     { false, 1, "03 02 0800 5000 4000 0000 0000" }, { false, 0x40, "0b 1122" });
}

/* A command that is shorter than what it is opens nothing. */
Test(redact, signalling_that_is_too_short)
{
	PLAY({ true, 1, "02 01 0200 1900" }, { false, 1, "03 01 0800 5000 4000 0000 0000" },
	     { true, 0x50, "KKKK" });
}

Test(redact, frames_that_cannot_be_followed)
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
Test(redact, frames_of_which_octets_are_missing)
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
Test(redact, what_was_missing_could_be_anything)
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
Test(redact, the_rest_of_a_pdu_of_which_octets_are_missing)
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

/* A request that the recording has not whole could be for the name. */
Test(redact, responses_to_requests_that_are_cut)
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

Test(redact, more_channels_than_are_remembered)
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

/* ---- Service records ---- */

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

Test(redact, names_of_services)
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
Test(redact, a_list_that_goes_on)
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

Test(redact, service_records_that_cannot_be_followed)
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
Test(redact, service_records_of_which_octets_are_missing)
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
