/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACL packets to L2CAP PDUs and back (Vol 3 Part A, 7.2).
 *
 * A PDU in one packet is judged where it lies. One in several is gathered, as packets, only if a
 * rule may want it: so what is accepted leaves in the packets in which it came. While it is
 * gathered its packets are completed to their sender, or a PDU of more fragments than the sender
 * has credits would never come to its end.
 */
#include "proxy/engine/hide.h"

#include <errno.h>
#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/l2cap.h"

/** Of an L2CAP PDU, with its header. */
#define GATHERED_MAX ((size_t)AG_GATHER_MAX + AG_L2CAP_HEADER)

/* ---- Out ---- */

static enum ag_acl_pb first_pb(const struct ag_link *link, enum ag_side to)
{
	/* 5.4.2: towards an LE controller a PDU is non-flushable; every other way 10b starts it */
	return to == AG_SIDE_CONTROLLER && link->view.type == AG_LINK_LE ? AG_PB_FIRST_NON_FLUSHABLE
									 : AG_PB_FIRST_FLUSHABLE;
}

/* Send the injected PDUs that waited for a foreign one to end. */
static int flush_injected(struct ag_engine *engine, struct ag_link *link, enum ag_side to)
{
	struct ag_fifo *injected = &link->line[to].injected;
	struct ag_record record;
	int r = 0;

	while (!r && ag_fifo_front(injected, &record)) {
		r = ag_send(engine, link, to, record.data, record.len, record.mark);
		ag_fifo_pop(injected);
	}
	return r;
}

static int set_streaming(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
			 bool streaming)
{
	link->line[to].streaming = streaming;
	return streaming ? 0 : flush_injected(engine, link, to);
}

static int send_fragment(struct ag_engine *engine, struct ag_link *link, enum ag_side to,
			 const uint8_t *packet, size_t len, bool ours)
{
	struct ag_line *line = &link->line[to];

	/* a PDU that never ends must not keep ours for ever */
	if (line->streaming && line->injected.bytes < AG_WAITING_MAX)
		return ag_fifo_put(&line->injected, packet, len, ours);
	return ag_send(engine, link, to, packet, len, ours);
}

/* A part of an L2CAP PDU that lies in two pieces. */
static void copy_part(const uint8_t header[AG_L2CAP_HEADER], const uint8_t *pdu, size_t at,
		      size_t len, uint8_t *out)
{
	for (; at < AG_L2CAP_HEADER && len; len--)
		*out++ = header[at++];
	memcpy(out, pdu + (at - AG_L2CAP_HEADER), len);
}

int ag_inject(struct ag_engine *engine, struct ag_link *link, enum ag_side to, uint16_t cid,
	      const uint8_t *pdu, size_t len, size_t owed)
{
	size_t limit = ag_fragment_len(engine, link, to);
	size_t total = AG_L2CAP_HEADER + len;
	size_t count = (total + limit - 1) / limit;
	enum ag_acl_pb pb = first_pb(link, to);
	uint8_t header[AG_L2CAP_HEADER];
	int r = 0;

	if (owed > count) {
		r = ag_complete(engine, link, ag_other(to), owed - count);
		owed = count;
	}
	ag_put_le16(header, (uint16_t)len);
	ag_put_le16(header + 2, cid);
	for (size_t i = 0; !r && i < count; i++) {
		size_t part = i + 1 < count ? limit : total - i * limit;

		ag_acl_put_header(engine->frame, link->view.handle, pb, (uint16_t)part);
		copy_part(header, pdu, i * limit, part, engine->frame + AG_ACL_HEADER);
		r = send_fragment(engine, link, to, engine->frame, AG_ACL_HEADER + part,
				  count - i > owed);
		pb = AG_PB_CONTINUING;
	}
	return r;
}

/* ---- Units ---- */

static struct ag_assembly *assembly_of(const struct ag_unit *unit)
{
	return &unit->link->assembly[unit->from];
}

