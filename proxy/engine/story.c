/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a story gathers; what it makes of it is in story_judge.c. */
#include "proxy/engine/story_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/words.h"
#include "proxy/wire/att.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/smp.h"

/* Events and commands that only a story looks at (Vol 4 Part E). */
enum {
	EVT_KEY_REFRESH = 0x30,            /* 7.7.39 */
	LE_LTK_REQUEST = 0x05,             /* 7.7.65.5 */
	CMD_LE_ENABLE_ENCRYPTION = 0x2019, /* 7.8.24 */
};

enum {
	ERROR_AUTHENTICATION = 0x05, /* Vol 3 Part F, 3.4.1.1 */
	ERROR_ENCRYPTION = 0x0f,
};

int ag_story_new(ag_story_fn *tell, void *user, struct ag_story **out)
{
	struct ag_story *story = calloc(1, sizeof(*story));

	if (!story)
		return -ENOMEM;
	story->tell = tell;
	story->user = user;
	*out = story;
	return 0;
}

void ag_story_free(struct ag_story *story)
{
	free(story);
}

/* ---- Links ---- */

static struct story_link *find_link(struct ag_story *story, uint16_t handle)
{
	for (size_t i = 0; i < STORY_LINKS; i++) {
		if (story->links[i].up && story->links[i].view.handle == handle)
			return &story->links[i];
	}
	return NULL;
}

static void tell_link(struct ag_story *story, struct story_link *link)
{
	struct ag_link_story told = {
		.link = &link->view,
		.first_frame = link->began.frame,
		.last_frame = link->ended.frame ? link->ended.frame : link->last.frame,
		.ended = link->ended.frame != 0,
		.findings = story->findings,
	};

	if (!link->ended.frame)
		link->ended.us = story->now.us;
	told.lasted_us = link->ended.us - link->began.us;
	story->n_findings = 0;
	ag_story_judge(story, link);
	told.n_findings = story->n_findings;
	story->tell(story->user, &told);
	link->up = false;
}

static void open_link(struct ag_story *story, uint16_t handle, enum ag_link_type type)
{
	struct story_link *link = find_link(story, handle);

	/* Its end is missing here: another link has its handle. */
	if (link)
		tell_link(story, link);
	for (size_t i = 0; i < STORY_LINKS; i++) {
		link = &story->links[i];
		if (link->up)
			continue;
		*link = (struct story_link){ .up = true, .began = story->now, .last = story->now };
		link->view.handle = handle;
		link->view.type = type;
		return;
	}
}

/* ---- Commands and events ---- */

/* The link was encrypted, and that was not enough: BlueZ takes 0x05 on an encrypted link as a wish
 * for authentication. The first round is over, the second one counts from here. */
static bool wants_more(struct story_link *link, enum ag_from from)
{
	if (!link->settled.frame || !link->later.count || link->later.asker != from)
		return false;
	link->refusal = link->later;
	link->later = (struct story_refusal){ 0 };
	link->settled = (struct story_mark){ 0 };
	link->failed = (struct story_mark){ 0 };
	memset(link->paired, 0, sizeof(link->paired));
	return true;
}

static void raise_security(struct ag_story *story, struct story_link *link, enum ag_from from,
			   const char *words)
{
	size_t len = strnlen(words, STORY_WORDS - 1);

	if ((link->raised.frame || link->encrypted.frame) && !wants_more(link, from))
		return;
	link->raised = story->now;
	link->raiser = from;
	memcpy(link->raised_words, words, len);
	link->raised_words[len] = '\0';
}

static void on_command(struct ag_story *story, struct ag_cursor cursor)
{
	uint16_t opcode = ag_pull_le16(&cursor);
	struct story_link *link;
	uint16_t handle;

	ag_pull_u8(&cursor);
	handle = ag_pull_le16(&cursor) & 0x0fff;
	if (cursor.failed || (opcode != AG_HCI_DISCONNECT && opcode != CMD_LE_ENABLE_ENCRYPTION))
		return;
	link = find_link(story, handle);
	if (!link)
		return;
	if (opcode == CMD_LE_ENABLE_ENCRYPTION) {
		raise_security(story, link, AG_FROM_HOST, "LE Enable Encryption");
		return;
	}
	link->disconnect = story->now;
	link->disconnect_reason = ag_pull_u8(&cursor);
}

