/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/session_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/io/log.h"
#include "proxy/io/notify.h"

/* Sessions do not follow each other faster than this, unless a new connection asks for one. */
#define PACE_MS 1000
/* How long an end waits for a bind() that is stuck in a driver. */
#define PATIENCE_S 0.5
/* How long the end waits for the disk that a recording is written to. */
#define RECORD_WAIT_MS 2000

/* ---- A session from open to close ---- */

static void start_opening(struct ag_session *session, bool patient, unsigned int pause_ms);

static void tell_ready(struct ag_session *session, const char *status)
{
	ag_notify("%sSTATUS=%s", session->ready_told ? "" : "READY=1\n", status);
	session->ready_told = true;
}

static void close_host(struct ag_session *session)
{
	ag_setup_watch_stop(&session->setup);
	ag_pump_stop(&session->pump);
	if (session->engine) {
		ag_decisions_summary(session->engine, session->rules.set, &session->pump.counters);
		ag_shadow_summary(&session->shadow);
		ag_tally_engine_ends(&session->tally, session->engine, &session->pump.counters);
	}
	ag_store_watch(session->store, NULL);
	ag_engine_free(session->engine);
	session->engine = NULL;
	ag_recorder_closed(&session->recorder);
	ag_transport_close(session->transport[AG_SIDE_HOST]);
}

/* The virtual controller goes before the real one comes back. */
static void close_sides(struct ag_session *session)
{
	close_host(session);
	ag_transport_close(session->transport[AG_SIDE_CONTROLLER]);
}

static void end(struct ag_session *session, int result)
{
	if (session->ending)
		return;
	session->ending = true;
	session->result = result;
	ag_notify("STOPPING=1");
	if (session->opener.running) {
		ag_opener_cancel(&session->opener);
		ev_timer_set(&session->patience, PATIENCE_S, 0.);
		ev_timer_start(session->loop, &session->patience);
		return;
	}
	close_sides(session);
	ev_break(session->loop, EVBREAK_ALL);
}

