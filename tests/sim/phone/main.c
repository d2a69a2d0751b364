/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "tests/sim/phone/faults.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

enum { EXIT_VIOLATION = 1, EXIT_FAILED = 3, EXIT_USAGE = 64 };

static const char usage[] =
    "usage: phone [OPTION]… hciN | unix:PATH\n"
    "\n"
    "  --peer BD_ADDR      connect to this device, not to the first that advertises\n"
    "  --auth-error CODE   refuse what needs authentication with 05 or 0f\n"
    "  --refuse-all CODE   refuse every Read Request with CODE, as some phones do\n"
    "  --silent            answer no request at all\n"
    "  --sensor            be a peripheral with a battery\n"
    "  --mtu               exchange the MTU as a client too\n"
    "  --eatt              open enhanced bearers on the encrypted link, then begin to ask\n"
    "  --ask-after MS      begin to ask so long after the connection (0)\n"
    "  --cross WHAT        send a request in the moment of the first refusal: `discover' or "
    "`write'\n"
    "  --every MS          read the peripheral's name this often (1000)\n"
    "  --alive SECONDS     end well when the link has lived for this long\n"
    "  --subscribe         ask for Service Changed indications\n"
    "  --pair WHEN         pair (Just Works): `asked' or `now'\n"
    "  --bonded WHAT       on the links after that: `encrypts' by itself, `waits' to be asked\n"
    "  --encrypt-after MS  … so long after the connection (0)\n"
    "  --links N           connect N times, one after the other\n"
    "  --signal            the second and all later links wait for a SIGUSR1 each;\n"
    "                      SIGUSR2 ends a link well, before its time\n"
    "  --new-address       each link from another static random address\n"
    "  --private           each link from another resolvable private address\n"
    "  --break FAULT,…     do that wrong; given again: on the next link\n"
    "  --fuzz SEED         answer and send at random, link after link\n"
    "  --for SECONDS       … for so long (60)\n"
    "\n"
    "Lines of JSON tell what happens. Exit status: 0; 1 the other side broke the protocol; 3 the\n"
    "controller failed; 64 wrong usage.\n"
    "\n"
    "Faults:";

static struct phone phone;
static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static void connect_again(int number)
{
	(void)number;
	phone.told_to_connect = 1;
}

static void leave(int number)
{
	(void)number;
	phone.told_to_leave = 1;
}

