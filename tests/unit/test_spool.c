/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "spool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A batch that is known again by the number in its body. */
static struct batch *batch_of(uint32_t id, int64_t stamp_ns, uint32_t len)
{
	struct batch *batch = calloc(1, sizeof(*batch) + len);

	assert_non_null(batch);
	assert_true(len >= sizeof(id));
	batch->stamp_ns = stamp_ns;
	batch->points = id % 7 + 1;
	batch->len = len;
	memcpy(batch->body, &id, sizeof(id));
	return batch;
}

static uint32_t id_of(const struct batch *batch)
{
	uint32_t id;

	assert_non_null(batch);
	memcpy(&id, batch->body, sizeof(id));
	return id;
}

static void the_newest_window_goes_first_in_its_order(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(1000, 0, &spool), 0);
	spool_put(spool, batch_of(1, 10, 100));
	spool_put(spool, batch_of(2, 20, 100));
	spool_put(spool, batch_of(3, 20, 100));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), 2);
	spool_done(spool);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), 3);
	spool_return(spool, false);
	assert_null(spool_lend(spool, SPOOL_FRESH));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
	spool_done(spool);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 3);
	spool_done(spool);
	assert_null(spool_lend(spool, SPOOL_OLD));
}

/* Once the newest window is gone, the one before it is old, though nobody tried it yet. */
static void an_older_window_does_not_become_fresh(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(1000, 0, &spool), 0);
	for (uint32_t id = 1; id <= 3; id++)
		spool_put(spool, batch_of(id, id * 10, 100));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), 3);
	spool_done(spool);
	assert_null(spool_lend(spool, SPOOL_FRESH));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
}

static void one_is_lent_at_a_time(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(1000, 0, &spool), 0);
	spool_put(spool, batch_of(1, 10, 100));
	spool_put(spool, batch_of(2, 20, 100));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
	assert_null(spool_lend(spool, SPOOL_OLD));
	assert_null(spool_lend(spool, SPOOL_FRESH));
}

static void the_oldest_leaves_when_it_is_full(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(250, 0, &spool), 0);
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(spool_put(spool, batch_of(id, id * 10, 100)), 0);
	assert_int_equal(spool_totals(spool).batches, 2);
	assert_int_equal(spool_totals(spool).dropped_batches, 2);
	assert_int_equal(spool_totals(spool).dropped_points, 2 + 3);
	assert_int_equal(spool_totals(spool).oldest_stamp_ns, 30);
}

/* The request is under way: its bytes must stay where they are. */
static void the_lent_one_does_not_leave(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	const struct batch *lent;

	(void)state;
	assert_int_equal(spool_new(250, 0, &spool), 0);
	spool_put(spool, batch_of(1, 10, 100));
	spool_put(spool, batch_of(2, 20, 100));
	lent = spool_lend(spool, SPOOL_OLD);
	assert_int_equal(spool_put(spool, batch_of(3, 30, 100)), 0);
	assert_int_equal(id_of(lent), 1);
	assert_int_equal(spool_totals(spool).dropped_points, 3);
	assert_int_equal(spool_put(spool, batch_of(4, 40, 200)), -ENOSPC);
	spool_return(spool, false);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
}

static void what_can_never_fit_drives_nothing_out(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(250, 0, &spool), 0);
	spool_put(spool, batch_of(1, 10, 250));
	assert_int_equal(spool_put(spool, batch_of(2, 20, 251)), -E2BIG);
	assert_int_equal(spool_totals(spool).batches, 1);
	assert_int_equal(spool_totals(spool).dropped_points, 3);
}

/* Telegraf's oldest complaint: one batch that never passes blocks all that follow. */
static void the_memory_of_what_left_last_can_be_taken_once(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct batch *spare;

	(void)state;
	assert_int_equal(spool_new(1000, 0, &spool), 0);
	assert_null(spool_take_spare(spool));
	for (uint32_t id = 1; id <= 3; id++)
		spool_put(spool, batch_of(id, 10, 100));
	for (int i = 0; i < 2; i++) {
		spool_lend(spool, SPOOL_FRESH);
		spool_done(spool);
	}
	spare = spool_take_spare(spool);
	assert_int_equal(id_of(spare), 2);
	free(spare);
	assert_null(spool_take_spare(spool));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), 3);
	spool_put(spool, batch_of(4, 20, 100));
	assert_int_equal(spool_totals(spool).batches, 2);
}

