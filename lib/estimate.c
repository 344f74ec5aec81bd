/* SPDX-License-Identifier: Apache-2.0 */
#include "estimate.h"

#include "batch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Any past instant; digits of a stamp are the same for centuries. */
#define STAMP_NS 1700000000000000000

/* A maximum of half an hour in microseconds, above the last bound of most scales; its word holds 32 bits. */
#define GREAT (1ull << 31)

/* What one window gives. */
struct load {
	struct text lines;
	uint64_t n_lines, series;
	double bytes; /* lines.len, and what was scaled up */
};

struct estimate {
	struct estimate_settings settings;
	struct batcher *batcher;
	struct load busy, rest;
	uint64_t series_bound;
	bool has_open_tags;
	uint64_t random;
	int err;
};

/* ---- made-up counts and keys */

/* xorshift64 (Marsaglia 2003): the same in every run. */
static uint64_t next_random(struct estimate *e)
{
	e->random ^= e->random << 13;
	e->random ^= e->random >> 7;
	e->random ^= e->random << 17;
	return e->random;
}

/* 1 to 2^17, and as many of each length. */
static uint64_t count(struct estimate *e)
{
	return 1 + (next_random(e) >> (47 + next_random(e) % 17));
}

/* What a member of the key can be. */
struct choice {
	uint32_t offset, size;
	uint64_t n;
	const struct enumtext *words; /* NULL: a device, or n is 1 */
	const struct disks *disks;
};

static uint64_t value_of(const struct choice *c, uint64_t i)
{
	if (c->words)
		return c->words->names[i].value;
	return c->disks ? c->disks->disks[i].dev : 1;
}

/* Two tags of one member, as a disk and its layer, are one choice. */
static size_t list_choices(struct estimate *e, const struct estimate_map *m,
                           const struct disks *disks, struct choice choices[SPEC_MAX_TAGS])
{
	size_t n = 0;

	for (size_t i = 0; i < m->map->n_tags; i++) {
		const char *decoder = m->map->tags[i].decoder;
		struct choice c = {.offset = m->layout->tags[i].offset,
		                   .size = m->layout->tags[i].size,
		                   .n = 1};
		bool seen = false;

		for (size_t k = 0; k < n; k++)
			seen |= choices[k].offset == c.offset;
		if (seen)
			continue;
		if (m->layout->enums[i].n) {
			c.words = &m->layout->enums[i];
			c.n = c.words->n;
		} else if (!strcmp(decoder, spec_decoders[SPEC_DECODER_DISK].name) ||
		           !strcmp(decoder, spec_decoders[SPEC_DECODER_DISK_LAYER].name)) {
			c.disks = disks;
			c.n = disks->n;
		} else {
			e->has_open_tags = true;
		}
		choices[n++] = c;
	}
	return n;
}

/* Host byte order: the low bytes of a number stand where its member is. */
static void put(uint8_t *key, const struct choice *c, uint64_t value)
{
	size_t size = MIN(c->size, sizeof(value));

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(key + c->offset, &value, size);
#else
	memcpy(key + c->offset, (uint8_t *)&value + sizeof(value) - size, size);
#endif
}

static int add_row(struct estimate *e, const struct estimate_map *m, const struct choice *choices,
                   size_t n, uint64_t number, struct rows *rows)
{
	uint8_t key[LAYOUT_MAX_KEY_BYTES] = {0};
	uint64_t *cells;
	int err;

	for (size_t i = 0; i < n; i++) {
		put(key, &choices[i], value_of(&choices[i], number % choices[i].n));
		number /= choices[i].n;
	}
	err = rows_add(rows, key, &cells);
	for (uint32_t i = 0; i < m->layout->n_cells && !err; i++)
		cells[i] = count(e);
	return err;
}

/* Every cell counts on. A maximum that does not lie in the highest slot that counted, here the last, is not told. */
static void grow(struct estimate *e, const struct layout *layout, struct rows *rows)
{
	for (size_t i = 0; i < rows->n * rows->n_cells; i++)
		rows->cells[i] += count(e);
	for (size_t i = 0; i < rows->n * layout->n_runs; i++) {
		const struct layout_run *run = &layout->runs[i % layout->n_runs];
		uint64_t *cells = rows->cells + i / layout->n_runs * rows->n_cells;

		for (uint32_t k = 0; k < run->count && run->kind == SPEC_MAXIMUM; k++)
			cells[run->first_cell + k] = GREAT + count(e);
	}
}

/* ---- windows */

struct telling {
	struct estimate *e;
	struct load *load; /* NULL: nobody listens */
};

static int take_point(void *ctx, const struct point *point)
{
	const struct telling *t = ctx;
	bool each_field = t->e->settings.style.style == STYLE_PROMETHEUS;

	/* A point that cannot be written does not leave. */
	if (!t->load || lineproto_append(&t->load->lines, t->e->settings.globals, point))
		return 0;
	t->load->n_lines++;
	t->load->series += each_field ? point->n_fields : 1;
	return 0;
}

static int tell(struct estimate *e, struct mapstreet *street, const struct rows *rows,
                const struct disks *disks, struct load *load)
{
	const struct window window = {.stamp_ns = STAMP_NS,
	                              .start_ns = STAMP_NS - (int64_t)e->settings.interval_ns,
	                              .length_ns = e->settings.interval_ns};
	const struct decode_env env = {.disks = disks};
	struct telling t = {.e = e, .load = load};
	int err = mapstreet_advance(street, rows);

	err = err ?: mapstreet_merge(street, &env, NULL);
	return err ?: mapstreet_emit(street, 0, &window, take_point, &t);
}

