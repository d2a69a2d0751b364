/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_MUTATION_H
#define AG_SIM_MUTATION_H

/*
 * Deliberate mistakes between the engine and its neighbours, one a case: what an engine with that
 * defect would have sent. They prove that the models notice.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"

enum ag_sim_mutation {
	AG_SIM_NO_MUTATION,
	AG_SIM_LOSE_COMPLETION,
	AG_SIM_ADD_COMPLETION,
	AG_SIM_SWAP_PDUS,
	AG_SIM_ANSWER_TWICE,
	AG_SIM_ANSWER_OTHER,
	AG_SIM_FORWARD_REJECTED, /* the host is answered and the peer asked all the same */
	AG_SIM_LOSE_TO_HOST,
	AG_SIM_LOSE_TO_CONTROLLER,
	AG_SIM_ADD_TO_CONTROLLER,
	AG_SIM_CHANGE_OCTET,
	AG_SIM_ADD_COMMAND,
	AG_SIM_ASK_TWICE,
	AG_SIM_BREAK_FRAGMENT,
	AG_SIM_MUTATION_COUNT,
};

enum { AG_SIM_MUTANTS_MAX = 3, AG_SIM_MUTANT_LEN = 1200 };

/** What goes out in place of one packet. */
struct ag_sim_mutants {
	size_t count;
	struct {
		enum ag_side side;
		size_t len;
		uint8_t data[AG_SIM_MUTANT_LEN];
	} packet[AG_SIM_MUTANTS_MAX];
};

struct ag_sim_mutator {
	enum ag_sim_mutation kind;
	unsigned int after; /* eligible packets that pass first */
	bool done;
	bool holding; /* AG_SIM_SWAP_PDUS: one is kept back */
	size_t held_len;
	uint8_t held[AG_SIM_MUTANT_LEN];
};

/** @return: false: the packet goes out as it is; true: `out` instead */
bool ag_sim_mutate(struct ag_sim_mutator *mutator, enum ag_side side, const uint8_t *packet,
		   size_t len, struct ag_sim_mutants *out);

const char *ag_sim_mutation_name(enum ag_sim_mutation mutation);

#endif
