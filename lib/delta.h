/* SPDX-License-Identifier: Apache-2.0 */
/**
 * delta.h: two reads of a map to increments per key. Stage three of the street; pure.
 *
 *     first seen ever, at the baseline      -> remembered, nothing to tell
 *     first seen later                      -> NEW: its whole value
 *     seen again                            -> LIVE: now - before (4-byte cells modulo 2^32)
 *     an 8-byte cell below its last value   -> RESET: the whole row counts as its whole value
 *     not seen (evicted from an LRU map)    -> VANISHED: zeros, until ttl; then forgotten. If it comes
 *                                              back before: as LIVE or RESET
 *     no increment for ttl                  -> IDLE: still remembered, no longer told
 */
#pragma once
#include "layout.h"
#include "rows.h"

#include <stdbool.h>
#include <stdint.h>

enum delta_state {
	DELTA_LIVE,
	DELTA_NEW,
	DELTA_RESET,
	DELTA_VANISHED,
	DELTA_IDLE,
	DELTA_STATE_MAX
};

/** One key's change. Pointers live until the next delta_* call on the same table. */
struct delta_row {
	const uint8_t *key;
	const uint64_t *increments; /* layout's n_cells */
	enum delta_state state;
	bool counted; /* any increment above 0 in this window */
};

struct delta;

/**
 * @param layout  must outlive the table: says which cells are 4 bytes wide
 * @param ttl_ns  after this long without an increment a key is IDLE (or forgotten, if VANISHED)
 * @return 0 or -ENOMEM; *ret_delta unchanged then
 */
int delta_new(const struct layout *layout, uint64_t ttl_ns, struct delta **ret_delta);

/** Remembers the rows as what was before the first window. Any former state is forgotten. */
int delta_baseline(struct delta *delta, const struct rows *rows);

/**
 * Advances by one read.
 * @param ret_rows  every key that is LIVE, NEW, RESET or VANISHED, in the order first seen; owned by delta.
 *                  Keys known from the baseline that never counted since are told too (zeros), if
 *                  the baseline found them with a count within the map's life: they are live series.
 * @return 0 or -ENOMEM: nothing changed then, so the next read tells this window's increments too
 */
int delta_advance(struct delta *delta, const struct rows *rows, const struct delta_row **ret_rows,
		  size_t *ret_n);

void delta_free(struct delta *delta);
void delta_freep(struct delta **delta);
