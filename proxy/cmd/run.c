/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/cmd.h"
#include "proxy/io/control_socket.h"
#include "proxy/io/log.h"
#include "proxy/io/session.h"
#include "proxy/io/store.h"

/* Memory of so many octets has pages of its own and gives them back when it is freed. A queue that
 * was outgrown, or what rules were compiled with, would leave a hole otherwise that stays ours. */
#define OWN_PAGES (32 << 10)

enum {
	OPTION_CONTROLLER = 256,
	OPTION_HOST,
	OPTION_RULES,
	OPTION_DRY_RUN,
	OPTION_ONCE,
	OPTION_ALLOW_REMOTE,
	OPTION_VERBOSE,
	OPTION_RECORD,
	OPTION_RECORD_SIZE,
	OPTION_RECORD_COUNT,
	OPTION_CONTROL,
	OPTION_CONTROL_GROUP,
	OPTION_METRICS_FILE,
	OPTION_STATE_DIR,
	OPTION_KEEP_IDENTITIES,
	OPTION_BTMON,
	OPTION_SHADOW,
	OPTION_HELP,
};

static const struct option options[] = {
	{ "controller", required_argument, NULL, OPTION_CONTROLLER },
	{ "host", required_argument, NULL, OPTION_HOST },
	{ "rules", required_argument, NULL, OPTION_RULES },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "allow-remote", no_argument, NULL, OPTION_ALLOW_REMOTE },
	{ "verbose", no_argument, NULL, OPTION_VERBOSE },
	{ "record", required_argument, NULL, OPTION_RECORD },
	{ "record-size", required_argument, NULL, OPTION_RECORD_SIZE },
	{ "record-count", required_argument, NULL, OPTION_RECORD_COUNT },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "control-group", required_argument, NULL, OPTION_CONTROL_GROUP },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "keep-identities", no_argument, NULL, OPTION_KEEP_IDENTITIES },
	{ "metrics-file", required_argument, NULL, OPTION_METRICS_FILE },
	{ "shadow", required_argument, NULL, OPTION_SHADOW },
	{ "btmon", required_argument, NULL, OPTION_BTMON },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *text[2]; /* --controller and --host, by enum ag_side */
	const char **rules;
	size_t n_rules;
	const char **shadow;
	size_t n_shadow;
	const char *btmon;
	const char *record_size;
	const char *record_count;
	bool help;
	struct ag_session_config config;
};

static void take_option(struct arguments *arguments, int option)
{
	switch (option) {
	case OPTION_CONTROLLER:
		arguments->text[AG_SIDE_CONTROLLER] = optarg;
		break;
	case OPTION_HOST:
		arguments->text[AG_SIDE_HOST] = optarg;
		break;
	case OPTION_RULES:
		arguments->rules[arguments->n_rules++] = optarg;
		break;
	case OPTION_DRY_RUN:
		arguments->config.dry_run = true;
		break;
	case OPTION_ONCE:
		arguments->config.once = true;
		break;
	case OPTION_ALLOW_REMOTE:
		arguments->config.allow_remote = true;
		break;
	case OPTION_VERBOSE:
		arguments->config.verbose = true;
		break;
	case OPTION_SHADOW:
		arguments->shadow[arguments->n_shadow++] = optarg;
		break;
	case OPTION_BTMON:
		arguments->btmon = optarg;
		break;
	case OPTION_RECORD:
		arguments->config.record.path = optarg;
		break;
	case OPTION_RECORD_SIZE:
		arguments->record_size = optarg;
		break;
	case OPTION_RECORD_COUNT:
		arguments->record_count = optarg;
		break;
	case OPTION_CONTROL:
		arguments->config.control = optarg;
		break;
	case OPTION_CONTROL_GROUP:
		arguments->config.control_group = optarg;
		break;
	case OPTION_METRICS_FILE:
		arguments->config.metrics_file = optarg;
		break;
	case OPTION_STATE_DIR:
		arguments->config.state_dir = optarg;
		break;
	case OPTION_KEEP_IDENTITIES:
		arguments->config.keep_identities = true;
		break;
	case OPTION_HELP:
		arguments->help = true;
		break;
	}
}

