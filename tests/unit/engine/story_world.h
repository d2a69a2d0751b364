/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_TEST_STORY_WORLD_H
#define AG_TEST_STORY_WORLD_H

/* A controller, a host and a peer that say a few packets, and what is told of their link. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/story.h"
#include "proxy/wire/cursor.h"

#define MS     ((uint64_t)1000)
#define SECOND (1000 * MS)
#define HANDLE 0x0040

enum { MAX = 16, CID_ATT = 4, CID_SMP = 6 };

static struct {
	struct ag_engine *engine;
	struct ag_story *story;
	uint64_t frame;
	uint64_t now_us;
	struct ag_finding found[MAX];
	size_t n_found;
	size_t links;
} world;

static inline void tell(void *user, const struct ag_link_story *link)
{
	(void)user;
	world.links++;
	for (size_t i = 0; i < link->n_findings && world.n_found < MAX; i++)
		world.found[world.n_found++] = link->findings[i];
}

static inline void tap(void *user, const struct ag_decision *decision)
{
	(void)user;
	ag_story_decision(world.story, decision);
}

static inline void feed(enum ag_side side, const uint8_t *packet, size_t len)
{
	struct ag_packet out;

	ag_story_packet(world.story, ++world.frame, world.now_us, side, packet, len);
	cr_assert_eq(ag_engine_feed(world.engine, side, packet, len, world.now_us), 0);
	for (int to = AG_SIDE_HOST; to <= AG_SIDE_CONTROLLER; to++) {
		while (ag_engine_peek(world.engine, (enum ag_side)to, &out))
			ag_engine_pop(world.engine, (enum ag_side)to);
	}
}

static inline void wait_us(uint64_t us)
{
	world.now_us += us;
}

/* Time that the recording shows to have passed: another packet follows. */
static inline void later(uint64_t us)
{
	static const uint8_t vendor_event[] = { 4, 0xff, 1, 0 };

	wait_us(us);
	feed(AG_SIDE_CONTROLLER, vendor_event, sizeof(vendor_event));
}

/* A link comes up; role 0 is central, 1 peripheral. */
static inline void begin(uint8_t role)
{
	struct ag_engine_config config = { .tap = tap, .replay = true };
	uint8_t event[] = { 4, 0x3e, 19, 1,    0,    HANDLE, 0, role, 0,    1, 2,
			    3, 4,    5,  0xc6, 0x18, 0,      0, 0,    0x48, 0, 0 };

	memset(&world, 0, sizeof(world));
	cr_assert_eq(ag_story_new(tell, NULL, &world.story), 0);
	cr_assert_eq(ag_engine_new(&config, &world.engine), 0);
	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static inline void finish(void)
{
	ag_story_end(world.story);
	ag_engine_free(world.engine);
	ag_story_free(world.story);
}

static inline void complete(uint8_t count)
{
	uint8_t event[] = { 4, 0x13, 5, 1, HANDLE, 0, count, 0 };

	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static inline void send(enum ag_side side, uint16_t cid, const uint8_t *pdu, size_t len)
{
	uint8_t packet[64] = { 2, HANDLE, side == AG_SIDE_HOST ? 0x00 : 0x20 };

	cr_assert_leq(len, sizeof(packet) - 9);
	ag_put_le16(packet + 3, (uint16_t)(len + 4));
	ag_put_le16(packet + 5, (uint16_t)len);
	ag_put_le16(packet + 7, cid);
	memcpy(packet + 9, pdu, len);
	wait_us(10 * MS);
	feed(side, packet, len + 9);
	if (side == AG_SIDE_HOST)
		complete(1);
}

#define HOST(...)                                                                                  \
	send(AG_SIDE_HOST, CID_ATT, (const uint8_t[]){ __VA_ARGS__ },                              \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define PEER(...)                                                                                  \
	send(AG_SIDE_CONTROLLER, CID_ATT, (const uint8_t[]){ __VA_ARGS__ },                        \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define HOST_SMP(...)                                                                              \
	send(AG_SIDE_HOST, CID_SMP, (const uint8_t[]){ __VA_ARGS__ },                              \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))

#define PEER_SMP(...)                                                                              \
	send(AG_SIDE_CONTROLLER, CID_SMP, (const uint8_t[]){ __VA_ARGS__ },                        \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* The peer wants authentication for what the host reads. */
static inline void refused_read(void)
{
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
}

static inline void encrypt(void)
{
	uint8_t event[] = { 4, 0x08, 4, 0, HANDLE, 0, 1 };

	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static inline void end_by_peer(uint8_t reason)
{
	uint8_t event[] = { 4, 0x05, 4, 0, HANDLE, 0, reason };

	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static inline void end_by_host(uint8_t reason)
{
	uint8_t command[] = { 1, 0x06, 0x04, 3, HANDLE, 0, reason };

	feed(AG_SIDE_HOST, command, sizeof(command));
	wait_us(MS);
	end_by_peer(0x16);
}

static inline const struct ag_finding *find(enum ag_finding_kind kind)
{
	for (size_t i = 0; i < world.n_found; i++) {
		if (world.found[i].kind == kind)
			return &world.found[i];
	}
	return NULL;
}

static inline const struct ag_finding *expect(enum ag_finding_kind kind,
					      enum ag_confidence confidence, enum ag_remedy remedy)
{
	const struct ag_finding *finding = find(kind);

	cr_assert(finding, "%s was not found", ag_finding_name(kind));
	cr_expect_not(finding->harmless, "%s", finding->text);
	cr_expect_eq(finding->confidence, confidence, "%s", finding->why);
	cr_expect_eq(finding->remedy, remedy);
	cr_expect_gt(finding->n_frames, 0);
	for (size_t i = 1; i < finding->n_frames; i++)
		cr_expect_lt(finding->frames[i - 1], finding->frames[i]);
	return finding;
}

/* Completions of packets that are not there. */
static inline void begin_incomplete(uint8_t role)
{
	begin(role);
	complete(3);
}

#endif
