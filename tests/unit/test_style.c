/* SPDX-License-Identifier: Apache-2.0 */
/** test_style.c: what holds over windows and between styles; single lines stand in tests/golden. */
#include "style.h"

#include "blockmap.h"
#include "lineproto.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SDA BLOCKMAP_DEV(8, 0)
#define SDB BLOCKMAP_DEV(8, 16)
#define MAX_ROWS 8
#define SECOND INT64_C(1000000000)
#define START (1000 * SECOND)

struct rig {
	struct spec spec;
	struct spec_map map;
	struct series *series;
	struct style *styles[OUTPUT_STYLE_MAX];
	struct text lines[OUTPUT_STYLE_MAX];
	struct blockmap_row rows[MAX_ROWS];
	struct delta_row told[MAX_ROWS];
	size_t n;
	struct window window;
};

static void open_styles(struct rig *rig, struct style_settings settings, const char *alias)
{
	for (int i = 0; i < OUTPUT_STYLE_MAX; i++) {
		settings.style = (enum output_style)i;
		style_free(rig->styles[i]);
		assert_int_equal(style_new(&rig->spec, &rig->map, &blockmap_layout, &settings,
		                           alias, &rig->styles[i]),
		                 0);
	}
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	*state = rig;
	rig->map = blockmap_spec;
	rig->spec = (struct spec){.maps = &rig->map, .n_maps = 1};
	rig->window = (struct window){.stamp_ns = START, .length_ns = 1000000000};
	assert_int_equal(series_new(&rig->map, &blockmap_layout, 100, true, &rig->series), 0);
	open_styles(rig, (struct style_settings){.buckets_per_octave = 1}, "");
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	series_free(rig->series);
	for (int i = 0; i < OUTPUT_STYLE_MAX; i++) {
		style_free(rig->styles[i]);
		text_free(&rig->lines[i]);
	}
	free(rig);
	return 0;
}

static struct blockmap_row *add(struct rig *rig, uint32_t dev, uint32_t op)
{
	struct blockmap_row *row = &rig->rows[rig->n];

	assert_true(rig->n < MAX_ROWS);
	*row = (struct blockmap_row){.key = {.dev = dev, .op = op}};
	rig->told[rig->n++] = (struct delta_row){
		.key = (const uint8_t *)&row->key, .increments = row->cells, .state = DELTA_LIVE};
	return row;
}

static int append(void *ctx, const struct point *point)
{
	static const struct lineproto_globals none;

	return lineproto_append(ctx, &none, point);
}

/* The next window: every style tells the rows, which are forgotten then. */
static void cut(struct rig *rig)
{
	for (size_t i = 0; i < rig->n; i++)
		for (int c = 0; c < BLOCKMAP_CELLS; c++)
			rig->told[i].counted |= rig->rows[i].cells[c] != 0;
	assert_int_equal(series_merge(rig->series, rig->told, rig->n, &blockmap_env, NULL), 0);
	rig->n = 0;
	rig->window.start_ns = rig->window.stamp_ns;
	rig->window.stamp_ns += SECOND;
	for (int i = 0; i < OUTPUT_STYLE_MAX; i++) {
		text_clear(&rig->lines[i]);
		assert_int_equal(style_emit(rig->styles[i], rig->series, &rig->window, append,
		                            &rig->lines[i]),
		                 0);
	}
}

static bool has(const struct rig *rig, enum output_style style, const char *line)
{
	return strstr(text_cstr(&rig->lines[style]), line);
}

static int count_of(const struct rig *rig, enum output_style style, const char *part)
{
	int n = 0;

	for (const char *s = text_cstr(&rig->lines[style]); (s = strstr(s, part)); s++)
		n++;
	return n;
}

