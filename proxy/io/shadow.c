/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/shadow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proxy/engine/words.h"
#include "proxy/wire/att.h"
#include "proxy/wire/smp.h"

static void forget_links(struct ag_shadow *shadow)
{
	for (size_t i = 0; i < AG_SHADOW_LINKS; i++)
		ag_match_state_free(shadow->link[i].state);
	memset(shadow->link, 0, sizeof(shadow->link));
}

void ag_shadow_clear(struct ag_shadow *shadow)
{
	forget_links(shadow);
	ag_ruleset_free(shadow->set);
	memset(shadow, 0, sizeof(*shadow));
}

void ag_shadow_set(struct ag_shadow *shadow, struct ag_ruleset *set, uint64_t seed)
{
	ag_shadow_clear(shadow);
	shadow->set = set;
	shadow->seed = seed;
}

/* The counters of a link, which has its handle from a time on. @return: NULL: no memory */
static struct ag_match_state *state_of(struct ag_shadow *shadow, const struct ag_link_view *view)
{
	struct ag_shadow_link *oldest = &shadow->link[0];
	struct ag_match_state *state;

	for (size_t i = 0; i < AG_SHADOW_LINKS; i++) {
		struct ag_shadow_link *link = &shadow->link[i];

		if (link->state && link->handle == view->handle &&
		    link->since_us == view->since_us) {
			link->age = ++shadow->clock;
			return link->state;
		}
		if (!link->state || (oldest->state && link->age < oldest->age))
			oldest = link;
	}
	if (ag_match_state_new(shadow->set, shadow->seed + view->ordinal, &state) < 0)
		return NULL;
	ag_match_state_free(oldest->state);
	*oldest = (struct ag_shadow_link){
		.handle = view->handle,
		.since_us = view->since_us,
		.age = ++shadow->clock,
		.state = state,
	};
	return state;
}

/* ---- What either set decides ---- */

static void set_rule(struct ag_shadow_outcome *outcome, const struct ag_rule *rule)
{
	snprintf(outcome->rule, sizeof(outcome->rule), "%s", rule ? rule->name : "");
}

static struct ag_shadow_outcome real_outcome(const struct ag_decision *decision)
{
	struct ag_shadow_outcome outcome = {
		.is_att = decision->is_att,
		.verdict = decision->verdict,
		.has_error = decision->has_error,
		.error = decision->error,
		.effects = decision->effects & ~(unsigned int)(AG_EFFECT_LOG | AG_EFFECT_HIDE),
	};

	set_rule(&outcome, decision->rule);
	return outcome;
}

/* The request that is answered: the PDU, or the one whose answer it is; 0: none. */
static uint8_t request_of(const struct ag_decision *decision)
{
	const struct ag_subject *subject = decision->as_came;

	if (ag_att_kind(decision->pdu[0]) == AG_ATT_REQUEST)
		return decision->pdu[0];
	if (ag_att_kind(decision->pdu[0]) != AG_ATT_RESPONSE ||
	    subject->value[AG_F_ATT_UNSOLICITED].num || !ag_subject_has(subject, AG_F_ATT_REQUEST))
		return 0;
	return (uint8_t)subject->value[AG_F_ATT_REQUEST].num;
}

/* What `reject` says unless told otherwise. */
static void set_error(struct ag_shadow_outcome *outcome, const struct ag_decision *decision,
		      const struct ag_action *action)
{
	uint8_t request;
	struct ag_att att;

	if (decision->is_att) {
		request = request_of(decision);
		if (!request)
			return;
		ag_att_parse(&request, 1, &att);
		outcome->error = ag_att_default_error(&att);
	} else if (decision->pdu[0] == AG_SMP_PAIRING_REQUEST ||
		   decision->pdu[0] == AG_SMP_SECURITY_REQUEST) {
		outcome->error = AG_SMP_PAIRING_NOT_SUPPORTED;
	} else {
		return;
	}
	if (action->kind == AG_REJECT && action->has_value)
		outcome->error = (uint8_t)action->value.num;
	outcome->has_error = outcome->error != 0;
}

/* What an `answer` has no success response for it rejects. */
static void set_answer(struct ag_shadow_outcome *outcome, const struct ag_decision *decision,
		       const struct ag_action *action)
{
	if (ag_answer_exists(decision->is_att ? request_of(decision) : 0, action)) {
		outcome->verdict = AG_V_ANSWER;
		return;
	}
	outcome->verdict = AG_V_REJECT;
	set_error(outcome, decision, action);
}

static void apply(struct ag_shadow_outcome *outcome, const struct ag_decision *decision,
		  const struct ag_action *action, struct ag_subject *subject)
{
	switch (action->kind) {
	case AG_ACCEPT:
	case AG_HIDE: /* of attributes, never of a PDU */
	case AG_LOG:
		break;
	case AG_REJECT:
		outcome->verdict = AG_V_REJECT;
		set_error(outcome, decision, action);
		break;
	case AG_ANSWER:
		set_answer(outcome, decision, action);
		break;
	case AG_DROP:
		outcome->verdict = AG_V_DROP;
		break;
	case AG_DISCONNECT:
		outcome->verdict = AG_V_DISCONNECT;
		break;
	case AG_REWRITE:
		outcome->effects |= AG_EFFECT_REWRITE;
		subject->value[action->field] = action->value;
		subject->present |= UINT64_C(1) << action->field;
		break;
	case AG_DELAY:
		outcome->effects |= AG_EFFECT_DELAY;
		break;
	case AG_TIMEOUT:
		outcome->effects |= AG_EFFECT_TIMEOUT;
		break;
	case AG_DUPLICATE:
		outcome->effects |= AG_EFFECT_DUPLICATE;
		break;
	}
}

