/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_PASS_H
#define AG_ENGINE_PASS_H

/* A PDU that no rule matched, and what has to be known of it to tell of it later. */

#include "proxy/engine/attributes.h"
#include "proxy/engine/engine.h"

/** What the engine knows of an ATT PDU beside its octets. All pointers are valid during the call
 *  only. */
struct ag_passed {
	uint64_t number; /* as in struct ag_decision, and so are these */
	uint64_t now_us;
	const struct ag_link_view *link;
	const uint8_t *pdu;
	size_t len; /* all of it */
	size_t packets;
	enum ag_from from;
	enum ag_bearer_type bearer;
	uint16_t cid;
	uint16_t mtu;       /* the bearer's ATT_MTU before it */
	uint8_t request;    /* the opcode of what it answers, where it does */
	bool answers;       /* it is a response or a confirmation, and to what was open */
	bool has_malformed; /* whether it keeps to its format was looked at … */
	bool malformed;     /* … and it does not */
	bool has_place;     /* it is about one attribute, of which this is known */
	struct ag_attribute_place place;
};

/** The fields that a decision's subject would have had. */
void ag_passed_subject(const struct ag_passed *passed, struct ag_subject *out);

#endif