static void a_refused_batch_waits_behind_the_others(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(1000, 0, &spool), 0);
	for (uint32_t id = 1; id <= 3; id++)
		spool_put(spool, batch_of(id, id * 10, 100));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
	spool_return(spool, true);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 2);
	spool_return(spool, false);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 2);
	spool_done(spool);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 3);
	spool_done(spool);
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
}

static void halves_take_the_place_of_the_whole(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(1000, 0, &spool), 0);
	spool_put(spool, batch_of(1, 10, 100));
	spool_put(spool, batch_of(2, 20, 100));
	spool_put(spool, batch_of(3, 20, 100));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), 2);
	spool_split(spool, batch_of(4, 20, 60), batch_of(5, 20, 60));
	assert_int_equal(spool_totals(spool).batches, 4);
	assert_int_equal(spool_totals(spool).windows, 2);
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t order[] = {4, 5, 3};

		assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), order[i]);
		spool_done(spool);
	}
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 1);
	spool_split(spool, batch_of(6, 10, 60), batch_of(7, 10, 60));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_OLD)), 6);
}

static void halves_larger_than_the_whole_keep_the_bound(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_new(210, 0, &spool), 0);
	spool_put(spool, batch_of(1, 10, 100));
	spool_put(spool, batch_of(2, 20, 100));
	assert_int_equal(id_of(spool_lend(spool, SPOOL_FRESH)), 2);
	spool_split(spool, batch_of(3, 20, 60), batch_of(4, 20, 60));
	assert_int_equal(spool_totals(spool).bytes, 120);
	assert_int_equal(spool_totals(spool).dropped_points, 2);
}

/*
 * Random operations against a plain array. After each, the spool and the model agree on what is there, and each
 * point ever put is in the spool, settled, or counted as dropped.
 */
#define MODEL_MAX 64
#define MODEL_BYTES 2000

static struct model {
	struct entry {
		uint32_t id, points, len, refusals;
		int64_t stamp_ns;
		bool fresh, lent;
	} entries[MODEL_MAX + 2];
	size_t n;
	uint64_t put, settled, dropped;
	int64_t newest_stamp_ns;
} m;

static void model_remove(size_t i)
{
	m.n--;
	memmove(&m.entries[i], &m.entries[i + 1], (m.n - i) * sizeof(m.entries[0]));
}

static uint64_t model_bytes(void)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m.n; i++)
		bytes += m.entries[i].len;
	return bytes;
}

static void model_make_room(uint64_t len)
{
	for (size_t i = 0; i < m.n && model_bytes() + len > MODEL_BYTES;) {
		if (m.entries[i].lent) {
			i++;
			continue;
		}
		m.dropped += m.entries[i].points;
		model_remove(i);
	}
}

static void model_insert(size_t at, const struct batch *batch, bool fresh)
{
	assert_in_range(m.n, 0, MODEL_MAX);
	memmove(&m.entries[at + 1], &m.entries[at], (m.n - at) * sizeof(m.entries[0]));
	m.entries[at] = (struct entry){.id = id_of(batch),
	                               .points = batch->points,
	                               .len = batch->len,
	                               .stamp_ns = batch->stamp_ns,
	                               .fresh = fresh};
	m.n++;
}

static void model_put(const struct batch *batch)
{
	m.put += batch->points;
	m.newest_stamp_ns = batch->stamp_ns;
	if (batch->len <= MODEL_BYTES) {
		model_make_room(batch->len);
		if (model_bytes() + batch->len <= MODEL_BYTES) {
			model_insert(m.n, batch, true);
			return;
		}
	}
	m.dropped += batch->points;
}

static struct entry *model_lend(enum spool_cursor cursor)
{
	struct entry *found = NULL;

	for (size_t i = 0; i < m.n; i++) {
		struct entry *e = &m.entries[i];

		if (cursor == SPOOL_OLD && (!found || e->refusals < found->refusals))
			found = e;
		if (cursor == SPOOL_FRESH && !found && e->fresh && e->stamp_ns == m.newest_stamp_ns)
			found = e;
	}
	if (found)
		found->lent = true;
	return found;
}

