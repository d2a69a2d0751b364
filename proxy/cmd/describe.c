/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/cmd.h"
#include "rules/rules.h"

static int out_of_memory(void)
{
	fputs("attgate describe: out of memory\n", stderr);
	return AG_EXIT_FAILURE;
}

static int describe_all(void)
{
	ag_autofree char *text = ag_describe_all();

	if (!text)
		return out_of_memory();
	fputs(text, stdout);
	return AG_EXIT_OK;
}

static int describe_one(const char *name)
{
	ag_autofree char *text = NULL;
	int result = ag_describe(name, &text);

	if (result < 0)
		return out_of_memory();
	if (result == 0) {
		fputs(text, stdout);
		return AG_EXIT_OK;
	}
	if (text)
		fprintf(stderr, "attgate describe: nothing is called `%s'; did you mean %s?\n",
			name, text);
	else
		fprintf(stderr,
			"attgate describe: nothing is called `%s'; without a name all is listed\n",
			name);
	return AG_EXIT_FAILURE;
}

static int run(int argc, char **argv)
{
	int status = AG_EXIT_OK;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			return ag_usage_error(&ag_cmd_describe, "no option `%s'; it takes names",
					      argv[i]);
	}
	if (argc == 1)
		return describe_all();
	for (int i = 1; i < argc; i++) {
		if (describe_one(argv[i]) != AG_EXIT_OK)
			status = AG_EXIT_FAILURE;
	}
	return status;
}

const struct ag_command ag_cmd_describe = {
	.name = "describe",
	.summary = "say what a field, verdict, opcode, error or UUID is",
	.usage =
	    "usage: attgate describe [NAME]...\n"
	    "\n"
	    "Say what a word of the rule language is: its type, its values, Wireshark's name for\n"
	    "it. NAME may be a name (att.opcode, reject, battery_level), a number (0x2a19), a\n"
	    "UUID, or what Wireshark calls it (btatt.opcode, \"Read Request\"). Without a name:\n"
	    "everything that can be described, a line each.\n"
	    "\n"
	    "Exit status: 0 described, 1 nothing has that name.\n",
	.run = run,
};