/* The first window is not that of a running agent: in style prometheus series begin with a point of zeros. */
static int tell_windows(struct estimate *e, const struct estimate_map *m, struct rows *rows,
                        const struct disks *disks, struct load *busy, struct load *rest)
{
	const struct mapstreet_settings settings = {.ttl_ns = UINT64_MAX,
	                                            .max_series = m->max_series,
	                                            .alias = m->alias,
	                                            .styles = &e->settings.style,
	                                            .n_styles = 1};
	CLEANUP(mapstreet_freep) struct mapstreet *street = NULL;
	int err = mapstreet_new(m->spec, m->map, m->layout, &settings, &street);

	err = err ?: tell(e, street, rows, disks, NULL);
	grow(e, m->layout, rows);
	rows->taken_ns += e->settings.interval_ns;
	err = err ?: tell(e, street, rows, disks, busy);
	rows->taken_ns += e->settings.interval_ns;
	return err ?: tell(e, street, rows, disks, rest);
}

static void add_load(struct load *to, struct load *from, double factor)
{
	text_append(&to->lines, from->lines.data, from->lines.len);
	to->n_lines += (uint64_t)((double)from->n_lines * factor);
	to->series += (uint64_t)((double)from->series * factor);
	to->bytes += (double)from->lines.len * factor;
	text_free(&from->lines);
}

static int add_rows(struct estimate *e, const struct estimate_map *m, const struct disks *disks,
                    struct rows *rows, uint64_t n)
{
	struct load busy = {0}, rest = {0};
	uint64_t sets = MIN(m->max_keys, 2 * (uint64_t)m->max_series + 1);
	int err = tell_windows(e, m, rows, disks, &busy, &rest);

	if (!err && rows->n)
		e->series_bound += sets * busy.series / rows->n;
	add_load(&e->busy, &busy, rows->n ? (double)n / (double)rows->n : 1);
	add_load(&e->rest, &rest, rows->n ? (double)n / (double)rows->n : 1);
	return err;
}

int estimate_add_map(struct estimate *e, const struct estimate_map *m, const struct disks *disks)
{
	assert(e && m && disks);

	CLEANUP(rows_free) struct rows rows = {0};
	struct choice choices[SPEC_MAX_TAGS];
	size_t n_choices = list_choices(e, m, disks, choices);
	uint64_t n = 1;

	for (size_t i = 0; i < n_choices; i++)
		n = MIN(n * choices[i].n, m->max_keys);
	rows_reset(&rows, m->layout->key_size, m->layout->n_cells);
	rows.taken_ns = 1;
	for (uint64_t i = 0; i < MIN(n, ESTIMATE_MAX_ROWS) && !e->err; i++)
		e->err = add_row(e, m, choices, n_choices, i, &rows);
	e->err = e->err ?: add_rows(e, m, disks, &rows, n);
	return e->err;
}

/* ---- all */

int estimate_new(const struct estimate_settings *settings, struct estimate **ret)
{
	assert(settings && settings->globals && settings->interval_ns && ret);

	CLEANUP(estimate_freep) struct estimate *e = calloc(1, sizeof(*e));
	int err = e ? batcher_new(settings->encoding, &e->batcher) : -ENOMEM;

	if (err)
		return err;
	e->settings = *settings;
	e->random = 88172645463325252ull;
	*ret = TAKE_PTR(e);
	return 0;
}

int estimate_add_point(void *estimate, const struct point *point)
{
	struct estimate *e = estimate;
	struct load *const loads[] = {&e->busy, &e->rest};

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct telling t = {.e = e, .load = loads[i]};
		size_t before = loads[i]->lines.len;

		take_point(&t, point);
		loads[i]->bytes += (double)(loads[i]->lines.len - before);
	}
	e->series_bound += e->settings.style.style == STYLE_PROMETHEUS ? point->n_fields : 1;
	return 0;
}

static int add_batch(void *ctx, struct batch *batch)
{
	*(uint64_t *)ctx += batch->len;
	free(batch);
	return 0;
}

static int measure(struct estimate *e, const struct load *load, struct estimate_load *ret)
{
	uint64_t compressed = 0;
	int err = load->lines.err;

	err = err
	              ?: batcher_cut(e->batcher, text_cstr(&load->lines), load->lines.len,
	                             e->settings.batch_max_bytes, STAMP_NS, add_batch, &compressed);
	if (err)
		return err;
	*ret = (struct estimate_load){
		.lines = load->n_lines,
		.series = load->series,
		.bytes = (uint64_t)load->bytes,
	};
	if (load->lines.len)
		ret->compressed =
			(uint64_t)((double)compressed * load->bytes / (double)load->lines.len);
	return 0;
}

int estimate_finish(struct estimate *e, struct estimate_result *ret)
{
	assert(e && ret);

	struct estimate_result result = {.series_bound = e->series_bound,
	                                 .has_open_tags = e->has_open_tags};
	int err = e->err ?: measure(e, &e->busy, &result.busy);

	err = err ?: measure(e, &e->rest, &result.rest);
	if (!err)
		*ret = result;
	return err;
}

void estimate_free(struct estimate *e)
{
	if (!e)
		return;
	batcher_free(e->batcher);
	text_free(&e->busy.lines);
	text_free(&e->rest.lines);
	free(e);
}

void estimate_freep(struct estimate **e)
{
	estimate_free(*e);
	*e = NULL;
}
