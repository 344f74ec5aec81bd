/* SPDX-License-Identifier: Apache-2.0 */
#include "style.h"

#include "blockmap.h"
#include "lineproto.h"
#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SDA BLOCKMAP_DEV(8, 0)
#define SDB BLOCKMAP_DEV(8, 16)
#define DM BLOCKMAP_DEV(253, 0)
#define GONE BLOCKMAP_DEV(9, 9)
#define MAX_ROWS 64

/* A series of the map, the rows of one window, and the lines that came of them. */
struct rig {
	const struct spec_map *map;
	const struct layout *layout;
	struct series *series;
	struct blockmap_row rows[MAX_ROWS];
	struct delta_row told[MAX_ROWS];
	size_t n;
	struct series_counts counts;
	struct style_settings style;
	struct window window;
	struct text lines;
};

static int make(struct rig *rig, const struct spec_map *map, const struct layout *layout,
                size_t max_series)
{
	rig->map = map;
	rig->layout = layout;
	return series_new(map, layout, max_series, false, &rig->series);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	*state = rig;
	rig->style = (struct style_settings){.style = STYLE_INFLUX, .buckets_per_octave = 1};
	rig->window = (struct window){.stamp_ns = 7, .length_ns = 10000000000};
	return make(rig, &blockmap_spec, &blockmap_layout, 1000);
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	series_free(rig->series);
	text_free(&rig->lines);
	free(rig);
	return 0;
}

/* A row of the window, to be counted in. */
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

/* Tells the merged window. */
static int tell(struct rig *rig, point_fn fn, void *ctx)
{
	const struct spec spec = {.maps = (struct spec_map *)rig->map, .n_maps = 1};
	struct style *style;

	assert_int_equal(style_new(&spec, rig->map, rig->layout, &rig->style, "", &style), 0);
	int err = style_emit(style, rig->series, &rig->window, fn, ctx);

	style_free(style);
	return err;
}

/* Merges and tells; rows are forgotten then. */
static const char *emit(struct rig *rig)
{
	for (size_t i = 0; i < rig->n; i++)
		for (int c = 0; c < BLOCKMAP_CELLS; c++)
			rig->told[i].counted |= rig->rows[i].cells[c] != 0;
	assert_int_equal(series_merge(rig->series, rig->told, rig->n, &blockmap_env, &rig->counts),
	                 0);
	rig->n = 0;
	text_clear(&rig->lines);
	assert_int_equal(tell(rig, append, &rig->lines), 0);
	return text_cstr(&rig->lines);
}

static void one_row_makes_the_three_measurements_of_the_style(void **state)
{
	struct rig *rig = *state;
	struct blockmap_row *row = add(rig, SDA, 0);

	for (int i = 0; i < 3; i++)
		blockmap_count(row, 512, 400000);
	blockmap_count(row, 512, 1000000);

	assert_string_equal(
		emit(rig),
		"block_io,device=sda,layer=disk,op=read bytes=2048i,bytes_per_s=204.8,errors=0i,"
		"ios=4i,ios_per_s=0.4,untimed=0i 7\n"
		"block_io_latency,device=sda,layer=disk,le=512,op=read,phase=total count=3i 7\n"
		"block_io_latency,device=sda,layer=disk,le=1024,op=read,phase=total count=1i 7\n"
		"block_io_latency_summary,device=sda,layer=disk,op=read,phase=total "
		"count=4i,max_us=1000i,sum_us=2200i 7\n");
	assert_int_equal(rig->counts.events, 4);
	assert_int_equal(rig->counts.keys, 1);
	assert_int_equal(rig->counts.series, 1);
	assert_int_equal(rig->counts.overflow, 0);
}

static void a_live_row_without_counts_is_told_with_zeros_and_no_histogram(void **state)
{
	struct rig *rig = *state;

	add(rig, DM, 1);
	assert_string_equal(emit(rig),
	                    "block_io,device=dm-0,layer=stack,op=write bytes=0i,bytes_per_s=0.0,"
	                    "errors=0i,ios=0i,ios_per_s=0.0,untimed=0i 7\n");
}

