/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"
#include "ground.h"
#include "text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define STAMP 1787000000000000000

struct seen {
	struct batch *batches[4096];
	size_t n;
	size_t stop_after;
};

static int keep(void *ctx, struct batch *batch)
{
	struct seen *seen = ctx;

	if (seen->stop_after && seen->n == seen->stop_after) {
		free(batch);
		return -ECANCELED;
	}
	assert_in_range(seen->n, 0, 4095);
	seen->batches[seen->n++] = batch;
	return 0;
}

static void seen_free(struct seen *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		free(seen->batches[i]);
	seen->n = 0;
}

/* What a receiver makes of the body, by zlib's own defaults. */
static void decode(const struct batch *batch, struct text *out)
{
	if (batch->encoding == ENCODING_IDENTITY) {
		assert_int_equal(batch->len, batch->raw_len);
		text_append(out, batch->body, batch->len);
		return;
	}
	static char raw[1 << 20];
	z_stream z = {.next_in = (z_const Bytef *)batch->body,
	              .avail_in = batch->len,
	              .next_out = (Bytef *)raw,
	              .avail_out = sizeof(raw)};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, batch->raw_len);
	text_append(out, raw, z.total_out);
	inflateEnd(&z);
}

static void make_lines(struct text *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		text_printf(text,
		            "block_io_latency,dc=east-1,device=sd%c,host=db-0172.example.net,"
		            "layer=disk,le=%u,op=read,phase=total count=%ui %lld\n",
		            'a' + (int)(i / 60 % 26), 1u << (i % 20), i * 2654435761u % 10007,
		            (long long)STAMP);
}

static void check_round_trip(enum content_encoding encoding, size_t max_bytes, unsigned n_lines)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	CLEANUP(text_free) struct text lines = {0}, back = {0};
	static struct seen seen;
	uint32_t points = 0;

	make_lines(&lines, n_lines);
	assert_int_equal(batcher_new(encoding, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines.data, lines.len, max_bytes, STAMP, keep, &seen),
	                 0);
	for (size_t i = 0; i < seen.n; i++) {
		size_t before = back.len;

		decode(seen.batches[i], &back);
		assert_int_equal(back.data[back.len - 1], '\n');
		assert_true(back.len - before <= max_bytes || seen.batches[i]->points == 1);
		assert_int_equal(seen.batches[i]->stamp_ns, STAMP);
		assert_int_equal(seen.batches[i]->encoding, encoding);
		points += seen.batches[i]->points;
	}
	assert_int_equal(points, n_lines);
	assert_int_equal(back.len, lines.len);
	if (lines.len)
		assert_memory_equal(back.data, lines.data, lines.len);
	seen_free(&seen);
}

static void every_line_arrives_once_and_whole(void **state)
{
	static const size_t max_bytes[] = {1, 140, 141, 1000, 4096, 100000, 10 << 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(max_bytes); i++) {
		for (unsigned n = 0; n < 8; n++) {
			check_round_trip(ENCODING_GZIP, max_bytes[i], n);
			check_round_trip(ENCODING_IDENTITY, max_bytes[i], n);
		}
		check_round_trip(ENCODING_GZIP, max_bytes[i], 1500);
		check_round_trip(ENCODING_IDENTITY, max_bytes[i], 1500);
	}
}

static void no_lines_make_no_batch(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	struct seen seen = {.n = 0};

	(void)state;
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, "", 0, 100, STAMP, keep, &seen), 0);
	assert_int_equal(batcher_cut(batcher, NULL, 0, 100, STAMP, keep, &seen), 0);
	assert_int_equal(seen.n, 0);
}

static void a_line_above_the_bound_travels_alone(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	const char *lines = "a x=1i 1\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbb x=1i 1\nc x=1i 1\n";
	struct seen seen = {.n = 0};

	(void)state;
	assert_int_equal(batcher_new(ENCODING_IDENTITY, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines, strlen(lines), 10, STAMP, keep, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.batches[1]->len, 37);
	seen_free(&seen);
}

static void the_callees_error_stops_it(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	CLEANUP(text_free) struct text lines = {0};
	struct seen seen = {.stop_after = 2};

	(void)state;
	make_lines(&lines, 100);
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines.data, lines.len, 500, STAMP, keep, &seen),
	                 -ECANCELED);
	assert_int_equal(seen.n, 2);
	seen_free(&seen);
}

/* Bytes that do not compress need more room than the first guess. */
static void incompressible_lines_grow_the_body(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	CLEANUP(text_free) struct text lines = {0}, back = {0};
	struct seen seen = {.n = 0};
	uint32_t x = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		x = x * 1664525u + 1013904223u;
		text_char(&lines, (char)(x >> 24 == '\n' ? 0 : x >> 24));
	}
	text_char(&lines, '\n');
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines.data, lines.len, lines.len, STAMP, keep, &seen),
	                 0);
	assert_int_equal(seen.n, 1);
	assert_true(seen.batches[0]->len > lines.len);
	decode(seen.batches[0], &back);
	assert_memory_equal(back.data, lines.data, lines.len);
	seen_free(&seen);
}

