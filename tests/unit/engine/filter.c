/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Lists of attributes with entries taken out: every combination of hidden and visible ones. */

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/filter.h"
#include "proxy/wire/cursor.h"

enum { ENTRIES_MAX = 6, VENDOR = 16 };

/* One kind of list: what is asked, what an entry looks like and what the filter says of it. */
struct shape {
	const char *name;
	uint8_t request;
	uint16_t type;    /* asked for */
	size_t uuid_len;  /* in an entry; 0: none */
	size_t value_len; /* other octets behind the handle or the group */
	enum ag_attribute_kind kind;
	bool grouped;    /* entries have a group end */
	bool has_length; /* an octet in front of the entries */
};

static const struct shape shapes[] = {
	{ "primary services, 16 bits", 0x10, 0x2800, 2, 0, AG_ATTRIBUTE_PRIMARY, true, true },
	{ "primary services, 128 bits", 0x10, 0x2800, 16, 0, AG_ATTRIBUTE_PRIMARY, true, true },
	{ "secondary services", 0x10, 0x2801, 2, 0, AG_ATTRIBUTE_SECONDARY, true, true },
	{ "groups of another type", 0x10, 0x2a11, 0, 3, AG_ATTRIBUTE_OTHER, true, true },
	{ "services by UUID", 0x06, 0x2800, 0, 0, AG_ATTRIBUTE_PRIMARY, true, false },
	{ "secondary services by UUID", 0x06, 0x2801, 0, 0, AG_ATTRIBUTE_SECONDARY, true, false },
	{ "attributes by value", 0x06, 0x2a00, 0, 0, AG_ATTRIBUTE_OTHER, true, false },
	{ "services by type", 0x08, 0x2800, 2, 0, AG_ATTRIBUTE_PRIMARY, false, true },
	{ "includes, 16 bits", 0x08, 0x2802, 2, 4, AG_ATTRIBUTE_INCLUDE, false, true },
	{ "includes, 128 bits", 0x08, 0x2802, 0, 4, AG_ATTRIBUTE_INCLUDE, false, true },
	{ "characteristics, 16 bits", 0x08, 0x2803, 2, 3, AG_ATTRIBUTE_CHARACTERISTIC, false,
	  true },
	{ "characteristics, 128 bits", 0x08, 0x2803, 16, 3, AG_ATTRIBUTE_CHARACTERISTIC, false,
	  true },
	{ "values", 0x08, 0x2a00, 0, 5, AG_ATTRIBUTE_OTHER, false, true },
	{ "attributes, 16 bits", 0x04, 0, 2, 0, AG_ATTRIBUTE_OTHER, false, true },
	{ "attributes, 128 bits", 0x04, 0, 16, 0, AG_ATTRIBUTE_OTHER, false, true },
	{ "notifications", 0, 0, 0, 5, AG_ATTRIBUTE_OTHER, false, false },
};

/* What entry `i` of `count` is; the last one ends with the last handle there is, if `at_end`. */
struct entry {
	uint16_t handle, end, start;
	uint16_t uuid;
};

static struct entry entry_of(size_t i, size_t count, bool at_end)
{
	struct entry entry = { .handle = (uint16_t)(0x0100 + 0x10 * i),
			       .uuid = (uint16_t)(0x1900 + i) };

	entry.end = (uint16_t)(entry.handle + 9);
	entry.start = (uint16_t)(entry.handle + 1);
	if (at_end && i + 1 == count)
		entry.end = 0xffff;
	return entry;
}

static struct ag_uuid uuid_of(const struct entry *entry, size_t len)
{
	struct ag_uuid uuid = { 0 };

	if (len == 2)
		return ag_uuid_from_u16(entry->uuid);
	if (len == 16)
		uuid = (struct ag_uuid){ UINT64_C(0x1122334455667788),
					 UINT64_C(0x99aabbccddee0000) | entry->uuid };
	return uuid;
}

static void put_uuid(uint8_t *at, const struct entry *entry, size_t len)
{
	static const uint8_t vendor[] = { 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88,
					  0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };

	ag_put_le16(at, entry->uuid);
	if (len == VENDOR)
		memcpy(at + 2, vendor, sizeof(vendor));
}

