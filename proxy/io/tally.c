/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/inspect.h"

/* A rule and what it counted, to be found by name. */
struct named {
	const char *name;
	uint64_t hits;
};

static int new_hits(const struct ag_ruleset *rules, uint64_t **out)
{
	uint64_t *hits = calloc(ag_ruleset_count(rules) + 1, sizeof(*hits));

	if (!hits)
		return -ENOMEM;
	*out = hits;
	return 0;
}

int ag_tally_init(struct ag_tally *tally, const struct ag_ruleset *rules)
{
	*tally = (struct ag_tally){ .n_hits = ag_ruleset_count(rules) };
	return new_hits(rules, &tally->hits);
}

void ag_tally_clear(struct ag_tally *tally)
{
	free(tally->hits);
	*tally = (struct ag_tally){ .hits = NULL };
}

static void add_all(uint64_t *to, const uint64_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += from[i];
}

static void add_stats(struct ag_stats *to, const struct ag_stats *from)
{
	add_all(to->packets, from->packets, 2);
	add_all(to->bytes, from->bytes, 2);
	to->judged += from->judged;
	add_all(to->unjudged, from->unjudged, AG_UNJUDGED_COUNT);
	add_all(to->verdicts, from->verdicts, AG_V_RECORDED + 1);
	to->early_releases += from->early_releases;
	to->surplus_completions += from->surplus_completions;
	to->unannounced += from->unannounced;
	to->links = from->links;
}

static void add_pump(struct ag_pump_counters *to, const struct ag_pump_counters *from)
{
	to->lost_host_down += from->lost_host_down;
	to->lost_refused += from->lost_refused;
	to->overflows += from->overflows;
}

void ag_tally_engine_ends(struct ag_tally *tally, const struct ag_engine *engine,
			  const struct ag_pump_counters *pump)
{
	struct ag_engine_view inside;

	ag_engine_inspect(engine, &inside);
	tally->numbered = inside.numbered;
	add_stats(&tally->past, ag_engine_stats(engine));
	tally->past.links = 0;
	add_pump(&tally->past_pump, pump);
	add_all(tally->hits, ag_engine_rule_hits(engine), tally->n_hits);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct named *)left)->name, ((const struct named *)right)->name);
}

int ag_tally_carry(const struct ag_tally *tally, const struct ag_engine *engine,
		   const struct ag_ruleset *from, const struct ag_ruleset *to, uint64_t **out)
{
	size_t count = tally->n_hits;
	struct named *old = calloc(count + 1, sizeof(*old));
	uint64_t *hits;

	if (!old || new_hits(to, &hits)) {
		free(old);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		old[i] = (struct named){ ag_ruleset_rule(from, i)->name,
					 ag_tally_hits(tally, engine, i) };
	qsort(old, count, sizeof(*old), by_name);
	for (size_t i = 0; i < ag_ruleset_count(to); i++) {
		struct named key = { .name = ag_ruleset_rule(to, i)->name };
		const struct named *found = bsearch(&key, old, count, sizeof(*old), by_name);

		hits[i] = found ? found->hits : 0;
	}
	free(old);
	*out = hits;
	return 0;
}

void ag_tally_take(struct ag_tally *tally, const struct ag_ruleset *rules, uint64_t *hits)
{
	free(tally->hits);
	tally->hits = hits;
	tally->n_hits = ag_ruleset_count(rules);
}

void ag_tally_stats(const struct ag_tally *tally, const struct ag_engine *engine,
		    struct ag_stats *out)
{
	*out = tally->past;
	if (engine)
		add_stats(out, ag_engine_stats(engine));
}

void ag_tally_pump(const struct ag_tally *tally, const struct ag_pump_counters *pump,
		   struct ag_pump_counters *out)
{
	*out = tally->past_pump;
	if (pump)
		add_pump(out, pump);
}

uint64_t ag_tally_hits(const struct ag_tally *tally, const struct ag_engine *engine, size_t index)
{
	const uint64_t *hits = engine ? ag_engine_rule_hits(engine) : NULL;

	return tally->hits[index] + (hits ? hits[index] : 0);
}
