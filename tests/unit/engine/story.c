/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories of a few packets each: what has to be found, and what must not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/story.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/alloc.h"

TestSuite(engine_story, .timeout = 20);

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

static void tell(void *user, const struct ag_link_story *link)
{
	(void)user;
	world.links++;
	for (size_t i = 0; i < link->n_findings && world.n_found < MAX; i++)
		world.found[world.n_found++] = link->findings[i];
}

static void tap(void *user, const struct ag_decision *decision)
{
	(void)user;
	ag_story_decision(world.story, decision);
}

static void feed(enum ag_side side, const uint8_t *packet, size_t len)
{
	struct ag_packet out;

	ag_story_packet(world.story, ++world.frame, world.now_us, side, packet, len);
	cr_assert_eq(ag_engine_feed(world.engine, side, packet, len, world.now_us), 0);
	for (int to = AG_SIDE_HOST; to <= AG_SIDE_CONTROLLER; to++) {
		while (ag_engine_peek(world.engine, (enum ag_side)to, &out))
			ag_engine_pop(world.engine, (enum ag_side)to);
	}
}

static void wait_us(uint64_t us)
{
	world.now_us += us;
}

/* Time that the recording shows to have passed: another packet follows. */
static void later(uint64_t us)
{
	static const uint8_t vendor_event[] = { 4, 0xff, 1, 0 };

	wait_us(us);
	feed(AG_SIDE_CONTROLLER, vendor_event, sizeof(vendor_event));
}

/* A link comes up; role 0 is central, 1 peripheral. */
static void begin(uint8_t role)
{
	struct ag_engine_config config = { .tap = tap, .replay = true };
	uint8_t event[] = { 4, 0x3e, 19, 1,    0,    HANDLE, 0, role, 0,    1, 2,
			    3, 4,    5,  0xc6, 0x18, 0,      0, 0,    0x48, 0, 0 };

	memset(&world, 0, sizeof(world));
	cr_assert_eq(ag_story_new(tell, NULL, &world.story), 0);
	cr_assert_eq(ag_engine_new(&config, &world.engine), 0);
	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static void finish(void)
{
	ag_story_end(world.story);
	ag_engine_free(world.engine);
	ag_story_free(world.story);
}

static void complete(uint8_t count)
{
	uint8_t event[] = { 4, 0x13, 5, 1, HANDLE, 0, count, 0 };

	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static void send(enum ag_side side, uint16_t cid, const uint8_t *pdu, size_t len)
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

static void encrypt(void)
{
	uint8_t event[] = { 4, 0x08, 4, 0, HANDLE, 0, 1 };

	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static void end_by_peer(uint8_t reason)
{
	uint8_t event[] = { 4, 0x05, 4, 0, HANDLE, 0, reason };

	feed(AG_SIDE_CONTROLLER, event, sizeof(event));
}

static void end_by_host(uint8_t reason)
{
	uint8_t command[] = { 1, 0x06, 0x04, 3, HANDLE, 0, reason };

	feed(AG_SIDE_HOST, command, sizeof(command));
	wait_us(MS);
	end_by_peer(0x16);
}

static const struct ag_finding *find(enum ag_finding_kind kind)
{
	for (size_t i = 0; i < world.n_found; i++) {
		if (world.found[i].kind == kind)
			return &world.found[i];
	}
	return NULL;
}

static const struct ag_finding *expect(enum ag_finding_kind kind, enum ag_confidence confidence,
				       enum ag_remedy remedy)
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

Test(engine_story, nothing_on_a_healthy_link)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	HOST(0x0a, 0x09, 0x00);
	PEER(0x0b, 0x64);
	end_by_host(0x13);
	finish();
	cr_expect_eq(world.links, 1);
	cr_expect_eq(world.n_found, 0);
}

/* A central that is refused, pairs and is encrypted: as it should be. */
Test(engine_story, pairing_that_ends_well_is_no_finding)
{
	begin(0);
	HOST(0x0a, 0x09, 0x00);
	PEER(0x01, 0x0a, 0x09, 0x00, 0x05);
	HOST_SMP(0x01, 3, 0, 1, 16, 0, 0);
	wait_us(SECOND);
	encrypt();
	HOST(0x0a, 0x09, 0x00);
	PEER(0x0b, 0x64);
	finish();
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, the_kernels_smp_timer)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x0f);
	HOST_SMP(0x0b, 0x01);
	wait_us(30 * SECOND + 200 * MS);
	end_by_host(0x05);
	finish();
	expect(AG_FINDING_CLIENT, AG_CERTAIN, AG_REMEDY_QUIET);
	expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_QUIET);
	expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET);
	cr_expect(strstr(expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "SMP timer of the kernel"));
	cr_expect_eq(world.n_found, 4);
}

