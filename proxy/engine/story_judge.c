/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a link's traffic says went wrong. One function a kind of finding, in the table at the end.
 */
#include "proxy/engine/story_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/att.h"

enum {
	REASON_AUTHENTICATION = 0x05, /* Vol 1 Part F, 2.5 */
	REASON_USER = 0x13,           /* 2.19 */
};

/* A timer of 30 s is seen that late by a recording: it starts when the PDU is queued, and a link
 * that nobody holds any more is given up some seconds later (bluetoothd's socket: 2 s and more). */
#define TIMER_EARLY (STORY_TIMER - STORY_SECOND / 2)
#define SMP_LATE    (STORY_TIMER + 3 * STORY_SECOND)
#define ATT_LATE    (STORY_TIMER + 8 * STORY_SECOND)
/* A request this old is not merely being worked on. */
#define SLOW (5 * STORY_SECOND)
/* Raising security follows the error at once. */
#define PROMPT     (STORY_SECOND)
#define PROMPT_MAX (5 * STORY_SECOND)

/* ---- Building a finding ---- */

static void __attribute__((format(printf, 3, 0)))
add_to(char *out, size_t size, const char *format, va_list args)
{
	size_t len = strlen(out);

	vsnprintf(out + len, size - len, format, args);
}

static void __attribute__((format(printf, 2, 3)))
say(struct ag_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_to(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

static void __attribute__((format(printf, 3, 4)))
sure(struct ag_finding *finding, enum ag_confidence confidence, const char *format, ...)
{
	va_list args;

	finding->confidence = confidence;
	finding->why[0] = '\0';
	va_start(args, format);
	add_to(finding->why, sizeof(finding->why), format, args);
	va_end(args);
}

static void evidence(struct ag_finding *finding, struct story_mark mark)
{
	size_t at = 0;

	if (!mark.frame || finding->n_frames == AG_FINDING_FRAMES)
		return;
	while (at < finding->n_frames && finding->frames[at] < mark.frame)
		at++;
	if (at < finding->n_frames && finding->frames[at] == mark.frame)
		return;
	memmove(finding->frames + at + 1, finding->frames + at,
		(finding->n_frames - at) * sizeof(finding->frames[0]));
	finding->frames[at] = mark.frame;
	finding->n_frames++;
}

static const char *who(enum ag_from from)
{
	return from == AG_FROM_HOST ? "the host" : "the peer";
}

static const char *whose(enum ag_from from)
{
	return from == AG_FROM_HOST ? "the host's" : "the peer's";
}

static enum ag_from peripheral(const struct story_link *link)
{
	return link->view.role == AG_ROLE_PERIPHERAL ? AG_FROM_HOST : AG_FROM_PEER;
}

static double seconds(struct story_mark from, struct story_mark to)
{
	return to.us > from.us ? (double)(to.us - from.us) / 1e6 : 0;
}

static uint64_t between(struct story_mark from, struct story_mark to)
{
	return to.us > from.us ? to.us - from.us : 0;
}

/* "authentication failure (0x05)" from a name in snake case */
static const char *named(char out[48], const char *name, unsigned int code)
{
	snprintf(out, 48, "%.36s%s0x%02x%s", name ? name : "", name ? " (" : "", code,
		 name ? ")" : "");
	for (char *at = out; *at && *at != '('; at++) {
		if (*at == '_')
			*at = ' ';
	}
	return out;
}

static bool incomplete(const struct story_link *link)
{
	return link->overrun > 0 || link->surplus > 0 || link->overfull;
}

/* Where packets are missing, what is not there proves less. */
static enum ag_confidence at_most(const struct story_link *link, enum ag_confidence confidence)
{
	return incomplete(link) && confidence == AG_CERTAIN ? AG_LIKELY : confidence;
}

/* ---- Security ---- */

static bool raised_by_refusal(const struct story_link *link)
{
	return link->raised.frame && link->refusal.count && link->refusal.asker == link->raiser &&
	       link->raised.us >= link->refusal.refused.us &&
	       link->raised.us - link->refusal.refused.us <= PROMPT_MAX;
}

/* Who refuses and who asks decides at which end a rule can help. */
static enum ag_remedy security_remedy(const struct story_link *link)
{
	if (link->raiser == AG_FROM_PEER)
		return AG_REMEDY_OUR_ERROR;
	return link->view.role == AG_ROLE_PERIPHERAL ? AG_REMEDY_QUIET : AG_REMEDY_THEIR_ERROR;
}

/* Where the refusal is not seen, it may be missing from the recording; else it is a bond that makes
 * the host ask. */
static enum ag_remedy raiser_remedy(const struct story_link *link)
{
	if (raised_by_refusal(link) || incomplete(link))
		return security_remedy(link);
	return link->raiser == AG_FROM_HOST && link->raiser == peripheral(link) ? AG_REMEDY_BONDED
										: AG_REMEDY_NONE;
}

static bool judge_security(const struct story_link *link, enum ag_from from,
			   struct ag_finding *finding)
{
	const struct story_refusal *refusal = &link->refusal;
	char code[48];

	if (from != link->raiser || !raised_by_refusal(link) ||
	    (link->settled.frame && link->raiser != peripheral(link)))
		return false;
	say(finding, "%s asked for \"%s\" (frame %" PRIu64 ") and was refused with %s",
	    who(refusal->asker), refusal->words, refusal->asked.frame,
	    named(code, ag_field_value_name(AG_F_ATT_ERROR, refusal->error), refusal->error));
	say(finding,
	    " (frame %" PRIu64 "); it took this as a wish for security and sent a %s %.3f s later "
	    "(frame %" PRIu64 ").",
	    refusal->refused.frame, link->raised_words, seconds(refusal->refused, link->raised),
	    link->raised.frame);
	if (refusal->count > 1)
		say(finding, " The same request was refused %" PRIu64 " times in all.",
		    refusal->count);
	if (link->settled.frame)
		say(finding, " It ended in encryption (frame %" PRIu64 ").", link->settled.frame);
	evidence(finding, refusal->asked);
	evidence(finding, refusal->refused);
	evidence(finding, link->raised);
	finding->harmless = link->settled.frame != 0;
	finding->remedy = security_remedy(link);
	if (between(refusal->refused, link->raised) <= PROMPT)
		sure(finding, AG_CERTAIN, "the %s follows the error at once", link->raised_words);
	else
		sure(finding, AG_LIKELY, "the %s follows the error, but not at once",
		     link->raised_words);
	return true;
}

static bool judge_unprompted(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding)
{
	if (from != link->raiser || !link->raised.frame || raised_by_refusal(link) ||
	    link->raiser != peripheral(link))
		return false;
	say(finding,
	    "%s sent a %s (frame %" PRIu64 ") %.3f s after the link came up, and no request of "
	    "its own was refused shortly before with an error that raises security.",
	    who(from), link->raised_words, link->raised.frame, seconds(link->began, link->raised));
	evidence(finding, link->raised);
	finding->harmless = link->settled.frame != 0;
	finding->remedy = raiser_remedy(link);
	if (incomplete(link)) {
		say(finding, " The refusal may be among the packets that the recording lacks.");
		sure(finding, AG_POSSIBLE, "the recording lacks packets of this link");
		return true;
	}
	say(finding, " bluetoothd does so towards a device that it has a bond with.");
	sure(finding, AG_LIKELY, "there is no such error in the recording");
	return true;
}

static void say_pairing_failed(const struct story_link *link, struct ag_finding *finding)
{
	char code[48];

	say(finding, "%s sent Pairing Failed, %s (frame %" PRIu64 "), %.3f s after the %s.",
	    who(link->failer),
	    named(code, ag_field_value_name(AG_F_SMP_REASON, link->fail_reason), link->fail_reason),
	    link->failed.frame, seconds(link->raised, link->failed), link->raised_words);
	evidence(finding, link->failed);
	sure(finding, AG_CERTAIN, "Pairing Failed ends the procedure");
}

static bool judge_pairing(const struct story_link *link, enum ag_from from,
			  struct ag_finding *finding)
{
	enum ag_from asked = story_other(from);
	char code[48];

	if (from != link->raiser || !link->raised.frame || link->settled.frame)
		return false;
	evidence(finding, link->raised);
	if (link->failed.frame) {
		say_pairing_failed(link, finding);
	} else if (link->encrypt_failed.frame) {
		say(finding, "Encryption could not be started: %s (frame %" PRIu64 ").",
		    named(code, ag_hci_error_name(link->encrypt_status), link->encrypt_status),
		    link->encrypt_failed.frame);
		evidence(finding, link->encrypt_failed);
		sure(finding, AG_CERTAIN, "the controller says so");
	} else if (between(link->raised, link->ended) < SLOW) {
		return false;
	} else if (link->paired[asked].frame) {
		say(finding,
		    "Pairing began (frame %" PRIu64 ") and was not brought to an end in %.1f s.",
		    link->paired[asked].frame, seconds(link->paired[asked], link->ended));
		evidence(finding, link->paired[asked]);
		sure(finding, at_most(link, AG_CERTAIN), "no encryption follows");
	} else {
		say(finding, "%s did nothing about the %s (frame %" PRIu64 ") in the %.1f s until ",
		    who(asked), link->raised_words, link->raised.frame,
		    seconds(link->raised, link->ended));
		say(finding, "%s: neither pairing nor encryption.",
		    link->ended.frame ? "the link ended" : "the recording ends");
		sure(finding, at_most(link, AG_CERTAIN), "neither is in the recording");
	}
	finding->remedy = raiser_remedy(link);
	return true;
}

/* ---- Clients ---- */

static bool judge_client(const struct story_link *link, enum ag_from from,
			 struct ag_finding *finding)
{
	const struct story_count *asked = &link->asked[from];
	bool silence = false;

	if (from != peripheral(link) || asked->count == 0)
		return false;
	for (size_t i = 0; i < STORY_REQUESTS; i++)
		silence |= link->requests[from][i].at.frame &&
			   between(link->requests[from][i].at, link->ended) >= SLOW;
	say(finding,
	    "%s is the peripheral, yet it started a GATT client towards the central: \"%s\" "
	    "(frame %" PRIu64 "), %.3f s after the link came up, ",
	    who(from), asked->words, asked->first.frame, seconds(link->began, asked->first));
	say(finding, "and %" PRIu64 " request%s in all, the last in frame %" PRIu64 ".",
	    asked->count, asked->count == 1 ? "" : "s", asked->last.frame);
	evidence(finding, link->mtu_first[from]);
	evidence(finding, asked->first);
	evidence(finding, asked->last);
	sure(finding, AG_CERTAIN, "the role is in the connection event");
	finding->harmless = !silence &&
			    !(link->raised.frame && link->raiser == from && !link->settled.frame);
	finding->remedy = from == AG_FROM_HOST && !finding->harmless ? AG_REMEDY_QUIET
								     : AG_REMEDY_NONE;
	return true;
}

/* ---- Requests, responses, indications ---- */

static const struct story_request *oldest(const struct story_link *link, enum ag_from from)
{
	const struct story_request *found = NULL;

	for (size_t i = 0; i < STORY_REQUESTS; i++) {
		const struct story_request *request = &link->requests[from][i];

		if (request->at.frame && (!found || request->at.us < found->at.us))
			found = request;
	}
	return found;
}

static enum ag_remedy silence_remedy(const struct story_link *link, enum ag_from from)
{
	/* Who is silent waits for security. */
	if (link->raised.frame && link->raiser != from && !link->settled.frame)
		return security_remedy(link);
	if (from == AG_FROM_PEER)
		return AG_REMEDY_SILENT_HOST;
	return link->view.role == AG_ROLE_PERIPHERAL ? AG_REMEDY_QUIET : AG_REMEDY_SILENT_PEER;
}

static bool judge_unanswered(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding)
{
	const struct story_request *request = oldest(link, from);
	enum ag_from silent = story_other(from);

	if (!request || between(request->at, link->ended) < SLOW)
		return false;
	say(finding, "%s never answered \"%s\" (frame %" PRIu64 ") in %.1f s.", who(silent),
	    request->words, request->at.frame, seconds(request->at, link->ended));
	evidence(finding, request->at);
	if (link->raised.frame && link->raiser == silent && !link->settled.frame &&
	    link->raised.us <= request->at.us + STORY_SECOND) {
		say(finding,
		    " It had asked for security itself (frame %" PRIu64 "): BlueZ's kernel blocks "
		    "the ATT socket until that is settled, so %s GATT server is mute meanwhile.",
		    link->raised.frame, whose(silent));
		evidence(finding, link->raised);
	}
	if (between(request->at, link->ended) >= TIMER_EARLY)
		sure(finding, incomplete(link) ? AG_POSSIBLE : AG_CERTAIN, "%s",
		     incomplete(link) ? "the recording lacks packets, perhaps the response too"
				      : "30 s are the limit for a response");
	else
		sure(finding, incomplete(link) ? AG_POSSIBLE : AG_LIKELY,
		     "it was open when %s, but younger than the limit of 30 s",
		     link->ended.frame ? "the link ended" : "the recording ends");
	finding->harmless = link->overrun > 0 && between(request->at, link->ended) < TIMER_EARLY;
	finding->remedy = silence_remedy(link, from);
	return true;
}

static void say_counted(const struct story_count *what, enum ag_from from, const char *second,
			struct ag_finding *finding)
{
	say(finding, "%s sent \"%s\" (frame %" PRIu64 "), %s", who(from), what->words,
	    what->first.frame, second);
	if (what->count > 1)
		say(finding, " There are %" PRIu64 " of this kind, the last in frame %" PRIu64 ".",
		    what->count, what->last.frame);
	evidence(finding, what->first);
	evidence(finding, what->last);
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
	finding->harmless = incomplete(link);
	if (!incomplete(link)) {
		sure(finding, AG_LIKELY,
		     "no request is open, and no packets are seen to be missing");
		return true;
	}
	finding->remedy = AG_REMEDY_NONE;
	sure(finding, AG_POSSIBLE, "the recording lacks packets, perhaps the request too");
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
	finding->harmless = incomplete(link);
	if (incomplete(link)) {
		finding->remedy = AG_REMEDY_NONE;
		sure(finding, AG_POSSIBLE,
		     "the recording lacks packets, perhaps a second request too");
		return true;
	}
	evidence(finding, link->answer[story_other(from)]);
	if (link->same_again[from])
		sure(finding, AG_CERTAIN, "it is the same response, octet for octet");
	else
		sure(finding, AG_POSSIBLE,
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
		say(finding, " bluetoothd fails by most such answers, and ends itself by some: "
			     "entries of a length of 0, an empty Extended Properties "
			     "descriptor, services that overlap.");
	finding->remedy = from == AG_FROM_PEER ? AG_REMEDY_MALFORMED : AG_REMEDY_NONE;
	sure(finding, at_most(link, AG_CERTAIN), "Vol 3 Part F, 3.4");
	return true;
}

static bool judge_indication(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding)
{
	const struct story_request *indication = &link->indication[from];

	if (!indication->at.frame || between(indication->at, link->ended) < SLOW)
		return false;
	say(finding, "%s never confirmed \"%s\" (frame %" PRIu64 ") in %.1f s.",
	    who(story_other(from)), indication->words, indication->at.frame,
	    seconds(indication->at, link->ended));
	evidence(finding, indication->at);
	if (between(indication->at, link->ended) >= TIMER_EARLY)
		sure(finding, at_most(link, AG_CERTAIN), "30 s are the limit for a confirmation");
	else
		sure(finding, AG_LIKELY, "it was open at the end, but younger than 30 s");
	return true;
}

static bool judge_too_long(const struct story_link *link, enum ag_from from,
			   struct ag_finding *finding)
{
	const struct story_count *what = &link->too_long[from];
	bool exchanged = story_agreed(link, from) || story_agreed(link, story_other(from));

	if (what->count == 0)
		return false;
	say(finding, "%s sent \"%s\" (frame %" PRIu64 "), which is longer than the ATT_MTU of %u.",
	    who(from), what->words, what->first.frame, link->too_long_mtu[from]);
	if (what->count > 1)
		say(finding, " So are %" PRIu64 " PDUs in all, the last in frame %" PRIu64 ".",
		    what->count, what->last.frame);
	evidence(finding, what->first);
	evidence(finding, what->last);
	/* The exchange may be one of the packets that are missing. */
	finding->harmless = incomplete(link) || !exchanged;
	if (finding->harmless)
		sure(finding, AG_POSSIBLE, "the exchange of the MTU may be missing here");
	else
		sure(finding, AG_CERTAIN, "Vol 3 Part F, 3.2.8");
	return true;
}

static bool judge_mtu(const struct story_link *link, enum ag_from from, struct ag_finding *finding)
{
	const uint16_t *mine = link->mtu[from];
	const struct story_count *again = &link->mtu_again[from];

	if (again->count == 0 && (!mine[0] || !mine[1] || mine[0] == mine[1]))
		return judge_too_long(link, from, finding);
	if (again->count > 0) {
		say(finding,
		    "%s asked to exchange the MTU again (frame %" PRIu64 "), which is allowed once "
		    "on a link.",
		    who(from), again->first.frame);
		evidence(finding, again->first);
		finding->remedy = from == AG_FROM_HOST ? AG_REMEDY_ONE_MTU : AG_REMEDY_NONE;
		sure(finding, at_most(link, AG_CERTAIN), "Vol 3 Part F, 3.4.2.1");
		return true;
	}
	say(finding,
	    "%s said its Rx MTU is %u when it asked (frame %" PRIu64 ") and %u when it answered "
	    "(frame %" PRIu64 "). ",
	    who(from), mine[0], link->mtu_at[from][0].frame, mine[1], link->mtu_at[from][1].frame);
	say(finding, "The two must be the same, else the sides count on different ATT_MTUs.");
	evidence(finding, link->mtu_at[from][0]);
	evidence(finding, link->mtu_at[from][1]);
	finding->remedy = from == AG_FROM_PEER ? AG_REMEDY_ONE_MTU : AG_REMEDY_NONE;
	/* What counts in the end may be the same all the same. */
	finding->harmless = story_agreed(link, from) &&
			    story_agreed(link, from) == story_agreed(link, story_other(from));
	sure(finding, AG_CERTAIN, "Vol 3 Part F, 3.4.2.2");
	return true;
}

static bool judge_service_changed(const struct story_link *link, enum ag_from from,
				  struct ag_finding *finding)
{
	const struct story_request *early = &link->changed_early;

	if (from != AG_FROM_HOST || !early->at.frame || !link->raised.frame)
		return false;
	say(finding,
	    "The host indicated Service Changed (frame %" PRIu64 ") before the link was encrypted",
	    early->at.frame);
	if (link->encrypted.frame)
		say(finding, " (frame %" PRIu64 ", %.3f s later)", link->encrypted.frame,
		    seconds(early->at, link->encrypted));
	say(finding, ". A bonded peer need not take it seriously then, and keeps what it knew of "
		     "the services.");
	evidence(finding, early->at);
	evidence(finding, link->encrypted);
	finding->remedy = AG_REMEDY_HOLD_INDICATION;
	finding->remedy_handle = early->handle;
	if (link->service_changed)
		sure(finding, AG_CERTAIN, "the attribute is known from the peer's discovery");
	else
		sure(finding, AG_LIKELY, "the value has the form of Service Changed");
	return true;
}

/* ---- Buffers ---- */

static bool judge_credits(const struct story_link *link, enum ag_from from,
			  struct ag_finding *finding)
{
	if (from != AG_FROM_HOST || link->n_acl == 0 ||
	    between(link->acl[0], link->ended) < 2 * SLOW)
		return false;
	say(finding,
	    "The controller did not return the buffers of %" PRIu64 " packet%s: the oldest (frame "
	    "%" PRIu64 ") waits for its completion since %.1f s. The host has that much less to "
	    "send with.",
	    link->n_acl + link->more_acl, link->n_acl + link->more_acl == 1 ? "" : "s",
	    link->acl[0].frame, seconds(link->acl[0], link->ended));
	evidence(finding, link->acl[0]);
	evidence(finding, link->acl[link->n_acl - 1]);
	finding->harmless = incomplete(link);
	sure(finding, incomplete(link) ? AG_POSSIBLE : AG_LIKELY,
	     "the events may also be missing from the recording");
	return true;
}

static bool judge_lost(const struct story_link *link, enum ag_from from, struct ag_finding *finding)
{
	if (from != AG_FROM_HOST || !incomplete(link))
		return false;
	say(finding, "The recording lacks packets of this link: ");
	if (link->surplus > 0)
		say(finding, "%" PRIu64 " were completed that are not in it; ", link->surplus);
	if (link->overrun > 0)
		say(finding, "%" PRIu64 " times a request follows one without a response; ",
		    link->overrun);
	if (link->overfull)
		say(finding, "the controller seems to hold more packets than it has buffers; ");
	say(finding, "what is said of missing answers is less sure for it.");
	finding->harmless = true;
	sure(finding, AG_LIKELY, "no host does that by itself");
	return true;
}

/* ---- Timers ---- */

/* What could have made a side end the link. */
struct suspect {
	bool smp;
	bool att;
	struct story_mark smp_since;
	struct story_mark att_since;
	const char *att_words;
};

static struct suspect suspect(const struct story_link *link, enum ag_from ender,
			      struct story_mark ended)
{
	const struct story_request *request = oldest(link, ender);
	const struct story_request *indication = &link->indication[ender];
	struct suspect found = { 0 };

	if (indication->at.frame && (!request || indication->at.us < request->at.us))
		request = indication;
	found.smp_since = link->smp[ender];
	found.smp = link->smp[ender].frame && !link->settled.frame &&
		    between(link->smp[ender], ended) >= TIMER_EARLY &&
		    between(link->smp[ender], ended) <= SMP_LATE;
	if (request) {
		found.att_since = request->at;
		found.att_words = request->words;
		found.att = between(request->at, ended) >= TIMER_EARLY &&
			    between(request->at, ended) <= ATT_LATE;
	}
	return found;
}

static void say_smp_timer(const struct story_link *link, enum ag_from ender,
			  const struct suspect *found, struct story_mark ended, uint8_t reason,
			  struct ag_finding *finding)
{
	say(finding,
	    " That is %.1f s after its last SMP PDU (frame %" PRIu64 "): the SMP timer of %s, 30 s "
	    "from the %s without pairing or encryption.",
	    seconds(found->smp_since, ended), found->smp_since.frame,
	    ender == AG_FROM_HOST ? "the kernel" : "the peer", link->raised_words);
	evidence(finding, found->smp_since);
	finding->remedy = raiser_remedy(link);
	if (reason == REASON_AUTHENTICATION)
		sure(finding, AG_CERTAIN, "the time fits, and so does the reason");
	else
		sure(finding, AG_LIKELY, "the time fits; newer kernels give another reason");
}

static void say_att_timer(const struct story_link *link, enum ag_from ender,
			  const struct suspect *found, struct story_mark ended,
			  struct ag_finding *finding)
{
	say(finding,
	    " That is %.1f s after \"%s\" (frame %" PRIu64 "), which was not answered: %s ATT "
	    "timer of 30 s.",
	    seconds(found->att_since, ended), found->att_words, found->att_since.frame,
	    ender == AG_FROM_HOST ? "bluetoothd's (or what else is the host)" : "the peer's own");
	evidence(finding, found->att_since);
	finding->remedy = silence_remedy(link, ender);
	sure(finding, at_most(link, found->smp ? AG_LIKELY : AG_CERTAIN), "%s",
	     found->smp ? "the time fits the SMP timer too, the reason does not"
			: "the time fits, and no other timer was running");
}

/* The peer ended the link, nothing of its own is seen to be open, but our Security Request is 30 s
 * old: it waited for an answer that the blocked socket could not give. */
static bool say_by_exclusion(const struct story_link *link, enum ag_from ender, uint8_t reason,
			     struct story_mark ended, struct ag_finding *finding)
{
	uint64_t age_us = between(link->raised, ended);
	bool kernel = reason == REASON_AUTHENTICATION;

	if (kernel && !link->smp[ender].frame && incomplete(link)) {
		say(finding, " The reason is that of the SMP timer, 30 s after a Security Request; "
			     "the request itself is not in the recording.");
		finding->remedy = ender == AG_FROM_PEER                   ? AG_REMEDY_OUR_ERROR
				  : link->view.role == AG_ROLE_PERIPHERAL ? AG_REMEDY_QUIET
									  : AG_REMEDY_THEIR_ERROR;
		sure(finding, AG_POSSIBLE, "only the reason speaks for it");
		return true;
	}
	if (kernel || !link->raised.frame || link->raiser == ender || link->settled.frame ||
	    age_us < TIMER_EARLY || age_us > SMP_LATE)
		return false;
	say(finding,
	    " That is %.1f s after %s %s (frame %" PRIu64 "), which blocks %s ATT socket. It was "
	    "not the SMP timer, whose reason would be 0x05: %s ATT timer of 30 s for a request "
	    "that is not in the recording.",
	    seconds(link->raised, ended), whose(link->raiser), link->raised_words,
	    link->raised.frame, whose(link->raiser),
	    ender == AG_FROM_HOST ? "bluetoothd's" : "the peer's own");
	evidence(finding, link->raised);
	finding->remedy = security_remedy(link);
	sure(finding, incomplete(link) ? AG_LIKELY : AG_POSSIBLE,
	     "by exclusion; the request is not seen");
	return true;
}

static bool judge_timer(const struct story_link *link, enum ag_from from,
			struct ag_finding *finding)
{
	enum ag_from ender = link->disconnect.frame ? AG_FROM_HOST : AG_FROM_PEER;
	struct story_mark ended = ender == AG_FROM_HOST ? link->disconnect : link->ended;
	uint8_t reason = ender == AG_FROM_HOST ? link->disconnect_reason : link->ended_reason;
	struct suspect found;
	char code[48];

	if (from != ender || !link->ended.frame ||
	    (reason != REASON_AUTHENTICATION && reason != REASON_USER))
		return false;
	found = suspect(link, ender, ended);
	say(finding, "%s ended the link with the reason %s (frame %" PRIu64 ").", who(ender),
	    named(code, ag_hci_error_name(reason), reason), ended.frame);
	evidence(finding, ended);
	if (found.smp && (reason == REASON_AUTHENTICATION || !found.att))
		say_smp_timer(link, ender, &found, ended, reason, finding);
	else if (found.att && reason == REASON_USER)
		say_att_timer(link, ender, &found, ended, finding);
	else
		return say_by_exclusion(link, ender, reason, ended, finding);
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
				  judge_security },
	[AG_FINDING_UNPROMPTED] = { "unprompted-security-request",
				    "Security was asked for without a refused request",
				    judge_unprompted },
	[AG_FINDING_PAIRING] = { "no-encryption", "What was asked for did not lead to encryption",
				 judge_pairing },
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
	[AG_FINDING_TIMER] = { "ended-by-timer", "A timer ended the link", judge_timer },
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
