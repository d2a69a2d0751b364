/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions of two engines side by side: what is the same, what differs, and memory running out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/cmd/replay_compare.h"
#include "tests/sim/alloc.h"

TestSuite(cmd_replay_compare, .timeout = 10);

static const struct ag_link_view the_link = { .handle = 0x40,
					      .role = AG_ROLE_PERIPHERAL,
					      .peer = 1 };
static const uint8_t read_request[] = { 0x0a, 0x16, 0x00 };
static const uint8_t other_request[] = { 0x0a, 0x17, 0x00 };

static struct ag_decision decision(uint64_t number, enum ag_verdict verdict)
{
	return (struct ag_decision){
		.number = number,
		.link = &the_link,
		.is_att = true,
		.pdu = read_request,
		.len = sizeof(read_request),
		.verdict = verdict,
	};
}

struct fixture {
	struct ag_report *report;
	struct ag_compare *compare;
	char *text;
	size_t len;
};

static void begin(struct fixture *fixture, bool json)
{
	fixture->report = calloc(1, sizeof(*fixture->report));
	cr_assert(fixture->report);
	fixture->report->out = open_memstream(&fixture->text, &fixture->len);
	fixture->report->json = json;
	fixture->report->frame = 7;
	cr_assert_eq(ag_compare_new(fixture->report, &fixture->compare), 0);
}

static void step(struct fixture *fixture)
{
	cr_assert_eq(ag_compare_step(fixture->compare), 0);
	fflush(fixture->report->out);
}

static void end(struct fixture *fixture)
{
	ag_compare_free(fixture->compare);
	fclose(fixture->report->out);
	free(fixture->text);
	free(fixture->report);
}

Test(cmd_replay_compare, the_same_is_not_shown)
{
	struct ag_rule one = { .name = "one" };
	struct ag_rule two = { .name = "two" };
	struct ag_decision first = decision(1, AG_V_REJECT);
	struct ag_decision second = first;
	struct fixture fixture;

	first.rule = &one;
	second.rule = &two;
	second.effects = AG_EFFECT_LOG; /* a line in the log changes nothing on the link */
	begin(&fixture, false);
	ag_compare_decision(fixture.compare, 0, &first);
	ag_compare_decision(fixture.compare, 1, &second);
	step(&fixture);
	cr_expect_eq(fixture.len, 0, "%s", fixture.text);
	ag_compare_summary(fixture.compare, fixture.report->out);
	fflush(fixture.report->out);
	cr_expect_str_eq(fixture.text, "1 decisions are the same, 0 differ\n");
	end(&fixture);
}

/* Every part of an effect counts. */
Test(cmd_replay_compare, what_differs_is_shown)
{
	struct ag_decision first = decision(1, AG_V_REJECT);
	struct ag_decision others[5];
	struct fixture fixture;

	for (size_t i = 0; i < 5; i++)
		others[i] = first;
	others[0].verdict = AG_V_ACCEPT;
	others[1].has_error = true;
	others[1].error = 0x0a;
	others[2].effects = AG_EFFECT_DUPLICATE;
	others[3].delay_us = 5;
	others[4].out = other_request;
	others[4].out_len = sizeof(other_request);
	for (size_t i = 0; i < 5; i++) {
		begin(&fixture, false);
		ag_compare_decision(fixture.compare, 0, &first);
		ag_compare_decision(fixture.compare, 1, &others[i]);
		step(&fixture);
		cr_expect(strstr(fixture.text, "Read Request, Handle: 0x0016\n       - "), "%zu",
			  i);
		cr_expect(strstr(fixture.text, "\n       + "), "%zu", i);
		end(&fixture);
	}
}

/* A word that only one of them has: its time was up in one, not in the other. */
Test(cmd_replay_compare, one_word_alone)
{
	struct ag_decision first = decision(1, AG_V_TIMEOUT);
	struct ag_decision second = decision(2, AG_V_ACCEPT);
	struct fixture fixture;

	begin(&fixture, true);
	ag_compare_decision(fixture.compare, 0, &first);
	ag_compare_decision(fixture.compare, 1, &second);
	step(&fixture);
	cr_expect(strstr(fixture.text, "\"pdu\": 1"));
	cr_expect(strstr(fixture.text, "\"against\": null"));
	cr_expect(strstr(fixture.text, "\"pdu\": 2"));
	cr_expect(strstr(fixture.text, "\"rules\": null"));
	end(&fixture);
}

Test(cmd_replay_compare, memory_running_out_is_told)
{
	struct ag_decision some = decision(1, AG_V_ACCEPT);
	struct ag_compare *compare = NULL;
	struct fixture fixture;

	begin(&fixture, false);
	ag_sim_alloc_fail_after(0);
	cr_expect_eq(ag_compare_new(fixture.report, &compare), -ENOMEM);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_null(compare);
	ag_sim_alloc_fail_after(0);
	ag_compare_decision(fixture.compare, 0, &some);
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect_eq(ag_compare_step(fixture.compare), -ENOMEM);
	end(&fixture);
}
