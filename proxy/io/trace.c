/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/trace.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_KEPT 64
#define TEXT_KEPT 128

/*
 * Records lie behind one another in `ring`, each in one piece: one that does not fit before the end
 * begins at 0 again. A record is, from a multiple of 8 on,
 *
 *   struct kept | values of the subject | PDU | what goes out | rule's name, 0 | text, 0
 *
 * where a value is two words of a UUID, or one.
 */
#define RING_SIZE ((size_t)128 << 10)

/* A PDU that passed has a shorter record, for its subject is made again when somebody asks:
 *
 *   struct kept_passed | UUIDs of the characteristic and the service | PDU
 */
struct kept_passed {
	struct ag_passed passed; /* its pointers tell only whether there is something */
	struct ag_link_view link;
};

/* Where a subject's octets lie, in the word that is kept of them: in which PDU, from where on. */
enum { IN_NOTHING, IN_PDU, IN_OUT };
#define WORD(where, offset, len)                                                                   \
	((uint64_t)(where) << 48 | (uint64_t)(offset) << 24 | (uint64_t)(len))
#define WORD_WHERE(word)  ((word) >> 48)
#define WORD_OFFSET(word) ((size_t)((word) >> 24 & 0xffffff))
#define WORD_LEN(word)    ((size_t)((word)&0xffffff))

/* Fields of a subject that the decision and its link tell as well, so that they are not kept twice.
 */
#define FIELD(field) (UINT64_C(1) << (field))
#define TOLD_TWICE                                                                                 \
	(FIELD(AG_F_FROM) | FIELD(AG_F_ROLE) | FIELD(AG_F_LINK) | FIELD(AG_F_PEER) |               \
	 FIELD(AG_F_PEER_TYPE) | FIELD(AG_F_ENCRYPTED) | FIELD(AG_F_BEARER))

struct kept {
	struct ag_decision decision; /* its pointers tell only whether there is something */
	struct ag_link_view link;
	uint64_t present; /* of the subject */
	size_t rule_index;
	size_t words; /* of the values */
};

/* The longest record: every value could be a UUID. */
#define RECORD_MAX                                                                                 \
	(sizeof(struct kept) + AG_FIELD_COUNT * sizeof(struct ag_uuid) +                           \
	 2 * (size_t)AG_TRACE_PDU_MAX + NAME_KEPT + TEXT_KEPT + 8)

struct ag_trace {
	uint64_t first;
	uint64_t end;
	size_t tail;                    /* where the next record begins, if it fits */
	uint64_t numbers;               /* fields by ag_field_type(), a bit each … */
	uint64_t uuids;                 /* … and none of TOLD_TWICE … */
	uint64_t octets;                /* … in any */
	uint32_t offset[AG_TRACE_KEPT]; /* of the record, in `ring` */
	bool passed[AG_TRACE_KEPT];     /* it is a short one */
	/* what ag_trace_at() shows */
	struct ag_decision decision;
	struct ag_subject subject;
	struct ag_link_view link;
	struct ag_rule rule;
	struct ag_attribute characteristic;
	struct ag_attribute service;
	_Alignas(struct kept) uint8_t ring[RING_SIZE];
};

_Static_assert(offsetof(struct kept, decision.number) == 0 &&
		   offsetof(struct kept_passed, passed.number) == 0,
	       "a record begins with its number");

int ag_trace_new(struct ag_trace **out)
{
	/* not touched until it is used, so it costs nothing while nothing happens */
	struct ag_trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return -ENOMEM;
	for (unsigned int field = 0; field < AG_FIELD_COUNT; field++) {
		enum ag_value_type type = ag_field_type((enum ag_field)field);

		trace->uuids |= (uint64_t)(type == AG_T_UUID) << field;
		trace->octets |= (uint64_t)(type == AG_T_BYTES) << field;
	}
	trace->numbers = (FIELD(AG_FIELD_COUNT) - 1) & ~(trace->uuids | trace->octets | TOLD_TWICE);
	*out = trace;
	return 0;
}

