/* SPDX-License-Identifier: Apache-2.0 */
/**
 * test_spooldisk.c: a spool with a real folder: what goes in comes out once, or is counted, whatever happens in between.
 *
 * The tests are the thread: they do a task at once, let it fail, or leave it undone for a while.
 */
#include "random.h"
#include "spoolfolder.h"

#include <errno.h>

#define MEMORY 3000
#define DISK (64u << 10)

struct scene {
	struct folder folder;
	struct spool *spool;
	struct spooldir *dir;
	struct segment_damage damage;
	struct spool_task task; /* given, and not done */
	bool has_task;
	int fail; /* 0, or -errno: the next tasks but SPOOL_TASK_OPEN fail with it */
	uint64_t fails;
	uint32_t uncountable; /* a segment */
	size_t done[SPOOL_TASK_DELETE + 1];
};

static bool first_is_unknown;

int __real_fstatat(int dir_fd, const char *path, struct stat *st, int flags);

/* For the library. */
int __wrap_fstatat(int dir_fd, const char *path, struct stat *st, int flags)
{
	if (first_is_unknown && !strcmp(path, "0000000000000001.spool")) {
		errno = EIO;
		return -1;
	}
	return __real_fstatat(dir_fd, path, st, flags);
}

static void start(struct scene *s, uint64_t memory, uint64_t disk)
{
	assert_int_equal(spool_new(memory, disk, &s->spool), 0);
	assert_int_equal(spooldir_new(s->folder.path, FOLDER_NAME, &s->dir), 0);
	s->has_task = false;
}

static void scene_make(struct scene *s)
{
	*s = (struct scene){0};
	first_is_unknown = false;
	folder_make(&s->folder);
	start(s, MEMORY, DISK);
}

/* As SIGKILL does it: nothing more is done. */
static void kill_agent(struct scene *s)
{
	spool_free(s->spool);
	spooldir_free(s->dir);
	s->spool = NULL;
	s->dir = NULL;
}

static void restart(struct scene *s)
{
	kill_agent(s);
	start(s, MEMORY, DISK);
}

static void scene_free(struct scene *s)
{
	kill_agent(s);
	folder_free(&s->folder);
}

static bool take_task(struct scene *s)
{
	if (!s->has_task)
		s->has_task = spool_next_task(s->spool, &s->task);
	return s->has_task;
}

static void do_task(struct scene *s)
{
	struct spool_outcome outcome = {0};

	s->has_task = false;
	s->done[s->task.kind]++;
	if (s->fail && s->task.kind != SPOOL_TASK_OPEN) {
		outcome.err = s->fail;
		s->fails++;
	} else if (s->task.kind == SPOOL_TASK_COUNT && s->task.place.segment == s->uncountable) {
		outcome.err = -EIO;
	} else {
		spooldir_do(s->dir, &s->task, &outcome, &s->damage);
	}
	(void)spool_task_done(s->spool, &outcome);
}

static void do_all(struct scene *s)
{
	for (int i = 0; take_task(s); i++) {
		do_task(s);
		assert_in_range(i, 0, 100000);
	}
}

static void put(struct scene *s, uint32_t id, int64_t stamp_ns, uint32_t len)
{
	assert_int_equal(spool_put(s->spool, folder_batch(id, stamp_ns, len)), 0);
}

static void put_saved(struct scene *s, uint32_t id, int64_t stamp_ns, uint32_t len)
{
	put(s, id, stamp_ns, len);
	spool_save(s->spool);
	do_all(s);
}

/* So many windows of one batch each, from number 1 and stamp 10 on. */
static void put_windows(struct scene *s, uint32_t n, uint32_t len)
{
	for (uint32_t id = 1; id <= n; id++)
		put_saved(s, id, id * 10, len);
}

/* @return its number; 0: none */
static uint32_t lend(struct scene *s, enum spool_cursor cursor)
{
	const struct batch *batch = spool_lend(s->spool, cursor);

	if (!batch && spool_is_reading(s->spool)) {
		do_all(s);
		batch = spool_lend(s->spool, cursor);
	}
	return batch ? folder_id(batch) : 0;
}

static uint32_t send_old(struct scene *s)
{
	uint32_t id = lend(s, SPOOL_OLD);

	if (id)
		spool_done(s->spool);
	return id;
}

static size_t segments(const struct scene *s)
{
	return folder_each(&s->folder, NULL, NULL);
}

static void healthy_spools_write_nothing(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	do_all(&s);
	for (uint32_t id = 1; id <= 100; id++) {
		put(&s, id, id * 10, 500);
		do_all(&s);
		assert_int_equal(lend(&s, SPOOL_FRESH), id);
		spool_done(s.spool);
		do_all(&s);
	}
	assert_int_equal(s.done[SPOOL_TASK_OPEN], 1);
	for (int kind = SPOOL_TASK_OPEN + 1; kind <= SPOOL_TASK_DELETE; kind++)
		assert_int_equal(s.done[kind], 0);
	assert_int_equal(segments(&s), 0);
}

