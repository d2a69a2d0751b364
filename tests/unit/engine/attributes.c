/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/attributes.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(attributes, .timeout = 20);

#define BATTERY_SERVICE 0x180f
#define BATTERY_LEVEL   0x2a19

static struct ag_attributes *new_map(void)
{
	struct ag_attributes *map;

	cr_assert_eq(ag_attributes_new(&map), 0);
	return map;
}

static struct ag_attribute service(uint16_t handle, uint16_t end, uint16_t uuid16)
{
	return (struct ag_attribute){ .handle = handle,
				      .kind = AG_ATTRIBUTE_PRIMARY,
				      .uuid = ag_uuid_from_u16(uuid16),
				      .end = end };
}

static struct ag_attribute characteristic(uint16_t handle, uint16_t uuid16, uint8_t properties)
{
	return (struct ag_attribute){ .handle = handle,
				      .kind = AG_ATTRIBUTE_CHARACTERISTIC,
				      .uuid = ag_uuid_from_u16(uuid16),
				      .value = (uint16_t)(handle + 1),
				      .properties = properties };
}

static struct ag_attribute other(uint16_t handle, uint16_t uuid16)
{
	return (struct ag_attribute){ .handle = handle,
				      .kind = AG_ATTRIBUTE_OTHER,
				      .uuid = ag_uuid_from_u16(uuid16) };
}

static int put(struct ag_attributes *map, struct ag_attribute attribute)
{
	return ag_attributes_put(map, &attribute);
}

/* 10 service 180f to 1f, 11 2a19 with its value at 12, 13 2902, 14 2a1a with its value at 15 */
static struct ag_attributes *battery(void)
{
	struct ag_attributes *map = new_map();

	cr_assert_eq(put(map, other(0x13, 0x2902)), 0);
	cr_assert_eq(put(map, characteristic(0x14, 0x2a1a, 0x02)), 0);
	cr_assert_eq(put(map, service(0x10, 0x1f, BATTERY_SERVICE)), 0);
	cr_assert_eq(put(map, characteristic(0x11, BATTERY_LEVEL, 0x12)), 0);
	return map;
}

static uint16_t short_of(struct ag_uuid uuid)
{
	struct ag_uuid back = ag_uuid_from_u16((uint16_t)(uuid.hi >> 32));

	cr_assert(ag_uuid_equal(&uuid, &back));
	return (uint16_t)(uuid.hi >> 32);
}

/* What is known of a handle, each as a 16-bit UUID, 0 for nothing. */
static void expect_place(const struct ag_attributes *map, uint16_t handle, uint16_t type,
			 uint16_t of_characteristic, uint16_t of_service)
{
	struct ag_attribute_place place;
	bool found = ag_attributes_find(map, handle, &place);

	cr_expect_eq(found, type || of_characteristic || of_service, "%#x", handle);
	cr_expect_eq(place.mapped ? short_of(place.type) : 0, type, "type of %#x", handle);
	cr_expect_eq(place.characteristic ? short_of(place.characteristic->uuid) : 0,
		     of_characteristic, "characteristic of %#x", handle);
	cr_expect_eq(place.service ? short_of(place.service->uuid) : 0, of_service,
		     "service of %#x", handle);
}

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

/* ---- Learning ---- */

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
