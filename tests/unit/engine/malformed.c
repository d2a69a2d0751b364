/* SPDX-License-Identifier: GPL-2.0-or-later */

/* att.malformed says nothing against what real stacks and strict models say to each other. */

#include <criterion/criterion.h>
#include <glob.h>
#include <string.h>

#include "proxy/io/capture.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/property.h"
#include "tests/sim/twin.h"

enum { ADAPTERS = 4 };

struct seen {
	const char *path;
	unsigned int broken; /* PDUs that are malformed, and belong there */
	uint64_t frame;
	unsigned int att;
	unsigned int malformed;
};

static void look(void *user, const struct ag_decision *decision)
{
	const struct ag_subject *subject = decision->as_came;
	struct seen *seen = user;

	if (!decision->is_att || !subject || !ag_subject_has(subject, AG_F_ATT_MALFORMED))
		return;
	seen->att++;
	seen->malformed += (unsigned int)subject->value[AG_F_ATT_MALFORMED].num;
	cr_expect(!subject->value[AG_F_ATT_MALFORMED].num || seen->broken,
		  "%s, frame %lu, opcode 0x%02x", seen->path, (unsigned long)seen->frame,
		  decision->pdu[0]);
}

static bool look_at_passed(void *user, const struct ag_passed *passed)
{
	struct ag_subject subject;
	struct ag_decision decision = ag_sim_passed(passed, &subject);

	look(user, &decision);
	return true;
}

static void drain(struct ag_engine *engine)
{
	struct ag_packet packet;

	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		while (ag_engine_peek(engine, side, &packet))
			ag_engine_pop(engine, side);
	}
}

/* Seen from both ends: a page of services longer than the MTU that bluetoothd has; four answers
 * that break the protocol, the last one of four pages. */
static unsigned int broken(const char *path)
{
	if (strstr(path, "vm-case-10"))
		return 2;
	return strstr(path, "vm-case-12") ? 2 * (1 + 1 + 1 + 4) : 0;
}

static struct seen judge_recording(const char *path, ag_pass_fn *pass)
{
	struct ag_engine *engine[ADAPTERS] = { NULL };
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	struct seen seen = { .path = path, .broken = broken(path) };
	struct ag_engine_config config = {
		.tap = look, .pass = pass, .tap_user = &seen, .replay = true
	};

	for (size_t i = 0; i < ADAPTERS; i++)
		cr_assert_eq(ag_engine_new(&config, &engine[i]), 0);
	cr_assert_eq(ag_capture_open(path, stderr, &capture), 0);
	while (ag_capture_next(capture, &frame) == 0) {
		enum ag_side from = frame.meaning.from_host ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;

		if (frame.meaning.kind != AG_BTSNOOP_PACKET)
			continue;
		cr_assert_lt(frame.meaning.index, ADAPTERS);
		seen.frame = frame.number;
		cr_assert_eq(ag_engine_feed(engine[frame.meaning.index], from, frame.data,
					    frame.len, frame.number),
			     0);
		drain(engine[frame.meaning.index]);
	}
	ag_capture_close(capture);
	for (size_t i = 0; i < ADAPTERS; i++)
		ag_engine_free(engine[i]);
	return seen;
}

/* But for those of a phone that breaks the protocol. */
Test(malformed, nothing_is_in_the_recordings)
{
	glob_t found;

	cr_assert_eq(glob("tests/captures/*.btsnoop", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct seen seen = judge_recording(found.gl_pathv[i], NULL);
		struct seen passed = judge_recording(found.gl_pathv[i], look_at_passed);

		cr_expect_geq(seen.att, 4, "%s: %u PDUs", seen.path, seen.att);
		cr_expect_eq(seen.malformed, seen.broken, "%s: %u", seen.path, seen.malformed);
		cr_expect_eq(passed.att, seen.att, "%s: %u passed", seen.path, passed.att);
		cr_expect_eq(passed.malformed, seen.broken, "%s: %u", seen.path, passed.malformed);
	}
	globfree(&found);
}

static void fits(struct ag_random *random, struct ag_sim_case *what)
{
	(void)random;
	what->fits = true;
}

Test(malformed, nothing_that_strict_models_say)
{
	static const struct ag_sim_property property = { .name = "nothing_that_strict_models_say",
							 .salt = AG_SALT_STRICT_MODELS,
							 .per_mille = 60,
							 .eatt = true,
							 .prepare = fits };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_eq(totals.malformed, 0);
	cr_assert_geq(totals.judged, totals.cases * 10u);
}

/* Which they may be otherwise: the models have no MTU of their own. */
Test(malformed, what_is_too_long_for_the_mtu)
{
	static const struct ag_sim_property property = { .name = "too_long_for_the_mtu",
							 .salt = AG_SALT_TOO_LONG,
							 .per_mille = 5 };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.malformed, totals.cases);
}

