/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `hide` in the engine: what scripts cannot show, because a value is a digest, or a run is none. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/attributes.h"
#include "proxy/engine/engine.h"
#include "proxy/wire/cursor.h"

#define HASH                                                                                       \
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e,  \
	    0x1f

static const char no_battery[] = "rule no-battery when from == peer and att.service == "
				 "battery_service hide";
static const char no_other[] = "rule no-other when from == peer and att.service == "
			       "device_information hide";
static const uint8_t hash[] = { HASH };

/* What the tap was told last. */
struct told {
	size_t count;
	enum ag_verdict verdict;
	unsigned int effects;
	const char *rule;
	uint8_t error;
	size_t entries, hidden;
	size_t out_len;
};

static struct scene {
	struct ag_engine *engine;
	struct ag_ruleset *set;
	struct told told;
	uint64_t now_us;
} scene;

static void tap(void *user, const struct ag_decision *decision)
{
	struct scene *at = user;

	at->told = (struct told){
		.count = at->told.count + 1,
		.verdict = decision->verdict,
		.effects = decision->effects,
		.rule = decision->rule ? decision->rule->name : "",
		.error = decision->error,
		.entries = decision->entries,
		.hidden = decision->hidden,
		.out_len = decision->out_len,
	};
}

static struct ag_ruleset *compile(const char *text)
{
	struct ag_source source = { "rules", text, strlen(text) };
	struct ag_ruleset *set = NULL;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &set, NULL), 0, "%s", text);
	return set;
}

static void drain(void)
{
	struct ag_packet packet;

	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		while (ag_engine_peek(scene.engine, side, &packet))
			ag_engine_pop(scene.engine, side);
	}
}

/* A map that has no room for more. */
static void load_full(void *user, const struct ag_link_view *link, struct ag_attributes *map)
{
	struct ag_attribute kept = { .handle = 0x1000,
				     .kind = AG_ATTRIBUTE_OTHER,
				     .uuid = ag_uuid_from_u16(0x2a00) };

	(void)user;
	(void)link;
	for (; ag_attributes_put(map, &kept) == 0; kept.handle++)
		;
	cr_assert_eq(ag_attributes_count(map), AG_ATTRIBUTES_MAX);
}

static struct ag_keeper keeper;

static void begin(const char *rules, bool dry_run, bool replay)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 0x01, 0, 0x40, 0, 1, 0, 1, 2, 3, 4, 5, 6 };
	struct ag_engine_config config = {
		.tap = tap,
		.tap_user = &scene,
		.dry_run = dry_run,
		.replay = replay,
		.keeper = keeper,
	};

	memset(&scene, 0, sizeof(scene));
	scene.set = rules ? compile(rules) : NULL;
	config.rules = scene.set;
	cr_assert_eq(ag_engine_new(&config, &scene.engine), 0);
	cr_assert_eq(ag_engine_feed(scene.engine, AG_SIDE_CONTROLLER, up, sizeof(up), 0), 0);
	drain();
}

static void end(void)
{
	ag_engine_free(scene.engine);
	ag_ruleset_free(scene.set);
}

static void reload(const char *rules)
{
	struct ag_ruleset *set = rules ? compile(rules) : NULL;

	cr_assert_eq(ag_engine_set_rules(scene.engine, set), 0);
	ag_ruleset_free(scene.set);
	scene.set = set;
	cr_assert_eq(ag_engine_tick(scene.engine, scene.now_us), 0);
}

/* Send an ATT PDU. What came out on the other side, completions apart, is `out`; on the same,
 * `back`.
 */
struct heard {
	size_t out_len, back_len;
	uint8_t out[64], back[64];
};

static void keep_att(enum ag_side side, uint8_t *out, size_t *len)
{
	struct ag_packet packet;

	*len = 0;
	while (ag_engine_peek(scene.engine, side, &packet)) {
		if (packet.data[0] == 0x02) {
			*len = packet.len - 9;
			memcpy(out, packet.data + 9, *len);
		}
		ag_engine_pop(scene.engine, side);
	}
}

static struct heard say(enum ag_side from, const uint8_t *pdu, size_t len)
{
	uint8_t packet[9 + 64] = { 0x02, 0x40, 0x20 };
	struct heard heard;

	ag_put_le16(packet + 3, (uint16_t)(len + 4));
	ag_put_le16(packet + 5, (uint16_t)len);
	ag_put_le16(packet + 7, 4);
	memcpy(packet + 9, pdu, len);
	cr_assert_eq(ag_engine_feed(scene.engine, from, packet, 9 + len, ++scene.now_us), 0);
	keep_att(from == AG_SIDE_HOST ? AG_SIDE_CONTROLLER : AG_SIDE_HOST, heard.out,
		 &heard.out_len);
	keep_att(from, heard.back, &heard.back_len);
	return heard;
}