static size_t model_lent(void)
{
	size_t i = 0;

	while (i < m.n && !m.entries[i].lent)
		i++;
	return i;
}

static void model_split(const struct batch *first, const struct batch *second)
{
	size_t at = model_lent();
	bool fresh = m.entries[at].fresh;

	/* The halves' points need not add up to the whole's here: count as if they were put. */
	m.settled += m.entries[at].points;
	m.put += first->points + second->points;
	model_remove(at);
	model_insert(at, second, fresh);
	model_insert(at, first, fresh);
	model_make_room(0);
}

static void model_agrees(struct spool *spool)
{
	struct spool_totals totals = spool_totals(spool);
	uint64_t points = 0, windows = 0;

	for (size_t i = 0; i < m.n; i++) {
		points += m.entries[i].points;
		windows += !i || m.entries[i].stamp_ns != m.entries[i - 1].stamp_ns;
	}
	assert_int_equal(totals.batches, m.n);
	assert_int_equal(totals.points, points);
	assert_int_equal(totals.bytes, model_bytes());
	assert_true(totals.bytes <= MODEL_BYTES);
	assert_int_equal(totals.windows, windows);
	assert_int_equal(totals.oldest_stamp_ns, m.n ? m.entries[0].stamp_ns : 0);
	assert_int_equal(totals.dropped_points, m.dropped);
	assert_int_equal(m.put, m.settled + totals.points + totals.dropped_points);
}

static uint32_t next_random(void)
{
	static uint32_t x = 20250101;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void settle_at_random(struct spool *spool, uint32_t *id, int64_t now)
{
	size_t lent = model_lent();

	switch (next_random() % 3) {
	case 0:
		m.settled += m.entries[lent].points;
		model_remove(lent);
		spool_done(spool);
		break;
	case 1:;
		bool refused = next_random() % 2;

		m.entries[lent].fresh = false;
		m.entries[lent].lent = false;
		m.entries[lent].refusals += refused;
		spool_return(spool, refused);
		break;
	default:;
		struct batch *first = batch_of((*id)++, now, 40 + next_random() % 200);
		struct batch *second = batch_of((*id)++, now, 40 + next_random() % 200);

		model_split(first, second);
		spool_split(spool, first, second);
	}
}

static void nothing_is_lost_uncounted(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	uint32_t id = 1;
	int64_t now = 1000;

	(void)state;
	assert_int_equal(spool_new(MODEL_BYTES, 0, &spool), 0);
	for (int i = 0; i < 200000; i++) {
		size_t lent = model_lent();

		switch (next_random() % 4) {
		case 0:
		case 1:;
			uint32_t len = next_random() % 50 ? 40 + next_random() % 300
			                                  : 1500 + next_random() % 1000;
			now += next_random() % 3 ? 0 : 10;
			struct batch *batch = batch_of(id++, now, len);

			model_put(batch);
			spool_put(spool, batch);
			break;
		case 2:;
			enum spool_cursor cursor = next_random() % 2 ? SPOOL_FRESH : SPOOL_OLD;
			const struct batch *got = spool_lend(spool, cursor);
			struct entry *want = lent < m.n ? NULL : model_lend(cursor);

			assert_int_equal(got ? id_of(got) : 0, want ? want->id : 0);
			break;
		default:
			if (lent < m.n)
				settle_at_random(spool, &id, m.entries[lent].stamp_ns);
		}
		model_agrees(spool);
	}
	assert_true(m.settled > 10000 && m.dropped > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_window_goes_first_in_its_order),
		cmocka_unit_test(an_older_window_does_not_become_fresh),
		cmocka_unit_test(one_is_lent_at_a_time),
		cmocka_unit_test(the_oldest_leaves_when_it_is_full),
		cmocka_unit_test(the_lent_one_does_not_leave),
		cmocka_unit_test(what_can_never_fit_drives_nothing_out),
		cmocka_unit_test(the_memory_of_what_left_last_can_be_taken_once),
		cmocka_unit_test(a_refused_batch_waits_behind_the_others),
		cmocka_unit_test(halves_take_the_place_of_the_whole),
		cmocka_unit_test(halves_larger_than_the_whole_keep_the_bound),
		cmocka_unit_test(nothing_is_lost_uncounted),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
