/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forward many packets through the engine, to be counted: instructions by callgrind, allocations by
 * the linker's --wrap.
 *
 * usage: bench TRAFFIC ROUNDS [RULES-FILE]
 *
 * A round is one exchange of two ACL packets (and the completions they cause):
 *   data     neither ATT nor SMP: what every other profile pays
 *   notify   two notifications from the peer
 *   request  a Read Request of the host and its response
 *   find     a Read By Type Request of the host for characteristics and its response
 *   long     a notification of 244 octets in fragments of 27, from the peer, twice
 *
 * prints: packets fed, octets fed, allocations made after the first 16 rounds
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "proxy/engine/engine.h"

/* ---- Counting allocations ---- */

static unsigned long allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	allocations++;
	return __real_realloc(old, size);
}

/* ---- Traffic ---- */

struct packet {
	enum ag_side side;
	size_t len;
	uint8_t data[64];
};

/* LE Connection Complete (Vol 4 Part E, 7.7.65.1): handle 0x0040, peripheral, public address. */
static const struct packet connection = {
	AG_SIDE_CONTROLLER,
	22,
	{ 0x04, 0x3e, 0x13, 0x01, 0x00, 0x40, 0x00, 0x01, 0x00, 0x06, 0x05,
	  0x04, 0x03, 0x02, 0x01, 0x18, 0x00, 0x00, 0x00, 0x48, 0x00, 0x00 },
};

/* LE Read Buffer Size: 27 octets, 8 packets. Command Complete (7.7.14). */
static const struct packet buffers = {
	AG_SIDE_CONTROLLER,
	10,
	{ 0x04, 0x0e, 0x07, 0x01, 0x02, 0x20, 0x00, 0x1b, 0x00, 0x08 },
};

static const struct packet completed = {
	AG_SIDE_CONTROLLER,
	8,
	{ 0x04, 0x13, 0x05, 0x01, 0x40, 0x00, 0x01, 0x00 },
};

static const struct packet data_in = {
	AG_SIDE_CONTROLLER,
	17,
	{ 0x02, 0x40, 0x20, 0x0c, 0x00, 0x08, 0x00, 0x55, 0x00, 1, 2, 3, 4, 5, 6, 7, 8 },
};

static const struct packet data_out = {
	AG_SIDE_HOST,
	17,
	{ 0x02, 0x40, 0x00, 0x0c, 0x00, 0x08, 0x00, 0x55, 0x00, 1, 2, 3, 4, 5, 6, 7, 8 },
};

static const struct packet notification = {
	AG_SIDE_CONTROLLER,
	20,
	{ 0x02, 0x40, 0x20, 0x0f, 0x00, 0x0b, 0x00, 0x04, 0x00, 0x1b,
	  0x21, 0x00, 1,    2,    3,    4,    5,    6,    7,    8 },
};

static const struct packet read_request = {
	AG_SIDE_HOST,
	12,
	{ 0x02, 0x40, 0x00, 0x07, 0x00, 0x03, 0x00, 0x04, 0x00, 0x0a, 0x21, 0x00 },
};

static const struct packet read_response = {
	AG_SIDE_CONTROLLER,
	11,
	{ 0x02, 0x40, 0x20, 0x06, 0x00, 0x02, 0x00, 0x04, 0x00, 0x0b, 0x64 },
};

/* What bluetoothd finds of the attribute that is read: a service, a characteristic (3.4.4.9 and
 * 3.4.4.1), so that rules on UUIDs know it. */
static const struct packet discovery[] = {
	{ AG_SIDE_HOST,
	  16,
	  { 0x02, 0x40, 0x00, 0x0b, 0x00, 0x07, 0x00, 0x04, 0x00, 0x10, 0x01, 0x00, 0xff, 0xff,
	    0x00, 0x28 } },
	{ AG_SIDE_CONTROLLER,
	  17,
	  { 0x02, 0x40, 0x20, 0x0c, 0x00, 0x08, 0x00, 0x04, 0x00, 0x11, 0x06, 0x1f, 0x00, 0x30,
	    0x00, 0x0f, 0x18 } },
	{ AG_SIDE_HOST,
	  16,
	  { 0x02, 0x40, 0x00, 0x0b, 0x00, 0x07, 0x00, 0x04, 0x00, 0x08, 0x1f, 0x00, 0x30, 0x00,
	    0x03, 0x28 } },
	{ AG_SIDE_CONTROLLER,
	  18,
	  { 0x02, 0x40, 0x20, 0x0d, 0x00, 0x09, 0x00, 0x04, 0x00, 0x09, 0x07, 0x20, 0x00, 0x12,
	    0x21, 0x00, 0x19, 0x2a } },
};