static void a_device_that_is_gone_is_told_only_if_it_counted(void **state)
{
	struct rig *rig = *state;

	add(rig, GONE, 0);
	add(rig, GONE, 1)->cells[2] = 1;
	assert_string_equal(emit(rig),
	                    "block_io,device=md9,layer=stack,op=write bytes=0i,bytes_per_s=0.0,"
	                    "errors=1i,ios=0i,ios_per_s=0.0,untimed=0i 7\n");
	assert_int_equal(rig->counts.keys, 1);
	assert_int_equal(rig->counts.series, 1);
}

static void rates_are_over_the_true_length(void **state)
{
	struct rig *rig = *state;

	rig->window.length_ns = 2500000000;
	add(rig, SDA, 0)->cells[0] = 5;
	assert_non_null(strstr(emit(rig), "ios=5i,ios_per_s=2.0,"));

	/* Cut the moment it began. */
	rig->window.length_ns = 0;
	add(rig, SDA, 0)->cells[0] = 5;
	assert_non_null(strstr(emit(rig), "ios=5i,ios_per_s=0.0,"));
}

static void nothing_to_merge_makes_no_line(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(emit(rig), "");
	add(rig, SDA, 0);
	assert_int_not_equal(strlen(emit(rig)), 0);
	assert_string_equal(emit(rig), "");
}

static void the_last_bucket_is_infinite(void **state)
{
	struct rig *rig = *state;
	struct blockmap_row *row = add(rig, SDA, 0);

	blockmap_count(row, 0, UINT64_C(1) << 60);
	blockmap_count(row, 0, (UINT64_C(1) << 30) * 1000);
	emit(rig);
	assert_non_null(
		strstr(text_cstr(&rig->lines), ",le=+Inf,op=read,phase=total count=1i 7\n"));
	assert_non_null(
		strstr(text_cstr(&rig->lines), ",le=1073741824,op=read,phase=total count=1i 7\n"));
}

static void buckets_are_as_fine_as_asked_for(void **state)
{
	struct rig *rig = *state;
	static const struct {
		uint64_t per_octave;
		int lines;
	} want[] = {{1, 2}, {2, 3}, {4, 5}, {64, 5}};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct blockmap_row *row = add(rig, SDA, 0);
		int lines = 0;

		/* 256 < t <= 512 in four slots, and one above. */
		for (uint64_t us = 300; us <= 520; us += 55)
			blockmap_count(row, 0, us * 1000);
		rig->style.buckets_per_octave = want[i].per_octave;
		for (const char *s = emit(rig); (s = strstr(s, ",le=")); s++)
			lines++;
		assert_int_equal(lines, want[i].lines);
	}
}

/* Whatever the slots and however coarse: what leaves is what was counted. */
static void no_count_is_lost_by_merging_buckets(void **state)
{
	struct rig *rig = *state;
	uint64_t random = 11;

	for (int i = 0; i < 300; i++) {
		struct blockmap_row *row = add(rig, SDA, 0);
		uint64_t counted = 0, sum = 0, last = 0;

		for (int s = 0; s < 117; s++)
			if (random_once_in(&random, 3))
				row->cells[BLOCKMAP_FIRST_SLOT + s] = random_below(&random, 1000);
		for (int s = 0; s < 117; s++)
			counted += row->cells[BLOCKMAP_FIRST_SLOT + s];
		rig->style.buckets_per_octave = UINT64_C(1) << random_below(&random, 4);
		emit(rig);
		for (const char *s = text_cstr(&rig->lines); (s = strstr(s, ",le=")); s++) {
			uint64_t le = s[4] == '+' ? UINT64_MAX : strtoull(s + 4, NULL, 10);
			uint64_t count = strtoull(strstr(s, "count=") + 6, NULL, 10);
			assert_true(count > 0);
			assert_true(le > last);
			last = le;
			sum += count;
		}
		assert_int_equal(sum, counted);
	}
}

