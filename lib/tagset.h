/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tagset.h: the sets of tag texts seen in one window, and the cells that were added up under each. Pure.
 *
 * series.h fills it anew every window. All memory is kept, so that the steady state allocates nothing.
 */
#pragma once
#include "text.h"

#include <stddef.h>
#include <stdint.h>

/** Value of the tags of what found no room in max_series. */
#define TAGSET_OTHER "_other"

struct tagset {
	uint64_t hash;
	size_t tags; /* offset in texts */
	size_t len;
};

/** Zero-initialised but for n_cells is empty. Members but n are for tagset.c. */
struct tagsets {
	uint32_t n_cells; /* of each set; > 0 */
	size_t n;
	size_t cap; /* 0 or a power of two */
	struct tagset *sets;
	uint64_t *cells;
	uint32_t *slots; /* 2 * cap: open addressing, number of the set + 1, 0 = free */
	struct text texts;
};

/** Empties, keeps the memory. */
void tagsets_clear(struct tagsets *t);

/**
 * Whether the set is known.
 * @param tags  texts, each ended by NUL; len bytes in all, 0 for a map without tags
 */
bool tagsets_has(const struct tagsets *t, const char *tags, size_t len);

/**
 * The number of the set, in the order first seen; made, with cells of 0, when it is not known.
 * @param tags  as in tagsets_has(); copied
 * @return 0; -ENOMEM or -E2BIG (text.h): unchanged then
 */
int tagsets_take(struct tagsets *t, const char *tags, size_t len, size_t *ret_index);

/** The texts of set @p i, as they were given; valid until the next tagsets_take(). */
const char *tagsets_tags(const struct tagsets *t, size_t i);

/** The cells of set @p i; valid until the next tagsets_take(). */
static inline uint64_t *tagsets_cells(const struct tagsets *t, size_t i)
{
	return t->cells + i * t->n_cells;
}

/** The cells of the set with these tags, or NULL. */
const uint64_t *tagsets_find(const struct tagsets *t, const char *tags, size_t len);

/** Bytes held. */
size_t tagsets_memory(const struct tagsets *t);

void tagsets_free(struct tagsets *t);
