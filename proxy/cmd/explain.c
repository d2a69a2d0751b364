/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `attgate explain`: what went wrong in a recording. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/cmd.h"
#include "proxy/cmd/explain_report.h"
#include "proxy/cmd/reading.h"

/* Controllers of one recording that are told apart. */
enum { CONTROLLERS_MAX = 16 };

struct explain;

/* One controller of the recording. */
struct controller {
	struct explain *explain;
	uint16_t index;
	struct ag_engine *engine;
	struct ag_story *story;
	struct ag_reading_clock clock;
};

struct explain {
	const char *capture_path;
	const char *suggest;
	bool has_index;
	uint16_t index;
	struct ag_capture *capture;
	struct controller controllers[CONTROLLERS_MAX];
	size_t n_controllers;
	uint64_t ignored; /* packets of controllers beyond those */
	struct ag_explain_report report;
};

/* ---- Options ---- */

static const struct option long_options[] = {
	{ "index", required_argument, NULL, 'i' },
	{ "json", no_argument, NULL, 'j' },
	{ "suggest", required_argument, NULL, 's' },
	{ NULL, 0, NULL, 0 },
};

static int parse_option(struct explain *explain, int option, char **argv)
{
	switch (option) {
	case 'i':
		explain->has_index = ag_parse_index(optarg, &explain->index);
		if (explain->has_index)
			return 0;
		return ag_usage_error(&ag_cmd_explain,
				      "`%s' is no controller; --index takes the number of one, "
				      "as in --index 0",
				      optarg);
	case 'j':
		explain->report.json = true;
		return 0;
	case 's':
		explain->suggest = optarg;
		return 0;
	case ':':
		return ag_usage_error(&ag_cmd_explain,
				      "%s needs a value; see `attgate help explain'",
				      argv[optind - 1]);
	default:
		return ag_usage_error(&ag_cmd_explain,
				      "no option `%s'; there are --index, --json and --suggest",
				      argv[optind - 1]);
	}
}

static int parse_options(struct explain *explain, int argc, char **argv)
{
	int option;
	int status;

	optind = 0; /* getopt begins anew, also when called twice by a test */
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		status = parse_option(explain, option, argv);
		if (status != 0)
			return status;
	}
	if (optind == argc)
		return ag_usage_error(&ag_cmd_explain,
				      "no capture given; `attgate explain FILE.btsnoop'");
	if (optind + 1 < argc)
		return ag_usage_error(&ag_cmd_explain, "one capture at a time, but also `%s' given",
				      argv[optind + 1]);
	explain->capture_path = argv[optind];
	if (explain->suggest && ag_same_file(explain->suggest, explain->capture_path))
		return ag_usage_error(&ag_cmd_explain,
				      "--suggest would overwrite the capture; give another file");
	return 0;
}

static int out_of_memory(void)
{
	fputs("attgate explain: out of memory\n", stderr);
	return AG_EXIT_FAILURE;
}

/* ---- Controllers ---- */

static void tell(void *user, const struct ag_link_story *link)
{
	struct controller *controller = user;

	ag_explain_link(&controller->explain->report, controller->index, link);
}

static void tap(void *user, const struct ag_decision *decision)
{
	struct controller *controller = user;

	controller->explain->report.pdus++;
	ag_story_decision(controller->story, decision);
}

static int add_controller(struct explain *explain, uint16_t index, struct controller **out)
{
	struct controller *controller = &explain->controllers[explain->n_controllers];
	struct ag_engine_config config = { .tap = tap, .tap_user = controller, .replay = true };

	*controller = (struct controller){ .explain = explain, .index = index };
	if (ag_story_new(tell, controller, &controller->story) != 0)
		return -ENOMEM;
	if (ag_engine_new(&config, &controller->engine) != 0) {
		ag_story_free(controller->story);
		return -ENOMEM;
	}
	explain->n_controllers++;
	*out = controller;
	return 0;
}

/* @out: NULL when there are too many */
static int find_controller(struct explain *explain, uint16_t index, struct controller **out)
{
	*out = NULL;
	for (size_t i = 0; i < explain->n_controllers; i++) {
		if (explain->controllers[i].index == index) {
			*out = &explain->controllers[i];
			return 0;
		}
	}
	if (explain->n_controllers == CONTROLLERS_MAX)
		return 0;
	return add_controller(explain, index, out);
}

/* Nobody reads what the engine puts out. */
static void drain(struct ag_engine *engine)
{
	struct ag_packet packet;

	for (int side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		while (ag_engine_peek(engine, (enum ag_side)side, &packet))
			ag_engine_pop(engine, (enum ag_side)side);
	}
}

/* ---- Reading ---- */

