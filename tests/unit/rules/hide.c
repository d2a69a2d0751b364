/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "rules/match.h"
#include "tests/sim/conditions.h"

static struct ag_ruleset *compile(const char *text)
{
	struct ag_source source = { "test.rules", text, strlen(text) };
	struct ag_ruleset *set = NULL;

	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), 0), "%s", text);
	return set;
}

static void set_uuid(struct ag_subject *subject, enum ag_field field, uint16_t uuid16)
{
	subject->value[field].uuid = ag_uuid_from_u16(uuid16);
	subject->present |= UINT64_C(1) << field;
}

static struct ag_subject link_of(enum ag_from from, uint64_t peer)
{
	struct ag_subject subject = { 0 };

	ag_subject_set(&subject, AG_F_ROLE, AG_ROLE_CENTRAL);
	ag_subject_set(&subject, AG_F_FROM, from);
	ag_subject_set(&subject, AG_F_LINK, AG_LINK_LE);
	ag_subject_set(&subject, AG_F_PEER, peer);
	ag_subject_set(&subject, AG_F_PEER_TYPE, AG_PEER_PUBLIC);
	return subject;
}

static struct ag_subject attribute(enum ag_from from, uint16_t service, uint16_t uuid)
{
	struct ag_subject subject = link_of(from, 5);

	ag_subject_set(&subject, AG_F_ATT_HANDLE, 0x0010);
	set_uuid(&subject, AG_F_ATT_SERVICE, service);
	set_uuid(&subject, AG_F_ATT_UUID, uuid);
	return subject;
}

/** The name of the rule that decided, with a `-' before it where it is an accept; "" for none. */
static void expect_decided(const struct ag_ruleset *set, const struct ag_subject *subject,
			   const char *by)
{
	const struct ag_rule *rule = NULL;
	bool hidden = ag_rules_hide(set, subject, &rule);
	char name[64] = "";

	if (rule)
		snprintf(name, sizeof(name), "%s%s", hidden ? "" : "-", rule->name);
	cr_expect_str_eq(name, by);
}

Test(hide, accept_and_hide_decide_in_their_order)
{
	struct ag_ruleset *set = compile(
	    "rule keep when att.uuid == battery_level accept\n"
	    "rule gone when from == peer and att.service in {battery, device_information} hide\n"
	    "rule late when att.service == battery accept\n"
	    "rule ours when from == host and att.service == 0x1802 hide\n");
	struct ag_subject level = attribute(AG_FROM_PEER, 0x180f, 0x2a19);
	struct ag_subject other = attribute(AG_FROM_PEER, 0x180f, 0x2a1a);
	struct ag_subject host = attribute(AG_FROM_HOST, 0x180f, 0x2a1a);
	struct ag_subject alert = attribute(AG_FROM_HOST, 0x1802, 0x2a06);
	struct ag_subject theirs = attribute(AG_FROM_PEER, 0x1802, 0x2a06);

	cr_expect(ag_rules_any_hides(set));
	expect_decided(set, &level, "-keep");
	expect_decided(set, &other, "gone");
	expect_decided(set, &host, "-late");
	expect_decided(set, &alert, "ours");
	expect_decided(set, &theirs, "");
	ag_ruleset_free(set);
}

Test(hide, what_is_not_known_of_an_attribute_hides_nothing)
{
	struct ag_ruleset *set = compile("rule a when att.service == battery hide\n"
					 "rule b when att.uuid != battery_level hide\n");
	struct ag_subject unknown = link_of(AG_FROM_PEER, 5);

	ag_subject_set(&unknown, AG_F_ATT_HANDLE, 7);
	expect_decided(set, &unknown, "");
	ag_ruleset_free(set);
}

/* A rule for PDUs would otherwise accept every attribute with its `not'. */
Test(hide, rules_that_ask_for_more_than_attributes_have_decide_for_pdus_only)
{
	struct ag_ruleset *set = compile("rule a when not encrypted accept\n"
					 "rule b when every 1 accept\n"
					 "rule c reject\n"
					 "rule d disconnect\n"
					 "rule e log\n"
					 "rule f when att.service == battery hide\n");
	struct ag_subject subject = attribute(AG_FROM_PEER, 0x180f, 0x2a19);

	expect_decided(set, &subject, "f");
	ag_ruleset_free(set);
}

