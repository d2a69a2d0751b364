/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"
#include "proxy/engine/words.h"
#include "proxy/io/address.h"

/* ---- Everybody ---- */

static void show_peer(const json_t *peer)
{
	unsigned long long count = ag_reply_number(peer, "count");
	char age[32];

	printf("%s  %-14s %4llu attribute%s, ", ag_reply_string(peer, "peer"),
	       ag_reply_string(peer, "peer_type"), count, count == 1 ? "" : "s");
	ag_words_time(ag_reply_real(peer, "age"), age);
	if (json_is_true(ag_reply_member(peer, "connected")))
		puts("connected");
	else
		printf("last there %s ago\n", age);
}

static void show_peers(const json_t *reply)
{
	const json_t *peers = ag_reply_member(reply, "peers");
	unsigned long long local = ag_reply_number(reply, "local");
	const json_t *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
	{
		show_peer(peer);
	}
	if (local > 0)
		printf("%-33s %4llu attribute%s, of our host\n", "local", local,
		       local == 1 ? "" : "s");
	if (local == 0 && json_array_size(peers) == 0)
		puts("nothing is known yet: no discovery has passed");
}

/* ---- One database ---- */

/* "Battery Level (0x2a19)" from the digits of a UUID. */
static void type_in_words(const json_t *attribute, char out[128])
{
	const char *digits = ag_reply_string(attribute, "uuid");
	struct ag_uuid uuid;

	if (strlen(digits) != 4) {
		snprintf(out, 128, "%s", digits);
		return;
	}
	uuid = ag_uuid_from_u16((uint16_t)strtoul(digits, NULL, 16));
	ag_words_type(&uuid, out, 128);
}

static void show_properties(const json_t *properties)
{
	const json_t *property;
	size_t i;

	json_array_foreach(properties, i, property)
	{
		printf(", %s", json_string_value(property));
	}
}

static void show_attribute(const json_t *attribute)
{
	const char *kind = ag_reply_string(attribute, "kind");
	unsigned long long handle = ag_reply_number(attribute, "handle");
	bool within = ag_reply_member(attribute, "service") != NULL;
	char type[128];

	type_in_words(attribute, type);
	if (strcmp(kind, "primary_service") == 0 || strcmp(kind, "secondary_service") == 0) {
		printf("0x%04llx..0x%04llx %s: %s\n", handle, ag_reply_number(attribute, "end"),
		       kind[0] == 'p' ? "Primary Service" : "Secondary Service", type);
	} else if (strcmp(kind, "characteristic") == 0) {
		printf("%s0x%04llx Characteristic: %s, value 0x%04llx", within ? "  " : "", handle,
		       type, ag_reply_number(attribute, "value"));
		show_properties(ag_reply_member(attribute, "properties"));
		putchar('\n');
	} else if (strcmp(kind, "include") == 0) {
		printf("%s0x%04llx Include: 0x%04llx..0x%04llx %s\n", within ? "  " : "", handle,
		       ag_reply_number(attribute, "start"), ag_reply_number(attribute, "end"),
		       type);
	} else {
		printf("%s%s0x%04llx %s\n", within ? "  " : "",
		       ag_reply_member(attribute, "characteristic") ? "  " : "", handle, type);
	}
}

static void show_database(const json_t *reply)
{
	const json_t *attributes = ag_reply_member(reply, "attributes");
	const char *type = ag_reply_string(reply, "peer_type");
	const char *hash = ag_reply_string(reply, "hash");
	const json_t *attribute;
	char age[32];
	size_t i;

	printf("%s", ag_reply_string(reply, "peer"));
	if (*type)
		printf(" (%s)", type);
	ag_words_time(ag_reply_real(reply, "age"), age);
	if (json_is_true(ag_reply_member(reply, "connected")))
		printf(", connected");
	else if (ag_reply_member(reply, "age"))
		printf(", last there %s ago", age);
	if (*hash)
		printf(", Database Hash %s", hash);
	printf(", %zu known", json_array_size(attributes));
	if (ag_reply_number(reply, "doubted") > 0)
		printf(", %llu in doubt", ag_reply_number(reply, "doubted"));
	putchar('\n');
	json_array_foreach(attributes, i, attribute)
	{
		show_attribute(attribute);
	}
}

/* ---- The command ---- */

/* A BD_ADDR is a peer, although a controller may be named by one too. */
static bool is_peer(const char *text)
{
	struct ag_address address;
	const char *why;

	if (strcmp(text, "local") == 0)
		return true;
	return ag_address_parse(text, AG_SIDE_CONTROLLER, &address, &why) == 0 &&
	       address.kind == AG_ADDRESS_BDADDR;
}

static int ask_and_show(struct ag_ask *ask, const char *peer)
{
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	char request[128] = "{\"request\": \"attributes\"}";
	int status;

	/* is_peer() lets nothing through that JSON would have to escape */
	if (peer)
		snprintf(request, sizeof(request),
			 "{\"request\": \"attributes\", \"peer\": \"%s\"}", peer);
	status = ag_ask(ask, request, &reply);
	if (!reply)
		return status;
	if (ask->json)
		fputs(ask->line, stdout);
	else if (peer)
		show_database(reply);
	else
		show_peers(reply);
	return status;
}

/* The first argument that is a peer, taken out of the list; or NULL. */
static const char *take_peer(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		const char *peer = argv[i];

		if (!is_peer(peer) || strcmp(argv[i - 1], "--control") == 0)
			continue;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
		(*argc)--;
		return peer;
	}
	return NULL;
}

static int run(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	const char *peer = take_peer(&argc, argv);
	int status = ag_ask_parse(&ask, &ag_cmd_attributes, argc, argv, NULL);

	if (status != AG_EXIT_OK || ask.help)
		return status;
	return ask_and_show(&ask, peer);
}

const struct ag_command ag_cmd_attributes = {
	.name = "attributes",
	.summary = "what a running attgate knows of the databases of peers",
	.usage =
	    "usage: attgate attributes [PEER] [CONTROLLER] [OPTION]…\n"
	    "\n"
	    "Print what a running attgate has learned of a peer's GATT database from discovery\n"
	    "that passed, on this link or an earlier one: services, characteristics and\n"
	    "descriptors. Without PEER, list the peers of whom something is known.\n"
	    "\n"
	    "  PEER            its BD_ADDR, the identity address where it has one, or `local'\n"
	    "                  for our host's own database\n" AG_ASK_USAGE "\n"
	    "Exit status: 0 done, 1 failure (nothing is known of that peer), 64 usage.\n",
	.run = run,
};
