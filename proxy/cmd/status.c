/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"

static void show_label(const char *what, const json_t *side)
{
	const char *label = ag_reply_string(side, "label");

	printf("%-11s %s\n", what, *label ? label : ag_reply_string(side, "name"));
}

static void show_state(const json_t *reply)
{
	char uptime[32], session[32];

	ag_words_time(ag_reply_real(reply, "uptime"), uptime);
	ag_words_time(ag_reply_real(reply, "session_uptime"), session);
	printf("%-11s ", "state");
	if (json_is_true(ag_reply_member(reply, "connected")))
		printf("connected for %s (session %llu)", session,
		       ag_reply_number(reply, "sessions"));
	else
		printf("waiting for a side (%llu sessions before)",
		       ag_reply_number(reply, "sessions"));
	printf(", running for %s%s\n", uptime,
	       json_is_true(ag_reply_member(reply, "dry_run")) ? ", dry run" : "");
}

static void show_files(const json_t *rules)
{
	time_t loaded = (time_t)ag_reply_real(rules, "loaded");
	const json_t *files = ag_reply_member(rules, "files");
	const json_t *file;
	struct tm tm;
	char text[32] = "";
	size_t i;

	if (localtime_r(&loaded, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	printf("%-11s %llu in force, read %s\n", "rules", ag_reply_number(rules, "count"), text);
	json_array_foreach(files, i, file)
	{
		printf("%-11s %s\n%-11s   SHA-256 %s\n", "", ag_reply_string(file, "path"), "",
		       ag_reply_string(file, "sha256"));
	}
}

static void show_hits(const json_t *rules)
{
	const json_t *hits = ag_reply_member(rules, "hits");
	const char *what = "acted";
	const json_t *row;
	size_t i;

	json_array_foreach(hits, i, row)
	{
		if (ag_reply_number(row, "hits") == 0)
			continue;
		printf("%-11s %s: %llu\n", what, ag_reply_string(row, "rule"),
		       ag_reply_number(row, "hits"));
		what = "";
	}
}

/* "12: 10 accept, 2 reject": the members of an object that are not 0. */
static void show_counts(const char *what, const json_t *counts)
{
	unsigned long long sum = 0;
	const char *before = ": ";
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)counts, key, value)
	{
		sum += (unsigned long long)json_integer_value(value);
	}
	printf("%-11s %llu", what, sum);
	json_object_foreach((json_t *)counts, key, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		printf("%s%" JSON_INTEGER_FORMAT " %s", before, json_integer_value(value), key);
		before = ", ";
	}
	putchar('\n');
}

static void show_pool(const json_t *ledger, const char *key, const char *words)
{
	const json_t *pool = ag_reply_member(ledger, key);

	if (ag_reply_number(pool, "size") == 0)
		return;
	printf("%-11s %s: %llu of %llu taken, %llu of them ours, %llu octets each\n", "buffers",
	       words, ag_reply_number(pool, "in_flight"), ag_reply_number(pool, "size"),
	       ag_reply_number(pool, "ours"), ag_reply_number(pool, "data_length"));
}

static void show_engine(const json_t *reply)
{
	const json_t *ledger = ag_reply_member(reply, "ledger");
	const json_t *queues = ag_reply_member(reply, "queues");
	const json_t *packets = ag_reply_member(queues, "packets");
	const json_t *bytes = ag_reply_member(queues, "bytes");

	if (!ledger)
		return;
	show_pool(ledger, "le", "controller, LE");
	show_pool(ledger, "acl", "controller, BR/EDR");
	show_pool(ledger, "host", "host");
	printf("%-11s to the host %llu packets, %llu octets; to the controller %llu, %llu\n",
	       "queued", ag_reply_number(packets, "host"), ag_reply_number(bytes, "host"),
	       ag_reply_number(packets, "controller"), ag_reply_number(bytes, "controller"));
}

static void show(const json_t *reply)
{
	const json_t *packets = ag_reply_member(reply, "packets");
	const json_t *bytes = ag_reply_member(reply, "bytes");
	const json_t *control = ag_reply_member(reply, "control");

	show_label("controller", ag_reply_member(reply, "controller"));
	show_label("host", ag_reply_member(reply, "host"));
	show_state(reply);
	show_files(ag_reply_member(reply, "rules"));
	show_hits(ag_reply_member(reply, "rules"));
	printf("%-11s from the host %llu, %llu octets; from the controller %llu, %llu\n", "packets",
	       ag_reply_number(packets, "host"), ag_reply_number(bytes, "host"),
	       ag_reply_number(packets, "controller"), ag_reply_number(bytes, "controller"));
	show_counts("verdicts", ag_reply_member(reply, "verdicts"));
	show_counts("unjudged", ag_reply_member(reply, "unjudged"));
	show_counts("lost", ag_reply_member(reply, "lost"));
	if (ag_reply_number(reply, "unannounced") > 0)
		printf("%-11s %llu changes of what is hidden, which the host was not told of\n",
		       "unannounced", ag_reply_number(reply, "unannounced"));
	show_engine(reply);
	printf("%-11s %llu\n", "links", ag_reply_number(reply, "links"));
	printf("%-11s %llu, lost by them %llu decisions\n", "watchers",
	       ag_reply_number(control, "watchers"), ag_reply_number(control, "lost"));
}

static int show_metrics(struct ag_ask *ask)
{
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status = ag_ask(ask, "{\"request\": \"metrics\"}", &reply);

	if (reply)
		fputs(ag_reply_string(reply, "text"), stdout);
	return status;
}

static int show_status(struct ag_ask *ask)
{
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status = ag_ask(ask, "{\"request\": \"status\"}", &reply);

	if (reply && ask->json)
		fputs(ask->line, stdout);
	else if (reply)
		show(reply);
	return status;
}

static int run(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	bool metrics = false;
	const struct ag_ask_option extra[] = {
		{ "--openmetrics", &metrics, NULL },
		{ NULL, NULL, NULL },
	};
	int status = ag_ask_parse(&ask, &ag_cmd_status, argc, argv, extra);

	if (status != AG_EXIT_OK || ask.help)
		return status;
	if (metrics && ask.json)
		return ag_usage_error(&ag_cmd_status, "--json or --openmetrics, not both");
	return metrics ? show_metrics(&ask) : show_status(&ask);
}

const struct ag_command ag_cmd_status = {
	.name = "status",
	.summary = "what a running attgate has done so far",
	.usage =
	    "usage: attgate status [CONTROLLER] [OPTION]…\n"
	    "\n"
	    "Print what a running attgate has done so far: since when it runs, which rules are in\n"
	    "force and how often they acted, how many packets passed, what was decided, what\n"
	    "could not be judged and why, and what is under way.\n"
	    "\n"
	    "  --openmetrics   the counters in the OpenMetrics text format\n" AG_ASK_USAGE "\n"
	    "Exit status: 0 done, 1 failure, 64 usage.\n",
	.run = run,
};
