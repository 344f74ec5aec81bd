/* SPDX-License-Identifier: Apache-2.0 */
/** test_segment.c: a segment's file after all that may happen to one. */
#include "random.h"
#include "spoolfolder.h"

#include <errno.h>
#include <sys/mman.h>

#define SEGMENT 7
#define RECORDS 12

struct scene {
	int fd;
	uint64_t ends[RECORDS + 1]; /* ends[n]: of the first n */
};

static void scene_make(struct scene *s)
{
	*s = (struct scene){.fd = memfd_create("segment", MFD_CLOEXEC)};
	assert_true(s->fd >= 0);
	for (uint32_t id = 0; id < RECORDS; id++) {
		CLEANUP_FREE struct batch *batch = folder_batch(id, id * 10, 20 + id * 13 % 50);

		assert_int_equal(segment_write(s->fd, (struct record_place){SEGMENT, s->ends[id]},
		                               batch, true),
		                 0);
		s->ends[id + 1] = s->ends[id] + record_bytes(batch->len);
	}
}

static void scene_free(struct scene *s)
{
	close(s->fd);
}

struct found {
	uint32_t n;     /* whole, in order */
	uint32_t live;  /* of them */
	uint64_t ids;   /* bits */
	uint32_t wrong; /* bodies that are not what was written */
	struct segment_damage damage;
	uint64_t end;
};

static struct found read_all(int fd)
{
	struct segment_found record = {0};
	struct found f = {0};
	struct segment segment;
	uint32_t last = 0;

	assert_int_equal(segment_open(&segment, fd, SEGMENT), 0);
	while (!segment_find(&segment, record.end, &record)) {
		CLEANUP_FREE struct batch *batch = NULL;
		int err = segment_read(&segment, &record, &batch);

		f.end = record.end;
		if (err) {
			assert_int_equal(err, -EBADMSG);
			f.wrong++;
			continue;
		}
		uint32_t id = folder_id(batch);
		assert_true(id < RECORDS && (!f.n || id > last));
		last = id;
		f.n++;
		f.live += !record.record.done;
		f.ids |= 1ull << id;
	}
	f.damage = segment.damage;
	return f;
}

static uint32_t whole_before(const struct scene *s, uint64_t size)
{
	uint32_t n = 0;

	while (n < RECORDS && s->ends[n + 1] <= size)
		n++;
	return n;
}

static void what_was_written_is_read_in_order(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	struct found f = read_all(s.fd);
	assert_int_equal(f.n, RECORDS);
	assert_int_equal(f.live, RECORDS);
	assert_int_equal(f.end, s.ends[RECORDS]);
	assert_int_equal(f.damage.places, 0);
}

/* A kill in the middle of a write, at every byte. */
static void a_file_torn_at_any_byte_has_what_was_whole(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	for (uint64_t size = s.ends[RECORDS]; size-- > 0;) {
		assert_int_equal(ftruncate(s.fd, (off_t)size), 0);
		struct found f = read_all(s.fd);
		assert_int_equal(f.n, whole_before(&s, size));
		assert_int_equal(f.end, s.ends[f.n]);
		assert_int_equal(f.wrong + f.damage.places, 0);
	}
}

/* One record is lost at most, none is wrong, and all others are found. */
static void every_flipped_byte_costs_one_record_at_most(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t places = 0;

	(void)state;
	scene_make(&s);
	for (uint64_t at = 0; at < s.ends[RECORDS]; at++) {
		uint32_t of = whole_before(&s, at);
		uint8_t byte, flipped;

		assert_int_equal(pread(s.fd, &byte, 1, (off_t)at), 1);
		flipped = byte ^ 0xff;
		assert_int_equal(pwrite(s.fd, &flipped, 1, (off_t)at), 1);
		struct found f = read_all(s.fd);
		assert_int_equal(f.ids | 1ull << of, (1ull << RECORDS) - 1);
		assert_int_equal(f.live, f.n);
		/* The last record's header: there is nothing behind it, and it is cut off as torn. */
		assert_int_equal(f.n + f.wrong + f.damage.places + (f.end < s.ends[RECORDS]),
		                 RECORDS);
		places += f.damage.places;
		assert_int_equal(pwrite(s.fd, &byte, 1, (off_t)at), 1);
	}
	assert_true(places > 100);
}

/* As a power cut leaves it: the size is there, pages are not. */
static void a_page_of_zeros_costs_what_was_in_it(void **state)
{
	static const uint8_t zeros[64];
	CLEANUP(scene_free) struct scene s;

	(void)state;
	for (uint64_t at = 0; at < 1000; at += 8) {
		scene_make(&s);
		assert_int_equal(pwrite(s.fd, zeros, sizeof(zeros), (off_t)at), sizeof(zeros));
		struct found f = read_all(s.fd);
		for (uint32_t id = 0; id < RECORDS; id++)
			if (s.ends[id + 1] <= at || s.ends[id] >= at + sizeof(zeros))
				assert_true(f.ids & 1ull << id);
		close(s.fd);
		s.fd = -1;
	}
}

