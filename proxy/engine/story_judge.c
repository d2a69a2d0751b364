/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a link's traffic says went wrong. One function a kind of finding, in the table at the end.
 */
#include "proxy/engine/story_finding.h"

#include <inttypes.h>

#include "proxy/base/cleanup.h"

/* ---- Clients ---- */

static bool judge_client(const struct story_link *link, enum ag_from from,
			 struct ag_finding *finding)
{
	const struct story_count *asked = &link->asked[from];
	bool silence = false;

	if (from != story_peripheral(link) || asked->count == 0)
		return false;
	for (size_t i = 0; i < STORY_REQUESTS; i++)
		silence |= link->requests[from][i].at.frame &&
			   story_between(link->requests[from][i].at, link->ended) >= STORY_SLOW;
	ag_story_say(
	    finding,
	    "%s is the peripheral, yet it started a GATT client towards the central: \"%s\" "
	    "(frame %" PRIu64 "), %.3f s after the link came up, ",
	    story_who(from), asked->words, asked->first.frame,
	    story_seconds(link->began, asked->first));
	ag_story_say(finding, "and %" PRIu64 " request%s in all, the last in frame %" PRIu64 ".",
		     asked->count, asked->count == 1 ? "" : "s", asked->last.frame);
	ag_story_evidence(finding, link->mtu_first[from]);
	ag_story_evidence(finding, asked->first);
	ag_story_evidence(finding, asked->last);
	ag_story_sure(finding, AG_CERTAIN, "the role is in the connection event");
	finding->harmless = !silence &&
			    !(link->raised.frame && link->raiser == from && !link->settled.frame);
	finding->remedy = from == AG_FROM_HOST && !finding->harmless ? AG_REMEDY_QUIET
								     : AG_REMEDY_NONE;
	return true;
}

/* ---- Requests, responses, indications ---- */

static bool judge_unanswered(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding)
{
	const struct story_request *request = ag_story_oldest(link, from);
	enum ag_from silent = story_other(from);

	if (!request || story_between(request->at, link->ended) < STORY_SLOW)
		return false;
	ag_story_say(finding, "%s never answered \"%s\" (frame %" PRIu64 ") in %.1f s.",
		     story_who(silent), request->words, request->at.frame,
		     story_seconds(request->at, link->ended));
	ag_story_evidence(finding, request->at);
	if (link->raised.frame && link->raiser == silent && !link->settled.frame &&
	    link->raised.us <= request->at.us + STORY_SECOND) {
		ag_story_say(
		    finding,
		    " It had asked for security itself (frame %" PRIu64 "): BlueZ's kernel blocks "
		    "the ATT socket until that is settled, so %s GATT server is mute meanwhile.",
		    link->raised.frame, story_whose(silent));
		ag_story_evidence(finding, link->raised);
	}
	if (story_between(request->at, link->ended) >= STORY_TIMER_EARLY)
		ag_story_sure(finding, story_incomplete(link) ? AG_POSSIBLE : AG_CERTAIN, "%s",
			      story_incomplete(link)
				  ? "the recording lacks packets, perhaps the response too"
				  : "30 s are the limit for a response");
	else
		ag_story_sure(finding, story_incomplete(link) ? AG_POSSIBLE : AG_LIKELY,
			      "it was open when %s, but younger than the limit of 30 s",
			      link->ended.frame ? "the link ended" : "the recording ends");
	finding->harmless = link->overrun > 0 &&
			    story_between(request->at, link->ended) < STORY_TIMER_EARLY;
	finding->remedy = ag_story_silence_remedy(link, from);
	return true;
}

static void say_counted(const struct story_count *what, enum ag_from from, const char *second,
			struct ag_finding *finding)
{
	ag_story_say(finding, "%s sent \"%s\" (frame %" PRIu64 "), %s", story_who(from),
		     what->words, what->first.frame, second);
	if (what->count > 1)
		ag_story_say(finding,
			     " There are %" PRIu64 " of this kind, the last in frame %" PRIu64 ".",
			     what->count, what->last.frame);
	ag_story_evidence(finding, what->first);
	ag_story_evidence(finding, what->last);
	finding->remedy = from == AG_FROM_PEER ? AG_REMEDY_SURPLUS : AG_REMEDY_NONE;
}