static int __attribute__((noinline))
forward_gathered(struct ag_engine *engine, struct ag_unit *unit, size_t paid)
{
	enum ag_side to = ag_other(unit->from);
	struct ag_fifo *packets = &assembly_of(unit)->packets;
	struct ag_record record;

	for (size_t i = 0; ag_fifo_front(packets, &record); i++) {
		int r = ag_send(engine, unit->link, to, record.data, record.len, i < paid);

		if (r)
			return r;
		ag_fifo_pop(packets);
	}
	return 0;
}

int ag_unit_forward(struct ag_engine *engine, struct ag_unit *unit)
{
	size_t paid = unit->packets - unit->unpaid;

	if (unit->forwarded)
		return 0;
	unit->forwarded = true;
	unit->unpaid = 0;
	if (unit->packet)
		return ag_send(engine, unit->link, ag_other(unit->from), unit->packet,
			       unit->packet_len, false);
	return forward_gathered(engine, unit, paid);
}

int ag_unit_forward_as(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *pdu,
		       size_t len)
{
	enum ag_side to = ag_other(unit->from);
	size_t owed = unit->unpaid;

	unit->unpaid = 0;
	return ag_send_pdu(engine, unit->link, to, unit->channel, unit->cid, pdu, len, owed,
			   unit->frames);
}

int ag_unit_swallow(struct ag_engine *engine, struct ag_unit *unit)
{
	size_t unpaid = unit->unpaid;

	unit->unpaid = 0;
	return ag_complete(engine, unit->link, unit->from, unpaid);
}

/* ---- In ---- */

enum wish { WISH_MORE, WISH_PASS, WISH_WATCH, WISH_JUDGE };

static enum wish wish_for_opcode(struct ag_engine *engine, const struct ag_unit *unit,
				 uint8_t opcode)
{
	if (ag_pass_excludes(engine, unit, opcode))
		return WISH_JUDGE;
	/* what a short one asks is remembered whole */
	if (engine->config.tap || unit->pdu_len <= AG_HEAD_MAX)
		return WISH_WATCH;
	return unit->bearer && ag_map_wants(unit, opcode) ? WISH_WATCH : WISH_PASS;
}

/* What the first octets of a PDU say of the rest. Fills the unit. */
static enum wish classify(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *data,
			  size_t have, size_t expect)
{
	size_t prefix = AG_L2CAP_HEADER;
	enum ag_channel_class class;

	if (have < AG_L2CAP_HEADER)
		return WISH_MORE;
	unit->cid = ag_get_le16(data + 2);
	class = ag_channel_classify(unit->link, unit->from, unit->cid, unit);
	if (class == AG_CLASS_OTHER)
		return WISH_PASS;
	if (class == AG_CLASS_SIGNALLING)
		return WISH_JUDGE;
	if (unit->channel && unit->channel->credit_based)
		return WISH_JUDGE;
	if (expect == prefix)
		return WISH_PASS;
	if (have == prefix)
		return WISH_MORE;
	unit->pdu = data + prefix;
	unit->len = have - prefix;
	unit->pdu_len = expect - prefix;
	return wish_for_opcode(engine, unit, data[prefix]);
}

/* One packet may hold more than is gathered. What goes by must not overtake what is held. */
static int __attribute__((noinline)) handle_too_long(struct ag_engine *engine, struct ag_unit *unit)
{
	int r;

	engine->stats.unjudged[AG_UNJUDGED_TOO_LONG]++;
	if (unit->bearer && ag_bearer_discards(engine, unit))
		return ag_unit_swallow(engine, unit);
	r = ag_hold_flush(engine, unit->link, unit->from);
	return r ? r : ag_unit_forward(engine, unit);
}

