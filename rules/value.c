/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/value.h"

#include <stdio.h>
#include <string.h>

#include "rules/parser.h"

struct ag_slot ag_slot_of_field(enum ag_field field, struct ag_span span)
{
	const struct ag_field_row *row = ag_field_row(field);

	return (struct ag_slot){
		.name = row->name,
		.span = span,
		.type = row->type,
		.names = { row->names },
		.max = row->max,
		.ordered = row->ordered || row->type == AG_T_BDADDR,
		.is_field = true,
		.numbers = row->digits || row->type == AG_T_FLAG,
		.takes = row->takes ? row->takes : ag_type_words(row->type),
	};
}

static void quote_token(struct ag_text *text, const struct ag_token *token)
{
	if (token->kind == AG_TOK_NAME)
		ag_text_add(text, token->text, token->len < 60 ? token->len : 60);
	else
		ag_text_quote(text, token->text, token->len);
}

/* ---- What a value is, when it is the wrong one ---- */

/** The field that an attribute with this UUID is known by: what a service declaration declares is
 * no attribute's type. */
static enum ag_field uuid_owner(uint16_t uuid16)
{
	return ag_uuid_class(uuid16) == AG_UUID_CLASS_SERVICE ? AG_F_ATT_SERVICE : AG_F_ATT_UUID;
}

/** The field that a name is a value of. */
static bool find_owner(const char *text, size_t len, enum ag_field *owner)
{
	uint16_t uuid16;

	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		const struct ag_field_row *row = ag_field_row((enum ag_field)i);

		if (row->names && ag_names_find(row->names, text, len)) {
			*owner = (enum ag_field)i;
			return true;
		}
	}
	if (!ag_names_find_uuid(text, len, &uuid16))
		return false;
	*owner = uuid_owner(uuid16);
	return true;
}

/** What a scalar is as it is written; a name is a value of something. */
static const char *const written_as[] = {
	[AG_TOK_NUMBER] = "a number",  [AG_TOK_DURATION] = "a time", [AG_TOK_UUID] = "a UUID",
	[AG_TOK_BDADDR] = "a BD_ADDR", [AG_TOK_BYTES] = "octets",    [AG_TOK_STRING] = "text",
};

static void wrong_type(struct ag_resolver *resolver, const struct ag_slot *slot,
		       const struct ag_token *token, const char *is, const char *hint)
{
	struct ag_text message = { 0 };
	struct ag_text advice = { 0 };

	ag_text_printf(&message, "%s takes %s, but ", slot->name, slot->takes);
	quote_token(&message, token);
	ag_text_printf(&message, " is %s", is);
	if (slot->type == AG_T_DURATION && token->kind == AG_TOK_NUMBER)
		ag_text_puts(&advice, "a time has a unit, as in 250ms, 2s or 1min");
	else if (hint)
		ag_text_printf(&advice, "did you mean %s?", hint);
	ag_report_add(resolver->report, AG_ERROR, slot->span, &message, &advice);
}

static void unknown_name(struct ag_resolver *resolver, const struct ag_slot *slot,
			 const struct ag_token *token)
{
	struct ag_nearest nearest = ag_nearest(token->text, token->len);
	struct ag_text message = { 0 };
	struct ag_text advice = { 0 };

	for (size_t i = 0; i < 2; i++) {
		if (slot->names[i])
			ag_nearest_try_table(&nearest, slot->names[i]);
	}
	if (slot->type == AG_T_UUID) {
		ag_nearest_try_table(&nearest, ag_names_characteristic);
		ag_nearest_try_table(&nearest, ag_names_service);
	}
	for (const struct ag_ast_let *let = resolver->lets; let; let = let->next) {
		const char *name = ag_arena_copy(resolver->arena, let->name.text, let->name.len);

		if (name)
			ag_nearest_try(&nearest, name);
	}
	if (nearest.name)
		ag_text_printf(&advice, "did you mean %s?", nearest.name);
	ag_text_printf(&message, "%s takes %s, and ", slot->name, slot->takes);
	quote_token(&message, token);
	ag_text_puts(&message, " is none that is known");
	ag_report_add(resolver->report, AG_ERROR, token->span, &message, &advice);
}

