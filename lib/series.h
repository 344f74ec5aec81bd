/* SPDX-License-Identifier: Apache-2.0 */
/**
 * series.h: increments of one map and its description to series: rows merged by their tags. Pure.
 *
 * Rows whose tags come out equal are merged: counters, gauges and slots add, of maxima the greatest is taken. Beyond
 * max_series tag sets, the rest goes to the value `_other` of every tag that is made from the first tag's member;
 * should the other tags alone make max_series sets more, what is left goes to one set with `_other` in every tag. So a
 * map never makes more than 2 * max_series + 1 sets, and a sum over all of them misses nothing.
 * The drops map has no measurement and makes no points; series_each() gives its counts.
 */
#pragma once
#include "decode.h"
#include "delta.h"
#include "tagset.h"

struct series;

/** What one window gave. */
struct series_counts {
	uint64_t
		events; /* increments of the first counter, or of the first histogram where there is none */
	uint64_t keys;     /* rows told, of the last read */
	uint64_t series;   /* tag sets after merging */
	uint64_t overflow; /* of these, rows that went to _other */
};

/**
 * @param map         fields and histograms
 * @param layout      of that map; map and layout must outlive the series
 * @param max_series  tag sets kept apart; >= 1
 * @param cumulative  keep what each series has counted since the baseline
 * @return 0 or -ENOMEM; *ret_series unchanged then
 */
int series_new(const struct spec_map *map, const struct layout *layout, size_t max_series,
               bool cumulative, struct series **ret_series);

/**
 * Other bounds, from the next series_merge() on. Totals that were not kept begin with 0 there; those that were go on.
 * @param max_series, cumulative  as series_new()
 */
void series_set(struct series *series, size_t max_series, bool cumulative);

/**
 * Merges rows of a read between two windows' ends, under the tags that they have now; the next series_merge() adds its own
 * to them. Only what counted, and no gauges: those are of a window's end.
 * @return 0 or -ENOMEM: what was gathered for the running window is lost
 */
int series_gather(struct series *series, const struct delta_row *rows, size_t n,
                  const struct decode_env *env);

/**
 * Merges one window's rows by tags; style.h then tells them, once per output. The order is that of the
 * rows. Rows whose device is gone and that did not count are left out.
 * @param rows        need not live longer than the call
 * @param ret_counts  may be NULL
 * @return 0 or -ENOMEM (nothing is merged: no series at all until the next call)
 */
int series_merge(struct series *series, const struct delta_row *rows, size_t n,
                 const struct decode_env *env, struct series_counts *ret_counts);

/**
 * @param text    of the map's first tag; valid during the call
 * @param events  as in series_counts, of this set
 */
typedef void (*series_fn)(void *ctx, const char *text, uint64_t events);

/** Gives every merged set. For the drops map that is each reason's name and its events. */
void series_each(const struct series *series, series_fn fn, void *ctx);

/** Adds the cells of one row to another's, each by its kind. */
void series_add(const struct layout *layout, uint64_t *cells, const uint64_t *more);

/** The sets of the window merged last, and their cells; valid until the next series_merge(). */
const struct tagsets *series_sets(const struct series *series);

/** What set @p i has counted since the baseline, this window included; NULL: not asked for in series_new(). */
const uint64_t *series_totals(const struct series *series, size_t i);

/** Whether set @p i was not told in the window before. Only with totals. */
bool series_is_new(const struct series *series, size_t i);

/** Bytes held. The same from window to window while no more sets come: the steady state allocates nothing. */
size_t series_memory(const struct series *series);

/** NULL is fine. */
void series_free(struct series *series);
void series_freep(struct series **series);
