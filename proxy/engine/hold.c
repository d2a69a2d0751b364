/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PDUs that a `delay` holds back.
 *
 * Order is kept within a flow: what one side asks (requests, commands), what it answers
 * (responses), what it tells (notifications, indications) and what it confirms go in four flows. A
 * held indication therefore never keeps a response waiting, which would cost the link.
 *
 * A held PDU was completed to its sender when it came; when it leaves it is a packet of ours.
 */
#include "proxy/engine/judging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum flow { FLOW_ASKS, FLOW_ANSWERS, FLOW_TELLS, FLOW_CONFIRMS, FLOW_SMP };

struct ag_held {
	struct ag_held *next;
	struct ag_hold how;
	struct ag_channel *channel;
	uint16_t cid;
	bool is_att;
	size_t frames; /* K-frames its sender spent on it */
	enum flow flow;
	size_t len;
	size_t capacity;
	uint8_t *pdu;
};

static enum flow flow_of(bool is_att, uint8_t opcode)
{
	if (!is_att)
		return FLOW_SMP;
	switch (ag_att_kind(opcode)) {
	case AG_ATT_REQUEST:
	case AG_ATT_COMMAND:
	case AG_ATT_NO_KIND:
		break;
	case AG_ATT_RESPONSE:
		return FLOW_ANSWERS;
	case AG_ATT_NOTIFICATION:
	case AG_ATT_INDICATION:
		return FLOW_TELLS;
	case AG_ATT_CONFIRMATION:
		return FLOW_CONFIRMS;
	}
	return FLOW_ASKS;
}

static bool precedes(const struct ag_held *held, uint16_t cid, enum flow flow)
{
	return held->cid == cid && held->flow == flow;
}

size_t ag_hold_count(const struct ag_link *link, enum ag_side from)
{
	size_t count = 0;

	for (const struct ag_held *held = link->held[from]; held; held = held->next)
		count++;
	return count;
}

bool ag_hold_any(const struct ag_link *link, enum ag_side from, uint16_t cid)
{
	for (const struct ag_held *held = link->held[from]; held; held = held->next) {
		if (held->cid == cid)
			return true;
	}
	return false;
}

/* One indication at a time (Vol 3 Part F, 3.3.2), ours included. */
static bool must_wait(const struct ag_bearer *bearer, enum ag_side from, uint8_t opcode)
{
	return bearer && bearer->own_indication[from] && ag_att_kind(opcode) == AG_ATT_INDICATION;
}

bool ag_hold_blocks(const struct ag_unit *unit, uint8_t opcode)
{
	for (const struct ag_held *held = unit->link->held[unit->from]; held; held = held->next) {
		if (precedes(held, unit->cid, flow_of(unit->bearer != NULL, opcode)))
			return true;
	}
	return must_wait(unit->bearer, unit->from, opcode);
}

static struct ag_held *get_spare(struct ag_engine *engine, size_t len)
{
	struct ag_held *held = engine->spare;
	uint8_t *pdu;

	if (held) {
		engine->spare = held->next;
	} else {
		held = calloc(1, sizeof(*held));
		if (!held)
			return NULL;
	}
	if (held->capacity >= len)
		return held;
	pdu = realloc(held->pdu, len < 64 ? 64 : len);
	if (!pdu) {
		held->next = engine->spare;
		engine->spare = held;
		return NULL;
	}
	held->pdu = pdu;
	held->capacity = len < 64 ? 64 : len;
	return held;
}

static void unlink_held(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
			struct ag_held **where)
{
	struct ag_held *held = *where;

	*where = held->next;
	link->held_bytes[from] -= held->len;
	held->next = engine->spare;
	engine->spare = held;
}

void ag_hold_forget(struct ag_engine *engine, struct ag_link *link)
{
	for (enum ag_side from = AG_SIDE_HOST; from <= AG_SIDE_CONTROLLER; from++) {
		while (link->held[from])
			unlink_held(engine, link, from, &link->held[from]);
	}
}

static struct ag_bearer *bearer_of(struct ag_link *link, const struct ag_held *held)
{
	if (!held->is_att)
		return NULL;
	return held->channel ? &held->channel->bearer : &link->att;
}

/* Send a held PDU on its way. */
static int let_go(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		  const struct ag_held *held)
{
	struct ag_unit unit = {
		.link = link,
		.from = from,
		.cid = held->cid,
		.channel = held->channel,
		.bearer = bearer_of(link, held),
		.pdu = held->pdu,
		.len = held->len,
		.pdu_len = held->len,
		.frames = held->frames,
	};

	return ag_dispatch(engine, &unit, held->pdu, held->len, &held->how);
}

