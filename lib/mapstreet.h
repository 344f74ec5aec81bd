/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mapstreet.h: one map on the street, from the rows of a read to the points of each output: delta, series and styles,
 * and what they keep from window to window. Pure.
 *
 * Outputs may change between two windows (a reload): what was counted stays, only styles are made anew.
 */
#pragma once
#include "coverage.h"
#include "style.h"

/** As an element of `former`: the style is a new one. */
#define MAPSTREET_NEW_STYLE SIZE_MAX

struct mapstreet_settings {
	uint64_t ttl_ns;                     /* of a series without a count */
	size_t max_series;                   /* kept apart */
	const char *alias;                   /* of the probe, "" = none */
	const struct style_settings *styles; /* one for each output; copied */
	size_t n_styles;                     /* at most CONFIG_MAX_OUTPUTS */
	/* For mapstreet_prepare(), of each style: the number it had before, with the same settings and alias: it goes on */
	const size_t *former;
};

struct mapstreet;

/**
 * @param spec  map and layout are of it; all three outlive the street
 * @return 0 or -ENOMEM; *ret unchanged then
 */
int mapstreet_new(const struct spec *spec, const struct spec_map *map, const struct layout *layout,
                  const struct mapstreet_settings *settings, struct mapstreet **ret);

/**
 * Makes what other settings need, beside what is in use. What was prepared before is forgotten.
 * @return 0 or -ENOMEM: nothing is prepared
 */
int mapstreet_prepare(struct mapstreet *street, const struct mapstreet_settings *settings);

/**
 * Takes into use what was prepared, if anything; between a window's points and the next read. Totals that no style
 * asked for before begin with 0.
 */
void mapstreet_commit(struct mapstreet *street);

/** As delta_baseline(). */
int mapstreet_baseline(struct mapstreet *street, const struct rows *rows);

/** As delta_advance(); the increments wait for mapstreet_merge(). */
int mapstreet_advance(struct mapstreet *street, const struct rows *rows);

/** As series_merge(), of the rows that mapstreet_advance() gave. */
int mapstreet_merge(struct mapstreet *street, const struct decode_env *env,
                    struct series_counts *ret_counts);

/** As series_gather(), of the rows that mapstreet_advance() gave: between two windows' ends. */
int mapstreet_gather(struct mapstreet *street, const struct decode_env *env);

/** Ends the series of disks that are no longer what they were (disks_ends()), as delta_end(). */
void mapstreet_end(struct mapstreet *street, const struct disks *before, const struct disks *after);

/** As style_emit(), in the style of that output. */
int mapstreet_emit(struct mapstreet *street, size_t output, const struct window *window,
                   point_fn fn, void *ctx);

/** As coverage_add(), what was merged last. */
int mapstreet_add_coverage(const struct mapstreet *street, struct coverage *coverage);

/** As series_each(). */
void mapstreet_each(const struct mapstreet *street, series_fn fn, void *ctx);

/** NULL is fine. */
void mapstreet_free(struct mapstreet *street);
void mapstreet_freep(struct mapstreet **street);