/* ---- More services, and more descriptors, than are told from each other ---- */

enum { HANDLE = 0x40 };

static struct ag_engine *engine;
static bool last_is_malformed;

static void hear(void *user, const struct ag_decision *decision)
{
	(void)user;
	last_is_malformed = decision->subject->value[AG_F_ATT_MALFORMED].num;
}

static bool hear_passed(void *user, const struct ag_passed *passed)
{
	(void)user;
	last_is_malformed = passed->malformed;
	return true;
}

static void say(enum ag_side from, const uint8_t *pdu, size_t len)
{
	uint8_t acl[64] = { 0x02, HANDLE, from == AG_SIDE_HOST ? 0x00 : 0x20 };

	ag_put_le16(acl + 3, (uint16_t)(len + 4));
	ag_put_le16(acl + 5, (uint16_t)len);
	ag_put_le16(acl + 7, 4);
	memcpy(acl + 9, pdu, len);
	cr_assert_eq(ag_engine_feed(engine, from, acl, 9 + len, 0), 0);
	drain(engine);
}

static void begin(void)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 1, 0, HANDLE, 0, 1, 1, 1, 2 };
	struct ag_engine_config config = { .tap = hear, .pass = hear_passed };

	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	cr_assert_eq(ag_engine_feed(engine, AG_SIDE_CONTROLLER, up, sizeof(up), 0), 0);
}

/* One service of one handle. @return: whether the answer is malformed */
static bool service(uint16_t asked_from, uint16_t type, uint16_t at)
{
	uint8_t request[7] = { 0x10 }, response[8] = { 0x11, 6 };

	ag_put_le16(request + 1, asked_from);
	ag_put_le16(request + 3, 0xffff);
	ag_put_le16(request + 5, type);
	say(AG_SIDE_HOST, request, sizeof(request));
	ag_put_le16(response + 2, at);
	ag_put_le16(response + 4, at);
	say(AG_SIDE_CONTROLLER, response, sizeof(response));
	return last_is_malformed;
}

Test(malformed, more_services_than_are_told_from_each_other)
{
	begin();
	for (uint16_t i = 1; i <= 400; i++)
		cr_assert(!service((uint16_t)(2 * i - 1), 0x2800, (uint16_t)(2 * i)), "%u", i);
	for (uint16_t i = 1; i <= 400; i++)
		cr_assert(service(1, 0x2801, (uint16_t)(2 * i)), "%u", i);
	cr_expect(!service(1, 0x2801, 3));
	cr_expect(!service(1, 0x2801, 801));
	/* of what lies between those beyond nothing is known */
	cr_expect(service(1, 0x2801, 799));
	ag_engine_free(engine);
}

/* One descriptor. */
static void descriptor(uint16_t handle)
{
	uint8_t request[5] = { 0x04 }, response[6] = { 0x05, 1, 0, 0, 0x00, 0x29 };

	ag_put_le16(request + 1, handle);
	ag_put_le16(request + 3, handle);
	say(AG_SIDE_HOST, request, sizeof(request));
	ag_put_le16(response + 2, handle);
	say(AG_SIDE_CONTROLLER, response, sizeof(response));
}

static bool read_nothing_of(uint16_t handle)
{
	static const uint8_t response[] = { 0x0b };
	uint8_t request[3] = { 0x0a };

	ag_put_le16(request + 1, handle);
	say(AG_SIDE_HOST, request, sizeof(request));
	say(AG_SIDE_CONTROLLER, response, sizeof(response));
	return last_is_malformed;
}

/* Those of the last answer are read before there is another one. */
Test(malformed, more_descriptors_than_are_remembered)
{
	static const uint8_t changed[] = { 0x1d, 0x00, 0x02, 0x01, 0x00, 0xff, 0xff };
	static const uint8_t request[] = { 0x08, 0x01, 0x00, 0xff, 0xff, 0x05, 0x2a };
	static const uint8_t response[] = { 0x09, 4, 0x00, 0x02, 0, 0 };

	begin();
	for (uint16_t i = 1; i <= 300; i++)
		descriptor(i);
	/* the map forgets all of them */
	say(AG_SIDE_HOST, request, sizeof(request));
	say(AG_SIDE_CONTROLLER, response, sizeof(response));
	say(AG_SIDE_CONTROLLER, changed, sizeof(changed));
	for (uint16_t i = 300 - 127; i <= 300; i++)
		cr_assert(read_nothing_of(i), "%u", i);
	cr_expect(!read_nothing_of(300 - 128));
	ag_engine_free(engine);
}
