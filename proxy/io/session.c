/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/session.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/decisions.h"
#include "proxy/io/log.h"
#include "proxy/io/notify.h"
#include "proxy/io/opener.h"
#include "proxy/io/pump.h"
#include "proxy/io/rulefiles.h"

/* Sessions do not follow each other faster than this, unless a new connection asks for one. */
#define PACE_MS 1000
/* How long an end waits for a bind() that is stuck in a driver. */
#define PATIENCE_S 0.5

/* Faults are injected the same way each time, so that what they did can be looked for again. */
#define SEED 1

#define N_SIGNALS 4

struct session {
	const struct ag_session_config *config;
	struct ev_loop *loop;
	struct ag_transport *transport[2];
	struct ag_opener opener;
	struct ag_pump pump;
	struct ag_engine *engine; /* NULL while the sides are not both open */
	struct ag_ruleset *rules;
	struct ag_decisions decisions;
	struct ev_signal signal[N_SIGNALS];
	struct ev_timer patience;
	uint64_t opened_us;
	bool ready_told;
	bool ending;
	int result;
};

static void free_ruleset(struct ag_ruleset **rules)
{
	ag_ruleset_free(*rules);
}

/* ---- Rules
 * ------------------------------------------------------------------------------------------ */

/* Compile, and log what was found. */
static int load_rules(const struct ag_session_config *config, struct ag_ruleset **out)
{
	ag_autofree char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	int r;

	if (!errors)
		return -ENOMEM;
	r = ag_rulefiles_compile(config->rules, config->n_rules, out, errors);
	if (fclose(errors) != 0 && r == 0) {
		ag_ruleset_free(*out);
		*out = NULL;
		return -ENOMEM;
	}
	ag_log_lines(r == 0 ? AG_LOG_WARNING : AG_LOG_ERROR, text);
	return r;
}

static void reload(struct session *session)
{
	ag_cleanup(free_ruleset) struct ag_ruleset *rules = NULL;
	int r;

	ag_notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, ag_now_us());
	r = load_rules(session->config, &rules);
	if (r == 0 && session->engine)
		r = ag_engine_set_rules(session->engine, rules);
	if (r == 0) {
		struct ag_ruleset *old = session->rules;

		session->rules = ag_take(rules);
		ag_ruleset_free(old);
		ag_log(AG_LOG_NOTICE, "rules read again: %zu in force",
		       ag_ruleset_count(session->rules));
	} else {
		ag_log(AG_LOG_ERROR, "rules not read again (%s): the %zu that were in force stay",
		       r < 0 ? strerror(-r) : "they have errors", ag_ruleset_count(session->rules));
	}
	ag_notify("READY=1");
}

/* ---- A session from open to close
 * ------------------------------------------------------------------- */

static void start_opening(struct session *session, bool patient, unsigned int pause_ms);

static void tell_ready(struct session *session, const char *status)
{
	ag_notify("%sSTATUS=%s", session->ready_told ? "" : "READY=1\n", status);
	session->ready_told = true;
}

static void close_sides(struct session *session)
{
	ag_pump_stop(&session->pump);
	if (session->engine)
		ag_decisions_summary(session->engine, session->rules, &session->pump.counters);
	ag_engine_free(session->engine);
	session->engine = NULL;
	/* the virtual controller goes before the real one comes back */
	ag_transport_close(session->transport[AG_SIDE_HOST]);
	ag_transport_close(session->transport[AG_SIDE_CONTROLLER]);
}

