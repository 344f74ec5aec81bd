/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as rows' keys: every decoder gives a text, equal texts are one set, different ones never, and none is lost.
 *
 * Input: rows of KEY_SIZE bytes.
 */
#include "decode.h"
#include "tagset.h"

#include "input.h"

#define KEY_SIZE 36
#define ROWS_MAX 400

static char names[][12] = {"disk", "disk_layer", "enum", "uint", "hex", "uint", "string", "hex"};
static struct disk table[] = {{.dev = 0, .name = "sda"},
                              {.dev = 1, .name = "dm-0", .stack = true},
                              {.dev = 0x30303030, .name = "sda", .gone = true}};
static const struct disks disks = {.disks = table, .n = ARRAY_SIZE(table)};
static const struct decode_env env = {.disks = &disks};

/* The same as layout_bind() would make of a struct of these members. */
static const struct layout layout = {
	.key_size = KEY_SIZE,
	.tags = {{.offset = 0, .size = 4},
                 {.offset = 0, .size = 4},
                 {.offset = 4, .size = 4, .is_signed = true},
                 {.offset = 8, .size = 1, .is_signed = true},
                 {.offset = 9, .size = 2},
                 {.offset = 11, .size = 8, .is_signed = true},
                 {.offset = 19, .size = 16, .is_array = true},
                 {.offset = 35, .size = 1, .is_array = true}},
};

static void decode_row(const struct spec_map *map, const uint8_t *row, struct text *out)
{
	CLEANUP_FREE uint8_t *key = malloc(KEY_SIZE); /* ASan sees a byte too far */

	expect(key != NULL);
	memcpy(key, row, KEY_SIZE);
	text_clear(out);
	for (size_t i = 0; i < map->n_tags; i++) {
		decode_tag(&env, map, &layout, i, key, out);
		text_char(out, '\0');
	}
	decode_is_gone(&env, map, &layout, key);
	expect(!out->err);
}

/* Every set is there once, and its cell has what all rows with its text added. */
static void check_sum(const struct tagsets *sets, size_t n_rows)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sets->n; i++) {
		sum += *tagsets_cells(sets, i);
		for (size_t j = 0; j < i; j++)
			expect(sets->sets[i].len != sets->sets[j].len ||
			       memcmp(tagsets_tags(sets, i), tagsets_tags(sets, j),
			              sets->sets[i].len) != 0);
	}
	expect(sum == n_rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(tagsets_free) struct tagsets sets = {.n_cells = 1};
	CLEANUP(text_free) struct text out = {0};
	struct spec_map map = {.n_tags = ARRAY_SIZE(names)};
	size_t n_rows = MIN(size / KEY_SIZE, ROWS_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		map.tags[i].decoder = names[i];
	for (size_t i = 0; i < n_rows; i++) {
		size_t index;

		decode_row(&map, data + i * KEY_SIZE, &out);
		bool known = tagsets_has(&sets, out.data, out.len);
		size_t before = sets.n;

		expect(!tagsets_take(&sets, out.data, out.len, &index));
		expect(sets.n == before + !known && (known ? index < before : index == before));
		expect(!memcmp(tagsets_tags(&sets, index), out.data, out.len));
		++*tagsets_cells(&sets, index);
		expect(tagsets_find(&sets, out.data, out.len) == tagsets_cells(&sets, index));
	}
	check_sum(&sets, n_rows);
	return 0;
}
