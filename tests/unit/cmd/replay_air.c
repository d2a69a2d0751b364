/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What --write makes of a recording, in scripts of one line a step:
 *
 *   ">HEX"  the recorded host sent it, and the engine forwards it
 *   "xHEX"  the recorded host sent it, and the rules refuse it
 *   "hHEX"  the recorded host sent it, and it is held back (the first step only)
 *   "dHEX"  the held PDU is discarded (the octets do not count)
 *   "rHEX"  the held PDU goes out
 *   "t"     the time of PDU 1 is up, it was forwarded long ago
 *   "+HEX"  the engine sends something of its own
 *   "<HEX"  the recorded controller sent it
 *   "aHEX"  likewise, and it ends an answer of as many packets as the digit before HEX says
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/cmd/replay_air.h"
#include "proxy/io/capture.h"
#include "tests/sim/hex.h"

TestSuite(cmd_replay_air, .timeout = 20);

#define HOST_ACL  "0240000700030004000a1600"
#define PEER_ACL  "0240200600020004000b64"
#define OTHER_ACL "0241200600020004000b64"
#define PEER_MORE "0240100200aabb"
#define DONE_1                                                                                     \
	"041305014000"                                                                             \
	"0100"
#define DONE_2                                                                                     \
	"041305014000"                                                                             \
	"0200"
#define DONE_3                                                                                     \
	"041305014000"                                                                             \
	"0300"
#define DONE_BOTH                                                                                  \
	"041309024000"                                                                             \
	"0100"                                                                                     \
	"4100"                                                                                     \
	"0100"
#define DONE_41                                                                                    \
	"041305014100"                                                                             \
	"0100"
#define GONE                                                                                       \
	"040504"                                                                                   \
	"00"                                                                                       \
	"4000"                                                                                     \
	"13"

static struct ag_capture_frame frame_of(const uint8_t *data, size_t len, bool from_host)
{
	struct ag_capture_frame frame = { .data = data, .len = len };

	frame.meaning.kind = AG_BTSNOOP_PACKET;
	frame.meaning.from_host = from_host;
	frame.meaning.h4_type = data[0];
	return frame;
}

static void decide(struct ag_air *air, enum ag_from from, enum ag_verdict verdict, size_t packets,
		   uint64_t number)
{
	struct ag_link_view link = { .handle = 0x0040 };
	struct ag_decision decision = {
		.link = &link,
		.from = from,
		.verdict = verdict,
		.packets = packets,
		.number = number,
	};

	ag_air_decision(air, &decision);
}

static void step(struct ag_air *air, const char *line, uint64_t number)
{
	bool answer = line[0] == 'a';
	bool from_host = line[0] == '>' || line[0] == 'x' || line[0] == 'h';
	uint8_t data[64];
	size_t len = ag_sim_octets(line + 1 + answer, data);
	struct ag_packet packet = { .data = data, .len = len };
	struct ag_capture_frame frame = frame_of(data, len, from_host);

	if (from_host || line[0] == '<' || answer)
		cr_assert_eq(ag_air_frame(air, &frame), 0);
	if (line[0] == '>')
		decide(air, AG_FROM_HOST, AG_V_ACCEPT, 1, 100 + number);
	if (line[0] == 'x')
		decide(air, AG_FROM_HOST, AG_V_REJECT, 1, 100 + number);
	if (line[0] == 'h')
		decide(air, AG_FROM_HOST, AG_V_ACCEPT, 1, 100 + number);
	if (line[0] == 'd')
		decide(air, AG_FROM_HOST, AG_V_DISCARD, 1, 101);
	if (line[0] == 't')
		decide(air, AG_FROM_HOST, AG_V_TIMEOUT, 1, 101);
	if (answer)
		decide(air, AG_FROM_PEER, AG_V_RECORDED, (size_t)(line[1] - '0'), 100 + number);
	if (line[0] == '>' || line[0] == '+' || line[0] == 'r')
		cr_assert_eq(ag_air_out(air, &packet, number), 0);
}

