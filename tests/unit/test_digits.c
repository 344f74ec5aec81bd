/* SPDX-License-Identifier: Apache-2.0 */
#include "digits.h"

#include "random.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void integers_of_all_sizes_are_what_printf_writes(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t value = random_next(&random) >> random_below(&random, 64);
		char got[DIGITS_MAX_BYTES + 1], want[32];

		*digits_u64(got, value) = '\0';
		snprintf(want, sizeof(want), "%" PRIu64, value);
		assert_string_equal(got, want);
		*digits_i64(got, (int64_t)value) = '\0';
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)value);
		assert_string_equal(got, want);
	}
}

static void powers_of_ten_and_what_is_below_them(void **state)
{
	uint64_t power = 1;

	(void)state;
	for (size_t digits = 1; digits <= 20; digits++, power *= 10) {
		char got[DIGITS_MAX_BYTES];

		assert_int_equal(digits_u64(got, power) - got, digits);
		assert_int_equal(digits_u64(got, power - 1) - got, digits > 1 ? digits - 1 : 1);
	}
}

static void the_longest_number_fits(void **state)
{
	char got[DIGITS_MAX_BYTES];

	(void)state;
	assert_true(digits_decimal(got, -1e300, 9) - got <= DIGITS_MAX_BYTES);
	/* The greatest below 2^53 that has a fraction, and nines that carry. */
	assert_true(digits_decimal(got, -4503599627370495.5, 9) - got <= DIGITS_MAX_BYTES);
	assert_int_equal(digits_decimal(got, -9.9999999999, 9) - got, 5);
	assert_memory_equal(got, "-10.0", 5);
}

static void decimals_are_read_back_to_their_last_digit(void **state)
{
	uint64_t random = 2;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double value = (double)random_below(&random, UINT64_C(1) << 40) / 1e6;
		unsigned int decimals = 1 + (unsigned int)random_below(&random, 9);
		char got[DIGITS_MAX_BYTES + 1];

		*digits_decimal(got, value, decimals) = '\0';
		assert_true(fabs(strtod(got, NULL) - value) <=
		            0.5 * pow(10, -(double)decimals) + 1e-9);
		assert_true(strlen(strchr(got, '.') + 1) <= decimals);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_of_all_sizes_are_what_printf_writes),
		cmocka_unit_test(powers_of_ten_and_what_is_below_them),
		cmocka_unit_test(the_longest_number_fits),
		cmocka_unit_test(decimals_are_read_back_to_their_last_digit),
	};

	return cmocka_run_group_tests_name("digits", tests, NULL, NULL);
}
