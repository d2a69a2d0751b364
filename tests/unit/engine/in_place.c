/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a dry run says of answers that it would replace is what a real run does. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/engine.h"
#include "proxy/wire/cursor.h"

enum { MOST = 32 };

struct word {
	enum ag_verdict verdict;
	uint8_t error;
	bool has_error;
};

struct words {
	struct word list[MOST];
	size_t count;
};

static const char rules_text[] =
    "rule read when from == peer and att.request == read_request answer hex\"0100\"\n"
    "rule write when from == peer and att.request == write_request reject\n"
    "rule no-such when from == peer and att.request == find_information_request answer hex\"00\"\n"
    "rule other when from == peer and att.kind == response reject insufficient_resources\n";

struct packet {
	enum ag_side from;
	uint8_t len;
	uint8_t pdu[16];
};

/* Each question has its answer, which makes no difference to what follows. */
static const struct packet traffic[] = {
	{ AG_SIDE_HOST, 3, { 0x0a, 0x16, 0x00 } },
	{ AG_SIDE_CONTROLLER, 2, { 0x0b, 0x64 } },
	{ AG_SIDE_HOST, 4, { 0x12, 0x16, 0x00, 0x01 } },
	{ AG_SIDE_CONTROLLER, 1, { 0x13 } },
	{ AG_SIDE_HOST, 5, { 0x04, 0x01, 0x00, 0xff, 0xff } },
	{ AG_SIDE_CONTROLLER, 6, { 0x05, 0x01, 0x01, 0x00, 0x00, 0x28 } },
	{ AG_SIDE_HOST, 7, { 0x10, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28 } },
	{ AG_SIDE_CONTROLLER, 5, { 0x01, 0x10, 0x01, 0x00, 0x0a } },
	/* to nothing */
	{ AG_SIDE_CONTROLLER, 2, { 0x0b, 0x64 } },
};

static void hear(void *user, const struct ag_decision *decision)
{
	struct words *words = user;

	cr_assert_lt(words->count, MOST);
	words->list[words->count++] = (struct word){ .verdict = decision->verdict,
						     .error = decision->error,
						     .has_error = decision->has_error };
}

static void feed(struct ag_engine *engine, const struct packet *packet)
{
	bool host = packet->from == AG_SIDE_HOST;
	uint8_t acl[32] = { 0x02, 0x40, host ? 0x00 : 0x20 };

	ag_put_le16(acl + 3, (uint16_t)(packet->len + 4));
	ag_put_le16(acl + 5, packet->len);
	ag_put_le16(acl + 7, 4);
	memcpy(acl + 9, packet->pdu, packet->len);
	cr_assert_eq(ag_engine_feed(engine, packet->from, acl, 9u + packet->len, 0), 0);
}

static void run(const struct ag_ruleset *rules, const struct packet *packets, size_t count,
		bool dry_run, struct words *words)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 1, 0, 0x40, 0, 1, 1, 1, 2 };
	struct ag_engine_config config = {
		.rules = rules, .tap = hear, .tap_user = words, .dry_run = dry_run
	};
	struct ag_engine *engine = NULL;

	words->count = 0;
	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	cr_assert_eq(ag_engine_feed(engine, AG_SIDE_CONTROLLER, up, sizeof(up), 0), 0);
	for (size_t i = 0; i < count; i++)
		feed(engine, &packets[i]);
	ag_engine_free(engine);
}

/* What both runs say. */
static struct words run_both(const char *text, const struct packet *packets, size_t count)
{
	const struct ag_source source = { "test.rules", text, strlen(text) };
	struct ag_ruleset *rules = NULL;
	struct words real, dry;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	run(rules, packets, count, false, &real);
	run(rules, packets, count, true, &dry);
	cr_assert_eq(real.count, count);
	cr_assert_eq(dry.count, real.count);
	for (size_t i = 0; i < real.count; i++) {
		cr_expect_eq(dry.list[i].verdict, real.list[i].verdict, "%zu", i);
		cr_expect_eq(dry.list[i].has_error, real.list[i].has_error, "%zu", i);
		cr_expect_eq(dry.list[i].error, real.list[i].error, "%zu", i);
	}
	ag_ruleset_free(rules);
	return real;
}

Test(in_place, a_dry_run_says_the_same)
{
	struct words real = run_both(rules_text, traffic, sizeof(traffic) / sizeof(traffic[0]));

	cr_expect_eq(real.list[1].verdict, AG_V_ANSWER);
	cr_expect_eq(real.list[3].error, 0x03);
	cr_expect_eq(real.list[5].verdict, AG_V_REJECT);
	cr_expect_eq(real.list[5].error, 0x0a);
	cr_expect_eq(real.list[7].error, 0x11);
	cr_expect_eq(real.list[8].verdict, AG_V_REJECT);
	cr_expect_not(real.list[8].has_error);
}

/* Primary services, a secondary one that lies in the second of them, and one that lies in none. */
static const struct packet services[] = {
	{ AG_SIDE_HOST, 7, { 0x10, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28 } },
	{ AG_SIDE_CONTROLLER,
	  14,
	  { 0x11, 6, 0x01, 0x00, 0x09, 0x00, 0x00, 0x18, 0x10, 0x00, 0x1f, 0x00, 0x01, 0x18 } },
	{ AG_SIDE_HOST, 7, { 0x10, 0x01, 0x00, 0xff, 0xff, 0x01, 0x28 } },
	{ AG_SIDE_CONTROLLER, 8, { 0x11, 6, 0x18, 0x00, 0x19, 0x00, 0x0a, 0x18 } },
	{ AG_SIDE_HOST, 7, { 0x10, 0x01, 0x00, 0xff, 0xff, 0x01, 0x28 } },
	{ AG_SIDE_CONTROLLER, 8, { 0x11, 6, 0x0a, 0x00, 0x0f, 0x00, 0x0a, 0x18 } },
};

Test(in_place, a_dry_run_knows_what_the_asker_was_shown)
{
	struct words real = run_both("rule bad when from == peer and att.malformed reject\n",
				     services, sizeof(services) / sizeof(services[0]));

	cr_expect_eq(real.list[1].verdict, AG_V_ACCEPT);
	cr_expect_eq(real.list[3].verdict, AG_V_REJECT);
	cr_expect_eq(real.list[5].verdict, AG_V_ACCEPT);
}
