/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char got[8192];

/* What log_line() writes, by a pipe in place of standard error. */
static const char *logged(enum log_level level, const char *text)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	int saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	log_line(level, "%s", text);
	dup2(saved, STDERR_FILENO);
	ssize_t n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	close(saved);
	close(fds[0]);
	close(fds[1]);
	return got;
}

static void lines_above_the_level_are_not_printed(void **state)
{
	unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_LEVEL_WARNING);
	assert_string_equal(logged(LOG_LEVEL_WARNING, "w"), "w\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "i"), "");
	assert_false(log_wants(LOG_LEVEL_DEBUG));
	log_set_level(LOG_LEVEL_DEBUG);
	assert_string_equal(logged(LOG_LEVEL_DEBUG, "d"), "d\n");
}

static void the_journal_gets_the_priority(void **state)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	assert_string_equal(logged(LOG_LEVEL_ERROR, "e"), "<3>e\n");
	assert_string_equal(logged(LOG_LEVEL_DEBUG, "d"), "<7>d\n");
	unsetenv("JOURNAL_STREAM");
}

/* A receiver's answer is not to be trusted with the form of our log. */
static void a_message_is_one_line(void **state)
{
	assert_string_equal(logged(LOG_LEVEL_ERROR, "a\n<3>b\x1b[2J\r"), "a <3>b [2J \n");
}

static void an_endless_message_is_cut(void **state)
{
	static char endless[6000];

	memset(endless, 'x', sizeof(endless) - 1);
	const char *line = logged(LOG_LEVEL_ERROR, endless);
	assert_int_equal(strlen(line), 4096);
	assert_int_equal(line[4095], '\n');
}

static void errno_is_preserved(void **state)
{
	errno = ENOTTY;
	log_line(LOG_LEVEL_DEBUG, "%d", 1);
	assert_int_equal(errno, ENOTTY);
}

/* Blocking, as a terminal's or the journal's is: a reader that sleeps would hold the agent for ever. */
static void a_full_pipe_loses_lines_and_says_how_many(void **state)
{
	static char fill[4096];
	int fds[2], saved = dup(STDERR_FILENO);
	size_t filled = 0;
	ssize_t n;

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	while ((n = write(fds[1], fill, sizeof(fill))) > 0)
		filled += (size_t)n;
	assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0);
	dup2(fds[1], STDERR_FILENO);
	log_error("one");
	log_error("two");
	while (filled && (n = read(fds[0], fill, sizeof(fill))) > 0)
		filled -= (size_t)n;
	log_error("three");
	dup2(saved, STDERR_FILENO);
	n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, "2 lines of this log were lost\nthree\n");
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_above_the_level_are_not_printed),
		cmocka_unit_test(the_journal_gets_the_priority),
		cmocka_unit_test(a_message_is_one_line),
		cmocka_unit_test(an_endless_message_is_cut),
		cmocka_unit_test(errno_is_preserved),
		cmocka_unit_test(a_full_pipe_loses_lines_and_says_how_many),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