static int read_frame(struct explain *explain, const struct ag_capture_frame *frame)
{
	enum ag_side side = frame->meaning.from_host ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;
	struct controller *controller;
	uint64_t now_us;
	int result;

	if (frame->meaning.kind != AG_BTSNOOP_PACKET || frame->len == 0 ||
	    (explain->has_index && frame->meaning.index != explain->index))
		return 0;
	result = find_controller(explain, frame->meaning.index, &controller);
	if (result != 0)
		return result;
	if (!controller) {
		explain->ignored++;
		return 0;
	}
	now_us = ag_reading_time(&controller->clock, frame->head.time_us);
	ag_story_packet(controller->story, frame->number, now_us, side, frame->data, frame->len);
	result = ag_engine_feed(controller->engine, side, frame->data, frame->len, now_us);
	drain(controller->engine);
	return result;
}

static int read_all(struct explain *explain)
{
	struct ag_progress progress = ag_progress_begin();
	struct ag_capture_frame frame;
	int result;

	while ((result = ag_capture_next(explain->capture, &frame)) == 0) {
		result = read_frame(explain, &frame);
		if (result != 0)
			break;
		if (frame.head.drops > 0)
			explain->report.drops = frame.head.drops;
		ag_progress_show(&progress, explain->capture, &frame);
	}
	ag_progress_end(&progress);
	ag_reading_fault(explain->capture_path, result, &frame);
	for (size_t i = 0; i < explain->n_controllers && result >= 0; i++)
		ag_story_end(explain->controllers[i].story);
	return result;
}

/* ---- The whole ---- */

static void count_unknown(struct explain *explain)
{
	for (size_t i = 0; i < explain->n_controllers; i++) {
		const struct ag_stats *stats = ag_engine_stats(explain->controllers[i].engine);

		explain->report.unknown += stats->unjudged[AG_UNJUDGED_NO_LINK];
	}
}

static int write_suggestion(struct explain *explain)
{
	FILE *file;

	if (!explain->suggest)
		return 0;
	file = fopen(explain->suggest, "w");
	if (file) {
		ag_explain_suggest(&explain->report, file);
		if (fclose(file) == 0)
			return 0;
	}
	fprintf(stderr, "%s: %s\n", explain->suggest, strerror(errno));
	return AG_EXIT_FAILURE;
}

static int no_such_controller(const struct explain *explain)
{
	return ag_usage_error(&ag_cmd_explain,
			      "no controller %u in %s; without --index all are explained",
			      explain->index, explain->capture_path);
}

static int run_explain(struct explain *explain)
{
	int result = read_all(explain);
	int status;

	if (result < 0) {
		fprintf(stderr, "attgate explain: %s: %s\n", explain->capture_path,
			strerror(-result));
		return AG_EXIT_FAILURE;
	}
	if (explain->has_index && explain->n_controllers == 0 && result == AG_CAPTURE_END)
		return no_such_controller(explain);
	if (explain->ignored > 0)
		fprintf(stderr,
			"%s: %" PRIu64 " packets of further controllers are left out; --index "
			"chooses one\n",
			explain->capture_path, explain->ignored);
	count_unknown(explain);
	ag_explain_end(&explain->report);
	status = write_suggestion(explain);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("attgate explain: standard output could not be written\n", stderr);
		return AG_EXIT_FAILURE;
	}
	return status != 0 ? status : result == AG_CAPTURE_END ? AG_EXIT_OK : AG_EXIT_FAILURE;
}

static int explain_main(int argc, char **argv)
{
	ag_autofree struct explain *explain = calloc(1, sizeof(*explain));
	int status;
	int result;

	if (!explain)
		return out_of_memory();
	explain->report.out = stdout;
	status = parse_options(explain, argc, argv);
	if (status != 0)
		return status;
	result = ag_capture_open(explain->capture_path, stderr, &explain->capture);
	if (result != 0)
		return result < 0 ? out_of_memory() : AG_EXIT_FAILURE;
	status = run_explain(explain);
	for (size_t i = 0; i < explain->n_controllers; i++) {
		ag_engine_free(explain->controllers[i].engine);
		ag_story_free(explain->controllers[i].story);
	}
	ag_capture_close(explain->capture);
	return status;
}

const struct ag_command ag_cmd_explain = {
	.name = "explain",
	.summary = "tell what went wrong in a recording",
	.usage =
	    "usage: attgate explain CAPTURE [--index N] [--json] [--suggest FILE]\n"
	    "\n"
	    "Reads a recording (btsnoop, as btmon -w and Android's HCI log are; .pklg; pcap and\n"
	    "pcapng with Bluetooth) and tells what went wrong on each link: which side started\n"
	    "a GATT client, which refused request raised security, how that ended, which timer\n"
	    "ended the link, which answers are missing or too many. Each finding names its\n"
	    "frames, how sure it is, and the rule that prevents it.\n"
	    "Needs no privilege and no Bluetooth.\n"
	    "\n"
	    "  --index N       only the controller hciN of several in one recording\n"
	    "  --json          one JSON object a line\n"
	    "  --suggest FILE  write the rules that prevent what was found\n"
	    "\n"
	    "exit status: 0, whatever was found; 1 the recording cannot be read to its end;\n"
	    "64 wrong usage\n",
	.run = explain_main,
};