static void what_was_saved_survives_a_kill_in_order(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	for (uint32_t id = 1; id <= 40; id++)
		put_saved(&s, id, id / 2 * 10, 700);
	put(&s, 41, 1000, 700);
	assert_int_equal(spool_totals(s.spool).unsaved_points, 41 % 7 + 1);
	uint64_t points = spool_totals(s.spool).points - (41 % 7 + 1);
	restart(&s);
	do_all(&s);
	assert_int_equal(spool_totals(s.spool).recovered_points, points);
	assert_int_equal(spool_totals(s.spool).points, points);
	assert_int_equal(spool_totals(s.spool).windows, 21);
	assert_int_equal(spool_totals(s.spool).batches, 40);
	assert_true(spool_disk(s.spool).counted);
	assert_int_equal(s.damage.places, 0);
	for (uint32_t id = 1; id <= 40; id++)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 0);
	do_all(&s);
	assert_int_equal(spool_totals(s.spool).points, 0);
	assert_int_equal(segments(&s), 0);
}

static void an_outage_of_any_length_leaves_one_window_in_memory(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	for (uint32_t id = 1; id <= 3000; id++) {
		put_saved(&s, id, id * 10, 300);
		/* The receiver is tried with the newest, and with an old one. */
		assert_int_equal(lend(&s, SPOOL_FRESH), id);
		spool_return(s.spool, false);
		assert_true(lend(&s, SPOOL_OLD) > 0);
		spool_return(s.spool, false);
		struct spool_totals totals = spool_totals(s.spool);
		assert_int_equal(totals.unsaved_points, 0);
		assert_true(totals.file_bytes <= DISK);
		do_all(&s);
	}
	assert_true(spool_totals(s.spool).dropped_batches > 2000);
	assert_in_range(segments(&s), 1, 5);
}

static void fresh_windows_go_before_those_on_disk(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 3, 300);
	put(&s, 4, 40, 300);
	assert_int_equal(lend(&s, SPOOL_FRESH), 4);
	spool_done(s.spool);
	assert_int_equal(lend(&s, SPOOL_FRESH), 0);
	assert_int_equal(send_old(&s), 1);
	put(&s, 5, 50, 300);
	assert_int_equal(lend(&s, SPOOL_FRESH), 5);
	spool_return(s.spool, false);
	for (uint32_t id = 2; id <= 3; id++)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 5);
	assert_int_equal(send_old(&s), 0);
}

/* Marks may be undone by a power cut, and then are sent twice; not so by a kill. */
static void what_was_settled_is_not_sent_again(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 10, 300);
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(send_old(&s), id);
	do_all(&s);
	assert_int_equal(s.done[SPOOL_TASK_MARK], 4);
	/* One window later the marks are durable. */
	size_t syncs = s.done[SPOOL_TASK_SYNC];
	put(&s, 11, 110, 300);
	do_all(&s);
	assert_int_equal(s.done[SPOOL_TASK_SYNC], syncs + 1);
	restart(&s);
	do_all(&s);
	for (uint32_t id = 5; id <= 10; id++)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 0);
}

/* While the thread marks one, the receiver takes another. */
static void each_is_marked_whatever_is_settled_meanwhile(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 4, 300);
	assert_int_equal(send_old(&s), 1);
	do_all(&s);
	/* 4 is in memory still: nothing is read, and the mark of 2 is the next task. */
	assert_int_equal(lend(&s, SPOOL_OLD), 2);
	spool_done(s.spool);
	assert_true(take_task(&s));
	assert_int_equal(s.task.kind, SPOOL_TASK_MARK);
	assert_int_equal(folder_id(spool_lend(s.spool, SPOOL_FRESH)), 4);
	spool_done(s.spool);
	do_task(&s);
	do_all(&s);
	restart(&s);
	do_all(&s);
	assert_int_equal(send_old(&s), 3);
	assert_int_equal(send_old(&s), 0);
}

static void one_sync_for_a_window_of_many_batches(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	do_all(&s);
	for (uint32_t id = 1; id <= 8; id++)
		put(&s, id, 10, 200);
	spool_save(s.spool);
	do_all(&s);
	assert_int_equal(s.done[SPOOL_TASK_WRITE], 8);
	assert_int_equal(s.done[SPOOL_TASK_SYNC], 1);
}

/* Acknowledged while it is being written: nothing may be left behind, and nothing freed under the thread's hands. */
static void a_batch_may_be_settled_while_it_is_written(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	do_all(&s);
	put(&s, 1, 10, 300);
	assert_int_equal(lend(&s, SPOOL_FRESH), 1);
	spool_save(s.spool);
	assert_true(take_task(&s));
	assert_int_equal(s.task.kind, SPOOL_TASK_WRITE);
	spool_done(s.spool);
	assert_int_equal(spool_totals(s.spool).points, 0);
	assert_int_equal(folder_id(s.task.batch), 1);
	do_all(&s);
	assert_int_equal(segments(&s), 0);
	/* The same with a write that fails. */
	put(&s, 2, 20, 300);
	assert_int_equal(lend(&s, SPOOL_FRESH), 2);
	spool_save(s.spool);
	assert_true(take_task(&s));
	spool_done(s.spool);
	s.fail = -EIO;
	do_task(&s);
	assert_int_equal(spool_totals(s.spool).points, 0);
	assert_int_equal(spool_disk(s.spool).state, SPOOL_DISK_FAILED);
}

