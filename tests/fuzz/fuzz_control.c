/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client of the control socket may say. Whatever it is, the answer is one line, which is a
 * JSON object with a reply or an error; a trace is granted only where the answer says so, and a
 * recording is begun by its owner only. The owner is who sends an even number of octets.
 *
 * aims at: proxy/io/control_request.c proxy/io/control_report.c proxy/io/control_attributes.c
 * aims at: proxy/io/metrics.c
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/control_request.h"
#include "proxy/io/record.h"
#include "tests/fuzz/require.h"

static void view(void *user, struct ag_control_view *out)
{
	*out = *(const struct ag_control_view *)user;
}

static int reload(void *user, uint64_t *number)
{
	(void)user;
	*number = 1;
	return 0;
}

/** A session with an engine in which nothing more happens. */
static struct {
	struct ag_transport transport[2];
	struct ag_rulebook rules;
	struct ag_tally tally;
	struct ag_pump_counters pump;
	struct ag_engine *engine;
	struct ag_control_view view;
	size_t asked_len;
	bool recorded;
} stage;

/* What comes of it is as likely as not an error. */
static int start_recording(void *user, enum ag_control_recording what,
			   const struct ag_record_config *config, char file[AG_CONTROL_FILE_MAX])
{
	static const int results[] = { 0, AG_RECORD_BUSY, AG_RECORD_IDLE, AG_RECORD_NO_SERIES,
				       -ENOSPC };
	int result = results[stage.asked_len / 2 % ag_array_size(results)];

	(void)user;
	if (what == AG_CONTROL_RECORD_START)
		require(config->path[0] == '/' && strlen(config->path) < AG_CONTROL_FILE_MAX);
	if (result == 0)
		snprintf(file, AG_CONTROL_FILE_MAX, "%s", config->path ? config->path : "/it");
	stage.recorded = true;
	return result;
}

static void feed(enum ag_side side, const char *octets, size_t len)
{
	require(ag_engine_feed(stage.engine, side, (const uint8_t *)octets, len, 0) == 0);
}

/* A peer is connected that has a service, and was asked what it did not answer yet. */
static void connect_peer(void)
{
	static const char connected[] =
	    "\x04\x3e\x13\x01\x00\x40\x00\x01\x00\x01\x23\x45\x67\x89\xc0\x18\x00\x00\x00\x2a"
	    "\x00\x00";
	static const char asked[] =
	    "\x02\x40\x00\x0b\x00\x07\x00\x04\x00\x10\x01\x00\xff\xff\x00\x28";
	static const char told[] =
	    "\x02\x40\x20\x0c\x00\x08\x00\x04\x00\x11\x06\x10\x00\x14\x00\x0f\x18";
	static const char asked_more[] =
	    "\x02\x40\x00\x0b\x00\x07\x00\x04\x00\x08\x10\x00\x14\x00\x03\x28";
	static const char told_more[] =
	    "\x02\x40\x20\x0d\x00\x09\x00\x04\x00\x09\x07\x11\x00\x12\x12\x00\x19\x2a";
	static const char read[] = "\x02\x40\x00\x07\x00\x03\x00\x04\x00\x0a\x12\x00";

	feed(AG_SIDE_CONTROLLER, connected, sizeof(connected) - 1);
	feed(AG_SIDE_HOST, asked, sizeof(asked) - 1);
	feed(AG_SIDE_CONTROLLER, told, sizeof(told) - 1);
	feed(AG_SIDE_HOST, asked_more, sizeof(asked_more) - 1);
	feed(AG_SIDE_CONTROLLER, told_more, sizeof(told_more) - 1);
	feed(AG_SIDE_HOST, read, sizeof(read) - 1);
}

static void set_up(void)
{
	static const char text[] = "rule one when att.handle == 1 accept";
	struct ag_source source = { "a.rules", text, strlen(text) };
	struct ag_engine_config config = { .seed = 1 };

	require(ag_ruleset_compile(&source, 1, &stage.rules.set, NULL) == 0);
	require(ag_tally_init(&stage.tally, stage.rules.set) == 0);
	config.rules = stage.rules.set;
	require(ag_engine_new(&config, &stage.engine) == 0);
	connect_peer();
	stage.transport[AG_SIDE_HOST].address.text = "vhci";
	stage.transport[AG_SIDE_CONTROLLER].address.text = "hci0";
	stage.view = (struct ag_control_view){
		.engine = stage.engine,
		.pump = &stage.pump,
		.transport = { &stage.transport[0], &stage.transport[1] },
		.rules = &stage.rules,
		.tally = &stage.tally,
	};
}

static void judge(const char *text, size_t len, const struct ag_control_watch *watch)
{
	json_error_t error;
	json_t *answer;
	const char *reply;

	require(len > 0 && memchr(text, '\n', len) == text + len - 1);
	answer = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	require(json_is_object(answer));
	reply = json_string_value(json_object_get(answer, "reply"));
	require((reply != NULL) != (json_object_get(answer, "error") != NULL));
	require(watch->wanted == (reply && strcmp(reply, "trace") == 0));
	require(watch->wanted || !watch->filter);
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ag_control_host host = {
		.view = view, .reload = reload, .record = start_recording, .user = &stage.view
	};
	struct ag_control_asked asked = { .host = &host, .is_owner = size % 2 == 0 };
	struct ag_control_watch watch = { .wanted = false };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!stage.engine)
		set_up();
	stage.recorded = false;
	stage.asked_len = size;
	ag_control_answer(&asked, (const char *)data, size, out, &watch);
	require(fclose(out) == 0);
	require(!stage.recorded || asked.is_owner);
	if (watch.reload)
		require(len == 0);
	else
		judge(text, len, &watch);
	ag_ruleset_free(watch.filter);
	free(text);
	return 0;
}
