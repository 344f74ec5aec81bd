/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static struct targets three(void)
{
	static struct target items[3];

	return (struct targets){.items = items, .n = 3};
}

static void each_is_tried_once_before_there_is_a_wait(void **state)
{
	struct targets t = three();

	(void)state;
	assert_true(targets_failed(&t, 1));
	assert_true(targets_failed(&t, 2));
	assert_int_equal(t.current, 2);
	assert_false(targets_failed(&t, 3));
	assert_int_equal(t.current, 0);
	struct targets alone = {.items = t.items, .n = 1};
	assert_false(targets_failed(&alone, 1));
	assert_int_equal(alone.current, 0);
}

static void the_first_is_asked_again_after_a_while_and_taken_back(void **state)
{
	struct targets t = three();

	(void)state;
	targets_failed(&t, 10 * SECOND);
	targets_passed(&t);
	for (uint64_t s = 11; s < 310; s++) {
		targets_look_back(&t, s * SECOND);
		assert_int_equal(t.current, 1);
	}
	targets_look_back(&t, 310 * SECOND);
	assert_int_equal(t.current, 0);
	targets_passed(&t);
	targets_look_back(&t, 2000 * SECOND);
	assert_int_equal(t.current, 0);
	/* It fails anew: that is a failure like any other. */
	assert_true(targets_failed(&t, 2001 * SECOND));
	assert_int_equal(t.current, 1);
}

static void asked_in_vain_it_is_left_alone_for_as_long_again(void **state)
{
	struct targets t = three();

	(void)state;
	targets_failed(&t, SECOND);
	targets_failed(&t, SECOND);
	targets_passed(&t);
	assert_int_equal(t.current, 2);
	for (uint64_t s = 301; s < 3000; s += 300) {
		targets_look_back(&t, s * SECOND - 1);
		assert_int_equal(t.current, 2);
		targets_look_back(&t, s * SECOND);
		assert_int_equal(t.current, 0);
		/* Back to the one that was in use, not to the next, and at once. */
		assert_true(targets_failed(&t, s * SECOND));
		assert_int_equal(t.current, 2);
		targets_passed(&t);
	}
}

static void while_all_fail_the_first_is_not_asked_out_of_turn(void **state)
{
	struct targets t = three();
	unsigned int asked[3] = {0};

	(void)state;
	for (uint64_t s = 1; s < 3000; s++) {
		targets_look_back(&t, s * SECOND);
		asked[t.current]++;
		targets_failed(&t, s * SECOND);
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(asked[i], 998, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_tried_once_before_there_is_a_wait),
		cmocka_unit_test(the_first_is_asked_again_after_a_while_and_taken_back),
		cmocka_unit_test(asked_in_vain_it_is_left_alone_for_as_long_again),
		cmocka_unit_test(while_all_fail_the_first_is_not_asked_out_of_turn),
	};

	return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
