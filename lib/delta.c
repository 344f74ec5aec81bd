/* SPDX-License-Identifier: Apache-2.0 */
#include "delta.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SLOTS 64
#define NO_ROW UINT32_MAX
/* Entries and rows are numbered in 32 bits, with NO_ROW to spare and twice as many slots. */
#define MAX_ENTRIES (1u << 30)

struct entry {
	uint64_t hash;
	uint64_t counted_ns; /* read that last gave an increment, or the baseline */
	uint32_t row;        /* of the read at hand; NO_ROW: not in it */
	bool ever;           /* some cell was above 0 since it is known */
	bool gone;           /* was not in the read before */
};

/*
 * Entries lie in the order first seen; keys and before are parallel arrays. Slots are an open-addressing
 * index into them (number + 1, 0 = free), at most half full, rebuilt when an entry is forgotten.
 */
struct delta {
	const struct layout *layout;
	uint64_t ttl_ns;
	size_t n;
	size_t cap; /* of the five arrays below */
	struct entry *entries;
	uint8_t *keys;
	uint64_t *before;
	uint64_t *increments; /* of those rows that counted; the others share zeros */
	struct delta_row *told;
	uint64_t *zeros;
	uint32_t *slots;
	size_t n_slots; /* power of two */
};

static uint8_t *key_at(const struct delta *d, size_t i)
{
	return d->keys + i * d->layout->key_size;
}

