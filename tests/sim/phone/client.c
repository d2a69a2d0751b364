/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/att.h"
#include "tests/sim/phone/database.h"
#include "tests/sim/phone/faults.h"
#include "tests/sim/phone/gatt.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* How long a discovery waits for a refusal to cross before it goes by itself; a write does not. */
#define CROSSING_WAIT_MS 5000
#define LAST_HANDLE      0xffff

static void enter(struct phone *phone, enum phone_step step);

/* ---- Requests ---- */

static void ask_mtu(struct phone *phone)
{
	uint8_t pdu[3] = { AG_ATT_EXCHANGE_MTU_REQ };

	phone->client.own_mtu = true;
	ag_put_le16(pdu + 1, PHONE_MTU);
	phone_ask(phone, pdu, sizeof(pdu));
}

static void ask_list(struct phone *phone, uint8_t opcode, uint16_t start, uint16_t type)
{
	uint8_t pdu[7] = { opcode };

	ag_put_le16(pdu + 1, start);
	ag_put_le16(pdu + 3, LAST_HANDLE);
	ag_put_le16(pdu + 5, type);
	phone_ask(phone, pdu, sizeof(pdu));
}

static void ask_name(struct phone *phone)
{
	uint8_t pdu[3] = { AG_ATT_READ_REQ };

	ag_put_le16(pdu + 1, phone->client.name_handle);
	phone_ask(phone, pdu, sizeof(pdu));
}

/* Find Information about the one attribute behind the value of Service Changed. */
static void ask_descriptor(struct phone *phone)
{
	uint8_t pdu[5] = { AG_ATT_FIND_INFORMATION_REQ };

	ag_put_le16(pdu + 1, (uint16_t)(phone->client.changed_handle + 1));
	memcpy(pdu + 3, pdu + 1, 2);
	phone_ask(phone, pdu, sizeof(pdu));
}

static void ask_indications(struct phone *phone)
{
	uint8_t pdu[5] = { AG_ATT_WRITE_REQ, 0, 0, 0x02, 0x00 };

	ag_put_le16(pdu + 1, (uint16_t)(phone->client.changed_handle + 1));
	phone_ask(phone, pdu, sizeof(pdu));
}

static void ask_crossing(struct phone *phone)
{
	uint8_t pdu[4] = { AG_ATT_WRITE_REQ, 0, 0, 0x01 };

	if (phone->options.crossing == PHONE_CROSS_DISCOVER) {
		ask_list(phone, AG_ATT_READ_BY_GROUP_TYPE_REQ, 1, UUID_PRIMARY_SERVICE);
		return;
	}
	ag_put_le16(pdu + 1, phone->client.write_handle);
	phone_ask(phone, pdu, sizeof(pdu));
}

/* ---- Crossing ---- */

/* Send the crossing request and, right behind it, the refusal that waited for it. */
static void cross(struct phone *phone)
{
	struct phone_client *client = &phone->client;

	client->crossing_wanted = false;
	client->crossed = true;
	client->resume = client->step;
	client->step = PHONE_STEP_CROSSING;
	phone_report("crossing");
	ask_crossing(phone);
	if (phone->bearer->serving)
		phone_answer(phone, phone->bearer->held, phone->bearer->held_len);
}

static bool can_cross(const struct phone *phone)
{
	return !phone->bearer->asked && phone->link.up &&
	       (phone->options.crossing != PHONE_CROSS_WRITE || phone->client.write_handle);
}

bool phone_client_cross(struct phone *phone)
{
	struct phone_client *client = &phone->client;

	if (phone->options.crossing == PHONE_CROSS_NOTHING || client->crossed ||
	    client->step == PHONE_STEP_DEAD)
		return false;
	client->crossing_wanted = true;
	if (can_cross(phone))
		cross(phone);
	return true;
}

/* There is nothing to write to: what waits for the crossing request must not wait any longer. */
static void give_up_crossing(struct phone *phone)
{
	phone->client.crossed = true;
	phone->client.crossing_wanted = false;
	phone_report("nothing_to_write");
	if (phone->bearer->serving && !phone->options.silent)
		phone_answer(phone, phone->bearer->held, phone->bearer->held_len);
}

