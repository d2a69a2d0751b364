/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events from the controller: links come and go, buffers become free, commands are answered. */
#include "proxy/engine/hide.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

#define EVENT_HEADER 3

/* An event on its way to the host. */
struct event {
	const uint8_t *packet;
	size_t len;
	struct ag_cursor params;
};

static int pass(struct ag_engine *engine, const struct event *event)
{
	return ag_emit(engine, AG_SIDE_HOST, event->packet, event->len);
}

/* ---- Links ---- */

/* What all three LE events begin with: status, handle, role, peer address type, peer address. The
 * types 2 and 3 are identities that the controller resolved. */
static int on_le_connection(struct ag_engine *engine, struct event *event)
{
	uint8_t status = ag_pull_u8(&event->params);
	struct ag_link_view view = { .type = AG_LINK_LE, .since_us = engine->now_us };
	uint8_t type;
	int r;

	view.handle = ag_pull_le16(&event->params) & 0x0fff;
	view.role = ag_pull_u8(&event->params) ? AG_ROLE_PERIPHERAL : AG_ROLE_CENTRAL;
	type = ag_pull_u8(&event->params);
	view.peer = ag_pull_bdaddr(&event->params);
	view.peer_type = type & 1 ? ag_random_type(view.peer) : AG_PEER_PUBLIC;
	if (event->params.failed || status || view.handle > AG_HCI_HANDLE_MAX)
		return pass(engine, event);
	ag_identify(engine, &view);
	r = ag_link_open(engine, &view);
	if (!r)
		r = pass(engine, event);
	return r ? r : ag_early_release(engine, false);
}

static int on_le_meta(struct ag_engine *engine, struct event *event)
{
	switch (ag_pull_u8(&event->params)) {
	case AG_LE_CONNECTION_COMPLETE:
	case AG_LE_ENHANCED_CONNECTION_COMPLETE:
	case AG_LE_ENHANCED_CONNECTION_COMPLETE_V2:
		return on_le_connection(engine, event);
	}
	return pass(engine, event);
}

/* 7.7.3: status, handle, BD_ADDR, link type, encryption enabled */
static int on_connection(struct ag_engine *engine, struct event *event)
{
	uint8_t status = ag_pull_u8(&event->params);
	struct ag_link_view view = { .type = AG_LINK_BREDR, .since_us = engine->now_us };
	uint8_t link_type;
	int r;

	view.handle = ag_pull_le16(&event->params) & 0x0fff;
	view.peer = ag_pull_bdaddr(&event->params);
	link_type = ag_pull_u8(&event->params);
	view.encrypted = ag_pull_u8(&event->params);
	view.role = ag_role_known(engine, view.peer);
	if (event->params.failed || status || link_type != AG_HCI_ACL_LINK ||
	    view.handle > AG_HCI_HANDLE_MAX)
		return pass(engine, event);
	r = ag_link_open(engine, &view);
	if (!r)
		r = pass(engine, event);
	return r ? r : ag_early_release(engine, false);
}

/* 7.7.5: status, handle, reason */
static int on_disconnection(struct ag_engine *engine, struct event *event)
{
	uint8_t status = ag_pull_u8(&event->params);
	uint16_t handle = ag_pull_le16(&event->params);
	struct ag_link *link = event->params.failed ? NULL : ag_link_find(engine, handle & 0x0fff);
	int r = pass(engine, event);

	if (r || status || !link)
		return r;
	ag_link_close(engine, link);
	r = ag_drain(engine, AG_SIDE_CONTROLLER);
	return r ? r : ag_drain(engine, AG_SIDE_HOST);
}

/* 7.7.8, both versions: status, handle, encryption enabled */
static int on_encryption(struct ag_engine *engine, struct event *event)
{
	uint8_t status = ag_pull_u8(&event->params);
	uint16_t handle = ag_pull_le16(&event->params);
	uint8_t enabled = ag_pull_u8(&event->params);
	struct ag_link *link = event->params.failed ? NULL : ag_link_find(engine, handle & 0x0fff);
	int r = pass(engine, event);

	if (r || status || !link)
		return r;
	link->view.encrypted = enabled;
	ag_identify_introduced(engine, link);
	return enabled ? ag_hold_release(engine, link) : 0;
}

