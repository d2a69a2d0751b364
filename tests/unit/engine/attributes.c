/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/attributes.h"

#include <criterion/criterion.h>

#include "tests/unit/engine/maps_by_hand.h"

TestSuite(attributes, .timeout = 20);

Test(attributes, empty)
{
	struct ag_attributes *map = new_map();

	cr_expect_eq(ag_attributes_count(map), 0);
	cr_expect_eq(ag_attributes_changes(map), 0);
	cr_expect_null(ag_attributes_hash(map));
	expect_place(map, 0x0001, 0, 0, 0);
	expect_place(map, 0xffff, 0, 0, 0);
	ag_attributes_free(map);
	ag_attributes_free(NULL);
}

Test(attributes, ascending)
{
	struct ag_attributes *map = battery();
	static const uint16_t handles[] = { 0x10, 0x11, 0x13, 0x14 };

	cr_assert_eq(ag_attributes_count(map), 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(ag_attributes_at(map, i)->handle, handles[i]);
	ag_attributes_free(map);
}

Test(attributes, places)
{
	struct ag_attributes *map = battery();

	expect_place(map, 0x0f, 0, 0, 0);
	expect_place(map, 0x10, 0x2800, 0, BATTERY_SERVICE);
	expect_place(map, 0x11, 0x2803, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x13, 0x2902, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x14, 0x2803, 0x2a1a, BATTERY_SERVICE);
	expect_place(map, 0x15, 0x2a1a, 0x2a1a, BATTERY_SERVICE);
	expect_place(map, 0x16, 0, 0x2a1a, BATTERY_SERVICE);
	expect_place(map, 0x1f, 0, 0x2a1a, BATTERY_SERVICE);
	expect_place(map, 0x20, 0, 0, 0);
	ag_attributes_free(map);
}

/* An include and a declaration of which only the type is known end a characteristic too. */
Test(attributes, place_behind_a_bare_declaration)
{
	struct ag_attributes *map = new_map();

	put(map, service(0x10, 0x2f, BATTERY_SERVICE));
	put(map, (struct ag_attribute){
		     .handle = 0x11, .kind = AG_ATTRIBUTE_INCLUDE, .value = 0x40, .end = 0x4f });
	put(map, characteristic(0x12, BATTERY_LEVEL, 0));
	put(map, other(0x20, 0x2803));
	expect_place(map, 0x11, 0x2802, 0, BATTERY_SERVICE);
	expect_place(map, 0x1f, 0, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x20, 0x2803, 0, BATTERY_SERVICE);
	expect_place(map, 0x21, 0, 0, BATTERY_SERVICE);
	put(map, other(0x30, 0x2800));
	put(map, characteristic(0x31, 0x2a1a, 0));
	expect_place(map, 0x30, 0x2800, 0, 0);
	expect_place(map, 0x32, 0x2a1a, 0x2a1a, 0);
	ag_attributes_free(map);
}

/* Where no service is known, a descriptor belongs to a characteristic only if all up to it is
 * known. */
Test(attributes, place_without_a_service)
{
	struct ag_attributes *map = new_map();

	put(map, characteristic(0x11, BATTERY_LEVEL, 0x10));
	expect_place(map, 0x13, 0, 0, 0);
	put(map, other(0x14, 0x2904));
	expect_place(map, 0x14, 0x2904, 0, 0);
	put(map, other(0x13, 0x2902));
	expect_place(map, 0x13, 0x2902, BATTERY_LEVEL, 0);
	expect_place(map, 0x14, 0x2904, BATTERY_LEVEL, 0);
	ag_attributes_free(map);
}

/* bluetoothd does not ask for the type of a sole descriptor. */
Test(attributes, sole_descriptor)
{
	struct ag_attributes *map = new_map();

	put(map, service(0x10, 0x1a, BATTERY_SERVICE));
	put(map, characteristic(0x11, 0x2a00, 0x10));
	put(map, characteristic(0x14, 0x2a01, 0x02));
	put(map, characteristic(0x17, 0x2a02, 0x20));
	expect_place(map, 0x13, 0x2902, 0x2a00, BATTERY_SERVICE);
	expect_place(map, 0x16, 0, 0x2a01, BATTERY_SERVICE);
	expect_place(map, 0x19, 0, 0x2a02, BATTERY_SERVICE);
	put(map, service(0x10, 0x19, BATTERY_SERVICE));
	put(map, characteristic(0x17, 0x2a02, 0x20));
	expect_place(map, 0x19, 0x2902, 0x2a02, BATTERY_SERVICE);
	put(map, other(0x19, 0x2900));
	expect_place(map, 0x19, 0x2900, 0x2a02, BATTERY_SERVICE);
	ag_attributes_free(map);
}

Test(attributes, known_already)
{
	struct ag_attributes *map = battery();
	uint64_t changes = ag_attributes_changes(map);

	cr_expect_gt(changes, 0);
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	put(map, characteristic(0x11, BATTERY_LEVEL, 0x12));
	put(map, other(0x10, 0x2800));
	put(map, other(0x11, 0x2803));
	put(map, other(0x12, BATTERY_LEVEL));
	put(map, other(0x13, 0x2902));
	cr_expect_eq(ag_attributes_changes(map), changes);
	cr_expect_eq(ag_attributes_count(map), 4);
	ag_attributes_free(map);
}

Test(attributes, include_without_uuid_is_known)
{
	struct ag_attribute include = { .handle = 0x11,
					.kind = AG_ATTRIBUTE_INCLUDE,
					.uuid = ag_uuid_from_u16(BATTERY_SERVICE),
					.value = 0x40,
					.end = 0x4f };
	struct ag_attributes *map = new_map();

	put(map, include);
	include.uuid = (struct ag_uuid){ 0 };
	put(map, include);
	cr_expect_eq(short_of(ag_attributes_at(map, 0)->uuid), BATTERY_SERVICE);
	include.end = 0x50;
	put(map, include);
	cr_expect_eq(ag_attributes_at(map, 0)->uuid.hi, 0);
	cr_expect_eq(ag_attributes_count(map), 1);
	ag_attributes_free(map);
}

Test(attributes, content_replaces_bare_type)
{
	struct ag_attributes *map = new_map();

	put(map, other(0x10, 0x2800));
	put(map, other(0x11, 0x2803));
	put(map, other(0x12, BATTERY_LEVEL));
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	put(map, characteristic(0x11, BATTERY_LEVEL, 0x12));
	cr_expect_eq(ag_attributes_count(map), 2);
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	ag_attributes_free(map);
}

Test(attributes, another_service_takes_the_old_ones_out)
{
	struct ag_attributes *map = battery();

	put(map, service(0x20, 0x2f, 0x1800));
	put(map, characteristic(0x21, 0x2a00, 2));
	put(map, service(0x18, 0x1c, 0x1801));
	cr_expect_eq(ag_attributes_count(map), 3);
	expect_place(map, 0x12, 0, 0, 0);
	expect_place(map, 0x18, 0x2800, 0, 0x1801);
	expect_place(map, 0x22, 0x2a00, 0x2a00, 0x1800);
	ag_attributes_free(map);
}

Test(attributes, service_with_another_uuid_or_end)
{
	struct ag_attributes *map = battery();

	put(map, service(0x10, 0x1f, 0x1812));
	cr_expect_eq(ag_attributes_count(map), 1);
	put(map, characteristic(0x11, 0x2a4b, 2));
	put(map, service(0x10, 0x1e, 0x1812));
	cr_expect_eq(ag_attributes_count(map), 1);
	expect_place(map, 0x12, 0, 0, 0x1812);
	ag_attributes_free(map);
}

/* What lies in a service may be known before the service. */
Test(attributes, a_new_service_keeps_what_lies_in_it)
{
	struct ag_attributes *map = new_map();

	put(map, characteristic(0x11, BATTERY_LEVEL, 2));
	put(map, characteristic(0x1f, 0x2a00, 2));
	put(map, characteristic(0x0f, 0x2a01, 2));
	put(map, other(0x16, 0x2801));
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 2);
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	ag_attributes_free(map);
}

