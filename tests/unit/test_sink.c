/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct scene {
	struct sink sink;
	int pipe[2];
	char folder[64], path[128];
	struct text lines, got;
};

static void scene_make(struct scene *s)
{
	*s = (struct scene){.sink = {.fd = -1, .wait_ms = 25},
	                    .pipe = {-1, -1},
	                    .folder = "/tmp/test_sink.XXXXXX"};
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/lines", s->folder);
}

static void scene_free(struct scene *s)
{
	ground_closep(&s->pipe[0]);
	ground_closep(&s->pipe[1]);
	unlink(s->path);
	rmdir(s->folder);
	sink_free(&s->sink);
	text_free(&s->lines);
	text_free(&s->got);
}

static void scene_pipe(struct scene *s)
{
	scene_make(s);
	assert_int_equal(pipe2(s->pipe, O_CLOEXEC), 0);
	s->sink.fd = s->pipe[1];
}

static void scene_file(struct scene *s)
{
	scene_make(s);
	s->sink.path = s->path;
}

static void make_lines(struct scene *s, unsigned from, unsigned n)
{
	text_clear(&s->lines);
	for (unsigned i = from; i < from + n; i++)
		text_printf(&s->lines, "block_io,device=sda ios=%ui %u\n", i, i);
}

static void read_all(struct scene *s, int fd)
{
	char chunk[65536];
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		text_append(&s->got, chunk, (size_t)n);
}

static void read_file(struct scene *s)
{
	CLEANUP_CLOSE int fd = open(s->path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	text_clear(&s->got);
	read_all(s, fd);
}

static uint64_t count_lines(const struct text *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->len; i++)
		n += t->data[i] == '\n';
	return n;
}

static void a_file_is_made_and_appended_to(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_file(&s);
	for (unsigned i = 0; i < 3; i++) {
		make_lines(&s, i * 1000, 1000);
		struct sink_result r = sink_write(&s.sink, s.lines.data, s.lines.len);
		assert_int_equal(r.err, 0);
		assert_int_equal(r.sent, 1000);
		assert_int_equal(r.dropped, 0);
		assert_int_equal(r.bytes, s.lines.len);
	}
	read_file(&s);
	assert_int_equal(count_lines(&s.got), 3000);
	assert_non_null(strstr(s.got.data, "ios=2999i 2999\n"));
}

/* logrotate moves the file away and expects a new one. */
static void a_rotated_file_is_left_alone(void **state)
{
	CLEANUP(scene_free) struct scene s;
	char moved[160];

	(void)state;
	scene_file(&s);
	snprintf(moved, sizeof(moved), "%s.1", s.path);
	sink_write(&s.sink, "a x=1i 1\n", 9);
	assert_int_equal(rename(s.path, moved), 0);
	sink_write(&s.sink, "b x=1i 1\n", 9);
	read_file(&s);
	assert_string_equal(text_cstr(&s.got), "b x=1i 1\n");
	unlink(moved);
}

static void a_file_that_cannot_be_opened_drops_and_says_why(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct sink_result r;

	(void)state;
	scene_file(&s);
	s.sink.path = "/nonexistent/folder/lines";
	r = sink_write(&s.sink, "a x=1i 1\nb x=1i 1\n", 18);
	assert_int_equal(r.err, -ENOENT);
	assert_int_equal(r.dropped, 2);
	assert_int_equal(r.sent, 0);
}

static void a_full_disk_drops_and_says_why(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct sink_result r;

	(void)state;
	scene_file(&s);
	s.sink.path = "/dev/full";
	r = sink_write(&s.sink, "a x=1i 1\nb x=1i 1\n", 18);
	assert_int_equal(r.err, -ENOSPC);
	assert_int_equal(r.dropped, 2);
}

static void a_fifo_without_a_reader_does_not_hold_us(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_file(&s);
	assert_int_equal(mkfifo(s.path, 0600), 0);
	assert_int_equal(sink_write(&s.sink, "a x=1i 1\n", 9).err, -ENXIO);
}

static void nobody_left_to_read_is_told(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct sink_result r;

	(void)state;
	scene_pipe(&s);
	close(s.pipe[0]);
	s.pipe[0] = -1;
	r = sink_write(&s.sink, "a x=1i 1\n", 9);
	assert_int_equal(r.err, -EPIPE);
	assert_int_equal(r.dropped, 1);
}

