/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_HCI_SETUP_H
#define AG_IO_HCI_SETUP_H

/*
 * Whether the kernel has taken up the virtual controller that was shown to it.
 *
 * It sets up each controller once, as soon as that is registered, whatever rfkill or bluetoothd
 * want (hci_register_dev(), hci_power_on()), and each command of that may take two seconds. What
 * fails there fails for good: mgmt never hears of the controller, so bluetoothd cannot see it, and
 * nobody tries again. That it is down says nothing of this, since one that was set up may be left
 * down for as long as anybody likes; but mgmt lists that one from then on until it goes.
 */

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

/** How far the kernel is with a controller. */
enum ag_hci_setup {
	AG_HCI_SETUP_RUNS,
	AG_HCI_SETUP_DONE,    /* mgmt lists it */
	AG_HCI_SETUP_IDLE,    /* not listed, and nothing is done about it */
	AG_HCI_SETUP_UNKNOWN, /* the kernel does not tell, or could not be asked */
	AG_HCI_SETUP_GONE,    /* there is no such controller any more */
};

/** Ask the kernel. Does not block. */
enum ag_hci_setup ag_hci_setup_ask(unsigned int index);

/**
 * Whether a controller is in what the management interface says (doc/mgmt-protocol.rst, Read
 * Controller Index List).
 *
 * @return: 1 (it is in the list), 0 (it is not), -EAGAIN (this is something else)
 */
int ag_hci_setup_listed(const uint8_t *data, size_t len, unsigned int index);

/** What follows from asking again and again. */
enum ag_setup_verdict {
	AG_SETUP_WAIT,
	AG_SETUP_DONE,   /* no need to ask any more */
	AG_SETUP_FAILED, /* the kernel has given it up */
};

struct ag_setup_watch {
	struct ev_loop *loop; /* NULL until it was started */
	struct ev_timer look;
	unsigned int index;
	unsigned int idle;     /* times in a row that nothing was done about it */
	unsigned int unknown;  /* times in a row that this was not known */
	unsigned int failures; /* controllers in a row that were given up */
	void (*failed)(void *user, unsigned int pause_ms);
	void *user;
};

/**
 * One answer more. A controller is idle for a moment before its set-up begins and, under rfkill,
 * when it ends; so it takes some answers in a row until that counts as given up.
 */
enum ag_setup_verdict ag_setup_judge(struct ag_setup_watch *watch, enum ag_hci_setup state);

/** How long to wait before the next controller is shown: one whose set-up always fails, as it lacks
 * what its driver would have told the kernel, is not to come and go all the time. */
unsigned int ag_setup_pause_ms(const struct ag_setup_watch *watch);

/**
 * Watch a controller that was just shown; returns at once. It ends by itself when the set-up is
 * done.
 *
 * @watch:  zero before the first time, and kept from one controller to the next
 * @index:  of the controller
 * @failed: called once if the kernel gives it up, with how long to wait before another is shown
 */
void ag_setup_watch_start(struct ag_setup_watch *watch, struct ev_loop *loop, unsigned int index,
			  void (*failed)(void *user, unsigned int pause_ms), void *user);

/** Stop, if it was started. */
void ag_setup_watch_stop(struct ag_setup_watch *watch);

#endif
