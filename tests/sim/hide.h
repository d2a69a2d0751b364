/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_HIDE_H
#define AG_SIM_HIDE_H

/*
 * A GATT database at random, rules that hide parts of it, a server that is asked for nothing that
 * is hidden, and a client that goes through all there is as bluetoothd does, and further, and has
 * to find what is visible and nothing else. What is hidden they know from an opinion of their own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/gatt.h"
#include "tests/sim/random.h"
#include "tests/sim/report.h"

enum { AG_SIM_HIDE_MAX = 420, AG_SIM_HIDE_PDU = 256, AG_SIM_HIDE_RULES = 4 };

/** A UUID as it goes over the air: 2 or 16 octets, least significant first. */
struct ag_sim_uuid {
	uint8_t len;
	uint8_t octets[16];
};

struct ag_sim_attribute {
	uint16_t handle;
	struct ag_sim_uuid type;
	uint8_t value[20];
	uint8_t len;
	uint16_t end;             /* of a service declaration: its last handle */
	int service;              /* index of the declaration it lies in */
	int characteristic;       /* index of the declaration it belongs to, or -1 */
	int included;             /* of an include: index of the service, or -1 */
	struct ag_sim_uuid about; /* of a service or characteristic declaration: what it declares */
	bool guarded;             /* reading it takes authentication */
	bool hidden;
};

struct ag_sim_database {
	size_t count;
	struct ag_sim_attribute list[AG_SIM_HIDE_MAX];
	struct ag_sim_gatt gatt; /* the same, as a server has it */
};

void ag_sim_database_new(struct ag_random *random, struct ag_sim_database *database);

/** The attribute at a handle, or NULL. */
struct ag_sim_attribute *ag_sim_database_find(struct ag_sim_database *database, uint16_t handle);

bool ag_sim_uuid_equal(const struct ag_sim_uuid *a, const struct ag_sim_uuid *b);
struct ag_sim_uuid ag_sim_uuid16(uint16_t number);

/* ---- Rules ---- */

/**
 * Rules at random that hide some of a database, and what they hide marked in it.
 *
 * @whose: "host" or "peer"
 */
void ag_sim_hide_rules(struct ag_random *random, struct ag_sim_database *database,
		       const char *whose, char text[4096]);

/* ---- Server ---- */

struct ag_sim_server {
	struct ag_sim_database *database;
	struct ag_random *random;
	struct ag_sim_report *report;
	uint16_t mtu;
	bool indicated; /* waits for a confirmation */
	unsigned int asked;
};

/** Answer a request, or take a command or confirmation. @return: octets in `out`, or 0 */
size_t ag_sim_server_take(struct ag_sim_server *server, const uint8_t *pdu, size_t len,
			  uint8_t out[AG_SIM_HIDE_PDU]);

enum { AG_SIM_TELLING_MAX = 20 };

/** What has to arrive of a notification or indication. */
struct ag_sim_telling {
	size_t len; /* 0: nothing */
	uint8_t pdu[AG_SIM_TELLING_MAX];
};

/** A notification or indication of any value, or a notification of several. @return: octets, or 0
 *  for none now */
size_t ag_sim_server_tell(struct ag_sim_server *server, uint8_t out[AG_SIM_HIDE_PDU],
			  struct ag_sim_telling *arrives);

/* ---- Client ---- */

enum { AG_SIM_TASKS = 400 };

struct ag_sim_task {
	uint8_t opcode; /* of the request */
	uint16_t start, end;
	struct ag_sim_uuid type, value; /* Find By Type Value: a service's UUID */
};

struct ag_sim_client {
	struct ag_sim_database *database;
	struct ag_random *random;
	struct ag_sim_report *report;
	uint16_t mtu;
	bool exchanges_mtu;
	struct ag_sim_task task[AG_SIM_TASKS];
	size_t tasks, at;
	uint16_t next; /* where the list of the task at hand goes on; 0: it begins */
	bool asked;
	uint8_t request[AG_SIM_HIDE_PDU];
	size_t request_len;
	unsigned int requests;
};

/** Plan what to ask. @mtu: to be exchanged first; 0: the bearer has one */
void ag_sim_client_plan(struct ag_sim_client *client, uint16_t mtu);

/** The next request or command. @return: octets, or 0 when all is done or one is open */
size_t ag_sim_client_ask(struct ag_sim_client *client, uint8_t out[AG_SIM_HIDE_PDU]);

/** The answer to it. */
void ag_sim_client_take(struct ag_sim_client *client, const uint8_t *pdu, size_t len);

#endif
