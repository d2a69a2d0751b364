/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/check.h"

#include <string.h>

#include "rules/cases.h"
#include "rules/field.h"
#include "rules/hide.h"
#include "rules/imply.h"

/** How many earlier rules a rule's condition is compared with one by one. */
enum { LOOK_BACK = 256 };

struct checker {
	const struct ag_ruleset *set;
	struct ag_report *report;
	struct ag_cases covered;            /* cases that never get past the rules so far */
	struct ag_cases covered_attributes; /* likewise of attributes, as all_attributes() has it */
	size_t unchanged_from;              /* since this rule none rewrites anything */
};

/* ---- Cases of interest ---- */

typedef bool case_fn(unsigned int context, unsigned int pdu);

static bool any_case(const struct ag_cases *cases, case_fn *is_meant)
{
	for (unsigned int i = 0; i < AG_CASE_WORDS; i++) {
		for (uint64_t rest = cases->words[i]; rest; rest &= rest - 1) {
			unsigned int bit = i * 64 + (unsigned int)__builtin_ctzll(rest);

			if (is_meant(bit / AG_PDUS, bit % AG_PDUS))
				return true;
		}
	}
	return false;
}

static bool has_kind(unsigned int pdu, enum ag_att_kind wanted)
{
	enum ag_att_kind kind;

	return pdu < 256 && ag_kind_of_att((uint8_t)pdu, &kind) && kind == wanted;
}

static bool is_request(unsigned int context, unsigned int pdu)
{
	(void)context;
	return has_kind(pdu, AG_KIND_REQUEST);
}

static bool is_indication(unsigned int context, unsigned int pdu)
{
	(void)context;
	return has_kind(pdu, AG_KIND_INDICATION);
}

static bool is_response(unsigned int context, unsigned int pdu)
{
	(void)context;
	return has_kind(pdu, AG_KIND_RESPONSE);
}

static bool is_confirmation(unsigned int context, unsigned int pdu)
{
	(void)context;
	return has_kind(pdu, AG_KIND_CONFIRMATION);
}

static bool is_host_request(unsigned int context, unsigned int pdu)
{
	return ag_context_from(context) == AG_FROM_HOST && is_request(context, pdu);
}

/** What is rejected there, its asker, the host, gets the error of. */
static bool is_response_to_host(unsigned int context, unsigned int pdu)
{
	return ag_context_from(context) == AG_FROM_PEER && is_response(context, pdu);
}

static bool is_host_exchange_mtu(unsigned int context, unsigned int pdu)
{
	return ag_context_from(context) == AG_FROM_HOST && pdu == 0x02;
}

static bool is_exchange_mtu_to_host(unsigned int context, unsigned int pdu)
{
	return ag_context_from(context) == AG_FROM_PEER && pdu == 0x03;
}

/** Only a peripheral sends it; Vol 3 Part H, 2.4.6. */
static bool is_host_security_request(unsigned int context, unsigned int pdu)
{
	return ag_context_from(context) == AG_FROM_HOST &&
	       ag_context_role(context) == AG_ROLE_PERIPHERAL && pdu == 256 + 0x0b;
}

static bool is_error_response(unsigned int context, unsigned int pdu)
{
	(void)context;
	return pdu == 0x01;
}

/** Requests that take octets for an answer, and what may be the response to one of them. */
static bool is_answered_with_octets(unsigned int context, unsigned int pdu)
{
	(void)context;
	return pdu == 0x08 || pdu == 0x0a || pdu == 0x0c || pdu == 0x12 || pdu == 0x09 ||
	       pdu == 0x0b || pdu == 0x0d || pdu == 0x13 || pdu == 0x01;
}

static bool is_answered_with_number(unsigned int context, unsigned int pdu)
{
	(void)context;
	return pdu == 0x02;
}

static bool any_has_field(const struct ag_cases *cases, enum ag_field field)
{
	for (unsigned int i = 0; i < AG_CASE_WORDS; i++) {
		for (uint64_t rest = cases->words[i]; rest; rest &= rest - 1) {
			unsigned int bit = i * 64 + (unsigned int)__builtin_ctzll(rest);

			if (ag_fields_of_pdu(bit % AG_PDUS) & ag_field_bit(field))
				return true;
		}
	}
	return false;
}

