/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spooldir.h: the files of one output's spool: does what spooldisk.h wants done. An edge; does not log.
 *
 *     spool_dir/NAME/               NAME is the output's, whatever its other settings are
 *         lock                      held with flock() by the agent that uses the folder; gone with it, however it ends
 *         0000000000000011.spool    segments, by their number
 *         0000000000000012.spool
 *
 * Every call may wait for the disk: from one thread only, and not from the loop's. Segments are opened when they are needed,
 * so a folder that was taken away, or came back, is noticed.
 *
 * What survives a power cut: a window, from the end of SPOOL_TASK_SYNC on, which is asked for once for all records of a window
 * (fdatasync(); the folder itself is synced when a segment is made in it). Marks are synced once an interval. What a cut undoes
 * otherwise is a mark or a deletion: what was sent is sent again.
 */
#pragma once
#include "segment.h"
#include "spooltask.h"

#include <inttypes.h>

#define SPOOLDIR_LOCK "lock"
/** A segment's file, by its number: 16 hexadecimal digits, so that sorted as text they are sorted by age. */
#define SPOOLDIR_SEGMENT "%016" PRIx32 ".spool"

struct spooldir;

/** Touches no disk. @param dir  with the output's name below it */
int spooldir_new(const char *dir, const char *name, struct spooldir **ret_spooldir);
/** Closes what is open. NULL is fine. */
void spooldir_free(struct spooldir *d);
void spooldir_freep(struct spooldir **d);

/** The folder, to print. */
const char *spooldir_path(const struct spooldir *d);

/**
 * Does a task.
 * @param outcome     zeroed before; err is -EWOULDBLOCK when another agent has the lock
 * @param ret_damage  what was skipped over, grows
 */
void spooldir_do(struct spooldir *d, const struct spool_task *task, struct spool_outcome *outcome,
                 struct segment_damage *damage);

/** A segment's number by its file's name; 0: it is none. */
uint32_t spooldir_segment_of(const char *file_name);

/**
 * Counts what waits in a segment.
 * @param outcome  takes counts, oldest_stamp_ns and end, of what could be read
 * @return 0 or -errno
 */
int spooldir_count(struct segment *segment, struct spool_outcome *outcome);
