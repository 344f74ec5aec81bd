/* SPDX-License-Identifier: Apache-2.0 */
#include "shelf.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SEGMENT_PART 64
#define SEGMENT_MIN_BYTES (16u << 10)
#define SEGMENT_MAX_BYTES (16u << 20)
#define FIRST_SEGMENTS 16

void shelf_free(struct shelf *shelf)
{
	assert(shelf);

	free(shelf->segments);
	*shelf = (struct shelf){0};
}

uint64_t shelf_segment_bytes(uint64_t max_bytes)
{
	return MIN(MAX(max_bytes / SEGMENT_PART, SEGMENT_MIN_BYTES), SEGMENT_MAX_BYTES);
}

/* The first that is not older than that, doomed or not; n: none. */
static size_t find_index(const struct shelf *shelf, uint32_t id)
{
	size_t low = 0, high = shelf->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (shelf->segments[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct shelf_segment *shelf_find(const struct shelf *shelf, uint32_t id)
{
	assert(shelf);

	size_t i = find_index(shelf, id);
	bool found = i < shelf->n && shelf->segments[i].id == id && !shelf->segments[i].doomed;

	return found ? &shelf->segments[i] : NULL;
}

struct shelf_segment *shelf_oldest(const struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = 0; i < shelf->n; i++)
		if (!shelf->segments[i].doomed)
			return &shelf->segments[i];
	return NULL;
}

struct shelf_segment *shelf_uncounted(const struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = 0; i < shelf->n; i++)
		if (!shelf->segments[i].counted && !shelf->segments[i].skipped &&
		    !shelf->segments[i].doomed)
			return &shelf->segments[i];
	return NULL;
}

bool shelf_skips(const struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = 0; i < shelf->n; i++)
		if (shelf->segments[i].skipped && !shelf->segments[i].doomed)
			return true;
	return false;
}

void shelf_retry(struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = 0; i < shelf->n; i++)
		shelf->segments[i].skipped = false;
}

/* Nothing in it is needed any more. */
static bool is_spent(const struct shelf_segment *s)
{
	return s->doomed || (s->counted && !s->resting.records && !s->held);
}

struct shelf_segment *shelf_deletable(const struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = 0; i < shelf->n; i++)
		if (is_spent(&shelf->segments[i]))
			return &shelf->segments[i];
	return NULL;
}

struct shelf_segment *shelf_dirty(const struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = 0; i < shelf->n; i++)
		if (shelf->segments[i].dirty && !is_spent(&shelf->segments[i]))
			return &shelf->segments[i];
	return NULL;
}

static int insert(struct shelf *shelf, const struct shelf_segment *segment)
{
	size_t at = find_index(shelf, segment->id);

	if (shelf->n == shelf->cap) {
		size_t cap = shelf->cap ? 2 * shelf->cap : FIRST_SEGMENTS;
		struct shelf_segment *segments =
			reallocarray(shelf->segments, cap, sizeof(segments[0]));

		if (!segments)
			return -ENOMEM;
		shelf->segments = segments;
		shelf->cap = cap;
	}
	memmove(&shelf->segments[at + 1], &shelf->segments[at],
	        (shelf->n - at) * sizeof(shelf->segments[0]));
	shelf->segments[at] = *segment;
	shelf->n++;
	shelf->bytes += segment->size;
	shelf->last_id = MAX(shelf->last_id, segment->id);
	return 0;
}

int shelf_add(struct shelf *shelf, uint32_t id, uint64_t size)
{
	assert(shelf && id);

	size_t i = find_index(shelf, id);

	if (i < shelf->n && shelf->segments[i].id == id)
		return 0;
	return insert(shelf, &(struct shelf_segment){.id = id, .size = size});
}

void shelf_count(struct shelf *shelf, uint32_t id, const struct shelf_counts *counts,
                 int64_t oldest_stamp_ns, uint64_t size)
{
	assert(shelf && counts);

	struct shelf_segment *s = shelf_find(shelf, id);

	if (!s || s->counted)
		return;
	shelf->bytes += size - s->size;
	s->size = size;
	s->resting = *counts;
	s->oldest_stamp_ns = oldest_stamp_ns;
	s->counted = true;
	shelfcounts_add(&shelf->resting, counts);
	if (shelf->cursor.segment == id)
		shelf->ahead = *counts;
	if (!shelf->tail && id == shelf->last_id && counts->records)
		shelf->tail = id;
}

int shelf_room(struct shelf *shelf, uint64_t bytes, struct record_place *ret_place)
{
	assert(shelf && bytes && ret_place);

	struct shelf_segment *tail = shelf->tail ? shelf_find(shelf, shelf->tail) : NULL;

	if (bytes > shelf->max_bytes)
		return -EFBIG;
	if (shelf->bytes + bytes > shelf->max_bytes)
		return -ENOSPC;
	if (tail && tail->size + bytes <= shelf_segment_bytes(shelf->max_bytes)) {
		*ret_place = (struct record_place){tail->id, tail->size};
		return 0;
	}
	if (shelf->n >= SHELF_MAX_SEGMENTS)
		return -ENOSPC;
	if (insert(shelf, &(struct shelf_segment){.id = shelf->last_id + 1, .counted = true}))
		return -ENOMEM;
	shelf->tail = shelf->last_id;
	*ret_place = (struct record_place){shelf->tail, 0};
	return 0;
}

void shelf_written(struct shelf *shelf, struct record_place place, uint64_t bytes)
{
	assert(shelf);

	struct shelf_segment *s = shelf_find(shelf, place.segment);

	assert(s && s->size == place.offset);
	s->size += bytes;
	s->held++;
	s->dirty = true;
	shelf->bytes += bytes;
}

