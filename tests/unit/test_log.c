/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char got[8192];

/* What JOURNAL_STREAM says of a descriptor, or of a neighbour of it. */
static void set_journal_stream(int fd, unsigned long neighbour)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
	         (unsigned long)st.st_ino + neighbour);
	setenv("JOURNAL_STREAM", stream, 1);
}

enum journal { NO_JOURNAL, JOURNAL, JOURNAL_ELSEWHERE };

/* What log_line() writes, by a pipe in place of standard error. */
static const char *logged_to(enum journal journal, enum log_level level, const char *text)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	if (journal != NO_JOURNAL)
		set_journal_stream(fds[1], journal == JOURNAL_ELSEWHERE);
	int saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	log_line(level, "%s", text);
	dup2(saved, STDERR_FILENO);
	ssize_t n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	close(saved);
	close(fds[0]);
	close(fds[1]);
	unsetenv("JOURNAL_STREAM");
	return got;
}

static const char *logged(enum log_level level, const char *text)
{
	return logged_to(NO_JOURNAL, level, text);
}

static void lines_above_the_level_are_not_printed(void **state)
{
	log_set_level(LOG_LEVEL_WARNING);
	assert_string_equal(logged(LOG_LEVEL_WARNING, "w"), "w\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "i"), "");
	assert_false(log_wants(LOG_LEVEL_DEBUG));
	log_set_level(LOG_LEVEL_DEBUG);
	assert_string_equal(logged(LOG_LEVEL_DEBUG, "d"), "d\n");
}

static void the_journal_gets_the_priority(void **state)
{
	assert_string_equal(logged_to(JOURNAL, LOG_LEVEL_ERROR, "e"), "<3>e\n");
	assert_string_equal(logged_to(JOURNAL, LOG_LEVEL_WARNING, "w"), "<4>w\n");
	assert_string_equal(logged_to(JOURNAL, LOG_LEVEL_INFO, "i"), "<6>i\n");
	assert_string_equal(logged_to(JOURNAL, LOG_LEVEL_DEBUG, "d"), "<7>d\n");
}

/* As of `thermograf check 2>file` in a shell that a service started. */
static void a_file_under_the_journals_variable_gets_no_priority(void **state)
{
	assert_string_equal(logged_to(JOURNAL_ELSEWHERE, LOG_LEVEL_ERROR, "e"), "e\n");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	assert_string_equal(logged(LOG_LEVEL_ERROR, "e"), "e\n");
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
	setenv("JOURNAL_STREAM", "1:1", 1);
	errno = ENOTTY;
	log_line(LOG_LEVEL_DEBUG, "%d", 1);
	assert_int_equal(errno, ENOTTY);
	unsetenv("JOURNAL_STREAM");
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
	set_journal_stream(STDERR_FILENO, 0);
	log_error("one");
	log_error("two");
	while (filled && (n = read(fds[0], fill, sizeof(fill))) > 0)
		filled -= (size_t)n;
	log_error("three");
	dup2(saved, STDERR_FILENO);
	n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(got, "<4>2 lines of this log were lost\n<3>three\n");
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_above_the_level_are_not_printed),
		cmocka_unit_test(the_journal_gets_the_priority),
		cmocka_unit_test(a_file_under_the_journals_variable_gets_no_priority),
		cmocka_unit_test(a_message_is_one_line),
		cmocka_unit_test(an_endless_message_is_cut),
		cmocka_unit_test(errno_is_preserved),
		cmocka_unit_test(a_full_pipe_loses_lines_and_says_how_many),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