/* A bonded phone has encrypted as it was asked to; what it refuses then is refused for want of
 * more. */
Test(engine_story, refused_on_an_encrypted_link)
{
	begin(1);
	HOST_SMP(0x01, 3, 0, 1, 16, 0, 0);
	encrypt();
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST_SMP(0x0b, 0x05);
	wait_us(30 * SECOND + 200 * MS);
	end_by_host(0x05);
	finish();
	cr_expect(strstr(expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "sent a Security Request 0.010 s later (frame 8)"));
	expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET);
	expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_QUIET);
}

/* Refused on an encrypted link, and content with that: the earlier refusal is the one that is told.
 */
Test(engine_story, refused_again_and_content)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST_SMP(0x0b, 0x01);
	encrypt();
	HOST(0x0a, 0x18, 0x00);
	PEER(0x01, 0x0a, 0x18, 0x00, 0x05);
	end_by_host(0x13);
	finish();
	cr_assert_eq(world.n_found, 2);
	cr_expect_eq(world.found[1].kind, AG_FINDING_SECURITY);
	cr_expect(world.found[1].harmless);
	cr_expect(strstr(world.found[1].text, "0x0016"));
}

/* The phone asked while our socket was blocked, and gave up. */
Test(engine_story, the_peers_att_timer)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST_SMP(0x0b, 0x01);
	PEER(0x10, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28);
	wait_us(30 * SECOND);
	end_by_peer(0x13);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNANSWERED, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "blocks the ATT socket"));
	cr_expect(strstr(expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "the peer's own ATT timer"));
}

Test(engine_story, the_hosts_att_timer)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	wait_us(32 * SECOND);
	end_by_host(0x13);
	finish();
	expect(AG_FINDING_UNANSWERED, AG_CERTAIN, AG_REMEDY_SILENT_PEER);
	expect(AG_FINDING_TIMER, AG_CERTAIN, AG_REMEDY_SILENT_PEER);
	cr_expect_eq(world.n_found, 2);
}

/* A disconnection that no timer explains is no finding. */
Test(engine_story, an_early_end_is_no_timer)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	wait_us(2 * SECOND);
	end_by_host(0x13);
	finish();
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, surplus_responses)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x0a);
	finish();
	cr_expect_eq(expect(AG_FINDING_DUPLICATE, AG_CERTAIN, AG_REMEDY_SURPLUS)->n_frames, 2);
	expect(AG_FINDING_UNSOLICITED, AG_LIKELY, AG_REMEDY_SURPLUS);
	cr_expect_eq(world.n_found, 2);
}

Test(engine_story, malformed_answers)
{
	begin(1);
	HOST(0x08, 0x01, 0x00, 0xff, 0xff, 0x3a, 0x2b);
	PEER(0x09, 0x00, 0x0d, 0x00);
	HOST(0x0a, 0x09, 0x00);
	PEER(0x0b, 0x64);
	end_by_peer(0x13);
	finish();
	cr_expect(strstr(expect(AG_FINDING_MALFORMED, AG_CERTAIN, AG_REMEDY_MALFORMED)->text,
			 "The peer sent \"Read By Type Response"));
	cr_expect_eq(find(AG_FINDING_MALFORMED)->n_frames, 1);
}

/* What this machine says is told, but no rule is there for it. */
Test(engine_story, malformed_requests_of_ours)
{
	begin(0);
	HOST(0x0a, 0x09);
	PEER(0x01, 0x0a, 0x00, 0x00, 0x04);
	finish();
	expect(AG_FINDING_MALFORMED, AG_CERTAIN, AG_REMEDY_NONE);
}

