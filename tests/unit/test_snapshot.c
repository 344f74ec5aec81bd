/* SPDX-License-Identifier: Apache-2.0 */
/* On the running kernel, with maps of every kind that is read and no program: needs root. */
#include "snapshot.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 3000 /* some 50 chunks: more than one batch, buckets with several keys */

struct value {
	uint64_t ios;
	uint32_t slots[2];
};

static struct layout_run runs[] = {
	{.offset = 0, .width = 8, .count = 1, .first_cell = 0},
	{.offset = 8, .width = 4, .count = 2, .first_cell = 1},
};

static struct layout layout = {
	.key_size = 4, .value_size = sizeof(struct value), .runs = runs, .n_runs = 2, .n_cells = 3};

static struct value value_of(uint32_t key)
{
	return (struct value){.ios = 7ull * key, .slots = {key, 4000000000u}};
}

static int make_map(enum bpf_map_type type, uint32_t value_size, uint32_t max_entries)
{
	int fd = bpf_map_create(type, "tg_test", sizeof(uint32_t), value_size, max_entries, NULL);

	if (fd == -EPERM)
		skip();
	assert_true(fd >= 0);
	return fd;
}

static void read_and_compare(const struct probe_map *map, uint32_t keys, uint64_t times)
{
	struct snapshot snapshot = {0};
	struct rows rows = {0};

	/* Twice: the second read uses what the first has kept. */
	for (int turn = 0; turn < 2; turn++) {
		uint8_t seen[KEYS] = {0};

		assert_int_equal(snapshot_read(&snapshot, map, 0, &rows), 0);
		assert_int_equal(rows.n, keys);
		assert_true(rows.taken_ns > 0);
		for (size_t i = 0; i < rows.n; i++) {
			const uint64_t *cells = rows_cells(&rows, i);
			uint32_t key;

			memcpy(&key, rows_key(&rows, i), sizeof(key));
			assert_true(key < keys && !seen[key]);
			seen[key] = 1;
			assert_int_equal(cells[0], times * 7 * key);
			assert_int_equal(cells[1], (uint32_t)(times * key));
			assert_int_equal(cells[2], (uint32_t)(times * 4000000000u));
		}
	}
	snapshot_free(&snapshot);
	rows_free(&rows);
}

static void fill(int fd, uint32_t keys, uint32_t copies)
{
	struct value *values = calloc(copies, sizeof(*values));

	for (uint32_t key = 0; key < keys; key++) {
		for (uint32_t i = 0; i < copies; i++)
			values[i] = value_of(key);
		assert_int_equal(bpf_map_update_elem(fd, &key, values, BPF_ANY), 0);
	}
	free(values);
}

static void read_kind(enum bpf_map_type type, bool per_cpu)
{
	uint32_t cpus = per_cpu ? (uint32_t)libbpf_num_possible_cpus() : 1;
	struct probe_map map = {
		.layout = &layout,
		.fd = make_map(type, sizeof(struct value), KEYS),
		.index_fd = -1,
		.type = type,
		.max_keys = KEYS,
		.shards = cpus,
		.stride = sizeof(struct value),
		.row_size = cpus * sizeof(struct value),
	};

	fill(map.fd, KEYS, cpus);
	read_and_compare(&map, KEYS, cpus);
	close(map.fd);
}

static void a_hash_is_read_whole(void **state)
{
	(void)state;
	read_kind(BPF_MAP_TYPE_HASH, false);
}

static void an_array_is_read_whole(void **state)
{
	(void)state;
	read_kind(BPF_MAP_TYPE_ARRAY, false);
}

static void per_cpu_values_are_added_up(void **state)
{
	(void)state;
	read_kind(BPF_MAP_TYPE_PERCPU_HASH, true);
	read_kind(BPF_MAP_TYPE_PERCPU_ARRAY, true);
}

static void an_empty_map_has_no_rows(void **state)
{
	struct probe_map map = {
		.layout = &layout,
		.fd = make_map(BPF_MAP_TYPE_HASH, sizeof(struct value), KEYS),
		.index_fd = -1,
		.max_keys = KEYS,
		.shards = 1,
		.stride = sizeof(struct value),
		.row_size = sizeof(struct value),
	};

	(void)state;
	read_and_compare(&map, 0, 1);
	close(map.fd);
}

