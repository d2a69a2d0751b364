/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong with security, and the timers that then end a link. */
#include "proxy/engine/story_finding.h"

#include <inttypes.h>

enum {
	REASON_AUTHENTICATION = 0x05, /* Vol 1 Part F, 2.5 */
	REASON_USER = 0x13,           /* 2.19 */
};

/* A link that nobody holds any more is given up some seconds later (bluetoothd's socket: 2 s and
 * more). */
#define SMP_LATE (STORY_TIMER + 3 * STORY_SECOND)
#define ATT_LATE (STORY_TIMER + 8 * STORY_SECOND)
/* Raising security follows the error at once. */
#define PROMPT     (STORY_SECOND)
#define PROMPT_MAX (5 * STORY_SECOND)

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
	if (raised_by_refusal(link) || story_incomplete(link))
		return security_remedy(link);
	return link->raiser == AG_FROM_HOST && link->raiser == story_peripheral(link)
		   ? AG_REMEDY_BONDED
		   : AG_REMEDY_NONE;
}

bool ag_story_judge_security(const struct story_link *link, enum ag_from from,
			     struct ag_finding *finding)
{
	const struct story_refusal *refusal = &link->refusal;
	char code[48];

	if (from != link->raiser || !raised_by_refusal(link) ||
	    (link->settled.frame && link->raiser != story_peripheral(link)))
		return false;
	ag_story_say(finding, "%s asked for \"%s\" (frame %" PRIu64 ") and was refused with %s",
		     story_who(refusal->asker), refusal->words, refusal->asked.frame,
		     ag_story_named(code, ag_field_value_name(AG_F_ATT_ERROR, refusal->error),
				    refusal->error));
	ag_story_say(finding,
		     " (frame %" PRIu64
		     "); it took this as a wish for security and sent a %s %.3f s later "
		     "(frame %" PRIu64 ").",
		     refusal->refused.frame, link->raised_words,
		     story_seconds(refusal->refused, link->raised), link->raised.frame);
	if (refusal->count > 1)
		ag_story_say(finding, " The same request was refused %" PRIu64 " times in all.",
			     refusal->count);
	if (link->settled.frame)
		ag_story_say(finding, " It ended in encryption (frame %" PRIu64 ").",
			     link->settled.frame);
	ag_story_evidence(finding, refusal->asked);
	ag_story_evidence(finding, refusal->refused);
	ag_story_evidence(finding, link->raised);
	finding->harmless = link->settled.frame != 0;
	finding->remedy = security_remedy(link);
	if (story_between(refusal->refused, link->raised) <= PROMPT)
		ag_story_sure(finding, AG_CERTAIN, "the %s follows the error at once",
			      link->raised_words);
	else
		ag_story_sure(finding, AG_LIKELY, "the %s follows the error, but not at once",
			      link->raised_words);
	return true;
}

bool ag_story_judge_unprompted(const struct story_link *link, enum ag_from from,
			       struct ag_finding *finding)
{
	if (from != link->raiser || !link->raised.frame || raised_by_refusal(link) ||
	    link->raiser != story_peripheral(link))
		return false;
	ag_story_say(finding,
		     "%s sent a %s (frame %" PRIu64
		     ") %.3f s after the link came up, and no request of "
		     "its own was refused shortly before with an error that raises security.",
		     story_who(from), link->raised_words, link->raised.frame,
		     story_seconds(link->began, link->raised));
	ag_story_evidence(finding, link->raised);
	finding->harmless = link->settled.frame != 0;
	finding->remedy = raiser_remedy(link);
	if (story_incomplete(link)) {
		ag_story_say(finding,
			     " The refusal may be among the packets that the recording lacks.");
		ag_story_sure(finding, AG_POSSIBLE, "the recording lacks packets of this link");
		return true;
	}
	ag_story_say(finding, " bluetoothd does so towards a device that it has a bond with.");
	ag_story_sure(finding, AG_LIKELY, "there is no such error in the recording");
	return true;
}

