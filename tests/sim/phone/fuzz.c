/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/att.h"
#include "tests/sim/phone/faults.h"
#include "tests/sim/phone/phone.h"

/* Milliseconds between two PDUs that nobody asked for. */
#define PAUSE_LOW_MS  20
#define PAUSE_HIGH_MS 400

/* ---- Mutations: how to change a PDU of `len` octets, with room for PHONE_PDU_MAX ---- */

typedef size_t mutation(struct ag_random *random, uint8_t *pdu, size_t len);

/* A number that lies on an edge more often than not. */
static uint8_t edge(struct ag_random *random)
{
	static const uint8_t edges[] = { 0x00, 0x01, 0x02, 0x7f, 0x80, 0xff };

	return ag_random_percent(random, 70) ? edges[ag_random_below(random, ag_array_size(edges))]
					     : (uint8_t)ag_random_next(random);
}

static size_t truncated(struct ag_random *random, uint8_t *pdu, size_t len)
{
	(void)pdu;
	return ag_random_below(random, (uint32_t)len + 1);
}

static size_t lengthened(struct ag_random *random, uint8_t *pdu, size_t len)
{
	size_t more = ag_random_range(random, 1, ag_random_percent(random, 90) ? 8 : 40);

	if (len + more > PHONE_PDU_MAX)
		return len;
	ag_random_fill(random, pdu + len, more);
	return len + more;
}

static size_t one_octet(struct ag_random *random, uint8_t *pdu, size_t len)
{
	if (len)
		pdu[ag_random_below(random, (uint32_t)len)] = edge(random);
	return len;
}

/* The length or format octet of a list. */
static size_t entry_length(struct ag_random *random, uint8_t *pdu, size_t len)
{
	if (len > 1)
		pdu[1] = edge(random);
	return len;
}

/* A handle somewhere in a list becomes its neighbour, the one before it, or an end of the range. */
static size_t one_handle(struct ag_random *random, uint8_t *pdu, size_t len)
{
	static const uint16_t handles[] = { 0x0000, 0x0001, 0xffff };
	size_t at;

	if (len < 4)
		return len;
	at = 2 + ag_random_below(random, (uint32_t)len - 3);
	if (ag_random_percent(random, 60))
		ag_put_le16(pdu + at,
			    (uint16_t)(ag_get_le16(pdu + at) - 3 + ag_random_below(random, 7)));
	else
		ag_put_le16(pdu + at, handles[ag_random_below(random, ag_array_size(handles))]);
	return len;
}

/* The list once more behind itself. */
static size_t doubled(struct ag_random *random, uint8_t *pdu, size_t len)
{
	(void)random;
	if (len < 3 || 2 * len - 2 > PHONE_PDU_MAX)
		return len;
	memcpy(pdu + len, pdu + 2, len - 2);
	return 2 * len - 2;
}

static size_t only_opcode(struct ag_random *random, uint8_t *pdu, size_t len)
{
	(void)pdu;
	return len < 2 ? len : ag_random_range(random, 1, 2);
}

static size_t other_opcode(struct ag_random *random, uint8_t *pdu, size_t len)
{
	if (len)
		pdu[0] = (uint8_t)(ag_random_below(random, 0x12) * 2 + 1);
	return len;
}

/* An Error Response instead; of those that no mutation has made short, the opcode in error is
 * right. */
static size_t an_error(struct ag_random *random, uint8_t *pdu, size_t len)
{
	if (!len || pdu[0] == AG_ATT_ERROR_RSP)
		return one_octet(random, pdu, len);
	pdu[1] = (uint8_t)(pdu[0] - 1);
	pdu[0] = AG_ATT_ERROR_RSP;
	ag_put_le16(pdu + 2, (uint16_t)ag_random_below(random, 0x40));
	pdu[4] = (uint8_t)ag_random_below(random, 0x14);
	return 5;
}

static mutation *const mutations[] = {
	truncated,  lengthened, one_octet,   one_octet,    entry_length, one_handle,
	one_handle, doubled,    only_opcode, other_opcode, an_error,
};

/* What must be answered is asked by the client alone, so that the answer can be judged; bluetoothd
 * answers every opcode that it does not know. */
static bool wants_an_answer(uint8_t opcode)
{
	return !ag_att_format(opcode) || ag_att_kind(opcode) == AG_ATT_REQUEST;
}

