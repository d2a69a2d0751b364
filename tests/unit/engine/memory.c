/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Memory: none per packet in the steady state, bounded per link, and running out of it is survived.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/engine.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/alloc.h"

#define RULES                                                                                      \
	"let asked = {0x0030, 0x0040..0x0050}\n"                                                   \
	"rule refuse when from == host and att.opcode == read_by_group_type_request reject\n"      \
	"rule have when att.opcode == read_request and att.handle in asked answer hex\"64\"\n"     \
	"rule late when from == peer and att.kind == response and every 3 delay 3ms\n"             \
	"rule long when att.opcode == handle_value_notification rewrite att.value = \"longer "     \
	"value\"\n"                                                                                \
	"rule twice when att.opcode == write_command duplicate\n"                                  \
	"rule known when att.uuid == battery_level and att.opcode == read_request reject\n"        \
	"rule soon when att.kind == request timeout 2s request_not_supported\n"                    \
	"rule hold when att.kind == indication and not encrypted delay 9s until encrypted\n"       \
	"rule pair when smp.opcode == pairing_request reject\n"                                    \
	"rule end when att.opcode == signed_write_command disconnect\n"

static const char rules_text[] = RULES "rule none when from == peer and att.handle in 0x60..0x6f "
				       "hide\n";
static const char others_text[] = RULES "rule none when from == peer and att.handle in 0x50..0x6f "
					"hide\n";

static int compile_text(const char *text, struct ag_ruleset **out)
{
	struct ag_source source = { "memory", text, strlen(text) };

	return ag_ruleset_compile(&source, 1, out, NULL);
}

static int compile(struct ag_ruleset **out)
{
	return compile_text(rules_text, out);
}

struct traffic {
	struct ag_engine *engine;
	uint64_t now_us;
	uint16_t handle;
	size_t data_out; /* ACL packets that came out on any side */
	bool kept;       /* nobody takes what comes out */
	bool replay;
	uint16_t host_max; /* longest data field that the host takes */
	size_t first;      /* octets in the first packet of an answer, 0: as in the others */
};

static void discard(struct traffic *traffic)
{
	struct ag_packet packet;

	for (int side = 0; side < 2 && !traffic->kept; side++) {
		while (ag_engine_peek(traffic->engine, (enum ag_side)side, &packet)) {
			traffic->data_out += packet.data[0] == AG_H4_ACL;
			ag_engine_pop(traffic->engine, (enum ag_side)side);
		}
	}
}

static int feed(struct traffic *traffic, enum ag_side side, const void *packet, size_t len)
{
	int r = ag_engine_feed(traffic->engine, side, packet, len, traffic->now_us);

	if (r == 0 && ag_engine_deadline(traffic->engine) <= traffic->now_us)
		r = ag_engine_tick(traffic->engine, traffic->now_us);
	discard(traffic);
	return r;
}

static int connect(struct traffic *traffic, uint16_t handle)
{
	uint8_t event[22] = { AG_H4_EVENT, 0x3e, 19, 1, 0, 0, 0, 1, 1, 1, 2 };

	ag_put_le16(event + 5, handle);
	traffic->handle = handle;
	return feed(traffic, AG_SIDE_CONTROLLER, event, sizeof(event));
}

/* One PDU in packets of at most `part` octets. */
static int pdu(struct traffic *traffic, enum ag_side side, uint16_t cid, const void *data,
	       size_t len, size_t part)
{
	uint8_t l2cap[4 + 600], packet[5 + 604] = { AG_H4_ACL };
	size_t done = 0;
	int r = 0;

	ag_put_le16(l2cap, (uint16_t)len);
	ag_put_le16(l2cap + 2, cid);
	memcpy(l2cap + 4, data, len);
	while (r == 0 && done < 4 + len) {
		size_t now = 4 + len - done < part ? 4 + len - done : part;
		uint16_t pb = done > 0 ? 1 : (side == AG_SIDE_HOST ? 0 : 2);

		ag_put_le16(packet + 1, (uint16_t)(traffic->handle | pb << 12));
		ag_put_le16(packet + 3, (uint16_t)now);
		memcpy(packet + 5, l2cap + done, now);
		r = feed(traffic, side, packet, 5 + now);
		done += now;
	}
	return r;
}