/* Whether the cursor meets it in this pass, in its present segment. */
static bool is_ahead(const struct shelf *shelf, struct record_place place)
{
	return place.segment == shelf->cursor.segment && place.offset >= shelf->cursor.offset;
}

void shelf_rest(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts,
                int64_t stamp_ns)
{
	assert(shelf && counts);

	struct shelf_segment *s = shelf_find(shelf, place.segment);

	assert(s && s->held);
	s->held--;
	s->oldest_stamp_ns = s->resting.records ? MIN(s->oldest_stamp_ns, stamp_ns) : stamp_ns;
	shelfcounts_add(&s->resting, counts);
	shelfcounts_add(&shelf->resting, counts);
	if (is_ahead(shelf, place))
		shelfcounts_add(&shelf->ahead, counts);
}

void shelf_release(struct shelf *shelf, struct record_place place)
{
	assert(shelf);

	struct shelf_segment *s = shelf_find(shelf, place.segment);

	assert(s && s->held);
	s->held--;
}

/* @return whether the books knew it */
static bool take(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts)
{
	struct shelf_segment *s = shelf_find(shelf, place.segment);

	assert(s);
	if (!shelfcounts_holds(&s->resting, counts) || !is_ahead(shelf, place) ||
	    !shelfcounts_holds(&shelf->ahead, counts))
		return false;
	shelfcounts_subtract(&s->resting, counts);
	shelfcounts_subtract(&shelf->resting, counts);
	shelfcounts_subtract(&shelf->ahead, counts);
	return true;
}

bool shelf_hold(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts)
{
	assert(shelf && counts);

	shelf_find(shelf, place.segment)->held++;
	return take(shelf, place, counts);
}

bool shelf_lose(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts)
{
	assert(shelf && counts);

	return take(shelf, place, counts);
}

static bool has_ahead(const struct shelf *shelf, size_t i)
{
	const struct shelf_segment *s = &shelf->segments[i];

	if (s->doomed || s->id < shelf->cursor.segment)
		return false;
	return s->id == shelf->cursor.segment ? shelf->ahead.records : s->resting.records;
}

bool shelf_has_ahead(const struct shelf *shelf)
{
	assert(shelf);

	for (size_t i = find_index(shelf, shelf->cursor.segment); i < shelf->n; i++)
		if (has_ahead(shelf, i))
			return true;
	return false;
}

struct record_place shelf_seek(struct shelf *shelf)
{
	assert(shelf);

	if (!shelf->resting.records)
		return (struct record_place){0};
	if (!shelf_has_ahead(shelf)) {
		shelf->passes += shelf->refused;
		shelf->refused = false;
		shelf->cursor = (struct record_place){0};
	}
	size_t i = find_index(shelf, shelf->cursor.segment);
	while (!has_ahead(shelf, i))
		i++;
	if (shelf->segments[i].id != shelf->cursor.segment) {
		shelf->cursor = (struct record_place){shelf->segments[i].id, 0};
		shelf->ahead = shelf->segments[i].resting;
	}
	return shelf->cursor;
}

void shelf_pass(struct shelf *shelf, uint64_t offset)
{
	assert(shelf);

	shelf->cursor.offset = offset;
}

struct shelf_counts shelf_end(struct shelf *shelf)
{
	assert(shelf);

	struct shelf_segment *s = shelf_find(shelf, shelf->cursor.segment);
	struct shelf_counts lost = shelf->ahead;

	shelf->ahead = (struct shelf_counts){0};
	if (!s)
		return lost;
	shelf->cursor.offset = s->size;
	shelfcounts_subtract(&s->resting, &lost);
	shelfcounts_subtract(&shelf->resting, &lost);
	return lost;
}

void shelf_skip(struct shelf *shelf)
{
	assert(shelf);

	shelf->cursor = (struct record_place){shelf->cursor.segment + 1, 0};
	shelf->refused = true;
	struct shelf_segment *next = shelf_find(shelf, shelf->cursor.segment);
	shelf->ahead = next ? next->resting : (struct shelf_counts){0};
}

struct shelf_counts shelf_doom(struct shelf *shelf, struct shelf_segment *segment)
{
	assert(shelf && segment);

	struct shelf_counts had = segment->resting;

	shelfcounts_subtract(&shelf->resting, &had);
	segment->resting = (struct shelf_counts){0};
	segment->held = 0;
	segment->doomed = true;
	if (shelf->tail == segment->id)
		shelf->tail = 0;
	if (shelf->cursor.segment == segment->id)
		shelf->ahead = (struct shelf_counts){0};
	return had;
}

void shelf_remove(struct shelf *shelf, uint32_t id)
{
	assert(shelf);

	size_t i = find_index(shelf, id);

	assert(i < shelf->n && shelf->segments[i].id == id);
	shelf->bytes -= shelf->segments[i].size;
	shelf->n--;
	memmove(&shelf->segments[i], &shelf->segments[i + 1],
	        (shelf->n - i) * sizeof(shelf->segments[0]));
	if (!shelf->n)
		shelf->passes = shelf->refused = 0;
}

int64_t shelf_oldest_stamp(const struct shelf *shelf)
{
	assert(shelf);

	/* Within one segment and the next they grow, but for what was written again; so the first will do. */
	for (size_t i = 0; i < shelf->n; i++)
		if (shelf->segments[i].resting.records)
			return shelf->segments[i].oldest_stamp_ns;
	return 0;
}
