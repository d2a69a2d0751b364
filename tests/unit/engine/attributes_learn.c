/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/attributes.h"

#include <criterion/criterion.h>

#include "tests/unit/engine/maps_by_hand.h"

TestSuite(attributes_learn, .timeout = 20);

static int learn(struct ag_attributes *map, const char *request, size_t request_len,
		 const char *response, size_t len)
{
	return ag_attributes_learn(map, (const uint8_t *)request, request_len,
				   (const uint8_t *)response, len);
}

#define LEARN(map, request, response)                                                              \
	learn(map, request, sizeof(request) - 1, response, sizeof(response) - 1)

#define GROUPS(start, end) "\x10" start end "\x00\x28"
#define TYPED(uuid)        "\x08\x01\x00\xff\xff" uuid

Test(attributes_learn, primary_services)
{
	struct ag_attributes *map = new_map();

	cr_expect_eq(LEARN(map, GROUPS("\x01\x00", "\xff\xff"),
			   "\x11\x06\x01\x00\x05\x00\x00\x18\x10\x00\x1f\x00\x0f\x18"),
		     0);
	cr_expect_eq(LEARN(map, GROUPS("\x20\x00", "\xff\xff"),
			   "\x11\x14\x20\x00\xff\xff\xd0\x00\x2d\x12\x1e\x4b\x0f\xa4\x99\x4e\xce"
			   "\xb5\x31\xf4\x05\x79"),
		     0);
	cr_assert_eq(ag_attributes_count(map), 3);
	expect_place(map, 0x1f, 0, 0, BATTERY_SERVICE);
	cr_expect_eq(ag_attributes_at(map, 0)->kind, AG_ATTRIBUTE_PRIMARY);
	cr_expect_eq(ag_attributes_at(map, 2)->uuid.hi, UINT64_C(0x7905f431b5ce4e99));
	cr_expect_eq(ag_attributes_at(map, 2)->end, 0xffff);
	ag_attributes_free(map);
}

Test(attributes_learn, secondary_services)
{
	struct ag_attributes *map = new_map();

	cr_expect_eq(LEARN(map, "\x10\x01\x00\xff\xff\x01\x28", "\x11\x06\x01\x00\x05\x00\x00\x18"),
		     0);
	cr_expect_eq(ag_attributes_at(map, 0)->kind, AG_ATTRIBUTE_SECONDARY);
	expect_place(map, 0x01, 0x2801, 0, 0x1800);
	cr_expect_eq(LEARN(map, "\x10\x01\x00\xff\xff\x99\x99", "\x11\x06\x20\x00\x25\x00\x00\x18"),
		     0);
	cr_expect_eq(ag_attributes_count(map), 1);
	ag_attributes_free(map);
}

Test(attributes_learn, malformed_groups)
{
	static const struct {
		const char *octets;
		size_t len;
	} bad[] = {
#define ROW(octets) { octets, sizeof(octets) - 1 }
		ROW("\x11"),
		ROW("\x11\x06"),
		ROW("\x11\x00\x10\x00\x1f\x00\x0f\x18"),
		ROW("\x11\x01\x10\x00\x1f\x00\x0f\x18"),
		ROW("\x11\x03\x10\x00\x1f\x00\x0f\x18"),
		ROW("\x11\x06\x10\x00\x1f\x00\x0f\x18\x20"),
		ROW("\x11\x06\x10\x00\x0f\x00\x0f\x18"),
		ROW("\x11\x06\x07\x00\x0f\x00\x0f\x18"),
		ROW("\x11\x06\x41\x00\x4f\x00\x0f\x18"),
		ROW("\x11\x06\x10\x00\x1f\x00\x0f\x18\x1f\x00\x2f\x00\x00\x18"),
		ROW("\x11\x06\x10\x00\xff\xff\x0f\x18\x10\x00\x1f\x00\x00\x18"),
		ROW("\x11\x08\x10\x00\x1f\x00\x0f\x18\x00\x00"),
	};
	struct ag_attributes *map = new_map();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(
		    learn(map, GROUPS("\x08\x00", "\x40\x00"), 7, bad[i].octets, bad[i].len),
		    AG_ATTRIBUTES_INVALID, "row %zu", i);
	cr_expect_eq(ag_attributes_changes(map), 0);
	ag_attributes_free(map);
}

