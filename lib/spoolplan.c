/* SPDX-License-Identifier: Apache-2.0 */
#include "spoolplan.h"

#include <assert.h>
#include <errno.h>

static bool give(struct spool *spool, enum spool_task_kind kind, struct record_place place)
{
	spool->task = (struct spool_task){.kind = kind, .place = place};
	return true;
}

static bool give_segment(struct spool *spool, enum spool_task_kind kind,
                         const struct shelf_segment *segment)
{
	return segment && give(spool, kind, (struct record_place){segment->id, 0});
}

static bool next_delete(struct spool *spool)
{
	struct shelf_segment *segment = shelf_deletable(&spool->shelf);

	if (segment && !segment->doomed)
		(void)spoolstate_doom(spool, segment);
	return give_segment(spool, SPOOL_TASK_DELETE, segment);
}

static bool next_count(struct spool *spool)
{
	return !spool->disk.blind &&
	       give_segment(spool, SPOOL_TASK_COUNT, shelf_uncounted(&spool->shelf));
}

/* The oldest on disk leaves for what is newer. An earlier agent's is counted before, if it can be read. */
static bool next_drop(struct spool *spool)
{
	struct shelf_segment *oldest = shelf_oldest(&spool->shelf);
	struct shelf_counts dropped;

	if (oldest && !oldest->counted && !oldest->skipped && !spool->disk.blind)
		return give_segment(spool, SPOOL_TASK_COUNT, oldest);
	if (oldest) {
		dropped = spoolstate_doom(spool, oldest);
		spool->dropped_batches += dropped.records;
		spool->dropped_points += dropped.points;
	}
	return next_delete(spool);
}

/* What is of no use any more leaves first, though that be the whole of halves that are not written yet. */
static bool next_room(struct spool *spool)
{
	return next_delete(spool) || next_drop(spool);
}

/* The bound may have been another one when this was written; or the disk itself is full. */
static bool next_shrink(struct spool *spool)
{
	if (spool->shelf.bytes > spool->shelf.max_bytes)
		return next_room(spool);
	return spool->full && next_delete(spool);
}

/* All that is on disk is in memory as well: what left it would be written again, and so for ever. */
static bool is_full_of_memory(const struct spool *spool)
{
	uint64_t bytes = 0;

	for (const struct queue_node *node = spool->queue.head; node; node = node->next)
		bytes += node->place.segment ? record_bytes(node->batch->len) : 0;
	return !spool->shelf.resting.records && bytes == spool->shelf.bytes;
}

/* @return as shelf_room() */
static int find_room(struct spool *spool, const struct queue_node *node,
                     struct record_place *ret_place)
{
	int err = record_fits(node->batch)
	                  ? shelf_room(&spool->shelf, record_bytes(node->batch->len), ret_place)
	                  : -EFBIG;

	return err == -ENOSPC && is_full_of_memory(spool) ? -EFBIG : err;
}

static bool next_write(struct spool *spool)
{
	struct queue_node *node;

	while ((node = spoolstate_unsaved(spool))) {
		struct record_place place;
		int err = find_room(spool, node, &place);

		if (err == -ENOSPC)
			return next_room(spool);
		if (err == -ENOMEM)
			return false;
		if (err) {
			/* It waits in memory only. */
			node->save = false;
			continue;
		}
		give(spool, SPOOL_TASK_WRITE, place);
		spool->task.batch = node->batch;
		spool->task.first =
			!spool->has_written || spool->written_stamp_ns != node->batch->stamp_ns;
		spool->writing = node;
		return true;
	}
	return false;
}

static bool next_mark(struct spool *spool)
{
	return spool->settled && give(spool, SPOOL_TASK_MARK, spool->settled->place);
}

/* Once all of a window is written: one sync for each. */
static bool next_sync(struct spool *spool)
{
	bool given =
		spool->sync_due && give_segment(spool, SPOOL_TASK_SYNC, shelf_dirty(&spool->shelf));

	spool->sync_due &= given;
	return given;
}

static bool next_read(struct spool *spool)
{
	struct record_place place;

	if (!spool->wants_old || spool->disk.blind)
		return false;
	place = shelf_seek(&spool->shelf);
	return place.segment && give(spool, SPOOL_TASK_READ, place);
}

bool spoolplan_next(struct spool *spool)
{
	assert(spool && !spool->has_task);

	switch (spool->disk.state) {
	case SPOOL_DISK_NONE:
		break;
	case SPOOL_DISK_FAILED:
		spool->has_task =
			spool->retry && give(spool, SPOOL_TASK_OPEN, (struct record_place){0});
		break;
	case SPOOL_DISK_OPENING:
		spool->has_task = give(spool, SPOOL_TASK_OPEN, (struct record_place){0});
		break;
	case SPOOL_DISK_OPEN:
		/* Windows are made safe first: halves before their whole is marked, or goes with its segment, where what is
		 * settled needs no mark. Marks go before reads, so that it is not read again. */
		spool->has_task = next_shrink(spool) || next_write(spool) || next_sync(spool) ||
		                  next_delete(spool) || next_mark(spool) || next_read(spool) ||
		                  next_count(spool);
	}
	return spool->has_task;
}
