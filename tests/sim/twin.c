/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/twin.h"

#include <errno.h>
#include <string.h>

#include "proxy/engine/inspect.h"

/* ---- Digests (FNV-1a) ---- */

static void add(uint64_t *digest, const void *data, size_t len)
{
	const uint8_t *octets = data;

	for (size_t i = 0; i < len; i++)
		*digest = (*digest ^ octets[i]) * UINT64_C(0x100000001b3);
}

static void add_number(uint64_t *digest, uint64_t number)
{
	add(digest, &number, sizeof(number));
}

static void add_subject(uint64_t *digest, const struct ag_subject *subject)
{
	add_number(digest, subject ? subject->present : 0);
	for (unsigned int i = 0; subject && i < AG_FIELD_COUNT; i++) {
		const union ag_value *value = &subject->value[i];
		enum ag_value_type type = ag_field_type((enum ag_field)i);

		if (!ag_subject_has(subject, (enum ag_field)i))
			continue;
		if (type == AG_T_BYTES)
			add(digest, value->bytes.data, value->bytes.len);
		else if (type == AG_T_UUID)
			add(digest, &value->uuid, sizeof(value->uuid));
		else
			add_number(digest, value->num);
	}
}

static void add_link(uint64_t *digest, const struct ag_link_view *link)
{
	const uint64_t numbers[] = {
		link->handle,    link->type,      link->role,     link->peer,
		link->peer_type, link->encrypted, link->since_us,
	};

	add(digest, numbers, sizeof(numbers));
}

static void add_decision(uint64_t *digest, const struct ag_decision *decision)
{
	const uint64_t numbers[] = {
		decision->number,    decision->now_us,
		decision->from,      decision->cid,
		decision->is_att,    decision->bearer,
		decision->len,       decision->pdu_len,
		decision->out_len,   decision->verdict,
		decision->has_error, decision->has_error ? decision->error : 0,
		decision->effects,   decision->delay_us,
		decision->packets,   decision->rule ? decision->rule->index + 1 : 0,
		decision->entries,   decision->hidden,
	};

	add(digest, numbers, sizeof(numbers));
	add_link(digest, decision->link);
	add(digest, decision->pdu, decision->len);
	if (decision->out)
		add(digest, decision->out, decision->out_len);
	add_subject(digest, decision->subject);
	add_subject(digest, decision->as_came);
}

static void add_map(uint64_t *digest, const struct ag_attributes *map)
{
	add_number(digest, ag_attributes_changes(map));
	for (size_t i = 0; i < ag_attributes_count(map); i++) {
		const struct ag_attribute *attribute = ag_attributes_at(map, i);
		const uint64_t numbers[] = { attribute->handle,    attribute->kind,
					     attribute->uuid.hi,   attribute->uuid.lo,
					     attribute->end,       attribute->value,
					     attribute->properties };

		add(digest, numbers, sizeof(numbers));
	}
}

static void add_bearer(uint64_t *digest, const struct ag_bearer_view *bearer)
{
	add_number(digest, bearer->mtu);
	for (int side = 0; side < 2; side++) {
		const struct ag_request_view *request = &bearer->request[side];
		const uint64_t numbers[] = {
			bearer->indication[side], bearer->rtt[side].count,
			bearer->rtt[side].max_us, request->open,
			request->opcode,          request->handle,
			request->number,          request->since_us,
		};

		add(digest, numbers, sizeof(numbers));
	}
}

/* What an engine has learned and what is open. */
static uint64_t state_of(const struct ag_engine *engine)
{
	struct ag_link_inspection link;
	struct ag_engine_view view;
	uint64_t digest = 0;

	ag_engine_inspect(engine, &view);
	add_number(&digest, view.numbered);
	add_map(&digest, view.attributes);
	for (size_t slot = 0; slot < AG_INSPECT_LINKS; slot++) {
		if (!ag_engine_inspect_link(engine, slot, &link))
			continue;
		add_map(&digest, link.attributes);
		for (size_t i = 0; i < link.n_bearers; i++)
			add_bearer(&digest, &link.bearer[i]);
	}
	return digest;
}

/* ---- The twin ---- */

static void tap(void *user, const struct ag_decision *decision)
{
	struct ag_sim_twin *twin = user;

	add_decision(&twin->said[1], decision);
}

int ag_sim_twin_new(struct ag_sim_twin *twin, const struct ag_engine_config *config,
		    struct ag_sim_middle *middle)
{
	struct ag_engine_config watched = *config;

	watched.tap = tap;
	watched.tap_user = twin;
	watched.pass = NULL;
	*twin = (struct ag_sim_twin){ .engine = ag_sim_engine_new(&watched, middle) };
	return twin->engine ? 0 : -ENOMEM;
}

void ag_sim_twin_hear(struct ag_sim_twin *twin, const struct ag_decision *decision)
{
	add_decision(&twin->said[0], decision);
}

const char *ag_sim_twin_differs(const struct ag_sim_twin *twin, const struct ag_engine *first)
{
	if (twin->said[0] != twin->said[1])
		return "something else is said of a PDU that passes";
	if (memcmp(ag_engine_stats(twin->engine), ag_engine_stats(first),
		   sizeof(struct ag_stats)) != 0)
		return "what passes is counted differently";
	if (state_of(twin->engine) != state_of(first))
		return "what passes teaches something else";
	return NULL;
}

struct ag_decision ag_sim_passed(const struct ag_passed *passed, struct ag_subject *subject)
{
	ag_passed_subject(passed, subject);
	return (struct ag_decision){
		.number = passed->number,
		.now_us = passed->now_us,
		.from = passed->from,
		.link = passed->link,
		.cid = passed->cid,
		.is_att = true,
		.bearer = passed->bearer,
		.pdu = passed->pdu,
		.len = passed->len,
		.pdu_len = passed->len,
		.verdict = AG_V_ACCEPT,
		.subject = subject,
		.as_came = subject,
		.packets = passed->packets,
	};
}
