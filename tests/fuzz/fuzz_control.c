/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client of the control socket may say. Whatever it is, the answer is one line, which is a
 * JSON object with a reply or an error; and a trace is granted only where the answer says so. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/io/control_request.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

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

/** A session with an engine in which nothing happens. */
static struct {
	struct ag_transport transport[2];
	struct ag_rulebook rules;
	struct ag_tally tally;
	struct ag_pump_counters pump;
	struct ag_engine *engine;
	struct ag_control_view view;
} stage;

static void set_up(void)
{
	static const char text[] = "rule one when att.handle == 1 accept";
	struct ag_source source = { "a.rules", text, strlen(text) };
	struct ag_engine_config config = { .seed = 1 };

	require(ag_ruleset_compile(&source, 1, &stage.rules.set, NULL) == 0);
	require(ag_tally_init(&stage.tally, stage.rules.set) == 0);
	config.rules = stage.rules.set;
	require(ag_engine_new(&config, &stage.engine) == 0);
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
	struct ag_control_host host = { .view = view, .reload = reload, .user = &stage.view };
	struct ag_control_asked asked = { .host = &host };
	struct ag_control_watch watch = { .wanted = false };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!stage.engine)
		set_up();
	ag_control_answer(&asked, (const char *)data, size, out, &watch);
	require(fclose(out) == 0);
	if (watch.reload)
		require(len == 0);
	else
		judge(text, len, &watch);
	ag_ruleset_free(watch.filter);
	free(text);
	return 0;
}
