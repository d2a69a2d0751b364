/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_CMD_H
#define AG_CMD_CMD_H

/* The subcommands. Each is a file in this folder and a row of the table in main.c. */

#include <stddef.h>
#include <stdint.h>

/** Exit statuses shared by all subcommands. */
enum {
	AG_EXIT_OK = 0,
	AG_EXIT_FAILURE = 1, /* it could not be done; of `check`: there are warnings */
	AG_EXIT_RULES = 2,   /* a rule file has errors */
	AG_EXIT_USAGE = 64,  /* EX_USAGE of sysexits.h */
};

struct ag_command {
	const char *name;
	const char *summary; /* one line of `attgate help` */
	const char *usage;   /* whole text of `attgate help NAME`, final newline included */
	int (*run)(int argc,
		   char **argv); /* argv[0] is the subcommand's name; result: exit status */
};

extern const struct ag_command ag_cmd_attributes;
extern const struct ag_command ag_cmd_check;
extern const struct ag_command ag_cmd_describe;
extern const struct ag_command ag_cmd_explain;
extern const struct ag_command ag_cmd_links;
extern const struct ag_command ag_cmd_reload;
extern const struct ag_command ag_cmd_record;
extern const struct ag_command ag_cmd_replay;
extern const struct ag_command ag_cmd_rules;
extern const struct ag_command ag_cmd_run;
extern const struct ag_command ag_cmd_status;
extern const struct ag_command ag_cmd_trace;

/**
 * Print one line "attgate NAME: what was wrong; what would be right" to standard error.
 *
 * @return: AG_EXIT_USAGE
 */
int ag_usage_error(const struct ag_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * A number with K, M or G (of 1024) behind it or not.
 *
 * @out:    untouched unless 0
 * @return: 0, or 1: it is not that, or too large
 */
int ag_parse_size(const char *text, uint64_t *out);

#endif
