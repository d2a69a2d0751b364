/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/controller.h"

#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/hci.h"

void ag_sim_controller_init(struct ag_sim_controller *controller, struct ag_sim_report *report,
			    struct ag_random *random, struct ag_sim_port port)
{
	controller->report = report;
	controller->random = random;
	controller->port = port;
	controller->credits = 1;
	controller->to_host_max = 251;
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		struct ag_sim_end *peer = &controller->link[i].peer;

		peer->who = "peer";
		peer->random = random;
		peer->report = report;
		peer->pb_first = 2;
	}
}

struct ag_sim_controller_link *ag_sim_controller_find(struct ag_sim_controller *controller,
						      uint16_t handle)
{
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		if (controller->link[i].up && controller->link[i].peer.handle == handle)
			return &controller->link[i];
	}
	return NULL;
}

static struct ag_sim_pool *pool_of(struct ag_sim_controller *controller,
				   const struct ag_sim_controller_link *link)
{
	return &controller->pool[link->le && controller->pool[1].count > 0];
}

static void event(struct ag_sim_controller *controller, uint8_t code, const uint8_t *params,
		  uint8_t len)
{
	uint8_t packet[3 + 255] = { AG_H4_EVENT, code, len };

	memcpy(packet + 3, params, len);
	controller->port.emit(controller->port.user, packet, 3u + len);
}

/* ---- Links ---- */

static void connection_bredr(struct ag_sim_controller *controller,
			     const struct ag_sim_controller_link *link, bool central)
{
	uint8_t params[11] = { 0, 0, 0, 1, 2, 3, 4, 5, 6, 1, 0 };
	uint8_t role[8] = { 0, 1, 2, 3, 4, 5, 6, central ? 0 : 1 };

	ag_put_le16(params + 1, link->peer.handle);
	event(controller, AG_SIM_HCI_CONNECTION_COMPLETE, params, sizeof(params));
	event(controller, AG_SIM_HCI_ROLE_CHANGE, role, sizeof(role));
}

static void connection_le(struct ag_sim_controller *controller,
			  const struct ag_sim_controller_link *link, enum ag_sim_connection form,
			  bool central)
{
	static const uint8_t subevent[] = {
		[AG_SIM_LE_V0] = 0x01, [AG_SIM_LE_V1] = 0x0a, [AG_SIM_LE_V2] = 0x29
	};
	static const uint8_t len[] = {
		[AG_SIM_LE_V0] = 19, [AG_SIM_LE_V1] = 31, [AG_SIM_LE_V2] = 34
	};
	uint8_t params[34] = { subevent[form] };

	ag_put_le16(params + 2, link->peer.handle);
	params[4] = central ? 0 : 1;
	params[5] = controller->public_peers ? 0 : 1; /* a random one is resolvable */
	memcpy(params + 6, "\x11\x22\x33\x44\x55\x66", 6);
	event(controller, AG_SIM_HCI_LE_META, params, len[form]);
}

void ag_sim_controller_connect(struct ag_sim_controller *controller, size_t index, uint16_t handle,
			       enum ag_sim_connection form, bool central)
{
	struct ag_sim_controller_link *link = &controller->link[index];

	link->up = true;
	link->le = form != AG_SIM_BREDR;
	link->central = central;
	link->encrypted = false;
	link->in_flight = 0;
	link->to_host = 0;
	ag_sim_end_reset(&link->peer, handle);
	if (link->le)
		connection_le(controller, link, form, central);
	else
		connection_bredr(controller, link, central);
}

static void link_down(struct ag_sim_controller *controller, struct ag_sim_controller_link *link)
{
	pool_of(controller, link)->used -= link->in_flight;
	controller->host_used -= link->to_host;
	link->in_flight = 0;
	link->to_host = 0;
	link->up = false;
}

void ag_sim_controller_disconnect(struct ag_sim_controller *controller, size_t index,
				  uint8_t reason)
{
	struct ag_sim_controller_link *link = &controller->link[index];
	uint8_t params[4] = { 0 };

	link_down(controller, link);
	ag_put_le16(params + 1, link->peer.handle);
	params[3] = reason;
	event(controller, AG_SIM_HCI_DISCONNECTION_COMPLETE, params, sizeof(params));
}

void ag_sim_controller_encrypt(struct ag_sim_controller *controller, size_t index, bool on)
{
	struct ag_sim_controller_link *link = &controller->link[index];
	uint8_t params[4] = { 0 };

	link->encrypted = on;
	ag_put_le16(params + 1, link->peer.handle);
	params[3] = on;
	event(controller, AG_SIM_HCI_ENCRYPTION_CHANGE, params, sizeof(params));
}

