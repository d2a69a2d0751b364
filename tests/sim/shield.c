/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/shield.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/engine.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/att.h"
#include "tests/sim/reader.h"

enum { HANDLE = 0x40, CID_ATT = 4, MOST = 600, HEADERS = 9 };

struct pdu {
	size_t len;
	uint8_t data[MOST];
};

struct run {
	struct ag_engine *engine;
	struct ag_cursor program;
	struct ag_sim_shield_count *count;
	const char *fault;
	bool must_pass;    /* what the peer says is sound */
	struct pdu said;   /* by the peer */
	bool heard;        /* something of it reached the host */
	uint8_t before[3]; /* opcode and handle of the question before the last */
	uint8_t open;      /* request of the peer that the host has to answer; 0: none */
	bool confirm;      /* indication of the peer that the host has to confirm */
	unsigned int owed; /* answers and confirmations that the peer may still get */
};

/* One host, cleared for each run. */
static struct ag_sim_reader reader;

static const struct ag_ruleset *shield(void)
{
	static struct ag_ruleset *rules;
	static char text[16 * 1024];
	struct ag_source source = { .name = "10-shield.rules", .text = text };
	FILE *file;

	if (rules)
		return rules;
	file = fopen("rules.d/10-shield.rules", "re");
	if (!file)
		abort();
	source.len = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (source.len == sizeof(text) || ag_ruleset_compile(&source, 1, &rules, NULL) != 0)
		abort();
	return rules;
}

/* ---- What comes out ---- */

/* Where one PDU came out of one, it is in one packet: nobody sends fragments here, and there is no
 * limit to what a side takes. */
static bool is_att(const struct ag_packet *packet)
{
	return packet->len > HEADERS && packet->data[0] == 0x02 &&
	       ag_get_le16(packet->data + 7) == CID_ATT;
}

/* 3.3.1: an unknown opcode may be a request too. */
static bool is_question(uint8_t opcode)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(opcode);

	return kind == AG_SIM_ATT_REQUEST || (kind == AG_SIM_ATT_UNKNOWN && !(opcode & 0x41));
}

static void at_host(struct run *run, const uint8_t *pdu, size_t len)
{
	bool same = len == run->said.len && memcmp(pdu, run->said.data, len) == 0;
	const char *fault = ag_sim_reader_fault(&reader, pdu, len);

	if (fault)
		run->fault = fault;
	else if (run->heard)
		run->fault = "one PDU became two";
	else if (run->must_pass && !same)
		run->fault = "a sound PDU was replaced";
	else if (!same && ag_sim_att_kind(pdu[0]) != AG_SIM_ATT_RESPONSE &&
		 ag_sim_att_kind(pdu[0]) != AG_SIM_ATT_CONFIRMATION)
		run->fault = "a PDU out of nothing";
	run->heard = true;
	if (run->fault)
		return;
	if (!same && run->count)
		run->count->replaced++;
	if (is_question(pdu[0]))
		run->open = pdu[0];
	if (ag_sim_att_kind(pdu[0]) == AG_SIM_ATT_INDICATION)
		run->confirm = true;
	ag_sim_reader_hears(&reader, pdu, len);
}

static void at_peer(struct run *run, const uint8_t *pdu)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(pdu[0]);

	if (kind != AG_SIM_ATT_RESPONSE && kind != AG_SIM_ATT_CONFIRMATION)
		return;
	if (!run->owed)
		run->fault = "the peer has more answers than questions";
	else
		run->owed--;
}

static void drain(struct run *run)
{
	struct ag_packet packet;

	while (ag_engine_peek(run->engine, AG_SIDE_CONTROLLER, &packet)) {
		if (is_att(&packet))
			at_peer(run, packet.data + HEADERS);
		ag_engine_pop(run->engine, AG_SIDE_CONTROLLER);
	}
	while (ag_engine_peek(run->engine, AG_SIDE_HOST, &packet)) {
		if (is_att(&packet))
			at_host(run, packet.data + HEADERS, packet.len - HEADERS);
		ag_engine_pop(run->engine, AG_SIDE_HOST);
	}
}

static void send(struct run *run, enum ag_side from, const struct pdu *pdu)
{
	uint8_t packet[HEADERS + MOST] = { 0x02, HANDLE, from == AG_SIDE_HOST ? 0x00 : 0x20 };

	ag_put_le16(packet + 3, (uint16_t)(pdu->len + 4));
	ag_put_le16(packet + 5, (uint16_t)pdu->len);
	ag_put_le16(packet + 7, CID_ATT);
	memcpy(packet + HEADERS, pdu->data, pdu->len);
	if (ag_engine_feed(run->engine, from, packet, HEADERS + pdu->len, 0) != 0)
		run->fault = "the engine failed";
	drain(run);
}

/* ---- Who says what ---- */

static uint8_t next(struct run *run)
{
	return ag_pull_u8(&run->program);
}