static struct ag_shadow_outcome ask(const struct ag_shadow *shadow,
				    const struct ag_decision *decision,
				    struct ag_match_state *state)
{
	struct ag_subject subject = *decision->as_came;
	struct ag_shadow_outcome outcome = { .is_att = decision->is_att, .verdict = AG_V_ACCEPT };
	const struct ag_rule *rule;
	size_t position = 0;
	bool decided = false;

	while (!decided && (rule = ag_rules_next(shadow->set, &subject, state, &position))) {
		set_rule(&outcome, rule);
		for (size_t i = 0; i < rule->n_actions && !decided; i++) {
			apply(&outcome, decision, &rule->actions[i], &subject);
			decided = ag_is_verdict(rule->actions[i].kind);
		}
	}
	return outcome;
}

/* ---- Differences ---- */

/* Which rule it was makes no difference, nor what else would have been done to what is not sent. */
static bool same(const struct ag_shadow_outcome *a, const struct ag_shadow_outcome *b)
{
	if (a->verdict != b->verdict)
		return false;
	if (a->verdict == AG_V_ACCEPT)
		return a->effects == b->effects;
	/* a dry run does not tell every error */
	return !a->has_error || !b->has_error || a->error == b->error;
}

static bool is_pair(const struct ag_shadow_pair *pair, const struct ag_shadow_outcome *real,
		    const struct ag_shadow_outcome *other)
{
	return pair->real.is_att == real->is_att && same(&pair->real, real) &&
	       same(&pair->shadow, other) && strcmp(pair->real.rule, real->rule) == 0 &&
	       strcmp(pair->shadow.rule, other->rule) == 0;
}

static void count(struct ag_shadow *shadow, const struct ag_shadow_outcome *real,
		  const struct ag_shadow_outcome *other)
{
	size_t i = 0;

	shadow->different++;
	while (i < shadow->n_pairs && !is_pair(&shadow->pair[i], real, other))
		i++;
	if (i == AG_SHADOW_PAIRS) {
		shadow->other++;
		return;
	}
	if (i == shadow->n_pairs)
		shadow->pair[shadow->n_pairs++] = (struct ag_shadow_pair){ .real = *real,
									   .shadow = *other };
	shadow->pair[i].count++;
}

/* "reject attribute_not_found by quiet-peripheral" */
static void put_outcome(const struct ag_shadow_outcome *outcome, char *out, size_t size)
{
	const struct ag_decision decision = {
		.is_att = outcome->is_att,
		.verdict = outcome->verdict,
		.has_error = outcome->has_error,
		.error = outcome->error,
		.effects = outcome->effects,
	};
	size_t len = ag_words_verdict(&decision, out, size);

	if (outcome->rule[0])
		snprintf(out + len, size - len, " by %s", outcome->rule);
}

static void tell(struct ag_shadow *shadow, const struct ag_decision *decision,
		 const struct ag_shadow_outcome *real, const struct ag_shadow_outcome *other)
{
	char text[640], peer[18], pdu[256], a[128], b[128];
	uint64_t suppressed;

	ag_words_bdaddr(decision->link->peer, peer);
	ag_words_came(decision, pdu, sizeof(pdu));
	put_outcome(real, a, sizeof(a));
	put_outcome(other, b, sizeof(b));
	snprintf(text, sizeof(text), "%s, %s: %s -> %s, and not %s", peer,
		 decision->from == AG_FROM_HOST ? "host" : "peer", pdu, b, a);
	if (!ag_log_allowed(&shadow->limit, text, decision->now_us))
		return;
	suppressed = ag_log_suppressed(&shadow->limit);
	if (suppressed > 0)
		ag_log(AG_LOG_INFO, "shadow: %" PRIu64 " lines like those before were left out",
		       suppressed);
	ag_log(AG_LOG_INFO, "shadow: #%" PRIu64 " %s", decision->number, text);
}

static bool was_judged(const struct ag_decision *decision)
{
	return decision->as_came && decision->verdict <= AG_V_DISCONNECT;
}

void ag_shadow_tap(void *user, const struct ag_decision *decision)
{
	struct ag_shadow *shadow = user;
	struct ag_shadow_outcome real, other;
	struct ag_match_state *state;

	if (!shadow->set || !was_judged(decision))
		return;
	shadow->judged++;
	state = state_of(shadow, decision->link);
	if (!state || (decision->len < decision->pdu_len &&
		       ag_rules_may_match(shadow->set, decision->as_came))) {
		shadow->unseen++;
		return;
	}
	real = real_outcome(decision);
	other = ask(shadow, decision, state);
	if (same(&real, &other))
		return;
	count(shadow, &real, &other);
	tell(shadow, decision, &real, &other);
}

void ag_shadow_summary(const struct ag_shadow *shadow)
{
	char a[128], b[128];

	if (!shadow->set)
		return;
	ag_log(AG_LOG_INFO,
	       "shadow: %" PRIu64 " of %" PRIu64 " PDUs would have been decided otherwise%s",
	       shadow->different, shadow->judged,
	       shadow->unseen > 0 ? ", and some were not seen whole" : "");
	for (size_t i = 0; i < shadow->n_pairs; i++) {
		const struct ag_shadow_pair *pair = &shadow->pair[i];

		put_outcome(&pair->real, a, sizeof(a));
		put_outcome(&pair->shadow, b, sizeof(b));
		ag_log(AG_LOG_INFO, "shadow: %" PRIu64 " times %s, and not %s", pair->count, b, a);
	}
	if (shadow->other > 0)
		ag_log(AG_LOG_INFO, "shadow: %" PRIu64 " times something else", shadow->other);
}