static void end(struct session *session, int result)
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
	struct session *session = timer->data;

	(void)loop;
	(void)events;
	ag_log(AG_LOG_WARNING, "ending while %s is still being opened",
	       session->config->address[session->opener.side].text);
	for (size_t i = 0; i < 2; i++) {
		if (session->config->address[i].kind == AG_ADDRESS_UNIX_LISTEN)
			unlink(session->config->address[i].path);
	}
	_exit(session->result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Where a new connection asks for the next session, it gets it at once. */
static unsigned int pause_before_next(const struct session *session)
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
	struct session *session = user;
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

static int make_engine(struct session *session)
{
	struct ag_engine_config config = {
		.rules = session->rules,
		.tap = ag_decisions_tap,
		.tap_user = &session->decisions,
		.seed = SEED,
		.early_acl_us = session->transport[AG_SIDE_CONTROLLER]->ops->early_acl_us,
		.dry_run = session->config->dry_run,
	};

	for (size_t i = 0; i < 2; i++)
		config.acl_max[i] = session->transport[i]->ops->acl_max;
	return ag_engine_new(&config, &session->engine);
}

static void log_opened(struct session *session)
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

static void on_opened(void *user, int result, enum ag_side side)
{
	struct session *session = user;

	if (session->ending) {
		close_sides(session);
		ev_break(session->loop, EVBREAK_ALL);
		return;
	}
	if (result == 0)
		result = make_engine(session);
	if (result == 0) {
		session->opened_us = ag_now_us();
		log_opened(session);
		ag_pump_start(&session->pump, session->loop, session->transport, session->engine,
			      on_ended, session);
		return;
	}
	ag_log(AG_LOG_ERROR, "%s",
	       result == -ENOMEM ? "out of memory" : session->transport[side]->why);
	if (result == -ECONNRESET && !session->config->once)
		start_opening(session, true, PACE_MS);
	else
		end(session, result);
}

static void start_opening(struct session *session, bool patient, unsigned int pause_ms)
{
	int r = ag_opener_start(&session->opener, patient, pause_ms);

	if (r < 0) {
		ag_log(AG_LOG_ERROR, "no thread: %s", strerror(-r));
		end(session, r);
	}
}

/* ---- Signals
 * ----------------------------------------------------------------------------------------- */

static void on_end(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	(void)loop;
	(void)events;
	end(watcher->data, 0);
}

static void on_reload(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	(void)loop;
	(void)events;
	reload(watcher->data);
}

static void on_summary(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	struct session *session = watcher->data;

	(void)loop;
	(void)events;
	if (session->engine)
		ag_decisions_summary(session->engine, session->rules, &session->pump.counters);
	else
		ag_log(AG_LOG_INFO, "no session at the moment");
}

static void watch_signals(struct session *session)
{
	static const struct {
		int number;
		void (*handler)(struct ev_loop *, struct ev_signal *, int);
	} rows[N_SIGNALS] = {
		{ SIGTERM, on_end },
		{ SIGINT, on_end },
		{ SIGHUP, on_reload },
		{ SIGUSR1, on_summary },
	};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < N_SIGNALS; i++) {
		ev_signal_init(&session->signal[i], rows[i].handler, rows[i].number);
		session->signal[i].data = session;
		ev_signal_start(session->loop, &session->signal[i]);
	}
}

/* ---- The whole
 * ---------------------------------------------------------------------------------------- */

/* Make a transport, and let it fail early where it can. */
static int prepare(struct session *session, enum ag_side side)
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

static int run(struct session *session)
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

static int load_and_run(struct session *session)
{
	int r = load_rules(session->config, &session->rules);

	if (r < 0)
		ag_log(AG_LOG_ERROR, "rules: %s", strerror(-r));
	if (r != 0)
		return r < 0 ? r : AG_SESSION_RULES;
	r = prepare(session, AG_SIDE_CONTROLLER);
	if (r == 0)
		r = prepare(session, AG_SIDE_HOST);
	if (r != 0)
		return r;
	if (ag_ruleset_count(session->rules))
		ag_log(AG_LOG_INFO, "%zu rules in force", ag_ruleset_count(session->rules));
	else
		ag_log(AG_LOG_WARNING, "no rules: everything is forwarded");
	return run(session);
}

int ag_session_run(const struct ag_session_config *config)
{
	struct session *session = calloc(1, sizeof(*session));
	int r = -ENOMEM;

	if (session)
		session->loop = ev_loop_new(EVFLAG_AUTO);
	if (!session || !session->loop) {
		ag_log(AG_LOG_ERROR, "out of memory");
		free(session);
		return r;
	}
	session->config = config;
	session->decisions.verbose = config->verbose;
	session->decisions.dry_run = config->dry_run;
	/* signals first: one that comes while rules are read is not to end the process as it is */
	watch_signals(session);
	r = load_and_run(session);
	ag_transport_free(session->transport[AG_SIDE_HOST]);
	ag_transport_free(session->transport[AG_SIDE_CONTROLLER]);
	ag_ruleset_free(session->rules);
	ev_loop_destroy(session->loop);
	free(session);
	return r;
}
