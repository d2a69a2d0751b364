/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/ruleset.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "tests/sim/att.h"

static const char *const kind_names[] = {
	[AG_KIND_REQUEST] = "request",       [AG_KIND_RESPONSE] = "response",
	[AG_KIND_COMMAND] = "command",       [AG_KIND_NOTIFICATION] = "notification",
	[AG_KIND_INDICATION] = "indication", [AG_KIND_CONFIRMATION] = "confirmation",
};

static const uint8_t requests[] = { 0x02, 0x04, 0x06, 0x08, 0x0a, 0x0c,
				    0x0e, 0x10, 0x12, 0x16, 0x18, 0x20 };
static const uint8_t answerable[] = { 0x02, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x12, 0x13 };
static const uint8_t with_handle[] = { 0x0a, 0x0c, 0x12, 0x16, 0x1b, 0x1d, 0x52 };
static const uint8_t others[] = { 0x01, 0x03, 0x09, 0x0b, 0x0d, 0x11,
				  0x13, 0x1b, 0x1d, 0x1e, 0x52, 0xd2 };
static const uint8_t no_answer[] = { 0x1b, 0x52, 0xd2, 0x23 };

/* Those of which something else than the rest of the rule decides whether a sampler counts. */
static const char *const samples[] = {
	"not (first 4 or bearer == att)",
	"not (every 3 or link == le)",
	"not (chance 40% or bearer == eatt)",
	"(role == central or not (chance 60% and from == peer))",
	"not (every 2 or att.kind == request)",
};

#define PICK(random, array) ((array)[ag_random_below(random, ag_array_size(array))])

/* Octets before the value of a PDU that ends in one; 0: it does not. */
static size_t value_at(uint8_t opcode)
{
	switch (opcode) {
	case 0x0b:
	case 0x0d:
		return 1;
	case 0x12:
	case 0x1b:
	case 0x1d:
	case 0x52:
		return 3;
	case 0x16:
		return 5;
	default:
		return 0;
	}
}

static void random_condition(struct ag_random *random, struct ag_sim_rule *rule)
{
	switch (ag_random_below(random, 8)) {
	case 0:
	case 1:
		rule->on = AG_SIM_ON_KIND;
		rule->value = (uint8_t)ag_random_below(random, ag_array_size(kind_names));
		break;
	case 2:
	case 3:
		rule->on = AG_SIM_ON_HANDLE;
		rule->value = PICK(random, with_handle);
		rule->low = (uint16_t)ag_random_range(random, 1, 0x20);
		rule->high = (uint16_t)(rule->low + ag_random_below(random, 0x18));
		break;
	case 4:
		rule->on = AG_SIM_ON_PAIRING;
		rule->value = ag_random_percent(random, 60) ? 0x01 : 0x0b;
		break;
	case 5:
		rule->on = AG_SIM_ON_OPCODE;
		rule->value = PICK(random, others);
		break;
	default:
		rule->on = AG_SIM_ON_OPCODE;
		rule->value = PICK(random, requests);
		break;
	}
}

static bool is_one_of(uint8_t value, const uint8_t *list, size_t n)
{
	return memchr(list, value, n) != NULL;
}

/* The opcode a rule is about, or 0 for a kind or an SMP rule. */
static uint8_t opcode_of(const struct ag_sim_rule *rule)
{
	return rule->on == AG_SIM_ON_OPCODE || rule->on == AG_SIM_ON_HANDLE ? rule->value : 0;
}

static bool is_on(const struct ag_sim_rule *rule, enum ag_att_kind kind,
		  enum ag_sim_att_kind sim_kind)
{
	return rule->on == AG_SIM_ON_KIND
		   ? rule->value == (uint8_t)kind
		   : opcode_of(rule) && ag_sim_att_kind(opcode_of(rule)) == sim_kind;
}

/* Whether the action makes sense there: a second request or response would be the rule's fault. */
static bool fits(const struct ag_sim_rule *rule)
{
	uint8_t opcode = opcode_of(rule);

	switch (rule->action) {
	case AG_SIM_ACCEPT:
	case AG_SIM_REJECT:
	case AG_SIM_DROP:
	case AG_SIM_DISCONNECT:
	case AG_SIM_DELAY:
	case AG_SIM_DELAY_ENCRYPTED:
	case AG_SIM_LOG:
		return true;
	case AG_SIM_REJECT_ERROR:
		return is_on(rule, AG_KIND_REQUEST, AG_SIM_ATT_REQUEST) ||
		       is_on(rule, AG_KIND_RESPONSE, AG_SIM_ATT_RESPONSE);
	case AG_SIM_TIMEOUT:
		return is_on(rule, AG_KIND_REQUEST, AG_SIM_ATT_REQUEST);
	case AG_SIM_ANSWER:
		return opcode && is_one_of(opcode, answerable, sizeof(answerable));
	case AG_SIM_REWRITE_VALUE:
		return opcode && value_at(opcode) > 0;
	case AG_SIM_REWRITE_ERROR:
		return opcode == 0x01;
	case AG_SIM_DUPLICATE:
		return (opcode && is_one_of(opcode, no_answer, sizeof(no_answer))) ||
		       (rule->on == AG_SIM_ON_KIND &&
			(rule->value == AG_KIND_COMMAND || rule->value == AG_KIND_NOTIFICATION));
	case AG_SIM_ACTION_COUNT:
		break;
	}
	return false;
}

