/* SPDX-License-Identifier: Apache-2.0 */
/**
 * queue.h: the batches of a spool that are in memory, oldest first. Pure.
 *
 * A list and its sums; who may leave, and when, spool.h knows.
 */
#pragma once
#include "record.h"

struct queue_node {
	struct queue_node *prev, *next;
	struct batch *batch;
	struct record_place place; /* segment 0: it is in memory only */
	uint32_t refusals;
	bool fresh; /* not tried yet */
	bool save;  /* is to be written to disk */
	bool first; /* of its window, as its record says */
	bool older; /* than all on disk that was not read yet */
};

struct queue {
	struct queue_node *head, *tail;
	struct queue_node *spare; /* the one that left last; its batch may be taken already */
	uint64_t batches, points;
	uint64_t bytes;   /* of bodies */
	uint64_t windows; /* neighbouring batches of one stamp are one */
};

/**
 * Adds a batch behind @p prev, or as the first when that is NULL. The queue owns it from here on, also on failure.
 * @return its node; NULL: no memory, and the batch is gone
 */
struct queue_node *queue_add(struct queue *queue, struct batch *batch, struct queue_node *prev);

/** Takes a node out; it and its batch are the caller's. */
void queue_unlink(struct queue *queue, struct queue_node *node);

/** Keeps a node's memory, and its batch's, for the next one. It is in no list any more. */
void queue_recycle(struct queue *queue, struct queue_node *node);

/** Frees everything; empty afterwards. */
void queue_free(struct queue *queue);