struct bench {
	struct ag_engine *engine;
	uint64_t now_us;
	unsigned long packets;
	unsigned long octets;
};

static void feed(struct bench *bench, enum ag_side side, const uint8_t *data, size_t len)
{
	struct ag_packet out;

	bench->packets++;
	bench->octets += len;
	if (ag_engine_feed(bench->engine, side, data, len, bench->now_us) != 0)
		abort();
	while (ag_engine_peek(bench->engine, AG_SIDE_HOST, &out))
		ag_engine_pop(bench->engine, AG_SIDE_HOST);
	while (ag_engine_peek(bench->engine, AG_SIDE_CONTROLLER, &out))
		ag_engine_pop(bench->engine, AG_SIDE_CONTROLLER);
}

static void feed_packet(struct bench *bench, const struct packet *packet)
{
	feed(bench, packet->side, packet->data, packet->len);
}

/* A notification of 244 octets: 251 with its L2CAP header, in 10 fragments. */
static void feed_long(struct bench *bench)
{
	uint8_t pdu[251] = { 247, 0, 0x04, 0x00, 0x1b, 0x21, 0x00 };

	for (size_t at = 0; at < sizeof(pdu); at += 27) {
		size_t len = sizeof(pdu) - at < 27 ? sizeof(pdu) - at : 27;
		uint8_t packet[5 + 27] = { 0x02, 0x40, at ? 0x10 : 0x20, (uint8_t)len, 0 };

		memcpy(packet + 5, pdu + at, len);
		feed(bench, AG_SIDE_CONTROLLER, packet, 5 + len);
	}
}

/* callgrind counts what happens in here. */
static void __attribute__((noinline)) run_round(struct bench *bench, const char *traffic)
{
	if (strcmp(traffic, "data") == 0) {
		feed_packet(bench, &data_in);
		feed_packet(bench, &data_out);
		feed_packet(bench, &completed);
	} else if (strcmp(traffic, "notify") == 0) {
		feed_packet(bench, &notification);
		feed_packet(bench, &notification);
	} else if (strcmp(traffic, "request") == 0) {
		feed_packet(bench, &read_request);
		feed_packet(bench, &completed);
		feed_packet(bench, &read_response);
	} else if (strcmp(traffic, "find") == 0) {
		feed_packet(bench, &discovery[2]);
		feed_packet(bench, &completed);
		feed_packet(bench, &discovery[3]);
	} else {
		feed_long(bench);
		feed_long(bench);
	}
	bench->now_us += 1000;
}

static struct ag_ruleset *load(const char *path)
{
	static char text[1 << 21];
	struct ag_source source = { .name = path, .text = text };
	struct ag_ruleset *rules = NULL;
	FILE *file = fopen(path, "rb");

	if (!file)
		return NULL;
	source.len = fread(text, 1, sizeof(text), file);
	fclose(file);
	return ag_ruleset_compile(&source, 1, &rules, NULL) == 0 ? rules : NULL;
}

int main(int argc, char **argv)
{
	struct ag_engine_config config = { 0 };
	struct bench bench = { 0 };
	struct ag_ruleset *rules = NULL;
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc < 3)
		return 64;
	if (argc > 3) {
		rules = load(argv[3]);
		if (!rules)
			return 2;
	}
	config.rules = rules;
	if (ag_engine_new(&config, &bench.engine) != 0)
		return 1;
	feed_packet(&bench, &buffers);
	feed_packet(&bench, &connection);
	for (size_t i = 0; i < sizeof(discovery) / sizeof(discovery[0]); i++) {
		feed_packet(&bench, &discovery[i]);
		if (discovery[i].side == AG_SIDE_HOST)
			feed_packet(&bench, &completed);
	}
	bench.packets = 0;
	bench.octets = 0;
	CALLGRIND_START_INSTRUMENTATION; /* compiling rules would take most of the time */
	for (int i = 0; i < 16; i++)     /* what is kept for reuse is there afterwards */
		run_round(&bench, argv[1]);
	allocations = 0;
	for (unsigned long i = 0; i < rounds; i++)
		run_round(&bench, argv[1]);
	printf("%lu %lu %lu\n", bench.packets, bench.octets, allocations);
	ag_engine_free(bench.engine);
	ag_ruleset_free(rules);
	return 0;
}
