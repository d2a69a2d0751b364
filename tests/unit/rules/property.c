/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random conditions over random PDUs. The tables by which rules are skipped must not change what
 * matches, and what is said to be never reached must never be reached.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/field.h"
#include "rules/rules.h"

static uint64_t state = 1;

/** A number below `limit`, the same row in each run. */
static unsigned int roll(unsigned int limit)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(state >> 33) % limit;
}

static const char *pick(const char *const *list, size_t count)
{
	return list[roll((unsigned int)count)];
}

#define PICK(list) pick(list, sizeof(list) / sizeof((list)[0]))

/* Values that meet those of the subjects below often. */
static const char *const tests[] = {
	"from == host",
	"from != host",
	"role == peripheral",
	"role in {central}",
	"link == bredr",
	"bearer == eatt",
	"bearer != {att, att_bredr}",
	"encrypted",
	"mtu > 1",
	"mtu != 2",
	"att.opcode == read_request",
	"att.opcode in {error_response, read_response, 0x77}",
	"att.opcode <= find_information_request",
	"att.opcode != {0x00..0x1b, 0x20}",
	"att.kind == request",
	"att.kind != response",
	"att.kind in {command, notification}",
	"att.handle == 1",
	"att.handle in {0, 2}",
	"att.handle != 1",
	"att.start >= 1",
	"att.type == 0x0001",
	"att.type != {0x0001, 0x0002}",
	"att.uuid == 0x0001",
	"att.uuid != 0x0002",
	"att.characteristic in {0x0000, 0x0001}",
	"att.service == 0x0002",
	"att.mapped",
	"att.malformed",
	"att.error == 1",
	"att.error in 1..2",
	"att.request == 2",
	"att.unsolicited",
	"att.offset < 2",
	"att.value == hex\"01\"",
	"att.value in {hex\"02\".., hex\"\"}",
	"att.length == 1",
	"att.mtu == 1",
	"smp.opcode == security_request",
	"smp.opcode in 1..5",
	"smp.reason == 1",
};

static size_t add_condition(char *out, size_t size, unsigned int depth)
{
	const char *word = roll(2) ? " and " : " or ";
	unsigned int parts = 2 + roll(2);
	size_t len = 0;

	if (depth == 0 || roll(3) == 0)
		return (size_t)snprintf(out, size, "%s%s", roll(4) ? "" : "not ", PICK(tests));
	len += (size_t)snprintf(out, size, "%s(", roll(4) ? "" : "not ");
	for (unsigned int i = 0; i < parts; i++) {
		if (i)
			len += (size_t)snprintf(out + len, size - len, "%s", word);
		len += add_condition(out + len, size - len, depth - 1);
	}
	return len + (size_t)snprintf(out + len, size - len, ")");
}

static void set_random(struct ag_subject *subject, enum ag_field field)
{
	static const uint8_t octets[] = { 1, 2, 1 };

	subject->present |= ag_field_bit(field);
	switch (ag_field_type(field)) {
	case AG_T_FLAG:
	case AG_T_NUMBER:
	case AG_T_HANDLE:
	case AG_T_NAME:
	case AG_T_DURATION:
	case AG_T_BDADDR:
		subject->value[field].num = roll(field == AG_F_FROM || field == AG_F_ROLE ||
							 field == AG_F_LINK ||
							 ag_field_type(field) == AG_T_FLAG
						     ? 2
						     : 3);
		break;
	case AG_T_UUID:
		subject->value[field].uuid = ag_uuid_from_u16((uint16_t)roll(3));
		break;
	case AG_T_BYTES:
		subject->value[field].bytes = (struct ag_bytes){ octets + roll(2), roll(3) };
		break;
	}
}

static uint8_t random_opcode(void)
{
	static const uint8_t some[] = {
		0x01, 0x02, 0x04, 0x0a, 0x0b, 0x10, 0x1b, 0x1e, 0x52, 0x77
	};

	return roll(3) ? some[roll(sizeof(some))] : (uint8_t)roll(256);
}

/** Link and bearer belong together. */
static void set_path(struct ag_subject *subject, bool att)
{
	static const uint8_t paths[][2] = {
		{ AG_LINK_LE, AG_BEARER_ATT },
		{ AG_LINK_LE, AG_BEARER_EATT },
		{ AG_LINK_BREDR, AG_BEARER_ATT_BREDR },
		{ AG_LINK_BREDR, AG_BEARER_EATT },
	};
	unsigned int path = roll(4);

	ag_subject_set(subject, AG_F_LINK, paths[path][0]);
	if (att)
		ag_subject_set(subject, AG_F_BEARER, paths[path][1]);
}

/** A PDU with fields that its opcode can have; some of them missing, as in a truncated one. */
static struct ag_subject random_subject(void)
{
	bool att = roll(5) > 0;
	uint8_t opcode = att ? random_opcode() : (uint8_t)roll(16);
	uint64_t can = att ? ag_fields_of_att(opcode) : ag_fields_of_smp(opcode);
	struct ag_subject subject = { 0 };
	enum ag_att_kind kind;

	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		bool always = ag_fields_of_link() >> i & 1;

