/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment of a spool: reading ends, what is found lies where it says, in order and within the file, and what
 * is counted is what is read. Then once more with all sums put right, so that a search behind them gets somewhere.
 */
#include "crc32c.h"
#include "spooldir.h"

#include "input.h"

#include <errno.h>
#include <sys/mman.h>

#define SEGMENT 1
/* Longer ones find nothing that these do not. */
#define INPUT_MAX (64u << 10)

/* Reads what is found. @return its end */
static uint64_t check_found(const struct segment *segment, const struct segment_found *found,
                            uint64_t from, struct shelf_counts *counts)
{
	CLEANUP_FREE struct batch *batch = NULL;
	int err = segment_read(segment, found, &batch);

	expect(found->offset >= from && !(found->offset % RECORD_ALIGN));
	expect(found->end == found->offset + record_bytes(found->record.len));
	expect(found->end <= segment->size && found->record.len);
	expect(!err || err == -EBADMSG);
	expect(err || (batch->len == found->record.len && batch->encoding < CONTENT_ENCODING_MAX));
	if (!found->record.done) {
		counts->records++;
		counts->points += found->record.points;
	}
	return found->end;
}

static void check_segment(int fd)
{
	struct spool_outcome outcome = {0};
	struct shelf_counts counts = {0};
	struct segment_found found;
	struct segment segment;
	uint64_t end = 0;
	int err;

	expect(!segment_open(&segment, fd, SEGMENT));
	while (!(err = segment_find(&segment, end, &found)))
		end = check_found(&segment, &found, end, &counts);
	expect(err == -ENODATA);
	expect(segment.damage.bytes <= segment.size &&
	       segment.damage.bytes >= segment.damage.places);
	expect(!segment_open(&segment, fd, SEGMENT) && !spooldir_count(&segment, &outcome));
	expect(outcome.end == end && outcome.counts.records == counts.records &&
	       outcome.counts.points == counts.points);
}

/* Every header that the input may mean is one. */
static void put_sums_right(uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at + RECORD_HEADER_BYTES <= size; at += RECORD_ALIGN) {
		uint8_t *h = bytes + at;
		const uint32_t place[2] = {SEGMENT, (uint32_t)at};
		uint32_t len, sum;

		if (record_search(h, RECORD_ALIGN))
			continue;
		memcpy(h + 24, place, sizeof(place));
		memcpy(&len, h + 40, sizeof(len));
		if (len <= size - at - RECORD_HEADER_BYTES) {
			sum = crc32c(0, h + RECORD_HEADER_BYTES, len);
			memcpy(h + 12, &sum, sizeof(sum));
		}
		sum = crc32c(0, h + 12, RECORD_HEADER_BYTES - 12);
		memcpy(h + 8, &sum, sizeof(sum));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[INPUT_MAX];
	static int fd = -1;

	size = MIN(size, sizeof(bytes));
	if (fd < 0)
		fd = memfd_create("segment", MFD_CLOEXEC);
	memcpy(bytes, data, size);
	for (int right = 0; right < 2; right++) {
		if (right)
			put_sums_right(bytes, size);
		expect(!ftruncate(fd, 0) && pwrite(fd, bytes, size, 0) == (ssize_t)size);
		check_segment(fd);
	}
	return 0;
}
