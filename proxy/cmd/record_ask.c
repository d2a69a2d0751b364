/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/record_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/cmd/ask.h"

/* What `start` takes besides whom to ask. */
struct start {
	const char *file;
	const char *size;
	const char *count;
	uint64_t octets;
	uint64_t files;
};

/* The answer says what it does before the disk has everything; until then the file is locked. */
static void wait_until_complete(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	(void)flock(fd, LOCK_SH);
	close(fd);
}

static int parse_start(struct start *start)
{
	if (start->size && ag_parse_size(start->size, &start->octets) != 0)
		return ag_usage_error(&ag_cmd_record,
				      "--size `%s' is not understood; it is a number of octets, "
				      "like 500K, 10M or 1G",
				      start->size);
	if (start->count && ag_parse_size(start->count, &start->files) != 0)
		return ag_usage_error(&ag_cmd_record,
				      "--count `%s' is not understood; it is a number of files",
				      start->count);
	return AG_EXIT_OK;
}

/* From the root, as the one who is asked stands elsewhere. @return: for free(), or NULL */
static char *absolute(const char *path)
{
	ag_autofree char *here = path[0] == '/' ? strdup("") : getcwd(NULL, 0);
	char *text;

	if (!here || asprintf(&text, "%s%s%s", here, here[0] ? "/" : "", path) < 0)
		return NULL;
	return text;
}

/* @return: a line for free(), or NULL */
static char *start_request(const struct start *start)
{
	ag_autofree char *path = absolute(start->file);
	char *text = NULL;
	size_t len;
	FILE *out = path ? open_memstream(&text, &len) : NULL;
	struct ag_json json;

	if (!out)
		return NULL;
	json = ag_json_begin(out);
	ag_json_string(&json, "request", "record");
	ag_json_string(&json, "action", "start");
	ag_json_string(&json, "path", path);
	if (start->size)
		ag_json_number(&json, "size", start->octets);
	if (start->count)
		ag_json_number(&json, "count", start->files);
	ag_json_end(&json);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void show(const struct ag_ask *ask, const json_t *reply, const char *action)
{
	const char *file = ag_reply_string(reply, "file");

	if (strcmp(action, "start") != 0)
		wait_until_complete(file);
	if (ask->json)
		fputs(ask->line, stdout);
	else if (strcmp(action, "start") == 0)
		printf("recording to %s\n", file);
	else
		printf("%s is complete%s\n", file,
		       strcmp(action, "rotate") == 0 ? ", and the next has begun" : "");
}

static int ask_and_show(struct ag_ask *ask, const char *action, const char *request)
{
	ag_cleanup(ag_json_cleanup) json_t *reply = NULL;
	int status = ag_ask(ask, request, &reply);

	if (reply)
		show(ask, reply, action);
	return status;
}

static int ask_to_start(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	ag_autofree char *request = NULL;
	struct start start = { .file = NULL };
	const struct ag_ask_option options[] = {
		{ "--size", NULL, &start.size },
		{ "--count", NULL, &start.count },
		{ NULL, NULL, NULL },
	};
	int status;

	if (argc < 2 || argv[1][0] == '-')
		return ag_usage_error(&ag_cmd_record, "start takes the file to record to first");
	start.file = argv[1];
	status = ag_ask_parse(&ask, &ag_cmd_record, argc - 1, argv + 1, options);
	if (status == AG_EXIT_OK)
		status = parse_start(&start);
	if (status != AG_EXIT_OK || ask.help)
		return status;
	request = start_request(&start);
	if (!request) {
		fprintf(stderr, "attgate record: %s\n", strerror(errno ? errno : ENOMEM));
		return AG_EXIT_FAILURE;
	}
	return ask_and_show(&ask, "start", request);
}

int ag_record_ask(int argc, char **argv)
{
	ag_cleanup(ag_ask_clear) struct ag_ask ask = { .command = NULL };
	bool stop = strcmp(argv[0], "stop") == 0;
	int status;

	if (strcmp(argv[0], "start") == 0)
		return ask_to_start(argc, argv);
	status = ag_ask_parse(&ask, &ag_cmd_record, argc, argv, NULL);
	if (status != AG_EXIT_OK || ask.help)
		return status;
	return ask_and_show(&ask, argv[0],
			    stop ? "{\"request\": \"record\", \"action\": \"stop\"}"
				 : "{\"request\": \"record\", \"action\": \"rotate\"}");
}
