/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/replay_compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/engine/words.h"

enum { WORDS_SIZE = 1024 };

/* A decision that outlives the tap. */
struct kept {
	uint64_t number;
	uint64_t frame;
	uint64_t time_us;
	uint64_t peer;
	uint64_t delay_us;
	uint64_t out; /* a hash of the rewritten PDU, 0: it is as it was */
	enum ag_from from;
	enum ag_role role;
	enum ag_verdict verdict;
	unsigned int effects;
	uint8_t error;
	bool has_error;
	bool told;
	const char *rule; /* of a rule set that lives as long as the comparison */
	char words[WORDS_SIZE];
	char outcome[128];
	char rewritten[WORDS_SIZE];
};

struct list {
	struct kept *at;
	size_t count;
	size_t allocated;
};

struct ag_compare {
	struct ag_report *report;
	struct list lists[2];
	bool failed;
	uint64_t same;
	uint64_t different;
};

int ag_compare_new(struct ag_report *report, struct ag_compare **out)
{
	struct ag_compare *compare = calloc(1, sizeof(*compare));

	if (!compare)
		return -ENOMEM;
	compare->report = report;
	*out = compare;
	return 0;
}

void ag_compare_free(struct ag_compare *compare)
{
	if (!compare)
		return;
	free(compare->lists[0].at);
	free(compare->lists[1].at);
	free(compare);
}

/* ---- Keeping ---- */

static struct kept *append(struct list *list)
{
	if (list->count == list->allocated) {
		size_t allocated = list->allocated ? 2 * list->allocated : 4;
		struct kept *at = realloc(list->at, allocated * sizeof(*at));

		if (!at)
			return NULL;
		list->at = at;
		list->allocated = allocated;
	}
	return &list->at[list->count++];
}

/* FNV-1a */
static uint64_t hash(const uint8_t *data, size_t len)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		value = (value ^ data[i]) * UINT64_C(0x100000001b3);
	return value ? value : 1;
}

void ag_compare_decision(struct ag_compare *compare, size_t engine,
			 const struct ag_decision *decision)
{
	struct kept *kept = append(&compare->lists[engine]);

	if (!kept) {
		compare->failed = true;
		return;
	}
	*kept = (struct kept){
		.number = decision->number,
		.frame = ag_report_frame(compare->report, decision),
		.time_us = ag_report_time(compare->report, decision),
		.peer = decision->link->peer,
		.delay_us = decision->delay_us,
		.out = decision->out ? hash(decision->out, decision->out_len) : 0,
		.from = decision->from,
		.role = decision->link->role,
		.verdict = decision->verdict,
		.effects = decision->effects & ~(unsigned int)AG_EFFECT_LOG,
		.error = decision->error,
		.has_error = decision->has_error,
		.rule = decision->rule ? decision->rule->name : NULL,
	};
	ag_words_came(decision, kept->words, WORDS_SIZE);
	ag_words_verdict(decision, kept->outcome, sizeof(kept->outcome));
	if (decision->out)
		ag_words_went(decision, kept->rewritten, WORDS_SIZE);
}

/* ---- Comparing ---- */

static bool same_effect(const struct kept *one, const struct kept *other)
{
	return one->verdict == other->verdict && one->effects == other->effects &&
	       one->delay_us == other->delay_us && one->out == other->out &&
	       one->has_error == other->has_error &&
	       (!one->has_error || one->error == other->error);
}

static void print_outcome(FILE *out, const struct kept *kept)
{
	if (!kept) {
		fputs("no word", out);
		return;
	}
	fprintf(out, "%s%s%s", kept->rule ? kept->rule : "", kept->rule ? ": " : "", kept->outcome);
	if (kept->out)
		fprintf(out, ", now: %s", kept->rewritten);
}

static void print_text(FILE *out, const struct kept *any, const struct kept *first,
		       const struct kept *second)
{
	char peer[18];

	ag_words_bdaddr(any->peer, peer);
	fprintf(out, "%6" PRIu64 " %5" PRIu64 ".%06" PRIu64 " %s %s %-10s  %s\n", any->frame,
		any->time_us / 1000000, any->time_us % 1000000,
		any->from == AG_FROM_HOST ? "→" : "←", peer,
		any->role == AG_ROLE_CENTRAL ? "central" : "peripheral", any->words);
	fputs("       - ", out);
	print_outcome(out, first);
	fputs("\n       + ", out);
	print_outcome(out, second);
	fputc('\n', out);
}

static void json_outcome(struct ag_json *json, const char *key, const struct kept *kept)
{
	if (!kept) {
		ag_json_string(json, key, NULL);
		return;
	}
	ag_json_open(json, key);
	ag_json_string(json, "rule", kept->rule);
	ag_json_string(json, "verdict", ag_words_verdict_name(kept->verdict));
	ag_json_string(json, "words", kept->outcome);
	ag_json_string(json, "rewritten", kept->out ? kept->rewritten : NULL);
	ag_json_close(json);
}

static void print_json(FILE *out, const struct kept *any, const struct kept *first,
		       const struct kept *second)
{
	struct ag_json json = ag_json_begin(out);
	char peer[18];

	ag_words_bdaddr(any->peer, peer);
	ag_json_optional(&json, "frame", any->frame != 0, any->frame);
	ag_json_seconds(&json, "time", any->time_us);
	ag_json_string(&json, "from", ag_field_value_name(AG_F_FROM, any->from));
	ag_json_string(&json, "role", ag_field_value_name(AG_F_ROLE, any->role));
	ag_json_string(&json, "peer", peer);
	ag_json_number(&json, "pdu", any->number);
	ag_json_string(&json, "words", any->words);
	json_outcome(&json, "rules", first);
	json_outcome(&json, "against", second);
	ag_json_end(&json);
}

static void print(struct ag_compare *compare, const struct kept *first, const struct kept *second)
{
	const struct kept *any = first ? first : second;

	compare->different++;
	if (compare->report->json)
		print_json(compare->report->out, any, first, second);
	else
		print_text(compare->report->out, any, first, second);
}

static struct kept *find(struct list *list, uint64_t number)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!list->at[i].told && list->at[i].number == number)
			return &list->at[i];
	}
	return NULL;
}

int ag_compare_step(struct ag_compare *compare)
{
	struct list *firsts = &compare->lists[0];
	struct list *seconds = &compare->lists[1];

	for (size_t i = 0; i < firsts->count; i++) {
		struct kept *second = find(seconds, firsts->at[i].number);

		if (second)
			second->told = true;
		if (second && same_effect(&firsts->at[i], second))
			compare->same++;
		else
			print(compare, &firsts->at[i], second);
	}
	for (size_t i = 0; i < seconds->count; i++) {
		if (!seconds->at[i].told)
			print(compare, NULL, &seconds->at[i]);
	}
	firsts->count = 0;
	seconds->count = 0;
	return compare->failed ? -ENOMEM : 0;
}

void ag_compare_summary(const struct ag_compare *compare, FILE *out)
{
	fprintf(out, "%" PRIu64 " decisions are the same, %" PRIu64 " differ\n", compare->same,
		compare->different);
}
