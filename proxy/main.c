/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/cmd.h"

static const struct ag_command *const commands[] = {
	&ag_cmd_run,     &ag_cmd_check,  &ag_cmd_describe, &ag_cmd_replay,
	&ag_cmd_explain, &ag_cmd_status, &ag_cmd_links,    &ag_cmd_rules,
	&ag_cmd_trace,   &ag_cmd_reload, &ag_cmd_record,   &ag_cmd_attributes,
};

static const struct ag_command *find_command(const char *name)
{
	for (size_t i = 0; i < ag_array_size(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static void print_help(FILE *out)
{
	fputs("attgate: an HCI proxy that judges ATT traffic by rules\n\n"
	      "usage: attgate COMMAND [OPTION]…\n\n",
	      out);
	for (size_t i = 0; i < ag_array_size(commands); i++)
		fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fputs("  help        this list, or `attgate help COMMAND`\n"
	      "  --version   print the version\n",
	      out);
}

static int help(int argc, char **argv)
{
	const struct ag_command *command;

	if (argc < 3) {
		print_help(stdout);
		return AG_EXIT_OK;
	}
	command = find_command(argv[2]);
	if (!command) {
		fprintf(stderr, "attgate: no command `%s'; `attgate help' lists them\n", argv[2]);
		return AG_EXIT_USAGE;
	}
	fputs(command->usage, stdout);
	return AG_EXIT_OK;
}

int main(int argc, char **argv)
{
	const struct ag_command *command;

	if (argc < 2) {
		fputs("attgate: no command given; `attgate help' lists them\n", stderr);
		return AG_EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0) {
		puts("attgate " AG_VERSION);
		return AG_EXIT_OK;
	}
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "attgate: no command `%s'; `attgate help' lists them\n", argv[1]);
		return AG_EXIT_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}
