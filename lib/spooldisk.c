/* SPDX-License-Identifier: Apache-2.0 */
#include "spooldisk.h"

#include "ground.h"
#include "spoolplan.h"

#include <assert.h>
#include <errno.h>

bool spool_next_task(struct spool *spool, struct spool_task *ret_task)
{
	assert(spool && ret_task);

	if (spool->has_task || !spoolplan_next(spool))
		return false;
	*ret_task = spool->task;
	return true;
}

static bool fail(struct spool *spool, int err)
{
	bool waited = spool->wants_old;

	spool->disk.state = SPOOL_DISK_FAILED;
	spool->disk.err = err;
	spool->wants_old = false;
	spool->full |= err == -ENOSPC || err == -EDQUOT;
	/* What could not be written whole is not appended to. */
	spool->shelf.tail = 0;
	return waited;
}

/* A segment's file is gone, whoever took it. */
static void lose_segment(struct spool *spool, struct shelf_segment *segment)
{
	spool->damaged_points += spoolstate_doom(spool, segment).points;
}

static bool was_listed(const struct spool_outcome *outcome, uint32_t id)
{
	for (size_t i = 0; i < outcome->n_listed; i++)
		if (outcome->listed[i].id == id)
			return true;
	return false;
}

static bool opened(struct spool *spool, const struct spool_outcome *outcome)
{
	struct shelf *shelf = &spool->shelf;

	spool->retry = false;
	if (outcome->err)
		return fail(spool, outcome->err);
	spool->disk = (struct spool_disk){.state = SPOOL_DISK_OPEN};
	for (size_t i = 0; i < shelf->n; i++)
		if (!shelf->segments[i].doomed && !was_listed(outcome, shelf->segments[i].id))
			lose_segment(spool, &shelf->segments[i]);
	for (size_t i = 0; i < outcome->n_listed; i++)
		if (shelf_add(shelf, outcome->listed[i].id, outcome->listed[i].size))
			return fail(spool, -ENOMEM);
	return true;
}

static bool counted(struct spool *spool, const struct spool_outcome *outcome)
{
	struct shelf_segment *segment = shelf_find(&spool->shelf, spool->task.place.segment);

	assert(segment);
	if (outcome->err == -ENOENT) {
		lose_segment(spool, segment);
		return true;
	}
	/* It is perhaps the only one: all others are counted and read meanwhile. */
	if (outcome->err) {
		segment->skipped = true;
		return false;
	}
	shelf_count(&spool->shelf, segment->id, &outcome->counts, outcome->oldest_stamp_ns,
	            outcome->end);
	spool->recovered_points += outcome->counts.points;
	return true;
}

static bool written(struct spool *spool, const struct spool_outcome *outcome)
{
	struct queue_node *node = TAKE_PTR(spool->writing);
	bool gone = spool->writing_gone;

	spool->writing_gone = false;
	if (outcome->err) {
		if (gone)
			queue_recycle(&spool->queue, node);
		/* Its file was not made, or was there before and is somebody's: the next opening finds it. */
		if (!spool->task.place.offset)
			shelf_remove(&spool->shelf, spool->task.place.segment);
		return fail(spool, outcome->err);
	}
	spool->has_written = true;
	spool->full = false;
	spool->written_stamp_ns = node->batch->stamp_ns;
	node->place = spool->task.place;
	node->first = spool->task.first;
	shelf_written(&spool->shelf, node->place, record_bytes(node->batch->len));
	if (gone) {
		shelf_release(&spool->shelf, node->place);
		free(TAKE_PTR(node->batch));
		node->next = spool->settled;
		spool->settled = node;
	} else {
		spoolstate_tidy(spool);
	}
	return false;
}

static bool synced(struct spool *spool, const struct spool_outcome *outcome)
{
	struct shelf_segment *segment = shelf_find(&spool->shelf, spool->task.place.segment);

	/* After a failure the kernel takes the pages for clean, and a second fdatasync() for done. */
	if (segment)
		segment->dirty = false;
	return outcome->err && outcome->err != -ENOENT && fail(spool, outcome->err);
}

static bool marked(struct spool *spool, const struct spool_outcome *outcome)
{
	const struct record_place place = spool->task.place;
	struct shelf_segment *segment = shelf_find(&spool->shelf, place.segment);
	struct queue_node **link = &spool->settled;

	if (outcome->err && outcome->err != -ENOENT)
		return fail(spool, outcome->err);
	/* Others were settled meanwhile, and stand before it. */
	while (!record_place_is(place, (*link)->place))
		link = &(*link)->next;
	struct queue_node *node = *link;
	*link = node->next;
	node->next = NULL;
	queue_recycle(&spool->queue, node);
	if (segment)
		segment->dirty = true;
	return false;
}

static bool deleted(struct spool *spool, const struct spool_outcome *outcome)
{
	if (outcome->err && outcome->err != -ENOENT)
		return fail(spool, outcome->err);
	shelf_remove(&spool->shelf, spool->task.place.segment);
	return false;
}