static void on_completed(struct ag_story *story, struct ag_cursor cursor)
{
	size_t handles = ag_pull_u8(&cursor);

	for (size_t i = 0; i < handles; i++) {
		struct story_link *link = find_link(story, ag_pull_le16(&cursor) & 0x0fff);
		size_t count = ag_pull_le16(&cursor);
		size_t known;

		if (cursor.failed)
			return;
		if (!link)
			continue;
		known = count < link->n_acl ? count : link->n_acl;
		link->n_acl -= known;
		memmove(link->acl, link->acl + known, link->n_acl * sizeof(link->acl[0]));
		count -= known;
		known = count < link->more_acl ? count : link->more_acl;
		link->more_acl -= known;
		link->surplus += count - known;
	}
}

static void on_encryption(struct ag_story *story, struct ag_cursor cursor, bool has_enabled)
{
	uint8_t status = ag_pull_u8(&cursor);
	struct story_link *link = find_link(story, ag_pull_le16(&cursor) & 0x0fff);

	if (cursor.failed || !link)
		return;
	if (status != 0) {
		link->encrypt_failed = story->now;
		link->encrypt_status = status;
	} else if (!has_enabled || ag_pull_u8(&cursor) != 0) {
		if (!link->encrypted.frame)
			link->encrypted = story->now;
		if (!link->settled.frame)
			link->settled = story->now;
	}
}

static void on_le_meta(struct ag_story *story, struct ag_cursor cursor)
{
	uint8_t subevent = ag_pull_u8(&cursor);
	struct story_link *link;
	uint16_t handle;
	uint8_t status;

	if (subevent == LE_LTK_REQUEST) {
		link = find_link(story, ag_pull_le16(&cursor) & 0x0fff);
		if (link)
			raise_security(story, link, AG_FROM_PEER, "LE Enable Encryption");
		return;
	}
	if (subevent != AG_LE_CONNECTION_COMPLETE &&
	    subevent != AG_LE_ENHANCED_CONNECTION_COMPLETE &&
	    subevent != AG_LE_ENHANCED_CONNECTION_COMPLETE_V2)
		return;
	status = ag_pull_u8(&cursor);
	handle = ag_pull_le16(&cursor) & 0x0fff;
	if (status == 0 && !cursor.failed)
		open_link(story, handle, AG_LINK_LE);
}

static void on_disconnection(struct ag_story *story, struct ag_cursor cursor)
{
	uint8_t status = ag_pull_u8(&cursor);
	struct story_link *link = find_link(story, ag_pull_le16(&cursor) & 0x0fff);

	if (cursor.failed || status != 0 || !link)
		return;
	link->ended = story->now;
	link->ended_reason = ag_pull_u8(&cursor);
	tell_link(story, link);
}

/* A reset ends all links without a word on each (7.3.2). */
static void end_links(struct ag_story *story)
{
	for (size_t i = 0; i < STORY_LINKS; i++) {
		if (!story->links[i].up)
			continue;
		story->links[i].ended = story->now;
		tell_link(story, &story->links[i]);
	}
}

/* 7.4.5 and 7.8.2: status, then length and number of buffers, in two orders of octets. LE shares
 * the others where it has none of its own. */
static void on_complete(struct ag_story *story, struct ag_cursor cursor)
{
	uint16_t opcode;
	uint16_t len;

	ag_pull_u8(&cursor);
	opcode = ag_pull_le16(&cursor);
	if (opcode == AG_HCI_RESET && ag_pull_u8(&cursor) == 0 && !cursor.failed) {
		end_links(story);
		return;
	}
	ag_pull_u8(&cursor);
	len = ag_pull_le16(&cursor);
	if (cursor.failed)
		return;
	if (opcode == AG_HCI_READ_BUFFER_SIZE) {
		ag_pull_u8(&cursor);
		story->buffers[AG_LINK_BREDR] = ag_pull_le16(&cursor);
	} else if (len > 0 && (opcode == AG_HCI_LE_READ_BUFFER_SIZE ||
			       opcode == AG_HCI_LE_READ_BUFFER_SIZE_V2)) {
		story->buffers[AG_LINK_LE] = ag_pull_u8(&cursor);
	}
}

static void on_event(struct ag_story *story, struct ag_cursor cursor)
{
	uint8_t code = ag_pull_u8(&cursor);

	ag_pull_u8(&cursor);
	switch (code) {
	case AG_EVT_CONNECTION_COMPLETE:
		if (ag_pull_u8(&cursor) == 0 && cursor.left >= 2)
			open_link(story, ag_pull_le16(&cursor) & 0x0fff, AG_LINK_BREDR);
		break;
	case AG_EVT_DISCONNECTION_COMPLETE:
		on_disconnection(story, cursor);
		break;
	case AG_EVT_COMMAND_COMPLETE:
		on_complete(story, cursor);
		break;
	case AG_EVT_ENCRYPTION_CHANGE:
	case AG_EVT_ENCRYPTION_CHANGE_V2:
		on_encryption(story, cursor, true);
		break;
	case EVT_KEY_REFRESH:
		on_encryption(story, cursor, false);
		break;
	case AG_EVT_NUMBER_OF_COMPLETED:
		on_completed(story, cursor);
		break;
	case AG_EVT_LE_META:
		on_le_meta(story, cursor);
		break;
	}
}

