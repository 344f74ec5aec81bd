/* SPDX-License-Identifier: Apache-2.0 */
#include "estimate.h"

#include "blockmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static struct disk devices[] = {
	{.dev = BLOCKMAP_DEV(8, 0), .name = "sda"},
	{.dev = BLOCKMAP_DEV(8, 16), .name = "sdb"},
	{.dev = BLOCKMAP_DEV(253, 0), .name = "dm-0", .stack = true},
};
static const struct disks disks = {.disks = devices, .n = ARRAY_SIZE(devices)};
static const struct lineproto_globals no_globals;

static struct estimate_result estimate(struct style_settings style, uint32_t max_keys,
                                       size_t max_series, const struct disks *of)
{
	const struct estimate_settings settings = {.style = style,
	                                           .encoding = ENCODING_GZIP,
	                                           .batch_max_bytes = 1 << 20,
	                                           .interval_ns = 10 * SECOND,
	                                           .globals = &no_globals};
	struct spec_map map = blockmap_spec;
	const struct spec spec = {.maps = &map, .n_maps = 1};
	const struct estimate_map m = {.spec = &spec,
	                               .map = &map,
	                               .layout = &blockmap_layout,
	                               .max_keys = max_keys,
	                               .max_series = max_series,
	                               .alias = ""};
	struct estimate_result result = {0};
	struct estimate *e = NULL;

	assert_int_equal(estimate_new(&settings, &e), 0);
	assert_int_equal(estimate_add_map(e, &m, of), 0);
	assert_int_equal(estimate_finish(e, &result), 0);
	estimate_free(e);
	return result;
}

/* 3 devices x 3 operations; beside the line of throughput, for 2 phases 31 octaves with +Inf and a summary. */
static void every_device_and_operation_counts_in_every_bucket(void **state)
{
	struct style_settings style = {.style = STYLE_INFLUX, .buckets_per_octave = 1};
	struct estimate_result r = estimate(style, 1000, 1000, &disks);

	assert_int_equal(r.busy.lines, 9 * (1 + 2 * (32 + 1)));
	assert_int_equal(r.busy.series, r.busy.lines);
	assert_int_equal(r.rest.lines, 9);
	assert_false(r.has_open_tags);
	style.style = STYLE_FIELDS;
	r = estimate(style, 1000, 1000, &disks);
	assert_int_equal(r.busy.lines, 9 * (1 + 2));
	assert_int_equal(r.rest.lines, 9);
}

/* Cumulative: at rest as much is told as ever. VictoriaMetrics makes a series of each field. */
static void in_style_prometheus_rest_is_as_long_as_work(void **state)
{
	struct style_settings style = {.style = STYLE_PROMETHEUS, .buckets_per_octave = 1};
	struct estimate_result r = estimate(style, 1000, 1000, &disks);

	assert_int_equal(r.busy.lines, 9 * (1 + 2 * (32 + 1)));
	assert_int_equal(r.rest.lines, r.busy.lines);
	/* Four counters; buckets; count, sum and max. */
	assert_int_equal(r.busy.series, 9 * (4 + 2 * (32 + 3)));
}

static void finer_buckets_are_more_lines(void **state)
{
	struct style_settings style = {.style = STYLE_INFLUX, .buckets_per_octave = 4};
	struct estimate_result r = estimate(style, 1000, 1000, &disks);

	assert_int_equal(r.busy.lines, 9 * (1 + 2 * (BLOCKMAP_SLOTS + 1)));
}

static void series_have_a_bound_whatever_comes(void **state)
{
	struct style_settings style = {.style = STYLE_FIELDS, .buckets_per_octave = 1};

	assert_int_equal(estimate(style, 1000, 1000, &disks).series_bound, 1000 * 3);
	assert_int_equal(estimate(style, 1000, 20, &disks).series_bound, 41 * 3);
	/* The map is too small for what there is. */
	assert_int_equal(estimate(style, 4, 1000, &disks).busy.lines, 4 * 3);
}