static bool is_in_memory(const struct spool *spool, struct record_place place)
{
	for (const struct queue_node *node = spool->queue.head; node; node = node->next)
		if (record_place_is(node->place, place))
			return true;
	return false;
}

/* A record that waits and was in no memory. */
static void take_record(struct spool *spool, struct spool_outcome *outcome,
                        struct record_place place)
{
	const struct shelf_counts counts = shelfcounts_of(outcome->batch, outcome->record.first);
	uint32_t points = outcome->batch->points;
	struct queue_node *node = queue_add(&spool->queue, TAKE_PTR(outcome->batch), NULL);

	spool->wants_old = false;
	if (!node) {
		/* No memory now: in the next pass. */
		shelf_skip(&spool->shelf);
		return;
	}
	if (!shelf_hold(&spool->shelf, place, &counts))
		spool->recovered_points += points;
	node->place = place;
	node->first = outcome->record.first;
	node->refusals = spool->shelf.passes;
	node->older = true;
	shelf_pass(&spool->shelf, outcome->end);
}

static void lose_record(struct spool *spool, const struct spool_outcome *outcome,
                        struct record_place place)
{
	const struct record *r = &outcome->record;
	const struct shelf_counts counts = {
		.records = 1, .points = r->points, .bytes = r->len, .windows = r->first};

	/* In a later pass it is no news. */
	if (shelf_lose(&spool->shelf, place, &counts))
		spool->damaged_points += r->points;
	shelf_pass(&spool->shelf, outcome->end);
}

/* Errors of reading are of the whole segment, and perhaps for a while only. */
static void read_failed(struct spool *spool, int err)
{
	spool->disk.blind = true;
	spool->disk.err = err;
	spool->wants_old = false;
	shelf_skip(&spool->shelf);
}

static bool was_read(struct spool *spool, struct spool_outcome *outcome)
{
	struct record_place place = {spool->task.place.segment, outcome->offset};
	struct shelf_segment *segment = shelf_find(&spool->shelf, place.segment);

	switch (outcome->err) {
	case 0:
	case -EBADMSG:
		if (is_in_memory(spool, place))
			shelf_pass(&spool->shelf, outcome->end);
		else if (outcome->err)
			lose_record(spool, outcome, place);
		else
			take_record(spool, outcome, place);
		break;
	case -ENODATA:
		spool->damaged_points += shelf_end(&spool->shelf).points;
		break;
	case -ENOENT:
		if (segment)
			lose_segment(spool, segment);
		break;
	default:
		read_failed(spool, outcome->err);
	}
	/* Nothing is left to read: nothing will come. */
	if (!spool->shelf.resting.records)
		spool->wants_old = false;
	return !spool->wants_old;
}

bool spool_task_done(struct spool *spool, struct spool_outcome *outcome)
{
	assert(spool && spool->has_task && outcome);

	bool again = false;

	spool->has_task = false;
	switch (spool->task.kind) {
	case SPOOL_TASK_OPEN:
		again = opened(spool, outcome);
		break;
	case SPOOL_TASK_COUNT:
		again = counted(spool, outcome);
		break;
	case SPOOL_TASK_WRITE:
		again = written(spool, outcome);
		break;
	case SPOOL_TASK_SYNC:
		again = synced(spool, outcome);
		break;
	case SPOOL_TASK_MARK:
		again = marked(spool, outcome);
		break;
	case SPOOL_TASK_READ:
		again = was_read(spool, outcome);
		break;
	case SPOOL_TASK_DELETE:
		again = deleted(spool, outcome);
	}
	free(TAKE_PTR(outcome->listed));
	free(TAKE_PTR(outcome->batch));
	return again;
}

/* ---- the disk as a whole */

struct spool_disk spool_disk(const struct spool *spool)
{
	assert(spool);

	struct spool_disk disk = spool->disk;
	bool usable =
		disk.state == SPOOL_DISK_OPEN || disk.state == SPOOL_DISK_OPENING || spool->retry;

	disk.skips = shelf_skips(&spool->shelf);
	disk.counted = disk.state == SPOOL_DISK_NONE ||
	               (disk.state == SPOOL_DISK_OPEN && !shelf_uncounted(&spool->shelf));
	disk.settled =
		!usable || (!spoolstate_unsaved(spool) && !spool->settled && !spool->writing &&
	                    !(spool->sync_due && shelf_dirty(&spool->shelf)));
	return disk;
}

void spool_retry(struct spool *spool)
{
	assert(spool);

	spool->retry = spool->disk.state == SPOOL_DISK_FAILED;
	spool->disk.blind = false;
	shelf_retry(&spool->shelf);
}

bool spool_set_hung(struct spool *spool, bool hung)
{
	assert(spool);

	bool waited = spool->wants_old;

	spool->hung = hung;
	/* What is read meanwhile is found in memory later. */
	if (hung)
		spool->wants_old = false;
	return hung ? waited : true;
}
