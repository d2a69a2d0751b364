/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of a session, and those that only look on: read at first and again, and put in force.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/log.h"
#include "proxy/io/notify.h"
#include "proxy/io/session_internal.h"

/* ---- Rules in force ---- */

/* Put other rules in force; takes them over where it succeeds. */
static int replace_rules(struct ag_session *session, struct ag_rulebook *book)
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
static void tell_reloaded(const struct ag_session *session)
{
	if (session->ready_told && !is_reading(session->reload) &&
	    !is_reading(session->shadow_reload))
		ag_notify("READY=1");
}

/* ---- Rules that only look on ---- */

static void set_shadow(struct ag_session *session, struct ag_rulebook *book)
{
	ag_shadow_summary(&session->shadow);
	ag_shadow_set(&session->shadow, ag_take(book->set), AG_ENGINE_SEED);
	ag_log(AG_LOG_INFO, "shadow: %zu rules look on", ag_ruleset_count(session->shadow.set));
}

static void log_shadow_not_read(void)
{
	ag_log(AG_LOG_ERROR, "shadow: not read again, those that were there look on");
}

static void on_shadow_reloaded(void *user, uint64_t number, int result, struct ag_rulebook *book,
			       const char *text)
{
	struct ag_session *session = user;

	(void)number;
	log_findings(result, text);
	if (result == 0)
		set_shadow(session, book);
	else
		log_shadow_not_read();
	tell_reloaded(session);
}

static int load_shadow(struct ag_session *session)
{
	static const bool always = true;
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
						      .wants_all = &always });
	return 0;
}

/* ---- Rules that are read again ---- */

static void log_not_read(const struct ag_session *session, int result)
{
	ag_log(AG_LOG_ERROR, "rules not read again (%s): the %zu that were in force stay",
	       result < 0 ? strerror(-result) : "they have errors",
	       ag_ruleset_count(session->rules.set));
}

static void on_reloaded(void *user, uint64_t number, int result, struct ag_rulebook *book,
			const char *text)
{
	struct ag_session *session = user;

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

int ag_session_reload(struct ag_session *session, uint64_t *number)
{
	uint64_t shadow_number;
	int r;

	if (session->ready_told)
		ag_notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, ag_now_us());
	r = ag_reload_ask(session->reload, number);
	if (session->shadow_reload && ag_reload_ask(session->shadow_reload, &shadow_number) < 0)
		log_shadow_not_read();
	if (r < 0)
		log_not_read(session, r);
	tell_reloaded(session);
	return r;
}

/* ---- The beginning ---- */

/* At start-up there are no packets yet that would wait. */
static int load_first(struct ag_session *session)
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

int ag_session_load_rules(struct ag_session *session)
{
	int r = load_first(session);

	if (r == 0)
		r = load_shadow(session);
	if (r < 0)
		ag_log(AG_LOG_ERROR, "rules: %s", strerror(-r));
	return r > 0 ? AG_SESSION_RULES : r;
}
