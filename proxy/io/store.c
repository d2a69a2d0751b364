/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/kept.h"
#include "proxy/engine/pass.h"
#include "proxy/engine/words.h"
#include "proxy/io/disk.h"
#include "proxy/io/fd.h"
#include "proxy/io/log.h"
#include "proxy/io/rulebook.h"
#include "proxy/wire/att.h"

#define ADDRESS_LEN 17

static const char identities_name[] = "identities";
static const char fresh_suffix[] = ".new";

struct entry {
	struct ag_store_peer peer;
	/* when it was there last, counted in this run; 0: before. The clock on the wall, by which
	 * files are told apart, is set back now and then, as on a board that keeps no time. */
	uint64_t turn;
	char *text; /* NULL: the entry is free */
};

struct ag_store {
	struct ag_store_config config;
	struct ev_loop *loop;
	struct ev_timer later;
	struct ag_engine *engine;
	struct ag_disk *disk; /* NULL: in memory only */
	char *dir;            /* of the controller; NULL: not known yet, or in memory only */
	bool has_controller;
	uint64_t controller; /* its BD_ADDR */
	struct ag_identities identities;
	uint64_t identities_saved; /* identities.changes that are on disk */
	bool identities_unread;    /* what is on disk is not known here, and stays */
	struct entry entry[AG_STORE_PEERS];
	uint64_t turns;
};

/* ---- Names ---- */

/* @return: for free(), or NULL */
static char *path_of(const struct ag_store *store, const char *name, const char *suffix)
{
	char *path = NULL;

	if (!store->dir || asprintf(&path, "%s/%s%s", store->dir, name, suffix) < 0)
		return NULL;
	return path;
}

static char *path_of_peer(const struct ag_store *store, uint64_t address)
{
	char name[ADDRESS_LEN + 1];

	ag_words_bdaddr(address, name);
	return path_of(store, name, "");
}

/* ---- Peers in memory ---- */

static struct entry *find(struct ag_store *store, uint64_t address)
{
	for (size_t i = 0; i < AG_STORE_PEERS; i++) {
		if (store->entry[i].text && store->entry[i].peer.address == address)
			return &store->entry[i];
	}
	return NULL;
}

static void forget(struct entry *entry)
{
	free(entry->text);
	*entry = (struct entry){ .text = NULL };
}

static void remove_file(struct ag_store *store, uint64_t address)
{
	ag_autofree char *path = path_of_peer(store, address);

	if (path)
		ag_disk_remove(store->disk, path);
}

static bool is_away_for_longer(const struct entry *entry, const struct entry *than)
{
	return entry->turn == than->turn ? entry->peer.met_us < than->peer.met_us
					 : entry->turn < than->turn;
}

/* A free entry, or that of the peer that was away for longest. */
static struct entry *find_room(struct ag_store *store)
{
	struct entry *oldest = &store->entry[0];

	for (size_t i = 0; i < AG_STORE_PEERS; i++) {
		struct entry *entry = &store->entry[i];

		if (!entry->text)
			return entry;
		if (is_away_for_longer(entry, oldest))
			oldest = entry;
	}
	return oldest;
}

/* The peer of an entry is not to be known any more, if there is one. */
static void clear(struct ag_store *store, struct entry *entry)
{
	if (entry->text)
		remove_file(store, entry->peer.address);
	forget(entry);
}

/* ---- The keeper ---- */

static void load(void *user, const struct ag_link_view *link, struct ag_attributes *map)
{
	struct ag_store *store = user;
	struct entry *entry = find(store, link->peer);
	ag_autofree char *path = NULL;
	struct ag_kept_peer peer;

	if (!entry)
		return;
	(void)ag_kept_read_attributes(entry->text, strlen(entry->text), &peer, map);
	entry->peer.met_us = ag_wall_us();
	entry->turn = ++store->turns;
	path = path_of_peer(store, link->peer);
	if (path)
		ag_disk_touch(store->disk, path);
}

