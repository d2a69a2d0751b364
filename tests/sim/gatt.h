/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_GATT_H
#define AG_SIM_GATT_H

/*
 * A GATT database and its server, made at random and answering as Vol 3 Part F, 3.4 says, in pages
 * of random length. Discovery of it is complete when every procedure was run to its end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/random.h"

enum { AG_SIM_GATT_MAX = 400, AG_SIM_GATT_VALUE = 19 };

/** One attribute. UUIDs are as on air, least significant octet first. */
struct ag_sim_gatt_attribute {
	uint16_t handle;
	uint8_t type[16];
	uint8_t type_len; /* 2 or 16 */
	uint8_t value[AG_SIM_GATT_VALUE];
	uint8_t len;
	uint16_t group_end;      /* of a service declaration; else 0 */
	uint16_t characteristic; /* handle of the declaration it belongs to, 0: none */
	uint16_t service;        /* likewise */
	bool guarded;            /* reading it takes authentication */
};

struct ag_sim_gatt {
	struct ag_sim_gatt_attribute list[AG_SIM_GATT_MAX]; /* ascending */
	size_t count;
};

/** Make a database: primary and secondary services, includes, characteristics with descriptors,
 *  UUIDs of both lengths, gaps between handles; the last service may go up to 0xffff. */
void ag_sim_gatt_random(struct ag_random *random, struct ag_sim_gatt *out);

/** The attribute of a handle, or NULL. */
const struct ag_sim_gatt_attribute *ag_sim_gatt_find(const struct ag_sim_gatt *gatt,
						     uint16_t handle);

/** Whether an attribute's type is this 16-bit UUID. */
bool ag_sim_gatt_is(const struct ag_sim_gatt_attribute *attribute, uint16_t uuid16);

/**
 * Answer a request for discovery or a Read.
 *
 * @random:   how many of the entries that fit a list has; NULL: all
 * @mtu:      octets that @response may have, 23 or more
 * @return:   length of the response; an Error Response for what is not there
 */
size_t ag_sim_gatt_answer(const struct ag_sim_gatt *gatt, struct ag_random *random,
			  const uint8_t *request, size_t len, uint8_t *response, size_t mtu);

#endif
