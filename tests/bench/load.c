/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts a proxy, plays both of its neighbours, and tells how fast packets go through and what that
 * costs the proxy.
 *
 * usage: load [--streams FOLDER] [--packets N] NAME [COMMAND…]
 *
 *   --streams  H4 over FOLDER/controller, where the command connects to, and FOLDER/host, where it
 *              listens; else hci0 is ours, and the command makes hci1 of it. Without a command the
 *              host takes hci0 itself.
 *   --packets  for each row of the table
 *
 * prints, parted by blanks:
 *
 *   row NAME TRAFFIC DIRECTION LENGTH PACKETS_PER_S CPU_NS_PER_PACKET CALLS_PER_PACKET
 *   latency NAME MEDIAN_NS P99_NS
 *   memory NAME RSS_KB ANONYMOUS_KB
 *
 * A row is for each kind of traffic (acl: data that is not ATT; att: notifications of the host,
 * commands of the peer; event: advertising reports), direction and length. Its packets are all that
 * went through, completions too. The latency is of an ACL packet there and one back.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "proxy/wire/h4.h"
#include "tests/bench/ends.h"
#include "tests/bench/meter.h"

/* Packets on their way: a user socket of default size takes some 90 of the longest. */
#define WINDOW 64
/* Until everything that is kept of the last packets is full. */
#define WARM_UP        1024
#define ROUND_TRIPS    500
#define TIMEOUT_MS     20000
#define DEFAULT_WANTED 4000

struct traffic {
	const char *name;
	bool to_host;
	size_t octets; /* of the ACL packet's data; an event's parameters */
};

static const struct traffic all_traffic[] = {
	{ "acl", false, 27 }, { "acl", false, 251 }, { "acl", false, 1021 }, { "acl", true, 27 },
	{ "acl", true, 251 }, { "acl", true, 1021 }, { "att", false, 27 },   { "att", false, 251 },
	{ "att", true, 27 },  { "att", true, 251 },  { "event", true, 43 },
};

struct packet {
	size_t len;
	uint8_t data[PACKET_MAX];
};

struct bench {
	struct end controller;
	struct end host;
	const char *name;
	pid_t pid;
	unsigned long wanted;
};

struct flow {
	const struct packet *packet;
	unsigned long received;
	unsigned long others; /* completions */
	bool wrong;
};

/* ---- Traffic ---- */

/* One whole L2CAP packet for a channel: ATT (Vol 3 Part F, 3.4.5.3 and 3.4.7.1), or any other. */
static void make_acl(struct packet *packet, const struct traffic *traffic)
{
	size_t octets = traffic->octets, sdu = octets - 4;
	bool att = strcmp(traffic->name, "att") == 0;
	uint8_t opcode = traffic->to_host ? 0x52 : 0x1b;

	*packet = (struct packet){ .len = 5 + octets };
	for (size_t i = 0; i < octets; i++)
		packet->data[5 + i] = (uint8_t)i;
	memcpy(packet->data,
	       (uint8_t[]){ AG_H4_ACL, 0x40, traffic->to_host ? 0x20 : 0x00, (uint8_t)octets,
			    (uint8_t)(octets >> 8), (uint8_t)sdu, (uint8_t)(sdu >> 8),
			    att ? 0x04 : 0x55, 0x00 },
	       9);
	if (att)
		memcpy(packet->data + 9, (uint8_t[]){ opcode, 0x21, 0x00 }, 3);
}

/* LE Advertising Report (Vol 4 Part E, 7.7.65.2): one, of 31 octets. */
static void make_report(struct packet *packet, size_t octets)
{
	*packet = (struct packet){ .len = 3 + octets };
	memcpy(packet->data, (uint8_t[]){ AG_H4_EVENT, 0x3e, (uint8_t)octets, 0x02, 0x01 }, 5);
	packet->data[13] = (uint8_t)(octets - 12);
}

static void take(void *user, const uint8_t *packet, size_t len)
{
	struct flow *flow = user;

	if (packet[0] != flow->packet->data[0] || len != flow->packet->len)
		flow->others++;
	else if (memcmp(packet, flow->packet->data, len) != 0)
		flow->wrong = true;
	else
		flow->received++;
}

static void take_other(void *user, const uint8_t *packet, size_t len)
{
	(void)packet;
	(void)len;
	((struct flow *)user)->others++;
}

