/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every allocation fails once: the result is -ENOMEM, nothing is handed out, nothing leaks. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/io/rulefiles.h"
#include "rules/arena.h"
#include "rules/diag.h"
#include "rules/hide.h"
#include "rules/index.h"
#include "rules/rules.h"
#include "tests/sim/alloc.h"

static const char right[] =
    "let asked = {0x0030, {0x0040..0x0050, one}}\n"
    "let one = 5\n"
    "rule refuse when from == host and att.type in {battery_level, 0x2a00} reject\n"
    "rule have when att.opcode == \"Read Request\" and att.handle in asked answer hex\"64\"\n"
    "rule late when from == peer and (every 3 or not chance 5%) delay 3ms jitter 1ms log \"late\"\n"
    "rule never when from == peer and att.handle == 1 and att.handle == 2 drop\n"
    "rule long when att.value in {hex\"01\".., \"x\"} rewrite att.value = \"longer value\"\n"
    "rule host when from == host reject\n"
    "rule unreached when from == host log\n";

static const char wrong[] =
    "let a = a\n"
    "rule one when att.opcode == read_requst and att.handle == battery_level acept\n"
    "rule two when att.type == a and rolle == central accept drop\n"
    "rule two log \"\x01\" @\n"
    "rule three rewrite role = 5 rewrite att.error = battery_level\n";

/** Let each allocation of at least `size` octets fail. @return: how many there are, which is when
 *  none failed any more */
static unsigned int sweep(const char *text, size_t size, struct ag_diags *diags, int expected)
{
	struct ag_source source = { "memory", text, strlen(text) };
	unsigned int k = 0;
	int failed;

	do {
		struct ag_ruleset *set = NULL;
		int result;

		ag_sim_alloc_fail_large(k, size);
		result = ag_ruleset_compile(&source, 1, &set, diags);
		failed = ag_sim_alloc_fail_end();
		cr_assert(eq(int, result, failed ? -ENOMEM : expected), "allocation %u of %s", k,
			  text);
		cr_assert(eq(int, set == NULL, result != 0), "allocation %u of %s", k, text);
		ag_ruleset_free(set);
		if (diags)
			ag_diags_clear(diags);
		k += failed != 0;
	} while (failed);
	return k;
}

static unsigned int sweep_compile(const char *text, int expected)
{
	struct ag_diags diags = AG_DIAGS_INIT;

	return sweep(text, 0, &diags, expected);
}

Test(rules_memory, compiling)
{
	cr_expect(ge(uint, sweep_compile(right, 0), 20));
	cr_expect(ge(uint, sweep_compile(wrong, AG_RULES_INVALID), 20));
}

/* With an index by value and one by range, attributes that are hidden, every kind of condition. */
static const char various[] =
    "let few = {1, 3..5}\n"
    "rule near when att.handle in few and (att.value == hex\"01\" or att.uuid != 0x2a00) log\n"
    "rule far when att.handle in 0x0100..0x0200 or att.handle in 0x0300..0x0400 reject\n"
    "rule other when att.offset != 3 and att.start != {1, 5..9} log\n"
    "rule flags when att.mapped and not (encrypted or chance 3%) rewrite att.value = \"x\" log\n"
    "rule times when age > 5s delay 1ms\n"
    "rule away when att.service == battery_service and from == peer hide\n"
    "rule stay when att.handle in 7..900 and not att.handle == 8 accept\n"
    "rule one when peer == 00:00:00:00:00:01 answer 23\n";

/** As sweep_compile(), for the blocks of the arenas: of what they give most needs no new one. */
static void sweep_blocks(const char *text)
{
	enum { BLOCK = 4096 };

	sweep(text, BLOCK, NULL, 0);
}

/* A text in front that gets longer and longer has the blocks end everywhere. */
Test(rules_memory, compiling_wherever_a_block_ends)
{
	enum { STEP = 32 };
	char text[sizeof(various) + 4200];

	for (int len = 0; len < 4096; len += STEP) {
		snprintf(text, sizeof(text), "rule front log \"%0*d\"\n%s", len, 0, various);
		sweep_blocks(text);
	}
}

/* The tree of what is read has blocks of its own, which end by what there is to read. */
Test(rules_memory, parsing_wherever_a_block_ends)
{
	char text[sizeof(various) + 1024] = "rule front when encrypted";

	for (size_t count = 0; count < 64; count++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, " or chance 3%% log\n%s", various);
		sweep_blocks(text);
		snprintf(text + len, sizeof(text) - len, " or att.mapped");
	}
}

/* So have the indices, with more and more values and ranges in them. */
Test(rules_memory, compiling_whatever_an_index_holds)
{
	char text[8192];
	int len = 0;

	len += snprintf(text, sizeof(text), "rule value when att.uuid in {0x1000");
	for (int count = 1; count < 80; count++) {
		char whole[2 * sizeof(text)];
		char ranges[64];

		len += snprintf(text + len, sizeof(text) - (size_t)len, ", 0x%x", 0x1000 + count);
		snprintf(ranges, sizeof(ranges), "att.handle in 0x200..0x%x", 0x300 + count);
		snprintf(whole, sizeof(whole),
			 "%s} log\nrule range when %s and att.offset != %d log\n"
			 "rule none when %s hide\nrule always when not encrypted log\n",
			 text, ranges, count, ranges);
		sweep_blocks(whole);
	}
}

/* Have the newest block of an arena end behind `left` octets. */
static void cut_arena(struct ag_arena *arena, size_t left)
{
	cr_assert_not_null(ag_arena_alloc(arena, 4096, 1));
	cr_assert(eq(sz, arena->left, 0));
	arena->left = left;
}

