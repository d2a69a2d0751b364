/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "rules/field.h"
#include "rules/set.h"

/* ---- Values ---- */

static void print_duration(struct ag_text *text, uint64_t us)
{
	if (us % 1000000 == 0)
		ag_text_printf(text, "%llus", (unsigned long long)(us / 1000000));
	else if (us % 1000 == 0)
		ag_text_printf(text, "%llums", (unsigned long long)(us / 1000));
	else
		ag_text_printf(text, "%lluus", (unsigned long long)us);
}

static void print_bdaddr(struct ag_text *text, uint64_t bdaddr)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		ag_text_printf(text, "%02X%s", (unsigned int)(bdaddr >> shift & 0xff),
			       shift ? ":" : "");
}

static void print_bytes(struct ag_text *text, const struct ag_bytes *bytes)
{
	ag_text_puts(text, "hex\"");
	for (size_t i = 0; i < bytes->len; i++)
		ag_text_printf(text, "%s%02x", i ? " " : "", bytes->data[i]);
	ag_text_puts(text, "\"");
}

static void print_uuid(struct ag_text *text, const struct ag_uuid *uuid)
{
	const char *name = ag_uuid_name(uuid);
	struct ag_uuid base = ag_uuid_from_u16(0);

	if (name)
		ag_text_puts(text, name);
	else if (uuid->lo == base.lo && (uint32_t)uuid->hi == (uint32_t)base.hi)
		ag_text_printf(text, "0x%04llx", (unsigned long long)(uuid->hi >> 32));
	else
		ag_text_printf(text, "%08llx-%04llx-%04llx-%04llx-%012llx",
			       (unsigned long long)(uuid->hi >> 32),
			       (unsigned long long)(uuid->hi >> 16 & 0xffff),
			       (unsigned long long)(uuid->hi & 0xffff),
			       (unsigned long long)(uuid->lo >> 48),
			       (unsigned long long)(uuid->lo & UINT64_C(0xffffffffffff)));
}

static void print_code(struct ag_text *text, const char *name, uint64_t num, unsigned int digits)
{
	if (name)
		ag_text_puts(text, name);
	else if (digits)
		ag_text_printf(text, "0x%0*llx", (int)digits, (unsigned long long)num);
	else
		ag_text_printf(text, "%llu", (unsigned long long)num);
}

static void print_value(struct ag_text *text, enum ag_field field, const union ag_value *value)
{
	const struct ag_field_row *row = ag_field_row(field);

	switch (row->type) {
	case AG_T_FLAG:
	case AG_T_NUMBER:
	case AG_T_HANDLE:
	case AG_T_NAME:
		print_code(text, ag_field_value_name(field, value->num), value->num, row->digits);
		break;
	case AG_T_DURATION:
		print_duration(text, value->num);
		break;
	case AG_T_BDADDR:
		print_bdaddr(text, value->num);
		break;
	case AG_T_UUID:
		print_uuid(text, &value->uuid);
		break;
	case AG_T_BYTES:
		print_bytes(text, &value->bytes);
		break;
	}
}

static void print_item(struct ag_text *text, enum ag_field field, const struct ag_item *item)
{
	union ag_value high = { .num = item->high };

	print_value(text, field, &item->low);
	if (item->is_range || item->is_prefix)
		ag_text_puts(text, "..");
	if (item->is_range)
		print_value(text, field, &high);
}

/* ---- Conditions ---- */

static const char *compare_sign(const struct ag_node *test)
{
	bool many = test->n_items != 1 || test->items[0].is_range || test->items[0].is_prefix;

	switch (test->compare) {
	case AG_CMP_EQ:
	case AG_CMP_IN:
		return many ? "in" : "==";
	case AG_CMP_NE:
		return "!=";
	case AG_CMP_LT:
		return "<";
	case AG_CMP_LE:
		return "<=";
	case AG_CMP_GT:
		return ">";
	case AG_CMP_GE:
		break;
	}
	return ">=";
}

static void print_test(struct ag_text *text, const struct ag_node *test)
{
	bool plain = ag_field_type(test->field) == AG_T_FLAG && test->n_items == 1 &&
		     (test->compare == AG_CMP_EQ || test->compare == AG_CMP_IN) &&
		     test->items[0].low.num == 1;

	ag_text_puts(text, ag_field_name(test->field));
	if (plain)
		return;
	ag_text_printf(text, " %s ", compare_sign(test));
	if (test->n_items == 1) {
		print_item(text, test->field, &test->items[0]);
		return;
	}
	for (size_t i = 0; i < test->n_items; i++) {
		ag_text_puts(text, i ? ", " : "{");
		print_item(text, test->field, &test->items[i]);
	}
	ag_text_puts(text, "}");
}

/** A count of thousandths as a percentage, without the zeros at its end. */
static void print_percent(struct ag_text *text, uint64_t thousandths)
{
	unsigned int digits = 3;
	uint64_t rest = thousandths % 1000;

	ag_text_printf(text, "%llu", (unsigned long long)(thousandths / 1000));
	while (rest && rest % 10 == 0) {
		rest /= 10;
		digits--;
	}
	if (rest)
		ag_text_printf(text, ".%0*llu", (int)digits, (unsigned long long)rest);
	ag_text_puts(text, "%");
}

