/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"

static const char why_controller[] = "write hciN, a BD_ADDR, unix:PATH, unix-listen:PATH, "
				     "tcp:HOST:PORT or tcp-listen:HOST:PORT";
static const char why_host[] = "write vhci, unix:PATH, unix-listen:PATH, tcp:HOST:PORT or "
			       "tcp-listen:HOST:PORT";
static const char why_path[] = "a path behind unix: has 1 to 107 octets";
static const char why_tcp[] = "write HOST:PORT with a port from 1 to 65535 (listening: also 0, any "
			      "free one), an IPv6 address in brackets";

/* A decimal number without sign or space; false if it is none, or above `max`. */
static bool parse_number(const char *text, unsigned long max, unsigned long *out)
{
	unsigned long value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		value = value * 10 + (unsigned long)(*text - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

static bool parse_hci(const char *text, struct ag_address *out)
{
	unsigned long index;

	if (strncmp(text, "hci", 3) != 0 || !parse_number(text + 3, AG_HCI_INDEX_MAX, &index))
		return false;
	out->kind = AG_ADDRESS_HCI;
	out->index = (unsigned int)index;
	return true;
}

static bool parse_bdaddr(const char *text, struct ag_address *out)
{
	uint64_t value = 0;

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 17; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i % 3 == 2) {
			if (c != ':')
				return false;
		} else if (!isxdigit(c)) {
			return false;
		} else {
			value = value << 4 |
				(uint64_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
		}
	}
	out->kind = AG_ADDRESS_BDADDR;
	out->bdaddr = value;
	return true;
}

static bool parse_tcp(const char *text, struct ag_address *out)
{
	bool bracket = text[0] == '[';
	const char *host = bracket ? text + 1 : text;
	const char *end = bracket ? strchr(host, ']') : strrchr(host, ':');
	const char *colon = end && bracket ? end + 1 : end;
	unsigned long port;
	size_t len;

	if (!colon || *colon != ':' || !parse_number(colon + 1, 65535, &port))
		return false;
	if (port == 0 && out->kind != AG_ADDRESS_TCP_LISTEN)
		return false;
	len = (size_t)(end - host);
	if (len == 0 || len >= sizeof(out->host))
		return false;
	/* 2001:db8::1:80 could end in a port or not */
	if (!bracket && memchr(host, ':', len))
		return false;
	memcpy(out->host, host, len);
	out->host[len] = '\0';
	out->port = (uint16_t)port;
	return true;
}

static const char *parse_host_and_port(const char *rest, struct ag_address *out)
{
	return parse_tcp(rest, out) ? NULL : why_tcp;
}

static const char *parse_path(const char *rest, struct ag_address *out)
{
	out->path = rest;
	if (!*rest || strlen(rest) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return why_path;
	return NULL;
}

/* The streams. @parse: what stands behind the prefix. @return: NULL, or what is wrong with it */
static const struct prefix {
	const char *text;
	enum ag_address_kind kind;
	const char *(*parse)(const char *rest, struct ag_address *out);
} prefixes[] = {
	{ "unix:", AG_ADDRESS_UNIX, parse_path },
	{ "unix-listen:", AG_ADDRESS_UNIX_LISTEN, parse_path },
	{ "tcp:", AG_ADDRESS_TCP, parse_host_and_port },
	{ "tcp-listen:", AG_ADDRESS_TCP_LISTEN, parse_host_and_port },
};

static const char *parse(const char *text, enum ag_side side, struct ag_address *address)
{
	for (size_t i = 0; i < ag_array_size(prefixes); i++) {
		size_t len = strlen(prefixes[i].text);

		if (strncmp(text, prefixes[i].text, len) == 0) {
			address->kind = prefixes[i].kind;
			return prefixes[i].parse(text + len, address);
		}
	}
	if (side == AG_SIDE_HOST) {
		address->kind = AG_ADDRESS_VHCI;
		return strcmp(text, "vhci") == 0 ? NULL : why_host;
	}
	return parse_hci(text, address) || parse_bdaddr(text, address) ? NULL : why_controller;
}

int ag_address_parse(const char *text, enum ag_side side, struct ag_address *out, const char **why)
{
	struct ag_address address = { .text = text };
	const char *wrong = parse(text, side, &address);

	if (wrong) {
		*why = wrong;
		return AG_ADDRESS_WRONG;
	}
	*out = address;
	return 0;
}
