/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is read twice.
 *
 * As packets and records of a recording: an octet that says what it is, one that says how long, and
 * that many. The oracle: nothing outside is touched, what finds the place of a PDU (types, handles,
 * lengths, opcodes) stays, and a second redactor with the same key does the same.
 *
 * As the choices of a talk over the fixed channel, two enhanced bearers, ATT over BR/EDR and SDP at
 * the same time, in frames, packets and parts of any length. The oracle: where names are, nothing
 * of them is left, and where nothing of the recording is missing, everything else is as it was.
 *
 * aims at: proxy/engine/redact*.c proxy/wire/private.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/redact.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *redacted(struct ag_redactor *redactor, uint8_t what, const uint8_t *data,
			 size_t len)
{
	/* of exactly that length, so that the sanitizer sees what goes beyond */
	uint8_t *copy = malloc(len ? len : 1);

	require(copy != NULL);
	memcpy(copy, data, len);
	if (what & 0x80)
		ag_redact_record(redactor, what & 0x1f, copy, len);
	else
		ag_redact_packet(redactor, what >> 1 & 1, what & 1, copy, len);
	return copy;
}

/* Octets of a packet that are its header. */
static size_t header_len(const uint8_t *data, size_t len)
{
	size_t header = len > 0 && data[0] == 0x02 ? 5 : 3;

	return header < len ? header : len;
}

static void play_packets(const uint8_t *data, size_t size)
{
	static const uint8_t key[16] = { 1 };
	struct ag_redactor *one = ag_redactor_new(key), *other = ag_redactor_new(key);

	require(one && other);
	while (size >= 2) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		uint8_t *a = redacted(one, data[0], data + 2, len);
		uint8_t *b = redacted(other, data[0], data + 2, len);

		require(memcmp(a, b, len) == 0);
		if (!(data[0] & 0x80))
			require(memcmp(a, data + 2, header_len(data + 2, len)) == 0);
		free(a);
		free(b);
		data += 2 + len;
		size -= 2 + len;
	}
	free(one);
	free(other);
}

/* ---- The talk ---- */

/* An octet of a name; no other octet is one. */
#define SECRET 0xee
#define HOST   1
#define PEER   0
#define NAME   3 /* the handle of the peer's Device Name */
#define OTHER  5

enum { FIXED, EATT_ONE, EATT_TWO, BREDR, SDP, BEARERS };

/* What one side of a bearer is sending, and how far it has come. */
struct talk {
	uint8_t pdu[600];
	size_t len, at;
};

struct world {
	const uint8_t *choice;
	size_t left;
	struct ag_redactor *redactor;
	int lossy; /* the recording cuts packets */
	struct talk talk[BEARERS][2];
	int wanted[BEARERS];  /* what the open request is for: its opcode, 0: none */
	int of_name[BEARERS]; /* and whether that is the name */
	uint8_t list[128];    /* of SDP */
	size_t list_len, list_at;
	uint8_t transaction;
};

static const uint16_t cid_of[BEARERS][2] = {
	/* to the host's end what the peer sends, and the other way round */
	{ 0x0004, 0x0004 }, { 0x0040, 0x0050 }, { 0x0041, 0x0051 },
	{ 0x0042, 0x0052 }, { 0x0043, 0x0053 },
};

static unsigned int choose(struct world *world, unsigned int count)
{
	if (world->left == 0)
		return 0;
	world->left--;
	return *world->choice++ % count;
}

/* A packet as the recording has it, and as it must be. */
static void record(struct world *world, int from, const uint8_t *packet, size_t len, size_t have)
{
	uint8_t *copy = redacted(world->redactor, (uint8_t)from, packet, have);

	require(have <= len);
	for (size_t i = 0; i < have; i++) {
		require(copy[i] != SECRET);
		require(world->lossy || copy[i] == (packet[i] == SECRET ? 'x' : packet[i]));
	}
	free(copy);
}

/* One L2CAP PDU in packets. */
static void send_l2cap(struct world *world, int from, uint16_t cid, const uint8_t *octets,
		       size_t len)
{
	uint8_t pdu[4 + 700] = { (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)cid,
				 (uint8_t)(cid >> 8) };
	size_t most = 1 + choose(world, 64);

	memcpy(pdu + 4, octets, len);
	for (size_t at = 0; at < 4 + len; at += most) {
		size_t here = 4 + len - at < most ? 4 + len - at : most;
		uint8_t packet[5 + 64] = { 0x02, 0x40, at ? 0x10 : 0x00, (uint8_t)here };
		size_t cut = world->lossy && choose(world, 8) == 1 ? choose(world, 64) : 0;

		memcpy(packet + 5, pdu + at, here);
		record(world, from, packet, 5 + here, 5 + (cut < here ? here - cut : 0));
	}
}