/* "<HEX " or ">HEX " for each record of a file. */
static void read_back(const char *path, char *out, size_t size)
{
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	size_t at = 0;

	cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
	while (ag_capture_next(capture, &frame) == 0) {
		at += (size_t)snprintf(out + at, size - at, "%s",
				       frame.meaning.from_host ? ">" : "<");
		for (size_t i = 0; i < frame.len; i++)
			at += (size_t)snprintf(out + at, size - at, "%02x", frame.data[i]);
		at += (size_t)snprintf(out + at, size - at, " ");
	}
	ag_capture_close(capture);
}

struct script {
	const char *steps[10];
	const char *expected;
};

static const struct script scripts[] = {
	/* nothing refused: as it was */
	{ { ">" HOST_ACL, "<" DONE_1, "<" PEER_ACL }, ">" HOST_ACL " <" DONE_1 " <" PEER_ACL " " },
	/* a refused request: neither it, nor its completion, nor its answer */
	{ { "x" HOST_ACL, "<" DONE_1, "a1" PEER_ACL }, "" },
	/* one of three, completed at once and one by one, in any place */
	{ { ">" HOST_ACL, "x" HOST_ACL, ">" HOST_ACL, "<" DONE_3 },
	  ">" HOST_ACL " >" HOST_ACL " <" DONE_2 " " },
	{ { "x" HOST_ACL, ">" HOST_ACL, ">" HOST_ACL, "<" DONE_2, "<" DONE_1 },
	  ">" HOST_ACL " >" HOST_ACL " <" DONE_1 " <" DONE_1 " " },
	{ { ">" HOST_ACL, "x" HOST_ACL, "<" DONE_1, "<" DONE_1 }, ">" HOST_ACL " <" DONE_1 " " },
	/* an event of two handles keeps the other one */
	{ { "x" HOST_ACL, "<" DONE_BOTH }, "<" DONE_41 " " },
	/* what was sent before the recording began was sent */
	{ { "<" DONE_3, "x" HOST_ACL, "<" DONE_1 }, "<" DONE_3 " " },
	/* an answer in fragments, other data between them; what still comes of it goes too */
	{ { "<" PEER_ACL, "<" OTHER_ACL, "a2" PEER_MORE, "<" PEER_MORE, "<" PEER_ACL },
	  "<" OTHER_ACL " <" PEER_ACL " " },
	/* what the rules send in its place is not completed by the recording */
	{ { "x" HOST_ACL, "+" HOST_ACL, "<" DONE_1 }, ">" HOST_ACL " " },
	/* held: its completion waits until it is out */
	{ { "h" HOST_ACL, "<" DONE_1, "r" HOST_ACL, ">" HOST_ACL, "<" DONE_1 },
	  ">" HOST_ACL " >" HOST_ACL " <" DONE_2 " " },
	/* held and then discarded */
	{ { "h" HOST_ACL, ">" HOST_ACL, "d" HOST_ACL, "<" DONE_2 }, ">" HOST_ACL " <" DONE_1 " " },
	/* a late time-out does not take back what was sent, nor anything sent since */
	{ { ">" HOST_ACL, "<" DONE_1, ">" HOST_ACL, "t", "<" DONE_1 },
	  ">" HOST_ACL " <" DONE_1 " >" HOST_ACL " <" DONE_1 " " },
	/* the account ends with the link */
	{ { "x" HOST_ACL, "<" GONE, ">" HOST_ACL, "<" DONE_1 },
	  "<" GONE " >" HOST_ACL " <" DONE_1 " " },
	/* nonsense is left as it is */
	{ { "<0413050240000100", "<0413", "<04", "<02" }, "<0413050240000100 <0413 <04 <02 " },
};