static int discard(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		   struct ag_held *held)
{
	struct ag_decision what = {
		.number = held->how.number,
		.rule = held->how.rule,
		.verdict = AG_V_DISCARD,
		.pdu = held->pdu,
		.len = held->len,
		.pdu_len = held->len,
		.effects = AG_EFFECT_DELAY,
	};

	ag_tell_later(engine, link, from, held->channel, held->is_att, &what);
	if (held->is_att)
		ag_map_indicated(link, from, held->pdu, held->len);
	return ag_refund(engine, link, from, held->channel, held->frames);
}

static bool is_due(const struct ag_engine *engine, const struct ag_link *link,
		   const struct ag_held *held)
{
	return held->how.until_us <= engine->now_us ||
	       (held->how.until != AG_DELAY_FIXED && link->view.encrypted);
}

static bool is_first_of_flow(const struct ag_link *link, enum ag_side from,
			     const struct ag_held *held)
{
	for (const struct ag_held *older = link->held[from]; older != held; older = older->next) {
		if (precedes(older, held->cid, held->flow))
			return false;
	}
	return true;
}

static bool may_go(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		   const struct ag_held *held)
{
	if (must_wait(bearer_of(link, held), from, held->pdu[0]))
		return false;
	if (is_due(engine, link, held))
		return is_first_of_flow(link, from, held);
	ag_due(engine, held->how.until_us);
	return false;
}

static int release_side(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
			bool everything)
{
	struct ag_held **where = &link->held[from];
	int r = 0;

	while (!r && *where) {
		struct ag_held *held = *where;

		if (!everything && !may_go(engine, link, from, held)) {
			where = &held->next;
			continue;
		}
		if (held->how.until == AG_DELAY_UNLESS_ENCRYPTED && link->view.encrypted)
			r = discard(engine, link, from, held);
		else
			r = let_go(engine, link, from, held);
		unlink_held(engine, link, from, where);
	}
	return r;
}

int ag_hold_release(struct ag_engine *engine, struct ag_link *link)
{
	int r = release_side(engine, link, AG_SIDE_HOST, false);

	return r ? r : release_side(engine, link, AG_SIDE_CONTROLLER, false);
}

bool ag_hold_has_room(const struct ag_link *link, enum ag_side from, size_t len)
{
	return link->held_bytes[from] + link->line[ag_other(from)].waiting.bytes + len <=
	       AG_WAITING_MAX;
}

int ag_hold_flush(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	for (const struct ag_held *held = link->held[from]; held; held = held->next)
		engine->stats.early_releases++;
	return release_side(engine, link, from, true);
}

int ag_hold_overflow(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len,
		     const struct ag_hold *how)
{
	int r = ag_hold_flush(engine, unit->link, unit->from);

	return r ? r : ag_dispatch(engine, unit, pdu, len, how);
}

int ag_hold(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu, size_t len,
	    const struct ag_hold *how)
{
	struct ag_link *link = unit->link;
	struct ag_held **last = &link->held[unit->from];
	struct ag_held *held = get_spare(engine, len);

	if (!held)
		return -ENOMEM;
	held->next = NULL;
	held->how = *how;
	held->channel = unit->channel;
	held->cid = unit->cid;
	held->is_att = unit->bearer != NULL;
	held->frames = unit->frames;
	held->flow = flow_of(held->is_att, pdu[0]);
	held->len = len;
	memcpy(held->pdu, pdu, len);
	while (*last)
		last = &(*last)->next;
	*last = held;
	link->held_bytes[unit->from] += len;
	ag_due(engine, how->until_us);
	return ag_unit_swallow(engine, unit);
}

void ag_hold_channels_gone(struct ag_engine *engine, struct ag_link *link)
{
	for (enum ag_side from = AG_SIDE_HOST; from <= AG_SIDE_CONTROLLER; from++) {
		struct ag_held **where = &link->held[from];

		while (*where) {
			const struct ag_held *held = *where;

			if (!held->channel || held->channel->state == AG_CHANNEL_OPEN) {
				where = &(*where)->next;
				continue;
			}
			ag_map_indicated(link, from, held->pdu, held->len);
			unlink_held(engine, link, from, where);
		}
	}
}

void ag_hold_rules_gone(struct ag_link *link)
{
	for (enum ag_side from = AG_SIDE_HOST; from <= AG_SIDE_CONTROLLER; from++) {
		for (struct ag_held *held = link->held[from]; held; held = held->next)
			held->how.rule = NULL;
	}
}

void ag_hold_free_spare(struct ag_engine *engine)
{
	while (engine->spare) {
		struct ag_held *held = engine->spare;

		engine->spare = held->next;
		free(held->pdu);
		free(held);
	}
}