static void wrong_name(struct ag_resolver *resolver, const struct ag_slot *slot,
		       const struct ag_token *token)
{
	enum ag_field owner;
	char is[64];

	if (ag_field_find(token->text, token->len, &owner)) {
		wrong_type(resolver, slot, token, "a field", NULL);
		return;
	}
	if (!find_owner(token->text, token->len, &owner)) {
		unknown_name(resolver, slot, token);
		return;
	}
	if (ag_field_type(owner) == AG_T_UUID)
		snprintf(is, sizeof(is), "a UUID");
	else
		snprintf(is, sizeof(is), "a value of %s", ag_field_name(owner));
	wrong_type(resolver, slot, token, is, slot->is_field ? ag_field_name(owner) : NULL);
}

/* ---- Scalars ---- */

static bool find_name(const struct ag_slot *slot, const char *text, size_t len,
		      struct ag_item *item)
{
	for (size_t i = 0; i < 2; i++) {
		const struct ag_name *row = slot->names[i]
						? ag_names_find(slot->names[i], text, len)
						: NULL;

		if (row) {
			item->low.num = row->num;
			item->name = ag_names_get(slot->names[i], row->num);
			return true;
		}
	}
	return false;
}

static bool find_uuid(const char *text, size_t len, struct ag_item *item)
{
	uint16_t uuid16;

	if (!ag_names_find_uuid(text, len, &uuid16))
		return false;
	item->low.uuid = ag_uuid_from_u16(uuid16);
	return true;
}

/** A name, or a value in quotation marks as Wireshark shows it. */
static bool resolve_name(struct ag_resolver *resolver, const struct ag_slot *slot,
			 const struct ag_token *token, struct ag_item *item)
{
	struct ag_text words = { 0 };
	const char *text = token->text;
	size_t len = token->len;
	bool found;

	if (token->kind == AG_TOK_STRING) {
		ag_name_from_words(&words, (const char *)token->bytes.data, token->bytes.len);
		if (words.failed) {
			resolver->arena->failed = true;
			ag_text_clear(&words);
			return false;
		}
		text = words.data ? words.data : "";
		len = words.len;
	}
	if (slot->type == AG_T_UUID)
		found = find_uuid(text, len, item);
	else
		found = find_name(slot, text, len, item);
	ag_text_clear(&words);
	if (found)
		return true;
	if (token->kind == AG_TOK_NAME)
		wrong_name(resolver, slot, token);
	else
		unknown_name(resolver, slot, token);
	return false;
}

static bool resolve_number(struct ag_resolver *resolver, const struct ag_slot *slot,
			   const struct ag_token *token, struct ag_item *item)
{
	if (token->num < slot->min || token->num > slot->max) {
		ag_report_error(resolver->report, token->span,
				"%s takes a number from %llu to %llu (0x%llx)", slot->name,
				(unsigned long long)slot->min, (unsigned long long)slot->max,
				(unsigned long long)slot->max);
		return false;
	}
	item->low.num = token->num;
	return true;
}

static void wrong_uuid(struct ag_resolver *resolver, const struct ag_slot *slot,
		       const struct ag_token *token)
{
	struct ag_text message = { 0 };
	struct ag_text advice = { 0 };

	ag_text_printf(&message, "%s takes a UUID, and ", slot->name);
	quote_token(&message, token);
	ag_text_puts(&message, " is none");
	if (!token->hex && token->len == 4)
		ag_text_printf(&advice, "did you mean 0x%.4s?", token->text);
	ag_report_add(resolver->report, AG_ERROR, token->span, &message, &advice);
}

/* A number without 0x is refused: 2902 would be 0x0b56, and nobody means that. */
static bool resolve_uuid(struct ag_resolver *resolver, const struct ag_slot *slot,
			 const struct ag_token *token, struct ag_item *item)
{
	if (token->kind == AG_TOK_UUID) {
		item->low.uuid = token->uuid;
		return true;
	}
	if (!token->hex || token->num > UINT32_MAX) {
		wrong_uuid(resolver, slot, token);
		return false;
	}
	item->low.uuid = ag_uuid_from_u16(0);
	item->low.uuid.hi |= token->num << 32;
	return true;
}

static bool copy_bytes(struct ag_resolver *resolver, const struct ag_token *token,
		       struct ag_item *item)
{
	char *copy = ag_arena_copy(resolver->arena, token->bytes.data, token->bytes.len);

	if (!copy)
		return false;
	item->low.bytes = (struct ag_bytes){ (const uint8_t *)copy, token->bytes.len };
	return true;
}

