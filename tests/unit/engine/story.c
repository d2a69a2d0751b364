/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories of a few packets each: what has to be found, and what must not. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/story.h"
#include "proxy/wire/cursor.h"

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
