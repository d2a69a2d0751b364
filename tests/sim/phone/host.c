/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "tests/sim/phone/crypto.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* Opcodes of Vol 4 Part E, 7, that the phone sends, beside those of proxy/wire/hci.h. */
enum {
	CMD_SET_EVENT_MASK = 0x0c01,
	CMD_WRITE_LE_HOST_SUPPORT = 0x0c6d,
	CMD_READ_BD_ADDR = 0x1009,
	CMD_LE_SET_EVENT_MASK = 0x2001,
	CMD_LE_SET_RANDOM_ADDRESS = 0x2005,
	CMD_LE_READ_LOCAL_FEATURES = 0x2003,
	CMD_LE_SET_ADV_PARAMETERS = 0x2006,
	CMD_LE_SET_ADV_DATA = 0x2008,
	CMD_LE_SET_ADV_ENABLE = 0x200a,
	CMD_LE_SET_SCAN_PARAMETERS = 0x200b,
	CMD_LE_SET_SCAN_ENABLE = 0x200c,
	CMD_LE_CREATE_CONNECTION = 0x200d,
	CMD_LE_ENABLE_ENCRYPTION = 0x2019,
	CMD_LE_LTK_NEGATIVE_REPLY = 0x201b,
	CMD_LE_SET_EXT_ADV_PARAMETERS = 0x2036,
	CMD_LE_SET_EXT_ADV_DATA = 0x2037,
	CMD_LE_SET_EXT_ADV_ENABLE = 0x2039,
	CMD_LE_SET_EXT_SCAN_PARAMETERS = 0x2041,
	CMD_LE_SET_EXT_SCAN_ENABLE = 0x2042,
	CMD_LE_EXT_CREATE_CONNECTION = 0x2043,
};

/* Events beside those of proxy/wire/hci.h. */
enum {
	EVT_HARDWARE_ERROR = 0x10,
	EVT_ENCRYPTION_KEY_REFRESH = 0x30,
	SUB_ADVERTISING_REPORT = 0x02,
	SUB_LTK_REQUEST = 0x05,
	SUB_EXT_ADVERTISING_REPORT = 0x0d,
};

/* Vol 1 Part F, 2.2. */
#define UNKNOWN_CONNECTION 0x02
/* LE Feature "LE Extended Advertising" (Vol 6 Part B, 4.6). */
#define FEATURE_EXT_ADV    (1u << 12)
#define COMMAND_TIMEOUT_MS 20000

static const uint8_t event_mask[] = { 0xff, 0xff, 0xfb, 0xff, 0x07, 0xf8, 0xbf, 0x3d };
/* Connection, report, update, features, LTK; enhanced connection, extended report, set terminated.
 */
static const uint8_t le_event_mask[] = { 0x1f, 0x12, 0x02, 0, 0, 0, 0, 0 };

/* Flags, the Battery service, a name. */
static const uint8_t sensor_advertisement[] = { 0x02, 0x01, 0x06, 0x03, 0x03, 0x0f, 0x18, 0x07,
						0x09, 'S',  'e',  'n',  's',  'o',  'r' };

static void send_first_command(struct phone *phone)
{
	struct phone_host *host = &phone->host;
	const struct phone_command *command = &host->queue[host->first];
	uint8_t packet[4 + sizeof(command->data)] = { AG_H4_COMMAND };

	if (host->waiting || !host->count)
		return;
	ag_put_le16(packet + 1, command->opcode);
	packet[3] = command->len;
	memcpy(packet + 4, command->data, command->len);
	host->waiting = true;
	host->command_due_ms = phone_now_ms() + COMMAND_TIMEOUT_MS;
	phone_write(phone, packet, 4u + command->len);
}

void phone_command(struct phone *phone, uint16_t opcode, const void *data, size_t len)
{
	struct phone_host *host = &phone->host;
	struct phone_command *command;

	if (host->count == PHONE_COMMANDS || len > sizeof(command->data)) {
		phone->failure = ENOBUFS;
		return;
	}
	command = &host->queue[(host->first + host->count++) % PHONE_COMMANDS];
	command->opcode = opcode;
	command->len = (uint8_t)len;
	if (len)
		memcpy(command->data, data, len);
	send_first_command(phone);
}

