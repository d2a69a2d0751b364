/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A database that was discovered in pages of any length, in any order and by any side, is known as
 * it is, whatever the packets were. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/inspect.h"
#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/attributes.h"
#include "tests/sim/gatt.h"
#include "tests/sim/property.h"

enum { MTU_MAX = 517, PROCEDURES = 5 };

/* One procedure of discovery (Vol 3 Part G, 4.4 to 4.7), which goes on page by page. */
struct procedure {
	uint8_t opcode;
	uint16_t type;
	uint32_t start; /* of the next page; 0x10000: at its end */
};

struct world {
	uint64_t seed;
	struct ag_random random;
	struct ag_sim_gatt gatt;
	struct procedure procedure[PROCEDURES];
	struct ag_attributes *map; /* taught directly; NULL: by an engine */
	struct ag_engine *engine;
	const struct ag_ruleset *rules; /* of the engine, and none of them matches */
	uint8_t fed[16 * 1024];         /* ACL packets of a PDU, as they went in */
	size_t in, out;                 /* octets of them in there, and that came out again */
	size_t mps;                     /* of the enhanced bearer; 0: the fixed channel */
	enum ag_side asker;
};

/* ---- Through an engine ---- */

/* What comes out is what went in, nothing rewritten, nothing merged, in its order. @return: packets
 * that the controller has now */
static size_t drain(struct world *world)
{
	struct ag_packet packet;
	size_t sent = 0;

	for (int side = 0; side < 2; side++) {
		while (ag_engine_peek(world->engine, (enum ag_side)side, &packet)) {
			const uint8_t *wanted = world->fed + world->out;

			/* completions are the ledger's affair */
			if (packet.data[0] == AG_H4_ACL) {
				cr_assert(world->out + packet.len <= world->in &&
					      !memcmp(packet.data, wanted, packet.len),
					  "AG_SEED=0x%llx: another packet comes out",
					  (unsigned long long)world->seed);
				world->out += packet.len;
				sent += side == AG_SIDE_CONTROLLER;
			}
			ag_engine_pop(world->engine, (enum ag_side)side);
		}
	}
	return sent;
}

static void feed(struct world *world, enum ag_side side, const uint8_t *packet, size_t len)
{
	static const uint8_t completed[] = { 0x04, 0x13, 5, 1, 0x40, 0, 1, 0 };
	size_t sent;

	memcpy(world->fed + world->in, packet, len);
	world->in += packet[0] == AG_H4_ACL ? len : 0;
	cr_assert_eq(ag_engine_feed(world->engine, side, packet, len, 0), 0);
	for (sent = drain(world); sent; sent += drain(world) - 1)
		cr_assert_eq(ag_engine_feed(world->engine, AG_SIDE_CONTROLLER, completed,
					    sizeof(completed), 0),
			     0);
}

/* A PDU of L2CAP, in ACL packets of any length; `whole`: in one. */
static void send_l2cap(struct world *world, enum ag_side side, uint16_t cid, const uint8_t *pdu,
		       size_t len, bool whole)
{
	uint8_t l2cap[4 + 2 + MTU_MAX], packet[5 + sizeof(l2cap)] = { AG_H4_ACL };
	size_t part = ag_random_percent(&world->random, 50) ? 27 : sizeof(l2cap);

	ag_put_le16(l2cap, (uint16_t)len);
	ag_put_le16(l2cap + 2, cid);
	memcpy(l2cap + 4, pdu, len);
	for (size_t at = 0; at < 4 + len;) {
		size_t left = 4 + len - at;
		size_t most = left < part ? left : part;
		size_t now = whole ? left : 1 + ag_random_below(&world->random, (uint32_t)most);
		uint16_t pb = at ? 1 : side == AG_SIDE_HOST ? 0 : 2;

		ag_put_le16(packet + 1, (uint16_t)(0x40 | pb << 12));
		ag_put_le16(packet + 3, (uint16_t)now);
		memcpy(packet + 5, l2cap + at, now);
		feed(world, side, packet, 5 + now);
		/* without rules each packet goes on at once */
		cr_assert(world->rules || world->out == world->in, "AG_SEED=0x%llx: a packet waits",
			  (unsigned long long)world->seed);
		at += now;
	}
}

/* Vol 3 Part A, 3.4.3: the SDU's length, then the SDU, in K-frames of the channel's MPS. A frame
 * that was gathered leaves in packets of another length, so where there are rules it has one. */
