/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_INTERNAL_H
#define AG_ENGINE_INTERNAL_H

/*
 * What the files of the engine ask of each other: the engine itself, links, commands and events,
 * and who the peers are. How packets travel is in travel.h, what becomes of PDUs in judging.h.
 * Functions that return int give 0 or -ENOMEM, which is fatal for the engine and passed on
 * untouched.
 */

#include "proxy/engine/state.h"
#include "proxy/wire/cursor.h"

/* ---- engine.c ---- */

/** Queue a packet for a side as it is, without any account. */
int ag_emit(struct ag_engine *engine, enum ag_side to, const uint8_t *packet, size_t len);

/** An ACL packet from the controller whose link is now known, or never will be. */
int ag_early_release(struct ag_engine *engine, bool all);

/** Have ag_engine_tick() called at `at_us`. */
static inline void ag_due(struct ag_engine *engine, uint64_t at_us)
{
	if (at_us < engine->due_us)
		engine->due_us = at_us;
}

/** The next number of the engine's generator (seeded, so a run repeats). */
uint64_t ag_random(struct ag_engine *engine);

/** Whether nothing will be changed: then nothing is ever held, not even for a moment. */
static inline bool ag_is_passive(const struct ag_engine *engine)
{
	return engine->config.dry_run || !ag_ruleset_count(engine->config.rules);
}

/* ---- link.c: links and what events say of them ---- */

static inline struct ag_link *ag_link_find(struct ag_engine *engine, uint16_t handle)
{
	uint8_t slot = handle <= AG_HCI_HANDLE_MAX ? engine->by_handle[handle] : 0;

	return slot ? engine->links[slot - 1] : NULL;
}

/** The link in slot `i`, less than engine->links_used; NULL when it is not up. */
static inline struct ag_link *ag_link_at(struct ag_engine *engine, size_t i)
{
	return engine->links[i] && engine->links[i]->up ? engine->links[i] : NULL;
}

/** A link came up. An older one of the same handle is closed first; where there is no room or no
 *  memory the new one is not known, and its packets go by. */
int ag_link_open(struct ag_engine *engine, const struct ag_link_view *view);

/** A link went down: its accounts on both sides end, and what was held or waited is forgotten. */
void ag_link_close(struct ag_engine *engine, struct ag_link *link);

void ag_link_close_all(struct ag_engine *engine);

/** Release the memory of all links. */
void ag_link_free_all(struct ag_engine *engine);

/* ---- event.c, command.c ---- */

/** An event from the controller, H4 type octet first. */
int ag_event(struct ag_engine *engine, const uint8_t *packet, size_t len);

/** A command from the host, H4 type octet first. */
int ag_command(struct ag_engine *engine, const uint8_t *packet, size_t len);

/** A command of our own; its Command Complete or Status will not reach the host. */
int ag_command_own(struct ag_engine *engine, const uint8_t *packet, size_t len);

/**
 * The controller answered a command.
 *
 * @credits: Num_HCI_Command_Packets
 * @ours:    true when the answer is to our own command and not for the host
 */
void ag_command_answered(struct ag_engine *engine, uint16_t opcode, uint8_t credits, bool *ours);

/** Send what waited for that answer. */
int ag_command_next(struct ag_engine *engine);

/** The controller is being reset: forget all commands. */
void ag_command_reset(struct ag_engine *engine);

/** The role that commands and events gave us towards a BR/EDR peer. */
void ag_role_learn(struct ag_engine *engine, uint64_t peer, enum ag_role role);
enum ag_role ag_role_known(const struct ag_engine *engine, uint64_t peer);

/* ---- identify.c: who the peers are ---- */

/** Put the peer's identity in the place of a resolvable private address that is known. @return:
 *  whether it was */
bool ag_identify(struct ag_engine *engine, struct ag_link_view *view);

/** An SMP PDU goes on its way. */
void ag_identify_smp(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		     const uint8_t *pdu, size_t len);

/** Take what the peer has told of itself, if it is whole and the link is encrypted. */
void ag_identify_introduced(struct ag_engine *engine, struct ag_link *link);

/** Parameters of LE Add Device To Resolving List. */
void ag_identify_listed(struct ag_engine *engine, struct ag_cursor *params);

#endif