Test(engine_story, mtu_said_in_two_ways)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	PEER(0x02, 0x40, 0x00);
	HOST(0x03, 0x05, 0x02);
	finish();
	expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_ONE_MTU);
	cr_expect_eq(world.n_found, 1);
}

Test(engine_story, a_pdu_longer_than_the_mtu)
{
	begin(0);
	HOST(0x02, 0x17, 0x00);
	PEER(0x03, 0x05, 0x02);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20, 21);
	finish();
	cr_expect_eq(expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_NONE)->frames[0], 6);
	cr_expect_eq(world.n_found, 1);
}

/* What is told is the MTU by which the PDU was counted: while there are two, the larger one. */
Test(engine_story, longer_than_the_larger_of_two_mtus)
{
	const struct ag_finding *finding;

	begin(0);
	HOST(0x02, 0x1e, 0x00);
	PEER(0x03, 0x05, 0x02);
	PEER(0x02, 0x05, 0x02);
	HOST(0x03, 0x18, 0x00);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20, 21, 22, 23, 24, 25, 26, 27, 28);
	finish();
	finding = &world.found[1];
	cr_assert_eq(world.n_found, 2);
	cr_expect(strstr(finding->text, "longer than the ATT_MTU of 30"), "%s", finding->text);
}

/* And the one before the exchange, whatever that led to. */
Test(engine_story, longer_than_the_mtu_before_the_exchange)
{
	const struct ag_finding *finding;

	begin(0);
	PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	     20, 21);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	finish();
	finding = expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_NONE);
	cr_expect(strstr(finding->text, "longer than the ATT_MTU of 23"), "%s", finding->text);
}

Test(engine_story, mtu_exchanged_twice)
{
	begin(0);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	HOST(0x02, 0x05, 0x02);
	PEER(0x03, 0x05, 0x02);
	finish();
	expect(AG_FINDING_MTU, AG_CERTAIN, AG_REMEDY_ONE_MTU);
}

Test(engine_story, service_changed_before_encryption)
{
	const struct ag_finding *finding;

	begin(1);
	PEER(0x08, 0x01, 0x00, 0xff, 0xff, 0x03, 0x28);
	HOST(0x09, 0x07, 0x07, 0x00, 0x20, 0x08, 0x00, 0x05, 0x2a);
	HOST(0x1d, 0x08, 0x00, 0x01, 0x00, 0xff, 0xff);
	PEER(0x1e);
	HOST_SMP(0x0b, 0x01);
	wait_us(SECOND);
	encrypt();
	finish();
	finding = expect(AG_FINDING_SERVICE_CHANGED, AG_CERTAIN, AG_REMEDY_HOLD_INDICATION);
	cr_expect_eq(finding->remedy_handle, 8);
	finding = find(AG_FINDING_UNPROMPTED);
	cr_assert(finding);
	cr_expect(finding->harmless);
	cr_expect_eq(finding->remedy, AG_REMEDY_BONDED);
}

Test(engine_story, indication_without_confirmation)
{
	begin(1);
	HOST(0x1d, 0x20, 0x00, 0x01);
	wait_us(30 * SECOND);
	end_by_host(0x13);
	finish();
	expect(AG_FINDING_INDICATION, AG_CERTAIN, AG_REMEDY_NONE);
	cr_expect(find(AG_FINDING_TIMER));
}

Test(engine_story, credits_never_returned)
{
	uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 4, 0, 0x1b, 0x20, 0, 1 };

	begin(1);
	HOST(0x1b, 0x20, 0x00, 0x01);
	for (int i = 0; i < 100; i++)
		feed(AG_SIDE_HOST, packet, sizeof(packet));
	later(20 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_CREDITS, AG_LIKELY, AG_REMEDY_NONE)->text, "of 100 "));
}

/* What was sent before the recording began shows in its completions. */
Test(engine_story, missing_packets_are_told)
{
	begin(1);
	complete(3);
	HOST(0x0a, 0x16, 0x00);
	later(40 * SECOND);
	finish();
	cr_assert(find(AG_FINDING_LOST));
	cr_expect(find(AG_FINDING_LOST)->harmless);
	expect(AG_FINDING_UNANSWERED, AG_POSSIBLE, AG_REMEDY_QUIET);
}

