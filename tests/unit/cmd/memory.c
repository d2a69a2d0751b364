/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each subcommand, with each of its allocations failing once: it ends, says so, and keeps nothing.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/cmd/cmd.h"
#include "tests/sim/alloc.h"

TestSuite(cmd_memory, .timeout = 300);

#define CAPTURE "tests/captures/ios-insufficient-auth.btsnoop"
#define RULES   "rules.d/examples/second-mtu.rules"
#define WORDS   16

static char dir[] = "/tmp/attgate-memory-XXXXXX";

/** A command line; `%` stands for the directory of the test. */
struct line {
	const struct ag_command *command;
	const char *words[WORDS];
	bool survives; /* without some of its allocations */
	bool threads;  /* has some, so that nobody can count */
};

static int run(const struct line *line)
{
	char text[WORDS][128];
	char *argv[WORDS + 1] = { text[0] };
	int argc = 1;

	snprintf(text[0], sizeof(text[0]), "%s", line->command->name);
	for (size_t i = 0; line->words[i]; i++) {
		const char *word = line->words[i], *mark = strchr(word, '%');

		snprintf(text[argc], sizeof(text[argc]), "%.*s%s%s",
			 mark ? (int)(mark - word) : (int)strlen(word), word, mark ? dir : "",
			 mark ? mark + 1 : "");
		argv[argc] = text[argc];
		argc++;
	}
	argv[argc] = NULL;
	return line->command->run(argc, argv);
}

/* What was written is not to be there when it is run again. */
static void clear_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/*", dir);
	cr_assert_eq(system(command), 0);
}

static void sweep(const struct line *line)
{
	int failed = 1, status, normal;
	uint64_t k;

	normal = run(line);
	for (k = 0; failed; k++) {
		clear_directory();
		ag_sim_alloc_track();
		ag_sim_alloc_fail_after(k);
		status = run(line);
		failed = ag_sim_alloc_fail_end();
		fflush(NULL);
		if (failed)
			cr_expect(status == 1 || (line->survives && status == normal),
				  "%s: %d at allocation %zu", line->command->name, status,
				  (size_t)k);
		if (!line->threads)
			cr_expect_eq(ag_sim_alloc_live(), 0, "%s: leak at allocation %zu",
				     line->command->name, (size_t)k);
	}
	cr_expect_eq(status, normal, "%s", line->command->name);
	cr_expect_gt(k, 1, "%s", line->command->name);
}

static void sweep_all(const struct line *lines, size_t count)
{
	cr_assert(mkdtemp(dir));
	cr_assert(freopen("/dev/null", "w", stdout));
	cr_assert(freopen("/dev/null", "w", stderr));
	for (size_t i = 0; i < count; i++)
		sweep(&lines[i]);
	clear_directory();
	rmdir(dir);
}

Test(cmd_memory, of_commands_that_read_files)
{
	static const struct line lines[] = {
		{ &ag_cmd_check, { RULES }, .survives = true },
		{ &ag_cmd_check, { "--print", "rules.d" }, .survives = true },
		{ &ag_cmd_describe, { NULL }, .survives = true },
		{ &ag_cmd_describe, { "battery_level" }, .survives = true },
		{ &ag_cmd_explain, { "--suggest", "%/rules", CAPTURE }, .survives = true },
		{ &ag_cmd_replay,
		  { "--rules", RULES, "--write", "%/out", CAPTURE },
		  .survives = true },
		{ &ag_cmd_replay,
		  { "--rules", RULES, "--against", "rules.d", CAPTURE },
		  .survives = true },
		{ &ag_cmd_record, { "export", CAPTURE, "%/out" }, .survives = true },
	};

	sweep_all(lines, sizeof(lines) / sizeof(lines[0]));
}

Test(cmd_memory, of_commands_that_ask)
{
	static const struct line lines[] = {
		{ &ag_cmd_status, { "hci7" }, .survives = false },
		{ &ag_cmd_status, { "--control", "%/s" }, .survives = false },
		{ &ag_cmd_record,
		  { "start", "x", "--control", "%/s", "--size", "1M", "--count", "2" },
		  .survives = false },
	};

	sweep_all(lines, sizeof(lines) / sizeof(lines[0]));
}

/* All that a run has, up to a controller that is not there. */
Test(cmd_memory, of_a_run)
{
	static const struct line line = {
		&ag_cmd_run,
		{ "--controller=unix:%/c", "--host=unix-listen:%/h", "--rules=" RULES,
		  "--shadow=" RULES, "--record=%/record", "--record-size=1M", "--record-count=3",
		  "--control=%/s", "--metrics-file=%/metrics", "--state-dir=%/state" },
		.threads = true,
	};

	sweep_all(&line, 1);
}
