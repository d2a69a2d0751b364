/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is kept of peers: written and read again it is the same, and what is no such text is known
 * as that. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/kept.h"
#include "tests/sim/alloc.h"

static const char whole[] = "attgate attributes 1\n"
			    "peer DC:08:0F:5B:8D:82 random_static\n"
			    "hash 000102030405060708090a0b0c0d0eff\n"
			    "0x0001 primary_service 0x0009 1800\n"
			    "0x0002 include 0x0020 0x0025 180f\n"
			    "0x0003 characteristic 0x0004 0x12 2a00\n"
			    "0x0005 attribute 2902\n"
			    "0x0006 attribute 12345678-9abc-def0-0123-456789abcdef\n"
			    "0x0020 secondary_service 0xffff 180f\n"
			    "end 6\n";

#define HEAD "attgate attributes 1\npeer DC:08:0F:5B:8D:82 public\n"

static struct ag_attributes *map;

static void begin(void)
{
	cr_assert(eq(int, ag_attributes_new(&map), 0));
}

static void end(void)
{
	ag_attributes_free(map);
}

TestSuite(kept, .init = begin, .fini = end);

static int read_text(const char *text, struct ag_kept_peer *peer)
{
	return ag_kept_read_attributes(text, strlen(text), peer, map);
}

Test(kept, attributes_are_written_and_read)
{
	struct ag_kept_peer peer = { .address = 0 };
	ag_autofree char *again = NULL;
	const struct ag_attribute *at;

	cr_assert(eq(int, read_text(whole, &peer), 0));
	cr_expect(eq(u64, peer.address, UINT64_C(0xdc080f5b8d82)));
	cr_expect(eq(int, (int)peer.type, AG_PEER_RANDOM_STATIC));
	cr_assert(eq(sz, ag_attributes_count(map), 6));
	at = ag_attributes_at(map, 1);
	cr_expect(eq(int, (int)at->kind, AG_ATTRIBUTE_INCLUDE));
	cr_expect(eq(u16, at->value, 0x20));
	cr_expect(eq(u16, at->end, 0x25));
	at = ag_attributes_at(map, 2);
	cr_expect(eq(int, (int)at->kind, AG_ATTRIBUTE_CHARACTERISTIC));
	cr_expect(eq(u16, at->value, 4));
	cr_expect(eq(u8, at->properties, 0x12));
	cr_expect(eq(u64, at->uuid.hi >> 32, 0x2a00));
	at = ag_attributes_at(map, 4);
	cr_expect(eq(u64, at->uuid.hi, UINT64_C(0x123456789abcdef0)));
	cr_expect(eq(u64, at->uuid.lo, UINT64_C(0x0123456789abcdef)));
	cr_expect(eq(u16, ag_attributes_at(map, 5)->end, 0xffff));
	cr_expect(eq(u8, ag_attributes_hash(map)[15], 0xff));
	again = ag_kept_attributes(&peer, map);
	cr_expect_str_eq(again, whole);
}

/* What was in doubt is in doubt again, and comes back when its service is listed as it was. */
Test(kept, doubts)
{
	struct ag_attribute service = {
		.handle = 1,
		.kind = AG_ATTRIBUTE_PRIMARY,
		.uuid = ag_uuid_from_u16(0x1800),
		.end = 9,
	};
	struct ag_kept_peer peer = { .address = 0 };
	ag_autofree char *text = NULL;

	cr_assert(eq(int, read_text(whole, &peer), 0));
	ag_attributes_doubt(map, 1, 9);
	text = ag_kept_attributes(&peer, map);
	cr_expect_not_null(strstr(text, "doubt 0x0001 primary_service 0x0009 1800\n"));
	cr_expect_not_null(strstr(text, "\n0x0020 secondary_service 0xffff 180f\nend 1\n"));
	cr_assert(eq(int, read_text(text, &peer), 0));
	cr_expect(eq(sz, ag_attributes_count(map), 1));
	cr_expect(eq(sz, ag_attributes_doubted(map), 5));
	ag_attributes_put(map, &service);
	cr_expect(eq(sz, ag_attributes_count(map), 6));
	cr_expect(eq(sz, ag_attributes_doubted(map), 0));
}

/* What is certain is written behind it. */
Test(kept, doubts_come_first)
{
	struct ag_kept_peer peer;

	cr_expect(
	    eq(int,
	       read_text(HEAD "doubt 0x0001 attribute 2902\n0x0002 attribute 2902\nend 1\n", &peer),
	       0));
	cr_expect(
	    eq(int,
	       read_text(HEAD "0x0002 attribute 2902\ndoubt 0x0001 attribute 2902\nend 1\n", &peer),
	       AG_KEPT_DAMAGED));
	cr_expect(eq(int, read_text(HEAD "doubt 0x0000 attribute 2902\nend 0\n", &peer),
		     AG_KEPT_DAMAGED));
	cr_expect(eq(int, read_text(HEAD "doubt 0x0001 attribute 2902\nend 1\n", &peer),
		     AG_KEPT_DAMAGED));
}