/* The head comment of batch.c states a ratio: this keeps it true. */
static void line_protocol_shrinks_at_least_eightfold(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	CLEANUP(text_free) struct text lines = {0};
	struct seen seen = {.n = 0};

	(void)state;
	make_lines(&lines, 1000);
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines.data, lines.len, 1 << 20, STAMP, keep, &seen),
	                 0);
	assert_in_range(seen.batches[0]->len, 1, lines.len / 8);
	seen_free(&seen);
}

/* Also where the batch before was larger, smaller, or of another encoding's size. */
static void a_batch_in_used_memory_is_like_a_new_one(void **state)
{
	static const unsigned sizes[] = {300, 20, 2000, 1, 1500};
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	static struct seen seen;

	(void)state;
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		CLEANUP(text_free) struct text lines = {0}, back = {0};

		make_lines(&lines, sizes[i]);
		assert_int_equal(batcher_cut(batcher, lines.data, lines.len, 10 << 20,
		                             STAMP + (int64_t)i, keep, &seen),
		                 0);
		assert_int_equal(seen.n, 1);
		decode(seen.batches[0], &back);
		assert_int_equal(back.len, lines.len);
		assert_memory_equal(back.data, lines.data, lines.len);
		assert_int_equal(seen.batches[0]->points, sizes[i]);
		assert_int_equal(seen.batches[0]->stamp_ns, STAMP + (int64_t)i);
		batcher_reuse(batcher, seen.batches[0]);
		batcher_reuse(batcher, NULL);
		seen.n = 0;
	}
}

static void check_halving(enum content_encoding encoding, unsigned n_lines)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	CLEANUP(text_free) struct text lines = {0}, back = {0};
	struct seen seen = {.n = 0};
	struct batch *first, *second;

	make_lines(&lines, n_lines);
	assert_int_equal(batcher_new(encoding, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines.data, lines.len, 1 << 20, STAMP, keep, &seen),
	                 0);
	assert_int_equal(batcher_halve(batcher, seen.batches[0], &first, &second), 0);
	decode(first, &back);
	/* Near the middle: at most one line off. */
	assert_true(labs((long)back.len - (long)(lines.len / 2)) <= 150);
	decode(second, &back);
	assert_int_equal(back.len, lines.len);
	assert_memory_equal(back.data, lines.data, lines.len);
	assert_true(first->points && second->points);
	assert_int_equal(first->points + second->points, n_lines);
	assert_int_equal(first->stamp_ns, STAMP);
	assert_int_equal(second->stamp_ns, STAMP);
	free(first);
	free(second);
	seen_free(&seen);
}

static void halves_hold_what_the_whole_held(void **state)
{
	(void)state;
	for (unsigned n = 2; n < 12; n++) {
		check_halving(ENCODING_GZIP, n);
		check_halving(ENCODING_IDENTITY, n);
	}
	check_halving(ENCODING_GZIP, 1001);
}

/* However uneven the lines: halving always ends, with one line in each. */
static void halving_ends_at_single_lines(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	const char *lines = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x=1i 1\nb x=1i 1\n"
			    "c x=1i 1\nd x=1i 1\n";
	struct seen seen = {.n = 0};
	struct batch *first, *second;
	size_t singles = 0;

	(void)state;
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines, strlen(lines), 1000, STAMP, keep, &seen), 0);
	while (seen.n) {
		struct batch *batch = seen.batches[--seen.n];
		int err = batcher_halve(batcher, batch, &first, &second);

		if (err == 0) {
			seen.batches[seen.n++] = first;
			seen.batches[seen.n++] = second;
		} else {
			assert_int_equal(err, -ENOENT);
			assert_int_equal(batch->points, 1);
			singles++;
		}
		free(batch);
	}
	assert_int_equal(singles, 4);
}

static void a_damaged_body_is_told(void **state)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	CLEANUP(text_free) struct text lines = {0};
	struct seen seen = {.n = 0};
	struct batch *first, *second;

	(void)state;
	make_lines(&lines, 50);
	assert_int_equal(batcher_new(ENCODING_GZIP, &batcher), 0);
	assert_int_equal(batcher_cut(batcher, lines.data, lines.len, 1 << 20, STAMP, keep, &seen),
	                 0);
	struct batch *batch = seen.batches[0];
	for (uint32_t i = 0; i < batch->len; i++) {
		/* Header fields that carry no meaning for the lines: time, flags of the maker. */
		if (i >= 4 && i < 10)
			continue;
		batch->body[i] ^= 0x15;
		assert_int_equal(batcher_halve(batcher, batch, &first, &second), -EBADMSG);
		batch->body[i] ^= 0x15;
	}
	batch->raw_len--;
	assert_int_equal(batcher_halve(batcher, batch, &first, &second), -EBADMSG);
	batch->raw_len += 2;
	assert_int_equal(batcher_halve(batcher, batch, &first, &second), -EBADMSG);
	seen_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_arrives_once_and_whole),
		cmocka_unit_test(no_lines_make_no_batch),
		cmocka_unit_test(a_line_above_the_bound_travels_alone),
		cmocka_unit_test(the_callees_error_stops_it),
		cmocka_unit_test(incompressible_lines_grow_the_body),
		cmocka_unit_test(line_protocol_shrinks_at_least_eightfold),
		cmocka_unit_test(a_batch_in_used_memory_is_like_a_new_one),
		cmocka_unit_test(halves_hold_what_the_whole_held),
		cmocka_unit_test(halving_ends_at_single_lines),
		cmocka_unit_test(a_damaged_body_is_told),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