static void sums_are_rounded_to_the_nearest_unit(void **state)
{
	struct rig *rig = *state;
	static const struct {
		uint64_t ns;
		const char *text;
	} want[] = {{499, "sum_us=0i"},
	            {500, "sum_us=1i"},
	            {2200499, "sum_us=2200i"},
	            {UINT64_MAX, "sum_us=18446744073709552i"}};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct blockmap_row *row = add(rig, SDA, 0);
		row->cells[BLOCKMAP_FIRST_SLOT] = 1;
		row->cells[BLOCKMAP_SUM] = want[i].ns;
		assert_non_null(strstr(emit(rig), want[i].text));
	}
}

static void units_and_members_decide_about_sum_and_maximum(void **state)
{
	struct spec_map map = blockmap_spec;
	struct layout layout = blockmap_layout;
	struct rig *rig = *state;

	map.n_histograms = 1;
	map.histograms[0].unit = SPEC_UNIT_NS;
	map.histograms[0].sum_unit = SPEC_UNIT_US;
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &layout, 10), 0);
	struct blockmap_row *row = add(rig, SDA, 0);
	row->cells[BLOCKMAP_FIRST_SLOT + 6] = 1;
	row->cells[BLOCKMAP_SUM] = 3;
	assert_non_null(strstr(emit(rig), " count=1i,max_ns=7i,sum_ns=3000i 7\n"));

	map.histograms[0].unit = map.histograms[0].sum_unit = SPEC_UNIT_NONE;
	map.histograms[0].max_unit = SPEC_UNIT_NONE;
	map.histograms[0].phase = NULL;
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &layout, 10), 0);
	row = add(rig, SDA, 0);
	row->cells[BLOCKMAP_FIRST_SLOT + 20] = 1;
	row->cells[BLOCKMAP_SUM] = 3;
	row->cells[BLOCKMAP_MAX] = 70;
	assert_non_null(strstr(emit(rig), ",layer=disk,op=read count=1i,max=70i,sum=3i 7\n"));

	layout.sum_cell[0] = layout.max_cell[0] = LAYOUT_NO_CELL;
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &layout, 10), 0);
	add(rig, SDA, 0)->cells[BLOCKMAP_FIRST_SLOT] = 1;
	assert_non_null(strstr(emit(rig), ",layer=disk,op=read count=1i 7\n"));
}

/* Of maxima the greatest, of everything else the sum. */
static void merged_maxima_are_not_added_up(void **state)
{
	struct spec_map map = blockmap_spec;
	struct rig *rig = *state;

	map.n_tags = 0;
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &blockmap_layout, 10), 0);
	blockmap_count(add(rig, SDA, 0), 512, 500 * 1000);
	blockmap_count(add(rig, SDB, 0), 512, 600 * 1000);
	assert_non_null(strstr(emit(rig), " count=2i,max_us=600i,sum_us=1100i 7\n"));
}

static void rows_with_equal_tags_are_added_up(void **state)
{
	struct spec_map map = blockmap_spec;
	struct rig *rig = *state;

	/* Only the layer is left: two disks are one series. */
	map.tags[0] = map.tags[1];
	map.n_tags = 1;
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &blockmap_layout, 10), 0);

	blockmap_count(add(rig, SDA, 0), 512, 1000);
	blockmap_count(add(rig, DM, 0), 512, 1000);
	blockmap_count(add(rig, SDB, 1), 1024, 2000);
	add(rig, SDB, 0);
	assert_string_equal(
		emit(rig),
		"block_io,layer=disk bytes=1536i,bytes_per_s=153.6,errors=0i,ios=2i,"
		"ios_per_s=0.2,untimed=0i 7\n"
		"block_io,layer=stack bytes=512i,bytes_per_s=51.2,errors=0i,ios=1i,"
		"ios_per_s=0.1,untimed=0i 7\n"
		"block_io_latency,layer=disk,le=1,phase=total count=1i 7\n"
		"block_io_latency,layer=disk,le=2,phase=total count=1i 7\n"
		"block_io_latency_summary,layer=disk,phase=total count=2i,max_us=2i,sum_us=3i 7\n"
		"block_io_latency,layer=stack,le=1,phase=total count=1i 7\n"
		"block_io_latency_summary,layer=stack,phase=total count=1i,max_us=1i,sum_us=1i 7\n");
	assert_int_equal(rig->counts.keys, 4);
	assert_int_equal(rig->counts.series, 2);
	assert_int_equal(rig->counts.events, 3);
}