static int wrong_usage(void)
{
	const char *name;

	fputs(usage, stderr);
	for (unsigned int i = 0; (name = phone_fault_name(i)); i++)
		fprintf(stderr, "%s%s", i % 4 ? " " : "\n  ", name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* ---- Options ---- */

enum {
	PEER = 'p',
	AUTH = 'a',
	ALL = 'r',
	SILENT = 's',
	SENSOR = 'n',
	MTU = 'm',
	CROSS = 'c',
	EVERY = 'e',
	ALIVE = 'l',
	ASK_AFTER = 'q',
	SUBSCRIBE = 'u',
	PAIR = 'i',
	BONDED = 'b',
	ENCRYPT_AFTER = 'y',
	LINKS = 'k',
	SIGNAL = 'g',
	NEW_ADDRESS = 'w',
	PRIVATE = 'v',
	BREAK = 'x',
	FUZZ = 'z',
	FOR = 'f',
	EATT = 't',
};

static const struct option long_options[] = {
	{ "peer", required_argument, NULL, PEER },
	{ "auth-error", required_argument, NULL, AUTH },
	{ "refuse-all", required_argument, NULL, ALL },
	{ "silent", no_argument, NULL, SILENT },
	{ "sensor", no_argument, NULL, SENSOR },
	{ "mtu", no_argument, NULL, MTU },
	{ "cross", required_argument, NULL, CROSS },
	{ "every", required_argument, NULL, EVERY },
	{ "eatt", no_argument, NULL, EATT },
	{ "ask-after", required_argument, NULL, ASK_AFTER },
	{ "alive", required_argument, NULL, ALIVE },
	{ "subscribe", no_argument, NULL, SUBSCRIBE },
	{ "pair", required_argument, NULL, PAIR },
	{ "bonded", required_argument, NULL, BONDED },
	{ "encrypt-after", required_argument, NULL, ENCRYPT_AFTER },
	{ "links", required_argument, NULL, LINKS },
	{ "signal", no_argument, NULL, SIGNAL },
	{ "new-address", no_argument, NULL, NEW_ADDRESS },
	{ "private", no_argument, NULL, PRIVATE },
	{ "break", required_argument, NULL, BREAK },
	{ "fuzz", required_argument, NULL, FUZZ },
	{ "for", required_argument, NULL, FOR },
	{ NULL, 0, NULL, 0 },
};

static bool number(const char *text, int base, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, base);
	return end != text && !*end && !errno && *out <= max;
}

static bool error_code(const char *text, uint8_t *out)
{
	unsigned long code;

	if (!number(text, 16, 0xff, &code) || !code)
		return false;
	*out = (uint8_t)code;
	return true;
}

static bool address(const char *text, struct phone_options *options)
{
	uint64_t value = 0;
	char *end;

	for (int i = 0; i < 6; i++) {
		unsigned long octet = strtoul(text, &end, 16);

		if (end != text + 2 || octet > 0xff || *end != (i < 5 ? ':' : '\0'))
			return false;
		value = value << 8 | octet;
		text = end + 1;
	}
	options->peer = value;
	options->has_peer = true;
	return true;
}

static bool milliseconds(const char *text, unsigned int unit, unsigned int *out)
{
	unsigned long value;

	if (!number(text, 10, 1000000, &value))
		return false;
	*out = (unsigned int)value * unit;
	return true;
}

static bool crossing(const char *text, enum phone_crossing *out)
{
	if (strcmp(text, "discover") == 0)
		*out = PHONE_CROSS_DISCOVER;
	else if (strcmp(text, "write") == 0)
		*out = PHONE_CROSS_WRITE;
	else
		return false;
	return true;
}

static bool pairing(const char *text, enum phone_pairing *out)
{
	if (strcmp(text, "asked") == 0)
		*out = PHONE_PAIR_ASKED;
	else if (strcmp(text, "now") == 0)
		*out = PHONE_PAIR_NOW;
	else
		return false;
	return true;
}

static bool bonded(const char *text, bool *waits)
{
	*waits = strcmp(text, "waits") == 0;
	return *waits || strcmp(text, "encrypts") == 0;
}

static bool links(const char *text, unsigned int *out)
{
	unsigned long value;

	if (!number(text, 10, 1000, &value) || !value)
		return false;
	*out = (unsigned int)value;
	return true;
}

/* One link's faults, by their names with commas between them. */
static bool faults(const char *text, struct phone_options *options)
{
	uint32_t *row = &options->faults[options->fault_links];

	if (options->fault_links++ == PHONE_LINKS)
		return false;
	for (;;) {
		size_t len = strcspn(text, ",");

		if (!phone_fault_add(text, len, row))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

static bool fuzz(const char *text, struct phone_options *options)
{
	unsigned long value;

	if (!number(text, 0, ~0ul, &value))
		return false;
	options->seed = value;
	return options->fuzz = options->new_address = true;
}

static bool option_of_links(int name, struct phone_options *options)
{
	switch (name) {
	case PAIR:
		return pairing(optarg, &options->pairing);
	case BONDED:
		return bonded(optarg, &options->bonded_waits);
	case ENCRYPT_AFTER:
		return milliseconds(optarg, 1, &options->encrypt_after_ms);
	case LINKS:
		return links(optarg, &options->links);
	case SIGNAL:
		return options->signalled = true;
	case NEW_ADDRESS:
		return options->new_address = true;
	case PRIVATE:
		return options->private = true;
	case BREAK:
		return faults(optarg, options);
	case FUZZ:
		return fuzz(optarg, options);
	case FOR:
		return milliseconds(optarg, 1000, &options->fuzz_ms);
	default:
		return false;
	}
}

static bool option(int name, struct phone_options *options)
{
	switch (name) {
	case PEER:
		return address(optarg, options);
	case AUTH:
		return error_code(optarg, &options->protected_error);
	case ALL:
		return error_code(optarg, &options->read_error);
	case SILENT:
		return options->silent = true;
	case SENSOR:
		return options->sensor = true;
	case MTU:
		return options->exchange_mtu = true;
	case CROSS:
		return crossing(optarg, &options->crossing);
	case EVERY:
		return milliseconds(optarg, 1, &options->every_ms);
	case ALIVE:
		return milliseconds(optarg, 1000, &options->alive_ms);
	case EATT:
		return options->eatt = true;
	case ASK_AFTER:
		return milliseconds(optarg, 1, &options->ask_after_ms);
	case SUBSCRIBE:
		return options->subscribe = true;
	default:
		return option_of_links(name, options);
	}
}

static bool parse(int argc, char **argv, struct phone_options *options)
{
	int name;

	*options = (struct phone_options){ .every_ms = 1000, .links = 1, .fuzz_ms = 60000 };
	while ((name = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!option(name, options))
			return false;
	}
	/* The crossing request is on the one bearer where the refusal is. */
	if (optind != argc - 1 || (options->eatt && options->crossing != PHONE_CROSS_NOTHING))
		return false;
	options->controller = argv[optind];
	return true;
}

/* ---- Loop ---- */

static int poll_timeout(uint64_t due)
{
	uint64_t now_ms = phone_now_ms();

	if (due == UINT64_MAX)
		return -1;
	return due <= now_ms ? 0 : (int)(due - now_ms);
}

static void loop(void)
{
	struct pollfd poller = { .fd = phone.fd, .events = POLLIN };

	phone_start(&phone);
	while (!phone.done && !phone.failure && !stopped) {
		int r = poll(&poller, 1, poll_timeout(phone_tick(&phone)));

		if (r < 0 && errno != EINTR)
			phone.failure = errno;
		if (r <= 0 || phone.failure)
			continue;
		r = phone_read(&phone);
		if (r)
			phone.failure = -r;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	struct sigaction again = { .sa_handler = connect_again };
	struct sigaction away = { .sa_handler = leave };
	int r;

	if (!parse(argc, argv, &phone.options))
		return wrong_usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &again, NULL);
	sigaction(SIGUSR2, &away, NULL);
	phone.random.state = phone.options.seed;
	phone.totals.disconnect_reason = -1;
	phone.totals.crossing_ms = -1;
	r = phone_open(&phone);
	if (r)
		phone.failure = -r;
	else
		loop();
	if (phone.failure)
		fprintf(stderr, "phone: %s: %s\n", phone.options.controller,
			strerror(phone.failure));
	if (phone.link.up && !phone.ending)
		phone.totals.lived_ms = (long)(phone_now_ms() - phone.link.since_ms);
	phone_report_summary(&phone);
	if (phone.failure)
		return EXIT_FAILED;
	return phone.totals.violations ? EXIT_VIOLATION : 0;
}