void phone_start(struct phone *phone)
{
	static const uint8_t le_host[] = { 1, 0 };

	ag_random_fill(&phone->random, phone->host.identity_key, sizeof(phone->host.identity_key));
	phone_command(phone, AG_HCI_RESET, NULL, 0);
	phone_command(phone, CMD_SET_EVENT_MASK, event_mask, sizeof(event_mask));
	phone_command(phone, CMD_WRITE_LE_HOST_SUPPORT, le_host, sizeof(le_host));
	phone_command(phone, CMD_READ_BD_ADDR, NULL, 0);
	phone_command(phone, AG_HCI_READ_BUFFER_SIZE, NULL, 0);
	phone_command(phone, AG_HCI_LE_READ_BUFFER_SIZE, NULL, 0);
	phone_command(phone, CMD_LE_SET_EVENT_MASK, le_event_mask, sizeof(le_event_mask));
	phone_command(phone, CMD_LE_READ_LOCAL_FEATURES, NULL, 0);
}

void phone_hang_up(struct phone *phone)
{
	uint8_t data[3] = { 0, 0, AG_HCI_REMOTE_USER_TERMINATED };

	ag_put_le16(data, phone->link.handle);
	phone_command(phone, AG_HCI_DISCONNECT, data, sizeof(data));
}

void phone_encrypt(struct phone *phone, const uint8_t random[8], const uint8_t diversifier[2],
		   const uint8_t key[16])
{
	uint8_t data[28];

	ag_put_le16(data, phone->link.handle);
	memcpy(data + 2, random, 8);
	memcpy(data + 10, diversifier, 2);
	memcpy(data + 12, key, 16);
	phone_command(phone, CMD_LE_ENABLE_ENCRYPTION, data, sizeof(data));
}

/* ---- Central: look for a peripheral and connect to it ---- */

static void scan(struct phone *phone, bool on)
{
	/* 7.8.10, 7.8.64: passive, 60 ms of every 60 ms, own address public, all advertisers. */
	static const uint8_t parameters[] = { 0x00, 0x60, 0x00, 0x60, 0x00, 0x00, 0x00 };
	static const uint8_t ext_parameters[] = { 0x00, 0x00, 0x01, 0x00, 0x60, 0x00, 0x60, 0x00 };
	uint8_t enable[6] = { on };

	if (phone->host.extended) {
		if (on)
			phone_command(phone, CMD_LE_SET_EXT_SCAN_PARAMETERS, ext_parameters,
				      sizeof(ext_parameters));
		phone_command(phone, CMD_LE_SET_EXT_SCAN_ENABLE, enable, 6);
		return;
	}
	if (on)
		phone_command(phone, CMD_LE_SET_SCAN_PARAMETERS, parameters, sizeof(parameters));
	phone_command(phone, CMD_LE_SET_SCAN_ENABLE, enable, 2);
}

static void connect_to(struct phone *phone, uint8_t type, const uint8_t *address)
{
	/* Scan interval and window; then interval 30 to 50 ms, latency 0, supervision time-out
	 * 7.2 s as iOS uses it, connection event length left open. */
	static const uint8_t scanning[] = { 0x60, 0x00, 0x60, 0x00 };
	static const uint8_t timing[] = { 0x18, 0x00, 0x28, 0x00, 0x00, 0x00,
					  0xd0, 0x02, 0x00, 0x00, 0x00, 0x00 };
	uint8_t data[32] = { 0 };

	phone->host.connecting = true;
	phone->host.peer_type = type;
	memcpy(phone->host.peer, address, 6);
	scan(phone, false);
	if (phone->host.extended) { /* 7.8.66 */
		data[1] = phone->host.address_type;
		data[2] = type;
		memcpy(data + 3, address, 6);
		data[9] = 0x01; /* LE 1M */
		memcpy(data + 10, scanning, sizeof(scanning));
		memcpy(data + 14, timing, sizeof(timing));
		phone_command(phone, CMD_LE_EXT_CREATE_CONNECTION, data, 26);
		return;
	}
	memcpy(data, scanning, sizeof(scanning)); /* 7.8.12 */
	data[5] = type;
	memcpy(data + 6, address, 6);
	data[12] = phone->host.address_type;
	memcpy(data + 13, timing, sizeof(timing));
	phone_command(phone, CMD_LE_CREATE_CONNECTION, data, 25);
}

