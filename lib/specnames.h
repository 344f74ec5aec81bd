/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specnames.h: whether names that maps of a probe take outside of the host stay apart, in every style. Pure.
 *
 * For measurement M, field F and histogram H of unit U there are
 *     M                     F, F_per_s of a rate; in style prometheus F_total of a counter
 *     M_H                   count; in style fields also le_N, le_inf, sum_U, max_U, pN_U
 *     M_H_summary           count, sum_U, max_U, pN_U
 *     M_H_seconds           bucket, count, sum, max, pN
 *     ebpf                  value, in style bcc2telegraf, with the tags metric, hi and tag1 (the map's first)
 * VictoriaMetrics, and Telegraf for Prometheus, join measurement and field by "_" to one name. A field and a tag of
 * one name are told apart by no query of InfluxDB.
 */
#pragma once
#include "report.h"
#include "specmap.h"

#include <stdbool.h>

/** Reports names that two things of a map would share. */
void specnames_check(const struct spec_map *map, const char *file, struct report *report);

/** Reports names that two maps would share. Maps may have one measurement: specrules.h says which. */
void specnames_check_pair(const struct spec_map *map, const struct spec_map *earlier,
                          const char *file, struct report *report);

/** Whether two maps have the same tags, in the same order. */
bool specnames_same_tags(const struct spec_map *a, const struct spec_map *b);

/** Whether name is base and suffix. */
bool specnames_is_joined(const char *name, const char *base, const char *suffix);

#define SPECNAMES_SUMMARY "_summary"
