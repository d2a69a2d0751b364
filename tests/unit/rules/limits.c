/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no person writes: bad octets, endless nesting, sets that double, many rules, many errors. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"

static int compile(const char *text, size_t len, struct ag_diags *diags)
{
	struct ag_source source = { "limits.rules", text, len };
	struct ag_ruleset *set = NULL;
	int result = ag_ruleset_compile(&source, 1, &set, diags);

	for (size_t i = 0; i < diags->count; i++) {
		char *shown = ag_diag_format(&diags->list[i], &source);

		cr_assert(ne(ptr, shown, NULL));
		free(shown);
	}
	ag_ruleset_free(set);
	return result;
}

/** A text of `count` times `part` between two others. */
static char *repeat(const char *before, const char *part, size_t count, const char *after)
{
	size_t size = strlen(before) + strlen(part) * count + strlen(after) + 1;
	char *text = malloc(size);
	char *at = text;

	cr_assert(ne(ptr, text, NULL));
	at = stpcpy(at, before);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, part);
	stpcpy(at, after);
	return text;
}

static void expect_result(char *text, int result)
{
	struct ag_diags diags = AG_DIAGS_INIT;

	cr_expect(eq(int, compile(text, strlen(text), &diags), result));
	ag_diags_clear(&diags);
	free(text);
}

static void expect_one_error(char *text, const char *message)
{
	struct ag_diags diags = AG_DIAGS_INIT;

	cr_expect(eq(int, compile(text, strlen(text), &diags), AG_RULES_INVALID));
	cr_assert(eq(sz, diags.count, 1));
	cr_expect_not_null(strstr(diags.list[0].message, message), "%s", diags.list[0].message);
	ag_diags_clear(&diags);
	free(text);
}

Test(rules, nesting_is_limited)
{
	expect_one_error(repeat("rule a when ", "(", 10000, "encrypted log"), "nested");
	expect_one_error(repeat("rule a when ", "not ", 10000, "encrypted log"), "nested");
	expect_one_error(repeat("rule a when mtu in ", "{", 10000, "1 log"), "nested");
}

Test(rules, long_chains_are_not_nested)
{
	expect_result(repeat("rule a when encrypted", " and mtu > 23 or encrypted", 10000, " log"),
		      0);
}

Test(rules, a_let_that_doubles_is_limited)
{
	static const char text[] =
	    "let a={1,2,3,4,5,6,7,8} let b={a,a,a,a,a,a,a,a} let c={b,b,b,b,b,b,b,b} "
	    "let d={c,c,c,c,c,c,c,c} let e={d,d,d,d,d,d,d,d} let f={e,e,e,e,e,e,e,e} "
	    "let g={f,f,f,f,f,f,f,f} let h={g,g,g,g,g,g,g,g} rule a when mtu in h log";

	expect_one_error(strdup(text), "more than 65536 values");
}

Test(rules, a_long_row_of_lets_is_limited)
{
	size_t size = 1 << 20;
	char *text = malloc(size);
	size_t len = 0;

	for (int i = 0; i < 5000; i++)
		len += (size_t)snprintf(text + len, size - len, "let v%d = v%d\n", i, i + 1);
	snprintf(text + len, size - len, "let v5000 = 5\nrule a when mtu == v0 log");
	expect_result(text, AG_RULES_INVALID);
}

/** Lets of eight times the next one each, and behind the last of them `end`. */
static char *lets_of_lets(size_t count, const char *end)
{
	size_t size = count * 80 + strlen(end) + 1;
	char *text = malloc(size);
	size_t len = 0;

	cr_assert(ne(ptr, text, NULL));
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(text + len, size - len, "let l%zu = {l%zu", i, i + 1);
		for (size_t j = 1; j < 8; j++)
			len += (size_t)snprintf(text + len, size - len, ",l%zu", i + 1);
		len += (size_t)snprintf(text + len, size - len, "} ");
	}
	snprintf(text + len, size - len, "%s", end);
	return text;
}

/* 8 to the power of 20 ways lead to these errors. */
Test(rules, many_ways_to_an_error_are_one)
{
	expect_one_error(lets_of_lets(20, "let l20 = l0 rule a when mtu in l0 log"),
			 "l0 stands for itself");
	expect_one_error(lets_of_lets(20, "let l20 = l20 rule a when mtu in l0 log"),
			 "l20 stands for itself");
	expect_result(lets_of_lets(40, "let l40 = 1 rule a when mtu in l0 log"), AG_RULES_INVALID);
}

Test(rules, lets_that_are_one_value_are_not_followed_without_end)
{
	enum { LETS = 2000 };
	size_t size = (size_t)LETS * 40 + 80;
	char *text = malloc(size);
	size_t len = 0;

	cr_assert(ne(ptr, text, NULL));
	for (int i = 0; i < LETS; i++)
		len += (size_t)snprintf(text + len, size - len, "let l%d = l%d ", i, i + 1);
	snprintf(text + len, size - len,
		 "let l%d = hex\"01\" rule a when att.opcode == read_request answer l0", LETS);
	expect_one_error(text, "nested more than 64 deep");
}

