/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* First allocation: a host's few disks times operations; it doubles from there. */
#define ROWS_MIN_CAP 64

void rows_reset(struct rows *rows, uint32_t key_size, uint32_t n_cells)
{
	assert(rows && key_size && n_cells);

	/* cap counts rows, so other sizes make it meaningless. Maps do not change their sizes: rare. */
	if (rows->key_size != key_size || rows->n_cells != n_cells)
		rows_free(rows);
	rows->key_size = key_size;
	rows->n_cells = n_cells;
	rows->n = 0;
}

static int grow(struct rows *rows)
{
	size_t cap = rows->cap ? rows->cap : ROWS_MIN_CAP / 2;
	if (__builtin_mul_overflow(cap, 2, &cap))
		return -ENOMEM;

	/* One array may have grown when the other fails; cap stays, so both still hold cap rows. */
	uint8_t *keys = reallocarray(rows->keys, cap, rows->key_size);
	if (!keys)
		return -ENOMEM;
	rows->keys = keys;

	uint64_t *cells = reallocarray(rows->cells, cap, rows->n_cells * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	rows->cells = cells;
	rows->cap = cap;
	return 0;
}

int rows_add(struct rows *rows, const void *key, uint64_t **ret_cells)
{
	assert(rows && key && ret_cells && rows->key_size && rows->n_cells);

	if (rows->n == rows->cap) {
		int r = grow(rows);
		if (r < 0)
			return r;
	}
	memcpy(rows->keys + rows->n * rows->key_size, key, rows->key_size);
	*ret_cells = rows->cells + rows->n * rows->n_cells;
	rows->n++;
	return 0;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	free(rows->keys);
	free(rows->cells);
	*rows = (struct rows){};
}

/* FNV-1a, then a murmur finaliser, because tables take the low bits. */
uint64_t rows_hash(const void *key, size_t size)
{
	const uint8_t *bytes = key;
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}
