/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: CPU time of a window in user space, stage by stage, on simulated maps of any size.
 *
 * Prints lines of words by tabs: "size" CPUs devices ops rows, and medians in ns: extract delta merge format gzip, then the sum's
 * least and most, and allocations of all measured windows. "style" NAME lines bytes format gzip body ratio: of one size, the
 * last the median of the rounds' format / gzip with least and most.
 *
 * The maps are like block_io's with two phases, one of which counts: per row 8 of 117 slots change in a window.
 * CPUs means shards: one copy of each value, all of which are read.
 */
#include "allocations.h"
#include "batch.h"
#include "blockmap.h"
#include "clock.h"
#include "lineproto.h"
#include "random.h"
#include "style.h"

#include <errno.h>
#include <stdio.h>

#define ROUNDS 15
#define WARM_UP 20
#define SECOND 1000000000u
#define SLOTS_A_ROW 8
/* The most that the design lets a read copy: other shards' bytes are taken from a pool of this size, in turn. */
#define POOL_BYTES (8u << 20)
#define BODY_MAX (64u << 20)

enum { EXTRACT, DELTA, MERGE, FORMAT, GZIP, STAGES };

struct size {
	uint32_t cpus, devices, ops;
};

static const struct size sizes[] = {{2, 4, 7},   {8, 16, 7},    {32, 64, 7},  {128, 4, 7},
                                    {1, 256, 7}, {128, 256, 1}, {128, 256, 7}};
#define STYLE_SIZE 2 /* whose index is that of the comparison of styles */

/* One map of a size, one output. */
struct bench {
	struct size size;
	uint32_t n_rows;
	struct blockmap_key *keys;
	uint8_t *values; /* of the shard that counts */
	uint8_t *pool;   /* of all others: zeros */
	struct disks disks;
	struct rows read;
	struct delta *delta;
	struct series *series;
	struct style *style;
	struct lineproto_globals globals;
	struct text lines;
	size_t n_lines;
	struct batcher *batcher;
	struct batch *batch;
	struct window window;
	uint64_t random;
	uint64_t samples[STAGES][ROUNDS];
	size_t measured_allocations;
};

static void check(int err)
{
	if (err) {
		fprintf(stderr, "window: %s\n", strerror(-err));
		exit(1);
	}
}

static void *room(size_t n, size_t size)
{
	void *p = calloc(n, size);

	check(p ? 0 : -ENOMEM);
	return p;
}

static void add_u64(uint8_t *bytes, uint64_t more)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	value += more;
	memcpy(bytes, &value, sizeof(value));
}

/* What the kernel counts in a window: neighbouring slots, as latencies of one device are. */
static void load(struct bench *b)
{
	const struct layout_run *runs = blockmap_layout.runs;

	for (uint32_t row = 0; row < b->n_rows; row++) {
		uint8_t *value = b->values + (size_t)row * blockmap_layout.value_size;
		uint32_t first = 20 + (uint32_t)random_below(&b->random, 40);

		add_u64(value, 1000 + random_below(&b->random, 1000));
		add_u64(value + 8, 4096 * random_below(&b->random, 100000));
		add_u64(value + runs[1].offset, random_below(&b->random, SECOND));
		for (uint32_t i = 0; i < SLOTS_A_ROW; i++) {
			uint8_t *slot = value + runs[2].offset + 4 * (first + 2 * i);
			uint32_t count;

			memcpy(&count, slot, sizeof(count));
			count += 1 + (uint32_t)random_below(&b->random, 500);
			memcpy(slot, &count, sizeof(count));
		}
	}
}

/* As snapshot.c does it with what the kernel copied. */
static void extract(struct bench *b)
{
	const struct layout *layout = &blockmap_layout;
	size_t at = 0;

	rows_reset(&b->read, layout->key_size, layout->n_cells);
	b->read.taken_ns = (uint64_t)b->window.stamp_ns;
	for (uint32_t row = 0; row < b->n_rows; row++) {
		uint64_t *cells;

		check(rows_add(&b->read, &b->keys[row], &cells));
		memset(cells, 0, layout->n_cells * sizeof(*cells));
		layout_add(layout, b->values + (size_t)row * layout->value_size, 0, cells);
		for (uint32_t cpu = 1; cpu < b->size.cpus; cpu++) {
			layout_add(layout, b->pool + at, 0, cells);
			at = (at + layout->value_size) % POOL_BYTES;
		}
	}
}

static int append(void *ctx, const struct point *point)
{
	struct bench *b = ctx;

	b->n_lines++;
	return lineproto_append(&b->lines, &b->globals, point);
}

static int keep(void *ctx, struct batch *batch)
{
	struct bench *b = ctx;

	b->batch = batch;
	return 0;
}

static uint64_t lap(uint64_t *since)
{
	uint64_t now = clock_read_ns(CLOCK_THREAD_CPUTIME_ID), took = now - *since;

	*since = now;
	return took;
}