/* ---- Comparisons that never hold ---- */

static bool is_number(const struct ag_node *test)
{
	enum ag_value_type type = ag_field_type(test->field);

	return type != AG_T_UUID && type != AG_T_BYTES;
}

/** Whether a UUID that is assigned to something else stands where attributes are compared. */
static bool is_of_another_class(enum ag_field field, enum ag_uuid_class class)
{
	if (field == AG_F_ATT_SERVICE)
		return class != AG_UUID_CLASS_SERVICE;
	if (field == AG_F_ATT_CHARACTERISTIC)
		return class != AG_UUID_CLASS_CHARACTERISTIC;
	return field == AG_F_ATT_UUID && class == AG_UUID_CLASS_SERVICE;
}

static void report_class(struct checker *checker, const struct ag_node *test,
			 const struct ag_uuid *uuid, enum ag_uuid_class class)
{
	static const enum ag_field fields[] = {
		[AG_UUID_CLASS_SERVICE] = AG_F_ATT_SERVICE,
		[AG_UUID_CLASS_DECLARATION] = AG_F_ATT_UUID,
		[AG_UUID_CLASS_DESCRIPTOR] = AG_F_ATT_UUID,
		[AG_UUID_CLASS_CHARACTERISTIC] = AG_F_ATT_CHARACTERISTIC,
	};
	struct ag_text message = { 0 };
	struct ag_text hint = { 0 };

	ag_text_printf(&message, "%s is the UUID of a %s, which %s is hardly ever",
		       ag_uuid_name(uuid), ag_uuid_class_name(class), ag_field_name(test->field));
	ag_text_printf(&hint, "did you mean %s?", ag_field_name(fields[class]));
	ag_report_add(checker->report, AG_WARNING, test->span, &message, &hint);
}

static void check_classes(struct checker *checker, const struct ag_node *test)
{
	for (size_t i = 0; i < test->n_uuids; i++) {
		uint16_t uuid16;

		if (!ag_uuid_name(&test->uuids[i]) || !ag_uuid_to_u16(&test->uuids[i], &uuid16) ||
		    !is_of_another_class(test->field, ag_uuid_class(uuid16)))
			continue;
		report_class(checker, test, &test->uuids[i], ag_uuid_class(uuid16));
		return;
	}
}

static bool check_test(struct checker *checker, const struct ag_node *test,
		       const struct ag_cases *within)
{
	const char *field = ag_field_name(test->field);
	struct ag_cases can_be_true;
	struct ag_cases can_be_false;

	check_classes(checker, test);
	ag_cases_of(test, &can_be_true, &can_be_false);
	if (ag_cases_meet(&can_be_true, within))
		return false;
	if (is_number(test) && test->n_ranges == 0)
		ag_report_warning(checker->report, test->span,
				  "this can never hold: no value of %s is meant", field);
	else if (!any_has_field(within, test->field))
		ag_report_warning(checker->report, test->span,
				  "this can never hold: no PDU that gets here has %s", field);
	else
		ag_report_warning(checker->report, test->span,
				  "this can never hold together with what stands before it");
	return true;
}

/** Two operands of an `and` that exclude each other: att.handle == 5 and att.handle == 6. */
static bool check_pairs(struct checker *checker, const struct ag_node *node)
{
	for (size_t i = 1; i < node->n_children && i < LOOK_BACK; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!ag_tests_exclude(node->children[j], node->children[i]))
				continue;
			ag_report_warning(
			    checker->report, node->children[i]->span,
			    "this can never hold together with what stands before it");
			return true;
		}
	}
	return false;
}

static bool check_node(struct checker *checker, const struct ag_node *node,
		       const struct ag_cases *within);

static bool check_and(struct checker *checker, const struct ag_node *node,
		      const struct ag_cases *within)
{
	struct ag_cases left = *within;
	bool reported = false;

	for (size_t i = 0; i < node->n_children && !reported; i++) {
		struct ag_cases can_be_true;
		struct ag_cases can_be_false;

		reported = check_node(checker, node->children[i], &left);
		ag_cases_of(node->children[i], &can_be_true, &can_be_false);
		ag_cases_and(&left, &can_be_true);
		if (!reported && ag_cases_empty(&left)) {
			ag_report_warning(
			    checker->report, node->children[i]->span,
			    "this can never hold together with what stands before it");
			reported = true;
		}
	}
	return reported || check_pairs(checker, node);
}

