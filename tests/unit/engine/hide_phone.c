/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What it costs to hide most of a phone of 21 services: the phone is asked no more than it would be
 * with nothing hidden, and far less where whole services need not be looked through. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/engine/engine.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/phone/database.h"
#include "tests/sim/phone/phone.h"

enum { PDU = 600, CHARACTERISTICS = 80 };

static struct scene {
	struct ag_engine *engine;
	struct ag_ruleset *set;
	struct phone_options phone;
	uint16_t mtu;
	unsigned int asked_by_host, asked_of_phone;
	size_t services;
	uint16_t first, last; /* handles of the services that were found */
	size_t characteristics;
	uint16_t value[CHARACTERISTICS];
} scene;

static void feed(enum ag_side from, const uint8_t *pdu, size_t len)
{
	uint8_t packet[9 + PDU] = { 0x02, 0x40, 0x20 };

	ag_put_le16(packet + 3, (uint16_t)(len + 4));
	ag_put_le16(packet + 5, (uint16_t)len);
	ag_put_le16(packet + 7, 4);
	memcpy(packet + 9, pdu, len);
	cr_assert_eq(ag_engine_feed(scene.engine, from, packet, 9 + len, 0), 0);
}

/* The ATT PDU that comes out on a side, or 0. */
static size_t heard(enum ag_side side, uint8_t *out)
{
	struct ag_packet packet;
	size_t len = 0;

	while (!len && ag_engine_peek(scene.engine, side, &packet)) {
		len = packet.data[0] == 0x02 ? packet.len - 9 : 0;
		memcpy(out, packet.data + 9, len);
		ag_engine_pop(scene.engine, side);
	}
	return len;
}

/* One request of the host, and its one answer. */
static size_t ask(const uint8_t *request, size_t len, uint8_t *answer)
{
	uint8_t pdu[PDU], reply[PDU];
	size_t got;

	scene.asked_by_host++;
	feed(AG_SIDE_HOST, request, len);
	while ((got = heard(AG_SIDE_CONTROLLER, pdu))) {
		scene.asked_of_phone++;
		got = phone_server_answer(&scene.phone, false, scene.mtu, pdu, got, reply);
		feed(AG_SIDE_CONTROLLER, reply, got);
	}
	got = heard(AG_SIDE_HOST, answer);
	cr_assert_gt(got, 0);
	cr_assert_eq(heard(AG_SIDE_HOST, pdu), 0);
	return got;
}

static void found(uint8_t opcode, const uint8_t *entry)
{
	if (opcode == 0x10) {
		scene.services++;
		scene.first = scene.first ? scene.first : ag_get_le16(entry);
		scene.last = ag_get_le16(entry + 2);
	} else if (ag_get_le16(entry) && scene.characteristics < CHARACTERISTICS) {
		scene.value[scene.characteristics++] = ag_get_le16(entry + 3);
	}
}

/* All of a list, page by page. @type: 0 for Find Information */
static void list(uint8_t opcode, uint32_t start, uint16_t end, uint16_t type)
{
	uint8_t request[7] = { opcode }, answer[PDU];

	ag_put_le16(request + 3, end);
	ag_put_le16(request + 5, type);
	while (start && start <= end) {
		size_t entry, len;

		ag_put_le16(request + 1, (uint16_t)start);
		len = ask(request, type ? 7 : 5, answer);
		if (answer[0] == 0x01)
			return;
		entry = type ? answer[1] : answer[1] == 1 ? 4 : 18;
		cr_assert_gt(len, 2);
		for (size_t at = 2; at < len; at += entry) {
			if (type == 0x2800 || type == 0x2803)
				found(opcode, answer + at);
			start = ag_get_le16(answer + at + (opcode == 0x10 ? 2 : 0)) + 1u;
		}
	}
}

/* What bluetoothd asks of a phone that it does not know. */
static void discover(void)
{
	list(0x10, 1, 0xffff, 0x2800);
	list(0x10, 1, 0xffff, 0x2801);
	list(0x08, scene.first, scene.last, 0x2802);
	list(0x08, scene.first, scene.last, 0x2803);
	for (size_t i = 0; i < scene.characteristics; i++) {
		bool is_last = i + 1 == scene.characteristics;
		uint16_t end = is_last ? scene.last : (uint16_t)(scene.value[i + 1] - 2);

		list(0x04, scene.value[i] + 1u, end, 0);
	}
}

static void begin(const char *path, uint16_t mtu)
{
	static const uint8_t up[22] = {
		0x04, 0x3e, 19, 0x01, 0, 0x40, 0, 1, 1, 1, 2, 3, 4, 5, 0xc6
	};
	struct ag_engine_config config = { .rules = NULL };
	static char text[16384];
	struct ag_source source = { path, text, 0 };
	FILE *file = path ? fopen(path, "re") : NULL;

	memset(&scene, 0, sizeof(scene));
	scene.mtu = mtu;
	scene.phone.protected_error = 0x05;
	if (file) {
		source.len = fread(text, 1, sizeof(text), file);
		fclose(file);
		cr_assert_eq(ag_ruleset_compile(&source, 1, &scene.set, NULL), 0);
		config.rules = scene.set;
	}
	cr_assert_eq(ag_engine_new(&config, &scene.engine), 0);
	cr_assert_eq(ag_engine_feed(scene.engine, AG_SIDE_CONTROLLER, up, sizeof(up), 0), 0);
	discover();
	ag_engine_free(scene.engine);
	ag_ruleset_free(scene.set);
}

Test(engine_hide, what_it_costs_on_a_phone)
{
	static const uint16_t mtus[] = { 23, 65, 185, 517 };

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		unsigned int plain;

		begin(NULL, mtus[i]);
		cr_assert_eq(scene.services, 21);
		cr_assert_eq(scene.asked_by_host, scene.asked_of_phone);
		plain = scene.asked_of_phone;
		begin("rules.d/examples/ancs-only.rules", mtus[i]);
		cr_expect_eq(scene.services, 3, "%zu services", scene.services);
		cr_expect_leq(scene.asked_of_phone, plain, "MTU %u: %u questions, without %u",
			      mtus[i], scene.asked_of_phone, plain);
	}
}
