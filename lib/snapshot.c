/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include "clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

/* What bpf(2) answers where a command or map has no batch look-up; 524 is the kernel's own ENOTSUPP. */
#define ENOTSUPP_KERNEL 524

/* What one descriptor holds, and who takes each element. */
struct walk {
	int fd;
	uint32_t key_size;
	uint32_t value_size; /* bytes that the kernel writes for one element */
	uint32_t max_entries;
	uint32_t limit; /* elements wanted: the first so many of an array */
	int (*take)(struct walk *walk, const uint8_t *key, const uint8_t *value);
	struct snapshot *snapshot;
	const struct probe_map *map;
	struct rows *rows;
};

static int make_room(struct snapshot_reader *r, const struct walk *w, uint32_t chunk)
{
	CLEANUP_FREE uint8_t *keys = calloc(chunk, w->key_size);
	CLEANUP_FREE uint8_t *values = calloc(chunk, w->value_size);

	if (!keys || !values)
		return -ENOMEM;
	free(r->keys);
	free(r->values);
	r->keys = TAKE_PTR(keys);
	r->values = TAKE_PTR(values);
	r->chunk = chunk;
	return 0;
}

static int take_all(const struct snapshot_reader *r, struct walk *w, uint32_t n)
{
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++)
		err = w->take(w, r->keys + (size_t)i * w->key_size,
		              r->values + (size_t)i * w->value_size);
	return err;
}

static bool is_unsupported(int err)
{
	return err == -EINVAL || err == -ENOTSUPP_KERNEL || err == -EOPNOTSUPP;
}

/*
 * The cursor is opaque: a bucket's number for hashes, a key for arrays. -ENOENT is the end and its elements are
 * valid; -ENOSPC says that one bucket holds more than asked for, and nothing was read.
 */
static int walk_batch(struct snapshot_reader *r, struct walk *w)
{
	uint8_t cursors[2][LAYOUT_MAX_KEY_BYTES];
	void *from = NULL, *to = cursors[0];
	uint32_t seen = 0;
	int err = 0;

	while (!err && seen < w->limit) {
		uint32_t n = MIN(r->chunk, w->limit - seen);

		err = bpf_map_lookup_batch(w->fd, from, to, r->keys, r->values, &n, NULL);
		if (err == -ENOSPC && r->chunk < w->max_entries) {
			err = make_room(r, w, MIN(r->chunk * 2, w->max_entries));
			continue;
		}
		/* What was read once is supported: to begin anew would add a row's cells twice. */
		if (err && err != -ENOENT)
			return seen && is_unsupported(err) ? -EIO : err;
		err = take_all(r, w, n) ?: err;
		seen += n;
		from = to;
		to = to == cursors[0] ? cursors[1] : cursors[0];
	}
	return err == -ENOENT ? 0 : err;
}

static int walk_one_by_one(struct snapshot_reader *r, struct walk *w)
{
	uint8_t key[LAYOUT_MAX_KEY_BYTES];
	void *from = NULL;

	/* Keys that vanish meanwhile restart the walk: bounded by twice the map. */
	for (uint64_t steps = 0; steps < MIN(2ull * w->max_entries, w->limit); steps++) {
		int err = bpf_map_get_next_key(w->fd, from, r->keys);

		if (err)
			return err == -ENOENT ? 0 : err;
		memcpy(key, r->keys, w->key_size);
		from = key;
		err = bpf_map_lookup_elem(w->fd, key, r->values);
		if (err == -ENOENT)
			continue;
		err = err ?: take_all(r, w, 1);
		if (err)
			return err;
	}
	return 0;
}

static int walk(struct snapshot_reader *r, struct walk *w)
{
	size_t before = w->rows->n;
	int err = 0;

	if (!r->chunk)
		err = make_room(r, w,
		                MAX(1, MIN(SNAPSHOT_CHUNK_BYTES / w->value_size, w->max_entries)));
	if (err)
		return err;
	if (!r->no_batch) {
		err = walk_batch(r, w);
		if (!is_unsupported(err))
			return err;
		r->no_batch = true;
		w->rows->n = before;
	}
	return walk_one_by_one(r, w);
}

/* ---- a map that has its keys itself */

static int take_row(struct walk *w, const uint8_t *key, const uint8_t *value)
{
	uint64_t *cells;
	int err = rows_add(w->rows, key, &cells);

	if (!err)
		layout_extract(w->map->layout, value, w->map->shards, w->map->stride,
		               w->snapshot->since, cells);
	return err;
}