/* 7.7.18: status, BD_DDR, new role */
static int on_role_change(struct ag_engine *engine, struct event *event)
{
	uint8_t status = ag_pull_u8(&event->params);
	uint64_t peer = ag_pull_bdaddr(&event->params);
	enum ag_role role = ag_pull_u8(&event->params) ? AG_ROLE_PERIPHERAL : AG_ROLE_CENTRAL;

	if (event->params.failed || status)
		return pass(engine, event);
	ag_role_learn(engine, peer, role);
	for (size_t i = 0; i < engine->links_used; i++) {
		struct ag_link *link = ag_link_at(engine, i);

		if (!link || link->view.type != AG_LINK_BREDR || link->view.peer != peer)
			continue;
		link->view.role = role;
		ag_hide_refresh(engine, link, false);
	}
	return pass(engine, event);
}

/* ---- Buffers ---- */

/* 7.7.19: count, then handle and number of packets each */
static int on_completed(struct ag_engine *engine, struct event *event)
{
	size_t count = ag_pull_u8(&event->params);
	uint8_t *copy = engine->frame;
	size_t left;
	int r = 0;

	if (event->params.failed || event->params.left != 4 * count)
		return pass(engine, event);
	memcpy(copy, event->packet, event->len);
	left = ag_completed_list(engine, AG_SIDE_CONTROLLER, copy + EVENT_HEADER + 1, count);
	copy[EVENT_HEADER - 1] = (uint8_t)(1 + 4 * left);
	copy[EVENT_HEADER] = (uint8_t)left;
	if (left || !count)
		r = ag_emit(engine, AG_SIDE_HOST, copy, EVENT_HEADER + 1 + 4 * left);
	return r ? r : ag_drain(engine, AG_SIDE_CONTROLLER);
}

/* The longest data field that both transports carry. */
static uint16_t clamp(const struct ag_engine *engine, uint16_t len)
{
	for (size_t side = 0; side < 2; side++) {
		if (engine->config.acl_max[side] && engine->config.acl_max[side] < len)
			len = engine->config.acl_max[side];
	}
	return len;
}

/* Show the host buffers no longer than the transports allow. `at`: of the length in the packet. */
static int pass_clamped(struct ag_engine *engine, const struct event *event, size_t at,
			struct ag_pool *pool, uint16_t size)
{
	uint16_t len = ag_get_le16(event->packet + at);

	pool->size = size;
	pool->data_len = clamp(engine, len);
	if (pool->data_len == len)
		return pass(engine, event);
	memcpy(engine->frame, event->packet, event->len);
	ag_put_le16(engine->frame + at, pool->data_len);
	return ag_emit(engine, AG_SIDE_HOST, engine->frame, event->len);
}

/* 7.4.5: status, ACL length (2), synchronous length (1), ACL count (2), synchronous count (2) */
static int on_buffer_size(struct ag_engine *engine, struct event *event)
{
	uint16_t size;

	ag_pull(&event->params, 3);
	size = ag_pull_le16(&event->params);
	if (event->params.failed)
		return pass(engine, event);
	return pass_clamped(engine, event, EVENT_HEADER + 4, &engine->acl, size);
}

/* 7.8.2, both versions: status, LE ACL length (2), LE ACL count (1) */
static int on_le_buffer_size(struct ag_engine *engine, struct event *event)
{
	uint8_t size;

	ag_pull(&event->params, 2);
	size = ag_pull_u8(&event->params);
	if (event->params.failed)
		return pass(engine, event);
	return pass_clamped(engine, event, EVENT_HEADER + 4, &engine->le, size);
}

/* ---- Answers to commands ---- */

static int on_reset(struct ag_engine *engine, struct event *event)
{
	ag_link_close_all(engine);
	/* whoever comes up behind a reset may have other services */
	ag_attributes_clear(engine->host_map);
	ag_command_reset(engine);
	ag_fifo_clear(&engine->early);
	engine->host_flow_control = false;
	return pass(engine, event);
}

/* 7.4.6: status, BD_ADDR */
static int on_bd_addr(struct ag_engine *engine, struct event *event)
{
	const struct ag_keeper *keeper = &engine->config.keeper;
	uint64_t address = ag_pull_bdaddr(&event->params);

	if (keeper->controller && !event->params.failed)
		keeper->controller(keeper->user, address);
	return pass(engine, event);
}

static int on_flow_control(struct ag_engine *engine, struct event *event)
{
	engine->host_flow_control = engine->commands.flow_control_asked;
	return pass(engine, event);
}

static int on_host_buffers(struct ag_engine *engine, struct event *event)
{
	engine->host.size = engine->commands.host_buffers_asked.size;
	engine->host.data_len = engine->commands.host_buffers_asked.data_len;
	return pass(engine, event);
}

