/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/rulefiles.h"

static char top[] = "/tmp/attgate-rulefiles-XXXXXX";

static void path_of(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", top, name);
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	path_of(name, path);
	file = fopen(path, "we");
	cr_assert(ne(ptr, file, NULL), "%s", path);
	fputs(text, file);
	fclose(file);
}

static void make(const char *name)
{
	char path[128];

	path_of(name, path);
	cr_assert(eq(int, mkdir(path, 0700), 0), "%s", path);
}

static void begin(void)
{
	cr_assert_not_null(mkdtemp(top));
	make("usr");
	make("etc");
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	cr_expect(eq(int, system(command), 0));
}

/** What is read from two paths below the top: "usr/10-a=text " for each file, in order. */
static int read_paths(const char *first, const char *second, char out[512], char errors[512])
{
	char paths[2][128];
	const char *list[2] = { paths[0], paths[1] };
	struct ag_rulefiles files = { 0 };
	FILE *stream = fmemopen(errors, 512, "w");
	size_t len = 0;
	int result;

	path_of(first, paths[0]);
	path_of(second ? second : "", paths[1]);
	result = ag_rulefiles_read(list, second ? 2 : 1, &files, stream);
	fclose(stream);
	out[0] = '\0';
	for (size_t i = 0; i < files.count; i++) {
		cr_expect(eq(ptr, (void *)files.paths[i], (void *)files.sources[i].name));
		len += (size_t)snprintf(out + len, 512 - len, "%s=%.*s ",
					files.paths[i] + strlen(top) + 1, (int)files.sources[i].len,
					files.sources[i].text);
	}
	ag_rulefiles_clear(&files);
	return result;
}

Test(io_rulefiles, order_and_replacement, .init = begin, .fini = end)
{
	char out[512], errors[512] = "";

	put("usr/50-b.rules", "usr-b");
	put("usr/10-a.rules", "usr-a");
	put("usr/90-c.rules", "usr-c");
	put("usr/README", "no");
	put("usr/.hidden.rules", "no");
	put("usr/50-b.rules~", "no");
	make("usr/60-directory.rules");
	put("etc/90-c.rules", "");
	put("etc/50-b.rules", "etc-b");
	put("etc/20-d.rules", "etc-d");
	cr_expect(eq(int, read_paths("usr", "etc", out, errors), 0));
	cr_expect_str_eq(out, "usr/10-a.rules=usr-a etc/20-d.rules=etc-d etc/50-b.rules=etc-b "
			      "etc/90-c.rules= ");
	cr_expect_str_eq(errors, "");
	cr_expect(eq(int, read_paths("etc", "usr", out, errors), 0));
	cr_expect_str_eq(out, "usr/10-a.rules=usr-a etc/20-d.rules=etc-d usr/50-b.rules=usr-b "
			      "usr/90-c.rules=usr-c ");
	cr_expect(eq(int, read_paths("usr", "etc/90-c.rules", out, errors), 0));
	cr_expect_str_eq(out, "usr/10-a.rules=usr-a usr/50-b.rules=usr-b etc/90-c.rules= ");
}

Test(io_rulefiles, a_named_file_may_have_any_name, .init = begin, .fini = end)
{
	char out[512], errors[512] = "";

	put("mine.txt", "text");
	cr_expect(eq(int, read_paths("mine.txt", NULL, out, errors), 0));
	cr_expect_str_eq(out, "mine.txt=text ");
}

Test(io_rulefiles, a_link_to_nowhere_and_a_link_to_null, .init = begin, .fini = end)
{
	char out[512], errors[512] = "", path[128];

	path_of("usr/10-a.rules", path);
	cr_assert(eq(int, symlink("/dev/null", path), 0));
	cr_expect(eq(int, read_paths("usr", NULL, out, errors), 0));
	cr_expect_str_eq(out, "usr/10-a.rules= ");
	path_of("usr/20-b.rules", path);
	cr_assert(eq(int, symlink("nowhere", path), 0));
	cr_expect(eq(int, read_paths("usr", NULL, out, errors), 1));
	cr_expect_str_eq(out, "");
	cr_expect_not_null(strstr(errors, "usr/20-b.rules: No such file or directory\n"));
}

Test(io_rulefiles, what_is_named_has_to_exist, .init = begin, .fini = end)
{
	char out[512], errors[512] = "";

	cr_expect(eq(int, read_paths("nothing", "neither", out, errors), 1));
	cr_expect_not_null(strstr(errors, "nothing: No such file or directory\n"));
	cr_expect_not_null(strstr(errors, "neither: No such file or directory\n"));
	cr_expect(eq(int, read_paths("usr", NULL, out, errors), 0));
	cr_expect_str_eq(out, "");
}

Test(io_rulefiles, wrong_rules_are_reported_and_not_used, .init = begin, .fini = end)
{
	char path[128], errors[512] = "";
	const char *list[1] = { path };
	struct ag_ruleset *set = NULL;
	FILE *stream = fmemopen(errors, sizeof(errors), "w");

	put("usr/10-a.rules", "rule a when att.opcode == read_requst\n\taccept\n");
	put("usr/20-b.rules", "rule a accept\n");
	path_of("usr", path);
	cr_expect(eq(int, ag_rulefiles_compile(list, 1, &set, stream), AG_RULES_INVALID));
	fclose(stream);
	cr_expect_null(set);
	cr_expect_not_null(
	    strstr(errors, "usr/10-a.rules:1:27: error: att.opcode takes an opcode"));
	cr_expect_not_null(strstr(errors, "\n    1 | rule a when att.opcode == read_requst\n"
					  "      |                           ^~~~~~~~~~~\n"
					  "      = did you mean read_request?\n"));
	cr_expect_not_null(strstr(errors, "usr/20-b.rules:1:6: error: `a' is used twice\n"));
	cr_expect_not_null(strstr(errors, "usr/10-a.rules, line 1\n"));
}

Test(io_rulefiles, a_file_that_cannot_be_one, .init = begin, .fini = end)
{
	char out[512], errors[512], path[128];

	put("usr/large.rules", "");
	path_of("usr/large.rules", path);
	cr_assert(eq(int, truncate(path, 17 << 20), 0));
	cr_expect(eq(int, read_paths("usr", NULL, out, errors), 1));
	cr_expect(ne(ptr, strstr(errors, "large.rules: File too large\n"), NULL), "%s", errors);
}

Test(io_rulefiles, a_directory_of_somebody_else, .init = begin, .fini = end)
{
	char out[512], errors[512];

	if (getuid() != 0)
		cr_skip("only root can be somebody else");
	cr_assert(eq(int, chmod(top, 0755), 0));
	cr_assert(eq(int, seteuid(65534), 0));
	cr_expect(eq(int, read_paths("usr", NULL, out, errors), 1));
	cr_expect(ne(ptr, strstr(errors, "usr: Permission denied\n"), NULL), "%s", errors);
	cr_assert(eq(int, seteuid(0), 0));
}

/* Of the directories that are read by default none has to be there. */
Test(io_rulefiles, by_default)
{
	struct ag_rulefiles files = { 0 };

	cr_expect(eq(int, ag_rulefiles_read(NULL, 0, &files, NULL), 0));
	ag_rulefiles_clear(&files);
}
