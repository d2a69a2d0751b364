/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a PDU keeps to its own format, by what is known of its bearer and of its link. */
#include "proxy/engine/internal.h"

#include "proxy/wire/cursor.h"

#define PRIMARY_SERVICE 0x2800

/* The 16-bit UUID of the attribute that the PDU is about, 0 where that is not known. */
static uint16_t type_of(const struct ag_subject *subject)
{
	struct ag_uuid base = ag_uuid_from_u16(0);
	const struct ag_uuid *type = &subject->value[AG_F_ATT_UUID].uuid;

	if (!ag_subject_has(subject, AG_F_ATT_UUID) || type->lo != base.lo ||
	    (type->hi & ~(UINT64_C(0xffff) << 32)) != base.hi)
		return 0;
	return (uint16_t)(type->hi >> 32);
}

void ag_malformed_fill(const struct ag_unit *unit, const struct ag_att *att, struct ag_subject *out)
{
	enum ag_side to = ag_other(unit->from);
	const struct ag_transaction *open = &unit->bearer->transaction[to];
	struct ag_att_context context = {
		.mtu = unit->bearer->mtu,
		/* each side of a dynamic channel takes what it said it would */
		.limit = unit->channel ? unit->channel->mtu[to] : unit->bearer->mtu,
		.type = type_of(out),
		.primary = unit->link->shown[to].range,
		.n_primary = unit->link->shown[to].count,
	};

	if (unit->len < unit->pdu_len)
		return;
	if (att->kind == AG_ATT_RESPONSE && ag_bearer_answers(unit->bearer, unit->from, att)) {
		context.request = open->head;
		context.request_len = open->head_len;
	}
	ag_subject_set(out, AG_F_ATT_MALFORMED, ag_att_is_malformed(att, &context));
}

void ag_malformed_shown(struct ag_link *link, enum ag_side asker,
			const struct ag_transaction *asked, const struct ag_att *response)
{
	struct ag_shown *shown = &link->shown[asker];
	size_t entry = response->pdu[1];
	uint16_t start;

	if (ag_att_type_asked(asked->head, asked->head_len) != PRIMARY_SERVICE)
		return;
	/* who asks again from some handle on is told anew what is there */
	start = ag_get_le16(asked->head + 1);
	while (shown->count && shown->range[shown->count - 1].start >= start)
		shown->count--;
	for (size_t at = 2; at + entry <= response->len && shown->count < AG_SHOWN_MAX; at += entry)
		shown->range[shown->count++] = (struct ag_att_range){
			.start = ag_get_le16(response->pdu + at),
			.end = ag_get_le16(response->pdu + at + 2),
		};
}