Test(attributes_learn, find_by_type_value)
{
	struct ag_attributes *map = new_map();

	cr_expect_eq(LEARN(map, "\x06\x01\x00\xff\xff\x00\x28\x0f\x18",
			   "\x07\x10\x00\x1f\x00\x30\x00\x3f\x00"),
		     0);
	cr_assert_eq(ag_attributes_count(map), 2);
	expect_place(map, 0x30, 0x2800, 0, BATTERY_SERVICE);
	cr_expect_eq(LEARN(map,
			   "\x06\x01\x00\xff\xff\x01\x28\xd0\x00\x2d\x12\x1e\x4b\x0f\xa4\x99\x4e"
			   "\xce\xb5\x31\xf4\x05\x79",
			   "\x07\x40\x00\x4f\x00"),
		     0);
	cr_expect_eq(ag_attributes_at(map, 2)->kind, AG_ATTRIBUTE_SECONDARY);
	cr_expect_eq(ag_attributes_at(map, 2)->uuid.lo, UINT64_C(0xa40f4b1e122d00d0));
	cr_expect_eq(LEARN(map, "\x06\x01\x00\xff\xff\x00\x2a\x0f\x18", "\x07\x50\x00\x50\x00"), 0);
	cr_expect_eq(LEARN(map, "\x06\x01\x00\xff\xff\x00\x28\x0f\x18", "\x07\x50\x00\x4f\x00"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x06\x01\x00\xff\xff\x00\x28\x0f\x18", "\x07\x50\x00\x5f"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(ag_attributes_count(map), 3);
	ag_attributes_free(map);
}

Test(attributes_learn, characteristics)
{
	struct ag_attributes *map = new_map();

	cr_expect_eq(LEARN(map, TYPED("\x03\x28"),
			   "\x09\x07\x11\x00\x12\x12\x00\x19\x2a\x14\x00\x02\x15\x00\x1a\x2a"),
		     0);
	cr_expect_eq(LEARN(map, TYPED("\x03\x28"),
			   "\x09\x15\x16\x00\x02\x17\x00\xd0\x00\x2d\x12\x1e\x4b\x0f\xa4\x99\x4e"
			   "\xce\xb5\x31\xf4\x05\x79"),
		     0);
	cr_assert_eq(ag_attributes_count(map), 3);
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, 0);
	cr_expect_eq(ag_attributes_at(map, 0)->properties, 0x12);
	cr_expect_eq(ag_attributes_at(map, 2)->uuid.hi, UINT64_C(0x7905f431b5ce4e99));
	cr_expect_eq(LEARN(map, TYPED("\x03\x28"), "\x09\x07\x21\x00\x12\x21\x00\x19\x2a"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, TYPED("\x03\x28"), "\x09\x06\x21\x00\x12\x22\x00\x19"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(ag_attributes_count(map), 3);
	ag_attributes_free(map);
}

Test(attributes_learn, includes)
{
	struct ag_attributes *map = new_map();

	cr_expect_eq(LEARN(map, TYPED("\x02\x28"), "\x09\x08\x11\x00\x30\x00\x3f\x00\x0f\x18"), 0);
	cr_expect_eq(LEARN(map, TYPED("\x02\x28"), "\x09\x06\x12\x00\x40\x00\x4f\x00"), 0);
	cr_assert_eq(ag_attributes_count(map), 2);
	cr_expect_eq(ag_attributes_at(map, 0)->value, 0x30);
	cr_expect_eq(ag_attributes_at(map, 0)->end, 0x3f);
	cr_expect_eq(short_of(ag_attributes_at(map, 0)->uuid), BATTERY_SERVICE);
	cr_expect_eq(ag_attributes_at(map, 1)->uuid.lo, 0);
	cr_expect_eq(LEARN(map, "\x0a\x40\x00",
			   "\x0b\xd0\x00\x2d\x12\x1e\x4b\x0f\xa4\x99\x4e\xce\xb5\x31\xf4\x05\x79"),
		     0);
	cr_expect_eq(ag_attributes_at(map, 1)->uuid.hi, UINT64_C(0x7905f431b5ce4e99));
	cr_expect_eq(ag_attributes_count(map), 2);
	cr_expect_eq(LEARN(map, TYPED("\x02\x28"), "\x09\x06\x13\x00\x4f\x00\x40\x00"),
		     AG_ATTRIBUTES_INVALID);
	ag_attributes_free(map);
}

Test(attributes_learn, types)
{
	struct ag_attributes *map = battery();

	cr_expect_eq(LEARN(map, TYPED("\x04\x29"), "\x09\x02\x17\x00\x18\x00"), 0);
	expect_place(map, 0x18, 0x2904, 0x2a1a, BATTERY_SERVICE);
	cr_expect_eq(LEARN(map, "\x08\x12\x00\x12\x00\x19\x2a", "\x09\x03\x12\x00\x64"), 0);
	cr_expect_eq(LEARN(map, TYPED("\x00\x2a"), "\x09\x03\x30\x00\x64"), 0);
	expect_place(map, 0x30, 0x2a00, 0, 0);
	cr_expect_eq(LEARN(map, TYPED("\x00\x2a"), "\x09\x03\x30\x00\x64\x2f\x00\x64"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, TYPED("\x00\x2a"), "\x09\x01\x30\x00"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, TYPED("\x00\x2a"), "\x09\x03\x00\x00\x64"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x08\x12", "\x09\x03\x12\x00\x64"), AG_ATTRIBUTES_INVALID);
	ag_attributes_free(map);
}

Test(attributes_learn, information)
{
	struct ag_attributes *map = battery();

	cr_expect_eq(LEARN(map, "\x04\x10\x00\x40\x00",
			   "\x05\x01\x10\x00\x00\x28\x12\x00\x19\x2a\x13\x00\x02\x29\x16\x00\x04"
			   "\x29"),
		     0);
	cr_expect_eq(ag_attributes_count(map), 5);
	expect_place(map, 0x16, 0x2904, 0x2a1a, BATTERY_SERVICE);
	cr_expect_eq(LEARN(map, "\x04\x17\x00\x40\x00",
			   "\x05\x02\x17\x00\xd0\x00\x2d\x12\x1e\x4b\x0f\xa4\x99\x4e\xce\xb5\x31"
			   "\xf4\x05\x79"),
		     0);
	cr_expect_eq(ag_attributes_at(map, 5)->uuid.hi, UINT64_C(0x7905f431b5ce4e99));
	cr_expect_eq(LEARN(map, "\x04\x17\x00\x40\x00", "\x05\x03\x18\x00\x02\x29"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x04\x17\x00\x40\x00", "\x05\x01\x18\x00\x02"),
		     AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x04\x17\x00\x40\x00", "\x05\x01"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x04\x17\x00\x40\x00", "\x05"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(ag_attributes_count(map), 6);
	ag_attributes_free(map);
}

Test(attributes_learn, reading_declarations)
{
	struct ag_attributes *map = new_map();

	LEARN(map, "\x04\x10\x00\x40\x00",
	      "\x05\x01\x10\x00\x00\x28\x11\x00\x02\x28\x12\x00\x03\x28\x13\x00\x19\x2a");
	cr_expect_eq(LEARN(map, "\x0a\x12\x00", "\x0b\x02\x13\x00\x19\x2a"), 0);
	cr_expect_eq(LEARN(map, "\x0a\x11\x00", "\x0b\x30\x00\x3f\x00\x0f\x18"), 0);
	cr_expect_eq(LEARN(map, "\x0a\x10\x00", "\x0b\x00\x18"), 0);
	cr_expect_eq(LEARN(map, "\x0a\x12\x00", "\x0b\x02\x13\x00"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x0a\x11\x00", "\x0b\x02\x13\x00"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x0a\x10\x00", "\x0b\x02\x13\x00"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(LEARN(map, "\x0a\x13\x00", "\x0b\x64"), 0);
	cr_assert_eq(ag_attributes_count(map), 3);
	cr_expect_eq(ag_attributes_at(map, 0)->kind, AG_ATTRIBUTE_OTHER);
	cr_expect_eq(ag_attributes_at(map, 1)->value, 0x30);
	expect_place(map, 0x13, BATTERY_LEVEL, BATTERY_LEVEL, 0);
	ag_attributes_free(map);
}

Test(attributes_learn, reading_a_service_tells_whether_it_is_the_same)
{
	struct ag_attributes *map = battery();

	LEARN(map, "\x0a\x10\x00", "\x0b\x0f\x18");
	cr_expect_eq(ag_attributes_count(map), 4);
	LEARN(map, "\x0a\x10\x00", "\x0b\x12\x18");
	cr_expect_eq(ag_attributes_count(map), 1);
	expect_place(map, 0x1f, 0, 0, 0x1812);
	ag_attributes_free(map);
}

#define HASH_REQUEST TYPED("\x2a\x2b")
#define HASH(first)  first "\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"

Test(attributes_learn, database_hash)
{
	struct ag_attributes *map = battery();

	cr_expect_eq(LEARN(map, HASH_REQUEST, "\x09\x12\x30\x00" HASH("\x01")), 0);
	cr_assert_not_null(ag_attributes_hash(map));
	cr_expect_arr_eq(ag_attributes_hash(map), HASH("\x01"), 16);
	cr_expect_eq(ag_attributes_count(map), 5);
	cr_expect_eq(LEARN(map, HASH_REQUEST, "\x09\x12\x30\x00" HASH("\x01")), 0);
	cr_expect_eq(LEARN(map, "\x0a\x30\x00", "\x0b" HASH("\x01")), 0);
	cr_expect_eq(ag_attributes_count(map), 5);
	cr_expect_eq(LEARN(map, HASH_REQUEST, "\x09\x12\x30\x00" HASH("\x02")), 0);
	cr_expect_eq(ag_attributes_count(map), 1);
	expect_place(map, 0x30, 0x2b2a, 0, 0);
	cr_expect_arr_eq(ag_attributes_hash(map), HASH("\x02"), 16);
	put(map, other(0x13, 0x2902));
	cr_expect_eq(LEARN(map, "\x0a\x30\x00", "\x0b" HASH("\x03")), 0);
	cr_expect_eq(ag_attributes_count(map), 1);
	expect_place(map, 0x30, 0x2b2a, 0, 0);
	cr_expect_arr_eq(ag_attributes_hash(map), HASH("\x03"), 16);
	ag_attributes_free(map);
}

static bool indicated(struct ag_attributes *map, const char *octets, size_t len)
{
	return ag_attributes_indicated(map, (const uint8_t *)octets, len);
}

Test(attributes_learn, service_changed)
{
	struct ag_attributes *map = battery();

	put(map, characteristic(0x02, 0x2a05, 0x20));
	LEARN(map, HASH_REQUEST, "\x09\x12\x30\x00" HASH("\x01"));
	cr_expect_not(indicated(map, "\x1d\x04\x00\x10\x00\x20\x00", 7));
	cr_expect_not(indicated(map, "\x1b\x03\x00\x10\x00\x20\x00", 7));
	cr_expect_not(indicated(map, "\x1d\x03\x00\x10\x00\x20", 6));
	cr_expect_not(indicated(map, "\x1d", 1));
	cr_expect_eq(ag_attributes_count(map), 6);
	cr_expect(indicated(map, "\x1d\x03\x00\x10\x00\x20\x00", 7));
	cr_expect_eq(ag_attributes_count(map), 2);
	cr_expect_null(ag_attributes_hash(map));
	expect_place(map, 0x12, 0, 0, 0);
	expect_place(map, 0x03, 0x2a05, 0x2a05, 0);
	ag_attributes_free(map);
}

/* Errors, answers to something else and requests that teach nothing. */
Test(attributes_learn, nothing)
{
	struct ag_attributes *map = battery();
	uint64_t changes = ag_attributes_changes(map);

	cr_expect_eq(LEARN(map, GROUPS("\x01\x00", "\xff\xff"), "\x01\x10\x01\x00\x0a"), 0);
	cr_expect_eq(LEARN(map, GROUPS("\x01\x00", "\xff\xff"), "\x09\x04\x01\x00\x0a\x00"), 0);
	cr_expect_eq(LEARN(map, "\x12\x10\x00\x01", "\x13"), 0);
	cr_expect_eq(LEARN(map, "\xfe", "\xff"), 0);
	cr_expect_eq(LEARN(map, "\x0a", "\x0b"), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(ag_attributes_changes(map), changes);
	ag_attributes_free(map);
}