Test(attributes, a_service_begins_within_another)
{
	struct ag_attributes *map = battery();

	put(map, other(0x18, 0x2800));
	cr_expect_eq(ag_attributes_count(map), 1);
	expect_place(map, 0x10, 0, 0, 0);
	ag_attributes_free(map);
}

Test(attributes, characteristics_do_not_overlap)
{
	struct ag_attribute wide = characteristic(0x10, 0x2a00, 2);
	struct ag_attributes *map = new_map();

	wide.value = 0x18;
	put(map, wide);
	put(map, other(0x12, 0x2901));
	expect_place(map, 0x12, 0x2901, 0x2a00, 0);
	expect_place(map, 0x18, 0x2a00, 0x2a00, 0);
	put(map, characteristic(0x17, 0x2a01, 2));
	expect_place(map, 0x10, 0, 0, 0);
	expect_place(map, 0x18, 0x2a01, 0x2a01, 0);
	put(map, wide);
	expect_place(map, 0x17, 0, 0x2a00, 0);
	expect_place(map, 0x18, 0x2a00, 0x2a00, 0);
	cr_expect_eq(ag_attributes_count(map), 2);
	ag_attributes_free(map);
}

Test(attributes, a_characteristic_leaves_its_service)
{
	struct ag_attributes *map = battery();

	put(map, characteristic(0x1f, 0x2a00, 2));
	cr_expect_eq(ag_attributes_count(map), 1);
	expect_place(map, 0x20, 0x2a00, 0x2a00, 0);
	ag_attributes_free(map);
}

