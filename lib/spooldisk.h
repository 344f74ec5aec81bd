/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spooldisk.h: a spool's disk: what is to be done there next, and what an outcome means. Pure.
 *
 * One task at a time: the caller takes it, does it, on whatever thread and for however long, and tells the outcome. So tests
 * can be the disk.
 */
#pragma once
#include "spool.h"
#include "spooltask.h"

/** @return false: there is nothing to do, or the last task's outcome was not told */
bool spool_next_task(struct spool *spool, struct spool_task *ret_task);

/** @return whether spool_lend() may give something now that it did not before */
bool spool_task_done(struct spool *spool, struct spool_outcome *outcome);

struct spool_disk spool_disk(const struct spool *spool);

/** The disk may be in order again. */
void spool_retry(struct spool *spool);

/**
 * The present task hangs, or does no longer: meanwhile nothing waits for it.
 * @return as spool_task_done()
 */
bool spool_set_hung(struct spool *spool, bool hung);