static bool judge_unsolicited(const struct story_link *link, enum ag_from from,
			      struct ag_finding *finding)
{
	const struct story_count *what = &link->unsolicited[from];

	if (what->count == 0)
		return false;
	say_counted(what, from,
		    "but nothing was asked that it answers. bluetoothd ends the link for it.",
		    finding);
	finding->harmless = story_incomplete(link);
	if (!story_incomplete(link)) {
		ag_story_sure(finding, AG_LIKELY,
			      "no request is open, and no packets are seen to be missing");
		return true;
	}
	finding->remedy = AG_REMEDY_NONE;
	ag_story_sure(finding, AG_POSSIBLE, "the recording lacks packets, perhaps the request too");
	return true;
}

static bool judge_duplicate(const struct story_link *link, enum ag_from from,
			    struct ag_finding *finding)
{
	const struct story_count *what = &link->duplicate[from];

	if (what->count == 0)
		return false;
	say_counted(what, from,
		    "a second response to a request that was answered. bluetoothd ends the link "
		    "for it.",
		    finding);
	finding->harmless = story_incomplete(link);
	if (story_incomplete(link)) {
		finding->remedy = AG_REMEDY_NONE;
		ag_story_sure(finding, AG_POSSIBLE,
			      "the recording lacks packets, perhaps a second request too");
		return true;
	}
	ag_story_evidence(finding, link->answer[story_other(from)]);
	if (link->same_again[from])
		ag_story_sure(finding, AG_CERTAIN, "it is the same response, octet for octet");
	else
		ag_story_sure(finding, AG_POSSIBLE,
			      "it differs from the first, so a second request may be missing here");
	return true;
}

/* A rule can do something about what comes from the peer. */
static bool judge_malformed(const struct story_link *link, enum ag_from from,
			    struct ag_finding *finding)
{
	const struct story_count *what = &link->malformed[from];

	if (what->count == 0)
		return false;
	say_counted(what, from, "which breaks its own format.", finding);
	if (from == AG_FROM_PEER)
		ag_story_say(finding,
			     " bluetoothd fails by most such answers, and ends itself by some: "
			     "entries of a length of 0, an empty Extended Properties "
			     "descriptor, services that overlap.");
	finding->remedy = from == AG_FROM_PEER ? AG_REMEDY_MALFORMED : AG_REMEDY_NONE;
	ag_story_sure(finding, story_at_most(link, AG_CERTAIN), "Vol 3 Part F, 3.4");
	return true;
}

static bool judge_indication(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding)
{
	const struct story_request *indication = &link->indication[from];

	if (!indication->at.frame || story_between(indication->at, link->ended) < STORY_SLOW)
		return false;
	ag_story_say(finding, "%s never confirmed \"%s\" (frame %" PRIu64 ") in %.1f s.",
		     story_who(story_other(from)), indication->words, indication->at.frame,
		     story_seconds(indication->at, link->ended));
	ag_story_evidence(finding, indication->at);
	if (story_between(indication->at, link->ended) >= STORY_TIMER_EARLY)
		ag_story_sure(finding, story_at_most(link, AG_CERTAIN),
			      "30 s are the limit for a confirmation");
	else
		ag_story_sure(finding, AG_LIKELY, "it was open at the end, but younger than 30 s");
	return true;
}

static bool judge_too_long(const struct story_link *link, enum ag_from from,
			   struct ag_finding *finding)
{
	const struct story_count *what = &link->too_long[from];
	bool exchanged = story_agreed(link, from) || story_agreed(link, story_other(from));

	if (what->count == 0)
		return false;
	ag_story_say(finding,
		     "%s sent \"%s\" (frame %" PRIu64 "), which is longer than the ATT_MTU of %u.",
		     story_who(from), what->words, what->first.frame, link->too_long_mtu[from]);
	if (what->count > 1)
		ag_story_say(finding,
			     " So are %" PRIu64 " PDUs in all, the last in frame %" PRIu64 ".",
			     what->count, what->last.frame);
	ag_story_evidence(finding, what->first);
	ag_story_evidence(finding, what->last);
	/* The exchange may be one of the packets that are missing. */
	finding->harmless = story_incomplete(link) || !exchanged;
	if (finding->harmless)
		ag_story_sure(finding, AG_POSSIBLE, "the exchange of the MTU may be missing here");
	else
		ag_story_sure(finding, AG_CERTAIN, "Vol 3 Part F, 3.2.8");
	return true;
}