/** Whether a token is a value of the slot's type as it is written, names apart. */
static bool fits(const struct ag_slot *slot, const struct ag_token *token)
{
	bool number = token->kind == AG_TOK_NUMBER;

	switch (slot->type) {
	case AG_T_FLAG:
	case AG_T_NAME:
		return number && slot->numbers;
	case AG_T_NUMBER:
	case AG_T_HANDLE:
		return number;
	case AG_T_DURATION:
		return token->kind == AG_TOK_DURATION;
	case AG_T_BDADDR:
		return token->kind == AG_TOK_BDADDR;
	case AG_T_UUID:
		return number || token->kind == AG_TOK_UUID;
	case AG_T_BYTES:
		break;
	}
	return token->kind == AG_TOK_BYTES || token->kind == AG_TOK_STRING;
}

static bool resolve_scalar(struct ag_resolver *resolver, const struct ag_slot *slot,
			   const struct ag_token *token, struct ag_item *item)
{
	bool named = slot->type == AG_T_NAME || slot->type == AG_T_FLAG || slot->type == AG_T_UUID;

	*item = (struct ag_item){ 0 };
	if (named && (token->kind == AG_TOK_NAME || token->kind == AG_TOK_STRING))
		return resolve_name(resolver, slot, token, item);
	if (token->kind == AG_TOK_NAME) {
		wrong_name(resolver, slot, token);
		return false;
	}
	if (!fits(slot, token)) {
		wrong_type(resolver, slot, token, written_as[token->kind], NULL);
		return false;
	}
	if (slot->type == AG_T_UUID)
		return resolve_uuid(resolver, slot, token, item);
	if (slot->type == AG_T_BYTES)
		return copy_bytes(resolver, token, item);
	return resolve_number(resolver, slot, token, item);
}

/* ---- Lets, sets, ranges ---- */

static struct ag_ast_let *find_let(const struct ag_resolver *resolver,
				   const struct ag_ast_value *value)
{
	const struct ag_token *token = &value->low;

	if (value->kind != AG_AST_SCALAR || token->kind != AG_TOK_NAME)
		return NULL;
	for (struct ag_ast_let *let = resolver->lets; let; let = let->next) {
		if (ag_name_same(let->name.text, let->name.len, token->text, token->len))
			return let;
	}
	return NULL;
}

/** There may be more ways through a `let` of a `let` of a `let` that go too deep than anybody can
 *  wait for, so each is gone through once. */
static bool too_deep(struct ag_resolver *resolver, struct ag_span span)
{
	ag_report_error(resolver->report, span, "nested more than %d deep", AG_DEPTH_MAX);
	resolver->endless++;
	return false;
}

static bool open_let(struct ag_resolver *resolver, struct ag_ast_let *let)
{
	let->used = true;
	if (let->endless)
		return false;
	if (let->open) {
		ag_report_error(resolver->report, let->name.span, "%.*s stands for itself",
				(int)let->name.len, let->name.text);
		resolver->endless++;
		return false;
	}
	if (resolver->n_open == AG_DEPTH_MAX)
		return too_deep(resolver, let->name.span);
	let->open = true;
	let->endless_before = resolver->endless;
	resolver->n_open++;
	return true;
}

static void close_let(struct ag_resolver *resolver, struct ag_ast_let *let)
{
	let->open = false;
	let->endless = let->endless_before != resolver->endless;
	resolver->n_open--;
}

/** Items as they are found, and how deep in sets and lets. */
struct collection {
	struct ag_resolver *resolver;
	const struct ag_slot *slot;
	struct ag_item *items;
	size_t count;
	size_t allocated;
	unsigned int depth;
};

static struct ag_item *new_item(struct collection *to, const struct ag_ast_value *value)
{
	size_t size = to->allocated ? to->allocated * 2 : 4;
	struct ag_item *items;

	if (to->count == AG_ITEMS_MAX) {
		ag_report_error(to->resolver->report, value->span, "more than %d values",
				AG_ITEMS_MAX);
		return NULL;
	}
	if (to->count == to->allocated) {
		items = ag_arena_alloc(to->resolver->arena, size, sizeof(*items));
		if (!items)
			return NULL;
		if (to->count)
			memcpy(items, to->items, to->count * sizeof(*items));
		to->items = items;
		to->allocated = size;
	}
	return &to->items[to->count++];
}

static bool collect_range(struct collection *to, const struct ag_ast_value *value)
{
	struct ag_item *item = new_item(to, value);
	struct ag_item high;

	if (!item)
		return false;
	if (!to->slot->ordered) {
		ag_report_error(to->resolver->report, value->span, "%s has no ranges",
				to->slot->name);
		return false;
	}
	if (!resolve_scalar(to->resolver, to->slot, &value->low, item) ||
	    !resolve_scalar(to->resolver, to->slot, &value->high, &high))
		return false;
	item->is_range = true;
	item->high = high.low.num;
	return true;
}

