/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "proxy/wire/cursor.h"
#include "tests/sim/hide.h"

enum { INVALID_HANDLE = 0x01, AUTHENTICATION = 0x05, NOT_FOUND = 0x0a };

/* ---- The plan ---- */

static void plan(struct ag_sim_client *client, struct ag_sim_task task)
{
	if (client->tasks < AG_SIM_TASKS && task.start && task.start <= task.end)
		client->task[client->tasks++] = task;
}

static void plan_list(struct ag_sim_client *client, uint8_t opcode, uint16_t start, uint16_t end,
		      struct ag_sim_uuid type)
{
	plan(client, (struct ag_sim_task){ opcode, start, end, type, { 0 } });
}

/* Descriptors lie behind the value, up to the next declaration that the client knows. */
static void plan_descriptors(struct ag_sim_client *client, size_t at)
{
	const struct ag_sim_database *database = client->database;
	const struct ag_sim_attribute *value = &database->list[at + 1];
	uint16_t end = database->list[value->service].end;

	for (size_t i = at + 2; i < database->count; i++) {
		const struct ag_sim_attribute *next = &database->list[i];

		if (next->service != value->service)
			break;
		if (next->characteristic != (int)i || next->hidden)
			continue;
		end = (uint16_t)(next->handle - 1);
		break;
	}
	if (value->handle < end)
		plan_list(client, 0x04, (uint16_t)(value->handle + 1), end, ag_sim_uuid16(0));
}

/* What bluetoothd asks: services, then what is between the first and the end of the last it found.
 */
static void plan_discovery(struct ag_sim_client *client)
{
	const struct ag_sim_database *database = client->database;
	uint16_t first = 0, last = 0;

	plan_list(client, 0x10, 1, 0xffff, ag_sim_uuid16(0x2800));
	plan_list(client, 0x10, 1, 0xffff, ag_sim_uuid16(0x2801));
	for (size_t i = 0; i < database->count; i++) {
		const struct ag_sim_attribute *service = &database->list[i];

		if (service->service != (int)i || service->hidden)
			continue;
		first = first ? first : service->handle;
		last = service->end;
	}
	plan_list(client, 0x08, first, last, ag_sim_uuid16(0x2802));
	plan_list(client, 0x08, first, last, ag_sim_uuid16(0x2803));
	for (size_t i = 0; i < database->count; i++) {
		if (database->list[i].characteristic == (int)i && !database->list[i].hidden)
			plan_descriptors(client, i);
	}
}

static const struct ag_sim_attribute *any(struct ag_sim_client *client)
{
	const struct ag_sim_database *database = client->database;

	return &database->list[ag_random_below(client->random, (uint32_t)database->count)];
}

/* What nobody asks in that order. */
static void plan_more(struct ag_sim_client *client)
{
	static const uint8_t by_handle[] = { 0x0a, 0x0a, 0x12, 0x16, 0x52, 0x0e, 0x20 };
	uint16_t start = (uint16_t)ag_random_range(client->random, 1, 60);

	plan_list(client, 0x04, 1, 0xffff, ag_sim_uuid16(0));
	for (int i = 0; i < 4; i++) {
		const struct ag_sim_attribute *service =
		    &client->database->list[any(client)->service];
		struct ag_sim_task task = { 0x06, 1, 0xffff, service->type, service->about };

		plan(client, task);
		plan_list(client, 0x08, start, 0xffff, any(client)->type);
	}
	plan_list(client, 0x08, 1, 0xffff, ag_sim_uuid16(0x2800));
	for (int i = 0; i < 25; i++) {
		uint16_t handle = any(client)->handle;
		uint8_t opcode = by_handle[ag_random_below(client->random, sizeof(by_handle))];

		if (ag_random_percent(client->random, 10))
			handle = (uint16_t)(handle + 300);
		plan(client, (struct ag_sim_task){ opcode, handle, handle, { 0 }, { 0 } });
	}
	plan_list(client, 0x10, start, 0xffff, ag_sim_uuid16(0x2800));
}

void ag_sim_client_plan(struct ag_sim_client *client, uint16_t mtu)
{
	if (mtu)
		plan(client, (struct ag_sim_task){ 0x02, mtu, mtu, { 0 }, { 0 } });
	plan_discovery(client);
	plan_more(client);
}

/* ---- Asking ---- */

static bool is_list(uint8_t opcode)
{
	return opcode == 0x04 || opcode == 0x06 || opcode == 0x08 || opcode == 0x10;
}