/**
 * @within: cases that get as far as this
 * @return: whether a warning was given
 */
static bool check_node(struct checker *checker, const struct ag_node *node,
		       const struct ag_cases *within)
{
	bool reported = false;

	switch (node->kind) {
	case AG_NODE_AND:
		return check_and(checker, node, within);
	case AG_NODE_OR:
	case AG_NODE_NOT:
		for (size_t i = 0; i < node->n_children; i++)
			reported |= check_node(checker, node->children[i], within);
		break;
	case AG_NODE_TEST:
		return check_test(checker, node, within);
	case AG_NODE_SAMPLER:
		break;
	}
	return reported;
}

/* ---- Rules that are never reached ---- */

static bool has_verdict(const struct ag_rule *rule)
{
	return rule->n_actions && ag_is_verdict(rule->actions[rule->n_actions - 1].kind) &&
	       !ag_rule_hides(rule);
}

/** Whether a rule decides for what another is asked for: for attributes a `hide`, else for PDUs. */
static bool decides_for(const struct checker *checker, size_t rule, size_t other)
{
	if (ag_rule_hides(&checker->set->rules[other]))
		return ag_rule_decides_attributes(checker->set, rule);
	return has_verdict(&checker->set->rules[rule]);
}

/** Cases in which a rule matches for certain. */
static void certain_cases(const struct ag_ruleset *set, size_t rule, struct ag_cases *certain)
{
	struct ag_cases can_be_true;
	struct ag_cases can_be_false;

	ag_cases_of(set->bodies[rule].when, &can_be_true, &can_be_false);
	ag_cases_all(certain);
	ag_cases_minus(certain, &can_be_false);
}

static void warn_unreachable(struct checker *checker, size_t rule, const char *earlier)
{
	struct ag_text message = { 0 };

	ag_text_puts(&message, "never reached: ");
	if (earlier)
		ag_text_printf(&message, "%s decides everything it is for", earlier);
	else
		ag_text_puts(&message, "the rules before it decide everything it is for");
	ag_report_add(checker->report, AG_WARNING, checker->set->bodies[rule].name_span, &message,
		      NULL);
}

/** The one earlier rule that covers these cases alone, or NULL. */
static const char *find_cover(const struct checker *checker, size_t rule,
			      const struct ag_cases *cases)
{
	for (size_t i = 0; i < rule && i < LOOK_BACK; i++) {
		struct ag_cases rest = *cases;
		struct ag_cases certain;

		if (!decides_for(checker, i, rule))
			continue;
		certain_cases(checker->set, i, &certain);
		ag_cases_minus(&rest, &certain);
		if (ag_cases_empty(&rest))
			return checker->set->rules[i].name;
	}
	return NULL;
}

/** An earlier rule that matches whenever this one does, since when nothing was rewritten. */
static const char *find_implied(const struct checker *checker, size_t rule,
				const struct ag_cases *cases)
{
	const struct ag_ruleset *set = checker->set;
	size_t from = rule > LOOK_BACK ? rule - LOOK_BACK : 0;

	if (from < checker->unchanged_from && !ag_rule_hides(&set->rules[rule]))
		from = checker->unchanged_from;
	for (size_t i = from; i < rule; i++) {
		if (decides_for(checker, i, rule) && set->bodies[i].when &&
		    set->bodies[rule].when &&
		    ag_condition_implies(set->bodies[rule].when, set->bodies[i].when, cases))
			return set->rules[i].name;
	}
	return NULL;
}

/** @return: whether the rule can be reached, as far as is known */
static bool check_reach(struct checker *checker, size_t rule, const struct ag_cases *can_be_true,
			const struct ag_cases *reached)
{
	const char *implied;

	if (ag_cases_empty(can_be_true))
		return false; /* its comparisons have been complained of */
	if (ag_cases_empty(reached)) {
		warn_unreachable(checker, rule, find_cover(checker, rule, can_be_true));
		return false;
	}
	implied = find_implied(checker, rule, reached);
	if (implied)
		warn_unreachable(checker, rule, implied);
	return !implied;
}

