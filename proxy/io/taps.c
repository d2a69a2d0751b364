/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/taps.h"

#include <assert.h>

void ag_taps_add(struct ag_taps *taps, const struct ag_tap *tap)
{
	assert(taps->count < AG_TAPS_MAX);
	taps->row[taps->count++] = *tap;
}

void ag_taps_tap(void *user, const struct ag_decision *decision)
{
	const struct ag_taps *taps = user;

	for (size_t i = 0; i < taps->count; i++)
		taps->row[i].tap(taps->row[i].user, decision);
}

bool ag_taps_pass(void *user, const struct ag_passed *passed)
{
	const struct ag_taps *taps = user;

	for (size_t i = 0; i < taps->count; i++) {
		const struct ag_tap *row = &taps->row[i];

		if (row->wants_all && row->wants_all(row->user))
			return false;
	}
	for (size_t i = 0; i < taps->count; i++) {
		if (taps->row[i].pass)
			taps->row[i].pass(taps->row[i].user, passed);
	}
	return true;
}
