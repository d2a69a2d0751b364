/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_INSPECT_H
#define AG_ENGINE_INSPECT_H

/* A look into an engine, for whoever reports its state. Nothing is changed, nothing allocated. */

#include "proxy/engine/engine.h"

/** Slots for links; ag_engine_inspect_link() is asked for 0 to this. */
#define AG_INSPECT_LINKS 64
/** Bearers of a link at the most. */
#define AG_INSPECT_BEARERS 13

/** The ACL buffers of a side. */
struct ag_pool_view {
	uint32_t size;      /* packets, as the side reported it; 0: unknown */
	uint32_t in_flight; /* taken and not completed */
	uint32_t ours;      /* of those, packets whose sender does not wait for a completion */
	uint16_t data_len;  /* longest data field, octets; 0: unknown */
};

/** State that belongs to no link. */
struct ag_engine_view {
	struct ag_pool_view acl;  /* the controller's, for BR/EDR and where it has no others */
	struct ag_pool_view le;   /* the controller's for LE; size 0: it shares those of BR/EDR */
	struct ag_pool_view host; /* controller to host flow control */
	bool host_flow_control;   /* whether that is on */
	uint64_t numbered;        /* number of the last PDU that was judged */
	size_t queued[2];         /* packets to be written to a side, by enum ag_side */
	size_t queued_bytes[2];
	size_t early;            /* ACL packets that wait for their connection event */
	size_t commands_waiting; /* of the host, for a command of ours to end */
	uint8_t command_credits; /* Num_HCI_Command_Packets as last reported */
	const struct ag_attributes *attributes; /* of our host's database; valid until the engine
						 * is fed, ticked or freed */
};

/** Round-trip times of requests: from when it went on its way to the first octet of its response.
 *  Percentiles are upper bounds, at most a fifth too large. Answers of ours are not in them. */
struct ag_rtt_view {
	uint64_t count;
	uint64_t p50_us, p90_us, p99_us;
	uint64_t max_us;
};

/** An ATT request that was forwarded and is not answered. */
struct ag_request_view {
	bool open;
	uint8_t opcode;
	uint16_t handle;   /* as an Error Response names it */
	uint64_t number;   /* of the PDU; 0 where no rule looked at it */
	uint64_t since_us; /* when it went on its way */
};

/** An ATT bearer. Arrays are by the side that asks, but for `cid`. */
struct ag_bearer_view {
	enum ag_bearer_type type;
	uint16_t cid[2]; /* by the side whose channel it is */
	uint16_t mtu;
	struct ag_request_view request[2];
	bool indication[2]; /* one is not confirmed */
	struct ag_rtt_view rtt[2];
};

struct ag_link_inspection {
	struct ag_link_view view;
	size_t in_flight[2]; /* packets at a side, by enum ag_side, not completed */
	size_t waiting[2];   /* packets to a side that wait for a buffer */
	size_t held[2];      /* PDUs from a side that a `delay` holds back */
	size_t held_bytes[2];
	const struct ag_attributes *attributes; /* of the peer's database; valid likewise */
	size_t n_bearers;
	struct ag_bearer_view bearer[AG_INSPECT_BEARERS];
};

/** Fill @out with what belongs to no link. */
void ag_engine_inspect(const struct ag_engine *engine, struct ag_engine_view *out);

/**
 * Look at the link in a slot. A link keeps its slot while it is up.
 *
 * @slot:   less than AG_INSPECT_LINKS
 * @out:    untouched unless true
 * @return: false: no link is up there
 */
bool ag_engine_inspect_link(const struct ag_engine *engine, size_t slot,
			    struct ag_link_inspection *out);

#endif