/* An index that gives rows in another order than the keys', and an array with 4 shards and free rows. */
static void an_indexed_map_is_read_as_one(void **state)
{
	const uint32_t keys = 100, shards = 4;
	struct probe_map map = {
		.layout = &layout,
		.fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof(struct value), KEYS * shards),
		.index_fd = make_map(BPF_MAP_TYPE_HASH, sizeof(uint32_t), KEYS),
		.type = BPF_MAP_TYPE_ARRAY,
		.max_keys = KEYS,
		.shards = shards,
		.stride = sizeof(struct value),
		.row_size = shards * sizeof(struct value),
	};

	(void)state;
	for (uint32_t key = 0; key < keys; key++) {
		uint32_t row = 2 * (keys - key);
		struct value value = value_of(key);

		assert_int_equal(bpf_map_update_elem(map.index_fd, &key, &row, BPF_NOEXIST), 0);
		for (uint32_t shard = 0; shard < shards; shard++) {
			uint32_t place = row * shards + shard;

			assert_int_equal(bpf_map_update_elem(map.fd, &place, &value, BPF_ANY), 0);
		}
	}
	read_and_compare(&map, keys, shards);
	close(map.fd);
	close(map.index_fd);
}

static void an_index_beyond_the_rows_is_refused(void **state)
{
	struct probe_map map = {
		.layout = &layout,
		.fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof(struct value), 4),
		.index_fd = make_map(BPF_MAP_TYPE_HASH, sizeof(uint32_t), 4),
		.max_keys = 4,
		.shards = 1,
		.stride = sizeof(struct value),
		.row_size = sizeof(struct value),
	};
	struct snapshot snapshot = {0};
	struct rows rows = {0};
	uint32_t key = 1, row = 4;

	(void)state;
	assert_int_equal(bpf_map_update_elem(map.index_fd, &key, &row, BPF_NOEXIST), 0);
	assert_int_equal(snapshot_read(&snapshot, &map, 0, &rows), -EBADMSG);
	snapshot_free(&snapshot);
	rows_free(&rows);
	close(map.fd);
	close(map.index_fd);
}

/* Two maps of one index, each with its own values, and rows in the order of keys. */
static void make_twins(struct probe_map maps[2], uint32_t keys)
{
	int index = make_map(BPF_MAP_TYPE_HASH, sizeof(uint32_t), KEYS);

	for (int i = 0; i < 2; i++) {
		maps[i] = (struct probe_map){
			.layout = &layout,
			.fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof(struct value), KEYS),
			.index_fd = i ? -1 : index,
			.type = BPF_MAP_TYPE_ARRAY,
			.max_keys = KEYS,
			.shards = 1,
			.stride = sizeof(struct value),
			.row_size = sizeof(struct value),
		};
		fill(maps[i].fd, keys, 1);
	}
	for (uint32_t key = 0; key < keys; key++)
		assert_int_equal(bpf_map_update_elem(index, &key, &key, BPF_NOEXIST), 0);
}

/* The second has no index that could be read: its keys are the first one's. */
static void maps_of_one_index_have_it_read_once(void **state)
{
	const uint32_t keys = 100;
	struct snapshot snapshots[2] = {0};
	struct rows rows[2] = {0};
	struct probe_map maps[2];
	uint32_t key = keys;

	(void)state;
	make_twins(maps, keys);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(snapshot_read(&snapshots[0], &maps[0], 0, &rows[0]), 0);
		assert_int_equal(snapshot_read_beside(&snapshots[1], &maps[1], 0, &snapshots[0],
		                                      &rows[0], &rows[1]),
		                 0);
		assert_int_equal(rows[1].n, keys + turn);
		assert_memory_equal(rows[1].keys, rows[0].keys, rows[0].n * sizeof(uint32_t));
		for (size_t i = 0; i < keys; i++)
			assert_memory_equal(rows_cells(&rows[1], i), rows_cells(&rows[0], i),
			                    3 * sizeof(uint64_t));
		/* A row that is newer than the values. */
		if (!turn)
			assert_int_equal(
				bpf_map_update_elem(maps[0].index_fd, &key, &key, BPF_NOEXIST), 0);
	}
	for (size_t i = 0; i < rows[1].n; i++) {
		if (!memcmp(rows_key(&rows[1], i), &key, sizeof(key)))
			assert_int_equal(rows_cells(&rows[1], i)[0], 0);
	}
	for (int i = 0; i < 2; i++) {
		snapshot_free(&snapshots[i]);
		rows_free(&rows[i]);
		close(maps[i].fd);
	}
	close(maps[0].index_fd);
}

