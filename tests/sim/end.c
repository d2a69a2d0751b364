/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/end.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

enum { PB_CONTINUES = 1, PB_RESERVED = 3 };

void ag_sim_end_reset(struct ag_sim_end *end, uint16_t handle)
{
	uint32_t slow_us = end->att.slow_us;
	size_t most = end->att.most;
	uint16_t serial = end->att.serial;

	end->handle = handle;
	end->att = (struct ag_sim_att){ .slow_us = slow_us, .serial = serial, .most = most };
	ag_sim_coc_reset(&end->coc);
	end->pairing = false;
	end->security_asked = 0;
	end->paired_with = false;
	end->in_len = 0;
	end->out_len = 0;
	end->out_off = 0;
}

void ag_sim_end_begin(struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu, size_t len)
{
	ag_put_le16(end->out, (uint16_t)len);
	ag_put_le16(end->out + 2, cid);
	memcpy(end->out + 4, pdu, len);
	end->out_len = 4 + len;
	end->out_off = 0;
}

static size_t chunk(struct ag_sim_end *end, size_t most)
{
	switch (end->chunks) {
	case AG_SIM_CHUNKS_WHOLE:
		return most;
	case AG_SIM_CHUNKS_OCTETS:
		return 1;
	case AG_SIM_CHUNKS_RANDOM:
		if (ag_random_percent(end->random, 60))
			return most;
		if (end->out_off == 0 && ag_random_percent(end->random, 50))
			return most < 3 ? most : ag_random_range(end->random, 1, 3);
		return ag_random_range(end->random, (uint32_t)(most + 7) / 8, (uint32_t)most);
	}
	return most;
}

size_t ag_sim_end_fragment(struct ag_sim_end *end, size_t max, uint8_t *out)
{
	size_t left = end->out_len - end->out_off;
	size_t len = chunk(end, left < max ? left : max);
	uint16_t pb = end->out_off == 0 ? end->pb_first : PB_CONTINUES;

	out[0] = AG_H4_ACL;
	ag_put_le16(out + 1, (uint16_t)(end->handle | pb << 12));
	ag_put_le16(out + 3, (uint16_t)len);
	memcpy(out + 5, end->out + end->out_off, len);
	end->out_off += len;
	if (end->out_off == end->out_len) {
		end->out_off = 0;
		end->out_len = 0;
	}
	return 5 + len;
}

static void complete(struct ag_sim_end *end)
{
	size_t len = end->in_len - 4;

	end->in_len = 0;
	end->deliver(end->user, end, ag_get_le16(end->in + 2), end->in + 4, len);
}

void ag_sim_end_receive(struct ag_sim_end *end, uint8_t pb, const uint8_t *data, size_t len)
{
	bool continues = pb == PB_CONTINUES;
	size_t want;

	if (len == 0 || pb == PB_RESERVED || continues != (end->in_len > 0)) {
		ag_sim_fail(end->report, AG_SIM_FRAMING,
			    "%s: handle 0x%03x, boundary flag %u with %zu octets before", end->who,
			    end->handle, pb, end->in_len);
		return;
	}
	if (end->in_len + len > sizeof(end->in)) {
		ag_sim_fail(end->report, AG_SIM_FRAMING, "%s: a PDU without an end", end->who);
		return;
	}
	memcpy(end->in + end->in_len, data, len);
	end->in_len += len;
	want = end->in_len < 4 ? SIZE_MAX : 4u + ag_get_le16(end->in);
	if (end->in_len == want)
		complete(end);
	else if (want != SIZE_MAX && end->in_len > want)
		ag_sim_fail(end->report, AG_SIM_FRAMING, "%s: %zu octets of a PDU of %zu", end->who,
			    end->in_len, want);
}
