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
#include <sys/wait.h>

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

/* The service: a user of its own, and an administrator's files. */
static void a_user_reads_what_is_roots(void **state)
{
	struct folder *f = *state;
	CLEANUP(text_free) struct text said = {0};
	CLEANUP_FREE uint8_t *data = NULL;
	size_t len;
	int status;
	pid_t child;

	if (geteuid())
		skip();
	assert_int_equal(chmod(f->dir, 0755), 0);
	child = fork();
	if (!child)
		_exit(setuid(65534) || trusted_read(f->path, MAX_BYTES, &data, &len, &said));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void assert_refused(const char *path, const char *start, const char *folder, const char *end)
{
	char why[256];

	snprintf(why, sizeof(why), "%s%s%s", start, folder, end);
	assert_reads(path, -EPERM, why);
}

/* Its own mode does not help: they rename it, and put theirs in its place. */
static void a_folder_that_others_can_write_is_refused(void **state)
{
	struct folder *f = *state;

	assert_int_equal(chmod(f->dir, 0775), 0);
	assert_refused(f->path, "is in ", f->dir,
	               ", where others can replace it (mode 0775); chmod go-w");
	assert_int_equal(chmod(f->dir, 0757), 0);
	assert_refused(f->path, "is in ", f->dir,
	               ", where others can replace it (mode 0757); chmod go-w");
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_reads(f->path, 0, "");
}

static void a_sticky_folder_is_fine(void **state)
{
	struct folder *f = *state;

	assert_int_equal(chmod(f->dir, 01777), 0);
	assert_reads(f->path, 0, "");
}

static void a_folder_of_somebody_else_is_refused_even_if_sticky(void **state)
{
	struct folder *f = *state;

	if (geteuid())
		skip();
	assert_int_equal(chmod(f->dir, 01755), 0);
	assert_int_equal(chown(f->dir, 65534, 65534), 0);
	assert_refused(f->path, "is in ", f->dir,
	               ", which belongs to user 65534, who could replace it; chown root");
}

/* DIR/above/inside/file, with only `above` open to others. */
static void a_folder_further_up_counts_as_well(void **state)
{
	struct folder *f = *state;
	char above[64], inside[96], file[128];

	snprintf(above, sizeof(above), "%s/above", f->dir);
	snprintf(inside, sizeof(inside), "%s/inside", above);
	snprintf(file, sizeof(file), "%s/file", inside);
	assert_int_equal(mkdir(above, 0755) | mkdir(inside, 0755), 0);
	assert_int_equal(rename(f->path, file), 0);
	assert_reads(file, 0, "");
	assert_int_equal(chmod(above, 0777), 0);
	assert_refused(file, "is in ", above,
	               ", where others can replace it (mode 0777); chmod go-w");
	assert_int_equal(remove(file) | rmdir(inside) | rmdir(above), 0);
}

/* The link's own folder is anybody's; what counts is where it ends. */
static void a_link_is_judged_by_where_it_ends(void **state)
{
	struct folder *f = *state;
	char link[64];

	snprintf(link, sizeof(link), "%s.link", f->dir);
	assert_int_equal(symlink(f->path, link), 0);
	assert_reads(link, 0, "");
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_refused(link, "is in ", f->dir,
	               ", where others can replace it (mode 0777); chmod go-w");
	unlink(link);
}

/* A build in a group's folder: who can write there can replace the program, too. */
static void a_folder_that_leads_to_the_program_may_be_what_it_is(void **state)
{
	char program[PATH_MAX], path[PATH_MAX + sizeof(".probe")];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	struct stat folder;
	FILE *file;

	assert_true(n > 0);
	program[n] = '\0';
	snprintf(path, sizeof(path), "%s.probe", program);
	*strrchr(program, '/') = '\0';
	assert_int_equal(stat(program, &folder), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("content", file);
	fclose(file);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(program, 0777), 0);
	assert_reads(path, 0, "");
	assert_int_equal(chmod(program, folder.st_mode & 07777), 0);
	unlink(path);
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
		TEST(a_user_reads_what_is_roots),
		TEST(a_folder_that_others_can_write_is_refused),
		TEST(a_sticky_folder_is_fine),
		TEST(a_folder_of_somebody_else_is_refused_even_if_sticky),
		TEST(a_folder_further_up_counts_as_well),
		TEST(a_link_is_judged_by_where_it_ends),
		cmocka_unit_test(a_folder_that_leads_to_the_program_may_be_what_it_is),
		cmocka_unit_test(a_missing_file_is_said),
	};

	return cmocka_run_group_tests_name("trusted", tests, NULL, NULL);
}