void ag_trace_free(struct ag_trace *trace)
{
	free(trace);
}

/* ---- Room ---- */

static uint32_t *offset_of(struct ag_trace *trace, uint64_t at)
{
	return &trace->offset[at % AG_TRACE_KEPT];
}

/* Where the next record goes, with room for the longest; what lay there is forgotten. */
static uint8_t *make_room(struct ag_trace *trace)
{
	size_t start = trace->tail + RECORD_MAX > RING_SIZE ? 0 : trace->tail;

	if (trace->end - trace->first == AG_TRACE_KEPT)
		trace->first++;
	/* the oldest lie behind the newest, and from the end of the ring on at its beginning */
	for (; trace->first < trace->end; trace->first++) {
		size_t oldest = *offset_of(trace, trace->first);

		if (oldest < start || oldest >= start + RECORD_MAX)
			break;
	}
	*offset_of(trace, trace->end) = (uint32_t)start;
	return trace->ring + start;
}

/* A record is there, up to here. */
static void end_record(struct ag_trace *trace, const uint8_t *at, bool passed)
{
	trace->passed[trace->end % AG_TRACE_KEPT] = passed;
	trace->tail = ((size_t)(at - trace->ring) + 7) & ~(size_t)7;
	trace->end++;
}

/* ---- In ---- */

static size_t at_most(size_t len, size_t limit)
{
	return len < limit ? len : limit;
}

/* Whether octets lie in a PDU, and the word for those of them that are kept. */
static bool lies_in(const struct ag_bytes *bytes, const uint8_t *pdu, size_t len, size_t kept,
		    unsigned int where, uint64_t *word)
{
	uintptr_t start = (uintptr_t)bytes->data;
	uintptr_t base = (uintptr_t)pdu;
	size_t offset;

	if (!pdu || start < base || start - base > len || start - base > kept)
		return false;
	offset = start - base;
	*word = WORD(where, offset, at_most(bytes->len, kept - offset));
	return true;
}

static uint64_t word_of(const struct ag_bytes *bytes, const struct ag_decision *decision,
			const struct kept *kept)
{
	uint64_t word = WORD(IN_NOTHING, 0, 0);

	if (!lies_in(bytes, decision->pdu, decision->len, kept->decision.len, IN_PDU, &word))
		(void)lies_in(bytes, decision->out, decision->out_len, kept->decision.out_len,
			      IN_OUT, &word);
	return word;
}

/* Words for the values: of numbers, then of UUIDs, then of octets. @return: behind them */
static uint64_t *put_values(const struct ag_trace *trace, const struct ag_decision *decision,
			    const struct kept *kept, uint64_t *to)
{
	const union ag_value *value = decision->subject->value;
	uint64_t left;

	for (left = kept->present & trace->numbers; left; left &= left - 1)
		*to++ = value[__builtin_ctzll(left)].num;
	for (left = kept->present & trace->uuids; left; left &= left - 1) {
		*to++ = value[__builtin_ctzll(left)].uuid.hi;
		*to++ = value[__builtin_ctzll(left)].uuid.lo;
	}
	for (left = kept->present & trace->octets; left; left &= left - 1)
		*to++ = word_of(&value[__builtin_ctzll(left)].bytes, decision, kept);
	return to;
}

/* One subject is kept. It serves for the PDU as it came too where both speak of one attribute,
 * which is what is asked of that one. */
static bool is_same_attribute(const struct ag_decision *decision)
{
	const struct ag_subject *after = decision->subject;
	const struct ag_subject *before = decision->as_came;

	return after && before &&
	       ag_subject_has(after, AG_F_ATT_HANDLE) == ag_subject_has(before, AG_F_ATT_HANDLE) &&
	       (!ag_subject_has(after, AG_F_ATT_HANDLE) ||
		after->value[AG_F_ATT_HANDLE].num == before->value[AG_F_ATT_HANDLE].num);
}

static uint8_t *put_octets(uint8_t *to, const void *from, size_t len)
{
	if (len > 0)
		memcpy(to, from, len);
	return to + len;
}

