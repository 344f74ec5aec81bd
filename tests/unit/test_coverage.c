/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage.h"

#include "diskstats.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 20 columns, as since 5.5; sda1 is a partition, md0 is not among the disks. */
#define LINE(dev, name, reads, writes, discards, flushes)                         \
	"   " dev " " name " " #reads " 0 0 0 " #writes " 0 0 0 0 0 0 " #discards \
	" 0 0 0 " #flushes " 0\n"

static void reads_what_the_kernel_counts_of_each_disk(void **state)
{
	struct diskstats stats = {0};

	assert_int_equal(diskstats_parse(&stats, LINE("8       0", "sda", 5, 6, 7, 8)
	                                                 LINE("259 1", "nvme0n1", 1, 2, 3, 4)),
	                 0);
	assert_int_equal(stats.n, 2);
	const struct diskstats_disk *sda = diskstats_find(&stats, "sda");

	assert_non_null(sda);
	assert_int_equal(sda->dev, 8 << 20);
	assert_int_equal(sda->ios[DISK_READS], 5);
	assert_int_equal(sda->ios[DISK_WRITES], 6);
	assert_int_equal(sda->ios[DISK_DISCARDS], 7);
	assert_int_equal(sda->ios[DISK_FLUSHES], 8);
	assert_int_equal(diskstats_find(&stats, "nvme0n1")->dev, 259 << 20 | 1);
	assert_null(diskstats_find(&stats, "sd"));
	diskstats_free(&stats);
}

static void takes_fewer_columns_and_leaves_out_other_lines(void **state)
{
	static const char *const other[] = {
		"",
		"\n",
		"sda",
		"8 0\n",
		"8 0 sda\n",
		"8 0 sda 1 2 3\n",
		"8 0 averylongnamethatnodiskhasinthiskernel 1 2 3 4 5 6 7\n"};
	struct diskstats stats = {0};

	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		assert_int_equal(diskstats_parse(&stats, other[i]), 0);
		assert_int_equal(stats.n, 0);
	}
	/* Until 4.18 there were 11. */
	assert_int_equal(diskstats_parse(&stats, "8 0 sda 1 0 0 0 2 0 0 0 0 0 0"), 0);
	assert_int_equal(diskstats_find(&stats, "sda")->ios[DISK_WRITES], 2);
	assert_int_equal(diskstats_find(&stats, "sda")->ios[DISK_FLUSHES], 0);
	diskstats_free(&stats);
}

/* ---- a map with tags op and device and the fields bytes and ios */

struct rig {
	struct spec_map map;
	struct layout layout;
	struct tagsets sets;
	struct disk table[4];
	struct disks disks;
	struct coverage *coverage;
	const struct coverage_row *rows;
	size_t n;
};

static void open_rig(struct rig *r, const char *measurement)
{
	*r = (struct rig){
		.map = {.measurement = (char *)measurement,
	                .n_tags = 2,
	                .n_fields = 2,
	                .reference = {.device = "device", .op = "op", .field = "ios", .line = 1}},
		.layout = {.field_cell = {0, 1}},
		.sets = {.n_cells = 2},
		.table = {{.dev = 8 << 20, .name = "sda"}, {.dev = 8 << 20 | 16, .name = "sdb"}},
		.disks = {.n = 2},
	};
	r->map.tags[0].name = "op";
	r->map.tags[1].name = "device";
	r->map.fields[0].name = "bytes";
	r->map.fields[1].name = "ios";
	r->map.reference.ops[DISK_READS] = "read";
	r->map.reference.ops[DISK_WRITES] = "write commit";
	r->disks.disks = r->table;
	assert_int_equal(coverage_new(&r->coverage), 0);
}

static void close_rig(struct rig *r)
{
	coverage_free(r->coverage);
	tagsets_free(&r->sets);
}

static void count(struct rig *r, const char *op, const char *device, uint64_t ios)
{
	char tags[64];
	size_t len = strlen(op) + 1, i;

	strcpy(tags, op);
	strcpy(tags + len, device);
	assert_int_equal(tagsets_take(&r->sets, tags, len + strlen(device) + 1, &i), 0);
	tagsets_cells(&r->sets, i)[0] = 4096 * ios;
	tagsets_cells(&r->sets, i)[1] = ios;
}