static bool judge_mtu(const struct story_link *link, enum ag_from from, struct ag_finding *finding)
{
	const uint16_t *mine = link->mtu[from];
	const struct story_count *again = &link->mtu_again[from];

	if (again->count == 0 && (!mine[0] || !mine[1] || mine[0] == mine[1]))
		return judge_too_long(link, from, finding);
	if (again->count > 0) {
		ag_story_say(finding,
			     "%s asked to exchange the MTU again (frame %" PRIu64
			     "), which is allowed once "
			     "on a link.",
			     story_who(from), again->first.frame);
		ag_story_evidence(finding, again->first);
		finding->remedy = from == AG_FROM_HOST ? AG_REMEDY_ONE_MTU : AG_REMEDY_NONE;
		ag_story_sure(finding, story_at_most(link, AG_CERTAIN), "Vol 3 Part F, 3.4.2.1");
		return true;
	}
	ag_story_say(finding,
		     "%s said its Rx MTU is %u when it asked (frame %" PRIu64
		     ") and %u when it answered "
		     "(frame %" PRIu64 "). ",
		     story_who(from), mine[0], link->mtu_at[from][0].frame, mine[1],
		     link->mtu_at[from][1].frame);
	ag_story_say(finding,
		     "The two must be the same, else the sides count on different ATT_MTUs.");
	ag_story_evidence(finding, link->mtu_at[from][0]);
	ag_story_evidence(finding, link->mtu_at[from][1]);
	finding->remedy = from == AG_FROM_PEER ? AG_REMEDY_ONE_MTU : AG_REMEDY_NONE;
	/* What counts in the end may be the same all the same. */
	finding->harmless = story_agreed(link, from) &&
			    story_agreed(link, from) == story_agreed(link, story_other(from));
	ag_story_sure(finding, AG_CERTAIN, "Vol 3 Part F, 3.4.2.2");
	return true;
}

static bool judge_service_changed(const struct story_link *link, enum ag_from from,
				  struct ag_finding *finding)
{
	const struct story_request *early = &link->changed_early;

	if (from != AG_FROM_HOST || !early->at.frame || !link->raised.frame)
		return false;
	ag_story_say(finding,
		     "The host indicated Service Changed (frame %" PRIu64
		     ") before the link was encrypted",
		     early->at.frame);
	if (link->encrypted.frame)
		ag_story_say(finding, " (frame %" PRIu64 ", %.3f s later)", link->encrypted.frame,
			     story_seconds(early->at, link->encrypted));
	ag_story_say(finding,
		     ". A bonded peer need not take it seriously then, and keeps what it knew of "
		     "the services.");
	ag_story_evidence(finding, early->at);
	ag_story_evidence(finding, link->encrypted);
	finding->remedy = AG_REMEDY_HOLD_INDICATION;
	finding->remedy_handle = early->handle;
	if (link->service_changed)
		ag_story_sure(finding, AG_CERTAIN,
			      "the attribute is known from the peer's discovery");
	else
		ag_story_sure(finding, AG_LIKELY, "the value has the form of Service Changed");
	return true;
}

/* ---- Buffers ---- */

static bool judge_credits(const struct story_link *link, enum ag_from from,
			  struct ag_finding *finding)
{
	if (from != AG_FROM_HOST || link->n_acl == 0 ||
	    story_between(link->acl[0], link->ended) < 2 * STORY_SLOW)
		return false;
	ag_story_say(
	    finding,
	    "The controller did not return the buffers of %" PRIu64 " packet%s: the oldest (frame "
	    "%" PRIu64 ") waits for its completion since %.1f s. The host has that much less to "
	    "send with.",
	    link->n_acl + link->more_acl, link->n_acl + link->more_acl == 1 ? "" : "s",
	    link->acl[0].frame, story_seconds(link->acl[0], link->ended));
	ag_story_evidence(finding, link->acl[0]);
	ag_story_evidence(finding, link->acl[link->n_acl - 1]);
	finding->harmless = story_incomplete(link);
	ag_story_sure(finding, story_incomplete(link) ? AG_POSSIBLE : AG_LIKELY,
		      "the events may also be missing from the recording");
	return true;
}

