/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/lower.h"

#include <string.h>

/** Longest time a PDU is held or a request waited for: a link that needs more has been given up by
 *  both stacks long before (30 s, Vol 3 Part F, 3.3.3). */
#define TIME_MAX_US (UINT64_C(3600) * 1000000)

static const char *const action_names[] = {
	[AG_ACCEPT] = "accept",
	[AG_REJECT] = "reject",
	[AG_ANSWER] = "answer",
	[AG_DROP] = "drop",
	[AG_DISCONNECT] = "disconnect",
	[AG_HIDE] = "hide",
	[AG_REWRITE] = "rewrite",
	[AG_DELAY] = "delay",
	[AG_TIMEOUT] = "timeout",
	[AG_DUPLICATE] = "duplicate",
	[AG_LOG] = "log",
};

const char *ag_action_name(enum ag_action_kind kind)
{
	return action_names[kind];
}

bool ag_is_verdict(enum ag_action_kind kind)
{
	switch (kind) {
	case AG_ACCEPT:
	case AG_REJECT:
	case AG_ANSWER:
	case AG_DROP:
	case AG_HIDE:
	case AG_DISCONNECT:
		return true;
	case AG_REWRITE:
	case AG_DELAY:
	case AG_TIMEOUT:
	case AG_DUPLICATE:
	case AG_LOG:
		break;
	}
	return false;
}

static bool lower_time(struct ag_resolver *resolver, const struct ag_token *token, bool may_be_0,
		       uint64_t *out)
{
	if (token->num > TIME_MAX_US || (token->num == 0 && !may_be_0)) {
		ag_report_error(resolver->report, token->span,
				"a time from 1us to 60min is wanted");
		return false;
	}
	*out = token->num;
	return true;
}

/** An ATT error or, since it may be an SMP command that is refused, a reason of Pairing Failed. */
static bool lower_error(struct ag_resolver *resolver, const struct ag_ast_action *from,
			bool smp_too, struct ag_action *to, struct ag_action_note *note)
{
	struct ag_slot slot = {
		.name = action_names[from->kind],
		.span = from->value->span,
		.type = AG_T_NAME,
		.names = { ag_names_error, smp_too ? ag_names_smp_reason : NULL },
		.min = 1,
		.max = 0xff,
		.numbers = true,
		.takes = smp_too ? "an ATT error or an SMP reason" : "an ATT error",
	};
	struct ag_item item;

	if (!ag_resolve_one(resolver, &slot, from->value, &item))
		return false;
	to->value = item.low;
	note->value_name = item.name;
	return true;
}

/** Vol 4 Part E, 7.1.6: the Reasons that HCI_Disconnect takes; a controller refuses any other. */
static bool is_disconnect_reason(uint64_t reason)
{
	static const uint8_t reasons[] = { 0x05, 0x13, 0x14, 0x15, 0x1a, 0x29, 0x3b };

	return memchr(reasons, (int)reason, sizeof(reasons));
}

static bool lower_reason(struct ag_resolver *resolver, const struct ag_ast_action *from,
			 struct ag_action *to, struct ag_action_note *note)
{
	struct ag_slot slot = {
		.name = "disconnect",
		.span = from->value->span,
		.type = AG_T_NAME,
		.names = { ag_names_hci_error },
		.min = 1,
		.max = 0xff,
		.numbers = true,
		.takes = "an HCI error",
	};
	struct ag_item item;

	if (!ag_resolve_one(resolver, &slot, from->value, &item))
		return false;
	if (!is_disconnect_reason(item.low.num)) {
		ag_report_error(resolver->report, from->value->span,
				"a controller ends no link with that reason; it takes 0x05, 0x13, "
				"0x14, 0x15, 0x1a, 0x29 and 0x3b");
		return false;
	}
	to->value = item.low;
	note->value_name = item.name;
	return true;
}

/** Octets, or the MTU of an Exchange MTU Response. */
static bool lower_answer(struct ag_resolver *resolver, const struct ag_ast_action *from,
			 struct ag_action *to)
{
	const struct ag_ast_value *value = ag_resolve_let(resolver, from->value);
	bool number = value && value->low.kind == AG_TOK_NUMBER;
	struct ag_slot slot = {
		.name = "answer",
		.span = from->value->span,
		.type = number ? AG_T_NUMBER : AG_T_BYTES,
		.max = 0xffff,
		.takes = "octets, text or, to Exchange MTU, a number",
	};
	struct ag_item item;

	if (!value || !ag_resolve_one(resolver, &slot, value, &item))
		return false;
	if (!number && item.low.bytes.len > 512) {
		ag_report_error(resolver->report, from->value->span,
				"an attribute value has at most 512 octets");
		return false;
	}
	to->answer_type = slot.type;
	to->value = item.low;
	return true;
}