static int read_plain(struct snapshot *s, const struct probe_map *map, struct rows *rows)
{
	struct walk w = {
		.fd = map->fd,
		.key_size = map->layout->key_size,
		.value_size = map->row_size,
		.max_entries = map->max_keys,
		.limit = UINT32_MAX,
		.take = take_row,
		.snapshot = s,
		.map = map,
		.rows = rows,
	};

	return walk(&s->values, &w);
}

/* ---- an index and rows */

static int add_empty_row(struct rows *rows, const uint8_t *key)
{
	uint64_t *cells;
	int err = rows_add(rows, key, &cells);

	if (!err)
		memset(cells, 0, rows->n_cells * sizeof(*cells));
	return err;
}

static int take_key(struct walk *w, const uint8_t *key, const uint8_t *value)
{
	uint32_t row;
	int err;

	memcpy(&row, value, sizeof(row));
	if (row >= w->map->max_keys)
		return -EBADMSG;
	err = add_empty_row(w->rows, key);
	if (!err)
		w->snapshot->row_to_key[row] = (uint32_t)w->rows->n;
	return err;
}

static int take_shard(struct walk *w, const uint8_t *key, const uint8_t *value)
{
	uint32_t place, number;

	memcpy(&place, key, sizeof(place));
	number = w->snapshot->index_of->row_to_key[place / w->map->shards];
	if (number)
		layout_add(w->map->layout, value, w->snapshot->since,
		           w->rows->cells + (size_t)(number - 1) * w->rows->n_cells);
	return 0;
}

static uint32_t rows_in_use(const struct snapshot *s, uint32_t max_keys)
{
	while (max_keys && !s->row_to_key[max_keys - 1])
		max_keys--;
	return max_keys;
}

static int read_index(struct snapshot *s, const struct probe_map *map, struct rows *rows)
{
	struct walk index = {
		.fd = map->index_fd,
		.key_size = map->layout->key_size,
		.value_size = sizeof(uint32_t),
		.max_entries = map->max_keys,
		.limit = UINT32_MAX,
		.take = take_key,
		.snapshot = s,
		.map = map,
		.rows = rows,
	};

	if (!s->row_to_key)
		s->row_to_key = malloc(map->max_keys * sizeof(*s->row_to_key));
	if (!s->row_to_key)
		return -ENOMEM;
	memset(s->row_to_key, 0, map->max_keys * sizeof(*s->row_to_key));
	return walk(&s->index, &index);
}

/* @param of  whose index was read */
static int read_values(struct snapshot *s, const struct snapshot *of, const struct probe_map *map,
                       struct rows *rows)
{
	struct walk values = {
		.fd = map->fd,
		.key_size = sizeof(uint32_t),
		.value_size = map->stride,
		.max_entries = map->max_keys * map->shards,
		.limit = rows_in_use(of, map->max_keys) * map->shards,
		.take = take_shard,
		.snapshot = s,
		.map = map,
		.rows = rows,
	};

	s->index_of = of;
	return walk(&s->values, &values);
}

static void begin(struct snapshot *s, const struct probe_map *map, uint32_t since,
                  struct rows *rows)
{
	rows_reset(rows, map->layout->key_size, map->layout->n_cells);
	s->since = since;
	rows->taken_ns = clock_boot_ns();
}

int snapshot_read(struct snapshot *s, const struct probe_map *map, uint32_t since,
                  struct rows *rows)
{
	begin(s, map, since, rows);
	if (map->index_fd < 0)
		return read_plain(s, map, rows);
	return read_index(s, map, rows) ?: read_values(s, s, map, rows);
}

int snapshot_read_beside(struct snapshot *s, const struct probe_map *map, uint32_t since,
                         const struct snapshot *first, const struct rows *first_rows,
                         struct rows *rows)
{
	int err = 0;

	begin(s, map, since, rows);
	for (size_t i = 0; i < first_rows->n && !err; i++)
		err = add_empty_row(rows, rows_key(first_rows, i));
	return err ?: read_values(s, first, map, rows);
}

void snapshot_free(struct snapshot *s)
{
	free(s->values.keys);
	free(s->values.values);
	free(s->index.keys);
	free(s->index.values);
	free(s->row_to_key);
	*s = (struct snapshot){0};
}
