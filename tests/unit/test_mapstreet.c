/* SPDX-License-Identifier: Apache-2.0 */
#include "mapstreet.h"

#include "blockmap.h"
#include "lineproto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define SDA BLOCKMAP_DEV(8, 0)
/* A number that is another disk's later. */
#define REUSED BLOCKMAP_DEV(259, 0)
#define MAX_STYLES 3

static const struct style_settings influx = {.style = STYLE_INFLUX, .buckets_per_octave = 1};
static const struct style_settings fields = {.style = STYLE_FIELDS, .buckets_per_octave = 1};
static const struct style_settings prometheus = {.style = STYLE_PROMETHEUS,
                                                 .buckets_per_octave = 1};

/* One row in the kernel, its street, and what each output was told of the last window. */
struct rig {
	struct spec_map map;
	struct spec spec;
	struct mapstreet *street;
	struct blockmap_row row;
	struct rows read;
	struct window window;
	struct decode_env env;
	struct series_counts counts;
	struct text lines[MAX_STYLES];
	size_t n_styles;
};

static struct mapstreet_settings settings_of(const struct style_settings *styles, size_t n,
                                             const size_t *former)
{
	return (struct mapstreet_settings){.ttl_ns = 3600 * SECOND,
	                                   .max_series = 100,
	                                   .alias = "",
	                                   .styles = styles,
	                                   .n_styles = n,
	                                   .former = former};
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct mapstreet_settings settings = settings_of(&influx, 1, NULL);

	rig->map = blockmap_spec;
	rig->spec = (struct spec){.maps = &rig->map, .n_maps = 1};
	rig->row.key.dev = SDA;
	rig->window = (struct window){.stamp_ns = 1000 * (int64_t)SECOND, .length_ns = SECOND};
	rig->env = blockmap_env;
	rig->n_styles = 1;
	assert_int_equal(
		mapstreet_new(&rig->spec, &rig->map, &blockmap_layout, &settings, &rig->street), 0);
	blockmap_count(&rig->row, 512, 400000);
	blockmap_read(&rig->read, 1, &rig->row, 1);
	blockmap_next_window(&rig->row, 1);
	assert_int_equal(mapstreet_baseline(rig->street, &rig->read), 0);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	mapstreet_free(rig->street);
	rows_free(&rig->read);
	for (size_t i = 0; i < MAX_STYLES; i++)
		text_free(&rig->lines[i]);
	free(rig);
	return 0;
}

static int append(void *ctx, const struct point *point)
{
	static const struct lineproto_globals none;

	return lineproto_append(ctx, &none, point);
}

/* A window in which so many reads of 512 bytes completed. */
static void count_window(struct rig *rig, int n)
{
	for (int i = 0; i < n; i++)
		blockmap_count(&rig->row, 512, 400000);
	rig->window.start_ns = rig->window.stamp_ns;
	rig->window.stamp_ns += SECOND;
	blockmap_read(&rig->read, (uint64_t)rig->window.stamp_ns, &rig->row, 1);
	assert_int_equal(mapstreet_advance(rig->street, &rig->read), 0);
	assert_int_equal(mapstreet_merge(rig->street, &rig->env, &rig->counts), 0);
	for (size_t i = 0; i < rig->n_styles; i++) {
		text_clear(&rig->lines[i]);
		assert_int_equal(
			mapstreet_emit(rig->street, i, &rig->window, append, &rig->lines[i]), 0);
	}
	blockmap_next_window(&rig->row, 1);
}

static void reload(struct rig *rig, const struct style_settings *styles, size_t n,
                   const size_t *former)
{
	const struct mapstreet_settings settings = settings_of(styles, n, former);

	assert_int_equal(mapstreet_prepare(rig->street, &settings), 0);
	mapstreet_commit(rig->street);
	rig->n_styles = n;
}