static void add(struct rig *r, struct coverage *to)
{
	assert_int_equal(coverage_add(to, &r->map, &r->layout, &r->sets), 0);
}

static void cut(struct rig *r, const char *diskstats)
{
	assert_int_equal(coverage_cut(r->coverage, diskstats, &r->disks, &r->rows, &r->n), 0);
}

static void assert_row(const struct rig *r, size_t i, const char *device, uint64_t counted,
                       uint64_t reference, bool compared)
{
	assert_true(i < r->n);
	assert_string_equal(r->rows[i].device, device);
	assert_int_equal(r->rows[i].counted, counted);
	assert_int_equal(r->rows[i].reference, reference);
	assert_int_equal(r->rows[i].compared, compared);
}

static void compares_operations_that_have_a_kind_disk_by_disk(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	assert_int_equal(coverage_baseline(r.coverage, LINE("8 16", "sdb", 1, 1, 0, 0)
	                                                       LINE("8 0", "sda", 10, 20, 0, 0)),
	                 0);
	count(&r, "read", "sda", 5);
	count(&r, "commit", "sda", 1);
	count(&r, "write", "sda", 2);
	count(&r, "flush", "sda", 100); /* not compared, neither here nor there */
	count(&r, "read", "sdb", 3);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 15, 23, 0, 100) LINE("8 1", "sda1", 15, 23, 0, 0)
	                LINE("8 16", "sdb", 5, 1, 0, 0));
	assert_int_equal(r.n, 2);
	assert_row(&r, 0, "sda", 8, 8, true);
	assert_row(&r, 1, "sdb", 3, 4, true);
	close_rig(&r);
}

static void a_disk_that_nobody_counts_is_told_and_one_at_rest_is_not(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	coverage_baseline(r.coverage, LINE("8 0", "sda", 1, 1, 0, 0));
	count(&r, "read", "sda", 0);
	add(&r, r.coverage);
	/* sdb came in this window: whole. A partition and what is no disk are nobody's. */
	cut(&r, LINE("8 0", "sda", 1, 1, 0, 0) LINE("8 16", "sdb", 2, 3, 0, 0)
	                LINE("8 17", "sdb1", 2, 3, 0, 0) LINE("9 0", "md0", 2, 3, 0, 0));
	assert_int_equal(r.n, 1);
	assert_row(&r, 0, "sdb", 0, 5, true);
	close_rig(&r);
}

static void a_disk_that_the_kernel_does_not_count_is_not_compared(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	coverage_baseline(r.coverage, LINE("8 0", "sda", 0, 0, 0, 0));
	count(&r, "read", "sda", 7);
	count(&r, "read", "nvme0c0n1", 2);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 0, 0, 0, 0));
	assert_int_equal(r.n, 2);
	assert_row(&r, 0, "nvme0c0n1", 2, 0, false);
	assert_row(&r, 1, "sda", 7, 0, false);
	close_rig(&r);
}

static void another_disk_of_the_same_name_counts_whole(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	coverage_baseline(r.coverage, LINE("8 0", "sda", 1000, 1000, 0, 0));
	count(&r, "read", "sda", 3);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 3, 0, 0, 0));
	assert_row(&r, 0, "sda", 3, 3, true);
	close_rig(&r);
}

static void maps_of_one_measurement_cover_together(void **state)
{
	struct rig r, other, more;

	open_rig(&r, "io");
	open_rig(&other, "io");
	open_rig(&more, "net");
	coverage_baseline(r.coverage, LINE("8 0", "sda", 0, 0, 0, 0));
	count(&r, "read", "sda", 3);
	count(&other, "read", "sdb", 4);
	count(&more, "read", "sda", 1);
	add(&r, r.coverage);
	add(&more, r.coverage);
	add(&other, r.coverage);
	cut(&r, LINE("8 0", "sda", 3, 0, 0, 0) LINE("8 16", "sdb", 4, 0, 0, 0));
	assert_int_equal(r.n, 4);
	assert_row(&r, 0, "sda", 3, 3, true);
	assert_row(&r, 1, "sdb", 4, 4, true);
	assert_string_equal(r.rows[2].measurement, "net");
	assert_row(&r, 2, "sda", 1, 3, true);
	assert_row(&r, 3, "sdb", 0, 4, true);
	close_rig(&r);
	close_rig(&other);
	close_rig(&more);
}

