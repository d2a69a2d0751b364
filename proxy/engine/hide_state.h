/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_HIDE_STATE_H
#define AG_ENGINE_HIDE_STATE_H

/* What the engine remembers because of `hide`. Only files of proxy/engine include this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Octets that all fixed parameters of an ATT request fit in. */
#define AG_HEAD_MAX 24
/** Decisions about single attributes that are remembered, per link and database; a power of two. A
 *  notification asks once for its handle, so that is what it has to hold. */
#define AG_HIDE_ANSWERS 128

struct ag_rule;

/** What a list ended with that its asker did not see, because it is hidden. */
struct ag_tail {
	uint16_t from; /* 0: nothing */
	uint16_t to;
	uint8_t query[AG_HEAD_MAX]; /* the request that it answered */
	size_t len;
};

/** What the rules said of one attribute. */
struct ag_hide_answer {
	uint16_t handle;
	bool known;
	bool hidden;
	const struct ag_rule *rule; /* that hides it; may be NULL */
};

/** What is hidden of one database on a link. */
struct ag_hiding {
	bool active;        /* some rule may hide something */
	uint64_t digest[2]; /* of those rules */
	uint64_t changes;   /* of the map, when the answers were given */
	struct ag_hide_answer answers[AG_HIDE_ANSWERS];
};

#endif