Test(hide, no_pdu_is_judged_by_a_hide)
{
	struct ag_ruleset *set = compile("rule a hide\nrule b when att.uuid == 0x2a19 hide\n");
	struct ag_subject subject = attribute(AG_FROM_PEER, 0x180f, 0x2a19);
	struct ag_subject nothing = { 0 };
	size_t position = 0;

	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x0a);
	cr_expect_null(ag_rules_next(set, &subject, NULL, &position));
	position = 0;
	cr_expect_null(ag_rules_next(set, &nothing, NULL, &position));
	cr_expect(not(ag_rules_may_match(set, &subject)));
	cr_expect(not(ag_rules_may_match(set, &nothing)));
	ag_ruleset_free(set);
}

Test(hide, without_a_hide_nothing_is_hidden)
{
	struct ag_ruleset *set = compile("rule a accept\nrule b when att.handle == 5 reject\n");
	struct ag_subject subject = attribute(AG_FROM_PEER, 0x180f, 0x2a19);
	uint64_t digest[2];

	cr_expect(not(ag_rules_any_hides(set)));
	cr_expect(not(ag_rules_any_hides(NULL)));
	cr_expect(not(ag_rules_hide_digest(set, &subject, digest)));
	cr_expect(not(ag_rules_hide_digest(NULL, &subject, digest)));
	expect_decided(set, &subject, "");
	expect_decided(NULL, &subject, "");
	ag_ruleset_free(set);
}

/* ---- Digests ---- */

struct digest {
	uint64_t half[2];
	bool hides;
};

static struct digest digest_of(const char *text, enum ag_from from, uint64_t peer)
{
	struct ag_ruleset *set = compile(text);
	struct ag_subject link = link_of(from, peer);
	struct digest digest = { 0 };

	digest.hides = ag_rules_hide_digest(set, &link, digest.half);
	ag_ruleset_free(set);
	return digest;
}

static bool same(struct digest a, struct digest b)
{
	return a.hides == b.hides && a.half[0] == b.half[0] && a.half[1] == b.half[1];
}

Test(hide, a_digest_tells_what_is_hidden_on_a_link)
{
	struct digest plain = digest_of("rule a when att.service == battery hide", AG_FROM_PEER, 5);
	static const char *const equal[] = {
		"rule b when from == peer and att.service == 0x180f hide",
		"rule x when from == host and att.handle == 5 hide "
		"rule a when att.service in {battery} hide",
		"rule a when att.service == battery and peer == 00:00:00:00:00:05 hide "
		"rule b when peer == 00:00:00:00:00:06 hide",
		"rule a when att.service == battery or role == peripheral hide rule c accept",
		"rule a when from == host accept rule b when att.service == battery hide "
		"rule c when att.uuid == 0x2a19 accept",
		"rule a when not (not att.service == battery or from == host) hide",
	};
	static const char *const different[] = {
		"rule a when att.service != battery hide",
		"rule a when not att.service == battery hide",
		"rule a when att.uuid == battery_level hide",
		"rule a when att.service == battery and att.handle == 5 hide",
		"rule a when att.service == battery or att.handle == 5 hide",
		"rule a when att.handle == 5 accept rule b when att.service == battery hide",
		"rule a when att.service == battery hide rule b when att.handle == 5 hide",
		"rule a hide",
	};

	cr_expect(plain.hides);
	for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++)
		cr_expect(same(digest_of(equal[i], AG_FROM_PEER, 5), plain), "%s", equal[i]);
	for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
		cr_expect(not(same(digest_of(different[i], AG_FROM_PEER, 5), plain)), "%s",
			  different[i]);
}

