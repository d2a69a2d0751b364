/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/ask.h"
#include "proxy/cmd/cmd.h"
#include "proxy/cmd/record_ask.h"
#include "proxy/engine/redact.h"
#include "proxy/io/capture.h"

enum { OPTION_REDACT = 256, OPTION_NO_REDACT, OPTION_HELP };

static const struct option options[] = {
	{ "redact", no_argument, NULL, OPTION_REDACT },
	{ "no-redact", no_argument, NULL, OPTION_NO_REDACT },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

/* One export: what is read, what is written, and a record on its way. */
struct export
{
	struct ag_capture *in;
	struct ag_capture_writer *out;
	struct ag_redactor *redactor; /* NULL: a plain copy */
	uint64_t records;
	uint8_t data[1 + AG_BTSNOOP_MAX];
};

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "attgate record: %s: %s\n", path, what);
	return AG_EXIT_FAILURE;
}

static void free_export(struct export **export)
{
	if (!*export)
		return;
	ag_capture_close((*export)->in);
	ag_capture_writer_close((*export)->out);
	free((*export)->redactor);
	free(*export);
}

/* ---- One record after the other ---- */

static void redact(struct export *export, const struct ag_capture_frame *frame)
{
	if (frame->meaning.kind == AG_BTSNOOP_PACKET)
		ag_redact_packet(export->redactor, frame->meaning.index, frame->meaning.from_host,
				 export->data, frame->len);
	else
		ag_redact_record(export->redactor, (uint16_t)frame->head.flags, export->data,
				 frame->len);
}

static int copy_record(struct export *export, const struct ag_capture_frame *frame)
{
	enum ag_btsnoop_link link = ag_capture_link(export->in);
	struct ag_btsnoop_record head = frame->head;
	bool is_packet = frame->meaning.kind == AG_BTSNOOP_PACKET;
	/* a frame has the type octet, whether the file has it or not */
	size_t skip = is_packet && link != AG_BTSNOOP_H4;

	if (frame->meaning.is_foreign || (!is_packet && link != AG_BTSNOOP_MONITOR))
		return 0; /* other formats' notes have no place in what is written */
	memcpy(export->data, frame->data, frame->len);
	if (export->redactor)
		redact(export, frame);
	export->records++;
	head.included_len = (uint32_t)(frame->len - skip);
	head.original_len += head.included_len - frame->head.included_len;
	return ag_capture_write(export->out, &head, export->data + skip);
}

/* What is there before a broken record has been exported. */
static int finish_reading(const struct export *export, const char *path, int result,
			  const struct ag_capture_frame *frame)
{
	if (result == AG_CAPTURE_END)
		return AG_EXIT_OK;
	fprintf(stderr,
		"attgate record: %s: record %" PRIu64 " at octet %" PRIu64 ": %s; the %" PRIu64
		" before it were exported\n",
		path, frame->number, frame->offset,
		result == AG_CAPTURE_TRUNCATED ? "the file ends within it"
		: result == AG_CAPTURE_CORRUPT ? "impossible length"
					       : strerror(-result),
		export->records);
	return AG_EXIT_FAILURE;
}

static int copy_all(struct export *export, const char *in, const char *out)
{
	struct ag_capture_frame frame;
	int status, read, written = 0;

	while (written == 0 && (read = ag_capture_next(export->in, &frame)) == 0)
		written = copy_record(export, &frame);
	status = written == 0 ? finish_reading(export, in, read, &frame) : AG_EXIT_FAILURE;
	if (written == 0)
		written = ag_capture_writer_close(ag_take(export->out));
	return written < 0 ? complain(out, strerror(-written)) : status;
}

/* ---- Beginning ---- */

static int make_redactor(struct ag_redactor **out)
{
	uint8_t key[16];

	if (getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key))
		*out = ag_redactor_new(key);
	return *out ? AG_EXIT_OK : complain("redaction", strerror(errno));
}

static int open_out(struct export *export, const char *path)
{
	struct stat status;
	int r;

	if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
		return complain(path, "is there already; an export replaces no file");
	r = ag_capture_writer_open(path, ag_capture_link(export->in), &export->out);
	return r < 0 ? complain(path, strerror(-r)) : AG_EXIT_OK;
}

static int export_file(const char *in, const char *out, bool redact)
{
	ag_cleanup(free_export) struct export *export = calloc(1, sizeof(*export));
	int status;

	if (!export)
		return complain(in, strerror(ENOMEM));
	status = ag_capture_open(in, stderr, &export->in) == 0 ? AG_EXIT_OK : AG_EXIT_FAILURE;
	if (status == AG_EXIT_OK && redact)
		status = make_redactor(&export->redactor);
	if (status == AG_EXIT_OK)
		status = open_out(export, out);
	return status == AG_EXIT_OK ? copy_all(export, in, out) : status;
}

static int run_export(int argc, char **argv)
{
	bool redact = true;
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_REDACT:
			redact = true;
			break;
		case OPTION_NO_REDACT:
			redact = false;
			break;
		case OPTION_HELP:
			fputs(ag_cmd_record.usage, stdout);
			return AG_EXIT_OK;
		default:
			return ag_usage_error(&ag_cmd_record,
					      "no option %s is known, or it takes no value; "
					      "`attgate help record' lists them",
					      argv[optind - 1]);
		}
	}
	if (argc - optind != 2)
		return ag_usage_error(
		    &ag_cmd_record, "export takes two files, the one to read and the one to write");
	return export_file(argv[optind], argv[optind + 1], redact);
}

static int run(int argc, char **argv)
{
	if (argc < 2)
		return ag_usage_error(&ag_cmd_record,
				      "what is to be done is missing; `attgate help record' says "
				      "what can be");
	if (strcmp(argv[1], "--help") == 0) {
		fputs(ag_cmd_record.usage, stdout);
		return AG_EXIT_OK;
	}
	if (strcmp(argv[1], "export") == 0)
		return run_export(argc - 1, argv + 1);
	if (strcmp(argv[1], "start") == 0 || strcmp(argv[1], "stop") == 0 ||
	    strcmp(argv[1], "rotate") == 0)
		return ag_record_ask(argc - 1, argv + 1);
	return ag_usage_error(&ag_cmd_record,
			      "`%s' cannot be done with a recording; start, stop, rotate and "
			      "export can",
			      argv[1]);
}

const struct ag_command ag_cmd_record = {
	.name = "record",
	.summary = "start and stop recordings, export one without its secrets",
	.usage = "usage: attgate record start FILE [CONTROLLER] [OPTION]…\n"
		 "       attgate record stop [CONTROLLER] [OPTION]…\n"
		 "       attgate record rotate [CONTROLLER] [OPTION]…\n"
		 "       attgate record export [--redact | --no-redact] IN OUT\n"
		 "\n"
		 "Have a running attgate record what passes, as `attgate run --record' does, end\n"
		 "that, or go on in the next file.\n"
		 "\n"
		 "  --size SIZE     begin the next file after so many octets (10M, 1G)\n"
		 "  --count N       keep the last N files of this recording\n" AG_ASK_USAGE "\n"
		 "export: copy a recording to a btsnoop file, which must not be there yet.\n"
		 "\n"
		 "  --redact           blank keys and names of devices and services, and replace\n"
		 "                     addresses, each by another one wherever it occurs (the\n"
		 "                     default)\n"
		 "  --no-redact        leave everything as it is\n"
		 "\n"
		 "What attributes hold stays, but for the device name; look before posting.\n"
		 "\n"
		 "Exit status: 0 done, 1 failure, 64 usage.\n",
	.run = run,
};
