/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/att_check.h"

#include "proxy/wire/cursor.h"

/* Vol 3 Part F, 3.2.8 and 3.2.9 */
#define MTU_MIN   23
#define VALUE_MAX 512

/* ---- What was asked ---- */

uint16_t ag_att_type_asked(const uint8_t *request, size_t len)
{
	struct ag_att att;

	if (!len)
		return 0;
	ag_att_parse(request, len, &att);
	return ag_att_type16(&att);
}

/* What the open request of a list response asked for: all there is, where it is not known. */
struct asked {
	uint16_t start;
	uint16_t end;
	uint16_t type;
};

static struct asked asked_of(const struct ag_att *att, const struct ag_att_context *context)
{
	struct asked asked = { .start = 1, .end = 0xffff };

	if (!context->request || context->request_len < 5 || context->request[0] + 1 != att->opcode)
		return asked;
	asked.start = ag_get_le16(context->request + 1);
	asked.end = ag_get_le16(context->request + 3);
	asked.type = ag_att_type_asked(context->request, context->request_len);
	return asked;
}

/* ---- Values ---- */

/* Whether the value of an attribute cannot be that short or long. */
static bool is_wrong_value(uint16_t type, size_t len)
{
	switch (type) {
	case AG_UUID_EXTENDED_PROPERTIES: /* Vol 3 Part G, 3.3.3.1 */
		return len != 2;
	case AG_UUID_SERVER_FEATURES: /* Vol 3 Part G, 7.4 */
		return len == 0;
	case AG_UUID_DATABASE_HASH: /* Vol 3 Part G, 7.3 */
		return len != 16;
	}
	return false;
}

static size_t value_len(const struct ag_att *att)
{
	return ag_att_has(att, AG_ATT_P_VALUE) ? att->param_len[AG_ATT_P_VALUE] : 0;
}

static bool bad_read(const struct ag_att *att, const struct ag_att_context *context)
{
	return value_len(att) > VALUE_MAX || is_wrong_value(context->type, value_len(att));
}

/* 3.4.4.6: a part of a value, from the offset asked for on */
static bool bad_blob(const struct ag_att *att, const struct ag_att_context *context)
{
	size_t offset = 0;

	if (context->request && context->request_len >= 5 &&
	    context->request[0] == AG_ATT_READ_BLOB_REQ)
		offset = ag_get_le16(context->request + 3);
	return value_len(att) > 0 && offset + value_len(att) > VALUE_MAX;
}

/* 3.4.7.1, 3.4.7.2; Vol 3 Part G, 7.1: Service Changed is a range of handles */
static bool bad_told(const struct ag_att *att, const struct ag_att_context *context)
{
	const uint8_t *value = att->pdu + att->at[AG_ATT_P_VALUE];

	if (context->type == AG_UUID_SERVICE_CHANGED)
		return value_len(att) != 4 || ag_get_le16(value) > ag_get_le16(value + 2);
	return bad_read(att, context);
}

/* 3.4.2: Client and Server Rx MTU are at least the default */
static bool bad_mtu(const struct ag_att *att, const struct ag_att_context *context)
{
	(void)context;
	return ag_att_number(att, AG_ATT_P_MTU) < MTU_MIN;
}

/* ---- Requests ---- */

/* 3.4.3.1, 3.4.3.3, 3.4.4.1, 3.4.4.9 */
static bool bad_range(const struct ag_att *att, const struct ag_att_context *context)
{
	uint16_t start = ag_att_number(att, AG_ATT_P_START);

	(void)context;
	return !start || start > ag_att_number(att, AG_ATT_P_END);
}

static bool bad_typed_range(const struct ag_att *att, const struct ag_att_context *context)
{
	bool whole = att->at[AG_ATT_P_TYPE] + att->param_len[AG_ATT_P_TYPE] == (int)att->len;

	return !whole || bad_range(att, context);
}

/* 3.4.4.7, 3.4.4.11: a set of handles */
static bool bad_set(const struct ag_att *att, const struct ag_att_context *context)
{
	(void)context;
	return value_len(att) % 2 != 0;
}

