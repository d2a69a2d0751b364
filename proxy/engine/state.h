/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_STATE_H
#define AG_ENGINE_STATE_H

/* What the engine remembers. Only files of proxy/engine include this. */

#include "proxy/base/fifo.h"
#include "proxy/base/marks.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/bearer_state.h"
#include "proxy/engine/engine.h"
#include "proxy/engine/hide_state.h"
#include "proxy/engine/identity.h"
#include "proxy/wire/att_check.h"
#include "proxy/wire/hci.h"

/** Links that are judged; the packets of further ones go by. Controllers have 8 to 32. */
#define AG_LINKS_MAX 64
/** Longest L2CAP payload that is gathered to be judged, octets. ATT values end at 512 (Vol 3 Part
 * F, 3.2.9), bluetoothd's ATT_MTU at 517. */
#define AG_GATHER_MAX 8192
/** Longest data field of an ACL packet of ours. */
#define AG_FRAGMENT_MAX (AG_GATHER_MAX + 8)
/** Octets that may be held back or wait for a buffer, per link and direction. */
#define AG_WAITING_MAX 16384
/** Dynamic channels that can carry ATT, per link: BR/EDR has one, EATT opens up to 5 a request. */
#define AG_CHANNELS_MAX 12
/** Packets in flight that are remembered one by one, per link and side. */
#define AG_MARKS_MAX 65536
/** Primary services that are told from each other, per link and asker; a phone has about 20. What
 * is beyond counts as one. */
#define AG_SHOWN_SERVICES 256
/** Descriptors that are remembered, per link and asker: as many as an answer of bluetoothd's
 * longest PDU (517 octets) can name. Of more the newest. */
#define AG_SHOWN_DESCRIPTORS 128
/** Roles learned from commands before the connection is complete. */
#define AG_PENDING_ROLES 16

static inline enum ag_side ag_other(enum ag_side side)
{
	return side == AG_SIDE_HOST ? AG_SIDE_CONTROLLER : AG_SIDE_HOST;
}

/** Buffers of a side: how many it reported (0: unknown, so unlimited), how many are taken, and how
 *  many of those by packets of ours. */
struct ag_pool {
	uint32_t size, in_flight, ours;
	uint16_t data_len; /* longest data field, octets; 0: unknown */
};

/** Packets of a link on their way to a side. */
struct ag_line {
	struct ag_marks in_flight; /* taken by the side, not completed; true: ours */
	struct ag_fifo waiting;    /* for a buffer; mark 1: ours */
	struct ag_fifo injected; /* whole PDUs of ours, while a foreign one goes by in fragments */
	bool streaming;          /* the last packet sent left its PDU unfinished */
};

enum ag_assembly_mode {
	AG_ASM_IDLE,
	AG_ASM_HEADER,  /* not enough octets to know what it is */
	AG_ASM_GATHER,  /* to be judged when whole */
	AG_ASM_STREAM,  /* passes fragment by fragment */
	AG_ASM_DISCARD, /* goes no further */
};

/** The PDU a side is sending on a link. */
struct ag_assembly {
	enum ag_assembly_mode mode;
	bool forwarded;         /* the fragments went on as they came */
	struct ag_fifo packets; /* its HCI packets (HEADER, GATHER) */
	size_t paid;            /* of them, completed to their sender already */
	size_t have;            /* octets of L2CAP header and payload so far */
	size_t expect;          /* in all; 0 while unknown */
};

/** What one side has been told of the other's database on this link, whether or not it is so. */
struct ag_shown {
	size_t n_primary;
	struct ag_att_range primary[AG_SHOWN_SERVICES]; /* ascending */
	size_t n_extended;
	uint16_t extended[AG_SHOWN_DESCRIPTORS]; /* handles of Characteristic Extended Properties,
						  * the newest last */
};

struct ag_held;

/** What a peer has told of itself while it pairs, until it counts. */
struct ag_introduction {
	bool expected; /* it was agreed that it does */
	bool has_irk, has_address;
	struct ag_identity identity;
};