/* Of a link without ATT and SMP not even the role is known. */
Test(engine_story, nothing_is_said_of_other_traffic)
{
	static const uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 0x70, 0, 1, 2, 3, 4 };

	begin(1);
	feed(AG_SIDE_HOST, packet, sizeof(packet));
	later(60 * SECOND);
	end_by_host(0x13);
	finish();
	cr_expect_eq(world.links, 1);
	cr_expect_eq(world.n_found, 0);
}

/* A reset ends the link; the timers have nothing to do with it. */
Test(engine_story, reset_ends_links)
{
	static const uint8_t reset[] = { 4, 0x0e, 4, 1, 0x03, 0x0c, 0 };

	begin(0);
	HOST(0x0a, 0x16, 0x00);
	wait_us(30 * SECOND);
	feed(AG_SIDE_CONTROLLER, reset, sizeof(reset));
	cr_expect_eq(world.links, 1);
	finish();
	cr_expect_eq(world.links, 1);
	expect(AG_FINDING_UNANSWERED, AG_CERTAIN, AG_REMEDY_SILENT_PEER);
	cr_expect_null(find(AG_FINDING_TIMER));
}

/* More links than are kept, and a handle used again without an end. */
Test(engine_story, links_are_bounded)
{
	uint8_t event[] = { 4, 0x3e, 19, 1,    0,    0, 0, 1, 0,    1, 2,
			    3, 4,    5,  0xc6, 0x18, 0, 0, 0, 0x48, 0, 0 };

	begin(1);
	for (uint16_t handle = 0; handle < 200; handle++) {
		ag_put_le16(event + 5, handle);
		feed(AG_SIDE_CONTROLLER, event, sizeof(event));
	}
	finish();
	cr_expect_gt(world.links, 0);
	cr_expect_leq(world.links, 65);
	cr_expect_eq(world.n_found, 0);
}

/* ---- What is said of security ---- */

Test(engine_story, security_that_comes_late_is_less_sure)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	wait_us(2 * SECOND);
	HOST_SMP(0x0b, 0x01);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_SECURITY, AG_LIKELY, AG_REMEDY_QUIET)->text,
			 "refused 2 times in all"));
	cr_expect(strstr(find(AG_FINDING_SECURITY)->why, "not at once"));
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "until the recording ends"));
}

/* It is our error that made the peer ask. */
Test(engine_story, the_peer_takes_our_error_for_a_wish)
{
	begin(1);
	PEER(0x0a, 0x16, 0x00);
	HOST(0x01, 0x0a, 0x16, 0x00, 0x0f);
	PEER_SMP(0x01, 3, 0, 1, 16, 0, 0);
	HOST_SMP(0x05, 0x05);
	HOST_SMP(0x05, 0x08);
	finish();
	expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_OUR_ERROR);
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_OUR_ERROR)->text,
			 "The host sent Pairing Failed, pairing not supported (0x05) (frame 6)"));
}

Test(engine_story, pairing_that_the_peer_refuses)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST_SMP(0x0b, 0x01);
	PEER_SMP(0x05);
	finish();
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "The peer sent Pairing Failed, 0x00 (frame"));
}

Test(engine_story, pairing_that_comes_to_nothing)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST_SMP(0x01, 3, 0, 1, 16, 0, 0);
	PEER_SMP(0x02, 3, 0, 1, 16, 0, 0);
	later(20 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_THEIR_ERROR)->text,
			 "Pairing began (frame 7) and was not brought to an end in 20.0 s."));
}

static void enable_encryption(void)
{
	uint8_t command[32] = { 1, 0x19, 0x20, 28, HANDLE, 0 };

	feed(AG_SIDE_HOST, command, sizeof(command));
}