/* ---- Lists ---- */

/* Entries of one length that begin with a handle, or with the two handles of a range. */
struct list {
	const uint8_t *at;
	size_t len;
	size_t entry;  /* octets of one */
	bool ranges;   /* the first handle is followed by the last one */
	bool disjoint; /* none of the ranges lies in another */
};

static bool overlaps(const struct ag_att_context *context, uint16_t start, uint16_t end)
{
	for (size_t i = 0; i < context->n_primary; i++) {
		if (start <= context->primary[i].end && context->primary[i].start <= end)
			return true;
	}
	return false;
}

/* Entries are there, whole, in ascending order and in the range that was asked for. A range may end
 * behind that. */
static bool is_bad_list(const struct list *list, const struct asked *asked,
			const struct ag_att_context *context)
{
	uint32_t next = asked->start ? asked->start : 1;

	if (!list->len || list->len % list->entry != 0)
		return true;
	for (size_t i = 0; i < list->len; i += list->entry) {
		uint16_t start = ag_get_le16(list->at + i);
		uint16_t end = list->ranges ? ag_get_le16(list->at + i + 2) : start;

		if (start < next || start > asked->end || end < start)
			return true;
		if (asked->type == AG_UUID_SECONDARY_SERVICE && list->ranges &&
		    overlaps(context, start, end))
			return true;
		next = (list->disjoint ? end : start) + UINT32_C(1);
	}
	return false;
}

/* The list behind an octet that tells the length of its entries. */
static struct list list_of(const struct ag_att *att, size_t entry)
{
	return (struct list){ .at = att->pdu + 2, .len = att->len - 2, .entry = entry };
}

/* 3.4.3.2: format 1 is a handle and a 16-bit UUID, 2 a handle and a 128-bit one */
static bool bad_information(const struct ag_att *att, const struct ag_att_context *context)
{
	struct asked asked = asked_of(att, context);
	uint8_t format = att->pdu[1];
	struct list list = list_of(att, format == 1 ? 4 : 18);

	return (format != 1 && format != 2) || is_bad_list(&list, &asked, context);
}

/* 3.4.3.4: Found Attribute Handle, Group End Handle */
static bool bad_found(const struct ag_att *att, const struct ag_att_context *context)
{
	struct asked asked = asked_of(att, context);
	struct list list = { .at = att->pdu + 1, .len = att->len - 1, .entry = 4, .ranges = true };

	/* what is no service has no group, and a last one may then end anywhere */
	list.disjoint = asked.type == AG_UUID_PRIMARY_SERVICE ||
			asked.type == AG_UUID_SECONDARY_SERVICE;
	return is_bad_list(&list, &asked, context);
}

/* 3.4.4.2; what declarations have: Vol 3 Part G, 3.2 and 3.3.1 */
static bool bad_by_type(const struct ag_att *att, const struct ag_att_context *context)
{
	struct asked asked = asked_of(att, context);
	uint8_t entry = att->pdu[1];
	struct list list = list_of(att, entry);

	if (entry < 2)
		return true;
	if (asked.type == AG_UUID_INCLUDE && entry != 6 && entry != 8)
		return true;
	if (asked.type == AG_UUID_CHARACTERISTIC && entry != 7 && entry != 21)
		return true;
	return is_wrong_value(asked.type, entry - 2u) || is_bad_list(&list, &asked, context);
}

/* 3.4.4.10: Attribute Handle, End Group Handle, value; of services a UUID (Vol 3 Part G, 3.1) */
static bool bad_by_group(const struct ag_att *att, const struct ag_att_context *context)
{
	struct asked asked = asked_of(att, context);
	uint8_t entry = att->pdu[1];
	struct list list = list_of(att, entry);
	bool services = asked.type == AG_UUID_PRIMARY_SERVICE ||
			asked.type == AG_UUID_SECONDARY_SERVICE;

	if (entry < 4 || (services && entry != 6 && entry != 20))
		return true;
	list.ranges = list.disjoint = true;
	return is_bad_list(&list, &asked, context);
}

