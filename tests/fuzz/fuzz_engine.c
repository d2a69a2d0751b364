/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The engine between two neighbours who send anything in any order.
 *
 * Without rules, and with rules that are only tried: what comes out is what went in, octet for
 * octet and in order. With rules: packets that the engine made are well-formed, the host is told of
 * no more completed packets than it sent and the controller completed, and when time goes by
 * nothing is left. Whoever looks into the engine meanwhile sees what is consistent.
 *
 * The first octet says how: 0x01 rules, 0x02 ACL data may come before its link, 0x04 decisions are
 * told, but of half of the PDUs that no rule matches only that they pass, and attribute maps kept,
 * 0x08 rules that hide, 0x30 buffers of the controller, 0x40 neither side takes long packets, 0x80
 * rules are tried only.
 *
 * aims at: proxy/engine/engine.c proxy/engine/link.c proxy/engine/event.c
 * aims at: proxy/engine/command.c proxy/engine/credits.c proxy/engine/recombine.c
 * aims at: proxy/engine/channel.c proxy/engine/eatt.c proxy/engine/bearer.c
 * aims at: proxy/engine/subject.c proxy/engine/verdict.c proxy/engine/answer.c
 * aims at: proxy/engine/hold.c proxy/engine/filter.c proxy/engine/hid*.c
 * aims at: proxy/engine/maps.c proxy/engine/ident*.c proxy/engine/inspect.c
 * aims at: proxy/engine/pass.c proxy/engine/malformed.c
 */

#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/identity.h"
#include "proxy/engine/inspect.h"
#include "proxy/engine/pass.h"
#include "proxy/engine/words.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/fuzz/require.h"
#include "tests/sim/attributes.h"
#include "tests/sim/middle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two links: LE, and one that may be BR/EDR. */
enum { HANDLE = 0x40, OTHER = 0x41, SHORTEST = 27 };

/* Octets that a packet may be filled up with: almost as many as are judged, and more. */
enum { ALMOST = 8000, BEYOND = 9000 };

enum {
	HOW_RULES = 0x01,
	HOW_EARLY = 0x02,
	HOW_TOLD = 0x04,
	HOW_HIDING = 0x08,
	HOW_SHORT = 0x40,
	HOW_DRY = 0x80,
};