/* A whole L2CAP PDU of a class that concerns us. */
static int handle_unit(struct ag_engine *engine, struct ag_unit *unit, const uint8_t *data,
		       size_t len)
{
	enum ag_channel_class class = ag_channel_classify(unit->link, unit->from, unit->cid, unit);
	int r;

	unit->pdu = data + AG_L2CAP_HEADER;
	unit->len = len - AG_L2CAP_HEADER;
	unit->pdu_len = unit->len;
	if (class == AG_CLASS_SIGNALLING) {
		r = ag_signal(engine, unit);
	} else if (class == AG_CLASS_OTHER) {
		r = ag_unit_forward(engine, unit);
	} else if (unit->channel && unit->channel->credit_based) {
		r = ag_eatt_frame(engine, unit);
	} else if (!unit->len) {
		engine->stats.unjudged[AG_UNJUDGED_TRUNCATED]++;
		r = ag_unit_forward(engine, unit);
	} else if (unit->len > AG_GATHER_MAX) {
		r = handle_too_long(engine, unit);
	} else {
		r = ag_judge(engine, unit);
	}
	return r;
}

/* Judging needs the octets in one piece: all of them, or as many of one that is too long. */
static const uint8_t *gather(struct ag_engine *engine, const struct ag_assembly *assembly)
{
	struct ag_record record;
	bool more = ag_fifo_front(&assembly->packets, &record);
	size_t room = GATHERED_MAX;

	for (size_t at = 0; more && room; more = ag_fifo_next(&assembly->packets, &record)) {
		size_t len = record.len - AG_ACL_HEADER;

		len = len < room ? len : room;
		memcpy(engine->scratch + at, record.data + AG_ACL_HEADER, len);
		at += len;
		room -= len;
	}
	return engine->scratch;
}

static void assembly_unit(struct ag_link *link, enum ag_side from, struct ag_unit *unit)
{
	const struct ag_assembly *assembly = &link->assembly[from];

	*unit = (struct ag_unit){
		.link = link,
		.from = from,
		.packets = assembly->packets.count,
		.unpaid = assembly->packets.count - assembly->paid,
		.forwarded = assembly->forwarded,
	};
	if (unit->forwarded)
		unit->unpaid = 0;
}

void ag_assembly_end(struct ag_assembly *assembly)
{
	ag_fifo_clear(&assembly->packets);
	assembly->mode = AG_ASM_IDLE;
	assembly->paid = 0;
	assembly->have = 0;
	assembly->expect = 0;
	assembly->forwarded = false;
}

/* Let go what was gathered, unjudged, in the packets in which it came. */
static int let_pass(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	struct ag_unit unit;
	int r;

	assembly_unit(link, from, &unit);
	r = ag_unit_forward(engine, &unit);
	ag_fifo_clear(&assembly->packets);
	assembly->paid = 0;
	return r;
}

int ag_recombine_pay(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	size_t unpaid = assembly->packets.count - assembly->paid;

	if (assembly->mode == AG_ASM_IDLE || assembly->mode == AG_ASM_STREAM ||
	    assembly->forwarded || !unpaid || link->line[ag_other(from)].waiting.count)
		return 0;
	assembly->paid = assembly->packets.count;
	return ag_complete(engine, link, from, unpaid);
}

/* The rest of a PDU goes by, fragment by fragment. */
static int begin_stream(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	int r = let_pass(engine, link, from);

	if (r)
		return r;
	if (assembly->have >= assembly->expect && assembly->expect) {
		ag_assembly_end(assembly);
		return set_streaming(engine, link, ag_other(from), false);
	}
	assembly->mode = AG_ASM_STREAM;
	assembly->forwarded = true;
	return set_streaming(engine, link, ag_other(from), true);
}

/* No rule wants it, but the tap is told of it when it is whole: forward it and keep a copy. */
static int begin_watch(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	struct ag_record record;
	bool more = !assembly->forwarded && ag_fifo_front(&assembly->packets, &record);
	int r = 0;

	for (size_t i = 0; !r && more; i++) {
		r = ag_send(engine, link, ag_other(from), record.data, record.len,
			    i < assembly->paid);
		more = ag_fifo_next(&assembly->packets, &record);
	}
	assembly->mode = AG_ASM_GATHER;
	assembly->forwarded = true;
	return r ? r : set_streaming(engine, link, ag_other(from), true);
}

