/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <ev.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/attributes.h"
#include "proxy/io/control_request.h"
#include "tests/sim/alloc.h"
#include "tests/unit/io/idle_session.h"

TestSuite(control_request, .timeout = 60);

static uint64_t fail_at; /* allocation that fails while a request is answered, from 1; 0: none */
static bool failed;

static int reload_result;
static uint64_t reloads;

static void view(void *user, struct ag_control_view *out)
{
	*out = *(const struct ag_control_view *)user;
}

static int reload(void *user, uint64_t *number)
{
	(void)user;
	if (reload_result == 0)
		*number = ++reloads;
	return reload_result;
}

struct stage {
	struct idle_session session;
	struct ag_control_host host;
	struct ag_control_asked asked;
};

/* What was asked of the recorder last, and what it says. */
static struct {
	enum ag_control_recording what;
	char path[32];
	uint64_t size;
	unsigned int count;
	int result;
} recorded;

static int record(void *user, enum ag_control_recording what, const struct ag_record_config *config,
		  char file[AG_CONTROL_FILE_MAX])
{
	(void)user;
	recorded.what = what;
	recorded.size = config->size_max;
	recorded.count = config->count_max;
	snprintf(recorded.path, sizeof(recorded.path), "%s", config->path ? config->path : "");
	snprintf(file, AG_CONTROL_FILE_MAX, "/tmp/trace.1");
	return recorded.result;
}

static void set_up(struct stage *stage)
{
	idle_session_init(&stage->session, "rule one when att.handle == 1 accept");
	stage->session.view.started_us = 1000000;
	stage->session.view.now_us = 3500000;
	stage->host = (struct ag_control_host){ view, reload, &stage->session.view, record };
	stage->asked = (struct ag_control_asked){ .host = &stage->host,
						  .clients = 1,
						  .is_owner = true };
}

static void tear_down(struct stage *stage)
{
	idle_session_clear(&stage->session);
}

/* The answer to a line; exactly one line. */
static char *ask_octets(const struct stage *stage, const char *line, size_t len,
			struct ag_control_watch *watch)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*watch = (struct ag_control_watch){ .wanted = false };
	if (fail_at)
		ag_sim_alloc_fail_after(fail_at - 1);
	ag_control_answer(&stage->asked, line, len, out, watch);
	failed = ag_sim_alloc_fail_end();
	fclose(out);
	cr_assert_gt(size, 0);
	cr_assert_eq(strchr(text, '\n'), text + size - 1);
	return text;
}

static void expect_answer(const struct stage *stage, const char *line, const char *part)
{
	struct ag_control_watch watch;
	char *text = ask_octets(stage, line, strlen(line), &watch);

	cr_expect(strstr(text, part), "%s: %s has no %s", line, text, part);
	cr_expect_not(watch.wanted);
	free(text);
}

Test(control_request, answers)
{
	struct stage stage;

	set_up(&stage);
	expect_answer(&stage, "{\"request\": \"status\"}", "\"connected\": false");
	expect_answer(&stage, "{\"request\": \"status\"}", "\"uptime\": 2.500000");
	expect_answer(&stage, "{\"request\": \"links\"}", "\"links\": []}");
	expect_answer(&stage, "{\"request\": \"rules\"}",
		      "{\"rule\": \"one\", \"file\": \"a.rules\"");
	expect_answer(&stage, "{\"request\": \"metrics\"}", "# EOF\\u000a\"}");
	tear_down(&stage);
}

Test(control_request, recordings)
{
	struct stage stage;

	set_up(&stage);
	expect_answer(&stage,
		      "{\"request\": \"record\", \"action\": \"start\", \"path\": \"/tmp/trace\", "
		      "\"size\": 4096, \"count\": 3}",
		      "{\"reply\": \"record\", \"file\": \"/tmp/trace.1\"}");
	cr_expect_eq(recorded.what, AG_CONTROL_RECORD_START);
	cr_expect_str_eq(recorded.path, "/tmp/trace");
	cr_expect_eq(recorded.size, 4096);
	cr_expect_eq(recorded.count, 3);
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"rotate\"}", "/tmp/trace.1");
	cr_expect_eq(recorded.what, AG_CONTROL_RECORD_ROTATE);
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"stop\"}", "/tmp/trace.1");
	cr_expect_eq(recorded.what, AG_CONTROL_RECORD_STOP);
	recorded.result = AG_RECORD_BUSY;
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"stop\"}",
		      "{\"error\": \"busy\"");
	recorded.result = AG_RECORD_IDLE;
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"stop\"}",
		      "{\"error\": \"idle\"");
	recorded.result = AG_RECORD_NO_SERIES;
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"rotate\"}",
		      "{\"error\": \"argument\"");
	recorded.result = -ENOSPC;
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"stop\"}",
		      "No space left on device");
	stage.asked.is_owner = false;
	expect_answer(&stage, "{\"request\": \"record\", \"action\": \"stop\"}",
		      "{\"error\": \"permission\"");
	tear_down(&stage);
}

#define RECORD "{\"request\": \"record\", \"action\": "