static void add(struct pdu *pdu, uint64_t value, size_t octets)
{
	for (size_t i = 0; i < octets && pdu->len < MOST; i++)
		pdu->data[pdu->len++] = (uint8_t)(value >> 8 * i);
}

/* Handles are few, so that they meet again. */
static uint16_t some_handle(struct run *run)
{
	uint8_t number = next(run);

	return number == 0xff ? 0xffff : number & 0x3f;
}

static uint16_t some_type(struct run *run)
{
	static const uint16_t types[] = { 0x2800, 0x2801, 0x2802, 0x2803, 0x2900, 0x2902,
					  0x2a05, 0x2b2a, 0x2b3a, 0x2a19, 0x2a00, 0x180f };

	return types[next(run) % (sizeof(types) / sizeof(types[0]))];
}

static void host_says(struct run *run, const struct pdu *pdu)
{
	run->said.len = 0;
	run->must_pass = false;
	run->heard = false;
	ag_sim_reader_says(&reader, pdu->data, pdu->len);
	send(run, AG_SIDE_HOST, pdu);
}

static void add_range(struct run *run, struct pdu *pdu)
{
	uint16_t start = some_handle(run) | 1;
	uint16_t end = some_handle(run);

	add(pdu, start, 2);
	add(pdu, end < start ? 0xffff : end, 2);
}

static void host_asks(struct run *run)
{
	static const uint8_t questions[] = { 0x10, 0x10, 0x08, 0x08, 0x04, 0x0a, 0x0a, 0x0c,
					     0x06, 0x12, 0x16, 0x18, 0x0e, 0x20, 0x02, 0x10 };
	struct pdu pdu = { .len = 1, .data = { questions[next(run) & 15] } };

	if (reader.asked)
		return;
	switch (pdu.data[0]) {
	case 0x02:
		add(&pdu, 23 + 4u * next(run), 2);
		break;
	case 0x04:
		add_range(run, &pdu);
		break;
	case 0x06:
	case 0x08:
	case 0x10:
		add_range(run, &pdu);
		add(&pdu, some_type(run), 2);
		break;
	case 0x18:
		add(&pdu, 1, 1);
		break;
	case 0x0a:
	case 0x12:
		add(&pdu, some_handle(run), 2);
		break;
	default:
		add(&pdu, some_handle(run), 2);
		add(&pdu, some_handle(run), 2);
		break;
	}
	memcpy(run->before, reader.question, sizeof(run->before));
	host_says(run, &pdu);
}

static void host_answers(struct run *run)
{
	struct pdu confirmation = { .len = 1, .data = { 0x1e } };
	struct pdu error = { .len = 5, .data = { 0x01, run->open, 0, 0, 0x01 } };
	struct pdu mtu = { .len = 3, .data = { 0x03, 0x05, 0x02 } };
	struct pdu indication = { .len = 3, .data = { 0x1d, 0x01, 0x00 } };

	if (run->confirm) {
		run->confirm = false;
		host_says(run, &confirmation);
	} else if (run->open) {
		host_says(run, run->open == 0x02 ? &mtu : &error);
		run->open = 0;
	} else if (!reader.indicated) {
		host_says(run, &indication);
	}
}

/* Of some values the reader does not know the type, so it does not know that they are too short. */
static bool is_certain(const struct pdu *pdu)
{
	return !reader.typed ||
	       (pdu->data[0] != 0x0b && pdu->data[0] != 0x1b && pdu->data[0] != 0x1d);
}

/* An error to the read of Extended Properties is replaced though it is one. */
static bool is_extended_error(const struct pdu *pdu)
{
	return pdu->data[0] == 0x01 && reader.question[0] == 0x0a;
}

/* An error can be a second answer to the question before, which was of the same kind. */
static bool is_of_before(const struct run *run)
{
	const uint8_t *error = run->said.data;

	return error[0] == 0x01 && run->before[0] == reader.question[0] &&
	       memcmp(error + 2, run->before + 1, 2) == 0 &&
	       memcmp(error + 2, reader.question + 1, 2) != 0;
}

static void add_up(struct ag_sim_shield_count *count, bool may_pass, bool must_pass)
{
	count->sound += must_pass;
	count->faulty += !may_pass;
}

static void peer_says(struct run *run)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(run->said.data[0]);
	bool may_pass = !ag_sim_reader_fault(&reader, run->said.data, run->said.len);

	run->must_pass = may_pass && is_certain(&run->said) && !is_of_before(run) &&
			 !(reader.typed && is_extended_error(&run->said));
	run->heard = false;
	/* what the host does not get the engine may have learned from all the same */
	if (!may_pass && (run->said.data[0] == 0x05 || run->said.data[0] == 0x09))
		reader.typed = true;
	if (is_question(run->said.data[0]) || kind == AG_SIM_ATT_INDICATION)
		run->owed++;
	if (run->count)
		add_up(run->count, may_pass, run->must_pass);
	send(run, AG_SIDE_CONTROLLER, &run->said);
	if (run->must_pass && !run->heard && !run->fault)
		run->fault = "a sound PDU never came";
}

