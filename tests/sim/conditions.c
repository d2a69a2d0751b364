/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/conditions.h"

#include <stdio.h>

#include "rules/field.h"

static uint64_t state = 1;
static struct {
	const uint8_t *at; /* NULL: none */
	size_t left;
} choices;

void ag_roll_from(const uint8_t *octets, size_t len)
{
	choices.at = octets;
	choices.left = octets ? len : 0;
}

unsigned int ag_roll(unsigned int limit)
{
	if (choices.at) {
		if (!choices.left)
			return 0;
		choices.left--;
		return *choices.at++ % limit;
	}
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(state >> 33) % limit;
}

static const char *pick(const char *const *list, size_t count)
{
	return list[ag_roll((unsigned int)count)];
}

#define PICK(list) pick(list, sizeof(list) / sizeof((list)[0]))

/* Values that meet those of the subjects below often. */
static const char *const tests[] = {
	"from == host",
	"from != host",
	"role == peripheral",
	"role in {central}",
	"link == bredr",
	"bearer == eatt",
	"bearer != {att, att_bredr}",
	"encrypted",
	"peer == 00:00:00:00:00:01",
	"peer != 00:00:00:00:00:02",
	"mtu > 1",
	"mtu != 2",
	"att.opcode == read_request",
	"att.opcode in {error_response, read_response, 0x77}",
	"att.opcode <= find_information_request",
	"att.opcode != {0x00..0x1b, 0x20}",
	"att.kind == request",
	"att.kind != response",
	"att.kind in {command, notification}",
	"att.handle == 1",
	"att.handle in {0, 2}",
	"att.handle != 1",
	"att.start >= 1",
	"att.type == 0x0001",
	"att.type != {0x0001, 0x0002}",
	"att.uuid == 0x0001",
	"att.uuid != 0x0002",
	"att.characteristic in {0x0000, 0x0001}",
	"att.service == 0x0002",
	"att.mapped",
	"att.malformed",
	"att.error == 1",
	"att.error in 1..2",
	"att.request == 2",
	"att.unsolicited",
	"att.offset < 2",
	"att.value == hex\"01\"",
	"att.value in {hex\"02\".., hex\"\"}",
	"att.length == 1",
	"att.mtu == 1",
	"smp.opcode == security_request",
	"smp.opcode in 1..5",
	"smp.reason == 1",
};

const char *ag_random_test(void)
{
	return PICK(tests);
}

size_t ag_random_condition_of(const char *const *list, size_t count, char *out, size_t size,
			      unsigned int depth)
{
	const char *word = ag_roll(2) ? " and " : " or ";
	unsigned int parts = 2 + ag_roll(2);
	size_t len = 0;

	if (depth == 0 || ag_roll(3) == 0)
		return (size_t)snprintf(out, size, "%s%s", ag_roll(4) ? "" : "not ",
					pick(list, count));
	len += (size_t)snprintf(out, size, "%s(", ag_roll(4) ? "" : "not ");
	for (unsigned int i = 0; i < parts; i++) {
		if (i)
			len += (size_t)snprintf(out + len, size - len, "%s", word);
		len += ag_random_condition_of(list, count, out + len, size - len, depth - 1);
	}
	return len + (size_t)snprintf(out + len, size - len, ")");
}

size_t ag_random_condition(char *out, size_t size, unsigned int depth)
{
	return ag_random_condition_of(tests, sizeof(tests) / sizeof(tests[0]), out, size, depth);
}

static void set_random(struct ag_subject *subject, enum ag_field field)
{
	static const uint8_t octets[] = { 1, 2, 1 };
	enum ag_value_type type = ag_field_type(field);
	bool of_two = field == AG_F_FROM || field == AG_F_ROLE || field == AG_F_LINK ||
		      type == AG_T_FLAG;

	subject->present |= ag_field_bit(field);
	if (ag_type_is_number(type))
		subject->value[field].num = ag_roll(of_two ? 2 : 3);
	else if (type == AG_T_UUID)
		subject->value[field].uuid = ag_uuid_from_u16((uint16_t)ag_roll(3));
	else
		subject->value[field].bytes = (struct ag_bytes){ octets + ag_roll(2), ag_roll(3) };
}

static uint8_t random_opcode(void)
{
	static const uint8_t some[] = {
		0x01, 0x02, 0x04, 0x0a, 0x0b, 0x10, 0x1b, 0x1e, 0x52, 0x77
	};

	return ag_roll(3) ? some[ag_roll(sizeof(some))] : (uint8_t)ag_roll(256);
}

/** Link and bearer belong together. */
static void set_path(struct ag_subject *subject, bool att)
{
	static const uint8_t paths[][2] = {
		{ AG_LINK_LE, AG_BEARER_ATT },
		{ AG_LINK_LE, AG_BEARER_EATT },
		{ AG_LINK_BREDR, AG_BEARER_ATT_BREDR },
		{ AG_LINK_BREDR, AG_BEARER_EATT },
	};
	unsigned int path = ag_roll(4);

	ag_subject_set(subject, AG_F_LINK, paths[path][0]);
	if (att)
		ag_subject_set(subject, AG_F_BEARER, paths[path][1]);
}

struct ag_subject ag_random_subject(void)
{
	bool att = ag_roll(5) > 0;
	uint8_t opcode = att ? random_opcode() : (uint8_t)ag_roll(16);
	uint64_t can = att ? ag_fields_of_att(opcode) : ag_fields_of_smp(opcode);
	struct ag_subject subject = { 0 };
	enum ag_att_kind kind;

	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		bool always = ag_fields_of_link() >> i & 1;

		if (can >> i & 1 && (always || ag_roll(5)))
			set_random(&subject, (enum ag_field)i);
	}
	set_path(&subject, att);
	ag_subject_set(&subject, att ? AG_F_ATT_OPCODE : AG_F_SMP_OPCODE, opcode);
	if (att && ag_kind_of_att(opcode, &kind))
		ag_subject_set(&subject, AG_F_ATT_KIND, kind);
	return subject;
}

struct ag_subject ag_first_fragment(const struct ag_subject *subject)
{
	struct ag_subject first = *subject;

	first.present &= ag_field_bit(AG_F_FROM) | ag_field_bit(AG_F_ROLE) |
			 ag_field_bit(AG_F_LINK) | ag_field_bit(AG_F_BEARER) |
			 ag_field_bit(AG_F_PEER) | ag_field_bit(AG_F_ATT_OPCODE) |
			 ag_field_bit(AG_F_ATT_KIND) | ag_field_bit(AG_F_SMP_OPCODE);
	return first;
}
