/* SPDX-License-Identifier: Apache-2.0 */
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MAX_BYTES 100

struct folder {
	char dir[32];
	char path[64];
};

static int make_folder(void **state)
{
	static struct folder f;
	FILE *file;

	f = (struct folder){.dir = "/tmp/test_trusted.XXXXXX"};
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/file", f.dir);
	file = fopen(f.path, "w");
	assert_non_null(file);
	fputs("content", file);
	fclose(file);
	assert_int_equal(chmod(f.path, 0644), 0);
	*state = &f;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;

	remove(f->path);
	rmdir(f->dir);
	return 0;
}

static void assert_reads(const char *path, int err, const char *why)
{
	CLEANUP(text_free) struct text said = {0};
	CLEANUP_FREE uint8_t *data = NULL;
	size_t len = 0;

	assert_int_equal(trusted_read(path, MAX_BYTES, &data, &len, &said), err);
	assert_string_equal(text_cstr(&said), why);
	if (err) {
		assert_null(data);
		return;
	}
	assert_int_equal(len, 7);
	assert_memory_equal(data, "content", 7);
}

static void what_only_its_owner_writes_is_read(void **state)
{
	struct folder *f = *state;

	assert_reads(f->path, 0, "");
}

static void what_others_can_write_is_refused(void **state)
{
	struct folder *f = *state;

	assert_int_equal(chmod(f->path, 0664), 0);
	assert_reads(f->path, -EPERM, "can be written by others (mode 0664); chmod go-w");
	assert_int_equal(chmod(f->path, 0646), 0);
	assert_reads(f->path, -EPERM, "can be written by others (mode 0646); chmod go-w");
}

static void what_belongs_to_somebody_else_is_refused(void **state)
{
	struct folder *f = *state;

	if (geteuid())
		skip();
	assert_int_equal(chown(f->path, 65534, 65534), 0);
	assert_reads(f->path, -EPERM, "belongs to user 65534, who could change it; chown root");
}

static void what_is_too_long_is_refused(void **state)
{
	struct folder *f = *state;

	assert_int_equal(truncate(f->path, MAX_BYTES + 1), 0);
	assert_reads(f->path, -E2BIG, "has more than 100 bytes");
}

static void a_fifo_neither_hangs_nor_is_read(void **state)
{
	struct folder *f = *state;

	assert_int_equal(remove(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_reads(f->path, -EINVAL, "is no regular file");
}

static void a_missing_file_is_said(void **state)
{
	assert_reads("/nonexistent/x", -ENOENT, "cannot be read: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_only_its_owner_writes_is_read),
		TEST(what_others_can_write_is_refused),
		TEST(what_belongs_to_somebody_else_is_refused),
		TEST(what_is_too_long_is_refused),
		TEST(a_fifo_neither_hangs_nor_is_read),
		cmocka_unit_test(a_missing_file_is_said),
	};

	return cmocka_run_group_tests_name("trusted", tests, NULL, NULL);
}
