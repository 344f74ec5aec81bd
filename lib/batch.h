/* SPDX-License-Identifier: Apache-2.0 */
/**
 * batch.h: lines to bodies: bounded in bytes, split only between lines, compressed once. Pure.
 *
 * A body is frozen when made: a retry sends the same bytes.
 */
#pragma once
#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One body and what is in it. */
struct batch {
	enum content_encoding encoding;
	bool part;        /* a half of one that was rejected; whoever halves it says so */
	int64_t stamp_ns; /* of its window */
	uint32_t points;  /* lines */
	uint32_t raw_len; /* bytes before encoding */
	uint32_t len;     /* bytes of body */
	uint32_t room;    /* bytes that there is memory for; >= len */
	uint8_t body[];
};

/** @return 0 to go on; negative errno stops. The batch is the callee's: freed with free(). */
typedef int (*batch_fn)(void *ctx, struct batch *batch);

struct batcher; /* keeps the compressor's memory from window to window */

int batcher_new(enum content_encoding encoding, struct batcher **ret_batcher);
void batcher_free(struct batcher *batcher);
void batcher_freep(struct batcher **batcher);

/**
 * Gives the memory of a batch that is settled to the next one that is made, which then keeps its room: so a healthy
 * output, with one batch an interval, allocates nothing. One is kept; what was kept before is freed.
 * @param batch  the batcher's from here on; NULL is fine and changes nothing
 */
void batcher_reuse(struct batcher *batcher, struct batch *batch);

/**
 * Cuts lines into batches.
 * @param lines      each ended by "\n"; len may be 0 (no batch)
 * @param max_bytes  of a body before encoding; a single longer line makes a batch of its own
 * @return 0; -ENOMEM; what fn returned
 */
int batcher_cut(struct batcher *batcher, const char *lines, size_t len, size_t max_bytes,
                int64_t stamp_ns, batch_fn fn, void *ctx);

/**
 * Cuts one batch into halves between lines (a receiver said it is too large, or that a line in it is bad).
 * @return 0; -ENOENT: it has one line only; -EBADMSG: the body does not decode; -ENOMEM. @p batch is unchanged.
 */
int batcher_halve(struct batcher *batcher, const struct batch *batch, struct batch **ret_first,
                  struct batch **ret_second);

/** Appends the first line, without its end. @return 0; -EBADMSG: the body does not decode; -ENOMEM */
int batcher_first_line(const struct batch *batch, struct text *out);