static int __attribute__((noinline))
unjudged(struct ag_engine *engine, struct ag_link *link, enum ag_side from, enum ag_unjudged why)
{
	engine->stats.unjudged[why]++;
	return let_pass(engine, link, from);
}

static int finish(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	const uint8_t *data = gather(engine, assembly);
	struct ag_unit unit;
	int r = 0;

	assembly_unit(link, from, &unit);
	unit.cid = ag_get_le16(data + 2);
	if (unit.forwarded)
		r = set_streaming(engine, link, ag_other(from), false);
	/* judging may end the link, or inject; the assembly is no longer in progress then */
	assembly->mode = AG_ASM_IDLE;
	if (!r)
		r = handle_unit(engine, &unit, data, assembly->have);
	ag_assembly_end(assembly);
	return r;
}

/* More octets than the L2CAP header announced: nobody knows what it means. */
static int let_pass_overlong(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	int r = unjudged(engine, link, from, AG_UNJUDGED_LENGTH);

	ag_assembly_end(&link->assembly[from]);
	return r ? r : set_streaming(engine, link, ag_other(from), false);
}

/* The header of the PDU: decide what becomes of the rest. */
static int decide(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	const uint8_t *data = gather(engine, assembly);
	struct ag_unit unit;

	if (assembly->have >= AG_L2CAP_HEADER)
		assembly->expect = AG_L2CAP_HEADER + ag_get_le16(data);
	assembly_unit(link, from, &unit);
	switch (classify(engine, &unit, data, assembly->have, assembly->expect)) {
	case WISH_MORE:
		break;
	case WISH_PASS:
		if (unit.bearer && unit.len)
			ag_bearer_glance(&unit, engine->now_us);
		return begin_stream(engine, link, from);
	case WISH_WATCH:
		return begin_watch(engine, link, from);
	case WISH_JUDGE:
		assembly->mode = AG_ASM_GATHER;
		break;
	}
	return 0;
}

static bool is_too_long(const struct ag_assembly *assembly)
{
	return assembly->expect > GATHERED_MAX || assembly->have > GATHERED_MAX ||
	       assembly->packets.bytes > 8 * AG_GATHER_MAX;
}

/* None of it goes on. */
static int begin_discard(struct ag_engine *engine, struct ag_unit *unit)
{
	struct ag_assembly *assembly = assembly_of(unit);
	int r = ag_unit_swallow(engine, unit);

	ag_fifo_clear(&assembly->packets);
	assembly->paid = 0;
	if (assembly->have >= assembly->expect)
		ag_assembly_end(assembly);
	else
		assembly->mode = AG_ASM_DISCARD;
	return r;
}

/* Nobody will see the whole of it: what its first octets tell is remembered. */
static int __attribute__((noinline))
end_gathering(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	const uint8_t *data = gather(engine, assembly);
	size_t have = assembly->have < GATHERED_MAX ? assembly->have : GATHERED_MAX;
	struct ag_unit unit;
	int r;

	engine->stats.unjudged[AG_UNJUDGED_TOO_LONG]++;
	assembly_unit(link, from, &unit);
	if (have >= AG_L2CAP_HEADER)
		assembly->expect = AG_L2CAP_HEADER + ag_get_le16(data);
	if (assembly->have <= assembly->expect) {
		classify(engine, &unit, data, have, assembly->expect);
		if (unit.bearer && unit.len && ag_bearer_discards(engine, &unit))
			return begin_discard(engine, &unit);
	}
	r = ag_hold_flush(engine, link, from);
	return r ? r : begin_stream(engine, link, from);
}

/* Look at what has been gathered so far, after a packet was added to it. */
static int advance(struct ag_engine *engine, struct ag_link *link, enum ag_side from)
{
	struct ag_assembly *assembly = &link->assembly[from];
	int r;

	if (assembly->mode == AG_ASM_HEADER && !is_too_long(assembly)) {
		r = decide(engine, link, from);
		if (r || assembly->mode == AG_ASM_IDLE || assembly->mode == AG_ASM_STREAM)
			return r;
	}
	if (is_too_long(assembly))
		return end_gathering(engine, link, from);
	if (assembly->expect && assembly->have > assembly->expect)
		return let_pass_overlong(engine, link, from);
	if (assembly->expect && assembly->have == assembly->expect)
		return finish(engine, link, from);
	return ag_recombine_pay(engine, link, from);
}