Test(hide, a_digest_is_for_one_database_of_one_link)
{
	static const char text[] = "rule a when from == peer and peer == 00:00:00:00:00:05 and "
				   "att.service == battery hide rule b when from == peer accept";

	cr_expect(digest_of(text, AG_FROM_PEER, 5).hides);
	cr_expect(not(digest_of(text, AG_FROM_HOST, 5).hides));
	cr_expect(not(digest_of(text, AG_FROM_PEER, 6).hides));
}

/* ---- Random rules ---- */

static const char *const tests[] = {
	"from == peer",
	"from != peer",
	"role == central",
	"peer == 00:00:00:00:00:01",
	"peer != 00:00:00:00:00:02",
	"peer.type == public",
	"att.handle == 1",
	"att.handle in {2, 4..5}",
	"att.handle != 3",
	"att.uuid == 0x0001",
	"att.uuid != {0x0001, 0x0002}",
	"att.service == 0x0001",
	"att.characteristic in {0x0000, 0x0002}",
};

static struct ag_ruleset *random_set(void)
{
	char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int i = ag_roll(5); i < 5; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "rule r%u when ", i);
		len += ag_random_condition_of(tests, sizeof(tests) / sizeof(tests[0]), text + len,
					      sizeof(text) - len, 2);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					ag_roll(3) ? " hide\n" : " accept\n");
	}
	return compile(text);
}

/** All attributes that the tests above tell apart; bit by bit whether each is hidden, as the rules
 *  say it when they are asked one after another. */
static size_t hidden_of(const struct ag_ruleset *set, const struct ag_subject *link,
			uint8_t hidden[6 * 64])
{
	size_t count = 0;

	for (unsigned int i = 0; i < 6 * 64; i++) {
		struct ag_subject subject = *link;
		const struct ag_rule *decided;
		size_t rule = 0;

		ag_subject_set(&subject, AG_F_ATT_HANDLE, i % 6 + 1);
		if (i / 6 % 4)
			set_uuid(&subject, AG_F_ATT_UUID, (uint16_t)(i / 6 % 4));
		if (i / 24 % 4)
			set_uuid(&subject, AG_F_ATT_SERVICE, (uint16_t)(i / 24 % 4));
		if (i / 96 % 4)
			set_uuid(&subject, AG_F_ATT_CHARACTERISTIC, (uint16_t)(i / 96 % 4));
		while (rule < set->count &&
		       !ag_condition_holds(set->bodies[rule].when, &subject, NULL))
			rule++;
		hidden[i] = rule < set->count && set->rules[rule].actions[0].kind == AG_HIDE;
		cr_assert(eq(int, ag_rules_hide(set, &subject, &decided), hidden[i]));
		if (hidden[i])
			cr_assert(eq(sz, decided->index, rule));
		count += hidden[i];
	}
	return count;
}

Test(hide, what_is_hidden_is_what_the_rules_say_and_digests_tell_it_apart)
{
	size_t met = 0;
	size_t hiding = 0;

	for (unsigned int run = 0; run < 4000; run++) {
		struct ag_ruleset *set = random_set();
		struct ag_ruleset *other = ag_roll(2) ? random_set() : NULL;
		struct ag_subject link = link_of((enum ag_from)ag_roll(2), 1 + ag_roll(3));
		struct ag_subject second = link_of((enum ag_from)ag_roll(2), 1 + ag_roll(3));
		uint8_t hidden[2][6 * 64];
		uint64_t digest[2][2] = { 0 };
		size_t count = hidden_of(set, &link, hidden[0]);
		bool hides = ag_rules_hide_digest(set, &link, digest[0]);

		cr_assert(not(count && !hides));
		hidden_of(other ? other : set, &second, hidden[1]);
		if (ag_rules_hide_digest(other ? other : set, &second, digest[1]) == hides &&
		    memcmp(digest[0], digest[1], sizeof(digest[0])) == 0) {
			cr_assert(eq(int, memcmp(hidden[0], hidden[1], sizeof(hidden[0])), 0));
			met++;
		}
		hiding += count > 0;
		ag_ruleset_free(set);
		ag_ruleset_free(other);
	}
	cr_expect(ge(sz, met, 400));
	cr_expect(ge(sz, hiding, 1000));
}
