/* SPDX-License-Identifier: Apache-2.0 */
/**
 * test_golden.c: known reads of a map through delta, series and lineproto, compared whole with tests/golden/.
 *
 * Runs in the root of the tree. What differs is printed, and the new text stands in build/tests/golden/ then; copy it
 * over the old one when the change is meant.
 */
#include "blockmap.h"
#include "delta.h"
#include "lineproto.h"
#include "lpparse.h"
#include "style.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
/* 2026-01-01 00:00:00 UTC */
#define STAMP INT64_C(1767225600000000000)
#define MAX_DIFFERENCES 10

enum { SDA_READ, SDA_WRITEBACK, SDB_WRITE, DM_READ, LATE_READ, ROWS };

/* The whole street for one map. */
struct street {
	struct blockmap_row rows[ROWS]; /* in the kernel */
	struct rows read;
	struct delta *delta;
	struct series *series;
	struct lineproto_globals globals;
	struct style *style;
	struct text lines;
};

static int append(void *ctx, const struct point *point)
{
	struct street *s = ctx;

	return lineproto_append(&s->lines, &s->globals, point);
}

static void cut(struct street *s, uint64_t taken_ns, const struct window *window)
{
	const struct delta_row *told;
	size_t n;

	blockmap_read(&s->read, taken_ns, s->rows, ROWS);
	assert_int_equal(delta_advance(s->delta, &s->read, &told, &n), 0);
	assert_int_equal(series_merge(s->series, told, n, &blockmap_env, NULL), 0);
	assert_int_equal(style_emit(s->style, s->series, window, append, s), 0);
	blockmap_next_window(s->rows, ROWS);
}

static void count(struct street *s, int row, int times, uint64_t bytes, uint64_t latency_ns)
{
	while (times--)
		blockmap_count(&s->rows[row], bytes, latency_ns);
}

static void three_windows(struct street *s)
{
	/* Before the baseline: sda has a history, and one slot of it is about to wrap. */
	count(s, SDA_READ, 1000, 4096, 90 * US);
	s->rows[SDA_READ].cells[BLOCKMAP_FIRST_SLOT + 20] = UINT32_MAX;
	blockmap_read(&s->read, 100 * SECOND, s->rows, ROWS);
	assert_int_equal(delta_baseline(s->delta, &s->read), 0);

	/* 10 s: reads on the bounds of buckets, a first write, I/O through a stack. */
	count(s, SDA_READ, 3, 512, 512 * US);
	count(s, SDA_READ, 2, 512, 512 * US + 1);
	count(s, SDA_READ, 1, 512, 1);
	blockmap_queue(&s->rows[SDA_READ], 300 * US);
	blockmap_queue(&s->rows[SDA_READ], 2 * US);
	count(s, SDB_WRITE, 4, 65536, 3 * MS + 700);
	count(s, DM_READ, 6, 512, 520 * US);
	count(s, SDA_READ, 1, 512, 75 * US);
	s->rows[SDA_READ].cells[BLOCKMAP_FIRST_SLOT + 20] %= UINT64_C(1) << 32;
	cut(s, 110 * SECOND,
	    &(struct window){.start_ns = STAMP - 10 * (int64_t)SECOND,
	                     .stamp_ns = STAMP,
	                     .length_ns = 10 * SECOND});

	/* 12.5 s, late: an error, a start that was not valid, one that took half an hour. */
	count(s, SDB_WRITE, 1, 4096, 1800 * SECOND);
	blockmap_queue(&s->rows[SDB_WRITE], 1799 * SECOND);
	s->rows[SDB_WRITE].cells[2]++;
	s->rows[SDA_WRITEBACK].cells[0]++;
	s->rows[SDA_WRITEBACK].cells[1] += 4096;
	s->rows[SDA_WRITEBACK].cells[3]++;
	cut(s, 122 * SECOND + 500 * MS,
	    &(struct window){.start_ns = STAMP,
	                     .stamp_ns = STAMP + 10 * (int64_t)SECOND,
	                     .length_ns = 12 * SECOND + 500 * MS});

	/* 7.5 s: nothing but a disk without a name. */
	count(s, LATE_READ, 2, 4096, 40 * US);
	cut(s, 130 * SECOND,
	    &(struct window){.start_ns = STAMP + 10 * (int64_t)SECOND,
	                     .stamp_ns = STAMP + 20 * (int64_t)SECOND,
	                     .length_ns = 7500 * MS});
}

static void read_file(const char *path, struct text *ret_text)
{
	char buffer[4096];
	size_t n;
	FILE *file = fopen(path, "r");

	if (!file)
		return;
	while ((n = fread(buffer, 1, sizeof(buffer), file)))
		text_append(ret_text, buffer, n);
	fclose(file);
}

static void write_file(const char *name, const struct text *text)
{
	char path[256];
	FILE *file;

	mkdir("build", 0755);
	mkdir("build/tests", 0755);
	mkdir("build/tests/golden", 0755);
	snprintf(path, sizeof(path), "build/tests/golden/%s", name);
	file = fopen(path, "w");
	if (!file)
		return;
	fwrite(text_cstr(text), 1, text->len, file);
	if (!fclose(file))
		print_error("the new text: %s\n", path);
}