static bool has(const struct rig *rig, size_t output, const char *part)
{
	return strstr(text_cstr(&rig->lines[output]), part);
}

static void outputs_that_change_between_two_windows_lose_no_count(void **state)
{
	static const size_t new[] = {MAPSTREET_NEW_STYLE, MAPSTREET_NEW_STYLE};
	struct rig *rig = *state;

	count_window(rig, 2);
	assert_true(has(rig, 0, ",ios=2i,"));
	/* What is counted while the styles are exchanged is the next window's. */
	blockmap_count(&rig->row, 512, 400000);
	reload(rig, (const struct style_settings[]){fields, influx}, 2, new);
	count_window(rig, 3);
	assert_true(has(rig, 0, ",ios=4i,"));
	assert_true(has(rig, 0, "count=4i,le_512=4i"));
	assert_true(has(rig, 1, ",ios=4i,"));
	assert_true(has(rig, 1, "le=512,op=read,phase=total count=4i"));
}

static void what_is_prepared_and_never_taken_changes_nothing(void **state)
{
	static const size_t new[] = {MAPSTREET_NEW_STYLE};
	const struct mapstreet_settings settings = settings_of(&prometheus, 1, new);
	struct rig *rig = *state;

	assert_int_equal(mapstreet_prepare(rig->street, &settings), 0);
	count_window(rig, 1);
	assert_true(has(rig, 0, "block_io,device=sda,layer=disk,op=read bytes=512i"));
	assert_int_equal(mapstreet_prepare(rig->street, &settings), 0);
	mapstreet_commit(rig->street);
	count_window(rig, 1);
	assert_true(has(rig, 0, "block_io,device=sda,layer=disk,op=read bytes_total=0i"));
}

static void taking_without_preparing_changes_nothing(void **state)
{
	struct rig *rig = *state;

	mapstreet_commit(rig->street);
	count_window(rig, 1);
	assert_true(has(rig, 0, ",ios=1i,"));
}

/* Only the second was there: it must not begin anew, and the first begins where the totals are. */
static void a_style_that_goes_on_at_another_place_tells_no_starting_point(void **state)
{
	static const size_t first[] = {MAPSTREET_NEW_STYLE}, second[] = {MAPSTREET_NEW_STYLE, 0};
	struct rig *rig = *state;

	reload(rig, &prometheus, 1, first);
	count_window(rig, 5);
	assert_true(has(rig, 0, "ios_total=0i,untimed_total=0i 1000001000000\n"));
	assert_true(has(rig, 0, "ios_total=5i,untimed_total=0i 1001000000000\n"));
	reload(rig, (const struct style_settings[]){prometheus, prometheus}, 2, second);
	count_window(rig, 2);
	assert_true(has(rig, 0, "ios_total=5i,untimed_total=0i 1001001000000\n"));
	assert_true(has(rig, 0, "ios_total=7i,untimed_total=0i 1002000000000\n"));
	assert_false(has(rig, 1, " 1001001000000\n"));
	assert_true(has(rig, 1, "ios_total=7i,untimed_total=0i 1002000000000\n"));
}

static void totals_that_nobody_asks_for_any_more_begin_anew(void **state)
{
	static const size_t new[] = {MAPSTREET_NEW_STYLE};
	struct rig *rig = *state;

	reload(rig, &prometheus, 1, new);
	count_window(rig, 5);
	reload(rig, &influx, 1, new);
	count_window(rig, 1);
	reload(rig, &prometheus, 1, new);
	count_window(rig, 2);
	assert_true(has(rig, 0, "ios_total=2i,untimed_total=0i 1003000000000\n"));
}

static void other_bounds_hold_from_the_next_window_on(void **state)
{
	static const size_t same[] = {0};
	struct mapstreet_settings settings = settings_of(&influx, 1, same);
	struct rig *rig = *state;

	count_window(rig, 1);
	settings.ttl_ns = SECOND;
	assert_int_equal(mapstreet_prepare(rig->street, &settings), 0);
	mapstreet_commit(rig->street);
	count_window(rig, 0);
	assert_false(has(rig, 0, "device=sda"));
	count_window(rig, 1);
	assert_true(has(rig, 0, ",ios=1i,"));
}