Test(attributes, a_value_of_another_type)
{
	struct ag_attributes *map = battery();

	put(map, other(0x12, 0x2a00));
	expect_place(map, 0x11, 0, 0, BATTERY_SERVICE);
	expect_place(map, 0x12, 0x2a00, 0, BATTERY_SERVICE);
	put(map, characteristic(0x11, BATTERY_LEVEL, 2));
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	cr_expect_eq(ag_attributes_count(map), 4);
	ag_attributes_free(map);
}

Test(attributes, another_type_at_a_declaration)
{
	struct ag_attributes *map = battery();

	put(map, other(0x14, 0x2904));
	expect_place(map, 0x14, 0x2904, BATTERY_LEVEL, BATTERY_SERVICE);
	put(map, other(0x10, 0x2904));
	cr_expect_eq(ag_attributes_count(map), 1);
	ag_attributes_free(map);
}

Test(attributes, invalid)
{
	struct ag_attributes *map = new_map();
	struct ag_attribute include = { .handle = 1, .kind = AG_ATTRIBUTE_INCLUDE, .end = 4 };

	cr_expect_eq(put(map, other(0, 0x2902)), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(put(map, service(0x10, 0x0f, 0x1800)), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(put(map, characteristic(0xffff, 0x2a00, 0)), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(put(map, include), AG_ATTRIBUTES_INVALID);
	include.value = 5;
	cr_expect_eq(put(map, include), AG_ATTRIBUTES_INVALID);
	cr_expect_eq(ag_attributes_changes(map), 0);
	ag_attributes_free(map);
}

Test(attributes, members_of_other_kinds_are_ignored)
{
	struct ag_attributes *map = new_map();
	struct ag_attribute odd = other(1, 0x2902);

	odd.end = 7;
	odd.value = 8;
	odd.properties = 9;
	put(map, odd);
	cr_expect_eq(ag_attributes_at(map, 0)->end, 0);
	cr_expect_eq(ag_attributes_at(map, 0)->value, 0);
	cr_expect_eq(ag_attributes_at(map, 0)->properties, 0);
	ag_attributes_free(map);
}

Test(attributes, full)
{
	struct ag_attributes *map = new_map();

	for (uint16_t i = 0; i < AG_ATTRIBUTES_MAX; i++)
		cr_assert_eq(put(map, other((uint16_t)(2 * i + 2), 0x2902)), 0);
	cr_expect_eq(put(map, other(3, 0x2902)), AG_ATTRIBUTES_FULL);
	cr_expect_eq(put(map, other(4, 0x2902)), 0);
	cr_expect_eq(put(map, other(4, 0x2903)), 0);
	cr_expect_eq(ag_attributes_count(map), AG_ATTRIBUTES_MAX);
	expect_place(map, 4, 0x2903, 0, 0);
	ag_attributes_drop(map, 4, 4);
	cr_expect_eq(put(map, other(3, 0x2902)), 0);
	ag_attributes_free(map);
}

Test(attributes, drop)
{
	struct ag_attributes *map = battery();
	uint64_t changes = ag_attributes_changes(map);

	ag_attributes_drop(map, 0x20, 0xffff);
	cr_expect_eq(ag_attributes_changes(map), changes);
	ag_attributes_drop(map, 0x12, 0x12);
	cr_expect_gt(ag_attributes_changes(map), changes);
	expect_place(map, 0x10, 0, 0, 0);
	expect_place(map, 0x12, 0, 0, 0);
	expect_place(map, 0x13, 0x2902, 0, 0);
	expect_place(map, 0x15, 0x2a1a, 0x2a1a, 0);
	ag_attributes_free(map);
}

/* bluetoothd lists the services again, and what lies in those that are as they were it does not. */
Test(attributes, doubt)
{
	struct ag_attributes *map = battery();
	uint64_t changes;

	put(map, service(0x20, 0x2f, 0x1800));
	put(map, characteristic(0x21, 0x2a00, 2));
	changes = ag_attributes_changes(map);
	ag_attributes_doubt(map, 0x10, 0x1f);
	cr_expect_eq(ag_attributes_changes(map), changes + 4);
	cr_expect_eq(ag_attributes_count(map), 2);
	expect_place(map, 0x12, 0, 0, 0);
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 6);
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x13, 0x2902, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x15, 0x2a1a, 0x2a1a, BATTERY_SERVICE);
	ag_attributes_free(map);
}

Test(attributes, doubt_of_a_service_that_is_another)
{
	struct ag_attributes *map = battery();

	ag_attributes_doubt(map, 0x12, 0x12);
	ag_attributes_doubt(map, 0, 0xffff);
	put(map, service(0x30, 0x3f, BATTERY_SERVICE));
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	ag_attributes_doubt(map, 0, 0xffff);
	put(map, service(0x10, 0x1e, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 1);
	/* that it was the same once is forgotten */
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 1);
	ag_attributes_free(map);
}

Test(attributes, doubted_twice)
{
	struct ag_attributes *map = battery();

	ag_attributes_doubt(map, 0, 0xffff);
	put(map, characteristic(0x11, 0x2a00, 2));
	ag_attributes_doubt(map, 0, 0xffff);
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	expect_place(map, 0x12, 0x2a00, 0x2a00, BATTERY_SERVICE);
	expect_place(map, 0x15, 0x2a1a, 0x2a1a, BATTERY_SERVICE);
	ag_attributes_free(map);
}

/* Services that come and go leave no doubts behind that would crowd out others. */
Test(attributes, doubts_are_bounded)
{
	struct ag_attributes *map = new_map();

	for (uint16_t i = 0; i < 3 * AG_ATTRIBUTES_MAX; i++) {
		put(map, service((uint16_t)(3 * i + 1), (uint16_t)(3 * i + 3), BATTERY_SERVICE));
		put(map, other(0xfff0, 0x2902));
		ag_attributes_doubt(map, 0, 0xffff);
	}
	cr_expect_eq(ag_attributes_doubted(map), AG_ATTRIBUTES_MAX);
	cr_expect_eq(ag_attributes_count(map), 0);
	put(map, service(0x10, 0x1f, 0x1800));
	put(map, characteristic(0x11, BATTERY_LEVEL, 2));
	ag_attributes_doubt(map, 0, 0xffff);
	cr_expect_eq(ag_attributes_doubted(map), AG_ATTRIBUTES_MAX);
	put(map, service(0x10, 0x1f, 0x1800));
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, 0x1800);
	ag_attributes_free(map);
}

