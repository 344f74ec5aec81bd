/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spoollist.h: what lies in a spool's folder, read beside whoever uses it: nothing is locked, changed or kept open. An edge; does
 * not log.
 */
#pragma once
#include "spooldir.h"

#include <sys/types.h>

/** A segment, every record of which was read and summed up. */
struct spoollist_segment {
	uint32_t id;
	int err;       /* 0, or -errno: it could not be read, or not to its end */
	uint64_t size; /* of the file */
	struct shelf_counts waiting;
	uint64_t settled; /* records */
	uint64_t
		damaged_points; /* lines of records whose body is not what was written; they are in no other count */
	struct segment_damage damage;             /* those, and what is no record */
	uint64_t torn;                            /* bytes behind the last record */
	int64_t oldest_stamp_ns, newest_stamp_ns; /* of what waits; 0: nothing does */
};

/** Oldest first. @return 0 to go on; anything else ends it */
typedef int (*spoollist_fn)(void *ctx, const struct spoollist_segment *segment);

/**
 * Reads all segments of a folder. One that goes away meanwhile is left out.
 * @return 0; -ENOENT: there is no such folder; -errno: it cannot be listed; what fn returned
 */
int spoollist_read(const char *folder, spoollist_fn fn, void *ctx);

/** Adds a segment to a sum; id and err are left alone. */
void spoollist_add(struct spoollist_segment *to, const struct spoollist_segment *what);

/** The process that has the folder's lock; 0: none, or it is not to be seen from here. */
pid_t spoollist_user(const char *folder);

/** Calls fn with the name of each folder below spool_dir that has segments. @return as spoollist_read() */
int spoollist_folders(const char *spool_dir, int (*fn)(void *ctx, const char *name), void *ctx);