static void write_file(struct ag_store *store, const struct entry *entry)
{
	ag_autofree char *path = path_of_peer(store, entry->peer.address);
	char *text = path ? strdup(entry->text) : NULL;

	if (text)
		ag_disk_write(store->disk, path, text);
}

static void forget_peer(struct ag_store *store, uint64_t address)
{
	struct entry *entry = find(store, address);

	if (entry)
		clear(store, entry);
}

/* The entry of a peer, emptied; its file stays until it is replaced. */
static struct entry *take_entry(struct ag_store *store, uint64_t address)
{
	struct entry *entry = find(store, address);

	if (entry) {
		forget(entry);
	} else {
		entry = find_room(store);
		clear(store, entry);
	}
	return entry;
}

static void save(void *user, const struct ag_link_view *link, const struct ag_attributes *map)
{
	struct ag_store *store = user;
	struct ag_kept_peer peer = { .address = link->peer, .type = link->peer_type };
	size_t count = ag_attributes_count(map);
	struct entry *entry;
	char *text;

	if (count == 0 && ag_attributes_doubted(map) == 0) {
		forget_peer(store, link->peer);
		return;
	}
	text = ag_kept_attributes(&peer, map);
	if (!text)
		return;
	entry = take_entry(store, link->peer);
	entry->text = text;
	entry->peer = (struct ag_store_peer){
		.address = peer.address,
		.type = peer.type,
		.met_us = ag_wall_us(),
		.attributes = count,
	};
	entry->turn = ++store->turns;
	write_file(store, entry);
}

/* ---- Files that are there ---- */

static bool is_address(const char *name)
{
	for (size_t i = 0; i < ADDRESS_LEN; i++) {
		if (!name[i] || (i % 3 == 2) != (name[i] == ':'))
			return false;
	}
	return name[ADDRESS_LEN] == '\0';
}

static bool is_fresh(const char *name)
{
	size_t len = strlen(name);

	return len >= sizeof(fresh_suffix) &&
	       strcmp(name + len - (sizeof(fresh_suffix) - 1), fresh_suffix) == 0;
}

