/* SPDX-License-Identifier: Apache-2.0 */
/**
 * layout.h: where the description's members stand in a map's bytes, by the object's BTF.
 *
 * Pure. In: one spec_map and the BTF types of the map's key and value. Out: offsets and widths. Nobody
 * writes a size or an offset by hand, and a wrong name is reported before anything is loaded.
 * Hostile BTF (cycles, sizes that do not fit) is an error, never a crash.
 *
 * A row of a map is key bytes and `shards` copies of the value, value_stride bytes apart. It leaves as
 * cells: one u64 per field, histogram slot, sum and maximum. Over the shards, counters and gauges are added up, of
 * maxima the greatest is taken.
 *
 *     cells of a row:  [field 0][field 1]..[histogram 0: slot 0..n-1][sum 0][max 0][histogram 1: ..
 *
 * A maximum is a struct tg_max (bpf/thermograf.bpf.h), 16 bytes: two words, by the parity of the window in which they
 * were written, each window << 32 | value. Two, because what completes between the change of the window's number and
 * the read must not overwrite what is about to be read. A cell gets the greatest value of the words whose
 * window is not before the `since` of the read; 0: there is none.
 */
#pragma once
#include "enumtext.h"
#include "report.h"
#include "spec.h"

#include <stdint.h>

struct btf;

/** More bytes than this in a key or one value are refused: a kernel stack is 512, a page is 4096. */
#define LAYOUT_MAX_KEY_BYTES 512
#define LAYOUT_MAX_VALUE_BYTES 16384
#define LAYOUT_MAX_CELLS (LAYOUT_MAX_VALUE_BYTES / 4)
#define LAYOUT_NO_CELL UINT32_MAX

struct layout_member {
	uint32_t offset; /* bytes from the key's start */
	uint32_t size;   /* bytes */
	bool is_signed;
	bool is_array; /* of single bytes, 1 to SPEC_MAX_TAG_BYTES; else an integer of 1, 2, 4 or 8 bytes */
};

/** The type of a maximum, by name and size. */
#define LAYOUT_MAX_TYPE "tg_max"
#define LAYOUT_MAX_TYPE_BYTES 16

/** `count` neighbours of `width` bytes at `offset` of a value go to cells first_cell... */
struct layout_run {
	enum spec_kind kind;
	uint32_t offset;
	uint32_t
		width; /* 4 or 8; counter of 4: modulo 2^32, delta.h unwraps; maximum: 8, and two words for each cell */
	uint32_t count;
	uint32_t first_cell;
};

struct layout {
	uint32_t key_size;
	uint32_t value_size;                      /* of one shard, as BTF says */
	struct layout_member tags[SPEC_MAX_TAGS]; /* by index of spec_map.tags */
	struct enumtext enums[SPEC_MAX_TAGS];     /* for decoder enum, else empty */
	struct layout_run *runs;
	size_t n_runs;
	uint32_t n_cells;
	uint32_t field_cell[SPEC_MAX_FIELDS];
	uint32_t histogram_cell[SPEC_MAX_HISTOGRAMS]; /* first slot */
	uint32_t sum_cell[SPEC_MAX_HISTOGRAMS];       /* or LAYOUT_NO_CELL */
	uint32_t max_cell[SPEC_MAX_HISTOGRAMS];       /* or LAYOUT_NO_CELL */
	bool has_gauges, has_maxima;
};

/**
 * Binds a description to types.
 *
 * @param spec_file   for messages ("block_io.ini")
 * @param map         the description
 * @param btf         of the object; not NULL
 * @param key_type    type id of the key; 0: the map has no BTF (reported)
 * @param value_type  type id of one value
 * @param ret_layout  freed with layout_free(); unchanged on failure
 * @return 0; -EINVAL when errors were reported; -ENOMEM
 */
int layout_bind(const char *spec_file, const struct spec_map *map, const struct btf *btf,
                uint32_t key_type, uint32_t value_type, struct layout **ret_layout,
                struct report *report);

/**
 * Adds one value to a row's cells.
 * @param value  value_size bytes
 * @param since  number of the oldest window whose maxima are wanted
 * @param cells  n_cells numbers; 4-byte counters become sums modulo 2^32
 */
void layout_add(const struct layout *layout, const uint8_t *value, uint32_t since, uint64_t *cells);

/**
 * Adds up one row's shards into cells.
 * @param value   shards * stride bytes
 * @param stride  bytes between two shards, >= value_size
 * @param cells   n_cells numbers, overwritten; else as layout_add()
 */
void layout_extract(const struct layout *layout, const uint8_t *value, uint32_t shards,
                    uint32_t stride, uint32_t since, uint64_t *cells);

/** NULL is fine. */
void layout_free(struct layout *layout);
void layout_freep(struct layout **layout);
