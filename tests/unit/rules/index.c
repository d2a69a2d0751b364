/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many rules, most of which require a value of some field: those found by that value must be those
 * that asking each of them finds, in the same order and with the same counts of their samplers.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/index.h"
#include "rules/match.h"
#include "tests/sim/conditions.h"

/* With a number each, two digits in place of the @; the subjects have those from 0 to 2 mostly. */
static const char *const keys[] = {
	"peer == 00:00:00:00:00:@",
	"peer in {00:00:00:00:00:00, 00:00:00:00:00:@}",
	"peer in 00:00:00:00:00:@..00:00:00:00:10:00",
	"peer != 00:00:00:00:00:@",
	"att.handle == 0x@",
	"att.handle in {0x@, 0x0700, 1}",
	"att.handle in 0x@..0x0900",
	"(att.handle in 0x@..0x0900 or att.handle in 2..0x0101)",
	"att.handle in 0x0101..0x02@",
	"att.start == 0x@",
	"att.start >= 0x@",
	"att.uuid == 0x00@",
	"att.uuid in {0x00@, 0x2a19}",
	"att.uuid != 0x00@",
	"att.characteristic == 0x00@",
	"att.service == 0x00@",
	"(att.service == 0x00@ or att.service in {0x0001, 0x1234})",
	"att.type == 0x00@",
	"att.value == hex\"@\"",
	"att.value in {hex\"@\"..}",
	"att.value != hex\"@\"",
	"att.offset == 0x@",
	"(att.handle == 1 and every 2 or att.handle == 0x@)",
	"(every 3 or att.handle == 0x@)",
	"not (every 3 or bearer == att)",
	"not (every 2 or att.opcode == 0x@)",
	"not (first 5 and link == le)",
	"(role == central or not (bearer == eatt or chance 40%))",
	"not att.handle == 0x@",
	"smp.reason == 0x@",
	"age >= 0s", /* all numbers of 64 bits are one more than fit */
	"age in {0s..0us, 2us..1s}",
};

static size_t add_key(char *out, size_t size, unsigned int value)
{
	size_t len = 0;

	for (const char *at = keys[ag_roll(sizeof(keys) / sizeof(keys[0]))]; *at; at++) {
		if (*at == '@')
			len += (size_t)snprintf(out + len, size - len, "%02x", value);
		else
			out[len++] = *at;
	}
	return len;
}

static size_t add_rule(char *text, size_t size, unsigned int number)
{
	static const char *const actions[] = { "log", "accept", "log", "rewrite att.handle = 1" };
	size_t len = (size_t)snprintf(text, size, "rule r%u when ", number);

	for (unsigned int i = 1 + ag_roll(2); i; i--) {
		len += add_key(text + len, size - len, ag_roll(4) ? ag_roll(100) : ag_roll(3));
		len += (size_t)snprintf(text + len, size - len, "%s", i > 1 ? " and " : "");
	}
	if (ag_roll(2))
		len += (size_t)snprintf(text + len, size - len, " and %s", ag_random_test());
	if (ag_roll(8) == 0)
		len += (size_t)snprintf(text + len, size - len, " and every 2");
	return len + (size_t)snprintf(text + len, size - len, " %s\n", actions[ag_roll(4)]);
}

static struct ag_ruleset *random_set(unsigned int rules)
{
	size_t size = 400 * (size_t)rules;
	char *text = malloc(size);
	struct ag_source source = { "random", text, 0 };
	struct ag_ruleset *set = NULL;

	cr_assert(ne(ptr, text, NULL));
	for (unsigned int i = 0; i < rules; i++)
		source.len += add_rule(text + source.len, size - source.len, i);
	cr_assert(lt(sz, source.len, size));
	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), 0), "%s", text);
	free(text);
	return set;
}

/** One rule after another. @return: the count of the set at the end */
static size_t next_by_asking_each(const struct ag_ruleset *set, const struct ag_subject *subject,
				  struct ag_match_state *samplers, size_t position)
{
	while (position < set->count &&
	       !ag_condition_holds(set->bodies[position].when, subject, samplers))
		position++;
	return position;
}

struct tally {
	size_t hits;
	size_t passed_by; /* by what the first fragment tells */
};

