/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/host.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/hci.h"

void ag_sim_host_init(struct ag_sim_host *host, struct ag_sim_report *report,
		      struct ag_random *random, struct ag_sim_port port)
{
	host->report = report;
	host->random = random;
	host->port = port;
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		struct ag_sim_end *end = &host->link[i].end;

		end->who = "host";
		end->random = random;
		end->report = report;
		end->pb_first = 0;
	}
}

struct ag_sim_host_link *ag_sim_host_find(struct ag_sim_host *host, uint16_t handle)
{
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		if (host->link[i].up && host->link[i].end.handle == handle)
			return &host->link[i];
	}
	return NULL;
}

static struct ag_sim_pool *pool_of(struct ag_sim_host *host, const struct ag_sim_host_link *link)
{
	return &host->pool[link->le && host->pool[1].count > 0];
}

static void link_down(struct ag_sim_host *host, struct ag_sim_host_link *link)
{
	size_t index = (size_t)(link - host->link);

	pool_of(host, link)->used -= link->sent;
	host->held -= host->held_by[index];
	host->held_by[index] = 0;
	link->sent = 0;
	link->up = false;
}

/* ---- Events ---- */

static void connected(struct ag_sim_host *host, uint16_t handle, bool le, bool central)
{
	if (ag_sim_host_find(host, handle)) {
		ag_sim_fail(host->report, AG_SIM_UNKNOWN_HANDLE,
			    "host: handle 0x%03x connected twice", handle);
		return;
	}
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		struct ag_sim_host_link *link = &host->link[i];

		if (link->up)
			continue;
		link->up = true;
		link->le = le;
		link->central = central;
		link->encrypted = false;
		ag_sim_end_reset(&link->end, handle);
		return;
	}
	ag_sim_fail(host->report, AG_SIM_UNKNOWN_HANDLE, "host: handle 0x%03x is one too many",
		    handle);
}

static void le_meta(struct ag_sim_host *host, struct ag_cursor at)
{
	uint8_t subevent = ag_pull_u8(&at);
	uint8_t status = ag_pull_u8(&at);
	uint16_t handle = ag_pull_le16(&at);
	uint8_t role = ag_pull_u8(&at);

	if (status == 0 && (subevent == 0x01 || subevent == 0x0a || subevent == 0x29))
		connected(host, handle, true, role == 0);
}

static void disconnected(struct ag_sim_host *host, struct ag_cursor at)
{
	uint8_t status = ag_pull_u8(&at);
	uint16_t handle = ag_pull_le16(&at);
	struct ag_sim_host_link *link = ag_sim_host_find(host, handle);

	if (!link)
		ag_sim_fail(host->report, AG_SIM_UNKNOWN_HANDLE,
			    "host: handle 0x%03x disconnected, but was not up", handle);
	else if (status == 0)
		link_down(host, link);
}

static void completed(struct ag_sim_host *host, struct ag_cursor at)
{
	for (uint8_t n = ag_pull_u8(&at); n > 0 && !at.failed; n--) {
		uint16_t handle = ag_pull_le16(&at);
		uint16_t count = ag_pull_le16(&at);
		struct ag_sim_host_link *link = ag_sim_host_find(host, handle);

		if (!link || count > link->sent) {
			ag_sim_fail(host->report, AG_SIM_SURPLUS_COMPLETION,
				    "host: handle 0x%03x completes %u packets of %u", handle, count,
				    link ? link->sent : 0);
			return;
		}
		link->sent -= count;
		pool_of(host, link)->used -= count;
		host->completions += count;
	}
}

static void pool_learned(struct ag_sim_host *host, uint16_t opcode, struct ag_cursor at)
{
	struct ag_sim_pool *pool = &host->pool[opcode != AG_SIM_HCI_READ_BUFFER_SIZE];

	pool->len = ag_pull_le16(&at);
	if (opcode == AG_SIM_HCI_READ_BUFFER_SIZE) {
		ag_pull_u8(&at);
		pool->count = ag_pull_le16(&at);
	} else {
		pool->count = ag_pull_u8(&at);
	}
}

static void reset_done(struct ag_sim_host *host)
{
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		if (host->link[i].up)
			link_down(host, &host->link[i]);
	}
	host->resetting = false;
	host->flow = 0;
}

static void command_complete(struct ag_sim_host *host, struct ag_cursor at)
{
	uint8_t credits = ag_pull_u8(&at);
	uint16_t opcode = ag_pull_le16(&at);
	uint8_t status = ag_pull_u8(&at);

	if (opcode != host->command)
		ag_sim_fail(host->report, AG_SIM_COMMAND_CREDIT,
			    "host: command 0x%04x completed, but 0x%04x is open (%u credits)",
			    opcode, host->command, credits);
	host->command = 0;
	if (status != 0)
		return;
	if (opcode == AG_SIM_HCI_RESET)
		reset_done(host);
	if (opcode == AG_SIM_HCI_READ_BUFFER_SIZE || opcode == AG_SIM_HCI_LE_READ_BUFFER_SIZE ||
	    opcode == AG_SIM_HCI_LE_READ_BUFFER_SIZE_V2)
		pool_learned(host, opcode, at);
}

static void command_status(struct ag_sim_host *host, struct ag_cursor at)
{
	uint16_t opcode;

	ag_pull(&at, 2);
	opcode = ag_pull_le16(&at);
	if (opcode != host->command)
		ag_sim_fail(host->report, AG_SIM_COMMAND_CREDIT,
			    "host: status of command 0x%04x, but 0x%04x is open", opcode,
			    host->command);
	host->command = 0;
}