/* ---- Actions ---- */

static bool is_pairing_error(const struct ag_action *action)
{
	return action->has_value && (action->value.num == 0x05 || action->value.num == 0x0f);
}

static void check_error(struct checker *checker, const struct ag_action *action,
			struct ag_span span, const struct ag_cases *cases)
{
	bool in_place = action->kind == AG_REJECT; /* of a response */
	bool to_host = any_case(cases, is_host_request) ||
		       (in_place && any_case(cases, is_response_to_host));
	bool to_mtu = any_case(cases, is_host_exchange_mtu) ||
		      (in_place && any_case(cases, is_exchange_mtu_to_host));

	if (is_pairing_error(action) && to_host)
		ag_report_warning(checker->report, span,
				  "error 0x%02x makes bluetoothd ask for pairing",
				  (unsigned int)action->value.num);
	if (action->has_value && action->value.num != 0x06 && to_mtu)
		ag_report_warning(
		    checker->report, span,
		    "to its Exchange MTU Request bluetoothd takes request_not_supported; "
		    "any other error ends its discovery");
}

static void check_security_request(struct checker *checker, struct ag_span span,
				   const struct ag_cases *cases)
{
	if (any_case(cases, is_host_security_request))
		ag_report_warning(
		    checker->report, span,
		    "the host ends the link when its Security Request comes to nothing");
}

static void check_answer(struct checker *checker, const struct ag_action *action,
			 struct ag_span span, const struct ag_cases *cases)
{
	bool number = action->answer_type == AG_T_NUMBER;

	if (!any_case(cases, number ? is_answered_with_number : is_answered_with_octets))
		ag_report_warning(
		    checker->report, span,
		    number ? "a number answers an Exchange MTU Request, and none gets here"
			   : "octets answer Read, Read Blob, Read By Type and Write, and "
			     "no request or response of these gets here");
}

/** After a rewritten opcode the PDU is another one. */
static void rewrite_opcode(struct ag_cases *cases, uint8_t opcode)
{
	struct ag_cases after = { 0 };

	for (unsigned int context = 0; context < AG_CONTEXTS; context++) {
		uint64_t att = 0;

		for (size_t i = 0; i < AG_CONTEXT_WORDS / 2; i++)
			att |= cases->words[context * AG_CONTEXT_WORDS + i];
		if (att)
			ag_cases_put(&after, context, opcode);
	}
	*cases = after;
}

static void check_rewrite(struct checker *checker, const struct ag_action *action,
			  struct ag_span span, struct ag_cases *cases)
{
	/* of other responses att.request is not in the PDU */
	bool possible = action->field == AG_F_ATT_REQUEST ? any_case(cases, is_error_response)
							  : any_has_field(cases, action->field);

	if (!possible)
		ag_report_warning(checker->report, span, "no PDU that gets here has %s to rewrite",
				  ag_field_name(action->field));
	if (action->field == AG_F_ATT_OPCODE)
		rewrite_opcode(cases, (uint8_t)action->value.num);
}

/** Whether a condition holds only for responses that nobody waits for. */
static bool is_unsolicited_only(const struct ag_node *when, const struct ag_cases *cases)
{
	struct ag_range truth = { 1, 1 };
	struct ag_node unsolicited = {
		.kind = AG_NODE_TEST,
		.field = AG_F_ATT_UNSOLICITED,
		.ranges = &truth,
		.n_ranges = 1,
	};

	return when && ag_condition_implies(when, &unsolicited, cases);
}