Test(engine_story, encryption_that_fails)
{
	static const uint8_t failed[] = { 4, 0x08, 4, 0x06, HANDLE, 0, 0 };

	begin(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	enable_encryption();
	feed(AG_SIDE_CONTROLLER, failed, sizeof(failed));
	finish();
	cr_expect(strstr(expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_THEIR_ERROR)->text,
			 "sent a LE Enable Encryption"));
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_THEIR_ERROR)->text,
			 "Encryption could not be started: pin or key missing (0x06) (frame 6)."));
}

/* The key is known and new: Encryption Key Refresh Complete says that it is in use. */
Test(engine_story, a_key_that_is_refreshed)
{
	static const uint8_t refreshed[] = { 4, 0x30, 3, 0, HANDLE, 0 };

	begin(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	enable_encryption();
	feed(AG_SIDE_CONTROLLER, refreshed, sizeof(refreshed));
	later(20 * SECOND);
	finish();
	cr_expect_eq(world.n_found, 0);
}

/* The peer is the central and has a key: it needs no word of ours. */
Test(engine_story, the_peer_encrypts_in_vain)
{
	static const uint8_t wanted[] = { 4, 0x3e, 13, 5, HANDLE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	begin(1);
	PEER(0x0a, 0x16, 0x00);
	HOST(0x0b, 0x01);
	feed(AG_SIDE_CONTROLLER, wanted, sizeof(wanted));
	later(20 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_NONE)->text,
			 "The host did nothing about the LE Enable Encryption"));
}

/* ---- What a recording without all packets proves less ---- */

/* Completions of packets that are not there. */
static void begin_incomplete(uint8_t role)
{
	begin(role);
	complete(3);
}

Test(engine_story, unprompted_where_the_refusal_may_be_missing)
{
	begin_incomplete(1);
	HOST_SMP(0x0b, 0x01);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNPROMPTED, AG_POSSIBLE, AG_REMEDY_QUIET)->text,
			 "among the packets that the recording lacks"));
	expect(AG_FINDING_PAIRING, AG_LIKELY, AG_REMEDY_QUIET);
}

static void expect_harmless(enum ag_finding_kind kind)
{
	const struct ag_finding *finding = find(kind);

	cr_assert(finding, "%s was not found", ag_finding_name(kind));
	cr_expect(finding->harmless, "%s", finding->text);
	cr_expect_eq(finding->confidence, AG_POSSIBLE);
	cr_expect_eq(finding->remedy, AG_REMEDY_NONE);
}

Test(engine_story, surplus_responses_where_requests_may_be_missing)
{
	begin_incomplete(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x0b, 0x01);
	PEER(0x0b, 0x01);
	PEER(0x13);
	finish();
	expect_harmless(AG_FINDING_DUPLICATE);
	expect_harmless(AG_FINDING_UNSOLICITED);
}

Test(engine_story, pdus_that_are_too_long_where_the_exchange_may_be_missing)
{
	begin_incomplete(0);
	for (int i = 0; i < 2; i++)
		PEER(0x1b, 0x10, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
		     18, 19, 20, 21);
	finish();
	expect_harmless(AG_FINDING_MTU);
	cr_expect(strstr(find(AG_FINDING_MTU)->text, "ATT_MTU of 23. So are 2 PDUs in all"));
}

/* A request behind one that was not answered, and more packets than there are buffers. */
Test(engine_story, what_shows_that_packets_are_missing)
{
	static const uint8_t buffers[] = { 4, 0x0e, 7, 1, 0x02, 0x20, 0, 27, 0, 2 };
	static const uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 4, 0, 0x52, 0x20, 0, 1 };

	begin(0);
	feed(AG_SIDE_CONTROLLER, buffers, sizeof(buffers));
	HOST(0x0a, 0x16, 0x00);
	HOST(0x0a, 0x17, 0x00);
	for (int i = 0; i < 3; i++)
		feed(AG_SIDE_HOST, packet, sizeof(packet));
	later(10 * SECOND);
	finish();
	cr_assert(find(AG_FINDING_LOST));
	cr_expect(strstr(find(AG_FINDING_LOST)->text,
			 "1 times a request follows one without a response; the controller seems"));
	cr_expect_null(find(AG_FINDING_CREDITS));
	/* younger than the limit, and its answer may be missing */
	cr_assert(find(AG_FINDING_UNANSWERED));
	cr_expect(find(AG_FINDING_UNANSWERED)->harmless);
}

