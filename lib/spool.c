/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>

struct spool_node {
	struct spool_node *prev, *next;
	struct batch *batch;
	uint32_t refusals;
	bool fresh;
};

/* One list, oldest first. Looking for a batch walks it: 8000 nodes at worst (16 MiB of 2 KiB), a few times a second. */
struct spool {
	struct spool_node *head, *tail;
	struct spool_node *lent;
	struct spool_node *spare; /* the one that left last; its batch may be taken already */
	uint64_t max_bytes;
	int64_t newest_stamp_ns;    /* of the last batch that was put, whatever became of it */
	struct spool_totals totals; /* oldest_stamp_ns is made when asked for */
};

int spool_new(uint64_t max_bytes, struct spool **ret_spool)
{
	assert(max_bytes && ret_spool);

	struct spool *spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	spool->max_bytes = max_bytes;
	*ret_spool = spool;
	return 0;
}

static bool same_window(const struct spool_node *a, const struct spool_node *b)
{
	return a && b && a->batch->stamp_ns == b->batch->stamp_ns;
}

/* How many windows more there are because the node is there. */
static uint64_t windows_of(const struct spool_node *node)
{
	bool splits = node->prev && node->next && same_window(node->prev, node->next);

	if (splits)
		return same_window(node, node->prev) ? 0 : 2;
	return !same_window(node, node->prev) && !same_window(node, node->next);
}

static void link_after(struct spool *spool, struct spool_node *node, struct spool_node *prev)
{
	node->prev = prev;
	node->next = prev ? prev->next : spool->head;
	*(node->prev ? &node->prev->next : &spool->head) = node;
	*(node->next ? &node->next->prev : &spool->tail) = node;
	spool->totals.batches++;
	spool->totals.points += node->batch->points;
	spool->totals.bytes += node->batch->len;
	spool->totals.windows += windows_of(node);
}

static void free_spare(struct spool *spool)
{
	if (spool->spare)
		free(spool->spare->batch);
	free(spool->spare);
	spool->spare = NULL;
}

/* Out of the list; its memory is the spare one. */
static void retire_node(struct spool *spool, struct spool_node *node)
{
	spool->totals.windows -= windows_of(node);
	spool->totals.bytes -= node->batch->len;
	spool->totals.points -= node->batch->points;
	spool->totals.batches--;
	*(node->prev ? &node->prev->next : &spool->head) = node->next;
	*(node->next ? &node->next->prev : &spool->tail) = node->prev;
	if (spool->lent == node)
		spool->lent = NULL;
	free_spare(spool);
	spool->spare = node;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	while (spool->head)
		retire_node(spool, spool->head);
	free_spare(spool);
	free(spool);
}

void spool_freep(struct spool **spool)
{
	spool_free(*spool);
}

static void count_dropped(struct spool *spool, const struct batch *batch)
{
	spool->totals.dropped_batches++;
	spool->totals.dropped_points += batch->points;
}

/* Drops the oldest until len bytes more fit. The lent batch is on its way and cannot leave. */
static bool make_room(struct spool *spool, uint64_t len)
{
	struct spool_node *node = spool->head;

	while (node && spool->totals.bytes + len > spool->max_bytes) {
		struct spool_node *next = node->next;

		if (node != spool->lent) {
			count_dropped(spool, node->batch);
			retire_node(spool, node);
		}
		node = next;
	}
	return spool->totals.bytes + len <= spool->max_bytes;
}

void spool_set_max(struct spool *spool, uint64_t max_bytes)
{
	assert(spool && max_bytes);

	spool->max_bytes = max_bytes;
	(void)make_room(spool, 0);
}

static struct spool_node *new_node(struct spool *spool)
{
	if (!spool->spare)
		return calloc(1, sizeof(struct spool_node));
	struct spool_node *node = TAKE_PTR(spool->spare);

	free(node->batch);
	*node = (struct spool_node){0};
	return node;
}

static int put_after(struct spool *spool, struct batch *batch, struct spool_node *prev, bool fresh)
{
	struct spool_node *node = new_node(spool);

	if (!node) {
		count_dropped(spool, batch);
		free(batch);
		return -ENOMEM;
	}
	node->batch = batch;
	node->fresh = fresh;
	link_after(spool, node, prev);
	return 0;
}

int spool_put(struct spool *spool, struct batch *batch)
{
	assert(spool && batch);

	int err = 0;

	spool->newest_stamp_ns = batch->stamp_ns;
	/* Asked first: what can never fit must not empty the spool. */
	if (batch->len > spool->max_bytes)
		err = -E2BIG;
	else if (!make_room(spool, batch->len))
		err = -ENOSPC;
	if (err) {
		count_dropped(spool, batch);
		free(batch);
		return err;
	}
	return put_after(spool, batch, spool->tail, true);
}

static struct spool_node *find_fresh(const struct spool *spool)
{
	struct spool_node *found = NULL;

	for (struct spool_node *node = spool->tail; node; node = node->prev) {
		if (node->batch->stamp_ns != spool->newest_stamp_ns)
			break;
		if (node->fresh)
			found = node;
	}
	return found;
}

static struct spool_node *find_old(const struct spool *spool)
{
	struct spool_node *found = NULL;

	for (struct spool_node *node = spool->head; node; node = node->next) {
		if (!found || node->refusals < found->refusals)
			found = node;
		if (!found->refusals)
			break;
	}
	return found;
}

const struct batch *spool_lend(struct spool *spool, enum spool_cursor cursor)
{
	assert(spool);

	if (spool->lent)
		return NULL;
	spool->lent = cursor == SPOOL_FRESH ? find_fresh(spool) : find_old(spool);
	return spool->lent ? spool->lent->batch : NULL;
}

void spool_done(struct spool *spool)
{
	assert(spool && spool->lent);

	retire_node(spool, spool->lent);
}

void spool_return(struct spool *spool, bool refused)
{
	assert(spool && spool->lent);

	spool->lent->fresh = false;
	if (refused && spool->lent->refusals < UINT32_MAX)
		spool->lent->refusals++;
	spool->lent = NULL;
}

void spool_split(struct spool *spool, struct batch *first, struct batch *second)
{
	assert(spool && spool->lent && first && second);

	struct spool_node *prev = spool->lent->prev;
	bool fresh = spool->lent->fresh;

	retire_node(spool, spool->lent);
	/* The second goes first, so that both stand behind the same one. */
	(void)put_after(spool, second, prev, fresh);
	(void)put_after(spool, first, prev, fresh);
	/* Two bodies may be a little larger than one. */
	(void)make_room(spool, 0);
}

struct batch *spool_take_spare(struct spool *spool)
{
	assert(spool);

	return spool->spare ? TAKE_PTR(spool->spare->batch) : NULL;
}

bool spool_has_refused(const struct spool *spool, uint32_t times)
{
	assert(spool);

	for (const struct spool_node *node = spool->head; node; node = node->next)
		if (node->refusals >= times)
			return true;
	return false;
}

struct spool_totals spool_totals(const struct spool *spool)
{
	assert(spool);

	struct spool_totals totals = spool->totals;

	totals.oldest_stamp_ns = spool->head ? spool->head->batch->stamp_ns : 0;
	return totals;
}