/** What somebody waits for 30 s for before giving the bearer up: Vol 3 Part F, 3.3.3. */
static const char *awaited(const struct ag_node *when, const struct ag_cases *cases)
{
	if (any_case(cases, is_request))
		return "a dropped request holds its sender up for 30 s and then costs the link; "
		       "reject answers it";
	if (any_case(cases, is_indication))
		return "a dropped indication holds its sender up for 30 s and then costs the "
		       "link; reject confirms it";
	if (is_unsolicited_only(when, cases))
		return NULL;
	if (any_case(cases, is_response))
		return "a dropped response holds who asked up for 30 s and then costs the link; "
		       "reject puts an error in its place";
	if (any_case(cases, is_confirmation))
		return "a dropped confirmation holds who indicated up for 30 s and then costs "
		       "the link";
	return NULL;
}

static void check_drop(struct checker *checker, const struct ag_node *when, struct ag_span span,
		       const struct ag_cases *cases)
{
	const char *stall = awaited(when, cases);

	if (stall)
		ag_report_warning(checker->report, span, "%s", stall);
	check_security_request(checker, span, cases);
}

static void check_action(struct checker *checker, const struct ag_action *action,
			 const struct ag_node *when, struct ag_span span, struct ag_cases *cases)
{
	switch (action->kind) {
	case AG_DROP:
		check_drop(checker, when, span, cases);
		break;
	case AG_REJECT:
		check_error(checker, action, span, cases);
		check_security_request(checker, span, cases);
		break;
	case AG_TIMEOUT:
		check_error(checker, action, span, cases);
		break;
	case AG_ANSWER:
		check_answer(checker, action, span, cases);
		break;
	case AG_REWRITE:
		check_rewrite(checker, action, span, cases);
		break;
	case AG_ACCEPT:
	case AG_HIDE:
	case AG_DISCONNECT:
	case AG_DELAY:
	case AG_DUPLICATE:
	case AG_LOG:
		break;
	}
}

/** What a rule does to those behind it. */
static void pass_on(struct checker *checker, size_t index)
{
	const struct ag_rule *rule = &checker->set->rules[index];
	struct ag_cases certain;

	if (ag_rule_decides_attributes(checker->set, index)) {
		certain_cases(checker->set, index, &certain);
		ag_cases_or(&checker->covered_attributes, &certain);
	}
	if (has_verdict(rule)) {
		certain_cases(checker->set, index, &certain);
		ag_cases_or(&checker->covered, &certain);
		return;
	}
	for (size_t i = 0; i < rule->n_actions; i++) {
		if (rule->actions[i].kind != AG_REWRITE)
			continue;
		checker->unchanged_from = index + 1;
		for (unsigned int context = 0;
		     context < AG_CONTEXTS && rule->actions[i].field == AG_F_ATT_OPCODE; context++)
			ag_cases_drop(&checker->covered, context,
				      (unsigned int)rule->actions[i].value.num & 0xff);
	}
}

/** An attribute has fields of which a Read Request has all, so the cases of that stand for it. */
static void all_attributes(struct ag_cases *cases)
{
	memset(cases, 0, sizeof(*cases));
	for (unsigned int context = 0; context < AG_CONTEXTS; context++)
		ag_cases_put(cases, context, 0x0a);
}

static void check_rule(struct checker *checker, size_t index)
{
	const struct ag_rule *rule = &checker->set->rules[index];
	const struct ag_rule_body *body = &checker->set->bodies[index];
	bool hide = ag_rule_hides(rule);
	struct ag_cases everything;
	struct ag_cases can_be_true;
	struct ag_cases can_be_false;
	struct ag_cases reached;

	if (hide)
		all_attributes(&everything);
	else
		ag_cases_all(&everything);
	if (body->when)
		check_node(checker, body->when, &everything);
	ag_cases_of(body->when, &can_be_true, &can_be_false);
	ag_cases_and(&can_be_true, &everything);
	reached = can_be_true;
	ag_cases_minus(&reached, hide ? &checker->covered_attributes : &checker->covered);
	if (check_reach(checker, index, &can_be_true, &reached)) {
		for (size_t i = 0; i < rule->n_actions; i++)
			check_action(checker, &rule->actions[i], body->when, body->notes[i].span,
				     &reached);
	}
	pass_on(checker, index);
}

void ag_check_set(const struct ag_ruleset *set, struct ag_report *report)
{
	struct checker checker = { .set = set, .report = report };

	for (size_t i = 0; i < set->count && !report->failed; i++)
		check_rule(&checker, i);
}