/* A reload is answered later, by the number of the reading. */
Test(control_request, reload)
{
	static const char line[] = " {\"request\":\"reload\"}\r";
	static const struct {
		int result;
		const char *text;
		const char *answer;
	} cases[] = {
		{ 0, "", "\"ok\": true, \"rules\": 1, \"messages\": \"\"}" },
		{ AG_RULES_INVALID, "50.rules:1:1: error\n",
		  "\"ok\": false, \"rules\": 1, \"messages\": \"50.rules:1:1: error\\u000a\"}" },
		{ AG_RULES_INVALID, NULL, "\"messages\": \"\"}" },
		{ -ENOMEM, NULL, "{\"error\": \"failed\"" },
	};
	struct ag_control_watch watch = { .wanted = false };
	struct stage stage;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	set_up(&stage);
	ag_control_answer(&stage.asked, line, strlen(line), out, &watch);
	fclose(out);
	cr_expect_eq(size, 0);
	cr_expect_eq(watch.reload, 1);
	free(text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out = open_memstream(&text, &size);
		ag_control_answer_reload(&stage.asked, cases[i].result, cases[i].text, out);
		fclose(out);
		cr_expect(strstr(text, cases[i].answer), "%s", text);
		free(text);
	}
	reload_result = -EAGAIN;
	expect_answer(&stage, "{\"request\": \"reload\"}", "{\"error\": \"failed\"");
	cr_expect_eq(reloads, 1);
	tear_down(&stage);
}

Test(control_request, errors)
{
	static const struct {
		const char *line;
		const char *error;
	} cases[] = {
		{ "", "syntax" },
		{ "status", "syntax" },
		{ "{\"request\": \"status\"} x", "syntax" },
		{ "{\"request\": \"status\", \"request\": \"status\"}", "syntax" },
		{ "[\"status\"]", "request" },
		{ "{\"Request\": \"status\"}", "request" },
		{ "{\"request\": null}", "request" },
		{ "{\"request\": \"\"}", "request" },
		{ "{\"request\": \"statu\"}", "request" },
		{ "{\"request\": \"reload\", \"now\": true}", "argument" },
		{ "{\"request\": \"record\"}", "argument" },
		{ RECORD "\"begin\"}", "argument" },
		{ RECORD "7}", "argument" },
		{ RECORD "\"start\"}", "argument" },
		{ RECORD "\"start\", \"path\": \"trace\"}", "argument" },
		{ RECORD "\"start\", \"path\": \"/trace\", \"size\": 4095}", "argument" },
		{ RECORD "\"start\", \"path\": \"/trace\", \"size\": -1}", "argument" },
		{ RECORD "\"start\", \"path\": \"/trace\", \"size\": \"1M\"}", "argument" },
		{ RECORD "\"start\", \"path\": \"/trace\", \"count\": 2}", "argument" },
		{ RECORD "\"stop\", \"path\": \"/trace\"}", "argument" },
		{ RECORD "\"stop\", \"now\": 1}", "argument" },
		{ "{\"request\": \"trace\", \"fliter\": \"x\"}", "argument" },
		{ "{\"request\": \"trace\", \"filter\": null}", "argument" },
		{ "{\"request\": \"trace\", \"from_start\": \"yes\"}", "argument" },
		{ "{\"request\": \"trace\", \"filter\": \"\"}", "filter" },
		{ "{\"request\": \"trace\", \"filter\": \"att.handle == \"}", "filter" },
		{ "{\"request\": \"trace\", \"filter\": \"att.handle == 1 accept\"}", "filter" },
	};
	struct stage stage;
	char part[64];

	set_up(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(part, sizeof(part), "{\"error\": \"%s\", \"message\": \"", cases[i].error);
		expect_answer(&stage, cases[i].line, part);
	}
	stage.asked.watchers_full = true;
	expect_answer(&stage, "{\"request\": \"trace\"}", "{\"error\": \"busy\"");
	tear_down(&stage);
}

Test(control_request, trace)
{
	static const char line[] =
	    "{\"request\": \"trace\", \"filter\": \"att.handle == 1\", \"from_start\": true}";
	struct ag_control_watch watch;
	struct stage stage;
	char *text;

	set_up(&stage);
	text = ask_octets(&stage, line, strlen(line), &watch);
	cr_expect_str_eq(text, "{\"reply\": \"trace\"}\n");
	cr_expect(watch.wanted && watch.from_start);
	cr_expect_eq(ag_ruleset_count(watch.filter), 1);
	ag_ruleset_free(watch.filter);
	free(text);
	text = ask_octets(&stage, "{\"request\": \"trace\"}", 20, &watch);
	cr_expect(watch.wanted && !watch.from_start && !watch.filter);
	free(text);
	tear_down(&stage);
}

