/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/cmd.h"
#include "proxy/cmd/reading.h"
#include "proxy/cmd/replay_air.h"
#include "proxy/cmd/replay_compare.h"
#include "proxy/cmd/replay_report.h"
#include "proxy/io/rulefiles.h"
#include "proxy/io/store.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/l2cap.h"

/* Controllers of one recording that are told apart; more than anybody recorded
 * at once. */
enum { CONTROLLERS_MAX = 64 };

struct options {
	const char *capture;
	const char *write;
	const char **rules[2]; /* --rules, --against */
	size_t n_rules[2];
	bool json;
	bool has_index;
	uint16_t index;
};

/* One controller of a recording, as a first look shows it. */
struct controller {
	uint16_t index;
	uint64_t packets;
	uint64_t att;
};

struct replay;

/* A rule set and the engine that judges by it. */
struct judge {
	struct replay *replay;
	struct ag_ruleset *rules;
	struct ag_engine *engine;
	struct ag_store *store; /* what is known of peers, from one link to the next */
	uint64_t now_us;
};

struct replay {
	struct options options;
	struct ag_capture *capture;
	struct judge judges[2]; /* the second for --against */
	size_t n_judges;
	struct ag_compare *compare;
	struct ag_capture_writer *writer;
	struct ag_air *air;
	struct ag_report report;
	struct ag_reading_clock clock;
	uint16_t index;
};

/* ---- Options ---- */

static const struct option long_options[] = {
	{ "rules", required_argument, NULL, 'r' }, { "against", required_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },        { "write", required_argument, NULL, 'w' },
	{ "index", required_argument, NULL, 'i' }, { NULL, 0, NULL, 0 },
};

static int parse_option(struct options *options, int option, char **argv)
{
	switch (option) {
	case 'r':
		options->rules[0][options->n_rules[0]++] = optarg;
		return 0;
	case 'a':
		options->rules[1][options->n_rules[1]++] = optarg;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'w':
		options->write = optarg;
		return 0;
	case 'i':
		options->has_index = ag_parse_index(optarg, &options->index);
		if (options->has_index)
			return 0;
		return ag_usage_error(&ag_cmd_replay,
				      "`%s' is no controller; --index takes the number of one, "
				      "as in --index 0",
				      optarg);
	case ':':
		return ag_usage_error(&ag_cmd_replay, "%s needs a value; see `attgate help replay'",
				      argv[optind - 1]);
	default:
		return ag_usage_error(&ag_cmd_replay,
				      "no option `%s'; there are --rules, --against, --json, "
				      "--write and --index",
				      argv[optind - 1]);
	}
}

static int parse_options(struct options *options, int argc, char **argv)
{
	int option;
	int status;

	optind = 0; /* getopt begins anew, also when called twice by a test */
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		status = parse_option(options, option, argv);
		if (status != 0)
			return status;
	}
	if (optind == argc)
		return ag_usage_error(&ag_cmd_replay,
				      "no capture given; `attgate replay FILE.btsnoop'");
	if (optind + 1 < argc)
		return ag_usage_error(&ag_cmd_replay, "one capture at a time, but also `%s' given",
				      argv[optind + 1]);
	if (options->write && options->n_rules[1])
		return ag_usage_error(&ag_cmd_replay,
				      "--write and --against exclude each other; --write takes one "
				      "set of rules");
	options->capture = argv[optind];
	return 0;
}

/* ---- Which controller ---- */

/* The start of a PDU on the fixed ATT channel. */
static bool looks_like_att(const struct ag_capture_frame *frame)
{
	struct ag_acl acl;
	struct ag_cursor cursor;

	if (frame->len == 0 || frame->data[0] != AG_H4_ACL ||
	    !ag_acl_parse(frame->data, frame->len, &acl) || acl.pb == AG_PB_CONTINUING)
		return false;
	cursor = ag_cursor(acl.data, acl.len);
	ag_pull_le16(&cursor);
	return ag_pull_le16(&cursor) == AG_CID_ATT && !cursor.failed;
}

static struct controller *find_controller(struct controller *list, size_t *count, uint16_t index)
{
	for (size_t i = 0; i < *count; i++) {
		if (list[i].index == index)
			return &list[i];
	}
	if (*count == CONTROLLERS_MAX)
		return NULL;
	list[*count] = (struct controller){ .index = index };
	return &list[(*count)++];
}