static void a_full_disk_falls_back_to_memory_and_is_tried_again(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 5, 300);
	s.fail = -ENOSPC;
	for (uint32_t id = 6; id <= 30; id++) {
		put_saved(&s, id, id * 10, 300);
		spool_retry(s.spool);
	}
	do_all(&s);
	assert_int_equal(spool_disk(s.spool).err, -ENOSPC);
	/* The last ten in memory, the first five on disk; what is between is counted. */
	assert_int_equal(spool_totals(s.spool).batches, 5 + MEMORY / 300);
	assert_int_equal(spool_totals(s.spool).dropped_batches, 30 - 5 - MEMORY / 300);
	s.fail = 0;
	spool_retry(s.spool);
	do_all(&s);
	assert_int_equal(spool_disk(s.spool).state, SPOOL_DISK_OPEN);
	assert_int_equal(spool_totals(s.spool).unsaved_points, 0);
	restart(&s);
	do_all(&s);
	for (uint32_t id = 1; id <= 30; id = id == 5 ? 21 : id + 1)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 0);
}

/* What waits in memory is sent meanwhile. */
static void a_disk_that_hangs_holds_up_nothing(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 5, 300);
	put(&s, 6, 60, 300);
	spool_save(s.spool);
	assert_true(take_task(&s));
	assert_int_equal(s.task.kind, SPOOL_TASK_WRITE);
	spool_set_hung(s.spool, true);
	put(&s, 7, 70, 300);
	assert_int_equal(folder_id(spool_lend(s.spool, SPOOL_FRESH)), 7);
	spool_done(s.spool);
	/* 5 was the newest when it was saved, and left memory when 6 came. */
	assert_int_equal(folder_id(spool_lend(s.spool, SPOOL_OLD)), 6);
	spool_return(s.spool, false);
	/* Memory stays bounded, and what the thread has in its hands stays. */
	for (uint32_t id = 8; id <= 50; id++)
		put(&s, id, id * 10, 300);
	assert_true(spool_totals(s.spool).bytes <= MEMORY + 5 * 300);
	assert_int_equal(folder_id(s.task.batch), 6);
	assert_false(take_task(&s) && s.task.kind != SPOOL_TASK_WRITE);
	do_task(&s);
	spool_set_hung(s.spool, false);
	do_all(&s);
	for (uint32_t id = 1; id <= 6; id++)
		assert_int_equal(send_old(&s), id);
}

static void another_agents_folder_is_left_alone(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct scene second;

	(void)state;
	scene_make(&s);
	put_saved(&s, 1, 10, 300);
	second = s;
	start(&second, MEMORY, DISK);
	put_saved(&second, 2, 20, 300);
	assert_int_equal(spool_disk(second.spool).state, SPOOL_DISK_FAILED);
	assert_int_equal(spool_disk(second.spool).err, -EWOULDBLOCK);
	assert_int_equal(spool_totals(second.spool).unsaved_points, 2 % 7 + 1);
	assert_int_equal(segments(&s), 1);
	/* However the first one ended, its lock is gone with it: what it left is the second's. */
	kill_agent(&s);
	spool_retry(second.spool);
	do_all(&second);
	assert_int_equal(send_old(&second), 1);
	assert_int_equal(send_old(&second), 2);
	kill_agent(&second);
}

static void a_folder_that_was_taken_away_is_made_anew(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 5, 300);
	uint64_t gone = spool_totals(s.spool).points - (5 % 7 + 1);
	struct folder gone_with_its_lock = s.folder;
	folder_free(&gone_with_its_lock);
	put_saved(&s, 6, 60, 300);
	assert_int_equal(spool_disk(s.spool).state, SPOOL_DISK_FAILED);
	spool_retry(s.spool);
	do_all(&s);
	assert_int_equal(spool_disk(s.spool).state, SPOOL_DISK_OPEN);
	/* What was in memory, too, is not lost with it. */
	assert_int_equal(spool_totals(s.spool).damaged_points, gone + 5 % 7 + 1);
	assert_int_equal(send_old(&s), 6);
	assert_int_equal(send_old(&s), 0);
}

static void one_that_is_refused_waits_behind_all_others_on_disk(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 6, 300);
	put(&s, 7, 70, 300);
	assert_int_equal(lend(&s, SPOOL_FRESH), 7);
	spool_done(s.spool);
	for (uint32_t pass = 0; pass < 3; pass++) {
		assert_false(spool_has_refused(s.spool, 3));
		for (uint32_t id = 1; id <= 6; id++) {
			assert_int_equal(lend(&s, SPOOL_OLD), id);
			spool_return(s.spool, true);
		}
	}
	assert_int_equal(lend(&s, SPOOL_OLD), 1);
	assert_true(spool_has_refused(s.spool, 3));
	spool_done(s.spool);
	for (uint32_t id = 2; id <= 6; id++)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 0);
	do_all(&s);
	assert_false(spool_has_refused(s.spool, 1));
}

