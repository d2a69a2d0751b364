/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"

static int show(const struct ag_ask *ask, const json_t *reply)
{
	bool ok = json_is_true(ag_reply_member(reply, "ok"));
	unsigned long long count = ag_reply_number(reply, "rules");

	if (ask->json) {
		fputs(ask->line, stdout);
	} else {
		fputs(ag_reply_string(reply, "messages"), stderr);
		if (ok)
			printf("rules read again: %llu in force\n", count);
		else
			fprintf(stderr,
				"attgate reload: not read again: the %llu rules that were in "
				"force stay\n",
				count);
	}
	return ok ? AG_EXIT_OK : AG_EXIT_RULES;
}

static int run(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status = ag_ask_parse(&ask, &ag_cmd_reload, argc, argv, NULL);

	if (status == AG_EXIT_OK && !ask.help)
		status = ag_ask(&ask, "{\"request\": \"reload\"}", &reply);
	return reply ? show(&ask, reply) : status;
}

const struct ag_command ag_cmd_reload = {
	.name = "reload",
	.summary = "have a running attgate read its rules again",
	.usage = "usage: attgate reload [CONTROLLER] [OPTION]…\n"
		 "\n"
		 "Have a running attgate read its rule files again. If one of them is wrong, the\n"
		 "errors are printed and the rules that were in force stay.\n"
		 "\n" AG_ASK_USAGE "\n"
		 "Exit status: 0 the new rules are in force, 1 failure, 2 the rules are wrong,\n"
		 "64 usage.\n",
	.run = run,
};
