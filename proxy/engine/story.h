/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_STORY_H
#define AG_ENGINE_STORY_H

/*
 * What went wrong on a link, told from the traffic: fed with the HCI packets of one controller and
 * with the engine's decisions about their PDUs, it keeps for each link what matters later, and
 * gives the findings when the link or the recording ends. No I/O, no clock, bounded memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"

/** Kinds of findings, in the order in which they are told. */
enum ag_finding_kind {
	AG_FINDING_CLIENT,          /* the peripheral's host asks the central */
	AG_FINDING_SECURITY,        /* an error was answered by raising security */
	AG_FINDING_UNPROMPTED,      /* security asked for without such an error */
	AG_FINDING_PAIRING,         /* what followed did not end in encryption */
	AG_FINDING_UNANSWERED,      /* a request without a response */
	AG_FINDING_UNSOLICITED,     /* a response without a request */
	AG_FINDING_DUPLICATE,       /* a second response to a request */
	AG_FINDING_MALFORMED,       /* PDUs that break their own format */
	AG_FINDING_MTU,             /* the two sides do not agree on an ATT_MTU */
	AG_FINDING_SERVICE_CHANGED, /* indicated before the link was encrypted */
	AG_FINDING_INDICATION,      /* an indication without a confirmation */
	AG_FINDING_CREDITS,         /* the controller kept buffers */
	AG_FINDING_TIMER,           /* which timer ended the link */
	AG_FINDING_LOST,            /* the recording lacks packets */
	AG_FINDING_KINDS,
};

enum ag_confidence { AG_POSSIBLE, AG_LIKELY, AG_CERTAIN };

/** The rules that prevent a finding; see ag_remedy_format(). */
enum ag_remedy {
	AG_REMEDY_NONE,
	AG_REMEDY_ONE_MTU,
	AG_REMEDY_QUIET,
	AG_REMEDY_OUR_ERROR,
	AG_REMEDY_THEIR_ERROR,
	AG_REMEDY_SILENT_PEER,
	AG_REMEDY_SILENT_HOST,
	AG_REMEDY_SURPLUS,
	AG_REMEDY_MALFORMED,
	AG_REMEDY_HOLD_INDICATION,
	AG_REMEDY_BONDED,
	AG_REMEDIES,
};

enum { AG_FINDING_FRAMES = 6, AG_FINDING_TEXT = 640, AG_FINDING_WHY = 200 };

struct ag_finding {
	enum ag_finding_kind kind;
	bool harmless; /* worth knowing, but nothing failed by it */
	enum ag_confidence confidence;
	char text[AG_FINDING_TEXT]; /* sentences, no final newline */
	char why[AG_FINDING_WHY];   /* what the confidence rests on */
	uint64_t frames[AG_FINDING_FRAMES];
	size_t n_frames;
	enum ag_remedy remedy;
	uint16_t remedy_handle; /* AG_REMEDY_HOLD_INDICATION */
};

/** One link with its findings. */
struct ag_link_story {
	const struct ag_link_view *link;
	uint64_t first_frame, last_frame;
	uint64_t lasted_us;
	bool ended; /* else the recording ended first */
	const struct ag_finding *findings;
	size_t n_findings;
};

typedef void ag_story_fn(void *user, const struct ag_link_story *story);

struct ag_story;

/**
 * @tell: called when a link ends, and by ag_story_end() for those still up; what it gets is valid
 *        during the call
 * @out:  freed with ag_story_free(); untouched on failure
 * @return: 0 or -ENOMEM
 */
int ag_story_new(ag_story_fn *tell, void *user, struct ag_story **out);

/** Free without telling; NULL is allowed. */
void ag_story_free(struct ag_story *story);

/**
 * Tell of an HCI packet, type octet first, before the engine is fed with it.
 *
 * @frame: its number in the recording
 */
void ag_story_packet(struct ag_story *story, uint64_t frame, uint64_t now_us, enum ag_side from,
		     const uint8_t *packet, size_t len);

/** Tell of a decision of an engine without rules: the PDU came in the packet last told of. */
void ag_story_decision(struct ag_story *story, const struct ag_decision *decision);

/** The recording is at its end: tell of all links that are still up. */
void ag_story_end(struct ag_story *story);

/** "client-on-incoming-link": what a finding is called in JSON. */
const char *ag_finding_name(enum ag_finding_kind kind);

/** A headline: "GATT client on an incoming link". */
const char *ag_finding_title(enum ag_finding_kind kind);

/** "certain", "likely" or "possible". */
const char *ag_confidence_name(enum ag_confidence confidence);

/**
 * The rules of a remedy with a comment, as a rule file has them, each with a final newline.
 *
 * @handle: AG_REMEDY_HOLD_INDICATION: the attribute; else not looked at
 * @out:    always terminated
 * @return: length of the string, 0 for AG_REMEDY_NONE
 */
size_t ag_remedy_format(enum ag_remedy remedy, uint16_t handle, char *out, size_t size);

/** Name of the first rule of a remedy; NULL for AG_REMEDY_NONE. */
const char *ag_remedy_rule(enum ag_remedy remedy);

#endif
