/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_END_H
#define AG_SIM_END_H

/* One end of a link: L2CAP PDUs out in fragments, fragments in to PDUs (Vol 3 Part A, 7.2.1). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/att.h"
#include "tests/sim/coc.h"
#include "tests/sim/random.h"
#include "tests/sim/report.h"

enum { AG_SIM_PDU_MAX = 4 + 1100, AG_SIM_HANDLE_MAX = 0x0eff };

enum ag_sim_chunks {
	AG_SIM_CHUNKS_WHOLE,  /* as much as a packet takes */
	AG_SIM_CHUNKS_OCTETS, /* one octet a packet */
	AG_SIM_CHUNKS_RANDOM, /* anything, often 1 to 3 octets first */
};

struct ag_sim_end;

/** Told of each whole PDU, without the L2CAP header. */
typedef void ag_sim_pdu_fn(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
			   size_t len);

struct ag_sim_end {
	const char *who;
	struct ag_random *random;
	struct ag_sim_report *report;
	ag_sim_pdu_fn *deliver;
	void *user;
	enum ag_sim_chunks chunks;
	uint8_t pb_first; /* Packet_Boundary_Flag of a first fragment */
	uint16_t handle;
	struct ag_sim_att att;
	struct ag_sim_coc coc;
	bool pairing;                /* a Pairing Request of ours is open */
	unsigned int security_asked; /* Security Requests of ours, each of which may be refused */
	bool paired_with;            /* one of theirs is to be answered */
	size_t in_len;
	size_t out_len; /* of the PDU that is going out, header included; 0: none */
	size_t out_off;
	uint8_t in[AG_SIM_PDU_MAX];
	uint8_t out[AG_SIM_PDU_MAX];
};

/** Forget everything that belongs to one connection. */
void ag_sim_end_reset(struct ag_sim_end *end, uint16_t handle);

/** Begin a PDU; none may be going out. */
void ag_sim_end_begin(struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu, size_t len);

static inline bool ag_sim_end_busy(const struct ag_sim_end *end)
{
	return end->out_len != 0;
}

/**
 * The next ACL packet of the PDU that is going out.
 *
 * @max:    data octets that the packet may have
 * @out:    takes 5 + max octets
 * @return: octets of the packet, H4 type included
 */
size_t ag_sim_end_fragment(struct ag_sim_end *end, size_t max, uint8_t *out);

/** An ACL packet's data arrived. `pb` is its Packet_Boundary_Flag. */
void ag_sim_end_receive(struct ag_sim_end *end, uint8_t pb, const uint8_t *data, size_t len);

#endif