static void advertiser(struct phone *phone, uint8_t type, const uint8_t *address)
{
	struct ag_cursor cursor = ag_cursor(address, 6);
	uint64_t number = ag_pull_bdaddr(&cursor);

	if (phone->host.connecting || phone->link.up || phone->options.sensor)
		return;
	if (phone->options.has_peer && phone->options.peer != number)
		return;
	phone_report_begin("advertiser");
	phone_report_hex("address_le", address, 6);
	phone_report_end();
	connect_to(phone, type, address);
}

/* 7.7.65.2 */
static void advertising_report(struct phone *phone, struct ag_cursor *cursor)
{
	for (uint8_t n = ag_pull_u8(cursor); n; n--) {
		uint8_t event = ag_pull_u8(cursor);
		uint8_t type = ag_pull_u8(cursor);
		const uint8_t *address = ag_pull(cursor, 6);

		ag_pull(cursor, ag_pull_u8(cursor) + 1u);
		if (cursor->failed)
			return;
		if (event == 0x00) /* ADV_IND */
			advertiser(phone, type, address);
	}
}

/* 7.7.65.13 */
static void ext_advertising_report(struct phone *phone, struct ag_cursor *cursor)
{
	for (uint8_t n = ag_pull_u8(cursor); n; n--) {
		uint16_t event = ag_pull_le16(cursor);
		uint8_t type = ag_pull_u8(cursor);
		const uint8_t *address = ag_pull(cursor, 6);

		ag_pull(cursor, 14); /* PHYs, SID, powers, interval, direct address */
		ag_pull(cursor, ag_pull_u8(cursor));
		if (cursor->failed)
			return;
		if ((event & 0x0001) && !(event & 0x0008)) /* connectable, no scan response */
			advertiser(phone, type, address);
	}
}

/* ---- Sensor: advertise ---- */

static void advertise(struct phone *phone)
{
	/* 7.8.5: 100 ms, connectable undirected, public, all three channels */
	static const uint8_t parameters[15] = { 0xa0, 0, 0xa0, 0, [13] = 0x07 };
	/* 7.8.53: set 1, legacy ADV_IND, the same otherwise, no preference of power, LE 1M */
	static const uint8_t ext_parameters[25] = { 1, 0x13, 0, 0xa0,        0,    0,          0xa0,
						    0, 0,    7, [19] = 0x7f, 0x01, [22] = 0x01 };
	static const uint8_t ext_enable[] = { 1, 1, 1, 0, 0, 0 };
	static const uint8_t enable[] = { 1 };
	uint8_t data[36] = { 0 };

	if (phone->host.extended) {
		data[0] = 1;    /* set */
		data[1] = 0x03; /* complete data */
		data[2] = 0x01; /* not to be fragmented */
		data[3] = sizeof(sensor_advertisement);
		memcpy(data + 4, sensor_advertisement, sizeof(sensor_advertisement));
		phone_command(phone, CMD_LE_SET_EXT_ADV_PARAMETERS, ext_parameters,
			      sizeof(ext_parameters));
		phone_command(phone, CMD_LE_SET_EXT_ADV_DATA, data,
			      4 + sizeof(sensor_advertisement));
		phone_command(phone, CMD_LE_SET_EXT_ADV_ENABLE, ext_enable, sizeof(ext_enable));
		return;
	}
	data[0] = sizeof(sensor_advertisement);
	memcpy(data + 1, sensor_advertisement, sizeof(sensor_advertisement));
	phone_command(phone, CMD_LE_SET_ADV_PARAMETERS, parameters, sizeof(parameters));
	phone_command(phone, CMD_LE_SET_ADV_DATA, data, 32);
	phone_command(phone, CMD_LE_SET_ADV_ENABLE, enable, sizeof(enable));
}

/* A static random address (Vol 6 Part B, 1.3.2.1): to the peripheral we are another phone. Or a
 * resolvable private one (1.3.2.2): who has the key knows us again. */
