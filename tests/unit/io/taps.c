/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/io/taps.h"

struct ear {
	const char *name;
	char *order;
};

static void listen_to(void *user, const struct ag_decision *decision)
{
	const struct ear *ear = user;

	cr_assert_eq(decision->number, 7);
	ear->order[strlen(ear->order)] = ear->name[0];
}

Test(io_taps, each_listener_is_told_in_turn)
{
	char order[8] = "";
	struct ear a = { "a", order }, b = { "b", order };
	struct ag_decision decision = { .number = 7 };
	struct ag_taps taps = { .count = 0 };

	ag_taps_tap(&taps, &decision);
	ag_taps_add(&taps, listen_to, &a);
	ag_taps_add(&taps, listen_to, &b);
	ag_taps_tap(&taps, &decision);
	ag_taps_tap(&taps, &decision);
	cr_expect_str_eq(order, "abab");
}
