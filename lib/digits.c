/* SPDX-License-Identifier: Apache-2.0 */
#include "digits.h"

#include "ground.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Beyond this a double has no decimals left, and it fits an i64 of every receiver. */
#define DECIMAL_MAX 1e18
/* UINT64_MAX */
#define MOST_DIGITS 20

char *digits_u64(char *to, uint64_t value)
{
	/* Two at a time: a stamp has 19, and a division for each took a tenth of a line's time. */
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930"
				    "31323334353637383940414243444546474849505152535455565758596061"
				    "62636465666768697071727374757677787980818283848586878889909192"
				    "93949596979899";
	char digits[MOST_DIGITS];
	size_t at = sizeof(digits);

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(digits + at, pairs + 2 * (value % 100), 2);
	}
	if (value >= 10)
		digits[--at] = pairs[2 * value + 1];
	digits[--at] = value >= 10 ? pairs[2 * value] : (char)('0' + value);
	memcpy(to, digits + at, sizeof(digits) - at);
	return to + sizeof(digits) - at;
}

char *digits_i64(char *to, int64_t value)
{
	/* Negating as unsigned: -INT64_MIN is no int64_t. */
	if (value < 0)
		*to++ = '-';
	return digits_u64(to, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

char *digits_decimal(char *to, double value, unsigned int decimals)
{
	static const double scales[DIGITS_MAX_DECIMALS + 1] = {1,   1e1, 1e2, 1e3, 1e4,
	                                                       1e5, 1e6, 1e7, 1e8, 1e9};

	assert(decimals && decimals <= DIGITS_MAX_DECIMALS);
	if (!isfinite(value))
		value = 0;
	double size = MIN(fabs(value), DECIMAL_MAX);
	uint64_t whole = (uint64_t)size;
	uint64_t part = (uint64_t)((size - (double)whole) * scales[decimals] + 0.5);
	if (part == (uint64_t)scales[decimals]) {
		whole++;
		part = 0;
	}

	char digits[DIGITS_MAX_DECIMALS];
	for (size_t i = decimals; i-- > 0; part /= 10)
		digits[i] = (char)('0' + part % 10);
	size_t n = decimals;
	while (n > 1 && digits[n - 1] == '0')
		n--;

	/* No "-0.0": the sign of what rounds to nothing says nothing. */
	if (value < 0 && (whole || n > 1 || digits[0] != '0'))
		*to++ = '-';
	to = digits_u64(to, whole);
	*to++ = '.';
	memcpy(to, digits, n);
	return to + n;
}
