/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_place_stands_before_the_text(void **state)
{
	struct report r = {0};

	report_add(&r, REPORT_ERROR, "a.ini:3", "no such key \"%s\"", "x");
	report_add(&r, REPORT_WARNING, NULL, "no place");
	report_at(&r, REPORT_ERROR, "a.ini", 14, "%d", 5);
	report_at(&r, REPORT_ERROR, "a.ini", 0, "whole file");
	assert_int_equal(r.n_items, 4);
	assert_string_equal(r.items[0].text, "a.ini:3: no such key \"x\"");
	assert_string_equal(r.items[1].text, "no place");
	assert_int_equal(r.items[1].severity, REPORT_WARNING);
	assert_string_equal(r.items[2].text, "a.ini:14: 5");
	assert_string_equal(r.items[3].text, "a.ini: whole file");
	report_free(&r);
	report_free(NULL);
}

static void warnings_are_no_errors(void **state)
{
	struct report r = {0};

	report_add(&r, REPORT_WARNING, NULL, "w");
	assert_int_equal(r.n_errors, 0);
	report_add(&r, REPORT_ERROR, NULL, "e");
	assert_int_equal(r.n_errors, 1);
	report_free(&r);
	assert_int_equal(r.n_items, 0);
	assert_int_equal(r.n_errors, 0);
}

/* A hostile file must not fill the memory, and must not pass because the list was full. */
static void a_full_report_still_counts(void **state)
{
	struct report r = {0};

	for (int i = 0; i < REPORT_MAX_ITEMS; i++)
		report_add(&r, REPORT_WARNING, NULL, "w%d", i);
	report_add(&r, REPORT_ERROR, NULL, "e");
	assert_int_equal(r.n_items, REPORT_MAX_ITEMS);
	assert_int_equal(r.n_omitted, 1);
	assert_int_equal(r.n_errors, 1);
	report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_stands_before_the_text),
		cmocka_unit_test(warnings_are_no_errors),
		cmocka_unit_test(a_full_report_still_counts),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
