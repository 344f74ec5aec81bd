/* SPDX-License-Identifier: Apache-2.0 */
/**
 * segment.h: records in one file of a spool (record.h). An edge; does not log.
 *
 * Whatever the file holds, reading ends: what is no record is skipped to the next one and counted.
 */
#pragma once
#include "record.h"

#include <sys/types.h>

/** What was skipped. */
struct segment_damage {
	uint64_t places; /* runs of bytes that hold no record */
	uint64_t bytes;
};

struct segment {
	int fd; /* borrowed */
	uint32_t id;
	uint64_t size; /* of the file */
	struct segment_damage damage;
};

struct segment_found {
	struct record record;
	uint64_t offset; /* where it begins */
	uint64_t end;    /* where the next may begin */
};

/** Asks for the size. @return 0 or -errno */
int segment_open(struct segment *segment, int fd, uint32_t id);

/**
 * Finds the first record that begins at @p offset or behind.
 * @return 0; -ENODATA: there is none; -errno of reading
 */
int segment_find(struct segment *segment, uint64_t offset, struct segment_found *ret_found);

/**
 * Reads the batch of a record that was found.
 * @return 0; -EBADMSG: the body is not what was written; -ENOMEM; -errno
 */
int segment_read(const struct segment *segment, const struct segment_found *found,
                 struct batch **ret_batch);

/** Writes a record. On failure some of it may be there. @return 0 or -errno */
int segment_write(int fd, struct record_place place, const struct batch *batch, bool first);

/** Marks a record as settled. @return 0 or -errno */
int segment_mark(int fd, uint64_t offset);
