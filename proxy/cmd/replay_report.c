/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/replay_report.h"

#include <inttypes.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/engine/words.h"
#include "proxy/io/decision_json.h"

uint64_t ag_report_frame(struct ag_report *report, const struct ag_decision *decision)
{
	size_t slot = decision->number % AG_REPORT_MEMORY;

	if (report->memory[slot].pdu != decision->number) {
		report->memory[slot].pdu = decision->number;
		report->memory[slot].frame = report->frame;
	}
	return report->memory[slot].frame;
}

uint64_t ag_report_time(const struct ag_report *report, const struct ag_decision *decision)
{
	return decision->now_us > report->start_us ? decision->now_us - report->start_us : 0;
}

static void print_text(struct ag_report *report, const struct ag_decision *decision)
{
	uint64_t time_us = ag_report_time(report, decision);
	char words[AG_WORDS_SIZE];
	char verdict[128];
	char peer[18];

	ag_words_bdaddr(decision->link->peer, peer);
	ag_words_came(decision, words, sizeof(words));
	ag_words_verdict(decision, verdict, sizeof(verdict));
	fprintf(report->out, "%6" PRIu64 " %5" PRIu64 ".%06" PRIu64 " %s %s %-10s  %s  [%s%s%s]",
		ag_report_frame(report, decision), time_us / 1000000, time_us % 1000000,
		decision->from == AG_FROM_HOST ? "→" : "←", peer,
		decision->link->role == AG_ROLE_CENTRAL ? "central" : "peripheral", words,
		decision->rule ? decision->rule->name : "", decision->rule ? ": " : "", verdict);
	if (decision->out) {
		ag_words_went(decision, words, sizeof(words));
		fprintf(report->out, " now: %s", words);
	}
	if (decision->log_text)
		fprintf(report->out, " \"%s\"", decision->log_text);
	fputc('\n', report->out);
}

static void print_json(struct ag_report *report, const struct ag_decision *decision)
{
	struct ag_json json = ag_json_begin(report->out);
	uint64_t frame = ag_report_frame(report, decision);

	ag_json_optional(&json, "frame", frame != 0, frame);
	ag_json_seconds(&json, "time", ag_report_time(report, decision));
	ag_decision_json(&json, decision);
	ag_json_end(&json);
}

void ag_report_decision(struct ag_report *report, const struct ag_decision *decision)
{
	if (report->json)
		print_json(report, decision);
	else
		print_text(report, decision);
}

/* ---- Summary ---- */

struct summary_row {
	unsigned int index;
	const char *words;
};

static const struct summary_row verdict_rows[] = {
	{ AG_V_ACCEPT, "accepted" },
	{ AG_V_REJECT, "rejected" },
	{ AG_V_ANSWER, "answered" },
	{ AG_V_DROP, "dropped" },
	{ AG_V_DISCONNECT, "ended the link" },
	{ AG_V_TIMEOUT, "answered when their time was up" },
	{ AG_V_LATE, "discarded as late" },
	{ AG_V_DISCARD, "discarded when the link was encrypted" },
	{ AG_V_HIDE, "of what is hidden" },
	{ AG_V_RECORDED, "recorded in answer to refused requests" },
};

static const struct summary_row unjudged_rows[] = {
	{ AG_UNJUDGED_TRUNCATED, "truncated" },
	{ AG_UNJUDGED_LENGTH, "longer than they say" },
	{ AG_UNJUDGED_INTERRUPTED, "interrupted" },
	{ AG_UNJUDGED_NO_START, "without a start" },
	{ AG_UNJUDGED_NO_LINK, "on unknown links" },
	{ AG_UNJUDGED_TOO_LONG, "too long to judge" },
	{ AG_UNJUDGED_MEMORY, "without memory" },
	{ AG_UNJUDGED_BACKLOG, "while too much was queued" },
	{ AG_UNJUDGED_CHANNEL, "channels too many to follow" },
};

_Static_assert(ag_array_size(verdict_rows) == AG_V_RECORDED + 1, "a row for each verdict");
_Static_assert(ag_array_size(unjudged_rows) == AG_UNJUDGED_COUNT, "a row for each reason");

static void print_counts(FILE *out, const uint64_t *counts, const struct summary_row *rows,
			 size_t n_rows, const char *before)
{
	for (size_t i = 0; i < n_rows; i++) {
		uint64_t count = counts[rows[i].index];

		if (count == 0)
			continue;
		fprintf(out, "%s%" PRIu64 " %s", before, count, rows[i].words);
		before = ", ";
	}
}

void ag_report_summary(FILE *out, const struct ag_stats *stats)
{
	uint64_t unjudged = 0;

	for (size_t i = 0; i < AG_UNJUDGED_COUNT; i++)
		unjudged += stats->unjudged[i];
	fprintf(out, "%" PRIu64 " PDU%s judged", stats->judged, stats->judged == 1 ? "" : "s");
	print_counts(out, stats->verdicts, verdict_rows, ag_array_size(verdict_rows), ": ");
	if (unjudged > 0) {
		fprintf(out, "; %" PRIu64 " unjudged (", unjudged);
		print_counts(out, stats->unjudged, unjudged_rows, ag_array_size(unjudged_rows), "");
		fputc(')', out);
	}
	fputc('\n', out);
}