/* ---- Commands ---- */

static void command_complete(struct ag_sim_controller *controller, uint16_t opcode,
			     const uint8_t *result, uint8_t len)
{
	uint8_t params[64] = { 1 };

	controller->credits = 1;
	ag_put_le16(params + 1, opcode);
	memcpy(params + 3, result, len);
	event(controller, AG_SIM_HCI_COMMAND_COMPLETE, params, (uint8_t)(3 + len));
}

static void buffer_sizes(struct ag_sim_controller *controller, uint16_t opcode)
{
	const struct ag_sim_pool *acl = &controller->pool[0], *le = &controller->pool[1];
	uint8_t result[8] = { 0 };

	if (opcode == AG_SIM_HCI_READ_BUFFER_SIZE) {
		ag_put_le16(result + 1, acl->len);
		result[3] = 64;
		ag_put_le16(result + 4, (uint16_t)acl->count);
		ag_put_le16(result + 6, 8);
		command_complete(controller, opcode, result, 8);
		return;
	}
	ag_put_le16(result + 1, le->count > 0 ? le->len : 0);
	result[3] = (uint8_t)le->count;
	command_complete(controller, opcode, result,
			 opcode == AG_SIM_HCI_LE_READ_BUFFER_SIZE_V2 ? 7 : 4);
}

static void reset(struct ag_sim_controller *controller)
{
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		if (controller->link[i].up)
			link_down(controller, &controller->link[i]);
	}
	controller->flow = false;
	controller->host_used = 0;
}

static void command_disconnect(struct ag_sim_controller *controller, uint16_t handle)
{
	struct ag_sim_controller_link *link = ag_sim_controller_find(controller, handle);
	uint8_t status[4] = { link ? 0 : 0x02, 1, 0x06, 0x04 };

	controller->credits = 1;
	event(controller, AG_SIM_HCI_COMMAND_STATUS, status, sizeof(status));
	if (!link)
		return;
	controller->disconnects++;
	ag_sim_controller_disconnect(controller, (size_t)(link - controller->link), 0x16);
}

static void host_flow(struct ag_sim_controller *controller, uint16_t opcode, const uint8_t *params)
{
	if (opcode == AG_SIM_HCI_HOST_BUFFER_SIZE)
		controller->host_count = ag_get_le16(params + 3);
	if (opcode == AG_SIM_HCI_SET_HOST_FLOW)
		controller->flow = params[0] & 1;
}

bool ag_sim_controller_answer(struct ag_sim_controller *controller)
{
	uint8_t params[sizeof(controller->command[0].params)];
	uint16_t opcode;

	if (controller->n_commands == 0)
		return false;
	opcode = controller->command[0].opcode;
	memcpy(params, controller->command[0].params, sizeof(params));
	controller->n_commands--;
	memmove(controller->command, controller->command + 1,
		controller->n_commands * sizeof(controller->command[0]));
	switch (opcode) {
	case AG_SIM_HCI_DISCONNECT:
		command_disconnect(controller, ag_get_le16(params) & 0xfff);
		break;
	case AG_SIM_HCI_READ_BUFFER_SIZE:
	case AG_SIM_HCI_LE_READ_BUFFER_SIZE:
	case AG_SIM_HCI_LE_READ_BUFFER_SIZE_V2:
		buffer_sizes(controller, opcode);
		break;
	case AG_SIM_HCI_RESET:
		reset(controller);
		command_complete(controller, opcode, (const uint8_t[]){ 0 }, 1);
		break;
	default:
		host_flow(controller, opcode, params);
		command_complete(controller, opcode, (const uint8_t[]){ 0 }, 1);
		break;
	}
	return true;
}

static void host_completed(struct ag_sim_controller *controller, struct ag_cursor at)
{
	for (uint8_t n = ag_pull_u8(&at); n > 0 && !at.failed; n--) {
		struct ag_sim_controller_link *link = ag_sim_controller_find(controller,
									     ag_pull_le16(&at));
		uint16_t count = ag_pull_le16(&at);

		if (!link)
			continue; /* it went down meanwhile, and its account with it */
		if (count > link->to_host) {
			ag_sim_fail(controller->report, AG_SIM_SURPLUS_COMPLETION,
				    "controller: handle 0x%03x completed %u of %u packets",
				    link->peer.handle, count, link->to_host);
			return;
		}
		link->to_host -= count;
		controller->host_used -= count;
	}
}

