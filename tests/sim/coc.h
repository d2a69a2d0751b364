/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_COC_H
#define AG_SIM_COC_H

/*
 * One end of an enhanced ATT bearer: an LE credit-based channel (Vol 3 Part A, 4.22 to 4.24 and 10)
 * that counts its credits and those it gave, and fails when a frame comes without one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/att.h"
#include "tests/sim/random.h"
#include "tests/sim/report.h"

enum { AG_SIM_COC_MTU = AG_SIM_ATT_MAX, AG_SIM_COC_MPS_MAX = 247 };

enum ag_sim_coc_state { AG_SIM_COC_CLOSED, AG_SIM_COC_ASKED, AG_SIM_COC_OPEN };

struct ag_sim_coc {
	enum ag_sim_coc_state state;
	bool respond; /* the other end asked, and waits */
	bool refuse;  /* it will be told no */
	uint8_t ident;
	uint16_t cid; /* ours: what frames to us carry */
	uint16_t peer_cid;
	uint16_t mps; /* octets of a frame that we take */
	uint16_t peer_mps;
	unsigned int may_send; /* frames */
	unsigned int granted;  /* frames that may still come */
	struct ag_sim_att att;
	size_t in_len, in_want;  /* of the SDU that is coming; in_want 0: none */
	size_t out_len, out_off; /* of the SDU that is going, its length field included */
	uint8_t in[AG_SIM_COC_MTU];
	uint8_t out[2 + AG_SIM_COC_MTU];
};

/** Closed, and nothing known. */
void ag_sim_coc_reset(struct ag_sim_coc *coc);

/** A connection request, for the signalling channel. @out: 14 octets. @return: its length */
size_t ag_sim_coc_ask(struct ag_sim_coc *coc, struct ag_random *random, uint8_t *out);

/** What the signalling channel has to carry now, a response or a grant. @return: length or 0 */
size_t ag_sim_coc_signal(struct ag_sim_coc *coc, struct ag_random *random, uint8_t *out);

/** A PDU arrived on the signalling channel. */
void ag_sim_coc_signalled(struct ag_sim_coc *coc, struct ag_sim_report *report, const char *who,
			  const uint8_t *pdu, size_t len);

/** Begin to send an SDU; none may be going out. */
void ag_sim_coc_begin(struct ag_sim_coc *coc, const uint8_t *pdu, size_t len);

/** The next frame of it. @out: AG_SIM_COC_MPS_MAX octets. @return: length; 0: no SDU, no credit */
size_t ag_sim_coc_frame(struct ag_sim_coc *coc, uint8_t *out);

/** A frame arrived. @return: whether the SDU in `in`, of `in_len`, is whole */
bool ag_sim_coc_received(struct ag_sim_coc *coc, struct ag_sim_report *report, const char *who,
			 const uint8_t *frame, size_t len);

#endif
