/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The store by itself. tests/e2e/attributes has what a whole attgate makes of it. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/pass.h"
#include "proxy/io/store.h"
#include "tests/sim/alloc.h"
#include "tests/sim/calls.h"

#define CONTROLLER UINT64_C(0x00aa01000001)
#define PEER       UINT64_C(0xc00000000000)

static char top[] = "/tmp/attgate-store-XXXXXX";
static struct ev_loop *loop;
static struct ag_attributes *map;

static void begin(void)
{
	cr_assert_not_null(mkdtemp(top));
	loop = ev_loop_new(EVFLAG_AUTO);
	cr_assert_not_null(loop);
	cr_assert_eq(ag_attributes_new(&map), 0);
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	cr_expect_eq(system(command), 0);
	ag_attributes_free(map);
	ev_loop_destroy(loop);
}

TestSuite(store, .init = begin, .fini = end, .timeout = 60);

static struct ag_store *open_store(const char *dir)
{
	struct ag_store_config config = { .dir = dir };
	struct ag_store *store;

	cr_assert_eq(ag_store_new(&config, loop, &store), 0);
	return store;
}

static void controller(struct ag_store *store, uint64_t address)
{
	struct ag_keeper keeper = ag_store_keeper(store);

	keeper.controller(keeper.user, address);
}

/* A peer whose database has so many attributes. */
static void save(struct ag_store *store, uint64_t peer, uint16_t count)
{
	struct ag_keeper keeper = ag_store_keeper(store);
	struct ag_link_view view = { .peer = peer, .peer_type = AG_PEER_RANDOM_STATIC };

	ag_attributes_clear(map);
	for (uint16_t i = 1; i <= count; i++) {
		struct ag_attribute attribute = {
			.handle = i,
			.kind = AG_ATTRIBUTE_OTHER,
			.uuid = ag_uuid_from_u16(0x2902),
		};

		cr_assert_eq(ag_attributes_put(map, &attribute), 0);
	}
	keeper.save(keeper.user, &view, map);
}

/* Number of attributes that are loaded. */
static size_t load(struct ag_store *store, uint64_t peer)
{
	struct ag_keeper keeper = ag_store_keeper(store);
	struct ag_link_view view = { .peer = peer, .peer_type = AG_PEER_RANDOM_STATIC };

	ag_attributes_clear(map);
	keeper.load(keeper.user, &view, map);
	return ag_attributes_count(map);
}

static size_t count_peers(const struct ag_store *store)
{
	struct ag_store_peer peer;
	size_t count = 0;

	while (ag_store_peer_at(store, count, &peer))
		count++;
	return count;
}

/* That of CONTROLLER. */
static const char controller_dir[] = "00:AA:01:00:00:01";

static void make_controller_dir(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, controller_dir);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void path_of(uint64_t peer, char out[128])
{
	snprintf(out, 128, "%s/%s/C0:00:00:00:00:%02X", top, controller_dir,
		 (unsigned int)(peer & 0xff));
}

/* The disk has its own time. */
static void wait_for(uint64_t peer, bool there)
{
	char path[128];

	path_of(peer, path);
	while ((access(path, F_OK) == 0) != there)
		usleep(1000);
}

Test(store, nobody_is_known)
{
	struct ag_attributes *known = NULL;
	struct ag_store *store = open_store(NULL);

	cr_expect_eq(load(store, PEER), 0);
	cr_expect_eq(ag_store_attributes(store, PEER, &known), 1);
	cr_expect_null(known);
	cr_expect_eq(count_peers(store), 0);
	cr_expect_eq(count_peers(NULL), 0);
	ag_store_free(store);
	ag_store_free(NULL);
}

Test(store, in_memory)
{
	struct ag_store *store = open_store(NULL);
	struct ag_attributes *known = NULL;
	struct ag_store_peer peer;

	controller(store, CONTROLLER);
	save(store, PEER, 3);
	save(store, PEER + 1, 5);
	cr_expect_eq(load(store, PEER), 3);
	cr_expect_eq(load(store, PEER + 1), 5);
	cr_expect_eq(load(store, PEER + 2), 0);
	cr_assert_eq(ag_store_attributes(store, PEER + 1, &known), 0);
	cr_expect_eq(ag_attributes_count(known), 5);
	ag_attributes_free(known);
	cr_assert(ag_store_peer_at(store, 0, &peer));
	cr_expect_eq(peer.address, PEER);
	cr_expect_eq(peer.type, AG_PEER_RANDOM_STATIC);
	cr_expect_eq(peer.attributes, 3);
	/* the same once more, and then a database in which nothing is left */
	save(store, PEER, 4);
	cr_expect_eq(load(store, PEER), 4);
	cr_expect_eq(count_peers(store), 2);
	save(store, PEER, 0);
	cr_expect_eq(count_peers(store), 1);
	ag_store_free(store);
}

