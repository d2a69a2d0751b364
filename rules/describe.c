/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rules/field.h"
#include "rules/lexer.h"

/* ---- Words of the grammar ---- */

static const struct {
	const char *word;
	const char *form;
	const char *about;
} words[] = {
	{ "accept", "accept", "verdict: forwarded, no later rule looks" },
	{ "reject", "reject [ERROR]",
	  "verdict: not forwarded; the sender gets one answer in the name of the other side: an\n"
	  "  Error Response for a request, a confirmation for an indication, Pairing Failed for a\n"
	  "  Pairing Request. Of a response: who asked gets an Error Response in its place. "
	  "Without\n"
	  "  ERROR the one that fits the request" },
	{ "answer", "answer VALUE",
	  "verdict: not forwarded; the sender gets a success response with that value: octets for\n"
	  "  Read, Read Blob, Read By Type and Write requests, a number for Exchange MTU. Of a "
	  "response:\n"
	  "  who asked gets one with that value in its place" },
	{ "drop", "drop",
	  "verdict: not forwarded and nothing said; a request that gets no answer costs the link\n"
	  "  after 30 s, whether it is dropped or its response" },
	{ "hide", "hide",
	  "verdict: of attributes; who asks for them is told that they are not there. The rule "
	  "may\n"
	  "  ask for role, from (whose attributes they are), link, peer, peer.type, att.handle,\n"
	  "  att.uuid, att.characteristic and att.service" },
	{ "disconnect", "disconnect [REASON]", "verdict: the link is ended" },
	{ "rewrite", "rewrite FIELD = VALUE", "no verdict: changes the PDU" },
	{ "delay", "delay TIME [jitter TIME | until encrypted | unless encrypted]",
	  "no verdict: held back; with `until' released early when the link becomes encrypted,\n"
	  "  with `unless' discarded when it becomes encrypted meanwhile" },
	{ "timeout", "timeout TIME [ERROR]",
	  "no verdict: forwarded, but answered by attgate if the other side has not answered "
	  "after\n"
	  "  that time; its late answer is discarded" },
	{ "duplicate", "duplicate", "no verdict: forwarded twice" },
	{ "log", "log [\"text\"]", "no verdict: a line in the log" },
	{ "rule", "rule NAME [when CONDITION] ACTION...", "begins a rule; names are unique" },
	{ "let", "let NAME = VALUE", "gives a value a name within its file" },
	{ "when", "when CONDITION", "the PDUs a rule is for; without it, all" },
	{ "and", "A and B", "both hold" },
	{ "or", "A or B", "at least one holds" },
	{ "not", "not A", "does not hold; a comparison with an absent field does not" },
	{ "in", "FIELD in VALUE", "the value is one of a set {A, B}, a range A..B, or begins so" },
	{ "every", "every N", "sampler: the Nth, 2Nth ... PDU of a link for which the rest holds" },
	{ "first", "first N", "sampler: the first N PDUs of a link for which the rest holds" },
	{ "chance", "chance PERCENT%",
	  "sampler: that part of the PDUs for which the rest holds, the same ones in each run" },
};

static const struct ag_name *const uuid_tables[] = { ag_names_characteristic, ag_names_service };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* By class: where it is written. */
static const char *const uuid_fields[] = {
	[AG_UUID_CLASS_SERVICE] = "att.service",
	[AG_UUID_CLASS_DECLARATION] = "att.uuid or att.type",
	[AG_UUID_CLASS_DESCRIPTOR] = "att.uuid or att.type",
	[AG_UUID_CLASS_CHARACTERISTIC] = "att.uuid, att.characteristic or att.type",
};

/* ---- One thing at length ---- */

static void describe_values(struct ag_text *text, const struct ag_field_row *row)
{
	ag_text_puts(text, "  values:\n");
	for (const struct ag_name *name = row->names; name->name; name++) {
		if (row->digits)
			ag_text_printf(text, "    0x%02x %s\n", name->num, name->name);
		else
			ag_text_printf(text, "    %s\n", name->name);
	}
}

