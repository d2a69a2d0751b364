/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that prevent what a story tells. */
#include "proxy/engine/story.h"

#include <stdio.h>

#include "proxy/base/cleanup.h"

struct remedy_row {
	const char *rule;
	const char *text; /* NULL where it names a handle */
};

#define QUIET_TEXT                                                                                 \
	"# Nothing is asked of the central that connected: discovery ends where it begins, so\n"   \
	"# no read is refused and no pairing asked for. Does a program on this machine need\n"     \
	"# something from it? Then see examples/no-pairing-request.rules instead.\n"               \
	"rule explain-keep-mtu-exchange\n"                                                         \
	"    when   role == peripheral and from == host and att.opcode == exchange_mtu_request\n"  \
	"    timeout 10s request_not_supported\n"                                                  \
	"    accept\n"                                                                             \
	"\n"                                                                                       \
	"rule explain-quiet-peripheral\n"                                                          \
	"    when   role == peripheral and from == host and att.kind in {request, command}\n"      \
	"    reject attribute_not_found\n"

static const struct remedy_row remedies[] = {
	[AG_REMEDY_NONE] = { NULL, "" },
	[AG_REMEDY_ONE_MTU] = { "explain-one-mtu",
				"# The MTU is exchanged once; Request Not Supported is the one "
				"error after which\n"
				"# bluetoothd's discovery goes on.\n"
				"rule explain-one-mtu\n"
				"    when   from == host and att.opcode == exchange_mtu_request "
				"and mtu > 23\n"
				"    reject request_not_supported\n"
				"\n"
				"rule explain-one-mtu-crossing\n"
				"    when   from == peer and att.opcode == exchange_mtu_response "
				"and mtu > 23\n"
				"           and not att.unsolicited\n"
				"    reject request_not_supported\n" },
	[AG_REMEDY_QUIET] = { "explain-quiet-peripheral", QUIET_TEXT },
	[AG_REMEDY_OUR_ERROR] = { "explain-our-error",
				  "# The peer asks to pair when this machine refuses with one of "
				  "these two errors.\n"
				  "rule explain-our-error\n"
				  "    when    from == host and att.error in "
				  "{insufficient_authentication, insufficient_encryption}\n"
				  "    rewrite att.error = read_not_permitted\n" },
	[AG_REMEDY_THEIR_ERROR] = { "explain-their-error",
				    "# This machine asks to pair when it is refused with one of "
				    "these two errors.\n"
				    "rule explain-their-error\n"
				    "    when    role == central and from == peer\n"
				    "            and att.error in {insufficient_authentication, "
				    "insufficient_encryption}\n"
				    "    rewrite att.error = read_not_permitted\n" },
	[AG_REMEDY_SILENT_PEER] = { "explain-silent-peer",
				    "# A peer that does not answer costs the link after 30 s.\n"
				    "rule explain-silent-peer-mtu\n"
				    "    when    role == central and from == host and att.opcode "
				    "== "
				    "exchange_mtu_request\n"
				    "    timeout 5s request_not_supported\n"
				    "    accept\n"
				    "\n"
				    "rule explain-silent-peer\n"
				    "    when    role == central and from == host and att.kind == "
				    "request\n"
				    "    timeout 5s attribute_not_found\n" },
	[AG_REMEDY_SILENT_HOST] = { "explain-silent-host",
				    "# This machine did not answer; the peer ends the link after "
				    "30 s.\n"
				    "rule explain-silent-host\n"
				    "    when    from == peer and att.kind == request\n"
				    "    timeout 20s unlikely_error\n" },
	[AG_REMEDY_SURPLUS] = { "explain-surplus",
				"# bluetoothd ends the link for a response that it did not ask "
				"for.\n"
				"rule explain-surplus\n"
				"    when from == peer and att.unsolicited\n"
				"    drop\n" },
	[AG_REMEDY_MALFORMED] = { "explain-malformed",
				  "# Where what the peer says breaks its own format, something "
				  "well-formed takes its\n"
				  "# place. The rules that are active by default do so: see "
				  "10-shield.rules.\n"
				  "rule explain-extended-properties\n"
				  "    when   from == peer and att.malformed and att.request == "
				  "read_request\n"
				  "           and att.uuid == characteristic_extended_properties\n"
				  "    answer hex\"01 00\"\n"
				  "\n"
				  "rule explain-malformed\n"
				  "    when   from == peer and att.malformed\n"
				  "    reject\n" },
	[AG_REMEDY_HOLD_INDICATION] = { "explain-hold-service-changed", NULL },
	[AG_REMEDY_BONDED] = { "explain-bonded",
			       "# A bonded peer gets a second to encrypt by itself.\n"
			       "rule explain-bonded\n"
			       "    when  role == peripheral and from == host and smp.opcode == "
			       "security_request\n"
			       "    delay 1s unless encrypted\n" },
};
_Static_assert(ag_array_size(remedies) == AG_REMEDIES, "a row for each remedy");

size_t ag_remedy_format(enum ag_remedy remedy, uint16_t handle, char *out, size_t size)
{
	const struct remedy_row *row = &remedies[remedy];
	int len;

	if (!row->text)
		len = snprintf(
		    out, size,
		    "# Service Changed waits until the link is encrypted.\n"
		    "rule %s\n"
		    "    when  from == host and att.kind == indication and att.handle == "
		    "0x%04x and not encrypted\n"
		    "    delay 20s until encrypted\n",
		    row->rule, handle);
	else
		len = snprintf(out, size, "%s", row->text);
	return len < 0 ? 0 : (size_t)len;
}

const char *ag_remedy_rule(enum ag_remedy remedy)
{
	return remedies[remedy].rule;
}