/* What is learned by one controller is not what another one's peers are. */
Test(store, controllers_are_kept_apart)
{
	struct ag_store *store = open_store(top);
	struct ag_identity identity = { .address = 1, .irk = { 1 } };

	controller(store, CONTROLLER);
	save(store, PEER, 3);
	cr_assert(ag_identities_put(ag_store_identities(store), &identity));
	/* the next session has the same */
	controller(store, CONTROLLER);
	cr_expect_eq(load(store, PEER), 3);
	cr_expect_eq(ag_store_identities(store)->count, 1);
	wait_for(PEER, true);
	controller(store, CONTROLLER + 1);
	cr_expect_eq(load(store, PEER), 0);
	cr_expect_eq(ag_store_identities(store)->count, 0);
	controller(store, CONTROLLER);
	cr_expect_eq(load(store, PEER), 3);
	ag_store_free(store);
}

Test(store, a_database_in_which_nothing_is_left)
{
	struct ag_store *store = open_store(top);

	controller(store, CONTROLLER);
	save(store, PEER, 3);
	wait_for(PEER, true);
	save(store, PEER, 0);
	wait_for(PEER, false);
	ag_store_free(store);
}

static void put_file(uint64_t peer, time_t time)
{
	struct timespec times[2] = { { .tv_sec = time }, { .tv_sec = time } };
	char path[128];
	FILE *file;

	path_of(peer, path);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	fprintf(file, "attgate attributes 1\npeer %s random_static\nend 0\n",
		strrchr(path, '/') + 1);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* However many files there are, those of the peers that were there last are taken. */
Test(store, too_many_files)
{
	struct ag_store *store;
	char path[128];

	make_controller_dir();
	for (unsigned int i = 0; i < AG_STORE_PEERS + 6; i++)
		put_file(PEER + i, i % 2 ? 1000 + i : 2000 - i);
	store = open_store(top);
	controller(store, CONTROLLER);
	cr_expect_eq(count_peers(store), AG_STORE_PEERS);
	/* the oldest are those with the small odd numbers */
	for (unsigned int i = 1; i < 12; i += 2)
		wait_for(PEER + i, false);
	for (unsigned int i = 0; i < AG_STORE_PEERS + 6; i++) {
		path_of(PEER + i, path);
		cr_expect_eq(access(path, F_OK) == 0, i % 2 == 0 || i >= 12, "%s", path);
	}
	ag_store_free(store);
}

/* Characteristics, as many as a map holds, whose lines are the longest that there are. */
static void fill_map(uint16_t first)
{
	for (size_t i = 0; i < AG_ATTRIBUTES_MAX; i++) {
		struct ag_attribute attribute = {
			.handle = (uint16_t)(first + 2 * i),
			.kind = AG_ATTRIBUTE_CHARACTERISTIC,
			.uuid = { .hi = UINT64_C(0x7905f431b5ce4e99), .lo = i },
			.value = (uint16_t)(first + 2 * i + 1),
		};

		cr_assert_eq(ag_attributes_put(map, &attribute), 0);
	}
}

/* A peer whose large database has changed into another is known after a restart too. */
Test(store, the_largest_file)
{
	struct ag_link_view view = { .peer = PEER, .peer_type = AG_PEER_RANDOM_STATIC };
	struct ag_store *store = open_store(top);
	struct ag_keeper keeper = ag_store_keeper(store);

	controller(store, CONTROLLER);
	fill_map(0x1000);
	ag_attributes_doubt(map, 0, 0xffff);
	fill_map(0x3000);
	keeper.save(keeper.user, &view, map);
	ag_store_free(store);
	store = open_store(top);
	controller(store, CONTROLLER);
	cr_expect_eq(load(store, PEER), AG_ATTRIBUTES_MAX);
	cr_expect_eq(ag_attributes_doubted(map), AG_ATTRIBUTES_MAX);
	ag_store_free(store);
}

/* The peers of the directory, in the order in which whoever reads it finds them. */
static size_t order_of_files(uint64_t *peers)
{
	char path[128];
	const struct dirent *found;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", top, controller_dir);
	dir = opendir(path);
	cr_assert_not_null(dir);
	while ((found = readdir(dir))) {
		if (strlen(found->d_name) == strlen(controller_dir))
			peers[count++] = PEER + strtoul(found->d_name + 15, NULL, 16);
	}
	closedir(dir);
	return count;
}

static void expect_newest(bool newest_first)
{
	enum { TOO_MANY = 6, FILES = AG_STORE_PEERS + TOO_MANY };
	uint64_t peers[FILES];
	struct ag_store *store;
	char path[128];

	for (unsigned int i = 0; i < FILES; i++)
		put_file(PEER + i, 1000);
	cr_assert_eq(order_of_files(peers), FILES);
	for (unsigned int i = 0; i < FILES; i++)
		put_file(peers[i], 1000 + (newest_first ? FILES - i : i));
	store = open_store(top);
	controller(store, CONTROLLER);
	cr_expect_eq(count_peers(store), AG_STORE_PEERS);
	for (unsigned int i = 0; i < TOO_MANY; i++)
		wait_for(peers[newest_first ? AG_STORE_PEERS + i : i], false);
	ag_store_free(store);
	for (unsigned int i = 0; i < FILES; i++) {
		bool newest = newest_first ? i < AG_STORE_PEERS : i >= TOO_MANY;

		path_of(peers[i], path);
		cr_expect_eq(access(path, F_OK) == 0, newest, "%s", path);
	}
}

Test(store, the_newest_of_too_many_files)
{
	make_controller_dir();
	expect_newest(false);
	expect_newest(true);
}

/* The files are of a time that is still to come, as after the clock was set back: who comes now was
 * there last all the same. */
Test(store, the_clock_was_set_back)
{
	const time_t later = time(NULL) + 1000000;
	struct ag_store *store;

	make_controller_dir();
	for (unsigned int i = 0; i < AG_STORE_PEERS; i++)
		put_file(PEER + i, later + i);
	store = open_store(top);
	controller(store, CONTROLLER);
	cr_expect_eq(load(store, PEER), 0, "it has no attributes but a hash");
	for (unsigned int i = 0; i < 3; i++)
		save(store, PEER + AG_STORE_PEERS + i, 5);
	cr_expect_eq(count_peers(store), AG_STORE_PEERS);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(load(store, PEER + AG_STORE_PEERS + i), 5, "the new one %u", i);
	wait_for(PEER, true);
	wait_for(PEER + 1, false);
	wait_for(PEER + 3, false);
	wait_for(PEER + 4, true);
	ag_store_free(store);
}

/* Entries that are no files of ours: said, set aside where that can be, and not used. */
Test(store, what_is_no_file_of_a_peer)
{
	struct ag_store *store;
	char path[128], aside[160], text[4096] = "";
	FILE *file;
	int log;

	make_controller_dir();
	path_of(PEER, path);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	path_of(PEER + 1, path);
	cr_assert_eq(mkdir(path, 0700), 0);
	path_of(PEER + 2, path);
	file = fopen(path, "we");
	cr_assert_not_null(file);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(truncate(path, 1 << 20), 0);
	/* what stands where it would be set aside */
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	cr_assert_eq(mkdir(aside, 0700), 0);
	snprintf(path, sizeof(path), "%s/log", top);
	log = open(path, O_CREAT | O_RDWR, 0600);
	cr_assert_geq(dup2(log, STDERR_FILENO), 0);
	store = open_store(top);
	controller(store, CONTROLLER);
	cr_expect_eq(count_peers(store), 0);
	ag_store_free(store);
	cr_assert_gt(pread(log, text, sizeof(text) - 1, 0), 0);
	cr_expect(strstr(text, "C0:00:00:00:00:00 cannot be read: Too many levels"), "%s", text);
	cr_expect(strstr(text, "C0:00:00:00:00:01 is damaged: it is C0:00:00:00:00:01.damaged now"),
		  "%s", text);
	cr_expect(strstr(text, "C0:00:00:00:00:02 is damaged, and is not used"), "%s", text);
}

static unsigned int interrupted;

static ssize_t fail_to_read(int fd, void *out, size_t len)
{
	(void)fd;
	(void)out;
	(void)len;
	errno = interrupted > 0 ? EINTR : EIO;
	if (interrupted > 0 && --interrupted == 0)
		ag_sim_calls.read = NULL;
	return -1;
}

/* It stays where it is, and is read the next time. */
Test(store, a_disk_that_cannot_be_read)
{
	struct ag_store *store;
	char path[128];

	make_controller_dir();
	put_file(PEER, 1000);
	store = open_store(top);
	ag_sim_calls.read = fail_to_read;
	controller(store, CONTROLLER);
	cr_expect_eq(count_peers(store), 0);
	ag_store_free(store);
	store = open_store(top);
	interrupted = 2;
	controller(store, CONTROLLER);
	cr_expect_eq(count_peers(store), 1);
	ag_store_free(store);
	path_of(PEER, path);
	cr_expect_eq(access(path, F_OK), 0);
}

/* Identities that could not be read are not lost for one that is learned later. */
Test(store, identities_that_cannot_be_read)
{
	struct ag_store_config config = { .dir = top, .keep_identities = true };
	struct ag_identity identity = { .address = 1, .irk = { 1 } };
	struct ag_store *store;

	for (int round = 0; round < 3; round++) {
		cr_assert_eq(ag_store_new(&config, loop, &store), 0);
		ag_sim_calls.read = round == 1 ? fail_to_read : NULL;
		controller(store, CONTROLLER);
		ag_sim_calls.read = NULL;
		identity.address = (uint64_t)round + 1;
		cr_assert(ag_identities_put(ag_store_identities(store), &identity));
		if (round == 2)
			cr_expect_eq(ag_store_identities(store)->list[0].address, 1);
		ag_store_free(store);
	}
}

/* Whichever allocation fails, nothing worse happens than that something is not known. */
Test(store, without_memory)
{
	int failed = 1;

	for (uint64_t k = 0; failed; k++) {
		struct ag_store_config config = { .dir = top, .keep_identities = true };
		struct ag_attributes *known = NULL;
		struct ag_store *store = NULL;
		int r;

		ag_sim_alloc_fail_after(k);
		if (ag_store_new(&config, loop, &store) == 0) {
			controller(store, CONTROLLER);
			ag_store_identities(store)->changes++;
			save(store, PEER, 3);
			load(store, PEER);
			r = ag_store_attributes(store, PEER, &known);
			cr_expect(r == 0 || r == 1 || r == -ENOMEM, "%d", r);
			ag_attributes_free(known);
			ag_store_free(store);
		}
		failed = ag_sim_alloc_fail_end();
	}
}

/* What is on disk is not known then, and stays. */
Test(store, reading_without_memory)
{
	int failed = 1;

	make_controller_dir();
	put_file(PEER, 1000);
	for (uint64_t k = 0; failed; k++) {
		struct ag_store *store = open_store(top);

		ag_sim_alloc_fail_after(k);
		controller(store, CONTROLLER);
		failed = ag_sim_alloc_fail_end();
		cr_expect_eq(count_peers(store), failed ? 0 : 1, "allocation %d", (int)k);
		ag_store_free(store);
		wait_for(PEER, true);
	}
}

/* Whether something is to be done later; ev_run() says so. */
static bool is_wound(void)
{
	return ev_run(loop, EVRUN_NOWAIT);
}

/* One of ATT passes, one of SMP is decided on. */
static void touch(struct ag_store *store, bool is_att, uint8_t opcode)
{
	struct ag_passed passed = { .pdu = &opcode, .len = 1 };
	struct ag_decision decision = { .pdu = &opcode, .len = 1 };

	if (is_att)
		ag_store_pass(store, &passed);
	else
		ag_store_tap(store, &decision);
}

Test(store, looks_only_where_something_can_be_new)
{
	static const struct ag_identity identity = { .irk = { 1 },
						     .address = PEER,
						     .type = AG_PEER_RANDOM_STATIC };
	static const uint8_t teach_nothing[] = { 0x1b, 0x52, 0xd2, 0x0a, 0x12, 0x1e };
	static const uint8_t teach[] = { 0x01, 0x0b, 0x11, 0x1d };
	struct ag_store_config config = { .keep_identities = true };
	struct ag_store *store;

	for (size_t i = 0; i < sizeof(teach); i++) {
		store = open_store(top);
		for (size_t j = 0; j < sizeof(teach_nothing); j++)
			touch(store, true, teach_nothing[j]);
		cr_expect(!is_wound());
		touch(store, true, teach[i]);
		cr_expect(is_wound(), "0x%02x", teach[i]);
		ag_store_free(store);
	}
	cr_assert_eq(ag_store_new(&config, loop, &store), 0);
	touch(store, true, 0x1b);
	cr_expect(!is_wound());
	cr_assert(ag_identities_put(ag_store_identities(store), &identity));
	touch(store, true, 0x1b);
	cr_expect(is_wound());
	ag_store_free(store);
	store = open_store(top);
	touch(store, false, 0x08);
	cr_expect(is_wound());
	ag_store_free(store);
}