/* The longer one before left its end behind. */
static void a_record_is_written_over_the_rest_of_a_torn_one(void **state)
{
	CLEANUP(scene_free) struct scene s;
	CLEANUP_FREE struct batch *batch = folder_batch(9, 90, 8);
	struct record_place place;

	(void)state;
	scene_make(&s);
	place = (struct record_place){SEGMENT, s.ends[5]};
	assert_int_equal(ftruncate(s.fd, (off_t)s.ends[6] - 3), 0);
	assert_int_equal(segment_write(s.fd, place, batch, false), 0);
	struct found f = read_all(s.fd);
	assert_int_equal(f.ids, 0x1f | 1 << 9);
	assert_int_equal(f.damage.places, 0);
}

static void marks_change_nothing_else(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct spool_outcome outcome = {0};
	struct segment segment;

	(void)state;
	scene_make(&s);
	for (uint32_t id = 0; id < RECORDS; id += 2)
		assert_int_equal(segment_mark(s.fd, s.ends[id]), 0);
	struct found f = read_all(s.fd);
	assert_int_equal(f.n, RECORDS);
	assert_int_equal(f.live, RECORDS / 2);
	assert_int_equal(segment_open(&segment, s.fd, SEGMENT), 0);
	assert_int_equal(spooldir_count(&segment, &outcome), 0);
	assert_int_equal(outcome.counts.records, RECORDS / 2);
	assert_int_equal(outcome.counts.windows, RECORDS / 2);
	assert_int_equal(outcome.oldest_stamp_ns, 10);
	assert_int_equal(outcome.end, s.ends[RECORDS]);
}

/* A body that happens to hold a record of this very segment: only what lies where it says is one. */
static void a_record_within_a_body_is_none(void **state)
{
	CLEANUP(scene_free) struct scene s;
	CLEANUP_FREE struct batch *batch = calloc(1, sizeof(*batch) + 4096);

	(void)state;
	scene_make(&s);
	batch->stamp_ns = 1;
	batch->points = 1;
	batch->len = (uint32_t)pread(s.fd, batch->body, 4096, 0);
	assert_int_equal(ftruncate(s.fd, 0), 0);
	assert_int_equal(segment_write(s.fd, (struct record_place){SEGMENT, 0}, batch, true), 0);
	/* Its own header is damaged: everything behind is looked through. */
	assert_int_equal(pwrite(s.fd, "x", 1, 20), 1);
	assert_int_equal(read_all(s.fd).n, 0);
}

static void rubbish_of_any_kind_ends(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t random = 3;
	uint8_t bytes[9000];

	(void)state;
	scene_make(&s);
	for (int i = 0; i < 300; i++) {
		size_t len = random_below(&random, sizeof(bytes));

		for (size_t at = 0; at < len; at++)
			bytes[at] = (uint8_t)random_next(&random);
		/* Many magics, and nothing behind them. */
		for (size_t at = 0; i % 2 && at + 4 <= len; at += 8)
			memcpy(bytes + at, "tgS1", 4);
		assert_int_equal(ftruncate(s.fd, 0), 0);
		assert_int_equal(pwrite(s.fd, bytes, len, 0), (ssize_t)len);
		assert_int_equal(read_all(s.fd).n, 0);
	}
}

static void names_of_segments_have_one_spelling(void **state)
{
	(void)state;
	assert_int_equal(spooldir_segment_of("0000000000000001.spool"), 1);
	assert_int_equal(spooldir_segment_of("00000000ffffffff.spool"), UINT32_MAX);
	assert_int_equal(spooldir_segment_of("0000000000000000.spool"), 0);
	assert_int_equal(spooldir_segment_of("0000000100000001.spool"), 0);
	assert_int_equal(spooldir_segment_of("000000000000000A.spool"), 0);
	assert_int_equal(spooldir_segment_of("1.spool"), 0);
	assert_int_equal(spooldir_segment_of("0000000000000001.spool~"), 0);
	assert_int_equal(spooldir_segment_of(" 000000000000001.spool"), 0);
	assert_int_equal(spooldir_segment_of("+000000000000001.spool"), 0);
	assert_int_equal(spooldir_segment_of("lock"), 0);
	assert_int_equal(spooldir_segment_of(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_in_order),
		cmocka_unit_test(a_file_torn_at_any_byte_has_what_was_whole),
		cmocka_unit_test(every_flipped_byte_costs_one_record_at_most),
		cmocka_unit_test(a_page_of_zeros_costs_what_was_in_it),
		cmocka_unit_test(a_record_is_written_over_the_rest_of_a_torn_one),
		cmocka_unit_test(marks_change_nothing_else),
		cmocka_unit_test(a_record_within_a_body_is_none),
		cmocka_unit_test(rubbish_of_any_kind_ends),
		cmocka_unit_test(names_of_segments_have_one_spelling),
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
