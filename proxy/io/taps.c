/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/taps.h"

#include <assert.h>

void ag_taps_add(struct ag_taps *taps, const struct ag_tap *tap)
{
	assert(taps->count < AG_TAPS_MAX);
	taps->row[taps->count++] = *tap;
	if (tap->wants_all)
		taps->wants_all[taps->n_wants_all++] = tap->wants_all;
	if (tap->pass)
		taps->pass[taps->n_pass++] = *tap;
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

	for (size_t i = 0; i < taps->n_wants_all; i++) {
		if (*taps->wants_all[i])
			return false;
	}
	for (size_t i = 0; i < taps->n_pass; i++)
		taps->pass[i].pass(taps->pass[i].user, passed);
	return true;
}
