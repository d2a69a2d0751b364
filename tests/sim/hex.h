/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_HEX_H
#define AG_SIM_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** Octets from pairs of digits, with blanks between pairs; NULL is none. @return: how many */
static inline size_t ag_sim_octets(const char *hex, uint8_t *out)
{
	size_t len = 0;

	for (; hex && *hex; hex++) {
		char pair[3] = { hex[0], hex[1], '\0' };

		if (*hex == ' ')
			continue;
		out[len++] = (uint8_t)strtoul(pair, NULL, 16);
		hex++;
	}
	return len;
}

#endif
