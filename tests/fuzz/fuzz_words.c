/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PDU in words. The oracle: the string is terminated within its room, holds nothing but printable
 * ASCII, says something, and is the same in whatever room it fits.
 *
 * aims at: proxy/engine/words*.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/words.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole[4096];
	char *tight;
	size_t room;
	size_t len;

	if (size < 2)
		return 0;
	room = 1 + data[1];
	len = ag_words_pdu(data[0] & 1, data + 2, size - 2, whole, sizeof(whole));
	require(len > 0 && len < sizeof(whole) && strlen(whole) == len);
	for (size_t i = 0; i < len; i++)
		require(whole[i] >= ' ' && whole[i] <= '~');
	tight = malloc(room);
	if (!tight)
		return 0;
	len = ag_words_pdu(data[0] & 1, data + 2, size - 2, tight, room);
	require(len < room && strlen(tight) == len && memcmp(tight, whole, len) == 0);
	free(tight);
	return 0;
}
