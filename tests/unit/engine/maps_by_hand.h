/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_TEST_MAPS_BY_HAND_H
#define AG_TEST_MAPS_BY_HAND_H

/* Attribute maps that tests put together, and what they expect in them. */

#include <criterion/criterion.h>

#include "proxy/engine/attributes.h"

#define BATTERY_SERVICE 0x180f
#define BATTERY_LEVEL   0x2a19

static inline struct ag_attributes *new_map(void)
{
	struct ag_attributes *map;

	cr_assert_eq(ag_attributes_new(&map), 0);
	return map;
}

static inline struct ag_attribute service(uint16_t handle, uint16_t end, uint16_t uuid16)
{
	return (struct ag_attribute){ .handle = handle,
				      .kind = AG_ATTRIBUTE_PRIMARY,
				      .uuid = ag_uuid_from_u16(uuid16),
				      .end = end };
}

static inline struct ag_attribute characteristic(uint16_t handle, uint16_t uuid16,
						 uint8_t properties)
{
	return (struct ag_attribute){ .handle = handle,
				      .kind = AG_ATTRIBUTE_CHARACTERISTIC,
				      .uuid = ag_uuid_from_u16(uuid16),
				      .value = (uint16_t)(handle + 1),
				      .properties = properties };
}

static inline struct ag_attribute other(uint16_t handle, uint16_t uuid16)
{
	return (struct ag_attribute){ .handle = handle,
				      .kind = AG_ATTRIBUTE_OTHER,
				      .uuid = ag_uuid_from_u16(uuid16) };
}

static inline int put(struct ag_attributes *map, struct ag_attribute attribute)
{
	return ag_attributes_put(map, &attribute);
}

/* 10 service 180f to 1f, 11 2a19 with its value at 12, 13 2902, 14 2a1a with its value at 15 */
static inline struct ag_attributes *battery(void)
{
	struct ag_attributes *map = new_map();

	cr_assert_eq(put(map, other(0x13, 0x2902)), 0);
	cr_assert_eq(put(map, characteristic(0x14, 0x2a1a, 0x02)), 0);
	cr_assert_eq(put(map, service(0x10, 0x1f, BATTERY_SERVICE)), 0);
	cr_assert_eq(put(map, characteristic(0x11, BATTERY_LEVEL, 0x12)), 0);
	return map;
}

static inline uint16_t short_of(struct ag_uuid uuid)
{
	struct ag_uuid back = ag_uuid_from_u16((uint16_t)(uuid.hi >> 32));

	cr_assert(ag_uuid_equal(&uuid, &back));
	return (uint16_t)(uuid.hi >> 32);
}

/* What is known of a handle, each as a 16-bit UUID, 0 for nothing. */
static inline void expect_place(const struct ag_attributes *map, uint16_t handle, uint16_t type,
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

#endif
