/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/io/decisions.h"

static const uint8_t read_request[] = { 0x0a, 0x16, 0x00 };
static const struct ag_link_view view = {
	.handle = 0x40,
	.role = AG_ROLE_PERIPHERAL,
	.peer = 0xdc080f5b8d82,
};
static const struct ag_rule rule = { .name = "leave-battery-alone" };

static struct ag_decision make(void)
{
	return (struct ag_decision){
		.number = 1,
		.from = AG_FROM_HOST,
		.link = &view,
		.cid = 4,
		.is_att = true,
		.pdu = read_request,
		.len = sizeof(read_request),
		.pdu_len = sizeof(read_request),
		.rule = &rule,
		.verdict = AG_V_REJECT,
		.error = 0x02,
		.has_error = true,
	};
}

Test(io, a_decision_in_a_line)
{
	struct ag_decision decision = make();
	char text[256];

	ag_decision_format(&decision, text, sizeof(text));
	cr_expect(strstr(text, "DC:08:0F:5B:8D:82 peripheral, host: Read Request"), "%s", text);
	cr_expect(strstr(text, "-> reject read_not_permitted by leave-battery-alone"), "%s", text);
	decision.log_text = "battery read refused";
	decision.from = AG_FROM_PEER;
	ag_decision_format(&decision, text, sizeof(text));
	cr_expect(strstr(text, "peer: Read Request"), "%s", text);
	cr_expect(strstr(text, "by leave-battery-alone (battery read refused)"), "%s", text);
	decision.rule = NULL;
	decision.verdict = AG_V_ACCEPT;
	decision.has_error = false;
	ag_decision_format(&decision, text, sizeof(text));
	cr_expect(strstr(text, "-> accept (battery"), "%s", text);
	ag_decision_format(&decision, text, 8);
	cr_expect_eq(strlen(text), 7);
}

/* Lines that `times` decisions write. */
static unsigned int lines_of(struct ag_decisions *decisions, const struct ag_decision *decision,
			     unsigned int times)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	unsigned int lines = 0;
	int c;

	cr_assert(file && saved >= 0);
	dup2(fileno(file), STDERR_FILENO);
	for (unsigned int i = 0; i < times; i++)
		ag_decisions_tap(decisions, decision);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

Test(io, which_decisions_are_logged)
{
	struct ag_decision decision = make();
	struct ag_decisions plain = { .verbose = false };
	struct ag_decisions verbose = { .verbose = true };
	struct ag_decisions dry = { .dry_run = true };

	cr_expect_eq(lines_of(&plain, &decision, 20), 0);
	cr_expect_eq(lines_of(&verbose, &decision, 20), 20);
	cr_expect_eq(lines_of(&dry, &decision, 1), 1);
	decision.verdict = AG_V_ACCEPT;
	cr_expect_eq(lines_of(&verbose, &decision, 20), 20);
	cr_expect_eq(lines_of(&dry, &decision, 1), 0);
	decision.effects = AG_EFFECT_REWRITE;
	cr_expect_eq(lines_of(&dry, &decision, 1), 1);
	decision.effects = AG_EFFECT_LOG;
	cr_expect_eq(lines_of(&plain, &decision, 20), AG_LIMIT_SAME);
	/* and when the period is over, how many were left out */
	decision.now_us = AG_LIMIT_PERIOD_US + 1;
	cr_expect_eq(lines_of(&plain, &decision, 1), 2);
}

static void feed(struct ag_engine *engine, enum ag_side side, const void *packet, size_t len)
{
	cr_assert_eq(ag_engine_feed(engine, side, packet, len, 0), 0);
}

/* What does not fit into the line is left out, and nothing else. */
Test(io, a_summary_of_many_rules)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 0x01, 0, 0x40, 0, 1, 0, 1, 2, 3, 4, 5, 6 };
	static const uint8_t ask[] = { 0x02, 0x40, 0, 7, 0, 3, 0, 4, 0, 0x0a, 3, 0 };
	static const struct ag_pump_counters counters = { .overflows = 1 };
	char text[4096] = "", line[2048] = "";
	struct ag_source source = { "many", text, 0 };
	struct ag_engine_config config = { .rules = NULL };
	struct ag_ruleset *rules = NULL;
	struct ag_engine *engine = NULL;
	int log[2];

	for (unsigned int i = 0; i < 30; i++)
		source.len += (size_t)snprintf(text + source.len, sizeof(text) - source.len,
					       "rule with-a-name-of-its-own-%02u log\n", i);
	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	config.rules = rules;
	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	feed(engine, AG_SIDE_CONTROLLER, up, sizeof(up));
	feed(engine, AG_SIDE_HOST, ask, sizeof(ask));
	cr_assert_eq(pipe(log), 0);
	cr_assert_geq(dup2(log[1], STDERR_FILENO), 0);
	ag_decisions_summary(engine, rules, &counters);
	cr_assert_gt(read(log[0], line, sizeof(line) - 1), 0);
	cr_expect_eq(strlen(line), strlen("attgate: ") + 511 + strlen("\n"), "%s", line);
	cr_expect(strstr(line,
			 "1 judged, 1 accept; 1 receive overflows; with-a-name-of-its-own-00 1; "
			 "with-a-name-of-its-own-01 1; "),
		  "%s", line);
	ag_engine_free(engine);
	ag_ruleset_free(rules);
}