static void do_next(struct scene *s, enum spool_task_kind kind)
{
	assert_true(take_task(s));
	assert_int_equal(s->task.kind, kind);
	do_task(s);
}

static void split(struct scene *s, uint32_t len)
{
	assert_int_equal(lend(s, SPOOL_OLD), 1);
	spool_split(s->spool, folder_batch(3, 10, len / 2), folder_batch(4, 10, len / 2));
}

static void halves_are_safe_before_the_whole_is_marked(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_saved(&s, 1, 10, 600);
	put_saved(&s, 2, 20, 600);
	split(&s, 600);
	do_next(&s, SPOOL_TASK_WRITE);
	do_next(&s, SPOOL_TASK_WRITE);
	do_next(&s, SPOOL_TASK_SYNC);
	do_next(&s, SPOOL_TASK_MARK);
	do_all(&s);
	/* They go at the whole's place. */
	assert_int_equal(send_old(&s), 3);
	do_all(&s);
	restart(&s);
	do_all(&s);
	assert_int_equal(send_old(&s), 2);
	assert_int_equal(send_old(&s), 4);
	assert_int_equal(send_old(&s), 0);
}

/* All that stood in its segment, to which nothing more is written. */
static void halves_are_safe_before_the_segment_of_the_whole_goes(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_saved(&s, 1, 10, 16000);
	split(&s, 16000);
	do_next(&s, SPOOL_TASK_WRITE);
	do_next(&s, SPOOL_TASK_WRITE);
	do_next(&s, SPOOL_TASK_SYNC);
	do_next(&s, SPOOL_TASK_DELETE);
	assert_false(take_task(&s));
	assert_int_equal(s.done[SPOOL_TASK_MARK], 0);
}

/* What is found after a kill, as bits. */
static unsigned found(struct scene *s)
{
	unsigned ids = 0;
	uint32_t id;

	restart(s);
	s->fail = 0;
	do_all(s);
	while ((id = send_old(s)))
		ids |= 1u << id;
	return ids;
}

static void a_kill_or_a_failure_at_any_step_of_a_split_loses_nothing(void **state)
{
	static const uint32_t lens[] = {600, 16000};

	(void)state;
	for (int i = 0; i < 2 * 8; i++) {
		CLEANUP(scene_free) struct scene s;
		uint32_t len = lens[i % 2];

		scene_make(&s);
		put_saved(&s, 1, 10, len);
		/* One that an earlier agent left; and memory for both halves. */
		kill_agent(&s);
		start(&s, DISK, DISK);
		do_all(&s);
		split(&s, len);
		for (int step = 0; step < i / 2 && take_task(&s); step++)
			do_task(&s);
		s.fail = i / 2 % 2 ? -EIO : -ENOSPC;
		if (take_task(&s))
			do_task(&s);
		unsigned ids = found(&s);
		assert_true(ids & 1u << 1 || (ids & 1u << 3 && ids & 1u << 4));
	}
}

/* batch_max_bytes may be larger than what is kept in memory beside a disk. */
static void halves_larger_than_memory_go_to_disk(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_saved(&s, 1, 10, 16000);
	restart(&s);
	do_all(&s);
	split(&s, 16000);
	do_all(&s);
	put_saved(&s, 2, 20, 300);
	assert_int_equal(spool_totals(s.spool).dropped_points, 0);
	assert_true(spool_totals(s.spool).bytes == 16300);
	assert_int_equal(found(&s), 1u << 2 | 1u << 3 | 1u << 4);
}

/* On a disk without room for them the whole makes it. */
static void a_full_disk_gets_room_from_what_is_settled(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_saved(&s, 1, 10, 16000);
	split(&s, 16000);
	s.fail = -ENOSPC;
	do_next(&s, SPOOL_TASK_WRITE);
	assert_false(take_task(&s));
	s.fail = 0;
	spool_retry(s.spool);
	do_next(&s, SPOOL_TASK_OPEN);
	do_next(&s, SPOOL_TASK_DELETE);
	do_next(&s, SPOOL_TASK_WRITE);
	do_all(&s);
	assert_int_equal(found(&s), 1u << 3 | 1u << 4);
}

/* The bound is met, and one segment of it is settled: that one goes, and nothing that waits. */
static void what_is_settled_leaves_before_what_waits(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 4, 16000);
	assert_int_equal(lend(&s, SPOOL_FRESH), 4);
	spool_done(s.spool);
	put_saved(&s, 5, 50, 16000);
	assert_int_equal(spool_totals(s.spool).dropped_points, 0);
	assert_int_equal(found(&s), 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5);
}

