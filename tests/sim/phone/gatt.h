/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_GATT_H
#define AG_PHONE_GATT_H

/* Numbers that only a server needs; those of the protocol itself are in proxy/wire. */

/* Error codes (Vol 3 Part F, 3.4.1.1) beside those of proxy/wire/att.h. */
enum {
	ATT_ERR_INVALID_PDU = 0x04,
	ATT_ERR_INSUFFICIENT_AUTHENTICATION = 0x05,
	ATT_ERR_INVALID_VALUE_LENGTH = 0x0d,
	ATT_ERR_INSUFFICIENT_ENCRYPTION = 0x0f,
	ATT_ERR_UNSUPPORTED_GROUP_TYPE = 0x10,
};

/* Assigned Numbers, 3.5, 3.7, 3.8. */
enum {
	UUID_PRIMARY_SERVICE = 0x2800,
	UUID_CHARACTERISTIC = 0x2803,
	UUID_EXTENDED_PROPERTIES = 0x2900,
	UUID_CLIENT_CONFIGURATION = 0x2902,
	UUID_DEVICE_NAME = 0x2a00,
	UUID_SERVICE_CHANGED = 0x2a05,
	UUID_SERVER_FEATURES = 0x2b3a,
};

/* Characteristic properties (Vol 3 Part G, 3.3.1.1). */
enum {
	PROP_READ = 0x02,
	PROP_WRITE_COMMAND = 0x04,
	PROP_WRITE = 0x08,
	PROP_NOTIFY = 0x10,
	PROP_INDICATE = 0x20,
	PROP_EXTENDED = 0x80,
};

#endif
