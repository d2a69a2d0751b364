/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_BLUETOOTH_H
#define AG_SIM_BLUETOOTH_H

/*
 * A kernel with Bluetooth, in what attgate asks of one: sockets of AF_BLUETOOTH, their ioctl()s,
 * and /dev/vhci. Each descriptor is one end of a pair of sockets, of which the test has the other.
 * What the kernel says within a call waits there already; what a controller says later the test has
 * to say. How the true one behaves is played in the virtual machine (tests/e2e/kernel).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { AG_SIM_HCI_MAX = 4, AG_SIM_ERRORS = 8 };

struct ag_sim_hci {
	bool there;
	bool is_virtual;
	bool up;
	uint64_t bdaddr;
	int down_error;                /* errno of HCIDEVDOWN, 0: it goes down */
	int bind_error[AG_SIM_ERRORS]; /* errno of each bind() that is to come, up to the first 0 */
	bool busy;                     /* the last of them stays */
	unsigned int binds;
	bool mute;            /* answers no command */
	uint8_t reset_status; /* of HCI Reset */
};

struct ag_sim_bluetooth {
	struct ag_sim_hci hci[AG_SIM_HCI_MAX];
	int socket_error; /* errno of socket(), 0: there are such sockets */
	int list_error;   /* of HCIGETDEVLIST */
	int manage_error; /* of a bind() to the management channel */
	/* index that the management interface lists, or -1 */
	atomic_int listed;
	int vhci_error; /* of access() and open() */
	int vhci_index;
	unsigned int silent;            /* so many virtual controllers are not replied to */
	unsigned int early;             /* packets before the reply */
	atomic_uint vhci_opened;        /* how often */
	atomic_int vhci, user, logging; /* the test's ends of what was opened last, or -1 */
};

extern struct ag_sim_bluetooth ag_sim_bluetooth;

/** Take the kernel's place (tests/sim/calls.h), with nothing in it yet. */
void ag_sim_bluetooth_begin(void);

/** Say what completes a command of the host's. @status: what follows it is an address, if that is
 *  not 0 */
void ag_sim_complete(int fd, uint16_t opcode, uint8_t status, uint64_t bdaddr);

#endif
