/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was decided, in words. */
#include <inttypes.h>

#include "proxy/engine/words_internal.h"

const char *ag_words_verdict_name(enum ag_verdict verdict)
{
	switch (verdict) {
	case AG_V_ACCEPT:
		return "accept";
	case AG_V_REJECT:
		return "reject";
	case AG_V_ANSWER:
		return "answer";
	case AG_V_DROP:
		return "drop";
	case AG_V_DISCONNECT:
		return "disconnect";
	case AG_V_TIMEOUT:
		return "timeout";
	case AG_V_LATE:
		return "late";
	case AG_V_DISCARD:
		return "discard";
	case AG_V_HIDE:
		return "hide";
	case AG_V_RECORDED:
		break;
	}
	return "recorded";
}

static void add_error(struct ag_words *words, const struct ag_decision *decision)
{
	enum ag_field field = decision->is_att ? AG_F_ATT_ERROR : AG_F_SMP_REASON;
	const char *name = ag_field_value_name(field, decision->error);

	if (!decision->has_error)
		return;
	if (name)
		ag_words_add(words, " %s", name);
	else
		ag_words_add(words, " 0x%02x", decision->error);
}

static void add_effects(struct ag_words *words, const struct ag_decision *decision)
{
	if (decision->effects & AG_EFFECT_REWRITE)
		ag_words_add(words, ", rewritten");
	if (decision->effects & AG_EFFECT_DELAY)
		ag_words_add(words, ", delayed %" PRIu64 " ms", decision->delay_us / 1000);
	if (decision->effects & AG_EFFECT_TIMEOUT)
		ag_words_add(words, ", with a timeout");
	if (decision->effects & AG_EFFECT_DUPLICATE)
		ag_words_add(words, ", sent twice");
	if (decision->hidden)
		ag_words_add(words, ", %zu of %zu entries hidden", decision->hidden,
			     decision->entries);
	else if (decision->effects & AG_EFFECT_HIDE && decision->verdict == AG_V_ACCEPT)
		ag_words_add(words, ", fitted to what is hidden");
}

/* What the one word does not tell. */
static const char *explanation(enum ag_verdict verdict)
{
	switch (verdict) {
	case AG_V_ACCEPT:
	case AG_V_REJECT:
	case AG_V_ANSWER:
	case AG_V_DROP:
	case AG_V_DISCONNECT:
	case AG_V_TIMEOUT:
	case AG_V_HIDE:
		break;
	case AG_V_LATE:
		return ": response discarded, the request had been answered";
	case AG_V_DISCARD:
		return ": not sent, the link is encrypted by now";
	case AG_V_RECORDED:
		return " answer to a request that the rules refuse";
	}
	return "";
}

size_t ag_words_verdict(const struct ag_decision *decision, char *out, size_t size)
{
	struct ag_words words = ag_words_begin(out, size);

	ag_words_add(&words, "%s", ag_words_verdict_name(decision->verdict));
	add_error(&words, decision);
	ag_words_add(&words, "%s", explanation(decision->verdict));
	add_effects(&words, decision);
	return words.len;
}
