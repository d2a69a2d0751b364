/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "proxy/base/siphash.h"

/* The first and the last vectors of the reference implementation, and the example of the paper. */
Test(base, siphash)
{
	uint8_t key[16], data[15];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	cr_expect_eq(ag_siphash(key, data, 0), UINT64_C(0x726fdb47dd0e0e31));
	cr_expect_eq(ag_siphash(key, data, 15), UINT64_C(0xa129ca6149be45e5));
}
