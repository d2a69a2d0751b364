/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_CONTROL_REQUEST_H
#define AG_IO_CONTROL_REQUEST_H

/* One line of the control protocol in, the line that answers it out. No sockets here. */

#include <stdio.h>

#include "proxy/io/control_view.h"

/** What is to come of a request besides its answer. */
struct ag_control_watch {
	uint64_t reload; /* not 0: no line is written, ag_control_answer_reload() does
			  * when the reading of that number is done */
	/* of a trace */
	bool wanted;
	bool from_start;           /* begin with the oldest decision that is kept */
	struct ag_ruleset *filter; /* for ag_ruleset_free(), or NULL: everything */
};

/** Who is asked. */
struct ag_control_asked {
	const struct ag_control_host *host;
	size_t clients;
	size_t watchers;
	uint64_t lost;
	bool is_owner;      /* root or our own user: may have files written */
	bool watchers_full; /* a trace is refused */
};

/**
 * Answer a request.
 *
 * @line:   without its line end; any octets
 * @out:    where exactly one line is written, an error's if the request is wrong
 * @watch:  all zero; filled where a trace is asked for and granted, or the rules are read again
 */
void ag_control_answer(const struct ag_control_asked *asked, const char *line, size_t len,
		       FILE *out, struct ag_control_watch *watch);

/** Write the line that answers a request for the rules to be read again; arguments as those of
 *  ag_reloaded_fn. */
void ag_control_answer_reload(const struct ag_control_asked *asked, int result, const char *text,
			      FILE *out);

/** Write an error's line. */
void ag_control_error(FILE *out, const char *code, const char *message);

#endif
