/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/control_request.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/io/control_attributes.h"
#include "proxy/io/control_report.h"
#include "proxy/io/metrics.h"

/** One request on its way to its answer. */
struct asking {
	const struct ag_control_asked *asked;
	const json_t *request;
	FILE *out;
	struct ag_control_watch *watch;
};

static void free_json(json_t **json)
{
	json_decref(*json);
}

void ag_control_error(FILE *out, const char *code, const char *message)
{
	struct ag_json json = ag_json_begin(out);

	ag_json_string(&json, "error", code);
	ag_json_string(&json, "message", message);
	ag_json_end(&json);
}

static void out_of_memory(FILE *out)
{
	ag_control_error(out, "memory", "out of memory");
}

static struct ag_control_view view_of(const struct asking *asking)
{
	struct ag_control_view view = { .engine = NULL };

	asking->asked->host->view(asking->asked->host->user, &view);
	view.clients = asking->asked->clients;
	view.watchers = asking->asked->watchers;
	view.lost = asking->asked->lost;
	return view;
}

/* ---- State ---- */

static void answer_status(struct asking *asking)
{
	struct ag_control_view view = view_of(asking);

	ag_control_status(&view, asking->out);
}

static void answer_links(struct asking *asking)
{
	struct ag_control_view view = view_of(asking);

	ag_control_links(&view, asking->out);
}

static void answer_rules(struct asking *asking)
{
	struct ag_control_view view = view_of(asking);

	if (ag_control_rules(&view, asking->out) < 0)
		out_of_memory(asking->out);
}

static void answer_metrics(struct asking *asking)
{
	struct ag_control_view view = view_of(asking);
	ag_autofree char *text = ag_metrics_text(&view);
	struct ag_json json;

	if (!text) {
		out_of_memory(asking->out);
		return;
	}
	json = ag_json_begin(asking->out);
	ag_json_string(&json, "reply", "metrics");
	ag_json_string(&json, "text", text);
	ag_json_end(&json);
}

/* ---- Databases ---- */

static void answer_one_database(struct asking *asking, const struct ag_control_view *view,
				const char *who)
{
	char message[128];

	switch (ag_control_attributes(view, who, asking->out)) {
	case 0:
		break;
	case AG_CONTROL_NO_PEER:
		ag_control_error(asking->out, "argument",
				 "\"peer\" is a BD_ADDR like 00:11:22:33:44:55, or \"local\"");
		break;
	case AG_CONTROL_UNKNOWN:
		snprintf(message, sizeof(message), "nothing is known of %.64s", who);
		ag_control_error(asking->out, "unknown", message);
		break;
	default:
		out_of_memory(asking->out);
	}
}

static void answer_attributes(struct asking *asking)
{
	struct ag_control_view view = view_of(asking);
	const json_t *peer = json_object_get(asking->request, "peer");

	if (peer)
		answer_one_database(asking, &view,
				    json_is_string(peer) ? json_string_value(peer) : "");
	else
		ag_control_peers(&view, asking->out);
}

/* ---- Reload ---- */

static void answer_reload(struct asking *asking)
{
	const struct ag_control_host *host = asking->asked->host;
	uint64_t number = 0;
	int r = host->reload(host->user, &number);

	if (r < 0)
		ag_control_error(asking->out, "failed", strerror(-r));
	else
		asking->watch->reload = number;
}

void ag_control_answer_reload(const struct ag_control_asked *asked, int result, const char *text,
			      FILE *out)
{
	struct ag_control_view view = { .engine = NULL };
	struct ag_json json;

	if (result < 0) {
		ag_control_error(out, "failed", strerror(-result));
		return;
	}
	asked->host->view(asked->host->user, &view);
	json = ag_json_begin(out);
	ag_json_string(&json, "reply", "reload");
	ag_json_bool(&json, "ok", result == 0);
	ag_json_number(&json, "rules", ag_ruleset_count(view.rules->set));
	ag_json_string(&json, "messages", text ? text : "");
	ag_json_end(&json);
}

