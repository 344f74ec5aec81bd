/* SPDX-License-Identifier: Apache-2.0 */
#include "bodysize.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAX_BYTES (1u << 20)

static void what_was_too_large_is_not_tried_again(void **state)
{
	struct bodysize size = {.max = MAX_BYTES, .now = MAX_BYTES};

	assert_int_equal(bodysize_next(&size, 1), MAX_BYTES);
	assert_true(bodysize_refused(&size, 300000, 2));
	assert_int_equal(bodysize_next(&size, 3), 150000);
	assert_true(bodysize_refused(&size, 150000, 4));
	assert_int_equal(bodysize_next(&size, 5), 75000);
	/* An old batch that waited is no news. */
	assert_false(bodysize_refused(&size, 300000, 6));
	assert_int_equal(bodysize_next(&size, 7), 75000);
}

static void it_never_gets_smaller_than_some_lines(void **state)
{
	struct bodysize size = {.max = MAX_BYTES, .now = MAX_BYTES};

	for (size_t len = MAX_BYTES; len; len /= 2)
		(void)bodysize_refused(&size, len, 1);
	assert_int_equal(bodysize_next(&size, 1), BODYSIZE_MIN);
	assert_false(bodysize_refused(&size, 100, 1));
}

static void it_grows_again_hour_by_hour_and_is_told_once(void **state)
{
	struct bodysize size = {.max = MAX_BYTES, .now = MAX_BYTES};
	uint64_t now_ns = 1;

	assert_true(bodysize_refused(&size, 400000, now_ns));
	for (int hour = 0; hour < 20; hour++) {
		now_ns += BODYSIZE_AGAIN_NS - 1;
		assert_int_equal(bodysize_next(&size, now_ns), 200000);
		now_ns += 1;
		/* One body in vain, and the same size is learnt. */
		assert_int_equal(bodysize_next(&size, now_ns), 400000);
		assert_false(bodysize_refused(&size, 400000, now_ns));
		assert_int_equal(bodysize_next(&size, now_ns), 200000);
	}
	/* A receiver that was mended gets all. */
	for (int hour = 0; hour < 3; hour++) {
		now_ns += BODYSIZE_AGAIN_NS;
		(void)bodysize_next(&size, now_ns);
	}
	assert_int_equal(bodysize_next(&size, now_ns), MAX_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_too_large_is_not_tried_again),
		cmocka_unit_test(it_never_gets_smaller_than_some_lines),
		cmocka_unit_test(it_grows_again_hour_by_hour_and_is_told_once),
	};

	return cmocka_run_group_tests_name("bodysize", tests, NULL, NULL);
}
