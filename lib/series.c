/* SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include "tagset.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "18446744073709551615" */
#define LE_BYTES 24

/* Which tags of a row say SERIES_OTHER: of the sets after the first max_series, and after twice as many. */
enum other { OTHER_NONE, OTHER_FIRST, OTHER_ALL };

/* One field of the throughput point; they stand sorted by key. */
struct field_plan {
	char *key;
	uint32_t cell;
	bool rate;
};

struct histogram_plan {
	char *buckets; /* measurements */
	char *summary;
	char *sum; /* key; NULL: no sum */
};

struct series {
	const struct spec_map *map;
	const struct layout *layout;
	size_t max_series;
	struct field_plan fields[2 * SPEC_MAX_FIELDS];
	size_t n_fields;
	struct histogram_plan histograms[SPEC_MAX_HISTOGRAMS];
	struct tagsets sets; /* of the last window merged */
	struct text row;     /* the tags of the row at hand, each ended by NUL */
};

static_assert(2 * SPEC_MAX_FIELDS <= POINT_MAX_FIELDS, "a field and its rate each");
static_assert(SPEC_MAX_TAGS + 2 <= POINT_MAX_TAGS, "a map's tags, phase and le");

static char *join(const char *a, const char *b, const char *c)
{
	char *joined;
	return asprintf(&joined, "%s%s%s", a, b, c) < 0 ? NULL : joined;
}

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct field_plan *)a)->key, ((const struct field_plan *)b)->key);
}

static int plan_fields(struct series *s)
{
	for (size_t i = 0; i < s->map->n_fields; i++) {
		const struct spec_field *field = &s->map->fields[i];
		for (int rate = 0; rate <= field->rate; rate++) {
			struct field_plan *plan = &s->fields[s->n_fields];
			plan->key = join(field->name, rate ? "_per_s" : "", "");
			if (!plan->key)
				return -ENOMEM;
			plan->cell = s->layout->field_cell[i];
			plan->rate = rate;
			s->n_fields++;
		}
	}
	qsort(s->fields, s->n_fields, sizeof(*s->fields), compare_fields);
	return 0;
}

static int plan_histograms(struct series *s)
{
	for (size_t i = 0; i < s->map->n_histograms; i++) {
		const struct spec_histogram *h = &s->map->histograms[i];
		struct histogram_plan *plan = &s->histograms[i];
		const char *unit = h->unit == SPEC_UNIT_NONE ? "" : spec_unit_names[h->unit];

		plan->buckets = join(s->map->measurement, "_", h->name);
		if (!plan->buckets)
			return -ENOMEM;
		plan->summary = join(plan->buckets, "_summary", "");
		if (!plan->summary)
			return -ENOMEM;
		if (s->layout->sum_cell[i] == LAYOUT_NO_CELL)
			continue;
		plan->sum = join("sum", *unit ? "_" : "", unit);
		if (!plan->sum)
			return -ENOMEM;
	}
	return 0;
}

int series_new(const struct spec_map *map, const struct layout *layout, size_t max_series,
               struct series **ret_series)
{
	assert(map && layout && layout->n_cells && max_series && ret_series);

	CLEANUP(series_freep) struct series *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->map = map;
	s->layout = layout;
	s->max_series = max_series;
	s->sets.n_cells = layout->n_cells;
	if (map->measurement) {
		int r = plan_fields(s);
		if (!r)
			r = plan_histograms(s);
		if (r)
			return r;
	}
	*ret_series = TAKE_PTR(s);
	return 0;
}