Test(rules_memory, an_index_wherever_a_block_ends)
{
	struct ag_source source = { "memory", various, sizeof(various) - 1 };
	uint32_t numbers[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct ag_ruleset *set = NULL;
	int failed = 1;

	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), 0));
	cr_assert(eq(sz, ag_ruleset_count(set), sizeof(numbers) / sizeof(numbers[0])));
	for (size_t left = 0; failed; left += 16) {
		struct ag_candidates all = { numbers, ag_ruleset_count(set) };
		size_t entries = AG_ENTRIES_MAX;
		struct ag_index_plan plan = { UINT64_MAX, &entries };
		struct ag_index index = { 0 };
		int result;

		cut_arena(&set->arena, left);
		ag_sim_alloc_fail_large(0, 4096);
		result = ag_index_build(set, &all, &plan, &index);
		failed = ag_sim_alloc_fail_end();
		cr_assert(eq(int, result, failed ? -ENOMEM : 0), "%zu octets left", left);
		cr_assert(le(sz, left, 4096));
	}
	failed = 1;
	for (size_t left = 0; failed; left += 16) {
		int result;

		cut_arena(&set->arena, left);
		ag_sim_alloc_fail_large(0, 4096);
		result = ag_hide_build(set);
		failed = ag_sim_alloc_fail_end();
		cr_assert(eq(int, result, failed ? -ENOMEM : 0), "%zu octets left", left);
		cr_assert(le(sz, left, 4096));
	}
	ag_ruleset_free(set);
}

Test(rules_memory, more_than_there_can_be_is_no_memory)
{
	struct ag_arena arena = { 0 };

	cr_expect_null(ag_arena_alloc(&arena, SIZE_MAX / 4, 8));
	cr_expect(arena.failed);
	ag_arena_clear(&arena);
}

Test(rules_memory, half_a_hint_is_none)
{
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_report report = { .diags = &diags };
	struct ag_text message = { 0 };
	struct ag_text hint = { 0 };

	ag_text_puts(&message, "message");
	ag_text_puts(&hint, "did you mean ");
	ag_sim_alloc_fail_after(0);
	ag_text_printf(&hint, "%200d", 1);
	cr_expect(ag_sim_alloc_fail_end());
	ag_report_add(&report, AG_ERROR, (struct ag_span){ 0 }, &message, &hint);
	cr_expect(report.failed);
	cr_expect(eq(sz, report.errors, 1));
	cr_expect(eq(sz, diags.count, 0));
}

/** What gives a string for free(). */
typedef char *string_fn(void *user);

static unsigned int sweep_string(string_fn *fn, void *user)
{
	for (unsigned int k = 0;; k++) {
		char *string;

		ag_sim_alloc_fail_after(k);
		string = fn(user);
		if (!ag_sim_alloc_fail_end()) {
			cr_expect_not_null(string);
			free(string);
			return k;
		}
		cr_assert(eq(ptr, string, NULL), "allocation %u", k);
	}
}

static char *format_set(void *user)
{
	return ag_ruleset_format(user);
}

static char *format_rule(void *user)
{
	return ag_rule_format(user, 0);
}

static char *describe(void *user)
{
	char *text = NULL;

	return ag_describe(user, &text) < 0 ? NULL : text;
}

static char *describe_all(void *user)
{
	(void)user;
	return ag_describe_all();
}

struct finding {
	const struct ag_source *source;
	const struct ag_diag *diag;
};

static char *format_finding(void *user)
{
	struct finding *finding = user;

	return ag_diag_format(finding->diag, finding->source);
}

Test(rules_memory, strings)
{
	struct ag_source source = { "memory", right, sizeof(right) - 1 };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;
	struct finding finding = { &source, NULL };
	char names[][16] = { "att.opcode", "Read Request", "0x0a", "read_requst" };

	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, &diags), 0));
	cr_expect(ge(uint, sweep_string(format_set, set), 1));
	cr_expect(ge(uint, sweep_string(format_rule, set), 1));
	cr_expect(ge(uint, sweep_string(describe_all, NULL), 1));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect(ge(uint, sweep_string(describe, names[i]), 1));
	cr_assert(ge(sz, diags.count, 1));
	finding.diag = &diags.list[0];
	cr_expect(ge(uint, sweep_string(format_finding, &finding), 1));
	ag_ruleset_free(set);
	ag_diags_clear(&diags);
}

Test(rules_memory, a_state)
{
	struct ag_match_state *state = NULL;

	ag_sim_alloc_fail_after(0);
	cr_expect(eq(int, ag_match_state_new(NULL, 1, &state), -ENOMEM));
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect(eq(ptr, state, NULL));
}

Test(rules_memory, rule_files)
{
	const char *const paths[] = { "rules.d", "rules.d/examples" };

	for (unsigned int k = 0;; k++) {
		struct ag_rulefiles files = { 0 };
		int result;

		ag_sim_alloc_fail_after(k);
		result = ag_rulefiles_read(paths, 2, &files, NULL);
		if (!ag_sim_alloc_fail_end()) {
			cr_expect(eq(int, result, 0));
			cr_expect(ge(sz, files.count, 9));
			cr_expect(ge(uint, k, 20));
			ag_rulefiles_clear(&files);
			return;
		}
		cr_assert(eq(int, result, -ENOMEM), "allocation %u", k);
		cr_assert(eq(sz, files.count, 0));
	}
}
