/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include "crc32c.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#define FLAG_FIRST 1
#define FLAG_PART 2
/* The header's sum is of what follows it. */
#define SUMMED_AT 12

static const uint8_t magic[4] = {'t', 'g', 'S', '1'};
static const uint8_t live[RECORD_STATE_BYTES] = {'L', 'I', 'V', 'E'};
const uint8_t record_done[RECORD_STATE_BYTES] = {'D', 'O', 'N', 'E'};

/* On disk: natural alignment leaves no holes, and every member is converted. */
struct header {
	uint8_t magic[4];
	uint8_t state[RECORD_STATE_BYTES];
	uint32_t header_sum;
	uint32_t body_sum;
	uint64_t stamp_ns;
	uint32_t segment;
	uint32_t offset;
	uint32_t points;
	uint32_t raw_len;
	uint32_t len;
	uint8_t encoding;
	uint8_t flags;
	uint16_t zero;
};
static_assert(sizeof(struct header) == RECORD_HEADER_BYTES, "no holes");
static_assert(offsetof(struct header, state) == RECORD_STATE_AT, "as told");
static_assert(offsetof(struct header, body_sum) == SUMMED_AT, "as told");

static uint32_t header_sum(const struct header *h)
{
	return crc32c(0, &h->body_sum, sizeof(*h) - SUMMED_AT);
}

bool record_fits(const struct batch *batch)
{
	assert(batch);

	return batch->len && batch->len <= RECORD_MAX_LEN;
}

void record_encode(const struct batch *batch, bool first, struct record_place place,
                   uint8_t ret_header[RECORD_HEADER_BYTES])
{
	assert(batch && record_fits(batch) && !(place.offset % RECORD_ALIGN));

	struct header h = {
		.body_sum = htole32(crc32c(0, batch->body, batch->len)),
		.stamp_ns = htole64((uint64_t)batch->stamp_ns),
		.segment = htole32(place.segment),
		.offset = htole32((uint32_t)place.offset),
		.points = htole32(batch->points),
		.raw_len = htole32(batch->raw_len),
		.len = htole32(batch->len),
		.encoding = (uint8_t)batch->encoding,
		.flags = (uint8_t)((first ? FLAG_FIRST : 0) | (batch->part ? FLAG_PART : 0)),
	};

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.state, live, sizeof(live));
	h.header_sum = htole32(header_sum(&h));
	memcpy(ret_header, &h, sizeof(h));
}

int record_decode(const uint8_t header[RECORD_HEADER_BYTES], struct record_place place,
                  struct record *ret_record)
{
	assert(header && ret_record);

	struct header h;

	memcpy(&h, header, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) || le32toh(h.header_sum) != header_sum(&h))
		return -EBADMSG;
	if (le32toh(h.segment) != place.segment || le32toh(h.offset) != (uint32_t)place.offset)
		return -EBADMSG;
	if (!h.len || le32toh(h.len) > RECORD_MAX_LEN || h.encoding >= CONTENT_ENCODING_MAX)
		return -EBADMSG;
	*ret_record = (struct record){
		.done = !memcmp(h.state, record_done, sizeof(record_done)),
		.first = h.flags & FLAG_FIRST,
		.part = h.flags & FLAG_PART,
		.encoding = (enum content_encoding)h.encoding,
		.stamp_ns = (int64_t)le64toh(h.stamp_ns),
		.points = le32toh(h.points),
		.raw_len = le32toh(h.raw_len),
		.len = le32toh(h.len),
		.body_sum = le32toh(h.body_sum),
	};
	return 0;
}

bool record_is_body(const struct record *record, const uint8_t *body)
{
	assert(record && body);

	return crc32c(0, body, record->len) == record->body_sum;
}

size_t record_search(const uint8_t *bytes, size_t len)
{
	assert(bytes || !len);

	for (size_t at = 0; at + sizeof(magic) <= len; at += RECORD_ALIGN)
		if (!memcmp(bytes + at, magic, sizeof(magic)))
			return at;
	return len;
}
