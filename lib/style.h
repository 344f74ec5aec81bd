/* SPDX-License-Identifier: Apache-2.0 */
/**
 * style.h: the series of one map to points, in the style of one output. Pure.
 *
 * For map measurement M and histogram H with bounds in unit U (us, ns, or none: then without _U):
 *
 *     influx        M            every live series, zeros included: fields, sorted; counters with `rate` also NAME_per_s
 *                   M_H          per non-empty bucket: tag le, count
 *                   M_H_summary  per series with counts: count, max_U, pNN_U, sum_U
 *     fields        M            the same
 *                   M_H          per series with counts: count, le_N of non-empty buckets, le_inf, max_U, pNN_U, sum_U
 *     prometheus    M            every live series: counters since the baseline as NAME_total; gauges and maxima as they are
 *                   M_H_seconds  per series that ever counted, since the baseline and cumulative over le: per bucket
 *                                tag le, bucket; and count, sum, beside them max and pNN of the window if it has counts.
 *                                Without a unit of time the measurement is M_H and nothing is converted.
 *                                Before them, in the window in which a series appears: the same with zeros, 1 ms after
 *                                its start, because the run before may have a point at the start itself. In the first
 *                                window that a style tells (an output that a reload brought): of every series what it
 *                                had when the window began.
 *     bcc2telegraf  M            as influx
 *                   ebpf         per bucket: tags metric, hi = le - 1, tag1 = the map's first tag, and the others but for
 *                                those that are made from the member of the first; value, a float. Non-empty buckets;
 *                                or cumulative over hi: all of them, for series with counts.
 *
 * A histogram's phase is the tag `phase`. Quantiles are of the fine slots, whatever leaves (histogram.h).
 * Source: the wire schema of the design, and for bcc2telegraf what its dashboards ask for.
 */
#pragma once
#include "emitter.h"

/** What the section of an output says of its style. */
struct style_settings style_settings_of(const struct config_output *config);

/**
 * @param spec      the probe's description, of which map is one; outlives the style, like map and layout
 * @param settings  copied
 * @param alias     for the tag metric of bcc2telegraf, "" = the measurement. Histograms after the first one, and
 *                  phases after its first, bear it with their own name behind: who sums up what they do not know must
 *                  not count an event twice. Copied.
 * @return 0 or -ENOMEM; *ret_style unchanged then
 */
int style_new(const struct spec *spec, const struct spec_map *map, const struct layout *layout,
              const struct style_settings *settings, const char *alias, struct style **ret_style);

/**
 * Makes the points of the window that was merged last.
 * @param series  of that map; made with totals if the style is prometheus
 * @return 0; -ENOMEM; or what @p fn returned
 */
int style_emit(struct style *style, const struct series *series, const struct window *window,
               point_fn fn, void *ctx);

/** Bytes held. The same from window to window while no more series come. */
size_t style_memory(const struct style *style);

/** NULL is fine. */
void style_free(struct style *style);
void style_freep(struct style **style);
