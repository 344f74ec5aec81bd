/* SPDX-License-Identifier: Apache-2.0 */
/**
 * snapshot.h: one read of a map into rows. Stage two of the street; an edge to the kernel.
 *
 * Batch look-ups where the kernel has them for that kind of map (not for per-CPU arrays on 5.10), else key by
 * key. A map with an index is read as one keyed map: first the index, then only the rows in use.
 * Counters go on while they are read: a row may be a few events newer than another, none is lost.
 */
#pragma once
#include "probe.h"
#include "rows.h"

/** Bytes asked for at once: some 60 rows of block_io on 2 CPUs; more costs memory and saves nothing. */
#define SNAPSHOT_CHUNK_BYTES (64u << 10)

/** One reader of one descriptor; buffers are kept from read to read. */
struct snapshot_reader {
	uint8_t *keys;
	uint8_t *values;
	uint32_t chunk; /* elements that fit */
	bool no_batch;  /* this kernel has none for this kind of map */
};

struct snapshot {
	uint32_t since; /* of the read at hand; so is the next */
	const struct snapshot *index_of;
	struct snapshot_reader values;
	struct snapshot_reader index;
	uint32_t *
		row_to_key; /* of an indexed map: by row, 1 + number of the key in the rows read; 0: none */
};

/**
 * Reads all rows of a map.
 * @param snapshot  zero-initialised before the first call; one per map
 * @param map       attached (fd valid)
 * @param since     number of the oldest window whose maxima are wanted (layout.h)
 * @param rows      overwritten; on failure its content is of no use
 * @return 0; -ENOMEM; -EBADMSG: the index names a row that the map does not have; -errno of the kernel
 */
int snapshot_read(struct snapshot *snapshot, const struct probe_map *map, uint32_t since,
                  struct rows *rows);

/**
 * The same for a map whose index has been read already, with another map that has it, in this very window: the keys
 * are that one's.
 * @param first       reader of the other map, by a snapshot_read() that succeeded
 * @param first_rows  what it gave
 */
int snapshot_read_beside(struct snapshot *snapshot, const struct probe_map *map, uint32_t since,
                         const struct snapshot *first, const struct rows *first_rows,
                         struct rows *rows);

void snapshot_free(struct snapshot *snapshot);