/* A host never sends more than the controller has room for; if it did, completions are missing. */
static void note_overfull(struct ag_story *story, struct story_link *link)
{
	uint16_t buffers = story->buffers[link->view.type];

	if (buffers == 0)
		buffers = story->buffers[AG_LINK_BREDR];
	if (buffers == 0 || link->n_acl + link->more_acl <= buffers)
		return;
	link->overfull = true;
	link->n_acl = 0;
	link->more_acl = 0;
}

static void on_acl(struct ag_story *story, enum ag_side from, const uint8_t *packet, size_t len)
{
	struct story_link *link;
	struct ag_acl acl;

	if (!ag_acl_parse(packet, len, &acl))
		return;
	link = find_link(story, acl.handle);
	if (!link)
		return;
	link->last = story->now;
	if (from != AG_SIDE_HOST)
		return;
	if (link->n_acl < STORY_ACL)
		link->acl[link->n_acl++] = story->now;
	else
		link->more_acl++;
	note_overfull(story, link);
}

void ag_story_packet(struct ag_story *story, uint64_t frame, uint64_t now_us, enum ag_side from,
		     const uint8_t *packet, size_t len)
{
	struct ag_cursor cursor = ag_cursor(packet, len);
	uint8_t type = ag_pull_u8(&cursor);

	story->now = (struct story_mark){ .frame = frame, .us = now_us };
	if (type == AG_H4_ACL)
		on_acl(story, from, packet, len);
	else if (type == AG_H4_COMMAND && from == AG_SIDE_HOST)
		on_command(story, cursor);
	else if (type == AG_H4_EVENT && from == AG_SIDE_CONTROLLER)
		on_event(story, cursor);
}

void ag_story_end(struct ag_story *story)
{
	for (size_t i = 0; i < STORY_LINKS; i++) {
		if (story->links[i].up)
			tell_link(story, &story->links[i]);
	}
}

/* ---- Counting ---- */

static void describe(const struct ag_decision *decision, char out[STORY_WORDS])
{
	ag_words_came(decision, out, STORY_WORDS);
}

static void count(struct ag_story *story, struct story_count *what,
		  const struct ag_decision *decision)
{
	if (what->count++ == 0) {
		what->first = story->now;
		describe(decision, what->words);
	}
	what->last = story->now;
}

/* ---- Requests and responses ---- */

static void fill_request(struct ag_story *story, struct story_request *request,
			 const struct ag_decision *decision, const struct ag_att *att)
{
	*request = (struct story_request){
		.at = story->now,
		.bearer = decision->bearer,
		.opcode = att->opcode,
		.handle = ag_att_handle_in_error(att),
	};
	describe(decision, request->words);
}

static void on_request(struct ag_story *story, struct story_link *link,
		       const struct ag_decision *decision, const struct ag_att *att)
{
	struct story_request *requests = link->requests[decision->from];
	size_t slot = 0;

	if (att->opcode != AG_ATT_EXCHANGE_MTU_REQ)
		count(story, &link->asked[decision->from], decision);
	else if (!link->mtu_first[decision->from].frame)
		link->mtu_first[decision->from] = story->now;
	/* One at a time on a bearer (3.3.2); of enhanced bearers there are several, and which one
	 * it was does not matter here. */
	if (decision->bearer == AG_BEARER_EATT) {
		for (slot = 1; slot < STORY_REQUESTS - 1 && requests[slot].at.frame; slot++)
			;
	}
	if (decision->bearer != AG_BEARER_EATT && requests[slot].at.frame)
		link->overrun++;
	fill_request(story, &requests[slot], decision, att);
}

static bool answers(const struct story_request *request, const struct ag_decision *decision,
		    const struct ag_att *att)
{
	const struct ag_att_format *format = ag_att_format(request->opcode);

	if (!request->at.frame || request->bearer != decision->bearer)
		return false;
	if (att->opcode == AG_ATT_ERROR_RSP)
		return ag_att_has(att, AG_ATT_P_REQUEST) &&
		       ag_att_number(att, AG_ATT_P_REQUEST) == request->opcode;
	return format && format->answer == att->opcode;
}

