/* SPDX-License-Identifier: Apache-2.0 */
#include "spoolfolder.h"
#include "spoollist.h"

#include <errno.h>

#define SEGMENTS 8

struct scene {
	struct folder folder;
	struct spool *spool;
	struct spooldir *dir;
	struct spoollist_segment found[SEGMENTS];
	size_t n;
};

static void do_all(struct scene *s)
{
	struct segment_damage damage = {0};
	struct spool_task task;

	while (spool_next_task(s->spool, &task)) {
		struct spool_outcome outcome = {0};

		spooldir_do(s->dir, &task, &outcome, &damage);
		(void)spool_task_done(s->spool, &outcome);
	}
}

static void scene_make(struct scene *s, uint32_t batches)
{
	*s = (struct scene){0};
	folder_make(&s->folder);
	assert_int_equal(spool_new(1 << 20, 64 << 10, &s->spool), 0);
	assert_int_equal(spooldir_new(s->folder.path, FOLDER_NAME, &s->dir), 0);
	for (uint32_t id = 1; id <= batches; id++) {
		assert_int_equal(spool_put(s->spool, folder_batch(id, id * 10, 1000)), 0);
		spool_save(s->spool);
		do_all(s);
	}
}

static void scene_free(struct scene *s)
{
	spool_free(s->spool);
	spooldir_free(s->dir);
	folder_free(&s->folder);
}

static int keep(void *ctx, const struct spoollist_segment *segment)
{
	struct scene *s = ctx;

	assert_true(s->n < SEGMENTS);
	s->found[s->n++] = *segment;
	return 0;
}

static struct spoollist_segment read_all(struct scene *s)
{
	struct spoollist_segment sum = {0};

	s->n = 0;
	assert_int_equal(spoollist_read(s->folder.spool, keep, s), 0);
	for (size_t i = 0; i < s->n; i++) {
		assert_int_equal(s->found[i].err, 0);
		spoollist_add(&sum, &s->found[i]);
	}
	return sum;
}

static void a_used_folder_is_listed_as_its_user_knows_it(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s, 40);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_null(spool_lend(s.spool, SPOOL_OLD));
		do_all(&s);
		assert_int_equal(folder_id(spool_lend(s.spool, SPOOL_OLD)), id);
		spool_done(s.spool);
		do_all(&s);
	}
	struct spool_totals totals = spool_totals(s.spool);
	struct spoollist_segment sum = read_all(&s);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.found[0].id, 1);
	assert_int_equal(s.found[2].id, 3);
	assert_int_equal(sum.waiting.records, 37);
	assert_int_equal(sum.waiting.points, totals.points);
	assert_int_equal(sum.waiting.windows, totals.windows);
	assert_int_equal(sum.size, totals.file_bytes);
	assert_int_equal(sum.settled, 3);
	assert_int_equal(sum.oldest_stamp_ns, 40);
	assert_int_equal(sum.newest_stamp_ns, 400);
	assert_int_equal(sum.damage.places + sum.torn, 0);
	/* Looking is not using. */
	assert_int_equal(spoollist_user(s.folder.spool), getpid());
	spooldir_free(TAKE_PTR(s.dir));
	assert_int_equal(spoollist_user(s.folder.spool), 0);
}

static void damage(const char *path, void *ctx)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)ctx;
	/* The second record's header, the third one's body, and the end of the last. */
	assert_int_equal(pwrite(fd, "x", 1, (off_t)record_bytes(1000) + 20), 1);
	assert_int_equal(pwrite(fd, "x", 1, 2 * (off_t)record_bytes(1000) + 100), 1);
	assert_int_equal(ftruncate(fd, 6 * (off_t)record_bytes(1000) - 500), 0);
}

static void damage_is_found_and_nothing_is_changed(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s, 6);
	folder_each(&s.folder, damage, NULL);
	for (int i = 0; i < 2; i++) {
		struct spoollist_segment sum = read_all(&s);

		assert_int_equal(sum.waiting.records, 3);
		assert_int_equal(sum.damage.places, 2);
		assert_int_equal(sum.damage.bytes, 2 * record_bytes(1000));
		assert_int_equal(sum.damaged_points, 3 % 7 + 1);
		assert_int_equal(sum.torn, record_bytes(1000) - 500);
	}
}

static int count_folder(void *ctx, const char *name)
{
	assert_string_equal(name, FOLDER_NAME);
	++*(int *)ctx;
	return 0;
}

static void folders_are_those_with_segments(void **state)
{
	CLEANUP(scene_free) struct scene s;
	char empty[100];
	int n = 0;

	(void)state;
	scene_make(&s, 1);
	snprintf(empty, sizeof(empty), "%s/empty", s.folder.path);
	assert_int_equal(mkdir(empty, 0755), 0);
	assert_int_equal(spoollist_folders(s.folder.path, count_folder, &n), 0);
	assert_int_equal(n, 1);
	rmdir(empty);
	assert_int_equal(spoollist_folders("/nonexistent", count_folder, &n), -ENOENT);
	assert_int_equal(spoollist_read("/nonexistent", keep, &s), -ENOENT);
	assert_int_equal(spoollist_user("/nonexistent"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_used_folder_is_listed_as_its_user_knows_it),
		cmocka_unit_test(damage_is_found_and_nothing_is_changed),
		cmocka_unit_test(folders_are_those_with_segments),
	};

	return cmocka_run_group_tests_name("spoollist", tests, NULL, NULL);
}