/* Words of windows 6 and 7 in two shards: what is asked for from 7 on leaves out the greater one before. */
static void a_maximum_is_of_the_windows_that_are_asked_for(void **state)
{
	struct layout_run run = {.kind = SPEC_MAXIMUM, .width = 8, .count = 1};
	struct layout maxima = {.key_size = 4,
	                        .value_size = 16,
	                        .runs = &run,
	                        .n_runs = 1,
	                        .n_cells = 1,
	                        .has_maxima = true};
	uint64_t words[][2] = {{6ull << 32 | 900, 7ull << 32 | 30}, {0, 7ull << 32 | 40}};
	struct probe_map map = {
		.layout = &maxima,
		.fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof(words[0]), 2),
		.index_fd = make_map(BPF_MAP_TYPE_HASH, sizeof(uint32_t), 1),
		.type = BPF_MAP_TYPE_ARRAY,
		.max_keys = 1,
		.shards = 2,
		.stride = sizeof(words[0]),
		.row_size = sizeof(words),
	};
	static const uint64_t wanted[][2] = {{6, 900}, {7, 40}, {8, 0}};
	struct snapshot snapshot = {0};
	struct rows rows = {0};
	uint32_t zero = 0;

	(void)state;
	assert_int_equal(bpf_map_update_elem(map.index_fd, &zero, &zero, BPF_ANY), 0);
	for (uint32_t shard = 0; shard < 2; shard++)
		assert_int_equal(bpf_map_update_elem(map.fd, &shard, words[shard], BPF_ANY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(snapshot_read(&snapshot, &map, (uint32_t)wanted[i][0], &rows), 0);
		assert_int_equal(rows.n, 1);
		assert_int_equal(rows_cells(&rows, 0)[0], wanted[i][1]);
	}
	snapshot_free(&snapshot);
	rows_free(&rows);
	close(map.fd);
	close(map.index_fd);
}

static void later_reads_use_the_buffers_of_the_first(void **state)
{
	struct snapshot snapshots[2] = {0}, first[2];
	struct rows rows[2] = {0}, first_rows[2];
	struct probe_map maps[2];

	(void)state;
	make_twins(maps, KEYS);
	for (int turn = 0; turn < 3; turn++) {
		assert_int_equal(snapshot_read(&snapshots[0], &maps[0], 0, &rows[0]), 0);
		assert_int_equal(snapshot_read_beside(&snapshots[1], &maps[1], 0, &snapshots[0],
		                                      &rows[0], &rows[1]),
		                 0);
		if (!turn) {
			memcpy(first, snapshots, sizeof(first));
			memcpy(first_rows, rows, sizeof(first_rows));
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(snapshots[i].values.keys, first[i].values.keys);
		assert_ptr_equal(snapshots[i].values.values, first[i].values.values);
		assert_ptr_equal(snapshots[i].index.keys, first[i].index.keys);
		assert_ptr_equal(snapshots[i].index.values, first[i].index.values);
		assert_ptr_equal(snapshots[i].row_to_key, first[i].row_to_key);
		assert_ptr_equal(rows[i].keys, first_rows[i].keys);
		assert_ptr_equal(rows[i].cells, first_rows[i].cells);
		snapshot_free(&snapshots[i]);
		rows_free(&rows[i]);
		close(maps[i].fd);
	}
	close(maps[0].index_fd);
}

static void a_descriptor_that_is_no_map_is_an_error(void **state)
{
	struct probe_map map = {.layout = &layout,
	                        .fd = 0,
	                        .index_fd = -1,
	                        .max_keys = 4,
	                        .shards = 1,
	                        .stride = sizeof(struct value),
	                        .row_size = sizeof(struct value)};
	struct snapshot snapshot = {0};
	struct rows rows = {0};

	(void)state;
	assert_true(snapshot_read(&snapshot, &map, 0, &rows) < 0);
	snapshot_free(&snapshot);
	rows_free(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_is_read_whole),
		cmocka_unit_test(an_array_is_read_whole),
		cmocka_unit_test(per_cpu_values_are_added_up),
		cmocka_unit_test(an_empty_map_has_no_rows),
		cmocka_unit_test(an_indexed_map_is_read_as_one),
		cmocka_unit_test(an_index_beyond_the_rows_is_refused),
		cmocka_unit_test(maps_of_one_index_have_it_read_once),
		cmocka_unit_test(a_maximum_is_of_the_windows_that_are_asked_for),
		cmocka_unit_test(later_reads_use_the_buffers_of_the_first),
		cmocka_unit_test(a_descriptor_that_is_no_map_is_an_error),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
