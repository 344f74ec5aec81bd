/* SPDX-License-Identifier: Apache-2.0 */
/**
 * estimate.h: how much leaves a host in one window, worst and at rest, for one output. Pure.
 *
 * Nothing is reckoned by formula: keys and counts are made up and go through the street itself (mapstreet.h, lineproto.h,
 * batch.h). The keys are every device that there is times every word of an enum; a tag of any other decoder has one value,
 * because nobody can know how many there will be. The counts are random, as many digits as ordinary ones have.
 *
 *     busy   every key counts, in every bucket of every histogram
 *     rest   every key has counted before, and none does now
 *
 * Of more than ESTIMATE_MAX_ROWS keys of a map so many are made, and the rest is taken to be like them.
 */
#pragma once
#include "lineproto.h"
#include "mapstreet.h"

#include <stdbool.h>
#include <stdint.h>

/** Some hundred devices times seven operations: 60 ms and 5 MB in the longest style. */
#define ESTIMATE_MAX_ROWS 1024

struct estimate;

struct estimate_settings {
	struct style_settings style;
	enum content_encoding encoding;
	uint64_t batch_max_bytes;
	uint64_t interval_ns;
	const struct lineproto_globals *globals; /* outlive the estimate */
};

/** One map that is read. */
struct estimate_map {
	const struct spec *spec;
	const struct spec_map *map;
	const struct layout *layout;
	uint32_t max_keys;
	size_t max_series;
	const char *alias; /* "" = none */
};

struct estimate_load {
	uint64_t lines;
	uint64_t
		series; /* of InfluxDB: measurement and tags; style prometheus: of VictoriaMetrics, one for each field */
	uint64_t bytes;      /* of the bodies before compression */
	uint64_t compressed; /* as they are sent */
};

struct estimate_result {
	struct estimate_load busy, rest;
	uint64_t series_bound; /* whatever comes: max_keys and max_series hold it */
	bool has_open_tags;    /* some tag is taken to have one value, because it may have any */
};

/** @return 0 or -ENOMEM; *ret unchanged then */
int estimate_new(const struct estimate_settings *settings, struct estimate **ret);

/** Adds what a map makes of these devices. @return 0 or -ENOMEM */
int estimate_add_map(struct estimate *estimate, const struct estimate_map *map,
                     const struct disks *disks);

/** Adds a point that is sent in every window: a point_fn. @return 0 */
int estimate_add_point(void *estimate, const struct point *point);

/** @return 0 or -ENOMEM, also of what came before; ret unchanged then */
int estimate_finish(struct estimate *estimate, struct estimate_result *ret);

void estimate_free(struct estimate *estimate);
void estimate_freep(struct estimate **estimate);
