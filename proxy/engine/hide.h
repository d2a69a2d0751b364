/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_HIDE_H
#define AG_ENGINE_HIDE_H

/*
 * `hide`: attributes of one side that the other does not get to see. Only files of proxy/engine
 * include this.
 *
 * What the owner of a database answers to discovery loses the hidden entries, what names a hidden
 * attribute by its handle goes no further, and the Database Hash becomes another one. Which
 * attributes are hidden is asked of the rules with what link->map knows, so the map has learned
 * from a PDU before it comes here.
 */

#include "proxy/engine/judging.h"

enum ag_hide_outcome {
	AG_HIDE_NOTHING, /* the PDU goes on as it is */
	AG_HIDE_CHANGED, /* it goes on in other octets, those in engine->rewrite */
	AG_HIDE_REFUSED, /* it goes no further; a request gets an error, an indication a
			  * confirmation */
	AG_HIDE_ONWARD,  /* a list of which nothing is left: its owner is asked for the next one */
};

/** What hiding makes of one PDU. */
struct ag_hide_finding {
	enum ag_hide_outcome outcome;
	const struct ag_rule *rule; /* that hides (the last of) what is hidden; NULL: none */
	size_t entries;             /* of a list */
	size_t hidden;              /* of them */
	size_t len;                 /* CHANGED: octets in engine->rewrite */
	uint16_t start;             /* CHANGED, of a request: where its asker wanted to start */
	uint16_t handle;            /* REFUSED: named in the error; ONWARD: where to go on */
	uint8_t error;              /* REFUSED: of a request */
};

/* ---- hidden.c: which attributes are hidden ---- */

/** Looking at one database for one asker. */
struct ag_looking {
	struct ag_engine *engine;
	struct ag_link *link;
	enum ag_side owner;
	const struct ag_rule *rule; /* that hid something last */
};

static inline const struct ag_attributes *ag_looking_map(const struct ag_looking *looking)
{
	return looking->link->map[looking->owner];
}

/** The part of a subject that is the link and whose database it is. */
void ag_hides_set_link(const struct ag_link *link, enum ag_side owner, struct ag_subject *subject);

bool ag_hides_service(struct ag_looking *looking, const struct ag_attribute *service);

/** The attribute at a handle. One of which nothing is known is not hidden. */
bool ag_hides_handle(struct ag_looking *looking, uint16_t handle);

/** An entry of a list, which may tell more than the map had room for, or other than it believes.
 *  `user` is a struct ag_looking; see ag_filter_fn. */
bool ag_hides_entry(void *user, const struct ag_attribute *entry);

/* ---- hide.c: what that makes of PDUs ---- */

/** Whether a PDU from `from` with this opcode has to be looked at, because something is hidden. */
static inline bool ag_hide_concerns(const struct ag_link *link, enum ag_side from, uint8_t opcode)
{
	if (!link->hiding[0].active && !link->hiding[1].active)
		return false;
	switch (ag_att_kind(opcode)) {
	case AG_ATT_REQUEST:
	case AG_ATT_COMMAND:
		return link->hiding[ag_other(from)].active;
	case AG_ATT_RESPONSE:
	case AG_ATT_NOTIFICATION:
	case AG_ATT_INDICATION:
		return link->hiding[from].active;
	case AG_ATT_CONFIRMATION:
	case AG_ATT_NO_KIND:
		break;
	}
	return false;
}

/** What hiding makes of a PDU that the rules let through. `att` is the PDU as they left it,
 *  `original` as it came. */
void ag_hide_look(struct ag_engine *engine, const struct ag_unit *unit,
		  const struct ag_att *original, const struct ag_att *att,
		  struct ag_hide_finding *out);

/** Ask the owner of a list of which nothing was left for what is behind it. The transaction stays
 *  open: its asker knows nothing of this. */
int ag_hide_onward(struct ag_engine *engine, struct ag_unit *unit, uint16_t start);

/* ---- hide_change.c ---- */

/** What lists ended with may not be so any more. */
void ag_hide_forget_tails(struct ag_link *link);

/**
 * A link came up, what is known of its peer changed, or other rules came: find out what they hide
 * there.
 *
 * @fresh: the link is new, so nobody has seen anything. Else the host is to be told where something
 *         else of the peer is hidden now.
 */
void ag_hide_refresh(struct ag_engine *engine, struct ag_link *link, bool fresh);

/** Tell the host that what it knows of the peer's database may be wrong: one Service Changed
 *  indication for all of it (Vol 3 Part G, 7.1), as soon as no other one is open. Where the peer's
 *  «Service Changed» is not known that is counted. */
int ag_hide_announce(struct ag_engine *engine, struct ag_link *link);

/** A confirmation of the host was seen: what waited for it may go. */
int ag_hide_confirmed(struct ag_engine *engine, struct ag_link *link);

#endif
