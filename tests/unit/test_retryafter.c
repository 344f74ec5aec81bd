/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "retryafter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

/* Wed, 21 Oct 2015 07:28:00 GMT */
#define THEN 1445412480

static void seconds_are_read_with_decimals_and_within_bounds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} rows[] = {
		{"0", 0},
		{"1", 1000},
		{"30", 30000},
		{" 30 ", 30000},
		{"1.5", 1500},
		{"0.25", 250},
		{"2.0009", 2000},
		{"600", 600000},
		{"601", 600000},
		{"600.5", 600000},
		{"99999999999999999999999999", 600000},
		{"soon", 10000},
		{"", 10000},
		{"-5", 10000},
		{"inf", 10000},
		{"10s", 10000},
		{"1,5", 10000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (retryafter_ms(rows[i].text, NULL, THEN) != rows[i].ms)
			fail_msg("\"%s\": %lu ms", rows[i].text,
			         (unsigned long)retryafter_ms(rows[i].text, NULL, THEN));
}

static void all_three_forms_of_a_date_are_read(void **state)
{
	static const char *const good[] = {
		"Wed, 21 Oct 2015 07:28:00 GMT", "Wednesday, 21-Oct-15 07:28:00 GMT",
		"Wed Oct 21 07:28:00 2015", "Wed, 21 Oct 2015 07:28:00 GMT "};
	static const char *const bad[] = {"",
	                                  "Wed",
	                                  "Wed, 21 Oct 2015",
	                                  "Wed, 21 Oct 2015 07:28:00 CET",
	                                  "Wed, 21 Oct 2015 07:28:00 GMTx",
	                                  "Wed, 21 Okt 2015 07:28:00 GMT",
	                                  "Wed, 21 Oct 2015 27:28:00 GMT",
	                                  "2015-10-21T07:28:00Z"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t s = 0;

		assert_int_equal(retryafter_date(good[i], &s), 0);
		assert_int_equal(s, THEN);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t s = 7;

		if (retryafter_date(bad[i], &s) != -EINVAL || s != 7)
			fail_msg("\"%s\" is read as a date", bad[i]);
		assert_int_equal(retryafter_ms(bad[i], NULL, THEN), RETRYAFTER_UNREADABLE_MS);
	}
	int64_t s;
	assert_int_equal(retryafter_date("Sun Nov  6 08:49:37 1994", &s), 0);
	assert_int_equal(s, 784111777);
}

/* The receiver's own clock counts, because ours may be wrong by hours. */
static void a_date_is_counted_against_the_date_of_the_same_answer(void **state)
{
	const char *at = "Wed, 21 Oct 2015 07:28:00 GMT";

	(void)state;
	assert_int_equal(retryafter_ms(at, "Wed, 21 Oct 2015 07:27:30 GMT", 1), 30000);
	assert_int_equal(retryafter_ms(at, "Wed, 21 Oct 2015 07:28:00 GMT", 1), 0);
	assert_int_equal(retryafter_ms(at, "Thu, 22 Oct 2015 07:28:00 GMT", 1), 0);
	assert_int_equal(retryafter_ms(at, NULL, THEN - 7), 7000);
	assert_int_equal(retryafter_ms(at, "yesterday", THEN - 7), 7000);
	assert_int_equal(retryafter_ms(at, NULL, THEN + 7), 0);
	assert_int_equal(retryafter_ms(at, NULL, 0), RETRYAFTER_UNREADABLE_MS);
	assert_int_equal(retryafter_ms("Fri, 31 Dec 9999 23:59:59 GMT", NULL, THEN),
	                 RETRYAFTER_MAX_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_are_read_with_decimals_and_within_bounds),
		cmocka_unit_test(all_three_forms_of_a_date_are_read),
		cmocka_unit_test(a_date_is_counted_against_the_date_of_the_same_answer),
	};

	return cmocka_run_group_tests_name("retryafter", tests, NULL, NULL);
}
