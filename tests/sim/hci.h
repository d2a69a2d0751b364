/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_HCI_H
#define AG_SIM_HCI_H

/* The commands and events that the models know (Vol 4 Part E, 7). Written down apart from the
 * engine's own, so that a wrong number there does not agree with itself here. */

enum {
	AG_SIM_HCI_DISCONNECT = 0x0406,
	AG_SIM_HCI_RESET = 0x0c03,
	AG_SIM_HCI_SET_HOST_FLOW = 0x0c31,
	AG_SIM_HCI_HOST_BUFFER_SIZE = 0x0c33,
	AG_SIM_HCI_HOST_COMPLETED = 0x0c35,
	AG_SIM_HCI_READ_BUFFER_SIZE = 0x1005,
	AG_SIM_HCI_READ_RSSI = 0x1405,
	AG_SIM_HCI_LE_READ_BUFFER_SIZE = 0x2002,
	AG_SIM_HCI_LE_READ_BUFFER_SIZE_V2 = 0x2060,
};

enum {
	AG_SIM_HCI_CONNECTION_COMPLETE = 0x03,
	AG_SIM_HCI_DISCONNECTION_COMPLETE = 0x05,
	AG_SIM_HCI_ENCRYPTION_CHANGE = 0x08,
	AG_SIM_HCI_COMMAND_COMPLETE = 0x0e,
	AG_SIM_HCI_COMMAND_STATUS = 0x0f,
	AG_SIM_HCI_ROLE_CHANGE = 0x12,
	AG_SIM_HCI_COMPLETED_PACKETS = 0x13,
	AG_SIM_HCI_LE_META = 0x3e,
};

#endif
