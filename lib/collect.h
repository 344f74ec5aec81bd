/* SPDX-License-Identifier: Apache-2.0 */
/**
 * collect.h: one attached probe on the street: every window its maps go through snapshot, delta and series,
 * ready to be told to each output. An edge: it reads maps and logs what fails, once.
 */
#pragma once
#include "coverage.h"
#include "mapreader.h"

#include <stdbool.h>
#include <stdint.h>

/** What one window of a probe gave, for the agent's own metrics. */
struct collect_stats {
	struct series_counts counts; /* over all maps but drops */
	uint64_t
		drops; /* events that could not be counted, as the probe says; without reasons that are `counted` */
	uint64_t missed;        /* runs that the kernel left out */
	uint64_t runs, run_ns;  /* 0 unless kernel.bpf_stats_enabled */
	uint64_t read_ns;       /* time spent reading and merging */
	uint64_t gap_ns;        /* before the window's start, in which nobody counted */
	uint64_t failed_reads;  /* ever; such a map's next window is longer */
	uint64_t failed_merges; /* ever; such a map's window is lost (no memory) */
};

struct collector;

/** @param probe  attached; the collector's from here on, also on failure */
int collector_new(struct probe *probe, const struct mapstreet_settings *settings,
                  struct collector **ret);

/** Whether that is the alias in use: else no style can go on. */
bool collector_has_alias(const struct collector *collector, const char *alias);

/**
 * Makes what other settings need, as mapstreet_prepare() for each map; counts and the probe stay.
 * @return 0 or -ENOMEM: nothing is prepared
 */
int collector_prepare(struct collector *collector, const struct mapstreet_settings *settings);

/** Takes into use what was prepared; at a cut, after the window's points were told. */
void collector_commit(struct collector *collector);

const char *collector_name(const struct collector *collector);

/** What its probe was made from. */
const struct fingerprint *collector_fingerprint(const struct collector *collector);

/**
 * Reads everything as what was before the first window.
 * @param former  whose place it takes, and who was read right before; NULL: nobody
 * @return nanoseconds between the former's last read and this one at most: what happened then is nowhere. 0: there is no former, or
 *         it had no baseline. Also told in the stats of the first window
 */
uint64_t collector_baseline(struct collector *collector, const struct collector *former);

/** Reads everything as the end of a window. */
void collector_cut(struct collector *collector, const struct decode_env *env);

/**
 * Between two windows' ends, when disks end (disks_ends()): reads what was counted until now, to be told under the names that
 * the disks had, and ends the series of those.
 * @param env  disks until now, and those that there are as the later ones
 */
void collector_gather(struct collector *collector, const struct decode_env *env);

/** Of the last window cut. */
const struct collect_stats *collector_stats(const struct collector *collector);

/** Adds what the last window counted to what is compared with the kernel's own. @return as coverage_add() */
int collector_add_coverage(const struct collector *collector, struct coverage *coverage);

/**
 * Tells the last window's points; lengths for rates are each map's own, between its two reads.
 * @param output  index in the settings' styles
 * @return 0; -ENOMEM; or what @p fn returned
 */
int collector_emit(const struct collector *collector, size_t output, const struct window *window,
                   point_fn fn, void *ctx);

/** Calls @p fn with the name of each reason of the drops map and its events in the last window. */
void collector_each_drop(const struct collector *collector,
                         void (*fn)(void *ctx, const char *reason, uint64_t events), void *ctx);

void collector_free(struct collector *collector);
void collector_freep(struct collector **collector);