static void describe_field(struct ag_text *text, enum ag_field field)
{
	const struct ag_field_row *row = ag_field_row(field);

	ag_text_printf(text, "%s: field, %s\n", row->name, row->about);
	ag_text_printf(text, "  takes %s; compared with %s%s\n",
		       row->takes ? row->takes : ag_type_words(row->type),
		       row->ordered ? "== != < <= > >= in" : "== != in",
		       row->type == AG_T_FLAG ? ", or stands by itself" : "");
	if (row->writable)
		ag_text_puts(text, "  can be changed with rewrite\n");
	for (size_t i = 0; i < COUNT(row->aliases); i++) {
		if (row->aliases[i])
			ag_text_printf(text, "  Wireshark: %s\n", row->aliases[i]);
	}
	if (row->names)
		describe_values(text, row);
}

static void describe_uuid(struct ag_text *text, uint16_t uuid16, const char *name)
{
	enum ag_uuid_class class = ag_uuid_class(uuid16);

	ag_text_printf(text, "%s: UUID 0x%04x, %s\n", name, uuid16, ag_uuid_class_name(class));
	ag_text_printf(text, "  0000%04x-0000-1000-8000-00805f9b34fb\n", uuid16);
	ag_text_printf(text, "  written where %s is compared\n", uuid_fields[class]);
}

static void describe_value(struct ag_text *text, enum ag_field field, const struct ag_name *name)
{
	const struct ag_field_row *row = ag_field_row(field);

	if (row->digits)
		ag_text_printf(text, "%s: 0x%02x, a value of %s\n", name->name, name->num,
			       row->name);
	else
		ag_text_printf(text, "%s: a value of %s\n", name->name, row->name);
}

static void describe_hci(struct ag_text *text, const struct ag_name *name)
{
	ag_text_printf(text, "%s: 0x%02x, an HCI error code, as disconnect takes it\n", name->name,
		       name->num);
}

/* ---- Looking up ---- */

static void look_for_word(struct ag_text *text, const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(words); i++) {
		if (ag_name_is(name, len, words[i].word))
			ag_text_printf(text, "%s\n  %s\n", words[i].form, words[i].about);
	}
}

static void look_for_field(struct ag_text *text, const char *name, size_t len)
{
	enum ag_field field;

	if (ag_field_find(name, len, &field))
		describe_field(text, field);
	if (ag_field_is_planned(name, len))
		ag_text_printf(text, "%.*s: a field that is not available in this version\n",
			       (int)len, name);
}

static void look_for_value(struct ag_text *text, const char *name, size_t len)
{
	const struct ag_name *row;
	uint16_t uuid16;

	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		const struct ag_name *names = ag_field_row((enum ag_field)i)->names;

		row = names ? ag_names_find(names, name, len) : NULL;
		if (row)
			describe_value(text, (enum ag_field)i, row);
	}
	row = ag_names_find(ag_names_hci_error, name, len);
	if (row)
		describe_hci(text, row);
	if (ag_names_find_uuid(name, len, &uuid16)) {
		struct ag_uuid uuid = ag_uuid_from_u16(uuid16);

		describe_uuid(text, uuid16, ag_uuid_name(&uuid));
	}
}

/** Everything a number can stand for where numbers have names. */
static void look_for_number(struct ag_text *text, uint64_t num)
{
	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		const struct ag_field_row *row = ag_field_row((enum ag_field)i);
		const char *name = row->digits && row->names ? ag_names_get(row->names, num) : NULL;

		if (name)
			describe_value(text, (enum ag_field)i,
				       &(struct ag_name){ (uint16_t)num, name });
	}
	if (ag_names_get(ag_names_hci_error, num))
		describe_hci(text, &(struct ag_name){ (uint16_t)num,
						      ag_names_get(ag_names_hci_error, num) });
	for (size_t i = 0; i < COUNT(uuid_tables); i++) {
		if (ag_names_get(uuid_tables[i], num))
			describe_uuid(text, (uint16_t)num, ag_names_get(uuid_tables[i], num));
	}
}

static void look_for_uuid128(struct ag_text *text, const struct ag_uuid *uuid)
{
	uint16_t uuid16;

	if (ag_uuid_name(uuid) && ag_uuid_to_u16(uuid, &uuid16))
		describe_uuid(text, uuid16, ag_uuid_name(uuid));
}

