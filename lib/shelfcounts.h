/* SPDX-License-Identifier: Apache-2.0 */
/**
 * shelfcounts.h: how much some records are together. Pure.
 */
#pragma once
#include "batch.h"

#include <stdbool.h>
#include <stdint.h>

struct shelf_counts {
	uint64_t records;
	uint64_t points;
	uint64_t bytes;   /* of bodies */
	uint64_t windows; /* records that are the first of theirs */
};

/** A batch as it counts. @param first  the first of its window */
struct shelf_counts shelfcounts_of(const struct batch *batch, bool first);

void shelfcounts_add(struct shelf_counts *to, const struct shelf_counts *what);

/** @p from must hold it: shelfcounts_holds(). */
void shelfcounts_subtract(struct shelf_counts *from, const struct shelf_counts *what);

/** Whether @p part is no more than @p all, in each respect. */
bool shelfcounts_holds(const struct shelf_counts *all, const struct shelf_counts *part);