static int write_tags(struct series *s, const struct decode_env *env, const uint8_t *key,
                      enum other other)
{
	text_clear(&s->row);
	for (size_t i = 0; i < s->map->n_tags; i++) {
		bool first = strcmp(s->map->tags[i].member, s->map->tags[0].member) == 0;
		size_t start = s->row.len;

		if (other == OTHER_ALL || (other == OTHER_FIRST && first)) {
			text_str(&s->row, SERIES_OTHER);
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
	if (s->map->n_fields)
		return increments[s->layout->field_cell[0]];
	return s->map->n_histograms ? total(s, 0, increments) : 0;
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
	uint64_t *cells = tagsets_cells(&s->sets, i);
	for (uint32_t c = 0; c < s->layout->n_cells; c++)
		cells[c] += row->increments[c];
	counts->events += events(s, row->increments);
	return 0;
}

int series_merge(struct series *series, const struct delta_row *rows, size_t n,
                 const struct decode_env *env, struct series_counts *ret_counts)
{
	assert(series && (rows || !n) && env);

	struct series_counts counts = {};

	tagsets_clear(&series->sets);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].counted &&
		    decode_is_gone(env, series->map, series->layout, rows[i].key))
			continue;
		int r = merge_row(series, &rows[i], env, &counts);
		if (r < 0) {
			tagsets_clear(&series->sets);
			return r;
		}
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

/* What one call of series_emit() works with. */
struct emitter {
	const struct series *series;
	const struct series_style *style;
	double length_s;
	point_fn fn;
	void *ctx;
	struct point point; /* the map's own tags and the stamp are set */
};

static void add_tag(struct point *point, const char *key, const char *value)
{
	point->tags[point->n_tags++] = (struct point_tag){.key = key, .value = value};
}

static void add_integer(struct point *point, const char *key, uint64_t value)
{
	point->fields[point->n_fields++] =
		(struct point_field){.key = key, .type = POINT_INTEGER, .integer = value};
}

static void begin_set(struct emitter *e, size_t i)
{
	const char *text = tagsets_tags(&e->series->sets, i);

	e->point.n_tags = 0;
	for (size_t t = 0; t < e->series->map->n_tags; t++) {
		add_tag(&e->point, e->series->map->tags[t].name, text);
		text += strlen(text) + 1;
	}
}

static int emit_fields(struct emitter *e, size_t i)
{
	const struct series *s = e->series;
	struct point *point = &e->point;

	point->measurement = s->map->measurement;
	point->n_fields = 0;
	for (size_t f = 0; f < s->n_fields; f++) {
		const struct field_plan *plan = &s->fields[f];
		uint64_t value = tagsets_cells(&s->sets, i)[plan->cell];
		if (!plan->rate) {
			add_integer(point, plan->key, value);
			continue;
		}
		/* A window of no length held nothing. */
		double rate = e->length_s > 0 ? (double)value / e->length_s : 0;
		point->fields[point->n_fields++] = (struct point_field){
			.key = plan->key, .type = POINT_FLOAT, .decimal = rate};
	}
	return e->fn(e->ctx, point);
}

static int emit_bucket(struct emitter *e, uint64_t upper, uint64_t count)
{
	char le[LE_BYTES] = "+Inf";

	if (upper != UINT64_MAX)
		snprintf(le, sizeof(le), "%" PRIu64, upper);
	add_tag(&e->point, "le", le);
	e->point.n_fields = 0;
	add_integer(&e->point, "count", count);
	int r = e->fn(e->ctx, &e->point);
	e->point.n_tags--;
	return r;
}

static int emit_buckets(struct emitter *e, size_t i, size_t h)
{
	const struct bucket_scale *scale = &e->series->map->histograms[h].scale;
	const uint64_t *slots =
		tagsets_cells(&e->series->sets, i) + e->series->layout->histogram_cell[h];
	uint32_t n = bucket_slots(scale);
	uint64_t count = 0;

	e->point.measurement = e->series->histograms[h].buckets;
	for (uint32_t slot = 0; slot < n; slot++) {
		count += slots[slot];
		if (!count)
			continue;
		uint64_t per_octave = e->style->buckets_per_octave;
		uint64_t upper = bucket_coarse_upper(scale, slot, per_octave);
		if (slot + 1 < n && bucket_coarse_upper(scale, slot + 1, per_octave) == upper)
			continue;
		int r = emit_bucket(e, upper, count);
		if (r)
			return r;
		count = 0;
	}
	return 0;
}

/* From one unit of time to another, to the nearest. */
static uint64_t convert(uint64_t value, enum spec_unit from, enum spec_unit to)
{
	if (from == SPEC_UNIT_NS && to == SPEC_UNIT_US)
		return value / 1000 + (value % 1000 >= 500);
	if (from == SPEC_UNIT_US && to == SPEC_UNIT_NS)
		return value > UINT64_MAX / 1000 ? UINT64_MAX : value * 1000;
	return value;
}

static int emit_histogram(struct emitter *e, size_t i, size_t h)
{
	const struct series *s = e->series;
	const struct spec_histogram *histogram = &s->map->histograms[h];
	uint64_t count = total(s, h, tagsets_cells(&s->sets, i));
	if (!count)
		return 0;

	begin_set(e, i);
	if (histogram->phase)
		add_tag(&e->point, "phase", histogram->phase);
	int r = emit_buckets(e, i, h);
	if (r)
		return r;

	e->point.measurement = s->histograms[h].summary;
	e->point.n_fields = 0;
	add_integer(&e->point, "count", count);
	if (s->histograms[h].sum) {
		uint64_t sum = tagsets_cells(&s->sets, i)[s->layout->sum_cell[h]];
		add_integer(&e->point, s->histograms[h].sum,
		            convert(sum, histogram->sum_unit, histogram->unit));
	}
	return e->fn(e->ctx, &e->point);
}

int series_emit(const struct series *series, const struct series_style *style,
                const struct window *window, point_fn fn, void *ctx)
{
	assert(series && style && style->style == STYLE_INFLUX && window && fn);

	if (!series->map->measurement)
		return 0;

	struct emitter e = {.series = series,
	                    .style = style,
	                    .length_s = (double)window->length_ns / 1e9,
	                    .fn = fn,
	                    .ctx = ctx,
	                    .point.stamp_ns = window->stamp_ns};
	/* Throughput first: a person reads it as a table. */
	for (size_t i = 0; i < series->sets.n && series->n_fields; i++) {
		begin_set(&e, i);
		int r = emit_fields(&e, i);
		if (r)
			return r;
	}
	for (size_t h = 0; h < series->map->n_histograms; h++)
		for (size_t i = 0; i < series->sets.n; i++) {
			int r = emit_histogram(&e, i, h);
			if (r)
				return r;
		}
	return 0;
}

size_t series_memory(const struct series *series)
{
	return sizeof(*series) + tagsets_memory(&series->sets) + series->row.cap;
}

void series_free(struct series *series)
{
	if (!series)
		return;
	for (size_t i = 0; i < series->n_fields; i++)
		free(series->fields[i].key);
	for (size_t i = 0; i < ARRAY_SIZE(series->histograms); i++) {
		free(series->histograms[i].buckets);
		free(series->histograms[i].summary);
		free(series->histograms[i].sum);
	}
	tagsets_free(&series->sets);
	text_free(&series->row);
	free(series);
}

void series_freep(struct series **series)
{
	series_free(*series);
}
