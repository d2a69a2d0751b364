/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/l2cap.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* ---- Up and down ---- */

void phone_link_up(struct phone *phone, uint16_t handle)
{
	struct phone_link *link = &phone->link;

	link->up = true;
	link->encrypted = false;
	link->handle = handle;
	link->number++;
	link->since_ms = phone_now_ms();
	link->in_flight = 0;
	link->out_first = link->out_count = 0;
	link->in_len = link->in_total = 0;
	phone_report_begin("connected");
	phone_report_number("handle", handle);
	phone_report_number("link", link->number);
	phone_report_end();
	phone_bearer_up(phone);
	phone_eatt_up(phone);
	if (!phone->options.sensor) {
		phone_smp_start(phone);
		phone_client_start(phone);
	}
}

/* The next link, if there is to be one: at once, or when a signal says so. */
static void go_on(struct phone *phone)
{
	const struct phone_options *options = &phone->options;

	phone->ending = false;
	if (options->fuzz ? phone_now_ms() >= phone->fuzz_end_ms
			  : phone->link.number >= options->links)
		phone->done = true;
	else if (options->signalled)
		phone->idle = true;
	else
		phone_look_for_peer(phone);
}

/* That the phone has ended it itself has been told. */
static void tell_end(struct phone *phone, uint8_t reason)
{
	if (phone->ending)
		return;
	phone->totals.lived_ms = (long)(phone_now_ms() - phone->link.since_ms);
	phone->totals.disconnect_reason = reason;
	phone_report_begin("disconnected");
	phone_report_number("reason", reason);
	phone_report_number("lived_ms", phone->totals.lived_ms);
	phone_report_end();
}

void phone_link_down(struct phone *phone, uint8_t reason)
{
	phone->link.up = false;
	phone->down_ms = phone_now_ms();
	tell_end(phone, reason);
	go_on(phone);
}

/* ---- Out ---- */

static void send_fragment(struct phone *phone, struct phone_frame *frame)
{
	struct phone_link *link = &phone->link;
	uint8_t packet[AG_ACL_HEADER + PHONE_L2CAP_MAX];
	enum ag_acl_pb pb = frame->sent ? AG_PB_CONTINUING : AG_PB_FIRST_NON_FLUSHABLE;
	uint16_t len = (uint16_t)(frame->len - frame->sent);

	if (len > link->acl_len)
		len = link->acl_len;
	ag_acl_put_header(packet, link->handle, pb, len);
	memcpy(packet + AG_ACL_HEADER, frame->data + frame->sent, len);
	frame->sent = (uint16_t)(frame->sent + len);
	link->in_flight++;
	phone_write(phone, packet, (size_t)AG_ACL_HEADER + len);
}

static void send_what_fits(struct phone *phone)
{
	struct phone_link *link = &phone->link;

	while (link->out_count && link->in_flight < link->acl_count) {
		struct phone_frame *frame = &link->out[link->out_first];

		send_fragment(phone, frame);
		if (frame->sent == frame->len) {
			link->out_first = (link->out_first + 1) % PHONE_FRAMES;
			link->out_count--;
		}
	}
}

void phone_completed(struct phone *phone, uint16_t count)
{
	struct phone_link *link = &phone->link;

	if (count > link->in_flight) {
		phone_violation(phone, "more packets completed than were sent", NULL, 0);
		count = link->in_flight;
	}
	link->in_flight = (uint16_t)(link->in_flight - count);
	send_what_fits(phone);
	phone_eatt_go_on(phone);
}

void phone_l2cap_send(struct phone *phone, uint16_t cid, const uint8_t *data, size_t len)
{
	struct phone_link *link = &phone->link;
	struct phone_frame *frame;

	if (!link->up)
		return;
	if (link->out_count == PHONE_FRAMES || 4 + len > sizeof(frame->data)) {
		phone->failure = ENOBUFS;
		return;
	}
	frame = &link->out[(link->out_first + link->out_count++) % PHONE_FRAMES];
	ag_put_le16(frame->data, (uint16_t)len);
	ag_put_le16(frame->data + 2, cid);
	memcpy(frame->data + 4, data, len);
	frame->len = (uint16_t)(4 + len);
	frame->sent = 0;
	send_what_fits(phone);
}