static size_t put_request(struct ag_sim_client *client, uint8_t *out)
{
	const struct ag_sim_task *task = &client->task[client->at];
	size_t len = 3;

	out[0] = task->opcode;
	ag_put_le16(out + 1, client->next ? client->next : task->start);
	if (is_list(task->opcode)) {
		ag_put_le16(out + 3, task->end);
		len = 5;
	}
	memcpy(out + len, task->type.octets, task->opcode == 0x04 ? 0 : task->type.len);
	len += task->opcode == 0x04 ? 0 : task->type.len;
	memcpy(out + len, task->value.octets, task->value.len);
	len += task->value.len;
	if (task->opcode == 0x16) {
		ag_put_le16(out + len, 0);
		len += 2;
	}
	if (task->opcode == 0x12 || task->opcode == 0x16 || task->opcode == 0x52)
		out[len++] = 0x77;
	if (task->opcode == 0x0e || task->opcode == 0x20) {
		ag_put_le16(out + len, any(client)->handle);
		len += 2;
	}
	return len;
}

size_t ag_sim_client_ask(struct ag_sim_client *client, uint8_t out[AG_SIM_HIDE_PDU])
{
	if (client->asked || client->at == client->tasks)
		return 0;
	client->requests++;
	client->request_len = put_request(client, client->request);
	memcpy(out, client->request, client->request_len);
	if (out[0] == 0x52)
		client->at++;
	else
		client->asked = true;
	return client->request_len;
}

/* ---- What has to come ---- */

static bool wants(const struct ag_sim_task *task, uint16_t start,
		  const struct ag_sim_attribute *attribute)
{
	if (attribute->hidden || attribute->handle < start || attribute->handle > task->end)
		return false;
	if (task->opcode == 0x04)
		return true;
	if (!ag_sim_uuid_equal(&task->type, &attribute->type))
		return false;
	return task->opcode != 0x06 || ag_sim_uuid_equal(&task->value, &attribute->about);
}

/* The first visible attribute from `start` on that the task is about, or NULL. */
static const struct ag_sim_attribute *expected(const struct ag_sim_client *client, uint16_t start)
{
	const struct ag_sim_database *database = client->database;

	for (size_t i = 0; i < database->count; i++) {
		if (wants(&client->task[client->at], start, &database->list[i]))
			return &database->list[i];
	}
	return NULL;
}

static void wrong(struct ag_sim_client *client, const char *what, uint16_t handle)
{
	const struct ag_sim_task *task = &client->task[client->at];

	ag_sim_fail(client->report, AG_SIM_UNEXPECTED,
		    "client: opcode 0x%02x, 0x%04x to 0x%04x, type %02x%02x: %s 0x%04x",
		    task->opcode, ag_get_le16(client->request + 1), task->end, task->type.octets[1],
		    task->type.octets[0], what, handle);
}

static bool is_same(const struct ag_sim_task *task, const struct ag_sim_attribute *attribute,
		    const uint8_t *entry, size_t len)
{
	const uint8_t *rest = entry + 2;

	if (ag_get_le16(entry) != attribute->handle)
		return false;
	len -= 2;
	if (task->opcode == 0x10 || task->opcode == 0x06) {
		if (ag_get_le16(rest) != attribute->end)
			return false;
		rest += 2;
		len -= 2;
	}
	if (task->opcode == 0x06)
		return len == 0;
	if (task->opcode == 0x04)
		return len == attribute->type.len && !memcmp(rest, attribute->type.octets, len);
	return len == attribute->len && !memcmp(rest, attribute->value, len);
}

static size_t entry_len(uint8_t opcode, const uint8_t *pdu)
{
	if (opcode == 0x06)
		return 4;
	if (opcode == 0x04)
		return pdu[1] == 1 ? 4 : 18;
	return pdu[1];
}

static void next_task(struct ag_sim_client *client)
{
	client->at++;
	client->next = 0;
}

static void take_page(struct ag_sim_client *client, uint16_t start, const uint8_t *pdu, size_t len)
{
	const struct ag_sim_task *task = &client->task[client->at];
	size_t size = entry_len(task->opcode, pdu);
	size_t at = task->opcode == 0x06 ? 1 : 2;
	uint32_t next = start;

	if (len == at || len > client->mtu || (len - at) % size) {
		wrong(client, "a page without an entry, or broken", (uint16_t)len);
		return;
	}
	for (; at < len; at += size) {
		const struct ag_sim_attribute *want = next > 0xffff
							  ? NULL
							  : expected(client, (uint16_t)next);

		if (!want || (task->opcode == 0x08 && want->guarded) ||
		    !is_same(task, want, pdu + at, size)) {
			wrong(client, "another entry than the visible one", ag_get_le16(pdu + at));
			return;
		}
		next = (want->end && task->opcode != 0x04 && task->opcode != 0x08 ? want->end
										  : want->handle) +
		       1u;
	}
	if (next > task->end)
		next_task(client);
	else
		client->next = (uint16_t)next;
}