static void look_at(const struct ag_capture_frame *frame, struct controller *list, size_t *count)
{
	struct controller *controller;

	if (frame->meaning.kind != AG_BTSNOOP_PACKET)
		return;
	controller = find_controller(list, count, frame->meaning.index);
	if (!controller)
		return;
	controller->packets++;
	controller->att += looks_like_att(frame);
}

static int by_index(const void *one, const void *other)
{
	const struct controller *a = one;
	const struct controller *b = other;

	return (a->index > b->index) - (a->index < b->index);
}

static int ambiguous(const struct controller *list, size_t count)
{
	fputs("attgate replay: several controllers have ATT traffic; choose one with "
	      "--index:\n",
	      stderr);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "  --index %u: %" PRIu64 " packets, %" PRIu64 " of them ATT\n",
			list[i].index, list[i].packets, list[i].att);
	return AG_EXIT_USAGE;
}

/* The one with ATT traffic, else the one there is. */
static int choose(struct replay *replay, const struct controller *list, size_t count)
{
	size_t with_att = 0;

	for (size_t i = 0; i < count; i++)
		with_att += list[i].att > 0;
	for (size_t i = 0; i < count; i++) {
		if (replay->options.has_index ? list[i].index == replay->options.index
					      : with_att == 0 || list[i].att > 0) {
			replay->index = list[i].index;
			return with_att > 1 && !replay->options.has_index ? ambiguous(list, count)
									  : 0;
		}
	}
	if (!replay->options.has_index)
		return 0;
	fprintf(stderr, "attgate replay: no controller %u in %s; there %s", replay->options.index,
		replay->options.capture, count == 1 ? "is" : "are");
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "%s %u", i ? "," : "", list[i].index);
	fputs(count ? "\n" : " none\n", stderr);
	return AG_EXIT_USAGE;
}

static int choose_controller(struct replay *replay)
{
	struct controller list[CONTROLLERS_MAX];
	struct ag_capture_frame frame;
	size_t count = 0;
	int error;

	replay->index = AG_BTSNOOP_NO_INDEX;
	if (ag_capture_link(replay->capture) != AG_BTSNOOP_MONITOR) {
		if (!replay->options.has_index)
			return 0;
		return ag_usage_error(&ag_cmd_replay,
				      "this capture does not tell controllers apart; leave out "
				      "--index");
	}
	while (ag_capture_next(replay->capture, &frame) == 0)
		look_at(&frame, list, &count);
	error = ag_capture_rewind(replay->capture);
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", replay->options.capture, strerror(-error));
		return AG_EXIT_FAILURE;
	}
	qsort(list, count, sizeof(*list), by_index);
	return choose(replay, list, count);
}

/* ---- The run ---- */

static void tap(void *user, const struct ag_decision *decision)
{
	struct judge *judge = user;
	struct replay *replay = judge->replay;

	if (replay->compare)
		ag_compare_decision(replay->compare, (size_t)(judge - replay->judges), decision);
	else
		ag_report_decision(&replay->report, decision);
	if (replay->air)
		ag_air_decision(replay->air, decision);
}

/* Take what the engine puts out. What the host would have got has no reader
 * here. */
static int drain(struct judge *judge)
{
	struct ag_air *air = judge->replay->air;
	struct ag_packet packet;
	int result = 0;

	while (result == 0 && ag_engine_peek(judge->engine, AG_SIDE_CONTROLLER, &packet)) {
		if (air)
			result = ag_air_out(air, &packet,
					    ag_reading_stamp(&judge->replay->clock, judge->now_us));
		ag_engine_pop(judge->engine, AG_SIDE_CONTROLLER);
	}
	while (ag_engine_peek(judge->engine, AG_SIDE_HOST, &packet))
		ag_engine_pop(judge->engine, AG_SIDE_HOST);
	return result;
}

/* Let pass the time between two frames. */
static int advance_one(struct judge *judge, uint64_t until_us)
{
	uint64_t deadline_us = ag_engine_deadline(judge->engine);
	int result = 0;

	while (deadline_us <= until_us && result == 0) {
		if (deadline_us > judge->now_us)
			judge->now_us = deadline_us;
		result = ag_engine_tick(judge->engine, judge->now_us);
		if (result == 0)
			result = drain(judge);
		deadline_us = ag_engine_deadline(judge->engine);
	}
	judge->now_us = until_us;
	return result;
}

static int advance(struct replay *replay, uint64_t until_us)
{
	int result = 0;

	replay->report.frame = 0;
	for (size_t i = 0; i < replay->n_judges && result == 0; i++)
		result = advance_one(&replay->judges[i], until_us);
	return result;
}