static void change_address(struct phone *phone)
{
	struct phone_host *host = &phone->host;

	host->address_type = 1;
	ag_random_fill(&phone->random, host->address, sizeof(host->address));
	if (phone->options.private) {
		host->address[5] = (uint8_t)((host->address[5] & 0x3f) | 0x40);
		phone_ah(host->identity_key, host->address + 3, host->address);
	} else {
		host->address[5] |= 0xc0;
		phone->bond.known = false;
	}
	phone_command(phone, CMD_LE_SET_RANDOM_ADDRESS, host->address, sizeof(host->address));
}

void phone_look_for_peer(struct phone *phone)
{
	if (phone->options.new_address || phone->options.private)
		change_address(phone);
	if (phone->options.sensor)
		advertise(phone);
	else
		scan(phone, true);
}

/* ---- Events ---- */

/* 7.7.65.1 and 7.7.65.10 begin alike. */
static void connection_complete(struct phone *phone, struct ag_cursor *cursor)
{
	uint8_t status = ag_pull_u8(cursor);
	uint16_t handle = ag_pull_le16(cursor) & 0x0fff;

	phone->host.connecting = false;
	if (cursor->failed)
		return;
	if (status) {
		phone_report_begin("connection_failed");
		phone_report_number("status", status);
		phone_report_end();
		phone_look_for_peer(phone);
		return;
	}
	phone_link_up(phone, handle);
}

static void buffer_size(struct phone *phone, uint16_t opcode, struct ag_cursor *cursor)
{
	uint16_t len = ag_pull_le16(cursor);
	uint16_t count;

	if (opcode == AG_HCI_READ_BUFFER_SIZE)
		ag_pull_u8(cursor); /* SCO length */
	count = opcode == AG_HCI_READ_BUFFER_SIZE ? ag_pull_le16(cursor) : ag_pull_u8(cursor);
	/* 7.8.2: no buffers of LE's own means that the others are shared */
	if (cursor->failed || !len || !count)
		return;
	phone->link.acl_len = len;
	phone->link.acl_count = count;
}

static void returned(struct phone *phone, uint16_t opcode, struct ag_cursor *cursor)
{
	if (opcode == AG_HCI_READ_BUFFER_SIZE || opcode == AG_HCI_LE_READ_BUFFER_SIZE)
		buffer_size(phone, opcode, cursor);
	if (opcode == CMD_READ_BD_ADDR && cursor->left >= 6) {
		memcpy(phone->host.address, cursor->at, 6);
		memcpy(phone->host.identity, cursor->at, 6);
	}
	if (opcode == CMD_LE_READ_LOCAL_FEATURES) {
		phone->host.extended = ag_pull_le32(cursor) & FEATURE_EXT_ADV;
		phone->fuzz_end_ms = phone_now_ms() + phone->options.fuzz_ms;
		phone_report_begin("ready");
		phone_report_number("acl_len", phone->link.acl_len);
		phone_report_number("acl_count", phone->link.acl_count);
		phone_report_end();
		phone_look_for_peer(phone);
	}
	if (opcode == CMD_LE_SET_EXT_ADV_ENABLE || opcode == CMD_LE_SET_ADV_ENABLE)
		phone_report("advertising");
}

static void command_done(struct phone *phone, uint16_t opcode, uint8_t status,
			 struct ag_cursor *cursor)
{
	struct phone_host *host = &phone->host;

	if (!host->waiting || host->queue[host->first].opcode != opcode)
		return;
	host->first = (host->first + 1) % PHONE_COMMANDS;
	host->count--;
	host->waiting = false;
	if (status) {
		phone_report_begin("command_failed");
		phone_report_number("opcode", opcode);
		phone_report_number("status", status);
		phone_report_end();
	}
	if (status &&
	    (opcode == CMD_LE_CREATE_CONNECTION || opcode == CMD_LE_EXT_CREATE_CONNECTION))
		host->connecting = false;
	if (status && opcode == CMD_LE_ENABLE_ENCRYPTION)
		phone_smp_encrypted(phone, status, false);
	if (cursor && !status)
		returned(phone, opcode, cursor);
	send_first_command(phone);
}

