/* SPDX-License-Identifier: Apache-2.0 */
/**
 * keeper.h: keeps an output's spool on disk: has a thread do what it wants done there, and tells a person what is wrong. An edge.
 *
 * The loop never waits for the disk: not at the start, where the folder is opened and counted, not at the end, where what is
 * left is written, and not when it hangs in between. One thread for each output, because their folders may be on different
 * disks; it comes with the first task, on the running loop, and so has no more privileges than that has by then.
 *
 * A disk that takes nothing (full, read-only, away, another agent's) is tried again every KEEPER_RETRY_NS; one that does not
 * answer for KEEPER_HUNG_NS counts as one that takes nothing. Meanwhile windows wait in memory.
 */
#pragma once
#include "config.h"
#include "outputstats.h"
#include "poller.h"
#include "spool.h"

#include <stdbool.h>

/** What waits in memory beside a disk that works is one window; this is for when it does not: minutes to an hour of a usual host. */
#define KEEPER_MEMORY_BYTES (2u << 20)
/** So long a window may wait for a disk that is in order again. */
#define KEEPER_RETRY_NS 10000000000ull
/** Longer than a disk takes that is merely busy. */
#define KEEPER_HUNG_NS 10000000000ull

struct keeper;

/** What the spool may have now was not there before. Runs on the loop. */
typedef void (*keeper_fn)(void *ctx);

/** Makes the spool as configured; nothing of @p config is kept. @return 0 or -errno */
int keeper_new(const struct config_output *config, struct poller *poller,
               struct keeper **ret_keeper);

/** Frees the spool, too; waits a second at most for a task that is not done. NULL is fine. */
void keeper_free(struct keeper *keeper);
void keeper_freep(struct keeper **keeper);

/** Who is told; @p fn NULL: nobody. */
void keeper_set_user(struct keeper *keeper, keeper_fn fn, void *ctx);

struct spool *keeper_spool(struct keeper *keeper);

/** To be called after the spool was used: has the next task done. */
void keeper_look(struct keeper *keeper);

/** All that is in memory is to go to disk, which is tried once more if it was out of order. */
void keeper_save(struct keeper *keeper);

/** Whether that is not done yet, and may still be. */
bool keeper_is_saving(const struct keeper *keeper);

/** Another section: its bounds hold at once. Another spool_dir is taken into use by the next start, and that is told. */
void keeper_set_config(struct keeper *keeper, const struct config_output *config);

/** Whether what waits is on disk, or on its way there. */
bool keeper_has_disk(const struct keeper *keeper);

/** Whether there is a disk, and it is out of order. */
bool keeper_is_failing(const struct keeper *keeper);

/** Logs that the spool is full and what that cost, if it did: at once, and then as seldom as other losses. */
void keeper_tell_full(struct keeper *keeper);

/** Adds what the spool counts. What an earlier agent left counts as collected, so that the sums are right. */
void keeper_add_stats(const struct keeper *keeper, struct output_stats *stats);

/** The folder, to print; "": there is none. */
const char *keeper_path(const struct keeper *keeper);