		if (can >> i & 1 && (always || roll(5)))
			set_random(&subject, (enum ag_field)i);
	}
	set_path(&subject, att);
	ag_subject_set(&subject, att ? AG_F_ATT_OPCODE : AG_F_SMP_OPCODE, opcode);
	if (att && ag_kind_of_att(opcode, &kind))
		ag_subject_set(&subject, AG_F_ATT_KIND, kind);
	return subject;
}

static struct ag_ruleset *compile(const char *text, struct ag_diags *diags)
{
	struct ag_source source = { "random", text, strlen(text) };
	struct ag_ruleset *set = NULL;

	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, diags), 0), "%s", text);
	return set;
}

static bool matches(const struct ag_ruleset *set, const struct ag_subject *subject,
		    struct ag_match_state *samplers)
{
	size_t position = 0;

	return ag_rules_next(set, subject, samplers, &position) != NULL;
}

/** What the first fragment tells. */
static struct ag_subject glimpse(const struct ag_subject *subject)
{
	struct ag_subject first = *subject;

	first.present &= ag_field_bit(AG_F_FROM) | ag_field_bit(AG_F_ROLE) |
			 ag_field_bit(AG_F_LINK) | ag_field_bit(AG_F_BEARER) |
			 ag_field_bit(AG_F_ATT_OPCODE) | ag_field_bit(AG_F_ATT_KIND) |
			 ag_field_bit(AG_F_SMP_OPCODE);
	return first;
}

/* A condition with `or chance 0%' is never skipped by table, and holds for the same PDUs. */
Test(rules, skipping_by_table_changes_nothing)
{
	size_t hits = 0;

	for (unsigned int run = 0; run < 3000; run++) {
		struct ag_match_state *samplers = NULL;
		struct ag_ruleset *set, *whole;
		char condition[2048], text[2200];

		add_condition(condition, sizeof(condition), 3);
		snprintf(text, sizeof(text), "rule a when %s log", condition);
		set = compile(text, NULL);
		snprintf(text, sizeof(text), "rule a when %s or chance 0%% log", condition);
		whole = compile(text, NULL);
		cr_assert(eq(int, ag_match_state_new(whole, run, &samplers), 0));
		for (unsigned int i = 0; i < 40; i++) {
			struct ag_subject subject = random_subject();
			struct ag_subject first = glimpse(&subject);
			bool expected = matches(whole, &subject, samplers);

			cr_assert(eq(int, matches(set, &subject, NULL), expected), "%s", condition);
			cr_assert(not(expected && !ag_rules_may_match(set, &first)), "%s",
				  condition);
			hits += expected;
		}
		ag_match_state_free(samplers);
		ag_ruleset_free(set);
		ag_ruleset_free(whole);
	}
	cr_expect(ge(sz, hits, 10000));
}

/** The rule whose name a warning at this line stands under, if it says that it is never reached. */
static void find_unreachable(const struct ag_diags *diags, bool unreachable[8], size_t *count)
{
	for (size_t i = 0; i < diags->count; i++) {
		if (!strstr(diags->list[i].message, "never reached"))
			continue;
		unreachable[diags->list[i].line - 1] = true;
		(*count)++;
	}
}

/** Until a verdict; each line has one rule. */
static void run_rules(const struct ag_ruleset *set, const struct ag_subject *subject,
		      const bool unreachable[8], const char *text)
{
	const struct ag_rule *rule;
	size_t position = 0;

	while ((rule = ag_rules_next(set, subject, NULL, &position))) {
		cr_assert(not(unreachable[rule->index]), "%s is reached:\n%s", rule->name, text);
		if (ag_action_is_verdict(&rule->actions[rule->n_actions - 1]))
			return;
	}
}

Test(rules, what_is_called_unreachable_is_never_reached)
{
	size_t count = 0;

	for (unsigned int run = 0; run < 3000; run++) {
		struct ag_diags diags = AG_DIAGS_INIT;
		bool unreachable[8] = { false };
		struct ag_ruleset *set;
		char text[8192];
		size_t len = 0;

		for (int i = 0; i < 6; i++) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "rule r%d when ",
						i);
			len += add_condition(text + len, sizeof(text) - len, 2);
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %s\n",
						roll(4) ? "accept" : "log");
		}
		set = compile(text, &diags);
		find_unreachable(&diags, unreachable, &count);
		for (unsigned int i = 0; i < 60; i++) {
			struct ag_subject subject = random_subject();

			run_rules(set, &subject, unreachable, text);
		}
		ag_diags_clear(&diags);
		ag_ruleset_free(set);
	}
	cr_expect(ge(sz, count, 500));
}

/* A rule of one comparison chain that can never hold is not matched by anything. */
Test(rules, what_can_never_hold_does_not)
{
	size_t count = 0;

	for (unsigned int run = 0; run < 4000; run++) {
		struct ag_diags diags = AG_DIAGS_INIT;
		struct ag_ruleset *set;
		char text[1024];

		snprintf(text, sizeof(text), "rule a when %s and %s and %s log", PICK(tests),
			 PICK(tests), PICK(tests));
		set = compile(text, &diags);
		count += diags.count > 0;
		for (unsigned int i = 0; i < 60; i++) {
			struct ag_subject subject = random_subject();

			cr_assert(not(diags.count && matches(set, &subject, NULL)), "%s", text);
		}
		ag_diags_clear(&diags);
		ag_ruleset_free(set);
	}
	cr_expect(ge(sz, count, 500));
}
