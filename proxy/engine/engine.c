/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/hide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/h4.h"

/** Packets that wait for their connection event; more go on as they come. */
#define EARLY_MAX 64

/* ---- Queues ---- */

int ag_emit(struct ag_engine *engine, enum ag_side to, const uint8_t *packet, size_t len)
{
	return ag_fifo_put(&engine->out[to], packet, len, 0);
}

bool ag_engine_peek(const struct ag_engine *engine, enum ag_side side, struct ag_packet *packet)
{
	struct ag_record record;

	if (!ag_fifo_front(&engine->out[side], &record))
		return false;
	*packet = (struct ag_packet){ record.data, record.len };
	return true;
}

void ag_engine_pop(struct ag_engine *engine, enum ag_side side)
{
	ag_fifo_pop(&engine->out[side]);
}

size_t ag_engine_backlog(const struct ag_engine *engine, enum ag_side side)
{
	return engine->out[side].bytes;
}

/* ---- ACL data before its connection event ---- */

static bool park(struct ag_engine *engine, const uint8_t *packet, size_t len)
{
	if (!engine->config.early_acl_us || engine->early.count >= EARLY_MAX ||
	    ag_fifo_put(&engine->early, packet, len, 0))
		return false;
	engine->early_until_us = engine->now_us + engine->config.early_acl_us;
	ag_due(engine, engine->early_until_us);
	return true;
}

static int feed_acl(struct ag_engine *engine, enum ag_side side, const uint8_t *packet, size_t len,
		    bool may_park)
{
	struct ag_link *link;
	struct ag_acl acl;

	if (!ag_acl_parse(packet, len, &acl)) {
		engine->stats.unjudged[AG_UNJUDGED_TRUNCATED]++;
		return ag_emit(engine, ag_other(side), packet, len);
	}
	link = ag_link_find(engine, acl.handle);
	if (link)
		return ag_recombine(engine, link, side, &acl, packet, len);
	if (may_park && side == AG_SIDE_CONTROLLER && park(engine, packet, len))
		return 0;
	engine->stats.unjudged[AG_UNJUDGED_NO_LINK]++;
	return ag_emit(engine, ag_other(side), packet, len);
}

int ag_early_release(struct ag_engine *engine, bool all)
{
	size_t count = engine->early.count;
	struct ag_record record;
	struct ag_acl acl;
	int r = 0;

	for (size_t i = 0; i < count && !r && ag_fifo_front(&engine->early, &record); i++) {
		ag_acl_parse(record.data, record.len, &acl);
		if (all || ag_link_find(engine, acl.handle)) {
			r = feed_acl(engine, AG_SIDE_CONTROLLER, record.data, record.len, false);
		} else {
			/* the record moves when the queue grows, so it is copied first */
			memcpy(engine->frame, record.data, record.len);
			r = ag_fifo_put(&engine->early, engine->frame, record.len, 0);
		}
		ag_fifo_pop(&engine->early);
	}
	return r;
}

/* ---- In ---- */

int ag_engine_feed(struct ag_engine *engine, enum ag_side side, const uint8_t *packet, size_t len,
		   uint64_t now_us)
{
	engine->now_us = now_us;
	if (!len)
		return 0;
	engine->stats.packets[side]++;
	engine->stats.bytes[side] += len;
	if (packet[0] == AG_H4_ACL)
		return feed_acl(engine, side, packet, len, true);
	if (packet[0] == AG_H4_COMMAND && side == AG_SIDE_HOST)
		return ag_command(engine, packet, len);
	if (packet[0] == AG_H4_EVENT && side == AG_SIDE_CONTROLLER)
		return ag_event(engine, packet, len);
	return ag_emit(engine, ag_other(side), packet, len);
}

/* ---- Time ---- */

uint64_t ag_engine_deadline(const struct ag_engine *engine)
{
	return engine->due_us;
}

int ag_engine_tick(struct ag_engine *engine, uint64_t now_us)
{
	int r = 0;

	engine->now_us = now_us;
	if (engine->due_us > now_us)
		return 0;
	engine->due_us = UINT64_MAX;
	for (size_t i = 0; !r && i < engine->links_used; i++) {
		struct ag_link *link = ag_link_at(engine, i);

		if (!link)
			continue;
		r = ag_bearer_tick(engine, link);
		if (!r)
			r = ag_hold_release(engine, link);
		if (!r && link->service_changed_due)
			r = ag_hide_announce(engine, link);
	}
	if (r || !engine->early.count)
		return r;
	if (engine->early_until_us <= now_us)
		return ag_early_release(engine, true);
	ag_due(engine, engine->early_until_us);
	return 0;
}

