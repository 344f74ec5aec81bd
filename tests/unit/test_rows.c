/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void add(struct rows *rows, uint32_t key, uint64_t first_cell)
{
	uint64_t *cells;

	assert_int_equal(rows_add(rows, &key, &cells), 0);
	for (uint32_t i = 0; i < rows->n_cells; i++)
		cells[i] = first_cell + i;
}

static void keeps_what_was_added_while_growing(void **state)
{
	struct rows rows = {};

	(void)state;
	rows_reset(&rows, 4, 3);
	for (uint32_t i = 0; i < 1000; i++)
		add(&rows, i * 7, i * 10);

	assert_int_equal(rows.n, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t key;

		memcpy(&key, rows_key(&rows, i), sizeof(key));
		assert_int_equal(key, i * 7);
		assert_int_equal(rows_cells(&rows, i)[0], i * 10);
		assert_int_equal(rows_cells(&rows, i)[2], i * 10 + 2);
	}
	rows_free(&rows);
}

static void a_reset_with_the_same_sizes_keeps_the_memory(void **state)
{
	struct rows rows = {};

	(void)state;
	rows_reset(&rows, 4, 2);
	for (uint32_t i = 0; i < 500; i++)
		add(&rows, i, i);
	const uint8_t *keys = rows.keys;
	const uint64_t *cells = rows.cells;

	for (int window = 0; window < 3; window++) {
		rows_reset(&rows, 4, 2);
		assert_int_equal(rows.n, 0);
		for (uint32_t i = 0; i < 500; i++)
			add(&rows, i, i);
		assert_ptr_equal(rows.keys, keys);
		assert_ptr_equal(rows.cells, cells);
	}
	rows_free(&rows);
}

static void other_sizes_are_safe_after_a_reset(void **state)
{
	struct rows rows = {};
	uint8_t wide[64];
	uint64_t *cells;

	(void)state;
	rows_reset(&rows, 4, 2);
	for (uint32_t i = 0; i < 100; i++)
		add(&rows, i, i);

	memset(wide, 0x5a, sizeof(wide));
	rows_reset(&rows, sizeof(wide), 200);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rows_add(&rows, wide, &cells), 0);
		memset(cells, 0xff, 200 * sizeof(*cells));
	}
	assert_memory_equal(rows_key(&rows, 99), wide, sizeof(wide));
	rows_free(&rows);
	assert_int_equal(rows.n, 0);
	assert_null(rows.keys);
}

static void hashes_of_neighbours_differ_in_their_low_bits(void **state)
{
	uint32_t hits[256] = {0};

	(void)state;
	for (uint32_t key = 0; key < 65536; key++)
		hits[rows_hash(&key, sizeof(key)) & 255]++;
	for (int i = 0; i < 256; i++)
		assert_in_range(hits[i], 150, 370);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_was_added_while_growing),
		cmocka_unit_test(a_reset_with_the_same_sizes_keeps_the_memory),
		cmocka_unit_test(other_sizes_are_safe_after_a_reset),
		cmocka_unit_test(hashes_of_neighbours_differ_in_their_low_bits),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