/* 7.2.7: status, handle, current role */
static int on_role_discovery(struct ag_engine *engine, struct event *event)
{
	uint16_t handle = ag_pull_le16(&event->params);
	uint8_t role = ag_pull_u8(&event->params);
	struct ag_link *link = event->params.failed ? NULL : ag_link_find(engine, handle & 0x0fff);

	if (link) {
		link->view.role = role ? AG_ROLE_PERIPHERAL : AG_ROLE_CENTRAL;
		ag_hide_refresh(engine, link, false);
	}
	return pass(engine, event);
}

/* Commands whose success tells us something; the parameters behind the status are still to be read.
 */
static const struct {
	uint16_t opcode;
	int (*handle)(struct ag_engine *engine, struct event *event);
} completions[] = {
	{ AG_HCI_RESET, on_reset },
	{ AG_HCI_READ_BUFFER_SIZE, on_buffer_size },
	{ AG_HCI_READ_BD_ADDR, on_bd_addr },
	{ AG_HCI_LE_READ_BUFFER_SIZE, on_le_buffer_size },
	{ AG_HCI_LE_READ_BUFFER_SIZE_V2, on_le_buffer_size },
	{ AG_HCI_SET_C2H_FLOW_CONTROL, on_flow_control },
	{ AG_HCI_HOST_BUFFER_SIZE, on_host_buffers },
	{ AG_HCI_ROLE_DISCOVERY, on_role_discovery },
};

static int on_answer(struct ag_engine *engine, struct event *event, uint16_t opcode,
		     uint8_t credits, bool success)
{
	bool ours;
	int r;

	ag_command_answered(engine, opcode, credits, &ours);
	if (ours)
		return ag_command_next(engine);
	for (size_t i = 0; success && i < sizeof(completions) / sizeof(completions[0]); i++) {
		if (completions[i].opcode == opcode) {
			r = completions[i].handle(engine, event);
			return r ? r : ag_command_next(engine);
		}
	}
	r = pass(engine, event);
	return r ? r : ag_command_next(engine);
}

/* 7.7.14: Num_HCI_Command_Packets, opcode, then what the command returns: mostly a status first */
static int on_command_complete(struct ag_engine *engine, struct event *event)
{
	uint8_t credits = ag_pull_u8(&event->params);
	uint16_t opcode = ag_pull_le16(&event->params);
	uint8_t status;

	if (event->params.failed)
		return pass(engine, event);
	status = ag_pull_u8(&event->params);
	return on_answer(engine, event, opcode, credits, !status && !event->params.failed);
}

/* 7.7.15: status, Num_HCI_Command_Packets, opcode */
static int on_command_status(struct ag_engine *engine, struct event *event)
{
	uint8_t credits;
	uint16_t opcode;

	ag_pull_u8(&event->params);
	credits = ag_pull_u8(&event->params);
	opcode = ag_pull_le16(&event->params);
	if (event->params.failed)
		return pass(engine, event);
	return on_answer(engine, event, opcode, credits, false);
}

static const struct {
	uint8_t code;
	int (*handle)(struct ag_engine *engine, struct event *event);
} handlers[] = {
	{ AG_EVT_NUMBER_OF_COMPLETED, on_completed },
	{ AG_EVT_COMMAND_COMPLETE, on_command_complete },
	{ AG_EVT_COMMAND_STATUS, on_command_status },
	{ AG_EVT_LE_META, on_le_meta },
	{ AG_EVT_CONNECTION_COMPLETE, on_connection },
	{ AG_EVT_DISCONNECTION_COMPLETE, on_disconnection },
	{ AG_EVT_ENCRYPTION_CHANGE, on_encryption },
	{ AG_EVT_ENCRYPTION_CHANGE_V2, on_encryption },
	{ AG_EVT_ROLE_CHANGE, on_role_change },
};

/*  octet  0     1     2                       3..
 *         0x04  code  Parameter_Total_Length  parameters */
int ag_event(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	struct event event = { .packet = packet, .len = len, .params = ag_cursor(packet, len) };
	uint8_t code, params_len;

	ag_pull_u8(&event.params);
	code = ag_pull_u8(&event.params);
	params_len = ag_pull_u8(&event.params);
	if (event.params.failed || event.params.left != params_len)
		return pass(engine, &event);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].code == code)
			return handlers[i].handle(engine, &event);
	}
	return pass(engine, &event);
}
