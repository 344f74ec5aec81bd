/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct config_pair pair(const char *key, const char *value)
{
	return (struct config_pair){.key = (char *)key, .value = (char *)value};
}

/* The wrong answer costs a probe that counts by other rules than its description says. */
static void every_changed_bit_of_a_file_is_a_difference(void **state)
{
	uint8_t bytes[512];
	uint64_t random = 5;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(&random);
	const uint64_t whole = fingerprint_file(bytes, sizeof(bytes));

	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(fingerprint_file(bytes, sizeof(bytes)), whole);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(fingerprint_file(bytes, sizeof(bytes)), whole);
	assert_int_not_equal(fingerprint_file(bytes, sizeof(bytes) - 1), whole);
}

static void constants_differ_by_key_value_and_number(void **state)
{
	const struct config_pair pairs[] = {pair("a", "bc"), pair("d", "e")};
	const struct config_pair shifted[] = {pair("ab", "c"), pair("d", "e")};
	const struct config_pair other[] = {pair("a", "bc"), pair("d", "f")};
	const uint64_t hash = fingerprint_pairs(pairs, 2);

	assert_int_equal(fingerprint_pairs(pairs, 2), hash);
	assert_int_not_equal(fingerprint_pairs(pairs, 1), hash);
	assert_int_not_equal(fingerprint_pairs(NULL, 0), hash);
	assert_int_not_equal(fingerprint_pairs(shifted, 2), hash);
	assert_int_not_equal(fingerprint_pairs(other, 2), hash);
}

static void the_first_difference_is_told(void **state)
{
	const struct fingerprint a = {1, 2, 3};

	assert_null(fingerprint_difference(&a, &a));
	assert_true(fingerprint_is_equal(&a, &a));
	assert_string_equal(fingerprint_difference(&a, &(struct fingerprint){9, 2, 4}),
	                    "its description");
	assert_string_equal(fingerprint_difference(&a, &(struct fingerprint){1, 9, 3}),
	                    "its object");
	assert_string_equal(fingerprint_difference(&a, &(struct fingerprint){1, 2, 9}),
	                    "its constants");
	assert_false(fingerprint_is_equal(&a, &(struct fingerprint){1, 2, 9}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_changed_bit_of_a_file_is_a_difference),
		cmocka_unit_test(constants_differ_by_key_value_and_number),
		cmocka_unit_test(the_first_difference_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
