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
#include "proxy/engine/pass.h"
#include "proxy/io/btmon.h"
#include "proxy/io/control.h"
#include "proxy/io/control_socket.h"
#include "proxy/io/decisions.h"
#include "proxy/io/hci_setup.h"
#include "proxy/io/log.h"
#include "proxy/io/metrics_file.h"
#include "proxy/io/notify.h"
#include "proxy/io/opener.h"
#include "proxy/io/pump.h"
#include "proxy/io/reload.h"
#include "proxy/io/rulebook.h"
#include "proxy/io/shadow.h"
#include "proxy/io/store.h"
#include "proxy/io/tally.h"
#include "proxy/io/taps.h"

/* Sessions do not follow each other faster than this, unless a new connection asks for one. */
#define PACE_MS 1000
/* How long an end waits for a bind() that is stuck in a driver. */
#define PATIENCE_S 0.5
/* How long the end waits for the disk that a recording is written to. */
#define RECORD_WAIT_MS 2000

/* Faults are injected the same way each time, so that what they did can be looked for again. */
#define SEED 1

#define N_SIGNALS 4

struct session {
	struct ag_taps taps; /* who is told of decisions */
	const struct ag_session_config *config;
	struct ev_loop *loop;
	struct ag_transport *transport[2];
	struct ag_opener opener;
	struct ag_pump pump;
	struct ag_engine *engine; /* NULL while the sides are not both open */
	struct ag_rulebook rules;
	struct ag_reload *reload;
	struct ag_reload *shadow_reload; /* NULL: there is no shadow */
	struct ag_tally tally;
	struct ag_control *control; /* NULL: none */
	char *control_path;
	struct ag_metrics_file *metrics;
	struct ag_store *store;
	struct ag_decisions decisions;
	struct ag_recorder recorder;
	struct ag_btmon btmon;
	struct ag_shadow shadow;
	struct ag_setup_watch setup; /* of the virtual controller, by the kernel */
	struct ev_signal signal[N_SIGNALS];
	struct ev_timer patience;
	uint64_t started_us;
	uint64_t opened_us;
	bool ready_told;
	bool given_up; /* the virtual controller, by the kernel, and no other is shown yet */
	bool ending;
	int result;
};

static bool is_stream(const struct ag_address *address)
{
	return address->kind != AG_ADDRESS_HCI && address->kind != AG_ADDRESS_BDADDR;
}

/* ---- Rules ---- */

/* Put other rules in force; takes them over where it succeeds. */
static int replace_rules(struct session *session, struct ag_rulebook *book)
{
	ag_autofree uint64_t *hits = NULL;
	int r = ag_tally_carry(&session->tally, session->engine, session->rules.set, book->set,
			       &hits);

	if (r == 0 && session->engine)
		r = ag_engine_set_rules(session->engine, book->set);
	if (r < 0)
		return r;
	if (session->engine)
		ag_pump_wake(&session->pump);
	ag_tally_take(&session->tally, book->set, ag_take(hits));
	ag_rulebook_clear(&session->rules);
	session->rules = *book;
	*book = (struct ag_rulebook){ .set = NULL };
	return 0;
}

static void log_findings(int result, const char *text)
{
	ag_log_lines(result == 0 ? AG_LOG_WARNING : AG_LOG_ERROR, text);
}

static bool is_reading(const struct ag_reload *reload)
{
	return reload && ag_reload_is_busy(reload);
}

/* The manager was told that rules are read: tell it when none are any more. While we start it waits
 * for tell_ready(), and would take this for that. */
static void tell_reloaded(const struct session *session)
{
	if (session->ready_told && !is_reading(session->reload) &&
	    !is_reading(session->shadow_reload))
		ag_notify("READY=1");
}

/* ---- Rules that only look on ---- */

static void set_shadow(struct session *session, struct ag_rulebook *book)
{
	ag_shadow_summary(&session->shadow);
	ag_shadow_set(&session->shadow, ag_take(book->set), SEED);
	ag_log(AG_LOG_INFO, "shadow: %zu rules look on", ag_ruleset_count(session->shadow.set));
}

static void on_shadow_reloaded(void *user, uint64_t number, int result, struct ag_rulebook *book,
			       const char *text)
{
	struct session *session = user;

	(void)number;
	log_findings(result, text);
	if (result == 0)
		set_shadow(session, book);
	else
		ag_log(AG_LOG_ERROR, "shadow: not read again, those that were there look on");
	tell_reloaded(session);
}