static void refuse(struct ag_story *story, struct story_link *link,
		   const struct story_request *request, enum ag_from asker, uint8_t error)
{
	bool settled = link->settled.frame;
	struct story_refusal *refusal = settled ? &link->later : &link->refusal;
	bool again = refusal->count && refusal->asker == asker &&
		     refusal->handle == request->handle && refusal->opcode == request->opcode;

	if (again)
		refusal->count++;
	/* The one that raised security is the one that counts. */
	if (again || (!settled && link->raised.frame && refusal->count))
		return;
	*refusal = (struct story_refusal){
		.asked = request->at,
		.refused = story->now,
		.asker = asker,
		.opcode = request->opcode,
		.handle = request->handle,
		.error = error,
		.count = 1,
	};
	memcpy(refusal->words, request->words, sizeof(refusal->words));
}

static size_t kept_len(const struct ag_decision *decision)
{
	return decision->len < STORY_ANSWER ? decision->len : STORY_ANSWER;
}

static void keep_answer(struct ag_story *story, struct story_link *link, enum ag_from asker,
			const struct ag_decision *decision)
{
	link->answer[asker] = story->now;
	link->answer_len[asker] = decision->len;
	memcpy(link->answer_pdu[asker], decision->pdu, kept_len(decision));
}

static bool is_kept_answer(const struct story_link *link, enum ag_from asker,
			   const struct ag_decision *decision)
{
	return decision->len == link->answer_len[asker] &&
	       memcmp(decision->pdu, link->answer_pdu[asker], kept_len(decision)) == 0;
}

static void on_response(struct ag_story *story, struct story_link *link,
			const struct ag_decision *decision, const struct ag_att *att)
{
	enum ag_from asker = story_other(decision->from);
	struct story_request *before = &link->answered[asker];
	uint16_t error;

	for (size_t i = 0; i < STORY_REQUESTS; i++) {
		struct story_request *request = &link->requests[asker][i];

		if (!answers(request, decision, att))
			continue;
		error = ag_att_has(att, AG_ATT_P_ERROR) ? ag_att_number(att, AG_ATT_P_ERROR) : 0;
		if (att->opcode == AG_ATT_ERROR_RSP &&
		    (error == ERROR_AUTHENTICATION || error == ERROR_ENCRYPTION))
			refuse(story, link, request, asker, (uint8_t)error);
		*before = *request;
		keep_answer(story, link, asker, decision);
		*request = (struct story_request){ 0 };
		return;
	}
	if (answers(before, decision, att) && is_kept_answer(link, asker, decision))
		link->same_again[decision->from] = true;
	count(story,
	      answers(before, decision, att) ? &link->duplicate[decision->from]
					     : &link->unsolicited[decision->from],
	      decision);
}

/* ---- MTU ---- */

static void on_mtu(struct ag_story *story, struct story_link *link,
		   const struct ag_decision *decision, const struct ag_att *att)
{
	size_t response = att->opcode == AG_ATT_EXCHANGE_MTU_RSP;

	if (!ag_att_has(att, AG_ATT_P_MTU) || decision->bearer == AG_BEARER_EATT)
		return;
	if (!response && link->mtu[decision->from][0])
		count(story, &link->mtu_again[decision->from], decision);
	link->mtu[decision->from][response] = ag_att_number(att, AG_ATT_P_MTU);
	link->mtu_at[decision->from][response] = story->now;
}

/* While an exchange is going on, either number may be in force; the larger one counts. */
static uint16_t mtu_in_force(const struct story_link *link)
{
	uint16_t most = 23; /* Vol 3 Part G, 5.2.1 */

	for (int from = AG_FROM_HOST; from <= AG_FROM_PEER; from++) {
		uint16_t agreed = story_agreed(link, (enum ag_from)from);

		if (agreed > most)
			most = agreed;
	}
	return most;
}

/* What is longer than the MTU is malformed too, but there are findings of their own for that, and
 * for an MTU of which the two sides think differently. */
static void check_format(struct ag_story *story, struct story_link *link,
			 const struct ag_decision *decision)
{
	const struct ag_subject *subject = decision->subject;
	struct story_count *too_long = &link->too_long[decision->from];
	uint16_t mtu = mtu_in_force(link);

	if (decision->bearer == AG_BEARER_ATT && decision->pdu_len > mtu) {
		if (too_long->count == 0)
			link->too_long_mtu[decision->from] = mtu;
		count(story, too_long, decision);
	} else if (ag_subject_has(subject, AG_F_ATT_MALFORMED) &&
		   subject->value[AG_F_ATT_MALFORMED].num &&
		   decision->pdu_len <= subject->value[AG_F_MTU].num) {
		count(story, &link->malformed[decision->from], decision);
	}
}