static void crossing_answered(struct phone *phone, const uint8_t *pdu, uint64_t latency_ms)
{
	phone->totals.crossing_ms = (long)latency_ms;
	phone_report_begin("crossing_answered");
	phone_report_number("opcode", pdu[0]);
	phone_report_number("latency_ms", (long)latency_ms);
	phone_report_end();
	enter(phone, phone->client.resume);
}

/* ---- Steps ---- */

static void ready(struct phone *phone)
{
	phone->client.next_read_ms = phone_now_ms() + phone->options.every_ms;
}

static void enter(struct phone *phone, enum phone_step step)
{
	struct phone_client *client = &phone->client;

	client->step = step;
	/* The crossing request goes first; its answer enters this step again. */
	if (client->crossing_wanted && can_cross(phone)) {
		cross(phone);
		return;
	}
	switch (step) {
	case PHONE_STEP_MTU:
		ask_mtu(phone);
		break;
	case PHONE_STEP_SERVICES:
		ask_list(phone, AG_ATT_READ_BY_GROUP_TYPE_REQ, client->next, UUID_PRIMARY_SERVICE);
		break;
	case PHONE_STEP_CHARACTERISTICS:
		ask_list(phone, AG_ATT_READ_BY_TYPE_REQ, client->next, UUID_CHARACTERISTIC);
		break;
	case PHONE_STEP_DESCRIPTOR:
		ask_descriptor(phone);
		break;
	case PHONE_STEP_SUBSCRIBE:
		ask_indications(phone);
		break;
	case PHONE_STEP_READ:
		ask_name(phone);
		break;
	case PHONE_STEP_READY:
		ready(phone);
		break;
	case PHONE_STEP_IDLE:
	case PHONE_STEP_CROSSING:
	case PHONE_STEP_FUZZ:
	case PHONE_STEP_DEAD:
		break;
	}
}

static void begin(struct phone *phone)
{
	/* Only the fixed bearer has an MTU to exchange. */
	if (!phone->options.exchange_mtu)
		phone->bearer = phone_eatt_next(phone);
	enter(phone, phone->options.exchange_mtu ? PHONE_STEP_MTU : PHONE_STEP_SERVICES);
}

void phone_client_start(struct phone *phone)
{
	phone->client = (struct phone_client){ .next = 1 };
	if (phone->options.eatt)
		return;
	if (phone->options.ask_after_ms)
		phone->client.start_ms = phone->link.since_ms + phone->options.ask_after_ms;
	else
		begin(phone);
}

void phone_client_begin(struct phone *phone)
{
	if (phone->options.eatt && phone->client.step == PHONE_STEP_IDLE)
		begin(phone);
}

void phone_client_forsake(struct phone *phone, const struct phone_bearer *bearer)
{
	if (phone->bearer != bearer)
		return;
	phone->bearer = &phone->fixed;
	if (bearer->asked)
		enter(phone, PHONE_STEP_READY);
}

static void services_done(struct phone *phone)
{
	phone_report_begin("services");
	phone_report_number("count", phone->client.services);
	phone_report_end();
	phone->client.next = 1;
	enter(phone, PHONE_STEP_CHARACTERISTICS);
}

static void characteristics_done(struct phone *phone)
{
	struct phone_client *client = &phone->client;

	phone_report_begin("characteristics");
	phone_report_number("count", client->characteristics);
	phone_report_number("name_handle", client->name_handle);
	phone_report_number("write_handle", client->write_handle);
	phone_report_end();
	if (phone->options.crossing == PHONE_CROSS_WRITE && !client->write_handle)
		give_up_crossing(phone);
	if (phone->options.subscribe && client->changed_handle)
		enter(phone, PHONE_STEP_DESCRIPTOR);
	else
		enter(phone, client->name_handle ? PHONE_STEP_READ : PHONE_STEP_READY);
}