/* A bad sector under one header, or a file that is not the agent's to open. */
static void a_segment_that_cannot_be_counted_holds_up_no_other(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 4, 15000);
	restart(&s);
	s.uncountable = 2;
	do_all(&s);
	assert_true(spool_disk(s.spool).skips && spool_disk(s.spool).counted);
	assert_int_equal(spool_totals(s.spool).batches, 3);
	assert_int_equal(send_old(&s), 1);
	/* Each time it is tried again, and what was counted goes on. */
	spool_retry(s.spool);
	size_t counts = s.done[SPOOL_TASK_COUNT];
	do_all(&s);
	assert_int_equal(s.done[SPOOL_TASK_COUNT], counts + 1);
	assert_int_equal(send_old(&s), 3);
	assert_int_equal(send_old(&s), 4);
	assert_int_equal(send_old(&s), 0);
	s.uncountable = 0;
	do_all(&s);
	assert_int_equal(send_old(&s), 0);
	spool_retry(s.spool);
	do_all(&s);
	assert_false(spool_disk(s.spool).skips);
	assert_int_equal(send_old(&s), 2);
	do_all(&s);
	assert_int_equal(segments(&s), 0);
}

/* Opened anew, the folder has a file of which the disk tells nothing. */
static void a_segment_that_is_not_known_to_be_gone_is_kept(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 3, 600);
	s.fail = -EIO;
	put_saved(&s, 4, 40, 600);
	s.fail = 0;
	first_is_unknown = true;
	spool_retry(s.spool);
	do_all(&s);
	assert_int_equal(spool_disk(s.spool).state, SPOOL_DISK_FAILED);
	assert_int_equal(spool_disk(s.spool).err, -EIO);
	assert_int_equal(spool_totals(s.spool).damaged_points, 0);
	first_is_unknown = false;
	spool_retry(s.spool);
	do_all(&s);
	assert_int_equal(found(&s), 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
}

static void where_the_bound_is_met_it_leaves_as_any_other(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 4, 15000);
	restart(&s);
	s.uncountable = 1;
	do_all(&s);
	put_saved(&s, 5, 50, 15000);
	assert_false(spool_disk(s.spool).skips);
	assert_int_equal(found(&s), 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5);
}

static void the_oldest_on_disk_leaves_for_the_newest(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	uint64_t points = 0;
	for (uint32_t id = 1; id <= 200; id++) {
		put_saved(&s, id, id * 10, 1000);
		points += id % 7 + 1;
	}
	struct spool_totals totals = spool_totals(s.spool);
	assert_int_equal(totals.points + totals.dropped_points, points);
	/* A quarter of the bound is the smallest segment, and leaves as a whole. */
	assert_in_range(totals.batches, DISK / 1056 * 3 / 4 - 2, DISK / 1056);
	restart(&s);
	do_all(&s);
	for (uint32_t id = (uint32_t)(201 - totals.batches); id <= 200; id++)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 0);
}

static void a_smaller_bound_is_kept_from_the_start_on(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_windows(&s, 60, 1000);
	uint64_t points = spool_totals(s.spool).points;
	kill_agent(&s);
	start(&s, MEMORY, DISK / 2);
	do_all(&s);
	struct spool_totals totals = spool_totals(s.spool);
	assert_true(totals.file_bytes <= DISK / 2);
	assert_int_equal(totals.recovered_points, points);
	assert_int_equal(totals.points + totals.dropped_points, points);
	assert_true(send_old(&s) > 30);
}

/* One window of a host with very many disks. */
static void the_newest_window_may_be_larger_than_what_is_kept_in_memory(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	do_all(&s);
	for (uint32_t id = 1; id <= 10; id++)
		put(&s, id, 10, 1000);
	assert_int_equal(spool_totals(s.spool).dropped_points, 0);
	for (uint32_t id = 1; id <= 10; id++) {
		assert_int_equal(lend(&s, SPOOL_FRESH), id);
		spool_done(s.spool);
	}
}

/* On disk it is not: what fits there is written once, and the rest waits in memory. */
static void of_a_window_larger_than_the_files_a_part_is_on_disk(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t points = 0;

	(void)state;
	scene_make(&s);
	for (uint32_t id = 1; id <= 600; id++) {
		put(&s, id, 10, 100);
		points += id % 7 + 1;
	}
	spool_save(s.spool);
	do_all(&s);
	struct spool_totals totals = spool_totals(s.spool);
	assert_int_equal(totals.points, points);
	assert_in_range(totals.file_bytes, DISK - record_bytes(100), DISK);
	assert_true(totals.unsaved_points > points / 4);
	assert_int_equal(s.done[SPOOL_TASK_DELETE], 0);
	assert_true(spool_disk(s.spool).settled);
	for (uint32_t id = 1; id <= 600; id++) {
		assert_int_equal(lend(&s, SPOOL_FRESH), id);
		spool_done(s.spool);
	}
	do_all(&s);
	assert_int_equal(segments(&s), 0);
}

