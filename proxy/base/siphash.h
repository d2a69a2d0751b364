/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BASE_SIPHASH_H
#define AG_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/** SipHash-2-4 (Aumasson and Bernstein): a keyed hash that does not tell its key. */
uint64_t ag_siphash(const uint8_t key[16], const uint8_t *data, size_t len);

#endif