static void descriptor_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (len == 6 && pdu[0] == AG_ATT_FIND_INFORMATION_RSP && pdu[1] == 1 &&
	    ag_get_le16(pdu + 4) == UUID_CLIENT_CONFIGURATION)
		enter(phone, PHONE_STEP_SUBSCRIBE);
	else
		enter(phone, PHONE_STEP_READY);
}

static void subscribed(struct phone *phone, const uint8_t *pdu)
{
	if (pdu[0] == AG_ATT_WRITE_RSP)
		phone_report("subscribed");
	enter(phone, PHONE_STEP_READY);
}

static void service_entry(struct phone *phone, struct ag_cursor *entry)
{
	uint16_t start = ag_pull_le16(entry);
	uint16_t end = ag_pull_le16(entry);

	phone->client.services++;
	phone->client.next = (uint16_t)(end + 1);
	phone_report_begin("service");
	phone_report_number("start", start);
	phone_report_number("end", end);
	phone_report_hex("uuid_le", entry->at, entry->left);
	phone_report_end();
}

/* Characteristic declaration (Vol 3 Part G, 3.3.1). What may be written to is one of an
 * application's own: those that a specification defines have 16-bit UUIDs and a meaning. */
static void characteristic_entry(struct phone *phone, struct ag_cursor *entry)
{
	struct phone_client *client = &phone->client;
	uint16_t handle = ag_pull_le16(entry);
	uint8_t properties = ag_pull_u8(entry);
	uint16_t value_handle = ag_pull_le16(entry);
	struct phone_uuid uuid = phone_uuid(entry->at, entry->left);

	client->characteristics++;
	client->next = (uint16_t)(handle + 1);
	if (phone_uuid_is(&uuid, UUID_DEVICE_NAME))
		client->name_handle = value_handle;
	if (phone_uuid_is(&uuid, UUID_SERVICE_CHANGED))
		client->changed_handle = value_handle;
	if (uuid.len == 16 && properties & PROP_WRITE && !client->write_handle)
		client->write_handle = value_handle;
}

/* A list's entries, all of one length behind the opcode. `longest` is an entry with a 128-bit UUID.
 */
static bool take_list(struct phone *phone, const uint8_t *pdu, size_t len, size_t longest,
		      void (*entry_in)(struct phone *, struct ag_cursor *))
{
	struct ag_cursor list = ag_cursor(pdu + 1, len - 1);
	size_t entry_len = ag_pull_u8(&list);

	if ((entry_len != longest && entry_len != longest - 14) || !list.left ||
	    list.left % entry_len) {
		phone_violation(phone, "a malformed list", pdu, len);
		return false;
	}
	while (list.left) {
		struct ag_cursor entry = ag_cursor(ag_pull(&list, entry_len), entry_len);

		entry_in(phone, &entry);
	}
	return true;
}

static void services_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (pdu[0] == AG_ATT_ERROR_RSP || !take_list(phone, pdu, len, 20, service_entry) ||
	    !phone->client.next)
		services_done(phone);
	else
		enter(phone, PHONE_STEP_SERVICES);
}

static void characteristics_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (pdu[0] == AG_ATT_ERROR_RSP || !take_list(phone, pdu, len, 21, characteristic_entry) ||
	    !phone->client.next)
		characteristics_done(phone);
	else
		enter(phone, PHONE_STEP_CHARACTERISTICS);
}

static void name_in(struct phone *phone, const uint8_t *pdu, size_t len, uint64_t latency_ms)
{
	phone_report_begin("read");
	phone_report_number("opcode", pdu[0]);
	phone_report_number("latency_ms", (long)latency_ms);
	phone_report_number("cid", phone->bearer->cid);
	phone_report_hex("value", pdu + 1, len - 1);
	phone_report_end();
	if (pdu[0] == AG_ATT_READ_RSP)
		phone->totals.reads++;
	enter(phone, PHONE_STEP_READY);
}

