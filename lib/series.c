/* SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include "totals.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Which tags of a row say TAGSET_OTHER: of the sets after the first max_series, and after twice as many. */
enum other { OTHER_NONE, OTHER_FIRST, OTHER_ALL };

struct series {
	const struct spec_map *map;
	const struct layout *layout;
	size_t max_series;
	struct tagsets sets;  /* of the last window merged */
	struct totals totals; /* only if cumulative */
	bool cumulative;
	bool gathering;    /* sets are of the running window */
	uint64_t gathered; /* events in them */
	struct text row;   /* the tags of the row at hand, each ended by NUL */
};

int series_new(const struct spec_map *map, const struct layout *layout, size_t max_series,
               bool cumulative, struct series **ret_series)
{
	assert(map && layout && layout->n_cells && max_series && ret_series);

	struct series *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->map = map;
	s->layout = layout;
	s->max_series = max_series;
	s->cumulative = cumulative;
	s->sets.n_cells = s->totals.now.n_cells = s->totals.before.n_cells = layout->n_cells;
	*ret_series = s;
	return 0;
}

void series_set(struct series *series, size_t max_series, bool cumulative)
{
	assert(series && max_series);

	series->max_series = max_series;
	series->cumulative = cumulative;
	if (!cumulative)
		totals_free(&series->totals);
}

static int write_tags(struct series *s, const struct decode_env *env, const uint8_t *key,
                      enum other other)
{
	text_clear(&s->row);
	for (size_t i = 0; i < s->map->n_tags; i++) {
		bool first = strcmp(s->map->tags[i].member, s->map->tags[0].member) == 0;
		size_t start = s->row.len;

		if (other == OTHER_ALL || (other == OTHER_FIRST && first)) {
			text_str(&s->row, TAGSET_OTHER);
		} else {
			decode_tag(env, s->map, s->layout, i, key, &s->row);
			/* NUL ends a text here; a decoder that gives one must not shift its neighbours. */
			text_truncate(&s->row, start + strlen(text_cstr(&s->row) + start));
		}
		text_append(&s->row, "", 1);
	}
	return s->row.err;
}

static bool is_known(const struct series *s)
{
	return tagsets_has(&s->sets, text_cstr(&s->row), s->row.len);
}

/* Writes the tags under which the row is told, known or not yet. */
static int choose_tags(struct series *s, const struct decode_env *env, const uint8_t *key,
                       enum other *ret_other)
{
	int r = write_tags(s, env, key, OTHER_NONE);
	*ret_other = OTHER_NONE;
	if (r < 0 || is_known(s) || s->sets.n < s->max_series)
		return r;

	r = write_tags(s, env, key, OTHER_FIRST);
	*ret_other = OTHER_FIRST;
	if (r < 0 || is_known(s) || s->sets.n < 2 * s->max_series)
		return r;

	*ret_other = OTHER_ALL;
	return write_tags(s, env, key, OTHER_ALL);
}

static uint64_t total(const struct series *s, size_t histogram, const uint64_t *increments)
{
	uint32_t n = bucket_slots(&s->map->histograms[histogram].scale);
	const uint64_t *slots = increments + s->layout->histogram_cell[histogram];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += slots[i];
	return sum;
}

static uint64_t events(const struct series *s, const uint64_t *increments)
{
	for (size_t i = 0; i < s->map->n_fields; i++)
		if (s->map->fields[i].kind == SPEC_COUNTER)
			return increments[s->layout->field_cell[i]];
	return s->map->n_histograms ? total(s, 0, increments) : 0;
}

void series_add(const struct layout *layout, uint64_t *cells, const uint64_t *more)
{
	for (size_t i = 0; i < layout->n_runs; i++) {
		const struct layout_run *run = &layout->runs[i];
		uint32_t end = run->first_cell + run->count;

		for (uint32_t c = run->first_cell; c < end; c++)
			cells[c] = run->kind == SPEC_MAXIMUM ? MAX(cells[c], more[c])
			                                     : cells[c] + more[c];
	}
}

