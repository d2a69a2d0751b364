/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_RULEBOOK_H
#define AG_IO_RULEBOOK_H

/* The rules in force, and the files they came from. */

#include <stdint.h>
#include <stdio.h>

#include "rules/rules.h"

struct ag_rulebook_file {
	char *path;
	char sha256[65]; /* of its text as it was compiled, in hexadecimal */
};

struct ag_rulebook {
	struct ag_ruleset *set;
	struct ag_rulebook_file *files; /* in the order in which rules are asked */
	size_t n_files;
	uint64_t loaded_us; /* wall clock, since 1970 */
};

/**
 * Read and compile. Diagnostics are written as ag_rulefiles_compile() does.
 *
 * @paths:  as ag_rulefiles_read() takes them
 * @errors: may be NULL
 * @out:    cleared with ag_rulebook_clear(); untouched unless 0
 * @return: 0; AG_RULES_INVALID: not readable or wrong, and `errors` says why; -ENOMEM
 */
int ag_rulebook_load(const char *const *paths, size_t n_paths, FILE *errors,
		     struct ag_rulebook *out);

/** Likewise; the diagnostics are @text, perhaps empty, for free(), or NULL when out of memory. */
int ag_rulebook_read(const char *const *paths, size_t n_paths, struct ag_rulebook *out,
		     char **text);

/** Release what it has; all zero afterwards. */
void ag_rulebook_clear(struct ag_rulebook *book);

/** Wall clock, microseconds since 1970. */
uint64_t ag_wall_us(void);

#endif