static void long_term_key_request(struct phone *phone, struct ag_cursor *cursor)
{
	const uint8_t *handle = ag_pull(cursor, 2);

	if (handle)
		phone_command(phone, CMD_LE_LTK_NEGATIVE_REPLY, handle, 2);
}

static void le_meta(struct phone *phone, struct ag_cursor *cursor)
{
	switch (ag_pull_u8(cursor)) {
	case AG_LE_CONNECTION_COMPLETE:
	case AG_LE_ENHANCED_CONNECTION_COMPLETE:
		connection_complete(phone, cursor);
		break;
	case SUB_ADVERTISING_REPORT:
		advertising_report(phone, cursor);
		break;
	case SUB_EXT_ADVERTISING_REPORT:
		ext_advertising_report(phone, cursor);
		break;
	case SUB_LTK_REQUEST:
		long_term_key_request(phone, cursor);
		break;
	default:
		break;
	}
}

static void completed_packets(struct phone *phone, struct ag_cursor *cursor)
{
	for (uint8_t n = ag_pull_u8(cursor); n; n--) {
		uint16_t handle = ag_pull_le16(cursor) & 0x0fff;
		uint16_t count = ag_pull_le16(cursor);

		if (!cursor->failed && phone->link.up && handle == phone->link.handle)
			phone_completed(phone, count);
	}
}

static void disconnection_complete(struct phone *phone, struct ag_cursor *cursor)
{
	uint8_t status = ag_pull_u8(cursor);
	uint16_t handle = ag_pull_le16(cursor) & 0x0fff;
	uint8_t reason = ag_pull_u8(cursor);

	if (cursor->failed || !phone->link.up)
		return;
	/* btvirt forgets the link of a controller whose other end was reset, and tells nobody */
	if (status == UNKNOWN_CONNECTION && phone->ending)
		phone_link_down(phone, status);
	else if (!status && handle == phone->link.handle)
		phone_link_down(phone, reason);
}

/* 7.7.8; 7.7.39, which has no third octet: what is refreshed was on and stays so */
static void encryption_change(struct phone *phone, struct ag_cursor *cursor, bool refresh)
{
	uint8_t status = ag_pull_u8(cursor);
	uint16_t handle = ag_pull_le16(cursor) & 0x0fff;
	bool on = refresh || ag_pull_u8(cursor);

	if (!cursor->failed && phone->link.up && handle == phone->link.handle)
		phone_smp_encrypted(phone, status, on);
}

static void event(struct phone *phone, struct ag_cursor *cursor)
{
	uint8_t code = ag_pull_u8(cursor);
	uint16_t opcode;
	uint8_t status;

	ag_pull_u8(cursor); /* length; the transport's framing has used it */
	switch (code) {
	case AG_EVT_COMMAND_COMPLETE:
		ag_pull_u8(cursor); /* command credits: one at a time goes out anyway */
		opcode = ag_pull_le16(cursor);
		status = ag_pull_u8(cursor);
		command_done(phone, opcode, status, cursor);
		break;
	case AG_EVT_COMMAND_STATUS:
		status = ag_pull_u8(cursor);
		ag_pull_u8(cursor);
		command_done(phone, ag_pull_le16(cursor), status, NULL);
		break;
	case AG_EVT_LE_META:
		le_meta(phone, cursor);
		break;
	case AG_EVT_NUMBER_OF_COMPLETED:
		completed_packets(phone, cursor);
		break;
	case AG_EVT_DISCONNECTION_COMPLETE:
		disconnection_complete(phone, cursor);
		break;
	case AG_EVT_ENCRYPTION_CHANGE:
	case EVT_ENCRYPTION_KEY_REFRESH:
		encryption_change(phone, cursor, code == EVT_ENCRYPTION_KEY_REFRESH);
		break;
	case EVT_HARDWARE_ERROR:
		phone->failure = EIO;
		break;
	default:
		break;
	}
}

void phone_packet(struct phone *phone, const uint8_t *packet, size_t len)
{
	struct ag_cursor cursor = ag_cursor(packet, len);

	switch (ag_pull_u8(&cursor)) {
	case AG_H4_EVENT:
		event(phone, &cursor);
		break;
	case AG_H4_ACL:
		phone_acl_in(phone, packet, len);
		break;
	default:
		break;
	}
}