static int merge_row(struct series *s, const struct delta_row *row, const struct decode_env *env,
                     struct series_counts *counts)
{
	enum other other;
	size_t i;

	int r = choose_tags(s, env, row->key, &other);
	if (r < 0)
		return r;
	r = tagsets_take(&s->sets, text_cstr(&s->row), s->row.len, &i);
	if (r < 0)
		return r;

	counts->keys++;
	counts->overflow += other != OTHER_NONE;
	if (!row->counted)
		return 0;
	series_add(s->layout, tagsets_cells(&s->sets, i), row->increments);
	counts->events += events(s, row->increments);
	return 0;
}

/* Sets that are left from the window told last are not the running one's. */
static void begin(struct series *s)
{
	if (s->gathering)
		return;
	tagsets_clear(&s->sets);
	s->gathered = 0;
}

static bool is_gauge(const struct layout *layout, size_t run)
{
	return layout->runs[run].kind == SPEC_GAUGE;
}

/* @return whether anything but gauges counted; those are 0 in @cells */
static bool take_counts(const struct layout *layout, const uint64_t *increments, uint64_t *cells)
{
	bool counted = false;

	for (size_t i = 0; i < layout->n_runs; i++) {
		const struct layout_run *run = &layout->runs[i];

		for (uint32_t c = run->first_cell; c < run->first_cell + run->count; c++) {
			cells[c] = is_gauge(layout, i) ? 0 : increments[c];
			counted |= cells[c] != 0;
		}
	}
	return counted;
}

int series_gather(struct series *series, const struct delta_row *rows, size_t n,
                  const struct decode_env *env)
{
	assert(series && (rows || !n) && env);

	CLEANUP_FREE uint64_t *cells = calloc(series->layout->n_cells, sizeof(*cells));
	struct series_counts counts = {};
	int r = cells ? 0 : -ENOMEM;

	begin(series);
	for (size_t i = 0; i < n && !r; i++) {
		struct delta_row row = rows[i];

		if (!row.counted || !take_counts(series->layout, row.increments, cells))
			continue;
		row.increments = cells;
		r = merge_row(series, &row, env, &counts);
	}
	series->gathering = !r;
	if (!r)
		series->gathered += counts.events;
	return r;
}

int series_merge(struct series *series, const struct delta_row *rows, size_t n,
                 const struct decode_env *env, struct series_counts *ret_counts)
{
	assert(series && (rows || !n) && env);

	struct series_counts counts = {};
	int r = 0;

	begin(series);
	counts.events = series->gathered;
	for (size_t i = 0; i < n && !r; i++) {
		if (!rows[i].counted &&
		    decode_is_gone(env, series->map, series->layout, rows[i].key))
			continue;
		r = merge_row(series, &rows[i], env, &counts);
	}
	series->gathering = false;
	if (!r && series->cumulative)
		r = totals_advance(&series->totals, &series->sets);
	if (r < 0) {
		tagsets_clear(&series->sets);
		return r;
	}
	counts.series = series->sets.n;
	if (ret_counts)
		*ret_counts = counts;
	return 0;
}

void series_each(const struct series *series, series_fn fn, void *ctx)
{
	assert(series && fn);

	for (size_t i = 0; i < series->sets.n; i++)
		fn(ctx, tagsets_tags(&series->sets, i),
		   events(series, tagsets_cells(&series->sets, i)));
}

const struct tagsets *series_sets(const struct series *series)
{
	return &series->sets;
}

const uint64_t *series_totals(const struct series *series, size_t i)
{
	return series->cumulative ? tagsets_cells(&series->totals.now, i) : NULL;
}

bool series_is_new(const struct series *series, size_t i)
{
	return series->cumulative && series->totals.is_new[i];
}

size_t series_memory(const struct series *series)
{
	return sizeof(*series) + tagsets_memory(&series->sets) + totals_memory(&series->totals) +
	       series->row.cap;
}

void series_free(struct series *series)
{
	if (!series)
		return;
	tagsets_free(&series->sets);
	totals_free(&series->totals);
	text_free(&series->row);
	free(series);
}

void series_freep(struct series **series)
{
	series_free(*series);
}