/* @return: AG_EXIT_OK or AG_EXIT_USAGE, then the line is written */
static int parse_options(int argc, char **argv, struct arguments *arguments)
{
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':')
			return ag_usage_error(&ag_cmd_run,
					      "%s needs a value; `attgate help run' shows which",
					      argv[optind - 1]);
		if (option == '?')
			return ag_usage_error(
			    &ag_cmd_run,
			    "no option %s is known, or it takes no value; `attgate help run' "
			    "lists them",
			    argv[optind - 1]);
		take_option(arguments, option);
	}
	if (optind < argc)
		return ag_usage_error(&ag_cmd_run,
				      "`%s' is too much; a controller is named by --controller, "
				      "rules by --rules",
				      argv[optind]);
	return AG_EXIT_OK;
}

static int parse_addresses(struct arguments *arguments)
{
	static const char *const name[2] = {
		[AG_SIDE_HOST] = "--host",
		[AG_SIDE_CONTROLLER] = "--controller",
	};

	for (size_t i = 0; i < 2; i++) {
		const char *why = NULL;

		if (ag_address_parse(arguments->text[i], (enum ag_side)i,
				     &arguments->config.address[i], &why) != 0)
			return ag_usage_error(&ag_cmd_run, "%s `%s' is not understood; %s", name[i],
					      arguments->text[i], why);
	}
	return AG_EXIT_OK;
}

static int parse_btmon(struct arguments *arguments)
{
	if (!arguments->btmon)
		return AG_EXIT_OK;
	arguments->config.btmon = AG_BTMON_OFF;
	if (strcmp(arguments->btmon, "all") == 0)
		arguments->config.btmon = AG_BTMON_ALL;
	else if (strcmp(arguments->btmon, "on") == 0)
		arguments->config.btmon = AG_BTMON_ON;
	else if (strcmp(arguments->btmon, "off") != 0)
		return ag_usage_error(&ag_cmd_run,
				      "--btmon `%s' is not understood; it is all, on or off",
				      arguments->btmon);
	return AG_EXIT_OK;
}

static int parse_record(struct arguments *arguments)
{
	struct ag_record_config *record = &arguments->config.record;
	uint64_t count = 0;

	if (arguments->record_size && !record->path)
		return ag_usage_error(&ag_cmd_run, "--record-size needs --record FILE");
	if (arguments->record_count && !arguments->record_size)
		return ag_usage_error(&ag_cmd_run,
				      "--record-count needs --record-size, after which the next "
				      "file begins");
	if (arguments->record_size &&
	    (ag_parse_size(arguments->record_size, &record->size_max) != 0 ||
	     record->size_max < AG_RECORD_SIZE_MIN))
		return ag_usage_error(&ag_cmd_run,
				      "--record-size `%s' is not understood; it is a number of "
				      "octets, at least %u, like 500K, 10M or 1G",
				      arguments->record_size, AG_RECORD_SIZE_MIN);
	if (arguments->record_count && (ag_parse_size(arguments->record_count, &count) != 0 ||
					count < 1 || count > AG_RECORD_KEEP_MAX))
		return ag_usage_error(&ag_cmd_run,
				      "--record-count `%s' is not understood; it is a number of "
				      "files from 1 to %u",
				      arguments->record_count, AG_RECORD_KEEP_MAX);
	record->count_max = (unsigned int)count;
	return AG_EXIT_OK;
}

static int exit_status(int result)
{
	switch (result) {
	case 0:
		return AG_EXIT_OK;
	case AG_SESSION_RULES:
		return AG_EXIT_RULES;
	case AG_SESSION_REMOTE:
		return AG_EXIT_USAGE;
	default:
		return AG_EXIT_FAILURE;
	}
}

