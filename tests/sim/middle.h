/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_MIDDLE_H
#define AG_SIM_MIDDLE_H

/*
 * What stands between host and controller: the engine, or a plain wire. The models have to be
 * content over the wire, or a finding with the engine would mean nothing.
 */

#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"

struct ag_sim_middle {
	void *self;
	int (*feed)(void *self, enum ag_side side, const uint8_t *packet, size_t len,
		    uint64_t now_us);
	bool (*peek)(const void *self, enum ag_side side, struct ag_packet *packet);
	void (*pop)(void *self, enum ag_side side);
	uint64_t (*deadline)(const void *self);
	int (*tick)(void *self, uint64_t now_us);
	void (*free)(void *self);
};

/** A wire; its `free` frees it. */
struct ag_sim_middle ag_sim_wire_new(void);

/** An engine with this configuration as a middle; NULL when out of memory. Its `free` frees it. */
struct ag_engine *ag_sim_engine_new(const struct ag_engine_config *config,
				    struct ag_sim_middle *middle);

#endif
