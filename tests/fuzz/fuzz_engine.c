/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The engine between two neighbours who send anything in any order.
 *
 * Without rules: what comes out is what went in, octet for octet and in order. With rules: packets
 * that the engine made are well-formed, the host is told of no more completed packets than it sent
 * and the controller completed, and when time goes by nothing is left.
 *
 * aims at: proxy/engine/engine.c proxy/engine/link.c proxy/engine/event.c
 * aims at: proxy/engine/command.c proxy/engine/credits.c proxy/engine/recombine.c
 * aims at: proxy/engine/channel.c proxy/engine/eatt.c proxy/engine/bearer.c
 * aims at: proxy/engine/subject.c proxy/engine/verdict.c proxy/engine/answer.c
 * aims at: proxy/engine/hold.c proxy/engine/filter.c proxy/engine/hid*.c
 * aims at: proxy/engine/maps.c proxy/engine/ident*.c proxy/engine/inspect.c
 */

#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/fuzz/require.h"
#include "tests/sim/middle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HANDLE = 0x40 };

struct fuzz {
	struct ag_engine *engine;
	struct ag_sim_middle self;
	struct ag_sim_middle wire; /* self NULL: with rules */
	struct ag_cursor at;
	bool raw; /* octets of no kind were fed */
	bool hides;
	unsigned int reloads;
	uint64_t now_us;
	uint64_t may_complete; /* ACL packets of the host, and completions of the controller */
	uint64_t completed;    /* that the host was told of */
};

static const char rules_text[] =
    "rule mtu when att.opcode == exchange_mtu_request timeout 300ms request_not_supported\n"
    "rule no when from == host and att.kind == request and att.handle < 0x10 reject\n"
    "rule have when att.opcode in {read_request, read_blob_request, read_by_type_request}"
    " and att.handle < 0x20 answer \"0123456789abcdefghijklmnopqrstuvwxyz\"\n"
    "rule long when att.opcode == handle_value_notification"
    " rewrite att.value = \"0123456789abcdefghijklmnopqrstuvwxyz\"\n"
    "rule error when att.error in {insufficient_authentication} rewrite att.error = 2\n"
    "rule late when from == peer and att.kind == response and every 3 delay 700ms jitter 90ms\n"
    "rule hold when att.kind == indication and not encrypted delay 9s until encrypted\n"
    "rule again when att.opcode == write_command duplicate\n"
    "rule gone when att.kind == confirmation drop\n"
    "rule swap when from == peer and att.kind == response and att.malformed reject\n"
    "rule done when from == host and att.opcode == write_response answer hex\"\"\n"
    "rule mtu-too when from == peer and att.opcode == exchange_mtu_response answer 40\n"
    "rule unasked when att.unsolicited drop\n"
    "rule bye when att.opcode == signed_write_command disconnect\n"
    "rule pair when smp.opcode == pairing_request reject\n"
    "rule ask when smp.opcode == security_request delay 1s unless encrypted\n"
    "rule all when att.kind == request timeout 400ms\n";

/* Two that hide different attributes, so that one can be put in the other's place. */
static const char *const hiding_texts[] = {
	"rule slow when att.kind == request and every 4 timeout 300ms\n"
	"rule late when att.kind == response and every 3 delay 200ms\n"
	"rule no-battery when att.service in {battery_service, device_information} hide\n"
	"rule no-name when att.uuid == device_name hide\n",
	"rule gatt when from == peer and att.service == generic_attribute accept\n"
	"rule low when att.handle < 0x10 hide\n"
	"rule ccc when att.uuid == client_characteristic_configuration hide\n",
};

static const struct ag_ruleset *compile(const char *text, struct ag_ruleset **set)
{
	struct ag_source source = { "fuzz", text, strlen(text) };

	require(*set || ag_ruleset_compile(&source, 1, set, NULL) == 0);
	return *set;
}

static const struct ag_ruleset *rules(void)
{
	static struct ag_ruleset *set;

	return compile(rules_text, &set);
}

static const struct ag_ruleset *hiding(unsigned int which)
{
	static struct ag_ruleset *sets[2];

	return compile(hiding_texts[which & 1], &sets[which & 1]);
}