static void cut(struct bench *b, uint64_t took[STAGES])
{
	const struct decode_env env = {.disks = &b->disks};
	const struct delta_row *told;
	uint64_t since;
	size_t n;

	load(b);
	b->window.stamp_ns += SECOND;
	since = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	extract(b);
	took[EXTRACT] = lap(&since);
	check(delta_advance(b->delta, &b->read, &told, &n));
	took[DELTA] = lap(&since);
	check(series_merge(b->series, told, n, &env, NULL));
	took[MERGE] = lap(&since);
	text_clear(&b->lines);
	b->n_lines = 0;
	check(style_emit(b->style, b->series, &b->window, append, b));
	took[FORMAT] = lap(&since);
	batcher_reuse(b->batcher, b->batch);
	check(batcher_cut(b->batcher, b->lines.data, b->lines.len, BODY_MAX, b->window.stamp_ns,
	                  keep, b));
	took[GZIP] = lap(&since);
}

static void open_bench(struct bench *b, const struct size *size, enum output_style style)
{
	static const struct spec spec = {.maps = (struct spec_map *)&blockmap_spec, .n_maps = 1};
	const struct style_settings settings = {
		.style = style,
		.buckets_per_octave = 1,
		.quantiles = {.n = 4, .millionths = {500000, 900000, 990000, 999000}}};
	struct config_pair dc = {.key = (char *)"dc", .value = (char *)"east-1"};

	*b = (struct bench){.size = *size, .n_rows = size->devices * size->ops};
	b->window = (struct window){.stamp_ns = INT64_C(1767225600000000000), .length_ns = SECOND};
	b->keys = room(b->n_rows, sizeof(*b->keys));
	b->values = room(b->n_rows, blockmap_layout.value_size);
	b->pool = room(POOL_BYTES, 1);
	b->disks.disks = room(size->devices, sizeof(*b->disks.disks));
	b->disks.n = size->devices;
	for (uint32_t i = 0; i < b->n_rows; i++)
		b->keys[i] = (struct blockmap_key){BLOCKMAP_DEV(259, i / size->ops), i % size->ops};
	for (uint32_t i = 0; i < size->devices; i++) {
		b->disks.disks[i].dev = BLOCKMAP_DEV(259, i);
		snprintf(b->disks.disks[i].name, sizeof(b->disks.disks[i].name), "nvme%un1", i);
	}
	memset(b->pool, 0, POOL_BYTES);
	check(delta_new(&blockmap_layout, 3600ull * SECOND, &b->delta));
	check(series_new(&blockmap_spec, &blockmap_layout, 100000, style == STYLE_PROMETHEUS,
	                 &b->series));
	check(style_new(&spec, &blockmap_spec, &blockmap_layout, &settings, "", &b->style));
	lineproto_globals_init(&b->globals, &dc, 1, "web1.example.com");
	check(batcher_new(ENCODING_GZIP, &b->batcher));
}

static void close_bench(struct bench *b)
{
	free(b->keys);
	free(b->values);
	free(b->pool);
	free(b->disks.disks);
	free(b->batch);
	rows_free(&b->read);
	delta_free(b->delta);
	series_free(b->series);
	style_free(b->style);
	text_free(&b->lines);
	batcher_free(b->batcher);
}

static void run(struct bench *b)
{
	uint64_t took[STAGES];

	for (int i = 0; i < WARM_UP; i++)
		cut(b, took);
	allocations = 0;
	for (int round = 0; round < ROUNDS; round++) {
		cut(b, took);
		for (int stage = 0; stage < STAGES; stage++)
			b->samples[stage][round] = took[stage];
	}
	b->measured_allocations = allocations;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Prints the median, and the least and most if asked for. */
static void print_samples(double *samples, int decimals, bool spread)
{
	qsort(samples, ROUNDS, sizeof(*samples), by_value);
	printf("\t%.*f", decimals, samples[ROUNDS / 2]);
	if (spread)
		printf("\t%.*f\t%.*f", decimals, samples[0], decimals, samples[ROUNDS - 1]);
}

static void print_stage(const struct bench *b, int stage)
{
	double samples[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		samples[i] = (double)b->samples[stage][i];
	print_samples(samples, 0, false);
}

static void measure_size(const struct size *size)
{
	struct bench b;
	double sums[ROUNDS] = {0};

	open_bench(&b, size, STYLE_INFLUX);
	run(&b);
	printf("size\t%u\t%u\t%u\t%u", size->cpus, size->devices, size->ops, b.n_rows);
	for (int stage = 0; stage < STAGES; stage++) {
		print_stage(&b, stage);
		for (int i = 0; i < ROUNDS; i++)
			sums[i] += (double)b.samples[stage][i];
	}
	print_samples(sums, 0, true);
	printf("\t%zu\n", b.measured_allocations);
	close_bench(&b);
}

static void measure_style(enum output_style style)
{
	struct bench b;
	double ratios[ROUNDS];

	open_bench(&b, &sizes[STYLE_SIZE], style);
	run(&b);
	printf("style\t%s\t%zu\t%zu\t%u", output_style_names[style], b.n_lines, b.lines.len,
	       b.batch->len);
	print_stage(&b, FORMAT);
	print_stage(&b, GZIP);
	for (int i = 0; i < ROUNDS; i++)
		ratios[i] = (double)b.samples[FORMAT][i] / (double)b.samples[GZIP][i];
	print_samples(ratios, 2, true);
	printf("\t%zu\n", b.measured_allocations);
	close_bench(&b);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		measure_size(&sizes[i]);
	for (int style = 0; style < OUTPUT_STYLE_MAX; style++)
		measure_style((enum output_style)style);
	return 0;
}