/* What was learned since stays, and what it only hints at comes back whole. */
Test(attributes, doubt_yields_to_what_is_newer)
{
	struct ag_attributes *map = battery();

	ag_attributes_doubt(map, 0, 0xffff);
	put(map, other(0x12, BATTERY_LEVEL));
	put(map, other(0x13, 0x2901));
	put(map, other(0x14, 0x2803));
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 4);
	expect_place(map, 0x11, 0x2803, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x12, BATTERY_LEVEL, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x13, 0x2901, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x15, 0x2a1a, 0x2a1a, BATTERY_SERVICE);
	ag_attributes_free(map);
}

/* Another declaration lies where the value of a doubted one was. */
Test(attributes, doubt_yields_to_another_declaration)
{
	struct ag_attributes *map = battery();

	ag_attributes_doubt(map, 0, 0xffff);
	put(map, characteristic(0x12, BATTERY_LEVEL, 0x02));
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	expect_place(map, 0x11, 0, 0, BATTERY_SERVICE);
	expect_place(map, 0x12, 0x2803, BATTERY_LEVEL, BATTERY_SERVICE);
	expect_place(map, 0x15, 0x2a1a, 0x2a1a, BATTERY_SERVICE);
	ag_attributes_free(map);
}

Test(attributes, what_was_dropped_or_cleared_does_not_come_back)
{
	struct ag_attributes *map = battery();

	ag_attributes_doubt(map, 0, 0xffff);
	ag_attributes_drop(map, 0x13, 0x15);
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 1);
	ag_attributes_doubt(map, 0, 0xffff);
	ag_attributes_clear(map);
	put(map, service(0x10, 0x1f, BATTERY_SERVICE));
	cr_expect_eq(ag_attributes_count(map), 1);
	ag_attributes_free(map);
}