Test(kept, nothing_known)
{
	struct ag_kept_peer peer = { .address = UINT64_C(0x001122334455) };
	ag_autofree char *text = ag_kept_attributes(&peer, map);

	cr_expect_str_eq(text, "attgate attributes 1\npeer 00:11:22:33:44:55 public\nend 0\n");
	cr_expect(eq(int, read_text(text, &peer), 0));
	cr_expect_null(ag_attributes_hash(map));
}

/* What was in the map does not come through. */
Test(kept, reading_begins_anew)
{
	static const uint8_t hash[AG_DATABASE_HASH_LEN] = { 1 };
	struct ag_attribute other = { .handle = 0x99, .kind = AG_ATTRIBUTE_OTHER };
	struct ag_kept_peer peer;

	ag_attributes_put(map, &other);
	ag_attributes_set_hash(map, hash);
	cr_expect(eq(
	    int, read_text("attgate attributes 1\npeer 00:11:22:33:44:55 public\nend 0\n", &peer),
	    0));
	cr_expect(eq(sz, ag_attributes_count(map), 0));
	cr_expect_null(ag_attributes_hash(map));
}

/* Cut off anywhere, and with any octet lost or changed to one that means nothing there. */
Test(kept, damage_is_seen)
{
	struct ag_kept_peer peer = { .address = 1 };
	char text[sizeof(whole)];
	size_t len = sizeof(whole) - 1;

	for (size_t i = 0; i < len; i++) {
		cr_expect(eq(int, ag_kept_read_attributes(whole, i, &peer, map), AG_KEPT_DAMAGED),
			  "cut at %zu", i);
		cr_expect(eq(sz, ag_attributes_count(map), 0));
		memcpy(text, whole, i);
		memcpy(text + i, whole + i + 1, len - i - 1);
		cr_expect(
		    eq(int, ag_kept_read_attributes(text, len - 1, &peer, map), AG_KEPT_DAMAGED),
		    "without octet %zu", i);
		memcpy(text, whole, len);
		text[i] = '?';
		cr_expect(eq(int, ag_kept_read_attributes(text, len, &peer, map), AG_KEPT_DAMAGED),
			  "with a ? at %zu", i);
	}
	cr_expect(eq(u64, peer.address, 1));
}

static const char *const wrong[] = {
	"",
	"\n",
	"attgate rules 1\n",
	"attgate attributes 0\n",
	"attgate attributes 01\n" HEAD,
	"attgate attributes 1 \nend 0\n",
	"attgate attributes 1\nend 0\n",
	/* addresses that are none, or change */
	"attgate attributes 1\npeer dc:08:0f:5b:8d:82 public\nend 0\n",
	"attgate attributes 1\npeer DC:08:0F:5B:8D public\nend 0\n",
	"attgate attributes 1\npeer 7C:08:0F:5B:8D:82 resolvable\nend 0\n",
	/* twice the same, out of order with what contradicts it, of no kind, at no handle */
	HEAD "0x0001 attribute 2902\n0x0001 attribute 2902\nend 2\n",
	HEAD "0x0001 primary_service 0x0009 1800\n0x0004 primary_service 0x0009 1800\nend 2\n",
	HEAD "0x0001 something 2902\nend 1\n",
	HEAD "0x0000 attribute 2902\nend 1\n",
	HEAD "0x0005 primary_service 0x0004 1800\nend 1\n",
	HEAD "0x0001 attribute 290\nend 1\n",
	HEAD "0x0001 attribute 2902 \nend 1\n",
	HEAD "0x0001  attribute 2902\nend 1\n",
	HEAD "0x0001 attribute 290A\nend 1\n",
	HEAD "0x0001 characteristic 0x0002 0x102 2a00\nend 1\n",
	/* the end */
	HEAD "0x0001 attribute 2902\nend 2\n",
	HEAD "0x0001 attribute 2902\nend 1\n\n",
	HEAD "0x0001 attribute 2902\nend 9999999\n",
	HEAD "end\n",
	HEAD "hash 00\nend 0\n",
};

Test(kept, texts_that_are_none)
{
	struct ag_kept_peer peer;

	for (size_t i = 0; i < ag_array_size(wrong); i++)
		cr_expect(eq(int, read_text(wrong[i], &peer), AG_KEPT_DAMAGED), "%s", wrong[i]);
}

Test(kept, a_later_version)
{
	struct ag_identities identities = { .count = 0 };
	struct ag_kept_peer peer;

	cr_expect(eq(int, read_text("attgate attributes 2\nanything\n", &peer), AG_KEPT_NEWER));
	cr_expect(eq(int, ag_kept_read_identities("attgate identities 12\n", 22, &identities),
		     AG_KEPT_NEWER));
}

