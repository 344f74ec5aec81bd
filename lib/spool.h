/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spool.h: the store between collecting and sending, one per output, and the only queue.
 *
 * In memory. Bounded in bytes: what does not fit makes the oldest leave, which is counted. Two cursors: the
 * newest window goes first, old ones follow oldest first, at a rate that the caller sets. A batch that is
 * being sent is lent, not removed: it is given back or settled. Nothing leaves uncounted: a batch that was put
 * was lent and settled, is counted as dropped, or is still here.
 */
#pragma once
#include "batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool_totals {
	uint64_t batches; /* in the spool now, lent ones included */
	uint64_t points;
	uint64_t bytes;          /* of bodies; never above the bound */
	uint64_t windows;        /* neighbouring batches of one stamp are one */
	uint64_t dropped_points; /* ever, because the spool was full */
	uint64_t dropped_batches;
	int64_t oldest_stamp_ns; /* 0 when empty */
};

struct spool;

/** @param max_bytes  of bodies; > 0 */
int spool_new(uint64_t max_bytes, struct spool **ret_spool);
void spool_free(struct spool *spool);
void spool_freep(struct spool **spool);

/** Another bound: the oldest leave until what is there fits, but for the lent one. Dropped and counted. */
void spool_set_max(struct spool *spool, uint64_t max_bytes);

/**
 * Puts a batch as the newest; the spool owns it from here on, also on failure.
 * @return 0; -ENOMEM, -E2BIG (larger than the whole spool) or -ENOSPC (beside the lent one, which cannot leave):
 *         dropped and counted
 */
int spool_put(struct spool *spool, struct batch *batch);

enum spool_cursor {
	SPOOL_FRESH, /* the first batch not yet tried of the window that was put last */
	SPOOL_OLD,   /* of the batches refused least often, the oldest */
};

/**
 * Lends a batch. At most one is lent at a time.
 * @return borrowed until spool_done() or spool_return(); NULL: none, or one is lent already
 */
const struct batch *spool_lend(struct spool *spool, enum spool_cursor cursor);

/** The lent batch is settled: sent or dropped by the receiver. It is freed. */
void spool_done(struct spool *spool);

/**
 * The lent batch stays; it is no longer fresh.
 * @param refused  true: the receiver answered and did not take this one. It then waits behind all others that were
 *                 refused less often, so that one batch which never passes does not hold up the rest.
 */
void spool_return(struct spool *spool, bool refused);

/**
 * The lent batch is replaced by two, at its place and as fresh as it was; all three are the spool's.
 * What no longer fits or finds no memory is dropped and counted.
 */
void spool_split(struct spool *spool, struct batch *first, struct batch *second);

/**
 * Takes the memory of the batch that left last, for the next one to be made in (batcher_reuse()). It is kept beside
 * the bound until then.
 * @return the caller's; NULL: none, or taken already
 */
struct batch *spool_take_spare(struct spool *spool);

/** Whether a batch was refused at least that often: others pass, this one may never. */
bool spool_has_refused(const struct spool *spool, uint32_t times);

struct spool_totals spool_totals(const struct spool *spool);