/* With one of before that is being sent: of the window as much as fits. */
static void so_it_is_beside_one_that_is_lent(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	put_saved(&s, 1000, 5, 20000);
	put_saved(&s, 1001, 6, 20000);
	kill_agent(&s);
	start(&s, DISK, DISK);
	do_all(&s);
	assert_int_equal(lend(&s, SPOOL_OLD), 1000);
	for (uint32_t id = 1; id <= 400; id++)
		put(&s, id, 10, 100);
	spool_save(s.spool);
	do_all(&s);
	assert_in_range(spool_totals(s.spool).file_bytes, DISK - record_bytes(100), DISK);
	assert_int_equal(spool_totals(s.spool).dropped_points, 1001 % 7 + 1);
	spool_done(s.spool);
	spool_save(s.spool);
	do_all(&s);
	for (uint32_t id = 1; id <= 400; id++)
		assert_int_equal(send_old(&s), id);
	assert_int_equal(send_old(&s), 0);
}

/* ---- what is found */

static size_t only_segment(const struct scene *s, char path[120], uint8_t *bytes, size_t size)
{
	snprintf(path, 120, "%s/0000000000000001.spool", s->folder.spool);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, bytes, size);

	assert_in_range(len, 1, size - 1);
	return (size_t)len;
}

static void write_segment(const char *path, const uint8_t *bytes, size_t len)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

/* Put there while the agent runs, as from a backup; under the name that is the agent's next. */
static void a_file_that_comes_from_elsewhere_is_kept_and_sent(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint8_t bytes[4096];
	char path[120];

	(void)state;
	scene_make(&s);
	put_saved(&s, 1, 10, 600);
	size_t len = only_segment(&s, path, bytes, sizeof(bytes));
	assert_int_equal(unlink(path), 0);
	restart(&s);
	do_all(&s);
	write_segment(path, bytes, len);
	put_saved(&s, 2, 20, 600);
	assert_int_equal(spool_disk(s.spool).err, -EEXIST);
	spool_retry(s.spool);
	do_all(&s);
	assert_int_equal(spool_disk(s.spool).state, SPOOL_DISK_OPEN);
	assert_int_equal(spool_totals(s.spool).recovered_points, 1 % 7 + 1);
	assert_int_equal(found(&s), 1u << 1 | 1u << 2);
}

/* @return how many come, in their order */
static uint32_t drain_in_order(struct scene *s)
{
	uint32_t n = 0, last = 0, id;

	while ((id = send_old(s))) {
		assert_true(id > last);
		last = id;
		n++;
	}
	do_all(s);
	assert_int_equal(segments(s), 0);
	return n;
}

/* A kill in the middle of a write, at every byte of it: what was there is there, and the next window follows it. */
static void a_write_that_was_cut_short_costs_itself_only(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint8_t bytes[4096];
	char path[120];

	(void)state;
	scene_make(&s);
	put_windows(&s, 4, 40);
	size_t len = only_segment(&s, path, bytes, sizeof(bytes));
	for (size_t cut = 0; cut < record_bytes(40); cut++) {
		restart(&s);
		write_segment(path, bytes, len - record_bytes(40) + cut);
		do_all(&s);
		assert_int_equal(spool_totals(s.spool).batches, 3);
		put_saved(&s, 5, 50, 40);
		restart(&s);
		s.damage = (struct segment_damage){0};
		do_all(&s);
		assert_int_equal(spool_totals(s.spool).batches, 4);
		assert_int_equal(drain_in_order(&s), 4);
		assert_int_equal(s.damage.places, 0);
	}
}

/* Nothing is refused: what a flipped byte costs is one batch at most, and that is counted. */
static void with_any_byte_flipped_all_others_are_sent_and_the_sums_are_right(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint8_t bytes[4096];
	char path[120];

	(void)state;
	scene_make(&s);
	put_windows(&s, 4, 30);
	size_t len = only_segment(&s, path, bytes, sizeof(bytes));
	for (size_t at = 0; at < len; at++) {
		restart(&s);
		bytes[at] ^= 0xff;
		write_segment(path, bytes, len);
		bytes[at] ^= 0xff;
		do_all(&s);
		struct spool_totals before = spool_totals(s.spool);
		assert_int_equal(before.recovered_points, before.points);
		uint32_t n = drain_in_order(&s);
		struct spool_totals after = spool_totals(s.spool);
		assert_int_equal(after.points, 0);
		assert_int_equal(n + (after.damaged_points > 0) + (before.batches < 4), 4);
	}
}

/* ---- everything at random */

#define IDS 20000
/* For more than the same run each time: SEED=1 build/tests/unit/test_spooldisk */
#define SEED (getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 0)

static struct {
	uint8_t put[IDS + 2], delivered[IDS + 2]; /* a step may put two */
	uint8_t now_delivered[IDS + 2];           /* in this life */
	uint8_t marked[IDS + 2];                  /* on disk: never again */
	uint64_t put_points, delivered_points; /* in this life; and those sent twice count twice */
	uint64_t lost; /* lines, ever: dropped, damaged, or in memory only when killed */
	uint64_t twice, may_be_twice;
	uint32_t next;
	int64_t now;
} m;

