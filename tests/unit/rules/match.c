/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"

static struct ag_ruleset *compile(const char *text)
{
	struct ag_source source = { "test.rules", text, strlen(text) };
	struct ag_ruleset *set = NULL;
	struct ag_diags diags = AG_DIAGS_INIT;
	int result = ag_ruleset_compile(&source, 1, &set, &diags);

	for (size_t i = 0; i < diags.count; i++) {
		if (diags.list[i].severity == AG_ERROR)
			cr_log_error("%s", diags.list[i].message);
	}
	cr_assert(eq(int, result, 0));
	ag_diags_clear(&diags);
	return set;
}

static struct ag_subject pdu(enum ag_from from, enum ag_role role, uint8_t opcode)
{
	struct ag_subject subject = { 0 };

	ag_subject_set(&subject, AG_F_FROM, from);
	ag_subject_set(&subject, AG_F_ROLE, role);
	ag_subject_set(&subject, AG_F_LINK, AG_LINK_LE);
	ag_subject_set(&subject, AG_F_BEARER, AG_BEARER_ATT);
	ag_subject_set(&subject, AG_F_ATT_OPCODE, opcode);
	return subject;
}

/** Names of the rules that match, in order, a space behind each. */
static void match(const struct ag_ruleset *set, const struct ag_subject *subject,
		  struct ag_match_state *state, char out[128])
{
	const struct ag_rule *rule;
	size_t position = 0;
	size_t len = 0;

	out[0] = '\0';
	while ((rule = ag_rules_next(set, subject, state, &position)))
		len += (size_t)snprintf(out + len, 128 - len, "%s ", rule->name);
}

static bool holds(const char *condition, const struct ag_subject *subject)
{
	struct ag_source source = { "filter", condition, strlen(condition) };
	struct ag_match_state *state = NULL;
	struct ag_ruleset *set = NULL;
	size_t position = 0;
	bool result;

	cr_assert(eq(int, ag_expression_compile(&source, &set, NULL), 0), "%s", condition);
	cr_assert(eq(int, ag_match_state_new(set, 1, &state), 0));
	result = ag_rules_next(set, subject, state, &position) != NULL;
	cr_assert(not(result && !ag_rules_may_match(set, subject)), "%s", condition);
	ag_match_state_free(state);
	ag_ruleset_free(set);
	return result;
}

Test(rules, rules_are_asked_in_order_and_skipped_by_table)
{
	struct ag_ruleset *set = compile("rule a when from == host log\n"
					 "rule b when att.opcode == read_request log\n"
					 "rule c when att.opcode == write_request log\n"
					 "rule d log\n");
	struct ag_subject read = pdu(AG_FROM_HOST, AG_ROLE_PERIPHERAL, 0x0a);
	struct ag_subject write = pdu(AG_FROM_PEER, AG_ROLE_PERIPHERAL, 0x12);
	struct ag_subject nothing = { 0 };
	char names[128];

	match(set, &read, NULL, names);
	cr_expect_str_eq(names, "a b d ");
	match(set, &write, NULL, names);
	cr_expect_str_eq(names, "c d ");
	match(set, &nothing, NULL, names);
	cr_expect_str_eq(names, "d ");
	ag_ruleset_free(set);
}

Test(rules, a_rewritten_opcode_is_seen_by_the_next_rule)
{
	struct ag_ruleset *set = compile("rule a when att.opcode == read_request log\n"
					 "rule b when att.opcode == write_request log\n");
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_CENTRAL, 0x0a);
	size_t position = 0;

	cr_assert_str_eq(ag_rules_next(set, &subject, NULL, &position)->name, "a");
	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x12);
	cr_assert_str_eq(ag_rules_next(set, &subject, NULL, &position)->name, "b");
	cr_assert_null(ag_rules_next(set, &subject, NULL, &position));
	ag_ruleset_free(set);
}

