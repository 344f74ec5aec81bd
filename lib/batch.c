/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

/*
 * The compressor's window, memory and level. Measured with zlib 1.2.13 on a window of 4 busy disks (309 lines, 38 KB) and
 * one of 20 (1545 lines, 192 KB), caches emptied before each body, as they are after an interval of sleep: state in
 * KiB, ratio of both, CPU time in us of both, medians of 60 in turn:
 *
 *     window 15, memory 8, level 6 (zlib's default)   256   11.6 12.3   326 1498
 *     window 12, memory 5, level 8                     32   11.9 12.2   372 1568
 *     window 12, memory 5, level 4                     32   10.5 10.7   268 1078
 *     window 12, memory 5, level 1                     32    9.1  9.3   187  693
 *     window 13, memory 6, level 4                     64   10.6 10.9   243  980
 *     window 13, memory 6, level 3                     64    9.9 10.1   176  690    <- this
 *     window 13, memory 6, level 1                     64    9.5  9.7   162  635
 *     window 15, memory 8, level 3                    256   10.0 10.4   154  716
 *
 * The compressor is the largest single part of a window's CPU time, and half of it bought 15 to 20 % of the body.
 * The repetition in line protocol is from one line to the next: 8 KiB hold 60 lines, and more memory
 * would be kept for ever for a few percent.
 */
#define GZIP_WINDOW_BITS 13
#define GZIP_MEM_LEVEL 6
#define GZIP_LEVEL 3
/* Added to the window's bits: deflateInit2() then writes a gzip member, inflateInit2() reads one (zlib.h). */
#define GZIP_FORMAT 16
/* First guess of a body's size, from the ratios above, where no used memory tells; doubled until it is enough. */
#define GZIP_EXPECTED_RATIO 8
#define GZIP_OVERHEAD 64

struct batcher {
	enum content_encoding encoding;
	z_stream deflater;   /* of ENCODING_GZIP only */
	struct batch *spare; /* NULL: none */
};

static void inflate_endp(z_stream *stream)
{
	inflateEnd(stream);
}

