/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "proxy/wire/att.h"
#include "proxy/wire/l2cap.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

void phone_bearer_up(struct phone *phone)
{
	phone->fixed = (struct phone_bearer){ .cid = AG_CID_ATT, .mtu = PHONE_DEFAULT_MTU };
	phone->bearer = &phone->fixed;
}

void phone_send_att(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (len && pdu[0] == AG_ATT_HANDLE_VALUE_IND)
		phone->bearer->indicating = true;
	phone_report_att("att_tx", phone->bearer->cid, pdu, len);
	if (phone->bearer->channel)
		phone_eatt_send(phone, phone->bearer->channel, pdu, len);
	else
		phone_l2cap_send(phone, AG_CID_ATT, pdu, len);
}

/* ATT_MTU is the lesser of both sides' (Vol 3 Part F, 3.4.2.2). */
static void agree_mtu(struct phone *phone, const uint8_t *theirs)
{
	uint16_t mtu = ag_get_le16(theirs);

	if (mtu < PHONE_DEFAULT_MTU)
		mtu = PHONE_DEFAULT_MTU;
	phone->bearer->mtu = mtu < PHONE_MTU ? mtu : PHONE_MTU;
	phone_report_begin("mtu");
	phone_report_number("mtu", phone->bearer->mtu);
	phone_report_end();
}

void phone_ask(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (phone->bearer->asked) {
		phone->failure = EBUSY;
		return;
	}
	phone->bearer->asked = pdu[0];
	phone->bearer->asked_ms = phone_now_ms();
	phone_send_att(phone, pdu, len);
}

void phone_answer(struct phone *phone, const uint8_t *pdu, size_t len)
{
	phone->bearer->serving = false;
	phone_send_att(phone, pdu, len);
}

static void request_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct phone_bearer *bearer = phone->bearer;

	phone->totals.requests++;
	if (bearer->serving) {
		phone_violation(phone, "a request before the last one was answered", pdu, len);
		return;
	}
	/* 3.4.2: its ATT_MTU is the channel's */
	if (pdu[0] == AG_ATT_EXCHANGE_MTU_REQ && bearer->channel) {
		phone_violation(phone, "an exchange of the MTU on an enhanced bearer", pdu, len);
		return;
	}
	bearer->serving = true;
	bearer->serving_opcode = pdu[0];
	phone_serve(phone, pdu, len);
	if (pdu[0] == AG_ATT_EXCHANGE_MTU_REQ && !bearer->serving && len == 3 &&
	    bearer->held[0] == AG_ATT_EXCHANGE_MTU_RSP)
		agree_mtu(phone, pdu + 1);
}

static bool answers_open_request(const struct phone_bearer *bearer, const uint8_t *pdu, size_t len)
{
	if (pdu[0] == AG_ATT_ERROR_RSP)
		return len == 5 && pdu[1] == bearer->asked;
	return pdu[0] == bearer->asked + 1;
}

static void response_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	struct phone_bearer *bearer = phone->bearer;
	uint64_t latency_ms = phone_now_ms() - bearer->asked_ms;

	if (!bearer->asked) {
		phone_violation(phone, "a response without a request", pdu, len);
		return;
	}
	if (!answers_open_request(bearer, pdu, len)) {
		phone_violation(phone, "a response to another request", pdu, len);
		return;
	}
	bearer->asked = 0;
	if (pdu[0] == AG_ATT_EXCHANGE_MTU_RSP && len == 3)
		agree_mtu(phone, pdu + 1);
	phone_client_answer(phone, pdu, len, latency_ms);
}

static void indication_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	static const uint8_t confirmation[] = { AG_ATT_HANDLE_VALUE_CFM };

	phone_report_begin("indication");
	phone_report_number("encrypted", phone->link.encrypted);
	phone_report_hex("hex", pdu, len);
	phone_report_end();
	if (!phone->options.silent)
		phone_send_att(phone, confirmation, sizeof(confirmation));
}

static void confirmation_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (!phone->bearer->indicating)
		phone_violation(phone, "a confirmation without an indication", pdu, len);
	phone->bearer->indicating = false;
}

/* The other side cannot keep to an ATT_MTU that a mutated answer has hidden from it. */
static bool fits(const struct phone *phone, size_t len)
{
	return len && (len <= phone->bearer->mtu || phone->options.fuzz);
}

/* An opcode that is none of the protocol's: a command is ignored, anything else is answered as a
 * request (Vol 3 Part F, 3.3). */
static void unknown_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	if (pdu[0] & 0x40)
		phone_serve_command(phone, pdu, len);
	else
		request_in(phone, pdu, len);
}

static void pdu_in(struct phone *phone, const uint8_t *pdu, size_t len)
{
	phone_report_att("att_rx", phone->bearer->cid, pdu, len);
	if (!fits(phone, len)) {
		phone_violation(phone, len ? "a PDU longer than ATT_MTU" : "an empty PDU", pdu,
				len);
		return;
	}
	switch (pdu[0]) {
	case AG_ATT_HANDLE_VALUE_NTF:
	case AG_ATT_MULTIPLE_HANDLE_VALUE_NTF:
		break;
	case AG_ATT_HANDLE_VALUE_IND:
		indication_in(phone, pdu, len);
		break;
	case AG_ATT_HANDLE_VALUE_CFM:
		confirmation_in(phone, pdu, len);
		break;
	default:
		/* Below 0x40 requests are even and responses odd. */
		if (pdu[0] < 0x40 && pdu[0] & 1)
			response_in(phone, pdu, len);
		else
			unknown_in(phone, pdu, len);
		break;
	}
}

void phone_att_in(struct phone *phone, struct phone_bearer *bearer, const uint8_t *pdu, size_t len)
{
	struct phone_bearer *client = phone->bearer;

	phone->bearer = bearer;
	pdu_in(phone, pdu, len);
	phone->bearer = client;
}