/* Anything. */
static void peer_raves(struct run *run)
{
	run->said.len = 0;
	for (size_t left = 1 + (next(run) & 31); left > 0; left--)
		add(&run->said, next(run), 1);
	peer_says(run);
}

/* An entry of the list that was asked for, some handles behind the last one. */
static void add_entry(struct run *run, uint8_t opcode, size_t size, uint16_t *handle)
{
	uint16_t first = (uint16_t)(*handle + (next(run) & 3));
	size_t end = run->said.len + size;

	add(&run->said, first, 2);
	*handle = (uint16_t)(first + (next(run) & 3));
	if (opcode == 0x11 || opcode == 0x07)
		add(&run->said, *handle, 2);
	else
		*handle = first;
	while (run->said.len < end)
		add(&run->said, some_type(run), 2);
	run->said.len = end;
	(*handle)++;
}

static size_t entry_size(struct run *run, uint8_t opcode)
{
	uint16_t type = reader.question_len == 7 ? ag_get_le16(reader.question + 5) : 0;
	bool big = next(run) & 1;

	if (opcode == 0x05)
		return big ? 18 : 4;
	if (opcode == 0x07)
		return 4;
	if (opcode == 0x11)
		return big ? 20 : 6;
	if (type == 0x2802)
		return big ? 8 : 6;
	if (type == 0x2803)
		return big ? 21 : 7;
	return type == 0x2b2a ? 18 : 2 + (next(run) & 3);
}

static void make_list(struct run *run, uint8_t opcode)
{
	uint16_t handle = reader.question_len >= 3 ? ag_get_le16(reader.question + 1) : 1;
	size_t size = entry_size(run, opcode);

	if (opcode == 0x05)
		add(&run->said, size == 4 ? 1 : 2, 1);
	else if (opcode != 0x07)
		add(&run->said, size, 1);
	for (size_t count = 1 + (next(run) & 3); count > 0; count--)
		add_entry(run, opcode, size, &handle);
}

/* The answer to what the host asked, or nearly so. */
static void peer_answers(struct run *run)
{
	uint8_t opcode = reader.question_len ? (uint8_t)(reader.question[0] + 1) : 0x0b;
	uint8_t spoil;

	run->said.len = 1;
	run->said.data[0] = opcode;
	if (opcode == 0x03)
		add(&run->said, 20 + 4u * next(run), 2);
	else if (opcode == 0x05 || opcode == 0x07 || opcode == 0x09 || opcode == 0x11)
		make_list(run, opcode);
	else if (opcode != 0x13 && opcode != 0x19)
		for (size_t left = next(run) & 7; left > 0; left--)
			add(&run->said, next(run), 1);
	spoil = next(run);
	if ((spoil & 3) == 1)
		run->said.data[next(run) % run->said.len] ^= (uint8_t)(1 << (spoil >> 5));
	if ((spoil & 3) == 2)
		run->said.len = 1 + next(run) % run->said.len;
	if ((spoil & 3) == 3 && spoil & 0x80)
		run->said = (struct pdu){
			.len = 5, .data = { 0x01, reader.question[0], 0x01, 0x00, 1 + (spoil & 15) }
		};
	peer_says(run);
}

/* A value, of any length. */
static void peer_tells(struct run *run)
{
	size_t len = next(run) * 3u;

	run->said.len = 1;
	run->said.data[0] = next(run) & 1 ? 0x1b : 0x1d;
	add(&run->said, some_handle(run), 2);
	while (len-- > 0 && run->said.len < MOST)
		add(&run->said, 0, 1);
	peer_says(run);
}

static void step(struct run *run)
{
	uint8_t what = next(run) & 15;

	if (what < 5)
		host_asks(run);
	else if (what < 11)
		peer_answers(run);
	else if (what < 13)
		peer_raves(run);
	else if (what < 14)
		peer_tells(run);
	else
		host_answers(run);
}

const char *ag_sim_shield(const uint8_t *data, size_t len, struct ag_sim_shield_count *count)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 1, 0, HANDLE, 0, 1, 1, 1, 2 };
	struct ag_engine_config config = { .rules = shield() };
	struct run run = { .program = ag_cursor(data, len), .count = count };

	ag_sim_reader_begin(&reader);
	if (ag_engine_new(&config, &run.engine) != 0 ||
	    ag_engine_feed(run.engine, AG_SIDE_CONTROLLER, up, sizeof(up), 0) != 0)
		abort();
	drain(&run);
	while (run.program.left > 0 && !run.fault)
		step(&run);
	ag_engine_free(run.engine);
	return run.fault;
}
