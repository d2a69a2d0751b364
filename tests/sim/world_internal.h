/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_WORLD_INTERNAL_H
#define AG_SIM_WORLD_INTERNAL_H

/* What world.c, talk.c and opinion.c share. */

#include "tests/sim/twin.h"
#include "tests/sim/world.h"

enum {
	AG_SIM_CID_SIGNALLING_BREDR = 1,
	AG_SIM_CID_SIGNALLING = 5,
	AG_SIM_CID_SMP = 6,
	AG_SIM_CID_OTHER = 0x40,
	AG_SIM_HANDLE_BASE = 0x40, /* a handle's low two bits are its link's index */
};

struct ag_sim_world {
	const struct ag_sim_case *what;
	struct ag_sim_case_result *result;
	struct ag_sim_report *report;
	struct ag_random random;
	uint64_t now_us;
	struct ag_sim_middle middle;
	struct ag_sim_middle mirror; /* a wire, where nothing may change, or the twin */
	struct ag_sim_twin twin;
	struct ag_engine *engine; /* NULL over a wire */
	struct ag_sim_mutator mutator;
	const struct ag_sim_rules *rules; /* for the second opinion; NULL after a reload */
	bool ending[AG_SIM_LINKS];        /* by a `disconnect` rule */
	uint8_t late_event[64];           /* a connection event that data overtakes */
	size_t late_len;
	bool quiet; /* nobody begins anything any more */
	struct ag_sim_host host;
	struct ag_sim_controller controller;
	struct ag_sim_ledger ledger[AG_SIM_LINKS][2]; /* by enum ag_from */
};

static inline size_t ag_sim_slot(uint16_t handle)
{
	return handle & 3;
}

/** The engine said a word: compare it, and note what has to arrive. `user` is the world. */
void ag_sim_world_tap(void *user, const struct ag_decision *decision);

/** It let a PDU pass, and it said so: likewise. Now and then a word is asked for instead. */
bool ag_sim_world_pass(void *user, const struct ag_passed *passed);

/** A PDU arrived at an end, whose `user` is the world. */
void ag_sim_world_pdu(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
		      size_t len);

/** Begin a PDU: what is due, else, if `fresh`, something new. */
void ag_sim_world_begin(struct ag_sim_world *world, struct ag_sim_end *end, bool le, bool central,
			bool fresh);

#endif