/* Line by line; no attempt to find out what was inserted. */
static void print_differences(const char *want, const char *got)
{
	int differences = 0;

	for (int line = 1; (*want || *got) && differences < MAX_DIFFERENCES; line++) {
		size_t want_len = strcspn(want, "\n"), got_len = strcspn(got, "\n");
		if (want_len != got_len || memcmp(want, got, want_len) != 0) {
			print_error("@@ line %d\n", line);
			if (*want)
				print_error("-%.*s\n", (int)want_len, want);
			if (*got)
				print_error("+%.*s\n", (int)got_len, got);
			differences++;
		}
		want += want_len + (want[want_len] == '\n');
		got += got_len + (got[got_len] == '\n');
	}
}

static void expect_golden(const char *name, const struct text *got)
{
	CLEANUP(text_free) struct text want = {};
	char path[256];

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	read_file(path, &want);
	if (want.len == got->len && memcmp(text_cstr(&want), text_cstr(got), want.len) == 0)
		return;
	print_error("%s differs:\n", path);
	print_differences(text_cstr(&want), text_cstr(got));
	write_file(name, got);
	fail();
}

static void expect_strict(const struct text *lines)
{
	static struct lpparse_line line;

	for (const char *s = text_cstr(lines); *s; s += line.len) {
		const char *wrong = lpparse(s, &line);
		if (wrong)
			fail_msg("%s: %.*s", wrong, (int)strcspn(s, "\n"), s);
	}
}

static void play(const struct style_settings *settings, const char *golden)
{
	const struct spec spec = {.maps = (struct spec_map *)&blockmap_spec, .n_maps = 1};
	struct config_pair dc = {.key = (char *)"dc", .value = (char *)"east 1"};
	struct street s = {
		.rows = {[SDA_READ].key = {BLOCKMAP_DEV(8, 0), 0},
	                 [SDA_WRITEBACK].key = {BLOCKMAP_DEV(8, 0), 2},
	                 [SDB_WRITE].key = {BLOCKMAP_DEV(8, 16), 1},
	                 [DM_READ].key = {BLOCKMAP_DEV(253, 0), 0},
	                 [LATE_READ].key = {BLOCKMAP_DEV(259, 3), 0}},
	};

	assert_int_equal(delta_new(&blockmap_layout, 3600 * SECOND, &s.delta), 0);
	assert_int_equal(series_new(&blockmap_spec, &blockmap_layout, 1000,
	                            settings->style == STYLE_PROMETHEUS, &s.series),
	                 0);
	assert_int_equal(style_new(&spec, &blockmap_spec, &blockmap_layout, settings, "biolatency",
	                           &s.style),
	                 0);
	lineproto_globals_init(&s.globals, &dc, 1, "web1");
	three_windows(&s);
	expect_strict(&s.lines);
	expect_golden(golden, &s.lines);
	style_free(s.style);
	series_free(s.series);
	delta_free(s.delta);
	rows_free(&s.read);
	text_free(&s.lines);
}

static const struct config_quantiles default_quantiles = {{500000, 900000, 990000, 999000}, 4};

static void block_io_in_style_influx(void **state)
{
	(void)state;
	play(&(struct style_settings){.style = STYLE_INFLUX,
	                              .buckets_per_octave = 1,
	                              .quantiles = default_quantiles},
	     "block_io.influx.lp");
}

static void block_io_in_style_influx_as_fine_as_recorded_and_padded(void **state)
{
	(void)state;
	play(&(struct style_settings){.style = STYLE_INFLUX,
	                              .buckets_per_octave = 4,
	                              .le_padded = true},
	     "block_io.influx-fine.lp");
}

static void block_io_in_style_fields(void **state)
{
	(void)state;
	play(&(struct style_settings){.style = STYLE_FIELDS,
	                              .buckets_per_octave = 1,
	                              .quantiles = default_quantiles},
	     "block_io.fields.lp");
}

static void block_io_in_style_prometheus(void **state)
{
	(void)state;
	play(&(struct style_settings){.style = STYLE_PROMETHEUS,
	                              .buckets_per_octave = 1,
	                              .quantiles = {{500000}, 1},
	                              .le_padded = true},
	     "block_io.prometheus.lp");
}

static void block_io_in_style_bcc2telegraf(void **state)
{
	(void)state;
	play(&(struct style_settings){.style = STYLE_BCC2TELEGRAF, .buckets_per_octave = 1},
	     "block_io.bcc2telegraf.lp");
}

static void block_io_in_style_bcc2telegraf_cumulative(void **state)
{
	(void)state;
	play(&(struct style_settings){.style = STYLE_BCC2TELEGRAF,
	                              .buckets_per_octave = 1,
	                              .cumulative_hist = true},
	     "block_io.bcc2telegraf-cumulative.lp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_io_in_style_influx),
		cmocka_unit_test(block_io_in_style_influx_as_fine_as_recorded_and_padded),
		cmocka_unit_test(block_io_in_style_fields),
		cmocka_unit_test(block_io_in_style_prometheus),
		cmocka_unit_test(block_io_in_style_bcc2telegraf),
		cmocka_unit_test(block_io_in_style_bcc2telegraf_cumulative),
	};

	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
