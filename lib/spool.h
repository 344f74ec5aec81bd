/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spool.h: the store between collecting and sending, one per output, and the only queue. Pure.
 *
 * Two cursors: the newest window goes first, old ones follow oldest first, at a rate that the caller sets. A batch that is
 * being sent is lent, not removed: it is given back or settled. Nothing leaves uncounted: a batch that was put was lent and
 * settled, is counted as dropped, or is still here.
 *
 * In memory (queue.h), and on disk (shelf.h) from spool_save() on. What is on disk leaves memory once a newer window came,
 * and is read again, one batch at a time, when its turn comes:
 *
 *     spool_put()            spool_save()                newer window               spool_lend(OLD)
 *        |                        |                           |                           |
 *     [memory] -------------> [writing] --> [memory, disk] --> [disk only] -- reading --> [memory, disk]
 *        |  lend, done            | fails        | lend, done      |                          | lend, done
 *      settled                 [memory]        marked            dropped when full          marked
 *
 * The spool itself touches no disk. It says what is to be done there, one thing at a time (spooldisk.h), is told how that
 * went, and meanwhile goes on: memory is bounded whatever the disk does.
 */
#pragma once
#include "batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool_totals {
	uint64_t batches; /* in the spool now, lent ones included */
	uint64_t points;
	uint64_t bytes; /* of bodies */
	uint64_t
		windows; /* neighbouring batches of one stamp are one; on disk, those whose first batch waits */
	uint64_t unsaved_points; /* of them, in memory only */
	uint64_t file_bytes;     /* of files; never above the bound by more than a batch */
	int64_t oldest_stamp_ns; /* 0 when empty; of what is on disk only: or a little older */
	uint64_t dropped_points; /* ever, because the spool was full */
	uint64_t dropped_batches;
	uint64_t damaged_points;   /* ever, because the disk did not give back what was written */
	uint64_t recovered_points; /* ever, found on disk that an earlier agent wrote */
};

struct spool;

/**
 * @param memory_bytes  of bodies; > 0. With a disk, the newest window may be larger, up to disk_bytes
 * @param disk_bytes    of files; 0: there is no disk
 */
int spool_new(uint64_t memory_bytes, uint64_t disk_bytes, struct spool **ret_spool);
void spool_free(struct spool *spool);
void spool_freep(struct spool **spool);

/**
 * Other bounds: the oldest leave until what is there fits, but for the lent one. Dropped and counted.
 * @param disk_bytes  0 if and only if there is no disk
 */
void spool_set_bounds(struct spool *spool, uint64_t memory_bytes, uint64_t disk_bytes);

/**
 * Puts a batch as the newest; the spool owns it from here on, also on failure.
 * @return 0; -ENOMEM, -E2BIG (larger than the whole spool) or -ENOSPC (beside the lent one, which cannot leave):
 *         dropped and counted
 */
int spool_put(struct spool *spool, struct batch *batch);

/** All that is in memory now is to go to disk. Without a disk, or while that is out of order, it waits in memory. */
void spool_save(struct spool *spool);

enum spool_cursor {
	SPOOL_FRESH, /* the first batch not yet tried of the window that was put last */
	SPOOL_OLD,   /* of the batches refused least often, the oldest */
};

/**
 * Lends a batch. At most one is lent at a time.
 * @return borrowed until spool_done() or spool_return(); NULL: none, one is lent already, or it must be read from disk
 *         first (spool_is_reading())
 */
const struct batch *spool_lend(struct spool *spool, enum spool_cursor cursor);

/** Whether spool_lend() found nothing because it comes from disk: ask again when that was read. */
bool spool_is_reading(const struct spool *spool);

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
 * What no longer fits or finds no memory is dropped and counted; on their way to a disk that works they fit.
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

/** For the end: drops what is in memory only. None may be lent. @return its lines, for the caller to count */
uint64_t spool_drop_unsaved(struct spool *spool);

struct spool_totals spool_totals(const struct spool *spool);
