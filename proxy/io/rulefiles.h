/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_RULEFILES_H
#define AG_IO_RULEFILES_H

/* Rule files on disk: which are read, in which order, which replaces which. */

#include <stddef.h>
#include <stdio.h>

#include "rules/rules.h"

/** Directories that are read when no --rules is given, the later replacing the earlier. */
extern const char *const ag_rulefiles_default[2];

/** Texts that were read, in the order in which rules are asked. */
struct ag_rulefiles {
	struct ag_source *sources;
	char **paths; /* full path of each, for the reader; sources[i].name is what errors show */
	size_t count;
};

/**
 * Read files, and of directories every *.rules file. Files of the same base name: the one of the
 * path given later replaces the earlier. The result is in byte order of the base names; an empty
 * file is left in (it has no rules, which is how it switches an earlier one off).
 *
 * @paths:   NULL for the default directories, of which none needs to exist
 * @out:     freed with ag_rulefiles_clear(); untouched on failure
 * @errors:  where "PATH: No such file or directory" is written, a line each; may be NULL
 * @return:  0; 1: something could not be read (the message is written); -ENOMEM
 */
int ag_rulefiles_read(const char *const *paths, size_t n_paths, struct ag_rulefiles *out,
		      FILE *errors);

void ag_rulefiles_clear(struct ag_rulefiles *files);

/** Write findings as ag_diag_format() gives them. */
void ag_rulefiles_report(const struct ag_rulefiles *files, const struct ag_diags *diags,
			 FILE *errors);

/**
 * Read and compile. Diagnostics are written as ag_diag_format() gives them, warnings included.
 *
 * @out:    freed with ag_ruleset_free(); untouched unless 0
 * @return: 0; AG_RULES_INVALID: not readable or wrong, and `errors` says why; -ENOMEM
 */
int ag_rulefiles_compile(const char *const *paths, size_t n_paths, struct ag_ruleset **out,
			 FILE *errors);

/** The same, of files that are wanted too. @files: empty; freed with ag_rulefiles_clear(), whatever
 *  is returned */
int ag_rulefiles_load(const char *const *paths, size_t n_paths, struct ag_rulefiles *files,
		      struct ag_ruleset **out, FILE *errors);

#endif
