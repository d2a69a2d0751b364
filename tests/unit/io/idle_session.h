/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_TEST_IDLE_SESSION_H
#define AG_TEST_IDLE_SESSION_H

/* A session that has not begun, as the control socket sees it. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/io/control.h"

struct idle_session {
	struct ag_transport transport[2];
	struct ag_rulebook rules;
	struct ag_tally tally;
	struct ag_control_view view;
};

/** @rule: of a.rules, the only one in force; the view stays valid as long as the session */
static inline void idle_session_init(struct idle_session *session, const char *rule)
{
	struct ag_source source = { "a.rules", rule, strlen(rule) };

	*session =
	    (struct idle_session){ .transport = {
				       [AG_SIDE_HOST] = { .address = { .text = "vhci" } },
				       [AG_SIDE_CONTROLLER] = { .address = { .text = "hci0" } },
				   } };
	cr_assert_eq(ag_ruleset_compile(&source, 1, &session->rules.set, NULL), 0);
	cr_assert_eq(ag_tally_init(&session->tally, session->rules.set), 0);
	session->view = (struct ag_control_view){
		.transport = { &session->transport[0], &session->transport[1] },
		.rules = &session->rules,
		.tally = &session->tally,
	};
}

static inline void idle_session_clear(struct idle_session *session)
{
	ag_tally_clear(&session->tally);
	ag_rulebook_clear(&session->rules);
}

#endif