static void print_sampler(struct ag_text *text, const struct ag_node *node)
{
	switch (node->sampler) {
	case AG_SAMPLE_EVERY:
		ag_text_printf(text, "every %llu", (unsigned long long)node->count);
		break;
	case AG_SAMPLE_FIRST:
		ag_text_printf(text, "first %llu", (unsigned long long)node->count);
		break;
	case AG_SAMPLE_CHANCE:
		ag_text_puts(text, "chance ");
		print_percent(text, node->count);
		break;
	}
}

static void print_node(struct ag_text *text, const struct ag_node *node);

static void print_operand(struct ag_text *text, const struct ag_node *node, bool parenthesis)
{
	if (parenthesis)
		ag_text_puts(text, "(");
	print_node(text, node);
	if (parenthesis)
		ag_text_puts(text, ")");
}

static void print_chain(struct ag_text *text, const struct ag_node *node)
{
	bool all = node->kind == AG_NODE_AND;

	for (size_t i = 0; i < node->n_children; i++) {
		const struct ag_node *child = node->children[i];

		if (i)
			ag_text_puts(text, all ? " and " : " or ");
		print_operand(text, child, all && child->kind == AG_NODE_OR);
	}
}

static void print_node(struct ag_text *text, const struct ag_node *node)
{
	switch (node->kind) {
	case AG_NODE_AND:
	case AG_NODE_OR:
		print_chain(text, node);
		break;
	case AG_NODE_NOT:
		ag_text_puts(text, "not ");
		print_operand(text, node->children[0],
			      node->children[0]->kind == AG_NODE_AND ||
				  node->children[0]->kind == AG_NODE_OR);
		break;
	case AG_NODE_TEST:
		print_test(text, node);
		break;
	case AG_NODE_SAMPLER:
		print_sampler(text, node);
		break;
	}
}

/* ---- Actions ---- */

static void print_string(struct ag_text *text, const char *string)
{
	ag_text_puts(text, "\"");
	for (; *string; string++) {
		if (*string == '"' || *string == '\\')
			ag_text_puts(text, "\\");
		ag_text_add(text, string, 1);
	}
	ag_text_puts(text, "\"");
}

static void print_delay(struct ag_text *text, const struct ag_action *action)
{
	print_duration(text, action->time_us);
	switch (action->until) {
	case AG_DELAY_FIXED:
		if (action->jitter_us) {
			ag_text_puts(text, " jitter ");
			print_duration(text, action->jitter_us);
		}
		break;
	case AG_DELAY_UNTIL_ENCRYPTED:
		ag_text_puts(text, " until encrypted");
		break;
	case AG_DELAY_UNLESS_ENCRYPTED:
		ag_text_puts(text, " unless encrypted");
		break;
	}
}

static void print_operands(struct ag_text *text, const struct ag_action *action,
			   const struct ag_action_note *note)
{
	switch (action->kind) {
	case AG_ACCEPT:
	case AG_DROP:
	case AG_HIDE:
	case AG_DUPLICATE:
		break;
	case AG_REJECT:
	case AG_DISCONNECT:
		if (action->has_value)
			print_code(text, note->value_name, action->value.num, 2);
		break;
	case AG_ANSWER:
		if (action->answer_type == AG_T_BYTES)
			print_bytes(text, &action->value.bytes);
		else
			print_code(text, NULL, action->value.num, 0);
		break;
	case AG_REWRITE:
		ag_text_printf(text, "%s = ", ag_field_name(action->field));
		print_value(text, action->field, &action->value);
		break;
	case AG_DELAY:
		print_delay(text, action);
		break;
	case AG_TIMEOUT:
		print_duration(text, action->time_us);
		if (action->has_value)
			ag_text_puts(text, " ");
		if (action->has_value)
			print_code(text, note->value_name, action->value.num, 2);
		break;
	case AG_LOG:
		if (action->text)
			print_string(text, action->text);
		break;
	}
}

static void print_action(struct ag_text *text, const struct ag_action *action,
			 const struct ag_action_note *note)
{
	size_t before;

	ag_text_printf(text, "    %s ", ag_action_name(action->kind));
	before = text->len;
	print_operands(text, action, note);
	if (text->len == before && text->len)
		text->data[--text->len] = '\0';
	ag_text_puts(text, "\n");
}

/* ---- Rules ---- */

static void print_rule(struct ag_text *text, const struct ag_ruleset *set, size_t index)
{
	const struct ag_rule *rule = &set->rules[index];
	const struct ag_rule_body *body = &set->bodies[index];

	if (rule->n_actions == 0) { /* a filter */
		print_node(text, body->when);
		ag_text_puts(text, "\n");
		return;
	}
	ag_text_printf(text, "rule %s\n", rule->name);
	if (body->when) {
		ag_text_puts(text, "    when ");
		print_node(text, body->when);
		ag_text_puts(text, "\n");
	}
	for (size_t i = 0; i < rule->n_actions; i++)
		print_action(text, &rule->actions[i], &body->notes[i]);
}

char *ag_rule_format(const struct ag_ruleset *set, size_t index)
{
	struct ag_text text = { 0 };

	print_rule(&text, set, index);
	return ag_text_take(&text);
}

char *ag_ruleset_format(const struct ag_ruleset *set)
{
	struct ag_text text = { 0 };

	for (size_t i = 0; i < set->count; i++) {
		if (i)
			ag_text_puts(&text, "\n");
		print_rule(&text, set, i);
	}
	return ag_text_take(&text);
}
