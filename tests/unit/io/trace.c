/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/io/trace.h"

TestSuite(trace, .timeout = 20);

/** A decision all of whose pointers lead to what can be taken away. */
struct scene {
	uint8_t pdu[600];
	uint8_t out[600];
	char name[100];
	char text[200];
	struct ag_link_view link;
	struct ag_subject subject;
	struct ag_rule rule;
	struct ag_decision decision;
};

static void set_scene(struct scene *scene, uint64_t number)
{
	memset(scene, 0, sizeof(*scene));
	memcpy(scene->pdu, "\x1b\x10\x00\x64", 4);
	snprintf(scene->name, sizeof(scene->name), "a-rule");
	snprintf(scene->text, sizeof(scene->text), "a text");
	scene->link.handle = 0x40;
	scene->rule = (struct ag_rule){ .name = scene->name, .index = 3 };
	ag_subject_set(&scene->subject, AG_F_ATT_VALUE, 0);
	scene->subject.value[AG_F_ATT_VALUE].bytes = (struct ag_bytes){ scene->pdu + 3, 1 };
	scene->decision = (struct ag_decision){
		.number = number,
		.link = &scene->link,
		.is_att = true,
		.pdu = scene->pdu,
		.len = 4,
		.pdu_len = 4,
		.rule = &scene->rule,
		.log_text = scene->text,
		.subject = &scene->subject,
	};
}

Test(trace, keeps_copies)
{
	struct ag_trace *trace;
	struct scene scene;
	const struct ag_decision *kept;
	struct ag_bytes value;

	cr_assert_eq(ag_trace_new(&trace), 0);
	cr_expect_eq(ag_trace_end(trace), 0);
	set_scene(&scene, 7);
	ag_trace_put(trace, &scene.decision);
	memset(&scene, 0xff, sizeof(scene));
	cr_assert_eq(ag_trace_first(trace), 0);
	cr_assert_eq(ag_trace_end(trace), 1);
	kept = ag_trace_at(trace, 0);
	cr_expect_eq(kept->number, 7);
	cr_expect_eq(kept->link->handle, 0x40);
	cr_expect_eq(kept->len, 4);
	cr_expect_arr_eq(kept->pdu, "\x1b\x10\x00\x64", 4);
	cr_expect_str_eq(kept->rule->name, "a-rule");
	cr_expect_str_eq(kept->log_text, "a text");
	cr_expect_null(kept->out);
	value = kept->subject->value[AG_F_ATT_VALUE].bytes;
	cr_expect_eq(value.len, 1);
	cr_expect_eq(value.data, kept->pdu + 3);
	ag_trace_free(trace);
}

Test(trace, cuts_what_is_too_long)
{
	struct ag_trace *trace;
	struct scene scene;
	const struct ag_decision *kept;

	cr_assert_eq(ag_trace_new(&trace), 0);
	set_scene(&scene, 1);
	memset(scene.name, 'n', sizeof(scene.name) - 1);
	memset(scene.text, 't', sizeof(scene.text) - 1);
	scene.decision.len = sizeof(scene.pdu);
	scene.decision.pdu_len = sizeof(scene.pdu);
	scene.subject.value[AG_F_ATT_VALUE].bytes.len = sizeof(scene.pdu) - 3;
	ag_trace_put(trace, &scene.decision);
	kept = ag_trace_at(trace, 0);
	cr_expect_eq(kept->len, AG_TRACE_PDU_MAX);
	cr_expect_eq(kept->pdu_len, sizeof(scene.pdu));
	cr_expect_eq(kept->subject->value[AG_F_ATT_VALUE].bytes.len, AG_TRACE_PDU_MAX - 3);
	cr_expect_eq(strspn(kept->rule->name, "n"), strlen(kept->rule->name));
	cr_expect_eq(strspn(kept->log_text, "t"), strlen(kept->log_text));
	ag_trace_free(trace);
}

/* A value that was rewritten lies in what goes out; one that lies elsewhere is not kept. */
Test(trace, follows_values)
{
	static const uint8_t elsewhere[] = { 1, 2, 3 };
	struct ag_trace *trace;
	struct scene scene;
	const struct ag_decision *kept;

	cr_assert_eq(ag_trace_new(&trace), 0);
	set_scene(&scene, 1);
	memcpy(scene.out, "\x1b\x10\x00\x65\x66", 5);
	scene.decision.out = scene.out;
	scene.decision.out_len = 5;
	scene.subject.value[AG_F_ATT_VALUE].bytes = (struct ag_bytes){ scene.out + 3, 2 };
	ag_trace_put(trace, &scene.decision);
	kept = ag_trace_at(trace, 0);
	cr_expect_eq(kept->subject->value[AG_F_ATT_VALUE].bytes.data, kept->out + 3);
	cr_expect_eq(kept->subject->value[AG_F_ATT_VALUE].bytes.len, 2);
	scene.subject.value[AG_F_ATT_VALUE].bytes = (struct ag_bytes){ elsewhere, 3 };
	ag_trace_put(trace, &scene.decision);
	cr_expect_not(ag_subject_has(ag_trace_at(trace, 1)->subject, AG_F_ATT_VALUE));
	ag_trace_free(trace);
}

