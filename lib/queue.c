/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include "ground.h"

#include <assert.h>

static bool same_window(const struct queue_node *a, const struct queue_node *b)
{
	return a && b && a->batch->stamp_ns == b->batch->stamp_ns;
}

/* How many windows more there are because the node is there. */
static uint64_t windows_of(const struct queue_node *node)
{
	bool splits = node->prev && node->next && same_window(node->prev, node->next);

	if (splits)
		return same_window(node, node->prev) ? 0 : 2;
	return !same_window(node, node->prev) && !same_window(node, node->next);
}

static struct queue_node *new_node(struct queue *queue)
{
	if (!queue->spare)
		return calloc(1, sizeof(struct queue_node));
	struct queue_node *node = TAKE_PTR(queue->spare);

	free(node->batch);
	*node = (struct queue_node){0};
	return node;
}

struct queue_node *queue_add(struct queue *queue, struct batch *batch, struct queue_node *prev)
{
	assert(queue && batch);

	struct queue_node *node = new_node(queue);

	if (!node) {
		free(batch);
		return NULL;
	}
	node->batch = batch;
	node->prev = prev;
	node->next = prev ? prev->next : queue->head;
	*(node->prev ? &node->prev->next : &queue->head) = node;
	*(node->next ? &node->next->prev : &queue->tail) = node;
	queue->batches++;
	queue->points += batch->points;
	queue->bytes += batch->len;
	queue->windows += windows_of(node);
	return node;
}

void queue_unlink(struct queue *queue, struct queue_node *node)
{
	assert(queue && node);

	queue->windows -= windows_of(node);
	queue->bytes -= node->batch->len;
	queue->points -= node->batch->points;
	queue->batches--;
	*(node->prev ? &node->prev->next : &queue->head) = node->next;
	*(node->next ? &node->next->prev : &queue->tail) = node->prev;
	node->prev = node->next = NULL;
}

void queue_recycle(struct queue *queue, struct queue_node *node)
{
	assert(queue && node && node != queue->spare);

	if (queue->spare)
		free(queue->spare->batch);
	free(queue->spare);
	queue->spare = node;
}

void queue_free(struct queue *queue)
{
	assert(queue);

	while (queue->head) {
		struct queue_node *node = queue->head;

		queue_unlink(queue, node);
		queue_recycle(queue, node);
	}
	if (queue->spare)
		free(queue->spare->batch);
	free(queue->spare);
	*queue = (struct queue){0};
}