static void receive_command(struct ag_sim_controller *controller, struct ag_cursor at)
{
	uint16_t opcode = ag_pull_le16(&at);
	uint8_t len = ag_pull_u8(&at);
	uint8_t *params;

	if (at.failed || at.left != len) {
		ag_sim_fail(controller->report, AG_SIM_FRAMING, "controller: a command of %zu",
			    at.left);
		return;
	}
	if (opcode == AG_SIM_HCI_HOST_COMPLETED) { /* needs no credit and has no answer (7.3.40) */
		host_completed(controller, at);
		return;
	}
	if (controller->credits == 0 ||
	    controller->n_commands == ag_array_size(controller->command)) {
		ag_sim_fail(controller->report, AG_SIM_COMMAND_CREDIT,
			    "controller: command 0x%04x while 0x%04x is open", opcode,
			    controller->n_commands ? controller->command[0].opcode : 0);
		return;
	}
	controller->credits--;
	controller->command[controller->n_commands].opcode = opcode;
	params = controller->command[controller->n_commands].params;
	for (size_t i = 0; i < sizeof(controller->command[0].params); i++)
		params[i] = i < len ? ag_pull_u8(&at) : 0;
	controller->n_commands++;
}

/* ---- Data ---- */

static void receive_acl(struct ag_sim_controller *controller, struct ag_cursor at)
{
	uint16_t flags = ag_pull_le16(&at);
	uint16_t len = ag_pull_le16(&at);
	struct ag_sim_controller_link *link = ag_sim_controller_find(controller, flags & 0xfff);
	struct ag_sim_pool *pool;

	if (at.failed || at.left != len) {
		ag_sim_fail(controller->report, AG_SIM_FRAMING, "controller: ACL data of %u in %zu",
			    len, at.left);
		return;
	}
	if (!link)
		return; /* down since it was sent */
	pool = pool_of(controller, link);
	if (len > pool->len)
		ag_sim_fail(controller->report, AG_SIM_TOO_LONG, "controller: %u octets, not %u",
			    len, pool->len);
	if (pool->used == pool->count) {
		ag_sim_fail(controller->report, AG_SIM_OVERFLOW,
			    "controller: handle 0x%03x sends packet %u to %u buffers",
			    flags & 0xfff, pool->used + 1, pool->count);
		return;
	}
	pool->used++;
	link->in_flight++;
	ag_sim_end_receive(&link->peer, flags >> 12 & 3, at.at, at.left);
}

void ag_sim_controller_receive(struct ag_sim_controller *controller, const uint8_t *packet,
			       size_t len)
{
	struct ag_cursor at = ag_cursor(packet, len);

	switch (ag_pull_u8(&at)) {
	case AG_H4_COMMAND:
		receive_command(controller, at);
		break;
	case AG_H4_ACL:
		receive_acl(controller, at);
		break;
	default:
		ag_sim_fail(controller->report, AG_SIM_FRAMING, "controller: packet type 0x%02x",
			    len ? packet[0] : 0);
		break;
	}
}

static unsigned int complete_link(struct ag_sim_controller *controller,
				  struct ag_sim_controller_link *link, bool all)
{
	unsigned int count;

	if (!link->up || link->in_flight == 0 ||
	    (!all && ag_random_percent(controller->random, 40)))
		return 0;
	count = all ? link->in_flight : ag_random_range(controller->random, 1, link->in_flight);
	link->in_flight -= count;
	pool_of(controller, link)->used -= count;
	return count;
}

bool ag_sim_controller_complete(struct ag_sim_controller *controller, bool all)
{
	uint8_t params[1 + 4 * AG_SIM_LINKS];
	uint8_t handles = 0;

	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		unsigned int count = complete_link(controller, &controller->link[i], all);

		if (count == 0)
			continue;
		ag_put_le16(params + 1 + 4 * handles, controller->link[i].peer.handle);
		ag_put_le16(params + 3 + 4 * handles, (uint16_t)count);
		handles++;
	}
	params[0] = handles;
	if (handles > 0)
		event(controller, AG_SIM_HCI_COMPLETED_PACKETS, params, (uint8_t)(1 + 4 * handles));
	return handles > 0;
}

bool ag_sim_controller_send(struct ag_sim_controller *controller, size_t index)
{
	struct ag_sim_controller_link *link = &controller->link[index];
	uint8_t packet[5 + AG_SIM_PDU_MAX];
	size_t len;

	if (!link->up || !ag_sim_end_busy(&link->peer))
		return false;
	if (controller->flow && controller->host_used == controller->host_count)
		return false;
	if (controller->flow) {
		controller->host_used++;
		link->to_host++;
	}
	len = ag_sim_end_fragment(&link->peer, controller->to_host_max, packet);
	controller->port.emit(controller->port.user, packet, len);
	return true;
}