#define SAY(from, ...)                                                                             \
	say(from, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* ---- The Database Hash ---- */

static void read_by_type(uint8_t out[16])
{
	struct heard heard;

	SAY(AG_SIDE_HOST, 0x08, 1, 0, 0xff, 0xff, 0x2a, 0x2b);
	heard = SAY(AG_SIDE_CONTROLLER, 0x09, 18, 0x20, 0, HASH);
	cr_assert_eq(heard.out_len, 20);
	cr_expect_eq(ag_get_le16(heard.out + 2), 0x20);
	memcpy(out, heard.out + 4, 16);
}

static void read_by_handle(uint8_t out[16])
{
	struct heard heard;

	SAY(AG_SIDE_HOST, 0x0a, 0x20, 0);
	heard = SAY(AG_SIDE_CONTROLLER, 0x0b, HASH);
	cr_assert_eq(heard.out_len, 17);
	memcpy(out, heard.out + 1, 16);
}

static void read_rest(uint8_t out[16])
{
	struct heard heard;

	SAY(AG_SIDE_HOST, 0x0c, 0x20, 0, 6, 0);
	heard = SAY(AG_SIDE_CONTROLLER, 0x0d, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e,
		    0x1f);
	cr_assert_eq(heard.out_len, 11);
	memcpy(out + 6, heard.out + 1, 10);
}

static void read_with_another(uint8_t out[16])
{
	struct heard heard;

	SAY(AG_SIDE_HOST, 0x20, 0x03, 0, 0x20, 0);
	heard = SAY(AG_SIDE_CONTROLLER, 0x21, 1, 0, 0x41, 16, 0, HASH);
	cr_assert_eq(heard.out_len, 22);
	cr_expect_eq(heard.out[3], 0x41);
	memcpy(out, heard.out + 6, 16);
	/* a length that lies, and an error */
	SAY(AG_SIDE_HOST, 0x20, 0x03, 0, 0x20, 0);
	heard = SAY(AG_SIDE_CONTROLLER, 0x21, 1, 0, 0x41, 17, 0, HASH);
	cr_expect_arr_eq(heard.out + 6, hash, 16);
	SAY(AG_SIDE_HOST, 0x20, 0x03, 0, 0x20, 0);
	heard = SAY(AG_SIDE_CONTROLLER, 0x01, 0x20, 0x20, 0, 0x02);
	cr_expect_eq(heard.out_len, 5);
}

Test(engine_hide, the_database_hash_is_another_one)
{
	uint8_t first[16], again[16], by_handle[16], other[16], none[16];

	begin(no_battery, false, false);
	read_by_type(first);
	cr_expect_arr_neq(first, hash, 16);
	read_by_type(again);
	cr_expect_arr_eq(first, again, 16);
	read_by_handle(by_handle);
	cr_expect_arr_eq(first, by_handle, 16);
	read_rest(by_handle);
	cr_expect_arr_eq(first, by_handle, 16);
	read_with_another(by_handle);
	cr_expect_arr_eq(first, by_handle, 16);
	reload(no_other);
	read_by_type(other);
	cr_expect_arr_neq(other, first, 16);
	cr_expect_arr_neq(other, hash, 16);
	reload(NULL);
	read_by_type(none);
	cr_expect_arr_eq(none, hash, 16);
	end();
}

Test(engine_hide, a_hash_that_is_none_stays)
{
	static const uint8_t shorter[] = { 0x0b, 1, 2, 3 };
	static const uint8_t longer[] = { 0x0b, HASH, 0x20 };
	static const uint8_t prepared[] = { 0x17, 0x20, 0, 0, 0, 1, 2, 3 };
	struct heard heard;

	begin(no_battery, false, false);
	read_by_type((uint8_t[16]){ 0 });
	SAY(AG_SIDE_HOST, 0x0a, 0x20, 0);
	heard = say(AG_SIDE_CONTROLLER, longer, sizeof(longer));
	cr_expect_eq(heard.out_len, sizeof(longer));
	cr_expect_arr_eq(heard.out, longer, sizeof(longer));
	SAY(AG_SIDE_HOST, 0x0a, 0x21, 0);
	heard = say(AG_SIDE_CONTROLLER, shorter, sizeof(shorter));
	cr_expect_arr_eq(heard.out, shorter, sizeof(shorter));
	/* what is to be written there is no part of it */
	SAY(AG_SIDE_HOST, 0x16, 0x20, 0, 0, 0, 1, 2, 3);
	heard = say(AG_SIDE_CONTROLLER, prepared, sizeof(prepared));
	cr_expect_eq(heard.out_len, sizeof(prepared));
	cr_expect_arr_eq(heard.out, prepared, sizeof(prepared));
	end();
}

/* ---- What the tap is told ---- */

static void expect_told(enum ag_verdict verdict, unsigned int effects, uint8_t error,
			size_t entries, size_t hidden)
{
	cr_expect_eq(scene.told.verdict, verdict, "verdict %d", (int)scene.told.verdict);
	cr_expect_eq(scene.told.effects, effects, "effects %u", scene.told.effects);
	cr_expect_eq(scene.told.error, error);
	cr_expect_eq(scene.told.entries, entries);
	cr_expect_eq(scene.told.hidden, hidden);
	if (effects & AG_EFFECT_HIDE && scene.told.rule[0])
		cr_expect_str_eq(scene.told.rule, "no-battery");
}

Test(engine_hide, the_tap_is_told_what_was_hidden)
{
	begin(no_battery, false, false);
	SAY(AG_SIDE_HOST, 0x10, 1, 0, 0xff, 0xff, 0, 0x28);
	expect_told(AG_V_ACCEPT, 0, 0, 0, 0);
	SAY(AG_SIDE_CONTROLLER, 0x11, 6, 1, 0, 5, 0, 0, 0x18, 6, 0, 9, 0, 0x0f, 0x18);
	expect_told(AG_V_ACCEPT, AG_EFFECT_HIDE, 0, 2, 1);
	cr_expect_eq(scene.told.out_len, 8);
	SAY(AG_SIDE_HOST, 0x10, 6, 0, 0xff, 0xff, 0, 0x28);
	expect_told(AG_V_ACCEPT, AG_EFFECT_HIDE, 0, 0, 0);
	SAY(AG_SIDE_CONTROLLER, 0x11, 6, 10, 0, 12, 0, 0x0f, 0x18);
	expect_told(AG_V_HIDE, AG_EFFECT_HIDE, 0, 1, 1);
	SAY(AG_SIDE_CONTROLLER, 0x01, 0x10, 13, 0, 0x0a);
	SAY(AG_SIDE_HOST, 0x0a, 8, 0);
	expect_told(AG_V_HIDE, AG_EFFECT_HIDE, 0x01, 0, 0);
	cr_expect_eq(ag_engine_stats(scene.engine)->verdicts[AG_V_HIDE], 2);
	cr_expect_geq(ag_engine_rule_hits(scene.engine)[0], 3);
	end();
}

/* ---- Runs in which nothing is changed, or nobody answers ---- */

Test(engine_hide, a_dry_run_tells_and_changes_nothing)
{
	static const uint8_t page[] = { 0x11, 6, 6, 0, 9, 0, 0x0f, 0x18 };
	struct heard heard;

	begin(no_battery, true, false);
	SAY(AG_SIDE_HOST, 0x10, 1, 0, 0xff, 0xff, 0, 0x28);
	heard = say(AG_SIDE_CONTROLLER, page, sizeof(page));
	expect_told(AG_V_HIDE, AG_EFFECT_HIDE, 0, 1, 1);
	cr_expect_eq(heard.out_len, sizeof(page));
	cr_expect_arr_eq(heard.out, page, sizeof(page));
	cr_expect_eq(heard.back_len, 0);
	heard = SAY(AG_SIDE_HOST, 0x0a, 8, 0);
	expect_told(AG_V_HIDE, AG_EFFECT_HIDE, 0x01, 0, 0);
	cr_expect_eq(heard.out_len, 3);
	cr_expect_eq(heard.back_len, 0);
	heard = SAY(AG_SIDE_CONTROLLER, 0x0b, 0x64);
	cr_expect_eq(heard.out_len, 2);
	heard = SAY(AG_SIDE_CONTROLLER, 0x1d, 8, 0, 0x64);
	cr_expect_eq(heard.out_len, 4);
	cr_expect_eq(heard.back_len, 0);
	end();
}

/* Nobody answers what we ask in a recording: a page that vanishes ends the list, and what was
 * recorded behind it is a question of its own. */
Test(engine_hide, a_recording_is_not_asked_for_more)
{
	static const uint8_t nothing[] = { 0x01, 0x10, 1, 0, 0x0a };
	struct heard heard;

	begin(no_battery, false, true);
	SAY(AG_SIDE_HOST, 0x10, 1, 0, 0xff, 0xff, 0, 0x28);
	heard = SAY(AG_SIDE_CONTROLLER, 0x11, 6, 6, 0, 9, 0, 0x0f, 0x18);
	cr_expect_eq(heard.out_len, sizeof(nothing));
	cr_expect_arr_eq(heard.out, nothing, sizeof(nothing));
	cr_expect_eq(heard.back_len, 0);
	/* the recorded question behind it goes as it went */
	heard = SAY(AG_SIDE_HOST, 0x10, 10, 0, 0xff, 0xff, 0, 0x28);
	cr_expect_eq(heard.out_len, 7);
	heard = SAY(AG_SIDE_CONTROLLER, 0x11, 6, 10, 0, 12, 0, 0x0a, 0x18);
	cr_expect_eq(heard.out_len, 8);
	/* what is refused has its recorded answer yet to come */
	heard = SAY(AG_SIDE_HOST, 0x0a, 8, 0);
	cr_expect_eq(heard.out_len, 0);
	cr_expect_eq(heard.back_len, 5);
	heard = SAY(AG_SIDE_CONTROLLER, 0x0b, 0x64);
	cr_expect_eq(scene.told.verdict, AG_V_RECORDED);
	cr_expect_eq(heard.out_len, 0);
	end();
}

/* ---- What a list says of what is in no map ---- */

Test(engine_hide, what_the_map_has_no_room_for_is_hidden_too)
{
	struct heard heard;

	keeper.load = load_full;
	begin("rule no-battery when from == peer and att.service == battery_service hide\n"
	      "rule no-level when from == peer and att.uuid == battery_level hide\n"
	      "rule no-declaration when from == peer and att.characteristic == "
	      "heart_rate_measurement "
	      "hide",
	      false, false);
	/* primary and secondary services */
	SAY(AG_SIDE_HOST, 0x10, 1, 0, 0xff, 0xff, 0x00, 0x28);
	heard = SAY(AG_SIDE_CONTROLLER, 0x11, 6, 1, 0, 5, 0, 0x00, 0x18, 6, 0, 9, 0, 0x0f, 0x18);
	cr_expect_eq(heard.out_len, 8);
	cr_expect_eq(scene.told.hidden, 1);
	SAY(AG_SIDE_HOST, 0x10, 1, 0, 0xff, 0xff, 0x01, 0x28);
	heard = SAY(AG_SIDE_CONTROLLER, 0x11, 6, 6, 0, 9, 0, 0x0f, 0x18, 10, 0, 15, 0, 0x00, 0x18);
	cr_expect_eq(heard.out_len, 8);
	cr_expect_eq(heard.out[2], 10);
	/* characteristics by the declaration and by the value */
	SAY(AG_SIDE_HOST, 0x08, 1, 0, 0xff, 0xff, 0x03, 0x28);
	heard = SAY(AG_SIDE_CONTROLLER, 0x09, 7, 2, 0, 2, 3, 0, 0x00, 0x2a, 4, 0, 2, 5, 0, 0x19,
		    0x2a, 6, 0, 2, 7, 0, 0x37, 0x2a);
	cr_expect_eq(heard.out_len, 9);
	cr_expect_eq(heard.out[2], 2);
	cr_expect_eq(scene.told.hidden, 2);
	/* an include of a service that nothing is known of but this */
	SAY(AG_SIDE_HOST, 0x08, 1, 0, 0xff, 0xff, 0x02, 0x28);
	heard = SAY(AG_SIDE_CONTROLLER, 0x09, 8, 2, 0, 6, 0, 9, 0, 0x0f, 0x18, 3, 0, 10, 0, 15, 0,
		    0x00, 0x18);
	cr_expect_eq(heard.out_len, 10);
	cr_expect_eq(heard.out[2], 3);
	/* types */
	SAY(AG_SIDE_HOST, 0x04, 1, 0, 0xff, 0xff);
	heard = SAY(AG_SIDE_CONTROLLER, 0x05, 1, 8, 0, 0x02, 0x29, 9, 0, 0x19, 0x2a);
	cr_expect_eq(heard.out_len, 6);
	cr_expect_eq(heard.out[2], 8);
	end();
	keeper.load = NULL;
}

/* ---- Service Changed ---- */

Test(engine_hide, a_change_that_cannot_be_told_is_counted)
{
	begin(NULL, false, false);
	reload(no_battery);
	cr_expect_eq(ag_engine_stats(scene.engine)->unannounced, 1);
	reload(no_battery);
	cr_expect_eq(ag_engine_stats(scene.engine)->unannounced, 1);
	reload(NULL);
	cr_expect_eq(ag_engine_stats(scene.engine)->unannounced, 2);
	end();
}

Test(engine_hide, a_dry_run_tells_the_host_nothing)
{
	begin(NULL, true, false);
	reload(no_battery);
	cr_expect_eq(ag_engine_stats(scene.engine)->unannounced, 0);
	end();
}
