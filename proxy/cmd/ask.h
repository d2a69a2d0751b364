/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_ASK_H
#define AG_CMD_ASK_H

/* What the subcommands that ask a running attgate have in common. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "proxy/cmd/cmd.h"

/** An option of one subcommand: a flag, or one with a value. A table ends with a name of NULL. */
struct ag_ask_option {
	const char *name; /* "--filter" */
	bool *flag;
	const char **value;
};

struct ag_ask {
	const struct ag_command *command;
	const char *controller; /* as named on the command line, or NULL */
	const char *control;    /* --control, or NULL */
	bool json;              /* --json */
	bool help;              /* --help: the usage has been printed */
	FILE *stream;           /* to whom is asked, or NULL */
	char *line;             /* the last line that came, with its end */
	size_t size;
};

/**
 * Read the command line: [CONTROLLER] [--control PATH] [--json] and the options of @extra.
 *
 * @ask:    all zero; cleared with ag_ask_clear()
 * @extra:  may be NULL
 * @return: AG_EXIT_OK, or AG_EXIT_USAGE and the line is printed
 */
int ag_ask_parse(struct ag_ask *ask, const struct ag_command *command, int argc, char **argv,
		 const struct ag_ask_option *extra);

void ag_ask_clear(struct ag_ask *ask);

/**
 * Connect, send a request and read its answer, which is in ask->line too.
 *
 * @request: one line of JSON
 * @reply:   for json_decref(); untouched unless AG_EXIT_OK
 * @return:  AG_EXIT_OK, or AG_EXIT_FAILURE and a line on standard error says why
 */
int ag_ask(struct ag_ask *ask, const char *request, json_t **reply);

/** Read one more line. @reply: as ag_ask(). @return: AG_EXIT_OK or AG_EXIT_FAILURE: no more come */
int ag_ask_next(struct ag_ask *ask, json_t **reply);

static inline void ag_json_cleanup(json_t **json)
{
	json_decref(*json);
}

/** Members of an object; what is not there is NULL, 0 or "". */
const json_t *ag_reply_member(const json_t *object, const char *key);
unsigned long long ag_reply_number(const json_t *object, const char *key);
double ag_reply_real(const json_t *object, const char *key);
const char *ag_reply_string(const json_t *object, const char *key);

/** A time in words: "12.3 s", "2 h 5 min". `out` takes 32 octets. */
void ag_words_time(double seconds, char out[32]);

/** The usage's part on what ag_ask_parse() takes. */
#define AG_ASK_USAGE                                                                               \
	"  CONTROLLER      as `attgate run --controller' names it; not needed where one runs\n"    \
	"  --control PATH  the socket, where it is not the controller's own\n"                     \
	"  --json          the answer as one line of JSON, see attgate-control(7)\n"               \
	"  --help          this text\n"

#endif
