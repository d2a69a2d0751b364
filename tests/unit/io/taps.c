/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/pass.h"
#include "proxy/io/taps.h"

struct ear {
	const char *name;
	char *order;
	bool curious;
};

static void listen_to(void *user, const struct ag_decision *decision)
{
	const struct ear *ear = user;

	cr_assert_eq(decision->number, 7);
	ear->order[strlen(ear->order)] = ear->name[0];
}

static void hear_of(void *user, const struct ag_passed *passed)
{
	const struct ear *ear = user;

	cr_assert_eq(passed->number, 7);
	ear->order[strlen(ear->order)] = ear->name[0];
}

Test(io_taps, each_listener_is_told_in_turn)
{
	char order[8] = "";
	struct ear a = { "a", order, false }, b = { "b", order, false };
	struct ag_decision decision = { .number = 7 };
	struct ag_taps taps = { .count = 0 };

	ag_taps_tap(&taps, &decision);
	ag_taps_add(&taps, &(struct ag_tap){ .tap = listen_to, .user = &a });
	ag_taps_add(&taps, &(struct ag_tap){ .tap = listen_to, .user = &b });
	ag_taps_tap(&taps, &decision);
	ag_taps_tap(&taps, &decision);
	cr_expect_str_eq(order, "abab");
}

/* Nobody hears of what passes as long as it may become a decision for somebody. */
Test(io_taps, what_passes_is_told_if_nobody_wants_it_all)
{
	char order[8] = "";
	struct ear a = { "a", order, false }, b = { "b", order, false }, c = { "c", order, false };
	struct ag_passed passed = { .number = 7 };
	struct ag_taps taps = { .count = 0 };

	cr_expect(ag_taps_pass(&taps, &passed));
	ag_taps_add(&taps, &(struct ag_tap){ listen_to, &a, &a.curious, hear_of });
	ag_taps_add(&taps, &(struct ag_tap){ listen_to, &b, NULL, hear_of });
	ag_taps_add(&taps, &(struct ag_tap){ listen_to, &c, &c.curious, NULL });
	cr_expect(ag_taps_pass(&taps, &passed));
	cr_expect_str_eq(order, "ab");
	c.curious = true;
	cr_expect_not(ag_taps_pass(&taps, &passed));
	cr_expect_str_eq(order, "ab");
	c.curious = false;
	cr_expect(ag_taps_pass(&taps, &passed));
	cr_expect_str_eq(order, "abab");
}
