/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mapview.h: what a map's bytes are and what leaves of them, member by member, for a person or a program to read. Pure.
 */
#pragma once
#include "layout.h"

#include <stdbool.h>
#include <stdint.h>

/** "log-linear(6) us 18446744073709551615 to ...": room for what a description can say. */
#define MAPVIEW_KIND_BYTES 128

struct mapview_member {
	bool in_key; /* else of the value */
	const char *member;
	uint32_t offset, bytes; /* within the key, or one value */
	const char *as;         /* "tag", "field", "histogram", "sum", "max" */
	const char *name;       /* of the tag, field or histogram */
	const char *phase;      /* or NULL */
	char kind
		[MAPVIEW_KIND_BYTES]; /* "enum(block_op)", "counter rate", "log-linear(2) us 1 to 1073741824" */
};

/** @param member  valid during the call */
typedef void (*mapview_fn)(void *ctx, const struct mapview_member *member);

/** Gives all members that the description names, in its order: tags, fields, then each histogram with sum and maximum. */
void mapview_each(const struct spec_map *map, const struct layout *layout, mapview_fn fn,
                  void *ctx);