static size_t mutate(struct ag_random *random, uint8_t *pdu, size_t len)
{
	uint8_t opcode = pdu[0];

	for (uint32_t n = ag_random_range(random, 1, 2); n; n--)
		len = mutations[ag_random_below(random, ag_array_size(mutations))](random, pdu,
										   len);
	if (len && wants_an_answer(pdu[0]))
		pdu[0] = opcode;
	return len;
}

size_t phone_fuzz_answer(struct phone *phone, uint8_t *answer, size_t len)
{
	struct ag_random *random = &phone->random;

	/* What is right leads further into bluetoothd than what is wrong. */
	if (ag_random_percent(random, 70))
		return len;
	if (ag_random_percent(random, 2))
		return SIZE_MAX;
	return mutate(random, answer, len);
}

/* ---- What nobody asked for ---- */

static size_t a_request(struct ag_random *random, uint8_t *pdu)
{
	static const uint8_t requests[][8] = {
		{ 3, 0x02, 0x05, 0x02 },
		{ 5, 0x04, 0x01, 0x00, 0xff, 0xff },
		{ 7, 0x06, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28 },
		{ 7, 0x08, 0x01, 0x00, 0xff, 0xff, 0x03, 0x28 },
		{ 3, 0x0a, 0x03, 0x00 },
		{ 5, 0x0c, 0x03, 0x00, 0x00, 0x00 },
		{ 5, 0x0e, 0x03, 0x00, 0x05, 0x00 },
		{ 7, 0x10, 0x01, 0x00, 0xff, 0xff, 0x00, 0x28 },
		{ 5, 0x12, 0x03, 0x00, 0x01, 0x00 },
		{ 6, 0x16, 0x03, 0x00, 0x00, 0x00, 0x01 },
		{ 2, 0x18, 0x00 },
	};
	const uint8_t *request = requests[ag_random_below(random, ag_array_size(requests))];
	size_t len = request[0];

	memcpy(pdu, request + 1, len);
	if (!ag_random_percent(random, 70))
		return len;
	len = mutate(random, pdu, len);
	pdu[0] = request[1]; /* it stays a request, so that its answer can be judged */
	return len ? len : 1;
}

/* A notification, an indication, a command, or a response; with a handle that the other side may
 * know and a short value. */
static size_t something(struct ag_random *random, uint8_t *pdu)
{
	static const uint8_t opcodes[] = { 0x1b, 0x1b, 0x1d, 0x1d, 0x23, 0x52,
					   0xd2, 0x01, 0x03, 0x09, 0x0b, 0x11 };
	size_t len = ag_random_range(random, 3, 12);

	ag_random_fill(random, pdu, len);
	pdu[0] = opcodes[ag_random_below(random, ag_array_size(opcodes))];
	ag_put_le16(pdu + 1, (uint16_t)ag_random_below(random, 0x60));
	return ag_random_percent(random, 50) ? mutate(random, pdu, len) : len;
}

/* By chance a response may be what a request waits for that was left without an answer. */
static bool answers_open_request(const struct phone_bearer *bearer, const uint8_t *pdu, size_t len)
{
	if (pdu[0] == AG_ATT_ERROR_RSP)
		return len > 1 && pdu[1] == bearer->serving_opcode;
	return pdu[0] == bearer->serving_opcode + 1;
}

/* One indication at a time: a second one breaks the protocol in a way that is the phone's alone. */
static void send_something(struct phone *phone)
{
	uint8_t pdu[PHONE_PDU_MAX];
	size_t len = something(&phone->random, pdu);

	if (!len || (pdu[0] == AG_ATT_HANDLE_VALUE_IND && phone->bearer->indicating))
		return;
	if (answers_open_request(phone->bearer, pdu, len))
		phone->bearer->serving = false;
	phone_send_att(phone, pdu, len);
}

uint64_t phone_fuzz_tick(struct phone *phone, uint64_t now_ms)
{
	uint8_t pdu[PHONE_PDU_MAX];
	size_t len;

	if (!phone->options.fuzz || !phone->link.up || phone->ending)
		return UINT64_MAX;
	if (now_ms < phone->fuzz_due_ms)
		return phone->fuzz_due_ms;
	phone->fuzz_due_ms = now_ms + ag_random_range(&phone->random, PAUSE_LOW_MS, PAUSE_HIGH_MS);
	/* An answer may still need room behind what waits for the controller. */
	if (phone->link.out_count > PHONE_FRAMES / 2)
		return phone->fuzz_due_ms;
	if (ag_random_percent(&phone->random, 50)) {
		len = a_request(&phone->random, pdu);
		phone_client_ask(phone, pdu, len);
	} else {
		send_something(phone);
	}
	return phone->fuzz_due_ms;
}
