/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which attributes are hidden: the rules are asked with what the map of the database knows. */
#include "proxy/engine/hide.h"

#include <string.h>

/* ---- Asking the rules ---- */

void ag_hides_set_link(const struct ag_link *link, enum ag_side owner, struct ag_subject *subject)
{
	subject->present = 0;
	ag_subject_set(subject, AG_F_FROM, owner);
	ag_subject_set(subject, AG_F_ROLE, link->view.role);
	ag_subject_set(subject, AG_F_LINK, link->view.type);
	ag_subject_set(subject, AG_F_PEER, link->view.peer);
	ag_subject_set(subject, AG_F_PEER_TYPE, link->view.peer_type);
}

/* What the rules say of one attribute by itself. @characteristic, @service: UUIDs, or NULL */
static bool ask(struct ag_looking *looking, uint16_t handle, struct ag_uuid type,
		const struct ag_uuid *characteristic, const struct ag_uuid *service)
{
	struct ag_subject *subject = &looking->engine->attribute;
	const struct ag_rule *rule = NULL;

	ag_hides_set_link(looking->link, looking->owner, subject);
	ag_subject_set(subject, AG_F_ATT_HANDLE, handle);
	ag_subject_set_uuid(subject, AG_F_ATT_UUID, &type);
	if (characteristic)
		ag_subject_set_uuid(subject, AG_F_ATT_CHARACTERISTIC, characteristic);
	if (service)
		ag_subject_set_uuid(subject, AG_F_ATT_SERVICE, service);
	if (!ag_rules_hide(looking->engine->config.rules, subject, &rule))
		return false;
	looking->rule = rule;
	return true;
}

bool ag_hides_service(struct ag_looking *looking, const struct ag_attribute *service)
{
	return ask(looking, service->handle, ag_attribute_type(service), NULL, &service->uuid);
}

/* The declaration takes the value with it, and the value the declaration. */
static bool hides_characteristic(struct ag_looking *looking, const struct ag_attribute *declaration,
				 const struct ag_uuid *service)
{
	const struct ag_uuid *uuid = &declaration->uuid;

	return ask(looking, declaration->handle, ag_uuid_from_u16(AG_UUID_CHARACTERISTIC), uuid,
		   service) ||
	       ask(looking, declaration->value, *uuid, uuid, service);
}

/* ---- One attribute ---- */

/* An include of a hidden service would tell of it, and bluetoothd takes it for an error. */
static bool hides_included(struct ag_looking *looking, const struct ag_attribute *include)
{
	const struct ag_attribute *service = ag_attributes_exactly(ag_looking_map(looking),
								   include->value);

	if (service &&
	    (service->kind == AG_ATTRIBUTE_PRIMARY || service->kind == AG_ATTRIBUTE_SECONDARY))
		return ag_hides_service(looking, service);
	return (include->uuid.hi || include->uuid.lo) &&
	       ask(looking, include->value, ag_uuid_from_u16(AG_UUID_PRIMARY_SERVICE), NULL,
		   &include->uuid);
}

static bool hides_place(struct ag_looking *looking, uint16_t handle,
			const struct ag_attribute_place *place)
{
	const struct ag_attribute *characteristic = place->characteristic;
	const struct ag_uuid *service = place->service ? &place->service->uuid : NULL;
	const struct ag_attribute *attribute;

	if (place->service && ag_hides_service(looking, place->service))
		return true;
	if (characteristic && hides_characteristic(looking, characteristic, service))
		return true;
	if (place->mapped && ask(looking, handle, place->type,
				 characteristic ? &characteristic->uuid : NULL, service))
		return true;
	attribute = ag_attributes_exactly(ag_looking_map(looking), handle);
	return attribute && attribute->kind == AG_ATTRIBUTE_INCLUDE &&
	       hides_included(looking, attribute);
}

/* Of an attribute of which nothing is known nobody can say that it is to be hidden. */
bool ag_hides_handle(struct ag_looking *looking, uint16_t handle)
{
	struct ag_hiding *hiding = &looking->link->hiding[looking->owner];
	struct ag_hide_answer *answer = &hiding->answers[handle % AG_HIDE_ANSWERS];
	struct ag_attribute_place place;

	if (hiding->changes != ag_attributes_changes(ag_looking_map(looking))) {
		memset(hiding->answers, 0, sizeof(hiding->answers));
		hiding->changes = ag_attributes_changes(ag_looking_map(looking));
	}
	if (!answer->known || answer->handle != handle) {
		ag_attributes_find(ag_looking_map(looking), handle, &place);
		*answer = (struct ag_hide_answer){ .handle = handle, .known = true };
		answer->hidden = hides_place(looking, handle, &place);
		answer->rule = answer->hidden ? looking->rule : NULL;
	}
	if (answer->hidden)
		looking->rule = answer->rule;
	return answer->hidden;
}

/* An attribute as a list tells of it. */
static bool hides_told(struct ag_looking *looking, const struct ag_attribute *entry,
		       const struct ag_attribute_place *place)
{
	const struct ag_uuid *service = place->service ? &place->service->uuid : NULL;

	switch (entry->kind) {
	case AG_ATTRIBUTE_PRIMARY:
	case AG_ATTRIBUTE_SECONDARY:
		return ag_hides_service(looking, entry);
	case AG_ATTRIBUTE_CHARACTERISTIC:
		return hides_characteristic(looking, entry, service);
	case AG_ATTRIBUTE_INCLUDE:
		return hides_included(looking, entry);
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	return (entry->uuid.hi || entry->uuid.lo) &&
	       ask(looking, entry->handle, entry->uuid,
		   place->characteristic ? &place->characteristic->uuid : NULL, service);
}

/* The map may have had no room for it. Or it did not believe the list, and knows something else at
 * that handle; whoever asked may believe it. */
bool ag_hides_entry(void *user, const struct ag_attribute *entry)
{
	struct ag_looking *looking = user;
	struct ag_attribute_place place;

	if (ag_hides_handle(looking, entry->handle))
		return true;
	ag_attributes_find(ag_looking_map(looking), entry->handle, &place);
	return hides_told(looking, entry, &place);
}
