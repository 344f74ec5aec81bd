/* SPDX-License-Identifier: Apache-2.0 */
/**
 * worker.h: a thread that does for the loop what may wait for a disk. An edge; does not log.
 *
 * It has one job at a time, so nothing queues up where nobody counts it: who has more to do keeps it, bounded, and gives the
 * next job when the last is done. One thread for each output: a hung disk holds up nothing but what lies on it.
 *
 *     loop     worker_start() ---------- goes on -----------  done()
 *                    \                                         /
 *     thread          `------ work(), for however long ------'      waits for the next
 */
#pragma once
#include "poller.h"

#include <stdbool.h>
#include <stdint.h>

struct worker;

typedef void (*worker_fn)(void *ctx);

/** Without a thread yet: that comes with the first job. The poller must outlive it. */
int worker_new(struct poller *poller, struct worker **ret_worker);

/**
 * Does work(ctx) on the thread, then done(ctx) on the loop. What ctx leads to is the thread's until then.
 * @param done  may start the next job, or free the worker
 * @return 0; -EBUSY: the last job is not done; -EAGAIN or another -errno: there can be no thread
 */
int worker_start(struct worker *worker, worker_fn work, worker_fn done, void *ctx);

bool worker_is_busy(const struct worker *worker);

/**
 * Ends the thread, without calling done(). NULL is fine.
 * @param wait_ms  for a job that is not finished
 * @return true; false: it hangs, as a system call on a dead disk does, which no signal ends. Then the worker and what the
 *         job's ctx leads to stay in memory for good, and only the disk's return, or the machine's end, ends the thread
 */
bool worker_free(struct worker *worker, uint32_t wait_ms);
