/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets and records of a recording: an octet that says what it is, one that says how long, and
 * that many. The oracle: nothing outside is touched, what finds the place of a PDU (types, handles,
 * lengths, opcodes) stays, and a second redactor with the same key does the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/engine/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static uint8_t *redacted(struct ag_redactor *redactor, uint8_t what, const uint8_t *data,
			 size_t len)
{
	/* of exactly that length, so that the sanitizer sees what goes beyond */
	uint8_t *copy = malloc(len ? len : 1);

	require(copy != NULL);
	memcpy(copy, data, len);
	if (what & 0x80)
		ag_redact_record(redactor, what & 0x1f, copy, len);
	else
		ag_redact_packet(redactor, what >> 1 & 1, what & 1, copy, len);
	return copy;
}

/* Octets of a packet that are its header. */
static size_t header_len(const uint8_t *data, size_t len)
{
	size_t header = len > 0 && data[0] == 0x02 ? 5 : 3;

	return header < len ? header : len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[16] = { 1 };
	struct ag_redactor *one = ag_redactor_new(key), *other = ag_redactor_new(key);

	require(one && other);
	while (size >= 2) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		uint8_t *a = redacted(one, data[0], data + 2, len);
		uint8_t *b = redacted(other, data[0], data + 2, len);

		require(memcmp(a, b, len) == 0);
		if (!(data[0] & 0x80))
			require(memcmp(a, data + 2, header_len(data + 2, len)) == 0);
		free(a);
		free(b);
		data += 2 + len;
		size -= 2 + len;
	}
	free(one);
	free(other);
	return 0;
}