struct fuzz {
	struct ag_engine *engine;
	struct ag_sim_middle self;
	struct ag_sim_middle wire; /* self NULL: something may be changed */
	struct ag_identities identities;
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
    "rule note when att.handle == 0x33 log \"here\"\n"
    "rule fine when att.handle == 0x34 accept\n"
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

static enum ag_side side_of(uint8_t what)
{
	return what & 0x80 ? AG_SIDE_CONTROLLER : AG_SIDE_HOST;
}

static uint8_t handle_of(uint8_t what)
{
	return what & 0x40 ? OTHER : HANDLE;
}

static void any_packet(struct fuzz *fuzz, enum ag_side side)
{
	uint8_t packet[255];
	size_t len = take(fuzz, packet, sizeof(packet));

	fuzz->raw = true;
	if (len > 0)
		feed(fuzz, side, packet, len);
}

static size_t filling(uint8_t cid)
{
	return cid >> 4 == 0xf ? BEYOND : cid >> 4 == 0xe ? ALMOST : 0;
}

static void acl(struct fuzz *fuzz, uint8_t what, bool start, bool whole)
{
	/* ATT, SMP, signalling of both kinds, and channels that it may open */
	static const uint16_t cids[] = {
		4, 4, 4, 4, 6, 5, 0x40, 0x50, 1, 4, 4, 4, 6, 1, 0x41, 0x51
	};
	enum ag_side side = side_of(what);
	static uint8_t packet[9 + 255 + BEYOND];
	size_t header = start ? 9 : 5;
	size_t more = start && !whole ? ag_pull_u8(&fuzz->at) : 0;
	uint8_t cid = start ? ag_pull_u8(&fuzz->at) : 0;
	size_t len = take(fuzz, packet + header, 255);

	memset(packet + header + len, 0, filling(cid));
	len += filling(cid);
	packet[0] = AG_H4_ACL;
	packet[1] = handle_of(what);
	packet[2] = (uint8_t)(start ? (side == AG_SIDE_HOST ? 0x00 : 0x20) : 0x10);
	ag_put_le16(packet + 3, (uint16_t)(header - 5 + len));
	if (start) {
		ag_put_le16(packet + 5, (uint16_t)(len + more));
		ag_put_le16(packet + 7, cids[cid & 15]);
	}
	feed(fuzz, side, packet, header + len);
}

static void completed(struct fuzz *fuzz, uint8_t what)
{
	uint8_t packet[] = { AG_H4_EVENT, 0x13, 5, 1, handle_of(what), 0, 1, 0 };

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

/* Commands that the engine looks at, and one that it does not. */
static uint16_t some_opcode(struct fuzz *fuzz)
{
	static const uint16_t opcodes[] = { 0x0c03, 0x1005, 0x1009, 0x2002, 0x2060, 0x0c31,
					    0x0c33, 0x0809, 0x0405, 0x0409, 0x0c35, 0x0406,
					    0x2027, 0x2019, 0x200d, 0x2017 };

	return opcodes[ag_pull_u8(&fuzz->at) & 15];
}

/* A command, or what becomes of one. */
static void command(struct fuzz *fuzz, enum ag_side side)
{
	uint16_t opcode = some_opcode(fuzz);
	uint8_t packet[6 + 249] = { AG_H4_COMMAND };
	size_t header = side == AG_SIDE_HOST ? 4 : 6;
	size_t len = take(fuzz, packet + header, 249);

	if (side == AG_SIDE_HOST) {
		ag_put_le16(packet + 1, opcode);
		packet[3] = (uint8_t)len;
	} else {
		packet[0] = AG_H4_EVENT;
		packet[1] = 0x0e;
		packet[2] = (uint8_t)(len + 3);
		packet[3] = 1;
		ag_put_le16(packet + 4, opcode);
	}
	feed(fuzz, side, packet, header + len);
}

static void event(struct fuzz *fuzz)
{
	static const uint8_t codes[] = { 0x03, 0x05, 0x08, 0x0e, 0x0f, 0x12, 0x13, 0x3e,
					 0x59, 0x30, 0x10, 0x1a, 0x3e, 0x3e, 0x03, 0x12 };
	uint8_t packet[3 + 252] = { AG_H4_EVENT, codes[ag_pull_u8(&fuzz->at) & 15] };
	size_t len = take(fuzz, packet + 3, 252);

	packet[2] = (uint8_t)len;
	feed(fuzz, AG_SIDE_CONTROLLER, packet, 3 + len);
}

/* A peer of BR/EDR: the link, its role, its end. */
static void classic_event(struct fuzz *fuzz, uint8_t which)
{
	static const uint8_t up[] = { AG_H4_EVENT, 0x03, 11, 0, OTHER, 0, 1, 2, 3, 4, 5, 6, 1, 0 };
	static const uint8_t role[] = { AG_H4_EVENT, 0x12, 8, 0, 1, 2, 3, 4, 5, 6, 1 };
	static const uint8_t down[] = { AG_H4_EVENT, 0x05, 4, 0, OTHER, 0, 0x13 };
	static const uint8_t encrypted[] = { AG_H4_EVENT, 0x08, 4, 0, OTHER, 0, 1 };

	if (which == 0)
		feed(fuzz, AG_SIDE_CONTROLLER, up, sizeof(up));
	else if (which == 1)
		feed(fuzz, AG_SIDE_CONTROLLER, role, sizeof(role));
	else if (which == 2)
		feed(fuzz, AG_SIDE_CONTROLLER, down, sizeof(down));
	else
		feed(fuzz, AG_SIDE_CONTROLLER, encrypted, sizeof(encrypted));
}

/* A peer that hides its address (Vol 3 Part H, 2.4.2.1): it comes, tells its key (3.6.4, 3.6.5), or
 * the host knows that already (Vol 4 Part E, 7.8.38). */
static void private_peer(struct fuzz *fuzz, uint8_t which)
{
	static const uint8_t irk[AG_IRK_LEN] = { 1, 2, 3 };
	const uint32_t prand = 0x400000 | ag_pull_u8(&fuzz->at);
	const uint64_t address = (uint64_t)prand << 24 | ag_identity_hash(irk, prand);
	uint8_t up[22] = { AG_H4_EVENT, 0x3e, 19, 1, 0, HANDLE, 0, 1, 1 };
	uint8_t key[9 + 17] = { AG_H4_ACL, HANDLE, 0x20, 21, 0, 17, 0, 6, 0, 0x08 };
	static const uint8_t identity[] = { AG_H4_ACL, HANDLE, 0x20, 12, 0, 8, 0, 6, 0,
					    0x09,      0,      9,    9,  9, 9, 9, 9 };
	static const uint8_t response[] = { AG_H4_ACL, HANDLE, 0, 11, 0, 7,  0,    6,
					    0,         0x02,   3, 0,  1, 16, 0x07, 0x07 };
	uint8_t add[4 + 39] = { AG_H4_COMMAND, 0x27, 0x20, 39, 0, 9, 9, 9, 9, 9, 9 };

	for (size_t i = 0; i < 6; i++)
		up[9 + i] = (uint8_t)(address >> 8 * i);
	memcpy(key + 10, irk, sizeof(irk));
	memcpy(add + 11, irk, sizeof(irk));
	if (which == 0)
		feed(fuzz, AG_SIDE_CONTROLLER, up, sizeof(up));
	else if (which == 1 && prand & 1) /* it is agreed that it tells it */
		feed(fuzz, AG_SIDE_HOST, response, sizeof(response));
	else if (which == 1)
		feed(fuzz, AG_SIDE_CONTROLLER, key, sizeof(key));
	else if (which == 2)
		feed(fuzz, AG_SIDE_CONTROLLER, identity, sizeof(identity));
	else
		feed(fuzz, AG_SIDE_HOST, add, sizeof(add));
}

/* ---- Looking in ---- */

static void check_map(const struct ag_attributes *map)
{
	require(!map || !ag_sim_attributes_wrong(map));
}

static void check_pool(const struct ag_pool_view *pool, size_t in_flight)
{
	require(pool->ours <= pool->in_flight && pool->in_flight <= in_flight);
}

static size_t look_at_link(const struct ag_link_inspection *link)
{
	require(link->n_bearers <= AG_INSPECT_BEARERS);
	for (size_t i = 0; i < 2 * link->n_bearers; i++) {
		const struct ag_rtt_view *rtt = &link->bearer[i / 2].rtt[i % 2];

		require(rtt->p50_us <= rtt->p90_us && rtt->p90_us <= rtt->p99_us &&
			rtt->p99_us <= rtt->max_us);
	}
	check_map(link->attributes);
	return link->in_flight[AG_SIDE_CONTROLLER];
}

static void look(const struct fuzz *fuzz)
{
	struct ag_engine_view view;
	struct ag_link_inspection link;
	size_t in_flight = 0;

	for (size_t slot = 0; slot < AG_INSPECT_LINKS; slot++) {
		if (ag_engine_inspect_link(fuzz->engine, slot, &link))
			in_flight += look_at_link(&link);
	}
	ag_engine_inspect(fuzz->engine, &view);
	require(view.acl.in_flight + view.le.in_flight == in_flight);
	check_pool(&view.acl, in_flight);
	check_pool(&view.le, in_flight);
	require(view.queued[AG_SIDE_HOST] == 0 && view.queued[AG_SIDE_CONTROLLER] == 0);
	check_map(view.attributes);
	ag_engine_save(fuzz->engine);
}

static void load(void *user, const struct ag_link_view *link, struct ag_attributes *map)
{
	const struct ag_attribute service = { .kind = AG_ATTRIBUTE_PRIMARY,
					      .handle = 1,
					      .end = 5,
					      .uuid = ag_uuid_from_u16(0x180f) };

	(void)user;
	require(ag_is_stable(link->peer_type) && ag_attributes_count(map) == 0);
	require(ag_attributes_put(map, &service) == 0);
}

static void save(void *user, const struct ag_link_view *link, const struct ag_attributes *map)
{
	(void)user;
	require(ag_is_stable(link->peer_type));
	check_map(map);
}

static void tap(void *user, const struct ag_decision *decision)
{
	char text[256];

	(void)user;
	require(ag_words_came(decision, text, sizeof(text)) > 0);
	require(!decision->out || ag_words_went(decision, text, sizeof(text)) > 0);
	require(ag_words_verdict(decision, text, sizeof(text)) > 0);
}

static bool pass(void *user, const struct ag_passed *passed)
{
	struct ag_subject subject;

	(void)user;
	ag_passed_subject(passed, &subject);
	require(ag_subject_has(&subject, AG_F_ATT_OPCODE) &&
		subject.value[AG_F_ATT_OPCODE].num == passed->pdu[0]);
	return passed->number % 2;
}

/* Other rules, and then none: the engine has something to say to the host. */
static void reload(struct fuzz *fuzz)
{
	const struct ag_ruleset *set = ++fuzz->reloads % 3 ? hiding(fuzz->reloads) : NULL;

	require(ag_engine_set_rules(fuzz->engine, set) == 0);
	pass_time(fuzz, 0);
}

static void step_of_links(struct fuzz *fuzz, uint8_t what)
{
	switch (what & 15) {
	case 7:
		if (fuzz->hides && (what >> 4 & 3) == 3)
			reload(fuzz);
		else
			link_event(fuzz, what >> 4 & 3);
		break;
	case 8:
		command(fuzz, side_of(what));
		break;
	case 9:
		event(fuzz);
		break;
	case 10:
		classic_event(fuzz, what >> 4 & 3);
		break;
	case 11:
		private_peer(fuzz, what >> 4 & 3);
		break;
	default:
		look(fuzz);
		break;
	}
}

static void step(struct fuzz *fuzz)
{
	uint8_t what = ag_pull_u8(&fuzz->at);

	switch (what & 15) {
	case 0:
		any_packet(fuzz, side_of(what));
		break;
	case 1:
	case 2:
		acl(fuzz, what, true, true);
		break;
	case 3:
		acl(fuzz, what, true, false);
		break;
	case 4:
		acl(fuzz, what, false, false);
		break;
	case 5:
		completed(fuzz, what);
		break;
	case 6:
		pass_time(fuzz, (uint64_t)ag_pull_u8(&fuzz->at) * 20000);
		break;
	default:
		step_of_links(fuzz, what);
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

static void configure(struct fuzz *fuzz, uint8_t how)
{
	bool ruled = how & HOW_RULES, changes = ruled && !(how & HOW_DRY);
	struct ag_engine_config config = { .rules = ruled ? rules() : NULL,
					   .early_acl_us = changes && how & HOW_EARLY ? 50000 : 0,
					   .dry_run = ruled && !changes };

	fuzz->hides = ruled && how & HOW_HIDING;
	if (fuzz->hides)
		config.rules = hiding(0);
	if (how & HOW_TOLD) {
		config.tap = tap;
		config.pass = pass;
		config.keeper.load = load;
		config.keeper.save = save;
		config.identities = &fuzz->identities;
	}
	if (changes && how & HOW_SHORT)
		config.acl_max[AG_SIDE_HOST] = config.acl_max[AG_SIDE_CONTROLLER] = SHORTEST;
	fuzz->engine = ag_sim_engine_new(&config, &fuzz->self);
	require(fuzz->engine != NULL);
	if (!changes)
		fuzz->wire = ag_sim_wire_new();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { .at = ag_cursor(data, size) };
	uint8_t how = ag_pull_u8(&fuzz.at);

	configure(&fuzz, how);
	begin(&fuzz, how);
	while (fuzz.at.left > 0 && !fuzz.at.failed)
		step(&fuzz);
	pass_time(&fuzz, UINT64_C(60000000));
	look(&fuzz);
	link_event(&fuzz, 1);
	classic_event(&fuzz, 2);
	pass_time(&fuzz, UINT64_C(60000000));
	look(&fuzz);
	require(ag_engine_deadline(fuzz.engine) == UINT64_MAX);
	fuzz.self.free(fuzz.self.self);
	if (fuzz.wire.self)
		fuzz.wire.free(fuzz.wire.self);
	return 0;
}
