/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/cmd.h"
#include "proxy/io/rulefiles.h"

static int out_of_memory(void)
{
	fputs("attgate check: out of memory\n", stderr);
	return AG_EXIT_FAILURE;
}

static void free_ruleset(struct ag_ruleset **set)
{
	ag_ruleset_free(*set);
}

static void print_count(size_t count, const char *what)
{
	if (count == 0)
		fprintf(stderr, "no %ss", what);
	else
		fprintf(stderr, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

/** "3 files, 12 rules: no errors, 1 warning"; of a wrong set the rules are not counted. */
static void print_summary(const struct ag_rulefiles *files, const struct ag_ruleset *set,
			  const struct ag_diags *diags)
{
	print_count(files->count, "file");
	if (set) {
		fputs(", ", stderr);
		print_count(ag_ruleset_count(set), "rule");
	}
	fputs(": ", stderr);
	print_count(diags->errors, "error");
	fputs(", ", stderr);
	print_count(diags->warnings, "warning");
	fputs("\n", stderr);
}

static int print_canonical(const struct ag_ruleset *set)
{
	ag_autofree char *text = ag_ruleset_format(set);

	if (!text)
		return out_of_memory();
	fputs(text, stdout);
	return AG_EXIT_OK;
}

static int check(const char *const *paths, size_t n_paths, bool print)
{
	ag_cleanup(ag_rulefiles_clear) struct ag_rulefiles files = { 0 };
	ag_cleanup(ag_diags_clear) struct ag_diags diags = AG_DIAGS_INIT;
	ag_cleanup(free_ruleset) struct ag_ruleset *set = NULL;
	int result = ag_rulefiles_read(n_paths ? paths : NULL, n_paths, &files, stderr);

	if (result > 0)
		return AG_EXIT_RULES;
	if (result == 0)
		result = ag_ruleset_compile(files.sources, files.count, &set, &diags);
	if (result < 0)
		return out_of_memory();
	ag_rulefiles_report(&files, &diags, stderr);
	print_summary(&files, set, &diags);
	if (result == AG_RULES_INVALID)
		return AG_EXIT_RULES;
	if (print && print_canonical(set) != AG_EXIT_OK)
		return AG_EXIT_FAILURE;
	return diags.warnings ? AG_EXIT_FAILURE : AG_EXIT_OK;
}

static int run(int argc, char **argv)
{
	bool print = false;
	bool options = true;
	int n_paths = 0;

	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && strcmp(argv[i], "--print") == 0)
			print = true;
		else if (options && argv[i][0] == '-')
			return ag_usage_error(
			    &ag_cmd_check, "no option `%s'; there is --print, and paths", argv[i]);
		else
			argv[n_paths++] = argv[i];
	}
	return check((const char *const *)argv, (size_t)n_paths, print);
}

const struct ag_command ag_cmd_check = {
	.name = "check",
	.summary = "look for errors in rule files",
	.usage =
	    "usage: attgate check [--print] [PATH]...\n"
	    "\n"
	    "Read rule files, and of directories every *.rules file, as `attgate run' would, and\n"
	    "report all errors and warnings. Without a path: the directories that `attgate run'\n"
	    "reads. Needs no privilege.\n"
	    "\n"
	    "  --print   write the rules to standard output in canonical form\n"
	    "\n"
	    "Exit status: 0 all fine, 1 warnings only, 2 errors.\n",
	.run = run,
};