/* The number behind the field, of the line that begins so and has that stamp. -1: there is none */
static int64_t value(const struct rig *rig, enum output_style style, const char *series,
                     const char *field, int64_t stamp)
{
	for (const char *s = text_cstr(&rig->lines[style]); *s; s += strcspn(s, "\n") + 1) {
		size_t len = strcspn(s, "\n");
		char line[2048], end[32];
		const char *at;

		assert_true(len < sizeof(line));
		memcpy(line, s, len);
		line[len] = 0;
		snprintf(end, sizeof(end), " %ld", (long)stamp);
		if (strncmp(line, series, strlen(series)) || !strstr(line, end))
			continue;
		at = strstr(line, field);
		if (at)
			return strtoll(at + strlen(field), NULL, 10);
	}
	return -1;
}

/* Of the field, over the lines with that tag. */
static int64_t sum(const struct rig *rig, enum output_style style, const char *tag,
                   const char *field)
{
	int64_t all = 0;

	for (const char *s = text_cstr(&rig->lines[style]); *s; s += strcspn(s, "\n") + 1) {
		const char *end = s + strcspn(s, "\n"), *at = strstr(s, tag);

		if (at && at < end && (at = strstr(s, field)) && at < end)
			all += strtoll(at + strlen(field), NULL, 10);
	}
	return all;
}

static void totals_begin_with_a_zero_point_right_after_the_start_of_their_window(void **state)
{
	struct rig *rig = *state;

	blockmap_count(add(rig, SDA, 0), 512, 400000);
	cut(rig);
	assert_true(has(rig, STYLE_PROMETHEUS,
	                "block_io,device=sda,layer=disk,op=read bytes_total=0i,errors_total=0i,"
	                "ios_total=0i,untimed_total=0i 1000001000000\n"
	                "block_io,device=sda,layer=disk,op=read bytes_total=512i,errors_total=0i,"
	                "ios_total=1i,untimed_total=0i 1001000000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS,
	                ",le=+Inf,op=read,phase=total bucket=0i 1000001000000\n"
	                "block_io_latency_seconds,device=sda,layer=disk,op=read,"
	                "phase=total count=0i,sum=0.0 1000001000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS,
	                ",le=+Inf,op=read,phase=total bucket=1i 1001000000000\n"
	                "block_io_latency_seconds,device=sda,layer=disk,op=read,"
	                "phase=total count=1i,max=0.0004,sum=0.0004 1001000000000\n"));

	/* No second zero point, and an idle window repeats the totals, without gauges. */
	add(rig, SDA, 0);
	cut(rig);
	assert_int_equal(count_of(rig, STYLE_PROMETHEUS, " 1001001000000\n"), 0);
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=1i,untimed_total=0i 1002000000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS, "phase=total count=1i,sum=0.0004 1002000000000\n"));
}

/* Its row was there, and counted what has no latency. */
static void a_histogram_has_a_zero_point_of_its_own(void **state)
{
	struct rig *rig = *state;

	add(rig, SDA, 0)->cells[0] = 1;
	cut(rig);
	assert_int_equal(count_of(rig, STYLE_PROMETHEUS, "block_io_latency_seconds"), 0);
	blockmap_queue(add(rig, SDA, 0), 5000);
	cut(rig);
	assert_true(has(rig, STYLE_PROMETHEUS,
	                "le=+Inf,op=read,phase=queue bucket=0i 1001001000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS,
	                "le=+Inf,op=read,phase=queue bucket=1i 1002000000000\n"));
	assert_int_equal(count_of(rig, STYLE_PROMETHEUS, "phase=total"), 0);
}

static void a_series_that_went_begins_at_zero_when_it_is_back(void **state)
{
	struct rig *rig = *state;

	add(rig, SDA, 0)->cells[0] = 5;
	cut(rig);
	add(rig, SDB, 0)->cells[0] = 1;
	cut(rig);
	assert_int_equal(count_of(rig, STYLE_PROMETHEUS, "device=sda"), 0);
	add(rig, SDA, 0)->cells[0] = 3;
	cut(rig);
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=0i,untimed_total=0i 1002001000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=3i,untimed_total=0i 1003000000000\n"));
}