static void check_sums(struct scene *s)
{
	struct spool_totals t = spool_totals(s->spool);

	assert_int_equal(m.put_points + t.recovered_points,
	                 m.delivered_points + t.points + t.dropped_points + t.damaged_points);
	assert_true(t.file_bytes <= DISK);
}

static void deliver(struct scene *s, const struct batch *batch)
{
	uint32_t id = folder_id(batch);

	assert_true(id < m.next && m.put[id] && !m.marked[id]);
	m.twice += m.delivered[id];
	m.delivered[id] = m.now_delivered[id] = 1;
	m.delivered_points += batch->points;
	spool_done(s->spool);
}

static void put_at_random(struct scene *s, uint64_t *random)
{
	uint32_t id = m.next++;
	uint32_t len = 4 + (uint32_t)random_below(random, random_once_in(random, 40) ? 9000 : 600);

	m.now += random_once_in(random, 2) ? 10 : 0;
	m.put[id] = 1;
	m.put_points += id % 7 + 1;
	(void)spool_put(s->spool, folder_batch(id, m.now, len));
	if (random_once_in(random, 2))
		spool_save(s->spool);
}

static void split_at_random(struct scene *s, const struct batch *batch, uint64_t *random)
{
	int64_t stamp_ns = batch->stamp_ns;

	/* Counted as if the whole were delivered, and the halves put. */
	m.delivered[folder_id(batch)] = m.now_delivered[folder_id(batch)] = 1;
	m.delivered_points += batch->points;
	uint32_t first = m.next++, second = m.next++;
	m.put[first] = m.put[second] = 1;
	m.put_points += first % 7 + 1 + second % 7 + 1;
	spool_split(s->spool,
	            folder_batch(first, stamp_ns, 4 + (uint32_t)random_below(random, 300)),
	            folder_batch(second, stamp_ns, 4 + (uint32_t)random_below(random, 300)));
}

static void push_at_random(struct scene *s, uint64_t *random)
{
	const struct batch *batch =
		spool_lend(s->spool, random_once_in(random, 2) ? SPOOL_FRESH : SPOOL_OLD);

	if (!batch)
		return;
	/* The disk goes on while a request is under way. */
	if (random_once_in(random, 2) && take_task(s))
		do_task(s);
	switch (random_below(random, 8)) {
	case 0:
		spool_return(s->spool, true);
		break;
	case 1:
	case 2:
		spool_return(s->spool, false);
		break;
	case 3:
		split_at_random(s, batch, random);
		break;
	default:
		deliver(s, batch);
	}
}

/* @param clean  all that can be written is, before */
static void kill_at_random(struct scene *s, bool clean)
{
	if (clean) {
		s->fail = 0;
		if (s->has_task)
			do_task(s);
		spool_retry(s->spool);
		spool_save(s->spool);
		do_all(s);
		assert_true(spool_disk(s->spool).settled);
		for (uint32_t id = 0; id < m.next; id++)
			m.marked[id] |= m.now_delivered[id];
	} else {
		/* Settled and not marked: at most what one segment's deletion stands for. */
		m.may_be_twice += 200;
	}
	struct spool_totals t = spool_totals(s->spool);
	m.lost += t.dropped_points + t.damaged_points + t.unsaved_points;
	m.put_points = m.delivered_points = 0;
	memset(m.now_delivered, 0, sizeof(m.now_delivered));
	restart(s);
	s->fail = 0;
	do_all(s);
}

static uint64_t undelivered(void)
{
	uint64_t points = 0;

	for (uint32_t id = 0; id < m.next; id++)
		points += m.put[id] && !m.delivered[id] ? id % 7 + 1 : 0;
	return points;
}

static void drain(struct scene *s)
{
	s->fail = 0;
	if (s->has_task)
		do_task(s);
	spool_set_hung(s->spool, false);
	spool_retry(s->spool);
	do_all(s);
	for (;;) {
		const struct batch *batch = spool_lend(s->spool, SPOOL_OLD);

		if (!batch && !spool_is_reading(s->spool))
			break;
		if (batch)
			deliver(s, batch);
		do_all(s);
	}
	assert_int_equal(spool_totals(s->spool).points, 0);
}

static void step_at_random(struct scene *s, uint64_t *random)
{
	switch (random_below(random, 10)) {
	case 0:
	case 1:
	case 2:
		put_at_random(s, random);
		break;
	case 3:
	case 4:
	case 5:
		push_at_random(s, random);
		break;
	default:
		/* Or the thread works on it while all else goes on. */
		if (take_task(s) && !random_once_in(random, 3))
			do_task(s);
	}
	if (random_once_in(random, 300)) {
		static const int errors[] = {0, -ENOSPC, 0, -EIO, 0, -EROFS};

		s->fail = errors[random_below(random, ARRAY_SIZE(errors))];
	}
	if (random_once_in(random, 30))
		spool_retry(s->spool);
	if (random_once_in(random, 200))
		spool_set_hung(s->spool, random_once_in(random, 2));
	check_sums(s);
}