/* ---- disks that end */

static struct disk old_table[] = {{.dev = SDA, .name = "sda"}, {.dev = REUSED, .name = "nvme0n1"}};
static struct disk new_table[] = {{.dev = SDA, .name = "sda"}, {.dev = REUSED, .name = "nvme1n1"}};
static struct disk gone_table[] = {{.dev = SDA, .name = "sda"},
                                   {.dev = REUSED, .name = "nvme0n1", .gone = true}};
static const struct disks old_disks = {.disks = old_table, .n = 2};
static const struct disks new_disks = {.disks = new_table, .n = 2};
static const struct disks gone_disks = {.disks = gone_table, .n = 2};

/* The row of a disk that may end, in styles influx and prometheus. */
static void follow_reused(struct rig *rig)
{
	static const size_t new[] = {MAPSTREET_NEW_STYLE, MAPSTREET_NEW_STYLE};

	reload(rig, (const struct style_settings[]){influx, prometheus}, 2, new);
	rig->row = (struct blockmap_row){.key.dev = REUSED};
	rig->env = (struct decode_env){.disks = &old_disks};
	count_window(rig, 0);
}

/* What the kernel's news make of it in the middle of a window. */
static void end_disk(struct rig *rig, const struct disks *after)
{
	blockmap_read(&rig->read, (uint64_t)rig->window.stamp_ns + 1, &rig->row, 1);
	assert_int_equal(mapstreet_advance(rig->street, &rig->read), 0);
	rig->env.later = after;
	assert_int_equal(mapstreet_gather(rig->street, &rig->env), 0);
	mapstreet_end(rig->street, rig->env.disks, after);
	rig->env = (struct decode_env){.disks = after};
	blockmap_next_window(&rig->row, 1);
}

static void a_number_that_is_reused_in_a_window_tells_each_disk_its_own(void **state)
{
	struct rig *rig = *state;

	follow_reused(rig);
	count_window(rig, 4);
	assert_true(has(rig, 0, "device=nvme0n1,layer=disk,op=read bytes=2048i,"));
	for (int i = 0; i < 3; i++)
		blockmap_count(&rig->row, 512, 7000000);
	end_disk(rig, &new_disks);
	count_window(rig, 2);
	assert_true(has(rig, 0, "block_io,device=nvme0n1,layer=disk,op=read bytes=1536i,"));
	assert_true(has(rig, 0, "block_io,device=nvme1n1,layer=disk,op=read bytes=1024i,"));
	/* The slowest of the window was the former's. */
	assert_true(
		has(rig, 0, "device=nvme0n1,layer=disk,op=read,phase=total count=3i,max_us=7000i"));
	assert_true(
		has(rig, 0, "device=nvme1n1,layer=disk,op=read,phase=total count=2i,max_us=400i"));
	assert_int_equal(rig->counts.events, 5);
	/* And sda's, that is in no read any more. */
	assert_int_equal(rig->counts.keys, 1 + 1);
	assert_int_equal(rig->counts.series, 2 + 1);
	/* Totals of the new one begin with 0, those of the former end. */
	assert_true(has(rig, 1, "device=nvme0n1,layer=disk,op=read bytes_total=3584i,"));
	assert_true(has(rig, 1, "device=nvme1n1,layer=disk,op=read bytes_total=0i,"));
	assert_true(has(rig, 1, "device=nvme1n1,layer=disk,op=read bytes_total=1024i,"));
	count_window(rig, 1);
	assert_false(has(rig, 0, "nvme0n1"));
	assert_false(has(rig, 1, "nvme0n1"));
	assert_true(has(rig, 1, "device=nvme1n1,layer=disk,op=read bytes_total=1536i,"));
}

