/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_WIRE_HCI_H
#define AG_WIRE_HCI_H

/* Numbers of the Host Controller Interface (Vol 4 Part E) and the ACL packet's header. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ag_hci_opcode {
	AG_HCI_CREATE_CONNECTION = 0x0405,               /* 7.1.5 */
	AG_HCI_DISCONNECT = 0x0406,                      /* 7.1.6 */
	AG_HCI_ACCEPT_CONNECTION_REQUEST = 0x0409,       /* 7.1.8 */
	AG_HCI_ROLE_DISCOVERY = 0x0809,                  /* 7.2.7 */
	AG_HCI_RESET = 0x0c03,                           /* 7.3.2 */
	AG_HCI_SET_C2H_FLOW_CONTROL = 0x0c31,            /* 7.3.38 */
	AG_HCI_HOST_BUFFER_SIZE = 0x0c33,                /* 7.3.39 */
	AG_HCI_HOST_NUMBER_OF_COMPLETED = 0x0c35,        /* 7.3.40 */
	AG_HCI_READ_BUFFER_SIZE = 0x1005,                /* 7.4.5 */
	AG_HCI_READ_BD_ADDR = 0x1009,                    /* 7.4.6 */
	AG_HCI_LE_READ_BUFFER_SIZE = 0x2002,             /* 7.8.2 */
	AG_HCI_LE_ADD_DEVICE_TO_RESOLVING_LIST = 0x2027, /* 7.8.38 */
	AG_HCI_LE_READ_BUFFER_SIZE_V2 = 0x2060,          /* 7.8.2 */
};

enum ag_hci_event {
	AG_EVT_CONNECTION_COMPLETE = 0x03,    /* 7.7.3 */
	AG_EVT_DISCONNECTION_COMPLETE = 0x05, /* 7.7.5 */
	AG_EVT_ENCRYPTION_CHANGE = 0x08,      /* 7.7.8 */
	AG_EVT_COMMAND_COMPLETE = 0x0e,       /* 7.7.14 */
	AG_EVT_COMMAND_STATUS = 0x0f,         /* 7.7.15 */
	AG_EVT_ROLE_CHANGE = 0x12,            /* 7.7.18 */
	AG_EVT_NUMBER_OF_COMPLETED = 0x13,    /* 7.7.19 */
	AG_EVT_LE_META = 0x3e,                /* 7.7.65 */
	AG_EVT_ENCRYPTION_CHANGE_V2 = 0x59,   /* 7.7.8 */
};

enum ag_hci_le_subevent {
	AG_LE_CONNECTION_COMPLETE = 0x01,             /* 7.7.65.1 */
	AG_LE_ENHANCED_CONNECTION_COMPLETE = 0x0a,    /* 7.7.65.10 */
	AG_LE_ENHANCED_CONNECTION_COMPLETE_V2 = 0x29, /* 7.7.65.10 */
};

enum {
	AG_HCI_HANDLE_MAX = 0x0eff,
	AG_HCI_ACL_LINK = 0x01,               /* Link_Type of Connection Complete */
	AG_HCI_REMOTE_USER_TERMINATED = 0x13, /* Vol 1 Part F, 2.19 */
};

/** Packet_Boundary_Flag (5.4.2). Every value but AG_PB_CONTINUING starts a PDU. */
enum ag_acl_pb {
	AG_PB_FIRST_NON_FLUSHABLE = 0,
	AG_PB_CONTINUING = 1,
	AG_PB_FIRST_FLUSHABLE = 2,
	AG_PB_COMPLETE = 3,
};

/** Octets before the data field of an ACL packet: H4 type, handle with flags, length. */
#define AG_ACL_HEADER 5

struct ag_acl {
	uint16_t handle;
	enum ag_acl_pb pb;
	uint8_t bc; /* Broadcast_Flag */
	const uint8_t *data;
	size_t len;      /* octets that are there */
	bool consistent; /* the length field says the same */
};

/**
 * Take apart an ACL packet, H4 type octet included (5.4.2).
 *
 * @return: false when it is shorter than its header; *out is untouched then
 */
bool ag_acl_parse(const uint8_t *packet, size_t len, struct ag_acl *out);

/** Write an ACL packet's header, H4 type octet first, AG_ACL_HEADER octets. */
void ag_acl_put_header(uint8_t *out, uint16_t handle, enum ag_acl_pb pb, uint16_t data_len);

#endif