static void say_pairing_failed(const struct story_link *link, struct ag_finding *finding)
{
	char code[48];

	ag_story_say(
	    finding, "%s sent Pairing Failed, %s (frame %" PRIu64 "), %.3f s after the %s.",
	    story_who(link->failer),
	    ag_story_named(code, ag_field_value_name(AG_F_SMP_REASON, link->fail_reason),
			   link->fail_reason),
	    link->failed.frame, story_seconds(link->raised, link->failed), link->raised_words);
	ag_story_evidence(finding, link->failed);
	ag_story_sure(finding, AG_CERTAIN, "Pairing Failed ends the procedure");
}

bool ag_story_judge_pairing(const struct story_link *link, enum ag_from from,
			    struct ag_finding *finding)
{
	enum ag_from asked = story_other(from);
	char code[48];

	if (from != link->raiser || !link->raised.frame || link->settled.frame)
		return false;
	ag_story_evidence(finding, link->raised);
	if (link->failed.frame) {
		say_pairing_failed(link, finding);
	} else if (link->encrypt_failed.frame) {
		ag_story_say(finding, "Encryption could not be started: %s (frame %" PRIu64 ").",
			     ag_story_named(code, ag_hci_error_name(link->encrypt_status),
					    link->encrypt_status),
			     link->encrypt_failed.frame);
		ag_story_evidence(finding, link->encrypt_failed);
		ag_story_sure(finding, AG_CERTAIN, "the controller says so");
	} else if (story_between(link->raised, link->ended) < STORY_SLOW) {
		return false;
	} else if (link->paired[asked].frame) {
		ag_story_say(
		    finding,
		    "Pairing began (frame %" PRIu64 ") and was not brought to an end in %.1f s.",
		    link->paired[asked].frame, story_seconds(link->paired[asked], link->ended));
		ag_story_evidence(finding, link->paired[asked]);
		ag_story_sure(finding, story_at_most(link, AG_CERTAIN), "no encryption follows");
	} else {
		ag_story_say(finding,
			     "%s did nothing about the %s (frame %" PRIu64 ") in the %.1f s until ",
			     story_who(asked), link->raised_words, link->raised.frame,
			     story_seconds(link->raised, link->ended));
		ag_story_say(finding, "%s: neither pairing nor encryption.",
			     link->ended.frame ? "the link ended" : "the recording ends");
		ag_story_sure(finding, story_at_most(link, AG_CERTAIN),
			      "neither is in the recording");
	}
	finding->remedy = raiser_remedy(link);
	return true;
}

enum ag_remedy ag_story_silence_remedy(const struct story_link *link, enum ag_from from)
{
	/* Who is silent waits for security. */
	if (link->raised.frame && link->raiser != from && !link->settled.frame)
		return security_remedy(link);
	if (from == AG_FROM_PEER)
		return AG_REMEDY_SILENT_HOST;
	return link->view.role == AG_ROLE_PERIPHERAL ? AG_REMEDY_QUIET : AG_REMEDY_SILENT_PEER;
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
	const struct story_request *request = ag_story_oldest(link, ender);
	const struct story_request *indication = &link->indication[ender];
	struct suspect found = { 0 };

	if (indication->at.frame && (!request || indication->at.us < request->at.us))
		request = indication;
	found.smp_since = link->smp[ender];
	found.smp = link->smp[ender].frame && !link->settled.frame &&
		    story_between(link->smp[ender], ended) >= STORY_TIMER_EARLY &&
		    story_between(link->smp[ender], ended) <= SMP_LATE;
	if (request) {
		found.att_since = request->at;
		found.att_words = request->words;
		found.att = story_between(request->at, ended) >= STORY_TIMER_EARLY &&
			    story_between(request->at, ended) <= ATT_LATE;
	}
	return found;
}

