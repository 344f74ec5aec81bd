/* SPDX-License-Identifier: Apache-2.0 */
/**
 * series.h: increments of one map, its description and an output's style to points. Pure.
 *
 * Rows whose tags come out equal are merged: counters and slots add. Beyond max_series tag sets, the rest
 * goes to the value `_other` of every tag that is made from the first tag's member.
 * Style influx, for map measurement M and histogram H:
 *     M          every live row, zeros included: fields and NAME_per_s (float), sorted by name
 *     M_H        per non-empty bucket: tag le (integer units, "+Inf"), count
 *     M_H_summary  per row with count > 0: count, sum_UNIT
 */
#pragma once
#include "config.h"
#include "decode.h"
#include "delta.h"
#include "point.h"
#include "window.h"

struct series;

/** What one window gave. */
struct series_counts {
	uint64_t
		events; /* increments of the first field (or of histogram counts where there is none) */
	uint64_t keys;	   /* rows told */
	uint64_t series;   /* tag sets after merging */
	uint64_t overflow; /* rows that went to _other */
};

/**
 * @param map, layout  must outlive the series
 * @param max_series   tag sets kept apart; >= 1
 * @return 0 or -ENOMEM
 */
int series_new(const struct spec_map *map, const struct layout *layout, size_t max_series,
	       struct series **ret_series);

/**
 * Merges one window's rows by tags; series_emit() then tells them, once per output.
 * Rows whose device is gone and that did not count are left out.
 * @return 0 or -ENOMEM (nothing is merged)
 */
int series_merge(struct series *series, const struct delta_row *rows, size_t n,
		 const struct decode_env *env, struct series_counts *ret_counts);

struct series_style {
	enum output_style style;
	uint64_t buckets_per_octave;
};

/**
 * Makes the points of the merged window.
 * @return 0 or what @p fn returned
 */
int series_emit(const struct series *series, const struct series_style *style,
		const struct window *window, point_fn fn, void *ctx);

void series_free(struct series *series);
void series_freep(struct series **series);