int batcher_new(enum content_encoding encoding, struct batcher **ret_batcher)
{
	assert(ret_batcher && encoding < CONTENT_ENCODING_MAX);

	CLEANUP_FREE struct batcher *batcher = calloc(1, sizeof(*batcher));
	if (!batcher)
		return -ENOMEM;
	batcher->encoding = encoding;
	if (encoding == ENCODING_GZIP &&
	    deflateInit2(&batcher->deflater, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS + GZIP_FORMAT,
	                 GZIP_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	*ret_batcher = TAKE_PTR(batcher);
	return 0;
}

void batcher_free(struct batcher *batcher)
{
	if (!batcher)
		return;
	if (batcher->encoding == ENCODING_GZIP)
		deflateEnd(&batcher->deflater);
	free(batcher->spare);
	free(batcher);
}

void batcher_freep(struct batcher **batcher)
{
	batcher_free(*batcher);
}

void batcher_reuse(struct batcher *batcher, struct batch *batch)
{
	assert(batcher);

	if (!batch)
		return;
	free(batcher->spare);
	batcher->spare = batch;
}

/* Room for a body of len bytes; what was in *batch stays. */
static int batch_resize(struct batch **batch, size_t len)
{
	struct batch *resized = realloc(*batch, sizeof(**batch) + len);

	if (!resized)
		return -ENOMEM;
	*batch = resized;
	resized->room = (uint32_t)len;
	return 0;
}

static int batch_reserve(struct batch **batch, size_t len)
{
	return *batch && (*batch)->room >= len ? 0 : batch_resize(batch, len);
}

static int gzip_lines(z_stream *deflater, const char *lines, size_t len, struct batch **batch)
{
	size_t room = *batch ? (*batch)->room : len / GZIP_EXPECTED_RATIO + GZIP_OVERHEAD;
	size_t used = 0;
	int result = Z_OK;

	deflateReset(deflater);
	deflater->next_in = (z_const Bytef *)lines;
	deflater->avail_in = (uInt)len;
	while (result != Z_STREAM_END) {
		if (batch_reserve(batch, room))
			return -ENOMEM;
		room = (*batch)->room;
		deflater->next_out = (*batch)->body + used;
		deflater->avail_out = (uInt)(room - used);
		result = deflate(deflater, Z_FINISH);
		/* Z_BUF_ERROR only says that the room ended just there. */
		assert(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
		used = room - deflater->avail_out;
		room *= 2;
	}
	(*batch)->len = (uint32_t)used;
	return 0;
}

static int copy_lines(const char *lines, size_t len, struct batch **batch)
{
	int err = batch_reserve(batch, len);

	if (err)
		return err;
	memcpy((*batch)->body, lines, len);
	(*batch)->len = (uint32_t)len;
	return 0;
}

static uint32_t count_lines(const char *lines, size_t len)
{
	const char *end = lines + len;
	uint32_t n = 0;

	while ((lines = memchr(lines, '\n', (size_t)(end - lines)))) {
		n++;
		lines++;
	}
	return n;
}

static int batch_make(struct batcher *batcher, const char *lines, size_t len, int64_t stamp_ns,
                      struct batch **ret_batch)
{
	CLEANUP_FREE struct batch *batch = TAKE_PTR(batcher->spare);
	bool reused = batch;
	int err;

	if (batcher->encoding == ENCODING_GZIP)
		err = gzip_lines(&batcher->deflater, lines, len, &batch);
	else
		err = copy_lines(lines, len, &batch);
	if (err)
		return err;
	/* Many may wait in the spool, whose bound is of bodies; a smaller block is only a favour. */
	if (!reused)
		(void)batch_resize(&batch, batch->len);
	batch->encoding = batcher->encoding;
	batch->part = false;
	batch->stamp_ns = stamp_ns;
	batch->points = count_lines(lines, len);
	batch->raw_len = (uint32_t)len;
	*ret_batch = TAKE_PTR(batch);
	return 0;
}

/* Bytes of the first lines that fit into max_bytes together, or of the first one alone. */
static size_t whole_lines(const char *lines, size_t len, size_t max_bytes)
{
	const char *newline;

	if (len <= max_bytes)
		return len;
	newline = memrchr(lines, '\n', max_bytes);
	if (!newline)
		newline = memchr(lines + max_bytes, '\n', len - max_bytes);
	return newline ? (size_t)(newline - lines) + 1 : len;
}

int batcher_cut(struct batcher *batcher, const char *lines, size_t len, size_t max_bytes,
                int64_t stamp_ns, batch_fn fn, void *ctx)
{
	assert(batcher && fn && max_bytes && len <= UINT32_MAX);
	assert(!len || lines[len - 1] == '\n');

	while (len) {
		struct batch *batch;
		size_t cut = whole_lines(lines, len, max_bytes);
		int err = batch_make(batcher, lines, cut, stamp_ns, &batch);

		if (!err)
			err = fn(ctx, batch);
		if (err)
			return err;
		lines += cut;
		len -= cut;
	}
	return 0;
}

static int gunzip(const struct batch *batch, uint8_t *lines)
{
	CLEANUP(inflate_endp)
	z_stream inflater = {
		.next_in = (z_const Bytef *)batch->body,
		.avail_in = batch->len,
	};

	inflater.next_out = lines;
	inflater.avail_out = batch->raw_len;
	if (inflateInit2(&inflater, MAX_WBITS + GZIP_FORMAT) != Z_OK)
		return -ENOMEM;
	switch (inflate(&inflater, Z_FINISH)) {
	case Z_STREAM_END:
		return inflater.avail_out ? -EBADMSG : 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

/* @ret_lines raw_len bytes that end in a newline, in the batch or in what *ret_decoded owns */
static int decode(const struct batch *batch, uint8_t **ret_decoded, const char **ret_lines)
{
	CLEANUP_FREE uint8_t *decoded = NULL;
	const char *lines = (const char *)batch->body;

	if (batch->encoding == ENCODING_GZIP) {
		decoded = malloc(batch->raw_len + 1);
		int err = decoded ? gunzip(batch, decoded) : -ENOMEM;
		if (err)
			return err;
		lines = (const char *)decoded;
	}
	if (!batch->raw_len || lines[batch->raw_len - 1] != '\n')
		return -EBADMSG;
	*ret_decoded = TAKE_PTR(decoded);
	*ret_lines = lines;
	return 0;
}

/* Bytes up to the end of the line nearest to the middle; 0: there is one line only. */
static size_t middle(const char *lines, size_t len)
{
	const char *before = memrchr(lines, '\n', len / 2);
	const char *after = memchr(lines + len / 2, '\n', len - len / 2);
	size_t low = before ? (size_t)(before - lines) + 1 : 0;
	size_t high = after ? (size_t)(after - lines) + 1 : len;

	if (high < len && (!low || high - len / 2 < len / 2 - low))
		return high;
	return low;
}

int batcher_halve(struct batcher *batcher, const struct batch *batch, struct batch **ret_first,
                  struct batch **ret_second)
{
	assert(batcher && batch && ret_first && ret_second);

	CLEANUP_FREE struct batch *first = NULL;
	CLEANUP_FREE uint8_t *decoded = NULL;
	const char *lines;
	struct batch *second;
	int err = decode(batch, &decoded, &lines);

	if (err)
		return err;
	size_t cut = middle(lines, batch->raw_len);
	if (!cut)
		return -ENOENT;
	err = batch_make(batcher, lines, cut, batch->stamp_ns, &first);
	if (!err)
		err = batch_make(batcher, lines + cut, batch->raw_len - cut, batch->stamp_ns,
		                 &second);
	if (err)
		return err;
	first->part = second->part = batch->part;
	*ret_first = TAKE_PTR(first);
	*ret_second = second;
	return 0;
}

int batcher_first_line(const struct batch *batch, struct text *out)
{
	assert(batch && out);

	CLEANUP_FREE uint8_t *decoded = NULL;
	const char *lines;
	int err = decode(batch, &decoded, &lines);

	if (err)
		return err;
	text_append(out, lines,
	            (size_t)((const char *)memchr(lines, '\n', batch->raw_len) - lines));
	return out->err;
}