/* increase() over its first window must see that window: an output that a reload brought comes to totals that go on. */
static void
a_style_that_comes_later_begins_with_what_was_counted_before_its_first_window(void **state)
{
	struct rig *rig = *state;

	blockmap_count(add(rig, SDA, 0), 512, 400000);
	cut(rig);
	open_styles(rig, (struct style_settings){.buckets_per_octave = 2}, "");
	blockmap_count(add(rig, SDA, 0), 1024, 5000000);
	add(rig, SDB, 0)->cells[0] = 7;
	cut(rig);
	assert_true(has(rig, STYLE_PROMETHEUS,
	                "block_io,device=sda,layer=disk,op=read bytes_total=512i,errors_total=0i,"
	                "ios_total=1i,untimed_total=0i 1001001000000\n"
	                "block_io,device=sda,layer=disk,op=read bytes_total=1536i,errors_total=0i,"
	                "ios_total=2i,untimed_total=0i 1002000000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=0i,untimed_total=0i 1001001000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS,
	                ",le=+Inf,op=read,phase=total bucket=1i 1001001000000\n"
	                "block_io_latency_seconds,device=sda,layer=disk,op=read,"
	                "phase=total count=1i,sum=0.0004 1001001000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS, "count=2i,max=0.005,sum=0.0054 1002000000000\n"));
	add(rig, SDA, 0);
	cut(rig);
	assert_int_equal(count_of(rig, STYLE_PROMETHEUS, " 1002001000000\n"), 0);
}

static void totals_that_are_wanted_later_begin_with_zero(void **state)
{
	struct rig *rig = *state;

	series_set(rig->series, 100, false);
	blockmap_count(add(rig, SDA, 0), 512, 400000);
	assert_int_equal(series_merge(rig->series, rig->told, 1, &blockmap_env, NULL), 0);
	rig->n = 0;
	series_set(rig->series, 100, true);
	blockmap_count(add(rig, SDA, 0), 512, 400000);
	cut(rig);
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=0i,untimed_total=0i 1000001000000\n"));
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=1i,untimed_total=0i 1001000000000\n"));
	/* And those that are not wanted any more are forgotten. */
	series_set(rig->series, 100, false);
	series_set(rig->series, 100, true);
	add(rig, SDA, 0)->cells[0] = 2;
	cut(rig);
	assert_true(has(rig, STYLE_PROMETHEUS, "ios_total=2i,untimed_total=0i 1002000000000\n"));
}

/* Whatever is counted: increments add up to totals, buckets rise over le and over time, all styles tell one truth. */
static void increments_add_up_to_totals(void **state)
{
	struct rig *rig = *state;
	uint64_t random = 3;
	int64_t ios = 0, count = 0, slow = 0, last = 0;

	for (int window = 0; window < 200; window++) {
		struct blockmap_row *row = add(rig, SDA, 0);
		uint64_t n = random_below(&random, 6);

		for (uint64_t i = 0; i < n; i++)
			blockmap_count(
				row, 512,
				random_below(&random, UINT64_C(1) << random_below(&random, 42)));
		cut(rig);
		int64_t now = rig->window.stamp_ns;

		ios += value(rig, STYLE_INFLUX, "block_io,", "ios=", now);
		if (n) {
			count +=
				value(rig, STYLE_INFLUX, "block_io_latency_summary", "count=", now);
			assert_int_equal(
				value(rig, STYLE_INFLUX, "block_io_latency_summary",
			              "max_us=", now),
				value(rig, STYLE_FIELDS, "block_io_latency", "max_us=", now));
			assert_int_equal(
				value(rig, STYLE_FIELDS, "block_io_latency", "count=", now), n);
			assert_int_equal(sum(rig, STYLE_INFLUX, ",le=", " count="), n);
			assert_int_equal(sum(rig, STYLE_BCC2TELEGRAF, ",hi=", " value="), n);
		}
		int64_t inf =
			value(rig, STYLE_INFLUX, "block_io_latency,device=sda,layer=disk,le=+Inf",
		              "count=", now);

		slow += MAX(inf, 0);
		if (!count)
			continue;
		assert_int_equal(value(rig, STYLE_PROMETHEUS, "block_io,", "ios_total=", now), ios);
		assert_int_equal(value(rig, STYLE_PROMETHEUS,
		                       "block_io_latency_seconds,device=sda,layer=disk,le=+Inf",
		                       "bucket=", now),
		                 count);
		last = -1;
		for (const char *s = text_cstr(&rig->lines[STYLE_PROMETHEUS]);
		     (s = strstr(s, " bucket=")); s++) {
			int64_t bucket = strtoll(s + 8, NULL, 10);

			if (strtoll(strchr(s + 1, ' '), NULL, 10) != now)
				continue;
			assert_true(bucket >= last);
			last = bucket;
		}
		assert_int_equal(last, count);
	}
	assert_true(count > 300);
	assert_true(slow > 0);
}

static void only_the_first_phase_has_the_bare_alias(void **state)
{
	struct rig *rig = *state;
	struct blockmap_row *row = add(rig, SDA, 0);

	open_styles(rig, (struct style_settings){.buckets_per_octave = 1}, "biolatency");
	blockmap_count(row, 512, 400000);
	blockmap_queue(row, 400000);
	cut(rig);
	assert_true(has(
		rig, STYLE_BCC2TELEGRAF,
		"ebpf,hi=511,metric=biolatency,op=read,phase=total,tag1=sda value=1.0 1001000000000\n"
		"ebpf,hi=511,metric=biolatency_queue,op=read,phase=queue,tag1=sda value=1.0 "
		"1001000000000\n"));
}

static void without_an_alias_the_metric_is_the_measurement(void **state)
{
	struct rig *rig = *state;

	blockmap_count(add(rig, SDA, 0), 512, 400000);
	cut(rig);
	assert_true(has(rig, STYLE_BCC2TELEGRAF, ",metric=block_io_latency,"));
}

/* A phase in a map of its own is a phase of the same histogram. */
static void phases_in_maps_of_their_own_are_phases(void **state)
{
	struct rig *rig = *state;
	struct spec_map maps[2] = {blockmap_spec, blockmap_spec};

	maps[0].n_histograms = 1;
	maps[1].histograms[0] = maps[1].histograms[1];
	maps[1].n_histograms = 1;
	rig->map = maps[1];
	rig->spec = (struct spec){.maps = maps, .n_maps = 2};
	open_styles(rig, (struct style_settings){.buckets_per_octave = 1}, "biolatency");
	blockmap_count(add(rig, SDA, 0), 512, 400000);
	cut(rig);
	assert_true(has(rig, STYLE_BCC2TELEGRAF, ",metric=biolatency_queue,op=read,phase=queue,"));
}

static void histograms_after_the_first_have_their_name_behind_the_alias(void **state)
{
	struct rig *rig = *state;

	rig->map.histograms[1].name = (char *)"size";
	rig->map.histograms[1].phase = NULL;
	open_styles(rig, (struct style_settings){.buckets_per_octave = 1}, "biolatency");
	blockmap_queue(add(rig, SDA, 0), 400000);
	cut(rig);
	assert_true(has(rig, STYLE_BCC2TELEGRAF, ",metric=biolatency_size,op=read,tag1=sda "));
}

/* The left out tag told them apart: one point, with both. */
static void series_that_differ_in_left_out_tags_only_are_added_up(void **state)
{
	struct rig *rig = *state;

	rig->map.tags[0] = (struct spec_tag){
		.name = (char *)"layer", .member = (char *)"dev", .decoder = (char *)"disk_layer"};
	rig->map.tags[1] = (struct spec_tag){
		.name = (char *)"device", .member = (char *)"dev", .decoder = (char *)"disk"};
	open_styles(rig, (struct style_settings){.buckets_per_octave = 1}, "");
	blockmap_count(add(rig, SDA, 0), 512, 400000);
	blockmap_count(add(rig, SDB, 0), 512, 400000);
	cut(rig);
	assert_int_equal(count_of(rig, STYLE_BCC2TELEGRAF, "ebpf,"), 1);
	assert_true(has(
		rig, STYLE_BCC2TELEGRAF,
		"ebpf,hi=511,metric=block_io_latency,op=read,phase=total,tag1=disk value=2.0 "));
}

static void quantiles_are_named_by_their_digits(void **state)
{
	struct rig *rig = *state;
	struct style_settings settings = {
		.buckets_per_octave = 1, .quantiles = {{50000, 250000, 500000, 999000, 999999}, 5}};

	open_styles(rig, settings, "");
	blockmap_count(add(rig, SDA, 0), 512, 1000);
	cut(rig);
	assert_true(has(
		rig, STYLE_INFLUX,
		"max_us=1i,p05_us=0.05,p25_us=0.25,p50_us=0.5,p999_us=0.999,p999999_us=0.999999,"
		"sum_us=1i"));
	assert_true(has(rig, STYLE_PROMETHEUS, "max=0.000001,p05=0.00000005,p25=0.00000025,"));
}

static void a_gauge_and_a_maximum_are_fields_without_a_total(void **state)
{
	struct rig *rig = *state;

	rig->map.fields[2].kind = SPEC_GAUGE;
	rig->map.fields[3].kind = SPEC_MAXIMUM;
	open_styles(rig, (struct style_settings){.buckets_per_octave = 1}, "");
	add(rig, SDA, 0)->cells[2] = 7;
	cut(rig);
	assert_true(
		has(rig, STYLE_PROMETHEUS,
	            "op=read bytes_total=0i,errors=7i,ios_total=0i,untimed=0i 1001000000000\n"));
	assert_true(
		has(rig, STYLE_PROMETHEUS, "op=read bytes_total=0i,ios_total=0i 1000001000000\n"));
	assert_true(has(rig, STYLE_INFLUX, "errors=7i,"));
}

static void the_finest_scale_fits_into_one_line(void **state)
{
	struct rig *rig = *state;
	struct blockmap_row *row = add(rig, SDA, 0);

	open_styles(rig, (struct style_settings){.buckets_per_octave = 64, .le_padded = true}, "");
	for (int slot = 0; slot < BLOCKMAP_SLOTS; slot++)
		row->cells[BLOCKMAP_FIRST_SLOT + slot] = UINT32_MAX;
	cut(rig);
	assert_int_equal(count_of(rig, STYLE_FIELDS, ",le_"), BLOCKMAP_SLOTS);
	assert_true(has(rig, STYLE_FIELDS, "le_0000000001=4294967295i,le_0000000002=4294967295i,"));
}

static void the_steady_state_allocates_nothing(void **state)
{
	struct rig *rig = *state;
	size_t memory = 0;

	for (int window = 0; window < 20; window++) {
		size_t now = 0;

		for (uint32_t i = 0; i < MAX_ROWS; i++)
			blockmap_count(add(rig, SDA, i), 512, 1000 * i);
		cut(rig);
		for (int i = 0; i < OUTPUT_STYLE_MAX; i++)
			now += style_memory(rig->styles[i]);
		now += series_memory(rig->series);
		/* Totals have two halves. */
		if (window > 1)
			assert_int_equal(now, memory);
		memory = now;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(totals_begin_with_a_zero_point_right_after_the_start_of_their_window),
		TEST(a_histogram_has_a_zero_point_of_its_own),
		TEST(a_series_that_went_begins_at_zero_when_it_is_back),
		TEST(a_style_that_comes_later_begins_with_what_was_counted_before_its_first_window),
		TEST(totals_that_are_wanted_later_begin_with_zero),
		TEST(increments_add_up_to_totals),
		TEST(only_the_first_phase_has_the_bare_alias),
		TEST(without_an_alias_the_metric_is_the_measurement),
		TEST(phases_in_maps_of_their_own_are_phases),
		TEST(histograms_after_the_first_have_their_name_behind_the_alias),
		TEST(series_that_differ_in_left_out_tags_only_are_added_up),
		TEST(quantiles_are_named_by_their_digits),
		TEST(a_gauge_and_a_maximum_are_fields_without_a_total),
		TEST(the_finest_scale_fits_into_one_line),
		TEST(the_steady_state_allocates_nothing),
	};

	return cmocka_run_group_tests_name("style", tests, NULL, NULL);
}
