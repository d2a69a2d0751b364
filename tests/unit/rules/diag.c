/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"

/** The first finding of a text, as it is shown. */
static void expect_shown(const char *text, const char *expected)
{
	struct ag_source source = { "50-mine.rules", text, strlen(text) };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;
	char *shown;

	ag_ruleset_compile(&source, 1, &set, &diags);
	ag_ruleset_free(set);
	cr_assert(ge(sz, diags.count, 1));
	shown = ag_diag_format(&diags.list[0], &source);
	cr_expect(eq(str, shown, (char *)expected));
	free(shown);
	ag_diags_clear(&diags);
}

Test(rules, a_finding_shows_its_place)
{
	expect_shown(
	    "\n\nrule a\n    when from == host and att.handle == battery_level\n    accept\n",
	    "50-mine.rules:4:27: error: att.handle takes a handle, but battery_level is a UUID\n"
	    "    4 |     when from == host and att.handle == battery_level\n"
	    "      |                           ^~~~~~~~~~\n"
	    "      = did you mean att.uuid?\n");
}

Test(rules, tabs_and_letters_of_two_octets_keep_the_caret_in_place)
{
	expect_shown(
	    "rule a\twhen role == central log \"ü\"\taccpt\r\n",
	    "50-mine.rules:1:38: error: expected an action, `rule' or `let', found `accpt'\n"
	    "    1 | rule a\twhen role == central log \"ü\"\taccpt\n"
	    "      |       \t                            \t^~~~~\n"
	    "      = did you mean accept?\n");
}

Test(rules, control_octets_are_not_shown_raw)
{
	expect_shown("rule a \x1b[31m log",
		     "50-mine.rules:1:8: error: `\\x1b[' means nothing here\n"
		     "    1 | rule a ?[31m log\n"
		     "      |        ^~\n");
}

Test(rules, the_end_of_the_file_is_a_place)
{
	expect_shown("rule", "50-mine.rules:1:1: error: expected a name after this, found the end\n"
			     "    1 | rule\n"
			     "      | ^~~~\n");
	expect_shown("rule a when (",
		     "50-mine.rules:1:13: error: expected a field, `not', `(' or a "
		     "sampler after this, found the end\n"
		     "    1 | rule a when (\n"
		     "      |             ^\n");
}

Test(rules, a_long_line_is_cut_around_the_place)
{
	char text[2048];
	struct ag_source source = { "long", text, 0 };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;
	char *shown;
	char *caret;
	char *line;
	char *below;

	memset(text, ' ', 1000);
	memcpy(text + 1000, "rule a nothing", 14);
	memset(text + 1014, ' ', 900);
	source.len = 1914;
	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, &diags), AG_RULES_INVALID));
	shown = ag_diag_format(&diags.list[0], &source);
	caret = strchr(shown, '^');
	line = strstr(shown, "\n ") + 1;
	cr_assert_not_null(caret);
	cr_expect(lt(sz, strlen(shown), 600));
	below = strchr(line, '\n') + 1;
	cr_expect(eq(int, strncmp(line + (caret - below), "nothing", 7), 0), "%s", shown);
	free(shown);
	ag_diags_clear(&diags);
}

Test(rules, errors_of_all_sources_in_their_order)
{
	struct ag_source sources[] = {
		{ "one", "rule a accpt", 12 },
		{ "two", "rule b log", 10 },
		{ "three", "let x = {1\nrule a log rule c when foo log", 41 },
	};
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;

	cr_expect(eq(int, ag_ruleset_compile(sources, 3, &set, &diags), AG_RULES_INVALID));
	cr_assert(eq(sz, diags.count, 4));
	cr_expect(eq(sz, diags.list[0].source, 0));
	cr_expect(eq(sz, diags.list[1].source, 2));
	cr_expect_str_eq(diags.list[1].message, "expected `,' or `}', found `rule'");
	cr_expect_str_eq(diags.list[2].message, "`a' is used twice");
	cr_expect_str_eq(diags.list[2].hint, "first in one, line 1");
	cr_expect_str_eq(diags.list[3].message, "`foo' is no field");
	ag_diags_clear(&diags);
}

Test(rules, errors_are_counted_where_nobody_wants_to_see_them)
{
	struct ag_source source = { "one", "rule a accpt", 12 };
	struct ag_ruleset *set = NULL;

	cr_expect(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), AG_RULES_INVALID));
	cr_expect_null(set);
}

Test(rules, a_filter_is_shown_without_a_rule_around_it)
{
	struct ag_source source = { "filter", "att.opcode=={10,18} && !encrypted", 33 };
	struct ag_ruleset *set = NULL;
	char *shown;

	cr_assert(eq(int, ag_expression_compile(&source, &set, NULL), 0));
	shown = ag_rule_format(set, 0);
	cr_expect_str_eq(shown, "att.opcode in {read_request, write_request} and not encrypted\n");
	free(shown);
	ag_ruleset_free(set);
}

Test(rules, a_wrong_filter_is_explained)
{
	struct ag_source source = { "filter", "att.opcode = read_request", 25 };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;

	cr_expect(eq(int, ag_expression_compile(&source, &set, &diags), AG_RULES_INVALID));
	cr_assert(eq(sz, diags.count, 1));
	cr_expect_str_eq(diags.list[0].hint, "did you mean `=='?");
	ag_diags_clear(&diags);
	source = (struct ag_source){ "filter", "", 0 };
	cr_expect(eq(int, ag_expression_compile(&source, &set, NULL), AG_RULES_INVALID));
	source = (struct ag_source){ "filter", "encrypted log", 13 };
	cr_expect(eq(int, ag_expression_compile(&source, &set, NULL), AG_RULES_INVALID));
}