static size_t put_entry(const struct shape *shape, const struct entry *entry, uint8_t *at)
{
	size_t len = 2;

	ag_put_le16(at, entry->handle);
	if (shape->grouped) {
		ag_put_le16(at + len, entry->end);
		len += 2;
	}
	memset(at + len, (uint8_t)entry->uuid, shape->value_len);
	if (!shape->request)
		ag_put_le16(at + 2, 3);
	if (shape->kind == AG_ATTRIBUTE_CHARACTERISTIC)
		ag_put_le16(at + 3, entry->start);
	if (shape->kind == AG_ATTRIBUTE_INCLUDE) {
		ag_put_le16(at + 2, entry->start);
		ag_put_le16(at + 4, entry->end);
	}
	len += shape->value_len;
	if (shape->uuid_len)
		put_uuid(at + len, entry, shape->uuid_len);
	return len + shape->uuid_len;
}

/* The list with those entries of `count` whose bits are set. */
static size_t build(const struct shape *shape, size_t count, unsigned int set, bool at_end,
		    uint8_t *pdu)
{
	size_t len = 1;

	memset(pdu, 0, 256);
	pdu[0] = shape->request ? shape->request + 1 : 0x23;
	if (shape->has_length)
		len++;
	for (size_t i = 0; i < count; i++) {
		struct entry entry = entry_of(i, count, at_end);
		size_t size = put_entry(shape, &entry, pdu + (set >> i & 1 ? len : 200));

		if (shape->has_length)
			pdu[1] = (uint8_t)(shape->request != 0x04 ? size : size == 4 ? 1 : 2);
		if (set >> i & 1)
			len += size;
	}
	memset(pdu + len, 0, 256 - len);
	return len;
}

static size_t ask(const struct shape *shape, uint8_t *pdu)
{
	size_t len = 5;

	memcpy(pdu, (const uint8_t[]){ shape->request, 1, 0, 0xff, 0xff }, 5);
	if (shape->type) {
		ag_put_le16(pdu + 5, shape->type);
		len = 7;
	}
	if (shape->request == 0x06) {
		ag_put_le16(pdu + 7, 0x1900);
		len = 9;
	}
	return len;
}

struct expected {
	const struct shape *shape;
	size_t count;
	size_t next;
	unsigned int hidden;
	bool at_end;
};

static void expect_uuid(const struct expected *expected, const struct entry *entry,
			const struct ag_uuid *have)
{
	const struct shape *shape = expected->shape;
	struct ag_uuid want = uuid_of(entry, shape->uuid_len);

	if (shape->request == 0x06 && shape->kind != AG_ATTRIBUTE_OTHER)
		want = ag_uuid_from_u16(0x1900);
	else if (shape->kind == AG_ATTRIBUTE_OTHER && shape->type)
		want = ag_uuid_from_u16(shape->type);
	cr_expect(ag_uuid_equal(have, &want), "%s: another UUID", shape->name);
}

static bool is_hidden(void *user, const struct ag_attribute *have)
{
	struct expected *expected = user;
	const struct shape *shape = expected->shape;
	struct entry entry = entry_of(expected->next, expected->count, expected->at_end);

	cr_expect_eq(have->handle, entry.handle, "%s", shape->name);
	cr_expect_eq(have->kind, shape->kind, "%s", shape->name);
	if (shape->grouped || shape->kind == AG_ATTRIBUTE_INCLUDE)
		cr_expect_eq(have->end, entry.end, "%s", shape->name);
	if (shape->kind == AG_ATTRIBUTE_CHARACTERISTIC || shape->kind == AG_ATTRIBUTE_INCLUDE)
		cr_expect_eq(have->value, entry.start, "%s", shape->name);
	expect_uuid(expected, &entry, &have->uuid);
	return expected->hidden >> expected->next++ & 1;
}

/* The last handle of those entries. */
static uint16_t last_of(const struct expected *expected, unsigned int set)
{
	for (size_t i = expected->count; i-- > 0;) {
		struct entry entry = entry_of(i, expected->count, expected->at_end);

		if (set >> i & 1)
			return expected->shape->grouped ? entry.end : entry.handle;
	}
	return 0;
}