static void send_sdu(struct world *world, enum ag_side side, const uint8_t *pdu, size_t len)
{
	uint16_t cid = side == AG_SIDE_HOST ? 0x50 : 0x40;
	uint8_t sdu[2 + MTU_MAX];

	ag_put_le16(sdu, (uint16_t)len);
	memcpy(sdu + 2, pdu, len);
	for (size_t at = 0; at < 2 + len; at += world->mps) {
		size_t left = 2 + len - at;

		send_l2cap(world, side, cid, sdu + at, left < world->mps ? left : world->mps,
			   world->rules != NULL);
	}
}

static void send_pdu(struct world *world, enum ag_side side, const uint8_t *pdu, size_t len)
{
	if (world->mps)
		send_sdu(world, side, pdu, len);
	else
		send_l2cap(world, side, 4, pdu, len, false);
	cr_assert_eq(world->out, world->in, "AG_SEED=0x%llx: a PDU is not out",
		     (unsigned long long)world->seed);
	world->in = world->out = 0;
}

/* Vol 3 Part A, 4.25 and 4.26: MTU, MPS, initial credits. With a single one no SDU of several
 * frames can be gathered. */
static void open_enhanced(struct world *world)
{
	uint8_t request[] = { 0x17, 1, 10, 0, 0x27, 0, 5, 2, 0, 0, 0, 0, 0x40, 0 };
	uint8_t response[] = { 0x18, 1, 10, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0x50, 0 };
	uint16_t mps = (uint16_t)ag_random_range(&world->random, 23, 200);
	uint16_t credits = ag_random_percent(&world->random, 60) ? 0xffff : 1;

	ag_put_le16(request + 8, mps);
	ag_put_le16(request + 10, credits);
	ag_put_le16(response + 6, mps);
	ag_put_le16(response + 8, credits);
	send_l2cap(world, AG_SIDE_HOST, 5, request, sizeof(request), true);
	send_l2cap(world, AG_SIDE_CONTROLLER, 5, response, sizeof(response), true);
	world->in = world->out = 0;
	world->mps = mps;
}

static void connect(struct world *world)
{
	/* LE Read Buffer Size: 251 octets, 8 packets */
	static const uint8_t buffers[] = { 0x04, 0x0e, 7, 1, 0x02, 0x20, 0, 251, 0, 8 };
	static const uint8_t connected[22] = { 0x04, 0x3e, 19, 1, 0, 0x40, 0, 1, 0, 1, 2, 3, 4 };
	struct ag_engine_config config = { .rules = world->rules };

	cr_assert_eq(ag_engine_new(&config, &world->engine), 0);
	feed(world, AG_SIDE_CONTROLLER, buffers, sizeof(buffers));
	feed(world, AG_SIDE_CONTROLLER, connected, sizeof(connected));
	if (ag_random_percent(&world->random, 40))
		open_enhanced(world);
}

static const struct ag_attributes *map_of(const struct world *world)
{
	struct ag_engine_view view;
	struct ag_link_inspection link;

	if (world->map)
		return world->map;
	ag_engine_inspect(world->engine, &view);
	cr_assert(ag_engine_inspect_link(world->engine, 0, &link));
	return world->asker == AG_SIDE_HOST ? link.attributes : view.attributes;
}

/* ---- Discovery ---- */

static size_t exchange(struct world *world, const uint8_t *request, size_t len, uint8_t *response)
{
	size_t mtu = ag_random_range(&world->random, 23, MTU_MAX);
	size_t answered = ag_sim_gatt_answer(&world->gatt, &world->random, request, len, response,
					     mtu);

	if (world->map) {
		cr_assert_eq(ag_attributes_learn(world->map, request, len, response, answered), 0);
	} else {
		send_pdu(world, world->asker, request, len);
		send_pdu(world, world->asker == AG_SIDE_HOST ? AG_SIDE_CONTROLLER : AG_SIDE_HOST,
			 response, answered);
	}
	return answered;
}

/* Behind the last entry of a page. */
static uint32_t next_start(const uint8_t *response, size_t len)
{
	size_t entry = response[1];

	if (response[0] == AG_ATT_FIND_INFORMATION_RSP)
		entry = response[1] == 1 ? 4 : 18;
	if (response[0] == AG_ATT_READ_BY_GROUP_TYPE_RSP)
		return ag_get_le16(response + len - entry + 2) + 1u;
	return ag_get_le16(response + len - entry) + 1u;
}

