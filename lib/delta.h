/* SPDX-License-Identifier: Apache-2.0 */
/**
 * delta.h: two reads of a map to increments per key. Stage three of the street; pure.
 *
 *     in the baseline, counted              -> LIVE from the first window on, zeros until it counts
 *     first count later                     -> NEW: its whole value
 *     seen again                            -> LIVE: now - before (4-byte cells modulo 2^32)
 *     an 8-byte cell below its last value   -> RESET: the whole row counts as its whole value
 *     not seen (evicted from an LRU map)    -> VANISHED: zeros, until ttl; then forgotten. If it comes
 *                                              back before: RESET if any cell, of 4 bytes too, is below its
 *                                              last value, else LIVE
 *     no increment for ttl                  -> IDLE: still remembered, no longer told; LIVE when it counts
 *
 * Gauges and maxima are not subtracted: their cells pass as read. They count as an increment while they are not 0,
 * and what vanished has zeros.
 *
 * A key whose cells were 0 ever since it is known (an array map's empty row) is nobody's series: it is not
 * told until it counts, and is NEW then. A read that failed is a longer window, nothing special. Of a key
 * that stands twice in one read the last counts.
 *
 * Why a return counts 4-byte cells too: the kernel made the row anew, and taken modulo 2^32 a slot that is now
 * below its last value would tell four billion events. A slot that wrapped while its key was out of sight
 * is told whole instead; that takes 2^31 events in a row that nobody could see.
 */
#pragma once
#include "layout.h"
#include "rows.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * Vanished keys remembered: at most this many, or as many as the read has keys, whichever is more; those first
 * seen longest ago are forgotten first. Else a map keyed by process would keep a day of dead ones.
 */
#define DELTA_MIN_VANISHED 1024

enum delta_state {
	DELTA_LIVE,
	DELTA_NEW,
	DELTA_RESET,
	DELTA_VANISHED,
	DELTA_IDLE, /* never told */
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
 * @param ttl_ns  after this long without an increment, by rows->taken_ns, a key is IDLE (or forgotten, if
 *                VANISHED); for a key of the baseline it runs from there
 * @return 0 or -ENOMEM; *ret_delta unchanged then
 */
int delta_new(const struct layout *layout, uint64_t ttl_ns, struct delta **ret_delta);

/** Another ttl, from the next delta_advance() on. */
void delta_set_ttl(struct delta *delta, uint64_t ttl_ns);

/**
 * Remembers the rows as what was before the first window. Any former state is forgotten.
 * @param rows  with the layout's sizes
 * @return 0 or -ENOMEM (unchanged)
 */
int delta_baseline(struct delta *delta, const struct rows *rows);

/**
 * Advances by one read. Without a baseline before it, the baseline was an empty map.
 * @param rows      with the layout's sizes; not needed afterwards
 * @param ret_rows  every key that is LIVE, NEW, RESET or VANISHED, in the order first seen; owned by delta
 * @return 0 or -ENOMEM: nothing changed then, so the next read tells this window's increments too
 */
int delta_advance(struct delta *delta, const struct rows *rows, const struct delta_row **ret_rows,
                  size_t *ret_n);

/**
 * Ends the series of keys: what they counted until the last read stays subtracted, but they are told again only when
 * they count again, and are NEW then.
 * @param is_over  asked of each key
 */
void delta_end(struct delta *delta, bool (*is_over)(const void *ctx, const uint8_t *key),
               const void *ctx);

/** Bytes held. The same from window to window while no new keys come: the steady state allocates nothing. */
size_t delta_memory(const struct delta *delta);

/** NULL is fine. */
void delta_free(struct delta *delta);
void delta_freep(struct delta **delta);
