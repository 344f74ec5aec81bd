/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"
#include "record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct batch *batch_of(const char *body)
{
	struct batch *batch = calloc(1, sizeof(*batch) + strlen(body));

	assert_non_null(batch);
	batch->encoding = ENCODING_IDENTITY;
	batch->stamp_ns = 0x1122334455667788;
	batch->points = 0x01020304;
	batch->raw_len = 0x05060708;
	batch->len = (uint32_t)strlen(body);
	memcpy(batch->body, body, batch->len);
	return batch;
}

/* What is written today must be read by every later release, on either byte order. */
static void the_bytes_are_as_the_header_tells(void **state)
{
	static const uint8_t want[RECORD_HEADER_BYTES] = {
		't',  'g',  'S',  '1',  'L',  'I',  'V',  'E',  0x2a, 0xe4, 0x2c, 0x3e,
		0x83, 0x92, 0x06, 0xe3, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0x2a, 0,    0,    0,    0x40, 0x02, 0,    0,    4,    3,    2,    1,
		8,    7,    6,    5,    9,    0,    0,    0,    1,    1,    0,    0,
	};
	CLEANUP_FREE struct batch *batch = batch_of("123456789");
	uint8_t header[RECORD_HEADER_BYTES];

	record_encode(batch, true, (struct record_place){42, 0x240}, header);
	assert_memory_equal(header, want, sizeof(want));
}

static void what_was_written_is_read(void **state)
{
	CLEANUP_FREE struct batch *batch = batch_of("cpu x=1i 1\n");
	uint8_t header[RECORD_HEADER_BYTES];
	struct record r;

	for (int first = 0; first < 2; first++) {
		batch->part = !first;
		record_encode(batch, first, (struct record_place){7, 800}, header);
		assert_int_equal(record_decode(header, (struct record_place){7, 800}, &r), 0);
		assert_int_equal(r.first, first);
		assert_int_equal(r.part, !first);
		assert_false(r.done);
		assert_int_equal(r.encoding, ENCODING_IDENTITY);
		assert_true(r.stamp_ns == batch->stamp_ns);
		assert_int_equal(r.points, batch->points);
		assert_int_equal(r.raw_len, batch->raw_len);
		assert_int_equal(r.len, batch->len);
		assert_true(record_is_body(&r, batch->body));
	}
}

static void settled_is_a_mark_in_its_place(void **state)
{
	CLEANUP_FREE struct batch *batch = batch_of("x");
	uint8_t header[RECORD_HEADER_BYTES];
	struct record r;

	record_encode(batch, false, (struct record_place){1, 0}, header);
	memcpy(header + RECORD_STATE_AT, record_done, RECORD_STATE_BYTES);
	assert_int_equal(record_decode(header, (struct record_place){1, 0}, &r), 0);
	assert_true(r.done);
}

/* A flipped bit must neither go unseen nor make a waiting batch a settled one. */
static void every_flipped_bit_is_seen_or_harmless(void **state)
{
	CLEANUP_FREE struct batch *batch = batch_of("x");
	uint8_t header[RECORD_HEADER_BYTES];
	struct record r;

	record_encode(batch, false, (struct record_place){1, 16}, header);
	for (size_t bit = 0; bit < 8 * sizeof(header); bit++) {
		size_t at = bit / 8;

		header[at] ^= (uint8_t)(1 << bit % 8);
		int err = record_decode(header, (struct record_place){1, 16}, &r);
		if (at >= RECORD_STATE_AT && at < RECORD_STATE_AT + RECORD_STATE_BYTES)
			assert_true(!err && !r.done);
		else
			assert_int_equal(err, -EBADMSG);
		header[at] ^= (uint8_t)(1 << bit % 8);
	}
}

static void a_flipped_bit_of_the_body_is_seen(void **state)
{
	CLEANUP_FREE struct batch *batch = batch_of("cpu x=1i 1\n");
	uint8_t header[RECORD_HEADER_BYTES];
	struct record r;

	record_encode(batch, false, (struct record_place){1, 16}, header);
	assert_int_equal(record_decode(header, (struct record_place){1, 16}, &r), 0);
	for (size_t bit = 0; bit < 8 * batch->len; bit++) {
		batch->body[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(record_is_body(&r, batch->body));
		batch->body[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* An old block of another file, or a body that holds a record. */
static void a_record_that_lies_elsewhere_is_none(void **state)
{
	CLEANUP_FREE struct batch *batch = batch_of("x");
	uint8_t header[RECORD_HEADER_BYTES];
	struct record r;

	record_encode(batch, false, (struct record_place){5, 64}, header);
	assert_int_equal(record_decode(header, (struct record_place){6, 64}, &r), -EBADMSG);
	assert_int_equal(record_decode(header, (struct record_place){5, 72}, &r), -EBADMSG);
	assert_int_equal(record_decode(header, (struct record_place){5, 64}, &r), 0);
}

static void what_no_batch_of_ours_can_be_is_none(void **state)
{
	CLEANUP_FREE struct batch *batch = batch_of("x");
	uint8_t header[RECORD_HEADER_BYTES];
	struct record r;

	batch->encoding = CONTENT_ENCODING_MAX;
	record_encode(batch, false, (struct record_place){5, 64}, header);
	assert_int_equal(record_decode(header, (struct record_place){5, 64}, &r), -EBADMSG);
	batch->len = 0;
	assert_false(record_fits(batch));
	batch->len = RECORD_MAX_LEN;
	assert_true(record_fits(batch));
	batch->len++;
	assert_false(record_fits(batch));
}

static void records_are_looked_for_where_they_may_begin(void **state)
{
	uint8_t bytes[64] = {0};

	assert_int_equal(record_search(bytes, sizeof(bytes)), sizeof(bytes));
	memcpy(bytes + 20, "tgS1", 4);
	assert_int_equal(record_search(bytes, sizeof(bytes)), sizeof(bytes));
	memcpy(bytes + 56, "tgS1", 4);
	assert_int_equal(record_search(bytes, sizeof(bytes)), 56);
	assert_int_equal(record_search(bytes, 59), 59);
	memcpy(bytes, "tgS1", 4);
	assert_int_equal(record_search(bytes, sizeof(bytes)), 0);
	assert_int_equal(record_search(NULL, 0), 0);
}

static void sizes_keep_the_alignment(void **state)
{
	assert_int_equal(record_bytes(1), RECORD_HEADER_BYTES + 8);
	assert_int_equal(record_bytes(8), RECORD_HEADER_BYTES + 8);
	assert_int_equal(record_bytes(9), RECORD_HEADER_BYTES + 16);
	assert_int_equal(record_bytes(RECORD_MAX_LEN) % RECORD_ALIGN, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_as_the_header_tells),
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(settled_is_a_mark_in_its_place),
		cmocka_unit_test(every_flipped_bit_is_seen_or_harmless),
		cmocka_unit_test(a_flipped_bit_of_the_body_is_seen),
		cmocka_unit_test(a_record_that_lies_elsewhere_is_none),
		cmocka_unit_test(what_no_batch_of_ours_can_be_is_none),
		cmocka_unit_test(records_are_looked_for_where_they_may_begin),
		cmocka_unit_test(sizes_keep_the_alignment),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
