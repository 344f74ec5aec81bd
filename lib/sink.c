/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SINK_FILE_MODE 0644

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whole lines while they fit into PIPE_BUF: a pipe takes those whole or not at all (pipe(7)). */
static size_t next_piece(const char *data, size_t len)
{
	const char *newline;

	if (len <= PIPE_BUF)
		return len;
	newline = memrchr(data, '\n', PIPE_BUF);
	return newline ? (size_t)(newline - data) + 1 : PIPE_BUF;
}

/*
 * One write, after poll() said that a piece would not block: also a descriptor without O_NONBLOCK, which we must
 * not set, because it would be set for the shell and everybody else who shares the open file.
 */
static ssize_t write_piece(int fd, const char *data, size_t len, int64_t deadline_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	do {
		int64_t left_ms = deadline_ms - now_ms();
		int got = poll(&ready, 1, (int)MAX(left_ms, 0));

		if (got == 0)
			return -EAGAIN;
		n = got < 0 ? got : write(fd, data, next_piece(data, len));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

/* @return 0, or -errno with what was written until then in *ret_done */
static int write_all(int fd, const char *data, size_t len, int64_t deadline_ms, size_t *ret_done)
{
	*ret_done = 0;
	while (*ret_done < len) {
		ssize_t n = write_piece(fd, data + *ret_done, len - *ret_done, deadline_ms);

		if (n < 0)
			return (int)n;
		*ret_done += (size_t)n;
	}
	return 0;
}

static uint64_t count_lines(const char *data, size_t len)
{
	uint64_t n = 0;

	for (const char *end = data + len; (data = memchr(data, '\n', (size_t)(end - data)));
	     data++)
		n++;
	return n;
}

static void write_rest(struct sink *sink, int fd, int64_t deadline_ms, struct sink_result *result)
{
	size_t done;

	if (!sink->rest.len)
		return;
	result->err = write_all(fd, sink->rest.data, sink->rest.len, deadline_ms, &done);
	result->bytes += done;
	if (result->err) {
		memmove(sink->rest.data, sink->rest.data + done, sink->rest.len - done);
		text_truncate(&sink->rest, sink->rest.len - done);
		return;
	}
	text_clear(&sink->rest);
	result->sent++;
}

static void write_lines(struct sink *sink, int fd, const char *lines, size_t len,
                        int64_t deadline_ms, struct sink_result *result)
{
	size_t done = 0;

	if (!result->err && len)
		result->err = write_all(fd, lines, len, deadline_ms, &done);
	result->bytes += done;
	result->sent += count_lines(lines, done);
	result->dropped += count_lines(lines + done, len - done);
	if (done && lines[done - 1] != '\n') {
		const char *newline = memchr(lines + done, '\n', len - done);

		text_append(&sink->rest, lines + done, (size_t)(newline - (lines + done)) + 1);
		/* Without memory it stays torn, and is counted as dropped. */
		if (sink->rest.err)
			text_clear(&sink->rest);
		else
			result->dropped--;
	}
}

/* The rest of a line belongs to the file that holds its beginning. */
static void check_same_file(struct sink *sink, int fd, struct sink_result *result)
{
	struct stat st;

	if (fstat(fd, &st))
		return;
	if (sink->rest.len && (st.st_dev != sink->dev || st.st_ino != sink->ino)) {
		text_clear(&sink->rest);
		result->dropped++;
	}
	sink->dev = st.st_dev;
	sink->ino = st.st_ino;
}

struct sink_result sink_write(struct sink *sink, const char *lines, size_t len)
{
	assert(sink && (sink->path || sink->fd >= 0));
	assert(!len || lines[len - 1] == '\n');

	struct sink_result result = {0};
	CLEANUP_CLOSE int opened = -1;
	int64_t deadline_ms = now_ms() + sink->wait_ms;
	int fd = sink->fd;

	if (sink->path) {
		/* O_NONBLOCK: a FIFO without a reader would hold the loop for ever. */
		opened = open(sink->path,
		              O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		              SINK_FILE_MODE);
		fd = opened;
		if (fd < 0) {
			result.err = -errno;
			result.dropped = count_lines(lines, len);
			return result;
		}
		check_same_file(sink, fd, &result);
	}
	write_rest(sink, fd, deadline_ms, &result);
	write_lines(sink, fd, lines, len, deadline_ms, &result);
	return result;
}

void sink_free(struct sink *sink)
{
	text_free(&sink->rest);
}