/* The thread that opens is stuck in the kernel; only the end of the process can wait for it. */
static void on_patience(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ag_session *session = timer->data;

	(void)loop;
	(void)events;
	ag_log(AG_LOG_WARNING, "ending while %s is still being opened",
	       session->config->address[session->opener.side].text);
	for (size_t i = 0; i < 2; i++) {
		if (session->config->address[i].kind == AG_ADDRESS_UNIX_LISTEN)
			unlink(session->config->address[i].path);
	}
	ag_metrics_file_close(session->metrics);
	ag_recorder_stop(&session->recorder, RECORD_WAIT_MS);
	ag_control_free(session->control);
	ag_store_free(session->store);
	_exit(session->result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Where a new connection asks for the next session, it gets it at once. */
static unsigned int pause_before_next(const struct ag_session *session)
{
	uint64_t age_ms = (ag_now_us() - session->opened_us) / 1000;

	for (size_t i = 0; i < 2; i++) {
		if (ag_address_listens(&session->config->address[i]))
			return 0;
	}
	return age_ms < PACE_MS ? (unsigned int)(PACE_MS - age_ms) : 0;
}

static void on_ended(void *user, enum ag_side side, int error)
{
	struct ag_session *session = user;
	bool in_order = error == -EPIPE;

	if (error == -ENOMEM)
		ag_log(AG_LOG_ERROR, "out of memory: the session is ended");
	else
		ag_log(in_order ? AG_LOG_NOTICE : AG_LOG_ERROR, "%s",
		       session->transport[side]->why);
	if (session->config->once) {
		end(session, in_order ? 0 : error);
		return;
	}
	close_sides(session);
	start_opening(session, true, pause_before_next(session));
}

/* Nobody but the kernel has seen that virtual controller, and nobody ever will: another one takes
 * its place. The real one stays ours meanwhile, or bluetoothd would take it. */
static void on_given_up(void *user, unsigned int pause_ms)
{
	struct ag_session *session = user;
	struct ag_transport *host = session->transport[AG_SIDE_HOST];
	int r = ag_vhci_given_up(host);

	if (session->config->once) {
		on_ended(session, AG_SIDE_HOST, r);
		return;
	}
	ag_log(AG_LOG_WARNING, "%s; another one is shown in %u s", host->why, pause_ms / 1000);
	ag_notify("STATUS=%s was given up by the kernel; another one is shown in %u s", host->label,
		  pause_ms / 1000);
	session->given_up = true;
	close_host(session);
	start_opening(session, true, pause_ms);
}

static int make_engine(struct ag_session *session)
{
	struct ag_engine_config config = {
		.rules = session->rules.set,
		.tap = ag_taps_tap,
		.pass = ag_taps_pass,
		.tap_user = &session->taps,
		.keeper = ag_store_keeper(session->store),
		.identities = ag_store_identities(session->store),
		.seed = AG_ENGINE_SEED,
		.numbered = session->tally.numbered,
		.early_acl_us = session->transport[AG_SIDE_CONTROLLER]->ops->early_acl_us,
		.dry_run = session->config->dry_run,
	};
	int r;

	for (size_t i = 0; i < 2; i++)
		config.acl_max[i] = session->transport[i]->ops->acl_max;
	r = ag_engine_new(&config, &session->engine);
	if (r == 0)
		ag_store_watch(session->store, session->engine);
	return r;
}

static void log_opened(struct ag_session *session)
{
	const char *controller = session->transport[AG_SIDE_CONTROLLER]->label;
	const char *host = session->transport[AG_SIDE_HOST]->label;
	char status[400];

	if (session->config->address[AG_SIDE_HOST].kind == AG_ADDRESS_VHCI)
		snprintf(status, sizeof(status), "%s is now %s", controller, host);
	else
		snprintf(status, sizeof(status), "%s is connected with %s", controller, host);
	ag_log(AG_LOG_NOTICE, "%s%s", status, session->config->dry_run ? " (dry run)" : "");
	tell_ready(session, status);
}

static void tell_watchers_of_sides(struct ag_session *session)
{
	/* the virtual controller has the address of the real one */
	uint64_t bdaddr = session->transport[AG_SIDE_CONTROLLER]->bdaddr;

	ag_recorder_opened(&session->recorder, AG_SIDE_CONTROLLER,
			   session->transport[AG_SIDE_CONTROLLER]->label, bdaddr);
	ag_recorder_opened(&session->recorder, AG_SIDE_HOST,
			   session->transport[AG_SIDE_HOST]->label, bdaddr);
	for (size_t i = 0; i < 2; i++)
		ag_btmon_opened(&session->btmon, (enum ag_side)i, session->transport[i]->label);
	ag_pump_watch(&session->pump, ag_recorder_watch, &session->recorder);
}

static void on_opened(void *user, int result, enum ag_side side)
{
	struct ag_session *session = user;

	if (session->ending) {
		close_sides(session);
		ev_break(session->loop, EVBREAK_ALL);
		return;
	}
	if (result == 0)
		result = make_engine(session);
	if (result == 0) {
		session->opened_us = ag_now_us();
		/* it goes on with another virtual controller */
		if (!session->given_up)
			session->tally.sessions++;
		session->given_up = false;
		log_opened(session);
		ag_pump_start(&session->pump, session->loop, session->transport, session->engine,
			      on_ended, session);
		tell_watchers_of_sides(session);
		if (session->config->address[AG_SIDE_HOST].kind == AG_ADDRESS_VHCI)
			ag_setup_watch_start(&session->setup, session->loop,
					     ag_vhci_index(session->transport[AG_SIDE_HOST]),
					     on_given_up, session);
		return;
	}
	ag_log(AG_LOG_ERROR, "%s",
	       result == -ENOMEM ? "out of memory" : session->transport[side]->why);
	if (result == -ECONNRESET && !session->config->once)
		start_opening(session, true, PACE_MS);
	else
		end(session, result);
}

static void start_opening(struct ag_session *session, bool patient, unsigned int pause_ms)
{
	int r = ag_opener_start(&session->opener, patient, pause_ms);

	if (r < 0) {
		ag_log(AG_LOG_ERROR, "no thread: %s", strerror(-r));
		end(session, r);
	}
}

/* ---- Signals ---- */

static void on_end(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	(void)loop;
	(void)events;
	end(watcher->data, 0);
}

static void on_reload(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	uint64_t number;

	(void)loop;
	(void)events;
	(void)ag_session_reload(watcher->data, &number);
}

static void on_summary(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	struct ag_session *session = watcher->data;

	(void)loop;
	(void)events;
	if (session->engine) {
		ag_decisions_summary(session->engine, session->rules.set, &session->pump.counters);
		ag_shadow_summary(&session->shadow);
	} else {
		ag_log(AG_LOG_INFO, "no session at the moment");
	}
}

static void watch_signals(struct ag_session *session)
{
	static const struct {
		int number;
		void (*handler)(struct ev_loop *, struct ev_signal *, int);
	} rows[AG_SESSION_SIGNALS] = {
		{ SIGTERM, on_end },
		{ SIGINT, on_end },
		{ SIGHUP, on_reload },
		{ SIGUSR1, on_summary },
	};

	signal(SIGPIPE, SIG_IGN);
	/* a recording that may not grow is like one on a full disk */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < AG_SESSION_SIGNALS; i++) {
		ev_signal_init(&session->signal[i], rows[i].handler, rows[i].number);
		session->signal[i].data = session;
		ev_signal_start(session->loop, &session->signal[i]);
	}
}

static void unwatch_signals(struct ag_session *session)
{
	for (size_t i = 0; i < AG_SESSION_SIGNALS; i++)
		ev_signal_stop(session->loop, &session->signal[i]);
}

/* ---- The whole ---- */

/* Make a transport, and let it fail early where it can. */
static int prepare(struct ag_session *session, enum ag_side side)
{
	const struct ag_address *address = &session->config->address[side];
	struct ag_transport *transport;
	int r = ag_transport_new(address, &session->transport[side]);

	if (r < 0) {
		ag_log(AG_LOG_ERROR, "out of memory");
		return r;
	}
	transport = session->transport[side];
	transport->local_only = !session->config->allow_remote;
	r = transport->ops->prepare ? transport->ops->prepare(transport) : 0;
	if (r < 0)
		ag_log(AG_LOG_ERROR, "%s", transport->why);
	if (r == -EPERM && address->kind == AG_ADDRESS_TCP_LISTEN)
		return AG_SESSION_REMOTE;
	if (r == 0 && ag_address_listens(address)) {
		ag_log(AG_LOG_NOTICE, "listening at %s", transport->label);
		/* a boot that waits for us must not wait for whoever connects */
		tell_ready(session, "listening");
	}
	return r;
}

/* What is played over a stream is nothing that a later run should know, unless somebody says so. */
static int start_store(struct ag_session *session)
{
	struct ag_store_config config = {
		.dir = session->config->state_dir,
		.keep_identities = session->config->keep_identities,
	};
	int r;

	if (!config.dir && !ag_address_is_stream(&session->config->address[AG_SIDE_CONTROLLER]))
		config.dir = AG_STATE_DIR;
	if (config.dir && strcmp(config.dir, "none") == 0)
		config.dir = NULL;
	r = ag_store_new(&config, session->loop, &session->store);
	if (r < 0)
		ag_log(AG_LOG_ERROR, "what is known of peers cannot be kept: %s", strerror(-r));
	else
		ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_store_tap,
							      .user = session->store,
							      .pass = ag_store_pass });
	return r;
}

