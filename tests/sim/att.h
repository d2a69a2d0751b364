/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_ATT_H
#define AG_SIM_ATT_H

/*
 * One end of an ATT bearer, client and server at once, that insists on Vol 3 Part F, 3.3.2: one
 * request at a time, exactly one response for each, one confirmation for each indication.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/random.h"
#include "tests/sim/report.h"

enum { AG_SIM_ATT_MAX = 600 };

enum ag_sim_att_kind {
	AG_SIM_ATT_UNKNOWN,
	AG_SIM_ATT_REQUEST,
	AG_SIM_ATT_RESPONSE,
	AG_SIM_ATT_COMMAND,
	AG_SIM_ATT_NOTIFICATION,
	AG_SIM_ATT_INDICATION,
	AG_SIM_ATT_CONFIRMATION,
};

/** Kind of a PDU by its opcode, from a table of our own: the engine's is not to be trusted here. */
enum ag_sim_att_kind ag_sim_att_kind(uint8_t opcode);

struct ag_sim_att {
	bool asked; /* a request of ours is open */
	uint8_t request;
	bool indicated; /* an indication of ours is not confirmed */
	bool serving;   /* a request of theirs is to be answered */
	uint8_t served;
	uint16_t served_handle;
	uint16_t served_end;  /* of a range */
	uint16_t served_type; /* asked for by it */
	uint64_t serve_at_us;
	bool confirming; /* an indication of theirs is to be confirmed */
	uint64_t confirm_at_us;
	uint16_t serial;  /* makes values differ, so that order can be seen */
	uint32_t slow_us; /* the longest time an answer takes */
	size_t most;      /* octets of the longest PDU that is sent; 0: any */
};

/**
 * A PDU of our own accord that may be sent now.
 *
 * @out:    takes AG_SIM_ATT_MAX octets
 * @return: its length; the bearer counts it as sent
 */
size_t ag_sim_att_start(struct ag_sim_att *att, struct ag_random *random, uint8_t *out);

/** A request of a given opcode, likewise; 0 if one is open. */
size_t ag_sim_att_ask(struct ag_sim_att *att, struct ag_random *random, uint8_t opcode,
		      uint8_t *out);

/** The answer or confirmation that is due at `now_us`, or 0. */
size_t ag_sim_att_reply(struct ag_sim_att *att, struct ag_random *random, uint64_t now_us,
			uint8_t *out);

/** A PDU arrived. */
void ag_sim_att_receive(struct ag_sim_att *att, struct ag_random *random,
			struct ag_sim_report *report, const char *who, const uint8_t *pdu,
			size_t len, uint64_t now_us);

#endif
