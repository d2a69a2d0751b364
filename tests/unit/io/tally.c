/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/io/rulebook.h"
#include "proxy/io/tally.h"
#include "tests/sim/alloc.h"

TestSuite(tally, .timeout = 20);

static struct ag_ruleset *compile(const char *text)
{
	struct ag_source source = { "t.rules", text, strlen(text) };
	struct ag_ruleset *rules = NULL;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &rules, NULL), 0);
	return rules;
}

static const char first[] = "rule a when att.handle == 1 accept\n"
			    "rule b when att.handle == 2 accept\n"
			    "rule c when att.handle == 3 accept\n";
static const char second[] = "rule c when att.handle == 7 accept\n"
			     "rule new when att.handle == 8 accept\n"
			     "rule a when att.handle == 9 accept\n";

Test(tally, rules_keep_their_counters_by_name)
{
	struct ag_ruleset *from = compile(first);
	struct ag_ruleset *to = compile(second);
	struct ag_tally tally;
	uint64_t *hits;

	cr_assert_eq(ag_tally_init(&tally, from), 0);
	for (size_t i = 0; i < 3; i++)
		tally.hits[i] = 10 + i;
	cr_assert_eq(ag_tally_carry(&tally, NULL, from, to, &hits), 0);
	cr_expect_eq(ag_tally_hits(&tally, NULL, 2), 12);
	ag_tally_take(&tally, to, hits);
	cr_expect_eq(ag_tally_hits(&tally, NULL, 0), 12);
	cr_expect_eq(ag_tally_hits(&tally, NULL, 1), 0);
	cr_expect_eq(ag_tally_hits(&tally, NULL, 2), 10);
	/* from and to nothing */
	cr_assert_eq(ag_tally_carry(&tally, NULL, to, NULL, &hits), 0);
	ag_tally_take(&tally, NULL, hits);
	cr_assert_eq(ag_tally_carry(&tally, NULL, NULL, from, &hits), 0);
	ag_tally_take(&tally, from, hits);
	cr_expect_eq(ag_tally_hits(&tally, NULL, 0), 0);
	ag_tally_clear(&tally);
	ag_ruleset_free(from);
	ag_ruleset_free(to);
}

Test(tally, engines_add_up)
{
	static const uint8_t command[] = { 0x01, 0x03, 0x0c, 0x00 };
	struct ag_pump_counters pump = { .lost_refused = 2 };
	struct ag_engine_config config = { .seed = 1 };
	struct ag_pump_counters losses;
	struct ag_tally tally;
	struct ag_engine *engine;
	struct ag_stats stats;

	cr_assert_eq(ag_tally_init(&tally, NULL), 0);
	for (uint64_t i = 1; i <= 3; i++) {
		cr_assert_eq(ag_engine_new(&config, &engine), 0);
		cr_assert_eq(ag_engine_feed(engine, AG_SIDE_HOST, command, sizeof(command), 0), 0);
		ag_tally_stats(&tally, engine, &stats);
		cr_expect_eq(stats.packets[AG_SIDE_HOST], i);
		cr_expect_eq(stats.bytes[AG_SIDE_HOST], i * sizeof(command));
		ag_tally_pump(&tally, &pump, &losses);
		cr_expect_eq(losses.lost_refused, 2 * i);
		ag_tally_engine_ends(&tally, engine, &pump);
		ag_engine_free(engine);
		ag_tally_stats(&tally, NULL, &stats);
		cr_expect_eq(stats.packets[AG_SIDE_HOST], i);
	}
	ag_tally_clear(&tally);
}

Test(tally, rulebook_knows_its_files)
{
	char directory[] = "/tmp/attgate-rulebook-XXXXXX";
	char path[64];
	const char *paths[] = { path };
	struct ag_rulebook book = { .set = NULL };
	FILE *file;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/a.rules", directory);
	file = fopen(path, "w");
	fputs("abc", file);
	fclose(file);
	cr_expect_eq(ag_rulebook_load(paths, 1, NULL, &book), AG_RULES_INVALID);
	cr_expect_null(book.set);
	file = fopen(path, "w");
	fputs("rule a accept\n", file);
	fclose(file);
	cr_assert_eq(ag_rulebook_load(paths, 1, NULL, &book), 0);
	cr_expect_eq(book.n_files, 1);
	cr_expect_str_eq(book.files[0].path, path);
	/* sha256sum(1) */
	cr_expect_str_eq(book.files[0].sha256,
			 "f827268cbc3d6433d4ecf8beb6cb697cd8ef8e20c7689ceba1295e005f3b95bd");
	cr_expect_eq(ag_ruleset_count(book.set), 1);
	ag_rulebook_clear(&book);
	cr_expect_eq(book.n_files, 0);
	remove(path);
	remove(directory);
}

Test(tally, without_memory)
{
	const char *paths[] = { "rules.d/50-quiet-peripheral.rules" };
	int failed = 1;

	for (uint64_t k = 0; failed; k++) {
		struct ag_rulebook book = { .set = NULL };
		struct ag_tally tally = { .hits = NULL };
		uint64_t *hits;
		int r;

		ag_sim_alloc_fail_after(k);
		r = ag_rulebook_load(paths, 1, NULL, &book);
		if (r == 0)
			r = ag_tally_init(&tally, book.set);
		if (r == 0)
			r = ag_tally_carry(&tally, NULL, book.set, book.set, &hits);
		if (r == 0)
			ag_tally_take(&tally, book.set, hits);
		failed = ag_sim_alloc_fail_end();
		cr_expect_eq(r, failed ? -ENOMEM : 0);
		ag_tally_clear(&tally);
		ag_rulebook_clear(&book);
	}
}