static void bytes_are_those_of_lines_and_of_a_compressed_body(void **state)
{
	struct style_settings style = {.style = STYLE_INFLUX, .buckets_per_octave = 1};
	struct estimate_result r = estimate(style, 1000, 1000, &disks);
	const char shortest[] =
		"block_io_latency,device=sda,le=1,op=read count=1i 1700000000000000000";

	assert_true(r.busy.bytes > r.busy.lines * strlen(shortest));
	assert_true(r.busy.bytes < r.busy.lines * 3 * strlen(shortest));
	/* Text of this kind shrinks to a tenth or so; what is sent is neither nothing nor all. */
	assert_true(r.busy.compressed > r.busy.bytes / 50);
	assert_true(r.busy.compressed < r.busy.bytes / 4);
	assert_true(r.rest.bytes < r.busy.bytes);
}

/* A host with more keys than are made up: what is made up is scaled, and agrees with what all of them give. */
static void many_devices_are_like_those_that_were_tried(void **state)
{
	struct style_settings style = {.style = STYLE_FIELDS, .buckets_per_octave = 1};
	static struct disk many[2 * ESTIMATE_MAX_ROWS];
	struct disks of = {.disks = many, .n = ARRAY_SIZE(many)};
	struct estimate_result r, half;

	for (uint32_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = (struct disk){.dev = BLOCKMAP_DEV(8, i)};
		snprintf(many[i].name, sizeof(many[i].name), "sd%04u", i);
	}
	r = estimate(style, 1 << 20, 1 << 20, &of);
	of.n /= 2;
	half = estimate(style, 1 << 20, 1 << 20, &of);
	assert_int_equal(r.busy.lines, 3 * 3 * ARRAY_SIZE(many));
	assert_int_equal(r.busy.bytes / 10000, 2 * half.busy.bytes / 10000);
}

static void a_host_without_devices_sends_nothing_of_them(void **state)
{
	struct style_settings style = {.style = STYLE_INFLUX, .buckets_per_octave = 1};
	struct disks none = {0};
	struct estimate_result r = estimate(style, 1000, 1000, &none);

	assert_int_equal(r.busy.lines, 0);
	assert_int_equal(r.busy.bytes, 0);
	assert_int_equal(r.busy.compressed, 0);
}

static void points_of_every_window_are_added_to_both(void **state)
{
	const struct estimate_settings settings = {.style = {.style = STYLE_PROMETHEUS},
	                                           .encoding = ENCODING_IDENTITY,
	                                           .batch_max_bytes = 1 << 20,
	                                           .interval_ns = SECOND,
	                                           .globals = &no_globals};
	struct point point = {.measurement = "thermograf",
	                      .fields = {{.key = "a", .integer = 1}, {.key = "b", .integer = 2}},
	                      .n_fields = 2,
	                      .stamp_ns = 17};
	struct estimate_result r = {0};
	struct estimate *e = NULL;

	assert_int_equal(estimate_new(&settings, &e), 0);
	assert_int_equal(estimate_add_point(e, &point), 0);
	assert_int_equal(estimate_finish(e, &r), 0);
	assert_int_equal(r.busy.lines, 1);
	assert_int_equal(r.rest.lines, 1);
	assert_int_equal(r.busy.series, 2);
	assert_int_equal(r.series_bound, 2);
	assert_int_equal(r.busy.bytes, strlen("thermograf a=1i,b=2i 17\n"));
	assert_int_equal(r.busy.compressed, r.busy.bytes);
	estimate_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_device_and_operation_counts_in_every_bucket),
		cmocka_unit_test(in_style_prometheus_rest_is_as_long_as_work),
		cmocka_unit_test(finer_buckets_are_more_lines),
		cmocka_unit_test(series_have_a_bound_whatever_comes),
		cmocka_unit_test(bytes_are_those_of_lines_and_of_a_compressed_body),
		cmocka_unit_test(many_devices_are_like_those_that_were_tried),
		cmocka_unit_test(a_host_without_devices_sends_nothing_of_them),
		cmocka_unit_test(points_of_every_window_are_added_to_both),
	};

	return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