Test(cmd_replay_air, scripts)
{
	static const enum ag_btsnoop_link links[] = { AG_BTSNOOP_MONITOR, AG_BTSNOOP_H4 };

	for (size_t i = 0; i < 2 * sizeof(scripts) / sizeof(scripts[0]); i++) {
		const struct script *script = &scripts[i / 2];
		char path[] = "/tmp/attgate-air-XXXXXX";
		struct ag_capture_writer *writer = NULL;
		struct ag_air *air = NULL;
		char found[1024] = "";

		close(mkstemp(path));
		cr_assert_eq(ag_capture_writer_open(path, links[i % 2], &writer), 0);
		cr_assert_eq(ag_air_new(writer, links[i % 2], 0, &air), 0);
		for (size_t k = 0; k < 10 && script->steps[k]; k++)
			step(air, script->steps[k], k + 1);
		cr_assert_eq(ag_air_flush(air), 0);
		ag_air_free(air);
		cr_assert_eq(ag_capture_writer_close(writer), 0);
		read_back(path, found, sizeof(found));
		unlink(path);
		cr_expect_str_eq(found, script->expected, "script %zu:\n got %s\nwant %s", i / 2,
				 found, script->expected);
	}
}

/* The kernel's monitor has no record for it. */
Test(cmd_replay_air, a_packet_that_the_file_has_no_place_for)
{
	char path[] = "/tmp/attgate-air-XXXXXX", found[64] = "";
	struct ag_capture_writer *writer = NULL;
	struct ag_air *air = NULL;

	close(mkstemp(path));
	cr_assert_eq(ag_capture_writer_open(path, AG_BTSNOOP_MONITOR, &writer), 0);
	cr_assert_eq(ag_air_new(writer, AG_BTSNOOP_MONITOR, 0, &air), 0);
	step(air, "<09aabb", 1);
	step(air, "<04ff0155", 2);
	cr_assert_eq(ag_air_flush(air), 0);
	ag_air_free(air);
	cr_assert_eq(ag_capture_writer_close(writer), 0);
	read_back(path, found, sizeof(found));
	unlink(path);
	cr_expect_str_eq(found, "<04ff0155 ");
}

Test(cmd_replay_air, a_full_disk)
{
	static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };
	const struct ag_capture_frame frame = frame_of(event, sizeof(event), false);
	struct ag_capture_writer *writer = NULL;
	struct ag_air *air = NULL;
	unsigned int count = 0;
	int r = 0;

	cr_assert_eq(ag_capture_writer_open("/dev/full", AG_BTSNOOP_H4, &writer), 0);
	cr_assert_eq(ag_air_new(writer, AG_BTSNOOP_H4, AG_BTSNOOP_NO_INDEX, &air), 0);
	for (; r == 0 && count < 2 * AG_AIR_WINDOW; count++)
		r = ag_air_frame(air, &frame);
	cr_expect_eq(r, -ENOSPC);
	cr_expect_gt(count, AG_AIR_WINDOW);
	ag_air_free(air);
	cr_expect_eq(ag_capture_writer_close(writer), -ENOSPC);
}

/* More records than are held back: none is lost, none moves. */
Test(cmd_replay_air, window)
{
	char path[] = "/tmp/attgate-air-XXXXXX";
	struct ag_capture_writer *writer = NULL;
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	struct ag_air *air = NULL;
	uint16_t expected = 0;

	close(mkstemp(path));
	cr_assert_eq(ag_capture_writer_open(path, AG_BTSNOOP_H4, &writer), 0);
	cr_assert_eq(ag_air_new(writer, AG_BTSNOOP_H4, AG_BTSNOOP_NO_INDEX, &air), 0);
	for (unsigned int i = 0; i < 3 * AG_AIR_WINDOW; i++) {
		uint8_t event[] = { 0x04, 0xff, 0x02, (uint8_t)i, (uint8_t)(i >> 8) };

		frame = frame_of(event, sizeof(event), false);
		cr_assert_eq(ag_air_frame(air, &frame), 0);
	}
	cr_assert_eq(ag_air_flush(air), 0);
	ag_air_free(air);
	cr_assert_eq(ag_capture_writer_close(writer), 0);
	cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
	for (; ag_capture_next(capture, &frame) == 0; expected++)
		cr_assert_eq(frame.data[3] | frame.data[4] << 8, expected);
	cr_assert_eq(expected, 3 * AG_AIR_WINDOW);
	ag_capture_close(capture);
	unlink(path);
}
