/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/taps.h"

#include <assert.h>

void ag_taps_add(struct ag_taps *taps, ag_tap_fn *tap, void *user)
{
	assert(taps->count < AG_TAPS_MAX);
	taps->row[taps->count].tap = tap;
	taps->row[taps->count].user = user;
	taps->count++;
}

void ag_taps_tap(void *user, const struct ag_decision *decision)
{
	const struct ag_taps *taps = user;

	for (size_t i = 0; i < taps->count; i++)
		taps->row[i].tap(taps->row[i].user, decision);
}
