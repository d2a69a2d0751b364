/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/decisions.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/words.h"
#include "proxy/wire/att.h"

#define LINE_SIZE 512

/* A line that is put together from parts; what does not fit is left out. */
struct line {
	char text[LINE_SIZE];
	size_t len;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->len, sizeof(line->text) - line->len, format, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n;
	if (line->len >= sizeof(line->text))
		line->len = sizeof(line->text) - 1;
}

/* ---- One decision ---- */

void ag_decision_format(const struct ag_decision *decision, char *out, size_t size)
{
	const struct ag_link_view *link = decision->link;
	char peer[18], pdu[256], verdict[128];

	ag_words_bdaddr(link->peer, peer);
	ag_words_came(decision, pdu, sizeof(pdu));
	ag_words_verdict(decision, verdict, sizeof(verdict));
	snprintf(out, size, "%s %s, %s: %s -> %s%s%s%s%s%s", peer,
		 link->role == AG_ROLE_CENTRAL ? "central" : "peripheral",
		 decision->from == AG_FROM_HOST ? "host" : "peer", pdu, verdict,
		 decision->rule ? " by " : "", decision->rule ? decision->rule->name : "",
		 decision->log_text ? " (" : "", decision->log_text ? decision->log_text : "",
		 decision->log_text ? ")" : "");
}

/* What a PDU asks may be said; what it holds may be a secret. */
static void without_values(const struct ag_decision *decision, char *text)
{
	uint8_t opcode = decision->pdu[0];
	bool asks = decision->is_att &&
		    (opcode == AG_ATT_ERROR_RSP || ag_att_kind(opcode) != AG_ATT_RESPONSE);
	/* values, lists of handles with values, and what follows the name of everything else */
	static const char *const ends[] = { ", Value", ", 0x", ", Signature", "," };

	for (size_t i = 0; i < ag_array_size(ends) - asks; i++) {
		char *end = strstr(text, ends[i]);

		if (end)
			*end = '\0';
	}
}

void ag_decision_note(const struct ag_decision *decision, char *out, size_t size)
{
	char pdu[256], verdict[128];

	ag_words_came(decision, pdu, sizeof(pdu));
	without_values(decision, pdu);
	ag_words_verdict(decision, verdict, sizeof(verdict));
	snprintf(out, size, "#%" PRIu64 " %s%s%s: %s%s%s%s", decision->number, verdict,
		 decision->rule ? " by " : "", decision->rule ? decision->rule->name : "", pdu,
		 decision->log_text ? " (" : "", decision->log_text ? decision->log_text : "",
		 decision->log_text ? ")" : "");
}

static bool changes(const struct ag_decision *decision)
{
	return decision->verdict != AG_V_ACCEPT ||
	       (decision->effects & ~(unsigned int)AG_EFFECT_LOG) != 0;
}

bool ag_decision_is_plain(const struct ag_decision *decision)
{
	return !decision->rule && !changes(decision) && !decision->log_text;
}

enum ag_log_level ag_decision_priority(const struct ag_decision *decision)
{
	return changes(decision) || decision->log_text ? AG_LOG_NOTICE : AG_LOG_INFO;
}

void ag_decisions_tap(void *user, const struct ag_decision *decision)
{
	struct ag_decisions *decisions = user;
	bool asked_for = decisions->verbose || (decisions->dry_run && changes(decision));
	char text[LINE_SIZE];
	uint64_t suppressed;

	if (!asked_for && !(decision->effects & AG_EFFECT_LOG))
		return;
	ag_decision_format(decision, text, sizeof(text));
	/* what a rule logs a peer can cause as often as it likes; --verbose is for who is watching
	 */
	if (!decisions->verbose && !ag_log_allowed(&decisions->limit, text, decision->now_us))
		return;
	suppressed = ag_log_suppressed(&decisions->limit);
	if (suppressed > 0)
		ag_log(AG_LOG_INFO, "%" PRIu64 " lines like those before were left out",
		       suppressed);
	ag_log(AG_LOG_INFO, "%s#%" PRIu64 " %s", decisions->dry_run ? "dry run: " : "",
	       decision->number, text);
}

/* ---- The summary ---- */

static void add_verdicts(struct line *line, const struct ag_stats *stats)
{
	add(line, "%" PRIu64 " judged", stats->judged);
	for (size_t i = 0; i < ag_array_size(stats->verdicts); i++) {
		if (stats->verdicts[i] > 0)
			add(line, ", %" PRIu64 " %s", stats->verdicts[i],
			    ag_words_verdict_name((enum ag_verdict)i));
	}
}

static uint64_t sum(const uint64_t *numbers, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += numbers[i];
	return total;
}

static void add_troubles(struct line *line, const struct ag_stats *stats,
			 const struct ag_pump_counters *counters)
{
	const struct {
		uint64_t count;
		const char *words;
	} troubles[] = {
		{ sum(stats->unjudged, AG_UNJUDGED_COUNT), "forwarded unjudged" },
		{ stats->early_releases, "released early" },
		{ stats->surplus_completions, "surplus completions" },
		{ stats->unannounced, "changes of what is hidden not announced" },
		{ counters->lost_host_down, "lost to a host that was down" },
		{ counters->lost_refused, "refused by the kernel" },
		{ counters->overflows, "receive overflows" },
	};

	for (size_t i = 0; i < ag_array_size(troubles); i++) {
		if (troubles[i].count > 0)
			add(line, "; %" PRIu64 " %s", troubles[i].count, troubles[i].words);
	}
}

void ag_decisions_summary(const struct ag_engine *engine, const struct ag_ruleset *rules,
			  const struct ag_pump_counters *counters)
{
	const struct ag_stats *stats = ag_engine_stats(engine);
	const uint64_t *hits = ag_engine_rule_hits(engine);
	struct line line = { .len = 0 };

	add(&line, "%" PRIu64 " packets from the host, %" PRIu64 " from the controller; ",
	    stats->packets[AG_SIDE_HOST], stats->packets[AG_SIDE_CONTROLLER]);
	add_verdicts(&line, stats);
	add_troubles(&line, stats, counters);
	for (size_t i = 0; hits && i < ag_ruleset_count(rules); i++) {
		if (hits[i] > 0)
			add(&line, "; %s %" PRIu64, ag_ruleset_rule(rules, i)->name, hits[i]);
	}
	ag_log(AG_LOG_INFO, "%s", line.text);
}