/* ---- Recordings ---- */

static const struct {
	const char *name;
	enum ag_control_recording what;
} recordings[] = {
	{ "start", AG_CONTROL_RECORD_START },
	{ "stop", AG_CONTROL_RECORD_STOP },
	{ "rotate", AG_CONTROL_RECORD_ROTATE },
};

/* A whole number of at least `least`, if the member is there. @return: whether it is right */
static bool take_number(const json_t *request, const char *key, uint64_t least, uint64_t most,
			uint64_t *out)
{
	const json_t *number = json_object_get(request, key);

	if (!number)
		return true;
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return false;
	*out = (uint64_t)json_integer_value(number);
	return *out >= least && *out <= most;
}

/* @return: NULL, or what is wrong */
static const char *take_recording(const json_t *request, enum ag_control_recording *what,
				  struct ag_record_config *config)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	uint64_t count = 0;
	size_t i = 0;

	config->path = json_string_value(json_object_get(request, "path"));
	while (i < ag_array_size(recordings) &&
	       (!action || strcmp(recordings[i].name, action) != 0))
		i++;
	if (i == ag_array_size(recordings))
		return "\"action\" is \"start\", \"stop\" or \"rotate\"";
	*what = recordings[i].what;
	if (*what != AG_CONTROL_RECORD_START)
		return json_object_size(request) > 2 ? "only \"start\" takes more" : NULL;
	if (!config->path || config->path[0] != '/' ||
	    strlen(config->path) > AG_CONTROL_FILE_MAX - 16)
		return "\"path\" is where to record to, from the root";
	if (!take_number(request, "size", AG_RECORD_SIZE_MIN, UINT64_MAX, &config->size_max))
		return "\"size\" is a number of octets, at least 4096";
	if (!take_number(request, "count", 1, AG_RECORD_KEEP_MAX, &count) ||
	    (count > 0 && config->size_max == 0))
		return "\"count\" is a number of files from 1 to 10000, and needs \"size\"";
	config->count_max = (unsigned int)count;
	return NULL;
}

static void refuse_recording(FILE *out, int result)
{
	if (result == AG_RECORD_BUSY)
		ag_control_error(out, "busy", "a recording is under way already");
	else if (result == AG_RECORD_IDLE)
		ag_control_error(out, "idle", "nothing is recorded");
	else if (result == AG_RECORD_NO_SERIES)
		ag_control_error(out, "argument",
				 "a pipe or a device has no next file, or the disk is too slow for "
				 "one");
	else
		ag_control_error(out, "failed", strerror(-result));
}

static void answer_record(struct asking *asking)
{
	const struct ag_control_host *host = asking->asked->host;
	struct ag_record_config config = { .path = NULL };
	char file[AG_CONTROL_FILE_MAX] = "";
	enum ag_control_recording what;
	const char *wrong = take_recording(asking->request, &what, &config);
	struct ag_json json;
	int r;

	if (wrong) {
		ag_control_error(asking->out, "argument", wrong);
		return;
	}
	if (!asking->asked->is_owner) {
		ag_control_error(asking->out, "permission",
				 "only root and the user that attgate runs as may record");
		return;
	}
	r = host->record(host->user, what, &config, file);
	if (r != 0) {
		refuse_recording(asking->out, r);
		return;
	}
	json = ag_json_begin(asking->out);
	ag_json_string(&json, "reply", "record");
	ag_json_string(&json, "file", file);
	ag_json_end(&json);
}

/* ---- Trace ---- */

static void free_ruleset(struct ag_ruleset **rules)
{
	ag_ruleset_free(*rules);
}

static void refuse_filter(const struct ag_source *source, const struct ag_diags *diags, FILE *out)
{
	ag_autofree char *text = NULL;

	if (diags->count > 0)
		text = ag_diag_format(&diags->list[0], source);
	if (text)
		ag_control_error(out, "filter", text);
	else
		out_of_memory(out);
}