void phone_client_answer(struct phone *phone, const uint8_t *pdu, size_t len, uint64_t latency_ms)
{
	if (latency_ms > phone->totals.slowest_ms)
		phone->totals.slowest_ms = (unsigned int)latency_ms;
	switch (phone->client.step) {
	case PHONE_STEP_MTU:
		/* What has waited for this is an exchange of the other side's. */
		if (phone->bearer->serving && !phone->options.silent)
			phone_answer(phone, phone->bearer->held, phone->bearer->held_len);
		enter(phone, PHONE_STEP_SERVICES);
		break;
	case PHONE_STEP_SERVICES:
		services_in(phone, pdu, len);
		break;
	case PHONE_STEP_CHARACTERISTICS:
		characteristics_in(phone, pdu, len);
		break;
	case PHONE_STEP_DESCRIPTOR:
		descriptor_in(phone, pdu, len);
		break;
	case PHONE_STEP_SUBSCRIBE:
		subscribed(phone, pdu);
		break;
	case PHONE_STEP_READ:
		name_in(phone, pdu, len, latency_ms);
		break;
	case PHONE_STEP_FUZZ:
		enter(phone, PHONE_STEP_READY);
		break;
	case PHONE_STEP_CROSSING:
		crossing_answered(phone, pdu, latency_ms);
		break;
	case PHONE_STEP_IDLE:
	case PHONE_STEP_READY:
	case PHONE_STEP_DEAD:
		break;
	}
}

void phone_client_ask(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (phone->client.step != PHONE_STEP_READY || phone->bearer->asked)
		return;
	phone->client.step = PHONE_STEP_FUZZ;
	phone_ask(phone, pdu, len);
}

/* ---- Time ---- */

/* Vol 3 Part F, 3.3.3: nothing may be sent on the bearer any more; a phone ends the link. */
static void timed_out(struct phone *phone)
{
	phone->client.step = PHONE_STEP_DEAD;
	phone_report_begin("att_timeout");
	phone_report_number("opcode", phone->bearer->asked);
	phone_report_end();
	phone_hang_up(phone);
}

/* Whether there is one more request that breaks its format, which is on its way now. */
static bool ask_malformed(struct phone *phone)
{
	const uint8_t *pdu;
	size_t len;

	if (!(phone_faults(phone) >> PHONE_FAULT_MALFORMED_ASKING & 1))
		return false;
	pdu = phone_malformed_request(phone->client.malformed, &len);
	if (!pdu)
		return false;
	phone->client.malformed++;
	phone_client_ask(phone, pdu, len);
	return true;
}

static uint64_t when_ready(struct phone *phone, uint64_t now_ms)
{
	struct phone_client *client = &phone->client;
	uint64_t crossing_due = UINT64_MAX;

	if (phone->options.crossing == PHONE_CROSS_DISCOVER && !client->crossed) {
		crossing_due = phone->link.since_ms + CROSSING_WAIT_MS;
		if (now_ms >= crossing_due && phone_client_cross(phone))
			return now_ms + PHONE_ATT_TIMEOUT_MS;
	}
	if (ask_malformed(phone))
		return now_ms + PHONE_ATT_TIMEOUT_MS;
	if (!client->name_handle)
		return crossing_due;
	if (now_ms >= client->next_read_ms) {
		phone->bearer = phone_eatt_next(phone);
		enter(phone, PHONE_STEP_READ);
		return now_ms + PHONE_ATT_TIMEOUT_MS;
	}
	return crossing_due < client->next_read_ms ? crossing_due : client->next_read_ms;
}

uint64_t phone_client_tick(struct phone *phone, uint64_t now_ms)
{
	uint64_t due;

	if (!phone->link.up || phone->client.step == PHONE_STEP_DEAD)
		return UINT64_MAX;
	if (phone->client.step == PHONE_STEP_READY)
		return when_ready(phone, now_ms);
	if (phone->client.step == PHONE_STEP_IDLE && phone->client.start_ms) {
		if (now_ms < phone->client.start_ms)
			return phone->client.start_ms;
		begin(phone);
		return now_ms + PHONE_ATT_TIMEOUT_MS;
	}
	if (!phone->bearer->asked)
		return UINT64_MAX;
	due = phone->bearer->asked_ms + PHONE_ATT_TIMEOUT_MS;
	if (now_ms < due)
		return due;
	timed_out(phone);
	return UINT64_MAX;
}
