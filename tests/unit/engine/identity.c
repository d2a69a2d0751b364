/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/engine/identity.h"

/* Vol 3 Part H, D.7, least significant octet first */
static const uint8_t irk[AG_IRK_LEN] = { 0x9b, 0x7d, 0x39, 0x0a, 0xa6, 0x10, 0x10, 0x34,
					 0x05, 0xad, 0xc8, 0x57, 0xa3, 0x34, 0x02, 0xec };

#define RESOLVABLE UINT64_C(0x7081940dfbaa)
#define DEVICE     UINT64_C(0x112233445566)

static struct ag_identity device(uint64_t address, uint8_t first_of_irk)
{
	struct ag_identity identity = { .address = address, .type = AG_PEER_PUBLIC };

	memcpy(identity.irk, irk, sizeof(irk));
	identity.irk[0] = first_of_irk;
	return identity;
}

Test(identity, sample_data)
{
	cr_expect_eq(ag_identity_hash(irk, 0x708194), 0x0dfbaa);
}

Test(identity, types_of_addresses)
{
	cr_expect_eq(ag_random_type(RESOLVABLE), AG_PEER_RESOLVABLE);
	cr_expect_eq(ag_random_type(UINT64_C(0xc00000000000)), AG_PEER_RANDOM_STATIC);
	cr_expect_eq(ag_random_type(UINT64_C(0x3fffffffffff)), AG_PEER_NON_RESOLVABLE);
	cr_expect_eq(ag_random_type(UINT64_C(0x800000000000)), AG_PEER_NON_RESOLVABLE);
}

Test(identity, resolves)
{
	struct ag_identities known = { .count = 0 };
	struct ag_identity other = device(DEVICE + 1, 0x00);
	struct ag_identity identity = device(DEVICE, irk[0]);
	const struct ag_identity *found;

	cr_expect_null(ag_identities_resolve(&known, RESOLVABLE));
	cr_expect(ag_identities_put(&known, &identity));
	cr_expect(ag_identities_put(&known, &other));
	found = ag_identities_resolve(&known, RESOLVABLE);
	cr_assert_not_null(found);
	cr_expect_eq(found->address, DEVICE);
	cr_expect_null(ag_identities_resolve(&known, RESOLVABLE + 1));
	cr_expect_null(ag_identities_resolve(&known, RESOLVABLE + (UINT64_C(1) << 24)));
}

Test(identity, another_irk_takes_the_place)
{
	struct ag_identities known = { .count = 0 };
	struct ag_identity old = device(DEVICE, irk[0]);
	struct ag_identity fresh = device(DEVICE, 0x00);

	ag_identities_put(&known, &old);
	cr_expect_eq(known.changes, 1);
	ag_identities_put(&known, &old);
	cr_expect_eq(known.changes, 1, "nothing new was learned");
	ag_identities_put(&known, &fresh);
	cr_expect_eq(known.changes, 2);
	cr_expect_eq(known.count, 1);
	cr_expect_null(ag_identities_resolve(&known, RESOLVABLE));
}

Test(identity, what_is_none)
{
	struct ag_identities known = { .count = 0 };
	struct ag_identity no_irk = { .address = DEVICE, .type = AG_PEER_PUBLIC };
	struct ag_identity moving = device(RESOLVABLE, irk[0]);
	struct ag_identity fixed = device(UINT64_C(0xc00000000001), irk[0]);

	cr_expect_not(ag_identities_put(&known, &no_irk));
	moving.type = AG_PEER_RANDOM_STATIC;
	cr_expect_not(ag_identities_put(&known, &moving));
	moving.type = AG_PEER_RESOLVABLE;
	cr_expect_not(ag_identities_put(&known, &moving));
	cr_expect_eq(known.count, 0);
	cr_expect_eq(known.changes, 0);
	fixed.type = AG_PEER_RANDOM_STATIC;
	cr_expect(ag_identities_put(&known, &fixed));
}

Test(identity, who_was_not_met_for_longest_goes)
{
	struct ag_identities known = { .count = 0 };
	struct ag_identity identity = device(DEVICE, irk[0]);

	ag_identities_put(&known, &identity);
	for (size_t i = 1; i < AG_IDENTITIES_MAX; i++) {
		identity = device(DEVICE + i, (uint8_t)i);
		identity.irk[1] = 0;
		cr_assert(ag_identities_put(&known, &identity));
	}
	cr_expect_eq(known.count, AG_IDENTITIES_MAX);
	cr_expect_not_null(ag_identities_resolve(&known, RESOLVABLE));
	/* it has just been met, so another one goes */
	identity = device(DEVICE - 1, 0xff);
	ag_identities_put(&known, &identity);
	cr_expect_eq(known.count, AG_IDENTITIES_MAX);
	cr_expect_not_null(ag_identities_resolve(&known, RESOLVABLE));
	for (size_t i = 0; i < known.count; i++)
		cr_expect_neq(known.list[i].address, DEVICE + 1);
}
