/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/address.h"

static const struct accepted {
	enum ag_side side;
	const char *text;
	enum ag_address_kind kind;
	uint64_t number; /* index, BD_ADDR or port */
	const char *where;
} accepted[] = {
	{ AG_SIDE_CONTROLLER, "hci0", AG_ADDRESS_HCI, 0, NULL },
	{ AG_SIDE_CONTROLLER, "hci65534", AG_ADDRESS_HCI, 65534, NULL },
	{ AG_SIDE_CONTROLLER, "DC:08:0F:5B:8D:82", AG_ADDRESS_BDADDR, 0xdc080f5b8d82, NULL },
	{ AG_SIDE_CONTROLLER, "dc:08:0f:5b:8d:82", AG_ADDRESS_BDADDR, 0xdc080f5b8d82, NULL },
	{ AG_SIDE_CONTROLLER, "unix:/run/x", AG_ADDRESS_UNIX, 0, "/run/x" },
	{ AG_SIDE_CONTROLLER, "unix-listen:a:b", AG_ADDRESS_UNIX_LISTEN, 0, "a:b" },
	{ AG_SIDE_CONTROLLER, "tcp:host.example:1", AG_ADDRESS_TCP, 1, "host.example" },
	{ AG_SIDE_CONTROLLER, "tcp:[2001:db8::1]:65535", AG_ADDRESS_TCP, 65535, "2001:db8::1" },
	{ AG_SIDE_HOST, "tcp-listen:127.0.0.1:0", AG_ADDRESS_TCP_LISTEN, 0, "127.0.0.1" },
	{ AG_SIDE_HOST, "vhci", AG_ADDRESS_VHCI, 0, NULL },
};

Test(io, addresses_are_understood)
{
	for (size_t i = 0; i < ag_array_size(accepted); i++) {
		const struct accepted *row = &accepted[i];
		struct ag_address address;
		const char *why = NULL;
		bool tcp = row->kind == AG_ADDRESS_TCP || row->kind == AG_ADDRESS_TCP_LISTEN;
		bool path = row->kind == AG_ADDRESS_UNIX || row->kind == AG_ADDRESS_UNIX_LISTEN;

		cr_assert_eq(ag_address_parse(row->text, row->side, &address, &why), 0, "%s: %s",
			     row->text, why);
		cr_expect_eq(address.kind, row->kind, "%s", row->text);
		cr_expect_str_eq(address.text, row->text);
		if (row->kind == AG_ADDRESS_HCI)
			cr_expect_eq(address.index, row->number);
		if (row->kind == AG_ADDRESS_BDADDR)
			cr_expect_eq(address.bdaddr, row->number);
		if (tcp)
			cr_expect_eq(address.port, row->number, "%s", row->text);
		if (tcp)
			cr_expect_str_eq(address.host, row->where);
		if (path)
			cr_expect_str_eq(address.path, row->where);
	}
}

static const struct refused {
	enum ag_side side;
	const char *text;
	const char *why; /* a word of it */
} refused[] = {
	{ AG_SIDE_CONTROLLER, "", "hciN" },
	{ AG_SIDE_CONTROLLER, "hci", "hciN" },
	{ AG_SIDE_CONTROLLER, "hci-1", "hciN" },
	{ AG_SIDE_CONTROLLER, "hci1x", "hciN" },
	{ AG_SIDE_CONTROLLER, "hci65535", "hciN" },
	{ AG_SIDE_CONTROLLER, "hci99999999999999999999", "hciN" },
	{ AG_SIDE_CONTROLLER, "vhci", "hciN" },
	{ AG_SIDE_CONTROLLER, "DC:08:0F:5B:8D:8", "BD_ADDR" },
	{ AG_SIDE_CONTROLLER, "DC:08:0F:5B:8D:8g", "BD_ADDR" },
	{ AG_SIDE_CONTROLLER, "DC-08-0F-5B-8D-82", "BD_ADDR" },
	{ AG_SIDE_CONTROLLER, "DC:08:0F:5B:8D:82:", "BD_ADDR" },
	{ AG_SIDE_HOST, "hci0", "vhci" },
	{ AG_SIDE_HOST, "VHCI", "vhci" },
	{ AG_SIDE_HOST, "unix:", "107" },
	{ AG_SIDE_HOST, "tcp:", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:80", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp::80", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:a:", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:a:0", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:a:65536", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:a:+1", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:::1:80", "brackets" },
	{ AG_SIDE_HOST, "tcp:[::1]", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:[::1]80", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp:[::1:80", "HOST:PORT" },
	{ AG_SIDE_HOST, "tcp-listen:[]:80", "HOST:PORT" },
};

Test(io, addresses_that_are_wrong_are_explained)
{
	for (size_t i = 0; i < ag_array_size(refused); i++) {
		struct ag_address address = { .port = 4711 };
		const char *why = NULL;

		cr_expect_eq(ag_address_parse(refused[i].text, refused[i].side, &address, &why),
			     AG_ADDRESS_WRONG, "%s", refused[i].text);
		cr_expect_eq(address.port, 4711, "%s: touched", refused[i].text);
		cr_assert_not_null(why);
		cr_expect(strstr(why, refused[i].why), "%s: %s", refused[i].text, why);
	}
}

Test(io, the_longest_names_fit)
{
	struct ag_address address;
	const char *why = NULL;
	char text[400];

	memset(text, 'a', sizeof(text));
	memcpy(text, "unix:", 5);
	text[5 + 107] = '\0';
	cr_expect_eq(ag_address_parse(text, AG_SIDE_HOST, &address, &why), 0);
	text[5 + 107] = 'a';
	text[5 + 108] = '\0';
	cr_expect_eq(ag_address_parse(text, AG_SIDE_HOST, &address, &why), AG_ADDRESS_WRONG);

	memset(text, 'a', sizeof(text));
	memcpy(text, "tcp:", 4);
	snprintf(text + 4 + 255, 4, ":80");
	cr_expect_eq(ag_address_parse(text, AG_SIDE_HOST, &address, &why), 0);
	cr_expect_eq(strlen(address.host), 255);
	text[4 + 255] = 'a';
	snprintf(text + 4 + 256, 4, ":80");
	cr_expect_eq(ag_address_parse(text, AG_SIDE_HOST, &address, &why), AG_ADDRESS_WRONG);
}