/** Whether the rules are asked at all. */
static bool are_asked(const struct ag_ruleset *set, const struct ag_subject *subject)
{
	static const enum ag_field context[] = { AG_F_FROM, AG_F_ROLE, AG_F_LINK, AG_F_BEARER,
						 AG_F_ATT_OPCODE };

	for (size_t i = 0; i < sizeof(context) / sizeof(context[0]); i++) {
		if (!ag_subject_has(subject, context[i]))
			return ag_rules_may_match(set, subject);
	}
	switch (ag_rules_reach(set, (enum ag_from)subject->value[AG_F_FROM].num,
			       (enum ag_role)subject->value[AG_F_ROLE].num,
			       (enum ag_link_type)subject->value[AG_F_LINK].num,
			       (enum ag_bearer_type)subject->value[AG_F_BEARER].num,
			       (uint8_t)subject->value[AG_F_ATT_OPCODE].num)) {
	case AG_RULES_NONE:
		return false;
	case AG_RULES_OF_PEERS:
		return ag_rules_may_match(set, subject);
	case AG_RULES_SOME:
		break;
	}
	return true;
}

/** Those that are not asked must neither match nor count. */
static void compare(const struct ag_ruleset *set, struct ag_subject subject,
		    struct ag_match_state *by_index, struct ag_match_state *by_asking,
		    struct tally *tally)
{
	bool asked = are_asked(set, &subject);
	size_t position = 0;
	size_t expected = 0;

	tally->passed_by += !asked;
	for (;;) {
		const struct ag_rule *rule = asked
						 ? ag_rules_next(set, &subject, by_index, &position)
						 : NULL;

		expected = next_by_asking_each(set, &subject, by_asking, expected);
		cr_assert(eq(sz, rule ? rule->index : set->count, expected));
		if (!rule)
			return;
		cr_assert(asked);
		tally->hits++;
		if (rule->actions[0].kind == AG_REWRITE &&
		    ag_subject_has(&subject, AG_F_ATT_HANDLE))
			ag_subject_set(&subject, AG_F_ATT_HANDLE, 1);
		expected++;
	}
}

/** Numbers beyond those of the rest, for ranges. */
static struct ag_subject subject_of_many_numbers(void)
{
	struct ag_subject subject = ag_random_subject();

	if (ag_subject_has(&subject, AG_F_ATT_HANDLE) && ag_roll(2))
		ag_subject_set(&subject, AG_F_ATT_HANDLE, ag_roll(0x1000));
	if (ag_roll(3) == 0)
		ag_subject_set(&subject, AG_F_PEER, ag_roll(0x2000));
	return subject;
}

static void run(unsigned int runs, unsigned int rules, struct tally *tally)
{
	for (unsigned int i = 0; i < runs; i++) {
		struct ag_ruleset *set = random_set(1 + ag_roll(rules));
		struct ag_match_state *by_index = NULL;
		struct ag_match_state *by_asking = NULL;

		cr_assert(eq(int, ag_match_state_new(set, i, &by_index), 0));
		cr_assert(eq(int, ag_match_state_new(set, i, &by_asking), 0));
		for (unsigned int j = 0; j < 60; j++)
			compare(set, subject_of_many_numbers(), by_index, by_asking, tally);
		ag_match_state_free(by_index);
		ag_match_state_free(by_asking);
		ag_ruleset_free(set);
	}
}

Test(rules_index, finds_what_asking_each_rule_finds)
{
	struct tally tally = { 0 };

	run(600, 12, &tally);
	cr_expect(ge(sz, tally.passed_by, 1000));
	run(150, 300, &tally);
	cr_expect(ge(sz, tally.hits, 20000));
}

/** An index of all rules of a set, with so many entries. */
static struct ag_index index_all(struct ag_ruleset *set, uint64_t fields, size_t *left)
{
	uint32_t *numbers = malloc(set->count * sizeof(*numbers));
	struct ag_candidates all = { numbers, set->count };
	struct ag_index_plan plan = { fields, left };
	struct ag_index index = { 0 };

	cr_assert(ne(ptr, numbers, NULL));
	for (uint32_t i = 0; i < set->count; i++)
		numbers[i] = i;
	cr_assert(eq(int, ag_index_build(set, &all, &plan, &index), 0));
	free(numbers);
	return index;
}

/** The rules that an index gives and that hold, as often as they are given. */
static void count_found(const struct ag_ruleset *set, const struct ag_index *index,
			const struct ag_subject *subject, unsigned int *found)
{
	struct ag_walk walk;
	uint32_t rule;

	memset(found, 0, set->count * sizeof(*found));
	ag_index_ask(index, subject, 0, &walk);
	while (ag_walk_next(&walk, &rule))
		found[rule] += ag_condition_holds(set->bodies[rule].when, subject, NULL);
}

