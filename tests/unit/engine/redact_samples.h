/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_TEST_REDACT_SAMPLES_H
#define AG_TEST_REDACT_SAMPLES_H

/*
 * What is taken out of recordings. A template is a packet in hexadecimal in which PP stands for an
 * octet of an address, KK of a key and NN of a name; everything else must stay as it is.
 */

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/redact.h"

static const uint8_t key[16] = "0123456789abcdef";
static const uint8_t address[6] = { 0x82, 0x8d, 0x5b, 0x0f, 0x08, 0xdc };
static struct ag_redactor *redactor;
static uint8_t replaced[6];

static inline void set_up(void)
{
	redactor = ag_redactor_new(key);
	cr_assert(redactor);
	memcpy(replaced, address, sizeof(replaced));
	ag_redact_address(redactor, replaced);
}

static inline void tear_down(void)
{
	free(redactor);
}

#define MAX 1024

struct sample {
	uint8_t before[MAX];
	uint8_t after[MAX];
	size_t len;
};

static inline unsigned int digit(char c)
{
	return c >= 'a' ? (unsigned int)(c - 'a') + 10 : (unsigned int)(c - '0');
}

static inline struct sample parse(const char *text)
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

static inline void expect_octets(const char *what, const uint8_t *found, const uint8_t *expected,
				 size_t len)
{
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(found[i], expected[i], "%s: octet %zu is %02x, not %02x", what, i,
			     found[i], expected[i]);
}

static inline void expect_redacted(const char *text, bool from_host)
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

/* ---- PDUs, whole and in two packets split anywhere ---- */

struct line {
	bool from_host;
	uint16_t cid;
	const char *pdu;
};

/* Send a PDU in packets of at most `most` octets of L2CAP, and compare. */
static inline void pass_sample(const struct line *line, const struct sample *sample, size_t most)
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

static inline void pass(const struct line *line, size_t most)
{
	struct sample sample = parse(line->pdu);

	pass_sample(line, &sample, most);
}

static inline void play(const struct line *lines, size_t count)
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

#endif
