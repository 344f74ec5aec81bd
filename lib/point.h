/* SPDX-License-Identifier: Apache-2.0 */
/**
 * point.h: one point of line protocol as data, between series.h and lineproto.h.
 *
 * All texts are borrowed from who made the point and need no escaping yet.
 */
#pragma once
#include "bucket.h"

#include <stddef.h>
#include <stdint.h>

/** Tags of one point: a map's own, phase, le, output; without global tags and host. */
#define POINT_MAX_TAGS 16
/** The finest scale, one field a bucket, and what stands beside: style fields. */
#define POINT_MAX_FIELDS (BUCKET_MAX_SLOTS + 32)

struct point_tag {
	const char *key;
	const char *value;
};

enum point_type {
	POINT_INTEGER,
	POINT_FLOAT,   /* at most 6 decimals */
	POINT_SECONDS, /* a float with at most 9 */
};

struct point_field {
	const char *key;
	enum point_type type;
	union {
		uint64_t integer; /* above INT64_MAX leaves as INT64_MAX: receivers are signed */
		double decimal;
	};
};

struct point {
	const char *measurement;
	struct point_tag tags[POINT_MAX_TAGS]; /* any order */
	size_t n_tags;
	struct point_field fields[POINT_MAX_FIELDS]; /* in the order in which they leave */
	size_t n_fields;
	int64_t stamp_ns;
};

/**
 * Takes one point.
 * @param point  valid during the call only
 * @return 0, or negative errno: who makes points stops and returns it
 */
typedef int (*point_fn)(void *ctx, const struct point *point);