/* Any octets get one line, and never a reload. */
Test(control_request, any_octets)
{
	static const char good[] =
	    "{\"request\": \"trace\", \"filter\": \"att.handle in {1, 2}\", \"from_start\": true}";
	uint64_t random = 1;
	struct stage stage;

	set_up(&stage);
	for (unsigned int i = 0; i < 20000; i++) {
		struct ag_control_watch watch;
		char line[sizeof(good)];
		char *text;

		memcpy(line, good, sizeof(good));
		for (unsigned int k = 0; k <= i % 4; k++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			line[(random >> 33) % (sizeof(good) - 1)] = (char)(random >> 56);
		}
		text = ask_octets(&stage, line, sizeof(good) - 1, &watch);
		cr_expect(strncmp(text, "{\"error\": ", 10) == 0 ||
			  (watch.wanted && strcmp(text, "{\"reply\": \"trace\"}\n") == 0));
		ag_ruleset_free(watch.filter);
		free(text);
	}
	tear_down(&stage);
}

/* Whichever allocation fails: one line, an error if not the answer, and nothing is kept. */
Test(control_request, without_memory)
{
	static const char *const lines[] = {
		"{\"request\": \"status\"}",
		"{\"request\": \"rules\"}",
		"{\"request\": \"metrics\"}",
		"{\"request\": \"trace\", \"filter\": \"att.handle == 1 and every 2\"}",
		"{\"request\": \"trace\", \"filter\": \"att.handel == 1\"}",
	};
	struct stage stage;

	set_up(&stage);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		failed = true;
		for (fail_at = 1; failed; fail_at++) {
			struct ag_control_watch watch;
			char *text = ask_octets(&stage, lines[i], strlen(lines[i]), &watch);

			cr_expect(!failed || !watch.filter || watch.wanted);
			cr_expect(strncmp(text, "{\"error\": ", 10) == 0 ||
				  strncmp(text, "{\"reply\": ", 10) == 0);
			ag_ruleset_free(watch.filter);
			free(text);
		}
	}
	tear_down(&stage);
}

/* The controller's name is what somebody wrote on the command line. */
/* What is being opened by another thread, which may be naming it, is not looked at. */
Test(control_request, labels_of_sides)
{
	struct stage stage;
	struct ag_transport *host, *controller;

	set_up(&stage);
	host = &stage.session.transport[AG_SIDE_HOST];
	controller = &stage.session.transport[AG_SIDE_CONTROLLER];
	controller->address = (struct ag_address){ .kind = AG_ADDRESS_HCI, .text = "hci0" };
	snprintf(controller->label, sizeof(controller->label), "hci0 00:AA");
	expect_answer(&stage, "{\"request\": \"status\"}",
		      "\"controller\": {\"name\": \"hci0\", \"label\": \"hci0\"}");
	/* but who listens has been named before */
	host->address = (struct ag_address){ .kind = AG_ADDRESS_TCP_LISTEN, .text = "tcp" };
	snprintf(host->label, sizeof(host->label), "tcp-listen:127.0.0.1:7");
	expect_answer(&stage, "{\"request\": \"status\"}",
		      "\"host\": {\"name\": \"tcp\", \"label\": \"tcp-listen:127.0.0.1:7\"}");
	tear_down(&stage);
}

Test(control_request, labels_of_metrics)
{
	struct stage stage;

	set_up(&stage);
	stage.session.transport[AG_SIDE_CONTROLLER].address.text = "unix:/a\"b\\c\nd";
	expect_answer(&stage, "{\"request\": \"metrics\"}",
		      "{controller=\\\"unix:/a\\\\\\\"b\\\\\\\\c\\\\nd\\\"}");
	tear_down(&stage);
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

Test(control_request, a_request_for_which_there_is_no_memory)
{
	struct stage stage;

	set_up(&stage);
	json_set_alloc_funcs(no_memory, free);
	expect_answer(&stage, "{\"request\": \"status\"}", "{\"error\": \"memory\"");
	tear_down(&stage);
}

/* Databases that are kept: without a session there is none of our host, and without memory none. */
Test(control_request, databases)
{
	static const char line[] = "{\"request\": \"attributes\", \"peer\": \"C0:00:00:00:00:07\"}";
	static const char none[] = "{\"request\": \"attributes\", \"peer\": \"local\"}";
	const struct ag_link_view link = { .peer = UINT64_C(0xc00000000007),
					   .peer_type = AG_PEER_RANDOM_STATIC };
	const struct ag_attribute attribute = { .handle = 1,
						.kind = AG_ATTRIBUTE_OTHER,
						.uuid = ag_uuid_from_u16(0x2902) };
	const struct ag_store_config in_memory = { .dir = NULL };
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct ag_attributes *map;
	struct ag_keeper keeper;
	struct ag_store *store;
	struct stage stage;

	set_up(&stage);
	cr_assert_eq(ag_store_new(&in_memory, loop, &store), 0);
	cr_assert_eq(ag_attributes_new(&map), 0);
	cr_assert_eq(ag_attributes_put(map, &attribute), 0);
	keeper = ag_store_keeper(store);
	keeper.save(keeper.user, &link, map);
	stage.session.view.store = store;
	expect_answer(&stage, none, "{\"error\": \"unknown\"");
	expect_answer(&stage, line, "\"handle\": 1");
	fail_at = 1;
	expect_answer(&stage, line, "{\"error\": \"memory\"");
	cr_expect(failed);
	fail_at = 0;
	ag_attributes_free(map);
	ag_store_free(store);
	ev_loop_destroy(loop);
	tear_down(&stage);
}
