/* SPDX-License-Identifier: Apache-2.0 */
#include "spoolstate.h"

#include "ground.h"

#include <assert.h>

void spoolstate_settle(struct spool *spool, struct queue_node *node)
{
	queue_unlink(&spool->queue, node);
	if (spool->lent == node)
		spool->lent = NULL;
	if (spool->writing == node) {
		spool->writing_gone = true;
	} else if (node->place.segment) {
		shelf_release(&spool->shelf, node->place);
		free(TAKE_PTR(node->batch));
		node->next = spool->settled;
		spool->settled = node;
	} else {
		queue_recycle(&spool->queue, node);
	}
}

void spoolstate_rest(struct spool *spool, struct queue_node *node)
{
	const struct shelf_counts counts = spoolstate_counts(node);

	assert(node->place.segment && spoolstate_is_idle(spool, node));
	shelf_rest(&spool->shelf, node->place, &counts, node->batch->stamp_ns);
	queue_unlink(&spool->queue, node);
	queue_recycle(&spool->queue, node);
}

static bool is_needed_soon(const struct spool *spool, const struct queue_node *node)
{
	return node->older || (node->fresh && node->batch->stamp_ns == spool->newest_stamp_ns);
}

void spoolstate_tidy(struct spool *spool)
{
	struct queue_node *node = spool->queue.head;

	while (node) {
		struct queue_node *next = node->next;

		if (node->place.segment && spoolstate_is_idle(spool, node) &&
		    !is_needed_soon(spool, node))
			spoolstate_rest(spool, node);
		node = next;
	}
}

struct queue_node *spoolstate_unsaved(const struct spool *spool)
{
	for (struct queue_node *node = spool->queue.head; node; node = node->next)
		if (node->save && !node->place.segment)
			return node;
	return NULL;
}

/* Nothing in memory is backed by that segment any more. */
static void forget_segment(struct spool *spool, uint32_t id)
{
	struct queue_node **link = &spool->settled;

	for (struct queue_node *node = spool->queue.head; node; node = node->next)
		if (node->place.segment == id) {
			node->place = (struct record_place){0};
			node->save = true;
			spool->sync_due = true;
		}
	while (*link) {
		struct queue_node *node = *link;

		if (node->place.segment != id) {
			link = &node->next;
			continue;
		}
		*link = node->next;
		free(node);
	}
}

/* What rested there is lost. */
struct shelf_counts spoolstate_doom(struct spool *spool, struct shelf_segment *segment)
{
	forget_segment(spool, segment->id);
	return shelf_doom(&spool->shelf, segment);
}
