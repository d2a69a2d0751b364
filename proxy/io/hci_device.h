/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_HCI_DEVICE_H
#define AG_IO_HCI_DEVICE_H

/* The controllers that the kernel knows: finding one, taking it down, binding its user channel. */

#include <stdbool.h>
#include <stdint.h>

#include "proxy/io/transport.h"

struct hci_dev_info;

/** A socket for questions about controllers. @return: a descriptor (non-blocking, close-on-exec),
 * or negative */
int ag_hci_socket(void);

/** One that is bound to a channel which belongs to no controller; likewise. */
int ag_hci_channel(unsigned short channel);

/** What the kernel says of a controller. @ctl: of ag_hci_socket(). @return: 0 or negative: -ENODEV
 */
int ag_hci_info(int ctl, unsigned int index, struct hci_dev_info *info);

/** Whether the kernel has Bluetooth at all. @return: 0, or negative and `why` */
int ag_hci_probe(struct ag_transport *transport);

/**
 * The index of the controller that transport->address names. A BD_ADDR is looked for among all; a
 * virtual controller that shows the address of a real one comes after it.
 *
 * @remembered: BD_ADDR that the controller had when it was held before, as after a replug its index
 *              may be another; 0 for none
 * @index:      untouched unless 0
 * @return:     0, or negative and `why`: -ENODEV, -EAFNOSUPPORT, -EPERM
 */
int ag_hci_find(struct ag_transport *transport, uint64_t remembered, unsigned int *index);

/**
 * Take a controller down where it is up, and bind its user channel. Waits some seconds where the
 * kernel is still setting it up. Blocks while the driver loads firmware.
 *
 * @return: a descriptor (non-blocking, close-on-exec), or negative and `why`
 */
int ag_hci_bind(struct ag_transport *transport, unsigned int index,
		const struct ag_opening *opening);

#endif