static int __attribute__((noinline))
add_packet(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
	   const struct ag_acl *acl, const uint8_t *packet, size_t len)
{
	struct ag_assembly *assembly = &link->assembly[from];
	enum ag_side to = ag_other(from);
	int r = 0;

	assembly->have += acl->len;
	if (assembly->mode == AG_ASM_STREAM) {
		r = ag_send(engine, link, to, packet, len, false);
		if (r || assembly->have < assembly->expect)
			return r;
		ag_assembly_end(assembly);
		return set_streaming(engine, link, to, false);
	}
	if (assembly->mode == AG_ASM_DISCARD) {
		if (assembly->have >= assembly->expect)
			ag_assembly_end(assembly);
		return ag_complete(engine, link, from, 1);
	}
	if (assembly->forwarded) {
		r = ag_send(engine, link, to, packet, len, false);
		link->line[to].streaming = true;
	}
	if (!r && ag_fifo_put(&assembly->packets, packet, len, 0)) {
		engine->stats.unjudged[AG_UNJUDGED_MEMORY]++;
		r = -ENOMEM;
	}
	return r ? r : advance(engine, link, from);
}

/* The common case: a whole PDU in one packet. *done is false when it has to be gathered. */
static int one_packet(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		      const struct ag_acl *acl, const uint8_t *packet, size_t len, bool *done)
{
	struct ag_unit unit = {
		.link = link,
		.from = from,
		.packet = packet,
		.packet_len = len,
		.packets = 1,
		.unpaid = 1,
	};
	size_t expect;

	*done = false;
	if (acl->len < AG_L2CAP_HEADER)
		return 0;
	expect = AG_L2CAP_HEADER + ag_get_le16(acl->data);
	if (acl->len < expect)
		return 0;
	*done = true;
	if (acl->len > expect) {
		engine->stats.unjudged[AG_UNJUDGED_LENGTH]++;
		return ag_send(engine, link, ag_other(from), packet, len, false);
	}
	unit.cid = ag_get_le16(acl->data + 2);
	return handle_unit(engine, &unit, acl->data, acl->len);
}

static int start(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		 const struct ag_acl *acl, const uint8_t *packet, size_t len)
{
	struct ag_assembly *assembly = &link->assembly[from];
	bool done;
	int r;

	if (assembly->mode != AG_ASM_IDLE) {
		r = unjudged(engine, link, from, AG_UNJUDGED_INTERRUPTED);
		ag_assembly_end(assembly);
		if (!r)
			r = set_streaming(engine, link, ag_other(from), false);
		if (r)
			return r;
	}
	r = one_packet(engine, link, from, acl, packet, len, &done);
	if (r || done)
		return r;
	assembly->mode = AG_ASM_HEADER;
	assembly->forwarded = ag_is_passive(engine) && !ag_bearer_any_expects(link, from);
	return add_packet(engine, link, from, acl, packet, len);
}

int ag_recombine(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		 const struct ag_acl *acl, const uint8_t *packet, size_t len)
{
	if (acl->bc || !acl->consistent) {
		engine->stats.unjudged[acl->bc ? AG_UNJUDGED_NO_LINK : AG_UNJUDGED_LENGTH]++;
		return ag_send(engine, link, ag_other(from), packet, len, false);
	}
	if (acl->pb != AG_PB_CONTINUING)
		return start(engine, link, from, acl, packet, len);
	if (link->assembly[from].mode == AG_ASM_IDLE) {
		engine->stats.unjudged[AG_UNJUDGED_NO_START]++;
		return ag_send(engine, link, ag_other(from), packet, len, false);
	}
	return add_packet(engine, link, from, acl, packet, len);
}
