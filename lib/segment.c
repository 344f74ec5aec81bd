/* SPDX-License-Identifier: Apache-2.0 */
#include "segment.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* Looked through at once behind a damaged record: a page. */
#define SEARCH_BYTES 4096

static_assert(!(SEARCH_BYTES % RECORD_ALIGN), "records are found at their alignment");

int segment_open(struct segment *segment, int fd, uint32_t id)
{
	struct stat st;

	assert(segment);
	if (fstat(fd, &st))
		return -errno;
	*segment = (struct segment){.fd = fd, .id = id, .size = (uint64_t)st.st_size};
	return 0;
}

/* @return 0; -ENODATA: the file ends before; -errno */
static int read_at(int fd, void *to, size_t len, uint64_t offset)
{
	uint8_t *bytes = to;

	while (len) {
		ssize_t n = pread(fd, bytes, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		bytes += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* @return 0; -EBADMSG: there is no record; -ENODATA; -errno */
static int look(const struct segment *segment, uint64_t offset, struct segment_found *found)
{
	uint8_t header[RECORD_HEADER_BYTES];
	int err = read_at(segment->fd, header, sizeof(header), offset);

	err = err
	              ?: record_decode(header, (struct record_place){segment->id, offset},
	                               &found->record);
	if (err)
		return err;
	found->offset = offset;
	found->end = offset + record_bytes(found->record.len);
	/* Torn: the body was not written whole. */
	return found->end > segment->size ? -EBADMSG : 0;
}

/* Where the next magic stands, from offset on. @return 0, -ENODATA, -errno */
static int search(const struct segment *segment, uint64_t *offset)
{
	uint8_t bytes[SEARCH_BYTES];

	while (*offset + RECORD_HEADER_BYTES <= segment->size) {
		size_t len = (size_t)MIN(sizeof(bytes), segment->size - *offset);
		int err = read_at(segment->fd, bytes, len, *offset);

		if (err)
			return err;
		size_t at = record_search(bytes, len);
		*offset += at;
		if (at < len)
			return 0;
		/* A short last piece; what is left holds no header. */
		*offset &= ~(uint64_t)(RECORD_ALIGN - 1);
		if (len < sizeof(bytes))
			break;
	}
	return -ENODATA;
}

int segment_find(struct segment *segment, uint64_t offset, struct segment_found *ret_found)
{
	assert(segment && ret_found && !(offset % RECORD_ALIGN));

	struct segment_found found;
	uint64_t at = offset;
	int err = look(segment, at, &found);

	while (err == -EBADMSG) {
		at += RECORD_ALIGN;
		err = search(segment, &at) ?: look(segment, at, &found);
	}
	if (err)
		return err;
	if (at != offset) {
		segment->damage.places++;
		segment->damage.bytes += at - offset;
	}
	*ret_found = found;
	return 0;
}

int segment_read(const struct segment *segment, const struct segment_found *found,
                 struct batch **ret_batch)
{
	assert(segment && found && ret_batch);

	const struct record *r = &found->record;
	CLEANUP_FREE struct batch *batch = malloc(sizeof(*batch) + r->len);
	int err;

	if (!batch)
		return -ENOMEM;
	*batch = (struct batch){.encoding = r->encoding,
	                        .part = r->part,
	                        .stamp_ns = r->stamp_ns,
	                        .points = r->points,
	                        .raw_len = r->raw_len,
	                        .len = r->len,
	                        .room = r->len};
	err = read_at(segment->fd, batch->body, r->len, found->offset + RECORD_HEADER_BYTES);
	if (err == -ENODATA || (!err && !record_is_body(r, batch->body)))
		return -EBADMSG;
	if (err)
		return err;
	*ret_batch = TAKE_PTR(batch);
	return 0;
}

/* @return 0 or -errno */
static int write_all(int fd, struct iovec *pieces, int n, uint64_t offset)
{
	while (n) {
		ssize_t done = pwritev(fd, pieces, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		offset += (uint64_t)done;
		while (n && (size_t)done >= pieces->iov_len) {
			done -= (ssize_t)pieces->iov_len;
			pieces++;
			n--;
		}
		if (n) {
			pieces->iov_base = (uint8_t *)pieces->iov_base + done;
			pieces->iov_len -= (size_t)done;
		}
	}
	return 0;
}

int segment_write(int fd, struct record_place place, const struct batch *batch, bool first)
{
	static const uint8_t zeros[RECORD_ALIGN];
	uint8_t header[RECORD_HEADER_BYTES];

	assert(batch && place.segment);
	record_encode(batch, first, place, header);
	struct iovec pieces[] = {
		{header, sizeof(header)},
		{(void *)batch->body, batch->len},
		{(void *)zeros, (size_t)(record_bytes(batch->len) - sizeof(header) - batch->len)},
	};
	return write_all(fd, pieces, ARRAY_SIZE(pieces), place.offset);
}

int segment_mark(int fd, uint64_t offset)
{
	struct iovec piece = {(void *)record_done, RECORD_STATE_BYTES};

	return write_all(fd, &piece, 1, offset + RECORD_STATE_AT);
}
