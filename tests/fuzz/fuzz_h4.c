/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * H4 framing. The oracle: a length is found as soon as, and only when, the header is there; it does
 * not change when more octets follow; what is found is at least a header and at most AG_H4_MAX.
 *
 * aims at: proxy/wire/h4.c
 */
#include <stdint.h>
#include <stdlib.h>

#include "proxy/wire/h4.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t known = 0;
	size_t total;

	for (size_t len = 0; len <= size && len < 16; len++) {
		int result;

		total = SIZE_MAX;
		result = ag_h4_length(data, len, &total);
		switch (result) {
		case 0:
			require(total >= 3 && total <= AG_H4_MAX);
			require(known == 0 || known == total);
			known = total;
			break;
		case AG_H4_INCOMPLETE:
			require(total == SIZE_MAX && known == 0 && len < 5);
			break;
		case AG_H4_UNKNOWN:
			require(total == SIZE_MAX && known == 0 && len > 0);
			break;
		default:
			abort();
		}
	}
	return 0;
}
