/* SPDX-License-Identifier: Apache-2.0 */
#include "probedir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Two folders to be searched, and files in them. */
static char first[64], second[64];
static char *dirs[] = {first, second};
static const struct config_list list = {.items = dirs, .n = 2};

static int make_folders(void **state)
{
	snprintf(first, sizeof(first), "/tmp/test_probedir.XXXXXX");
	snprintf(second, sizeof(second), "/tmp/test_probedir.XXXXXX");
	return mkdtemp(first) && mkdtemp(second) ? 0 : -1;
}

static void with_path(const char *folder, const char *name, void (*fn)(const char *path))
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fn(path);
}

static void make(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

static void take_away(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static int remove_folders(void **state)
{
	rmdir(first);
	rmdir(second);
	return 0;
}

/* What was reported by the last call. */
static char told[512];

static int list_all(struct probedir *probes)
{
	struct report report = {0};
	int err = probedir_list(&list, probes, &report);

	snprintf(told, sizeof(told), "%s", report.n_items ? report.items[0].text : "");
	assert_int_equal(report.n_errors, *told != '\0');
	report_free(&report);
	return err;
}

static void the_first_file_of_a_name_wins(void **state)
{
	CLEANUP(probedir_free) struct probedir probes = {0};

	with_path(first, "b.ini", make);
	with_path(second, "b.ini", make);
	with_path(second, "a.ini", make);
	with_path(second, "a.bpf.o", make);
	assert_int_equal(list_all(&probes), 0);
	assert_int_equal(probes.n, 2);
	assert_string_equal(probes.entries[0].name, "a");
	assert_string_equal(probes.entries[1].name, "b");
	assert_memory_equal(probes.entries[0].path, second, strlen(second));
	assert_memory_equal(probes.entries[1].path, first, strlen(first));
	with_path(first, "b.ini", take_away);
	with_path(second, "b.ini", take_away);
	with_path(second, "a.ini", take_away);
	with_path(second, "a.bpf.o", take_away);
}

static void a_folder_that_is_not_there_has_none(void **state)
{
	CLEANUP(probedir_free) struct probedir probes = {0};

	rmdir(first);
	with_path(second, "a.ini", make);
	assert_int_equal(list_all(&probes), 0);
	assert_int_equal(probes.n, 1);
	with_path(second, "a.ini", take_away);
}

/* It may hold probes that run: a reload must not take them for removed. */
static void a_folder_that_is_there_and_cannot_be_read_is_told_by_its_name(void **state)
{
	CLEANUP(probedir_free) struct probedir probes = {0};
	char wanted[160];

	rmdir(first);
	assert_int_equal(symlink(first, first), 0);
	with_path(second, "a.ini", make);
	assert_int_equal(list_all(&probes), 0);
	snprintf(wanted, sizeof(wanted), "%s: cannot be read: %s; its probes are not known", first,
	         strerror(ELOOP));
	assert_string_equal(told, wanted);
	assert_int_equal(probes.n_unlisted, 1);
	assert_int_equal(probes.n, 1);
	assert_true(probedir_has(&probes, "a"));
	take_away(first);
	with_path(second, "a.ini", take_away);
}

static void for_each_of_too_many(void (*fn)(const char *path))
{
	for (int i = 0; i < CONFIG_MAX_PROBES + 2; i++) {
		char name[32];

		snprintf(name, sizeof(name), "p%03d.ini", i);
		with_path(first, name, fn);
	}
}

static void above_the_limit_the_last_by_name_are_left_out_and_that_is_told(void **state)
{
	CLEANUP(probedir_free) struct probedir probes = {0};
	char wanted[160];

	for_each_of_too_many(make);
	/* Hidden: it needs no room. */
	with_path(second, "p000.ini", make);
	assert_int_equal(list_all(&probes), 0);
	snprintf(wanted, sizeof(wanted),
	         "%s: 2 probes of it are left out, the last by name: there can be 64 in all",
	         first);
	assert_string_equal(told, wanted);
	assert_int_equal(probes.n, CONFIG_MAX_PROBES);
	assert_int_equal(probes.n_unlisted, 2);
	assert_string_equal(probes.entries[0].name, "p000");
	assert_string_equal(probes.entries[CONFIG_MAX_PROBES - 1].name, "p063");
	for_each_of_too_many(take_away);
	with_path(second, "p000.ini", take_away);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folders, remove_folders)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_file_of_a_name_wins),
		TEST(a_folder_that_is_not_there_has_none),
		TEST(a_folder_that_is_there_and_cannot_be_read_is_told_by_its_name),
		TEST(above_the_limit_the_last_by_name_are_left_out_and_that_is_told),
	};

	return cmocka_run_group_tests_name("probedir", tests, NULL, NULL);
}
