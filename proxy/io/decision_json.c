/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/decision_json.h"

#include "proxy/base/cleanup.h"
#include "proxy/engine/words.h"
#include "proxy/wire/att.h"

static const char *bearer_name(const struct ag_decision *decision)
{
	if (!decision->is_att)
		return NULL;
	return ag_field_value_name(AG_F_BEARER, decision->bearer);
}

static void print_opcode(struct ag_json *json, const struct ag_decision *decision)
{
	enum ag_field field = decision->is_att ? AG_F_ATT_OPCODE : AG_F_SMP_OPCODE;

	ag_json_named(json, "opcode", ag_field_value_name(field, decision->pdu[0]),
		      decision->pdu[0]);
}

static void print_handles(struct ag_json *json, const struct ag_decision *decision)
{
	static const struct {
		enum ag_att_param param;
		const char *key;
	} handles[] = {
		{ AG_ATT_P_HANDLE, "handle" },
		{ AG_ATT_P_START, "start" },
		{ AG_ATT_P_END, "end" },
	};
	struct ag_att att = { 0 };

	if (decision->is_att)
		ag_att_parse(decision->pdu, decision->len, &att);
	for (size_t i = 0; i < ag_array_size(handles); i++) {
		bool there = ag_att_has(&att, handles[i].param);

		ag_json_optional(json, handles[i].key, there,
				 there ? ag_att_number(&att, handles[i].param) : 0);
	}
}

/* What the attribute is, as far as that is known. */
static void print_attribute(struct ag_json *json, const struct ag_subject *subject)
{
	static const struct {
		enum ag_field field;
		const char *key;
	} uuids[] = {
		{ AG_F_ATT_UUID, "uuid" },
		{ AG_F_ATT_CHARACTERISTIC, "characteristic" },
		{ AG_F_ATT_SERVICE, "service" },
	};
	char text[AG_WORDS_UUID];

	for (size_t i = 0; i < ag_array_size(uuids); i++) {
		bool there = subject && ag_subject_has(subject, uuids[i].field);

		if (there)
			ag_words_uuid(&subject->value[uuids[i].field].uuid, text);
		ag_json_string(json, uuids[i].key, there ? text : NULL);
	}
}

static void print_error(struct ag_json *json, const struct ag_decision *decision)
{
	enum ag_field field = decision->is_att ? AG_F_ATT_ERROR : AG_F_SMP_REASON;

	if (decision->has_error)
		ag_json_named(json, "error", ag_field_value_name(field, decision->error),
			      decision->error);
	else
		ag_json_string(json, "error", NULL);
}

void ag_decision_json(struct ag_json *json, const struct ag_decision *decision)
{
	char text[AG_WORDS_SIZE];

	ag_json_string(json, "from", ag_field_value_name(AG_F_FROM, decision->from));
	ag_json_string(json, "role", ag_field_value_name(AG_F_ROLE, decision->link->role));
	ag_words_bdaddr(decision->link->peer, text);
	ag_json_string(json, "peer", text);
	ag_json_string(json, "protocol", decision->is_att ? "att" : "smp");
	ag_json_string(json, "bearer", bearer_name(decision));
	print_opcode(json, decision);
	print_handles(json, decision);
	print_attribute(json, decision->as_came);
	ag_json_string(json, "rule", decision->rule ? decision->rule->name : NULL);
	ag_json_string(json, "verdict", ag_words_verdict_name(decision->verdict));
	print_error(json, decision);
	ag_json_number(json, "pdu", decision->number);
	ag_words_came(decision, text, sizeof(text));
	ag_json_string(json, "words", text);
	if (decision->out)
		ag_words_went(decision, text, sizeof(text));
	ag_json_string(json, "rewritten", decision->out ? text : NULL);
	ag_json_optional(json, "delay_us", decision->effects & AG_EFFECT_DELAY, decision->delay_us);
	ag_json_optional(json, "entries", decision->hidden, decision->entries);
	ag_json_optional(json, "hidden", decision->hidden, decision->hidden);
	ag_json_string(json, "log", decision->log_text);
}