static int completed(struct traffic *traffic, uint8_t count)
{
	uint8_t event[] = { AG_H4_EVENT, 0x13, 5, 1, 0, 0, count, 0 };

	ag_put_le16(event + 4, traffic->handle);
	return feed(traffic, AG_SIDE_CONTROLLER, event, sizeof(event));
}

#define PDU(traffic, side, cid, octets, part)                                                      \
	pdu(traffic, side, cid, octets, sizeof(octets) - 1, part)

/* A list of which nothing is left, its continuation, and what is reached by handle. Where the
 * answers are held back they are let go by the next round. */
static int hidden(struct traffic *traffic)
{
	enum ag_side host = AG_SIDE_HOST, peer = AG_SIDE_CONTROLLER;
	int r;

	if ((r = PDU(traffic, host, 4, "\x08\x30\x00\x7f\x00\x03\x28", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x09\x07\x61\x00\x12\x62\x00\x00\x2a", 27)) ||
	    (r = completed(traffic, 2)) ||
	    (r = PDU(traffic, peer, 4, "\x09\x07\x71\x00\x20\x72\x00\x05\x2a", 27)) ||
	    (r = PDU(traffic, host, 4, "\x0a\x62\x00", 27)))
		return r;
	return PDU(traffic, peer, 4, "\x1b\x62\x00 0123456789", 9);
}

/* A bit of everything; what is started is finished, so that it can be repeated. */
static int talk(struct traffic *traffic)
{
	/* the start of a notification, which is not gone on with */
	uint8_t start[] = { AG_H4_ACL, 0, 0x20, 8, 0, 40, 0, 4, 0, 0x1b, 0x10, 0, '0' };
	enum ag_side host = AG_SIDE_HOST, peer = AG_SIDE_CONTROLLER;
	int r;

	start[1] = (uint8_t)traffic->handle;
	traffic->now_us += 10000;
	if ((r = PDU(traffic, host, 4, "\x10\x01\x00\xff\xff\x00\x28", 27)) ||
	    (r = PDU(traffic, host, 4, "\x0a\x30\x00", 27)) ||
	    (r = PDU(traffic, host, 4, "\x0a\x42\x00", 2)) ||
	    (r = PDU(traffic, host, 4, "\x0a\x16\x00", 3)) || (r = completed(traffic, 3)) ||
	    (r = feed(traffic, peer, start, sizeof(start))) ||
	    (r = PDU(traffic, peer, 4, "\x0b\x64", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x1b\x10\x00 0123456789 0123456789", 5)) ||
	    (r = PDU(traffic, host, 4, "\x1b\x10\x00 0123456789 0123456789", 5)) ||
	    (r = completed(traffic, 1)) || (r = PDU(traffic, host, 4, "\x52\x10\x00 01234", 27)) ||
	    (r = completed(traffic, 2)) ||
	    (r = PDU(traffic, peer, 6, "\x01\x03\x00\x01\x10\x07\x07", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x08\x01\x00\xff\xff\x03\x28", 27)) ||
	    (r = PDU(traffic, host, 4, "\x09\x07\x11\x00\x12\x12\x00\x19\x2a", 27)) ||
	    (r = completed(traffic, 1)) || (r = PDU(traffic, peer, 4, "\x0a\x12\x00", 27)) ||
	    (r = completed(traffic, 2)) || (r = PDU(traffic, host, 0x40, "0123456789", 4)) ||
	    (r = completed(traffic, 4)))
		return r;
	r = hidden(traffic);
	return r ? r : PDU(traffic, peer, 0x40, "0123456789", 4);
}

static int start(struct traffic *traffic, const struct ag_ruleset *rules)
{
	static const uint8_t buffers[] = { AG_H4_EVENT, 0x0e, 7, 1, 0x02, 0x20, 0, 27, 0, 8 };
	struct ag_engine_config config = {
		.rules = rules,
		.early_acl_us = 50000,
		.acl_max = { traffic->host_max, 0 },
		.replay = traffic->replay,
	};
	int r = ag_engine_new(&config, &traffic->engine);

	if (r == 0)
		r = feed(traffic, AG_SIDE_CONTROLLER, buffers, sizeof(buffers));
	return r ? r : connect(traffic, 0x40);
}

Test(memory, none_in_the_steady_state)
{
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	uint64_t before, pdus;

	cr_assert_eq(compile(&rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(talk(&traffic), 0);
	before = ag_sim_alloc_count();
	pdus = ag_engine_stats(traffic.engine)->judged;
	cr_assert_gt(before, 0, "allocations are not seen");
	for (int i = 0; i < 2000; i++)
		cr_assert_eq(talk(&traffic), 0);
	cr_assert_geq(ag_engine_stats(traffic.engine)->judged - pdus, 10000);
	cr_assert_eq(ag_sim_alloc_count(), before);
	cr_assert_geq(ag_engine_stats(traffic.engine)->verdicts[AG_V_HIDE], 6000);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* An enhanced bearer: a refused request, a held indication, a value in two frames. */
static int enhanced(struct traffic *traffic)
{
	/* SDU length, then a notification of 41 octets of value */
	static const uint8_t long_value[46] = { 44, 0, 0x1b, 0x10, 0x00 };
	enum ag_side host = AG_SIDE_HOST, peer = AG_SIDE_CONTROLLER;
	int r;

	if ((r = PDU(traffic, host, 5, "\x14\x01\x0a\0\x27\0\x40\0\x40\0\x2a\0\x05\0", 27)) ||
	    (r = PDU(traffic, peer, 5, "\x15\x01\x0a\0\x50\0\x40\0\x2a\0\x05\0\0\0", 27)) ||
	    (r = completed(traffic, 1)) ||
	    (r = PDU(traffic, host, 0x50, "\x07\0\x10\x01\0\xff\xff\0\x28", 27)) ||
	    (r = PDU(traffic, host, 0x50, "\x05\0\x1d\x0a\0\x01\0", 27)))
		return r;
	r = pdu(traffic, peer, 0x40, long_value, 42, 27);
	return r ? r : pdu(traffic, peer, 0x40, long_value + 42, 4, 27);
}

/* A channel whose SDU goes by unjudged while an answer of ours waits for its end, and frames that
 * wait for a credit. */
static int passing(struct traffic *traffic)
{
	static const uint8_t frame[400] = { 0x28, 0x23, 0x1b, 0x10, 0x00 }; /* of 9000 octets */
	enum ag_side host = AG_SIDE_HOST, peer = AG_SIDE_CONTROLLER;
	size_t sent = sizeof(frame) - 2;
	int r;

	/* what is held goes before it */
	r = PDU(traffic, peer, 0x40, "\5\0\x1d\x0b\0\1\0", 27);
	if (!r)
		r = pdu(traffic, peer, 0x40, frame, sizeof(frame), 600);
	if (r || (r = PDU(traffic, host, 0x50, "\x07\0\x10\x01\0\xff\xff\0\x28", 27)))
		return r;
	for (; !r && sent < 9000; sent += sizeof(frame))
		r = pdu(traffic, peer, 0x40, frame, sizeof(frame), 600);
	if (r || (r = PDU(traffic, host, 5, "\x16\x02\4\0\x40\0\x01\0", 27)))
		return r;
	return PDU(traffic, host, 5, "\x16\x03\4\0\x40\0\x20\0", 27);
}

/* The link is to be ended by a command of ours, and the host has one to send meanwhile. */
static int ending(struct traffic *traffic)
{
	static const uint8_t read_rssi[] = { AG_H4_COMMAND, 0x05, 0x14, 2, 0x40, 0 };
	static const uint8_t status[] = { AG_H4_EVENT, 0x0f, 4, 0, 1, 0x06, 0x04 };
	int r = PDU(traffic, AG_SIDE_HOST, 4, "\xd2\x18\0\1 0123456789ab", 27);

	if (r || (r = feed(traffic, AG_SIDE_HOST, read_rssi, sizeof(read_rssi))))
		return r;
	return feed(traffic, AG_SIDE_CONTROLLER, status, sizeof(status));
}

/* Questions whose time runs out, one more behind them, PDUs that are interrupted, ours between the
 * fragments of others, what waits for encryption. */
static int waiting(struct traffic *traffic)
{
	static const uint8_t encrypted[] = { AG_H4_EVENT, 0x08, 4, 0, 0x40, 0, 1 };
	enum ag_side host = AG_SIDE_HOST, peer = AG_SIDE_CONTROLLER;
	uint8_t part[5 + 9] = { AG_H4_ACL, 0x40, 0x00, 9, 0, 40, 0, 0x44, 0 };
	int r;

	/* the peer's services are in doubt */
	if ((r = PDU(traffic, host, 4, "\x08\x01\0\x05\0\3\x28", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x09\x07\2\0\x20\3\0\5\x2a", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x1d\3\0\1\0\xff\xff", 27)))
		return r;
	/* a PDU of another channel begins, and an answer to the peer waits for its end */
	if ((r = feed(traffic, host, part, sizeof(part))) ||
	    (r = PDU(traffic, peer, 4, "\x10\x01\0\xff\xff\0\x28", 27)) ||
	    (r = PDU(traffic, peer, 6, "\x01\x03\x00\x01\x10\x07\x07", 27)) ||
	    (r = PDU(traffic, host, 4, "\x0a\x17\0", 27)))
		return r;
	part[2] = 0x20;
	if ((r = feed(traffic, peer, part, sizeof(part))) ||
	    (r = PDU(traffic, host, 4, "\x10\x01\0\xff\xff\0\x28", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x1d\x0a\0\x01\0\xff\xff", 27)) ||
	    (r = PDU(traffic, peer, 4, "\x1d\x0b\0\x01", 3)))
		return r;
	traffic->now_us += 2000000;
	if ((r = ag_engine_tick(traffic->engine, traffic->now_us)) ||
	    (r = PDU(traffic, host, 4, "\x0a\x18\0", 27)) ||
	    (r = feed(traffic, peer, encrypted, sizeof(encrypted))))
		return r;
	return completed(traffic, 60);
}

/* Everything that is put in a queue or moved from one to another, on one link. */
static int crowded(struct traffic *traffic)
{
	int r;

	if ((r = talk(traffic)) || (r = enhanced(traffic)) || (r = passing(traffic)) ||
	    (r = waiting(traffic)) || (r = ending(traffic)))
		return r;
	return talk(traffic);
}

/* Packets that go by, for the queues to be as full as one likes. */
static int fill(struct traffic *traffic, enum ag_side from, size_t count)
{
	static const uint8_t sco[] = { 0x03, 0x70, 0x00, 1, 0 };
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = feed(traffic, from, sco, sizeof(sco));
	return r;
}

static void fill_and_fail(const struct ag_ruleset *rules, struct traffic traffic, size_t to_host,
			  size_t to_controller)
{
	enum { LARGE = 8192 }; /* what a queue of 4096 octets asks for */
	int r;

	ag_sim_alloc_track();
	cr_assert_eq(start(&traffic, rules), 0);
	traffic.kept = true;
	cr_assert_eq(fill(&traffic, AG_SIDE_CONTROLLER, to_host), 0);
	cr_assert_eq(fill(&traffic, AG_SIDE_HOST, to_controller), 0);
	ag_sim_alloc_fail_large(0, LARGE);
	r = crowded(&traffic);
	cr_assert_eq(r, ag_sim_alloc_fail_end() ? -ENOMEM : 0);
	ag_engine_free(traffic.engine);
	cr_assert_eq(ag_sim_alloc_live(), 0, "%zu octets leak", ag_sim_alloc_live());
}

/* A queue asks for memory now and then only. Filled a little more each time, it does so at each
 * place at which something is put there. */
Test(memory, every_packet_may_be_the_one_too_many)
{
	enum { FULL = 256 }; /* packets of 16 octets in a queue of 4096 */
	const struct traffic kinds[] = { { 0 }, { .host_max = 30 }, { .replay = true } };
	struct ag_ruleset *rules = NULL;

	cr_assert_eq(compile(&rules), 0);
	for (size_t kind = 0; kind < ag_array_size(kinds); kind++) {
		for (size_t count = 0; count < FULL; count++) {
			fill_and_fail(rules, kinds[kind], count, 0);
			fill_and_fail(rules, kinds[kind], 0, count);
		}
	}
	ag_ruleset_free(rules);
}

/* The scenario of the sweep: two links, held PDUs, a reload, an unknown handle, a disconnection. */
static int live_through(struct ag_ruleset *rules, struct ag_ruleset *others,
			struct traffic *traffic)
{
	static const uint8_t early[] = { AG_H4_ACL, 0x42, 0x20, 3, 0, 0x40, 0x00, 0x04 };
	static const uint8_t down[] = { AG_H4_EVENT, 0x05, 4, 0, 0x40, 0, 0x13 };
	int r;

	if ((r = start(traffic, rules)) || (r = talk(traffic)) ||
	    (r = PDU(traffic, AG_SIDE_HOST, 4, "\x1d\x0a\x00\x01\x00", 27)) ||
	    (r = enhanced(traffic)) || (r = passing(traffic)) || (r = waiting(traffic)) ||
	    (r = ending(traffic)) || (r = connect(traffic, 0x41)) || (r = talk(traffic)) ||
	    (r = feed(traffic, AG_SIDE_CONTROLLER, early, sizeof(early))))
		return r;
	r = ag_engine_set_rules(traffic->engine, others);
	if (r || (r = talk(traffic)) || (r = feed(traffic, AG_SIDE_CONTROLLER, down, sizeof(down))))
		return r;
	traffic->now_us += 20000000;
	r = ag_engine_tick(traffic->engine, traffic->now_us);
	discard(traffic);
	return r;
}

static int whole_life(bool replay)
{
	struct ag_ruleset *rules = NULL, *others = NULL;
	struct traffic traffic = { .replay = replay };
	int r = compile(&rules);

	if (r == 0)
		r = compile_text(others_text, &others);
	if (r == 0)
		r = live_through(rules, others, &traffic);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
	ag_ruleset_free(others);
	return r;
}

static void sweep(bool replay)
{
	unsigned int swept = 0, survived = 0;

	for (bool failed = true; failed; swept++) {
		int r;

		ag_sim_alloc_track();
		ag_sim_alloc_fail_after(swept);
		r = whole_life(replay);
		failed = ag_sim_alloc_fail_end();
		cr_assert(r == 0 || (failed && r == -ENOMEM), "allocation %u: %d", swept, r);
		cr_assert_eq(ag_sim_alloc_live(), 0, "allocation %u: %zu octets leak", swept,
			     ag_sim_alloc_live());
		survived += failed && r == 0;
	}
	cr_assert_gt(swept, 30, "only %u allocations", swept);
	cr_log_info("%u allocations, %u survived", swept, survived);
}

Test(memory, every_allocation_may_fail)
{
	sweep(true);
	sweep(false);
}

/* Invariant 5: whatever floods in, a link's memory stays within its caps, and nothing is lost. */
Test(memory, is_bounded)
{
	static const char hold[] = "rule all when att.kind in {notification, command} delay 10s";
	struct ag_source source = { "hold", hold, sizeof(hold) - 1 };
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	uint8_t value[500] = { 0x1b, 0x10, 0x00 };
	size_t before;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	ag_sim_alloc_track();
	cr_assert_eq(start(&traffic, rules), 0);
	before = ag_sim_alloc_live();
	for (int i = 0; i < 20000; i++)
		cr_assert_eq(pdu(&traffic, AG_SIDE_CONTROLLER, 4, value, sizeof(value), 600), 0);
	cr_assert_lt(ag_sim_alloc_live() - before, 256u * 1024);
	cr_assert_gt(ag_engine_stats(traffic.engine)->early_releases, 10000);
	ag_engine_tick(traffic.engine, traffic.now_us + 20000000);
	discard(&traffic);
	cr_assert_eq(traffic.data_out, 20000);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* An ACL packet holds more than is gathered: what is longer than what is judged goes by as it is,
 * whatever the rules would make of it. */
static void pass_long(struct traffic *traffic, uint16_t cid, const uint8_t *pdu, size_t len)
{
	static uint8_t packet[5 + 4 + 65531];
	struct ag_packet out;

	packet[0] = AG_H4_ACL;
	ag_put_le16(packet + 1, (uint16_t)(traffic->handle | 2 << 12));
	ag_put_le16(packet + 3, (uint16_t)(4 + len));
	ag_put_le16(packet + 5, (uint16_t)len);
	ag_put_le16(packet + 7, cid);
	memcpy(packet + 9, pdu, len);
	cr_assert_eq(ag_engine_feed(traffic->engine, AG_SIDE_CONTROLLER, packet, 9 + len, 0), 0);
	cr_assert(ag_engine_peek(traffic->engine, AG_SIDE_HOST, &out));
	cr_assert_eq(out.len, 9 + len, "%zu octets of %zu", out.len, 9 + len);
	cr_assert_arr_eq(out.data, packet, out.len);
	discard(traffic);
}

Test(memory, what_is_longer_than_is_judged_passes_in_one_packet)
{
	static const char text[] = "rule all when att.opcode == handle_value_notification "
				   "rewrite att.value = hex\"00\" duplicate\n"
				   "rule none when from == peer hide\n";
	static uint8_t notification[65531] = { 0x1b, 0x10, 0x00 };
	static uint8_t sdu[65531] = { 0, 0, 0x1b, 0x10, 0x00 };
	static const size_t lengths[] = { 8193, 8200, 20000, 65529 };
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };

	cr_assert_eq(compile_text(text, &rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	cr_assert_eq(
	    PDU(&traffic, AG_SIDE_HOST, 5, "\x14\x01\x0a\0\x27\0\x40\0\xff\xff\xfd\xff\x10\0", 27),
	    0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 5,
			 "\x15\x01\x0a\0\x50\0\xff\xff\xfd\xff\x10\0\0\0", 27),
		     0);
	for (size_t i = 0; i < ag_array_size(lengths); i++) {
		pass_long(&traffic, 4, notification, lengths[i]);
		ag_put_le16(sdu, (uint16_t)lengths[i]);
		pass_long(&traffic, 0x40, sdu, 2 + lengths[i]);
	}
	cr_expect_eq(ag_engine_stats(traffic.engine)->unjudged[AG_UNJUDGED_TOO_LONG],
		     2 * ag_array_size(lengths));
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* A response of `len` octets in packets of at most `part`. */
static void answer(struct traffic *traffic, size_t len, size_t part)
{
	static uint8_t l2cap[4 + 20000], packet[5 + sizeof(l2cap)] = { AG_H4_ACL };

	ag_put_le16(l2cap, (uint16_t)len);
	ag_put_le16(l2cap + 2, 4);
	l2cap[4] = 0x0b;
	for (size_t done = 0, now; done < 4 + len; done += now) {
		size_t most = !done && traffic->first ? traffic->first : part;

		now = 4 + len - done < most ? 4 + len - done : most;
		ag_put_le16(packet + 1, (uint16_t)(traffic->handle | (done ? 1 : 2) << 12));
		ag_put_le16(packet + 3, (uint16_t)now);
		memcpy(packet + 5, l2cap + done, now);
		cr_assert_eq(feed(traffic, AG_SIDE_CONTROLLER, packet, 5 + now), 0);
	}
}

/* In how many packets something goes to the host. */
static size_t to_host(const struct traffic *traffic, size_t before)
{
	return traffic->data_out - before;
}

static void ask(struct traffic *traffic)
{
	cr_assert_eq(PDU(traffic, AG_SIDE_HOST, 4, "\x0a\x03\x00", 27), 0);
	cr_assert_eq(completed(traffic, 1), 0);
}

static void let_time_pass(struct traffic *traffic)
{
	traffic->now_us += 5000000;
	cr_assert_eq(ag_engine_tick(traffic->engine, traffic->now_us), 0);
	discard(traffic);
}

static void told(void *user, const struct ag_decision *decision)
{
	(void)user;
	(void)decision;
}

/* What is too long to be judged is an answer all the same: in time there is no other, and a late
 * one goes no further. */
static void answer_too_long(const char *text, size_t len, size_t part, ag_tap_fn *tap)
{
	size_t packets = (4 + len + part - 1) / part;
	struct ag_engine_config config = { .tap = tap };
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	size_t before;

	cr_assert_eq(compile_text(text, &rules), 0);
	config.rules = rules;
	cr_assert_eq(ag_engine_new(&config, &traffic.engine), 0);
	cr_assert_eq(connect(&traffic, 0x40), 0);
	ask(&traffic);
	before = traffic.data_out;
	answer(&traffic, len, part);
	let_time_pass(&traffic);
	cr_expect_eq(to_host(&traffic, before), packets, "%zu of %zu: %zu packets", len, part,
		     to_host(&traffic, before));
	ask(&traffic);
	let_time_pass(&traffic);
	before = traffic.data_out;
	answer(&traffic, len, part);
	cr_expect_eq(to_host(&traffic, before), 0, "%zu of %zu: late and %zu packets", len, part,
		     to_host(&traffic, before));
	ask(&traffic);
	answer(&traffic, 20, part);
	cr_expect_eq(to_host(&traffic, before), 1 + (24 + part - 1) / part);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

Test(memory, what_is_longer_than_is_judged_is_an_answer)
{
	static const char unwanted[] = "rule t when att.opcode == read_request timeout 1s";
	static const char wanted[] = "rule t when att.opcode == read_request timeout 1s\n"
				     "rule r when att.opcode == read_response log";
	static const size_t parts[] = { 20000, 9000, 8196, 300 };

	for (size_t i = 0; i < ag_array_size(parts); i++) {
		answer_too_long(unwanted, 8193, parts[i], NULL);
		answer_too_long(unwanted, 12000, parts[i], told);
		answer_too_long(wanted, 12000, parts[i], told);
	}
}

/* The second packet makes it known, too long and whole. What comes next is no part of it. */
Test(memory, a_late_answer_whose_first_packet_says_nothing_of_it)
{
	struct traffic traffic = { .first = 2 };
	struct ag_ruleset *rules = NULL;
	size_t before;

	cr_assert_eq(compile_text("rule t when att.opcode == read_request timeout 1s", &rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	ask(&traffic);
	let_time_pass(&traffic);
	before = traffic.data_out;
	answer(&traffic, 9000, 20000);
	cr_expect_eq(to_host(&traffic, before), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x1b\x10\x00", 27), 0);
	cr_expect_eq(to_host(&traffic, before), 1);
	cr_expect_eq(ag_engine_stats(traffic.engine)->unjudged[AG_UNJUDGED_INTERRUPTED], 0);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* An MTU may be larger than what is gathered, and a value of the rules longer. */
Test(memory, a_value_is_no_longer_than_what_is_judged)
{
	static char text[9100];
	static const uint8_t notification[] = { 0x1b, 0x10, 0x00, 0x01 };
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	struct ag_packet out;
	size_t octets = 0;

	snprintf(text, sizeof(text),
		 "rule all when from == peer and att.opcode == handle_value_notification "
		 "rewrite att.value = \"%09000d\"",
		 0);
	cr_assert_eq(compile_text(text, &rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_HOST, 4, "\x02\xff\xff", 27), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x03\xff\xff", 27), 0);
	discard(&traffic);
	traffic.kept = true;
	cr_assert_eq(pdu(&traffic, AG_SIDE_CONTROLLER, 4, notification, 4, 27), 0);
	while (ag_engine_peek(traffic.engine, AG_SIDE_HOST, &out)) {
		octets += out.len - 5;
		ag_engine_pop(traffic.engine, AG_SIDE_HOST);
	}
	cr_expect_eq(octets, 4 + 8192);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

static size_t packets_completed(struct traffic *traffic)
{
	struct ag_packet packet;
	size_t count = 0;

	while (ag_engine_peek(traffic->engine, AG_SIDE_HOST, &packet)) {
		if (packet.data[1] == 0x13)
			count += ag_get_le16(packet.data + 6);
		ag_engine_pop(traffic->engine, AG_SIDE_HOST);
	}
	return count;
}

/* Of more packets in flight than are remembered the host has each completed all the same. */
Test(memory, more_packets_in_flight_than_are_remembered)
{
	enum { REMEMBERED = 65536, PACKETS = 70000, EACH = 50 };
	struct traffic traffic = { 0 };
	size_t seen = 0, memory = 0;

	ag_sim_alloc_track();
	cr_assert_eq(start(&traffic, NULL), 0);
	for (int i = 0; i < PACKETS; i++) {
		cr_assert_eq(PDU(&traffic, AG_SIDE_HOST, 0x70, "0123", 27), 0);
		if (i + 1 == REMEMBERED)
			memory = ag_sim_alloc_live();
	}
	cr_expect_eq(ag_sim_alloc_live(), memory);
	traffic.kept = true;
	for (int i = 0; i < PACKETS / EACH; i++) {
		cr_assert_eq(completed(&traffic, EACH), 0);
		seen += packets_completed(&traffic);
	}
	cr_expect_eq(seen, PACKETS);
	cr_expect_eq(ag_engine_stats(traffic.engine)->surplus_completions, PACKETS - REMEMBERED);
	ag_engine_free(traffic.engine);
}

/* A peer that asks and asks, and takes no answer. What there is no room to answer goes on. */
Test(memory, answers_do_not_pile_up)
{
	enum { READS = 2000 };
	static char text[1000];
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	size_t forwarded = 0;
	struct ag_packet packet;

	snprintf(text, sizeof(text),
		 "rule have when from == peer and att.handle == 0x20 answer \"%0400d\"\n"
		 "rule none when from == host and att.handle == 0x30 hide\n"
		 "rule pair when smp.opcode == pairing_request reject\n",
		 0);
	cr_assert_eq(compile_text(text, &rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x02\xff\x01", 27), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_HOST, 4, "\x03\xff\x01", 27), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x08\x30\0\x30\0\x19\x2a", 27), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_HOST, 4, "\x09\3\x30\0\x64", 27), 0);
	traffic.kept = true;
	for (int i = 0; i < READS; i++) {
		cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x0a\x20\0", 27), 0);
		cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x0a\x30\0", 27), 0);
		cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 6, "\x01\3\0\1\x10\7\7", 27), 0);
	}
	while (ag_engine_peek(traffic.engine, AG_SIDE_HOST, &packet)) {
		forwarded += packet.data[0] == AG_H4_ACL;
		ag_engine_pop(traffic.engine, AG_SIDE_HOST);
	}
	cr_expect_gt(forwarded, 3 * READS - 200);
	cr_expect_lt(forwarded, 3 * READS);
	cr_expect_eq(forwarded, ag_engine_stats(traffic.engine)->unjudged[AG_UNJUDGED_BACKLOG]);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* A peer that sends this PDU again and again, and takes none of what it is answered. */
static void expect_backlog(struct traffic *traffic, const char pdu_of_peer[3])
{
	enum { MANY = 20000 };
	uint64_t backlog;

	ag_sim_alloc_track();
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(pdu(traffic, AG_SIDE_CONTROLLER, 4, pdu_of_peer, 3, 27), 0);
	backlog = ag_engine_stats(traffic->engine)->unjudged[AG_UNJUDGED_BACKLOG];
	cr_expect_lt(ag_sim_alloc_live(), 256u * 1024);
	cr_expect_gt(backlog, MANY / 2);
	cr_expect_lt(backlog, MANY);
}

/* One answer is late, and all further questions are answered for it. */
Test(memory, answers_for_the_silent_do_not_pile_up)
{
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };

	cr_assert_eq(compile_text("rule soon when att.kind == request timeout 1s", &rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x0a\x20\0", 27), 0);
	traffic.now_us += 1000000;
	cr_assert_eq(ag_engine_tick(traffic.engine, traffic.now_us), 0);
	expect_backlog(&traffic, "\x0a\x20\0");
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* A command is answered where a rule has made a request of it. */
Test(memory, answers_to_what_is_rewritten_do_not_pile_up)
{
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };

	cr_assert_eq(compile_text("rule odd when att.opcode == write_command "
				  "rewrite att.opcode = read_request reject",
				  &rules),
		     0);
	cr_assert_eq(start(&traffic, rules), 0);
	expect_backlog(&traffic, "\x52\x20\0");
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

/* What is not answered needs no room for an answer. */
Test(memory, what_is_dropped_is_dropped_all_the_same)
{
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	size_t before;

	cr_assert_eq(compile_text("rule no when att.opcode == read_request reject\n"
				  "rule none when att.opcode == write_request drop",
				  &rules),
		     0);
	cr_assert_eq(start(&traffic, rules), 0);
	expect_backlog(&traffic, "\x0a\x20\0");
	before = traffic.data_out;
	cr_assert_eq(PDU(&traffic, AG_SIDE_CONTROLLER, 4, "\x12\x20\0\1", 27), 0);
	cr_expect_eq(traffic.data_out, before);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}

Test(memory, more_links_than_are_judged)
{
	struct ag_ruleset *rules = NULL;
	struct traffic traffic = { 0 };
	uint8_t read[] = { AG_H4_ACL, 0, 0, 7, 0, 3, 0, 4, 0, 0x0a, 0x16, 0x00 };

	cr_assert_eq(compile(&rules), 0);
	cr_assert_eq(start(&traffic, rules), 0);
	for (uint16_t handle = 0x41; handle < 0x41 + 300; handle++)
		cr_assert_eq(connect(&traffic, handle), 0);
	for (uint16_t handle = 0x40; handle < 0x41 + 300; handle++) {
		ag_put_le16(read + 1, handle);
		cr_assert_eq(ag_engine_feed(traffic.engine, AG_SIDE_HOST, read, sizeof(read), 0),
			     0);
	}
	discard(&traffic);
	cr_assert_eq(traffic.data_out, 301, "%zu of 301 pass", traffic.data_out);
	cr_assert_gt(ag_engine_stats(traffic.engine)->unjudged[AG_UNJUDGED_NO_LINK], 0);
	ag_engine_free(traffic.engine);
	ag_ruleset_free(rules);
}