static void a_map_without_tags_is_one_series(void **state)
{
	struct spec_map map = blockmap_spec;
	struct rig *rig = *state;

	map.n_tags = 0;
	map.n_histograms = 0;
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &blockmap_layout, 1), 0);
	add(rig, SDA, 0)->cells[0] = 1;
	add(rig, SDB, 0)->cells[0] = 2;
	assert_non_null(strstr(emit(rig), "block_io bytes=0i,"));
	assert_non_null(strstr(text_cstr(&rig->lines), "ios=3i,"));
	assert_int_equal(rig->counts.overflow, 0);
}

static void what_finds_no_room_goes_to_other(void **state)
{
	struct rig *rig = *state;

	series_free(rig->series);
	assert_int_equal(make(rig, &blockmap_spec, &blockmap_layout, 2), 0);
	add(rig, SDA, 0)->cells[0] = 1;
	add(rig, SDB, 0)->cells[0] = 2;
	add(rig, DM, 0)->cells[0] = 4;
	add(rig, SDA, 0)->cells[0] = 8; /* known: not other */
	add(rig, GONE, 0)->cells[0] = 16;
	assert_string_equal(emit(rig),
	                    "block_io,device=sda,layer=disk,op=read bytes=0i,bytes_per_s=0.0,"
	                    "errors=0i,ios=9i,ios_per_s=0.9,untimed=0i 7\n"
	                    "block_io,device=sdb,layer=disk,op=read bytes=0i,bytes_per_s=0.0,"
	                    "errors=0i,ios=2i,ios_per_s=0.2,untimed=0i 7\n"
	                    "block_io,device=_other,layer=_other,op=read bytes=0i,bytes_per_s=0.0,"
	                    "errors=0i,ios=20i,ios_per_s=2.0,untimed=0i 7\n");
	assert_int_equal(rig->counts.overflow, 2);
	assert_int_equal(rig->counts.series, 3);
	assert_int_equal(rig->counts.events, 31);
}

static void even_other_is_bounded_and_the_sum_stays_whole(void **state)
{
	struct rig *rig = *state;
	uint64_t sum = 0;

	series_free(rig->series);
	assert_int_equal(make(rig, &blockmap_spec, &blockmap_layout, 3), 0);
	/* The second key member has as many values as rows. */
	for (uint32_t i = 0; i < MAX_ROWS; i++)
		add(rig, SDA, i + 100)->cells[0] = 1;
	emit(rig);
	assert_int_equal(rig->counts.series, 7);
	assert_int_equal(rig->counts.overflow, MAX_ROWS - 3);
	assert_non_null(strstr(text_cstr(&rig->lines), "device=_other,layer=_other,op=_other "));
	for (const char *s = text_cstr(&rig->lines); (s = strstr(s, ",ios=")); s++)
		sum += strtoull(s + 5, NULL, 10);
	assert_int_equal(sum, MAX_ROWS);
}

static void each(void *ctx, const char *text, uint64_t events)
{
	text_printf(ctx, "%s=%lu ", text, (unsigned long)events);
}

