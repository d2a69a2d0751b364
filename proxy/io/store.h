/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_STORE_H
#define AG_IO_STORE_H

/*
 * What is known of peers, from one link to the next in memory, and from one run to the next in
 * files: DIR/CONTROLLER/PEER, both BD_ADDRs, in the form of proxy/engine/kept.h, and if that is
 * wanted DIR/CONTROLLER/identities.
 *
 * All files of a controller are read when its address is known. From then on memory is the truth
 * and the files follow it, so a disk that fails costs nothing but what a restart forgets.
 */

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/engine.h"
#include "proxy/engine/identity.h"

/** Where it is by default; systemd makes it (StateDirectory=attgate). */
#define AG_STATE_DIR "/var/lib/attgate"
/** Peers that are known; of more, the one that was away for longest goes. */
#define AG_STORE_PEERS 64
/** How long after a change it is written. */
#define AG_STORE_DELAY_S 1.

struct ag_store;

struct ag_store_config {
	const char *dir;      /* borrowed; NULL: in memory only */
	bool keep_identities; /* write keys of peers (IRKs) to disk */
};

/**
 * @out:    freed with ag_store_free(); untouched on failure
 * @return: 0 or negative
 */
int ag_store_new(const struct ag_store_config *config, struct ev_loop *loop, struct ag_store **out);

/** Write what is not written yet, for two seconds at the most; NULL is allowed. */
void ag_store_free(struct ag_store *store);

/** For the configuration of an engine. */
struct ag_keeper ag_store_keeper(struct ag_store *store);
struct ag_identities *ag_store_identities(struct ag_store *store);

/** The engine that is asked for what is new, or NULL: there is none any more. */
void ag_store_watch(struct ag_store *store, struct ag_engine *engine);

/** The tap that looks in a while whether anything is new, if the PDU can teach anything; `user` is
 * a struct ag_store. */
void ag_store_tap(void *user, const struct ag_decision *decision);

/** Likewise of what passed. */
void ag_store_pass(void *user, const struct ag_passed *passed);

/** A peer that is known, whether or not it is there at the moment. */
struct ag_store_peer {
	uint64_t address; /* BD_ADDR as in union ag_value */
	enum ag_peer_type type;
	uint64_t met_us; /* since 1970: when it was there last */
	size_t attributes;
};

/** @return: whether there is a peer at @index; 0, 1, 2 … until false are all. No store has none */
bool ag_store_peer_at(const struct ag_store *store, size_t index, struct ag_store_peer *out);

/**
 * What is known of a peer's database.
 *
 * @address: BD_ADDR
 * @out:     untouched unless 0; for ag_attributes_free()
 * @return:  0, 1 (nothing), or -ENOMEM
 */
int ag_store_attributes(const struct ag_store *store, uint64_t address, struct ag_attributes **out);

#endif
