/* SPDX-License-Identifier: GPL-2.0-or-later */

/* att.malformed says nothing against what real stacks and strict models say to each other. */

#include <criterion/criterion.h>
#include <glob.h>

#include "proxy/io/capture.h"
#include "tests/sim/property.h"

enum { ADAPTERS = 4 };

struct seen {
	const char *path;
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
	cr_expect_eq(subject->value[AG_F_ATT_MALFORMED].num, 0, "%s, frame %lu, opcode 0x%02x",
		     seen->path, (unsigned long)seen->frame, decision->pdu[0]);
}

static void drain(struct ag_engine *engine)
{
	struct ag_packet packet;

	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		while (ag_engine_peek(engine, side, &packet))
			ag_engine_pop(engine, side);
	}
}

static struct seen judge_recording(const char *path)
{
	struct ag_engine *engine[ADAPTERS] = { NULL };
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	struct seen seen = { .path = path };
	struct ag_engine_config config = { .tap = look, .tap_user = &seen, .replay = true };

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

Test(malformed, nothing_is_in_the_recordings)
{
	glob_t found;

	cr_assert_eq(glob("tests/captures/*.btsnoop", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct seen seen = judge_recording(found.gl_pathv[i]);

		cr_expect_geq(seen.att, 4, "%s: %u PDUs", seen.path, seen.att);
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
							 .salt = 0x61,
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
							 .salt = 0x62,
							 .per_mille = 5 };
	struct ag_sim_totals totals;

	cr_assert_eq(ag_sim_property(&property, &totals), 0);
	cr_assert_gt(totals.malformed, totals.cases);
}
