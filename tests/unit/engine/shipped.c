/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Every shipped rule file has packets that judge it: shipped.script, which scripts.c runs. */

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static char script[64 * 1024];

static void every_file(const char *pattern)
{
	char line[300];
	glob_t found;

	cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "no %s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		snprintf(line, sizeof(line), "\nload %s\n", found.gl_pathv[i]);
		cr_expect(strstr(script, line), "%s is judged by no script", found.gl_pathv[i]);
	}
	globfree(&found);
}

Test(shipped, every_file_is_judged)
{
	FILE *file = fopen("tests/scripts/shipped.script", "re");

	cr_assert(file);
	cr_assert_gt(fread(script, 1, sizeof(script) - 1, file), 0);
	fclose(file);
	every_file("rules.d/*.rules");
	every_file("rules.d/examples/*.rules");
}