static void put(struct talk *talk, size_t count, const uint8_t *octets)
{
	memcpy(talk->pdu + talk->len, octets, count);
	talk->len += count;
}

#define PUT(talk, ...)                                                                             \
	do {                                                                                       \
		const uint8_t octets_[] = { __VA_ARGS__ };                                         \
		put(talk, sizeof(octets_), octets_);                                               \
	} while (0)

static void fill(struct talk *talk, int octet, size_t count)
{
	memset(talk->pdu + talk->len, octet, count);
	talk->len += count;
}

/* A request of the host. */
static void ask(struct world *world, int bearer, struct talk *talk)
{
	uint8_t handle = choose(world, 2) ? NAME : OTHER;
	size_t len = choose(world, 100);

	world->of_name[bearer] = handle == NAME;
	switch (choose(world, 5)) {
	case 0:
		PUT(talk, 0x0a, handle, 0);
		break;
	case 1:
		PUT(talk, 0x0c, handle, 0, 9, 0);
		break;
	case 2:
		PUT(talk, 0x08, 1, 0, 0xff, 0xff, handle == NAME ? 0 : 1, 0x2a);
		break;
	case 3:
		PUT(talk, 0x16, handle, 0, 2, 0);
		fill(talk, handle == NAME ? SECRET : 0x44, len);
		break;
	default:
		PUT(talk, 0x0e, OTHER, 0, handle, 0, 7, 0);
		break;
	}
	world->wanted[bearer] = talk->pdu[0];
}

/* What the peer answers, or sends unasked. */
static void answer(struct world *world, int bearer, struct talk *talk)
{
	uint8_t len = (uint8_t)choose(world, 200);
	int octet = world->of_name[bearer] ? SECRET : 0x33;

	switch (world->wanted[bearer]) {
	case 0x0a:
	case 0x0c:
	case 0x0e:
		PUT(talk, (uint8_t)(world->wanted[bearer] + 1));
		break;
	case 0x08:
		PUT(talk, 0x09, (uint8_t)(2 + len), world->of_name[bearer] ? NAME : OTHER, 0);
		break;
	case 0x16:
		PUT(talk, 0x17, world->of_name[bearer] ? NAME : OTHER, 0, 2, 0);
		break;
	default:
		PUT(talk, 0x23, OTHER, 0, 2, 0, 0x55, 0x55, NAME, 0, len, 0);
		octet = SECRET;
		break;
	}
	fill(talk, octet, len);
	if (world->wanted[bearer] == 0)
		PUT(talk, 7, 0, 1, 0, 0x66);
	world->wanted[bearer] = 0;
}

/* A service record with a name, HID's descriptor, and another name, all of chosen lengths. */
static void make_list(struct world *world)
{
	uint8_t one = (uint8_t)choose(world, 40), two = (uint8_t)(1 + choose(world, 20));
	struct talk list = { .len = 0 };

	PUT(&list, 0x35, (uint8_t)(3 + 2 + one + 3 + 6 + 3 + 3 + two), 0x09, 1, 0, 0x25, one);
	fill(&list, SECRET, one);
	PUT(&list, 0x09, 2, 6, 0x35, 4, 0x25, 2, 0x41, 0x42, 0x09, 1, 2, 0x26, 0, two);
	fill(&list, SECRET, two);
	memcpy(world->list, list.pdu, list.len);
	world->list_len = list.len;
	world->list_at = 0;
}

static void ask_sdp(struct world *world, struct talk *talk)
{
	int more = world->list_at < world->list_len && world->list_at > 0;

	if (more && choose(world, 8) == 0)
		more = 0; /* no longer interested */
	if (!more)
		make_list(world);
	PUT(talk, 0x04, 0, ++world->transaction & 0x7f, 0, more ? 16 : 14, 0, 1, 0, 1, 0xff, 0xff,
	    0x35, 5, 0x0a, 0, 0, 0xff, 0xff, more ? 2 : 0);
	if (more)
		PUT(talk, 7, 7);
	world->wanted[SDP] = 4;
}