/* A text and its end; what is longer than `kept` with it is cut. */
static uint8_t *put_text(uint8_t *to, const char *text, size_t kept)
{
	to = put_octets(to, text, strnlen(text, kept - 1));
	*to = '\0';
	return to + 1;
}

void ag_trace_put(struct ag_trace *trace, const struct ag_decision *decision)
{
	uint8_t *start = make_room(trace), *at = start + sizeof(struct kept);
	struct kept *kept = (void *)start;

	kept->decision = *decision;
	kept->link = *decision->link;
	kept->present = decision->subject ? decision->subject->present : 0;
	kept->rule_index = decision->rule ? decision->rule->index : 0;
	if (!is_same_attribute(decision))
		kept->decision.as_came = NULL;
	kept->decision.len = at_most(decision->len, AG_TRACE_PDU_MAX);
	kept->decision.out_len = decision->out ? at_most(decision->out_len, AG_TRACE_PDU_MAX) : 0;
	if (kept->present)
		at = (uint8_t *)put_values(trace, decision, kept, (uint64_t *)(void *)at);
	kept->words = (size_t)(at - start - sizeof(*kept)) / sizeof(uint64_t);
	at = put_octets(at, decision->pdu, kept->decision.len);
	at = put_octets(at, decision->out, kept->decision.out_len);
	if (decision->rule)
		at = put_text(at, decision->rule->name, NAME_KEPT);
	if (decision->log_text)
		at = put_text(at, decision->log_text, TEXT_KEPT);
	end_record(trace, at, false);
}

/* The UUID of an attribute, if there is one. */
static uint8_t *put_uuid(uint8_t *to, const struct ag_attribute *attribute)
{
	return attribute ? put_octets(to, &attribute->uuid, sizeof(attribute->uuid)) : to;
}

void ag_trace_pass(struct ag_trace *trace, const struct ag_passed *passed)
{
	uint8_t *start = make_room(trace), *at = start + sizeof(struct kept_passed);
	struct kept_passed *kept = (void *)start;

	kept->passed = *passed;
	kept->link = *passed->link;
	if (passed->has_place) {
		at = put_uuid(at, passed->place.characteristic);
		at = put_uuid(at, passed->place.service);
	}
	at = put_octets(at, passed->pdu, at_most(passed->len, AG_TRACE_PDU_MAX));
	end_record(trace, at, true);
}

/* ---- Out ---- */

uint64_t ag_trace_first(const struct ag_trace *trace)
{
	return trace->first;
}

uint64_t ag_trace_end(const struct ag_trace *trace)
{
	return trace->end;
}

/* Octets of a subject as they lie in what is shown; what was not kept is not there. */
static void show_octets(struct ag_trace *trace, unsigned int field, uint64_t word)
{
	const uint8_t *in = WORD_WHERE(word) == IN_PDU ? trace->decision.pdu : trace->decision.out;

	if (WORD_WHERE(word) == IN_NOTHING)
		trace->subject.present &= ~FIELD(field);
	else
		trace->subject.value[field].bytes = (struct ag_bytes){ in + WORD_OFFSET(word),
								       WORD_LEN(word) };
}

/* The values that put_values() put at `word`. The decision's PDUs are shown already. */
static void show_subject(struct ag_trace *trace, const struct kept *kept, const uint64_t *word)
{
	union ag_value *value = trace->subject.value;
	uint64_t left;

	trace->subject.present = kept->present;
	value[AG_F_FROM].num = kept->decision.from;
	value[AG_F_ROLE].num = kept->link.role;
	value[AG_F_LINK].num = kept->link.type;
	value[AG_F_PEER].num = kept->link.peer;
	value[AG_F_PEER_TYPE].num = kept->link.peer_type;
	value[AG_F_ENCRYPTED].num = kept->link.encrypted;
	value[AG_F_BEARER].num = kept->decision.bearer;
	for (left = kept->present & trace->numbers; left; left &= left - 1)
		value[__builtin_ctzll(left)].num = *word++;
	for (left = kept->present & trace->uuids; left; left &= left - 1, word += 2)
		value[__builtin_ctzll(left)].uuid = (struct ag_uuid){ word[0], word[1] };
	for (left = kept->present & trace->octets; left; left &= left - 1)
		show_octets(trace, (unsigned int)__builtin_ctzll(left), *word++);
	trace->decision.subject = &trace->subject;
	if (kept->decision.as_came)
		trace->decision.as_came = &trace->subject;
}

