/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PDUs that no rule matches: most of all that goes by. They are learned from and counted like any
 * other, and nothing is found out about them that nobody asks for. */
#include "proxy/engine/hide.h"

bool ag_is_awaited(const struct ag_unit *unit)
{
	return (unit->bearer && ag_bearer_expects(unit->bearer, unit->from)) ||
	       ag_hold_any(unit->link, unit->from, unit->cid);
}

static bool may_hide(const struct ag_unit *unit, uint8_t opcode)
{
	return unit->bearer && ag_hide_concerns(unit->link, unit->from, opcode);
}

static bool may_match(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode)
{
	ag_subject_glimpse(unit, opcode, &engine->subject);
	return ag_rules_may_match(engine->config.rules, &engine->subject);
}

bool ag_is_wanted(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode)
{
	return may_hide(unit, opcode) || may_match(engine, unit, opcode);
}

bool ag_pass_excludes(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode)
{
	return ag_is_awaited(unit) || ag_is_wanted(engine, unit, opcode);
}

/* Whether the rules have to be asked. What has gone on already is told of as what it was when its
 * first fragment went by: wanted by no rule, whatever was loaded since. */
static bool has_rules(struct ag_engine *engine, const struct ag_unit *unit, uint8_t opcode)
{
	const struct ag_link_view *view = &unit->link->view;

	if (unit->forwarded)
		return false;
	switch (ag_rules_reach(engine->config.rules, (enum ag_from)unit->from, view->role,
			       view->type, unit->bearer->type, opcode)) {
	case AG_RULES_NONE:
		return false;
	case AG_RULES_OF_PEERS:
		return may_match(engine, unit, opcode);
	case AG_RULES_SOME:
		break;
	}
	return true;
}

/* A PDU that has to be known better, or one on whose account more is to be done, does not. */
static bool may_pass(const struct ag_engine_config *config, const struct ag_unit *unit)
{
	uint8_t opcode = unit->pdu[0];

	return unit->bearer && unit->len == unit->pdu_len && (config->pass || !config->tap) &&
	       !config->dry_run && ag_att_kind(opcode) != AG_ATT_CONFIRMATION &&
	       !ag_is_awaited(unit) && !may_hide(unit, opcode);
}

/* Only a response answers, or what could be one to an unknown request. */
static void learn(struct ag_engine *engine, const struct ag_unit *unit, const struct ag_att *att,
		  const struct ag_passed *known)
{
	enum ag_side asker = ag_other(unit->from);

	if (att->kind != AG_ATT_RESPONSE && att->format)
		return;
	ag_map_learn(unit, att);
	ag_bearer_answered(unit->bearer, unit->from, att, engine->now_us);
	if (known->answers && known->has_malformed && !known->malformed)
		ag_malformed_shown(unit->link, asker, &unit->bearer->transaction[asker], att);
}

/* Only questions are remembered. */
static int forward(struct ag_engine *engine, struct ag_unit *unit, enum ag_att_pdu_kind kind)
{
	struct ag_hold how = { .number = engine->next_number };

	if (kind == AG_ATT_REQUEST || kind == AG_ATT_INDICATION || !unit->packets)
		return ag_dispatch(engine, unit, unit->pdu, unit->len, &how);
	return ag_forward_unchanged(engine, unit);
}

int ag_judge(struct ag_engine *engine, struct ag_unit *unit)
{
	const struct ag_engine_config *config = &engine->config;
	struct ag_first first = { 0 };
	struct ag_passed known;
	struct ag_att att;
	bool asked;

	engine->stats.judged++;
	if (!may_pass(config, unit))
		return ag_decide(engine, unit, NULL, NULL);
	ag_att_parse(unit->pdu, unit->len, &att);
	asked = has_rules(engine, unit, att.opcode);
	known.answers = false;
	if (config->pass || asked || att.kind == AG_ATT_RESPONSE)
		ag_know(engine, unit, &att, &known);
	if (asked) {
		ag_subject_make(&known, &att, &engine->subject);
		first.rule = ag_rules_next(config->rules, &engine->subject, unit->link->match,
					   &first.position);
	}
	known.number = engine->next_number + 1;
	if (first.rule || (config->pass && !config->pass(config->tap_user, &known))) {
		if (!asked)
			ag_subject_make(&known, &att, &engine->subject);
		return ag_decide(engine, unit, &att, &first);
	}
	engine->next_number++;
	engine->stats.verdicts[AG_V_ACCEPT]++;
	learn(engine, unit, &att, &known);
	return forward(engine, unit, att.kind);
}
