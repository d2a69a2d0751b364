/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is the payload of a C-frame. The oracle: the commands that are found lie one behind the
 * other, what is taken from one is written back as the same octets, and of one that is cut short
 * nothing is read that is not there.
 *
 * aims at: proxy/wire/l2cap_signal.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/l2cap_signal.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Look at all that the command is said to have. */
static unsigned int touch(const struct ag_l2cap_signal *signal)
{
	struct ag_cursor options = signal->rest;
	struct ag_l2cap_option option;
	unsigned int sum = ag_l2cap_signal_is_pending(signal);

	for (size_t i = 0; i < AG_L2CAP_NUMBER_COUNT; i++)
		sum += signal->number[i];
	for (size_t i = 0; i <= signal->source.count; i++)
		sum += ag_l2cap_cid(signal->source, i);
	for (size_t i = 0; i <= signal->destination.count; i++)
		sum += ag_l2cap_signal_accepted(signal, i);
	while (ag_l2cap_option_next(&options, &option)) {
		for (size_t i = 0; option.value && i < option.len; i++)
			sum += option.value[i];
	}
	return sum;
}

static void check(const uint8_t *command, size_t len, const struct ag_l2cap_signal *signal)
{
	uint8_t *again = malloc(len);

	require(again != NULL);
	require(signal->code == command[0] && signal->ident == command[1] && !signal->cut);
	require(ag_l2cap_signal_put(signal, again, len) == len);
	require(memcmp(again, command, len) == 0);
	require(ag_l2cap_signal_put(signal, again, len - 1) == 0);
	free(again);
}

/* Only the first octets of it are at hand, in memory that has no more. */
static unsigned int check_cut(const uint8_t *command, size_t len)
{
	size_t have = AG_L2CAP_SIGNAL_HEADER + (len - AG_L2CAP_SIGNAL_HEADER) / 2;
	uint8_t *copy = malloc(have);
	struct ag_l2cap_signal signal;
	unsigned int sum = 0;

	require(copy != NULL);
	memcpy(copy, command, have);
	if (!ag_l2cap_signal_parse(copy, have, &signal))
		sum = touch(&signal);
	require(signal.cut == (have < len));
	free(copy);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ag_cursor frame = ag_cursor(data, size);
	static volatile unsigned int sum;

	for (;;) {
		const uint8_t *command = frame.at;
		struct ag_l2cap_signal signal;
		int found = ag_l2cap_signal_next(&frame, &signal);
		size_t len;

		if (found == AG_L2CAP_END)
			break;
		len = (size_t)(frame.at - command);
		require(len == AG_L2CAP_SIGNAL_HEADER + (size_t)ag_get_le16(command + 2));
		if (!found) {
			check(command, len, &signal);
			sum += touch(&signal);
		}
		sum += check_cut(command, len);
	}
	(void)sum;
	require(frame.left < AG_L2CAP_SIGNAL_HEADER || frame.failed);
	return 0;
}