static bool lower_rewrite(struct ag_resolver *resolver, const struct ag_ast_action *from,
			  struct ag_action *to, struct ag_action_note *note)
{
	const struct ag_token *token = &from->field;
	struct ag_slot slot;
	struct ag_item item;

	if (!ag_lower_field(resolver, token, &to->field))
		return false;
	if (!ag_field_row(to->field)->writable) {
		ag_report_error(resolver->report, token->span, "%s cannot be rewritten",
				ag_field_name(to->field));
		return false;
	}
	slot = ag_slot_of_field(to->field, token->span);
	if (!ag_resolve_one(resolver, &slot, from->value, &item))
		return false;
	to->value = item.low;
	note->value_name = item.name;
	return true;
}

static bool lower_log(struct ag_resolver *resolver, const struct ag_ast_action *from,
		      struct ag_action *to)
{
	if (!from->has_value)
		return true;
	to->text = ag_arena_copy(resolver->arena, from->text.bytes.data, from->text.bytes.len);
	return to->text;
}

static bool lower_delay(struct ag_resolver *resolver, const struct ag_ast_action *from,
			struct ag_action *to)
{
	to->until = from->until;
	return lower_time(resolver, &from->time, false, &to->time_us) &&
	       (!from->has_jitter || lower_time(resolver, &from->jitter, true, &to->jitter_us));
}

static bool lower_action(struct ag_resolver *resolver, const struct ag_ast_action *from,
			 struct ag_action *to, struct ag_action_note *note)
{
	*to = (struct ag_action){ .kind = from->kind, .has_value = from->value };
	note->span = from->span;
	switch (from->kind) {
	case AG_ACCEPT:
	case AG_DROP:
	case AG_HIDE:
	case AG_DUPLICATE:
		return true;
	case AG_REJECT:
		return !from->value || lower_error(resolver, from, true, to, note);
	case AG_ANSWER:
		return lower_answer(resolver, from, to);
	case AG_DISCONNECT:
		return !from->value || lower_reason(resolver, from, to, note);
	case AG_REWRITE:
		return lower_rewrite(resolver, from, to, note);
	case AG_DELAY:
		return lower_delay(resolver, from, to);
	case AG_TIMEOUT:
		return lower_time(resolver, &from->time, false, &to->time_us) &&
		       (!from->value || lower_error(resolver, from, false, to, note));
	case AG_LOG:
		break;
	}
	return lower_log(resolver, from, to);
}

/** What stands behind the verdict would never be done. */
static bool check_after(struct ag_resolver *resolver, const struct ag_ast_action *verdict,
			const struct ag_ast_action *action)
{
	if (!verdict)
		return true;
	if (ag_is_verdict(action->kind))
		ag_report_error(resolver->report, action->span,
				"a rule has one verdict, and %s has been given",
				action_names[verdict->kind]);
	else
		ag_report_error(resolver->report, action->span,
				"%s has to stand before the verdict, %s",
				action_names[action->kind], action_names[verdict->kind]);
	return false;
}

/** What is done to a PDU has no place where attributes are decided on. */
static bool check_beside_hide(struct ag_resolver *resolver, const struct ag_ast_action *action)
{
	ag_report_error(resolver->report, action->span,
			"a rule with hide is asked for attributes, not for PDUs, so %s would never "
			"be done",
			action_names[action->kind]);
	return false;
}

static bool has_hide(const struct ag_ast_action *actions)
{
	while (actions && actions->kind != AG_HIDE)
		actions = actions->next;
	return actions;
}

bool ag_lower_actions(struct ag_resolver *resolver, const struct ag_ast_action *actions,
		      struct ag_rule *rule, struct ag_rule_body *body)
{
	const struct ag_ast_action *verdict = NULL;
	struct ag_action *list;
	bool hide = has_hide(actions);
	size_t count = 0;
	bool fine = true;

	for (const struct ag_ast_action *action = actions; action; action = action->next)
		count++;
	list = ag_arena_alloc(resolver->arena, count, sizeof(*list));
	body->notes = ag_arena_alloc(resolver->arena, count, sizeof(*body->notes));
	if (!list || !body->notes)
		return false;
	rule->actions = list;
	rule->n_actions = count;
	count = 0;
	for (const struct ag_ast_action *action = actions; action; action = action->next) {
		fine &= hide && !ag_is_verdict(action->kind)
			    ? check_beside_hide(resolver, action)
			    : check_after(resolver, verdict, action);
		fine &= lower_action(resolver, action, &list[count], &body->notes[count]);
		count++;
		if (ag_is_verdict(action->kind))
			verdict = action;
	}
	return fine;
}
