/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a body that is halved, as it would be after the store it lay in went bad: refused, or two halves between
 * lines. And lines that are cut and halved until each is alone are all there in the end.
 *
 * Input: a byte of which bit 0 is the encoding and bit 1 says whether the rest is a body, whose length before encoding
 * comes first, or lines.
 */
#include "batch.h"

#include "ground.h"
#include "input.h"
#include "text.h"

#include <errno.h>

/* Of a body before encoding, so that an input takes no second. */
#define RAW_MAX (1u << 20)

/* Halves until it cannot, and appends the lines in their order. */
static void collect(struct batcher *plain, struct batch *batch, struct text *out)
{
	struct batch *first = NULL, *second = NULL;
	int err = batcher_halve(plain, batch, &first, &second);

	expect(err == 0 || err == -ENOENT);
	if (err) {
		expect(batch->points == 1 && batch->raw_len == batch->len);
		text_append(out, batch->body, batch->len);
	} else {
		expect(first->points && second->points);
		expect(first->points + second->points == batch->points);
		expect(first->raw_len + second->raw_len == batch->raw_len);
		collect(plain, first, out);
		collect(plain, second, out);
	}
	free(batch);
}

struct pieces {
	struct batcher *batcher;
	struct text out;
};

static int take(void *ctx, struct batch *batch)
{
	struct pieces *pieces = ctx;

	if (batch->encoding == ENCODING_IDENTITY) {
		collect(pieces->batcher, batch, &pieces->out);
		return 0;
	}
	/* Compressed: it inflates to what it says, or halving refuses it. */
	struct batch *first = NULL, *second = NULL;
	int err = batcher_halve(pieces->batcher, batch, &first, &second);

	expect((err == 0) == (batch->points > 1) && (err == 0 || err == -ENOENT));
	free(first);
	free(second);
	free(batch);
	return 0;
}

static void cut_lines(struct batcher *batcher, enum content_encoding encoding, struct input *in)
{
	size_t max_bytes = 1 + input_byte(in) * 4u;
	struct pieces pieces = {.batcher = batcher};
	CLEANUP_FREE char *lines = malloc(in->size + 1);

	expect(lines != NULL);
	if (in->size)
		memcpy(lines, in->data, in->size);
	lines[in->size] = '\n';
	expect(!batcher_cut(batcher, lines, in->size + 1, max_bytes, 1, take, &pieces));
	if (encoding == ENCODING_IDENTITY)
		expect(pieces.out.len == in->size + 1 &&
		       !memcmp(pieces.out.data, lines, pieces.out.len));
	text_free(&pieces.out);
}

static void halve_body(struct batcher *batcher, enum content_encoding encoding, struct input *in)
{
	uint32_t raw_len = (uint32_t)(input_u64(in) % RAW_MAX);
	struct batch *first = NULL, *second = NULL;
	CLEANUP_FREE struct batch *batch = malloc(sizeof(*batch) + in->size);

	expect(batch != NULL);
	*batch = (struct batch){.encoding = encoding, .len = (uint32_t)in->size};
	batch->raw_len = encoding == ENCODING_IDENTITY ? batch->len : raw_len;
	if (in->size)
		memcpy(batch->body, in->data, in->size);
	int err = batcher_halve(batcher, batch, &first, &second);

	expect(err == 0 || err == -ENOENT || err == -EBADMSG);
	expect((err == 0) == (first != NULL) && !first == !second);
	if (!err)
		expect(first->raw_len + second->raw_len == batch->raw_len);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	struct input in = {data, size};
	uint8_t mode = input_byte(&in);
	enum content_encoding encoding = mode & 1 ? ENCODING_GZIP : ENCODING_IDENTITY;

	expect(!batcher_new(encoding, &batcher));
	if (mode & 2)
		halve_body(batcher, encoding, &in);
	else
		cut_lines(batcher, encoding, &in);
	return 0;
}