/* Without a kill each batch comes out exactly once, or is counted. */
static void what_goes_in_comes_out_once_or_is_counted(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t random = 1 + SEED;

	(void)state;
	scene_make(&s);
	memset(&m, 0, sizeof(m));
	m.now = 1000;
	while (m.next < IDS)
		step_at_random(&s, &random);
	drain(&s);
	check_sums(&s);
	struct spool_totals t = spool_totals(s.spool);
	assert_int_equal(m.twice, 0);
	assert_int_equal(undelivered(), t.dropped_points + t.damaged_points);
	assert_int_equal(t.damaged_points, 0);
	assert_int_equal(s.damage.places, 0);
	assert_int_equal(segments(&s), 0);
	assert_true(t.dropped_points > 1000 && s.fails > 100);
	for (int kind = 0; kind <= SPOOL_TASK_DELETE; kind++)
		assert_true(s.done[kind] > 3 || kind == SPOOL_TASK_COUNT);
}

/* With kills, what was saved comes out at least once; what was settled since the last task may come out again. */
static void through_kills_nothing_saved_is_lost(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t random = 2 + SEED, kills = 0;

	(void)state;
	scene_make(&s);
	memset(&m, 0, sizeof(m));
	m.now = 1000;
	while (m.next < IDS) {
		step_at_random(&s, &random);
		if (!random_once_in(&random, 400))
			continue;
		kill_at_random(&s, random_once_in(&random, 2));
		check_sums(&s);
		kills++;
	}
	drain(&s);
	check_sums(&s);
	struct spool_totals t = spool_totals(s.spool);
	m.lost += t.dropped_points + t.damaged_points;
	assert_true(kills > 30);
	/* A write that a kill fell into may yet be there; what came back settled may be dropped. */
	assert_true(undelivered() <= m.lost);
	assert_true(m.lost - undelivered() <= 7 * (kills + m.may_be_twice));
	assert_true(m.twice <= m.may_be_twice);
	assert_int_equal(segments(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy_spools_write_nothing),
		cmocka_unit_test(what_was_saved_survives_a_kill_in_order),
		cmocka_unit_test(an_outage_of_any_length_leaves_one_window_in_memory),
		cmocka_unit_test(fresh_windows_go_before_those_on_disk),
		cmocka_unit_test(what_was_settled_is_not_sent_again),
		cmocka_unit_test(each_is_marked_whatever_is_settled_meanwhile),
		cmocka_unit_test(one_sync_for_a_window_of_many_batches),
		cmocka_unit_test(a_batch_may_be_settled_while_it_is_written),
		cmocka_unit_test(a_full_disk_falls_back_to_memory_and_is_tried_again),
		cmocka_unit_test(a_disk_that_hangs_holds_up_nothing),
		cmocka_unit_test(another_agents_folder_is_left_alone),
		cmocka_unit_test(a_folder_that_was_taken_away_is_made_anew),
		cmocka_unit_test(one_that_is_refused_waits_behind_all_others_on_disk),
		cmocka_unit_test(halves_are_safe_before_the_whole_is_marked),
		cmocka_unit_test(halves_are_safe_before_the_segment_of_the_whole_goes),
		cmocka_unit_test(a_kill_or_a_failure_at_any_step_of_a_split_loses_nothing),
		cmocka_unit_test(halves_larger_than_memory_go_to_disk),
		cmocka_unit_test(a_full_disk_gets_room_from_what_is_settled),
		cmocka_unit_test(what_is_settled_leaves_before_what_waits),
		cmocka_unit_test(a_segment_that_cannot_be_counted_holds_up_no_other),
		cmocka_unit_test(a_segment_that_is_not_known_to_be_gone_is_kept),
		cmocka_unit_test(where_the_bound_is_met_it_leaves_as_any_other),
		cmocka_unit_test(the_oldest_on_disk_leaves_for_the_newest),
		cmocka_unit_test(a_smaller_bound_is_kept_from_the_start_on),
		cmocka_unit_test(the_newest_window_may_be_larger_than_what_is_kept_in_memory),
		cmocka_unit_test(of_a_window_larger_than_the_files_a_part_is_on_disk),
		cmocka_unit_test(so_it_is_beside_one_that_is_lent),
		cmocka_unit_test(a_write_that_was_cut_short_costs_itself_only),
		cmocka_unit_test(a_file_that_comes_from_elsewhere_is_kept_and_sent),
		cmocka_unit_test(with_any_byte_flipped_all_others_are_sent_and_the_sums_are_right),
		cmocka_unit_test(what_goes_in_comes_out_once_or_is_counted),
		cmocka_unit_test(through_kills_nothing_saved_is_lost),
	};

	return cmocka_run_group_tests_name("spooldisk", tests, NULL, NULL);
}
