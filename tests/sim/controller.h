/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_CONTROLLER_H
#define AG_SIM_CONTROLLER_H

/*
 * A controller that forgives nothing, and the peers at its links: it takes an ACL packet only while
 * it has a buffer (Vol 4 Part E, 4.1.1), a command only while the host has a credit (4.4), and
 * sends to the host no more than Host_Buffer_Size where that is on (4.1.2).
 */

#include "tests/sim/end.h"

enum { AG_SIM_LINKS = 3 };

/** Where packets go. */
struct ag_sim_port {
	void (*emit)(void *user, const uint8_t *packet, size_t len);
	void *user;
};

struct ag_sim_pool {
	uint16_t len; /* longest data field, octets */
	unsigned int count;
	unsigned int used;
};

enum ag_sim_connection {
	AG_SIM_LE_V0, /* LE Connection Complete */
	AG_SIM_LE_V1, /* LE Enhanced Connection Complete [v1] */
	AG_SIM_LE_V2, /* LE Enhanced Connection Complete [v2] */
	AG_SIM_BREDR,
	AG_SIM_CONNECTION_COUNT,
};

struct ag_sim_controller_link {
	bool up;
	bool le;
	bool central; /* the local controller's role */
	bool encrypted;
	unsigned int in_flight; /* packets of the host's that are not completed */
	unsigned int to_host;   /* packets that the host has not completed, under flow control */
	struct ag_sim_end peer;
};

struct ag_sim_controller {
	struct ag_sim_report *report;
	struct ag_random *random;
	struct ag_sim_port port;
	struct ag_sim_pool pool[2]; /* BR/EDR, LE; an LE count of 0: LE takes of the first */
	bool read_v2;               /* knows LE Read Buffer Size [v2] */
	bool public_peers;          /* LE peers have public addresses, else resolvable ones */
	uint16_t to_host_max;       /* longest data field of its packets to the host */
	unsigned int credits;       /* commands that may be sent to it now */
	struct {
		uint16_t opcode;
		uint8_t params[8];
	} command[8];
	size_t n_commands;
	bool flow; /* controller-to-host flow control */
	unsigned int host_count;
	unsigned int host_used;
	uint64_t disconnects; /* commands that were carried out */
	struct ag_sim_controller_link link[AG_SIM_LINKS];
};

/** @pool as the member; links' ends get `deliver` and `user` of the caller afterwards. */
void ag_sim_controller_init(struct ag_sim_controller *controller, struct ag_sim_report *report,
			    struct ag_random *random, struct ag_sim_port port);

void ag_sim_controller_receive(struct ag_sim_controller *controller, const uint8_t *packet,
			       size_t len);

/** Bring up link `index` with a handle, which may have been used before. */
void ag_sim_controller_connect(struct ag_sim_controller *controller, size_t index, uint16_t handle,
			       enum ag_sim_connection form, bool central);

void ag_sim_controller_disconnect(struct ag_sim_controller *controller, size_t index,
				  uint8_t reason);

void ag_sim_controller_encrypt(struct ag_sim_controller *controller, size_t index, bool on);

/** Answer the oldest command. @return: false if there is none */
bool ag_sim_controller_answer(struct ag_sim_controller *controller);

/** Complete packets, all or some of some links, in one event. @return: false if there are none */
bool ag_sim_controller_complete(struct ag_sim_controller *controller, bool all);

/** Send the next fragment of link `index`'s peer. @return: false if it must wait */
bool ag_sim_controller_send(struct ag_sim_controller *controller, size_t index);

/** The link with a handle, or NULL. */
struct ag_sim_controller_link *ag_sim_controller_find(struct ag_sim_controller *controller,
						      uint16_t handle);

#endif