/* Number Of Completed Packets (Vol 4 Part E, 7.7.19). */
static uint64_t completions(const uint8_t *packet, size_t len)
{
	struct ag_cursor at = ag_cursor(packet, len);
	uint64_t count = 0;

	ag_pull_u8(&at);
	if (ag_pull_u8(&at) != 0x13)
		return 0;
	ag_pull_u8(&at);
	for (uint8_t n = ag_pull_u8(&at); n > 0 && !at.failed; n--) {
		ag_pull_le16(&at);
		count += ag_pull_le16(&at);
	}
	return count;
}

/* What is no packet of its type may have come so, and passes so; the engine makes none. */
static void check_framing(const struct fuzz *fuzz, const struct ag_packet *packet)
{
	size_t total;

	require(packet->len > 0);
	require(fuzz->raw ||
		(ag_h4_length(packet->data, packet->len, &total) == 0 && total == packet->len));
}

static void compare(struct fuzz *fuzz, enum ag_side side, const struct ag_packet *have)
{
	struct ag_packet want;

	require(fuzz->wire.peek(fuzz->wire.self, side, &want) && want.len == have->len &&
		memcmp(want.data, have->data, want.len) == 0);
	fuzz->wire.pop(fuzz->wire.self, side);
}

static void drain_side(struct fuzz *fuzz, enum ag_side side)
{
	struct ag_packet have;

	while (ag_engine_peek(fuzz->engine, side, &have)) {
		check_framing(fuzz, &have);
		if (side == AG_SIDE_HOST && have.data[0] == AG_H4_EVENT)
			fuzz->completed += completions(have.data, have.len);
		if (fuzz->wire.self)
			compare(fuzz, side, &have);
		ag_engine_pop(fuzz->engine, side);
	}
	require(ag_engine_backlog(fuzz->engine, side) == 0);
}

static void drain(struct fuzz *fuzz)
{
	drain_side(fuzz, AG_SIDE_HOST);
	drain_side(fuzz, AG_SIDE_CONTROLLER);
	require(fuzz->wire.self || fuzz->completed <= fuzz->may_complete);
}

static void feed(struct fuzz *fuzz, enum ag_side side, const uint8_t *packet, size_t len)
{
	if (side == AG_SIDE_HOST && packet[0] == AG_H4_ACL)
		fuzz->may_complete++;
	if (side == AG_SIDE_CONTROLLER && packet[0] == AG_H4_EVENT)
		fuzz->may_complete += completions(packet, len);
	require(ag_engine_feed(fuzz->engine, side, packet, len, fuzz->now_us) == 0);
	if (fuzz->wire.self)
		fuzz->wire.feed(fuzz->wire.self, side, packet, len, fuzz->now_us);
	drain(fuzz);
}

static void pass_time(struct fuzz *fuzz, uint64_t us)
{
	uint64_t until = fuzz->now_us + us;
	uint64_t deadline;

	while ((deadline = ag_engine_deadline(fuzz->engine)) <= until) {
		if (deadline > fuzz->now_us)
			fuzz->now_us = deadline;
		require(ag_engine_tick(fuzz->engine, fuzz->now_us) == 0 &&
			ag_engine_deadline(fuzz->engine) > fuzz->now_us);
		drain(fuzz);
	}
	fuzz->now_us = until;
}

/* ---- Steps: an octet says what, further ones what with ---- */

static size_t take(struct fuzz *fuzz, uint8_t *out, size_t most)
{
	size_t len = ag_pull_u8(&fuzz->at);

	if (len > most)
		len = most;
	if (len > fuzz->at.left)
		len = fuzz->at.left;
	if (len > 0)
		memcpy(out, ag_pull(&fuzz->at, len), len);
	return len;
}

static void any_packet(struct fuzz *fuzz, enum ag_side side)
{
	uint8_t packet[255];
	size_t len = take(fuzz, packet, sizeof(packet));

	fuzz->raw = true;
	if (len > 0)
		feed(fuzz, side, packet, len);
}

static void acl(struct fuzz *fuzz, enum ag_side side, bool start, bool whole)
{
	/* ATT, SMP, signalling, and two channels that it may open */
	static const uint16_t cids[] = { 4, 4, 4, 4, 6, 5, 0x40, 0x50 };
	uint8_t packet[9 + 255] = { AG_H4_ACL, HANDLE };
	size_t header = start ? 9 : 5;
	size_t more = start && !whole ? ag_pull_u8(&fuzz->at) : 0;
	uint8_t cid = start ? ag_pull_u8(&fuzz->at) : 0;
	size_t len = take(fuzz, packet + header, 255);

	packet[2] = (uint8_t)(start ? (side == AG_SIDE_HOST ? 0x00 : 0x20) : 0x10);
	ag_put_le16(packet + 3, (uint16_t)(header - 5 + len));
	if (start) {
		ag_put_le16(packet + 5, (uint16_t)(len + more));
		ag_put_le16(packet + 7, cids[cid & 7]);
	}
	feed(fuzz, side, packet, header + len);
}