struct ag_link {
	bool up;
	struct ag_link_view view;
	struct ag_line line[2]; /* by destination */
	bool in_le_buffers;     /* what is in flight to the controller, else in those of BR/EDR */
	struct ag_assembly assembly[2]; /* by source */
	struct ag_held *held[2];        /* by source, oldest first */
	size_t held_bytes[2];
	struct ag_bearer att; /* the fixed channel */
	bool has_channels;    /* one was opened, so they have to be looked through */
	struct ag_channel channel[AG_CHANNELS_MAX];
	uint64_t requests;       /* for channels that carry ATT */
	unsigned int unfollowed; /* channels without room, not counted yet */
	/* of the peer's database (AG_SIDE_CONTROLLER), which is this link's, and of our host's,
	 * which is one for all links */
	struct ag_attributes *map[2];
	uint64_t map_saved;       /* changes of the peer's map that the keeper knows of */
	struct ag_shown shown[2]; /* by the side that asked */
	struct ag_match_state *match;
	bool disconnecting; /* by us */
	struct ag_introduction introduction;
	struct ag_hiding hiding[2]; /* by the side whose database it is */
	bool service_changed_due;   /* the host is to be told that something else is hidden */
};

struct ag_pending_role {
	uint64_t peer;
	enum ag_role role;
};

/** Commands: the host's pass, ours fit in between. */
struct ag_commands {
	uint8_t credits; /* Num_HCI_Command_Packets */
	bool host_open;  /* a command of the host waits for its answer */
	uint16_t host_opcode;
	bool own_open;
	uint16_t own_opcode;
	uint64_t own_since_us;
	struct ag_fifo own;      /* ours that wait */
	struct ag_fifo host;     /* the host's that wait for ours to end */
	bool flow_control_asked; /* parameters of commands whose success is awaited */
	struct ag_pool host_buffers_asked;
};

struct ag_engine {
	struct ag_engine_config config;
	struct ag_fifo out[2];
	struct ag_pool acl;  /* the controller's */
	struct ag_pool le;   /* size 0: LE uses acl */
	struct ag_pool host; /* controller-to-host flow control */
	bool host_flow_control;
	struct ag_link *links[AG_LINKS_MAX];      /* allocated when first used, and kept */
	uint8_t by_handle[AG_HCI_HANDLE_MAX + 1]; /* index + 1 */
	size_t links_used;                        /* slots up to the last one in use */
	struct ag_commands commands;
	struct ag_pending_role roles[AG_PENDING_ROLES];
	size_t next_role;
	struct ag_identities *identities;    /* of the configuration, or the next */
	struct ag_identities own_identities; /* where nobody keeps them */
	struct ag_fifo early;                /* ACL packets from the controller before their link */
	uint64_t early_until_us;
	struct ag_held *spare;
	uint64_t now_us, due_us;
	uint64_t next_number;
	uint64_t random;
	uint32_t links_seen;
	uint64_t *rule_hits;
	struct ag_attributes *host_map;
	struct ag_attributes *newer_map; /* what a link learned before its peer had an identity */
	bool asks_malformed;             /* a rule or the tap may want to know */
	bool asks_attribute;             /* likewise, what a PDU's attribute is */
	struct ag_stats stats;
	struct ag_subject subject;
	struct ag_subject as_came;   /* the same before the first rewrite, where there is one */
	struct ag_subject attribute; /* one that the rules may hide */
	uint8_t *scratch;            /* a gathered PDU, AG_GATHER_MAX + header */
	uint8_t *sdu;                /* a gathered SDU, AG_GATHER_MAX */
	uint8_t *sdu_out;            /* an SDU of ours with its length, AG_GATHER_MAX + 2 */
	uint8_t *rewrite;            /* a rewritten PDU, AG_GATHER_MAX */
	uint8_t *split;              /* a fragment of a packet that is too long for the host */
	uint8_t *frame;              /* a packet under construction */
};

#endif
