/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/inspect.h"
#include "proxy/engine/words.h"
#include "proxy/io/control_report.h"

static const char *const side_name[2] = {
	[AG_SIDE_HOST] = "host",
	[AG_SIDE_CONTROLLER] = "controller",
};

/** What is being written, and the label that all samples carry. */
struct page {
	FILE *out;
	const char *controller;
};

/* ABNF of the format: escaped are backslash, quote and line feed. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void family(const struct page *page, const char *name, const char *type, const char *help)
{
	fprintf(page->out, "# TYPE attgate_%s %s\n# HELP attgate_%s %s\n", name, type, name, help);
}

/* @name: with the suffix that its type asks for; @key: of a second label, or NULL */
static void sample(const struct page *page, const char *name, const char *key, const char *value,
		   uint64_t number)
{
	fprintf(page->out, "attgate_%s{controller=\"", name);
	put_escaped(page->out, page->controller);
	if (key && value) {
		fprintf(page->out, "\",%s=\"", key);
		put_escaped(page->out, value);
	}
	fprintf(page->out, "\"} %" PRIu64 "\n", number);
}

static void by_side(const struct page *page, const char *name, const uint64_t numbers[2])
{
	for (size_t side = 0; side < 2; side++)
		sample(page, name, "side", side_name[side], numbers[side]);
}

static void put_traffic(const struct page *page, const struct ag_stats *stats)
{
	family(page, "packets", "counter", "HCI packets taken from a side");
	by_side(page, "packets_total", stats->packets);
	family(page, "bytes", "counter", "Octets of HCI packets taken from a side");
	by_side(page, "bytes_total", stats->bytes);
	family(page, "pdus_judged", "counter", "ATT and SMP PDUs shown to the rules");
	sample(page, "pdus_judged_total", NULL, NULL, stats->judged);
	family(page, "verdicts", "counter", "What became of PDUs");
	for (size_t i = 0; i < AG_V_RECORDED; i++)
		sample(page, "verdicts_total", "verdict", ag_words_verdict_name((enum ag_verdict)i),
		       stats->verdicts[i]);
	family(page, "pdus_unjudged", "counter", "PDUs forwarded without being judged");
	for (size_t i = 0; i < AG_UNJUDGED_COUNT; i++)
		sample(page, "pdus_unjudged_total", "cause", ag_unjudged_name((enum ag_unjudged)i),
		       stats->unjudged[i]);
	family(page, "surplus_completions", "counter",
	       "Packets completed by the controller that it was never given");
	sample(page, "surplus_completions_total", NULL, NULL, stats->surplus_completions);
	family(page, "early_releases", "counter",
	       "Held PDUs released for want of room, and frames sent beyond the credits");
	sample(page, "early_releases_total", NULL, NULL, stats->early_releases);
	family(page, "unannounced", "counter",
	       "Times the host could not be told that something else is hidden");
	sample(page, "unannounced_total", NULL, NULL, stats->unannounced);
	family(page, "links", "gauge", "Links that are up");
	sample(page, "links", NULL, NULL, stats->links);
}

static void put_losses(const struct page *page, const struct ag_pump_counters *pump)
{
	family(page, "packets_lost", "counter", "HCI packets that a side did not take");
	sample(page, "packets_lost_total", "cause", "host_down", pump->lost_host_down);
	sample(page, "packets_lost_total", "cause", "refused", pump->lost_refused);
	family(page, "receive_overflows", "counter",
	       "Times the kernel dropped packets of the controller");
	sample(page, "receive_overflows_total", NULL, NULL, pump->overflows);
}

static void put_rules(const struct page *page, const struct ag_control_view *view)
{
	family(page, "rule_hits", "counter", "How often a rule acted");
	for (size_t i = 0; i < ag_ruleset_count(view->rules->set); i++)
		sample(page, "rule_hits_total", "rule", ag_ruleset_rule(view->rules->set, i)->name,
		       ag_tally_hits(view->tally, view->engine, i));
	family(page, "rules_loaded_timestamp_seconds", "gauge", "When the rules were read");
	sample(page, "rules_loaded_timestamp_seconds", NULL, NULL,
	       view->rules->loaded_us / 1000000);
}

static void put_queues(const struct page *page, const struct ag_engine *engine)
{
	struct ag_engine_view inside = { .early = 0 };

	if (engine)
		ag_engine_inspect(engine, &inside);
	family(page, "queue_packets", "gauge", "Packets to be written to a side");
	for (size_t side = 0; side < 2; side++)
		sample(page, "queue_packets", "side", side_name[side], inside.queued[side]);
	family(page, "buffers_taken", "gauge", "ACL buffers of the controller that are taken");
	sample(page, "buffers_taken", "pool", "acl", inside.acl.in_flight);
	sample(page, "buffers_taken", "pool", "le", inside.le.in_flight);
}

static void put_run(const struct page *page, const struct ag_control_view *view)
{
	family(page, "up", "gauge", "Whether controller and host are both open");
	sample(page, "up", NULL, NULL, view->engine != NULL);
	family(page, "uptime_seconds", "gauge", "How long the program runs");
	sample(page, "uptime_seconds", NULL, NULL, (view->now_us - view->started_us) / 1000000);
	family(page, "sessions", "counter", "Times that controller and host were opened");
	sample(page, "sessions_total", NULL, NULL, view->tally->sessions);
	family(page, "trace_lost", "counter", "Decisions that watchers were too slow for");
	sample(page, "trace_lost_total", NULL, NULL, view->lost);
}

char *ag_metrics_text(const struct ag_control_view *view)
{
	ag_autofree char *text = NULL;
	size_t len = 0;
	struct page page = {
		.out = open_memstream(&text, &len),
		.controller = view->transport[AG_SIDE_CONTROLLER]->address.text,
	};
	struct ag_pump_counters pump;
	struct ag_stats stats;

	if (!page.out)
		return NULL;
	ag_tally_stats(view->tally, view->engine, &stats);
	ag_tally_pump(view->tally, view->pump, &pump);
	put_run(&page, view);
	put_traffic(&page, &stats);
	put_losses(&page, &pump);
	put_rules(&page, view);
	put_queues(&page, view->engine);
	fputs("# EOF\n", page.out);
	if (fclose(page.out) != 0)
		return NULL;
	return ag_take(text);
}
