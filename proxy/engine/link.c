/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/internal.h"

#include <errno.h>
#include <string.h>

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

static struct ag_link *free_slot(struct ag_engine *engine)
{
	for (size_t i = 0; i < AG_LINKS_MAX; i++) {
		if (!engine->links[i].up) {
			if (i >= engine->links_used)
				engine->links_used = i + 1;
			return &engine->links[i];
		}
	}
	return NULL;
}

int ag_link_open(struct ag_engine *engine, const struct ag_link_view *view)
{
	struct ag_link *link = ag_link_find(engine, view->handle);
	struct ag_match_state *match;

	if (link)
		ag_link_close(engine, link);
	link = free_slot(engine);
	if (!link)
		return 0;
	if (ag_match_state_new(engine->config.rules, engine->config.seed + engine->links_seen,
			       &match))
		return -ENOMEM;
	link->up = true;
	link->view = *view;
	link->match = match;
	link->ordinal = engine->links_seen++;
	link->disconnecting = false;
	ag_bearer_init(&link->att, view->type == AG_LINK_LE ? AG_BEARER_ATT : AG_BEARER_ATT_BREDR);
	engine->by_handle[view->handle] = (uint8_t)(link - engine->links + 1);
	engine->stats.links++;
	return 0;
}

void ag_link_close(struct ag_engine *engine, struct ag_link *link)
{
	ag_credits_close(engine, link);
	ag_hold_forget(engine, link);
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		struct ag_assembly *assembly = &link->assembly[side];

		ag_fifo_clear(&assembly->packets);
		assembly->mode = AG_ASM_IDLE;
	}
	for (size_t i = 0; i < AG_CHANNELS_MAX; i++)
		ag_channel_close(&link->channel[i]);
	ag_match_state_free(link->match);
	link->match = NULL;
	link->up = false;
	engine->by_handle[link->view.handle] = 0;
	engine->stats.links--;
	while (engine->links_used && !engine->links[engine->links_used - 1].up)
		engine->links_used--;
}

void ag_link_close_all(struct ag_engine *engine)
{
	for (size_t i = AG_LINKS_MAX; i-- > 0;) {
		if (engine->links[i].up)
			ag_link_close(engine, &engine->links[i]);
	}
}