Test(rules, comparisons)
{
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_PERIPHERAL, 0x12);
	static const uint8_t value[] = { 1, 2, 3 };

	ag_subject_set(&subject, AG_F_ATT_HANDLE, 0x16);
	ag_subject_set(&subject, AG_F_PEER, UINT64_C(0xdc080f5b8d82));
	ag_subject_set(&subject, AG_F_ENCRYPTED, 0);
	ag_subject_set(&subject, AG_F_AGE, 2500000);
	ag_subject_set(&subject, AG_F_ATT_KIND, AG_KIND_REQUEST);
	subject.value[AG_F_ATT_VALUE].bytes = (struct ag_bytes){ value, sizeof(value) };
	subject.present |= UINT64_C(1) << AG_F_ATT_VALUE;

	static const struct {
		const char *condition;
		bool expected;
	} table[] = {
		{ "att.handle == 0x16", true },
		{ "att.handle == 22", true },
		{ "att.handle != 22", false },
		{ "att.handle in 1..0x15", false },
		{ "att.handle in {1..5, 0x10..0x16}", true },
		{ "att.handle != {1..5, 0x10..0x16}", false },
		{ "att.handle != {1..5, 0x17..0xffff}", true },
		{ "att.handle < 22", false },
		{ "att.handle <= 22", true },
		{ "att.handle > 21", true },
		{ "att.handle >= 23", false },
		{ "peer == DC:08:0F:5B:8D:82", true },
		{ "peer in DC:08:0F:00:00:00..DC:08:0F:FF:FF:FF", true },
		{ "peer == DC:08:0F:5B:8D:83", false },
		{ "encrypted", false },
		{ "not encrypted", true },
		{ "encrypted == false", true },
		{ "age > 2s and age < 3s", true },
		{ "age in 2500ms..2500ms", true },
		{ "att.kind == request", true },
		{ "att.kind in {response, command}", false },
		{ "att.opcode == \"Write Request\"", true },
		{ "btatt.opcode == 0x12 && btatt.handle == 0x0016", true },
		{ "att.value == hex\"01 02 03\"", true },
		{ "att.value == hex\"0102\"", false },
		{ "att.value == hex\"0102\"..", true },
		{ "att.value == \"\"..", true },
		{ "att.value != hex\"0102\"..", false },
		{ "att.value in {hex\"ff\", hex\"01:02:03\"}", true },
		{ "role == central or from == host", true },
		{ "role == central and from == host", false },
		{ "not (role == central and from == host)", true },
		/* what is absent is false, != included; its negation is true */
		{ "att.error == 5", false },
		{ "att.error != 5", false },
		{ "not att.error == 5", true },
		{ "att.type != battery_level", false },
		{ "bearer == att", true },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_expect(eq(int, holds(table[i].condition, &subject), table[i].expected), "%s",
			  table[i].condition);
}

Test(rules, uuids_match_by_name_and_number)
{
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_PERIPHERAL, 0x08);

	subject.value[AG_F_ATT_TYPE].uuid = ag_uuid_from_u16(0x2a19);
	subject.present |= UINT64_C(1) << AG_F_ATT_TYPE;
	cr_expect(holds("att.type == battery_level", &subject));
	cr_expect(holds("att.type == battery-level", &subject));
	cr_expect(holds("att.type == \"Battery Level\"", &subject));
	cr_expect(holds("att.type == 0x2a19", &subject));
	cr_expect(holds("att.type == 00002a19-0000-1000-8000-00805f9b34fb", &subject));
	cr_expect(holds("att.type in {device_name, appearance, battery_level}", &subject));
	cr_expect(not(holds("att.type != {device_name, battery_level}", &subject)));
	cr_expect(not(holds("att.type == 7905f431-b5ce-4e99-a40f-4b1e122d00d0", &subject)));
}

/** Which of ten equal PDUs a condition holds for, a digit each. */
static void ten(const char *text, uint64_t seed, char out[11])
{
	struct ag_ruleset *set = compile(text);
	struct ag_match_state *state = NULL;
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_PERIPHERAL, 0x0a);

	cr_assert(eq(int, ag_match_state_new(set, seed, &state), 0));
	for (int i = 0; i < 10; i++) {
		size_t position = 0;

		out[i] = ag_rules_next(set, &subject, state, &position) ? '1' : '0';
	}
	out[10] = '\0';
	ag_match_state_free(state);
	ag_ruleset_free(set);
}

Test(rules, samplers_count)
{
	char row[11];
	char again[11];

	ten("rule a when every 3 log", 1, row);
	cr_expect_str_eq(row, "0010010010");
	ten("rule a when first 2 log", 1, row);
	cr_expect_str_eq(row, "1100000000");
	ten("rule a when first 3 and every 2 log", 1, row);
	cr_expect_str_eq(row, "0100000000");
	ten("rule a when chance 0% log", 1, row);
	cr_expect_str_eq(row, "0000000000");
	ten("rule a when chance 100% log", 1, row);
	cr_expect_str_eq(row, "1111111111");
	ten("rule a when chance 50% log", 7, row);
	ten("rule a when chance 50% log", 7, again);
	cr_expect_str_eq(row, again);
	ten("rule a when chance 50% log", 8, again);
	cr_expect_str_neq(row, again);
}

