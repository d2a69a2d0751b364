/* SPDX-License-Identifier: GPL-2.0-or-later */

/* When the maps of peers are loaded and saved. What they learn is told by scripts. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/attributes.h"
#include "proxy/engine/inspect.h"

TestSuite(maps, .timeout = 20);

/* What a keeper was asked to do. */
struct keeper {
	size_t loads;
	size_t saves;
	uint64_t peer;    /* of the last call */
	size_t saved;     /* attributes in the last save */
	uint16_t to_load; /* handle of a Battery Level to enter; 0: nothing */
	uint64_t controller;
};

static void controller(void *user, uint64_t address)
{
	struct keeper *keeper = user;

	keeper->controller = address;
}

static void load(void *user, const struct ag_link_view *link, struct ag_attributes *map)
{
	struct keeper *keeper = user;
	struct ag_attribute kept = { .handle = keeper->to_load,
				     .kind = AG_ATTRIBUTE_OTHER,
				     .uuid = ag_uuid_from_u16(0x2a19) };

	keeper->loads++;
	keeper->peer = link->peer;
	cr_expect_eq(ag_attributes_count(map), 0);
	if (keeper->to_load)
		cr_expect_eq(ag_attributes_put(map, &kept), 0);
}

static void save(void *user, const struct ag_link_view *link, const struct ag_attributes *map)
{
	struct keeper *keeper = user;

	keeper->saves++;
	keeper->peer = link->peer;
	keeper->saved = ag_attributes_count(map);
}

static struct ag_engine *new_engine(struct keeper *keeper)
{
	struct ag_engine_config config = {
		.keeper = { .load = load, .save = save, .user = keeper, .controller = controller }
	};
	struct ag_engine *engine;

	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	return engine;
}

static void feed(struct ag_engine *engine, enum ag_side side, const char *octets, size_t len)
{
	cr_assert_eq(ag_engine_feed(engine, side, (const uint8_t *)octets, len, 0), 0);
}

#define FEED(engine, side, octets) feed(engine, side, octets, sizeof(octets) - 1)

/* LE Connection Complete: handle 0x0040, peripheral, address type, address */
#define CONNECTED(type, last)                                                                      \
	"\x04\x3e\x13\x01\x00\x40\x00\x01" type "\x01\x23\x45\x67\x89" last                        \
	"\x18\x00\x00\x00\x2a\x00\x00"
#define PUBLIC       CONNECTED("\x00", "\xc0")
#define STATIC       CONNECTED("\x01", "\xc0")
#define RESOLVABLE   CONNECTED("\x01", "\x40")
#define DISCONNECTED "\x04\x05\x04\x00\x40\x00\x13"

/* Read By Type 2A19 by our host, and the peer's answer: handle 0x0012 */
static void discover(struct ag_engine *engine)
{
	FEED(engine, AG_SIDE_HOST,
	     "\x02\x40\x00\x0b\x00\x07\x00\x04\x00\x08\x01\x00\xff\xff\x19\x2a");
	FEED(engine, AG_SIDE_CONTROLLER,
	     "\x02\x40\x20\x09\x00\x05\x00\x04\x00\x09\x03\x12\x00\x64");
}

static size_t known(struct ag_engine *engine)
{
	struct ag_link_inspection link;

	cr_assert(ag_engine_inspect_link(engine, 0, &link));
	return ag_attributes_count(link.attributes);
}

Test(maps, saved_when_the_link_closes)
{
	struct keeper keeper = { 0 };
	struct ag_engine *engine = new_engine(&keeper);

	FEED(engine, AG_SIDE_CONTROLLER, PUBLIC);
	cr_expect_eq(keeper.loads, 1);
	discover(engine);
	cr_expect_eq(keeper.saves, 0);
	FEED(engine, AG_SIDE_CONTROLLER, DISCONNECTED);
	cr_expect_eq(keeper.saves, 1);
	cr_expect_eq(keeper.saved, 1);
	cr_expect_eq(keeper.peer, UINT64_C(0xc08967452301));
	ag_engine_free(engine);
	cr_expect_eq(keeper.saves, 1);
}