static int start_recording(struct ag_session *session)
{
	const struct ag_record_config *record = &session->config->record;
	int r = record->path ? ag_recorder_start(&session->recorder, record) : 0;

	if (r == AG_RECORD_NO_SERIES) {
		ag_log(AG_LOG_ERROR, "%s is no regular file, so it cannot be limited in size",
		       record->path);
		return -EINVAL;
	}
	if (r < 0)
		ag_log(AG_LOG_ERROR, "nothing can be recorded to %s: %s", record->path,
		       strerror(-r));
	return r;
}

static void start_btmon(struct ag_session *session)
{
	const struct ag_session_config *config = session->config;
	bool kernel = !ag_address_is_stream(&config->address[AG_SIDE_HOST]) ||
		      !ag_address_is_stream(&config->address[AG_SIDE_CONTROLLER]);

	session->btmon.all = config->btmon == AG_BTMON_ALL;
	if (session->btmon.all || config->btmon == AG_BTMON_ON ||
	    (config->btmon == AG_BTMON_AUTO && kernel))
		ag_btmon_open(&session->btmon);
	if (session->btmon.fd >= 0)
		ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_btmon_tap,
							      .user = &session->btmon,
							      .wants_all = &session->btmon.all });
}

static int run(struct ag_session *session)
{
	int r = ag_opener_init(&session->opener, session->loop, session->transport, on_opened,
			       session);

	if (r < 0) {
		ag_log(AG_LOG_ERROR, "no event descriptor: %s", strerror(-r));
		return r;
	}
	ev_timer_init(&session->patience, on_patience, 0., 0.);
	session->patience.data = session;
	start_opening(session, false, 0);
	if (!session->ending)
		ev_run(session->loop, 0);
	ag_opener_clear(&session->opener);
	return session->result;
}

