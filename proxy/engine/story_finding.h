/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_STORY_FINDING_H
#define AG_ENGINE_STORY_FINDING_H

/* How findings are put together (story_finding.c), and those who judge. A function that judges says
 * of one side of a link whether there is something to be told. */

#include "proxy/engine/story_internal.h"

/* A timer of 30 s is seen a little early by a recording: it starts when the PDU is queued. */
#define STORY_TIMER_EARLY (STORY_TIMER - STORY_SECOND / 2)
/* A request this old is not merely being worked on. */
#define STORY_SLOW (5 * STORY_SECOND)

/** Add to the text. */
void __attribute__((format(printf, 2, 3)))
ag_story_say(struct ag_finding *finding, const char *format, ...);

/** Say how sure it is, and why. */
void __attribute__((format(printf, 3, 4)))
ag_story_sure(struct ag_finding *finding, enum ag_confidence confidence, const char *format, ...);

/** Name a frame that shows it; frame 0 is none. */
void ag_story_evidence(struct ag_finding *finding, struct story_mark mark);

/** "authentication failure (0x05)" from a name in snake case, or NULL. */
const char *ag_story_named(char out[48], const char *name, unsigned int code);

/** The request of a side that has been open longest, or NULL. */
const struct story_request *ag_story_oldest(const struct story_link *link, enum ag_from from);

static inline const char *story_who(enum ag_from from)
{
	return from == AG_FROM_HOST ? "the host" : "the peer";
}

static inline const char *story_whose(enum ag_from from)
{
	return from == AG_FROM_HOST ? "the host's" : "the peer's";
}

static inline enum ag_from story_peripheral(const struct story_link *link)
{
	return link->view.role == AG_ROLE_PERIPHERAL ? AG_FROM_HOST : AG_FROM_PEER;
}

static inline double story_seconds(struct story_mark from, struct story_mark to)
{
	return to.us > from.us ? (double)(to.us - from.us) / 1e6 : 0;
}

static inline uint64_t story_between(struct story_mark from, struct story_mark to)
{
	return to.us > from.us ? to.us - from.us : 0;
}

static inline bool story_incomplete(const struct story_link *link)
{
	return link->overrun > 0 || link->surplus > 0 || link->overfull;
}

/* Where packets are missing, what is not there proves less. */
static inline enum ag_confidence story_at_most(const struct story_link *link,
					       enum ag_confidence confidence)
{
	return story_incomplete(link) && confidence == AG_CERTAIN ? AG_LIKELY : confidence;
}

/* ---- story_security.c ---- */

/** What helps where `from` waits for the other side. */
enum ag_remedy ag_story_silence_remedy(const struct story_link *link, enum ag_from from);

bool ag_story_judge_security(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding);
bool ag_story_judge_unprompted(const struct story_link *link, enum ag_from from,
			       struct ag_finding *finding);
bool ag_story_judge_pairing(const struct story_link *link, enum ag_from from,
			    struct ag_finding *finding);
bool ag_story_judge_timer(const struct story_link *link, enum ag_from from,
			  struct ag_finding *finding);

#endif