static void a_disk_that_did_not_count_yet_is_told_no_zeros_of_its_predecessor(void **state)
{
	struct rig *rig = *state;

	follow_reused(rig);
	count_window(rig, 4);
	end_disk(rig, &new_disks);
	count_window(rig, 0);
	assert_false(has(rig, 0, "nvme"));
	count_window(rig, 1);
	assert_true(has(rig, 0, "device=nvme1n1,layer=disk,op=read bytes=512i,"));
}

static void what_completes_after_a_disk_went_is_still_its_own(void **state)
{
	struct rig *rig = *state;

	follow_reused(rig);
	count_window(rig, 1);
	blockmap_count(&rig->row, 512, 400000);
	end_disk(rig, &gone_disks);
	count_window(rig, 1);
	assert_true(has(rig, 0, "device=nvme0n1,layer=disk,op=read bytes=1024i,"));
	count_window(rig, 0);
	assert_false(has(rig, 0, "nvme"));
	assert_false(has(rig, 1, "nvme"));
}

static void a_disk_that_came_and_went_between_two_looks_has_its_counts(void **state)
{
	static struct disk none_table[] = {{.dev = SDA, .name = "sda"}};
	static const struct disks none = {.disks = none_table, .n = 1};
	struct rig *rig = *state;

	follow_reused(rig);
	rig->env.disks = &none;
	blockmap_count(&rig->row, 512, 400000);
	end_disk(rig, &gone_disks);
	/* And another one with its number. */
	blockmap_count(&rig->row, 512, 400000);
	end_disk(rig, &new_disks);
	count_window(rig, 2);
	assert_true(has(rig, 0, "device=nvme0n1,layer=disk,op=read bytes=512i,"));
	assert_true(has(rig, 0, "device=nvme1n1,layer=disk,op=read bytes=1536i,"));
	assert_false(has(rig, 0, "259:0"));
}

/* A gauge is of the window's end: read twice, it must not be told twice. */
static void gauges_are_not_gathered(void **state)
{
	struct rig *rig = *state;
	struct layout_run gauges[ARRAY_SIZE(blockmap_runs)];
	struct layout layout = blockmap_layout;
	const struct mapstreet_settings settings = settings_of(&influx, 1, NULL);

	memcpy(gauges, blockmap_runs, sizeof(gauges));
	gauges[0].kind = SPEC_GAUGE;
	layout.runs = gauges;
	layout.has_gauges = true;
	mapstreet_free(rig->street);
	assert_int_equal(mapstreet_new(&rig->spec, &rig->map, &layout, &settings, &rig->street), 0);
	rig->row = (struct blockmap_row){.key.dev = SDA, .cells = {3, 4096}};
	rig->env.disks = &old_disks;
	count_window(rig, 0);
	end_disk(rig, &new_disks);
	count_window(rig, 0);
	assert_true(has(rig, 0, "device=sda,layer=disk,op=read bytes=4096i,"));
	assert_true(has(rig, 0, ",ios=3i,"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(outputs_that_change_between_two_windows_lose_no_count),
		TEST(what_is_prepared_and_never_taken_changes_nothing),
		TEST(taking_without_preparing_changes_nothing),
		TEST(a_style_that_goes_on_at_another_place_tells_no_starting_point),
		TEST(totals_that_nobody_asks_for_any_more_begin_anew),
		TEST(other_bounds_hold_from_the_next_window_on),
		TEST(a_number_that_is_reused_in_a_window_tells_each_disk_its_own),
		TEST(a_disk_that_did_not_count_yet_is_told_no_zeros_of_its_predecessor),
		TEST(what_completes_after_a_disk_went_is_still_its_own),
		TEST(a_disk_that_came_and_went_between_two_looks_has_its_counts),
		TEST(gauges_are_not_gathered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