static void completed(struct fuzz *fuzz)
{
	uint8_t packet[] = { AG_H4_EVENT, 0x13, 5, 1, HANDLE, 0, 1, 0 };

	packet[6] = ag_pull_u8(&fuzz->at) & 7;
	feed(fuzz, AG_SIDE_CONTROLLER, packet, sizeof(packet));
}

static void link_event(struct fuzz *fuzz, uint8_t which)
{
	static const uint8_t up[22] = { AG_H4_EVENT, 0x3e, 19, 1, 0, HANDLE, 0, 1, 1, 1, 2 };
	static const uint8_t down[] = { AG_H4_EVENT, 0x05, 4, 0, HANDLE, 0, 0x13 };
	static const uint8_t encrypted[] = { AG_H4_EVENT, 0x08, 4, 0, HANDLE, 0, 1 };

	if (which == 0)
		feed(fuzz, AG_SIDE_CONTROLLER, up, sizeof(up));
	else if (which == 1)
		feed(fuzz, AG_SIDE_CONTROLLER, down, sizeof(down));
	else
		feed(fuzz, AG_SIDE_CONTROLLER, encrypted, sizeof(encrypted));
}

/* Other rules, and then none: the engine has something to say to the host. */
static void reload(struct fuzz *fuzz)
{
	const struct ag_ruleset *set = ++fuzz->reloads % 3 ? hiding(fuzz->reloads) : NULL;

	require(ag_engine_set_rules(fuzz->engine, set) == 0);
	pass_time(fuzz, 0);
}

static void step(struct fuzz *fuzz)
{
	uint8_t what = ag_pull_u8(&fuzz->at);
	enum ag_side side = what & 0x80 ? AG_SIDE_CONTROLLER : AG_SIDE_HOST;

	switch (what & 7) {
	case 0:
		any_packet(fuzz, side);
		break;
	case 1:
	case 2:
		acl(fuzz, side, true, true);
		break;
	case 3:
		acl(fuzz, side, true, false);
		break;
	case 4:
		acl(fuzz, side, false, false);
		break;
	case 5:
		completed(fuzz);
		break;
	case 6:
		pass_time(fuzz, (uint64_t)ag_pull_u8(&fuzz->at) * 20000);
		break;
	default:
		if (fuzz->hides && (what >> 4 & 3) == 3)
			reload(fuzz);
		else
			link_event(fuzz, what >> 4 & 3);
		break;
	}
}

static void begin(struct fuzz *fuzz, uint8_t how)
{
	uint8_t buffers[] = { AG_H4_EVENT, 0x0e, 7, 1, 0x02, 0x20, 0, 27, 0, 1 };

	buffers[9] = how >> 4 & 3;
	if (buffers[9] > 0)
		feed(fuzz, AG_SIDE_CONTROLLER, buffers, sizeof(buffers));
	link_event(fuzz, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { .at = ag_cursor(data, size) };
	uint8_t how = ag_pull_u8(&fuzz.at);
	bool ruled = how & 1;
	struct ag_engine_config config = { .rules = ruled ? rules() : NULL,
					   .early_acl_us = how & 2 && ruled ? 50000 : 0 };

	fuzz.hides = ruled && how & 8;
	if (fuzz.hides)
		config.rules = hiding(0);
	fuzz.engine = ag_sim_engine_new(&config, &fuzz.self);
	require(fuzz.engine != NULL);
	if (!ruled)
		fuzz.wire = ag_sim_wire_new();
	begin(&fuzz, how);
	while (fuzz.at.left > 0 && !fuzz.at.failed)
		step(&fuzz);
	pass_time(&fuzz, UINT64_C(60000000));
	link_event(&fuzz, 1);
	pass_time(&fuzz, UINT64_C(60000000));
	require(ag_engine_deadline(fuzz.engine) == UINT64_MAX);
	fuzz.self.free(fuzz.self.self);
	if (fuzz.wire.self)
		fuzz.wire.free(fuzz.wire.self);
	return 0;
}
