/* SPDX-License-Identifier: Apache-2.0 */
/**
 * series.h: increments of one map, its description and an output's style to points. Pure.
 *
 * Rows whose tags come out equal are merged: counters and slots add. Beyond max_series tag sets, the rest
 * goes to the value `_other` of every tag that is made from the first tag's member; should the other tags
 * alone make max_series sets more, what is left goes to one set with `_other` in every tag. So a map never
 * makes more than 2 * max_series + 1 sets, and a sum over all of them misses nothing.
 * Style influx, for map measurement M and histogram H:
 *     M          every live row, zeros included: fields and NAME_per_s (float), sorted by name
 *     M_H        per non-empty bucket: tag le (integer units, "+Inf"), count
 *     M_H_summary  per row with count > 0: count, sum_UNIT
 * The drops map has no measurement and makes no points; series_each() gives its counts.
 */
#pragma once
#include "config.h"
#include "decode.h"
#include "delta.h"
#include "point.h"
#include "window.h"

/** Value of the tags of what found no room in max_series. */
#define SERIES_OTHER "_other"

struct series;

/** What one window gave. */
struct series_counts {
	uint64_t
		events; /* increments of the first field, or of the first histogram where there is none */
	uint64_t keys;     /* rows told */
	uint64_t series;   /* tag sets after merging */
	uint64_t overflow; /* rows that went to _other */
};

/**
 * @param map       counters and histograms; their names are joined with "_"
 * @param layout    of that map; map and layout must outlive the series
 * @param max_series   tag sets kept apart; >= 1
 * @return 0 or -ENOMEM; *ret_series unchanged then
 */
int series_new(const struct spec_map *map, const struct layout *layout, size_t max_series,
               struct series **ret_series);

/**
 * Merges one window's rows by tags; series_emit() then tells them, once per output. The order is that of the
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

struct series_style {
	enum output_style style;
	uint64_t buckets_per_octave; /* power of two */
};

/**
 * Makes the points of the merged window.
 * @return 0 or what @p fn returned
 */
int series_emit(const struct series *series, const struct series_style *style,
                const struct window *window, point_fn fn, void *ctx);

/** Bytes held. The same from window to window while no more sets come: the steady state allocates nothing. */
size_t series_memory(const struct series *series);

/** NULL is fine. */
void series_free(struct series *series);
void series_freep(struct series **series);