/* splitmix64 */
uint64_t ag_random(struct ag_engine *engine)
{
	uint64_t z = engine->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- Life ---- */

/* What costs something to find out is found out where somebody may ask. */
static void note_asked(struct ag_engine *engine)
{
	const struct ag_ruleset *rules = engine->config.rules;

	engine->asks_malformed = engine->config.tap || ag_rules_ask(rules, AG_F_ATT_MALFORMED);
	/* a value's format follows from its type */
	engine->asks_attribute = engine->asks_malformed || ag_rules_ask(rules, AG_F_ATT_UUID) ||
				 ag_rules_ask(rules, AG_F_ATT_CHARACTERISTIC) ||
				 ag_rules_ask(rules, AG_F_ATT_SERVICE) ||
				 ag_rules_ask(rules, AG_F_ATT_MAPPED);
}

static uint64_t *new_hits(const struct ag_ruleset *rules)
{
	return calloc(ag_ruleset_count(rules) + 1, sizeof(uint64_t));
}

int ag_engine_new(const struct ag_engine_config *config, struct ag_engine **out)
{
	struct ag_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	engine->config = *config;
	engine->next_number = config->numbered;
	engine->random = config->seed;
	engine->due_us = UINT64_MAX;
	engine->commands.credits = 1;
	engine->identities = config->identities ? config->identities : &engine->own_identities;
	engine->rule_hits = new_hits(config->rules);
	if (ag_attributes_new(&engine->host_map) || ag_attributes_new(&engine->newer_map)) {
		ag_engine_free(engine);
		return -ENOMEM;
	}
	note_asked(engine);
	engine->scratch = malloc(AG_FRAGMENT_MAX);
	engine->sdu = malloc(AG_FRAGMENT_MAX);
	engine->sdu_out = malloc(AG_FRAGMENT_MAX);
	engine->rewrite = malloc(AG_FRAGMENT_MAX);
	engine->split = malloc(AG_H4_MAX);
	engine->frame = malloc(AG_H4_MAX);
	if (!engine->rule_hits || !engine->scratch || !engine->sdu || !engine->sdu_out ||
	    !engine->rewrite || !engine->split || !engine->frame) {
		ag_engine_free(engine);
		return -ENOMEM;
	}
	*out = engine;
	return 0;
}

void ag_engine_free(struct ag_engine *engine)
{
	if (!engine)
		return;
	ag_link_free_all(engine);
	ag_hold_free_spare(engine);
	for (size_t side = 0; side < 2; side++)
		ag_fifo_free(&engine->out[side]);
	ag_fifo_free(&engine->commands.own);
	ag_fifo_free(&engine->commands.host);
	ag_fifo_free(&engine->early);
	ag_attributes_free(engine->host_map);
	ag_attributes_free(engine->newer_map);
	free(engine->rule_hits);
	free(engine->scratch);
	free(engine->sdu);
	free(engine->sdu_out);
	free(engine->rewrite);
	free(engine->split);
	free(engine->frame);
	free(engine);
}

/* ---- Rules ---- */

/* New counters of samplers for every link, all or none. */
static int renew_states(struct ag_engine *engine, const struct ag_ruleset *rules)
{
	struct ag_match_state *states[AG_LINKS_MAX] = { NULL };
	size_t used = engine->links_used;

	for (size_t i = 0; i < used; i++) {
		struct ag_link *link = ag_link_at(engine, i);

		if (!link || !ag_match_state_new(rules, engine->config.seed + link->view.ordinal,
						 &states[i]))
			continue;
		while (i-- > 0)
			ag_match_state_free(states[i]);
		return -ENOMEM;
	}
	for (size_t i = 0; i < used; i++) {
		struct ag_link *link = ag_link_at(engine, i);

		if (!link)
			continue;
		ag_match_state_free(link->match);
		link->match = states[i];
	}
	return 0;
}

static void forget_rules(struct ag_link *link)
{
	ag_hold_rules_gone(link);
	for (size_t side = 0; side < 2; side++) {
		link->att.transaction[side].rule = NULL;
		for (size_t i = 0; i < AG_CHANNELS_MAX; i++)
			link->channel[i].bearer.transaction[side].rule = NULL;
	}
}

int ag_engine_set_rules(struct ag_engine *engine, const struct ag_ruleset *rules)
{
	uint64_t *hits = new_hits(rules);

	if (!hits)
		return -ENOMEM;
	if (renew_states(engine, rules)) {
		free(hits);
		return -ENOMEM;
	}
	for (size_t i = 0; i < engine->links_used; i++) {
		if (ag_link_at(engine, i))
			forget_rules(engine->links[i]);
	}
	free(engine->rule_hits);
	engine->rule_hits = hits;
	engine->config.rules = rules;
	note_asked(engine);
	for (size_t i = 0; i < engine->links_used; i++) {
		if (ag_link_at(engine, i))
			ag_hide_refresh(engine, engine->links[i], false);
	}
	return 0;
}

void ag_engine_save(struct ag_engine *engine)
{
	for (size_t i = 0; i < engine->links_used; i++) {
		if (ag_link_at(engine, i))
			ag_map_save(engine, engine->links[i]);
	}
}

/* ---- Numbers ---- */

const struct ag_stats *ag_engine_stats(const struct ag_engine *engine)
{
	return &engine->stats;
}

const uint64_t *ag_engine_rule_hits(const struct ag_engine *engine)
{
	return engine->rule_hits;
}