static int run(int argc, char **argv)
{
	ag_autofree const char **rules = calloc((size_t)argc, sizeof(*rules));
	ag_autofree const char **shadow = calloc((size_t)argc, sizeof(*shadow));
	struct arguments arguments = {
		.text = { [AG_SIDE_HOST] = "vhci", [AG_SIDE_CONTROLLER] = "hci0" },
		.rules = rules,
		.shadow = shadow,
	};
	int status;

	if (!rules || !shadow) {
		fputs("attgate: out of memory\n", stderr);
		return AG_EXIT_FAILURE;
	}
	status = parse_options(argc, argv, &arguments);
	if (status == AG_EXIT_OK && arguments.help) {
		fputs(ag_cmd_run.usage, stdout);
		return AG_EXIT_OK;
	}
	if (status == AG_EXIT_OK)
		status = parse_addresses(&arguments);
	if (status == AG_EXIT_OK)
		status = parse_record(&arguments);
	if (status == AG_EXIT_OK)
		status = parse_btmon(&arguments);
	if (status != AG_EXIT_OK)
		return status;
	if (arguments.n_rules > 0) {
		arguments.config.rules = arguments.rules;
		arguments.config.n_rules = arguments.n_rules;
	}
	arguments.config.shadow = arguments.shadow;
	arguments.config.n_shadow = arguments.n_shadow;
	(void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
	/* our threads seldom ask for memory, and none waits for another */
	(void)mallopt(M_ARENA_MAX, 1);
	ag_log_open();
	return exit_status(ag_session_run(&arguments.config));
}

const struct ag_command ag_cmd_run = {
	.name = "run",
	.summary = "stand between a controller and the host, and judge",
	.usage =
	    "usage: attgate run [OPTION]…\n"
	    "\n"
	    "Take a controller, show the host a virtual one, and apply rules in between.\n"
	    "\n"
	    "  --controller WHAT  hciN, a BD_ADDR, or a stream (default: hci0)\n"
	    "  --host WHAT        vhci, or a stream (default: vhci)\n"
	    "  --rules PATH       rule file, or directory of *.rules; may be repeated, later\n"
	    "                     ones replace earlier ones of the same base name (default:\n"
	    "                     " AG_SYSCONF_DIR " over\n"
	    "                     " AG_RULES_DIR ")\n"
	    "  --dry-run          decide, count and log, but change nothing\n"
	    "  --once             end when a side goes away, instead of waiting for it\n"
	    "  --allow-remote     let tcp-listen be open to more than this machine\n"
	    "  --verbose          log every decision\n"
	    "  --shadow PATH      judge with these rules too, change nothing by them, and say\n"
	    "                     where they decide otherwise; may be repeated\n"
	    "  --btmon on|off|all show btmon what rules did; all: what just passes, too\n"
	    "                     (default: on, where a side is the kernel's)\n"
	    "  --record FILE      record both sides and the decisions; where FILE is there\n"
	    "                     already, to FILE.1, FILE.2 and so on\n"
	    "  --record-size SIZE begin the next file after so many octets (10M, 1G)\n"
	    "  --record-count N   keep the last N files of this recording\n"
	    "  --control PATH     where to listen for `attgate status' and others, or none\n"
	    "                     (default: " AG_CONTROL_DIR "/CONTROLLER.sock; none for a\n"
	    "                     stream)\n"
	    "  --control-group GROUP\n"
	    "                     let members of a group use it, besides root and the owner\n"
	    "  --metrics-file FILE\n"
	    "                     write counters in OpenMetrics text every 10 s, and at the end\n"
	    "  --state-dir DIR    where to keep what is learned of peers, or none (default:\n"
	    "                     " AG_STATE_DIR "; none for a stream)\n"
	    "  --keep-identities  keep there too by which key (IRK) a peer is known again\n"
	    "  --help             this text\n"
	    "\n"
	    "A stream carries H4 packets: unix:PATH, unix-listen:PATH, tcp:HOST:PORT,\n"
	    "tcp-listen:HOST:PORT; an IPv6 address stands in brackets.\n"
	    "\n"
	    "Signals: TERM and INT end it in order, HUP reads the rules again (wrong ones\n"
	    "leave the running ones in force), USR1 logs the counters.\n"
	    "\n"
	    "Exit status: 0 ended in order, 1 failure, 2 the rules are wrong, 64 usage.\n",
	.run = run,
};
