/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/attributes.h"

static bool is_service(const struct ag_attribute *attribute)
{
	return attribute->kind == AG_ATTRIBUTE_PRIMARY || attribute->kind == AG_ATTRIBUTE_SECONDARY;
}

static bool is_type(const struct ag_attribute *attribute, uint16_t first, uint16_t last)
{
	struct ag_uuid type = ag_attribute_type(attribute);

	for (uint32_t uuid16 = first; uuid16 <= last; uuid16++) {
		struct ag_uuid one = ag_uuid_from_u16((uint16_t)uuid16);

		if (ag_uuid_equal(&type, &one))
			return true;
	}
	return false;
}

static bool is_declaration(const struct ag_attribute *attribute)
{
	return is_type(attribute, 0x2800, 0x2803);
}

static bool starts_service(const struct ag_attribute *attribute)
{
	return is_type(attribute, 0x2800, 0x2801);
}

/* ---- What a database has ---- */

static const char *wrong_alone(const struct ag_attribute *attribute)
{
	if (!attribute->handle)
		return "handle 0";
	if (is_service(attribute) && attribute->end < attribute->handle)
		return "a service ends before it begins";
	if (attribute->kind == AG_ATTRIBUTE_CHARACTERISTIC && attribute->value <= attribute->handle)
		return "a value is not behind its declaration";
	if (attribute->kind == AG_ATTRIBUTE_INCLUDE &&
	    (!attribute->value || attribute->end < attribute->value))
		return "an include of no range";
	return NULL;
}

/* `b` is behind `a`. */
static const char *wrong_together(const struct ag_attribute *a, const struct ag_attribute *b)
{
	if (b->handle <= a->handle)
		return "not ascending";
	if (is_service(a) && b->handle <= a->end && starts_service(b))
		return "a service within a service";
	if (is_service(a) && b->kind == AG_ATTRIBUTE_CHARACTERISTIC && b->handle <= a->end &&
	    b->value > a->end)
		return "a value outside of its service";
	if (a->kind != AG_ATTRIBUTE_CHARACTERISTIC)
		return NULL;
	if (b->handle <= a->value && is_declaration(b))
		return "a declaration between a declaration and its value";
	return b->handle == a->value ? "a value that is entered twice" : NULL;
}

/* ---- Finding ---- */

static void find(const struct ag_attributes *map, uint16_t handle, struct ag_attribute_place *out)
{
	const struct ag_attribute *next = NULL;
	uint32_t between = 0;

	*out = (struct ag_attribute_place){ 0 };
	for (size_t i = 0; i < ag_attributes_count(map); i++) {
		const struct ag_attribute *at = ag_attributes_at(map, i);

		if (at->handle > handle) {
			next = at;
			break;
		}
		if (starts_service(at))
			out->service = is_service(at) && handle <= at->end ? at : NULL;
		if (is_declaration(at))
			out->characteristic = at->kind == AG_ATTRIBUTE_CHARACTERISTIC ? at : NULL;
		between = out->characteristic && at->handle > out->characteristic->value
			      ? between + 1
			      : 0;
		if (at->handle == handle) {
			out->mapped = true;
			out->type = ag_attribute_type(at);
		}
	}
	if (out->characteristic && !out->service && handle > out->characteristic->value &&
	    between != (uint32_t)(handle - out->characteristic->value))
		out->characteristic = NULL;
	if (!out->mapped && out->characteristic && out->characteristic->value == handle) {
		out->mapped = true;
		out->type = out->characteristic->uuid;
	}
	if (!out->mapped && out->characteristic && out->service &&
	    out->characteristic->properties & 0x30 && handle == out->characteristic->value + 1 &&
	    (handle == out->service->end ||
	     (next && next->handle == handle + 1 && is_declaration(next)))) {
		out->mapped = true;
		out->type = ag_uuid_from_u16(0x2902);
	}
}

static bool agrees(const struct ag_attributes *map, uint16_t handle)
{
	struct ag_attribute_place found, wanted;
	bool any = ag_attributes_find(map, handle, &found);

	find(map, handle, &wanted);
	return any == (wanted.mapped || wanted.characteristic || wanted.service) &&
	       found.mapped == wanted.mapped && found.characteristic == wanted.characteristic &&
	       found.service == wanted.service &&
	       (!found.mapped || ag_uuid_equal(&found.type, &wanted.type));
}

static const char *wrong_around(const struct ag_attributes *map,
				const struct ag_attribute *attribute)
{
	uint16_t edges[] = { attribute->handle, attribute->value, attribute->end };

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		for (int off = -1; off <= 2; off++) {
			if (!agrees(map, (uint16_t)(edges[i] + off)))
				return "a handle is not found where it is";
		}
	}
	return NULL;
}

const char *ag_sim_attributes_wrong(const struct ag_attributes *map)
{
	size_t count = ag_attributes_count(map);
	const char *wrong = count > AG_ATTRIBUTES_MAX ? "too many" : NULL;

	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = wrong_alone(ag_attributes_at(map, i));
		for (size_t j = i + 1; j < count && !wrong; j++)
			wrong = wrong_together(ag_attributes_at(map, i), ag_attributes_at(map, j));
		if (!wrong)
			wrong = wrong_around(map, ag_attributes_at(map, i));
	}
	if (!wrong && !agrees(map, 0xffff))
		wrong = "0xffff is not found where it is";
	return wrong;
}
