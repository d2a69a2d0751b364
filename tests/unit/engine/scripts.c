/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Every script of tests/scripts, each PDU whole, octet by octet and split at random. */

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/script.h"

static unsigned int run_all(enum ag_sim_chunks chunks)
{
	unsigned int n_run = 0;
	unsigned int failed = 0;
	glob_t found;

	cr_assert_eq(glob("tests/scripts/*.script", 0, NULL, &found), 0, "no scripts");
	for (size_t i = 0; i < found.gl_pathc; i++)
		failed += ag_sim_script_run(found.gl_pathv[i], chunks, &n_run, stderr);
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

/* Scripts that are wrong, each in one way. One that passed would say that scripts prove nothing. */
static const char *const wrong[] = {
	/* another octet */
	"host> att 0a1600\npeer< att 0a1700\n",
	/* nothing more comes */
	"host> att 0a1600\npeer< att 0a1600\npeer< att 0a1600\n",
	/* something more comes */
	"host> att 0a1600\nquiet\n",
	"host> att 0a1600\n",
	/* the other side */
	"host> att 0a1600\nhost< att 0a1600\n",
	/* another channel */
	"host> att 0a1600\npeer< smp 0a1600\n",
	/* not before its time */
	"rules\nrule a when att.kind == request delay 1s\nend\nhost> att 0a1600\npeer< att "
	"0a1600\n",
	"rules\nrule a when att.kind == request delay 1s\nend\nhost> att 0a1600\nat 999ms\n"
	"peer< att 0a1600\n",
	/* rules that are none */
	"rules\nrule a when att.kind == nothing reject\nend\n",
	"load rules.d/no-such-file.rules\n",
	/* a link that is not there, and a line that is none */
	"on 0x99\nhost> att 0a1600\npeer< att 0a1600\n",
	"nonsense\n",
	"host> att 0g\n",
};

Test(scripts, wrong_ones_fail)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char path[] = "/tmp/attgate-script-XXXXXX";
		int fd = mkstemp(path);
		FILE *file = fdopen(fd, "w");
		unsigned int n_run = 0;

		cr_assert(file);
		fprintf(file, "case wrong\nlink 0x40 le peripheral\n%s", wrong[i]);
		fclose(file);
		cr_expect_eq(ag_sim_script_run(path, AG_SIM_CHUNKS_WHOLE, &n_run, NULL), 1,
			     "passes: %s", wrong[i]);
		cr_expect_eq(n_run, 1);
		unlink(path);
	}
}