static void tell_of_rules(const struct ag_session *session)
{
	size_t count = ag_ruleset_count(session->rules.set);

	if (count)
		ag_log(AG_LOG_INFO, "%zu rules in force", count);
	else
		ag_log(AG_LOG_WARNING, "no rules: everything is forwarded");
}

static int load_and_run(struct ag_session *session)
{
	int r = ag_session_load_rules(session);

	if (r != 0)
		return r;
	start_btmon(session);
	r = start_store(session);
	if (r == 0)
		r = start_recording(session);
	if (r == 0)
		r = prepare(session, AG_SIDE_CONTROLLER);
	if (r == 0)
		r = prepare(session, AG_SIDE_HOST);
	if (r == 0)
		r = ag_session_start_control(session);
	if (r == 0)
		r = ag_session_start_metrics(session);
	if (r == 0) {
		tell_of_rules(session);
		r = run(session);
	}
	ag_metrics_file_close(session->metrics);
	ag_recorder_stop(&session->recorder, RECORD_WAIT_MS);
	ag_btmon_close(&session->btmon);
	return r;
}

int ag_session_run(const struct ag_session_config *config)
{
	struct ag_session *session = calloc(1, sizeof(*session));
	int r = -ENOMEM;

	if (session)
		session->loop = ev_loop_new(EVFLAG_AUTO);
	if (!session || !session->loop) {
		ag_log(AG_LOG_ERROR, "out of memory");
		free(session);
		return r;
	}
	session->config = config;
	session->started_us = ag_now_us();
	session->btmon.fd = -1;
	session->decisions.verbose = config->verbose;
	session->decisions.dry_run = config->dry_run;
	ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_decisions_tap,
						      .user = &session->decisions,
						      .wants_all = &session->decisions.verbose });
	ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_recorder_tap,
						      .user = &session->recorder,
						      .wants_all = &session->recorder.wants_all });
	/* signals first: one that comes while rules are read is not to end the process as it is */
	watch_signals(session);
	r = load_and_run(session);
	ag_reload_free(session->reload);
	ag_reload_free(session->shadow_reload);
	ag_control_free(session->control);
	ag_store_free(session->store);
	free(session->control_path);
	ag_transport_free(session->transport[AG_SIDE_HOST]);
	ag_transport_free(session->transport[AG_SIDE_CONTROLLER]);
	ag_shadow_clear(&session->shadow);
	ag_tally_clear(&session->tally);
	ag_rulebook_clear(&session->rules);
	unwatch_signals(session);
	ev_loop_destroy(session->loop);
	free(session);
	return r;
}