static int feed(struct judge *judge, const struct ag_capture_frame *frame)
{
	enum ag_side side = frame->meaning.from_host ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;
	int result = ag_engine_feed(judge->engine, side, frame->data, frame->len, judge->now_us);

	return result == 0 ? drain(judge) : result;
}

static void begin_time(struct replay *replay, uint64_t time_us)
{
	replay->report.start_us = time_us;
	for (size_t i = 0; i < replay->n_judges; i++)
		replay->judges[i].now_us = time_us;
}

static int play_packet(struct replay *replay, const struct ag_capture_frame *frame)
{
	int result = 0;

	replay->report.frame = frame->number;
	for (size_t i = 0; i < replay->n_judges && result == 0; i++)
		result = feed(&replay->judges[i], frame);
	return result;
}

static int play_frame(struct replay *replay, const struct ag_capture_frame *frame)
{
	uint64_t now_us = ag_reading_time(&replay->clock, frame->head.time_us);
	int result;

	if (frame->number == 1)
		begin_time(replay, now_us);
	if (frame->meaning.index != replay->index)
		return 0;
	result = advance(replay, now_us);
	if (result == 0 && replay->air)
		result = ag_air_frame(replay->air, frame);
	if (result == 0 && frame->meaning.kind == AG_BTSNOOP_PACKET)
		result = play_packet(replay, frame);
	return result == 0 && replay->compare ? ag_compare_step(replay->compare) : result;
}

static int play_all(struct replay *replay)
{
	struct ag_progress progress = ag_progress_begin();
	struct ag_capture_frame frame;
	int result;

	while ((result = ag_capture_next(replay->capture, &frame)) == 0) {
		result = play_frame(replay, &frame);
		if (result != 0)
			return result;
		ag_progress_show(&progress, replay->capture, &frame);
	}
	ag_progress_end(&progress);
	ag_reading_fault(replay->options.capture, result, &frame);
	if (replay->air && result > 0) {
		int error = ag_air_flush(replay->air);

		return error != 0 ? error : result;
	}
	return result;
}

static int run_replay(struct replay *replay)
{
	int result = play_all(replay);
	int closed = ag_capture_writer_close(ag_take(replay->writer));

	if (result >= 0) {
		fflush(stdout);
		if (replay->compare)
			ag_compare_summary(replay->compare, stderr);
		else
			ag_report_summary(stderr, ag_engine_stats(replay->judges[0].engine));
	}
	if (result < 0 || closed < 0) {
		fprintf(stderr, "attgate replay: %s: %s\n",
			closed < 0 ? replay->options.write : replay->options.capture,
			strerror(closed < 0 ? -closed : -result));
		return AG_EXIT_FAILURE;
	}
	if (ferror(stdout)) {
		fputs("attgate replay: standard output could not be written\n", stderr);
		return AG_EXIT_FAILURE;
	}
	return result == AG_CAPTURE_END ? AG_EXIT_OK : AG_EXIT_FAILURE;
}

/* ---- Setting up ---- */

static int out_of_memory(void)
{
	fputs("attgate replay: out of memory\n", stderr);
	return AG_EXIT_FAILURE;
}

static int open_writer(struct replay *replay)
{
	enum ag_btsnoop_link link = ag_capture_link(replay->capture);
	int error;

	if (!replay->options.write)
		return 0;
	if (ag_same_file(replay->options.write, replay->options.capture))
		return ag_usage_error(&ag_cmd_replay,
				      "--write would overwrite the capture; give another file");
	/* 1001 cannot tell what is neither command, event nor ACL. */
	if (link == AG_BTSNOOP_HCI)
		link = AG_BTSNOOP_H4;
	error = ag_capture_writer_open(replay->options.write, link, &replay->writer);
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", replay->options.write, strerror(-error));
		return AG_EXIT_FAILURE;
	}
	if (ag_air_new(replay->writer, link, replay->index, &replay->air) != 0)
		return out_of_memory();
	return 0;
}

static int open_capture(struct replay *replay)
{
	int result = ag_capture_open(replay->options.capture, stderr, &replay->capture);

	if (result < 0)
		return out_of_memory();
	return result == 0 ? choose_controller(replay) : AG_EXIT_FAILURE;
}

static int load_rules(struct replay *replay, size_t which)
{
	const struct options *options = &replay->options;
	size_t count = options->n_rules[which];
	struct ag_ruleset **rules = &replay->judges[which].rules;
	int result = ag_rulefiles_compile(count ? options->rules[which] : NULL, count, rules,
					  stderr);

	if (result < 0)
		return out_of_memory();
	if (result != 0)
		return AG_EXIT_RULES;
	if (count == 0 && ag_ruleset_count(*rules) == 0)
		fputs("attgate replay: there are no rules in " AG_SYSCONF_DIR " or " AG_RULES_DIR
		      "; --rules names others\n",
		      stderr);
	return 0;
}

