/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/hide.h"

#include <errno.h>

#include "rules/field.h"
#include "rules/hash.h"
#include "rules/index.h"
#include "rules/match.h"

bool ag_rule_hides(const struct ag_rule *rule)
{
	return rule->n_actions && rule->actions[rule->n_actions - 1].kind == AG_HIDE;
}

static bool accepts(const struct ag_rule *rule)
{
	return rule->n_actions && rule->actions[rule->n_actions - 1].kind == AG_ACCEPT;
}

static bool asks_attributes_only(const struct ag_node *node)
{
	if (node->kind == AG_NODE_SAMPLER)
		return false;
	if (node->kind == AG_NODE_TEST)
		return ag_fields_of_attribute() & ag_field_bit(node->field);
	for (size_t i = 0; i < node->n_children; i++) {
		if (!asks_attributes_only(node->children[i]))
			return false;
	}
	return true;
}

bool ag_rule_decides_attributes(const struct ag_ruleset *set, size_t rule)
{
	const struct ag_node *when = set->bodies[rule].when;

	return ag_rule_hides(&set->rules[rule]) ||
	       (accepts(&set->rules[rule]) && (!when || asks_attributes_only(when)));
}

/* ---- What cannot be asked ---- */

static void report_field(struct ag_report *report, const struct ag_node *test)
{
	struct ag_text message = { 0 };
	struct ag_text hint = { 0 };

	ag_text_printf(&message,
		       "a rule with hide is asked for attributes, not for PDUs, and no "
		       "attribute has %s",
		       ag_field_name(test->field));
	if (test->field == AG_F_ATT_TYPE)
		ag_text_puts(&hint, "did you mean att.uuid?");
	else
		ag_text_puts(&hint, "it may ask for role, from, link, peer, peer.type, att.handle, "
				    "att.uuid, att.characteristic and att.service");
	ag_report_add(report, AG_ERROR, test->span, &message, &hint);
}

static void check_node(struct ag_report *report, const struct ag_node *node)
{
	switch (node->kind) {
	case AG_NODE_AND:
	case AG_NODE_OR:
	case AG_NODE_NOT:
		for (size_t i = 0; i < node->n_children; i++)
			check_node(report, node->children[i]);
		break;
	case AG_NODE_TEST:
		if (!(ag_fields_of_attribute() & ag_field_bit(node->field)))
			report_field(report, node);
		break;
	case AG_NODE_SAMPLER:
		ag_report_error(report, node->span,
				"an attribute is hidden or not; there is nothing to count");
		break;
	}
}

void ag_check_hide(struct ag_report *report, const struct ag_rule *rule,
		   const struct ag_rule_body *body)
{
	if (ag_rule_hides(rule) && body->when)
		check_node(report, body->when);
}

/* ---- Asking ---- */

int ag_hide_build(struct ag_ruleset *set)
{
	size_t left = AG_ENTRIES_MAX;
	struct ag_index_plan plan = { ag_fields_of_attribute(), &left };
	size_t end = set->count;
	uint32_t *rules;
	size_t count = 0;

	while (end && !ag_rule_hides(&set->rules[end - 1]))
		end--; /* an accept behind the last hide changes nothing */
	rules = ag_arena_alloc(&set->arena, end, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < end; i++) {
		if (ag_rule_decides_attributes(set, i))
			rules[count++] = (uint32_t)i;
	}
	set->attribute_rules = (struct ag_candidates){ rules, count };
	return ag_index_build(set, &set->attribute_rules, &plan, &set->attribute_index);
}

bool ag_rules_any_hides(const struct ag_ruleset *set)
{
	return set && set->attribute_rules.count;
}

bool ag_rules_hide(const struct ag_ruleset *set, const struct ag_subject *attribute,
		   const struct ag_rule **rule)
{
	struct ag_walk walk;
	uint32_t index;

	*rule = NULL;
	if (!set)
		return false;
	ag_index_ask(&set->attribute_index, attribute, 0, &walk);
	while (ag_walk_next(&walk, &index)) {
		const struct ag_node *when = set->bodies[index].when;

		if (when && !ag_condition_holds(when, attribute, NULL))
			continue;
		*rule = &set->rules[index];
		return ag_rule_hides(*rule);
	}
	return false;
}

