/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void empty_text_is_an_empty_string(void **state)
{
	struct text t = {0};

	assert_string_equal(text_cstr(&t), "");
	text_str(&t, "");
	text_printf(&t, "%s", "");
	assert_string_equal(text_cstr(&t), "");
	text_free(&t);
	text_free(NULL);
}

static void pieces_stand_one_behind_the_other(void **state)
{
	struct text t = {0};

	text_str(&t, "a");
	text_char(&t, ',');
	text_append(&t, "b\0c", 3);
	text_printf(&t, "%d-%s", 7, "x");
	assert_int_equal(t.len, 8);
	assert_memory_equal(t.data, "a,b\0c7-x", 9);
	text_free(&t);
}

/* The buffer doubles; nothing may be lost at the seams. */
static void growing_loses_nothing(void **state)
{
	struct text t = {0};

	for (int i = 0; i < 5000; i++)
		text_char(&t, (char)('a' + i % 26));
	assert_int_equal(t.len, 5000);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(t.data[i], 'a' + i % 26);
	assert_int_equal(strlen(text_cstr(&t)), 5000);
	text_free(&t);
}

static void clear_keeps_the_memory(void **state)
{
	struct text t = {0};

	text_str(&t, "window");
	char *data = t.data;
	text_clear(&t);
	assert_string_equal(text_cstr(&t), "");
	text_str(&t, "w");
	assert_ptr_equal(t.data, data);
	assert_string_equal(text_cstr(&t), "w");
	text_free(&t);
}

static void truncate_undoes_what_was_appended_since(void **state)
{
	struct text t = {0};

	text_truncate(&t, 0);
	text_str(&t, "keep");
	text_str(&t, " drop");
	text_truncate(&t, 4);
	text_char(&t, '!');
	assert_string_equal(text_cstr(&t), "keep!");
	text_free(&t);
}

static void an_error_stays_until_cleared(void **state)
{
	struct text t = {0};

	text_str(&t, "x");
	assert_int_equal(text_reserve(&t, TEXT_MAX_BYTES), -E2BIG);
	text_str(&t, "y");
	assert_int_equal(t.err, -E2BIG);
	assert_string_equal(text_cstr(&t), "x");
	assert_int_equal(text_reserve(&t, SIZE_MAX), -E2BIG);
	text_clear(&t);
	text_str(&t, "z");
	assert_int_equal(t.err, 0);
	assert_string_equal(text_cstr(&t), "z");
	text_free(&t);
}

static void integers_reach_both_ends(void **state)
{
	struct text t = {0};

	text_u64(&t, 0);
	text_char(&t, ' ');
	text_u64(&t, UINT64_MAX);
	text_char(&t, ' ');
	text_i64(&t, INT64_MIN);
	text_char(&t, ' ');
	text_i64(&t, INT64_MAX);
	text_char(&t, ' ');
	text_i64(&t, -1);
	assert_string_equal(text_cstr(&t),
	                    "0 18446744073709551615 -9223372036854775808 9223372036854775807 -1");
	text_free(&t);
}

static void decimals_have_no_exponent_and_no_idle_zeros(void **state)
{
	static const struct {
		double value;
		const char *want;
	} rows[] = {
		{0, "0.0"},
		{-0.0, "0.0"},
		{1, "1.0"},
		{0.1, "0.1"},
		{-2.5, "-2.5"},
		{0.000512, "0.000512"},
		{1.0000004, "1.0"},
		{0.9999996, "1.0"},
		{-0.0000001, "0.0"},
		{-0.9999999, "-1.0"},
		{123456789.125, "123456789.125"},
		{1e15, "1000000000000000.0"},
		{1e300, "1000000000000000000.0"},
		{-1e300, "-1000000000000000000.0"},
		{5e-324, "0.0"},
		{NAN, "0.0"},
		{INFINITY, "0.0"},
		{-INFINITY, "0.0"},
	};
	struct text t = {0};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		text_clear(&t);
		text_decimal(&t, rows[i].value, 6);
		assert_string_equal(text_cstr(&t), rows[i].want);
	}
	text_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_text_is_an_empty_string),
		cmocka_unit_test(pieces_stand_one_behind_the_other),
		cmocka_unit_test(growing_loses_nothing),
		cmocka_unit_test(clear_keeps_the_memory),
		cmocka_unit_test(truncate_undoes_what_was_appended_since),
		cmocka_unit_test(an_error_stays_until_cleared),
		cmocka_unit_test(integers_reach_both_ends),
		cmocka_unit_test(decimals_have_no_exponent_and_no_idle_zeros),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
