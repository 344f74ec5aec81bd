/* SPDX-License-Identifier: Apache-2.0 */
#include "tagset.h"

#include "rows.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* First allocation: a host's few disks times operations; it doubles from there. */
#define TAGSET_MIN_CAP 32

void tagsets_clear(struct tagsets *t)
{
	assert(t);
	t->n = 0;
	text_clear(&t->texts);
	if (t->cap)
		memset(t->slots, 0, 2 * t->cap * sizeof(*t->slots));
}

/* The slot of that set, or the free one where it belongs. */
static uint32_t *find_slot(const struct tagsets *t, const char *tags, size_t len, uint64_t hash)
{
	for (size_t i = hash;; i++) {
		uint32_t *slot = &t->slots[i & (2 * t->cap - 1)];
		if (!*slot)
			return slot;
		const struct tagset *set = &t->sets[*slot - 1];
		if (set->hash == hash && set->len == len &&
		    memcmp(text_cstr(&t->texts) + set->tags, tags, len) == 0)
			return slot;
	}
}

bool tagsets_has(const struct tagsets *t, const char *tags, size_t len)
{
	assert(t && tags);
	return t->cap && *find_slot(t, tags, len, rows_hash(tags, len));
}

const uint64_t *tagsets_find(const struct tagsets *t, const char *tags, size_t len)
{
	assert(t && tags);

	uint32_t number = t->cap ? *find_slot(t, tags, len, rows_hash(tags, len)) : 0;

	return number ? tagsets_cells(t, number - 1) : NULL;
}

static int grow(struct tagsets *t)
{
	size_t cap = t->cap ? 2 * t->cap : TAGSET_MIN_CAP;

	/* An array that grew before another one failed is too large, not wrong: cap stays. */
	struct tagset *sets = reallocarray(t->sets, cap, sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	t->sets = sets;
	uint64_t *cells = reallocarray(t->cells, cap, t->n_cells * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	t->cells = cells;
	uint32_t *slots = calloc(2 * cap, sizeof(*slots));
	if (!slots)
		return -ENOMEM;

	/* All sets differ: the first free slot is right without comparing. */
	for (size_t i = 0; i < t->n; i++) {
		size_t at = sets[i].hash;
		while (slots[at & (2 * cap - 1)])
			at++;
		slots[at & (2 * cap - 1)] = (uint32_t)i + 1;
	}
	free(t->slots);
	t->slots = slots;
	t->cap = cap;
	return 0;
}

int tagsets_take(struct tagsets *t, const char *tags, size_t len, size_t *ret_index)
{
	assert(t && t->n_cells && tags && ret_index);

	if (t->n == t->cap) {
		int r = grow(t);
		if (r < 0)
			return r;
	}

	uint64_t hash = rows_hash(tags, len);
	uint32_t *slot = find_slot(t, tags, len, hash);
	if (!*slot) {
		size_t start = t->texts.len;
		text_append(&t->texts, tags, len);
		if (t->texts.err)
			return t->texts.err;
		t->sets[t->n] = (struct tagset){.hash = hash, .tags = start, .len = len};
		memset(tagsets_cells(t, t->n), 0, t->n_cells * sizeof(*t->cells));
		*slot = (uint32_t)++t->n;
	}
	*ret_index = *slot - 1;
	return 0;
}

const char *tagsets_tags(const struct tagsets *t, size_t i)
{
	assert(t && i < t->n);
	return text_cstr(&t->texts) + t->sets[i].tags;
}

size_t tagsets_memory(const struct tagsets *t)
{
	size_t set = sizeof(*t->sets) + t->n_cells * sizeof(*t->cells) + 2 * sizeof(*t->slots);
	return t->cap * set + t->texts.cap;
}

void tagsets_free(struct tagsets *t)
{
	if (!t)
		return;
	free(t->sets);
	free(t->cells);
	free(t->slots);
	text_free(&t->texts);
	*t = (struct tagsets){.n_cells = t->n_cells};
}