/* The buffers of BR/EDR are LE's too where it has none of its own. */
Test(engine_story, buffers_that_are_shared)
{
	static const uint8_t shared[] = {
		4, 0x0e, 11, 1, 0x05, 0x10, 0, 0xfd, 0x03, 64, 1, 0, 0, 0
	};
	static const uint8_t none[] = { 4, 0x0e, 7, 1, 0x02, 0x20, 0, 0, 0, 0 };
	static const uint8_t packet[] = { 2, HANDLE, 0, 8, 0, 4, 0, 4, 0, 0x52, 0x20, 0, 1 };

	begin(0);
	feed(AG_SIDE_CONTROLLER, shared, sizeof(shared));
	feed(AG_SIDE_CONTROLLER, none, sizeof(none));
	feed(AG_SIDE_HOST, packet, sizeof(packet));
	cr_expect_eq(world.n_found, 0);
	feed(AG_SIDE_HOST, packet, sizeof(packet));
	finish();
	cr_expect(find(AG_FINDING_LOST));
}

/* ---- More on requests and indications ---- */

Test(engine_story, a_host_that_does_not_answer)
{
	begin(0);
	PEER(0x0a, 0x16, 0x00);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNANSWERED, AG_LIKELY, AG_REMEDY_SILENT_HOST)->why,
			 "when the recording ends, but younger"));
}

/* On enhanced bearers several requests are open at once, and the oldest is told. */
Test(engine_story, requests_on_enhanced_bearers)
{
	begin(0);
	send(AG_SIDE_HOST, 5,
	     (const uint8_t[]){ 0x17, 1, 12, 0, 0x27, 0, 64, 0, 64, 0, 5, 0, 0x40, 0, 0x41, 0 },
	     16);
	send(AG_SIDE_CONTROLLER, 5,
	     (const uint8_t[]){ 0x18, 1, 12, 0, 64, 0, 64, 0, 5, 0, 0, 0, 0x50, 0, 0x51, 0 }, 16);
	send(AG_SIDE_HOST, 0x50, (const uint8_t[]){ 3, 0, 0x0a, 0x16, 0 }, 5);
	send(AG_SIDE_HOST, 0x51, (const uint8_t[]){ 3, 0, 0x0a, 0x17, 0 }, 5);
	HOST(0x0a, 0x18, 0x00);
	PEER(0x0b, 0x01);
	send(AG_SIDE_CONTROLLER, 0x41, (const uint8_t[]){ 2, 0, 0x0b, 0x01 }, 4);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_UNANSWERED, AG_LIKELY, AG_REMEDY_SILENT_PEER)->text,
			 "Handle: 0x0017"));
	cr_expect_null(find(AG_FINDING_LOST));
}

Test(engine_story, a_second_response_that_is_another)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x0b, 0x01);
	PEER(0x0b, 0x02);
	PEER(0x0b, 0x02);
	finish();
	cr_expect(strstr(expect(AG_FINDING_DUPLICATE, AG_POSSIBLE, AG_REMEDY_SURPLUS)->text,
			 "There are 2 of this kind"));
}

Test(engine_story, an_indication_open_at_the_end)
{
	begin(1);
	HOST(0x1d, 0x20, 0x00, 0x01);
	later(10 * SECOND);
	finish();
	expect(AG_FINDING_INDICATION, AG_LIKELY, AG_REMEDY_NONE);
}

/* Nobody asked for the declaration, so only the value tells; and one that cannot be a range is
 * none. */
Test(engine_story, service_changed_by_its_form)
{
	begin(1);
	HOST(0x1d, 0x08, 0x00, 0x05, 0x00, 0x01, 0x00);
	PEER(0x1e);
	HOST(0x1d, 0x08, 0x00, 0x01);
	PEER(0x1e);
	HOST(0x1d, 0x08, 0x00, 0x01, 0x00, 0xff, 0xff);
	PEER(0x1e);
	HOST_SMP(0x0b, 0x01);
	finish();
	cr_expect_eq(
	    expect(AG_FINDING_SERVICE_CHANGED, AG_LIKELY, AG_REMEDY_HOLD_INDICATION)->frames[0], 8);
}