/* Send `wanted` packets, WINDOW of them on their way, until all have come. @return: all that went
 * through the proxy */
static unsigned long run_flow(struct bench *bench, const struct packet *packet, bool to_host,
			      unsigned long wanted)
{
	struct end *from = to_host ? &bench->controller : &bench->host;
	struct end *to = to_host ? &bench->host : &bench->controller;
	struct flow flow = { .packet = packet };
	uint64_t begin = meter_now_ns();
	unsigned long sent = 0;

	while (flow.received < wanted) {
		bool full = false;

		while (!full && sent < wanted && sent - flow.received < WINDOW) {
			full = !end_send(from, packet->data, packet->len);
			sent += !full;
		}
		end_flush(from);
		ends_wait(from, to, full, TIMEOUT_MS);
		end_receive(to, take, &flow);
		end_receive(from, take_other, &flow);
		if (flow.wrong || meter_now_ns() - begin > UINT64_C(1000000) * TIMEOUT_MS) {
			fprintf(stderr, "load: %s: %lu of %lu packets came%s\n", bench->name,
				flow.received, wanted, flow.wrong ? ", and one changed" : "");
			exit(1);
		}
	}
	return flow.received + flow.others;
}

static void run_row(struct bench *bench, const struct traffic *traffic)
{
	struct packet packet;
	uint64_t begin, took, cpu, calls;
	unsigned long passed, counted;
	int counter;

	if (strcmp(traffic->name, "event") == 0)
		make_report(&packet, traffic->octets);
	else
		make_acl(&packet, traffic);
	run_flow(bench, &packet, traffic->to_host, WARM_UP);
	begin = meter_now_ns();
	cpu = meter_cpu_ns(bench->pid);
	passed = run_flow(bench, &packet, traffic->to_host, bench->wanted);
	cpu = meter_cpu_ns(bench->pid) - cpu;
	took = meter_now_ns() - begin;
	/* apart, for counting takes its time */
	counter = meter_calls_begin(bench->pid);
	counted = run_flow(bench, &packet, traffic->to_host, bench->wanted);
	calls = meter_calls_end(counter);
	printf("row %s %s %s %zu %.0f %.1f %.3f\n", bench->name, traffic->name,
	       traffic->to_host ? "to-host" : "to-controller", traffic->octets,
	       (double)passed * 1e9 / (double)took, (double)cpu / (double)passed,
	       (double)calls / (double)counted);
}

/* ---- Latency ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void run_latency(struct bench *bench)
{
	static uint64_t took[ROUND_TRIPS];
	struct packet there, back;

	make_acl(&there, &(struct traffic){ "acl", false, 27 });
	make_acl(&back, &(struct traffic){ "acl", true, 27 });
	run_flow(bench, &there, false, COMPLETED_AT_ONCE);
	for (size_t i = 0; i < ROUND_TRIPS; i++) {
		uint64_t begin = meter_now_ns();

		run_flow(bench, &there, false, 1);
		run_flow(bench, &back, true, 1);
		took[i] = meter_now_ns() - begin;
	}
	qsort(took, ROUND_TRIPS, sizeof(took[0]), compare);
	printf("latency %s %llu %llu\n", bench->name, (unsigned long long)took[ROUND_TRIPS / 2],
	       (unsigned long long)took[ROUND_TRIPS * 99 / 100]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "streams", required_argument, NULL, 's' },
		{ "packets", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	static struct bench bench = { .wanted = DEFAULT_WANTED };
	const char *streams = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 's')
			streams = optarg;
		else if (option == 'p')
			bench.wanted = strtoul(optarg, NULL, 10);
		else
			return 64;
	}
	if (optind >= argc)
		return 64;
	bench.name = argv[optind++];
	bench.pid = ends_open(&bench.controller, &bench.host, streams,
			      optind < argc ? argv + optind : NULL);
	ends_connect(&bench.controller, &bench.host);
	for (size_t i = 0; i < sizeof(all_traffic) / sizeof(all_traffic[0]); i++)
		run_row(&bench, &all_traffic[i]);
	run_latency(&bench);
	if (!bench.pid)
		return 0;
	printf("memory %s %lu %lu\n", bench.name, meter_memory_kb(bench.pid, "VmRSS:"),
	       meter_memory_kb(bench.pid, "RssAnon:"));
	kill(bench.pid, SIGTERM);
	waitpid(bench.pid, NULL, 0);
	return 0;
}