/* ---- In ---- */

/* Refuse whatever is asked for by signalling (Vol 3 Part A, 4). */
static void signalling_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct ag_cursor cursor = ag_cursor(pdu, len);
	uint8_t code = ag_pull_u8(&cursor);
	uint8_t answer[14] = { 0, ag_pull_u8(&cursor) };
	uint16_t answer_len = 2;

	if (cursor.failed)
		return;
	switch (code) {
	case 0x12: /* Connection Parameter Update Request: rejected */
		answer[0] = 0x13;
		answer[4] = 0x01;
		break;
	case 0x14: /* LE Credit Based Connection Request: SPSM not supported */
		answer[0] = 0x15;
		answer[12] = 0x02;
		answer_len = 10;
		break;
	case 0x01: /* answers and credits need no answer */
	case 0x07:
	case 0x13:
	case 0x15:
	case 0x1a:
		return;
	default: /* Command Reject: command not understood */
		answer[0] = 0x01;
		break;
	}
	ag_put_le16(answer + 2, answer_len);
	phone_l2cap_send(phone, AG_CID_LE_SIGNALLING, answer, 4u + answer_len);
}

static void l2cap_in(struct phone *phone, const uint8_t *packet, size_t len)
{
	switch (ag_get_le16(packet + 2)) {
	case AG_CID_ATT:
		phone_att_in(phone, &phone->fixed, packet + 4, len - 4);
		break;
	case AG_CID_LE_SIGNALLING:
		if (!phone_eatt_signalled(phone, packet + 4, len - 4))
			signalling_in(phone, packet + 4, len - 4);
		break;
	case AG_CID_SMP:
		phone_smp_in(phone, packet + 4, len - 4);
		break;
	default:
		if (phone_eatt_in(phone, ag_get_le16(packet + 2), packet + 4, len - 4))
			break;
		phone_violation(phone, "a packet on a channel that does not exist", packet, len);
		break;
	}
}

/* Take the octets of one fragment and give the packet away when it is whole. */
static void gather(struct phone *phone, const uint8_t *data, size_t len)
{
	struct phone_link *link = &phone->link;

	if (link->in_len + len > sizeof(link->in)) {
		phone_violation(phone, "an L2CAP packet longer than any MTU", data, len);
		link->in_len = link->in_total = 0;
		return;
	}
	memcpy(link->in + link->in_len, data, len);
	link->in_len += len;
	if (link->in_len >= 4)
		link->in_total = 4u + ag_get_le16(link->in);
	if (link->in_len < 4 || link->in_len < link->in_total)
		return;
	if (link->in_len > link->in_total)
		phone_violation(phone, "more octets than the L2CAP length says", link->in,
				link->in_len);
	else
		l2cap_in(phone, link->in, link->in_len);
	link->in_len = link->in_total = 0;
}

void phone_acl_in(struct phone *phone, const uint8_t *packet, size_t len)
{
	struct phone_link *link = &phone->link;
	struct ag_acl acl;

	if (!ag_acl_parse(packet, len, &acl) || !link->up || acl.handle != link->handle)
		return;
	if (!acl.consistent) {
		phone_violation(phone, "an ACL packet whose length is wrong", packet, len);
		return;
	}
	if (acl.pb != AG_PB_CONTINUING && link->in_len) {
		phone_violation(phone, "a PDU began before the last one was whole", packet, len);
		link->in_len = 0;
	}
	if (acl.pb == AG_PB_CONTINUING && !link->in_len) {
		phone_violation(phone, "a continuation without a start", packet, len);
		return;
	}
	gather(phone, acl.data, acl.len);
}