/* ---- More on timers ---- */

Test(engine_story, the_smp_timer_with_the_reason_of_newer_kernels)
{
	begin(1);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
	HOST_SMP(0x0b, 0x01);
	wait_us(30 * SECOND + 200 * MS);
	end_by_host(0x13);
	finish();
	expect(AG_FINDING_TIMER, AG_LIKELY, AG_REMEDY_QUIET);
}

/* Only the reason speaks for it: the Security Request is among what is missing. */
static void end_without_a_request(uint8_t role, bool by_host, enum ag_remedy remedy)
{
	begin_incomplete(role);
	HOST(0x1b, 0x20, 0x00, 0x01);
	if (by_host)
		end_by_host(0x05);
	else
		end_by_peer(0x05);
	finish();
	cr_expect(strstr(expect(AG_FINDING_TIMER, AG_POSSIBLE, remedy)->text,
			 "the request itself is not in the recording"));
}

Test(engine_story, the_smp_timer_by_its_reason)
{
	end_without_a_request(1, true, AG_REMEDY_QUIET);
	end_without_a_request(0, true, AG_REMEDY_THEIR_ERROR);
	end_without_a_request(0, false, AG_REMEDY_OUR_ERROR);
}

/* Nothing of the peer's is seen to be open, but our Security Request is 30 s old. */
Test(engine_story, the_peers_att_timer_by_exclusion)
{
	for (int incomplete = 0; incomplete < 2; incomplete++) {
		begin(1);
		if (incomplete)
			complete(3);
		HOST(0x0a, 0x16, 0x00);
		PEER(0x01, 0x0a, 0x16, 0x00, 0x05);
		HOST_SMP(0x0b, 0x01);
		wait_us(31 * SECOND);
		end_by_peer(0x13);
		finish();
		cr_expect(strstr(
		    expect(AG_FINDING_TIMER, incomplete ? AG_LIKELY : AG_POSSIBLE, AG_REMEDY_QUIET)
			->text,
		    "the peer's own ATT timer of 30 s for a request that is not in"));
	}
}

/* ---- What tells nothing ---- */

Test(engine_story, pdus_without_what_they_are_about)
{
	begin(1);
	HOST(0x02);
	PEER(0x03, 0x05);
	HOST(0x1d, 0x20);
	HOST(0x0a, 0x16, 0x00);
	PEER(0x01);
	PEER(0x08, 0x01, 0x00, 0xff, 0xff, 0x03, 0x28);
	HOST(0x09, 0x05, 0x07, 0x00, 0x05, 0x2a, 0x00);
	later(2 * SECOND);
	finish();
	cr_expect_null(find(AG_FINDING_INDICATION));
	cr_expect_null(find(AG_FINDING_SERVICE_CHANGED));
	cr_expect_null(find(AG_FINDING_TIMER));
}

static const struct {
	enum ag_side from;
	size_t len;
	uint8_t octets[24];
} whole_packets[] = {
	{ AG_SIDE_HOST, 7, { 1, 0x06, 0x04, 3, HANDLE, 0, 0x13 } },
	{ AG_SIDE_HOST, 6, { 1, 0x19, 0x20, 28, HANDLE, 0 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x05, 4, 0, HANDLE, 0 } }, /* ends the link, reason or not */
	{ AG_SIDE_CONTROLLER, 7, { 4, 0x08, 4, 0, HANDLE, 0, 1 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x30, 3, 0, HANDLE, 0 } },
	{ AG_SIDE_CONTROLLER, 8, { 4, 0x13, 5, 1, HANDLE, 0, 1, 0 } },
	{ AG_SIDE_CONTROLLER, 7, { 4, 0x0e, 4, 1, 0x03, 0x0c, 0 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x3e, 13, 5, HANDLE, 0 } },
	{ AG_SIDE_CONTROLLER, 7, { 4, 0x3e, 19, 1, 0, 0x41, 0 } },
	{ AG_SIDE_CONTROLLER, 6, { 4, 0x03, 11, 0, 0x41, 0 } },
	{ AG_SIDE_HOST, 9, { 2, HANDLE, 0, 4, 0, 0, 0, 4, 0 } },
};