static void one_page(struct world *world, struct procedure *procedure)
{
	uint8_t request[7] = { procedure->opcode }, response[MTU_MAX];
	size_t len = procedure->opcode == AG_ATT_FIND_INFORMATION_REQ ? 5 : 7;

	ag_put_le16(request + 1, (uint16_t)procedure->start);
	ag_put_le16(request + 3, 0xffff);
	ag_put_le16(request + 5, procedure->type);
	len = exchange(world, request, len, response);
	procedure->start = response[0] == AG_ATT_ERROR_RSP ? 0x10000 : next_start(response, len);
}

/* What a client may do besides. */
static void something_else(struct world *world)
{
	uint8_t request[7 + 16] = { AG_ATT_READ_REQ }, response[MTU_MAX];
	const struct ag_sim_gatt_attribute *any;

	if (!world->gatt.count)
		return;
	any = &world->gatt.list[ag_random_below(&world->random, (uint32_t)world->gatt.count)];
	ag_put_le16(request + 1, any->handle);
	if (!any->group_end || ag_random_percent(&world->random, 50)) {
		exchange(world, request, 3, response);
		return;
	}
	request[0] = AG_ATT_FIND_BY_TYPE_VALUE_REQ;
	ag_put_le16(request + 3, 0xffff);
	memcpy(request + 5, any->type, 2);
	memcpy(request + 7, any->value, any->len);
	exchange(world, request, 7u + any->len, response);
}

static void discover(struct world *world)
{
	static const struct procedure all[PROCEDURES] = {
		{ AG_ATT_READ_BY_GROUP_TYPE_REQ, AG_UUID_PRIMARY_SERVICE, 1 },
		{ AG_ATT_READ_BY_GROUP_TYPE_REQ, AG_UUID_SECONDARY_SERVICE, 1 },
		{ AG_ATT_READ_BY_TYPE_REQ, AG_UUID_INCLUDE, 1 },
		{ AG_ATT_READ_BY_TYPE_REQ, AG_UUID_CHARACTERISTIC, 1 },
		{ AG_ATT_FIND_INFORMATION_REQ, 0, 1 },
	};
	size_t left = PROCEDURES;

	memcpy(world->procedure, all, sizeof(all));
	while (left) {
		struct procedure *procedure =
		    &world->procedure[ag_random_below(&world->random, PROCEDURES)];

		if (procedure->start > 0xffff)
			continue;
		one_page(world, procedure);
		left -= procedure->start > 0xffff;
		if (ag_random_percent(&world->random, 10))
			something_else(world);
		if (ag_random_percent(&world->random, 2)) {
			const char *wrong = ag_sim_attributes_wrong(map_of(world));

			cr_assert_null(wrong, "AG_SEED=0x%llx: %s", (unsigned long long)world->seed,
				       wrong);
		}
	}
}

/* ---- The same ---- */

static struct ag_attribute declared(const struct ag_sim_gatt_attribute *attribute)
{
	struct ag_attribute out = { .handle = attribute->handle };
	const uint8_t *value = attribute->value;

	if (attribute->group_end) {
		out.kind = ag_sim_gatt_is(attribute, AG_UUID_PRIMARY_SERVICE)
			       ? AG_ATTRIBUTE_PRIMARY
			       : AG_ATTRIBUTE_SECONDARY;
		out.uuid = ag_uuid_from_air(value, attribute->len);
		out.end = attribute->group_end;
	} else if (ag_sim_gatt_is(attribute, AG_UUID_INCLUDE)) {
		out.kind = AG_ATTRIBUTE_INCLUDE;
		out.value = ag_get_le16(value);
		out.end = ag_get_le16(value + 2);
		if (attribute->len == 6)
			out.uuid = ag_uuid_from_air(value + 4, 2);
	} else if (ag_sim_gatt_is(attribute, AG_UUID_CHARACTERISTIC)) {
		out.kind = AG_ATTRIBUTE_CHARACTERISTIC;
		out.properties = value[0];
		out.value = ag_get_le16(value + 1);
		out.uuid = ag_uuid_from_air(value + 3, attribute->len - 3u);
	} else {
		out.kind = AG_ATTRIBUTE_OTHER;
		out.uuid = ag_uuid_from_air(attribute->type, attribute->type_len);
	}
	return out;
}