/* ---- Rows of a length of their own ---- */

/* `skip` octets, then a length, then as many octets, and so on. What does not fit is cut off at
 * ATT_MTU. */
static bool bad_tuples(const struct ag_att *att, size_t skip, bool may_be_cut)
{
	struct ag_cursor at = ag_cursor(att->pdu + 1, att->len - 1);

	while (at.left && !at.failed) {
		ag_pull(&at, skip);
		ag_pull(&at, ag_pull_le16(&at));
	}
	return at.failed && !may_be_cut;
}

/* 3.4.4.12 */
static bool bad_variable(const struct ag_att *att, const struct ag_att_context *context)
{
	return bad_tuples(att, 0, att->len >= context->mtu);
}

/* 3.4.7.4 */
static bool bad_told_many(const struct ag_att *att, const struct ag_att_context *context)
{
	(void)context;
	return bad_tuples(att, 2, false);
}

/* ---- Opcodes ---- */

struct row {
	uint8_t max_len; /* octets; 0: as many as the MTU allows */
	bool (*is_bad)(const struct ag_att *att, const struct ag_att_context *context);
};

/* Those that can be more than too short or too long for the MTU. */
static const struct row rows[] = {
	[AG_ATT_ERROR_RSP] = { 5, NULL },
	[AG_ATT_EXCHANGE_MTU_REQ] = { 3, bad_mtu },
	[AG_ATT_EXCHANGE_MTU_RSP] = { 3, bad_mtu },
	[AG_ATT_FIND_INFORMATION_REQ] = { 5, bad_range },
	[AG_ATT_FIND_INFORMATION_RSP] = { 0, bad_information },
	[AG_ATT_FIND_BY_TYPE_VALUE_REQ] = { 0, bad_range },
	[AG_ATT_FIND_BY_TYPE_VALUE_RSP] = { 0, bad_found },
	[AG_ATT_READ_BY_TYPE_REQ] = { 21, bad_typed_range },
	[AG_ATT_READ_BY_TYPE_RSP] = { 0, bad_by_type },
	[AG_ATT_READ_REQ] = { 3, NULL },
	[AG_ATT_READ_RSP] = { 0, bad_read },
	[AG_ATT_READ_BLOB_REQ] = { 5, NULL },
	[AG_ATT_READ_BLOB_RSP] = { 0, bad_blob },
	[AG_ATT_READ_MULTIPLE_REQ] = { 0, bad_set },
	[AG_ATT_READ_BY_GROUP_TYPE_REQ] = { 21, bad_typed_range },
	[AG_ATT_READ_BY_GROUP_TYPE_RSP] = { 0, bad_by_group },
	[AG_ATT_WRITE_RSP] = { 1, NULL },
	[AG_ATT_EXECUTE_WRITE_REQ] = { 2, NULL },
	[AG_ATT_EXECUTE_WRITE_RSP] = { 1, NULL },
	[AG_ATT_HANDLE_VALUE_NTF] = { 0, bad_told },
	[AG_ATT_HANDLE_VALUE_IND] = { 0, bad_told },
	[AG_ATT_HANDLE_VALUE_CFM] = { 1, NULL },
	[AG_ATT_READ_MULTIPLE_VARIABLE_REQ] = { 0, bad_set },
	[AG_ATT_READ_MULTIPLE_VARIABLE_RSP] = { 0, bad_variable },
	[AG_ATT_MULTIPLE_HANDLE_VALUE_NTF] = { 0, bad_told_many },
};

bool ag_att_is_malformed(const struct ag_att *att, const struct ag_att_context *context)
{
	const struct row *row;

	if (att->len > context->limit || (att->format && att->len < att->format->min_len))
		return true;
	if (att->opcode >= sizeof(rows) / sizeof(rows[0]))
		return false;
	row = &rows[att->opcode];
	return (row->max_len && att->len > row->max_len) ||
	       (row->is_bad && row->is_bad(att, context));
}
