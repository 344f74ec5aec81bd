/* SPDX-License-Identifier: Apache-2.0 */
/** spoolstate.h: the inside of a spool, for its two sides: spool.h, its user's, and spooldisk.h, its disk's. Pure. */
#pragma once
#include "queue.h"
#include "shelf.h"
#include "spooltask.h"

struct spool {
	uint64_t memory_bytes, disk_bytes; /* bounds */
	struct queue queue;
	struct shelf shelf;
	struct queue_node *lent;
	struct queue_node
		*settled;        /* they wait for their mark on disk; linked by next, in no queue */
	int64_t newest_stamp_ns; /* of the last batch that was put, whatever became of it */
	/* Ever. */
	uint64_t dropped_batches, dropped_points;
	uint64_t damaged_points;
	uint64_t recovered_points;
	/* The disk. */
	struct spool_disk disk; /* counted and settled are made when asked for */
	bool retry;
	bool hung;
	bool wants_old; /* spool_lend() found nothing in memory */
	bool sync_due;
	bool full;                /* it was, when it was written to last */
	int64_t written_stamp_ns; /* of the last record */
	bool has_written;
	bool has_task;
	struct spool_task task;
	struct queue_node *writing; /* the task's; it cannot leave */
	bool writing_gone;          /* it is settled, and in no list */
};

/** Whether a node may leave memory: nobody uses it. */
static inline bool spoolstate_is_idle(const struct spool *spool, const struct queue_node *node)
{
	return node != spool->lent && node != spool->writing;
}

/** What the node's record counts as, while it rests on disk. */
static inline struct shelf_counts spoolstate_counts(const struct queue_node *node)
{
	return shelfcounts_of(node->batch, node->first);
}

/** The node leaves the list and is settled: what it has on disk waits for its mark. */
void spoolstate_settle(struct spool *spool, struct queue_node *node);

/** A node that is on disk leaves memory. */
void spoolstate_rest(struct spool *spool, struct queue_node *node);

/** All nodes that are on disk and not needed soon do. */
void spoolstate_tidy(struct spool *spool);

/** The oldest that is to be written, or NULL. */
struct queue_node *spoolstate_unsaved(const struct spool *spool);

/** A segment is to be deleted, or is gone: what is also in memory is so only from here on. @return what rested there */
struct shelf_counts spoolstate_doom(struct spool *spool, struct shelf_segment *segment);
