/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of a session, and what can be asked of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/io/control_socket.h"
#include "proxy/io/log.h"
#include "proxy/io/session_internal.h"

static void view(void *user, struct ag_control_view *out)
{
	const struct ag_session *session = user;

	*out = (struct ag_control_view){
		.engine = session->engine,
		.pump = session->engine ? &session->pump.counters : NULL,
		.transport = { session->transport[0], session->transport[1] },
		.rules = &session->rules,
		.tally = &session->tally,
		.store = session->store,
		.started_us = session->started_us,
		.opened_us = session->opened_us,
		.now_us = ag_now_us(),
		.dry_run = session->config->dry_run,
	};
}

static int record_asked(void *user, enum ag_control_recording what,
			const struct ag_record_config *config, char file[AG_CONTROL_FILE_MAX])
{
	struct ag_session *session = user;
	int r = AG_RECORD_IDLE;

	if (what != AG_CONTROL_RECORD_START)
		ag_recorder_name(&session->recorder, file, AG_CONTROL_FILE_MAX);
	switch (what) {
	case AG_CONTROL_RECORD_START:
		r = ag_recorder_start(&session->recorder, config);
		break;
	case AG_CONTROL_RECORD_STOP:
		r = ag_recorder_stop(&session->recorder, 0);
		break;
	case AG_CONTROL_RECORD_ROTATE:
		r = ag_recorder_rotate(&session->recorder);
		break;
	}
	if (r == 0 && what == AG_CONTROL_RECORD_START)
		ag_recorder_name(&session->recorder, file, AG_CONTROL_FILE_MAX);
	return r;
}

static int reload_asked(void *user, uint64_t *number)
{
	return ag_session_reload(user, number);
}

static struct ag_control_host host_of(struct ag_session *session)
{
	return (struct ag_control_host){ view, reload_asked, session, record_asked };
}

/* Where it listens: as was said, or by the controller's name. A stream has no name that is short
 * and the same for whoever asks. @return: 0 (session->control_path may be NULL: nowhere), -ENOMEM
 */
static int choose_control_path(struct ag_session *session)
{
	const char *given = session->config->control;
	const struct ag_address *address = &session->config->address[AG_SIDE_CONTROLLER];

	if (given && strcmp(given, "none") == 0)
		return 0;
	if (given)
		session->control_path = strdup(given);
	else if (!ag_address_is_stream(address))
		session->control_path = ag_control_path(address->text);
	else
		return 0;
	return session->control_path ? 0 : -ENOMEM;
}

/* Who asked for the socket by name gets it or an error; by default it is a convenience. */
int ag_session_start_control(struct ag_session *session)
{
	struct ag_control_config config = {
		.group = session->config->control_group,
		.host = host_of(session),
	};
	char why[256] = "out of memory";
	int r = choose_control_path(session);

	if (r == 0 && !session->control_path)
		return 0;
	config.path = session->control_path;
	if (r == 0)
		r = ag_control_new(&config, session->loop, why, &session->control);
	if (r == 0) {
		ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_control_tap,
							      .user = session->control,
							      .pass = ag_control_pass });
		return 0;
	}
	if (session->config->control || session->config->control_group) {
		ag_log(AG_LOG_ERROR, "no control socket: %s", why);
		return r;
	}
	ag_log(AG_LOG_WARNING, "no control socket: %s", why);
	return 0;
}

int ag_session_start_metrics(struct ag_session *session)
{
	struct ag_control_host host = host_of(session);
	const char *path = session->config->metrics_file;
	int r;

	if (!path)
		return 0;
	r = ag_metrics_file_open(path, &host, session->loop, &session->metrics);
	if (r < 0)
		ag_log(AG_LOG_ERROR, "metrics cannot be written to %s: %s", path, strerror(-r));
	return r;
}
