/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_KEPT 64
#define TEXT_KEPT 128

struct kept {
	struct ag_decision decision;
	struct ag_link_view link;
	struct ag_subject subject;
	struct ag_rule rule;
	char name[NAME_KEPT];
	char text[TEXT_KEPT];
	uint8_t pdu[AG_TRACE_PDU_MAX];
	uint8_t out[AG_TRACE_PDU_MAX];
};

struct ag_trace {
	uint64_t end;
	struct kept kept[AG_TRACE_KEPT];
};

int ag_trace_new(struct ag_trace **out)
{
	/* not touched until it is used, so it costs nothing while nothing happens */
	struct ag_trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return -ENOMEM;
	*out = trace;
	return 0;
}

void ag_trace_free(struct ag_trace *trace)
{
	free(trace);
}

static size_t copy_octets(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len > AG_TRACE_PDU_MAX)
		len = AG_TRACE_PDU_MAX;
	if (len > 0)
		memcpy(to, from, len);
	return len;
}

/* Octets of a subject's value lie within the PDU or what it was rewritten to: point into the copy.
 */
static bool follow(struct ag_bytes *bytes, const uint8_t *from, size_t len, const uint8_t *copy,
		   size_t kept)
{
	uintptr_t start = (uintptr_t)bytes->data;
	uintptr_t base = (uintptr_t)from;
	size_t offset;

	if (!from || start < base || start - base > len)
		return false;
	offset = start - base;
	if (offset > kept)
		return false;
	bytes->data = copy + offset;
	if (bytes->len > kept - offset)
		bytes->len = kept - offset;
	return true;
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

static void keep_subject(struct kept *kept, const struct ag_decision *decision)
{
	struct ag_bytes *value;

	kept->decision.subject = decision->subject ? &kept->subject : NULL;
	kept->decision.as_came = is_same_attribute(decision) ? kept->decision.subject : NULL;
	if (!decision->subject)
		return;
	kept->subject = *decision->subject;
	if (!ag_subject_has(&kept->subject, AG_F_ATT_VALUE))
		return;
	value = &kept->subject.value[AG_F_ATT_VALUE].bytes;
	if (!follow(value, decision->pdu, decision->len, kept->pdu, kept->decision.len) &&
	    !follow(value, decision->out, decision->out_len, kept->out, kept->decision.out_len))
		kept->subject.present &= ~(UINT64_C(1) << AG_F_ATT_VALUE);
}

static void keep_words(struct kept *kept, const struct ag_decision *decision)
{
	if (decision->rule) {
		snprintf(kept->name, sizeof(kept->name), "%s", decision->rule->name);
		kept->rule = (struct ag_rule){ .name = kept->name, .index = decision->rule->index };
		kept->decision.rule = &kept->rule;
	}
	if (decision->log_text) {
		snprintf(kept->text, sizeof(kept->text), "%s", decision->log_text);
		kept->decision.log_text = kept->text;
	}
}

void ag_trace_put(struct ag_trace *trace, const struct ag_decision *decision)
{
	struct kept *kept = &trace->kept[trace->end++ % AG_TRACE_KEPT];

	kept->decision = *decision;
	kept->link = *decision->link;
	kept->decision.link = &kept->link;
	kept->decision.len = copy_octets(kept->pdu, decision->pdu, decision->len);
	kept->decision.pdu = kept->pdu;
	if (decision->out) {
		kept->decision.out_len = copy_octets(kept->out, decision->out, decision->out_len);
		kept->decision.out = kept->out;
	}
	keep_subject(kept, decision);
	keep_words(kept, decision);
}

uint64_t ag_trace_first(const struct ag_trace *trace)
{
	return trace->end > AG_TRACE_KEPT ? trace->end - AG_TRACE_KEPT : 0;
}

uint64_t ag_trace_end(const struct ag_trace *trace)
{
	return trace->end;
}

const struct ag_decision *ag_trace_at(const struct ag_trace *trace, uint64_t at)
{
	return &trace->kept[at % AG_TRACE_KEPT].decision;
}

const struct ag_subject *ag_trace_subject(const struct ag_trace *trace, uint64_t at)
{
	const struct ag_decision *decision = ag_trace_at(trace, at);
	uint64_t first = ag_trace_first(trace);

	if (decision->subject)
		return decision->subject;
	while (at-- > first) {
		const struct ag_decision *earlier = ag_trace_at(trace, at);

		if (earlier->number == decision->number && earlier->subject)
			return earlier->subject;
	}
	return NULL;
}
