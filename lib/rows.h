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

/** Zero-initialised is empty; rows_reset() comes before the first rows_add(). */
struct rows {
	uint32_t key_size; /* bytes */
	uint32_t n_cells;  /* per row */
	uint64_t taken_ns; /* CLOCK_BOOTTIME at the start of the read; set by who reads */
	size_t n;
	size_t cap;      /* rows that fit without allocating */
	uint8_t *keys;   /* n * key_size */
	uint64_t *cells; /* n * n_cells */
};

/** Sets sizes (both > 0) and empties; memory is kept while the sizes stay. */
void rows_reset(struct rows *rows, uint32_t key_size, uint32_t n_cells);

/**
 * Appends a row with the key copied and cells to be filled by the caller.
 * @param ret_cells  n_cells numbers, not initialised, valid until the next call
 * @return 0 or -ENOMEM (rows unchanged)
 */
int rows_add(struct rows *rows, const void *key, uint64_t **ret_cells);

/** Frees the memory; @p rows is empty afterwards and may be used again. NULL is fine. */
void rows_free(struct rows *rows);

/** A well mixed hash of key bytes (of any bytes), for the tables of the stages that follow. */
uint64_t rows_hash(const void *key, size_t size);

static inline const uint8_t *rows_key(const struct rows *rows, size_t i)
{
	return rows->keys + i * rows->key_size;
}

static inline const uint64_t *rows_cells(const struct rows *rows, size_t i)
{
	return rows->cells + i * rows->n_cells;
}