static bool is_value(const struct ag_sim_gatt_attribute *attribute)
{
	return attribute->characteristic && attribute->handle == attribute->characteristic + 1;
}

static bool same(const struct ag_attribute *a, const struct ag_attribute *b)
{
	return a->handle == b->handle && a->kind == b->kind && ag_uuid_equal(&a->uuid, &b->uuid) &&
	       a->end == b->end && a->value == b->value && a->properties == b->properties;
}

static uint16_t handle_of(const struct ag_attribute *attribute)
{
	return attribute ? attribute->handle : 0;
}

/* Every attribute of the database is found as what it is. */
static void compare_places(const struct world *world, const struct ag_attributes *map)
{
	for (size_t i = 0; i < world->gatt.count; i++) {
		const struct ag_sim_gatt_attribute *attribute = &world->gatt.list[i];
		struct ag_uuid type = ag_uuid_from_air(attribute->type, attribute->type_len);
		struct ag_attribute_place place;

		ag_attributes_find(map, attribute->handle, &place);
		cr_assert(place.mapped && ag_uuid_equal(&place.type, &type) &&
			      handle_of(place.characteristic) == attribute->characteristic &&
			      handle_of(place.service) == attribute->service,
			  "AG_SEED=0x%llx: 0x%04x is taken for something else",
			  (unsigned long long)world->seed, attribute->handle);
	}
}

/* No handle is mapped that has no attribute. */
static void compare_gaps(const struct world *world, const struct ag_attributes *map)
{
	size_t next = 0;

	for (uint32_t handle = 1; handle <= 0xffff; handle++) {
		struct ag_attribute_place place;

		if (next < world->gatt.count && world->gatt.list[next].handle == handle) {
			next++;
			continue;
		}
		ag_attributes_find(map, (uint16_t)handle, &place);
		cr_assert_not(place.mapped, "AG_SEED=0x%llx: there is nothing at 0x%04x",
			      (unsigned long long)world->seed, handle);
	}
}

static void compare(const struct world *world)
{
	const struct ag_attributes *map = map_of(world);
	size_t count = 0;

	for (size_t i = 0; i < world->gatt.count; i++) {
		const struct ag_sim_gatt_attribute *attribute = &world->gatt.list[i];
		struct ag_attribute wanted = declared(attribute);

		if (is_value(attribute))
			continue;
		cr_assert(count < ag_attributes_count(map) &&
			      same(ag_attributes_at(map, count), &wanted),
			  "AG_SEED=0x%llx: not what is at 0x%04x", (unsigned long long)world->seed,
			  wanted.handle);
		count++;
	}
	cr_assert_eq(ag_attributes_count(map), count, "AG_SEED=0x%llx: more than there is",
		     (unsigned long long)world->seed);
	compare_places(world, map);
	if (world->seed % 16 == 0)
		compare_gaps(world, map);
}

static size_t one_database(uint64_t seed, const struct ag_ruleset *rules)
{
	static struct world world;

	world = (struct world){
		.seed = seed,
		.random = { .state = seed },
		.rules = seed % 4 == 1 ? rules : NULL,
	};
	ag_sim_gatt_random(&world.random, &world.gatt);
	world.asker = (enum ag_side)ag_random_below(&world.random, 2);
	if (seed % 2)
		connect(&world);
	else
		cr_assert_eq(ag_attributes_new(&world.map), 0);
	discover(&world);
	compare(&world);
	ag_attributes_free(world.map);
	ag_engine_free(world.engine);
	return world.gatt.count;
}

Test(attributes, a_discovered_database_is_known_as_it_is, .timeout = 120)
{
	static const char text[] = "rule other when smp.opcode == pairing_request drop";
	struct ag_source source = { "other", text, sizeof(text) - 1 };
	const char *only = getenv("AG_SEED");
	struct ag_ruleset *rules;
	size_t attributes = 0, most = 0, count;
	unsigned int cases = ag_sim_cases(10);

	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	if (only && strtoull(only, NULL, 0) >> 32 == AG_SALT_ATTRIBUTES)
		one_database(strtoull(only, NULL, 0), rules);
	for (unsigned int i = 0; !only && i < cases; i++) {
		count = one_database((uint64_t)AG_SALT_ATTRIBUTES << 32 | i, rules);
		attributes += count;
		most = count > most ? count : most;
	}
	ag_ruleset_free(rules);
	if (only)
		return;
	cr_assert_gt(attributes, 50u * cases);
	cr_assert_gt(most, 200);
}
