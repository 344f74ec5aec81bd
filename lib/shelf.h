/* SPDX-License-Identifier: Apache-2.0 */
/**
 * shelf.h: the books of what a spool has on disk: segments, how much waits in each, and how far they are read. Pure.
 *
 *     oldest                                               newest
 *     segment 17       segment 18       segment 19       segment 20
 *     [. D D w w]      [w w D w w]      [w w w w w]      [w w m]- - >
 *                           ^ cursor                       tail: the next record goes here
 *
 *     D  settled: marked, and gone with its segment
 *     w  rests: it waits, and is on disk only; it is counted here and nowhere else
 *     m  held: it waits, and is also in memory; it is counted there
 *
 * A segment knows sums, not records: an outage of any length costs 64 bytes for every segment. What rests is met again by
 * reading on from the cursor. What a receiver refused rests again behind it, and is met in the next pass. Since the sums say
 * how much lies ahead, what damage has swallowed is known when the segment's end is reached.
 *
 * A segment in which nothing waits is deleted; so is the oldest, whatever it holds, when the bound is met.
 */
#pragma once
#include "record.h"
#include "shelfcounts.h"

/** Their table takes 512 KiB. No bound of bytes leads to more than half of it (shelf_segment_bytes()); restarts might. */
#define SHELF_MAX_SEGMENTS 8192

struct shelf_segment {
	uint64_t size; /* of the file */
	struct shelf_counts resting;
	int64_t oldest_stamp_ns; /* of what rests, or older */
	uint32_t id;             /* names the file, too; grows */
	uint32_t held;           /* records that wait and are in memory */
	bool counted;            /* what it holds is known */
	bool skipped;            /* it could not be counted: not tried until shelf_retry() */
	bool doomed;             /* to be deleted */
	bool dirty;              /* written to since it was made durable */
};

struct shelf {
	uint64_t max_bytes; /* of all files */
	struct shelf_segment *segments;
	size_t n, cap;
	uint64_t bytes; /* of all files */
	struct shelf_counts resting;
	uint32_t tail; /* a segment's id; 0: the next record begins a new one */
	uint32_t last_id;
	struct record_place cursor;
	struct shelf_counts ahead; /* of what rests in the cursor's segment */
	uint32_t passes;           /* over all, in which something was refused */
	bool refused;              /* something, in this pass */
};

void shelf_free(struct shelf *shelf);

/** Where a new segment begins: a 64th of the bound, so that dropping the oldest costs little; 16 KiB to 16 MiB. */
uint64_t shelf_segment_bytes(uint64_t max_bytes);

/** @return NULL: there is none of that name, or it is doomed */
struct shelf_segment *shelf_find(const struct shelf *shelf, uint32_t id);

/** The oldest that is not doomed, or NULL. */
struct shelf_segment *shelf_oldest(const struct shelf *shelf);

/** The oldest that is not counted, and not skipped. Or NULL. */
struct shelf_segment *shelf_uncounted(const struct shelf *shelf);

/** Whether any is skipped. */
bool shelf_skips(const struct shelf *shelf);

/** None is skipped any more. */
void shelf_retry(struct shelf *shelf);

/** One that can be deleted: it is doomed, or nothing waits in it. Or NULL. */
struct shelf_segment *shelf_deletable(const struct shelf *shelf);

/** One that is dirty, and cannot be deleted. Or NULL. */
struct shelf_segment *shelf_dirty(const struct shelf *shelf);

/** A segment was found on disk, of which nothing else is known. Known ones are left alone. @return 0 or -ENOMEM */
int shelf_add(struct shelf *shelf, uint32_t id, uint64_t size);

/** A segment was counted. The newest becomes the tail, if there is none. @param size  where its last record ends */
void shelf_count(struct shelf *shelf, uint32_t id, const struct shelf_counts *counts,
                 int64_t oldest_stamp_ns, uint64_t size);

/**
 * Finds a place for a record, in a new segment if need be.
 * @return 0; -EFBIG: there never is one; -ENOSPC: the oldest must be dropped before; -ENOMEM
 */
int shelf_room(struct shelf *shelf, uint64_t bytes, struct record_place *ret_place);

/** A record was written there, and is held. */
void shelf_written(struct shelf *shelf, struct record_place place, uint64_t bytes);

/** What was held rests from here on. */
void shelf_rest(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts,
                int64_t stamp_ns);

/** What was held is settled. */
void shelf_release(struct shelf *shelf, struct record_place place);

/**
 * What rested was read, and is held from here on.
 * @return false: the books do not know it (a mark was damaged): it is one more
 */
bool shelf_hold(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts);

/** What rested was read and is of no use: neither held nor resting. @return as shelf_hold() */
bool shelf_lose(struct shelf *shelf, struct record_place place, const struct shelf_counts *counts);

/** Whether something rests that was not met in this pass. */
bool shelf_has_ahead(const struct shelf *shelf);

/**
 * Where to read on: the cursor, or where the next segment with something ahead begins, or the first of the next pass.
 * @return segment 0: nothing rests
 */
struct record_place shelf_seek(struct shelf *shelf);

/** The cursor goes to that offset of its segment. */
void shelf_pass(struct shelf *shelf, uint64_t offset);

/** The cursor is at its segment's end. @return what should have been met and was not: it rests no longer */
struct shelf_counts shelf_end(struct shelf *shelf);

/** The cursor leaves its segment, which cannot be read now. What is ahead there is met in the next pass. */
void shelf_skip(struct shelf *shelf);

/** Nothing rests in a segment any more, and it is to be deleted. @return what did */
struct shelf_counts shelf_doom(struct shelf *shelf, struct shelf_segment *segment);

/** A segment's file is gone. */
void shelf_remove(struct shelf *shelf, uint32_t id);

/** The stamp of what rests longest, or an older one; 0: nothing rests. */
int64_t shelf_oldest_stamp(const struct shelf *shelf);
