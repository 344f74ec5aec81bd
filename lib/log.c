/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* PIPE_BUF: one write of at most this much is not mixed with another thread's, also into a pipe. */
#define LOG_LINE_MAX 4096

const char *const log_level_names[LOG_LEVEL_MAX] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* sd-daemon(3): the priorities of syslog(3). */
static const char priorities[LOG_LEVEL_MAX] = {
	[LOG_LEVEL_ERROR] = '3',
	[LOG_LEVEL_WARNING] = '4',
	[LOG_LEVEL_INFO] = '6',
	[LOG_LEVEL_DEBUG] = '7',
};

static _Atomic enum log_level most = LOG_LEVEL_INFO;
static atomic_ulong lost; /* lines that found no room */

void log_set_level(enum log_level level)
{
	assert(level < LOG_LEVEL_MAX);

	most = level;
}

int log_wants(enum log_level level)
{
	return level <= most;
}

/*
 * systemd.exec(5): device and inode of what standard error was connected to at the start. The variable is inherited:
 * a shell's below a service, or a redirection, has it as well.
 */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

/* @return length of the priority that the journal takes the line with: 3, or 0 for who is no journal */
static size_t put_priority(char *line, enum log_level level)
{
	if (!is_journal())
		return 0;
	line[0] = '<';
	line[1] = priorities[level];
	line[2] = '>';
	return 3;
}

static bool has_room(void)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT;
}

/* A reader that sleeps (a full pipe, a hung journal) must not hold up the loop: its lines are lost, and that is said. */
static void write_line(const char *line, size_t len)
{
	char told[64];
	ssize_t written;

	if (!has_room()) {
		atomic_fetch_add(&lost, 1);
		return;
	}
	unsigned long missing = atomic_exchange(&lost, 0);

	if (missing) {
		size_t head = put_priority(told, LOG_LEVEL_WARNING);
		int n = snprintf(told + head, sizeof(told) - head,
		                 "%lu lines of this log were lost\n", missing);

		written = write(STDERR_FILENO, told, head + (size_t)n);
	}
	written = write(STDERR_FILENO, line, len);
	(void)written; /* nowhere left to say it */
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	assert(level < LOG_LEVEL_MAX && fmt);
	if (!log_wants(level))
		return;
	int saved = errno;
	char line[LOG_LINE_MAX];
	size_t head = put_priority(line, level);

	errno = saved; /* %m in fmt means the caller's */
	va_start(args, fmt);
	int n = vsnprintf(line + head, sizeof(line) - head, fmt, args);
	va_end(args);
	if (n < 0)
		n = 0;
	size_t len = MIN(head + (size_t)n, sizeof(line) - 1);

	/* A receiver's answer or a file name in a message must not forge a second line. */
	for (size_t i = head; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[len++] = '\n';
	write_line(line, len);
	errno = saved;
}

static const enum log_level levels[] = {
	[REPORT_NOTE] = LOG_LEVEL_INFO,
	[REPORT_WARNING] = LOG_LEVEL_WARNING,
	[REPORT_ERROR] = LOG_LEVEL_ERROR,
};

void log_report(struct report *report)
{
	for (size_t i = 0; i < report->n_items; i++)
		log_line(levels[report->items[i].severity], "%s", report->items[i].text);
	if (report->n_omitted)
		log_warning("%zu more problems are not shown", report->n_omitted);
	report_free(report);
}