static int open_engine(struct replay *replay, size_t which)
{
	struct judge *judge = &replay->judges[which];
	const struct ag_store_config in_memory = { .dir = NULL };
	struct ag_engine_config config = {
		.rules = judge->rules,
		.tap = tap,
		.tap_user = judge,
		.seed = AG_ENGINE_SEED,
		.replay = true,
	};

	judge->replay = replay;
	if (ag_store_new(&in_memory, ev_default_loop(0), &judge->store) != 0)
		return out_of_memory();
	config.keeper = ag_store_keeper(judge->store);
	return ag_engine_new(&config, &judge->engine) == 0 ? 0 : out_of_memory();
}

static int set_up_and_run(struct replay *replay, int argc, char **argv)
{
	int status = parse_options(&replay->options, argc, argv);

	replay->report.json = replay->options.json;
	replay->n_judges = replay->options.n_rules[1] > 0 ? 2 : 1;
	for (size_t i = 0; i < replay->n_judges && status == 0; i++)
		status = load_rules(replay, i);
	if (status == 0)
		status = open_capture(replay);
	if (status == 0)
		status = open_writer(replay);
	for (size_t i = 0; i < replay->n_judges && status == 0; i++)
		status = open_engine(replay, i);
	if (status == 0 && replay->n_judges > 1 &&
	    ag_compare_new(&replay->report, &replay->compare) != 0)
		status = out_of_memory();
	return status == 0 ? run_replay(replay) : status;
}

static void close_replay(struct replay *replay)
{
	for (size_t i = 0; i < 2; i++) {
		ag_engine_free(replay->judges[i].engine);
		ag_store_free(replay->judges[i].store);
		ag_ruleset_free(replay->judges[i].rules);
		free(replay->options.rules[i]);
	}
	ag_compare_free(replay->compare);
	ag_air_free(replay->air);
	ag_capture_writer_close(replay->writer);
	ag_capture_close(replay->capture);
	free(replay);
}

static int replay_main(int argc, char **argv)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int status = 0;

	if (!replay)
		return out_of_memory();
	for (size_t i = 0; i < 2 && status == 0; i++) {
		replay->options.rules[i] = calloc((size_t)argc, sizeof(*replay->options.rules[i]));
		if (!replay->options.rules[i])
			status = out_of_memory();
	}
	replay->report.out = stdout;
	if (status == 0)
		status = set_up_and_run(replay, argc, argv);
	close_replay(replay);
	return status;
}

const struct ag_command ag_cmd_replay = {
	.name = "replay",
	.summary = "judge a recording by the rules",
	.usage =
	    "usage: attgate replay CAPTURE [--rules FILE-OR-DIR]... [--json] [--write FILE]\n"
	    "                              [--index N] [--against FILE-OR-DIR]...\n"
	    "\n"
	    "Judges a recording (btsnoop, as btmon -w and Android's HCI log are; .pklg; pcap and\n"
	    "pcapng with Bluetooth) as `attgate run' would have judged the traffic, and prints\n"
	    "one line for each ATT and SMP PDU: frame number, seconds since the first frame,\n"
	    "direction (\u2192 from the host, \u2190 from the peer), peer, local role, the PDU, "
	    "and in\n"
	    "brackets the rule and the verdict. Needs no privilege and no Bluetooth.\n"
	    "\n"
	    "  --rules FILE-OR-DIR  rules to judge by, several times if need be; default:\n"
	    "                       " AG_SYSCONF_DIR " over\n"
	    "                       " AG_RULES_DIR "\n"
	    "  --json               one JSON object a line\n"
	    "  --write FILE         a recording of what the controller side would have seen\n"
	    "  --index N            of several controllers in one recording, the one of hciN\n"
	    "  --against FILE-OR-DIR\n"
	    "                       judge by these rules too, and print only the decisions that\n"
	    "                       differ: - by --rules, + by these\n"
	    "\n"
	    "The peer of a recording does not react to what is judged now: its recorded answer\n"
	    "to a request that the rules refuse is shown as such and left out by --write.\n"
	    "\n"
	    "exit status: 0; 1 the recording cannot be read to its end; 2 a rule file has\n"
	    "errors; 64 wrong usage\n",
	.run = replay_main,
};