/* What finds no room in the columns is asked about everything, and nothing is lost or doubled. */
Test(rules_index, what_finds_no_room_is_found_all_the_same)
{
	enum { RULES = 200 };
	struct ag_ruleset *set = random_set(RULES);
	unsigned int found[RULES];
	size_t most_always = SIZE_MAX;

	for (size_t room = 0; room < 2000; room = 4 * room + 1) {
		size_t left = room;
		struct ag_index index = index_all(set, UINT64_MAX, &left);

		cr_expect(le(sz, index.n_always, most_always));
		cr_expect(room > 0 || index.n_always == set->count);
		cr_expect(le(sz, left, room));
		most_always = index.n_always;
		for (unsigned int j = 0; j < 200; j++) {
			struct ag_subject subject = subject_of_many_numbers();

			count_found(set, &index, &subject, found);
			for (size_t i = 0; i < set->count; i++)
				cr_assert(
				    eq(uint, found[i],
				       ag_condition_holds(set->bodies[i].when, &subject, NULL)),
				    "room %zu, rule %zu", room, i);
		}
	}
	ag_ruleset_free(set);
}

/* ---- What would be larger than it is worth ---- */

typedef int put_fn(char *out, size_t size, unsigned int number);

static struct ag_ruleset *compile_repeated(put_fn *put, unsigned int count)
{
	size_t size = 150 * (size_t)count;
	char *text = malloc(size);
	struct ag_source source = { "many", text, 0 };
	struct ag_ruleset *set = NULL;

	cr_assert(ne(ptr, text, NULL));
	for (unsigned int i = 1; i <= count; i++)
		source.len += (size_t)put(text + source.len, size - source.len, i);
	cr_assert(lt(sz, source.len, size));
	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), 0));
	free(text);
	return set;
}

static size_t count_matches(const struct ag_ruleset *set, uint16_t handle)
{
	struct ag_subject subject = { 0 };
	size_t position = 0;
	size_t count = 0;

	ag_subject_set(&subject, AG_F_FROM, AG_FROM_HOST);
	ag_subject_set(&subject, AG_F_ROLE, AG_ROLE_CENTRAL);
	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x0a);
	ag_subject_set(&subject, AG_F_ATT_HANDLE, handle);
	while (ag_rules_next(set, &subject, NULL, &position))
		count++;
	return count;
}

/** An index of all rules of a set by their handles. */
static struct ag_index index_handles(struct ag_ruleset *set)
{
	size_t left = AG_ENTRIES_MAX;
	struct ag_index index = index_all(set, UINT64_C(1) << AG_F_ATT_HANDLE, &left);

	cr_assert(eq(sz, index.n_columns, 1));
	cr_assert(ne(ptr, (void *)index.columns[0].bounds, NULL));
	return index;
}

/** Entries of a column by interval. */
static size_t entries_of(const struct ag_column *column)
{
	return column->begin[column->n_bounds];
}

static int put_nested(char *out, size_t size, unsigned int number)
{
	return snprintf(out, size, "rule r%u when att.handle in %u..%u log\n", number, number,
			30001 - number);
}

/* Each is inside the one before it: written out they would have 9 million entries. */
Test(rules_index, ranges_inside_each_other)
{
	struct ag_ruleset *set = compile_repeated(put_nested, 3000);
	struct ag_index index = index_handles(set);

	/* so most are always asked, and the column is no larger than 16 entries an interval */
	cr_expect(eq(sz, index.columns[0].n_bounds, 6000));
	cr_expect(le(sz, entries_of(&index.columns[0]), (size_t)16 * 6000));
	cr_expect(ge(sz, entries_of(&index.columns[0]), (size_t)15 * 6000));
	cr_expect(ge(sz, index.n_always, 2000));
	cr_expect(lt(sz, index.n_always, set->count));
	cr_expect(eq(sz, count_matches(set, 0), 0));
	cr_expect(eq(sz, count_matches(set, 1), 1));
	cr_expect(eq(sz, count_matches(set, 1000), 1000));
	cr_expect(eq(sz, count_matches(set, 29000), 1001));
	cr_expect(eq(sz, count_matches(set, 30000), 1));
	cr_expect(eq(sz, count_matches(set, 30001), 0));
	ag_ruleset_free(set);
}

static int put_row(char *out, size_t size, unsigned int number)
{
	return snprintf(out, size, "rule r%u when att.handle in %u00..%u80 log\n", number, number,
			number);
}

Test(rules_index, ranges_side_by_side)
{
	struct ag_ruleset *set = compile_repeated(put_row, 500);
	struct ag_index index = index_handles(set);

	/* an entry each, and none is asked about another's */
	cr_expect(eq(sz, index.n_always, 0));
	cr_expect(eq(sz, entries_of(&index.columns[0]), 500));
	cr_expect(eq(sz, count_matches(set, 99), 0));
	cr_expect(eq(sz, count_matches(set, 100), 1));
	cr_expect(eq(sz, count_matches(set, 180), 1));
	cr_expect(eq(sz, count_matches(set, 181), 0));
	cr_expect(eq(sz, count_matches(set, 50080), 1));
	cr_expect(eq(sz, count_matches(set, 50081), 0));
	ag_ruleset_free(set);
}