/* Cut before their last octet, or on a link that is not there, they change nothing. */
Test(engine_story, packets_that_tell_nothing)
{
	begin(0);
	HOST(0x0a, 0x16, 0x00);
	for (size_t i = 0; i < ag_array_size(whole_packets); i++) {
		for (size_t len = 0; len < whole_packets[i].len; len++)
			ag_story_packet(world.story, ++world.frame, world.now_us,
					whole_packets[i].from, whole_packets[i].octets, len);
	}
	PEER(0x0b, 0x01);
	cr_expect_eq(world.links, 0);
	for (size_t i = 0; i < ag_array_size(whole_packets); i++) {
		uint8_t octets[9];

		memcpy(octets, whole_packets[i].octets, sizeof(octets));
		if (!memchr(octets, HANDLE, sizeof(octets)))
			continue;
		*(uint8_t *)memchr(octets, HANDLE, sizeof(octets)) = HANDLE + 5;
		ag_story_packet(world.story, ++world.frame, world.now_us, whole_packets[i].from,
				octets, whole_packets[i].len);
	}
	cr_expect_eq(world.links, 0);
	finish();
	cr_expect_eq(world.links, 1);
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, a_link_of_bredr)
{
	static const uint8_t up[] = { 4, 0x03, 11, 0, 0x41, 0, 1, 2, 3, 4, 5, 6, 1, 0 };
	static const uint8_t failed[] = { 4, 0x03, 11, 4, 0x42, 0, 1, 2, 3, 4, 5, 6, 1, 0 };

	begin(0);
	feed(AG_SIDE_CONTROLLER, up, sizeof(up));
	feed(AG_SIDE_CONTROLLER, failed, sizeof(failed));
	finish();
	cr_expect_eq(world.links, 2);
}

Test(engine_story, a_decision_on_a_link_that_is_not_known)
{
	const struct ag_link_view view = { .handle = 0x77 };
	const struct ag_decision decision = {
		.link = &view,
		.pdu = (const uint8_t *)"\x0b\x01",
		.len = 2,
	};

	begin(0);
	ag_story_decision(world.story, &decision);
	finish();
	cr_expect_eq(world.n_found, 0);
}

Test(engine_story, no_memory)
{
	struct ag_story *story = NULL;

	ag_sim_alloc_fail_after(0);
	cr_expect_eq(ag_story_new(tell, NULL, &story), -ENOMEM);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_null(story);
}

Test(engine_story, every_kind_and_confidence_has_words)
{
	for (int i = 0; i < AG_FINDING_KINDS; i++) {
		cr_expect_gt(strlen(ag_finding_name((enum ag_finding_kind)i)), 5);
		cr_expect_gt(strlen(ag_finding_title((enum ag_finding_kind)i)), 10);
	}
	cr_expect_str_eq(ag_confidence_name(AG_POSSIBLE), "possible");
	cr_expect_str_eq(ag_confidence_name(AG_LIKELY), "likely");
	cr_expect_str_eq(ag_confidence_name(AG_CERTAIN), "certain");
}

/* The rules of all remedies together are a rule file without errors and warnings. */
Test(engine_story, remedies_are_good_rules)
{
	char text[8192] = "";
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *rules = NULL;
	size_t len = 0;

	for (int i = 0; i < AG_REMEDIES; i++) {
		size_t more = ag_remedy_format((enum ag_remedy)i, 0x12, text + len,
					       sizeof(text) - len);
		const char *name = ag_remedy_rule((enum ag_remedy)i);

		cr_expect_eq(more == 0, i == AG_REMEDY_NONE);
		cr_expect(!name || strstr(text + len, name));
		len += more;
		cr_assert_lt(len, sizeof(text));
	}
	struct ag_source source = { .name = "remedies", .text = text, .len = len };

	cr_expect_eq(ag_ruleset_compile(&source, 1, &rules, &diags), 0);
	for (size_t i = 0; i < diags.count; i++)
		cr_expect(false, "%s", diags.list[i].message);
	ag_diags_clear(&diags);
	ag_ruleset_free(rules);
}
