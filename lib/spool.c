/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include "ground.h"
#include "spoolstate.h"

#include <assert.h>
#include <errno.h>

int spool_new(uint64_t memory_bytes, uint64_t disk_bytes, struct spool **ret_spool)
{
	assert(memory_bytes && ret_spool);

	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return -ENOMEM;
	spool->memory_bytes = memory_bytes;
	spool->disk_bytes = spool->shelf.max_bytes = disk_bytes;
	spool->disk.state = disk_bytes ? SPOOL_DISK_OPENING : SPOOL_DISK_NONE;
	*ret_spool = spool;
	return 0;
}

static void free_node(struct queue_node *node)
{
	if (node)
		free(node->batch);
	free(node);
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	if (spool->writing_gone)
		free_node(spool->writing);
	while (spool->settled) {
		struct queue_node *node = spool->settled;

		spool->settled = node->next;
		free_node(node);
	}
	queue_free(&spool->queue);
	shelf_free(&spool->shelf);
	free(spool);
}

void spool_freep(struct spool **spool)
{
	spool_free(*spool);
}

/* ---- who leaves memory */

static void count_dropped(struct spool *spool, const struct batch *batch)
{
	spool->dropped_batches++;
	spool->dropped_points += batch->points;
}

/* What is on disk leaves without loss; the rest is dropped, the oldest first. */
static void leave_until(struct spool *spool, uint64_t bytes, bool newest_window)
{
	struct queue_node *node = spool->queue.head;

	while (node && spool->queue.bytes > bytes) {
		struct queue_node *next = node->next;
		bool newest = node->batch->stamp_ns == spool->newest_stamp_ns;

		if (!spoolstate_is_idle(spool, node) || (newest && !newest_window)) {
			node = next;
			continue;
		}
		if (node->place.segment) {
			spoolstate_rest(spool, node);
		} else {
			count_dropped(spool, node->batch);
			queue_unlink(&spool->queue, node);
			queue_recycle(&spool->queue, node);
		}
		node = next;
	}
}

/* The bound of the newest window, which alone may be larger than memory_bytes. */
static uint64_t window_bytes(const struct spool *spool)
{
	return MAX(spool->memory_bytes, spool->disk_bytes);
}

/* Makes room for len bytes more. The lent batch is on its way and cannot leave. */
static bool make_room(struct spool *spool, uint64_t len)
{
	uint64_t memory = spool->memory_bytes, window = window_bytes(spool);

	leave_until(spool, memory - MIN(len, memory), false);
	leave_until(spool, window - len, true);
	return spool->queue.bytes + len <= window;
}

void spool_set_bounds(struct spool *spool, uint64_t memory_bytes, uint64_t disk_bytes)
{
	assert(spool && memory_bytes && !disk_bytes == !spool->disk_bytes);

	spool->memory_bytes = memory_bytes;
	spool->disk_bytes = spool->shelf.max_bytes = disk_bytes;
	(void)make_room(spool, 0);
}

/* ---- batches */

static struct queue_node *put_after(struct spool *spool, struct batch *batch,
                                    struct queue_node *prev, bool fresh)
{
	const struct batch lost = {.points = batch->points};
	struct queue_node *node = queue_add(&spool->queue, batch, prev);

	if (node)
		node->fresh = fresh;
	else
		count_dropped(spool, &lost);
	return node;
}

int spool_put(struct spool *spool, struct batch *batch)
{
	assert(spool && batch);

	int err = 0;

	/* Marks are made durable once an interval: a power cut sends twice what one interval settled. */
	spool->sync_due |= spool->newest_stamp_ns != batch->stamp_ns;
	spool->newest_stamp_ns = batch->stamp_ns;
	spoolstate_tidy(spool);
	/* Asked first: what can never fit must not empty the spool. */
	if (batch->len > window_bytes(spool))
		err = -E2BIG;
	else if (!make_room(spool, batch->len))
		err = -ENOSPC;
	if (err) {
		count_dropped(spool, batch);
		free(batch);
		return err;
	}
	return put_after(spool, batch, spool->queue.tail, true) ? 0 : -ENOMEM;
}

void spool_save(struct spool *spool)
{
	assert(spool);

	if (!spool->disk_bytes)
		return;
	for (struct queue_node *node = spool->queue.head; node; node = node->next)
		node->save = true;
	spool->sync_due = true;
}

static struct queue_node *find_fresh(const struct spool *spool)
{
	struct queue_node *found = NULL;

	for (struct queue_node *node = spool->queue.tail; node; node = node->prev) {
		if (node->batch->stamp_ns != spool->newest_stamp_ns)
			break;
		if (node->fresh)
			found = node;
	}
	return found;
}

/* A walk of 8000 nodes at worst (16 MiB of 2 KiB), a few times a second. */
static struct queue_node *find_old(const struct spool *spool)
{
	struct queue_node *found = NULL;

