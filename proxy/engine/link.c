/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/hide.h"

#include <errno.h>
#include <stdlib.h>

void ag_role_learn(struct ag_engine *engine, uint64_t peer, enum ag_role role)
{
	for (size_t i = 0; i < AG_PENDING_ROLES; i++) {
		if (engine->roles[i].peer == peer) {
			engine->roles[i].role = role;
			return;
		}
	}
	engine->roles[engine->next_role] = (struct ag_pending_role){ peer, role };
	engine->next_role = (engine->next_role + 1) % AG_PENDING_ROLES;
}

enum ag_role ag_role_known(const struct ag_engine *engine, uint64_t peer)
{
	for (size_t i = 0; i < AG_PENDING_ROLES; i++) {
		if (engine->roles[i].peer == peer)
			return engine->roles[i].role;
	}
	/* nobody here asked for the connection, so the peer did */
	return AG_ROLE_PERIPHERAL;
}

static struct ag_link *new_link(struct ag_engine *engine)
{
	struct ag_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	if (ag_attributes_new(&link->map[AG_SIDE_CONTROLLER])) {
		free(link);
		return NULL;
	}
	link->map[AG_SIDE_HOST] = engine->host_map;
	return link;
}

/* A slot that is free, with the memory for a link in it. */
static struct ag_link *free_slot(struct ag_engine *engine, uint8_t *number)
{
	for (size_t i = 0; i < AG_LINKS_MAX; i++) {
		if (ag_link_at(engine, i))
			continue;
		if (!engine->links[i])
			engine->links[i] = new_link(engine);
		if (engine->links[i] && i >= engine->links_used)
			engine->links_used = i + 1;
		*number = (uint8_t)(i + 1);
		return engine->links[i];
	}
	return NULL;
}

int ag_link_open(struct ag_engine *engine, const struct ag_link_view *view)
{
	struct ag_link *link = ag_link_find(engine, view->handle);
	struct ag_match_state *match;
	uint8_t number;

	if (link)
		ag_link_close(engine, link);
	link = free_slot(engine, &number);
	if (!link)
		return 0;
	if (ag_match_state_new(engine->config.rules, engine->config.seed + engine->links_seen,
			       &match))
		return -ENOMEM;
	link->up = true;
	link->view = *view;
	link->view.ordinal = engine->links_seen++;
	link->match = match;
	link->disconnecting = false;
	link->introduction = (struct ag_introduction){ .has_irk = false };
	ag_bearer_init(&link->att, view->type == AG_LINK_LE ? AG_BEARER_ATT : AG_BEARER_ATT_BREDR);
	ag_hide_refresh(engine, link, true);
	engine->by_handle[view->handle] = number;
	engine->stats.links++;
	ag_map_open(engine, link);
	return 0;
}

void ag_link_close(struct ag_engine *engine, struct ag_link *link)
{
	ag_map_save(engine, link);
	ag_credits_close(engine, link);
	ag_hold_forget(engine, link);
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		ag_assembly_end(&link->assembly[side]);
		link->shown[side].n_primary = link->shown[side].n_extended = 0;
	}
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++)
		ag_channel_close(&link->channel[i]);
	link->has_channels = false;
	ag_match_state_free(link->match);
	link->match = NULL;
	link->up = false;
	engine->by_handle[link->view.handle] = 0;
	engine->stats.links--;
	while (engine->links_used && !ag_link_at(engine, engine->links_used - 1))
		engine->links_used--;
}

void ag_link_close_all(struct ag_engine *engine)
{
	for (size_t i = engine->links_used; i-- > 0;) {
		struct ag_link *link = ag_link_at(engine, i);

		if (link)
			ag_link_close(engine, link);
	}
}

static void free_link(struct ag_link *link)
{
	for (size_t side = 0; side < 2; side++) {
		ag_marks_free(&link->line[side].in_flight);
		ag_fifo_free(&link->line[side].waiting);
		ag_fifo_free(&link->line[side].injected);
		ag_fifo_free(&link->assembly[side].packets);
	}
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++)
		ag_channel_free(&link->channel[i]);
	ag_attributes_free(link->map[AG_SIDE_CONTROLLER]);
	free(link);
}

void ag_link_free_all(struct ag_engine *engine)
{
	ag_link_close_all(engine);
	for (size_t i = 0; i < AG_LINKS_MAX; i++) {
		if (engine->links[i])
			free_link(engine->links[i]);
	}
}