static int load_shadow(struct session *session)
{
	const struct ag_session_config *config = session->config;
	ag_cleanup(ag_rulebook_clear) struct ag_rulebook book = { .set = NULL };
	ag_autofree char *text = NULL;
	int r;

	if (config->n_shadow == 0)
		return 0;
	r = ag_rulebook_read(config->shadow, config->n_shadow, &book, &text);
	log_findings(r, text);
	if (r == 0)
		r = ag_reload_new(config->shadow, config->n_shadow, session->loop,
				  on_shadow_reloaded, session, &session->shadow_reload);
	if (r != 0)
		return r;
	set_shadow(session, &book);
	ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_shadow_tap,
						      .user = &session->shadow,
						      .wants_all = ag_shadow_wants_all });
	return 0;
}

/* ---- Rules that are read again ---- */

static void log_not_read(const struct session *session, int result)
{
	ag_log(AG_LOG_ERROR, "rules not read again (%s): the %zu that were in force stay",
	       result < 0 ? strerror(-result) : "they have errors",
	       ag_ruleset_count(session->rules.set));
}

static void on_reloaded(void *user, uint64_t number, int result, struct ag_rulebook *book,
			const char *text)
{
	struct session *session = user;

	log_findings(result, text);
	if (result == 0)
		result = replace_rules(session, book);
	if (result == 0)
		ag_log(AG_LOG_NOTICE, "rules read again: %zu in force",
		       ag_ruleset_count(session->rules.set));
	else
		log_not_read(session, result);
	tell_reloaded(session);
	if (session->control)
		ag_control_reloaded(session->control, number, result, text);
}

/* @number: as ag_reload_ask(), as is the result */
static int reload(struct session *session, uint64_t *number)
{
	uint64_t shadow_number;
	int r;

	if (session->ready_told)
		ag_notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, ag_now_us());
	r = ag_reload_ask(session->reload, number);
	if (session->shadow_reload && ag_reload_ask(session->shadow_reload, &shadow_number) < 0)
		ag_log(AG_LOG_ERROR, "shadow: not read again, those that were there look on");
	if (r < 0)
		log_not_read(session, r);
	tell_reloaded(session);
	return r;
}

/* ---- A session from open to close ---- */

static void start_opening(struct session *session, bool patient, unsigned int pause_ms);

static void tell_ready(struct session *session, const char *status)
{
	ag_notify("%sSTATUS=%s", session->ready_told ? "" : "READY=1\n", status);
	session->ready_told = true;
}