static void take_list_error(struct ag_sim_client *client, uint16_t start, uint16_t handle,
			    uint8_t code)
{
	const struct ag_sim_attribute *want = expected(client, start);

	if (code == NOT_FOUND && want)
		wrong(client, "the end before the visible", want->handle);
	else if (code == NOT_FOUND && handle != start)
		wrong(client, "an error that names", handle);
	else if (code == AUTHENTICATION && (!want || !want->guarded || handle != want->handle))
		wrong(client, "authentication for", handle);
	else if (code != NOT_FOUND && code != AUTHENTICATION)
		wrong(client, "error", code);
	next_task(client);
}

/* With a service and a characteristic all is hidden that may lie in it. */
static bool is_hidden(const struct ag_sim_database *database, uint16_t handle)
{
	const struct ag_sim_attribute *before = NULL;
	const struct ag_sim_attribute *service;

	for (size_t i = 0; i < database->count && database->list[i].handle <= handle; i++)
		before = &database->list[i];
	if (!before || before->handle == handle)
		return before && before->hidden;
	service = &database->list[before->service];
	if (handle > service->end)
		return false;
	return service->hidden ||
	       (before->characteristic >= 0 && database->list[before->characteristic].hidden);
}

/* The error that a request by handle has to get, or 0. */
static uint8_t due_error(struct ag_sim_client *client, uint16_t *handle)
{
	bool set = client->request[0] == 0x0e || client->request[0] == 0x20;

	for (size_t i = 1; i + 2 <= (set ? client->request_len : 3); i += 2) {
		*handle = ag_get_le16(client->request + i);
		if (is_hidden(client->database, *handle))
			return INVALID_HANDLE;
	}
	for (size_t i = 1; i + 2 <= (set ? client->request_len : 3); i += 2) {
		const struct ag_sim_attribute *attribute;

		*handle = ag_get_le16(client->request + i);
		attribute = ag_sim_database_find(client->database, *handle);
		if (!attribute)
			return INVALID_HANDLE;
		if (attribute->guarded && !set)
			return AUTHENTICATION;
	}
	return 0;
}

static void take_single(struct ag_sim_client *client, const uint8_t *pdu, size_t len)
{
	const struct ag_sim_attribute *attribute;
	uint16_t handle = 0;
	uint8_t error = due_error(client, &handle);

	if (client->request[0] == 0x02)
		client->mtu = ag_get_le16(client->request + 1);
	else if (pdu[0] == 0x01 && (!error || ag_get_le16(pdu + 2) != handle || pdu[4] != error))
		wrong(client, "an error that names", ag_get_le16(pdu + 2));
	else if (pdu[0] != 0x01 && error)
		wrong(client, "an answer in place of the error for", handle);
	attribute = ag_sim_database_find(client->database, handle);
	if (pdu[0] == 0x0b && attribute &&
	    (len != 1u + attribute->len || memcmp(pdu + 1, attribute->value, attribute->len) != 0))
		wrong(client, "another value at", handle);
	next_task(client);
}

void ag_sim_client_take(struct ag_sim_client *client, const uint8_t *pdu, size_t len)
{
	uint16_t start = ag_get_le16(client->request + 1);
	uint8_t opcode = client->request[0];

	if (!client->asked) {
		ag_sim_fail(client->report, AG_SIM_SECOND_ANSWER, "client: opcode 0x%02x", pdu[0]);
		return;
	}
	client->asked = false;
	if (pdu[0] == 0x01 ? len != 5 || pdu[1] != opcode : pdu[0] != opcode + 1)
		ag_sim_fail(client->report, AG_SIM_WRONG_ANSWER, "client: 0x%02x to 0x%02x", pdu[0],
			    opcode);
	else if (!is_list(opcode))
		take_single(client, pdu, len);
	else if (pdu[0] == 0x01)
		take_list_error(client, start, ag_get_le16(pdu + 2), pdu[4]);
	else
		take_page(client, start, pdu, len);
}