/* @out: for free(), terminated. @return: 0 or negative */
static int read_file(int dir, const char *name, char **out, size_t *len, uint64_t *time_us)
{
	ag_cleanup(ag_fd_cleanup) int fd = openat(dir, name,
						  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ag_autofree char *text = NULL;
	size_t have = 0;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > AG_KEPT_MAX)
		return -EFBIG;
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n != 0 && have < (size_t)st.st_size) {
		n = read(fd, text + have, (size_t)st.st_size - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
	}
	*time_us = (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
	*len = have;
	*out = ag_take(text);
	return 0;
}

static void set_aside(const struct ag_store *store, int dir, const char *name, int result)
{
	const char *why = result == AG_KEPT_NEWER ? "of a later version" : "damaged";
	char aside[64];

	snprintf(aside, sizeof(aside), "%.40s.damaged", name);
	if (renameat(dir, name, dir, aside) < 0)
		ag_log(AG_LOG_WARNING, "%s/%s is %s, and is not used", store->dir, name, why);
	else
		ag_log(AG_LOG_WARNING, "%s/%s is %s: it is %s now, and not used", store->dir, name,
		       why, aside);
}

/* Enter a peer if there is room, or one that was away for longer. */
static void enter(struct ag_store *store, const struct ag_store_peer *peer, char **text)
{
	struct entry *entry = find_room(store);

	if (entry->text && (entry->turn > 0 || entry->peer.met_us >= peer->met_us)) {
		remove_file(store, peer->address);
		return;
	}
	clear(store, entry);
	entry->peer = *peer;
	entry->text = ag_take(*text);
}

/* @return: 0, AG_KEPT_DAMAGED, AG_KEPT_NEWER, or negative: it cannot be read */
static int read_peer(struct ag_store *store, int dir, const char *name, struct ag_attributes *map)
{
	ag_autofree char *text = NULL;
	struct ag_kept_peer whose;
	struct ag_store_peer peer = { .address = 0 };
	char address[ADDRESS_LEN + 1];
	size_t len = 0;
	int r = read_file(dir, name, &text, &len, &peer.met_us);

	if (r == 0)
		r = ag_kept_read_attributes(text, len, &whose, map);
	if (r != 0)
		return r == -EFBIG ? AG_KEPT_DAMAGED : r;
	ag_words_bdaddr(whose.address, address);
	if (strcmp(address, name) != 0)
		return AG_KEPT_DAMAGED;
	peer.address = whose.address;
	peer.type = whose.type;
	peer.attributes = ag_attributes_count(map);
	enter(store, &peer, &text);
	return 0;
}

static int read_identities(struct ag_store *store, int dir)
{
	ag_autofree char *text = NULL;
	uint64_t time_us;
	size_t len = 0;
	int r = read_file(dir, identities_name, &text, &len, &time_us);

	if (r == 0)
		r = ag_kept_read_identities(text, len, &store->identities);
	store->identities_saved = store->identities.changes;
	if (r == -EFBIG)
		r = AG_KEPT_DAMAGED;
	store->identities_unread = r < 0;
	return r;
}

static void read_entry(struct ag_store *store, int dir, const char *name, struct ag_attributes *map)
{
	int r = 0;

	if (is_fresh(name))
		(void)unlinkat(dir, name, 0);
	else if (is_address(name))
		r = read_peer(store, dir, name, map);
	else if (strcmp(name, identities_name) == 0 && store->config.keep_identities)
		r = read_identities(store, dir);
	if (r > 0)
		set_aside(store, dir, name, r);
	else if (r < 0)
		ag_log(AG_LOG_WARNING, "%s/%s cannot be read: %s", store->dir, name, strerror(-r));
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void read_dir(struct ag_store *store)
{
	ag_cleanup(close_dir) DIR *dir = opendir(store->dir);
	ag_cleanup(ag_attributes_cleanup) struct ag_attributes *map = NULL;
	const struct dirent *found;

	store->identities_unread = !dir && errno != ENOENT;
	if (store->identities_unread)
		ag_log(AG_LOG_WARNING, "%s cannot be read: %s", store->dir, strerror(errno));
	if (!dir)
		return;
	if (ag_attributes_new(&map) < 0) {
		store->identities_unread = true;
		return;
	}
	while ((found = readdir(dir)))
		read_entry(store, dirfd(dir), found->d_name, map);
}

/* ---- The controller ---- */

static void save_identities(struct ag_store *store)
{
	ag_autofree char *path = path_of(store, identities_name, "");
	char *text;

	if (!path || !store->config.keep_identities || store->identities_unread ||
	    store->identities_saved == store->identities.changes)
		return;
	text = ag_kept_identities(&store->identities);
	if (!text)
		return;
	store->identities_saved = store->identities.changes;
	ag_disk_write(store->disk, path, text);
}

static void forget_all(struct ag_store *store)
{
	for (size_t i = 0; i < AG_STORE_PEERS; i++)
		forget(&store->entry[i]);
	store->identities.count = 0;
	store->identities_saved = store->identities.changes;
	free(store->dir);
	store->dir = NULL;
}

/* Its address is known: what there is of it belongs to it alone. */
static void on_controller(void *user, uint64_t address)
{
	struct ag_store *store = user;
	char name[ADDRESS_LEN + 1];

	if (store->has_controller && store->controller == address)
		return;
	save_identities(store);
	forget_all(store);
	store->has_controller = true;
	store->controller = address;
	ag_words_bdaddr(address, name);
	if (!store->disk || asprintf(&store->dir, "%s/%s", store->config.dir, name) < 0) {
		store->dir = NULL;
		return;
	}
	read_dir(store);
}

/* ---- Time ---- */

static void save_all(struct ag_store *store)
{
	if (store->engine)
		ag_engine_save(store->engine);
	save_identities(store);
}

static void on_later(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	save_all(timer->data);
}

/* Of what is said over ATT only answers and indications can tell of a database. Identities come by
 * SMP, and from the host. */
static bool can_teach(const struct ag_store *store, bool is_att, uint8_t opcode)
{
	enum ag_att_pdu_kind kind = ag_att_kind(opcode);

	return !is_att || kind == AG_ATT_RESPONSE || kind == AG_ATT_INDICATION ||
	       (store->config.keep_identities &&
		store->identities_saved != store->identities.changes);
}

static void touch(struct ag_store *store, bool is_att, uint8_t opcode)
{
	if (ev_is_active(&store->later) || !can_teach(store, is_att, opcode))
		return;
	ev_timer_set(&store->later, AG_STORE_DELAY_S, 0.);
	ev_timer_start(store->loop, &store->later);
}

void ag_store_tap(void *user, const struct ag_decision *decision)
{
	touch(user, decision->is_att, decision->pdu[0]);
}

void ag_store_pass(void *user, const struct ag_passed *passed)
{
	touch(user, true, passed->pdu[0]);
}

void ag_store_watch(struct ag_store *store, struct ag_engine *engine)
{
	save_all(store);
	store->engine = engine;
}

/* ---- The whole ---- */

int ag_store_new(const struct ag_store_config *config, struct ev_loop *loop, struct ag_store **out)
{
	static const struct ag_disk_config files = {
		.failing = "what is known of peers is kept in memory only",
		.well = "what is known of peers is kept on disk again",
		.mode = 0600,
		.durable = true,
		.make_directories = true,
		.patience_ms = 2000,
	};
	struct ag_store *store = calloc(1, sizeof(*store));
	int r = store ? 0 : -ENOMEM;

	if (r == 0 && config->dir)
		r = ag_disk_new(&files, &store->disk);
	if (r < 0) {
		free(store);
		return r;
	}
	store->config = *config;
	store->loop = loop;
	ev_timer_init(&store->later, on_later, AG_STORE_DELAY_S, 0.);
	ev_set_priority(&store->later, EV_MINPRI);
	store->later.data = store;
	*out = store;
	return 0;
}

void ag_store_free(struct ag_store *store)
{
	if (!store)
		return;
	save_all(store);
	ev_timer_stop(store->loop, &store->later);
	ag_disk_close(store->disk);
	forget_all(store);
	free(store);
}

struct ag_keeper ag_store_keeper(struct ag_store *store)
{
	return (struct ag_keeper){
		.controller = on_controller,
		.load = load,
		.save = save,
		.user = store,
	};
}

struct ag_identities *ag_store_identities(struct ag_store *store)
{
	return &store->identities;
}

/* ---- Looking ---- */

bool ag_store_peer_at(const struct ag_store *store, size_t index, struct ag_store_peer *out)
{
	for (size_t i = 0; store && i < AG_STORE_PEERS; i++) {
		if (!store->entry[i].text || index-- > 0)
			continue;
		*out = store->entry[i].peer;
		return true;
	}
	return false;
}

int ag_store_attributes(const struct ag_store *store, uint64_t address, struct ag_attributes **out)
{
	const struct entry *entry = find((struct ag_store *)store, address);
	ag_cleanup(ag_attributes_cleanup) struct ag_attributes *map = NULL;
	struct ag_kept_peer peer;
	int r;

	if (!entry)
		return 1;
	r = ag_attributes_new(&map);
	if (r == 0)
		r = ag_kept_read_attributes(entry->text, strlen(entry->text), &peer, map);
	if (r != 0)
		return -ENOMEM;
	*out = ag_take(map);
	return 0;
}