/* @return: 0; 1: refused, and the line is written */
static int compile_filter(struct asking *asking, const char *text, struct ag_ruleset **out)
{
	ag_cleanup(ag_diags_clear) struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_source source = { .name = "filter", .text = text, .len = strlen(text) };

	if (ag_expression_compile(&source, out, &diags) == 0)
		return 0;
	refuse_filter(&source, &diags, asking->out);
	return 1;
}

static void answer_trace(struct asking *asking)
{
	ag_cleanup(free_ruleset) struct ag_ruleset *filter = NULL;
	const json_t *text = json_object_get(asking->request, "filter");
	const json_t *from_start = json_object_get(asking->request, "from_start");
	struct ag_json json;

	if ((text && !json_is_string(text)) || (from_start && !json_is_boolean(from_start))) {
		ag_control_error(asking->out, "argument",
				 "\"filter\" is a string, \"from_start\" is true or false");
		return;
	}
	if (asking->asked->watchers_full) {
		ag_control_error(asking->out, "busy", "too many watch already");
		return;
	}
	if (text && compile_filter(asking, json_string_value(text), &filter) != 0)
		return;
	*asking->watch = (struct ag_control_watch){
		.wanted = true,
		.from_start = json_is_true(from_start),
		.filter = ag_take(filter),
	};
	json = ag_json_begin(asking->out);
	ag_json_string(&json, "reply", "trace");
	ag_json_end(&json);
}

/* ---- Requests ---- */

static const struct request {
	const char *name;
	void (*answer)(struct asking *asking);
	const char *members[4]; /* besides "request" */
} requests[] = {
	{ "status", answer_status, { NULL } },
	{ "links", answer_links, { NULL } },
	{ "rules", answer_rules, { NULL } },
	{ "metrics", answer_metrics, { NULL } },
	{ "attributes", answer_attributes, { "peer" } },
	{ "reload", answer_reload, { NULL } },
	{ "record", answer_record, { "action", "path", "size", "count" } },
	{ "trace", answer_trace, { "filter", "from_start" } },
};

static bool knows_member(const struct request *request, const char *key)
{
	if (strcmp(key, "request") == 0)
		return true;
	for (size_t i = 0; i < ag_array_size(request->members) && request->members[i]; i++) {
		if (strcmp(request->members[i], key) == 0)
			return true;
	}
	return false;
}

static void answer(struct asking *asking, const struct request *request)
{
	const char *key;
	json_t *value;
	char message[128];

	json_object_foreach((json_t *)asking->request, key, value)
	{
		(void)value;
		if (knows_member(request, key))
			continue;
		snprintf(message, sizeof(message), "\"%s\" takes no member \"%.64s\"",
			 request->name, key);
		ag_control_error(asking->out, "argument", message);
		return;
	}
	request->answer(asking);
}

static void answer_object(struct asking *asking)
{
	const char *name = json_string_value(json_object_get(asking->request, "request"));
	char message[128];

	if (!name) {
		ag_control_error(asking->out, "request",
				 "a request is an object with a string \"request\"");
		return;
	}
	for (size_t i = 0; i < ag_array_size(requests); i++) {
		if (strcmp(requests[i].name, name) == 0) {
			answer(asking, &requests[i]);
			return;
		}
	}
	snprintf(message, sizeof(message), "no request \"%.64s\" is known", name);
	ag_control_error(asking->out, "request", message);
}

void ag_control_answer(const struct ag_control_asked *asked, const char *line, size_t len,
		       FILE *out, struct ag_control_watch *watch)
{
	json_error_t error;
	ag_cleanup(free_json)
	    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	struct asking asking = {
		.asked = asked,
		.request = request,
		.out = out,
		.watch = watch,
	};

	if (request)
		answer_object(&asking);
	else if (!error.text[0]) /* what is wrong with a line has words */
		out_of_memory(out);
	else
		ag_control_error(out, "syntax", error.text);
}
