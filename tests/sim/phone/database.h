/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_DATABASE_H
#define AG_PHONE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A UUID as it stands in a PDU: 2 or 16 octets, least significant first. */
struct phone_uuid {
	uint8_t len;
	uint8_t octets[16];
};

/* What the link must be. None of our links is authenticated: Just Works is not (Vol 3 Part
 * H, 2.3.1). */
enum phone_protection { PHONE_OPEN, PHONE_ENCRYPTED, PHONE_AUTHENTICATED };

struct phone_attribute {
	struct phone_uuid type;
	uint8_t value[64];
	uint8_t len;
	uint16_t group_end; /* of a service declaration: its last handle; else 0 */
	bool readable;
	bool writable;
	enum phone_protection protection;
};

/** The whole database; handle 1 is `attributes[0]`. Longer than any of the tables make it. */
#define PHONE_ATTRIBUTES 192
struct phone_database {
	struct phone_attribute attributes[PHONE_ATTRIBUTES];
	uint16_t count;
};

/**
 * The phone's database or the sensor's; built at the first call.
 *
 * @eatt: the phone's says that it has enhanced bearers (Vol 3 Part G, 7.4)
 */
struct phone_database *phone_database(bool sensor, bool eatt);

/** The attribute of a handle, or NULL. */
struct phone_attribute *phone_attribute(struct phone_database *database, uint16_t handle);

/** A UUID from 2 or 16 octets of a PDU. */
struct phone_uuid phone_uuid(const uint8_t *octets, size_t len);
bool phone_uuid_is(const struct phone_uuid *uuid, uint16_t number);

/** Whether both are the same number, in 16 bits or on the Bluetooth Base UUID. */
bool phone_uuid_equal(const struct phone_uuid *a, const struct phone_uuid *b);

#endif
