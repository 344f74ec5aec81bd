/* SPDX-License-Identifier: Apache-2.0 */
/**
 * crc32c.h: the checksum of records on disk: CRC-32C (Castagnoli), as in RFC 3720 section 12.1. Pure.
 *
 * Not zlib's crc32(): that polynomial (IEEE 802.3) misses patterns of three wrong bits in bodies above 11 KiB, this one finds
 * them all (P. Koopman, "32-Bit Cyclic Redundancy Codes for Internet Applications", 2002).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/** @param crc  0 to begin, or of what stands before */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