/* ---- Service Changed and indications ---- */

/* Read By Type Response (3.4.4.2) with characteristic declarations of 16-bit UUIDs: opcode, entry
 * length 7, then declaration handle 2, properties 1, value handle 2, UUID 2 each. */
static void learn_service_changed(struct story_link *link, const struct ag_decision *decision)
{
	struct ag_cursor cursor = ag_cursor(decision->pdu, decision->len);

	ag_pull_u8(&cursor);
	if (ag_pull_u8(&cursor) != 7)
		return;
	for (;;) {
		uint16_t value;

		ag_pull(&cursor, 3);
		value = ag_pull_le16(&cursor);
		if (ag_pull_le16(&cursor) == AG_UUID_SERVICE_CHANGED && !cursor.failed)
			link->service_changed = value;
		if (cursor.failed)
			return;
	}
}

/* Its value is a range of handles (Vol 3 Part G, 7.1). */
static bool looks_like_service_changed(const struct story_link *link, const struct ag_att *att)
{
	const uint8_t *value;

	if (link->service_changed)
		return ag_att_number(att, AG_ATT_P_HANDLE) == link->service_changed;
	if (!ag_att_has(att, AG_ATT_P_VALUE) || att->param_len[AG_ATT_P_VALUE] != 4)
		return false;
	value = att->pdu + att->at[AG_ATT_P_VALUE];
	return ag_get_le16(value) > 0 && ag_get_le16(value) <= ag_get_le16(value + 2);
}

static void on_indication(struct ag_story *story, struct story_link *link,
			  const struct ag_decision *decision, const struct ag_att *att)
{
	if (!ag_att_has(att, AG_ATT_P_HANDLE))
		return;
	fill_request(story, &link->indication[decision->from], decision, att);
	link->indication[decision->from].handle = ag_att_number(att, AG_ATT_P_HANDLE);
	if (decision->from == AG_FROM_HOST && !link->encrypted.frame &&
	    !link->changed_early.at.frame && looks_like_service_changed(link, att))
		link->changed_early = link->indication[AG_FROM_HOST];
}

/* ---- Decisions ---- */

static void on_att(struct ag_story *story, struct story_link *link,
		   const struct ag_decision *decision)
{
	struct ag_att att = { 0 };

	ag_att_parse(decision->pdu, decision->len, &att);
	if (att.opcode == AG_ATT_EXCHANGE_MTU_REQ || att.opcode == AG_ATT_EXCHANGE_MTU_RSP)
		on_mtu(story, link, decision, &att);
	check_format(story, link, decision);
	if (att.opcode == AG_ATT_READ_BY_TYPE_RSP && decision->from == AG_FROM_HOST)
		learn_service_changed(link, decision);
	switch (att.kind) {
	case AG_ATT_REQUEST:
		on_request(story, link, decision, &att);
		break;
	case AG_ATT_RESPONSE:
		on_response(story, link, decision, &att);
		break;
	case AG_ATT_INDICATION:
		on_indication(story, link, decision, &att);
		break;
	case AG_ATT_CONFIRMATION:
		link->indication[story_other(decision->from)] = (struct story_request){ 0 };
		break;
	case AG_ATT_COMMAND:
	case AG_ATT_NOTIFICATION:
	case AG_ATT_NO_KIND:
		break;
	}
}

static void on_smp(struct ag_story *story, struct story_link *link,
		   const struct ag_decision *decision)
{
	link->smp[decision->from] = story->now;
	switch (decision->pdu[0]) {
	case AG_SMP_PAIRING_REQUEST:
	case AG_SMP_PAIRING_RESPONSE:
		link->paired[decision->from] = story->now;
		break;
	case AG_SMP_PAIRING_FAILED:
		if (link->failed.frame)
			break;
		link->failed = story->now;
		link->failer = decision->from;
		link->fail_reason = decision->len > 1 ? decision->pdu[1] : 0;
		break;
	}
	if (decision->pdu[0] != AG_SMP_SECURITY_REQUEST &&
	    decision->pdu[0] != AG_SMP_PAIRING_REQUEST)
		return;
	raise_security(story, link, decision->from,
		       decision->pdu[0] == AG_SMP_SECURITY_REQUEST ? "Security Request"
								   : "Pairing Request");
}

void ag_story_decision(struct ag_story *story, const struct ag_decision *decision)
{
	struct story_link *link = find_link(story, decision->link->handle);

	if (!link)
		return;
	link->view = *decision->link;
	link->known = true;
	if (decision->is_att)
		on_att(story, link, decision);
	else
		on_smp(story, link, decision);
}