static void encryption_change(struct ag_sim_host *host, struct ag_cursor at)
{
	uint8_t status = ag_pull_u8(&at);
	struct ag_sim_host_link *link = ag_sim_host_find(host, ag_pull_le16(&at));

	if (link && status == 0)
		link->encrypted = ag_pull_u8(&at) != 0;
}

static void receive_event(struct ag_sim_host *host, struct ag_cursor at)
{
	uint8_t code = ag_pull_u8(&at);
	uint8_t len = ag_pull_u8(&at);
	struct ag_cursor start = at;

	if (at.failed || at.left != len) {
		ag_sim_fail(host->report, AG_SIM_FRAMING, "host: event 0x%02x of %u in %zu", code,
			    len, at.left);
		return;
	}
	if (code == AG_SIM_HCI_COMMAND_COMPLETE)
		command_complete(host, at);
	if (host->resetting)
		return;
	if (code == AG_SIM_HCI_COMMAND_STATUS)
		command_status(host, at);
	if (code == AG_SIM_HCI_COMPLETED_PACKETS)
		completed(host, at);
	if (code == AG_SIM_HCI_DISCONNECTION_COMPLETE)
		disconnected(host, at);
	if (code == AG_SIM_HCI_ENCRYPTION_CHANGE)
		encryption_change(host, at);
	if (code == AG_SIM_HCI_CONNECTION_COMPLETE && ag_pull_u8(&at) == 0)
		connected(host, ag_pull_le16(&at), false, false);
	if (code == AG_SIM_HCI_LE_META)
		le_meta(host, start);
}

/* ---- Data ---- */

static void receive_acl(struct ag_sim_host *host, struct ag_cursor at)
{
	uint16_t flags = ag_pull_le16(&at);
	uint16_t len = ag_pull_le16(&at);
	struct ag_sim_host_link *link = ag_sim_host_find(host, flags & 0xfff);

	if (at.failed || at.left != len) {
		ag_sim_fail(host->report, AG_SIM_FRAMING, "host: ACL data of %u in %zu", len,
			    at.left);
		return;
	}
	if (host->resetting)
		return;
	if (!link) {
		ag_sim_fail(host->report, AG_SIM_UNKNOWN_HANDLE, "host: data for handle 0x%03x",
			    flags & 0xfff);
		return;
	}
	if (host->acl_max && len > host->acl_max)
		ag_sim_fail(host->report, AG_SIM_TOO_LONG, "host: %u octets, not %u", len,
			    host->acl_max);
	if (host->flow && host->held == host->flow)
		ag_sim_fail(host->report, AG_SIM_HOST_OVERFLOW, "host: packet %u to %u buffers",
			    host->held + 1, host->flow);
	if (host->flow) {
		host->held++;
		host->held_by[link - host->link]++;
	}
	ag_sim_end_receive(&link->end, flags >> 12 & 3, at.at, at.left);
}

void ag_sim_host_receive(struct ag_sim_host *host, const uint8_t *packet, size_t len)
{
	struct ag_cursor at = ag_cursor(packet, len);

	switch (ag_pull_u8(&at)) {
	case AG_H4_EVENT:
		receive_event(host, at);
		break;
	case AG_H4_ACL:
		receive_acl(host, at);
		break;
	default:
		ag_sim_fail(host->report, AG_SIM_FRAMING, "host: packet type 0x%02x",
			    len ? packet[0] : 0);
		break;
	}
}

bool ag_sim_host_command(struct ag_sim_host *host, uint16_t opcode, const uint8_t *params,
			 uint8_t len)
{
	uint8_t packet[4 + 255] = { AG_H4_COMMAND };

	if (host->command != 0)
		return false;
	host->command = opcode;
	host->resetting = opcode == AG_SIM_HCI_RESET;
	ag_put_le16(packet + 1, opcode);
	packet[3] = len;
	if (len > 0)
		memcpy(packet + 4, params, len);
	host->port.emit(host->port.user, packet, 4u + len);
	return true;
}

bool ag_sim_host_send(struct ag_sim_host *host, size_t index)
{
	struct ag_sim_host_link *link = &host->link[index];
	struct ag_sim_pool *pool = pool_of(host, link);
	uint8_t packet[5 + AG_SIM_PDU_MAX];
	size_t len;

	if (!link->up || host->resetting || !ag_sim_end_busy(&link->end) ||
	    pool->used == pool->count)
		return false;
	pool->used++;
	link->sent++;
	len = ag_sim_end_fragment(&link->end, pool->len, packet);
	host->port.emit(host->port.user, packet, len);
	return true;
}

bool ag_sim_host_complete(struct ag_sim_host *host, bool all)
{
	uint8_t packet[5 + 4 * AG_SIM_LINKS] = { AG_H4_COMMAND };
	uint8_t handles = 0;

	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		unsigned int count = host->held_by[i];

		if (count == 0)
			continue;
		if (!all)
			count = ag_random_range(host->random, 1, count);
		host->held_by[i] -= count;
		host->held -= count;
		ag_put_le16(packet + 5 + 4 * handles, host->link[i].end.handle);
		ag_put_le16(packet + 7 + 4 * handles, (uint16_t)count);
		handles++;
	}
	if (handles == 0)
		return false;
	ag_put_le16(packet + 1, AG_SIM_HCI_HOST_COMPLETED);
	packet[3] = (uint8_t)(1 + 4 * handles);
	packet[4] = handles;
	host->port.emit(host->port.user, packet, 5u + 4u * handles);
	return true;
}
