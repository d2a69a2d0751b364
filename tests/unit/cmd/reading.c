/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "proxy/base/cleanup.h"
#include "proxy/cmd/reading.h"

#define S UINT64_C(1000000)

TestSuite(cmd_reading, .timeout = 20);

/* The time of recordings goes on from where the clock was set back, and waits where two records
 * only stand in the wrong order; the way back gives the stamps again. */
Test(cmd_reading, time_never_goes_back)
{
	static const struct {
		uint64_t stamp_us;
		uint64_t now_us;
	} rows[] = {
		{ 5000 * S, 5000 * S },  { 5001 * S, 5001 * S },     { 1401 * S, 5001 * S },
		{ 1402 * S, 5002 * S },  { 1402 * S - 5, 5002 * S }, { 1402 * S + 7, 5002 * S + 7 },
		{ 1 * S, 5002 * S + 7 }, { 2 * S, 5003 * S + 7 },    { 9000 * S, 14001 * S + 7 },
	};
	struct ag_reading_clock clock = { .stamp_us = 0 };
	uint64_t before = 0;

	for (size_t i = 0; i < ag_array_size(rows); i++) {
		uint64_t now_us = ag_reading_time(&clock, rows[i].stamp_us);

		cr_expect_eq(now_us, rows[i].now_us, "row %zu: %ju", i, (uintmax_t)now_us);
		cr_expect_geq(now_us, before);
		cr_expect_lt(ag_reading_stamp(&clock, now_us) - rows[i].stamp_us, 10);
		before = now_us;
	}
}
