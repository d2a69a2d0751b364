/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PacketLogger file. The oracle: reading comes to an end, no record is longer than a packet can
 * be, and a file that is taken for one begins with a record of a known type.
 *
 * aims at: proxy/wire/pklg.c
 */
#include <stdint.h>

#include "proxy/wire/pklg.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ag_pklg_record record;
	bool little = false;
	size_t at = 0;

	if (!ag_pklg_detect(data, size, &little))
		return 0;
	require(ag_pklg_get_record(data, size, little, &record) == 0);
	require(ag_pklg_classify(record.type).kind != AG_BTSNOOP_OTHER || record.type == 0x0a ||
		record.type == 0x0b);
	while (ag_pklg_get_record(data + at, size - at, little, &record) == 0) {
		require(record.len <= AG_BTSNOOP_MAX);
		at += AG_PKLG_RECORD_LEN;
		if (record.len > size - at)
			return 0;
		at += record.len;
	}
	return 0;
}
