/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Every script of tests/scripts, each PDU whole, octet by octet and split at random. */

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <glob.h>
#include <stdlib.h>

#include "tests/sim/script.h"

static unsigned int run_all(enum ag_sim_chunks chunks)
{
	unsigned int n_run = 0;
	unsigned int failed = 0;
	glob_t found;

	cr_assert_eq(glob("tests/scripts/*.script", 0, NULL, &found), 0, "no scripts");
	for (size_t i = 0; i < found.gl_pathc; i++)
		failed += ag_sim_script_run(found.gl_pathv[i], chunks, &n_run);
	globfree(&found);
	cr_assert_eq(failed, 0, "%u cases failed", failed);
	return n_run;
}

Test(scripts, whole)
{
	cr_assert_gt(run_all(AG_SIM_CHUNKS_WHOLE), 70);
}

Test(scripts, octet_by_octet)
{
	cr_assert_gt(run_all(AG_SIM_CHUNKS_OCTETS), 60);
}

Test(scripts, split_at_random)
{
	cr_assert_gt(run_all(AG_SIM_CHUNKS_RANDOM), 60);
}
