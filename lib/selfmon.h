/* SPDX-License-Identifier: Apache-2.0 */
/**
 * selfmon.h: the agent about itself, as points. Pure.
 *
 *     thermograf                 one per window: the agent
 *     thermograf,output=NAME     one per output and window: what became of its lines
 *     thermograf_probe,probe=NAME  one per probe and window, also of one that does not run
 *     thermograf_coverage,device=NAME,measurement=NAME  one per disk that either side counted anything of
 *
 * Without exception: a gap in them is a gap in the data. Totals since the start end in `_total`, the rest is of
 * the window or of the moment.
 */
#pragma once
#include "collect.h"
#include "output.h"
#include "point.h"
#include "window.h"

#include <stdint.h>

/** Reasons become fields, each with a name of at most this; `drops` has the sum of all. */
#define SELFMON_REASON_BYTES 64

struct selfmon_agent {
	uint64_t cpu_us; /* user and system, in this window */
	uint64_t rss_bytes;
	uint64_t windows;          /* since the start */
	uint64_t clock_steps;      /* since the start */
	uint64_t lines_unwritable; /* since the start: lines that could not be written */
	uint64_t probes;           /* running */
	uint64_t probes_failed;    /* not as the configuration asks for */
	uint64_t reloads;          /* since the start: that took effect */
	uint64_t reloads_refused;  /* since the start: all stayed as it was */
};

/** @return what @p fn returned */
int selfmon_agent(const struct selfmon_agent *agent, const struct window *window, point_fn fn,
                  void *ctx);

/** @return what @p fn returned */
int selfmon_output(const char *name, const struct output_stats *stats, int64_t stamp_ns,
                   point_fn fn, void *ctx);

/** @param collector  NULL: the probe does not run */
int selfmon_probe(const char *name, const struct collector *collector, int64_t stamp_ns,
                  point_fn fn, void *ctx);

/** As selfmon_probe() of one that runs, but for the reasons of its drops. */
int selfmon_counts(const char *name, const struct collect_stats *stats, int64_t stamp_ns,
                   point_fn fn, void *ctx);

/** Without coverage_pct where the kernel does not count this disk. @return what @p fn returned */
int selfmon_coverage(const struct coverage_row *row, int64_t stamp_ns, point_fn fn, void *ctx);