static void close_host(struct session *session)
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
static void close_sides(struct session *session)
{
	close_host(session);
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
	ag_metrics_file_close(session->metrics);
	ag_recorder_stop(&session->recorder, RECORD_WAIT_MS);
	ag_control_free(session->control);
	ag_store_free(session->store);
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

/* Nobody but the kernel has seen that virtual controller, and nobody ever will: another one takes
 * its place. The real one stays ours meanwhile, or bluetoothd would take it. */
static void on_given_up(void *user, unsigned int pause_ms)
{
	struct session *session = user;
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

static int make_engine(struct session *session)
{
	struct ag_engine_config config = {
		.rules = session->rules.set,
		.tap = ag_taps_tap,
		.pass = ag_taps_pass,
		.tap_user = &session->taps,
		.keeper = ag_store_keeper(session->store),
		.identities = ag_store_identities(session->store),
		.seed = SEED,
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

static void tell_watchers_of_sides(struct session *session)
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

static void start_opening(struct session *session, bool patient, unsigned int pause_ms)
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
	(void)reload(watcher->data, &number);
}

static void on_summary(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	struct session *session = watcher->data;

	(void)loop;
	(void)events;
	if (session->engine) {
		ag_decisions_summary(session->engine, session->rules.set, &session->pump.counters);
		ag_shadow_summary(&session->shadow);
	} else {
		ag_log(AG_LOG_INFO, "no session at the moment");
	}
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
	/* a recording that may not grow is like one on a full disk */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < N_SIGNALS; i++) {
		ev_signal_init(&session->signal[i], rows[i].handler, rows[i].number);
		session->signal[i].data = session;
		ev_signal_start(session->loop, &session->signal[i]);
	}
}

static void unwatch_signals(struct session *session)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		ev_signal_stop(session->loop, &session->signal[i]);
}

/* ---- Control ---- */

static void view(void *user, struct ag_control_view *out)
{
	const struct session *session = user;

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
	struct session *session = user;
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
	return reload(user, number);
}

/* Where it listens: as was said, or by the controller's name. A stream has no name that is short
 * and the same for whoever asks. @return: 0 (session->control_path may be NULL: nowhere), -ENOMEM
 */
static int choose_control_path(struct session *session)
{
	const char *given = session->config->control;
	const struct ag_address *address = &session->config->address[AG_SIDE_CONTROLLER];

	if (given && strcmp(given, "none") == 0)
		return 0;
	if (given)
		session->control_path = strdup(given);
	else if (!is_stream(address))
		session->control_path = ag_control_path(address->text);
	else
		return 0;
	return session->control_path ? 0 : -ENOMEM;
}

/* Who asked for the socket by name gets it or an error; by default it is a convenience. */
static int start_control(struct session *session)
{
	struct ag_control_config config = {
		.group = session->config->control_group,
		.host = { view, reload_asked, session, record_asked },
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

static int start_metrics(struct session *session)
{
	struct ag_control_host host = { view, reload_asked, session, record_asked };
	const char *path = session->config->metrics_file;
	int r;

	if (!path)
		return 0;
	r = ag_metrics_file_open(path, &host, session->loop, &session->metrics);
	if (r < 0)
		ag_log(AG_LOG_ERROR, "metrics cannot be written to %s: %s", path, strerror(-r));
	return r;
}

/* ---- The whole ---- */

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

/* What is played over a stream is nothing that a later run should know, unless somebody says so. */
static int start_store(struct session *session)
{
	struct ag_store_config config = {
		.dir = session->config->state_dir,
		.keep_identities = session->config->keep_identities,
	};
	int r;

	if (!config.dir && !is_stream(&session->config->address[AG_SIDE_CONTROLLER]))
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

static int start_recording(struct session *session)
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

static void start_btmon(struct session *session)
{
	const struct ag_session_config *config = session->config;
	bool kernel = config->address[AG_SIDE_HOST].kind == AG_ADDRESS_VHCI ||
		      config->address[AG_SIDE_CONTROLLER].kind == AG_ADDRESS_HCI ||
		      config->address[AG_SIDE_CONTROLLER].kind == AG_ADDRESS_BDADDR;

	session->btmon.all = config->btmon == AG_BTMON_ALL;
	if (session->btmon.all || config->btmon == AG_BTMON_ON ||
	    (config->btmon == AG_BTMON_AUTO && kernel))
		ag_btmon_open(&session->btmon);
	if (session->btmon.fd >= 0)
		ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_btmon_tap,
							      .user = &session->btmon,
							      .wants_all = ag_btmon_wants_all });
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

/* At start-up there are no packets yet that would wait. */
static int load_first(struct session *session)
{
	const struct ag_session_config *config = session->config;
	ag_autofree char *text = NULL;
	int r = ag_rulebook_read(config->rules, config->n_rules, &session->rules, &text);

	log_findings(r, text);
	if (r == 0)
		r = ag_tally_init(&session->tally, session->rules.set);
	if (r == 0)
		r = ag_reload_new(config->rules, config->n_rules, session->loop, on_reloaded,
				  session, &session->reload);
	return r;
}

static void tell_of_rules(const struct session *session)
{
	size_t count = ag_ruleset_count(session->rules.set);

	if (count)
		ag_log(AG_LOG_INFO, "%zu rules in force", count);
	else
		ag_log(AG_LOG_WARNING, "no rules: everything is forwarded");
}

static int load_and_run(struct session *session)
{
	int r = load_first(session);

	if (r < 0)
		ag_log(AG_LOG_ERROR, "rules: %s", strerror(-r));
	if (r != 0)
		return r < 0 ? r : AG_SESSION_RULES;
	r = load_shadow(session);
	if (r != 0)
		return r < 0 ? r : AG_SESSION_RULES;
	start_btmon(session);
	r = start_store(session);
	if (r == 0)
		r = start_recording(session);
	if (r == 0)
		r = prepare(session, AG_SIDE_CONTROLLER);
	if (r == 0)
		r = prepare(session, AG_SIDE_HOST);
	if (r == 0)
		r = start_control(session);
	if (r == 0)
		r = start_metrics(session);
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
	session->started_us = ag_now_us();
	session->btmon.fd = -1;
	session->decisions.verbose = config->verbose;
	session->decisions.dry_run = config->dry_run;
	ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_decisions_tap,
						      .user = &session->decisions,
						      .wants_all = ag_decisions_wants_all });
	ag_taps_add(&session->taps, &(struct ag_tap){ .tap = ag_recorder_tap,
						      .user = &session->recorder,
						      .wants_all = ag_recorder_wants_all });
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
