/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shipped rule files and the man page's examples are free of errors and of warnings. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"

static void expect_clean(const char *name, const char *text, size_t len)
{
	struct ag_source source = { name, text, len };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;

	cr_expect(eq(int, ag_ruleset_compile(&source, 1, &set, &diags), 0), "%s", name);
	for (size_t i = 0; i < diags.count; i++)
		cr_fail("%s:%u: %s", name, diags.list[i].line, diags.list[i].message);
	cr_expect(gt(sz, ag_ruleset_count(set), 0), "%s", name);
	ag_ruleset_free(set);
	ag_diags_clear(&diags);
}

static size_t read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	cr_assert(ne(ptr, file, NULL), "%s", path);
	len = fread(text, 1, size, file);
	cr_assert(lt(sz, len, size), "%s", path);
	fclose(file);
	return len;
}

static size_t check_files(const char *pattern)
{
	static char text[65536];
	glob_t found;
	size_t count;

	cr_assert(eq(int, glob(pattern, 0, NULL, &found), 0), "%s", pattern);
	count = found.gl_pathc;
	for (size_t i = 0; i < count; i++)
		expect_clean(found.gl_pathv[i], text,
			     read_text(found.gl_pathv[i], text, sizeof(text)));
	globfree(&found);
	return count;
}

Test(rules, shipped_files_are_clean)
{
	cr_expect(eq(sz, check_files("rules.d/*.rules"), 2));
	cr_expect(ge(sz, check_files("rules.d/examples/*.rules"), 11));
}

/** The displays of the man page that hold rules. */
Test(rules, the_examples_of_the_man_page_are_clean)
{
	static char page[65536];
	size_t len = read_text("man/attgate-rules.5", page, sizeof(page) - 1);
	size_t count = 0;
	char *at = page;

	page[len] = '\0';
	while ((at = strstr(at, ".Bd -literal -offset indent\n"))) {
		char *end;

		at += strlen(".Bd -literal -offset indent\n");
		end = strstr(at, ".Ed\n");
		cr_assert(ne(ptr, end, NULL));
		expect_clean("attgate-rules.5", at, (size_t)(end - at));
		count++;
		at = end;
	}
	cr_expect(eq(sz, count, 4));
}

/** Fields, actions and words all stand in the man page. */
Test(rules, the_man_page_names_everything)
{
	static char page[65536];
	size_t len = read_text("man/attgate-rules.5", page, sizeof(page) - 1);

	page[len] = '\0';
	for (int i = 0; i < AG_FIELD_COUNT; i++)
		cr_expect_not_null(strstr(page, ag_field_name((enum ag_field)i)), "%s",
				   ag_field_name((enum ag_field)i));
	for (int i = 0; i <= AG_LOG; i++) {
		char item[64];

		snprintf(item, sizeof(item), ".It Cm %s", ag_action_name((enum ag_action_kind)i));
		cr_expect_not_null(strstr(page, item), "%s", item);
	}
}