	for (struct queue_node *node = spool->queue.head; node; node = node->next) {
		if (!found || node->refusals < found->refusals)
			found = node;
		if (!found->refusals)
			break;
	}
	return found;
}

static bool disk_works(const struct spool *spool)
{
	return spool->disk.state == SPOOL_DISK_OPEN && !spool->hung;
}

/* Whether the next old batch comes from disk, and not the one that was found in memory, or NULL. */
static bool disk_is_next(const struct spool *spool, const struct queue_node *node)
{
	if (!disk_works(spool) || spool->disk.blind)
		return false;
	if (node && node->older)
		return false;
	if (shelf_has_ahead(&spool->shelf))
		return !node || spool->shelf.passes <= node->refusals;
	return !node && spool->shelf.resting.records;
}

static struct queue_node *lend_old(struct spool *spool)
{
	struct queue_node *node = find_old(spool);

	spool->wants_old = disk_is_next(spool, node);
	return spool->wants_old ? NULL : node;
}

const struct batch *spool_lend(struct spool *spool, enum spool_cursor cursor)
{
	assert(spool);

	if (spool->lent)
		return NULL;
	spool->lent = cursor == SPOOL_FRESH ? find_fresh(spool) : lend_old(spool);
	return spool->lent ? spool->lent->batch : NULL;
}

bool spool_is_reading(const struct spool *spool)
{
	assert(spool);

	return spool->wants_old;
}

void spool_done(struct spool *spool)
{
	assert(spool && spool->lent);

	spoolstate_settle(spool, spool->lent);
}

void spool_return(struct spool *spool, bool refused)
{
	assert(spool && spool->lent);

	struct queue_node *node = TAKE_PTR(spool->lent);

	node->fresh = false;
	if (refused) {
		if (node->refusals < UINT32_MAX)
			node->refusals++;
		node->older = false;
		/* It may rest from here on, and is met again when all others were. */
		spool->shelf.refused |= node->place.segment || node->save;
	}
	spoolstate_tidy(spool);
}

void spool_split(struct spool *spool, struct batch *first, struct batch *second)
{
	assert(spool && spool->lent && first && second);

	const struct queue_node whole = *spool->lent;
	bool save = whole.save || whole.place.segment;

	spoolstate_settle(spool, spool->lent);
	/* It may go once they are safe. */
	spool->sync_due |= save;
	/* The second goes first, so that both stand behind the same one. */
	for (int i = 0; i < 2; i++) {
		struct queue_node *half =
			put_after(spool, i ? first : second, whole.prev, whole.fresh);

		if (!half)
			continue;
		half->save = save;
		half->older = whole.older;
	}
	/* Two bodies may be a little larger than one. One from disk may be larger than all that memory is for: its halves
	 * go there, and leave before the next is put. */
	if (!save || !disk_works(spool))
		(void)make_room(spool, 0);
}

struct batch *spool_take_spare(struct spool *spool)
{
	assert(spool);

	return spool->queue.spare ? TAKE_PTR(spool->queue.spare->batch) : NULL;
}

bool spool_has_refused(const struct spool *spool, uint32_t times)
{
	assert(spool);

	for (const struct queue_node *node = spool->queue.head; node; node = node->next)
		if (node->refusals >= times)
			return true;
	return spool->shelf.passes >= times && spool->shelf.resting.records;
}

uint64_t spool_drop_unsaved(struct spool *spool)
{
	assert(spool && !spool->lent);

	struct queue_node *node = spool->queue.head;
	uint64_t points = 0;

	while (node) {
		struct queue_node *next = node->next;

		if (!node->place.segment) {
			points += node->batch->points;
			spoolstate_settle(spool, node);
		}
		node = next;
	}
	return points;
}

struct spool_totals spool_totals(const struct spool *spool)
{
	assert(spool);

	const struct queue *queue = &spool->queue;
	const struct shelf *shelf = &spool->shelf;
	int64_t in_memory = queue->head ? queue->head->batch->stamp_ns : 0;
	int64_t on_disk = shelf_oldest_stamp(shelf);
	uint64_t unsaved = 0;

	for (const struct queue_node *node = queue->head; node; node = node->next)
		unsaved += node->place.segment ? 0 : node->batch->points;
	return (struct spool_totals){
		.batches = queue->batches + shelf->resting.records,
		.points = queue->points + shelf->resting.points,
		.bytes = queue->bytes + shelf->resting.bytes,
		.windows = queue->windows + shelf->resting.windows,
		.unsaved_points = unsaved,
		.file_bytes = shelf->bytes,
		.oldest_stamp_ns =
			in_memory && on_disk ? MIN(in_memory, on_disk) : in_memory + on_disk,
		.dropped_points = spool->dropped_points,
		.dropped_batches = spool->dropped_batches,
		.damaged_points = spool->damaged_points,
		.recovered_points = spool->recovered_points,
	};
}
