/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_WORLD_H
#define AG_SIM_WORLD_H

/*
 * A host, a controller with its peers, and what is between them, under a virtual clock. One case is
 * some hundred random events and then a time in which everybody finishes what is open; the first
 * thing that a strict model finds is the result.
 */

#include "proxy/engine/engine.h"
#include "tests/sim/controller.h"
#include "tests/sim/host.h"
#include "tests/sim/ledger.h"
#include "tests/sim/middle.h"
#include "tests/sim/mutation.h"
#include "tests/sim/ruleset.h"

struct ag_sim_case {
	uint64_t seed;
	bool wire;      /* no engine in between */
	bool unchanged; /* packets must come out as they went in */
	bool passes;    /* what no rule has to do with may pass without a decision */
	bool twin;      /* beside an engine that decides on everything; passes */
	bool dry_run;
	bool flow;                         /* controller-to-host flow control */
	bool calm;                         /* no disconnection, no reset */
	bool usb;                          /* data may come before its link's event */
	bool eatt;                         /* enhanced bearers too */
	bool fits;                         /* no PDU is longer than the MTU */
	unsigned int le_count, acl_count;  /* buffers; an LE count of 0 shares */
	uint16_t acl_max[2];               /* as struct ag_engine_config */
	unsigned int steps;                /* 0: 120 */
	const struct ag_sim_rules *rules;  /* may be NULL */
	const struct ag_sim_rules *reload; /* in force from the middle on, if set */
	enum ag_sim_mutation mutation;
	unsigned int mutate_after; /* eligible packets that pass first */
};

struct ag_sim_case_result {
	struct ag_sim_report report;
	bool mutated; /* the mutation found its packet */
	uint64_t judged;
	uint64_t passed;
	uint64_t verdicts[AG_V_RECORDED + 1];
	uint64_t completions;
	uint64_t pdus;      /* that arrived */
	uint64_t malformed; /* that the engine took for it */
};

void ag_sim_run(const struct ag_sim_case *what, struct ag_sim_case_result *result);

#endif