static void check_one(const struct shape *shape, size_t count, unsigned int hidden, bool at_end)
{
	struct expected expected = { shape, count, 0, hidden, at_end };
	unsigned int all = (1u << count) - 1;
	uint8_t request[9], pdu[256], want[256];
	struct ag_filtered out;
	struct ag_att asked;
	size_t len, want_len;

	ag_att_parse(request, ask(shape, request), &asked);
	len = build(shape, count, all, at_end, pdu);
	want_len = build(shape, count, all & ~hidden, at_end, want);
	cr_assert_eq(
	    ag_filter(shape->request ? &asked : NULL, pdu, len, is_hidden, &expected, &out), 0,
	    "%s: no list", shape->name);
	cr_expect_eq(expected.next, count, "%s: %zu asked", shape->name, expected.next);
	cr_expect_eq(out.entries, count);
	cr_expect_eq(out.hidden, (size_t)__builtin_popcount(hidden));
	cr_expect_eq(out.len, want_len, "%s: %zu octets, not %zu", shape->name, out.len, want_len);
	cr_expect_arr_eq(pdu, want, want_len, "%s, hidden 0x%02x", shape->name, hidden);
	cr_expect_eq(out.last, last_of(&expected, all), "%s: 0x%04x", shape->name, out.last);
	cr_expect_eq(out.last_seen, last_of(&expected, all & ~hidden), "%s", shape->name);
}

Test(filter, every_combination)
{
	for (size_t i = 0; i < ag_array_size(shapes); i++) {
		for (size_t count = 1; count <= ENTRIES_MAX; count++) {
			if (count * (4 + shapes[i].uuid_len + shapes[i].value_len) > 180)
				continue;
			for (unsigned int hidden = 0; hidden < 1u << count; hidden++) {
				check_one(&shapes[i], count, hidden, false);
				check_one(&shapes[i], count, hidden, true);
			}
		}
	}
}

/* ---- What is no list ---- */

static bool never_asked(void *user, const struct ag_attribute *entry)
{
	(void)user;
	cr_expect_fail("asked for 0x%04x", entry->handle);
	return true;
}

static void refuse(const char *request, size_t request_len, const char *pdu, size_t len)
{
	struct ag_filtered out = { .len = 77 };
	uint8_t copy[64];
	struct ag_att asked;

	if (request)
		ag_att_parse((const uint8_t *)request, request_len, &asked);
	memcpy(copy, pdu, len);
	cr_expect_eq(ag_filter(request ? &asked : NULL, copy, len, never_asked, NULL, &out),
		     AG_FILTER_NO_LIST, "opcode 0x%02x of %zu octets", copy[0], len);
	cr_expect_arr_eq(copy, pdu, len);
	cr_expect_eq(out.len, 77);
}

#define REFUSE(request, pdu) refuse(request, sizeof(request) - 1, pdu, sizeof(pdu) - 1)

Test(filter, what_does_not_come_out_even_is_left_alone)
{
	/* entry lengths of 0, of less than the handles, and that do not divide the list */
	REFUSE("\x10\1\0\xff\xff\0\x28", "\x11\0\1\0\5\0\0\x18");
	REFUSE("\x10\1\0\xff\xff\0\x28", "\x11\3\1\0\5");
	REFUSE("\x10\1\0\xff\xff\0\x28", "\x11\6\1\0\5\0\0\x18\6");
	REFUSE("\x10\1\0\xff\xff\0\x28", "\x11\6");
	REFUSE("\x10\1\0\xff\xff\0\x28", "\x11");
	REFUSE("\x08\1\0\xff\xff\3\x28", "\x09\1\1");
	REFUSE("\x08\1\0\xff\xff\3\x28", "\x09\7\2\0\2\3\0\0\x2a\4");
	REFUSE("\x04\1\0\xff\xff", "\x05\3\1\0\0\x28");
	REFUSE("\x04\1\0\xff\xff", "\x05\0\1\0\0\x28");
	REFUSE("\x04\1\0\xff\xff", "\x05\1\1\0\0");
	REFUSE("\x06\1\0\xff\xff\0\x28\x0f\x18", "\x07\1\0\5");
	REFUSE("\x06\1\0\xff\xff\0\x28\x0f\x18", "\x07");
	/* a value longer than the notification, and octets that are no entry */
	refuse(NULL, 0, "\x23\1\0\3\0\xaa\xaa", 7);
	refuse(NULL, 0, "\x23\1\0\1\0\xaa\2\0", 8);
	refuse(NULL, 0, "\x23", 1);
}