static void random_rule(struct ag_random *random, unsigned int allowed, struct ag_sim_rule *rule)
{
	do {
		*rule = (struct ag_sim_rule){ 0 };
		rule->any = ag_random_percent(random, 40);
		rule->from = ag_random_percent(random, 60) ? AG_FROM_HOST : AG_FROM_PEER;
		random_condition(random, rule);
		rule->action = (enum ag_sim_action)ag_random_below(random, AG_SIM_ACTION_COUNT);
		if (rule->action == AG_SIM_LOG && ag_random_percent(random, 50)) {
			rule->on = AG_SIM_ON_SAMPLE;
			rule->value = (uint8_t)ag_random_below(random, ag_array_size(samples));
		}
	} while (!(allowed >> rule->action & 1) || !fits(rule) ||
		 (rule->action == AG_SIM_DISCONNECT && !ag_random_percent(random, 15)));
	rule->error = (uint8_t)ag_random_range(random, 1, 0x13);
	rule->time_ms = ag_random_range(random, 1, 900);
	rule->n_bytes = (uint8_t)ag_random_below(random, sizeof(rule->bytes) + 1);
	ag_random_fill(random, rule->bytes, rule->n_bytes);
}

/* ---- As text ---- */

__attribute__((format(printf, 2, 3))) static void add(char text[4096], const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, 4096 - len, format, args);
	va_end(args);
}

static void add_condition(char text[4096], const struct ag_sim_rule *rule)
{
	if (!rule->any)
		add(text, "from == %s and ", rule->from == AG_FROM_HOST ? "host" : "peer");
	switch (rule->on) {
	case AG_SIM_ON_KIND:
		add(text, "att.kind == %s", kind_names[rule->value]);
		break;
	case AG_SIM_ON_OPCODE:
		add(text, "att.opcode == 0x%02x", rule->value);
		break;
	case AG_SIM_ON_HANDLE:
		add(text, "att.opcode == 0x%02x and att.handle in 0x%04x..0x%04x", rule->value,
		    rule->low, rule->high);
		break;
	case AG_SIM_ON_PAIRING:
		add(text, "smp.opcode == 0x%02x", rule->value);
		break;
	case AG_SIM_ON_SAMPLE:
		add(text, "%s", samples[rule->value]);
		break;
	}
}

static void add_hex(char text[4096], const struct ag_sim_rule *rule)
{
	add(text, "hex\"");
	for (uint8_t i = 0; i < rule->n_bytes; i++)
		add(text, "%02x", rule->bytes[i]);
	add(text, "\"");
}

static void add_action(char text[4096], const struct ag_sim_rule *rule)
{
	static const char *const plain[] = {
		[AG_SIM_ACCEPT] = "accept",       [AG_SIM_REJECT] = "reject",
		[AG_SIM_DROP] = "drop",           [AG_SIM_DISCONNECT] = "disconnect",
		[AG_SIM_DUPLICATE] = "duplicate", [AG_SIM_LOG] = "log \"seen\"",
		[AG_SIM_ACTION_COUNT] = NULL,
	};

	if (plain[rule->action])
		add(text, "%s", plain[rule->action]);
	else if (rule->action == AG_SIM_REJECT_ERROR)
		add(text, "reject 0x%02x", rule->error);
	else if (rule->action == AG_SIM_REWRITE_ERROR)
		add(text, "rewrite att.error = 0x%02x", rule->error);
	else if (rule->action == AG_SIM_DELAY)
		add(text, "delay %ums jitter %ums", rule->time_ms, rule->time_ms / 2);
	else if (rule->action == AG_SIM_DELAY_ENCRYPTED)
		add(text, "delay %ums until encrypted", rule->time_ms);
	else if (rule->action == AG_SIM_TIMEOUT)
		add(text, "timeout %ums 0x%02x", rule->time_ms, rule->error);
	else if (rule->action == AG_SIM_ANSWER && opcode_of(rule) == 0x02)
		add(text, "answer %u", 23 + rule->n_bytes);
	else {
		add(text, rule->action == AG_SIM_ANSWER ? "answer " : "rewrite att.value = ");
		add_hex(text, rule);
	}
}