/* Vol 3 Part F, 3.2.9. */
Test(rules, an_attribute_value_has_512_octets)
{
	expect_result(repeat("rule a answer \"", "x", 512, "\""), 0);
	expect_one_error(repeat("rule a answer \"", "x", 513, "\""), "at most 512 octets");
}

Test(rules, octets_that_mean_nothing_are_one_error_a_row)
{
	static const char text[] = "rule a log\0\0\0\0 rule b log \xff\xfe\xfd rule c log \x01";
	struct ag_diags diags = AG_DIAGS_INIT;

	cr_expect(eq(int, compile(text, sizeof(text) - 1, &diags), AG_RULES_INVALID));
	cr_expect(eq(sz, diags.errors, 3));
	ag_diags_clear(&diags);
}

Test(rules, nothing_is_a_set_without_rules)
{
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_source sources[] = { { "a", NULL, 0 },
				       { "b", "# nothing", 9 },
				       { "c", "\xef\xbb\xbf", 3 } };
	struct ag_subject subject = { 0 };
	struct ag_ruleset *set = NULL;
	size_t position = 0;
	char *text;

	cr_assert(eq(int, ag_ruleset_compile(sources, 3, &set, &diags), 0));
	cr_expect(eq(sz, diags.count, 0));
	cr_expect(eq(sz, ag_ruleset_count(set), 0));
	cr_expect_null(ag_rules_next(set, &subject, NULL, &position));
	cr_expect(not(ag_rules_may_match(set, &subject)));
	text = ag_ruleset_format(set);
	cr_expect_str_eq(text, "");
	free(text);
	ag_ruleset_free(set);
}

Test(rules, a_file_of_errors_is_cut_and_counted)
{
	char *text = repeat("", "rule a when nothing log\n", 1000, "");
	struct ag_diags diags = AG_DIAGS_INIT;

	cr_expect(eq(int, compile(text, strlen(text), &diags), AG_RULES_INVALID));
	cr_expect(eq(sz, diags.count, 500));
	cr_expect(ge(sz, diags.errors, 1000));
	ag_diags_clear(&diags);
	free(text);
}

Test(rules, many_rules)
{
	struct ag_ruleset *set = NULL;
	size_t size = 1 << 20;
	char *text = malloc(size);
	size_t len = 0;
	struct ag_source source = { "many", text, 0 };
	struct ag_subject subject = { 0 };
	const struct ag_rule *rule;
	size_t position = 0;

	for (int i = 0; i < 5000; i++)
		len += (size_t)snprintf(text + len, size - len,
					"rule r%d when att.opcode == %d and att.handle == %d log\n",
					i, i % 256, i);
	source.len = len;
	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), 0));
	ag_subject_set(&subject, AG_F_FROM, AG_FROM_HOST);
	ag_subject_set(&subject, AG_F_ROLE, AG_ROLE_CENTRAL);
	ag_subject_set(&subject, AG_F_ATT_OPCODE, 0x0a);
	ag_subject_set(&subject, AG_F_ATT_HANDLE, 2570);
	rule = ag_rules_next(set, &subject, NULL, &position);
	cr_assert(ne(ptr, (void *)rule, NULL));
	cr_expect_str_eq(rule->name, "r2570");
	ag_ruleset_free(set);
	free(text);
}

/** Octets and tokens at random: nothing crashes, and what is accepted is printed and read again. */
Test(rules, random_texts)
{
	static const char *const parts[] = {
		"rule ",    "let ",
		" a ",      " when ",
		" == ",     "att.opcode",
		"att.type", " {",
		"}",        ",",
		"..",       "0x2a19",
		"hex\"0",   "\"",
		" accept ", " not ",
		" and ",    " or ",
		"(",        ")",
		" log ",    "every 2",
		"\n",       "#",
		"1.5s",     "%",
		"mtu",      "encrypted",
		" drop ",   "reject 5 ",
		"\xff",     " in ",
		"chance ",  "DC:08:0F:5B:8D:82",
	};
	unsigned int random = 12345;

	for (int run = 0; run < 20000; run++) {
		struct ag_diags diags = AG_DIAGS_INIT;
		char text[512] = "";
		size_t len = 0;

		for (int i = 0; i < 24; i++) {
			random = random * 1103515245u + 12345u;
			len += (size_t)snprintf(
			    text + len, sizeof(text) - len, "%s",
			    parts[(random >> 16) % (sizeof(parts) / sizeof(parts[0]))]);
		}
		compile(text, len, &diags);
		ag_diags_clear(&diags);
	}
}
