/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attribute maps of the databases on both sides of a link.
 *
 * A map tells what its owner told: only PDUs that passed are learned from, never an answer of ours,
 * and an answer that a rule changes is learned from as it came.
 */
#include "proxy/engine/judging.h"

/* ---- Keeping ---- */

void ag_map_open(struct ag_engine *engine, struct ag_link *link)
{
	const struct ag_keeper *keeper = &engine->config.keeper;
	struct ag_attributes *map = link->map[AG_SIDE_CONTROLLER];

	ag_attributes_clear(map);
	if (keeper->load && ag_is_stable(link->view.peer_type))
		keeper->load(keeper->user, &link->view, map);
	link->map_saved = ag_attributes_changes(map);
}

/* All of a map that is newer, over what is older. */
static void overlay(struct ag_attributes *map, const struct ag_attributes *newer)
{
	const uint8_t *hash = ag_attributes_hash(newer);

	if (hash)
		ag_attributes_rehash(map, hash);
	for (size_t i = 0; i < ag_attributes_count(newer); i++)
		ag_attributes_put(map, ag_attributes_at(newer, i));
}

void ag_map_identified(struct ag_engine *engine, struct ag_link *link)
{
	struct ag_attributes *map = link->map[AG_SIDE_CONTROLLER];

	ag_attributes_clear(engine->newer_map);
	overlay(engine->newer_map, map);
	ag_map_open(engine, link);
	overlay(map, engine->newer_map);
}

void ag_map_save(struct ag_engine *engine, struct ag_link *link)
{
	const struct ag_keeper *keeper = &engine->config.keeper;
	const struct ag_attributes *map = link->map[AG_SIDE_CONTROLLER];

	if (!keeper->save || !ag_is_stable(link->view.peer_type) ||
	    link->map_saved == ag_attributes_changes(map))
		return;
	link->map_saved = ag_attributes_changes(map);
	keeper->save(keeper->user, &link->view, map);
}

/* ---- Learning ---- */

bool ag_map_wants(const struct ag_unit *unit, uint8_t opcode)
{
	const struct ag_transaction *asked = &unit->bearer->transaction[ag_other(unit->from)];

	return asked->open && ag_attributes_teaches(asked->opcode, opcode);
}

void ag_map_teach(const struct ag_unit *unit)
{
	const struct ag_transaction *asked = &unit->bearer->transaction[ag_other(unit->from)];

	ag_attributes_learn(unit->link->map[unit->from], asked->head, asked->head_len, unit->pdu,
			    unit->len);
}

void ag_map_learn(const struct ag_unit *unit, const struct ag_att *att)
{
	if (att->kind == AG_ATT_RESPONSE && ag_map_wants(unit, att->opcode))
		ag_map_teach(unit);
}

void ag_map_indicated(const struct ag_link *link, enum ag_side from, const uint8_t *pdu, size_t len)
{
	if (pdu[0] == AG_ATT_HANDLE_VALUE_IND)
		ag_attributes_indicated(link->map[from], pdu, len);
}

/* ---- Places ---- */

/* An error that names where a range starts, and no attribute. */
static bool is_about_range(const struct ag_att *att)
{
	const struct ag_att_format *request;

	if (att->opcode != AG_ATT_ERROR_RSP || !ag_att_has(att, AG_ATT_P_ERROR))
		return false;
	request = ag_att_format((uint8_t)ag_att_number(att, AG_ATT_P_REQUEST));
	return ag_att_begins_with(request, AG_ATT_P_START) &&
	       ag_att_error_is_of_range((uint8_t)ag_att_number(att, AG_ATT_P_ERROR));
}

uint16_t ag_map_attribute(const struct ag_unit *unit, const struct ag_att *att, bool answers,
			  enum ag_side *owner)
{
	enum ag_side asker = ag_other(unit->from);
	const struct ag_transaction *asked = &unit->bearer->transaction[asker];
	bool tells = att->kind == AG_ATT_RESPONSE || att->kind == AG_ATT_NOTIFICATION ||
		     att->kind == AG_ATT_INDICATION;

	*owner = tells ? unit->from : asker;
	if (att->kind == AG_ATT_CONFIRMATION)
		return answers ? unit->bearer->indication_handle[asker] : 0;
	if (answers && ag_att_begins_with(ag_att_format(asked->opcode), AG_ATT_P_HANDLE))
		return asked->handle;
	if (!ag_att_has(att, AG_ATT_P_HANDLE) || is_about_range(att))
		return 0;
	return ag_att_number(att, AG_ATT_P_HANDLE);
}
