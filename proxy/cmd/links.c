/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"

static const char *const askers[] = { "host", "peer" };

static void show_rtt(const json_t *rtt, const char *from)
{
	const json_t *times = ag_reply_member(rtt, from);
	char p50[32], p90[32], p99[32], max[32];

	if (ag_reply_number(times, "count") == 0)
		return;
	ag_words_time(ag_reply_real(times, "p50"), p50);
	ag_words_time(ag_reply_real(times, "p90"), p90);
	ag_words_time(ag_reply_real(times, "p99"), p99);
	ag_words_time(ag_reply_real(times, "max"), max);
	printf("    answers to %s: %llu, half within %s, 90 %% %s, 99 %% %s, longest %s\n", from,
	       ag_reply_number(times, "count"), p50, p90, p99, max);
}

static void show_request(const json_t *request)
{
	const json_t *opcode = ag_reply_member(request, "opcode");
	char age[32];

	ag_words_time(ag_reply_real(request, "age"), age);
	printf("    open: %s from %s",
	       json_is_string(opcode) ? json_string_value(opcode) : "request",
	       ag_reply_string(request, "from"));
	if (json_is_integer(opcode))
		printf(" of opcode 0x%02llx", ag_reply_number(request, "opcode"));
	if (ag_reply_number(request, "handle") != 0)
		printf(", handle 0x%04llx", ag_reply_number(request, "handle"));
	if (ag_reply_member(request, "attribute"))
		printf(" (%s)", ag_reply_string(request, "attribute"));
	if (ag_reply_number(request, "pdu") != 0)
		printf(", PDU %llu", ag_reply_number(request, "pdu"));
	printf(", for %s\n", age);
}

static void show_bearer(const json_t *bearer)
{
	const json_t *requests = ag_reply_member(bearer, "requests");
	const json_t *indications = ag_reply_member(bearer, "indications");
	const json_t *cid = ag_reply_member(bearer, "cid");
	const json_t *each;
	size_t i;

	printf("  bearer %s, channel 0x%04llx here, 0x%04llx there, MTU %llu\n",
	       ag_reply_string(bearer, "bearer"), ag_reply_number(cid, "host"),
	       ag_reply_number(cid, "controller"), ag_reply_number(bearer, "mtu"));
	for (i = 0; i < ag_array_size(askers); i++)
		show_rtt(ag_reply_member(bearer, "rtt"), askers[i]);
	json_array_foreach(requests, i, each)
	{
		show_request(each);
	}
	json_array_foreach(indications, i, each)
	{
		printf("    open: indication from %s\n", json_string_value(each));
	}
}

/* Packets and PDUs that are under way, where there are any. */
static void show_under_way(const json_t *link)
{
	static const struct {
		const char *key;
		const char *words;
	} rows[] = {
		{ "in_flight", "packets not completed" },
		{ "waiting", "packets that wait for a buffer" },
		{ "held", "PDUs held back" },
	};

	for (size_t i = 0; i < ag_array_size(rows); i++) {
		const json_t *sides = ag_reply_member(link, rows[i].key);
		unsigned long long host = ag_reply_number(sides, "host");
		unsigned long long controller = ag_reply_number(sides, "controller");

		if (host || controller)
			printf("  %s: host %llu, controller %llu\n", rows[i].words, host,
			       controller);
	}
}

static void show_link(const json_t *link)
{
	const json_t *bearers = ag_reply_member(link, "bearers");
	const json_t *bearer;
	char age[32];
	size_t i;

	ag_words_time(ag_reply_real(link, "age"), age);
	printf("0x%04llx %s, %s, peer %s (%s), %s, up for %s\n", ag_reply_number(link, "handle"),
	       ag_reply_string(link, "link"), ag_reply_string(link, "role"),
	       ag_reply_string(link, "peer"), ag_reply_string(link, "peer_type"),
	       json_is_true(ag_reply_member(link, "encrypted")) ? "encrypted" : "not encrypted",
	       age);
	show_under_way(link);
	json_array_foreach(bearers, i, bearer)
	{
		show_bearer(bearer);
	}
}

static void show(const json_t *reply)
{
	const json_t *links = ag_reply_member(reply, "links");
	const json_t *link;
	size_t i;

	json_array_foreach(links, i, link)
	{
		show_link(link);
	}
	if (!json_is_true(ag_reply_member(reply, "connected")))
		puts("not connected: controller and host are not both there");
	else if (json_array_size(links) == 0)
		puts("no links");
}

static int run(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status = ag_ask_parse(&ask, &ag_cmd_links, argc, argv, NULL);

	if (status == AG_EXIT_OK && !ask.help)
		status = ag_ask(&ask, "{\"request\": \"links\"}", &reply);
	if (reply && ask.json)
		fputs(ask.line, stdout);
	else if (reply)
		show(reply);
	return status;
}

const struct ag_command ag_cmd_links = {
	.name = "links",
	.summary = "the links of a running attgate, and what is open on them",
	.usage =
	    "usage: attgate links [CONTROLLER] [OPTION]…\n"
	    "\n"
	    "Print the links of a running attgate: handle, role, peer, encryption, and of each\n"
	    "ATT bearer its MTU, the requests that are not answered and their age, and how long\n"
	    "answers took.\n"
	    "\n" AG_ASK_USAGE "\n"
	    "Exit status: 0 done, 1 failure, 64 usage.\n",
	.run = run,
};
