/* SPDX-License-Identifier: Apache-2.0 */
#include "tagset.h"

#include "ground.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CELLS 3

static size_t take(struct tagsets *t, const char *tags, size_t len)
{
	size_t i = SIZE_MAX;

	assert_int_equal(tagsets_take(t, tags, len, &i), 0);
	return i;
}

static void sets_are_numbered_as_first_seen_and_begin_at_zero(void **state)
{
	CLEANUP(tagsets_free) struct tagsets t = {.n_cells = CELLS};

	(void)state;
	assert_int_equal(take(&t, "sda\0read", 9), 0);
	assert_int_equal(take(&t, "sda\0write", 10), 1);
	tagsets_cells(&t, 0)[2] = 5;
	assert_int_equal(take(&t, "sda\0read", 9), 0);
	assert_int_equal(t.n, 2);
	assert_int_equal(tagsets_cells(&t, 0)[2], 5);
	assert_int_equal(tagsets_cells(&t, 1)[2], 0);
	assert_memory_equal(tagsets_tags(&t, 1), "sda\0write", 10);
}

static void where_one_text_ends_makes_a_difference(void **state)
{
	CLEANUP(tagsets_free) struct tagsets t = {.n_cells = CELLS};

	(void)state;
	assert_int_equal(take(&t, "a\0bc", 5), 0);
	assert_int_equal(take(&t, "ab\0c", 5), 1);
	assert_int_equal(take(&t, "", 0), 2);
	assert_int_equal(take(&t, "\0", 2), 3);
	assert_true(tagsets_has(&t, "", 0));
	assert_false(tagsets_has(&t, "a", 2));
}

static void an_empty_table_has_nothing(void **state)
{
	CLEANUP(tagsets_free) struct tagsets t = {.n_cells = CELLS};

	(void)state;
	assert_false(tagsets_has(&t, "a", 2));
	tagsets_clear(&t);
	take(&t, "a", 2);
	tagsets_clear(&t);
	assert_int_equal(t.n, 0);
	assert_false(tagsets_has(&t, "a", 2));
}

static void many_sets_are_found_again_and_later_windows_allocate_nothing(void **state)
{
	CLEANUP(tagsets_free) struct tagsets t = {.n_cells = CELLS};
	size_t memory = 0;

	(void)state;
	for (size_t window = 0; window < 4; window++) {
		tagsets_clear(&t);
		for (size_t i = 0; i < 10000; i++) {
			char tags[16];
			/* The order of each window is another one. */
			size_t key = (i * 7 + window) % 5000;
			size_t len = (size_t)snprintf(tags, sizeof(tags), "sd%04zu", key) + 1;

			uint64_t *cells = tagsets_cells(&t, take(&t, tags, len));
			assert_true(cells[0] == 0 || cells[1] == key);
			cells[0]++;
			cells[1] = key;
		}
		assert_int_equal(t.n, 5000);
		for (size_t i = 0; i < t.n; i++)
			assert_int_equal(tagsets_cells(&t, i)[0], 2);
		if (window)
			assert_int_equal(tagsets_memory(&t), memory);
		memory = tagsets_memory(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_numbered_as_first_seen_and_begin_at_zero),
		cmocka_unit_test(where_one_text_ends_makes_a_difference),
		cmocka_unit_test(an_empty_table_has_nothing),
		cmocka_unit_test(many_sets_are_found_again_and_later_windows_allocate_nothing),
	};

	return cmocka_run_group_tests_name("tagset", tests, NULL, NULL);
}
