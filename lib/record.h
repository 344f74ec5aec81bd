/* SPDX-License-Identifier: Apache-2.0 */
/**
 * record.h: a batch as it lies in a file of the spool. Pure.
 *
 * A file (a segment) is records one after the other and nothing else. All numbers are little-endian.
 *
 *      0         4         8         12        16                  24        28
 *     +---------+---------+---------+---------+-------------------+---------+---------+
 *     | "tgS1"  | state   | sum of  | sum of  | stamp of the      | segment | offset  |
 *     |         |         | header  | body    | window, ns        | = name  | in it   |
 *     +---------+---------+---------+---------+-------------------+---------+---------+
 *      32        36        40        44   45   46   48
 *     +---------+---------+---------+----+----+----+-------- - - --------+------------+
 *     | lines   | bytes   | bytes   | en | fl | 0  | body                | 0 to 7     |
 *     |         | decoded | of body | c. | ag |    |                     | bytes of 0 |
 *     +---------+---------+---------+----+----+----+-------- - - --------+------------+
 *
 * Sums are CRC-32C: of the header's bytes 12 to 47, and of the body.
 *
 * `state` is "LIVE" when the record is written, and becomes "DONE" in its place once the batch is settled; so it is under no
 * sum. It cannot be torn, because its four bytes never lie across a sector's border, and anything that is not "DONE" is taken for
 * live: better sent twice than never.
 *
 * A record says where it lies. So after a damaged one the next is found by looking for the magic at every eighth byte, and
 * neither a body that holds a record nor an old block that the file system gives back is taken for one.
 *
 * `flag` 1: the first batch of its window; 2: part of one that was rejected (batch.h). Other flags are ignored; what changes
 * the meaning of the rest gets another magic.
 */
#pragma once
#include "batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADER_BYTES 48
/** Records begin at multiples of this. */
#define RECORD_ALIGN 8
/** Where the state is. */
#define RECORD_STATE_AT 4
#define RECORD_STATE_BYTES 4
/** A larger body is no body of ours: twice the largest batch_max_bytes, because a line longer than that goes alone. */
#define RECORD_MAX_LEN (32u << 20)

/** Where a record lies. */
struct record_place {
	uint32_t segment; /* 0: nowhere */
	uint64_t offset;
};

static inline bool record_place_is(struct record_place a, struct record_place b)
{
	return a.segment == b.segment && a.offset == b.offset;
}

struct record {
	bool done;
	bool first; /* of its window */
	bool part;  /* as struct batch has it */
	enum content_encoding encoding;
	int64_t stamp_ns;
	uint32_t points;
	uint32_t raw_len;
	uint32_t len; /* of the body */
	uint32_t body_sum;
};

/** What a body of that length takes on disk, with its header and padding. */
static inline uint64_t record_bytes(uint32_t len)
{
	return ((uint64_t)RECORD_HEADER_BYTES + len + RECORD_ALIGN - 1) &
	       ~(uint64_t)(RECORD_ALIGN - 1);
}

/** Whether a batch can be written at all: RECORD_MAX_LEN. */
bool record_fits(const struct batch *batch);

/** The header of a batch, live. @param first  of its window */
void record_encode(const struct batch *batch, bool first, struct record_place place,
                   uint8_t ret_header[RECORD_HEADER_BYTES]);

/** The bytes that stand at RECORD_STATE_AT once it is settled. */
extern const uint8_t record_done[RECORD_STATE_BYTES];

/**
 * Reads a header that was found there.
 * @return 0; -EBADMSG: there is no whole record of ours
 */
int record_decode(const uint8_t header[RECORD_HEADER_BYTES], struct record_place place,
                  struct record *ret_record);

/** Whether these are the body's bytes. */
bool record_is_body(const struct record *record, const uint8_t *body);

/** Of bytes that begin at a multiple of RECORD_ALIGN: where the first magic stands; @p len: nowhere. */
size_t record_search(const uint8_t *bytes, size_t len);
