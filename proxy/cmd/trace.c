/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"

/* ---- Lines ---- */

/* By ECMA-48: what did not pass stands out. */
static const struct {
	const char *verdict;
	const char *colour;
} colours[] = {
	{ "reject", "\x1b[31m" },  { "drop", "\x1b[31m" },    { "disconnect", "\x1b[1;31m" },
	{ "answer", "\x1b[33m" },  { "timeout", "\x1b[35m" }, { "late", "\x1b[35m" },
	{ "discard", "\x1b[35m" },
};
static const char plain[] = "\x1b[0m";

static bool wants_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static const char *colour_of(const json_t *event)
{
	const char *verdict = ag_reply_string(event, "verdict");

	for (size_t i = 0; i < ag_array_size(colours); i++) {
		if (strcmp(colours[i].verdict, verdict) == 0)
			return colours[i].colour;
	}
	/* accepted, but a rule had a hand in it */
	return json_is_string(ag_reply_member(event, "rule")) ? "\x1b[36m" : "";
}

static void print_clock(double seconds)
{
	time_t whole = (time_t)seconds;
	struct tm tm;
	char text[16];

	if (!localtime_r(&whole, &tm) || !strftime(text, sizeof(text), "%H:%M:%S", &tm))
		return;
	printf("%s.%06.0f", text, (seconds - (double)whole) * 1e6);
}

static void print_decision(const json_t *event, bool colour)
{
	const char *rule = ag_reply_string(event, "rule");
	const char *paint = colour ? colour_of(event) : "";

	printf("%6llu ", ag_reply_number(event, "pdu"));
	print_clock(ag_reply_real(event, "time"));
	printf(" %s %s %-10s  %s  %s[%s%s%s]%s",
	       strcmp(ag_reply_string(event, "from"), "host") == 0 ? "→" : "←",
	       ag_reply_string(event, "peer"), ag_reply_string(event, "role"),
	       ag_reply_string(event, "words"), paint, rule, *rule ? ": " : "",
	       ag_reply_string(event, "decision"), *paint ? plain : "");
	if (json_is_string(ag_reply_member(event, "rewritten")))
		printf(" now: %s", ag_reply_string(event, "rewritten"));
	if (json_is_string(ag_reply_member(event, "log")))
		printf(" \"%s\"", ag_reply_string(event, "log"));
	putchar('\n');
}

static void print_event(const struct ag_ask *ask, const json_t *event, bool colour)
{
	if (ask->json)
		fputs(ask->line, stdout);
	else if (strcmp(ag_reply_string(event, "event"), "decision") == 0)
		print_decision(event, colour);
	else if (strcmp(ag_reply_string(event, "event"), "lost") == 0)
		printf("       ... %llu decisions were lost here: they came faster than they were "
		       "read\n",
		       ag_reply_number(event, "lost"));
}

static int watch(struct ag_ask *ask)
{
	bool colour = wants_colour();

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		ag_cleanup(ag_json_cleanup) json_t *event = NULL;

		if (ag_ask_next(ask, &event) != AG_EXIT_OK)
			break;
		print_event(ask, event, colour);
		if (ferror(stdout))
			return AG_EXIT_FAILURE;
	}
	fputs("attgate trace: the other end has closed\n", stderr);
	return AG_EXIT_OK;
}

/* ---- The command ---- */

static char *make_request(const char *filter, bool from_start)
{
	ag_cleanup(ag_json_cleanup) json_t *request = json_pack(
	    "{s:s, s:s*, s:b}", "request", "trace", "filter", filter, "from_start", from_start);

	return request ? json_dumps(request, JSON_COMPACT) : NULL;
}

static int trace(struct ag_ask *ask, const char *filter, bool from_start)
{
	ag_autofree char *request = make_request(filter, from_start);
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status;

	if (!request)
		return ag_usage_error(ask->command, "the filter is no UTF-8 text");
	status = ag_ask(ask, request, &reply);
	return status == AG_EXIT_OK ? watch(ask) : status;
}

static int run(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	const char *filter = NULL;
	bool from_start = false;
	const struct ag_ask_option extra[] = {
		{ "--filter", NULL, &filter },
		{ "--from-start", &from_start, NULL },
		{ NULL, NULL, NULL },
	};
	int status = ag_ask_parse(&ask, &ag_cmd_trace, argc, argv, extra);

	return status != AG_EXIT_OK || ask.help ? status : trace(&ask, filter, from_start);
}

const struct ag_command ag_cmd_trace = {
	.name = "trace",
	.summary = "watch what a running attgate decides",
	.usage =
	    "usage: attgate trace [CONTROLLER] [OPTION]…\n"
	    "\n"
	    "Print a line for each PDU that a running attgate judges: its number, the time, its\n"
	    "direction, the peer, our role, what it is, and the rule and the verdict. Ends when\n"
	    "it is interrupted, or with the attgate that it watches.\n"
	    "\n"
	    "  --filter EXPR   only those for which an expression holds, as after `when' in\n"
	    "                  attgate-rules(5)\n"
	    "  --from-start    begin with the last decisions, some hundreds\n" AG_ASK_USAGE "\n"
	    "Exit status: 0 the other end closed, 1 failure, 64 usage.\n",
	.run = run,
};
