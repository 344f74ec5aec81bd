/* SPDX-License-Identifier: Apache-2.0 */
/**
 * rows.h: what one read of a map gave: rows of key bytes and plain u64 cells, and when.
 *
 * The only thing that passes from the edge that reads maps to the pure stages. Memory is kept from read
 * to read. Keys are unique unless the map changed under the read; the last one then counts.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct rows {
	uint32_t key_size; /* bytes */
	uint32_t n_cells;  /* per row */
	uint64_t taken_ns; /* CLOCK_BOOTTIME at the start of the read */
	size_t n;
	size_t cap;
	uint8_t *keys;	 /* n * key_size */
	uint64_t *cells; /* n * n_cells */
};

/** Sets sizes and empties; memory is kept where it fits. */
void rows_reset(struct rows *rows, uint32_t key_size, uint32_t n_cells);

/**
 * Appends a row with the key copied and cells to be filled by the caller.
 * @param ret_cells  n_cells numbers, not initialised, valid until the next call
 * @return 0 or -ENOMEM (rows unchanged)
 */
int rows_add(struct rows *rows, const void *key, uint64_t **ret_cells);

void rows_free(struct rows *rows);

static inline const uint8_t *rows_key(const struct rows *rows, size_t i)
{
	return rows->keys + i * rows->key_size;
}

static inline const uint64_t *rows_cells(const struct rows *rows, size_t i)
{
	return rows->cells + i * rows->n_cells;
}
