/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/io/log.h"

static unsigned int allowed_of(struct ag_log_limit *limit, const char *text, unsigned int times,
			       uint64_t now_us)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < times; i++)
		count += ag_log_allowed(limit, text, now_us + i);
	return count;
}

Test(io, identical_lines_are_limited)
{
	struct ag_log_limit limit = { 0 };

	cr_expect_eq(allowed_of(&limit, "a", 100, 1), AG_LIMIT_SAME);
	cr_expect_eq(allowed_of(&limit, "b", 3, 200), 3, "another line is another line");
	cr_expect_eq(ag_log_suppressed(&limit), 100 - AG_LIMIT_SAME);
	cr_expect_eq(ag_log_suppressed(&limit), 0);
	cr_expect_eq(allowed_of(&limit, "a", 100, AG_LIMIT_PERIOD_US - 200), 0);
	cr_expect_eq(allowed_of(&limit, "a", 100, AG_LIMIT_PERIOD_US + 1), AG_LIMIT_SAME);
}

Test(io, lines_that_all_differ_are_limited_too)
{
	struct ag_log_limit limit = { 0 };
	unsigned int count = 0;
	char text[32];

	for (unsigned int i = 0; i < 5 * AG_LIMIT_ALL; i++) {
		snprintf(text, sizeof(text), "line %u", i);
		count += ag_log_allowed(&limit, text, i);
	}
	cr_expect_eq(count, AG_LIMIT_ALL);
	cr_expect(ag_log_allowed(&limit, "line", AG_LIMIT_PERIOD_US));
}

/* What a function writes to standard error. */
static void capture(void (*function)(void), char *out, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t len;

	cr_assert(file && saved >= 0);
	dup2(fileno(file), STDERR_FILENO);
	function();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(out, 1, size - 1, file);
	out[len] = '\0';
	fclose(file);
}

static void write_some(void)
{
	ag_log(AG_LOG_ERROR, "one %d\n\033[31mred", 1);
	ag_log_lines(AG_LOG_WARNING, "two\nthree\n");
	ag_log_lines(AG_LOG_WARNING, NULL);
}

Test(io, lines_for_a_terminal)
{
	char text[256];

	capture(write_some, text, sizeof(text));
	cr_expect_str_eq(text, "attgate: one 1??[31mred\nattgate: two\nattgate: three\n");
}

static void write_as_journal(void)
{
	char stream[64];
	struct stat st;

	cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ag_log_open();
	write_some();
}

Test(io, lines_for_the_journal)
{
	char text[256];

	capture(write_as_journal, text, sizeof(text));
	cr_expect_str_eq(text, "<3>one 1??[31mred\n<4>two\n<4>three\n");
}

static void write_as_other_journal(void)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	ag_log_open();
	ag_log(AG_LOG_INFO, "x");
}

Test(io, a_redirected_standard_error_is_not_the_journal)
{
	char text[256];

	capture(write_as_other_journal, text, sizeof(text));
	cr_expect_str_eq(text, "attgate: x\n");
}

static void write_long(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ag_log(AG_LOG_INFO, "%s", text);
	ag_log_lines(AG_LOG_INFO, text);
}

Test(io, long_lines_are_cut_and_end)
{
	char text[4000];
	char *second;

	capture(write_long, text, sizeof(text));
	second = strchr(text, '\n');
	cr_assert_not_null(second);
	cr_expect_lt(second - text, 1100);
	cr_expect_eq(text[strlen(text) - 1], '\n');
	cr_expect_eq(strncmp(second + 1, "attgate: x", 10), 0);
}
