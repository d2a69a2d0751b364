/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"

static void show(const json_t *reply)
{
	const json_t *rules = ag_reply_member(reply, "rules");
	const json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
	{
		printf("%s# %s:%llu, acted: %llu\n%s", i ? "\n" : "", ag_reply_string(rule, "file"),
		       ag_reply_number(rule, "line"), ag_reply_number(rule, "hits"),
		       ag_reply_string(rule, "text"));
	}
	if (json_array_size(rules) == 0)
		puts("# no rules are in force");
}

static int run(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status = ag_ask_parse(&ask, &ag_cmd_rules, argc, argv, NULL);

	if (status == AG_EXIT_OK && !ask.help)
		status = ag_ask(&ask, "{\"request\": \"rules\"}", &reply);
	if (reply && ask.json)
		fputs(ask.line, stdout);
	else if (reply)
		show(reply);
	return status;
}

const struct ag_command ag_cmd_rules = {
	.name = "rules",
	.summary = "the rules that a running attgate has in force",
	.usage =
	    "usage: attgate rules [CONTROLLER] [OPTION]…\n"
	    "\n"
	    "Print the rules that a running attgate has in force, in canonical form and in the\n"
	    "order in which they are asked, each with its place and how often it acted. What is\n"
	    "printed is a rule file.\n"
	    "\n" AG_ASK_USAGE "\n"
	    "Exit status: 0 done, 1 failure, 64 usage.\n",
	.run = run,
};