/* @return: behind the UUID, where there is one */
static const uint8_t *show_uuid(const uint8_t *from, struct ag_attribute *out,
				const struct ag_attribute **attribute)
{
	if (!*attribute)
		return from;
	memcpy(&out->uuid, from, sizeof(out->uuid));
	*attribute = out;
	return from + sizeof(out->uuid);
}

static const struct ag_decision *show_passed(struct ag_trace *trace, const struct kept_passed *kept)
{
	const uint8_t *next = (const uint8_t *)(kept + 1);
	struct ag_passed passed = kept->passed;

	if (passed.has_place) {
		next = show_uuid(next, &trace->characteristic, &passed.place.characteristic);
		next = show_uuid(next, &trace->service, &passed.place.service);
	}
	trace->link = kept->link;
	passed.link = &trace->link;
	passed.pdu = next;
	passed.len = at_most(kept->passed.len, AG_TRACE_PDU_MAX);
	ag_passed_subject(&passed, &trace->subject);
	ag_subject_set(&trace->subject, AG_F_ATT_LENGTH, kept->passed.len);
	trace->decision = (struct ag_decision){
		.number = passed.number,
		.now_us = passed.now_us,
		.from = passed.from,
		.link = &trace->link,
		.cid = passed.cid,
		.is_att = true,
		.bearer = passed.bearer,
		.pdu = passed.pdu,
		.len = passed.len,
		.pdu_len = kept->passed.len,
		.verdict = AG_V_ACCEPT,
		.subject = &trace->subject,
		.as_came = &trace->subject,
		.packets = passed.packets,
	};
	return &trace->decision;
}

static const struct ag_decision *show_kept(struct ag_trace *trace, const struct kept *kept)
{
	const uint64_t *words = (const uint64_t *)(const void *)(kept + 1);
	const uint8_t *next = (const uint8_t *)(words + kept->words);

	trace->decision = kept->decision;
	trace->link = kept->link;
	trace->decision.link = &trace->link;
	trace->decision.pdu = next;
	next += kept->decision.len;
	if (kept->decision.out) {
		trace->decision.out = next;
		next += kept->decision.out_len;
	}
	if (kept->decision.rule) {
		trace->rule = (struct ag_rule){ .name = (const char *)next,
						.index = kept->rule_index };
		trace->decision.rule = &trace->rule;
		next += strlen((const char *)next) + 1;
	}
	if (kept->decision.log_text)
		trace->decision.log_text = (const char *)next;
	if (kept->decision.subject)
		show_subject(trace, kept, words);
	return &trace->decision;
}

const struct ag_decision *ag_trace_at(struct ag_trace *trace, uint64_t at)
{
	const void *kept = trace->ring + *offset_of(trace, at);

	return trace->passed[at % AG_TRACE_KEPT] ? show_passed(trace, kept)
						 : show_kept(trace, kept);
}

/* Of both kinds of records it comes first. */
static uint64_t number_at(struct ag_trace *trace, uint64_t at)
{
	uint64_t number;

	memcpy(&number, trace->ring + *offset_of(trace, at), sizeof(number));
	return number;
}

const struct ag_subject *ag_trace_subject(struct ag_trace *trace, uint64_t at)
{
	uint64_t number = number_at(trace, at);

	for (;; at--) {
		const struct ag_subject *subject = number_at(trace, at) == number
						       ? ag_trace_at(trace, at)->subject
						       : NULL;

		if (subject || at == trace->first)
			return subject;
	}
}