static bool judge_lost(const struct story_link *link, enum ag_from from, struct ag_finding *finding)
{
	if (from != AG_FROM_HOST || !story_incomplete(link))
		return false;
	ag_story_say(finding, "The recording lacks packets of this link: ");
	if (link->surplus > 0)
		ag_story_say(finding, "%" PRIu64 " were completed that are not in it; ",
			     link->surplus);
	if (link->overrun > 0)
		ag_story_say(finding,
			     "%" PRIu64 " times a request follows one without a response; ",
			     link->overrun);
	if (link->overfull)
		ag_story_say(finding,
			     "the controller seems to hold more packets than it has buffers; ");
	ag_story_say(finding, "what is said of missing answers is less sure for it.");
	finding->harmless = true;
	ag_story_sure(finding, AG_LIKELY, "no host does that by itself");
	return true;
}

/* ---- The table ---- */

struct kind_row {
	const char *name;
	const char *title;
	bool (*judge)(const struct story_link *link, enum ag_from from, struct ag_finding *finding);
};

static const struct kind_row kinds[] = {
	[AG_FINDING_CLIENT] = { "client-of-the-peripheral", "The peripheral started a GATT client",
				judge_client },
	[AG_FINDING_SECURITY] = { "error-raised-security", "An error was taken as a wish to pair",
				  ag_story_judge_security },
	[AG_FINDING_UNPROMPTED] = { "unprompted-security-request",
				    "Security was asked for without a refused request",
				    ag_story_judge_unprompted },
	[AG_FINDING_PAIRING] = { "no-encryption", "What was asked for did not lead to encryption",
				 ag_story_judge_pairing },
	[AG_FINDING_UNANSWERED] = { "unanswered-request", "A request was never answered",
				    judge_unanswered },
	[AG_FINDING_UNSOLICITED] = { "unsolicited-response", "A response to no request",
				     judge_unsolicited },
	[AG_FINDING_DUPLICATE] = { "duplicate-response", "A request was answered twice",
				   judge_duplicate },
	[AG_FINDING_MALFORMED] = { "malformed-pdu", "A PDU that breaks its own format",
				   judge_malformed },
	[AG_FINDING_MTU] = { "mtu-disagreement", "The two sides do not agree on the MTU",
			     judge_mtu },
	[AG_FINDING_SERVICE_CHANGED] = { "early-service-changed",
					 "Service Changed before the link was encrypted",
					 judge_service_changed },
	[AG_FINDING_INDICATION] = { "unconfirmed-indication", "An indication was never confirmed",
				    judge_indication },
	[AG_FINDING_CREDITS] = { "credits-not-returned", "Buffers were not returned",
				 judge_credits },
	[AG_FINDING_TIMER] = { "ended-by-timer", "A timer ended the link", ag_story_judge_timer },
	[AG_FINDING_LOST] = { "incomplete-recording", "The recording is not complete", judge_lost },
};
_Static_assert(ag_array_size(kinds) == AG_FINDING_KINDS, "a row for each kind");

void ag_story_judge(struct ag_story *story, const struct story_link *link)
{
	if (!link->known)
		return;
	for (size_t i = 0; i < AG_FINDING_KINDS; i++) {
		for (int from = AG_FROM_HOST; from <= AG_FROM_PEER; from++) {
			struct ag_finding *finding = &story->findings[story->n_findings];

			*finding = (struct ag_finding){ .kind = (enum ag_finding_kind)i };
			if (!kinds[i].judge(link, (enum ag_from)from, finding))
				continue;
			if (finding->text[0] == 't')
				finding->text[0] = 'T';
			story->n_findings++;
		}
	}
}

const char *ag_finding_name(enum ag_finding_kind kind)
{
	return kinds[kind].name;
}

const char *ag_finding_title(enum ag_finding_kind kind)
{
	return kinds[kind].title;
}

const char *ag_confidence_name(enum ag_confidence confidence)
{
	static const char *const names[] = { "possible", "likely", "certain" };

	return names[confidence];
}