/* A blocking descriptor, as standard output mostly is: yet we must not hang. */
static void a_blocked_pipe_is_given_up_after_a_while_and_counted(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct sink_result r;
	uint64_t sent, dropped;

	(void)state;
	scene_pipe(&s);
	make_lines(&s, 0, 10000);
	r = sink_write(&s.sink, s.lines.data, s.lines.len);
	assert_int_equal(r.err, -EAGAIN);
	sent = r.sent;
	dropped = r.dropped;
	assert_int_equal(sent + dropped + (s.sink.rest.len ? 1 : 0), 10000);
	assert_in_range(sent, 1000, 9000);
	read_all(&s, s.pipe[0]);
	make_lines(&s, 10000, 10);
	r = sink_write(&s.sink, s.lines.data, s.lines.len);
	assert_int_equal(r.err, 0);
	read_all(&s, s.pipe[0]);
	assert_int_equal(count_lines(&s.got), sent + r.sent);
	assert_non_null(strstr(s.got.data, "ios=10009i 10009\n"));
}

/* Lines longer than a pipe takes whole: one is torn, and completed later. */
static void a_torn_line_is_completed_first(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct sink_result r;

	(void)state;
	scene_pipe(&s);
	for (int i = 0; i < 12; i++) {
		for (int j = 0; j < 10000; j++)
			text_char(&s.lines, (char)('a' + i));
		text_char(&s.lines, '\n');
	}
	r = sink_write(&s.sink, s.lines.data, s.lines.len);
	assert_int_equal(r.err, -EAGAIN);
	assert_true(s.sink.rest.len > 0);
	uint64_t sent = r.sent;
	assert_int_equal(sent + 1 + r.dropped, 12);
	/* Still blocked: the new lines go, the begun one stays. */
	r = sink_write(&s.sink, "new x=1i 1\n", 11);
	assert_int_equal(r.sent, 0);
	assert_int_equal(r.dropped, 1);
	assert_true(s.sink.rest.len > 0);
	read_all(&s, s.pipe[0]);
	r = sink_write(&s.sink, "last x=1i 1\n", 12);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.sent, 2);
	read_all(&s, s.pipe[0]);
	assert_int_equal(count_lines(&s.got), sent + 2);
	assert_int_equal(s.got.len, (sent + 1) * 10001 + 12);
	/* Each line is of one letter from end to end. */
	for (size_t i = 0; i < s.got.len - 12; i++)
		assert_int_equal(s.got.data[i], i % 10001 == 10000 ? '\n' : 'a' + (int)(i / 10001));
}

/* The beginning went away with the old file: its rest must not stand at the head of the new one. */
static void a_torn_line_does_not_follow_into_a_new_file(void **state)
{
	CLEANUP(scene_free) struct scene s;
	struct sink_result r;
	char moved[160];

	(void)state;
	scene_file(&s);
	snprintf(moved, sizeof(moved), "%s.1", s.path);
	sink_write(&s.sink, "a x=1i 1\n", 9);
	text_str(&s.sink.rest, "of a line\n");
	assert_int_equal(rename(s.path, moved), 0);
	r = sink_write(&s.sink, "b x=1i 1\n", 9);
	unlink(moved);
	assert_int_equal(r.dropped, 1);
	assert_int_equal(r.sent, 1);
	read_file(&s);
	assert_string_equal(text_cstr(&s.got), "b x=1i 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_made_and_appended_to),
		cmocka_unit_test(a_rotated_file_is_left_alone),
		cmocka_unit_test(a_file_that_cannot_be_opened_drops_and_says_why),
		cmocka_unit_test(a_full_disk_drops_and_says_why),
		cmocka_unit_test(a_fifo_without_a_reader_does_not_hold_us),
		cmocka_unit_test(nobody_left_to_read_is_told),
		cmocka_unit_test(a_blocked_pipe_is_given_up_after_a_while_and_counted),
		cmocka_unit_test(a_torn_line_is_completed_first),
		cmocka_unit_test(a_torn_line_does_not_follow_into_a_new_file),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
