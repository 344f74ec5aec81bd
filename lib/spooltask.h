/* SPDX-License-Identifier: Apache-2.0 */
/** spooltask.h: what a spool wants done on disk, and what came of it, as data. Pure; spooldisk.h says when. */
#pragma once
#include "shelf.h"

enum spool_task_kind {
	SPOOL_TASK_OPEN,  /* make the folder if need be, lock it, and list the segments */
	SPOOL_TASK_COUNT, /* count what waits in a segment, and cut it where its last record ends */
	SPOOL_TASK_WRITE, /* the batch, at that place; at offset 0 the file is made */
	SPOOL_TASK_SYNC,  /* what was written to the segment survives a power cut from here on */
	SPOOL_TASK_MARK,  /* the record there is settled */
	SPOOL_TASK_READ,  /* the first record that waits, there or behind */
	SPOOL_TASK_DELETE, /* the segment's file */
};

struct spool_task {
	enum spool_task_kind kind;
	struct record_place place; /* its segment, and where an offset is needed that */
	const struct batch
		*batch; /* of SPOOL_TASK_WRITE: the spool's, unchanged until the outcome is told */
	bool first;     /* so the next: of its window */
};

/** A file that is there. */
struct spool_listed {
	uint32_t id;
	uint64_t size;
};

struct spool_outcome {
	int err; /* 0 or -errno; -ENOENT: the file is gone; SPOOL_TASK_READ: -ENODATA at the segment's end, -EBADMSG when
	            the record at `offset` has a body that is not what was written */
	/* Of SPOOL_TASK_OPEN: in any order; the spool's from here on (free()). */
	struct spool_listed *listed;
	size_t n_listed;
	/* Of SPOOL_TASK_COUNT. */
	struct shelf_counts counts;
	int64_t oldest_stamp_ns;
	/* Of SPOOL_TASK_READ; -EBADMSG: all but the batch. */
	struct batch *batch; /* the spool's from here on */
	struct record record;
	uint64_t offset; /* where it lies */
	/* Of SPOOL_TASK_COUNT and _READ: where the last record ends, or the one that was read. */
	uint64_t end;
};

enum spool_disk_state {
	SPOOL_DISK_NONE,    /* not configured */
	SPOOL_DISK_OPENING, /* not tried yet */
	SPOOL_DISK_OPEN,
	SPOOL_DISK_FAILED, /* out of order: nothing is done there until spool_retry() */
};

struct spool_disk {
	enum spool_disk_state state;
	int err; /* why it failed, or why nothing can be read */
	bool blind; /* it is written to, but could not be read last time: nothing is read until spool_retry() */
	bool skips; /* a segment could not be counted: all others are read, it is tried after spool_retry() */
	bool counted; /* all that an earlier agent left is in the totals, but for what is skipped */
	bool settled; /* all that spool_save() asked for, and all marks, are on disk, or cannot be */
};