static void answer_sdp(struct world *world, struct talk *talk)
{
	size_t rest = world->list_len - world->list_at;
	size_t here = 1 + choose(world, 100);

	if (here > rest)
		here = rest;
	PUT(talk, 0x05, 0, world->transaction & 0x7f, 0, (uint8_t)(here + 5), 0, (uint8_t)here);
	put(talk, here, world->list + world->list_at);
	world->list_at += here;
	PUT(talk, world->list_at < world->list_len ? 2 : 0);
	if (world->list_at < world->list_len)
		PUT(talk, 7, 7);
	world->wanted[SDP] = 0;
}

/* The next frame of what a side sends, or its next PDU. */
static void send_some(struct world *world, int bearer, int from)
{
	struct talk *talk = &world->talk[bearer][from];
	int framed = bearer == EATT_ONE || bearer == EATT_TWO;
	size_t here;

	if (talk->at == talk->len) {
		talk->len = talk->at = 0;
		if (framed)
			PUT(talk, 0, 0);
		if (bearer == SDP && from == HOST)
			ask_sdp(world, talk);
		else if (bearer == SDP)
			answer_sdp(world, talk);
		else if (from == HOST)
			ask(world, bearer, talk);
		else
			answer(world, bearer, talk);
		if (framed)
			talk->pdu[0] = (uint8_t)(talk->len - 2);
		if (framed && talk->len - 2 > 255)
			talk->pdu[1] = 1;
	}
	here = framed ? 2 + choose(world, 100) : talk->len;
	if (here > talk->len - talk->at)
		here = talk->len - talk->at;
	send_l2cap(world, from, cid_of[bearer][from], talk->pdu + talk->at, here);
	talk->at += here;
}

static void open_channels(struct world *world)
{
	static const uint8_t eatt[] = { 0x17, 1, 12, 0, 0x27, 0, 64,   0,
					64,   0, 5,  0, 0x40, 0, 0x41, 0 };
	static const uint8_t eatt_open[] = { 0x18, 1, 12, 0, 64,   0, 64,   0,
					     5,    0, 0,  0, 0x50, 0, 0x51, 0 };
	static const uint8_t bredr[] = { 2, 2, 4, 0, 0x1f, 0, 0x42, 0, 2, 3, 4, 0, 1, 0, 0x43, 0 };
	static const uint8_t bredr_open[] = { 3, 3, 8, 0, 0x53, 0, 0x43, 0, 0, 0, 0, 0,
					      3, 2, 8, 0, 0x52, 0, 0x42, 0, 0, 0, 0, 0 };
	static const uint8_t by_type[] = { 0x08, 1, 0, 0xff, 0xff, 0, 0x2a };
	static const uint8_t name[] = { 0x09, 4, NAME, 0, SECRET, SECRET };

	send_l2cap(world, HOST, 5, eatt, sizeof(eatt));
	send_l2cap(world, PEER, 5, eatt_open, sizeof(eatt_open));
	send_l2cap(world, HOST, 1, bredr, sizeof(bredr));
	send_l2cap(world, PEER, 1, bredr_open, sizeof(bredr_open));
	send_l2cap(world, HOST, 4, by_type, sizeof(by_type));
	send_l2cap(world, PEER, 4, name, sizeof(name));
}

/* Requests wait for the response to the one before, as the protocols want it. */
static void play_talk(const uint8_t *data, size_t size)
{
	static const uint8_t key[16] = { 2 };
	struct world *world = calloc(1, sizeof(*world));
	unsigned int lossy;

	require(world != NULL);
	*world = (struct world){ .choice = data, .left = size, .redactor = ag_redactor_new(key) };
	require(world->redactor != NULL);
	lossy = choose(world, 2);
	open_channels(world);
	world->lossy = (int)lossy;
	while (world->left > 0) {
		int bearer = (int)choose(world, BEARERS), from = (int)choose(world, 2);
		struct talk *host = &world->talk[bearer][HOST], *peer = &world->talk[bearer][PEER];

		if (from == HOST && host->at == host->len &&
		    (world->wanted[bearer] || peer->at < peer->len))
			continue;
		if (from == PEER && peer->at == peer->len &&
		    (host->at < host->len || (bearer == SDP && !world->wanted[bearer])))
			continue;
		send_some(world, bearer, from);
	}
	free(world->redactor);
	free(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play_packets(data, size);
	play_talk(data, size);
	return 0;
}