static void drops_make_no_points_but_pairs_of_reason_and_count(void **state)
{
	static struct enumtext_name names[] = {{0, (char *)"map_full"}, {1, (char *)"no_disk"}};
	static struct layout_run run = {.width = 8, .count = 1};
	const struct layout layout = {.key_size = 4,
	                              .value_size = 8,
	                              .tags = {{.size = 4}},
	                              .enums = {{.names = names, .n = 2}},
	                              .runs = &run,
	                              .n_runs = 1,
	                              .n_cells = 1};
	const struct spec_map map = {.name = (char *)SPEC_DROPS_MAP,
	                             .tags = {{.name = (char *)"reason",
	                                       .member = (char *)"key",
	                                       .decoder = (char *)"enum"}},
	                             .n_tags = 1,
	                             .fields = {{.name = (char *)"events"}},
	                             .n_fields = 1};
	const uint32_t keys[] = {1, 0, 5};
	const uint64_t counts[] = {3, 0, 7};
	struct delta_row told[3];
	struct rig *rig = *state;

	for (int i = 0; i < 3; i++)
		told[i] = (struct delta_row){.key = (const uint8_t *)&keys[i],
		                             .increments = &counts[i],
		                             .counted = counts[i] != 0};
	series_free(rig->series);
	assert_int_equal(make(rig, &map, &layout, 10), 0);
	assert_int_equal(series_merge(rig->series, told, 3, &blockmap_env, &rig->counts), 0);
	assert_int_equal(rig->counts.events, 10);
	assert_int_equal(tell(rig, append, &rig->lines), 0);
	assert_int_equal(rig->lines.len, 0);
	series_each(rig->series, each, &rig->lines);
	assert_string_equal(text_cstr(&rig->lines), "no_disk=3 map_full=0 5=7 ");
}

static int stop_at_second(void *ctx, const struct point *point)
{
	int *calls = ctx;

	(void)point;
	return ++*calls == 2 ? -E2BIG : 0;
}

static void who_takes_points_can_stop(void **state)
{
	struct rig *rig = *state;
	int calls = 0;

	blockmap_count(add(rig, SDA, 0), 512, 1000);
	emit(rig);
	assert_int_equal(tell(rig, stop_at_second, &calls), -E2BIG);
	assert_int_equal(calls, 2);
}

static void a_merged_window_can_be_told_twice(void **state)
{
	struct rig *rig = *state;
	CLEANUP(text_free) struct text again = {};

	blockmap_count(add(rig, SDA, 0), 512, 1000);
	blockmap_count(add(rig, SDB, 1), 512, 1000);
	emit(rig);
	assert_int_equal(tell(rig, append, &again), 0);
	assert_string_equal(text_cstr(&again), text_cstr(&rig->lines));
}

static void the_steady_state_allocates_nothing(void **state)
{
	struct rig *rig = *state;
	size_t memory = 0;

	for (int window = 0; window < 20; window++) {
		for (uint32_t i = 0; i < MAX_ROWS; i++)
			blockmap_count(add(rig, SDA, i), 512, 1000 * i);
		emit(rig);
		if (window)
			assert_int_equal(series_memory(rig->series), memory);
		memory = series_memory(rig->series);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_row_makes_the_three_measurements_of_the_style),
		TEST(a_live_row_without_counts_is_told_with_zeros_and_no_histogram),
		TEST(a_device_that_is_gone_is_told_only_if_it_counted),
		TEST(rates_are_over_the_true_length),
		TEST(nothing_to_merge_makes_no_line),
		TEST(the_last_bucket_is_infinite),
		TEST(buckets_are_as_fine_as_asked_for),
		TEST(no_count_is_lost_by_merging_buckets),
		TEST(sums_are_rounded_to_the_nearest_unit),
		TEST(units_and_members_decide_about_sum_and_maximum),
		TEST(merged_maxima_are_not_added_up),
		TEST(rows_with_equal_tags_are_added_up),
		TEST(a_map_without_tags_is_one_series),
		TEST(what_finds_no_room_goes_to_other),
		TEST(even_other_is_bounded_and_the_sum_stays_whole),
		TEST(drops_make_no_points_but_pairs_of_reason_and_count),
		TEST(who_takes_points_can_stop),
		TEST(a_merged_window_can_be_told_twice),
		TEST(the_steady_state_allocates_nothing),
	};

	return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