static void look_for(struct ag_text *text, const char *name, size_t len)
{
	struct ag_uuid uuid;
	uint64_t num;

	if (ag_parse_number(name, len, &num))
		look_for_number(text, num);
	else if (ag_parse_uuid128(name, len, &uuid))
		look_for_uuid128(text, &uuid);
	look_for_word(text, name, len);
	look_for_field(text, name, len);
	look_for_value(text, name, len);
}

/* ---- What was not found ---- */

static const char *nearest_of_all(const char *name, size_t len)
{
	struct ag_nearest nearest = ag_nearest(name, len);

	for (size_t i = 0; i < COUNT(words); i++)
		ag_nearest_try(&nearest, words[i].word);
	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		ag_nearest_try(&nearest, ag_field_row((enum ag_field)i)->name);
		if (ag_field_row((enum ag_field)i)->names)
			ag_nearest_try_table(&nearest, ag_field_row((enum ag_field)i)->names);
	}
	ag_nearest_try_table(&nearest, ag_names_hci_error);
	for (size_t i = 0; i < COUNT(uuid_tables); i++)
		ag_nearest_try_table(&nearest, uuid_tables[i]);
	return nearest.name;
}

static int suggest(const char *name, char **out)
{
	const char *nearest = nearest_of_all(name, strlen(name));
	struct ag_text text = { 0 };

	*out = NULL;
	if (!nearest)
		return 1;
	ag_text_puts(&text, nearest);
	*out = ag_text_take(&text);
	return *out ? 1 : -ENOMEM;
}

/** A value as Wireshark shows it: "Read Request". */
static void look_for_words(struct ag_text *text, const char *name)
{
	struct ag_text snake = { 0 };

	ag_name_from_words(&snake, name, strlen(name));
	if (snake.len && strcmp(snake.data, name) != 0)
		look_for_value(text, snake.data, snake.len);
	text->failed |= snake.failed;
	ag_text_clear(&snake);
}

int ag_describe(const char *name, char **out)
{
	struct ag_text text = { 0 };
	char *found;

	look_for(&text, name, strlen(name));
	if (!text.len)
		look_for_words(&text, name);
	if (!text.len && !text.failed)
		return suggest(name, out);
	found = ag_text_take(&text);
	if (!found)
		return -ENOMEM;
	*out = found;
	return 0;
}

/* ---- Everything ---- */

static void list_row(struct ag_text *text, const char *name, const char *what, const char *about)
{
	const char *newline = strchr(about, '\n');
	int len = newline ? (int)(newline - about) : (int)strlen(about);

	ag_text_printf(text, "%-44s %-14s %.*s\n", name, what, len, about);
}

static void list_values(struct ag_text *text, enum ag_field field)
{
	const struct ag_field_row *row = ag_field_row(field);

	for (const struct ag_name *name = row->names; name->name; name++) {
		char about[16];

		snprintf(about, sizeof(about), "0x%02x", name->num);
		list_row(text, name->name, row->name, row->digits ? about : "");
	}
}

static void list_codes(struct ag_text *text, const struct ag_name *table, bool uuids)
{
	for (const struct ag_name *name = table; name->name; name++) {
		char about[16];

		snprintf(about, sizeof(about), "0x%0*x", uuids ? 4 : 2, name->num);
		list_row(text, name->name,
			 uuids ? ag_uuid_class_name(ag_uuid_class(name->num)) : "HCI error", about);
	}
}

char *ag_describe_all(void)
{
	struct ag_text text = { 0 };

	for (size_t i = 0; i < COUNT(words); i++)
		list_row(&text, words[i].word, "word", words[i].about);
	for (int i = 0; i < AG_FIELD_COUNT; i++)
		list_row(&text, ag_field_name((enum ag_field)i), "field",
			 ag_field_row((enum ag_field)i)->about);
	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		/* att.request has the values of att.opcode */
		if (ag_field_row((enum ag_field)i)->names && i != AG_F_ATT_REQUEST)
			list_values(&text, (enum ag_field)i);
	}
	list_codes(&text, ag_names_hci_error, false);
	list_codes(&text, ag_names_service, true);
	list_codes(&text, ag_names_characteristic, true);
	return ag_text_take(&text);
}
