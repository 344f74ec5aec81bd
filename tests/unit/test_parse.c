/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text;
	int want;
	uint64_t value; /* when want is 0 */
};

/* Also that the output is unchanged on failure. */
static void check(int (*parse)(const char *, uint64_t *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = 4711;
		int r = parse(rows[i].text, &value);
		if (r != rows[i].want || value != (r ? 4711 : rows[i].value))
			fail_msg("\"%s\": %d, %llu", rows[i].text, r, (unsigned long long)value);
	}
}

static void numbers_are_decimal_hexadecimal_or_powers(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"007", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"0x10", 0, 16},
		{"0XfF", 0, 255},
		{"0xffffffffffffffff", 0, UINT64_MAX},
		{"0x10000000000000000", -ERANGE, 0},
		{"2^30", 0, 1 << 30},
		{"2^0", 0, 1},
		{"2^63", 0, 1ULL << 63},
		{"2^64", -ERANGE, 0},
		{"0^0", 0, 1},
		{"0^5", 0, 0},
		{"1^18446744073709551615", 0, 1},
		{"3^18446744073709551615", -ERANGE, 0},
		{"99999999999999999999^1", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"0x1^2", -EINVAL, 0},
		{"2^", -EINVAL, 0},
		{"^2", -EINVAL, 0},
		{"2^3^2", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1a", -EINVAL, 0},
		{"99999999999999999999x", -EINVAL, 0},
	};

	check(parse_u64, rows, ARRAY_SIZE(rows));
}

static void durations_are_written_as_for_telegraf(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"0s", 0, 0},
		{"10s", 0, 10000000000},
		{"1m30s", 0, 90000000000},
		{"1.5h", 0, 5400000000000},
		{".5s", 0, 500000000},
		{"1.s", 0, 1000000000},
		{"2d", 0, 172800000000000},
		{"100ms", 0, 100000000},
		{"7us", 0, 7000},
		{"7\xc2\xb5s", 0, 7000},
		{"7\xce\xbcs", 0, 7000},
		{"9ns", 0, 9},
		{"0.9ns", 0, 0},
		{"1.0000000001s", 0, 1000000000},
		{"0.3333333333333333333333d", 0, 28799999999999},
		{"9223372036854775807ns", 0, INT64_MAX},
		{"9223372036854775808ns", -ERANGE, 0},
		{"99999999999999999999s", -ERANGE, 0},
		{"200000d200000d", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"10", -EINVAL, 0},
		{".s", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"10 s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"1s2", -EINVAL, 0},
		{"1..5s", -EINVAL, 0},
		{"1e3s", -EINVAL, 0},
		{"99999999999999999999s5", -EINVAL, 0},
	};

	check(parse_duration, rows, ARRAY_SIZE(rows));
}

static void bytes_have_binary_and_decimal_units(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"512", 0, 512},
		{"512B", 0, 512},
		{"1KiB", 0, 1024},
		{"64MiB", 0, 64 << 20},
		{"2GiB", 0, 2ULL << 30},
		{"1kB", 0, 1000},
		{"5MB", 0, 5000000},
		{"3GB", 0, 3000000000},
		{"17179869184GiB", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"MiB", -EINVAL, 0},
		{"1KB", -EINVAL, 0}, /* 1000 or 1024? */
		{"1M", -EINVAL, 0},
		{"1 MiB", -EINVAL, 0},
		{"1.5MiB", -EINVAL, 0},
		{"-1", -EINVAL, 0},
	};

	check(parse_bytes, rows, ARRAY_SIZE(rows));
}

static void yes_and_no_have_several_words(void **state)
{
	static const char *const yes[] = {"yes", "true", "on", "1", "Yes", "TRUE"};
	static const char *const no[] = {"no", "false", "off", "0", "No", "FALSE"};
	static const char *const neither[] = {"", "y", "n", "2", "yes ", "enabled"};
	bool value;

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		value = false;
		assert_int_equal(parse_bool(yes[i], &value), 0);
		assert_true(value);
		assert_int_equal(parse_bool(no[i], &value), 0);
		assert_false(value);
		value = true;
		assert_int_equal(parse_bool(neither[i], &value), -EINVAL);
		assert_true(value);
	}
}

static void a_name_needs_no_escape_in_line_protocol(void **state)
{
	static const char max[] = "a12345678901234567890123456789012345678901";

	assert_int_equal(strlen(max), 42);
	assert_true(parse_is_name("a"));
	assert_true(parse_is_name("block_io-2"));
	assert_true(parse_is_name(max));
	assert_false(parse_is_name(""));
	assert_false(parse_is_name("a123456789012345678901234567890123456789012"));
	assert_false(parse_is_name("1a"));
	assert_false(parse_is_name("_a"));
	assert_false(parse_is_name("a b"));
	assert_false(parse_is_name("a=b"));
	assert_false(parse_is_name("a,b"));
	assert_false(parse_is_name("caf\xc3\xa9"));
}

static void utf8_is_judged_as_in_rfc_3629(void **state)
{
	static const char *const good[] = {"",
	                                   "ascii",
	                                   "\x7f",
	                                   "\xc2\x80",
	                                   "\xdf\xbf",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xee\x80\x80",
	                                   "\xef\xbf\xbf",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
	                                  "\xc0\xaf",
	                                  "\xc1\xbf",
	                                  "\xc2",
	                                  "\xc2x",
	                                  "\xe0\x9f\xbf",
	                                  "\xed\xa0\x80",
	                                  "\xe2\x82",
	                                  "\xe2\x82x",
	                                  "\xf0\x8f\xbf\xbf",
	                                  "\xf4\x90\x80\x80",
	                                  "\xf5\x80\x80\x80",
	                                  "\xff",
	                                  "ok\xfe"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(parse_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(parse_is_utf8(bad[i], strlen(bad[i])));
	assert_true(parse_is_utf8("a\0b", 3));
	assert_false(parse_is_utf8("\xe2\x82\xac", 2));
	assert_true(parse_is_utf8(NULL, 0));
}

static void the_nearest_word_is_suggested(void **state)
{
	static const char *const keys[] = {"timeout", "urls", "username", "database", "interval"};
	static const struct {
		const char *word, *want;
	} rows[] = {
		{"time_out", "timeout"},
		{"timeuot", "timeout"},
		{"Timeout", "timeout"},
		{"url", "urls"},
		{"ulrs", "urls"},
		{"user_name", "username"},
		{"databse", "database"},
		{"intervall", "interval"},
		{"x", NULL},
		{"precision", NULL},
		{"", NULL},
		{"host", NULL},
	};
	char endless[1000];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = parse_suggest(rows[i].word, keys, ARRAY_SIZE(keys));
		if (!rows[i].want)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].want);
	}
	memset(endless, 'u', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_null(parse_suggest(endless, keys, ARRAY_SIZE(keys)));
	assert_null(parse_suggest("urls", NULL, 0));
	const char *const longer[] = {endless, "urls"};
	assert_string_equal(parse_suggest("url", longer, 2), "urls");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimal_hexadecimal_or_powers),
		cmocka_unit_test(durations_are_written_as_for_telegraf),
		cmocka_unit_test(bytes_have_binary_and_decimal_units),
		cmocka_unit_test(yes_and_no_have_several_words),
		cmocka_unit_test(a_name_needs_no_escape_in_line_protocol),
		cmocka_unit_test(utf8_is_judged_as_in_rfc_3629),
		cmocka_unit_test(the_nearest_word_is_suggested),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