int ag_sim_rules_new(struct ag_random *random, unsigned int allowed, struct ag_sim_rules *out,
		     char text[4096])
{
	struct ag_source source = { .name = "random.rules", .text = text };

	out->count = ag_random_range(random, 1, AG_SIM_RULES_MAX);
	text[0] = '\0';
	for (size_t i = 0; i < out->count; i++) {
		random_rule(random, allowed, &out->rule[i]);
		add(text, "rule r%zu\n\twhen ", i);
		add_condition(text, &out->rule[i]);
		add(text, "\n\t");
		add_action(text, &out->rule[i]);
		add(text, "\n");
	}
	source.len = strlen(text);
	return ag_ruleset_compile(&source, 1, &out->set, NULL);
}

void ag_sim_rules_clear(struct ag_sim_rules *rules)
{
	ag_ruleset_free(rules->set);
	rules->set = NULL;
}

/* ---- The second opinion ---- */

static enum ag_sim_att_kind sim_kind(uint8_t kind)
{
	static const enum ag_sim_att_kind kinds[] = {
		[AG_KIND_REQUEST] = AG_SIM_ATT_REQUEST,
		[AG_KIND_RESPONSE] = AG_SIM_ATT_RESPONSE,
		[AG_KIND_COMMAND] = AG_SIM_ATT_COMMAND,
		[AG_KIND_NOTIFICATION] = AG_SIM_ATT_NOTIFICATION,
		[AG_KIND_INDICATION] = AG_SIM_ATT_INDICATION,
		[AG_KIND_CONFIRMATION] = AG_SIM_ATT_CONFIRMATION,
	};

	return kinds[kind];
}

static bool matches(const struct ag_sim_rule *rule, enum ag_from from, bool is_att,
		    const uint8_t *pdu)
{
	if (!rule->any && rule->from != from)
		return false;
	switch (rule->on) {
	case AG_SIM_ON_KIND:
		return is_att && ag_sim_att_kind(pdu[0]) == sim_kind(rule->value);
	case AG_SIM_ON_OPCODE:
		return is_att && pdu[0] == rule->value;
	case AG_SIM_ON_HANDLE:
		return is_att && pdu[0] == rule->value && ag_get_le16(pdu + 1) >= rule->low &&
		       ag_get_le16(pdu + 1) <= rule->high;
	case AG_SIM_ON_PAIRING:
		return !is_att && pdu[0] == rule->value;
	case AG_SIM_ON_SAMPLE:
		break; /* a guess, of which nothing comes */
	}
	return false;
}

/* @return: whether the rule gives a verdict */
static bool act(const struct ag_sim_rule *rule, struct ag_sim_opinion *opinion)
{
	size_t at;

	switch (rule->action) {
	case AG_SIM_ACCEPT:
		opinion->verdict = AG_V_ACCEPT;
		return true;
	case AG_SIM_REJECT:
	case AG_SIM_REJECT_ERROR:
		opinion->verdict = AG_V_REJECT;
		opinion->has_error = rule->action == AG_SIM_REJECT_ERROR;
		opinion->error = rule->error;
		return true;
	case AG_SIM_ANSWER:
		opinion->verdict = AG_V_ANSWER;
		return true;
	case AG_SIM_DROP:
		opinion->verdict = AG_V_DROP;
		return true;
	case AG_SIM_DISCONNECT:
		opinion->verdict = AG_V_DISCONNECT;
		return true;
	case AG_SIM_REWRITE_VALUE:
		at = value_at(opinion->out[0]);
		memcpy(opinion->out + at, rule->bytes, rule->n_bytes);
		opinion->out_len = at + rule->n_bytes;
		opinion->rewritten = true;
		return false;
	case AG_SIM_REWRITE_ERROR:
		opinion->out[4] = rule->error;
		opinion->rewritten = true;
		return false;
	case AG_SIM_DELAY:
	case AG_SIM_DELAY_ENCRYPTED:
	case AG_SIM_TIMEOUT:
	case AG_SIM_DUPLICATE:
	case AG_SIM_LOG:
	case AG_SIM_ACTION_COUNT:
		return false;
	}
	return false;
}

void ag_sim_rules_judge(const struct ag_sim_rules *rules, enum ag_from from, bool is_att,
			const uint8_t *pdu, size_t len, struct ag_sim_opinion *opinion)
{
	opinion->verdict = AG_V_ACCEPT;
	opinion->rule = SIZE_MAX;
	opinion->has_error = false;
	opinion->rewritten = false;
	opinion->out_len = len;
	memcpy(opinion->out, pdu, len);
	for (size_t i = 0; i < rules->count; i++) {
		if (matches(&rules->rule[i], from, is_att, pdu) && act(&rules->rule[i], opinion)) {
			opinion->rule = i;
			return;
		}
	}
}
