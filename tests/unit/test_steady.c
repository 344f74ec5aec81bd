/* SPDX-License-Identifier: Apache-2.0 */
/**
 * test_steady.c: the steady state allocates nothing, from the rows of a map to a body that a receiver took.
 *
 * The Makefile links this one with --wrap: every call of malloc() and its kin in the library is counted. What libbpf,
 * zlib and libcurl allocate themselves is not.
 */
#include "allocations.h"
#include "batch.h"
#include "blockmap.h"
#include "lineproto.h"
#include "poller.h"
#include "random.h"
#include "selfmon.h"
#include "spool.h"
#include "style.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define STAMP INT64_C(1767225600000000000)
#define ROWS 28
/* Windows until each buffer has met the largest body and the most buckets that the load can make. */
#define WARM_UP 30
#define WINDOWS 100

/* One map and one output. */
struct street {
	struct blockmap_row rows[ROWS]; /* in the kernel */
	struct rows read;
	struct delta *delta;
	struct series *series;
	struct style *style;
	struct lineproto_globals globals;
	struct text lines;
	struct batcher *batcher;
	struct spool *spool;
	struct window window;
	uint64_t random;
};

/* What the map holds by the end of a window: latencies of all sizes, and not each time of all series. */
static void load(struct street *s)
{
	for (size_t i = 0; i < ROWS; i++) {
		blockmap_next_window(&s->rows[i], 1);
		for (uint64_t n = random_below(&s->random, 50); n; n--) {
			uint64_t latency_ns =
				random_next(&s->random) >> (24 + random_below(&s->random, 30));

			blockmap_count(&s->rows[i], 4096, latency_ns);
			blockmap_queue(&s->rows[i], latency_ns / 2);
		}
	}
}

static int append(void *ctx, const struct point *point)
{
	struct street *s = ctx;

	return lineproto_append(&s->lines, &s->globals, point);
}

static int put(void *ctx, struct batch *batch)
{
	return spool_put(ctx, batch);
}

static void tell_self(struct street *s)
{
	const struct selfmon_agent agent = {.windows = 1};
	const struct output_stats stats = {.lines_sent = 1};

	assert_int_equal(selfmon_probe("block_io", NULL, s->window.stamp_ns, append, s), 0);
	assert_int_equal(selfmon_output("lab", &stats, s->window.stamp_ns, append, s), 0);
	assert_int_equal(selfmon_agent(&agent, &s->window, append, s), 0);
}

/* As the agent and its push do it while the receiver takes all. */
static void cut(struct street *s)
{
	const struct delta_row *told;
	size_t n;

	load(s);
	s->window.stamp_ns += (int64_t)SECOND;
	blockmap_read(&s->read, (uint64_t)s->window.stamp_ns, s->rows, ROWS);
	assert_int_equal(delta_advance(s->delta, &s->read, &told, &n), 0);
	assert_int_equal(series_merge(s->series, told, n, &blockmap_env, NULL), 0);
	text_clear(&s->lines);
	assert_int_equal(style_emit(s->style, s->series, &s->window, append, s), 0);
	tell_self(s);
	batcher_reuse(s->batcher, spool_take_spare(s->spool));
	assert_int_equal(batcher_cut(s->batcher, s->lines.data, s->lines.len, 1 << 20,
	                             s->window.stamp_ns, put, s->spool),
	                 0);
	assert_non_null(spool_lend(s->spool, SPOOL_FRESH));
	spool_done(s->spool);
}

static void open_street(struct street *s, enum output_style style, enum content_encoding encoding)
{
	static const struct spec spec = {.maps = (struct spec_map *)&blockmap_spec, .n_maps = 1};
	const struct style_settings settings = {
		.style = style,
		.buckets_per_octave = 4,
		.quantiles = {.n = 2, .millionths = {500000, 990000}}};
	struct config_pair dc = {.key = (char *)"dc", .value = (char *)"east-1"};

	*s = (struct street){.window = {.stamp_ns = STAMP, .length_ns = SECOND}};
	for (uint32_t i = 0; i < ROWS; i++)
		s->rows[i].key = (struct blockmap_key){BLOCKMAP_DEV(8, 16 * (i / 7)), i % 7};
	assert_int_equal(delta_new(&blockmap_layout, 3600 * SECOND, &s->delta), 0);
	assert_int_equal(series_new(&blockmap_spec, &blockmap_layout, 1000,
	                            style == STYLE_PROMETHEUS, &s->series),
	                 0);
	assert_int_equal(
		style_new(&spec, &blockmap_spec, &blockmap_layout, &settings, "", &s->style), 0);
	lineproto_globals_init(&s->globals, &dc, 1, "web1");
	assert_int_equal(batcher_new(encoding, &s->batcher), 0);
	assert_int_equal(spool_new(1 << 20, 0, &s->spool), 0);
}

static void close_street(struct street *s)
{
	rows_free(&s->read);
	delta_free(s->delta);
	series_free(s->series);
	style_free(s->style);
	text_free(&s->lines);
	batcher_free(s->batcher);
	spool_free(s->spool);
}

static void run(enum output_style style, enum content_encoding encoding)
{
	struct street s;

	open_street(&s, style, encoding);
	for (int window = 0; window < WARM_UP; window++)
		cut(&s);
	allocations = 0;
	for (int window = 0; window < WINDOWS; window++)
		cut(&s);
	if (allocations)
		fail_msg("style %d: %zu allocations in %d windows", style, allocations, WINDOWS);
	close_street(&s);
}

static void the_counter_counts(void **state)
{
	struct street s;

	(void)state;
	allocations = 0;
	open_street(&s, STYLE_INFLUX, ENCODING_GZIP);
	cut(&s);
	assert_true(allocations > 10);
	close_street(&s);
}

static void a_window_of_any_style_allocates_nothing(void **state)
{
	(void)state;
	for (int style = 0; style < OUTPUT_STYLE_MAX; style++)
		run((enum output_style)style, ENCODING_GZIP);
}

static void a_window_that_is_not_compressed_allocates_nothing(void **state)
{
	(void)state;
	run(STYLE_INFLUX, ENCODING_IDENTITY);
}

static void ignore(void *ctx, int fd, uint32_t events)
{
}

/* As libcurl does it with its connection for each request. */
static void a_descriptor_that_comes_and_goes_allocates_nothing(void **state)
{
	struct poller *poller;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(poller_new(&poller), 0);
	assert_int_equal(poller_watch(poller, ends[0], EPOLLIN, ignore, NULL), 0);
	allocations = 0;
	for (int i = 0; i < WINDOWS; i++) {
		assert_int_equal(poller_watch(poller, ends[1], EPOLLIN, ignore, NULL), 0);
		poller_forget(poller, ends[1]);
	}
	assert_int_equal(allocations, 0);
	poller_free(poller);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counter_counts),
		cmocka_unit_test(a_window_of_any_style_allocates_nothing),
		cmocka_unit_test(a_window_that_is_not_compressed_allocates_nothing),
		cmocka_unit_test(a_descriptor_that_comes_and_goes_allocates_nothing),
	};

	return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
