/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/garbage.h"

#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/hci.h"

static uint16_t handle(struct ag_random *random)
{
	return (uint16_t)(0x40 + ag_random_below(random, 3));
}

/* A PDU's octets, sometimes with a length that is not theirs. */
static size_t l2cap(struct ag_random *random, uint8_t *out)
{
	static const uint16_t cids[] = { 4, 4, 4, 4, 6, 5, 1, 0x40, 0x41, 0 };
	static const uint8_t opcodes[] = { 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
					   0x10, 0x12, 0x16, 0x18, 0x1b, 0x1d, 0x1e, 0x52 };
	size_t len = ag_random_percent(random, 5) ? ag_random_below(random, 900)
						  : ag_random_below(random, 24);

	ag_random_fill(random, out + 4, len);
	if (len > 0 && ag_random_percent(random, 80))
		out[4] = opcodes[ag_random_below(random, ag_array_size(opcodes))];
	ag_put_le16(out, (uint16_t)len);
	ag_put_le16(out + 2, cids[ag_random_below(random, ag_array_size(cids))]);
	if (ag_random_percent(random, 15))
		ag_put_le16(out, (uint16_t)ag_random_below(random, 2000));
	if (ag_random_percent(random, 1))
		ag_put_le16(out, (uint16_t)ag_random_next(random));
	return 4 + len;
}

size_t ag_sim_garbage_acl(struct ag_random *random, uint8_t *out)
{
	static const uint16_t boundary[] = { 0, 0, 2, 2, 2, 1, 1, 3 };
	uint16_t flags = boundary[ag_random_below(random, ag_array_size(boundary))];
	size_t len = l2cap(random, out + 5);

	if (ag_random_percent(random, 25))
		len = ag_random_below(random, (uint32_t)len + 1);
	out[0] = AG_H4_ACL;
	ag_put_le16(out + 1, (uint16_t)(handle(random) | flags << 12));
	ag_put_le16(out + 3, (uint16_t)len);
	return 5 + len;
}

static size_t event(struct ag_random *random, uint8_t *out)
{
	static const uint8_t codes[] = { 0x03, 0x05, 0x05, 0x08, 0x0e, 0x0e, 0x0f, 0x12, 0x13,
					 0x13, 0x30, 0x3e, 0x3e, 0x3e, 0x3e, 0x10, 0x59 };
	static const uint8_t subevents[] = { 0x01, 0x0a, 0x29, 0x02, 0x12, 0x41 };
	static const uint8_t lengths[] = { 19, 31, 34, 4, 4, 11, 0, 5, 9, 11, 8 };
	uint8_t code = codes[ag_random_below(random, ag_array_size(codes))];
	uint8_t len = lengths[ag_random_below(random, ag_array_size(lengths))];

	ag_random_fill(random, out + 3, 255);
	out[0] = AG_H4_EVENT;
	out[1] = code;
	out[2] = len;
	if (ag_random_percent(random, 70))
		out[3] = out[4] = 0;
	ag_put_le16(out + 4, handle(random));
	if (code == AG_SIM_HCI_LE_META) {
		out[3] = subevents[ag_random_below(random, ag_array_size(subevents))];
		out[4] = 0;
		ag_put_le16(out + 5, handle(random));
	} else if (code == AG_SIM_HCI_COMPLETED_PACKETS) {
		out[3] = (uint8_t)ag_random_below(random, 3);
		ag_put_le16(out + 6, (uint16_t)ag_random_below(random, 4));
	} else if (code == AG_SIM_HCI_COMMAND_COMPLETE && ag_random_percent(random, 60)) {
		ag_put_le16(out + 4, ag_random_percent(random, 50)
					 ? AG_SIM_HCI_READ_BUFFER_SIZE
					 : AG_SIM_HCI_LE_READ_BUFFER_SIZE);
		out[6] = 0;
	}
	if (ag_random_percent(random, 10))
		out[2] = (uint8_t)ag_random_next(random);
	return 3u + (ag_random_percent(random, 90) ? len : ag_random_below(random, len + 1u));
}

static size_t command(struct ag_random *random, uint8_t *out)
{
	static const uint16_t opcodes[] = {
		AG_SIM_HCI_DISCONNECT,
		AG_SIM_HCI_RESET,
		AG_SIM_HCI_SET_HOST_FLOW,
		AG_SIM_HCI_HOST_BUFFER_SIZE,
		AG_SIM_HCI_HOST_COMPLETED,
		AG_SIM_HCI_READ_RSSI,
		AG_SIM_HCI_LE_READ_BUFFER_SIZE,
		0x0405,
		0x0409,
		0x080b,
	};
	uint8_t len = (uint8_t)ag_random_below(random, 16);

	ag_random_fill(random, out, 32);
	out[0] = AG_H4_COMMAND;
	ag_put_le16(out + 1, opcodes[ag_random_below(random, ag_array_size(opcodes))]);
	out[3] = len;
	ag_put_le16(out + 4, handle(random));
	return 4u + (ag_random_percent(random, 90) ? len : ag_random_below(random, len + 1u));
}

size_t ag_sim_garbage(struct ag_random *random, enum ag_side side, uint8_t *out)
{
	uint32_t choice = ag_random_below(random, 100);
	size_t len;

	if (choice < 8) {
		len = ag_random_range(random, 1, choice == 0 ? 5000 : 40);
		ag_random_fill(random, out, len);
		if (ag_random_percent(random, 50))
			out[0] = (uint8_t)ag_random_range(random, 1, 5);
		return len;
	}
	if (choice < 55)
		len = ag_sim_garbage_acl(random, out);
	else if (side == AG_SIDE_CONTROLLER || choice < 60)
		len = event(random, out);
	else
		len = command(random, out);
	return ag_random_percent(random, 4) ? ag_random_range(random, 1, (uint32_t)len) : len;
}