/* 7.4.6, when it succeeds, and whole */
Test(maps, the_controller_tells_its_address)
{
	struct keeper keeper = { 0 };
	struct ag_engine *engine = new_engine(&keeper);

	FEED(engine, AG_SIDE_CONTROLLER, "\x04\x0e\x0a\x01\x09\x10\x01\6\5\4\3\2\1");
	FEED(engine, AG_SIDE_CONTROLLER, "\x04\x0e\x09\x01\x09\x10\x00\6\5\4\3\2");
	cr_expect_eq(keeper.controller, 0);
	FEED(engine, AG_SIDE_CONTROLLER, "\x04\x0e\x0a\x01\x09\x10\x00\6\5\4\3\2\1");
	cr_expect_eq(keeper.controller, UINT64_C(0x010203040506));
	ag_engine_free(engine);
}

Test(maps, saved_when_asked_and_changed)
{
	struct keeper keeper = { .to_load = 0x20 };
	struct ag_engine *engine = new_engine(&keeper);

	FEED(engine, AG_SIDE_CONTROLLER, STATIC);
	ag_engine_save(engine);
	cr_expect_eq(keeper.saves, 0, "what was loaded is saved already");
	discover(engine);
	ag_engine_save(engine);
	cr_expect_eq(keeper.saves, 1);
	cr_expect_eq(keeper.saved, 2);
	discover(engine);
	ag_engine_save(engine);
	FEED(engine, AG_SIDE_CONTROLLER, DISCONNECTED);
	cr_expect_eq(keeper.saves, 1);
	ag_engine_free(engine);
}

Test(maps, saved_when_the_engine_is_freed)
{
	struct keeper keeper = { 0 };
	struct ag_engine *engine = new_engine(&keeper);

	FEED(engine, AG_SIDE_CONTROLLER, PUBLIC);
	discover(engine);
	ag_engine_free(engine);
	cr_expect_eq(keeper.saves, 1);
}

Test(maps, a_passing_address_is_not_kept)
{
	struct keeper keeper = { .to_load = 0x20 };
	struct ag_engine *engine = new_engine(&keeper);

	FEED(engine, AG_SIDE_CONTROLLER, RESOLVABLE);
	discover(engine);
	cr_expect_eq(known(engine), 1);
	FEED(engine, AG_SIDE_CONTROLLER, DISCONNECTED);
	cr_expect_eq(keeper.loads, 0);
	cr_expect_eq(keeper.saves, 0);
	ag_engine_free(engine);
}

Test(maps, the_next_peer_begins_with_an_empty_map)
{
	struct ag_engine_config config = { 0 };
	struct ag_engine *engine;

	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	FEED(engine, AG_SIDE_CONTROLLER, RESOLVABLE);
	discover(engine);
	cr_expect_eq(known(engine), 1);
	FEED(engine, AG_SIDE_CONTROLLER, DISCONNECTED);
	FEED(engine, AG_SIDE_CONTROLLER, RESOLVABLE);
	cr_expect_eq(known(engine), 0);
	ag_engine_free(engine);
}

/* What our host's database has is seen beside the links. */
Test(maps, our_host)
{
	struct ag_engine_config config = { 0 };
	struct ag_engine_view view;
	struct ag_engine *engine;

	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	FEED(engine, AG_SIDE_CONTROLLER, PUBLIC);
	FEED(engine, AG_SIDE_CONTROLLER,
	     "\x02\x40\x20\x0b\x00\x07\x00\x04\x00\x08\x01\x00\xff\xff\x19\x2a");
	FEED(engine, AG_SIDE_HOST, "\x02\x40\x00\x09\x00\x05\x00\x04\x00\x09\x03\x12\x00\x64");
	ag_engine_inspect(engine, &view);
	cr_expect_eq(ag_attributes_count(view.attributes), 1);
	cr_expect_eq(known(engine), 0);
	ag_engine_free(engine);
}
