/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden lines. A case of tests/golden/NAME.golden is a block of lines, an empty line behind:
 *
 *	> rule a when att.handle == battery_level     what is compiled
 *	> accept
 *	! 1:13+10 error: att.handle takes ... | did you mean att.type?     each finding: place,
 *width, message and hint = rule a                                      the canonical text, if there
 *is no error
 *
 * A case without `=' lines is refused. Lines that begin with # are comments.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"

enum { PART_MAX = 16384 };

struct part {
	char text[PART_MAX];
	size_t len;
};

struct golden {
	struct part input;
	struct part findings;
	struct part canonical;
	const char *file;
	unsigned int line;
};

static void add(struct part *part, const char *text)
{
	int len = snprintf(part->text + part->len, PART_MAX - part->len, "%s\n", text);

	cr_assert(lt(sz, part->len + (size_t)len, PART_MAX));
	part->len += (size_t)len;
}

static void reset(struct golden *golden)
{
	golden->input = golden->findings = golden->canonical = (struct part){ 0 };
}

/** The findings in one line each. */
static void list_findings(const struct ag_diags *diags, struct part *out)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct ag_diag *diag = &diags->list[i];
		char line[1024];

		snprintf(line, sizeof(line), "%u:%u+%u %s: %s%s%s", diag->line, diag->column,
			 diag->width, diag->severity == AG_ERROR ? "error" : "warning",
			 diag->message, diag->hint ? " | " : "", diag->hint ? diag->hint : "");
		add(out, line);
	}
}

static char *format_again(const char *canonical)
{
	struct ag_source source = { "again", canonical, strlen(canonical) };
	struct ag_ruleset *set = NULL;
	char *text;

	cr_assert(eq(int, ag_ruleset_compile(&source, 1, &set, NULL), 0), "%s", canonical);
	text = ag_ruleset_format(set);
	ag_ruleset_free(set);
	return text;
}

static void judge(const struct golden *golden, bool *refused)
{
	struct ag_source source = { "golden", golden->input.text, golden->input.len };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;
	struct part *findings = calloc(1, sizeof(*findings));
	int result = ag_ruleset_compile(&source, 1, &set, &diags);
	char *canonical = result ? strdup("") : ag_ruleset_format(set);
	char *again = result ? strdup("") : format_again(canonical);

	list_findings(&diags, findings);
	cr_expect(eq(str, findings->text, (char *)golden->findings.text), "%s:%u", golden->file,
		  golden->line);
	cr_expect(eq(str, canonical, (char *)golden->canonical.text), "%s:%u", golden->file,
		  golden->line);
	cr_expect(eq(str, again, canonical), "%s:%u: not canonical", golden->file, golden->line);
	*refused = result != 0;
	free(again);
	free(canonical);
	free(findings);
	ag_diags_clear(&diags);
	ag_ruleset_free(set);
}

typedef void golden_fn(const struct golden *golden, void *user);

static void read_file(const char *path, golden_fn *fn, void *user)
{
	struct golden *golden = calloc(1, sizeof(*golden));
	FILE *file = fopen(path, "re");
	char line[4096];
	unsigned int number = 0;
	bool more = true;

	cr_assert(ne(ptr, file, NULL), "%s", path);
	golden->file = path;
	while (more) {
		more = fgets(line, sizeof(line), file);
		number++;
		if (!more)
			line[0] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] && golden->input.len) {
			fn(golden, user);
			reset(golden);
		}
		if (!line[0] || line[0] == '#')
			continue;
		cr_assert(strchr(">!=", line[0]) && (line[1] == ' ' || !line[1]), "%s:%u", path,
			  number);
		if (line[0] == '>' && !golden->input.len)
			golden->line = number;
		add(line[0] == '>'   ? &golden->input
		    : line[0] == '!' ? &golden->findings
				     : &golden->canonical,
		    line[1] ? line + 2 : "");
	}
	fclose(file);
	free(golden);
}

/** @return: how many files there were */
static size_t read_all(golden_fn *fn, void *user)
{
	glob_t found;
	size_t count;

	cr_assert(eq(int, glob("tests/golden/*.golden", 0, NULL, &found), 0));
	count = found.gl_pathc;
	for (size_t i = 0; i < count; i++)
		read_file(found.gl_pathv[i], fn, user);
	globfree(&found);
	return count;
}

struct tally {
	size_t accepted;
	size_t refused;
};

static void judge_one(const struct golden *golden, void *user)
{
	struct tally *tally = user;
	bool refused;

	judge(golden, &refused);
	if (refused)
		tally->refused++;
	else
		tally->accepted++;
}

Test(rules, golden_lines)
{
	struct tally tally = { 0 };

	cr_expect(ge(sz, read_all(judge_one, &tally), 4));
	cr_expect(ge(sz, tally.accepted, 60));
	cr_expect(ge(sz, tally.refused, 60));
}

/* ---- Every word of the language, in an accepted and in a refused line ---- */

static const char *const words[] = {
	"rule",  "let",    "when",   "and",    "or",      "not",       "in",         "every",
	"first", "chance", "accept", "reject", "answer",  "drop",      "disconnect", "rewrite",
	"delay", "jitter", "until",  "unless", "timeout", "duplicate", "log",        "hide",
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

/** Whether a word stands in a text, nothing of a word around it. */
static bool has_word(const char *text, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
		if ((at == text || !strchr(letters, at[-1])) &&
		    (!at[len] || !strchr(letters, at[len])))
			return true;
	}
	return false;
}

/** By word, then field: seen in an accepted, in a refused case. */
struct seen {
	bool accepted[WORDS + AG_FIELD_COUNT];
	bool refused[WORDS + AG_FIELD_COUNT];
};

static const char *word_at(size_t index)
{
	return index < WORDS ? words[index] : ag_field_name((enum ag_field)(index - WORDS));
}

static void look_for_words(const struct golden *golden, void *user)
{
	struct seen *seen = user;

	for (size_t i = 0; i < WORDS + AG_FIELD_COUNT; i++) {
		if (has_word(golden->input.text, word_at(i)))
			(golden->canonical.len ? seen->accepted : seen->refused)[i] = true;
	}
}

Test(rules, golden_lines_have_every_word_accepted_and_refused)
{
	struct seen seen = { 0 };

	read_all(look_for_words, &seen);
	for (size_t i = 0; i < WORDS + AG_FIELD_COUNT; i++) {
		cr_expect(seen.accepted[i], "%s is in no accepted line", word_at(i));
		cr_expect(seen.refused[i], "%s is in no refused line", word_at(i));
	}
}