static void where_no_map_takes_part_nothing_is_told(void **state)
{
	struct rig r;

	open_rig(&r, "block_io");
	assert_int_equal(coverage_baseline(r.coverage, LINE("8 0", "sda", 0, 0, 0, 0)), 0);
	cut(&r, LINE("8 0", "sda", 9, 9, 0, 0));
	assert_int_equal(r.n, 0);
	close_rig(&r);
}

static void a_window_begins_where_the_one_before_ended(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	count(&r, "read", "sda", 5);
	/* No baseline yet: nothing to compare with. */
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 100, 0, 0, 0));
	assert_int_equal(r.n, 0);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 105, 0, 0, 0));
	assert_row(&r, 0, "sda", 5, 5, true);
	add(&r, r.coverage);
	coverage_skip(r.coverage);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 200, 0, 0, 0));
	assert_int_equal(r.n, 0);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 205, 0, 0, 0));
	assert_int_equal(r.n, 1);
	assert_row(&r, 0, "sda", 5, 5, true);
	/* A map that has counted nothing yet asks all the same. */
	tagsets_clear(&r.sets);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 206, 0, 0, 0));
	assert_row(&r, 0, "sda", 0, 1, true);
	/* No map of this window has a reference: nobody asks. */
	cut(&r, LINE("8 0", "sda", 300, 0, 0, 0));
	assert_int_equal(r.n, 0);
	close_rig(&r);
}

/* 5.10 counts commands past the block layer, later kernels do not. */
static void operations_that_not_all_kernels_count_fill_what_is_missing(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	r.map.reference.ops[SPEC_REFERENCE_UNSURE] = "other";
	coverage_baseline(r.coverage,
	                  LINE("8 0", "sda", 10, 0, 0, 0) LINE("8 16", "sdb", 1, 0, 0, 0));
	count(&r, "read", "sda", 5);
	count(&r, "other", "sda", 7);
	count(&r, "other", "sdb", 3);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 17, 0, 0, 0) LINE("8 16", "sdb", 4, 0, 0, 0));
	assert_int_equal(r.n, 2);
	assert_row(&r, 0, "sda", 7, 7, true);
	assert_row(&r, 1, "sdb", 3, 3, true);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 22, 0, 0, 0) LINE("8 16", "sdb", 4, 0, 0, 0));
	assert_int_equal(r.n, 1);
	assert_row(&r, 0, "sda", 5, 5, true);
	close_rig(&r);
}

static void a_window_of_more_series_than_are_told_is_not_compared(void **state)
{
	struct rig r;

	open_rig(&r, "io");
	coverage_baseline(r.coverage, LINE("8 0", "sda", 0, 0, 0, 0));
	count(&r, "read", "sda", 5);
	count(&r, TAGSET_OTHER, TAGSET_OTHER, 1);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 6, 0, 0, 0));
	assert_int_equal(r.n, 0);
	tagsets_clear(&r.sets);
	count(&r, "read", "sda", 2);
	count(&r, TAGSET_OTHER, TAGSET_OTHER, 0);
	add(&r, r.coverage);
	cut(&r, LINE("8 0", "sda", 8, 0, 0, 0));
	assert_row(&r, 0, "sda", 2, 2, true);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_kernel_counts_of_each_disk),
		cmocka_unit_test(takes_fewer_columns_and_leaves_out_other_lines),
		cmocka_unit_test(compares_operations_that_have_a_kind_disk_by_disk),
		cmocka_unit_test(a_disk_that_nobody_counts_is_told_and_one_at_rest_is_not),
		cmocka_unit_test(a_disk_that_the_kernel_does_not_count_is_not_compared),
		cmocka_unit_test(another_disk_of_the_same_name_counts_whole),
		cmocka_unit_test(maps_of_one_measurement_cover_together),
		cmocka_unit_test(where_no_map_takes_part_nothing_is_told),
		cmocka_unit_test(a_window_begins_where_the_one_before_ended),
		cmocka_unit_test(operations_that_not_all_kernels_count_fill_what_is_missing),
		cmocka_unit_test(a_window_of_more_series_than_are_told_is_not_compared),
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