Test(rules, samplers_count_what_the_rest_holds_for)
{
	struct ag_ruleset *set = compile("rule a when first 1 and att.handle == 2 log");
	struct ag_match_state *state = NULL;
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_PERIPHERAL, 0x0a);
	char names[128];

	cr_assert(eq(int, ag_match_state_new(set, 1, &state), 0));
	ag_subject_set(&subject, AG_F_ATT_HANDLE, 1);
	match(set, &subject, state, names);
	cr_expect_str_eq(names, "");
	ag_subject_set(&subject, AG_F_ATT_HANDLE, 2);
	match(set, &subject, state, names);
	cr_expect_str_eq(names, "a ");
	match(set, &subject, state, names);
	cr_expect_str_eq(names, "");
	ag_match_state_free(state);
	ag_ruleset_free(set);
}

Test(rules, what_cannot_match_is_known_from_the_first_fragment)
{
	struct ag_ruleset *set = compile(
	    "rule a when from == host and role == peripheral and att.kind == request drop\n"
	    "rule b when bearer == eatt and att.opcode == read_response and att.handle == 1 drop");
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_PERIPHERAL, 0x0a);

	cr_expect(ag_rules_may_match(set, &subject));
	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x0b);
	cr_expect(not(ag_rules_may_match(set, &subject)));
	subject = pdu(AG_FROM_PEER, AG_ROLE_PERIPHERAL, 0x0a);
	cr_expect(not(ag_rules_may_match(set, &subject)));
	subject.present = 0;
	cr_expect(ag_rules_may_match(set, &subject));
	cr_expect(not(ag_rules_may_match(NULL, &subject)));
	ag_ruleset_free(set);
}

/* A rule for one peer counts for every PDU of which the peer, or the opcode, is not known. */
Test(rules, what_is_for_a_peer_may_match_until_the_peer_is_known)
{
	struct ag_ruleset *set = compile("rule a when from == host and peer == 00:00:00:00:00:01 "
					 "and att.opcode == read_request drop");
	struct ag_subject subject = pdu(AG_FROM_HOST, AG_ROLE_CENTRAL, 0x0a);

	cr_expect(ag_rules_may_match(set, &subject));
	ag_subject_set(&subject, AG_F_PEER, 1);
	cr_expect(ag_rules_may_match(set, &subject));
	ag_subject_set(&subject, AG_F_PEER, 2);
	cr_expect(not(ag_rules_may_match(set, &subject)));
	subject.present &= ~(UINT64_C(1) << AG_F_ATT_OPCODE);
	cr_expect(ag_rules_may_match(set, &subject));
	subject = pdu(AG_FROM_PEER, AG_ROLE_CENTRAL, 0x0a);
	cr_expect(not(ag_rules_may_match(set, &subject)));
	ag_ruleset_free(set);
}

/* What says two things that exclude each other, or a number that is no name, tells nothing. */
Test(rules, what_cannot_be_is_asked_about)
{
	struct ag_ruleset *set = compile("rule a when from == host drop\n"
					 "rule b when mtu > 1 drop");
	struct ag_subject subject = pdu(AG_FROM_PEER, AG_ROLE_CENTRAL, 0x0a);
	char names[128];

	ag_subject_set(&subject, AG_F_BEARER, AG_BEARER_ATT_BREDR);
	cr_expect(ag_rules_may_match(set, &subject));
	ag_subject_set(&subject, AG_F_MTU, 23);
	for (int field = AG_F_ROLE; field <= AG_F_FROM; field++) {
		subject = pdu(AG_FROM_HOST, AG_ROLE_CENTRAL, 0x0a);
		ag_subject_set(&subject, AG_F_MTU, 23);
		ag_subject_set(&subject, (enum ag_field)field, 7);
		cr_expect(ag_rules_may_match(set, &subject));
		match(set, &subject, NULL, names);
		cr_expect_str_eq(names, field == AG_F_FROM ? "b " : "a b ");
	}
	subject = pdu(AG_FROM_HOST, AG_ROLE_CENTRAL, 0x0a);
	ag_subject_set(&subject, AG_F_BEARER, 7);
	cr_expect(ag_rules_may_match(set, &subject));
	ag_ruleset_free(set);
}

Test(rules, fields_that_are_asked_for)
{
	struct ag_ruleset *set = compile(
	    "rule a when from == host and (not att.malformed or mtu > 23)\n"
	    "\trewrite att.value = hex\"00\"\n"
	    "rule b\n\tlog\n"
	    "rule c when att.uuid == battery_level\n\thide\n");

	cr_expect(ag_rules_ask(set, AG_F_ATT_MALFORMED));
	cr_expect(ag_rules_ask(set, AG_F_FROM));
	cr_expect(ag_rules_ask(set, AG_F_MTU));
	cr_expect(not(ag_rules_ask(set, AG_F_ATT_VALUE)));
	cr_expect(not(ag_rules_ask(set, AG_F_ATT_UUID)));
	cr_expect(not(ag_rules_ask(NULL, AG_F_FROM)));
	ag_ruleset_free(set);
}
