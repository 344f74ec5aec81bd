/* SPDX-License-Identifier: Apache-2.0 */
/**
 * push.h: an output's lines to a receiver over HTTP: batches -> spool -> POST -> verdict. An edge.
 *
 * The newest window goes first, then at most PUSH_OLD_PER_INTERVAL old windows per window, oldest first, one
 * request at a time. A failure waits (backoff, Retry-After, or PATIENCE_HOLD_MS for what a person must mend); the
 * next try is on a new connection and, unless the receiver asked to wait, on the next of `urls`. What the receiver
 * will never take is dropped, what is too large halved (bodysize.h), and so is what it rejects whole, down to the line
 * that is at fault (bisection.h). Passwords, tokens and certificates that stand in files are read at the start, when the
 * files are others than in the window before, and after a 401 or 403; while they cannot be had the output is held.
 */
#pragma once
#include "config.h"
#include "http.h"
#include "outputstats.h"
#include "poller.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Old windows an interval: an hour's outage at 10 s is made good in six minutes, and a fleet does not flood the receiver. */
#define PUSH_OLD_PER_INTERVAL 10

/** At the end a window that is not delivered within this goes to disk, while the delivery goes on. */
#define PUSH_FLUSH_SAVE_NS 1000000000ull

struct push;

/** When things happen to a window. */
struct push_times {
	int64_t stamp_ns;
	uint64_t offset_ns; /* sending begins after this: the host's own share of the interval */
	uint64_t
		save_ns; /* what is not settled after this goes to disk; at once, while pushes fail */
};

/** As output_new(). */
int push_new(const struct config_output *config, struct http *http, struct poller *poller,
             struct push **ret_push);
void push_free(struct push *push);
void push_freep(struct push **push);

/** As the functions of output.h. */
int push_prepare(struct push *push, const struct config_output *config);
void push_commit(struct push *push);
void push_lines(struct push *push, const char *lines, size_t len, uint64_t points,
                const struct push_times *times);
void push_flush(struct push *push);
bool push_is_busy(const struct push *push);
void push_tell_rest(struct push *push);
struct output_stats push_stats(const struct push *push);
