/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_HOST_H
#define AG_SIM_HOST_H

/*
 * A host that keeps its accounts as the Linux kernel does, but where the kernel shrugs (a surplus
 * completion, an unknown handle) it fails.
 */

#include "tests/sim/controller.h"

struct ag_sim_host_link {
	bool up;
	bool le;
	bool central;
	bool encrypted;
	unsigned int sent; /* packets not completed */
	struct ag_sim_end end;
};

struct ag_sim_host {
	struct ag_sim_report *report;
	struct ag_random *random;
	struct ag_sim_port port;
	struct ag_sim_pool pool[2]; /* as reported to it; BR/EDR, LE */
	uint16_t acl_max;           /* longest data field it takes; 0: any */
	bool resetting;             /* until the answer to its HCI Reset */
	uint16_t command;           /* open command, or 0 */
	unsigned int flow;          /* its buffers under flow control; 0: off */
	unsigned int held;          /* packets it has not completed under flow control */
	unsigned int held_by[AG_SIM_LINKS];
	uint64_t completions;
	struct ag_sim_host_link link[AG_SIM_LINKS];
};

void ag_sim_host_init(struct ag_sim_host *host, struct ag_sim_report *report,
		      struct ag_random *random, struct ag_sim_port port);

void ag_sim_host_receive(struct ag_sim_host *host, const uint8_t *packet, size_t len);

/** Send a command; one may be open at a time. @return: false if one is */
bool ag_sim_host_command(struct ag_sim_host *host, uint16_t opcode, const uint8_t *params,
			 uint8_t len);

/** Send the next fragment of link `index`. @return: false if it must wait */
bool ag_sim_host_send(struct ag_sim_host *host, size_t index);

/** Complete what it received, under flow control. @return: false if there is nothing */
bool ag_sim_host_complete(struct ag_sim_host *host, bool all);

/** The link with a handle, or NULL. */
struct ag_sim_host_link *ag_sim_host_find(struct ag_sim_host *host, uint16_t handle);

#endif
