/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_PROPERTY_H
#define AG_SIM_PROPERTY_H

/*
 * Running a property over many seeds. AG_CASES in the environment is the number of cases of all
 * properties together (100000 unless set), AG_SEED runs one seed of the property it was printed
 * for.
 */

#include "tests/sim/world.h"

/** A seed's upper half, so that AG_SEED tells which property it is for: a row for each, and no
 *  number twice. */
enum ag_sim_salt {
	AG_SALT_GARBAGE = 0x11,
	AG_SALT_WITHOUT_RULES = 0x12,
	AG_SALT_DRY_RUN = 0x13,
	AG_SALT_ANSWERS = 0x21,
	AG_SALT_ANSWERS_IN_TIME = 0x22,
	AG_SALT_CREDITS = 0x31,
	AG_SALT_LASTING_LINKS = 0x32,
	AG_SALT_ORDER = 0x41,
	AG_SALT_ALL_ACTIONS = 0x51,
	AG_SALT_STRICT_MODELS = 0x61,
	AG_SALT_TOO_LONG = 0x62,
	AG_SALT_SHIELD = 0x71,
	AG_SALT_SHIELDED_MODELS = 0x72,
	AG_SALT_ATTRIBUTES = 0x81,
	AG_SALT_UNJUDGED = 0x91,
	AG_SALT_HIDING = 0xa1,
	AG_SALT_PASSING = 0xb1,
	AG_SALT_PASSING_WITHOUT_RULES = 0xb2,
};

struct ag_sim_property {
	const char *name;
	enum ag_sim_salt salt;
	unsigned int per_mille; /* of AG_CASES */
	bool eatt;              /* enhanced bearers in some cases */
	unsigned int actions;   /* of rules, as ag_sim_rules_new() takes; 0: no rules */
	/** Adjust a case, which has a pool of buffers, rules and seed already; may be NULL. */
	void (*prepare)(struct ag_random *random, struct ag_sim_case *what);
};

struct ag_sim_totals {
	unsigned int cases;
	uint64_t judged;
	uint64_t passed;
	uint64_t pdus;
	uint64_t completions;
	uint64_t malformed;
	uint64_t verdicts[AG_V_RECORDED + 1];
};

/** Number of cases of a share. */
unsigned int ag_sim_cases(unsigned int per_mille);

/**
 * Run a property. The first failure is written to stderr with its seed and its rules.
 *
 * @totals: what the cases came to, so that a test can insist that they did something
 * @return: number of cases that failed; it stops after a few
 */
unsigned int ag_sim_property(const struct ag_sim_property *property, struct ag_sim_totals *totals);

#endif
