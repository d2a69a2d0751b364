/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is hidden on a link, and how the host is told that it is something else now. */
#include "proxy/engine/hide.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/l2cap.h"

void ag_hide_forget_tails(struct ag_link *link)
{
	for (size_t side = 0; side < 2; side++) {
		link->att.tail[side].from = 0;
		for (size_t i = 0; i < AG_CHANNELS_MAX; i++)
			link->channel[i].bearer.tail[side].from = 0;
	}
}

/* @return: whether something else is hidden now */
static bool renew(const struct ag_engine *engine, const struct ag_link *link, enum ag_side owner,
		  struct ag_hiding *hiding)
{
	struct ag_subject subject;
	uint64_t before[2] = { hiding->digest[0], hiding->digest[1] };
	bool was_active = hiding->active;

	memset(hiding, 0, sizeof(*hiding));
	if (ag_rules_any_hides(engine->config.rules)) {
		ag_hides_set_link(link, owner, &subject);
		hiding->active = ag_rules_hide_digest(engine->config.rules, &subject,
						      hiding->digest);
	}
	return hiding->active != was_active || memcmp(before, hiding->digest, sizeof(before)) != 0;
}

void ag_hide_refresh(struct ag_engine *engine, struct ag_link *link, bool fresh)
{
	bool changed;

	renew(engine, link, AG_SIDE_HOST, &link->hiding[AG_SIDE_HOST]);
	changed = renew(engine, link, AG_SIDE_CONTROLLER, &link->hiding[AG_SIDE_CONTROLLER]);
	ag_hide_forget_tails(link);
	if (fresh)
		link->service_changed_due = false;
	/* a recording goes on as it went, whatever we say */
	if (fresh || !changed || engine->config.dry_run || engine->config.replay)
		return;
	link->service_changed_due = true;
	ag_due(engine, engine->now_us);
}

/* The bearer on which the host is told things: the first there is. */
static struct ag_bearer *bearer_to_host(struct ag_link *link, struct ag_channel **channel)
{
	*channel = NULL;
	if (link->view.type == AG_LINK_LE)
		return &link->att;
	for (size_t i = 0; i < AG_CHANNELS_MAX && !*channel; i++) {
		if (link->channel[i].state == AG_CHANNEL_OPEN)
			*channel = &link->channel[i];
	}
	return *channel ? &(*channel)->bearer : NULL;
}

/* Value handle of the peer's «Service Changed» as the host may know it, or 0. */
static uint16_t service_changed(struct ag_engine *engine, struct ag_link *link)
{
	struct ag_looking looking = { .engine = engine, .link = link, .owner = AG_SIDE_CONTROLLER };
	const struct ag_attributes *map = ag_looking_map(&looking);

	for (size_t i = 0; i < ag_attributes_count(map); i++) {
		const struct ag_attribute *attribute = ag_attributes_at(map, i);

		if (attribute->kind == AG_ATTRIBUTE_CHARACTERISTIC &&
		    ag_uuid_is(&attribute->uuid, AG_UUID_SERVICE_CHANGED))
			return ag_hides_handle(&looking, attribute->value) ? 0 : attribute->value;
	}
	return 0;
}

int ag_hide_announce(struct ag_engine *engine, struct ag_link *link)
{
	uint8_t pdu[] = { AG_ATT_HANDLE_VALUE_IND, 0, 0, 0x01, 0x00, 0xff, 0xff };
	struct ag_channel *channel;
	struct ag_bearer *bearer = bearer_to_host(link, &channel);
	uint16_t handle = service_changed(engine, link);

	if (bearer && (bearer->indication_open[AG_SIDE_CONTROLLER] ||
		       bearer->own_indication[AG_SIDE_CONTROLLER]))
		return 0;
	link->service_changed_due = false;
	if (!bearer || !handle) {
		engine->stats.unannounced++;
		return 0;
	}
	ag_put_le16(pdu + 1, handle);
	bearer->own_indication[AG_SIDE_CONTROLLER] = true;
	return ag_send_pdu(engine, link, AG_SIDE_HOST, channel, AG_CID_ATT, pdu, sizeof(pdu), 0, 0);
}

int ag_hide_confirmed(struct ag_engine *engine, struct ag_link *link)
{
	int r = ag_hold_release(engine, link);

	return r || !link->service_changed_due ? r : ag_hide_announce(engine, link);
}