/* Of the shortest there are as many as are numbered. */
Test(trace, overwrites_the_oldest)
{
	static const struct ag_link_view link = { .handle = 0x40 };
	struct ag_passed passed = { .link = &link, .pdu = (const uint8_t *)"\x1e", .len = 1 };
	struct ag_trace *trace;

	cr_assert_eq(ag_trace_new(&trace), 0);
	for (uint64_t i = 0; i < AG_TRACE_KEPT + 10; i++) {
		passed.number = i;
		ag_trace_pass(trace, &passed);
	}
	cr_expect_eq(ag_trace_end(trace), AG_TRACE_KEPT + 10);
	cr_expect_eq(ag_trace_first(trace), 10);
	for (uint64_t i = 10; i < AG_TRACE_KEPT + 10; i++)
		cr_expect_eq(ag_trace_at(trace, i)->number, i);
	ag_trace_free(trace);
}

static uint32_t draw(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* What a subject says of the link is what the link says. */
static void agree(struct scene *scene, uint32_t *state)
{
	union ag_value *value = scene->subject.value;

	scene->decision.from = (enum ag_from)(draw(state) % 2);
	scene->decision.bearer = (enum ag_bearer_type)(draw(state) % 3);
	scene->link.type = (enum ag_link_type)(draw(state) % 2);
	scene->link.role = (enum ag_role)(draw(state) % 2);
	scene->link.peer = draw(state);
	scene->link.peer_type = (enum ag_peer_type)(draw(state) % 4);
	scene->link.encrypted = draw(state) % 2;
	value[AG_F_FROM].num = scene->decision.from;
	value[AG_F_BEARER].num = scene->decision.bearer;
	value[AG_F_LINK].num = scene->link.type;
	value[AG_F_ROLE].num = scene->link.role;
	value[AG_F_PEER].num = scene->link.peer;
	value[AG_F_PEER_TYPE].num = scene->link.peer_type;
	value[AG_F_ENCRYPTED].num = scene->link.encrypted;
}

/* The n-th decision, made of nothing but `n`. */
static void set_any(struct scene *scene, uint64_t n)
{
	uint32_t state = (uint32_t)n;

	set_scene(scene, n);
	for (size_t i = 0; i < sizeof(scene->pdu); i++) {
		scene->pdu[i] = (uint8_t)draw(&state);
		scene->out[i] = (uint8_t)draw(&state);
	}
	/* mostly short, as they are */
	scene->decision.len = draw(&state) % (n % 4 ? 24 : AG_TRACE_PDU_MAX + 1);
	scene->decision.out = draw(&state) % 4 ? NULL : scene->out;
	scene->decision.out_len = draw(&state) % (AG_TRACE_PDU_MAX + 1);
	scene->decision.rule = draw(&state) % 2 ? &scene->rule : NULL;
	scene->decision.log_text = draw(&state) % 2 ? scene->text : NULL;
	scene->decision.subject = draw(&state) % 4 ? &scene->subject : NULL;
	scene->rule.index = draw(&state);
	scene->link.handle = (uint16_t)draw(&state);
	snprintf(scene->name, sizeof(scene->name), "r%u", draw(&state));
	snprintf(scene->text, sizeof(scene->text), "%u", draw(&state));
	scene->subject.present = 0;
	for (unsigned int field = 0; field < AG_FIELD_COUNT; field++) {
		union ag_value *value = &scene->subject.value[field];

		if (draw(&state) % 2)
			continue;
		scene->subject.present |= UINT64_C(1) << field;
		if (ag_field_type((enum ag_field)field) == AG_T_UUID)
			value->uuid = (struct ag_uuid){ draw(&state), draw(&state) };
		else if (ag_field_type((enum ag_field)field) == AG_T_BYTES)
			value->bytes = (struct ag_bytes){ scene->pdu, scene->decision.len };
		else
			value->num = (uint64_t)draw(&state) << 32 | draw(&state);
	}
	agree(scene, &state);
}

static bool same_subject(const struct ag_subject *a, const struct ag_subject *b)
{
	if (!a || !b || a->present != b->present)
		return a == b;
	for (unsigned int field = 0; field < AG_FIELD_COUNT; field++) {
		const union ag_value *x = &a->value[field], *y = &b->value[field];
		enum ag_value_type type = ag_field_type((enum ag_field)field);

		if (!ag_subject_has(a, (enum ag_field)field))
			continue;
		if (type == AG_T_BYTES ? x->bytes.len != y->bytes.len ||
					     memcmp(x->bytes.data, y->bytes.data, x->bytes.len) != 0
		    : type == AG_T_UUID ? x->uuid.hi != y->uuid.hi || x->uuid.lo != y->uuid.lo
					: x->num != y->num)
			return false;
	}
	return true;
}

static void expect_same(const struct ag_decision *kept, const struct ag_decision *put)
{
	cr_assert_eq(kept->number, put->number);
	cr_assert_eq(kept->link->handle, put->link->handle);
	cr_assert_eq(kept->len, put->len);
	cr_assert_eq(memcmp(kept->pdu, put->pdu, put->len), 0);
	cr_assert_eq(kept->out == NULL, put->out == NULL);
	cr_assert(!put->out || (kept->out_len == put->out_len &&
				memcmp(kept->out, put->out, put->out_len) == 0));
	cr_assert_eq(kept->rule == NULL, put->rule == NULL);
	cr_assert(!put->rule || (strcmp(kept->rule->name, put->rule->name) == 0 &&
				 kept->rule->index == put->rule->index));
	cr_assert_eq(kept->log_text == NULL, put->log_text == NULL);
	cr_assert(!put->log_text || strcmp(kept->log_text, put->log_text) == 0);
	cr_assert(same_subject(kept->subject, put->subject));
}

/* Whatever came, what is kept is what came last, without a gap and octet for octet, and it is not
 * little. */
Test(trace, keeps_what_came_last)
{
	struct ag_trace *trace;
	struct scene scene;

	cr_assert_eq(ag_trace_new(&trace), 0);
	for (uint64_t n = 0; n < 20000; n++) {
		set_any(&scene, n);
		ag_trace_put(trace, &scene.decision);
		memset(scene.pdu, 0xee, sizeof(scene.pdu));
		memset(scene.out, 0xee, sizeof(scene.out));
		cr_assert_eq(ag_trace_end(trace), n + 1);
		cr_assert_leq(ag_trace_first(trace), n < 192 ? 0 : n - 192);
		for (uint64_t at = n % 487 ? n : ag_trace_first(trace); at <= n; at++) {
			set_any(&scene, at);
			expect_same(ag_trace_at(trace, at), &scene.decision);
		}
		set_any(&scene, ag_trace_first(trace));
		expect_same(ag_trace_at(trace, ag_trace_first(trace)), &scene.decision);
	}
	ag_trace_free(trace);
}

Test(trace, subject_of_a_later_word)
{
	struct ag_trace *trace;
	struct scene scene;

	cr_assert_eq(ag_trace_new(&trace), 0);
	set_scene(&scene, 5);
	ag_trace_put(trace, &scene.decision);
	scene.decision.number = 6;
	ag_trace_put(trace, &scene.decision);
	scene.decision.number = 5;
	scene.decision.subject = NULL;
	ag_trace_put(trace, &scene.decision);
	cr_assert_not_null(ag_trace_subject(trace, 2));
	cr_expect_eq(ag_trace_subject(trace, 2)->value[AG_F_ATT_VALUE].bytes.data,
		     ag_trace_at(trace, 0)->pdu + 3);
	scene.decision.number = 4;
	ag_trace_put(trace, &scene.decision);
	cr_expect_null(ag_trace_subject(trace, 3));
	ag_trace_free(trace);
}

/* The PDU as it came is told by the subject that is kept only if both are about one attribute. */
Test(trace, what_came)
{
	struct ag_subject came = { .present = 0 };
	struct ag_trace *trace;
	struct scene scene;

	cr_assert_eq(ag_trace_new(&trace), 0);
	set_scene(&scene, 1);
	ag_subject_set(&came, AG_F_ATT_HANDLE, 0x10);
	ag_subject_set(&scene.subject, AG_F_ATT_HANDLE, 0x10);
	scene.decision.as_came = &came;
	ag_trace_put(trace, &scene.decision);
	cr_expect_eq(ag_trace_at(trace, 0)->as_came, ag_trace_at(trace, 0)->subject);
	ag_subject_set(&scene.subject, AG_F_ATT_HANDLE, 0x12);
	ag_trace_put(trace, &scene.decision);
	cr_expect_null(ag_trace_at(trace, 1)->as_came);
	scene.decision.as_came = NULL;
	ag_trace_put(trace, &scene.decision);
	cr_expect_null(ag_trace_at(trace, 2)->as_came);
	ag_trace_free(trace);
}

/* What passes is shown as the decision that it would have been. */
static void expect_passed(const struct ag_passed *passed, const struct ag_decision *shown)
{
	struct ag_subject subject;

	ag_passed_subject(passed, &subject);
	cr_expect_eq(shown->number, passed->number);
	cr_expect_eq(shown->now_us, passed->now_us);
	cr_expect_eq(shown->verdict, AG_V_ACCEPT);
	cr_expect(shown->is_att && !shown->rule && !shown->out && !shown->log_text);
	cr_expect(shown->bearer == passed->bearer && shown->cid == passed->cid &&
		  shown->from == passed->from && shown->packets == passed->packets);
	cr_expect(memcmp(shown->link, passed->link, sizeof(*shown->link)) == 0);
	cr_expect_eq(shown->pdu_len, passed->len);
	cr_assert_leq(shown->len, passed->len);
	cr_expect(memcmp(shown->pdu, passed->pdu, shown->len) == 0);
	if (shown->len == passed->len)
		cr_expect(same_subject(shown->subject, &subject));
	cr_expect_eq(shown->as_came, shown->subject);
	cr_expect_eq(shown->subject->value[AG_F_ATT_LENGTH].num, passed->len);
}

/* Any, from its number. */
static struct ag_passed any_passed(uint64_t n, struct ag_link_view *link, uint8_t *pdu,
				   struct ag_attribute declared[2])
{
	static const uint8_t opcodes[] = { 0x1b, 0x52, 0x0a, 0x0b, 0x01, 0x08, 0x1e };
	struct ag_passed passed = {
		.number = n,
		.now_us = 1000 * n,
		.link = link,
		.pdu = pdu,
		.len = n % 50 ? 1 + n % 40 : 600,
		.packets = 1 + n % 3,
		.from = n % 2 ? AG_FROM_HOST : AG_FROM_PEER,
		.bearer = n % 3 ? AG_BEARER_ATT : AG_BEARER_EATT,
		.cid = (uint16_t)(4 + n % 5),
		.mtu = (uint16_t)(23 + n % 500),
		.request = (uint8_t)(n % 7 ? 0x0a : 0x12),
		.answers = n % 5,
		.has_malformed = n % 11,
		.malformed = n % 11 && n % 2,
		.has_place = n % 4,
		.place = { .mapped = n % 8 > 3,
			   .type = ag_uuid_from_u16((uint16_t)n),
			   .characteristic = n % 16 > 7 ? &declared[0] : NULL,
			   .service = n % 32 > 15 ? &declared[1] : NULL },
	};

	memset(link, 0, sizeof(*link));
	link->handle = (uint16_t)(n % 0xeff);
	link->type = n % 6 > 2 ? AG_LINK_BREDR : AG_LINK_LE;
	link->role = n % 7 > 3 ? AG_ROLE_CENTRAL : AG_ROLE_PERIPHERAL;
	link->peer = n * 0x10001;
	link->peer_type = (enum ag_peer_type)(n % 4);
	link->encrypted = n % 9 > 4;
	link->since_us = n;
	declared[0] = (struct ag_attribute){ .uuid = ag_uuid_from_u16((uint16_t)(n + 1)) };
	declared[1] = (struct ag_attribute){ .uuid = ag_uuid_from_u16((uint16_t)(n + 2)) };
	for (size_t i = 0; i < passed.len; i++)
		pdu[i] = (uint8_t)(n + i);
	pdu[0] = opcodes[n % sizeof(opcodes)];
	return passed;
}

Test(trace, what_passes_is_a_decision_again)
{
	struct ag_attribute declared[2];
	struct ag_link_view link;
	struct ag_trace *trace;
	struct scene scene;
	uint8_t pdu[600];

	cr_assert_eq(ag_trace_new(&trace), 0);
	for (uint64_t n = 0; n < 5000; n++) {
		struct ag_passed passed = any_passed(n, &link, pdu, declared);

		set_any(&scene, n);
		if (n % 3)
			ag_trace_pass(trace, &passed);
		else
			ag_trace_put(trace, &scene.decision);
		memset(pdu, 0xee, sizeof(pdu));
		memset(declared, 0xee, sizeof(declared));
		cr_assert_leq(ag_trace_first(trace), n < 256 ? 0 : n - 256);
		for (uint64_t at = n % 251 ? n : ag_trace_first(trace); at <= n; at++) {
			passed = any_passed(at, &link, pdu, declared);
			set_any(&scene, at);
			if (at % 3)
				expect_passed(&passed, ag_trace_at(trace, at));
			else
				expect_same(ag_trace_at(trace, at), &scene.decision);
			cr_assert_eq(ag_trace_subject(trace, at), ag_trace_at(trace, at)->subject);
		}
	}
	ag_trace_free(trace);
}
