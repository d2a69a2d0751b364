/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_TWIN_H
#define AG_SIM_TWIN_H

/*
 * A second engine that is fed the same and tells its tap of everything, beside one that lets pass
 * what no rule has to do with: they must say, send, count and learn the same.
 */

#include "proxy/engine/pass.h"
#include "tests/sim/middle.h"

struct ag_sim_twin {
	struct ag_engine *engine;
	uint64_t said[2]; /* digests of all decisions: of the first engine's, and of its own */
};

/** Make it as a middle; `config` is that of the first engine. @return: -ENOMEM or 0 */
int ag_sim_twin_new(struct ag_sim_twin *twin, const struct ag_engine_config *config,
		    struct ag_sim_middle *middle);

/** The first engine said a word. */
void ag_sim_twin_hear(struct ag_sim_twin *twin, const struct ag_decision *decision);

/** What is different between the two; NULL: nothing. */
const char *ag_sim_twin_differs(const struct ag_sim_twin *twin, const struct ag_engine *first);

/** The decision that a PDU which passed would have been. @subject: for its fields */
struct ag_decision ag_sim_passed(const struct ag_passed *passed, struct ag_subject *subject);

#endif
