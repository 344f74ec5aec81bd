/* SPDX-License-Identifier: Apache-2.0 */
/**
 * digits.h: numbers as text, into memory of the caller. Pure, not locale-dependent.
 *
 * Every function writes at most DIGITS_MAX_BYTES from @p to on, no NUL, and returns the end of what it wrote.
 */
#pragma once
#include <stdint.h>

/** Sign, 19 digits, point, 9 decimals; UINT64_MAX has 20 digits. */
#define DIGITS_MAX_BYTES 30

/** Of digits_decimal(): a nanosecond in seconds. */
#define DIGITS_MAX_DECIMALS 9

char *digits_u64(char *to, uint64_t value);
char *digits_i64(char *to, int64_t value);

/**
 * A decimal number as digits "." digits, without exponent, with 1 to @p decimals decimals: the one form that every
 * line-protocol parser reads alike.
 * @param value     NaN and infinities become 0.0; magnitudes above 1e18 are clamped to it
 * @param decimals  1 to DIGITS_MAX_DECIMALS
 */
char *digits_decimal(char *to, double value, unsigned int decimals);