static uint64_t *before_at(const struct delta *d, size_t i)
{
	return d->before + i * d->layout->n_cells;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *find_slot(const struct delta *d, const uint8_t *key, uint64_t hash)
{
	for (size_t i = hash;; i++) {
		uint32_t *slot = &d->slots[i & (d->n_slots - 1)];
		if (!*slot)
			return slot;
		if (d->entries[*slot - 1].hash == hash &&
		    memcmp(key_at(d, *slot - 1), key, d->layout->key_size) == 0)
			return slot;
	}
}

static void index_entries(struct delta *d)
{
	memset(d->slots, 0, d->n_slots * sizeof(*d->slots));
	for (size_t i = 0; i < d->n; i++)
		*find_slot(d, key_at(d, i), d->entries[i].hash) = (uint32_t)i + 1;
}

/* @array: address of a pointer of any type */
static int grow_array(void *array, size_t n, size_t size)
{
	void *p;
	memcpy(&p, array, sizeof(p));
	p = reallocarray(p, n, size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	return 0;
}

static int reserve_entries(struct delta *d, size_t want)
{
	size_t cap = MAX(d->cap, MIN_SLOTS / 2);
	while (cap < want)
		cap *= 2;
	if (cap == d->cap)
		return 0;

	/* An array that grew before another one failed is too large, not wrong: cap stays. */
	if (grow_array(&d->entries, cap, sizeof(*d->entries)) < 0 ||
	    grow_array(&d->keys, cap, d->layout->key_size) < 0 ||
	    grow_array(&d->before, cap, d->layout->n_cells * sizeof(*d->before)) < 0 ||
	    grow_array(&d->increments, cap, d->layout->n_cells * sizeof(*d->increments)) < 0 ||
	    grow_array(&d->told, cap, sizeof(*d->told)) < 0)
		return -ENOMEM;
	d->cap = cap;
	return 0;
}

/* Makes room for so many keys; after it nothing can fail. */
static int reserve(struct delta *d, size_t want)
{
	if (want > MAX_ENTRIES)
		return -ENOMEM;

	int r = reserve_entries(d, want);
	if (r < 0)
		return r;

	size_t n_slots = d->n_slots;
	while (n_slots < want * 2)
		n_slots *= 2;
	if (n_slots == d->n_slots)
		return 0;
	r = grow_array(&d->slots, n_slots, sizeof(*d->slots));
	if (r < 0)
		return r;
	d->n_slots = n_slots;
	index_entries(d);
	return 0;
}

int delta_new(const struct layout *layout, uint64_t ttl_ns, struct delta **ret_delta)
{
	assert(layout && layout->key_size && layout->n_cells && ret_delta);

	CLEANUP(delta_freep) struct delta *d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->layout = layout;
	d->ttl_ns = ttl_ns;
	d->zeros = calloc(layout->n_cells, sizeof(*d->zeros));
	d->slots = calloc(MIN_SLOTS, sizeof(*d->slots));
	if (!d->zeros || !d->slots)
		return -ENOMEM;
	d->n_slots = MIN_SLOTS;
	*ret_delta = TAKE_PTR(d);
	return 0;
}

/* Notes which row of the read each entry has; unknown keys become entries that were 0 before. */
static void mark(struct delta *d, const struct rows *rows)
{
	for (size_t i = 0; i < d->n; i++)
		d->entries[i].row = NO_ROW;

	for (size_t i = 0; i < rows->n; i++) {
		const uint8_t *key = rows_key(rows, i);
		uint64_t hash = rows_hash(key, rows->key_size);
		uint32_t *slot = find_slot(d, key, hash);
		if (!*slot) {
			memcpy(key_at(d, d->n), key, rows->key_size);
			memcpy(before_at(d, d->n), d->zeros, rows->n_cells * sizeof(*d->zeros));
			d->entries[d->n] =
				(struct entry){.hash = hash, .counted_ns = rows->taken_ns};
			*slot = (uint32_t)++d->n;
		}
		d->entries[*slot - 1].row = (uint32_t)i;
	}
}

static size_t count_unknown(const struct delta *d, const struct rows *rows)
{
	size_t n = 0;
	for (size_t i = 0; i < rows->n; i++) {
		const uint8_t *key = rows_key(rows, i);
		n += !*find_slot(d, key, rows_hash(key, rows->key_size));
	}
	return n;
}

void delta_set_ttl(struct delta *delta, uint64_t ttl_ns)
{
	assert(delta);

	delta->ttl_ns = ttl_ns;
}

int delta_baseline(struct delta *delta, const struct rows *rows)
{
	assert(delta && rows);
	assert(rows->key_size == delta->layout->key_size);
	assert(rows->n_cells == delta->layout->n_cells);

	int r = reserve(delta, rows->n);
	if (r < 0)
		return r;
	delta->n = 0;
	index_entries(delta);
	mark(delta, rows);

	size_t bytes = rows->n_cells * sizeof(*delta->zeros);
	for (size_t i = 0; i < delta->n; i++) {
		struct entry *e = &delta->entries[i];
		const uint64_t *cells = rows_cells(rows, e->row);
		memcpy(before_at(delta, i), cells, bytes);
		e->ever = memcmp(cells, delta->zeros, bytes) != 0;
	}
	return 0;
}

static bool was_reset(const struct delta *d, const uint64_t *before, const uint64_t *now, bool gone)
{
	for (size_t i = 0; i < d->layout->n_runs; i++) {
		const struct layout_run *run = &d->layout->runs[i];
		if (run->kind != SPEC_COUNTER || (run->width != 8 && !gone))
			continue;
		for (uint32_t c = run->first_cell; c < run->first_cell + run->count; c++)
			if (now[c] < before[c])
				return true;
	}
	return false;
}

static void subtract(const struct layout *layout, const uint64_t *before, const uint64_t *now,
                     uint64_t *ret_increments)
{
	for (size_t i = 0; i < layout->n_runs; i++) {
		const struct layout_run *run = &layout->runs[i];
		uint32_t end = run->first_cell + run->count;
		if (run->kind != SPEC_COUNTER)
			memcpy(ret_increments + run->first_cell, now + run->first_cell,
			       run->count * sizeof(*now));
		else if (run->width == 4)
			for (uint32_t c = run->first_cell; c < end; c++)
				ret_increments[c] = (uint32_t)(now[c] - before[c]);
		else
			for (uint32_t c = run->first_cell; c < end; c++)
				ret_increments[c] = now[c] - before[c];
	}
}

/* Advances entry i by its row and writes what is to be told, increments to @p room. */
static void advance_entry(struct delta *d, size_t i, const struct rows *rows, uint64_t *room,
                          struct delta_row *ret_told)
{
	struct entry *e = &d->entries[i];
	const uint64_t *now = rows_cells(rows, e->row);
	uint64_t *before = before_at(d, i);
	size_t bytes = d->layout->n_cells * sizeof(*now);
	bool gone = e->gone;

	e->gone = false;
	*ret_told = (struct delta_row){.increments = d->zeros, .state = DELTA_LIVE};
	/* A gauge or maximum that did not change is told all the same. */
	if (memcmp(before, now, bytes) == 0 && !d->layout->has_gauges && !d->layout->has_maxima)
		return;

	if (was_reset(d, before, now, gone)) {
		ret_told->state = DELTA_RESET;
		memcpy(room, now, bytes);
	} else {
		subtract(d->layout, before, now, room);
		if (!e->ever)
			ret_told->state = DELTA_NEW;
	}
	memcpy(before, now, bytes);
	/* A row may be reset to nothing; the room is the next row's then. */
	ret_told->counted = memcmp(room, d->zeros, bytes) != 0;
	if (ret_told->counted) {
		ret_told->increments = room;
		e->ever = true;
		e->counted_ns = rows->taken_ns;
	}
}

static bool expired(const struct delta *d, const struct entry *e, uint64_t now_ns)
{
	return now_ns > e->counted_ns && now_ns - e->counted_ns >= d->ttl_ns;
}

/* How many vanished keys are too many. */
static size_t excess_vanished(const struct delta *d, const struct rows *rows)
{
	size_t n = 0;
	for (size_t i = 0; i < d->n; i++)
		n += d->entries[i].row == NO_ROW && d->entries[i].ever &&
		     !expired(d, &d->entries[i], rows->taken_ns);

	size_t most = MAX(rows->n, (size_t)DELTA_MIN_VANISHED);
	return n > most ? n - most : 0;
}

/* Whether a key that the read does not have stays known. */
static bool vanish(const struct delta *d, struct entry *e, uint64_t now_ns, size_t *excess)
{
	if (!e->ever || expired(d, e, now_ns))
		return false;
	if (*excess) {
		(*excess)--;
		return false;
	}
	e->gone = true;
	return true;
}

static void move_entry(struct delta *d, size_t to, size_t from)
{
	if (to == from)
		return;
	d->entries[to] = d->entries[from];
	memcpy(key_at(d, to), key_at(d, from), d->layout->key_size);
	memcpy(before_at(d, to), before_at(d, from), d->layout->n_cells * sizeof(*d->before));
}

int delta_advance(struct delta *delta, const struct rows *rows, const struct delta_row **ret_rows,
                  size_t *ret_n)
{
	assert(delta && rows && ret_rows && ret_n);
	assert(rows->key_size == delta->layout->key_size);
	assert(rows->n_cells == delta->layout->n_cells);

	int r = reserve(delta, delta->n + count_unknown(delta, rows));
	if (r < 0)
		return r;
	mark(delta, rows);

	size_t excess = excess_vanished(delta, rows);
	size_t kept = 0, n_told = 0;
	uint64_t *room = delta->increments;
	for (size_t i = 0; i < delta->n; i++) {
		struct entry *e = &delta->entries[i];
		struct delta_row told = {.increments = delta->zeros, .state = DELTA_VANISHED};

		if (e->row != NO_ROW)
			advance_entry(delta, i, rows, room, &told);
		else if (!vanish(delta, e, rows->taken_ns, &excess))
			continue;

		if (told.counted)
			room += rows->n_cells;
		move_entry(delta, kept, i);
		told.key = key_at(delta, kept);
		e = &delta->entries[kept++];
		if (e->ever && !expired(delta, e, rows->taken_ns))
			delta->told[n_told++] = told;
	}
	if (kept != delta->n) {
		delta->n = kept;
		index_entries(delta);
	}
	*ret_rows = delta->told;
	*ret_n = n_told;
	return 0;
}

void delta_end(struct delta *delta, bool (*is_over)(const void *ctx, const uint8_t *key),
               const void *ctx)
{
	assert(delta && is_over);

	for (size_t i = 0; i < delta->n; i++)
		if (delta->entries[i].ever && is_over(ctx, key_at(delta, i)))
			delta->entries[i].ever = false;
}

size_t delta_memory(const struct delta *delta)
{
	size_t cells = delta->layout->n_cells * sizeof(uint64_t);
	size_t entry = sizeof(struct entry) + sizeof(struct delta_row) + delta->layout->key_size +
	               2 * cells;
	return sizeof(*delta) + cells + delta->cap * entry + delta->n_slots * sizeof(*delta->slots);
}

void delta_free(struct delta *delta)
{
	if (!delta)
		return;
	free(delta->entries);
	free(delta->keys);
	free(delta->before);
	free(delta->increments);
	free(delta->told);
	free(delta->zeros);
	free(delta->slots);
	free(delta);
}

void delta_freep(struct delta **delta)
{
	delta_free(*delta);
}
