/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording is judged as the traffic was. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/cmd/cmd.h"
#include "proxy/engine/engine.h"
#include "proxy/io/capture.h"
#include "proxy/io/rulefiles.h"

TestSuite(cmd_replay, .timeout = 60);

#define CAPTURE "tests/captures/bluez-5.66-reverse-discovery.btsnoop"

/* One letter for each decision. */
static char live[4096], replayed[4096];

static void note(char *to, bool dropped)
{
	size_t len = strlen(to);

	cr_assert_lt(len + 1, sizeof(live));
	to[len] = dropped ? 'd' : '.';
}

static void tap(void *user, const struct ag_decision *decision)
{
	(void)user;
	note(live, decision->verdict == AG_V_DROP);
}

/* What `attgate run` would have made of the traffic, but that nobody reacted. */
static void run(const char *rules_path)
{
	struct ag_engine_config config = { .tap = tap, .seed = AG_ENGINE_SEED, .replay = true };
	struct ag_ruleset *rules = NULL;
	struct ag_capture *capture = NULL;
	struct ag_capture_frame frame;
	struct ag_engine *engine;
	struct ag_packet packet;

	cr_assert_eq(ag_rulefiles_compile(&rules_path, 1, &rules, stderr), 0);
	config.rules = rules;
	cr_assert_eq(ag_engine_new(&config, &engine), 0);
	cr_assert_eq(ag_capture_open(CAPTURE, stderr, &capture), 0);
	while (ag_capture_next(capture, &frame) == 0) {
		if (frame.meaning.kind != AG_BTSNOOP_PACKET || frame.meaning.index != 0)
			continue;
		ag_engine_feed(engine, frame.meaning.from_host ? AG_SIDE_HOST : AG_SIDE_CONTROLLER,
			       frame.data, frame.len, frame.head.time_us);
		for (int side = 0; side < 2; side++) {
			while (ag_engine_peek(engine, (enum ag_side)side, &packet))
				ag_engine_pop(engine, (enum ag_side)side);
		}
	}
	ag_capture_close(capture);
	ag_engine_free(engine);
	ag_ruleset_free(rules);
}

static void replay(char *rules_path, const char *out)
{
	char name[] = "replay", index[] = "--index", zero[] = "0", json[] = "--json";
	char option[] = "--rules", capture[] = CAPTURE, line[4096];
	char *argv[] = { name, index, zero, json, option, rules_path, capture, NULL };
	FILE *file;

	cr_assert(freopen(out, "w", stdout));
	cr_assert_eq(ag_cmd_replay.run(7, argv), AG_EXIT_OK);
	file = fopen(out, "r");
	cr_assert(file);
	while (fgets(line, sizeof(line), file))
		note(replayed, strstr(line, "\"verdict\": \"drop\"") != NULL);
	fclose(file);
}

Test(cmd_replay, chance_falls_as_it_did)
{
	char rules[] = "/tmp/attgate-replay-XXXXXX";
	char out[] = "/tmp/attgate-replay-XXXXXX";
	int fd = mkstemp(rules);

	close(mkstemp(out));
	cr_assert_gt(dprintf(fd, "rule some when att.kind == request and chance 50%% drop\n"), 0);
	close(fd);
	run(rules);
	replay(rules, out);
	cr_expect(strchr(live, 'd'));
	cr_expect_str_eq(replayed, live);
	unlink(rules);
	unlink(out);
}
