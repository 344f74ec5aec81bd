/* SPDX-License-Identifier: Apache-2.0 */
#include "disks.h"

#include "text.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DEV(major, minor) ((uint32_t)(major) << 20 | (minor))
#define PATH_MAX_HERE 256

/* A made-up /sys/block, a folder of its own for each test. */
static int make_folder(void **state)
{
	char *folder = strdup("/tmp/test_disks.XXXXXX");

	*state = folder;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int remove_folder(void **state)
{
	nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void make_dir(const char *parent, const char *name)
{
	CLEANUP(text_free) struct text path = {0};

	text_printf(&path, "%s/%s", parent, name);
	assert_int_equal(mkdir(text_cstr(&path), 0700), 0);
}

static void make_file(const char *folder, const char *disk, const char *name, const char *text)
{
	char path[PATH_MAX_HERE];

	snprintf(path, sizeof(path), "%s/%s/%s", folder, disk, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void move(const char *folder, const char *from, const char *to)
{
	char old[PATH_MAX_HERE], new[PATH_MAX_HERE];

	snprintf(old, sizeof(old), "%s/%s", folder, from);
	snprintf(new, sizeof(new), "%s/%s", folder, to);
	assert_int_equal(rename(old, new), 0);
}

static void add(const char *folder, const char *disk, const char *dev)
{
	char slaves[PATH_MAX_HERE];

	make_dir(folder, disk);
	make_file(folder, disk, "dev", dev);
	snprintf(slaves, sizeof(slaves), "%s/slaves", disk);
	make_dir(folder, slaves);
}

/* The next table takes the place of the last. */
static int scan(struct disks *disks, const char *sys_block)
{
	struct disks next;
	int err = disks_scan(disks, sys_block, &next);

	if (err)
		return err;
	disks_free(disks);
	*disks = next;
	return 0;
}

static void disks_are_found_by_number(void **state)
{
	struct disks disks = {0};

	add(*state, "sdb", "8:16\n");
	add(*state, "sda", "8:0\n");
	add(*state, "nvme0n1", "259:1048575\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks.n, 3);
	assert_int_equal(disks.omitted, 0);
	assert_string_equal(disks_find(&disks, DEV(8, 0))->name, "sda");
	assert_string_equal(disks_find(&disks, DEV(8, 16))->name, "sdb");
	assert_string_equal(disks_find(&disks, DEV(259, 1048575))->name, "nvme0n1");
	assert_null(disks_find(&disks, DEV(8, 1)));
	disks_free(&disks);
	assert_null(disks_find(&disks, DEV(8, 0)));
}

static void what_has_slaves_is_a_stack(void **state)
{
	struct disks disks = {0};

	add(*state, "sda", "8:0\n");
	add(*state, "dm-0", "253:0\n");
	make_dir(*state, "dm-0/slaves/sda");
	make_dir(*state, "zram0");
	make_file(*state, "zram0", "dev", "252:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_true(disks_find(&disks, DEV(253, 0))->stack);
	assert_false(disks_find(&disks, DEV(8, 0))->stack);
	assert_false(disks_find(&disks, DEV(252, 0))->stack);
	disks_free(&disks);
}

static void a_stack_that_gave_its_slaves_back_is_one_until_it_goes(void **state)
{
	struct disks disks = {0};

	add(*state, "dm-0", "253:0\n");
	make_dir(*state, "dm-0/slaves/sda");
	assert_int_equal(scan(&disks, *state), 0);
	move(*state, "dm-0/slaves/sda", "dm-0/gave");
	assert_int_equal(scan(&disks, *state), 0);
	assert_true(disks_find(&disks, DEV(253, 0))->stack);
	move(*state, "dm-0/dev", "dm-0/gone");
	assert_int_equal(scan(&disks, *state), 0);
	assert_true(disks_find(&disks, DEV(253, 0))->stack);
	move(*state, "dm-0/gone", "dm-0/dev");
	assert_int_equal(scan(&disks, *state), 0);
	assert_false(disks_find(&disks, DEV(253, 0))->stack);
	disks_free(&disks);
}

static void what_is_no_disk_is_passed_over(void **state)
{
	struct disks disks = {0};

	make_dir(*state, "hidden"); /* no number */
	make_dir(*state, "empty");
	make_file(*state, "empty", "dev", "");
	make_dir(*state, "words");
	make_file(*state, "words", "dev", "eight:zero\n");
	make_dir(*state, "large");
	make_file(*state, "large", "dev", "4096:0\n");
	make_dir(*state, "a_name_of_more_than_thirty_one_bytes");
	make_file(*state, "a_name_of_more_than_thirty_one_bytes", "dev", "1:2\n");
	make_file(*state, ".", "a_file", "8:0\n");
	add(*state, "sda", "8:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks.n, 1);
	disks_free(&disks);
}

static void an_exclamation_mark_stands_for_a_slash(void **state)
{
	struct disks disks = {0};

	add(*state, "cciss!c0d0", "104:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_string_equal(disks_find(&disks, DEV(104, 0))->name, "cciss/c0d0");
	disks_free(&disks);
}

/* The cut after a removal still tells its last counts, under its name and layer. */
static void a_new_scan_marks_what_is_gone(void **state)
{
	struct disks disks = {0};

	add(*state, "sda", "8:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	move(*state, "sda", "sdz");
	make_file(*state, "sdz", "dev", "65:144\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks.n, 2);
	assert_string_equal(disks_find(&disks, DEV(8, 0))->name, "sda");
	assert_true(disks_find(&disks, DEV(8, 0))->gone);
	assert_string_equal(disks_find(&disks, DEV(65, 144))->name, "sdz");
	assert_false(disks_find(&disks, DEV(65, 144))->gone);

	/* Who takes over the number takes over the entry. */
	add(*state, "sdb", "8:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks.n, 2);
	assert_string_equal(disks_find(&disks, DEV(8, 0))->name, "sdb");
	assert_false(disks_find(&disks, DEV(8, 0))->gone);
	disks_free(&disks);
}

static void a_disk_ends_when_it_goes_or_when_its_number_is_anothers(void **state)
{
	struct disks before = {0}, after = {0};

	add(*state, "nvme0n1", "259:0\n");
	add(*state, "nvme1n1", "259:1\n");
	add(*state, "dm-0", "253:0\n");
	assert_int_equal(disks_scan(&before, *state, &after), 0);
	assert_false(disks_any_ends(&before, &after));
	disks_free(&before);
	before = after;

	/* The first is pulled, and another gets its number; dm-0 stands on a disk now, and is the same. */
	move(*state, "nvme0n1", "nvme2n1");
	make_dir(*state, "dm-0/slaves/nvme1n1");
	assert_int_equal(disks_scan(&before, *state, &after), 0);
	assert_true(disks_any_ends(&before, &after));
	assert_true(disks_ends(&before, &after, DEV(259, 0)));
	assert_false(disks_ends(&before, &after, DEV(259, 1)));
	assert_false(disks_ends(&before, &after, DEV(253, 0)));
	assert_false(disks_ends(&before, &after, DEV(8, 0)));
	disks_free(&before);
	before = after;

	/* It ends once. */
	move(*state, "nvme1n1", ".gone");
	assert_int_equal(disks_scan(&before, *state, &after), 0);
	assert_true(disks_ends(&before, &after, DEV(259, 1)));
	disks_free(&before);
	before = after;
	assert_int_equal(disks_scan(&before, *state, &after), 0);
	assert_false(disks_any_ends(&before, &after));
	disks_free(&before);
	disks_free(&after);
}

static void a_disk_that_nobody_saw_has_its_name_and_is_gone(void **state)
{
	struct disks disks = {0};

	add(*state, "sda", "8:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks_add_gone(&disks, DEV(7, 9), "loop9"), 1);
	assert_int_equal(disks_add_gone(&disks, DEV(7, 9), "loop9"), 0);
	assert_string_equal(disks_find(&disks, DEV(7, 9))->name, "loop9");
	assert_true(disks_find(&disks, DEV(7, 9))->gone);
	/* One that is there keeps its number; of those that are gone the later one has it. */
	assert_int_equal(disks_add_gone(&disks, DEV(8, 0), "sdz"), 0);
	assert_string_equal(disks_find(&disks, DEV(8, 0))->name, "sda");
	assert_int_equal(disks_add_gone(&disks, DEV(7, 9), "other"), 1);
	assert_string_equal(disks_find(&disks, DEV(7, 9))->name, "other");
	assert_int_equal(disks.n, 2);
	disks_free(&disks);
}

static void a_failed_scan_leaves_the_table(void **state)
{
	struct disks disks = {0};

	add(*state, "sda", "8:0\n");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(scan(&disks, "/nonexistent"), -ENOENT);
	assert_non_null(disks_find(&disks, DEV(8, 0)));
	disks_free(&disks);
}

static void a_table_grows_and_stays_sorted(void **state)
{
	struct disks disks = {0};

	for (int i = 299; i >= 0; i--) {
		char name[16], dev[16];

		snprintf(name, sizeof(name), "loop%d", i);
		snprintf(dev, sizeof(dev), "7:%d\n", i);
		make_dir(*state, name);
		make_file(*state, name, "dev", dev);
	}
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks.n, 300);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(disks_find(&disks, DEV(7, i))->dev, DEV(7, i));
	disks_free(&disks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

/* Linux hides the paths of an NVMe disk: they are in sysfs without a number, and what goes through them is the disk's. */
static void paths_of_an_nvme_disk_have_its_name(void **state)
{
	const uint32_t paths = DISKS_NVME_PATHS | 1u << 20 | 2;
	struct disks disks = {0};
	size_t seen = 0;

	add(*state, "nvme1n2", "259:0\n");
	make_dir(*state, "nvme1c0n2");
	make_dir(*state, "nvme1c17n2");
	/* No path: a partition's name, no number at its end, an instance beyond what a probe can say. */
	make_dir(*state, "nvme1c0n3p1");
	make_dir(*state, "nvme1c0n");
	make_dir(*state, "nvme2048c0n1");
	assert_int_equal(scan(&disks, *state), 0);
	assert_int_equal(disks.n, 2);
	assert_string_equal(disks_find(&disks, DEV(259, 0))->name, "nvme1n2");
	assert_string_equal(disks_find(&disks, paths)->name, "nvme1n2");
	assert_false(disks_find(&disks, paths)->stack);

	/* A path that comes back stands there once. */
	assert_int_equal(scan(&disks, *state), 0);
	for (size_t i = 0; i < disks.n; i++)
		seen += disks.disks[i].dev == paths;
	assert_int_equal(seen, 1);
	disks_free(&disks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(disks_are_found_by_number),
		TEST(what_has_slaves_is_a_stack),
		TEST(a_stack_that_gave_its_slaves_back_is_one_until_it_goes),
		TEST(what_is_no_disk_is_passed_over),
		TEST(an_exclamation_mark_stands_for_a_slash),
		TEST(a_disk_ends_when_it_goes_or_when_its_number_is_anothers),
		TEST(a_disk_that_nobody_saw_has_its_name_and_is_gone),
		TEST(a_new_scan_marks_what_is_gone),
		TEST(a_failed_scan_leaves_the_table),
		TEST(a_table_grows_and_stays_sorted),
		TEST(paths_of_an_nvme_disk_have_its_name),
	};

	return cmocka_run_group_tests_name("disks", tests, NULL, NULL);
}