/* A text that lists more than a map takes is none that was written. */
Test(kept, too_many)
{
	static char text[64 + 32 * (AG_ATTRIBUTES_MAX + 1)];
	struct ag_kept_peer peer;

	for (unsigned int count = AG_ATTRIBUTES_MAX; count <= AG_ATTRIBUTES_MAX + 1; count++) {
		int len = snprintf(text, sizeof(text), "%s", HEAD);

		for (unsigned int i = 1; i <= count; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len,
					"0x%04x attribute 2902\n", i);
		snprintf(text + len, sizeof(text) - (size_t)len, "end %u\n", count);
		cr_expect(eq(int, read_text(text, &peer),
			     count > AG_ATTRIBUTES_MAX ? AG_KEPT_DAMAGED : 0));
	}
}

/* Every allocation fails once. */
Test(kept, no_memory_to_read)
{
	struct ag_identities identities = { .count = 7 };
	struct ag_kept_peer peer;
	int failed = 1;

	for (unsigned int k = 0; failed; k++) {
		int r;

		ag_sim_alloc_fail_after(k);
		r = read_text(whole, &peer);
		failed = ag_sim_alloc_fail_end();
		cr_expect(eq(int, r, failed ? -ENOMEM : 0), "allocation %u", k);
		cr_expect(eq(sz, ag_attributes_count(map), failed ? 0 : 6));
		ag_attributes_free(map);
		begin();
	}
	ag_sim_alloc_fail_after(0);
	cr_expect(eq(int, ag_kept_read_identities("attgate identities 1\nend 0\n", 27, &identities),
		     -ENOMEM));
	cr_expect(ag_sim_alloc_fail_end());
	cr_expect(eq(sz, identities.count, 7));
}

typedef char *text_fn(const struct ag_kept_peer *peer);

static char *write_attributes(const struct ag_kept_peer *peer)
{
	return ag_kept_attributes(peer, map);
}

static char *write_identities(const struct ag_kept_peer *peer)
{
	const struct ag_identities identities = { .count = 0 };

	(void)peer;
	return ag_kept_identities(&identities);
}

/* Neither when the text begins nor when it ends. */
Test(kept, no_memory_to_write)
{
	text_fn *const writers[] = { write_attributes, write_identities };
	const struct ag_kept_peer peer = { .address = 1 };

	for (size_t i = 0; i < ag_array_size(writers); i++) {
		unsigned int k = 0;

		for (int failed = 1; failed; k++) {
			char *text;

			ag_sim_alloc_fail_after(k);
			text = writers[i](&peer);
			failed = ag_sim_alloc_fail_end();
			cr_expect(eq(int, text == NULL, failed), "allocation %u", k);
			free(text);
		}
		cr_expect(eq(uint, k, 3));
	}
}

static const char known[] = "attgate identities 1\n"
			    "00:11:22:33:44:55 public ec0234a357c8ad05341010a60a397d9b\n"
			    "DC:08:0F:5B:8D:82 random_static 00000000000000000000000000000001\n"
			    "end 2\n";

Test(kept, identities_are_written_and_read)
{
	struct ag_identities identities = { .count = 0 };
	ag_autofree char *again = NULL;

	cr_assert(eq(int, ag_kept_read_identities(known, sizeof(known) - 1, &identities), 0));
	cr_assert(eq(sz, identities.count, 2));
	cr_expect(eq(u64, identities.list[0].address, UINT64_C(0x001122334455)));
	/* most significant octet first in the text, last in the table */
	cr_expect(eq(u8, identities.list[0].irk[0], 0x9b));
	cr_expect(eq(u8, identities.list[0].irk[15], 0xec));
	cr_expect(eq(int, (int)identities.list[1].type, AG_PEER_RANDOM_STATIC));
	cr_expect_not_null(ag_identities_resolve(&identities, UINT64_C(0x7081940dfbaa)));
	again = ag_kept_identities(&identities);
	/* who was met last is the last */
	cr_expect_str_eq(again, "attgate identities 1\n"
				"DC:08:0F:5B:8D:82 random_static 00000000000000000000000000000001\n"
				"00:11:22:33:44:55 public ec0234a357c8ad05341010a60a397d9b\n"
				"end 2\n");
}

Test(kept, damaged_identities)
{
	struct ag_identities identities = { .count = 0 };
	char text[sizeof(known)];
	size_t len = sizeof(known) - 1;

	for (size_t i = 0; i < len; i++) {
		cr_expect(eq(int, ag_kept_read_identities(known, i, &identities), AG_KEPT_DAMAGED));
		memcpy(text, known, len);
		text[i] = '?';
		cr_expect(
		    eq(int, ag_kept_read_identities(text, len, &identities), AG_KEPT_DAMAGED));
	}
	cr_expect(eq(sz, identities.count, 0));
}
