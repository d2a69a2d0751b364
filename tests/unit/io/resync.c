/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "proxy/io/resync.h"

static const uint8_t reset[] = { 0x01, 0x03, 0x0c, 0x00 };
static const uint8_t other_command[] = { 0x01, 0x01, 0x10, 0x00 };
static const uint8_t reset_complete[] = { 0x04, 0x0e, 0x04, 0x01, 0x03, 0x0c, 0x00 };
static const uint8_t other_complete[] = { 0x04, 0x0e, 0x04, 0x01, 0x01, 0x10, 0x00 };

Test(io, without_a_loss_nothing_is_thrown_away)
{
	enum ag_resync state = AG_RESYNC_NONE;

	ag_resync_host(&state, reset, sizeof(reset));
	cr_expect_eq(state, AG_RESYNC_NONE);
	cr_expect_not(ag_resync_discards(&state, other_complete, sizeof(other_complete)));
	cr_expect_not(ag_resync_discards(&state, reset_complete, sizeof(reset_complete)));
}

Test(io, after_a_loss_the_completion_of_reset_is_the_first_to_pass)
{
	enum ag_resync state = AG_RESYNC_TOLD;

	cr_expect(ag_resync_discards(&state, reset_complete, sizeof(reset_complete)),
		  "it completes a reset of before");
	ag_resync_host(&state, other_command, sizeof(other_command));
	cr_expect(ag_resync_discards(&state, other_complete, sizeof(other_complete)));
	ag_resync_host(&state, reset, sizeof(reset));
	cr_expect(ag_resync_discards(&state, other_complete, sizeof(other_complete)));
	cr_expect(ag_resync_discards(&state, reset_complete, 5), "truncated");
	cr_expect(ag_resync_discards(&state, NULL, 0));
	cr_expect_not(ag_resync_discards(&state, reset_complete, sizeof(reset_complete)));
	cr_expect_not(ag_resync_discards(&state, other_complete, sizeof(other_complete)));
}
