/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sink.h: lines to standard output or a file, whole and now. An edge; does not log. The process must ignore SIGPIPE.
 *
 * A blocked pipe is waited for wait_ms at most; then the rest of the lines is given up. A line that was begun is not: its
 * rest is kept and written first the next time, so that a reader only ever sees whole lines. A disk is waited for without
 * a bound: the kernel has none.
 */
#pragma once
#include "text.h"

#include <stdint.h>
#include <sys/types.h>

struct sink {
	const char *path; /* borrowed; NULL: the descriptor */
	int fd;           /* borrowed; -1: the path */
	uint32_t wait_ms; /* for a reader */
	struct text rest; /* of a line that was begun */
	dev_t dev;        /* of the file that holds the beginning */
	ino_t ino;
};

struct sink_result {
	uint64_t sent;    /* lines that became whole, one begun earlier included */
	uint64_t dropped; /* lines given up */
	uint64_t bytes;   /* written */
	int err;          /* 0, -errno of the failure; -EAGAIN: nobody reads */
};

/**
 * Writes lines. With a path: opens it for appending, creates it if need be and closes it again, so that a
 * rotated file is left alone; never truncates.
 * @param lines  each ended by "\n"; len may be 0: only what was begun
 */
struct sink_result sink_write(struct sink *sink, const char *lines, size_t len);

/** Forgets a line that was begun. */
void sink_free(struct sink *sink);
