/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands (Vol 4 Part E, 4.4). The host's pass at once. One of our own goes out when the host has
 * none open and the controller takes one; while it is open the host's wait, which is the time of
 * one Command Status.
 */
#include "proxy/engine/travel.h"

#include <errno.h>
#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

#define COMMAND_HEADER 4

/** After this time without an answer to our own command a Reset does not wait for it. The host
 * gives its own commands 2 s. */
#define SILENCE_US UINT64_C(1000000)

/* ---- What commands tell ---- */

static void learn_create_connection(struct ag_engine *engine, struct ag_cursor *params)
{
	uint64_t peer = ag_pull_bdaddr(params);

	if (!params->failed)
		ag_role_learn(engine, peer, AG_ROLE_CENTRAL);
}

/* 7.1.8: Role 0x00 asks for a switch to central, 0x01 stays peripheral */
static void learn_accept_connection(struct ag_engine *engine, struct ag_cursor *params)
{
	uint64_t peer = ag_pull_bdaddr(params);
	uint8_t role = ag_pull_u8(params);

	if (!params->failed)
		ag_role_learn(engine, peer, role ? AG_ROLE_PERIPHERAL : AG_ROLE_CENTRAL);
}

/* 7.3.38: bit 0 is ACL */
static void learn_flow_control(struct ag_engine *engine, struct ag_cursor *params)
{
	engine->commands.flow_control_asked = ag_pull_u8(params) & 1;
}

/* 7.3.39: ACL length (2), synchronous length (1), ACL count (2), synchronous count (2) */
static void learn_host_buffers(struct ag_engine *engine, struct ag_cursor *params)
{
	struct ag_pool *asked = &engine->commands.host_buffers_asked;

	asked->data_len = ag_pull_le16(params);
	ag_pull_u8(params);
	asked->size = ag_pull_le16(params);
}

static const struct {
	uint16_t opcode;
	void (*learn)(struct ag_engine *engine, struct ag_cursor *params);
} learners[] = {
	{ AG_HCI_CREATE_CONNECTION, learn_create_connection },
	{ AG_HCI_ACCEPT_CONNECTION_REQUEST, learn_accept_connection },
	{ AG_HCI_SET_C2H_FLOW_CONTROL, learn_flow_control },
	{ AG_HCI_HOST_BUFFER_SIZE, learn_host_buffers },
	{ AG_HCI_LE_ADD_DEVICE_TO_RESOLVING_LIST, ag_identify_listed },
};

/* ---- The host's completions ---- */

/* 7.3.40: count, then handle and number of packets each */
static int host_completed(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	size_t count = len > COMMAND_HEADER ? packet[COMMAND_HEADER] : 0;
	uint8_t *copy = engine->frame;
	size_t left;
	int r = 0;

	if (!engine->host_flow_control || len != COMMAND_HEADER + 1 + 4 * count)
		return ag_emit(engine, AG_SIDE_CONTROLLER, packet, len);
	memcpy(copy, packet, len);
	left = ag_completed_list(engine, AG_SIDE_HOST, copy + COMMAND_HEADER + 1, count);
	copy[COMMAND_HEADER - 1] = (uint8_t)(1 + 4 * left);
	copy[COMMAND_HEADER] = (uint8_t)left;
	if (left || !count)
		r = ag_emit(engine, AG_SIDE_CONTROLLER, copy, COMMAND_HEADER + 1 + 4 * left);
	return r ? r : ag_drain(engine, AG_SIDE_HOST);
}

/* ---- Taking turns ---- */

static int send_command(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	if (engine->commands.credits)
		engine->commands.credits--;
	return ag_emit(engine, AG_SIDE_CONTROLLER, packet, len);
}

static int send_host_command(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	engine->commands.host_open = true;
	engine->commands.host_opcode = ag_get_le16(packet + 1);
	return send_command(engine, packet, len);
}

/* Whoever may go next goes. */
static int take_turns(struct ag_engine *engine)
{
	struct ag_commands *commands = &engine->commands;
	struct ag_record record;
	int r = 0;

	while (!r && !commands->own_open && ag_fifo_front(&commands->host, &record)) {
		r = send_host_command(engine, record.data, record.len);
		ag_fifo_pop(&commands->host);
	}
	if (r || commands->own_open || commands->host_open || !commands->credits ||
	    !ag_fifo_front(&commands->own, &record))
		return r;
	commands->own_open = true;
	commands->own_opcode = ag_get_le16(record.data + 1);
	commands->own_since_us = engine->now_us;
	r = send_command(engine, record.data, record.len);
	ag_fifo_pop(&commands->own);
	return r;
}

int ag_command(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	struct ag_cursor params = ag_cursor(packet, len);
	uint16_t opcode;

	ag_pull_u8(&params);
	opcode = ag_pull_le16(&params);
	ag_pull_u8(&params);
	if (params.failed)
		return ag_emit(engine, AG_SIDE_CONTROLLER, packet, len);
	for (size_t i = 0; i < sizeof(learners) / sizeof(learners[0]); i++) {
		if (learners[i].opcode == opcode)
			learners[i].learn(engine, &params);
	}
	/* 7.3.40: it may be sent at any time and is not answered */
	if (opcode == AG_HCI_HOST_NUMBER_OF_COMPLETED)
		return host_completed(engine, packet, len);
	/* 7.3.2: a controller that has stopped answering is reset by the host */
	if (opcode == AG_HCI_RESET && engine->now_us - engine->commands.own_since_us > SILENCE_US)
		ag_command_reset(engine);
	if (engine->commands.own_open)
		return ag_fifo_put(&engine->commands.host, packet, len, 0);
	return send_host_command(engine, packet, len);
}

int ag_command_own(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	/* a recorded controller never answers */
	if (engine->config.replay)
		return ag_emit(engine, AG_SIDE_CONTROLLER, packet, len);
	return ag_fifo_put(&engine->commands.own, packet, len, 0) ? -ENOMEM : take_turns(engine);
}

void ag_command_answered(struct ag_engine *engine, uint16_t opcode, uint8_t credits, bool *ours)
{
	struct ag_commands *commands = &engine->commands;

	commands->credits = credits;
	*ours = commands->own_open && opcode == commands->own_opcode;
	if (*ours)
		commands->own_open = false;
	else if (commands->host_open && opcode == commands->host_opcode)
		commands->host_open = false;
}

int ag_command_next(struct ag_engine *engine)
{
	return take_turns(engine);
}

void ag_command_reset(struct ag_engine *engine)
{
	struct ag_commands *commands = &engine->commands;

	ag_fifo_clear(&commands->own);
	ag_fifo_clear(&commands->host);
	commands->own_open = false;
	commands->host_open = false;
	commands->flow_control_asked = false;
}
