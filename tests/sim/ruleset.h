/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_RULESET_H
#define AG_SIM_RULESET_H

/* Random rules from templates, and a second opinion on what they decide, written without the
 * language: it judges the same rules from the structures they were written from. */

#include "proxy/engine/engine.h"
#include "tests/sim/random.h"

enum { AG_SIM_RULES_MAX = 6 };

enum ag_sim_condition {
	AG_SIM_ON_KIND,    /* att.kind == value */
	AG_SIM_ON_OPCODE,  /* att.opcode == value */
	AG_SIM_ON_HANDLE,  /* att.opcode == value and att.handle in low..high */
	AG_SIM_ON_PAIRING, /* smp.opcode == value */
	AG_SIM_ON_SAMPLE,  /* some, by `value`; of rules that decide nothing */
};

enum ag_sim_action {
	AG_SIM_ACCEPT,
	AG_SIM_REJECT,
	AG_SIM_REJECT_ERROR,
	AG_SIM_ANSWER,
	AG_SIM_DROP,
	AG_SIM_DISCONNECT,
	AG_SIM_REWRITE_VALUE,
	AG_SIM_REWRITE_ERROR,
	AG_SIM_DELAY,
	AG_SIM_DELAY_ENCRYPTED,
	AG_SIM_TIMEOUT,
	AG_SIM_DUPLICATE,
	AG_SIM_LOG,
	AG_SIM_ACTION_COUNT,
};

struct ag_sim_rule {
	bool any; /* from either side */
	enum ag_from from;
	enum ag_sim_condition on;
	uint8_t value;      /* opcode, or enum ag_att_kind */
	uint16_t low, high; /* handles */
	enum ag_sim_action action;
	uint8_t error;
	uint8_t bytes[18]; /* rewritten or answered value; fits the smallest ATT_MTU anywhere */
	uint8_t n_bytes;
	uint32_t time_ms;
};

struct ag_sim_rules {
	struct ag_sim_rule rule[AG_SIM_RULES_MAX];
	size_t count;
	struct ag_ruleset *set;
};

/** Bits of `allowed` in ag_sim_rules_new(): 1 << enum ag_sim_action. */
enum {
	AG_SIM_ALL_ACTIONS = (1 << AG_SIM_ACTION_COUNT) - 1,
	AG_SIM_SAFE_ACTIONS = AG_SIM_ALL_ACTIONS & ~(1 << AG_SIM_DROP | 1 << AG_SIM_DISCONNECT),
};

/**
 * @allowed: which actions
 * @out:     freed with ag_sim_rules_clear()
 * @return:  0; else the text, which was refused, stands in `text`
 */
int ag_sim_rules_new(struct ag_random *random, unsigned int allowed, struct ag_sim_rules *out,
		     char text[4096]);

void ag_sim_rules_clear(struct ag_sim_rules *rules);

/** The second opinion. */
struct ag_sim_opinion {
	enum ag_verdict verdict;
	size_t rule;    /* that decides; SIZE_MAX: none */
	bool has_error; /* named by the rule */
	uint8_t error;
	bool rewritten;
	uint8_t out[620]; /* the PDU after `rewrite` */
	size_t out_len;
};

void ag_sim_rules_judge(const struct ag_sim_rules *rules, enum ag_from from, bool is_att,
			const uint8_t *pdu, size_t len, struct ag_sim_opinion *opinion);

#endif
