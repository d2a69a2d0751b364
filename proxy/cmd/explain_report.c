/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/explain_report.h"

#include <inttypes.h>
#include <string.h>

#include "proxy/base/json.h"
#include "proxy/engine/words.h"
#include "proxy/wire/btsnoop.h"

enum { WIDTH = 88, INDENT = 5, RULES_SIZE = 2048 };

/* ---- Text ---- */

static void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > 0 && INDENT + column + 1 + len > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%*s%.*s", column ? 1 : INDENT, "", (int)len, text);
		column += len + (column ? 1 : 0);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_frames(FILE *out, const struct ag_finding *finding)
{
	fprintf(out, "%*sframe%s", INDENT, "", finding->n_frames == 1 ? "" : "s");
	for (size_t i = 0; i < finding->n_frames; i++)
		fprintf(out, "%s %" PRIu64, i ? "," : "", finding->frames[i]);
	fputc('\n', out);
}

static void print_finding(struct ag_explain_report *report, size_t number,
			  const struct ag_finding *finding)
{
	FILE *out = report->out;

	fprintf(out, "\n%3zu. %s%s\n", number, finding->harmless ? "Note: " : "",
		ag_finding_title(finding->kind));
	print_wrapped(out, finding->text);
	if (finding->n_frames > 0)
		print_frames(out, finding);
	fprintf(out, "%*s%s: %s\n", INDENT, "", ag_confidence_name(finding->confidence),
		finding->why);
	if (!finding->harmless && finding->remedy != AG_REMEDY_NONE)
		fprintf(out, "%*sprevented by: rule %s\n", INDENT, "",
			ag_remedy_rule(finding->remedy));
}

static void print_head(struct ag_explain_report *report, uint16_t controller,
		       const struct ag_link_story *link)
{
	char peer[18];

	ag_words_bdaddr(link->link->peer, peer);
	if (report->failures + report->notes > 0)
		fputc('\n', report->out);
	if (controller != AG_BTSNOOP_NO_INDEX)
		fprintf(report->out, "hci%u, ", controller);
	fprintf(report->out,
		"link 0x%04x to %s, the host is %s: frames %" PRIu64 " to %" PRIu64 ", %" PRIu64
		".%" PRIu64 " s%s\n",
		link->link->handle, peer,
		link->link->role == AG_ROLE_CENTRAL ? "central" : "peripheral", link->first_frame,
		link->last_frame, link->lasted_us / 1000000, link->lasted_us / 100000 % 10,
		link->ended ? "" : ", its end is not recorded");
}

/* ---- JSON ---- */

static void print_json(struct ag_explain_report *report, uint16_t controller,
		       const struct ag_link_story *link, const struct ag_finding *finding)
{
	struct ag_json json = ag_json_begin(report->out);
	bool prevented = !finding->harmless && finding->remedy != AG_REMEDY_NONE;
	char rules[RULES_SIZE];
	char peer[18];

	ag_words_bdaddr(link->link->peer, peer);
	ag_remedy_format(finding->remedy, finding->remedy_handle, rules, sizeof(rules));
	ag_json_optional(&json, "controller", controller != AG_BTSNOOP_NO_INDEX, controller);
	ag_json_number(&json, "link", link->link->handle);
	ag_json_string(&json, "peer", peer);
	ag_json_string(&json, "role", ag_field_value_name(AG_F_ROLE, link->link->role));
	ag_json_string(&json, "finding", ag_finding_name(finding->kind));
	ag_json_string(&json, "severity", finding->harmless ? "note" : "failure");
	ag_json_string(&json, "confidence", ag_confidence_name(finding->confidence));
	ag_json_string(&json, "why", finding->why);
	ag_json_string(&json, "text", finding->text);
	ag_json_numbers(&json, "frames", finding->frames, finding->n_frames);
	ag_json_string(&json, "rule", prevented ? ag_remedy_rule(finding->remedy) : NULL);
	ag_json_string(&json, "rules", prevented ? rules : NULL);
	ag_json_end(&json);
}

/* ---- Links ---- */

static void take_remedy(struct ag_explain_report *report, const struct ag_finding *finding)
{
	if (finding->harmless || finding->remedy == AG_REMEDY_NONE)
		return;
	report->remedies[finding->remedy] = true;
	if (finding->remedy == AG_REMEDY_HOLD_INDICATION)
		report->handle = finding->remedy_handle;
}

void ag_explain_link(struct ag_explain_report *report, uint16_t controller,
		     const struct ag_link_story *link)
{
	report->links++;
	if (link->n_findings > 0 && !report->json)
		print_head(report, controller, link);
	for (size_t i = 0; i < link->n_findings; i++) {
		const struct ag_finding *finding = &link->findings[i];

		take_remedy(report, finding);
		if (report->json)
			print_json(report, controller, link, finding);
		else
			print_finding(report, i + 1, finding);
		if (finding->harmless)
			report->notes++;
		else
			report->failures++;
	}
}

/* ---- The end ---- */

static void print_rules(const struct ag_explain_report *report, FILE *out)
{
	char rules[RULES_SIZE];

	for (int i = 0; i < AG_REMEDIES; i++) {
		if (!report->remedies[i])
			continue;
		ag_remedy_format((enum ag_remedy)i, report->handle, rules, sizeof(rules));
		fprintf(out, "\n%s", rules);
	}
}

static bool has_remedy(const struct ag_explain_report *report)
{
	for (int i = 0; i < AG_REMEDIES; i++) {
		if (report->remedies[i])
			return true;
	}
	return false;
}

static void print_sum(const struct ag_explain_report *report)
{
	FILE *out = report->out;

	fprintf(out, "%s%" PRIu64 " link%s, %" PRIu64 " PDU%s: ",
		report->failures + report->notes ? "\n" : "", report->links,
		report->links == 1 ? "" : "s", report->pdus, report->pdus == 1 ? "" : "s");
	if (report->failures > 0)
		fprintf(out, "%" PRIu64 " finding%s", report->failures,
			report->failures == 1 ? "" : "s");
	else
		fputs("nothing was found that went wrong", out);
	if (report->notes > 0)
		fprintf(out, ", %" PRIu64 " note%s", report->notes, report->notes == 1 ? "" : "s");
	fputs(".\n", out);
}

static void warn_of_gaps(const struct ag_explain_report *report)
{
	if (report->drops > 0)
		fprintf(stderr, "the recording says that it lost %" PRIu64 " packets\n",
			report->drops);
	if (report->unknown > 0)
		fprintf(stderr,
			"%" PRIu64 " packets belong to links that were up before the recording "
			"began; nothing is said of them\n",
			report->unknown);
}

void ag_explain_end(struct ag_explain_report *report)
{
	if (!report->json) {
		if (has_remedy(report)) {
			fputs("\nRules that would have prevented this (--suggest FILE writes "
			      "them):\n",
			      report->out);
			print_rules(report, report->out);
		}
		print_sum(report);
	}
	warn_of_gaps(report);
}

void ag_explain_suggest(const struct ag_explain_report *report, FILE *out)
{
	fputs("# Suggested by `attgate explain' for what went wrong in one recording.\n", out);
	if (!has_remedy(report))
		fputs("# Nothing was found that a rule could prevent.\n", out);
	print_rules(report, out);
}
