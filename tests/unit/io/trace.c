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

Test(trace, overwrites_the_oldest)
{
	struct ag_trace *trace;
	struct scene scene;

	cr_assert_eq(ag_trace_new(&trace), 0);
	set_scene(&scene, 0);
	for (uint64_t i = 0; i < AG_TRACE_KEPT + 10; i++) {
		scene.decision.number = i;
		ag_trace_put(trace, &scene.decision);
	}
	cr_expect_eq(ag_trace_end(trace), AG_TRACE_KEPT + 10);
	cr_expect_eq(ag_trace_first(trace), 10);
	for (uint64_t i = 10; i < AG_TRACE_KEPT + 10; i++)
		cr_expect_eq(ag_trace_at(trace, i)->number, i);
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
	cr_expect_eq(ag_trace_subject(trace, 2), ag_trace_at(trace, 0)->subject);
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