static void say_smp_timer(const struct story_link *link, enum ag_from ender,
			  const struct suspect *found, struct story_mark ended, uint8_t reason,
			  struct ag_finding *finding)
{
	ag_story_say(finding,
		     " That is %.1f s after its last SMP PDU (frame %" PRIu64
		     "): the SMP timer of %s, 30 s "
		     "from the %s without pairing or encryption.",
		     story_seconds(found->smp_since, ended), found->smp_since.frame,
		     ender == AG_FROM_HOST ? "the kernel" : "the peer", link->raised_words);
	ag_story_evidence(finding, found->smp_since);
	finding->remedy = raiser_remedy(link);
	if (reason == REASON_AUTHENTICATION)
		ag_story_sure(finding, AG_CERTAIN, "the time fits, and so does the reason");
	else
		ag_story_sure(finding, AG_LIKELY,
			      "the time fits; newer kernels give another reason");
}

static void say_att_timer(const struct story_link *link, enum ag_from ender,
			  const struct suspect *found, struct story_mark ended,
			  struct ag_finding *finding)
{
	ag_story_say(
	    finding,
	    " That is %.1f s after \"%s\" (frame %" PRIu64 "), which was not answered: %s ATT "
	    "timer of 30 s.",
	    story_seconds(found->att_since, ended), found->att_words, found->att_since.frame,
	    ender == AG_FROM_HOST ? "bluetoothd's (or what else is the host)" : "the peer's own");
	ag_story_evidence(finding, found->att_since);
	finding->remedy = ag_story_silence_remedy(link, ender);
	ag_story_sure(finding, story_at_most(link, found->smp ? AG_LIKELY : AG_CERTAIN), "%s",
		      found->smp ? "the time fits the SMP timer too, the reason does not"
				 : "the time fits, and no other timer was running");
}

/* The peer ended the link, nothing of its own is seen to be open, but our Security Request is 30 s
 * old: it waited for an answer that the blocked socket could not give. */
static bool say_by_exclusion(const struct story_link *link, enum ag_from ender, uint8_t reason,
			     struct story_mark ended, struct ag_finding *finding)
{
	uint64_t age_us = story_between(link->raised, ended);
	bool kernel = reason == REASON_AUTHENTICATION;

	if (kernel && !link->smp[ender].frame && story_incomplete(link)) {
		ag_story_say(finding,
			     " The reason is that of the SMP timer, 30 s after a Security Request; "
			     "the request itself is not in the recording.");
		finding->remedy = ender == AG_FROM_PEER                   ? AG_REMEDY_OUR_ERROR
				  : link->view.role == AG_ROLE_PERIPHERAL ? AG_REMEDY_QUIET
									  : AG_REMEDY_THEIR_ERROR;
		ag_story_sure(finding, AG_POSSIBLE, "only the reason speaks for it");
		return true;
	}
	if (kernel || !link->raised.frame || link->raiser == ender || link->settled.frame ||
	    age_us < STORY_TIMER_EARLY || age_us > SMP_LATE)
		return false;
	ag_story_say(
	    finding,
	    " That is %.1f s after %s %s (frame %" PRIu64 "), which blocks %s ATT socket. It was "
	    "not the SMP timer, whose reason would be 0x05: %s ATT timer of 30 s for a request "
	    "that is not in the recording.",
	    story_seconds(link->raised, ended), story_whose(link->raiser), link->raised_words,
	    link->raised.frame, story_whose(link->raiser),
	    ender == AG_FROM_HOST ? "bluetoothd's" : "the peer's own");
	ag_story_evidence(finding, link->raised);
	finding->remedy = security_remedy(link);
	ag_story_sure(finding, story_incomplete(link) ? AG_LIKELY : AG_POSSIBLE,
		      "by exclusion; the request is not seen");
	return true;
}

bool ag_story_judge_timer(const struct story_link *link, enum ag_from from,
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
	ag_story_say(finding, "%s ended the link with the reason %s (frame %" PRIu64 ").",
		     story_who(ender), ag_story_named(code, ag_hci_error_name(reason), reason),
		     ended.frame);
	ag_story_evidence(finding, ended);
	if (found.smp && (reason == REASON_AUTHENTICATION || !found.att))
		say_smp_timer(link, ender, &found, ended, reason, finding);
	else if (found.att && reason == REASON_USER)
		say_att_timer(link, ender, &found, ended, finding);
	else
		return say_by_exclusion(link, ender, reason, ended, finding);
	return true;
}