static bool collect_scalar(struct collection *to, const struct ag_ast_value *value)
{
	struct ag_item *item = new_item(to, value);
	bool prefix = value->kind == AG_AST_PREFIX;

	if (!item)
		return false;
	if (prefix && to->slot->type != AG_T_BYTES) {
		wrong_type(to->resolver, to->slot, &value->low, "the beginning of octets", NULL);
		return false;
	}
	if (!resolve_scalar(to->resolver, to->slot, &value->low, item))
		return false;
	item->is_prefix = prefix;
	return true;
}

static bool collect(struct collection *to, const struct ag_ast_value *value);

static bool collect_let(struct collection *to, struct ag_ast_let *let)
{
	bool fine;

	if (!open_let(to->resolver, let))
		return false;
	fine = collect(to, let->value);
	close_let(to->resolver, let);
	return fine;
}

/** All members, so that each error in them is reported. */
static bool collect_set(struct collection *to, const struct ag_ast_value *value)
{
	bool fine = true;

	for (const struct ag_ast_value *member = value->members; member; member = member->next) {
		fine &= collect(to, member);
		if ((!fine && to->count == AG_ITEMS_MAX) || to->resolver->arena->failed)
			break;
	}
	return fine;
}

static bool collect(struct collection *to, const struct ag_ast_value *value)
{
	struct ag_ast_let *let = find_let(to->resolver, value);
	bool fine = false;

	if (to->depth == AG_DEPTH_MAX)
		return too_deep(to->resolver, value->span);
	to->depth++;
	switch (value->kind) {
	case AG_AST_SCALAR:
		fine = let ? collect_let(to, let) : collect_scalar(to, value);
		break;
	case AG_AST_PREFIX:
		fine = collect_scalar(to, value);
		break;
	case AG_AST_RANGE:
		fine = collect_range(to, value);
		break;
	case AG_AST_SET:
		fine = collect_set(to, value);
		break;
	}
	to->depth--;
	return fine;
}

bool ag_resolve(struct ag_resolver *resolver, const struct ag_slot *slot,
		const struct ag_ast_value *value, struct ag_item **items, size_t *n_items)
{
	struct collection to = { .resolver = resolver, .slot = slot };

	if (!collect(&to, value))
		return false;
	*items = to.items;
	*n_items = to.count;
	return true;
}

bool ag_resolve_one(struct ag_resolver *resolver, const struct ag_slot *slot,
		    const struct ag_ast_value *value, struct ag_item *item)
{
	struct ag_item *items;
	size_t count;

	if (!ag_resolve(resolver, slot, value, &items, &count))
		return false;
	if (count != 1 || items[0].is_range || items[0].is_prefix) {
		ag_report_error(resolver->report, value->span, "%s takes one value", slot->name);
		return false;
	}
	*item = items[0];
	return true;
}

const struct ag_ast_value *ag_resolve_let(struct ag_resolver *resolver,
					  const struct ag_ast_value *value)
{
	struct ag_ast_let *let = find_let(resolver, value);
	const struct ag_ast_value *found;

	if (!let)
		return value;
	if (!open_let(resolver, let))
		return NULL;
	found = ag_resolve_let(resolver, let->value);
	close_let(resolver, let);
	return found;
}

/* ---- Lets that nothing uses ---- */

static void check_unused_name(struct ag_resolver *resolver, const struct ag_token *token)
{
	enum ag_field owner;

	if (token->kind == AG_TOK_NAME && !find_owner(token->text, token->len, &owner) &&
	    !ag_names_find(ag_names_hci_error, token->text, token->len))
		ag_report_error(resolver->report, token->span, "%.*s is nothing that is known",
				(int)token->len, token->text);
}

static void check_unused_value(struct ag_resolver *resolver, const struct ag_ast_value *value)
{
	if (find_let(resolver, value))
		return;
	check_unused_name(resolver, &value->low);
	check_unused_name(resolver, &value->high);
	for (const struct ag_ast_value *member = value->members; member; member = member->next)
		check_unused_value(resolver, member);
}

void ag_check_unused_let(struct ag_resolver *resolver, const struct ag_ast_let *let)
{
	check_unused_value(resolver, let->value);
}