/* ---- What is left of a condition when the link is known ---- */

/* Two rows of SplitMix64 that differ in their constants: collisions are a matter of chance alone,
 * and 128 bits leave none. */
struct mix {
	uint64_t a;
	uint64_t b;
};

static void mix(struct mix *to, uint64_t word)
{
	to->a = ag_hash_scramble(to->a + word + AG_HASH_STEP);
	to->b = ag_hash_scramble((to->b ^ word) * UINT64_C(0xd1342543de82ef95) + 1);
}

static void mix_both(struct mix *to, const struct mix *other)
{
	mix(to, other->a);
	mix(to, other->b);
}

static void mix_test(struct mix *to, const struct ag_node *test)
{
	mix(to, AG_NODE_TEST);
	mix(to, test->field);
	mix(to, test->negated);
	mix(to, test->n_ranges);
	for (size_t i = 0; i < test->n_ranges; i++) {
		mix(to, test->ranges[i].low);
		mix(to, test->ranges[i].high);
	}
	mix(to, test->n_uuids);
	for (size_t i = 0; i < test->n_uuids; i++) {
		mix(to, test->uuids[i].hi);
		mix(to, test->uuids[i].lo);
	}
}

enum truth { NO, YES, OPEN };

/** What the link settles of a node, or of its negation. Where that is left open, and only there,
 *  `rest` tells it from everything else. A negation goes down to the comparisons, so that it does
 *  not matter how it was written. */
static enum truth settle(const struct ag_node *node, bool negate, const struct ag_subject *link,
			 struct mix *rest);

static enum truth settle_chain(const struct ag_node *node, bool negate,
			       const struct ag_subject *link, struct mix *rest)
{
	bool all = (node->kind == AG_NODE_AND) != negate;
	struct mix row = { 0 };
	struct mix only = { 0 };
	size_t open = 0;

	mix(&row, all ? AG_NODE_AND : AG_NODE_OR);
	for (size_t i = 0; i < node->n_children; i++) {
		struct mix child = { 0 };
		enum truth truth = settle(node->children[i], negate, link, &child);

		if (truth == (all ? NO : YES))
			return truth;
		if (truth != OPEN)
			continue;
		only = child;
		mix_both(&row, &child);
		open++;
	}
	if (!open)
		return all ? YES : NO;
	*rest = open == 1 ? only : row;
	return OPEN;
}

static enum truth settle(const struct ag_node *node, bool negate, const struct ag_subject *link,
			 struct mix *rest)
{
	switch (node->kind) {
	case AG_NODE_AND:
	case AG_NODE_OR:
		return settle_chain(node, negate, link, rest);
	case AG_NODE_NOT:
		return settle(node->children[0], !negate, link, rest);
	case AG_NODE_TEST:
	case AG_NODE_SAMPLER: /* is in no rule that is asked for attributes */
		break;
	}
	if (ag_fields_of_link() & ag_field_bit(node->field))
		return ag_condition_holds(node, link, NULL) != negate ? YES : NO;
	mix(rest, negate);
	mix_test(rest, node);
	return OPEN;
}

bool ag_rules_hide_digest(const struct ag_ruleset *set, const struct ag_subject *link_part,
			  uint64_t digest[2])
{
	struct mix so_far = { 0 };
	bool hides = false;

	for (size_t i = 0; set && i < set->attribute_rules.count; i++) {
		size_t index = set->attribute_rules.rules[i];
		const struct ag_node *when = set->bodies[index].when;
		bool hide = ag_rule_hides(&set->rules[index]);
		struct mix rest = { 0 };
		enum truth truth = when ? settle(when, false, link_part, &rest) : YES;

		if (truth == NO)
			continue;
		mix(&so_far, hide);
		mix_both(&so_far, &rest);
		if (hide) { /* an accept counts only if a hide comes behind it */
			hides = true;
			digest[0] = so_far.a;
			digest[1] = so_far.b;
		}
		if (truth == YES)
			break;
	}
	return hides;
}
