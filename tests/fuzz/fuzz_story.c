/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A story of whatever packets. The oracle: every link is told once, each finding says something in
 * printable words that end within their room, and its frames are in order and were fed.
 *
 * input: records of control 1 | length 1 | octets. Control: bits 0..2 what it is, bit 3 the side,
 * bits 4..7 how much later.
 *
 * aims at: proxy/engine/story*.c
 */
#include <stdint.h>
#include <string.h>

#include "proxy/engine/story.h"
#include "proxy/wire/cursor.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAW, ATT, SMP, CONNECTED, COMPLETED, ENCRYPTED, ENDED, DISCONNECT, HANDLE = 0x40 };

struct fuzz {
	struct ag_engine *engine;
	struct ag_story *story;
	uint64_t frame;
	uint64_t now_us;
};

static void check_words(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	require(len > 0 && len < size);
	for (size_t i = 0; i < len; i++)
		require(text[i] >= ' ' && text[i] <= '~');
}

static void tell(void *user, const struct ag_link_story *link)
{
	const struct fuzz *fuzz = user;

	require(link->first_frame > 0 && link->last_frame <= fuzz->frame);
	for (size_t i = 0; i < link->n_findings; i++) {
		const struct ag_finding *finding = &link->findings[i];
		char rules[2048];

		check_words(finding->text, sizeof(finding->text));
		check_words(finding->why, sizeof(finding->why));
		require(finding->n_frames <= AG_FINDING_FRAMES);
		for (size_t j = 0; j < finding->n_frames; j++)
			require(finding->frames[j] > (j ? finding->frames[j - 1] : 0) &&
				finding->frames[j] <= fuzz->frame);
		require(ag_remedy_format(finding->remedy, finding->remedy_handle, rules,
					 sizeof(rules)) < sizeof(rules));
	}
}

static void tap(void *user, const struct ag_decision *decision)
{
	struct fuzz *fuzz = user;

	ag_story_decision(fuzz->story, decision);
}

static void feed(struct fuzz *fuzz, enum ag_side side, const uint8_t *packet, size_t len)
{
	struct ag_packet out;

	ag_story_packet(fuzz->story, ++fuzz->frame, fuzz->now_us, side, packet, len);
	require(ag_engine_feed(fuzz->engine, side, packet, len, fuzz->now_us) == 0);
	for (int to = AG_SIDE_HOST; to <= AG_SIDE_CONTROLLER; to++) {
		while (ag_engine_peek(fuzz->engine, (enum ag_side)to, &out))
			ag_engine_pop(fuzz->engine, (enum ag_side)to);
	}
}

static void feed_pdu(struct fuzz *fuzz, enum ag_side side, uint16_t cid, const uint8_t *pdu,
		     uint8_t len)
{
	uint8_t packet[9 + UINT8_MAX] = { 2, HANDLE, side == AG_SIDE_HOST ? 0x00 : 0x20 };

	ag_put_le16(packet + 3, (uint16_t)(len + 4));
	ag_put_le16(packet + 5, len);
	ag_put_le16(packet + 7, cid);
	memcpy(packet + 9, pdu, len);
	feed(fuzz, side, packet, len + 9u);
}

static void feed_event(struct fuzz *fuzz, unsigned int kind, uint8_t value)
{
	const uint8_t connected[] = { 4, 0x3e, 19, 1, 0,  HANDLE, 0, value & 1, 0,  1, 2,
				      3, 4,    5,  6, 24, 0,      0, 0,         72, 0, 0 };
	const uint8_t completed[] = { 4, 0x13, 5, 1, HANDLE, 0, value, 0 };
	const uint8_t encrypted[] = { 4, 0x08, 4, value & 1, HANDLE, 0, 1 };
	const uint8_t ended[] = { 4, 0x05, 4, 0, HANDLE, 0, value };
	const uint8_t disconnect[] = { 1, 0x06, 0x04, 3, HANDLE, 0, value };

	if (kind == CONNECTED)
		feed(fuzz, AG_SIDE_CONTROLLER, connected, sizeof(connected));
	else if (kind == COMPLETED)
		feed(fuzz, AG_SIDE_CONTROLLER, completed, sizeof(completed));
	else if (kind == ENCRYPTED)
		feed(fuzz, AG_SIDE_CONTROLLER, encrypted, sizeof(encrypted));
	else if (kind == ENDED)
		feed(fuzz, AG_SIDE_CONTROLLER, ended, sizeof(ended));
	else
		feed(fuzz, AG_SIDE_HOST, disconnect, sizeof(disconnect));
}

static void play(struct fuzz *fuzz, struct ag_cursor cursor)
{
	for (;;) {
		uint8_t control = ag_pull_u8(&cursor);
		uint8_t len = ag_pull_u8(&cursor);
		enum ag_side side = control & 8 ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;
		const uint8_t *octets = ag_pull(&cursor, len);

		if (cursor.failed)
			return;
		fuzz->now_us += (uint64_t)(control >> 4) * 2500000;
		if ((control & 7) == RAW && len > 0)
			feed(fuzz, side, octets, len);
		else if ((control & 7) == ATT || (control & 7) == SMP)
			feed_pdu(fuzz, side, (control & 7) == ATT ? 4 : 6, octets, len);
		else if ((control & 7) != RAW)
			feed_event(fuzz, control & 7, len > 0 ? octets[0] : 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { 0 };
	struct ag_engine_config config = { .tap = tap, .tap_user = &fuzz, .replay = true };

	if (ag_story_new(tell, &fuzz, &fuzz.story) != 0)
		return 0;
	require(ag_engine_new(&config, &fuzz.engine) == 0);
	play(&fuzz, ag_cursor(data, size));
	ag_story_end(fuzz.story);
	ag_engine_free(fuzz.engine);
	ag_story_free(fuzz.story);
	return 0;
}
