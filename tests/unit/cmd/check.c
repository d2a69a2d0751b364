/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check and describe as a person calls them: what is written where, and the exit status. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/cmd/cmd.h"

static char path[] = "/tmp/attgate-check-XXXXXX";

static void write_rules(const char *text)
{
	int descriptor = mkstemp(path);

	cr_assert(ge(int, descriptor, 0));
	cr_assert(eq(sz, (size_t)write(descriptor, text, strlen(text)), strlen(text)));
	close(descriptor);
}

/** Run a subcommand with up to two arguments. */
static int run(const struct ag_command *command, const char *first, const char *second)
{
	char name[16], one[64], two[64];
	char *argv[] = { name, one, two, NULL };
	int argc = first ? second ? 3 : 2 : 1;

	snprintf(name, sizeof(name), "%s", command->name);
	snprintf(one, sizeof(one), "%s", first ? first : "");
	snprintf(two, sizeof(two), "%s", second ? second : "");
	argv[argc] = NULL;
	cr_redirect_stdout();
	cr_redirect_stderr();
	return command->run(argc, argv);
}

static void expect_output(const char *out, const char *errors)
{
	fflush(stdout);
	fflush(stderr);
	cr_expect_stdout_eq_str(out);
	cr_expect_stderr_eq_str(errors);
}

static void end(void)
{
	unlink(path);
}

Test(cmd_check, clean_rules, .fini = end)
{
	write_rules("rule a when from == host log rule b accept");
	cr_expect(eq(int, run(&ag_cmd_check, path, NULL), 0));
	expect_output("", "1 file, 2 rules: no errors, no warnings\n");
}

Test(cmd_check, rules_in_canonical_form, .fini = end)
{
	write_rules("let h = host rule a when from == h && every 2 log");
	cr_expect(eq(int, run(&ag_cmd_check, "--print", path), 0));
	expect_output("rule a\n    when from == host and every 2\n    log\n",
		      "1 file, 1 rule: no errors, no warnings\n");
}

Test(cmd_check, warnings_only, .fini = end)
{
	char expected[512];

	write_rules("rule a accept rule b log");
	snprintf(expected, sizeof(expected),
		 "%s:1:20: warning: never reached: a decides everything it is for\n"
		 "    1 | rule a accept rule b log\n"
		 "      |                    ^\n"
		 "1 file, 2 rules: no errors, 1 warning\n",
		 path);
	cr_expect(eq(int, run(&ag_cmd_check, path, NULL), 1));
	expect_output("", expected);
}

Test(cmd_check, errors, .fini = end)
{
	char expected[512];

	write_rules("rule a acept");
	snprintf(expected, sizeof(expected),
		 "%s:1:8: error: expected an action, `rule' or `let', found `acept'\n"
		 "    1 | rule a acept\n"
		 "      |        ^~~~~\n"
		 "      = did you mean accept?\n"
		 "1 file: 1 error, no warnings\n",
		 path);
	cr_expect(eq(int, run(&ag_cmd_check, path, NULL), 2));
	expect_output("", expected);
}

Test(cmd_check, a_file_that_is_not_there)
{
	cr_expect(eq(int, run(&ag_cmd_check, "/nowhere/at.rules", NULL), 2));
	expect_output("", "/nowhere/at.rules: No such file or directory\n");
}

Test(cmd_check, wrong_usage)
{
	cr_expect(eq(int, run(&ag_cmd_check, "--prin", NULL), 64));
	expect_output("", "attgate check: no option `--prin'; there is --print, and paths\n");
}

Test(cmd_describe, a_uuid)
{
	cr_expect(eq(int, run(&ag_cmd_describe, "battery-level", NULL), 0));
	expect_output("battery_level: UUID 0x2a19, characteristic\n"
		      "  00002a19-0000-1000-8000-00805f9b34fb\n"
		      "  written where att.uuid, att.characteristic or att.type is compared\n",
		      "");
}

Test(cmd_describe, what_is_not_known)
{
	cr_expect(eq(int, run(&ag_cmd_describe, "batery_level", NULL), 1));
	expect_output("", "attgate describe: nothing is called `batery_level'; did you mean "
			  "battery_level?\n");
}

Test(cmd_describe, wrong_usage)
{
	cr_expect(eq(int, run(&ag_cmd_describe, "--all", NULL), 64));
	expect_output("", "attgate describe: no option `--all'; it takes names\n");
}