Test(attributes, clear)
{
	const uint8_t hash[AG_DATABASE_HASH_LEN] = { 1, 2, 3 };
	struct ag_attributes *map = battery();
	uint64_t changes;

	ag_attributes_set_hash(map, hash);
	changes = ag_attributes_changes(map);
	ag_attributes_set_hash(map, hash);
	cr_expect_eq(ag_attributes_changes(map), changes);
	cr_assert_not_null(ag_attributes_hash(map));
	cr_expect_arr_eq(ag_attributes_hash(map), hash, sizeof(hash));
	ag_attributes_clear(map);
	cr_expect_null(ag_attributes_hash(map));
	cr_expect_eq(ag_attributes_count(map), 0);
	cr_expect_gt(ag_attributes_changes(map), changes);
	ag_attributes_free(map);
}

Test(attributes, uuid_from_air)
{
	const uint8_t ancs[16] = { 0xd0, 0x00, 0x2d, 0x12, 0x1e, 0x4b, 0x0f, 0xa4,
				   0x99, 0x4e, 0xce, 0xb5, 0x31, 0xf4, 0x05, 0x79 };
	const uint8_t level[2] = { 0x19, 0x2a };
	struct ag_uuid uuid = ag_uuid_from_air(ancs, sizeof(ancs));

	cr_expect_eq(uuid.hi, UINT64_C(0x7905f431b5ce4e99));
	cr_expect_eq(uuid.lo, UINT64_C(0xa40f4b1e122d00d0));
	cr_expect_eq(short_of(ag_uuid_from_air(level, sizeof(level))), BATTERY_LEVEL);
}