Test(filter, what_answers_another_request_is_left_alone)
{
	REFUSE("\x08\1\0\xff\xff\0\x28", "\x11\6\1\0\5\0\0\x18");
	REFUSE("\x0a\1\0", "\x0b\6\1\0\5\0\0\x18");
	REFUSE("\x10\1", "\x11\6\1\0\5\0\0\x18");
	REFUSE("\xfe\1", "\x11\6\1\0\5\0\0\x18");
	refuse(NULL, 0, "\x11\6\1\0\5\0\0\x18", 8);
}

static bool note_last(void *user, const struct ag_attribute *entry)
{
	*(struct ag_attribute *)user = *entry;
	return false;
}

static void expect_kind(const char *request, size_t request_len, const char *pdu, size_t len,
			enum ag_attribute_kind kind, bool has_uuid)
{
	struct ag_attribute last = { 0 };
	struct ag_filtered out;
	struct ag_att asked;
	uint8_t copy[64];

	ag_att_parse((const uint8_t *)request, request_len, &asked);
	memcpy(copy, pdu, len);
	cr_assert_eq(ag_filter(&asked, copy, len, note_last, &last, &out), 0);
	cr_expect_eq(last.kind, kind);
	cr_expect_eq(last.uuid.hi || last.uuid.lo, has_uuid);
}

#define EXPECT_KIND(request, pdu, kind, has_uuid)                                                  \
	expect_kind(request, sizeof(request) - 1, pdu, sizeof(pdu) - 1, kind, has_uuid)

/* Declarations of lengths that the Core Specification does not know. */
Test(filter, strange_declarations_are_entries_all_the_same)
{
	EXPECT_KIND("\x08\1\0\xff\xff\3\x28", "\x09\4\2\0\2\3", AG_ATTRIBUTE_OTHER, true);
	EXPECT_KIND("\x08\1\0\xff\xff\3\x28", "\x09\x08\2\0\2\3\0\1\2\3",
		    AG_ATTRIBUTE_CHARACTERISTIC, false);
	EXPECT_KIND("\x08\1\0\xff\xff\2\x28", "\x09\2\2\0", AG_ATTRIBUTE_OTHER, true);
	EXPECT_KIND("\x10\1\0\xff\xff\0\x28", "\x11\4\1\0\5\0", AG_ATTRIBUTE_PRIMARY, false);
	EXPECT_KIND("\x06\1\0\xff\xff\0\x28\1\2\3", "\x07\1\0\5\0", AG_ATTRIBUTE_PRIMARY, false);
	/* of a request without a type, and with one of another length */
	EXPECT_KIND("\x08\1\0\xff\xff", "\x09\4\2\0\2\3", AG_ATTRIBUTE_OTHER, false);
	EXPECT_KIND("\x10\1\0\xff\xff", "\x11\6\1\0\5\0\0\x18", AG_ATTRIBUTE_OTHER, false);
}

/* A group that ends before it begins speaks for its handle. */
Test(filter, a_reversed_group_ends_where_it_begins)
{
	uint8_t pdu[] = { 0x11, 6, 0x20, 0, 0x05, 0, 0, 0x18 };
	struct ag_attribute last;
	struct ag_filtered out;
	struct ag_att asked;

	ag_att_parse((const uint8_t *)"\x10\1\0\xff\xff\0\x28", 7, &asked);
	cr_assert_eq(ag_filter(&asked, pdu, sizeof(pdu), note_last, &last, &out), 0);
	cr_expect_eq(out.last, 0x20);
	cr_expect_eq(out.last_seen, 0x20);
}
